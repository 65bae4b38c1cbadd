"""Lists of shots and their files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from photochrom import ArgumentError, Hint, Shot, ShotList

LIST = ShotList(
    "film.mp4",
    10.0,
    (
        Shot(0, 4, 1, frame=0, picture="stills/000025.jpg", colors=("#102030",), confidence=0.5),
        Shot(4, 7.5, 5, version=2, hints=(Hint(3, 4, "teal", 5, time=4.5),), versions=("a", "b")),
        Shot(7.5, 10, 8, place=1, vividness=0.5, warmth=-0.5, hints=(Hint(1, 2, "keep"),)),
    ),
)


def test_a_file_gives_the_list_back(tmp_path: Path) -> None:
    file = tmp_path / "sheet" / "shots.json"
    file.parent.mkdir()
    known = LIST.with_shot(1, reference=(str(tmp_path / "sheet" / "a.png"), "/far/b.png"))
    known.write(file)
    assert ShotList.read(file) == known
    assert json.loads(file.read_text())["shots"][0]["reference"] == ["a.png", "/far/b.png"]
    assert [shot.edited for shot in known.shots] == [True, True, True]
    assert not LIST.shots[0].edited


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    data = LIST.plain()
    data["shots"] = [{"start": 0, "end": 10, "still": 2, "hints": None}]
    assert ShotList.from_plain(data).shots == (Shot(0.0, 10.0, 2.0),)


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "a gap": ({"end": 3.5}, "shots 1 and 2: expected the second to begin where the first ends"),
    "backwards": ({"end": -1}, "start and end of shot 1"),
    "a still elsewhere": ({"still": 6}, "still of shot 1"),
    "a later place": ({"place": 2}, "place of shot 1"),
    "half a version": ({"version": 1.5}, "version of shot 1: expected a whole number"),
    "no number": ({"warmth": "hot"}, 'warmth of shot 1: expected a number, got "hot"'),
    "an unknown name": ({"vividnes": 1}, "got vividnes"),
    "no list": ({"reference": "a.png"}, "reference of shot 1: expected a list"),
    "no hint": ({"hints": [{"x": 1}]}, "a hint cannot be read"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_mistakes_are_named(tmp_path: Path, name: str) -> None:
    changes, words = CHANGES[name]
    data = LIST.plain()
    data["shots"][0] |= changes
    file = tmp_path / "shots.json"
    file.write_text(json.dumps(data))
    with pytest.raises(ArgumentError) as caught:
        ShotList.read(file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", '{"format": "other"}', "\u00e9" * 3])
def test_another_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "shots.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ArgumentError, match="photochrom shots"):
        ShotList.read(file)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="cannot be read"):
        ShotList.read(tmp_path / "none.json")


def test_no_such_shot() -> None:
    with pytest.raises(ArgumentError, match="1 to 3"):
        LIST.with_shot(4, version=1)
