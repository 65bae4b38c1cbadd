"""Moments of films."""

from __future__ import annotations

import pytest

from photochrom import ArgumentError, Moment


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12.5, Moment(12.5)),
        (0, Moment(0.0)),
        ("12.5", Moment(12.5)),
        (" 1:30 ", Moment(90.0)),
        ("1:02:03.5", Moment(3723.5)),
        ("300f", Moment(frame=300)),
        (Moment(frame=1), Moment(frame=1)),
    ],
)
def test_every_form(value: object, expected: Moment) -> None:
    assert Moment.parse(value) == expected
    assert Moment.parse(expected.plain) == expected


@pytest.mark.parametrize("value", ["", "f", "-1", "1:2:3:4", "12 s", -1, True, None, float("nan")])
def test_what_is_none(value: object) -> None:
    with pytest.raises(ArgumentError, match="300f"):
        Moment.parse(value)
