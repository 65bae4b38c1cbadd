"""Decoded pictures on disk: what is left out, and when they are decoded again."""

from __future__ import annotations

import json
import os
import pickle
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom.errors import ArgumentError
from photochrom.training.data import cache as caching
from photochrom.training.data.cache import Cache, build_cache
from photochrom.training.data.opening import open_source
from tests.helpers.bombs import SIGNATURE, chunk
from tests.helpers.picture_caches import build, left_over
from tests.helpers.training_pictures import colours, encoded, fill

pytestmark = pytest.mark.usefixtures("exact")


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
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(99))), chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(parts)


def test_nothing_left(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "text.png").write_text("no picture")
    with pytest.raises(ArgumentError, match=r"no picture can be used.*1 unreadable \(text\.png in"):
        build(tmp_path / "pictures", tmp_path / "cache")
    assert [path.name for path in tmp_path.iterdir() if path.name != ".cache.lock"] == ["pictures"]


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
