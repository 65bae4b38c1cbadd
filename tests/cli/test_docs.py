"""Every command and option explains itself, in its help and in docs/cli.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from photochrom.cli import app
from tests.helpers.cli_model import invoke

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command of the tree with its words, the top first."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


TREE = list(commands(get_command(app)))
NAMES = [" ".join(path) or "photochrom" for path, _ in TREE]


def options(command: Any) -> list[str]:
    """The long names of a command's options."""
    return [o for p in command.params for o in p.opts if o.startswith("--")]


def test_the_tree() -> None:
    assert NAMES == [
        "photochrom",
        "colorize",
        "evaluate",
        "evaluate-video",
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


@pytest.mark.parametrize(("path", "command"), TREE[1:], ids=NAMES[1:])
def test_docs(path: tuple[str, ...], command: Any) -> None:
    text = DOCS.read_text(encoding="utf-8")
    heading = f"## photochrom {' '.join(path)}\n"
    assert heading in text
    section = text.split(heading)[1].split("\n## ")[0]
    for option in options(command):
        assert f"`{option}" in section, f"{option} is not in its section"


def test_docs_name_no_option_that_does_not_exist() -> None:
    known = {option for _, command in TREE for option in options(command)} | {"--help"}
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", DOCS.read_text(encoding="utf-8")))
    assert mentioned <= known
