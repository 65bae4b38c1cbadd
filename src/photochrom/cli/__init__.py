"""The command line: one file per command, imported when the command is used."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from .commands import FAILED, Commands, complain, stop_on_signals

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,  # plain help is shorter, and 0.06 s faster
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"photochrom {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def photochrom(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Colour for black-and-white photographs and films.

    For example: photochrom colorize grandma.jpg
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line on the arguments of this process."""
    stop_on_signals()
    code: object = 0
    try:
        app()
    except SystemExit as end:
        code = end.code
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:  # a full disk, or a reader that has ended
        complain(f"standard output: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the interpreter would try once more
        code = code or FAILED
    sys.exit(code)  # type: ignore[arg-type]
