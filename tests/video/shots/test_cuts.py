"""Where shots begin, on films made here."""

from __future__ import annotations

import io

import numpy as np
import pytest

from photochrom.color import Float
from photochrom.errors import ArgumentError

cv2 = pytest.importorskip("cv2", reason="needs OpenCV (extra video)")

from photochrom.video.shots.cuts import LOOK_AHEAD, Shots  # noqa: E402

Film = list[Float]


def scene(seed: int) -> Float:
    """A picture with large and small shapes, larger than the frame."""
    random = np.random.default_rng(seed)
    picture = np.zeros((240, 400), np.float32)
    for cells, weight in (((4, 6), 22), ((12, 20), 12), ((40, 60), 5)):
        rough = random.normal(0, weight, cells).astype(np.float32)
        picture += cv2.resize(rough, (400, 240), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + 50, 3, 97)


def grainy(picture: Float, seed: int, grain: float = 2) -> Float:
    noise = np.random.default_rng(seed).normal(0, grain, picture.shape)
    return np.clip(picture + noise, 0, 100).astype(np.float32)


def shot(seed: int, count: int, pan: float = 0, zoom: float = 0, grain: float = 2) -> Film:
    """Frames of 96x160; `pan` is in pixels and `zoom` a part of the size, both per frame."""
    picture, frames = scene(seed), []
    for i in range(count):
        scale = 1 + zoom * i
        across = 60 + pan * (i - count / 2)
        moved = np.array([[scale, 0, -across * scale], [0, scale, -60 * scale]], np.float32)
        view = cv2.warpAffine(picture, moved, (160, 96), borderMode=cv2.BORDER_REFLECT)
        frames.append(grainy(view, 1000 * seed + i, grain))
    return frames


def starts(film: Film) -> list[int]:
    shots = Shots()
    decided = [one for frame in film for one in shots.push(frame)]
    assert len(decided) == max(0, len(film) - LOOK_AHEAD)
    decided += shots.flush()
    assert len(decided) == len(film)
    return [number for number, begins in enumerate(decided) if begins]


@pytest.mark.parametrize("seed", range(8))
def test_cuts(seed: int) -> None:
    film = shot(seed, 20, pan=1) + shot(seed + 20, 9, zoom=0.01) + shot(seed + 40, 15)
    assert starts(film) == [0, 20, 29]


def test_cuts_three_frames_apart() -> None:
    assert starts(shot(1, 12) + shot(2, 3) + shot(3, 12)) == [0, 12, 15]
    assert starts(shot(1, 12) + shot(2, 3) + shot(1, 12)) == [0, 12, 15]


def test_cuts_at_both_ends() -> None:
    assert starts(shot(1, 1) + shot(2, 6)) == [0, 1]
    assert starts(shot(1, 6) + shot(2, 1)) == [0, 6]


@pytest.mark.parametrize("count", range(5))
def test_short_films(count: int) -> None:
    assert starts(shot(1, count)) == [0][:count]


@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("strength", [25, 60, 100])
def test_a_flash_is_no_cut(length: int, strength: float) -> None:
    film = shot(4, 30, pan=0.5)
    for i in range(15, 15 + length):
        film[i] = np.minimum(film[i] * 1.3 + strength, 100).astype(np.float32)
    assert starts(film) == [0]


def test_a_spoilt_frame_is_no_cut() -> None:
    film = shot(4, 30)
    film[11] = shot(5, 1)[0]
    film[20] = np.zeros_like(film[20])
    assert starts(film) == [0]


@pytest.mark.parametrize("pan", [1, 4, 8, 14])
def test_pans(pan: float) -> None:
    assert starts(shot(6, 16, pan=pan)) == [0]


def test_a_pan_that_begins_and_stops_at_once() -> None:
    film = shot(6, 13, pan=14)
    assert starts([film[0]] * 10 + film + [film[-1]] * 10) == [0]


@pytest.mark.parametrize("zoom", [0.005, 0.03])
def test_zooms(zoom: float) -> None:
    assert starts(shot(7, 25, zoom=zoom)) == [0]


@pytest.mark.parametrize("grain", [0, 5, 12])
def test_stills_and_grain(grain: float) -> None:
    assert starts(shot(8, 20, grain=grain)) == [0]


def test_a_change_of_exposure_is_no_cut() -> None:
    film = shot(9, 30)
    assert starts(film[:15] + [frame * np.float32(0.6) for frame in film[15:]]) == [0]


@pytest.mark.parametrize("level", [0, 3, 100])
def test_frames_without_a_picture(level: float) -> None:
    empty = np.full((96, 160), level, np.float32)
    assert starts([grainy(empty, i, 0.5) for i in range(12)]) == [0]


@pytest.mark.parametrize("length", [4, 8, 20])
def test_a_fade_through_black(length: int) -> None:
    out, back = shot(10, 15 + length, pan=0.3), shot(11, 15 + length, pan=0.3)
    shares = np.linspace(1, 0, length + 2, dtype=np.float32)[1:-1]
    film = [
        *out[:15],
        *(share * frame for share, frame in zip(shares, out[15:], strict=True)),
        *[np.zeros((96, 160), np.float32)] * 5,
        *(share * frame for share, frame in zip(shares[::-1], back, strict=False)),
        *back[length:],
    ]
    first, again = starts(film)
    assert first == 0
    lit = 15 + length + 5
    assert lit <= again <= lit + max(1, length // 4)


def test_a_cut_to_black_and_one_from_it() -> None:
    black = [np.zeros((96, 160), np.float32)] * 6
    assert starts(shot(1, 12) + black + shot(2, 12)) == [0, 18]
    assert starts(black + shot(2, 12)) == [0, 6]


@pytest.mark.parametrize("length", [10, 14, 24])
def test_a_dissolve(length: int) -> None:
    out, back = shot(12, 30 + length), shot(13, 30 + length)
    shares = np.linspace(0, 1, length + 2, dtype=np.float32)[1:-1]
    mixed = [
        (1 - share) * one + share * other
        for share, one, other in zip(shares, out[30:], back, strict=False)
    ]
    first, again = starts(out[:30] + mixed + back[length:])
    assert first == 0
    assert 30 + length // 3 <= again <= 30 + length + 2


@pytest.mark.parametrize("stop", [1, 2, 13, 25, 26, 31, 33, 52, 60])
def test_a_saved_one_goes_on_in_the_same_way(stop: int) -> None:
    film = shot(1, 12) + shot(2, 14, pan=4) + [np.zeros((96, 160), np.float32)] * 6
    film += shot(3, 40)
    flash = np.full((96, 160), 100, np.float32)
    film[44] = flash
    whole = starts(film)
    assert whole == [0, 12, 32]

    shots = Shots()
    decided = [one for frame in film[:stop] for one in shots.push(frame)]
    file = io.BytesIO()
    np.savez(file, **shots.state())
    assert file.tell() < 60_000
    file.seek(0)
    again = Shots()
    again.restore(dict(np.load(file)))
    for frame in film[len(decided) :]:
        decided += again.push(frame)
    decided += again.flush()
    assert [number for number, begins in enumerate(decided) if begins] == whole


def test_any_size_of_frame() -> None:
    for size in ((8, 8), (31, 77), (192, 352)):
        film = [cv2.resize(frame, size[::-1]) for frame in shot(1, 8) + shot(2, 8)]
        assert starts(film) == [0, 8]


@pytest.mark.parametrize("shape", [(3, 8, 8), (0, 8), (8,)])
def test_what_is_no_plane(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"a frame's L: expected a plane \(h, w\)"):
        Shots().push(np.zeros(shape, np.float32))
