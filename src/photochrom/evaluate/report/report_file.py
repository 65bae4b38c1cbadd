"""Writing a report to a file, whose suffix says in which form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..._io import replacing
from ...errors import ArgumentError
from .html_page import page
from .markup import latex, markdown
from .scores import Report, to_json

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
    """The file that `write_report` would write, checked before the work is done for it.

    Raises:
        ArgumentError: its folder does not exist, it is a folder itself, or has another suffix.
    """
    target = Path(path).expanduser()
    if target.is_dir():
        raise ArgumentError.unwritable(target, "it is a folder", "name a file")
    if not target.parent.is_dir():
        raise ArgumentError.unwritable(target, "its folder does not exist")
    if target.suffix not in suffixes:
        raise ArgumentError.not_one_of(f"the suffix of {target}", target.suffix, suffixes)
    return target
