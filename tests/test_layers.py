"""Who may import whom: the layers of the package, read from its imports."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

import photochrom

PACKAGE = Path(photochrom.__file__).parent

# Lowest first. A module imports from lower layers, from its own package, and from those modules of
# its own layer that are files of the same row; packages of one layer do not know one another.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "_io", "_system"),
    ("color",),
    ("media", "gamut", "upsample", "affinity"),
    ("hints",),
    ("shot_list",),
    ("picture",),
    ("models",),
    ("options",),
    ("colorizer",),
    ("video",),
    ("pipeline",),
    ("",),  # the package itself, which offers what lies below
    ("archive", "evaluate", "training"),
    ("cli", "server", "web"),
    ("__main__",),
)
BESIDE = {("cli", "server"), ("cli", "web")}  # starts them
LEVEL = {part: level for level, row in enumerate(LAYERS) for part in row}
HEAVY = {
    *("av", "cv2", "fastapi", "google", "lightning", "matplotlib", "onnx", "onnxruntime"),
    *("onnxscript", "pillow_heif", "pyvips", "ray", "safetensors", "streamlit", "tensorboard"),
    *("timm", "torch", "torchmetrics", "torchvision", "uvicorn"),
}
HEAVY_AT_HOME = {  # by folder; imported by nobody who could do without
    "training": {"lightning", "onnx", "safetensors", "timm", "torch", "torchvision"},
    "server": {"fastapi"},
    "web/page": {"streamlit"},  # a visit does not know it
    "web/streamlit_app.py": {"streamlit"},
    "picture": {"pyvips"},
    "models/importers/checkpoint": {"torch"},
}
FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


class Import(NamedTuple):
    """One import of a module.

    Attributes:
        target: dotted; a module of the package begins with ``photochrom``.
        lazy: within a function.
        typing: for the type checker alone.
    """

    target: str
    lazy: bool
    typing: bool
    line: int


def module(file: Path) -> str:
    """The dotted name of a file that is given relative to the package."""
    parts = ("photochrom", *file.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(file): file for file in FILES}


def imports(file: Path, source: str) -> Iterator[Import]:
    """The imports of a file, whose path is relative to the package."""
    todo: list[tuple[ast.AST, bool, bool]] = [(ast.parse(source), False, False)]
    while todo:
        node, lazy, typing = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            typing = True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            lazy = True
        todo += [(child, lazy, typing) for child in ast.iter_child_nodes(node)]
        for target in _targets(node, file):
            yield Import(target, lazy, typing, getattr(node, "lineno", 0))


def _targets(node: ast.AST, file: Path) -> Iterator[str]:
    """Absolute names of what a statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        folders = ("photochrom", *file.parts[:-1])
        base = ".".join(folders[: len(folders) + 1 - node.level]) if node.level else ""
        base = ".".join(part for part in (base, node.module) if part)
        for alias in node.names:  # modules of the package, or what a module offers
            inner = f"{base}.{alias.name}"
            yield inner if inner in MODULES or inner.removeprefix("photochrom.") in LEVEL else base


def part_of(name: str) -> str:
    """The package or file of the first level that a module belongs to."""
    return [*name.split("."), ""][1]


def violations(file: Path, source: str) -> list[str]:
    here = part_of(module(file))
    home = {each for path, names in HEAVY_AT_HOME.items() if _within(file, path) for each in names}
    found = []
    for target, lazy, typing, line in imports(file, source):
        where = f"{file.as_posix()}:{line}"
        top, there = target.split(".")[0], part_of(target)
        if top != "photochrom":
            if top in HEAVY - home and not (lazy or typing):
                found.append(f"{where}: {top} is to be imported in the function that needs it")
        elif _torch_alone(target, file) and not (lazy or typing):
            found.append(f"{where}: {target} needs PyTorch: import it in a function")
        elif here not in LEVEL or there not in LEVEL:
            found.append(f"{where}: the layer of {here} or {there} is not known")
        elif there == "training" != here and (here != "cli" or not (lazy or typing)):
            found.append(f"{where}: training is for the command line only, in a function")
        elif not _allowed(here, there):
            found.append(f"{where}: {here} may not import {there or 'the package itself'}")
    return found


def _within(file: Path, folder: str) -> bool:
    return f"{file.as_posix()}/".startswith(f"{folder}/")


def _torch_alone(target: str, file: Path) -> bool:
    """Whether a module of a room that needs PyTorch is imported from outside of it."""
    room = "models/importers/checkpoint"
    return target.startswith(f"photochrom.{room.replace('/', '.')}") and not _within(file, room)


def _allowed(here: str, there: str) -> bool:
    if here == there or LEVEL[there] < LEVEL[here] or (here, there) in BESIDE:
        return True
    files = not any((PACKAGE / part).is_dir() for part in (here, there) if part)
    return LEVEL[there] == LEVEL[here] and files


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of modules that import one another, directly or in turn (Tarjan 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in order:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], order[other])
        if lowest[node] == order[node]:
            place = stack.index(node)
            group = stack[place:]
            del stack[place:]
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in order:
            visit(node)
    return sorted(found)


def test_every_part_has_a_layer() -> None:
    parts = {part_of(name) for name in MODULES}
    assert parts <= set(LEVEL)
    assert {"errors", "color", "picture", "models", "colorizer", ""} <= parts


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_go_downwards(file: Path) -> None:
    assert violations(file, (PACKAGE / file).read_text(encoding="utf-8")) == []


def test_no_module_imports_itself_in_turn() -> None:
    """Imports within functions and those for types alone count: they only hide a circle."""
    graph = {
        name: {
            each.target
            for each in imports(file, (PACKAGE / file).read_text(encoding="utf-8"))
            if each.target != name
        }
        for name, file in MODULES.items()
    }
    assert len(graph) > 100
    assert circles(graph) == []


def test_a_file_name_says_what_the_file_holds_without_its_folder() -> None:
    """So no two have the same name; the files of `cli` are called like their commands."""
    names = Counter(
        file.name for file in FILES if file.parts[0] != "cli" and file.name != "__init__.py"
    )
    assert {name for name, count in names.items() if count > 1} == set()


def test_circles_are_found() -> None:
    graph = {"a": ["b"], "b": ["c", "d"], "c": ["b"], "d": [], "e": ["f"], "f": ["g"], "g": ["e"]}
    assert circles(graph) == [["b", "c"], ["e", "f", "g"]]
    assert circles({"a": ["b", "c"], "b": ["c"], "c": []}) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("color.py", "from .errors import ArgumentError"),
        ("gamut.py", "from .color import Float"),
        ("picture/reading.py", "from ..upsample import shrink"),
        ("models/registry.py", "from ..gamut import bins\nfrom .card import Card\nimport numpy"),
        (
            "models/importers/caffe/graph.py",
            "from ....errors import ModelError\nfrom ...card import Card",
        ),
        ("models/registry.py", "def f():\n    import onnxruntime"),
        ("colorizer.py", "if TYPE_CHECKING:\n    import onnxruntime"),
        ("training/export.py", "import torch\nfrom ..models.card import Card\nfrom . import loss"),
        ("models/importers/onnx_model.py", "def f():\n    from . import checkpoint"),
        ("models/importers/checkpoint/state_dict.py", "import torch"),
        ("cli/train.py", "def train():\n    from ..training import export"),
        ("cli/serve.py", "def serve():\n    from ..server import app"),
        ("cli/__init__.py", "from .. import __version__"),
        ("__main__.py", "from .cli import app"),
        ("__init__.py", "from .colorizer import Colorizer"),
        ("video/colorize_video.py", "from ..colorizer import Colorizer"),
        ("archive/task.py", "from ..pipeline import colorize_file"),
    ],
)
def test_what_is_allowed(file: str, source: str) -> None:
    assert violations(Path(file), source) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("errors.py", "from .color import Float"),
        ("color.py", "from .picture import open_picture"),
        ("color.py", "from . import pipeline"),
        ("color.py", "from . import __version__"),
        ("color.py", "import photochrom.models"),
        ("color.py", "import photochrom"),
        ("color.py", "from photochrom import models"),
        ("color.py", "def f():\n    from .models import Model"),
        ("picture/reading.py", "from ..models import Model"),
        ("models/importers/caffe/graph.py", "from ....colorizer import Colorizer"),
        ("models/registry.py", "from ..training import network"),
        ("video/colorize_video.py", "from ..pipeline import colorize_file"),
        ("video/colorize_video.py", "from ..evaluate import image_metrics"),
        ("evaluate/bootstrap.py", "from ..archive import local"),
        ("colorizer.py", "from .video import colorize_video"),
        ("archive/schedule.py", "from ..cli import app"),
        ("server/app.py", "from ..web import page"),
        ("cli/train.py", "from ..training import export"),
        ("server/app.py", "def f():\n    from ..training import export"),
        ("evaluate/bootstrap.py", "def f():\n    from ..training import export"),
        ("training/export.py", "from ..cli import app"),
        ("helpers.py", "from .errors import ArgumentError"),
        ("color.py", "from .helpers import clamp"),
        ("models/importers/onnx_model.py", "from . import checkpoint"),
        ("models/importers/onnx_contents.py", "import torch"),
        ("models/registry.py", "import onnxruntime as ort"),
        ("models/registry.py", "class A:\n    from torch import nn"),
        ("models/importers/caffe/graph.py", "from google.protobuf import text_format"),
        ("cli/train.py", "import torch"),
        ("video/container/video_reader.py", "import av"),
        ("web/visit/jobs.py", "import streamlit as st"),
    ],
)
def test_what_is_not_allowed(file: str, source: str) -> None:
    assert len(violations(Path(file), source)) == 1
