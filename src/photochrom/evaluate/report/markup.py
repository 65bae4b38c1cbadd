"""A report as a table in Markdown or LaTeX, for papers and READMEs."""

from __future__ import annotations

import re

from .scores import Report
from .text_table import heads, rows, summary, verdicts

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "–": "--"}


def markdown(report: Report) -> str:
    """A pipe table, the best figures bold, with what was compared below it."""
    titles = [""] + [_escaped(head) for head in heads(report)]
    lines = [titles, ["---", *["---:"] * (len(titles) - 1)]]
    for row in rows(report):
        cells = [f"**{c}**" if n in row.best else c for n, c in enumerate(row.cells)]
        lines.append([_escaped(row.title.strip()), *cells])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    sentences = [summary(report), *verdicts(report)]
    return "\n\n".join([table, *(f"{_escaped(sentence)}." for sentence in sentences)]) + "\n"


def latex(report: Report) -> str:
    r"""A ``tabular`` in the style of booktabs, the best figures in ``\textbf``."""
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
