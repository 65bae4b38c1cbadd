"""A leaderboard: the methods of several runs, set by set, as a page or a table for a README."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ..._io import replacing
from ...errors import ArgumentError
from .html_page import document, table
from .report_file import checked_target
from .text_table import NOTHING, words

FIGURES = {  # attribute of Score -> title, format, which way is better
    "ciede2000": ("CIEDE2000", ".2f", -1),
    "psnr_ab": ("PSNR of ab, dB", ".2f", 1),
    "psnr": ("PSNR of RGB, dB", ".2f", 1),
    "ssim": ("SSIM", ".4f", 1),
    "auc": ("AuC", ".2f", 1),
    "auc_balanced": ("AuC, class-balanced", ".2f", 1),
    "cf": ("cf", ".1f", 0),
    "cf_delta_of_means": ("difference of means of cf", ".1f", -1),
    "lpips": ("LPIPS", ".4f", -1),
    "fid": ("FID", ".2f", -1),
    "ms_per_picture": ("ms per picture", ".0f", 0),
}
_NEEDED = {"name", "names_sha256", "pictures", "size", "scores"}


@dataclass
class Board:
    """The methods that were measured on one set.

    Attributes:
        title: what the set is.
        scores: as in the reports, the best first.
    """

    title: str
    scores: list[dict[str, Any]] = field(default_factory=list)


def leaderboard(reports: Sequence[str | os.PathLike[str]], by: str = "ciede2000") -> list[Board]:
    """The methods of several JSON reports, sorted within each set of pictures.

    Sets of several runs are the same if they and their pictures have the same names and were
    compared at the same size. A method that is in several runs counts once, as in the last of them.

    Args:
        reports: files that `write_report` has written.
        by: key of `FIGURES` whose best is first.

    Raises:
        ArgumentError: a file cannot be read or is no such report, or there is no such figure.
    """
    if by not in FIGURES:
        raise ArgumentError.not_one_of("the figure of a leaderboard", by, FIGURES)
    found: dict[tuple[object, ...], dict[str, dict[str, Any]]] = {}
    titles: dict[tuple[object, ...], str] = {}
    for path in reports:
        for report in _read(Path(path).expanduser()):
            key = report["name"], report["names_sha256"], report["size"]
            titles[key] = _title(report)
            found.setdefault(key, {}).update({score["name"]: score for score in report["scores"]})
    way = FIGURES[by][2] or 1

    def rank(score: dict[str, Any]) -> tuple[bool, float]:
        value = score.get(by)
        return value is None, 0.0 if value is None else -way * value

    return [Board(titles[key], sorted(scores.values(), key=rank)) for key, scores in found.items()]


def write_leaderboard(
    reports: Sequence[str | os.PathLike[str]],
    path: str | os.PathLike[str],
    by: str = "ciede2000",
) -> None:
    """Write a leaderboard, whole or not at all.

    Args:
        reports, by: as for `leaderboard`.
        path: ends in .html or .md.

    Raises:
        ArgumentError: as for `leaderboard`, or the file cannot be written or has another suffix.
    """
    target = checked_target(path, FORMS)
    text = FORMS[target.suffix](leaderboard(reports, by))
    try:
        with replacing(target) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArgumentError.unwritable(target, error) from None


def cells_of(board: Board) -> tuple[list[str], list[list[str]], list[frozenset[int]]]:
    """Titles of the columns, a row of cells for each method, and the places of the best of each.

    Columns that nobody has measured are left out.
    """
    keys = [key for key in FIGURES if any(s.get(key) is not None for s in board.scores)]
    lines, best = [], []
    for score in board.scores:
        cells = [score["name"]]
        for key in keys:
            cell = words(score.get(key), FIGURES[key][1])
            bounds = score.get("intervals", {}).get(key)
            if bounds:
                low, high = (format(bound, FIGURES[key][1]) for bound in bounds)
                cell += f" ({low} to {high})"
            cells.append(cell)
        lines.append(cells)
    for score in board.scores:
        best.append(frozenset(n + 1 for n, key in enumerate(keys) if _is_best(score, key, board)))
    return ["method", *(FIGURES[key][0] for key in keys)], lines, best


def _is_best(score: dict[str, Any], key: str, board: Board) -> bool:
    way, form = FIGURES[key][2], FIGURES[key][1]
    values = [words(each.get(key), form) for each in board.scores]
    numbers = [float(value) for value in values if value != NOTHING]
    mine = words(score.get(key), form)
    if not way or mine == NOTHING or len(set(numbers)) < 2:
        return False
    return float(mine) == max(numbers, key=lambda number: way * number)


def _markdown(boards: Sequence[Board]) -> str:
    parts = []
    for board in boards:
        titles, lines, best = cells_of(board)
        rows = [titles, ["---", *["---:"] * (len(titles) - 1)]]
        for cells, marks in zip(lines, best, strict=True):
            rows.append([f"**{c}**" if n in marks else c for n, c in enumerate(cells)])
        body = "\n".join(
            f"| {' | '.join(c.replace('|', chr(92) + '|') for c in r)} |" for r in rows
        )
        parts.append(f"## {board.title}\n\n{body}\n")
    return "\n".join(parts)


def _html(boards: Sequence[Board]) -> str:
    parts = ["<h1>Colours measured: leaderboard</h1>"]
    for board in boards:
        titles, lines, best = cells_of(board)
        body = []
        for (name, *cells), marks in zip(lines, best, strict=True):
            row = f'<th scope="row">{escape(name)}</th>'
            for place, cell in enumerate(cells, 1):
                mark = ' class="best"' if place in marks else ""
                row += f"<td{mark}>{escape(cell)}</td>"
            body.append(row)
        parts += [f"<h2>{escape(board.title)}</h2>", table("Means over the pictures", titles, body)]
    parts.append(
        '<p class="soft">In brackets, where it was measured, the interval of 95 % of the mean by '
        "the bootstrap over the pictures. The best figures are bold.</p>"
    )
    return document("Photochrom: leaderboard", parts)


FORMS: dict[str, Callable[[Sequence[Board]], str]] = {".html": _html, ".md": _markdown}
"""Suffix -> the leaderboard as text."""


def _read(path: Path) -> list[dict[str, Any]]:
    """The reports of the sets in a file."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError.unreadable(path, error, "name reports in JSON") from None
    sets = values.get("sets") if isinstance(values, dict) else None
    if not isinstance(sets, list) or not all(_is_report(each) for each in sets):
        raise ArgumentError(
            f"{path} is no report",
            expected="what `photochrom evaluate --output REPORT.json` writes",
            got="JSON of another kind",
        )
    return sets


def _is_report(values: Any) -> bool:
    return isinstance(values, dict) and set(values) >= _NEEDED


def _title(report: dict[str, Any]) -> str:
    size = report["size"]
    return f"{report['name']}, {report['pictures']:,} pictures at {size} x {size}"
