"""Reports as tables in Markdown or LaTeX, one for each set, for papers and READMEs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .scores import Report
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
