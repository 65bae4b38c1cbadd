"""Colour clips: films of every matrix, folders of frames, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom import ArgumentError, MissingExtraError, VideoError
from photochrom.evaluate.films.film_clips import Footage, open_clip
from photochrom.evaluate.films.film_metrics import BT601, BT709, luma
from tests.helpers.film_files import colour_frames, write_film, write_planes, write_sound


def test_a_film(tmp_path: Path) -> None:
    frames = colour_frames(6)
    clip = open_clip(write_film(tmp_path / "a.mkv", frames))
    assert clip.name == str(tmp_path / "a.mkv")
    for _ in range(2):  # it can be played again
        np.testing.assert_array_equal(list(clip.frames()), frames)
    assert len(list(clip.frames(4))) == 4
    clip.check()


# Stripes of Y', Cb, Cr inside RGB by both matrices, one of them quite red.
STRIPES = np.array([[60, 100, 120, 180], [128, 115, 140, 120], [128, 180, 115, 135]])


@pytest.mark.parametrize(
    ("shape", "matrix", "weights"),
    [
        ((48, 64), 1, BT709),
        ((48, 64), 5, BT601),
        ((48, 64), 6, BT601),
        ((48, 64), None, BT601),
        ((720, 64), None, BT709),
        ((720, 64), 6, BT601),
    ],
)
def test_luma_is_what_was_coded(
    tmp_path: Path, shape: tuple[int, int], matrix: int | None, weights: tuple[float, float, float]
) -> None:
    clip = open_clip(write_planes(tmp_path / "a.mkv", shape, STRIPES, matrix))
    assert clip.weights == weights
    (rgb,) = clip.frames()
    coded = np.repeat((STRIPES[0] - 16) * 255 / 219, 16)
    assert np.abs(luma(rgb, clip.weights)[shape[0] // 2] - coded).max() <= 1.6
    wrong = BT601 if weights == BT709 else BT709
    assert np.abs(luma(rgb, wrong)[shape[0] // 2] - coded).max() > 5


def test_a_folder_is_its_pictures_by_name(tmp_path: Path) -> None:
    frames = colour_frames(3)
    for place, rgb in enumerate(frames):
        Image.fromarray(rgb).save(tmp_path / f"{place:03}.png")
    Image.new("L", (64, 48), 90).save(tmp_path / "999.png")
    clip = open_clip(tmp_path)
    assert clip.length == 4
    *coloured, grey = clip.frames()
    np.testing.assert_array_equal(coloured, frames)
    assert (grey == 90).all()
    assert grey.shape == (48, 64, 3)
    clip.check()


def test_a_clip_without_colour_is_no_truth(tmp_path: Path) -> None:
    grey = [np.repeat(f[..., :1], 3, axis=2) for f in colour_frames(6)]
    clip = open_clip(write_film(tmp_path / "grey.mkv", grey))
    with pytest.raises(VideoError, match=r"grey\.mkv .* a clip in colour, .* black-and-white"):
        clip.check()
    # Colour may come late, after a title; but not after what is compared.
    late = open_clip(write_film(tmp_path / "late.mkv", [*grey, *colour_frames(1)]))
    late.check()
    with pytest.raises(VideoError, match="in colour"):
        late.check(6)


def test_no_frames_are_no_clip() -> None:
    with pytest.raises(VideoError, match="at least one frame, got none"):
        Footage("nothing", lambda: iter(())).check()


def test_frames_of_several_sizes(tmp_path: Path) -> None:
    for place, size in enumerate(((64, 48), (64, 48), (32, 48))):
        Image.new("RGB", size, (200, 50, 50)).save(tmp_path / f"{place}.png")
    with pytest.raises(VideoError, match="one size, got 64 x 48, then 32 x 48"):
        list(open_clip(tmp_path).frames())


def test_a_clip_too_small_for_motion() -> None:
    tiny = Footage("tiny", lambda: iter([np.zeros((15, 40, 3), np.uint8)]))
    with pytest.raises(VideoError, match="16 pixels or more each way, got 40 x 15"):
        tiny.check()


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"nowhere cannot .* no such file or folder"):
        open_clip(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArgumentError, match="there is no picture"):
        open_clip(tmp_path / "empty")
    (tmp_path / "words.mp4").write_text("no film at all")
    with pytest.raises(VideoError, match=r"words\.mp4 cannot .* expected a film, got"):
        open_clip(tmp_path / "words.mp4")
    with pytest.raises(VideoError, match=r"sound\.wav .* no pictures in it"):
        open_clip(write_sound(tmp_path / "sound.wav"))


def test_a_damaged_film(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mkv", colour_frames(12))
    data = bytearray(path.read_bytes())
    for place in range(len(data) // 3, len(data), 97):
        data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(VideoError, match=r"a\.mkv cannot be evaluated on: expected a film, got"):
        list(open_clip(path).frames())


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "a.mkv", colour_frames(1))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"package av.*photochrom\[video\]"):
        open_clip(path)
