"""``photochrom evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import FAILED, say
from .table import print_table

if TYPE_CHECKING:
    from ..evaluate import Report


def evaluate(
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER",
            help="Folders of colour photographs, zip files of them, or single ones.",
            show_default=False,
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="NAME|FILE",
            help="A name that `photochrom models list` shows, or an ONNX file. "
            "Can be given several times.",
            show_default="bundled",
        ),
    ] = None,
    size: Annotated[
        int, typer.Option(metavar="PIXELS", help="Side of the squares that are compared.")
    ] = 256,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            min=1,
            help="Compare only so many pictures, drawn at random.",
            show_default="all",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, help="Of everything drawn at random.")
    ] = 0,
    hints: Annotated[
        int,
        typer.Option(
            metavar="NUMBER",
            min=0,
            help="Measure what 1 to 50 true hints gain, on so many of the pictures. Slow.",
        ),
    ] = 0,
    perceptual: Annotated[
        bool,
        typer.Option("--perceptual", help="Measure LPIPS and FID too, if their weights are there."),
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html",
            metavar="FILE",
            help="Write a page with the figures, charts and a contact sheet.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of the table.")
    ] = False,
) -> None:
    """Measure models on colour photographs.

    Each photograph is turned grey, coloured again and compared with itself, beside two baselines:
    left grey, and one mean colour everywhere.
    """
    from ..evaluate import evaluate as run
    from ..evaluate.report.html_page import checked_target, write_page
    from ..evaluate.report.text_table import heads, rows
    from .bars import progress_bar

    if html is not None:
        checked_target(html)
    with progress_bar("{task.completed}/{task.total}") as progress:
        task = progress.add_task("", total=None)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        report = run(
            folders,
            model or ("bundled",),
            size=size,
            limit=limit,
            seed=seed,
            hints=hints,
            perceptual=perceptual,
            progress=update,
        )
    if html is not None:
        write_page(report, html)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_table(heads(report), rows(report))
    raise typer.Exit(_tell(report))


def _tell(report: Report) -> int:
    """Say what does not stand in the table; returns the exit code."""
    from ..evaluate.report.text_table import summary

    say(summary(report))
    for note in report.notes:
        say(note)
    if not report.unreadable:
        return 0
    count = len(report.unreadable)
    say(f"{count} {'picture' if count == 1 else 'pictures'} could not be read:")
    for name, why in report.unreadable:
        say(f"  {why}" if name in why else f"  {name}: {why}")
    return FAILED
