"""A run's numbers: the rate, the size of the crops, and what is refused."""

import dataclasses
import math
from typing import Any

import pytest

from photochrom.errors import ArgumentError
from photochrom.training.loop.plan import Plan


def test_the_rate_rises_stays_and_falls() -> None:
    plan = Plan(steps=1000, warm_up=100, cooldown=0.2)
    # In a run that has barely begun only the warm-up counts.
    assert [plan.factor(step, 0) for step in (0, 49, 99, 100, 5000)] == pytest.approx(
        [0.01, 0.5, 1, 1, 1]
    )
    assert [plan.factor(500, done) for done in (0.1, 0.5, 0.8, 0.9, 0.95, 1)] == pytest.approx(
        [1, 1, 1, 0.5, 0.25, 0], abs=1e-12
    )


def test_a_run_without_cooldown_ends_at_its_whole_rate() -> None:
    plan = Plan(steps=10, warm_up=1, cooldown=0)
    assert [plan.factor(9, done) for done in (0.5, 0.99, 1)] == [1, 1, 0]


def test_a_short_run_rises_for_a_tenth_of_it() -> None:
    plan = Plan(steps=10, warm_up=1000, cooldown=0.1)
    assert [plan.factor(0, done) for done in (0.05, 0.1, 0.5)] == pytest.approx([0.5, 1, 1])


def test_the_rate_never_rises_again() -> None:
    plan = Plan(minutes=1, warm_up=1)
    assert plan.factor(10**6, 1.5) == pytest.approx(0, abs=1e-12)
    assert plan.factor(0, 0) == 1


def test_the_last_part_has_crops_of_its_own_size() -> None:
    plan = Plan(steps=100, size=96, final_size=224, final_part=0.25)
    assert [plan.size_at(done) for done in (0, 0.5, 0.749, 0.75, 0.9, 1, 1.2)] == [
        *[96] * 3,
        *[224] * 4,
    ]
    assert Plan(steps=1, size=96, final_size=224, final_part=1).size_at(0) == 224
    assert Plan(steps=1, size=96, final_size=224, final_part=0).size_at(0.999) == 96


@pytest.mark.parametrize("length", [{"minutes": 0.5}, {"minutes": 600}, {"steps": 1}])
def test_a_run_has_a_length(length: dict[str, Any]) -> None:
    plan = Plan(**length)
    assert {k: v for k, v in dataclasses.asdict(plan).items() if k in length} == length


@pytest.mark.parametrize("length", [{}, {"minutes": 1, "steps": 1}])
def test_either_minutes_or_steps(length: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="either minutes or steps"):
        Plan(**length)


@pytest.mark.parametrize("name", ["minutes", "steps"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_a_length_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=f"^{name}: expected .*, got {value}") as caught:
        Plan(**{name: value})
    assert "\n" not in str(caught.value)


BAD = {
    "batch": [1, 0, -4],
    "size": [0, -32, 31, 33, 100, 1056, math.nan],
    "final_size": [0, -32, 31, 33, 100, 1056, math.nan],
    "final_part": [-0.1, 1.1, math.nan],
    "cooldown": [-0.1, 1.1, math.nan],
    "rate": [0, -1e-3, math.inf, math.nan],
    "encoder_rate": [-0.1, math.inf, math.nan],
    "warm_up": [0, -5, math.nan],
    "decay": [-0.01, math.inf, math.nan],
    "clip": [0, -1, math.nan],
    "average": [-0.1, 1, 2, math.nan],
    "rebalancing": [-0.1, math.inf, math.nan],
    "distance": [-1, math.inf, math.nan],
    "temperature": [0, -0.5, math.inf, math.nan],
    "tilt": [-0.1, math.inf, math.nan],
    "unhinted": [-0.1, 1.1, math.nan],
    "validation": [-0.1, 1, math.nan],
    "seed": [-1, 2**31],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, values in BAD.items() for v in values])
def test_a_bad_value_is_refused_by_its_name(name: str, value: float) -> None:
    with pytest.raises(ArgumentError, match=f"^{name}: expected .*, got {value}") as caught:
        Plan(steps=10, **{name: value})
    assert "\n" not in str(caught.value)


GOOD = {
    "batch": [2, 500],
    "size": [32, 1024],
    "final_size": [32, 1024],
    "final_part": [0, 1],
    "cooldown": [0, 1],
    "rate": [1e-6, 1],
    "encoder_rate": [0, 1],
    "warm_up": [1, 10**5],
    "decay": [0, 0.5],
    "clip": [0.1, 100],
    "average": [0, 0.9999],
    "rebalancing": [0, 1],
    "distance": [0, 10],
    "temperature": [0.1, 1],
    "tilt": [0, 1],
    "unhinted": [0, 1],
    "validation": [0.5],
    "seed": [0, 2**31 - 1],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, values in GOOD.items() for v in values])
def test_the_limits_themselves_are_taken(name: str, value: float) -> None:
    assert getattr(Plan(steps=10, **{name: value}), name) == value


def test_every_number_has_its_limits_tested() -> None:
    names = {field.name for field in dataclasses.fields(Plan)}
    assert names == BAD.keys() | {"minutes", "steps"} == GOOD.keys() | {"minutes", "steps"}
