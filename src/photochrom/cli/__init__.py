"""The command line: one file per command, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from .colorize import colorize
from .commands import Commands
from .evaluate import evaluate
from .evaluate_video import evaluate_video
from .importing import import_model
from .models import models_app
from .page import open_page
from .serve import serve
from .train import train

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,  # plain help is shorter, and 0.06 s faster
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(colorize)
app.command()(evaluate)
app.command()(evaluate_video)
app.command()(train)
app.command("app")(open_page)
app.command()(serve)
models_app.command("import")(import_model)
app.add_typer(models_app, name="models")


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
    """Colour for black-and-white photographs.

    For example: photochrom colorize grandma.jpg
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main() -> None:
    """Run the command line on the arguments of this process."""
    app()
