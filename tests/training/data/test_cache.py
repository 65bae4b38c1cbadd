"""Decoded pictures on disk: what is left out, and what remains when a build fails."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
import warnings
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from photochrom.errors import ArgumentError, PhotochromError
from photochrom.training.data import cache as caching
from photochrom.training.data import decode as decoding
from photochrom.training.data.cache import Cache, build_cache
from photochrom.training.data.decode import decode, judge
from photochrom.training.data.decode import decoded as decode_all
from photochrom.training.data.opening import open_source
from photochrom.training.data.sources import Encoded
from tests.helpers.training_pictures import colours, encoded, fill


def build(pictures: Path, folder: Path, **options: Any) -> Cache:
    return build_cache([open_source(pictures)], folder, **options)


def decoded(data: bytes, side: int = 160) -> Any:
    return decode((0, "picture", Encoded(data)), side)


def pixels(result: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(result.data)))


@pytest.fixture(autouse=True)
def exact(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies without the losses of JPEG, where pictures are decoded in this process."""
    if not request.node.name.startswith("test_copies_are_small"):
        monkeypatch.setattr(decoding, "_TINY", 10**6)


def test_copies_are_small_and_look_the_same() -> None:
    picture = colours(120, 160)
    result = decoded(encoded(picture))
    assert result.data[:2] == b"\xff\xd8"
    assert len(result.data) < picture.size / 4
    assert np.abs(pixels(result).astype(int) - picture).mean() < 2
    assert decoded(encoded(colours(60, 70))).data[:4] == b"\x89PNG"


def test_pictures_come_out_in_order_and_untouched(tmp_path: Path) -> None:
    fill(tmp_path / "Bilder – 写真", 3)
    fill(tmp_path / "more", 2, height=30, width=30)
    sources = [open_source(tmp_path / name) for name in ("Bilder – 写真", "more")]
    made = build_cache(sources, tmp_path / "cache é")
    assert len(made) == 5
    assert made.sources == ["Bilder – 写真", "more"]
    assert [made.source_of(i) for i in range(5)] == [0, 0, 0, 1, 1]
    assert made.sources_of(np.array([4, 0])).tolist() == [1, 0]
    for number in range(3):
        np.testing.assert_array_equal(made[number], colours(40, 50, number))
    assert made[3].shape == (30, 30, 3)
    assert made[0].dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        made[0][0, 0] = 1
    copy = pickle.loads(pickle.dumps(made))
    np.testing.assert_array_equal(copy[4], made[4])
    assert len(pickle.dumps(made)) < 1000  # other processes map the file, nobody copies it


def test_processes_give_the_same_as_one(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 130, height=20, width=24)
    (tmp_path / "pictures" / "0007.png").write_bytes(b"damaged")
    steps: list[tuple[int, int]] = []
    alone = build(tmp_path / "pictures", tmp_path / "one", workers=1)
    many = build(
        tmp_path / "pictures",
        tmp_path / "two",
        workers=2,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(64, 130), (128, 130), (130, 130)]
    assert many.skipped == alone.skipped == {"unreadable": 1}
    for name in ("pictures.bin", "index.npy", "meta.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_bad_pictures_are_left_out_and_counted(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    fill(folder, 2)
    good = colours(40, 50)
    grey = Image.fromarray(good).convert("L")
    (folder / "cut.jpg").write_bytes(encoded(good, "JPEG")[:400])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no picture")
    (folder / "tiny.png").write_bytes(encoded(colours(15, 50)))
    (folder / "grey.png").write_bytes(encoded(np.asarray(grey)))
    (folder / "grey2.jpg").write_bytes(encoded(np.asarray(grey.convert("RGB")), "JPEG"))
    (folder / "huge.png").write_bytes(bomb(20_000, 20_000))
    (folder / "large.png").write_bytes(bomb(10_001, 10_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = build(folder, tmp_path / "cache")
    assert len(made) == 2
    assert made.skipped == {"unreadable": 3, "too small": 1, "grey": 2, "too large": 2}
    assert made.examples["too small"] == "tiny.png in pictures: 50 x 15 pixels"
    assert made.examples["unreadable"].startswith("cut.jpg in pictures: ")
    assert Cache(tmp_path / "cache").skipped == made.skipped


def bomb(width: int, height: int) -> bytes:
    """A PNG that is this large by its header, and has hardly any bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        length, checksum = struct.pack(">I", len(data)), struct.pack(">I", zlib.crc32(kind + data))
        return length + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(99))), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_nothing_left(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "text.png").write_text("no picture")
    with pytest.raises(ArgumentError, match=r"no picture can be used.*1 unreadable \(text\.png in"):
        build(tmp_path / "pictures", tmp_path / "cache")
    assert [path.name for path in tmp_path.iterdir() if path.name != ".cache.lock"] == ["pictures"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((400, 600), (160, 240)),
        ((600, 400), (240, 160)),
        ((300, 3000), (160, 240)),  # at most 3:2
        ((90, 120), (90, 120)),  # not enlarged
        ((100, 300), (100, 150)),
        ((161, 161), (160, 160)),
        ((16, 17), (16, 17)),
    ],
)
def test_sizes(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert pixels(decoded(encoded(colours(*size)))).shape == (*expected, 3)


def test_crop_is_in_the_middle() -> None:
    picture = colours(40, 100)
    np.testing.assert_array_equal(pixels(decoded(encoded(picture))), picture[:, 20:80])


def test_reduced_pictures_do_not_alias() -> None:
    stripes = np.tile(np.array([[250, 200, 20], [10, 60, 200]], np.uint8), (640, 320, 1))
    stripes[:320, :, 2] = 255 - stripes[:320, :, 2]
    found = pixels(decoded(encoded(stripes))).astype(int)
    assert found.shape == (160, 160, 3)
    found = found[:, 4:-4]
    assert np.abs(found[:76] - [130, 130, 145]).max() <= 2
    assert np.abs(found[84:] - [130, 130, 110]).max() <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "side"), [("PNG", 160), ("JPEG", 160), ("TIFF", 32)])
def test_orientation(orientation: int, kind: str, side: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"quality": 98} if kind == "JPEG" else {}
    data = encoded(colours(48, 64), kind, exif=exif, **options)
    found = pixels(decoded(data, side))
    upright = pixels(decoded(encoded(colours(48, 64), kind, **options), side))
    wanted = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: upright.swapaxes(0, 1)[:, ::-1],
        7: upright[::-1, ::-1].swapaxes(0, 1),
        8: upright.swapaxes(0, 1)[::-1],
    }
    assert found.shape == wanted[orientation].shape
    # Pillow turns a TIFF before it is reduced, which rounds otherwise.
    np.testing.assert_allclose(found, wanted[orientation], atol=1 if kind == "TIFF" else 0)


def test_damaged_exif_does_not_matter() -> None:
    data = encoded(colours(40, 50), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert decoded(data).data is not None


def test_profile_is_applied() -> None:
    picture = colours(40, 50)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = pixels(decoded(encoded(picture, icc_profile=srgb)))
    assert np.abs(found.astype(int) - picture).max() <= 1
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for broken in (
        lab,  # not for RGB
        b"no profile",
        srgb[:200],
    ):
        found = pixels(decoded(encoded(picture, icc_profile=broken)))
        np.testing.assert_array_equal(found, picture)
    swapped = swap_red_and_blue(srgb)
    found = pixels(decoded(encoded(picture, icc_profile=swapped))).astype(int)
    assert np.abs(found - picture[..., ::-1]).max() <= 3


def swap_red_and_blue(profile: bytes) -> bytes:
    return profile.replace(b"rXYZ", b"tmpX").replace(b"bXYZ", b"rXYZ").replace(b"tmpX", b"bXYZ")


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK", "YCbCr"])
def test_other_modes(mode: str) -> None:
    picture = colours(40, 50)
    image = Image.fromarray(picture).convert(mode)
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF"}.get(mode, "PNG")
    file = io.BytesIO()
    image.save(file, kind)
    found = pixels(decoded(file.getvalue()))
    assert found.shape == (40, 50, 3)
    np.testing.assert_allclose(found, np.asarray(image.convert("RGB")), atol=1)


def test_what_is_transparent_is_white() -> None:
    picture = np.dstack([colours(40, 50), np.full((40, 50), 255, np.uint8)])
    picture[:20, :, 3] = 0
    found = pixels(decoded(encoded(picture)))
    assert (found[:20] == 255).all()
    np.testing.assert_array_equal(found[20:], picture[20:, :, :3])


def test_grey_and_toned_pictures_are_told_from_coloured_ones() -> None:
    picture = colours(120, 160, 3)
    grey = Image.fromarray(picture).convert("L")
    sepia = np.asarray(ImageOps.colorize(grey, "#20180c", "#fff0d0", mid="#a08050"))
    blue = np.asarray(ImageOps.colorize(grey, "#001040", "#e0f0ff"))
    assert judge(picture) == ("", "")
    assert judge(np.asarray(grey.convert("RGB")))[0] == "grey"
    noise = np.random.default_rng(0).integers(-2, 3, (120, 160, 3))
    noisy = np.clip(np.asarray(grey.convert("RGB")) + noise, 0, 255).astype(np.uint8)
    assert judge(noisy)[0] == "grey"
    for toned in (sepia, blue):
        assert judge(toned)[0] == "toned"
        assert decoded(encoded(toned, "JPEG")).reason == "toned"
    flag = sepia.copy()
    flag[40:80, 60:120] = 200, 20, 30
    assert judge(flag) == ("", "")


# When it is built, and what remains when that fails ---------------------------------------------


def test_reopened_when_nothing_changed_else_built_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, folder = tmp_path / "pictures", tmp_path / "cache"
    fill(pictures, 3)
    first = build(pictures, folder, side=32)
    assert (first.side, first[0].shape) == (32, (32, 40, 3))
    before = (folder / "meta.json").stat()
    again = build(pictures, folder, side=32)
    assert again.digest == first.digest
    assert (folder / "meta.json").stat() == before
    assert build(pictures, folder, side=16)[0].shape == (16, 20, 3)  # another option
    (pictures / "0003.png").write_bytes(encoded(colours(40, 50, 9)))
    assert len(build(pictures, folder, side=16)) == 4  # a new picture
    os.utime(pictures / "0000.png", ns=(1, 1))
    digest = Cache(folder).digest
    assert build(pictures, folder, side=16).digest != digest  # a changed one
    assert left_over(tmp_path) == []


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


@pytest.mark.parametrize("damage", ["meta.json", "index.npy", "pictures.bin"])
def test_damaged_cache_is_built_again(tmp_path: Path, damage: str) -> None:
    fill(tmp_path / "pictures", 2)
    folder = tmp_path / "cache"
    build(tmp_path / "pictures", folder)
    whole = (folder / damage).read_bytes()
    (folder / damage).write_bytes(whole[:-7])
    with pytest.raises(ArgumentError, match="is not a cache of pictures"):
        Cache(folder)
    build(tmp_path / "pictures", folder)
    assert (folder / damage).read_bytes() == whole


def test_another_format_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 1)
    build(tmp_path / "pictures", tmp_path / "cache")
    file = tmp_path / "cache" / "meta.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 99}))
    with pytest.raises(ArgumentError, match="of format 2, got format 99"):
        Cache(tmp_path / "cache")


def test_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 2)
    fill(tmp_path / "mine", 1)
    with pytest.raises(ArgumentError, match="one with other files"):
        build(tmp_path / "pictures", tmp_path / "mine")
    assert (tmp_path / "mine" / "0000.png").is_file()
    build(tmp_path / "pictures", tmp_path / "cache")
    (tmp_path / "cache" / "notes.txt").write_text("mine too")
    with pytest.raises(ArgumentError, match="one with other files"):
        build(tmp_path / "pictures", tmp_path / "cache", side=16)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="got a file"):
        build(tmp_path / "pictures", tmp_path / "file")


def test_full_disk_leaves_the_earlier_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "pictures", 3)
    folder = tmp_path / "cache"
    build(tmp_path / "pictures", folder)
    normal = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.room = file, 10_000

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: Any) -> None:
            self.room -= len(bytes(data))
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.file.write(data)

    def opened(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        file = normal(path, mode, *args, **options)
        return Full(file) if path.name == "pictures.bin" and "w" in mode else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(PhotochromError, match=r"a disk with room.*No space left.*free some space"):
        build(tmp_path / "pictures", folder, side=38)
    assert left_over(tmp_path) == []
    assert Cache(folder).side == 160
    np.testing.assert_array_equal(Cache(folder)[2], colours(40, 50, 2))


def test_interruption_leaves_nothing(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 130, height=20, width=20)

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "pictures", tmp_path / "cache", progress=interrupt, workers=1)
    assert left_over(tmp_path) == []
    assert not (tmp_path / "cache").exists()


SLOW_BUILD = """
import sys, time
from pathlib import Path
from photochrom.training.data.cache import build_cache
from photochrom.training.data.opening import open_source

def wait(done, total):
    print(done, flush=True)
    time.sleep(600)

if __name__ == "__main__":
    build_cache([open_source(Path(sys.argv[1]))], Path(sys.argv[2]), progress=wait, workers=2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_killed_build_leaves_no_cache(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(200):
            archive.writestr(f"{number}.png", encoded(colours(20, 24, number)))
    script = tmp_path / "build.py"
    script.write_text(SLOW_BUILD)
    command = [sys.executable, str(script), str(tmp_path / "a.zip"), str(tmp_path / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"64\n"
        children = children_of(process.pid)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "cache").exists()
    assert len(left_over(tmp_path)) == 1
    with pytest.raises(ArgumentError, match="is not a cache"):
        Cache(tmp_path / left_over(tmp_path)[0])
    assert len(build(tmp_path / "a.zip", tmp_path / "cache")) == 200
    assert left_over(tmp_path) == []
    limit = time.monotonic() + 300
    while any(map(alive, children)):  # no process is left waiting for work
        assert time.monotonic() < limit
        time.sleep(0.05)


def children_of(process: int) -> list[int]:
    try:
        listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    except OSError:
        return []  # not Linux
    return [int(number) for number in listed.split()]


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_killed_worker_is_reported() -> None:
    deadly: Any = partial(os._exit, 9)
    with pytest.raises(PhotochromError, match=r"processes that live.*fewer workers"):
        list(decode_all([(0, "a", deadly)], 160, 2))


def test_script_without_a_guard_ends(tmp_path: Path) -> None:
    fill(tmp_path / "pictures", 130, height=20, width=20)
    script = tmp_path / "build.py"
    script.write_text(SLOW_BUILD.replace('if __name__ == "__main__":', "if True:"))
    command = [sys.executable, str(script), str(tmp_path / "pictures"), str(tmp_path / "cache")]
    found = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert found.returncode == 1
    assert "got one that does it whenever it is imported" in found.stderr
    assert "PhotochromError" in found.stderr.splitlines()[-1]
    assert left_over(tmp_path) == []


def test_two_builds_at_once_build_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "pictures", 2)
    first = build(tmp_path / "pictures", tmp_path / "cache")

    # The other process finished while this one waited for the lock.
    answers = iter([None, first])
    monkeypatch.setattr(caching, "_made", lambda folder, digest: next(answers))
    monkeypatch.setattr(caching, "_fill", None)
    assert build(tmp_path / "pictures", tmp_path / "cache") is first


@pytest.mark.parametrize("options", [{"side": 15}, {"workers": 0}, {"workers": -1}])
def test_options_out_of_range(tmp_path: Path, options: dict[str, int]) -> None:
    fill(tmp_path / "pictures", 1)
    with pytest.raises(ArgumentError, match=f"{next(iter(options))} is too small"):
        build(tmp_path / "pictures", tmp_path / "cache", **options)


def test_no_sources(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="there are no pictures"):
        build_cache([], tmp_path / "cache")
