"""Protocols: exactly the pictures that a name stands for, or an error."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom import ArgumentError, PictureError
from photochrom.evaluate import evaluate, protocols, write_inputs
from photochrom.evaluate.picture_set import Item
from photochrom.evaluate.protocols import PROTOCOLS, names_sha256, pictures_of


def items(names: list[str]) -> list[Item]:
    return [Item(Path("val") / f"{name}.JPEG") for name in names]


VAL = [f"ILSVRC2012_val_{number:08}" for number in range(1, 6001)]


def test_the_first_five_thousand_of_imagenet() -> None:
    found = pictures_of("imagenet-val5k", items(VAL[::-1]))
    assert [each.file.stem for each in found] == VAL[:5000]
    text = "".join(f"{name}\n" for name in VAL[:5000])
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert PROTOCOLS["imagenet-val5k"].sha256 == expected == names_sha256(found)


def test_a_picture_too_few_is_an_error() -> None:
    match = r"not those of imagenet-val5k: expected the 5,000 of .*, got 4,999 with names.*ILSVRC"
    with pytest.raises(ArgumentError, match=match):
        pictures_of("imagenet-val5k", items(VAL[1:5000]))


def test_other_pictures_of_the_same_kind_are_an_error() -> None:
    names = [f"{number:012}" for number in range(5000)]
    with pytest.raises(ArgumentError, match=r"the 5,000 of COCO val2017.*got 5,000 with names"):
        pictures_of("coco-val5k", items(names))


def test_the_list_of_ctest10k_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"/n0{number}/{name}.JPEG 7" for number, name in enumerate(VAL[4000:4003])]

    def download(urls: list[str], target: Path, *, size: int, sha256: str) -> Path:
        assert len(sha256) == 64
        assert size == 438_903
        assert target.name == "ctest10k.txt"
        (tmp_path / "list").write_text("\n".join(lines) + "\n")
        return tmp_path / "list"

    monkeypatch.setattr(protocols, "download", download)
    with pytest.raises(ArgumentError, match=r"expected the 10,000 of ImageNet ctest10k.*got 3"):
        pictures_of("imagenet-ctest10k", items(VAL))


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a protocol of two pictures and one that is none of them."""
    rng = np.random.default_rng(1)
    for name in ("a", "b", "other"):
        rgb = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(tmp_path / f"{name}.png")
    mine = replace(
        PROTOCOLS["coco-val5k"],
        count=2,
        belongs=lambda: {"a", "b"}.__contains__,
        sha256=hashlib.sha256(b"a\nb\n").hexdigest(),
    )
    monkeypatch.setattr(protocols, "PROTOCOLS", {"two": mine})
    return tmp_path


def flat(grey: Any) -> Any:
    return np.stack([grey] * 3, -1)


def test_an_evaluation_by_a_protocol(small: Path) -> None:
    (report,) = evaluate([small], [flat], protocol="two")
    assert (report.pictures, report.protocol, report.size) == (2, "two", 256)
    assert report.names_sha256 == hashlib.sha256(b"a\nb\n").hexdigest()
    assert report.to_dict()["protocol"] == "two"
    assert write_inputs([small], small / "grey", protocol="two") == 2


@pytest.mark.parametrize("options", [{"size": 64}, {"limit": 1}])
def test_a_part_of_a_protocol_is_none(small: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="the protocol two: expected all of its pictures at"):
        evaluate([small], [flat], protocol="two", **options)


def test_an_unknown_protocol(small: Path) -> None:
    with pytest.raises(ArgumentError, match="the protocol: expected one of two, got tow; did you"):
        evaluate([small], [flat], protocol="tow")


def test_a_damaged_picture_of_a_protocol(small: Path) -> None:
    (small / "a.png").write_bytes(b"\x89PNG no more")
    with pytest.raises(PictureError, match=r"two needs all of its pictures: got 1 that cannot"):
        evaluate([small], [flat], protocol="two")
