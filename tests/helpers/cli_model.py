"""A tiny model and small pictures for the tests of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from photochrom.cli import app
from photochrom.models.card import METADATA_KEY, Card

CARD = Card(name="tiny", family="plain", title="A test", licence="CC0-1.0", size=64, multiple=8)


def write_model(
    path: Path,
    card: Card | None = CARD,
    *,
    outputs: int = 2,
    bias: tuple[float, ...] = (0.25, 0.2),
    shape: tuple[Any, ...] = ("n", 1, "h", "w"),
) -> Path:
    """A network that gives everything the same colour: L -> ab / 128 on a grid of a quarter."""
    from onnx import TensorProto, helper, save

    channels = shape[1]
    weights = np.zeros(outputs * channels * 16, np.float32)
    bias = (bias * outputs)[:outputs]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["L", "w", "b"], ["ab"], kernel_shape=[4, 4], strides=[4, 4])],
        "tiny",
        [helper.make_tensor_value_info("L", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("ab", TensorProto.FLOAT, ["n", outputs, "y", "x"])],
        [
            helper.make_tensor("w", TensorProto.FLOAT, [outputs, channels, 4, 4], weights),
            helper.make_tensor("b", TensorProto.FLOAT, [outputs], bias),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if card is not None:
        helper.set_model_props(model, {METADATA_KEY: card.to_json()})
    save(model, path)
    return path


def write_picture(path: Path, width: int = 48, height: int = 32, **options: Any) -> Path:
    """A grey picture with light and dark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grey_picture(width, height).save(path, **options)
    return path


def grey_picture(width: int = 48, height: int = 32) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray((60 + 2 * (x % 50) + 3 * (y % 20)).astype(np.uint8))


def pixels(path: Path) -> NDArray[Any]:
    """``(H, W, 3)`` of a file, int."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def is_coloured(path: Path) -> bool:
    """Whether red, green and blue differ."""
    return bool(np.ptp(pixels(path), axis=2).max() > 20)


def invoke(*arguments: object, stdin: bytes | None = None) -> Any:
    """Run the command line in this process."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app, words, input=stdin, prog_name="photochrom")


def launch(*arguments: object, stdin: bytes | None = None, code: str | None = None) -> Any:
    """Run the command line, or ``code`` with its arguments, in a process of its own."""
    start = ["-m", "photochrom"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        input=b"" if stdin is None else stdin,
        capture_output=True,
        timeout=120,
        env=os.environ | {"NO_COLOR": "1"},
    )


def check_mistake(result: Any, *words: str, code: int = 2) -> None:
    """One line on standard error, no traceback, nothing on standard output."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("photochrom")
    assert "Traceback" not in lines[0]
    for word in words:
        assert word in lines[0]
