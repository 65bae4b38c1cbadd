"""True hints, a contrary click, and a network's own colours as hints."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.evaluate.clicks import SteeringTally, contrary_click, fed_back, true_hints


def test_true_hints() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (96, 96, 3), np.uint8)
    hints = true_hints(rgb, 50, [0, 3])
    assert true_hints(rgb, 5, [0, 3]) == hints[:5]
    assert true_hints(rgb, 50, [0, 4]) != hints
    for hint in hints:
        y, x = int(hint.y), int(hint.x)
        part = rgb[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].reshape(-1, 3)
        assert np.allclose(hint.color, part.mean(0), atol=0.51)


def test_a_contrary_click_has_a_colour_that_is_not_there() -> None:
    rgb = np.full((60, 90, 3), (150, 90, 70), np.uint8)
    click = contrary_click(rgb, [3, 1])
    assert click is not None
    assert click == contrary_click(rgb, [3, 1]) != contrary_click(rgb, [3, 2])
    assert 20 <= click.y < 40
    assert 30 <= click.x < 60
    there, asked = srgb_to_lab(np.array([(150, 90, 70), click.color], np.uint8))
    assert abs(there[0] - asked[0]) < 3
    assert np.hypot(*(there - asked)[1:]) >= 40
    assert contrary_click(np.zeros((9, 9, 3), np.uint8), [1]) is None  # black has one colour


def answering(factor: float) -> tuple[Any, Any, list[NDArray[np.float32]]]:
    """A network whose answer is the mean of its hints, times `factor`; and what it is given."""
    masks: list[NDArray[np.float32]] = []

    def predict(L: Any, hints: Any, mask: Any) -> Any:
        masks.append(mask)
        mean = hints.sum((2, 3), keepdims=True) / mask.sum()
        return SimpleNamespace(ab=np.tile(factor * mean, (1, 1, 8, 12)))

    model = SimpleNamespace(predict=predict, card=SimpleNamespace(hints=True))
    ab = np.empty((2, 8, 12), np.float32)
    ab[:] = np.array([6, 8], np.float32)[:, None, None]
    prepared = SimpleNamespace(L=np.full((64, 96), 50, np.float32), ab=ab)
    return SimpleNamespace(model=model), prepared, masks


def test_own_colours_are_given_in_one_place_of_sixteen() -> None:
    colorizer, prepared, masks = answering(1.1)
    after = fed_back(colorizer, prepared, rounds=3)
    np.testing.assert_allclose(np.hypot(*after), 10 * 1.1**3, rtol=1e-5)
    assert len(masks) == 3
    assert masks[0].shape == (1, 1, 64, 96)
    assert masks[0].mean() == 1 / 16


def test_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.evaluate.clicks.contrary_click", lambda *_: None)
    for factor, chroma, ab in ((1.0, 0.0, 0.0), (1.1, 1.1**6 - 1, 10 * (1.1**6 - 1))):
        colorizer, prepared, _ = answering(factor)
        tally = SteeringTally()
        assert tally.result() is None
        tally.add(colorizer, prepared, np.zeros((64, 96, 3), np.uint8), [1])
        found = tally.result()
        assert found is not None
        assert found.drift_chroma == pytest.approx(chroma, abs=1e-4)
        assert found.drift_ab == pytest.approx(ab, abs=0.1)
        assert found.spread is None
