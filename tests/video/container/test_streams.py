"""Everything else of a film: sound, subtitles, chapters, attachments, covers and tags."""

from __future__ import annotations

import dataclasses
import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container import streams as copying
from photochrom.video.container.video_reader import VideoReader
from tests.helpers.segmented_films import color, times
from tests.helpers.video_files import Recipe, Sound, Titles, av, make_film, payloads, starts


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


RICH = Recipe(
    sounds=(Sound(title="Main", disposition=1), Sound(language="deu", hertz=880, rate=48000)),
    titles=(Titles(), Titles(language="fra", lines=((0.2, 0.9, "un"),))),
    chapters=((0, 0.5, "Before"), (0.5, 1, "After")),
    attachments=(("a font.ttf", "application/x-truetype-font", bytes(range(200))),),
    cover=png(),
    display=90,
    metadata={"title": "Café", "comment": "an old film"},
    tags={
        **{"color_primaries": 5, "color_trc": 6, "colorspace": 5, "color_range": 1},
        "sample_aspect_ratio": Fraction(16, 15),
    },
)
RICH_MP4 = dataclasses.replace(RICH, titles=(Titles(codec="mov_text"),), attachments=())


def streams(path: Path) -> list[tuple[str, str | None, str | None, int]]:
    """Kind, language, title and disposition of every stream."""
    with av.open(str(path)) as source:
        return [
            (s.type, s.language, s.metadata.get("title") or s.metadata.get("name"), s.disposition)
            for s in source.streams
        ]


def chapters(source: Any) -> list[tuple[float, float, str]]:
    """Begin and end in seconds, and the title, of every chapter."""
    return [
        (
            float(chapter["start"] * chapter["time_base"]),
            float(chapter["end"] * chapter["time_base"]),
            chapter["metadata"]["title"],
        )
        for chapter in source.chapters()
    ]


@pytest.mark.parametrize(("recipe", "suffix"), [(RICH, ".mkv"), (RICH_MP4, ".mp4")])
def test_the_rest_is_copied_byte_for_byte(tmp_path: Path, recipe: Recipe, suffix: str) -> None:
    film, target = make_film(tmp_path / f"a{suffix}", recipe), tmp_path / f"b{suffix}"
    assert color(film, target) == []
    old, new = payloads(film), payloads(target)
    assert old.keys() == new.keys()
    assert {i: old[i] for i in old if i} == {i: new[i] for i in new if i}
    assert streams(film) == streams(target)
    assert len(old[1]) > 40
    for index in (1, 2, 3):
        assert starts(target, index) == starts(film, index)
    with av.open(str(film)) as source, av.open(str(target)) as result:
        assert chapters(source) == chapters(result) == list(recipe.chapters)
        assert result.metadata["title"] == "Café"
        comment = {k.lower(): v for k, v in result.metadata.items()}["comment"]
        assert comment == "an old film; made up"
        for a, b in zip(source.streams, result.streams, strict=True):
            if a.type == "attachment":
                assert (a.name, a.mimetype, a.data) == (b.name, b.mimetype, b.data)
    with VideoReader(film) as clip, VideoReader(target) as colored:
        assert colored.tags == clip.tags
        assert next(colored.frames()).rotation == 90


def test_sound_without_durations_is_copied_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = copying.move

    def forget(packet: Any, *args: Any, **kwargs: Any) -> Any:
        packet.duration = 0  # as large Matroska files are read
        return move(packet, *args, **kwargs)

    film = make_film(tmp_path / "a.mkv", Recipe(sounds=(Sound(), Sound(codec="flac", rate=48000))))
    monkeypatch.setattr(copying, "move", forget)
    assert color(film, tmp_path / "b.mp4") == []
    old, new = payloads(film), payloads(tmp_path / "b.mp4")
    assert (old[1], old[2]) == (new[1], new[2])


def test_a_cover_goes_from_one_kind_of_file_to_the_other(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(cover=png()))
    color(film, tmp_path / "b.mkv")
    color(tmp_path / "b.mkv", tmp_path / "c.mp4")
    cover = payloads(film)[1]
    assert payloads(tmp_path / "b.mkv")[1] == payloads(tmp_path / "c.mp4")[1] == cover
    with Image.open(io.BytesIO(png())) as picture:
        assert picture.size == (8, 8)


@pytest.mark.parametrize(
    ("recipe", "source", "target", "missing"),
    [
        (RICH, "a.mkv", "b.mp4", ["subtitle stream 3", "subtitle stream 4", "attachment stream 5"]),
        (RICH_MP4, "a.mp4", "b.mkv", ["subtitle stream 3"]),
        (
            dataclasses.replace(RICH_MP4, sounds=(Sound(), Sound(codec="libopus", rate=48000))),
            *("a.mp4", "b.webm"),
            ["shape of the pixels", "audio stream 1", "subtitle stream 3", "video stream"],
        ),
    ],
)
def test_what_the_new_file_cannot_hold_is_named(
    tmp_path: Path, recipe: Recipe, source: str, target: str, missing: list[str]
) -> None:
    film = make_film(tmp_path / source, recipe)
    left_out = color(film, tmp_path / target)
    assert len(left_out) == len(missing)
    for what in missing:
        line = next(str(item) for item in left_out if what in item.what)
        lost = any(kind in what for kind in ("attachment", "shape", "video"))
        assert ("was left out: " if lost else "was converted to ") in line
        assert "\n" not in line
    assert len(payloads(tmp_path / target)) > 1


def test_a_part_of_a_film(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RICH, times=tuple(range(0, 96 * 512, 512)), cover=None)
    film = make_film(tmp_path / "a.mkv", recipe)
    target = tmp_path / "b.mkv"
    assert color(film, target, start=0.3, end=2.0) == []
    # 0.3 s is between two frames; the next is the first, at 0.
    whole = [time for time in times(film) if Fraction(3, 10) <= time < 2]
    assert times(target) == [time - whole[0] for time in whole]
    old, new = payloads(film), payloads(target)
    sound = starts(film, 1)
    kept = [time for time in sound if whole[0] <= time < 2]
    assert starts(target, 1) == pytest.approx([t - float(whole[0]) for t in kept], abs=0.002)
    first = old[1].index(new[1][0])
    assert new[1] == old[1][first : first + len(new[1])]
    assert starts(target, 3) == pytest.approx([0, 0.5 - float(whole[0])], abs=0.002)
    with av.open(str(target)) as result:
        assert result.duration == pytest.approx(1_700_000, abs=50_000)
        (_, cut, before), (begin, _, after) = chapters(result)
    assert (before, after) == ("Before", "After")
    assert cut == begin == pytest.approx(0.5 - float(whole[0]), abs=0.001)
