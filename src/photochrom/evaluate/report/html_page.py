"""Reports as one HTML page without references: styles, pictures and charts are inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from ..._io import show
from .line_chart import Point, line_chart
from .scores import Report, Sample, Score
from .text_table import Row, heads, overview, rows, summary, verdicts

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfb; --soft: #6b6b73;
  --line: #d9d9d4; --mark: #b3541e; --best: #f6ead9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --paper: #17171a;
  --soft: #a3a19b; --line: #3a3a40; --mark: #f0a868; --best: #3a2c1d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .25rem; } h3, h4 { overflow-wrap: anywhere; }
h4 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { max-width: 45rem; } .soft, caption, figcaption { color: var(--soft); font-size: .9rem; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--mark); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .25rem 0; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; } thead th { vertical-align: bottom; font-weight: 600; }
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
figure { margin: 0; flex: 1 1 min(30%, 9rem); max-width: 16rem; } img { width: 100%; height: auto;
  display: block; } figcaption { overflow-wrap: anywhere; } li { overflow-wrap: anywhere; }
"""


def page(reports: Sequence[Report]) -> str:
    """The page's text: a part for each set, and before them their main figures side by side."""
    parts = ["<h1>Colours measured</h1>"]
    if len(reports) > 1:
        titles = ["figure", *heads(reports[0])]
        parts.append(table("Main figures, set by set", titles, _body(overview(reports))))
    for report in reports:
        parts += _part(report, 2 if len(reports) == 1 else 3)
    return document("Photochrom: evaluation", parts)


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
    parts += [*_introduction(report), *_figures(report)]
    for title, content in sections.items():
        if content:
            parts += [f"<h{level}>{escape(title)}</h{level}>", *content]
    return parts


def document(title: str, parts: Sequence[str]) -> str:
    """A whole page around its parts."""
    head = f'<meta charset="utf-8" /><title>{escape(title)}</title>'
    head += '<meta name="viewport" content="width=device-width, initial-scale=1" />'
    body = "\n".join(parts)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n'
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


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


def _figures(report: Report) -> list[str]:
    return [table("Means over the pictures", ["figure", *heads(report)], _body(rows(report)))]


def _body(found: Sequence[Row]) -> list[str]:
    body = []
    for row in found:
        marks = [' class="best"' if place in row.best else "" for place in range(len(row.cells))]
        cells = zip(marks, row.cells, strict=True)
        inner = ' class="inner"' if row.title.startswith(" ") else ""
        head = f'<th scope="row"{inner}>{escape(row.title.strip())}</th>'
        body.append(f"{head}{''.join(f'<td{mark}>{escape(cell)}</td>' for mark, cell in cells)}")
    return body


def table(caption: str, titles: Sequence[str], body: Sequence[str]) -> str:
    """A table that scrolls sideways where it is too wide; `body` has the cells of each row."""
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    lines = "\n".join(f"<tr>{cells}</tr>" for cells in body)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table></div>"
    )


def _numbers(caption: str, titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """The figures behind a chart, folded away."""
    body = [
        f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest)
        for first, *rest in lines
    ]
    return f"<details><summary>Figures</summary>{table(caption, titles, body)}</details>"


def _confidence(models: Sequence[Score], level: int) -> list[str]:
    charts = []
    for score in models:
        if score.confidence is None:
            continue
        deciles = score.confidence.deciles
        points = [Point((d.entropy_from + d.entropy_to) / 2, d.ab_error) for d in deciles]
        caption = f"{score.name}: ab error by entropy"
        lines = [
            (f"{d.entropy_from:.3f} to {d.entropy_to:.3f}", f"{d.share:.1%}", f"{d.ab_error:.2f}")
            for d in deciles
        ]
        rank = f"rank correlation {score.confidence.spearman:+.2f}"
        charts.append(
            f"<div><h{level}>{escape(score.name)}, {rank}</h{level}>"
            + line_chart(caption, points, across="entropy, by tenths of the pixels", up="ab error")
            + _numbers(caption, ["entropy", "pixels", "ab error"], lines)
            + "</div>"
        )
    return ['<div class="charts">', *charts, "</div>"] if charts else []


def _hints(models: Sequence[Score], level: int) -> list[str]:
    charts = []
    for score in models:
        if not score.hints:
            continue
        # Evenly spaced: the numbers of hints about double from step to step.
        points = [Point(place, step.psnr_ab) for place, step in enumerate(score.hints)]
        caption = f"{score.name}: PSNR with true hints, pictures: {score.hint_pictures}"
        lines = [(f"{s.hints}", f"{s.psnr_ab:.2f}", f"{s.psnr:.2f}") for s in score.hints]
        counts = [str(step.hints) for step in score.hints]
        charts.append(
            f"<div><h{level}>{escape(score.name)}, pictures: {score.hint_pictures}</h{level}>"
            + line_chart(caption, points, across="hints", up="PSNR of ab, dB", labels=counts)
            + _numbers(caption, ["hints", "PSNR of ab, dB", "PSNR of RGB, dB"], lines)
            + "</div>"
        )
    return ['<div class="charts">', *charts, "</div>"] if charts else []


def _sample(sample: Sample, level: int) -> str:
    name, figures = escape(sample.name), []
    for label, data in sample.images.items():
        uri = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
        figures.append(
            f'<figure><img src="{uri}" alt="{name}: {escape(label)}" width="256" height="256" />'
            f"<figcaption>{escape(label)}</figcaption></figure>"
        )
    return f'<h{level}>{name}</h{level}><div class="row">{"".join(figures)}</div>'


def _unreadable(report: Report) -> list[str]:
    if not report.unreadable:
        return []
    lines = (f"<li>{escape(name)}: {escape(why)}</li>" for name, why in report.unreadable)
    return [f"<ul>{''.join(lines)}</ul>"]
