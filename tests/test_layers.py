"""Who may import whom: the layers of the package, read from its imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import photochrom

PACKAGE = Path(photochrom.__file__).parent

LAYERS = {
    "errors": 0,
    "_io": 0,
    "_system": 0,
    "cancel": 0.5,
    "media": 1,
    "adjust": 1.5,
    "color": 1,
    "luma": 1,
    "colortable": 1,
    "gamut": 1,
    "hints": 1,
    "picture": 2,
    "upsample": 2,
    "models": 3,
    "options": 2.5,
    "colorizer": 4,
    "pipeline": 4.2,
    "variants": 4,
    "evaluate": 4,
    "video": 4,
    "": 4.5,  # the package itself, which offers what lies below
    "archive": 5,
    "cli": 6,
    "server": 6,
    "web": 6,
    "__main__": 7,
    "training": 3.5,  # stands beside: nobody but the command line imports it, see below
}
NEIGHBOURS = {  # of the same layer, and still allowed
    "luma": {"color"},
    "colortable": {"color", "luma"},
    "gamut": {"color"},
    "hints": {"color"},
    "media": {"_io"},
    "evaluate": {"colorizer"},
    "video": {"colorizer"},
    "cli": {"server", "web"},
}
HEAVY = {
    *("av", "cv2", "fastapi", "google", "lightning", "matplotlib", "onnx", "onnxruntime"),
    *("onnxscript", "pillow_heif", "pyvips", "ray", "safetensors", "streamlit", "tensorboard"),
    *("timm", "torch", "torchmetrics", "torchvision", "uvicorn"),
}
HEAVY_AT_HOME = {  # imported by nobody who could do without
    "training": {"lightning", "onnx", "safetensors", "timm", "torch", "torchvision"},
    "server": {"fastapi"},
    "web": {"streamlit"},
    "picture": {"pyvips"},
}


class Import(NamedTuple):
    """One import: the importing and the imported part of the package, or a foreign package."""

    here: str
    there: str
    foreign: bool
    lazy: bool
    line: int


def imports(file: Path, source: str) -> Iterator[Import]:
    """The imports of a file, whose path is relative to the package."""
    folders = file.parts[:-1]
    here = folders[0] if folders else file.stem.replace("__init__", "")
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(source), False)]
    while todo:
        node, lazy = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            lazy = True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            lazy = True
        todo += [(child, lazy) for child in ast.iter_child_nodes(node)]
        for target in _targets(node, folders):
            ours = target[0] == "photochrom"
            there = (target[1] if len(target) > 1 else "") if ours else target[0]
            yield Import(here, there, not ours, lazy, getattr(node, "lineno", 0))


def _targets(node: ast.AST, folders: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Absolute names of what a statement imports."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield tuple(alias.name.split("."))
    elif isinstance(node, ast.ImportFrom):
        base: tuple[str, ...] = ()
        if node.level:
            base = ("photochrom", *folders[: len(folders) + 1 - node.level])
        base += tuple(node.module.split(".")) if node.module else ()
        if base != ("photochrom",):
            yield base
            return
        for alias in node.names:  # parts of the package, or what the package itself offers
            yield (*base, alias.name) if alias.name in LAYERS else base


def violations(file: Path, source: str) -> list[str]:
    found = []
    for here, there, foreign, lazy, line in imports(file, source):
        where = f"{file.as_posix()}:{line}"
        if foreign:
            if there in HEAVY - HEAVY_AT_HOME.get(here, set()) and not lazy:
                found.append(f"{where}: {there} is to be imported in the function that needs it")
        elif here not in LAYERS or there not in LAYERS:
            found.append(f"{where}: the layer of {here} or {there} is not known")
        elif there == "training" != here:
            if here != "cli" or not lazy:
                found.append(f"{where}: training is for the command line only, in a function")
        elif LAYERS[there] >= LAYERS[here] and there not in {here} | NEIGHBOURS.get(here, set()):
            found.append(f"{where}: {here} may not import {there or 'the package itself'}")
    return found


FILES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def test_every_part_has_a_layer() -> None:
    parts = {file.parts[0].removesuffix(".py").replace("__init__", "") for file in FILES}
    assert parts <= set(LAYERS)
    assert {"errors", "color", "picture", "models", "colorizer", ""} <= parts


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_go_downwards(file: Path) -> None:
    assert violations(file, (PACKAGE / file).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("color.py", "from .errors import ArgumentError"),
        ("gamut.py", "from .color import Float"),
        ("models/session.py", "from ..gamut import bins\nfrom .card import Card\nimport numpy"),
        (
            "models/importers/caffe/graph.py",
            "from ....errors import ModelError\nfrom ...card import Card",
        ),
        ("models/session.py", "def f():\n    import onnxruntime"),
        ("colorizer.py", "if TYPE_CHECKING:\n    import onnxruntime"),
        ("training/export.py", "import torch\nfrom ..models.card import Card\nfrom . import loss"),
        ("cli/train.py", "def train():\n    from ..training import export"),
        ("cli/serve.py", "def serve():\n    from ..server import app"),
        ("cli/__init__.py", "from .. import __version__"),
        ("__main__.py", "from .cli import app"),
        ("__init__.py", "from .colorizer import Colorizer"),
        ("video/clip.py", "from ..colorizer import Colorizer"),
    ],
)
def test_what_is_allowed(file: str, source: str) -> None:
    assert violations(Path(file), source) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("errors.py", "from .color import Float"),
        ("color.py", "from .gamut import bins"),
        ("color.py", "from . import gamut"),
        ("color.py", "from . import __version__"),
        ("color.py", "import photochrom.gamut"),
        ("color.py", "import photochrom"),
        ("color.py", "from photochrom import models"),
        ("color.py", "def f():\n    from .models import Model"),
        ("hints.py", "from .gamut import bins"),
        ("picture/reading.py", "from ..upsample import shrink"),
        ("picture/reading.py", "from ..models import Model"),
        ("models/importers/caffe/graph.py", "from ....colorizer import Colorizer"),
        ("models/session.py", "from ..training import network"),
        ("video/clip.py", "from ..evaluate import metrics"),
        ("colorizer.py", "from .video import clip"),
        ("archive/schedule.py", "from ..cli import app"),
        ("server/app.py", "from ..web import page"),
        ("cli/train.py", "from ..training import export"),
        ("server/app.py", "def f():\n    from ..training import export"),
        ("training/export.py", "from ..colorizer import Colorizer"),
        ("training/export.py", "from .. import Colorizer"),
        ("helpers.py", "from .errors import ArgumentError"),
        ("color.py", "from .helpers import clamp"),
        ("models/session.py", "import onnxruntime as ort"),
        ("models/session.py", "class A:\n    from torch import nn"),
        ("models/importers/caffe/graph.py", "from google.protobuf import text_format"),
        ("cli/train.py", "import torch"),
        ("video/clip.py", "import av"),
    ],
)
def test_what_is_not_allowed(file: str, source: str) -> None:
    assert len(violations(Path(file), source)) == 1
