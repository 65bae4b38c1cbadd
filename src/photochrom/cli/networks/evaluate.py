"""``photochrom evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import FAILED, option, say
from .table import print_table

if TYPE_CHECKING:
    from ...evaluate import Report


def evaluate(
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER", show_default=False,
        help="Folders of colour photographs or zip files of them, each measured by itself, or "
        "single ones.")],
    pool: Annotated[bool, option("--pool",
        help="Measure all of them together, as one set.")] = False,
    model: Annotated[list[str] | None, option("--model", "-m", of="NAME|FILE", usual="bundled",
        help="A name that `photochrom models list` shows, or an ONNX file. Can be given several "
        "times.")] = None,
    size: Annotated[int, option(of="PIXELS", usual=True,
        help="Side of the squares that are compared.")] = 256,
    limit: Annotated[int | None, option(of="NUMBER", usual="all", min=1,
        help="Compare only so many pictures of each set, drawn at random.")] = None,
    seed: Annotated[int, option(of="NUMBER", usual=True, min=0,
        help="Of everything drawn at random.")] = 0,
    hints: Annotated[int, option(of="NUMBER", usual=True, min=0,
        help="Measure what hints do, on so many pictures of each set: the gain by 1 to 50 true "
        "ones, how far one click spreads, and drift. Slow.")] = 0,
    protocol: Annotated[str | None, option(of="NAME",
        help="Compare on exactly the pictures of imagenet-ctest10k, imagenet-val5k or coco-val5k, "
        "from your copy of them.")] = None,
    groups: Annotated[bool, option("--groups",
        help="Measure the colour of skin by group: FOLDER has a folder of portraits for each group "
        "of people.")] = False,
    perceptual: Annotated[bool, option("--perceptual",
        help="Measure LPIPS and FID too, if their weights are there.")] = False,
    weights: Annotated[Path | None, option(of="FOLDER",
        usual="the folder checkpoints of PyTorch's hub",
        help="With the weights for --perceptual.")] = None,
    pull_weights: Annotated[bool, option("--pull-weights",
        help="Download these weights there, 340 MB, if need be.")] = False,
    results: Annotated[list[str] | None, option("--results", of="FOLDER",
        help="Pictures that another tool coloured, named like those of the set; measured as a "
        "model is. Can be given several times.")] = None,
    inputs: Annotated[Path | None, option("--inputs", of="FOLDER",
        help="Only write the grey squares there, for a tool whose results come back with "
        "--results.")] = None,
    output: Annotated[list[Path] | None, option("--output", "-o", of="FILE",
        help="Write the report too: .html with charts and a contact sheet, .json, .md or .tex. Can "
        "be given several times.")] = None,
    as_json: Annotated[bool, option("--json", help="Print JSON instead of the table.")] = False,
) -> None:  # fmt: skip
    """Measure models on colour photographs.

    Each photograph is turned grey, coloured again and compared with itself, beside two baselines:
    left grey, and one mean colour everywhere.
    """
    from ...evaluate import evaluate as run
    from ...evaluate import write_inputs, write_report
    from ...evaluate.report.report_file import checked_target
    from ...evaluate.report.scores import to_json
    from ...evaluate.report.text_table import heads, overview, rows
    from ..bars import progress_bar

    if inputs is not None:
        count = write_inputs(
            folders, inputs, pool=pool, size=size, limit=limit, seed=seed, protocol=protocol
        )
        say(f"{count} grey squares are in {inputs}; colour them, then give --results")
        return
    for path in output or ():
        checked_target(path)
    models = model or (() if results else ("bundled",))
    with progress_bar("{task.completed}/{task.total}") as progress:
        task = progress.add_task("", total=None)

        def update(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        reports = run(
            folders,
            models,
            pool=pool,
            results=results or (),
            size=size,
            limit=limit,
            seed=seed,
            hints=hints,
            groups=groups,
            protocol=protocol,
            perceptual=perceptual or pull_weights,
            weights=weights,
            pull_weights=pull_weights,
            progress=update,
        )
    for path in output or ():
        write_report(reports, path)
    if as_json:
        typer.echo(to_json(reports))
    elif len(reports) == 1:
        print_table(heads(reports[0]), rows(reports[0]))
    else:
        for report in reports:
            print_table(heads(report), rows(report), title=report.name)
        print_table(heads(reports[0]), overview(reports), title="set by set")
    raise typer.Exit(max(_tell(report, several=len(reports) > 1) for report in reports))


def _tell(report: Report, *, several: bool) -> int:
    """Print what is not in the table to standard error; returns the exit code."""
    from ...evaluate.report.text_table import summary, verdicts

    say(summary(report))
    for line in (*verdicts(report), *report.notes):
        say(f"{report.name}: {line}" if several else line)
    if not report.unreadable:
        return 0
    count = len(report.unreadable)
    say(f"{count} {'picture' if count == 1 else 'pictures'} could not be read:")
    for name, why in report.unreadable:
        say(f"  {why}" if name in why else f"  {name}: {why}")
    return FAILED


def leaderboard(
    reports: Annotated[list[Path], typer.Argument(metavar="REPORT.json", show_default=False,
        help="Reports that `photochrom evaluate --output` has written as JSON.")],
    output: Annotated[Path, option("--output", "-o", of="FILE",
        help="A page (.html), or a table for a README (.md).")],
    by: Annotated[str, option(of="FIGURE", usual=True,
        help="The figure whose best comes first, as in the JSON.")] = "ciede2000",
) -> None:  # fmt: skip
    """Put the methods of several evaluations into one table.

    One for each set of pictures; sets of the same name and pictures at the same size go together.
    """
    from ...evaluate import write_leaderboard

    write_leaderboard(reports, output, by)
    say(f"the leaderboard of {len(reports)} reports is in {output}")
