"""Folders, shards and named data sets as sources of pictures."""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.errors import ArgumentError, MissingExtraError, PhotochromError, PictureError
from photochrom.training.data.opening import open_source
from photochrom.training.data.sources import Source
from tests.helpers.training_pictures import colours, encoded, fill

SHARED = Path(__file__).parents[4] / "shared"


def keys(source: Source) -> list[str]:
    return [key for key, _ in source]


def pixels(source: Source) -> list[np.ndarray[Any, Any]]:
    """All pictures, opened by openers that went through pickle, as to another process."""
    openers = [pickle.loads(pickle.dumps(opener)) for _, opener in source]
    return [np.asarray(opener().convert("RGB")) for opener in openers]


def same(source: Source, *expected: np.ndarray[Any, Any]) -> None:
    found = pixels(source)
    assert len(found) == len(expected) == len(source)
    for got, wanted in zip(found, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_folder_is_searched_to_any_depth_in_sorted_order(tmp_path: Path) -> None:
    names = ["b.PNG", "a/z.png", "a/Größe 深い/é.png", "c.webp"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        kind = "WEBP" if name.endswith("webp") else "PNG"
        (tmp_path / name).write_bytes(encoded(colours(20, 30), kind, lossless=True))
    for other in ("notes.txt", ".hidden.png", "._b.png", "page.pdf", "figure.eps"):
        (tmp_path / other).write_bytes(b"no picture")
    source = open_source(tmp_path)
    assert source.name == tmp_path.name
    assert keys(source) == ["b.PNG", "c.webp", "a/z.png", "a/Größe 深い/é.png"]
    same(source, *[colours(20, 30)] * 4)
    assert [entry[0] for entry in source.inputs()] == keys(source)


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege on Windows")
def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", 1)
    fill(tmp_path / "pictures", 1)
    (tmp_path / "pictures" / "loop").symlink_to(tmp_path / "pictures")
    (tmp_path / "pictures" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "pictures" / "broken.png").symlink_to(tmp_path / "nowhere.png")
    assert keys(open_source(tmp_path / "pictures")) == ["0000.png", "more/0000.png"]


def write_zip(path: Path, method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("one é.png", encoded(colours(20, 30, 1)))
        archive.writestr("__MACOSX/._one.png", b"not a picture")
        archive.writestr("deep/two.bmp", encoded(colours(20, 30, 2), "BMP"))
        archive.writestr("readme.txt", b"text")


def write_tar(path: Path, mode: str) -> None:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in (
            ("one é.png", encoded(colours(20, 30, 1))),
            ("readme.txt", b"text"),
            ("deep/two.bmp", encoded(colours(20, 30, 2), "BMP")),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def write_shard(path: Path) -> None:
    if path.suffix == ".zip":
        write_zip(path, zipfile.ZIP_DEFLATED if "deflated" in path.name else zipfile.ZIP_STORED)
    else:
        write_tar(path, "w" if path.suffix == ".tar" else "w:gz")


SHARDS = ["stored.zip", "deflated.zip", "a.tar", "a.tar.gz", "a.TGZ"]


@pytest.mark.parametrize("name", SHARDS)
def test_shard(tmp_path: Path, name: str) -> None:
    write_shard(tmp_path / name)
    source = open_source(str(tmp_path / name))
    assert source.name == name
    assert keys(source) == ["one é.png", "deep/two.bmp"]
    same(source, colours(20, 30, 1), colours(20, 30, 2))
    assert [entry[:2] for entry in source.inputs()] == [(name, (tmp_path / name).stat().st_size)]


def test_folder_of_shards(tmp_path: Path) -> None:
    for name in ("1.zip", "2.tar"):
        write_shard(tmp_path / name)
    source = open_source(tmp_path)
    assert keys(source)[:3] == ["1.zip/one é.png", "1.zip/deep/two.bmp", "2.tar/one é.png"]
    same(source, *[colours(20, 30, 1), colours(20, 30, 2)] * 2)


@pytest.mark.parametrize("name", ["cut.zip", "cut.tar.gz"])
def test_shard_cut_off(tmp_path: Path, name: str) -> None:
    write_shard(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(PictureError, match=rf"{name} cannot be read.*copy the file anew"):
        len(open_source(tmp_path / name))


@pytest.mark.parametrize("name", SHARDS[:3])
def test_damaged_picture_in_a_shard_is_noticed_when_opened(tmp_path: Path, name: str) -> None:
    write_shard(tmp_path / name)
    data = bytearray((tmp_path / name).read_bytes())
    # Deflate keeps a PNG's incompressible bytes as they are, so they are found in every archive.
    at = data.index(encoded(colours(20, 30, 1))[16:40])
    data[at : at + 24] = bytes(24)
    (tmp_path / name).write_bytes(data)
    (_, first), (_, second) = open_source(tmp_path / name)
    with pytest.raises((OSError, SyntaxError, zlib.error)):
        first().load()
    second().load()


def test_eps_is_not_drawn(tmp_path: Path) -> None:
    # Pillow would start Ghostscript on it.
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n")
    ((_, opener),) = open_source(tmp_path)
    with pytest.raises(OSError, match="cannot identify"):
        opener()


def test_unknown_source(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"cifar11 is not .*folder.*\.zip.*cifar10, cifar100"):
        open_source("cifar11")
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    with pytest.raises(ArgumentError, match="a file that is none of these"):
        open_source(tmp_path / "a.rar")
    (tmp_path / "a.rar").unlink()
    with pytest.raises(ArgumentError, match="has no pictures"):
        open_source(tmp_path)


def test_torchvision_is_named_when_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(MissingExtraError, match=r"cifar10.*torchvision.*photochrom\[train\]"):
        open_source("cifar10", tmp_path)


def test_shared_shard() -> None:
    shard = SHARED / "data" / "val-coco.zip"
    if not shard.is_file():
        pytest.skip("the shared pictures are not here")
    source = open_source(shard)
    assert len(source) == 286
    assert next(iter(source))[1]().size[0] >= 100


# Data sets by name, in small copies of the layout on disk ---------------------------------------


@pytest.fixture
def datasets() -> Any:
    pytest.importorskip("torch", reason="needs PyTorch (extra train)")
    return pytest.importorskip("torchvision.datasets", reason="needs torchvision (extra train)")


def put(path: Path, data: bytes) -> str:
    """Write a file; returns its MD5."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.md5(data).hexdigest()


def write_cifar(folder: Path, kind: Any, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    base = folder / kind.base_folder
    for attribute in ("train_list", "test_list"):
        sums = []
        for at, (name, _) in enumerate(getattr(kind, attribute)):
            rows = np.stack([colours(32, 32, at), colours(32, 32, at + 9)])
            data = rows.transpose(0, 3, 1, 2).reshape(2, -1)
            sums.append([name, put(base / name, pickle.dumps({"data": data, label: [0, 1]}))])
        monkeypatch.setattr(kind, attribute, sums)
    meta = put(base / kind.meta["filename"], pickle.dumps({kind.meta["key"]: ["cat", "dog"]}))
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": meta})


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_cifar10(
    tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    write_cifar(tmp_path / below, datasets.CIFAR10, "labels", monkeypatch)
    source = open_source("cifar10", tmp_path)
    assert (source.name, len(source)) == ("cifar10", 10)  # five batches, none of the test set
    same(source, *(colours(32, 32, at + more) for at in range(5) for more in (0, 9)))
    assert [entry[0] for entry in source.inputs()] == [f"data_batch_{n}" for n in range(1, 6)]


def test_cifar100(tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(tmp_path, datasets.CIFAR100, "fine_labels", monkeypatch)
    same(open_source("cifar100", tmp_path), colours(32, 32, 0), colours(32, 32, 9))


def test_data_sets_are_kept_in_the_home(
    tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOCHROM_HOME", str(tmp_path))
    write_cifar(tmp_path / "datasets", datasets.CIFAR100, "fine_labels", monkeypatch)
    assert len(open_source("cifar100")) == 2


def test_what_is_missing_is_downloaded(
    tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(url: str, root: Path, **options: Any) -> None:
        asked.append(url)
        write_cifar(Path(root), datasets.CIFAR10, "labels", monkeypatch)

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", download)
    assert len(open_source("cifar10", tmp_path / "new")) == 10
    assert asked == [datasets.CIFAR10.url]


def test_failed_download(tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*args: Any, **options: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", download)
    with pytest.raises(PhotochromError, match=r"cifar10 cannot be had.*no route to host"):
        open_source("cifar10", tmp_path)


def test_flowers102(tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scipy_io = pytest.importorskip("scipy.io", reason="torchvision reads these lists by scipy")
    kind, base, sums = datasets.Flowers102, tmp_path / "flowers-102", {}
    for number in range(1, 5):
        put(base / "jpg" / f"image_{number:05d}.jpg", encoded(colours(30, 30, number), "JPEG"))
    ids = {"trnid": [[3, 1]], "valid": [[2, 2]], "tstid": [[4, 4]]}
    for key, values in (("label", {"labels": [[1, 2, 1, 2]]}), ("setid", ids)):
        file = io.BytesIO()
        scipy_io.savemat(file, values)
        name = kind._file_dict[key][0]
        sums[key] = (name, put(base / name, file.getvalue()))
    monkeypatch.setattr(kind, "_file_dict", kind._file_dict | sums)
    source = open_source("flowers102", tmp_path)
    assert keys(source) == [f"flowers-102/jpg/image_0000{n}.jpg" for n in (3, 1)]
    assert len(pixels(source)) == len(source) == 2


def test_places365(tmp_path: Path, datasets: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = datasets.Places365
    names = ["/a/airfield/00000001.png", "/b/bar/00000002.png"]
    for at, name in enumerate(names):
        put(tmp_path / "data_256_standard" / name[1:], encoded(colours(32, 32, at)))
    categories, files = kind._CATEGORIES_META[0], kind._FILE_LIST_META["train-standard"][0]
    first = put(tmp_path / categories, b"/a/airfield 0\n/b/bar 1\n")
    second = put(tmp_path / files, "".join(f"{n} {i}\n" for i, n in enumerate(names)).encode())
    monkeypatch.setattr(kind, "_CATEGORIES_META", (categories, first))
    monkeypatch.setattr(kind, "_FILE_LIST_META", {"train-standard": (files, second)})
    source = open_source("places365", tmp_path)
    assert keys(source) == [f"data_256_standard{name}" for name in names]
    same(source, colours(32, 32, 0), colours(32, 32, 1))


def test_imagenet(tmp_path: Path, datasets: Any) -> None:
    import torch

    wnids = ["n01440764", "n01443537"]
    torch.save((dict.fromkeys(wnids, ("fish",)), wnids), tmp_path / "meta.bin")
    for wnid in wnids:
        put(tmp_path / "train" / wnid / f"{wnid}_1.JPEG", encoded(colours(30, 30), "JPEG"))
    source = open_source("imagenet", tmp_path)
    assert keys(source) == [f"train/{wnid}/{wnid}_1.JPEG" for wnid in wnids]
    assert len(pixels(source)) == len(source) == 2


def test_imagenet_is_not_downloaded(tmp_path: Path, datasets: Any) -> None:
    pytest.importorskip("scipy", reason="torchvision reads the devkit by scipy")
    with pytest.raises(ArgumentError) as caught:
        open_source("imagenet", tmp_path)
    for part in ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_img_train.tar", str(tmp_path)):
        assert part in str(caught.value)
