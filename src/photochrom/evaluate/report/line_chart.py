"""A line chart as SVG inside HTML, without anything from outside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_WIDTH, _HEIGHT = 360, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 24, 40  # margins


class Point(NamedTuple):
    """A place on the chart, in the units of the axes."""

    x: float
    y: float


def line_chart(
    title: str,
    points: Sequence[Point],
    *,
    across: str,
    up: str,
    labels: Sequence[str] | None = None,
) -> str:
    """The chart.

    Args:
        title: what screen readers call it.
        points: from left to right, at least one.
        across, up: what the axes are.
        labels: under the points; None: a few numbers.
    """
    xs, ys = [p.x for p in points], [p.y for p in points]
    low, high = min(ys), max(ys)
    room = (high - low) * 0.08 or 1.0
    low, high = low - room, high + room
    places = [
        (_between(p.x, min(xs), max(xs), _LEFT + 8, _WIDTH - _RIGHT - 8), _down(p.y, low, high))
        for p in points
    ]
    shown = labels or [f"{x:.2f}" if i % 3 == 0 else "" for i, x in enumerate(xs)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [
        *(_gridline(low + (high - low) * step / 4, low, high) for step in range(5)),
        f'<polyline class="curve" points="{path}" />',
        *(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="3.5" />' for x, y in places),
        *(
            _text(x, _HEIGHT - _BOTTOM + 16, label)
            for (x, _), label in zip(places, shown, strict=True)
        ),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, across),
        _text(4, 12, up, anchor="start"),
    ]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _between(value: float, low: float, high: float, start: float, end: float) -> float:
    share = 0.5 if high == low else (value - low) / (high - low)
    return start + share * (end - start)


def _down(value: float, low: float, high: float) -> float:
    return _between(value, low, high, _HEIGHT - _BOTTOM, _TOP)


def _gridline(value: float, low: float, high: float) -> str:
    y = _down(value, low, high)
    line = f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" />'
    return line + _text(_LEFT - 6, y + 4, f"{value:.1f}", anchor="end")


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    if not words:
        return ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
