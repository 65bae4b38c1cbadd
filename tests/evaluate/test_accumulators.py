"""Intervals of means by the bootstrap."""

import numpy as np
import pytest

from photochrom.evaluate.accumulators import interval


def test_the_interval_is_that_of_the_normal_distribution() -> None:
    """For many values the mean is normal: 1.96 standard errors each way."""
    values = np.random.default_rng(1).normal(3, 2, 400).tolist()
    low, high = interval(values, 0) or (0, 0)
    error = 1.96 * np.std(values) / 20
    assert low == pytest.approx(np.mean(values) - error, abs=error / 10)
    assert high == pytest.approx(np.mean(values) + error, abs=error / 10)


def test_it_covers_the_truth_as_often_as_it_says() -> None:
    draw = np.random.default_rng(2)
    hits = 0
    for number in range(200):
        low, high = interval(draw.normal(0, 1, 50).tolist(), number) or (1, 1)
        hits += low <= 0 <= high
    assert 180 <= hits <= 198


def test_the_same_seed_draws_the_same_pictures() -> None:
    values = [0.0, 1.0, 5.0, 2.0]
    assert interval(values, 3) == interval(values, 3)
    shifted = interval([value + 1 for value in values], 3)
    assert shifted == pytest.approx([bound + 1 for bound in interval(values, 3) or ()])


def test_too_few_values() -> None:
    assert interval([], 0) is None
    assert interval([1.0], 0) is None
    assert interval([1.0, 1.0], 0) == (1.0, 1.0)
