"""Reports as files: tables in Markdown or LaTeX, one for each set; or a page, or JSON."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..._io import replacing
from ...errors import ArgumentError
from .html_page import page
from .scores import Report, to_json
from .text_table import Row, heads, rows, summary, verdicts

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "–": "--"}


def markdown(reports: Sequence[Report]) -> str:
    """Pipe tables, the best figures bold, with what was compared below each."""
    if len(reports) == 1:
        return _table(reports[0])
    return "\n".join(f"## {_escaped(each.name)}\n\n{_table(each)}" for each in reports)


def latex(reports: Sequence[Report]) -> str:
    r"""A ``tabular`` for each, in the style of booktabs, the best figures in ``\textbf``."""
    return "\n".join(map(_tabular, reports))


def pipe_table(titles: Sequence[str], rows: Sequence[Row]) -> str:
    """A table in Markdown whose numbers are to the right and whose best cells are bold."""
    lines = [[_escaped(title) for title in titles], ["---", *["---:"] * (len(titles) - 1)]]
    for row in rows:
        cells = [f"**{c}**" if n in row.best else c for n, c in enumerate(row.cells)]
        lines.append([_escaped(row.title.strip()), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _table(report: Report) -> str:
    table = pipe_table(["", *heads(report)], rows(report))
    sentences = [summary(report), *verdicts(report)]
    return "\n\n".join([table, *(f"{_escaped(sentence)}." for sentence in sentences)]) + "\n"


def _tabular(report: Report) -> str:
    lines = [" & ".join(["", *map(_tex, heads(report))]) + r" \\", r"\midrule"]
    for row in rows(report):
        cells = [
            rf"\textbf{{{_tex(c)}}}" if n in row.best else _tex(c) for n, c in enumerate(row.cells)
        ]
        title = (r"\quad " if row.title.startswith(" ") else "") + _tex(row.title.strip())
        lines.append(" & ".join([title, *cells]) + r" \\")
    notes = [f"% {sentence}." for sentence in (summary(report), *verdicts(report))]
    return "\n".join(
        [
            *notes,
            rf"\begin{{tabular}}{{l{'r' * len(heads(report))}}}",
            r"\toprule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _escaped(text: str) -> str:
    return re.sub(r"([|*_`\\<])", r"\\\1", text)


def _tex(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in text)


FORMS: dict[str, Callable[[Sequence[Report]], str]] = {
    ".html": page,
    ".json": lambda reports: to_json(reports) + "\n",
    ".md": markdown,
    ".tex": latex,
}
"""Suffix -> the reports of all sets as text."""


def write_report(reports: Sequence[Report], path: str | os.PathLike[str]) -> None:
    """Write the reports of all sets, whole or not at all.

    Args:
        reports: from `evaluate`.
        path: ends in .html (a page with charts and a contact sheet), .json, .md or .tex.

    Raises:
        ArgumentError: the file cannot be written, or has another suffix.
    """
    target = checked_target(path)
    try:
        with replacing(target) as part:
            part.write_text(FORMS[target.suffix](reports), encoding="utf-8")
    except OSError as error:
        raise ArgumentError.unwritable(target, error) from None


def checked_target(path: str | os.PathLike[str], suffixes: Iterable[str] = tuple(FORMS)) -> Path:
    """The file that `write_report` would write; ArgumentError if it could not."""
    target = Path(path).expanduser()
    if target.is_dir():
        raise ArgumentError.unwritable(target, "it is a folder", "name a file")
    if not target.parent.is_dir():
        raise ArgumentError.unwritable(target, "its folder does not exist")
    if target.suffix not in suffixes:
        raise ArgumentError.not_one_of(f"the suffix of {target}", target.suffix, suffixes)
    return target
