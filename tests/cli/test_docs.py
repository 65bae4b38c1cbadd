"""Every command and option explains itself, in its help and in docs/cli.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from photochrom.cli import app
from photochrom.media import CONTAINERS, FORMATS
from tests.helpers.cli_model import invoke

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree with its words, the top first."""
    yield path, command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from commands(command.get_command(None, name), (*path, name))


TREE = list(commands(get_command(app)))
NAMES = [" ".join(path) or "photochrom" for path, _ in TREE]


def options(command: Any) -> list[str]:
    """The long names of a command's options."""
    return [o for p in command.params for o in p.opts if o.startswith("--")]


def test_the_tree() -> None:
    assert NAMES == [
        "photochrom",
        "colorize",
        "uncolor",
        "shots",
        "evaluate",
        "evaluate-video",
        "leaderboard",
        "train",
        "app",
        "serve",
        "models",
        "models list",
        "models info",
        "models pull",
        "models import",
    ]


@pytest.mark.parametrize(("path", "command"), TREE, ids=NAMES)
def test_help(path: tuple[str, ...], command: Any) -> None:
    assert command.help
    for param in command.params:
        assert param.help, f"{param.name} has no help"
        assert param.help[0].isupper(), param.help
        assert param.help.endswith("."), param.help
    done = invoke(*path, "--help")
    assert done.exit_code == 0
    for option in options(command):
        assert option in done.stdout


@pytest.mark.parametrize(("path", "command"), TREE, ids=NAMES)
def test_defaults_are_shown(path: tuple[str, ...], command: Any) -> None:
    text = " ".join(invoke(*path, "--help").stdout.split())
    for param in command.params:
        if param.default not in (None, False) and param.show_default:
            assert f"[default: {param.default}" in text


@pytest.mark.parametrize(("path", "command"), TREE, ids=NAMES)
def test_docs(path: tuple[str, ...], command: Any) -> None:
    text = DOCS.read_text(encoding="utf-8")
    heading = f"## {' '.join(['photochrom', *path])}\n"
    assert heading in text
    section = text.split(heading)[1].split("\n## ")[0]
    for option in options(command):
        assert f"`{option}" in section, f"{option} is not in its section"


def test_docs_name_no_option_that_does_not_exist() -> None:
    known = {option for _, command in TREE for option in options(command)} | {"--help"}
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", DOCS.read_text(encoding="utf-8")))
    assert mentioned <= known


def test_docs_and_help_have_the_defaults_of_the_table() -> None:
    qualities = ", ".join(
        f"{row.quality} for {row.title}" for row in FORMATS.values() if row.quality is not None
    )
    text = DOCS.read_text(encoding="utf-8")
    assert f"default {qualities} |" in text
    formats = " or ".join(
        ", ".join(f"`{name}`" for name, row in FORMATS.items() if row.write).rsplit(", ", 1)
    )
    assert f"write pictures as {formats}:" in text
    shown = " ".join(invoke("colorize", "--help").stdout.split())
    assert f"[default: ({qualities});" in shown
    for row in (*FORMATS.values(), *CONTAINERS.values()):
        assert row.suffixes[0] in shown
    titles = [row.title for row in FORMATS.values()]
    assert f"**a picture**: {', '.join(titles[:-1])} or {titles[-1]}" in " ".join(text.split())
