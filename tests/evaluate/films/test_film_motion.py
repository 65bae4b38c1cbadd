"""Motion and warp error, against small implementations of another kind and figures by hand."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import MissingExtraError
from photochrom.evaluate.films.film_metrics import luma
from photochrom.evaluate.films.film_motion import Motion, MotionTracker, motion, warp_error, warped
from tests.helpers.film_motion import flows, texture

Array = NDArray[Any]


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


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtraError, match=r"opencv-python-headless.*photochrom\[video\]"):
        MotionTracker()
