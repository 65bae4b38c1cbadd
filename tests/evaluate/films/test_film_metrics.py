"""The metrics of films, against small implementations of another kind and figures by hand."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import MissingExtraError
from photochrom.color import srgb_to_lab
from photochrom.evaluate.films.film_metrics import (
    BT601,
    BT709,
    Cdc,
    Drift,
    FilmTally,
    Frame,
    Motion,
    MotionTracker,
    js_divergence,
    luma,
    motion,
    warp_error,
    warped,
)
from photochrom.evaluate.image_metrics import colourfulness

Array = NDArray[Any]


@pytest.fixture
def needs_opencv() -> None:
    pytest.importorskip("cv2", reason="measures motion with OpenCV (extra video)")


def noise(frames: int, height: int = 20, width: int = 30, seed: int = 0) -> Array:
    """Frames whose colours wander."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(120, 30, (frames, height, width, 3)) + rng.normal(0, 20, (frames, 1, 1, 3))
    return np.asarray(codes.clip(0, 255), np.uint8)


def texture(height: int, width: int, seed: int = 0) -> Array:
    """A smooth coloured pattern, in which motion can be seen."""
    y, x = np.mgrid[:height, :width]
    waves = np.random.default_rng(seed).uniform(0.1, 0.5, (12, 3))
    planes = [
        sum(np.sin(a * x + b * y + 20 * c) for a, b, c in waves[k::3] * [1, -1, 1])
        for k in range(3)
    ]
    return np.asarray(127 + 25 * np.stack(planes, -1), np.uint8)


# --- luma --------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [BT709, BT601])
def test_luma_of_grey_is_that_grey(weights: tuple[float, float, float]) -> None:
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(luma(np.stack([codes] * 3, -1), weights), codes)


def test_luma_of_colours() -> None:
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 100, 50]]], np.uint8)
    assert luma(rgb).tolist() == [[54, 182, 18, 118]]
    assert luma(rgb, BT601).tolist() == [[76, 150, 29, 124]]
    assert luma(rgb).dtype == np.uint8


# --- CDC ---------------------------------------------------------------------------------------


def whole_cdc(frames: Array) -> float:
    """CDC of a whole film at once, by entropies: JS = H((p + q) / 2) - (H(p) + H(q)) / 2."""

    def entropy(p: Array) -> float:
        return -sum(float(x) * math.log(x) for x in p if x > 0)

    total = []
    for d in (1, 2, 4):
        values = []
        for t in range(len(frames) - d):
            for c in range(3):
                p, q = (
                    np.histogram(f[..., c], 256, (-0.5, 255.5))[0] / f[..., c].size
                    for f in (frames[t], frames[t + d])
                )
                values.append(entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)
        total.append(np.mean(values))
    return float(np.mean(total))


def cdc(frames: Array) -> float | None:
    figure = Cdc()
    for frame in frames:
        figure.add(frame)
    return figure.value


def test_cdc_of_a_still_film_is_0() -> None:
    assert cdc(np.repeat(noise(1), 7, axis=0)) == 0


@pytest.mark.parametrize("frames", [5, 6, 13])
def test_cdc_frame_by_frame_is_that_of_the_whole(frames: int) -> None:
    film = noise(frames, seed=frames)
    assert cdc(film) == pytest.approx(whole_cdc(film), rel=1e-9)


def test_cdc_needs_five_frames() -> None:
    assert cdc(noise(4)) is None
    assert cdc(noise(0)) is None


def test_cdc_by_hand() -> None:
    """Red goes from 0 to 255 and back, green and blue rest: ln 2 at distance 1, else 0."""
    film = np.zeros((6, 4, 4, 3), np.uint8)
    film[1::2, ..., 0] = 255
    assert cdc(film) == pytest.approx(math.log(2) / 3 / 3)


def test_divergence_by_hand() -> None:
    p, q = np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])
    by_hand = (math.log(4 / 3) + 0.5 * math.log(2 / 3) + 0.5 * math.log(2)) / 2
    assert js_divergence(p, q) == pytest.approx(by_hand)
    assert js_divergence(q, p) == pytest.approx(by_hand)
    assert js_divergence(np.array([[1.0, 0.0]] * 2), np.array([[0.0, 1.0]] * 2)) == pytest.approx(
        math.log(2)
    )


def test_cdc_keeps_four_frames_at_most() -> None:
    figure = Cdc()
    for frame in noise(20):
        figure.add(frame)
    assert len(figure._last) == 4


# --- motion and warp error ---------------------------------------------------------------------


def flows(height: int, width: int, x: float, y: float) -> tuple[Array, Array]:
    """Flow and backward flow of a pure translation."""
    flow = np.empty((height, width, 2), np.float32)
    flow[:] = x, y
    return flow, -flow


@pytest.mark.usefixtures("needs_opencv")
@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, -2), (-5, 4)])
def test_no_error_for_a_translation(x: int, y: int) -> None:
    big = texture(60, 80).astype(np.float32)
    before, after = big[10:50, 10:70], big[10 - y : 50 - y, 10 - x : 70 - x]
    there = motion(*flows(40, 60, x, y))
    assert warp_error(there, before, after) == 0
    # What leaves the picture has no counterpart; everything else counts.
    assert there.seen.sum() == (40 - abs(y)) * (60 - abs(x))
    if x or y:
        still = motion(*flows(40, 60, 0, 0))
        assert warp_error(still, before, after) > 1


@pytest.mark.usefixtures("needs_opencv")
def test_parts_of_a_pixel_are_interpolated() -> None:
    y, x = np.mgrid[:30, :40].astype(np.float32)
    before = np.stack([x, 2 * y, x + y], -1)
    after = np.stack([x - 0.25, 2 * (y - 0.5), x + y - 0.75], -1)
    assert warp_error(motion(*flows(30, 40, 0.25, 0.5)), before, after) < 1e-9


@pytest.mark.usefixtures("needs_opencv")
def test_error_by_hand() -> None:
    """Two pixels of six count, of differences 1 and 3 in one of two channels."""
    before = np.zeros((2, 3, 2), np.float32)
    after = before.copy()
    after[0, 0, 0], after[1, 2, 1], after[0, 1] = 1, 3, 100
    seen = np.zeros((2, 3), bool)
    seen[0, 0] = seen[1, 2] = True
    places = motion(*flows(2, 3, 0, 0)).places
    assert warp_error(Motion(places, seen), before, after) == (1 + 9) / 4
    # Where nothing is seen everything counts.
    none = Motion(places, np.zeros((2, 3), bool))
    assert warp_error(none, before, after) == pytest.approx((1 + 9 + 2 * 100**2) / 12)


def whole_mask(flow: Array, back: Array) -> Array:
    """The mask of Lai et al. pixel by pixel, and what leaves the picture."""
    height, width = flow.shape[:2]
    seen = np.zeros((height, width), bool)
    for v in range(height):
        for u in range(width):
            du, dv = map(float, flow[v, u])
            x, y = u + du, v + dv
            if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
                continue
            left, top = min(int(x), width - 2), min(int(y), height - 2)
            s, t = x - left, y - top
            there = (1 - t) * ((1 - s) * back[top, left] + s * back[top, left + 1]) + t * (
                (1 - s) * back[top + 1, left] + s * back[top + 1, left + 1]
            )
            size = du**2 + dv**2
            off = ((flow[v, u] + there) ** 2).sum()
            occluded = off > 0.01 * (size + (there**2).sum()) + 0.5
            slope = 0.0
            if u + 1 < width:
                slope += ((flow[v, u] - flow[v, u + 1]) ** 2).sum()
            if v + 1 < height:
                slope += ((flow[v, u] - flow[v + 1, u]) ** 2).sum()
            seen[v, u] = not (occluded or slope > 0.01 * size + 0.002)
    return seen


@pytest.mark.usefixtures("needs_opencv")
def test_the_mask_is_that_of_the_definition() -> None:
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:24, :33].astype(np.float32)
    flow = np.stack([3 + 0.08 * x + 0.3 * np.sin(y / 3), 1 - 0.05 * y], -1)
    flow[8:14, 10:20] += 2  # a piece of its own motion
    back = -flow + rng.normal(0, 0.5, flow.shape)
    flow, back = flow.astype(np.float32), back.astype(np.float32)
    found, expected = motion(flow, back).seen, whole_mask(flow, back)
    assert 0.1 < expected.mean() < 0.8
    # OpenCV rounds places to a 32nd of a pixel, which may tip a few over the threshold.
    assert (found != expected).mean() < 0.01
    same = motion(flow, -flow).seen
    assert same[3:6, 3:6].all()
    assert not same[8:14, 9].any()  # the piece's left edge is a motion boundary


@pytest.mark.usefixtures("needs_opencv")
@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize(
    ("speed", "step", "edge"),
    [(0, 0.044, False), (0, 0.046, True), (1, 0.109, False), (1, 0.110, True)],
)
def test_the_edge_of_a_motion(rows: bool, speed: float, step: float, edge: bool) -> None:
    """It is one if |gradient|^2 exceeds 0.002 at rest, 0.012 where the flow is 1 pixel."""
    flow = np.zeros((20, 24, 2), np.float32)
    flow[..., 1] = speed
    half = flow[12:] if rows else flow[:, 12:]
    half[..., 1] += step
    seen = motion(flow, -flow).seen
    line = seen[11, 2:-2] if rows else seen[2:-4, 11]
    assert line.all() != edge
    assert line.any() != edge
    before = seen[10, 2:-2] if rows else seen[2:-4, 10]
    assert before.all()


@pytest.mark.usefixtures("needs_opencv")
def test_what_is_covered_is_not_seen() -> None:
    """A square moves 6 to the right over a ground that rests: what it comes to cover is gone."""
    flow, back = flows(40, 60, 0, 0)
    flow[10:30, 10:30, 0], back[10:30, 16:36, 0] = 6, -6
    seen = motion(flow, back).seen
    assert not seen[10:30, 30:36].any()
    assert seen[12:28, 12:28].all()
    assert seen[32:, :].all()
    assert seen[10:30, 38:].all()


@pytest.mark.usefixtures("needs_opencv")
def test_the_tracker_finds_a_motion() -> None:
    big = texture(140, 180)
    before, after = big[20:120, 20:160], big[22:122, 17:157]  # things move by +3, -2
    tracker = MotionTracker()
    assert tracker.push(luma(before)) is None
    there = tracker.push(luma(after))
    assert there is not None
    y, x = np.mgrid[:100, :140]
    inner = np.s_[20:80, 20:120]
    moved = there.places - np.stack([x, y], -1)
    np.testing.assert_allclose(np.median(moved[inner], axis=(0, 1)), [3, -2], atol=0.05)
    assert there.seen[inner].mean() > 0.9
    here, next_one = (f.astype(np.float32) for f in (before, after))
    assert warp_error(there, here, next_one) < 0.02 * float(((here - next_one) ** 2).mean())


@pytest.mark.usefixtures("needs_opencv")
def test_warped_takes_places_across_then_down() -> None:
    image = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    places = np.full((3, 4, 2), [2, 1], np.float32)
    np.testing.assert_array_equal(warped(image, places)[0, 0], image[1, 2])


# --- all figures of a film ---------------------------------------------------------------------


@pytest.mark.usefixtures("needs_opencv")
def test_the_tally_is_the_mean_over_the_frames() -> None:
    truth, result = noise(7, seed=1), noise(7, seed=2)
    result[3] = truth[3]  # a frame without any error is 100 dB
    still = motion(*flows(20, 30, 0, 0))
    tally = FilmTally()
    for place, (true, rgb) in enumerate(zip(truth, result, strict=True)):
        tally.add(Frame(rgb), Frame(true), still if place else None)
    score = tally.score("it")

    def decibels(a: Array, b: Array) -> float:
        mse = ((a.astype(float) - b) ** 2).mean((1, 2, 3))
        return float(np.mean([min(100, 10 * np.log10(255**2 / m)) if m else 100 for m in mse]))

    ab, true_ab = (srgb_to_lab(film)[..., 1:] for film in (result, truth))
    assert score.name == "it"
    assert score.psnr == pytest.approx(decibels(truth, result))
    assert score.psnr_ab == pytest.approx(decibels(true_ab, ab), rel=1e-5)
    assert score.cf == pytest.approx(np.mean([colourfulness(f) for f in result]))
    absolute = [colourfulness(f, absolute=True) for f in result]
    assert score.cf_abs == pytest.approx(np.mean(absolute))
    assert score.cdc == pytest.approx(whole_cdc(result))
    steps = np.diff(result.astype(float), axis=0) / 255
    assert score.warp == pytest.approx((steps**2).mean(), rel=1e-5)
    assert score.warp_ab == pytest.approx((np.diff(ab, axis=0) ** 2).mean(), rel=1e-4)


@pytest.mark.usefixtures("needs_opencv")
def test_a_film_that_only_moves_has_no_warp_error() -> None:
    big, there = texture(60, 90), motion(*flows(40, 60, 3, -2))
    tally = FilmTally()
    for t in range(4):
        frame = Frame(big[10 + 2 * t : 50 + 2 * t, 20 - 3 * t : 80 - 3 * t])
        tally.add(frame, None, there if t else None)
    score = tally.score("it")
    assert score.warp == score.warp_ab == 0


def test_the_truth_has_no_psnr_and_one_frame_no_motion() -> None:
    tally = FilmTally()
    tally.add(Frame(noise(1)[0]), None, None)
    score = tally.score("truth")
    assert (score.psnr, score.psnr_ab, score.cdc, score.warp, score.warp_ab) == (None,) * 5
    assert score.cf


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"opencv-python-headless.*photochrom\[video\]"):
        MotionTracker()


def test_drift_is_of_colours_that_run_away() -> None:
    """A jacket that turns blue within two seconds; the same film as it should be."""
    brown, blue = np.float32([12, 25]), np.float32([10, -40])
    steady, running = Drift(), Drift()
    for number in range(60):
        ab = np.zeros((20, 30, 2), np.float32)
        ab[5:15, 10:20] = brown
        steady.add(ab)
        ab[5:15, 10:20] += (blue - brown) * np.float32(number / 59)
        running.add(ab)
    assert steady.value == 0
    assert (running.value or 0) > 15
    assert Drift().value is None
