"""``photochrom models list``, ``info`` and ``pull``."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..._io import file_sha256
from .. import is_terminal, say
from .importing import import_model

if TYPE_CHECKING:
    from ...models.catalogue import CatalogueEntry

models_app = typer.Typer(
    help="The models at hand and those that can be had.",
    rich_markup_mode=None,
    add_completion=False,
)

_JSON = typer.Option("--json", help="Print JSON.")


@models_app.callback(invoke_without_command=True)
def _models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@models_app.command("list")
def list_models(as_json: Annotated[bool, _JSON] = False) -> None:
    """List all models.

    First those inside the package, then those in your folder, then those to download.
    """
    from ...models.registry import Registry

    entries = Registry().entries()
    if as_json:
        rows = [asdict(e) | {"path": e.path and str(e.path)} for e in entries]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = [("NAME", "WHERE", "SIZE", ["TITLE", "LICENCE"])]
    table += [(e.name, e.where, _megabytes(e.size), [e.title, e.licence]) for e in entries]
    widths = [max(len(row[place]) for row in table) + 2 for place in range(3)]
    indent = sum(widths)
    for *cells, texts in table:
        start = "".join(str(c).ljust(width) for c, width in zip(cells, widths, strict=True))
        for text in texts:
            for line in textwrap.wrap(text, max(_columns() - indent, 20)):
                typer.echo(f"{start:{indent}}{line}".rstrip())
                start = ""


@models_app.command("info")
def info(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE", help="A name that `photochrom models list` shows, or a file."
        ),
    ],
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show what a model is.

    Its card, its file, and the execution providers that would run it on this computer.
    """
    from ...models.catalogue import CATALOGUE
    from ...models.registry import Registry

    at_hand = {entry.name for entry in Registry().entries() if entry.path}
    if model in CATALOGUE and model not in at_hand:
        facts = _offered(model, CATALOGUE[model])
    else:
        facts = _loaded(Registry().resolve(model))
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    if facts["family"] != "deoldify":
        facts.pop("scale", None)  # says nothing about the others
    indent = max(map(len, facts)) + 2
    width = _columns()
    for key, value in facts.items():
        if value not in (None, "", {}, []):
            line = key.ljust(indent) + _words(key, value)
            typer.echo(
                textwrap.fill(
                    line,
                    max(width, 60),
                    subsequent_indent=" " * indent,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
            )


def _columns() -> int:
    """Characters of a line: of the terminal; 80 where there is none."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else 80


@models_app.command("pull")
def pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name that `photochrom models list` shows.")
    ],
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Use no network; only check what was downloaded before."),
    ] = False,
) -> None:
    """Download a model into your folder.

    Its length and SHA-256 are checked. What is there and right is not fetched again.
    """
    from ...models.registry import Registry
    from ..bars import progress_bar

    with progress_bar("{task.fields[done]}") as progress:
        task = progress.add_task("", total=None, done="")

        def report(done: int, total: int) -> None:
            words = f"{done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
            progress.update(task, completed=done, total=total, done=words)

        path = Registry().pull(name, offline=offline, progress=report)
    say(f"{name} is in {path}; use it with: photochrom colorize PATH --model {name}")


def _loaded(path: Path) -> dict[str, Any]:
    """The facts about a model that is at hand."""
    from ...models import Model

    model = Model(path)
    return asdict(model.card) | {
        "distribution": model.has_distribution,
        "file": str(path),
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "providers": model.providers,
    }


def _offered(name: str, offer: CatalogueEntry) -> dict[str, Any]:
    """The facts about a model that can be downloaded."""
    return {
        "name": name,
        "family": offer.family,
        "title": offer.title,
        "licence": offer.licence,
        "homepage": offer.homepage,
        "download": f"{_megabytes(offer.size)}, with: photochrom models pull {name}",
        "files": [
            {"name": file.filename, "bytes": file.size, "sha256": file.sha256}
            for file in offer.files
        ],
    }


def _words(key: str, value: Any) -> str:
    """A fact for people."""
    if key == "bytes":
        return f"{value:,} ({_megabytes(value)})"
    if key == "files":
        return ", ".join(file["name"] for file in value)
    if key == "fixed":
        return f"{value[1]}x{value[0]}, the only size it takes"
    if key == "hints":
        return "taken by the network" if value else "carried over surfaces by Photochrom"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


models_app.command("import")(import_model)
