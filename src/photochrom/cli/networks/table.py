"""Tables of figures, as `evaluate` and `evaluate-video` print them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...evaluate.report.text_table import Row

_PIPED = 160  # characters of a line where there is no terminal to fit into


def print_table(heads: Sequence[str], rows: Sequence[Row], title: str = "") -> None:
    """Print columns of figures (rows of `text_table`) to standard output, the best ones bold."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    table.add_column(Text(title, "bold"), no_wrap=True)
    for head in heads:
        table.add_column(Text(head, overflow="fold"), justify="right")
    for row in rows:
        cells = (
            Text(cell, "bold" if place in row.best else "") for place, cell in enumerate(row.cells)
        )
        table.add_row(Text(row.title), *cells)
    Console(width=None if sys.stdout.isatty() else _PIPED).print(table)
