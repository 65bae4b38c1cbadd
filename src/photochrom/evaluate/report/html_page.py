"""Reports as one HTML page without references: styles, pictures and charts are inside."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from ..._io import show
from ...picture.html_document import data_uri, document
from .scores import Report, Sample, Score
from .text_table import Row, heads, overview, rows, summary, verdicts

_WIDTH, _HEIGHT = 360, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 24, 40  # margins
_STYLE = """
h3 { font-size: 1.05rem; margin: 1.25rem 0 .25rem; } h3, h4 { overflow-wrap: anywhere; }
h4 { font-size: 1rem; margin: 1rem 0 .25rem; } p { max-width: 45rem; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--mark); }
caption { text-align: left; padding: .25rem 0; } th, td { white-space: nowrap; }
thead th { vertical-align: bottom; font-weight: 600; }
th[scope=row], thead th:first-child { text-align: left; position: sticky; left: 0;
  background: var(--paper); min-width: 7.5rem; max-width: 14rem; white-space: normal; }
thead th { max-width: 9rem; overflow-wrap: break-word; white-space: normal; }
th.inner { padding-left: 1.6rem; font-weight: 400; }
.best { background: var(--best); font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
  gap: 1rem; } svg { width: 100%; height: auto; max-width: 30rem; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.axis { stroke: var(--line); } .curve { stroke: var(--mark); fill: none; stroke-width: 2; }
.point { fill: var(--mark); }
.row { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1rem; }
figure { flex: 1 1 min(30%, 9rem); max-width: 16rem; }
"""


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


def page(reports: Sequence[Report]) -> str:
    """The page's text: a part for each set, and before them their main figures side by side."""
    parts = ["<h1>Colours measured</h1>"]
    if len(reports) > 1:
        titles = ["figure", *heads(reports[0])]
        parts.append(table("Main figures, set by set", titles, overview(reports)))
    for report in reports:
        parts += _part(report, 2 if len(reports) == 1 else 3)
    return whole_page("Photochrom: evaluation", parts)


def _part(report: Report, level: int) -> list[str]:
    """One set, with its sections' headings at a level; those of several have one of their own."""
    models = [score for score in report.scores if score.kind == "model"]
    sections = {
        "Is it better?": [f"<p>{escape(each)}.</p>" for each in verdicts(report)],
        "Is it less sure where it is wrong?": _confidence(models, level + 1),
        "What true hints gain": _hints(models, level + 1),
        "Contact sheet": [_sample(sample, level + 1) for sample in report.samples],
        "Not read": _unreadable(report),
    }
    parts = [f"<h2>{escape(report.name)}</h2>"] if level > 2 else []
    parts += _introduction(report)
    parts.append(table("Means over the pictures", ["figure", *heads(report)], rows(report)))
    for title, content in sections.items():
        if content:
            parts += [f"<h{level}>{escape(title)}</h{level}>", *content]
    return parts


def whole_page(title: str, parts: Sequence[str]) -> str:
    """A page around its parts."""
    return "\n".join(document(title, parts, _STYLE)) + "\n"


def _introduction(report: Report) -> list[str]:
    sources = ", ".join(show(source) for source in report.sources)
    return [
        f"<p>{escape(summary(report))}.</p>",
        f'<p class="soft">Pictures of {escape(sources)}. Each was cut to its centre square, turned '
        "grey, coloured, and compared with the truth: ab and CIEDE2000 on every fourth pixel each "
        "way, the rest on all. AuC is the area under the curve of ab errors (Zhang 2016), "
        "class-balanced as the mean over colour bins. The best figures are bold.</p>",
        *(f'<p class="soft">{escape(note)}</p>' for note in report.notes),
    ]


def table(caption: str, titles: Sequence[str], rows: Sequence[Row]) -> str:
    """A table that scrolls sideways where it is too wide."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    lines = []
    for row in rows:
        inner = ' class="inner"' if row.title.startswith(" ") else ""
        marks = [' class="best"' if place in row.best else "" for place in range(len(row.cells))]
        cells = zip(marks, row.cells, strict=True)
        data = "".join(f"<td{mark}>{escape(cell)}</td>" for mark, cell in cells)
        lines.append(f'<tr><th scope="row"{inner}>{escape(row.title.strip())}</th>{data}</tr>')
    body = "\n".join(lines)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _charts(
    charts: Sequence[tuple[str, str, str, Sequence[str], Sequence[Row]]], level: int
) -> list[str]:
    """Charts, each of a heading, a drawing, a caption, and the figures behind it, folded away."""
    found = [
        f"<div><h{level}>{escape(heading)}</h{level}>{drawing}<details><summary>Figures</summary>"
        f"{table(caption, titles, lines)}</details></div>"
        for heading, drawing, caption, titles, lines in charts
    ]
    return ['<div class="charts">', *found, "</div>"] if found else []


def _confidence(models: Sequence[Score], level: int) -> list[str]:
    charts = []
    for score in models:
        if score.confidence is None:
            continue
        deciles = score.confidence.deciles
        points = [Point((d.entropy_from + d.entropy_to) / 2, d.ab_error) for d in deciles]
        caption = f"{score.name}: ab error by entropy"
        lines = [
            Row(
                f"{d.entropy_from:.3f} to {d.entropy_to:.3f}",
                (f"{d.share:.1%}", f"{d.ab_error:.2f}"),
            )
            for d in deciles
        ]
        heading = f"{score.name}, rank correlation {score.confidence.spearman:+.2f}"
        across = "entropy, by tenths of the pixels"
        drawing = line_chart(caption, points, across=across, up="ab error")
        charts.append((heading, drawing, caption, ["entropy", "pixels", "ab error"], lines))
    return _charts(charts, level)


def _hints(models: Sequence[Score], level: int) -> list[str]:
    charts = []
    for score in models:
        if not score.hints:
            continue
        # Evenly spaced: the numbers of hints about double from step to step.
        points = [Point(place, step.psnr_ab) for place, step in enumerate(score.hints)]
        caption = f"{score.name}: PSNR with true hints, pictures: {score.hint_pictures}"
        lines = [Row(f"{s.hints}", (f"{s.psnr_ab:.2f}", f"{s.psnr:.2f}")) for s in score.hints]
        counts = [str(step.hints) for step in score.hints]
        drawing = line_chart(caption, points, across="hints", up="PSNR of ab, dB", labels=counts)
        heading = f"{score.name}, pictures: {score.hint_pictures}"
        titles = ["hints", "PSNR of ab, dB", "PSNR of RGB, dB"]
        charts.append((heading, drawing, caption, titles, lines))
    return _charts(charts, level)


def _sample(sample: Sample, level: int) -> str:
    name, figures = escape(sample.name), []
    for label, data in sample.images.items():
        figures.append(
            f'<figure><img src="{data_uri(data, "webp")}" alt="{name}: {escape(label)}" '
            'width="256" height="256" />'
            f"<figcaption>{escape(label)}</figcaption></figure>"
        )
    return f'<h{level}>{name}</h{level}><div class="row">{"".join(figures)}</div>'


def _unreadable(report: Report) -> list[str]:
    if not report.unreadable:
        return []
    lines = (f"<li>{escape(name)}: {escape(why)}</li>" for name, why in report.unreadable)
    return [f"<ul>{''.join(lines)}</ul>"]
