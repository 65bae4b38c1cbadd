"""Test clips with motion, from small drawn pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import ArgumentError
from photochrom.color import srgb_to_lab
from photochrom.evaluate.films import moving_clips as motion
from photochrom.evaluate.films.film_clips import Footage
from photochrom.evaluate.films.moving_clips import (
    FRAMES,
    SCENARIOS,
    SHAPE,
    SIDE,
    View,
    look,
    motion_clips,
)

pytest.importorskip("cv2", reason="the camera is OpenCV's (extra video)")

Array = NDArray[Any]


def draw(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


def picture(hue: float = 0.0, side: int = SIDE) -> Array:
    """A smooth pattern of moderate colours, inside sRGB even if it is made lighter."""
    y, x = np.mgrid[:side, :side] * 0.06
    planes = [110 + 45 * np.sin(x + hue) * np.cos(y + k + 2 * hue) for k in range(3)]
    return np.asarray(np.stack(planes, -1), np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures in colour, a grey one, and one that cannot be read."""
    top = tmp_path_factory.mktemp("set")
    for number in range(3):
        Image.fromarray(picture(number * 1.3, 90)).save(top / f"{number}.png")
    Image.new("RGB", (80, 80), (90, 90, 90)).save(top / "grey.png")
    (top / "broken.jpg").write_bytes(b"\xff\xd8\xff and nothing")
    return top


@pytest.fixture(scope="module")
def clips(folder: Path) -> dict[str, Footage]:
    return {clip.name: clip for clip in motion_clips([folder], seed=3)}


# --- the camera --------------------------------------------------------------------------------


def test_the_camera_sees_the_middle() -> None:
    scene = picture()
    np.testing.assert_array_equal(look(scene, View()), scene[128:384, 64:448])


@pytest.mark.parametrize(("x", "y"), [(5, -7), (-64, 128)])
def test_a_view_moves_across_and_down(x: int, y: int) -> None:
    scene = picture()
    expected = scene[128 + y : 384 + y, 64 + x : 448 + x]
    np.testing.assert_array_equal(look(scene, View(x, y)), expected)


def test_half_a_turn_and_half_a_scale() -> None:
    scene = picture()
    turned = look(scene, View(angle=np.pi)).astype(int)
    assert np.abs(turned - scene[128:384, 64:448][::-1, ::-1]).max() <= 1
    near = look(scene, View(scale=0.5)).astype(int)
    middle = scene[192:320, 160:352].astype(int)
    assert np.abs(near.reshape(128, 2, 192, 2, 3).mean((1, 3)) - middle).max() < 2


def test_a_quarter_of_a_turn_is_clockwise() -> None:
    """The camera's right is then below."""
    scene = picture()
    v, u = np.mgrid[:256, :384]
    expected = scene[64 + u, 383 - v].astype(int)
    assert np.abs(look(scene, View(angle=np.pi / 2)) - expected).max() <= 1


def test_parts_of_a_pixel() -> None:
    """A quarter of a pixel is a quarter of the way to the next one, where all is smooth."""
    scene = picture()
    here, there = (look(scene, View(x)).astype(float) for x in (0, 1))
    quarter = look(scene, View(0.25)).astype(float)
    assert np.abs(quarter - (0.75 * here + 0.25 * there)).max() < 1.5


def test_moves() -> None:
    steps = [(b.x - a.x, b.y - a.y) for a, b in pairwise(motion.pan(draw(), 0.6))]
    np.testing.assert_allclose(np.hypot(*np.transpose(steps)), 0.6)
    assert np.ptp(steps, axis=0).max() < 1e-9
    fast = motion.swing()
    most = max(np.hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(fast))
    assert 6 < most < 14
    ratios = [b.scale / a.scale for a, b in pairwise(motion.zoom(1, 0.5, 10))]
    np.testing.assert_allclose(ratios, 0.5 ** (1 / 9))
    assert motion.turning(8)[0].angle == pytest.approx(-np.radians(8))
    woven = motion.weaving(draw(), [View(1, 2, 0.9)] * 50)
    assert 0.3 < np.std([v.x for v in woven]) < 1.5
    assert {v.scale for v in woven} == {0.9}


# --- what happens to shots ---------------------------------------------------------------------


def still(count: int, hue: float = 0.0) -> Iterator[Array]:
    frame = look(picture(hue), View())
    return iter([frame] * count)


def detail(count: int) -> Iterator[Array]:
    """A corner of the same, which is changed faster."""
    return (frame[:64, :96] for frame in still(count))


def test_dissolve() -> None:
    first, second = next(still(1)), next(still(1, 2.0))
    frames = list(motion.dissolve(still(10), still(10, 2.0), 3, 4))
    for t in (0, 1, 2):
        np.testing.assert_array_equal(frames[t], first)
    for t in (7, 8, 9):
        np.testing.assert_array_equal(frames[t], second)
    mixed = 0.6 * first.astype(float) + 0.4 * second
    assert np.abs(frames[4] - mixed).max() <= 0.51


def test_fading() -> None:
    first, *_, last = motion.fading(still(3), [0, 0.5, 1])
    np.testing.assert_array_equal(first, next(still(1)))
    assert last.max() == 0


def test_light_leaves_ab_alone() -> None:
    before = srgb_to_lab(next(detail(1)))
    for frame in motion.lit(detail(8), motion.flicker(draw(), 0.05)):
        after = srgb_to_lab(frame)
        assert np.abs(after[..., 1:] - before[..., 1:]).mean() < 0.5
        gains = after[..., 0] / before[..., 0]
        assert np.ptp(gains) < 0.05


def test_flicker_differs_from_frame_to_frame() -> None:
    levels = [frame.mean() for frame in motion.lit(detail(FRAMES), motion.flicker(draw(), 0.05))]
    assert 0.03 < np.std(levels) / np.mean(levels) < 0.08
    assert np.std(np.diff(levels)) > np.std(levels)  # jumps, no drift


def test_grain_is_new_in_each_frame_and_grey() -> None:
    before = srgb_to_lab(next(detail(1)))
    first, second = (
        srgb_to_lab(f) - before for f in motion.lit(detail(2), motion.grain(draw(), 4))
    )
    for change in (first, second):
        assert change[..., 0].std() == pytest.approx(4, abs=0.3)
        assert np.abs(change[..., 1:]).mean() < 0.5
    correlation = np.corrcoef(first[..., 0].ravel(), second[..., 0].ravel())[0, 1]
    assert abs(correlation) < 0.05


def test_flashes_come_at_once_and_go() -> None:
    levels = np.array([f.mean() for f in motion.lit(detail(FRAMES), motion.flashes(draw(), 3))])
    calm = np.median(levels)
    jumps = np.flatnonzero(np.diff(levels) > 0.3 * calm)
    assert len(jumps) == 3
    for jump in jumps:
        assert levels[jump + 1] > levels[jump + 2] > levels[jump + 3] > calm
    assert (np.abs(levels - calm) < 1).sum() == FRAMES - 9


def test_a_piece_flies_over_and_away() -> None:
    ground = next(still(1))
    frames = list(motion.flying(still(FRAMES), picture(2.0), draw()))
    changed = np.array([(np.abs(f.astype(int) - ground).max(-1) > 2).mean() for f in frames])
    assert changed[0] == changed[-1] == 0
    assert changed[FRAMES // 2] > 0.08
    columns = [
        float(np.flatnonzero(np.abs(f.astype(int) - ground).max((0, 2)) > 2).mean())
        for f in frames[18:42]
    ]
    assert np.diff(columns).min() > 3  # to the right, steadily
    np.testing.assert_array_equal(frames[30][:, :40], ground[:, :40])


def test_a_piece_carries_its_picture() -> None:
    spot = picture(2.0)
    spot[252:260, 252:260] = 255, 0, 0
    found = []
    for frame in list(motion.flying(still(FRAMES), spot, draw()))[20:40:5]:
        red = (frame[..., 0] > 230) & (frame[..., 1] < 30)
        found.append(np.argwhere(red).mean(0)[1])
        assert 30 < red.sum() < 70
    assert np.diff(found).min() > 30


# --- the clips ---------------------------------------------------------------------------------


def test_the_scenarios(clips: dict[str, Footage]) -> None:
    assert list(clips) == [scenario.name for scenario in SCENARIOS]
    assert len(clips) == 12
    for clip in clips.values():
        assert clip.length == FRAMES
        assert next(clip.play()).shape == (*SHAPE, 3)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_every_scenario(scenario: motion.Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """The right number of frames, in colour, that change; the same each time."""
    monkeypatch.setattr(motion, "SHAPE", (64, 96))  # small frames are made faster
    pictures = [picture(k, 128) for k in range(scenario.pictures)]
    frames = list(scenario.shoot(pictures, draw(1)))
    assert len(frames) == FRAMES
    assert {frame.shape for frame in frames} == {(64, 96, 3)}
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert (frames[0] != frames[20]).mean() > 0.05
    again = scenario.shoot(pictures, draw(1))
    for _ in range(3):
        np.testing.assert_array_equal(next(again), frames.pop(0))


def steps(clip: Footage) -> Array:
    """Mean change from frame to frame."""
    return np.array([np.abs(a.astype(int) - b).mean() for a, b in pairwise(clip.play())])


def test_cuts_are_hard(clips: dict[str, Footage]) -> None:
    change = steps(clips["cuts"])
    (cuts,) = np.nonzero(change > 5 * np.median(change))
    assert len(cuts) == 3
    assert np.diff([-1, *cuts, FRAMES - 1]).min() >= 7


def test_a_cross_fade_has_no_cut(clips: dict[str, Footage]) -> None:
    first, *_, last = clips["cross fade"].play()
    whole = np.abs(first.astype(int) - last).mean()
    assert whole > 10
    assert steps(clips["cross fade"]).max() < 0.2 * whole


def test_a_fade_reaches_black(clips: dict[str, Footage]) -> None:
    levels = [frame.mean() for frame in clips["fades to black"].play()]
    assert levels[FRAMES // 2] == 0
    assert min(levels[:10] + levels[-10:]) > 50


def test_a_clip_plays_again_the_same(clips: dict[str, Footage]) -> None:
    for first, second, _ in zip(*(clips["old film"].play() for _ in "ab"), range(4), strict=False):
        np.testing.assert_array_equal(first, second)


def test_another_seed_is_another_clip(folder: Path, clips: dict[str, Footage]) -> None:
    same, other = (motion_clips([folder], seed=seed)[0] for seed in (3, 4))
    frame = next(iter(clips["slow pan"].play()))
    np.testing.assert_array_equal(next(iter(same.play())), frame)
    assert (next(iter(other.play())) != frame).any()


def test_pictures_without_colour_do_not_do(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(ArgumentError, match="there is no picture"):
        motion_clips([tmp_path / "set"])
    for count, got in enumerate(("none", "one")):
        Image.new("L", (40, 40), 80).save(tmp_path / "set" / f"grey{count}.png")
        with pytest.raises(ArgumentError, match=f"two pictures in colour, got {got}"):
            motion_clips([tmp_path / "set"])
        Image.fromarray(picture(count, 60)).save(tmp_path / "set" / f"{count}.png")
    assert len(motion_clips([tmp_path / "set"])) == len(SCENARIOS)
