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
from . import text_table
from .html_page import table, whole_page
from .report_file import checked_target, pipe_table
from .text_table import Row, best_of, words

_TITLES = {  # shorter than those of a report
    "auc": "AuC",
    "cf": "cf",
    "cf_delta_of_means": "difference of means of cf",
}
_KEYS = (
    *("ciede2000", "psnr_ab", "psnr", "ssim", "auc", "auc_balanced"),
    *("cf", "cf_delta_of_means", "lpips", "fid", "ms_per_picture"),
)
FIGURES = {
    key: (_TITLES.get(key, text_table.FIGURES[key][0]), *text_table.FIGURES[key][1:])
    for key in _KEYS
}
"""Attribute of `Score` -> title, format and direction, as `text_table.FIGURES`."""

_NEEDED = {"name", "names_sha256", "pictures", "size", "scores"}


@dataclass
class Board:
    """The methods that were measured on one set."""

    title: str  # what the set is
    scores: list[dict[str, Any]] = field(default_factory=list)  # as in the reports, the best first


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


def _table_of(board: Board) -> tuple[list[str], list[Row]]:
    """Titles of the columns and a row for each method, without columns that nobody measured."""
    keys = [key for key in FIGURES if any(s.get(key) is not None for s in board.scores)]
    best = {}
    for key in keys:
        _, form, better = FIGURES[key]
        best[key] = best_of([words(score.get(key), form) for score in board.scores], better)
    rows = []
    for number, score in enumerate(board.scores):
        cells = tuple(_cell(score, key) for key in keys)
        marks = frozenset(place for place, key in enumerate(keys) if number in best[key])
        rows.append(Row(score["name"], cells, marks))
    return ["method", *(FIGURES[key][0] for key in keys)], rows


def _cell(score: dict[str, Any], key: str) -> str:
    form = FIGURES[key][1]
    cell, bounds = words(score.get(key), form), score.get("intervals", {}).get(key)
    if not bounds:
        return cell
    low, high = (format(bound, form) for bound in bounds)
    return f"{cell} ({low} to {high})"


def _markdown(boards: Sequence[Board]) -> str:
    return "\n".join(f"## {each.title}\n\n{pipe_table(*_table_of(each))}\n" for each in boards)


def _html(boards: Sequence[Board]) -> str:
    parts = ["<h1>Colours measured: leaderboard</h1>"]
    for board in boards:
        parts.append(f"<h2>{escape(board.title)}</h2>")
        parts.append(table("Means over the pictures", *_table_of(board)))
    parts.append(
        '<p class="soft">In brackets, where it was measured, the interval of 95 % of the mean by '
        "the bootstrap over the pictures. The best figures are bold.</p>"
    )
    return whole_page("Photochrom: leaderboard", parts)


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
