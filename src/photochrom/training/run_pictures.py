"""Two pictures of a run: its curves, and what the network makes of pictures it has not seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from .._io import replacing
from ..color import lab_to_srgb
from .data.lab import srgb_to_lab
from .loop.batches import Batches
from .loop.run_module import RunModule

History = Mapping[str, Mapping[int, float]]

_PICTURES = 10
_TILE = 144  # pixels
_GAP = 4
_MARGIN = 76  # for the words on the left


def curves(history: History, path: Path) -> None:
    """Draw losses and gains over steps as a PNG.

    Args:
        history: see `read_history`.
        path: the file; replaced when the new one is complete.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, title, lines in (
        (left, "loss", {"train/loss": "training", "val/loss": "validation"}),
        (
            right,
            "AuC over grey, percent",
            {"val/raw_gain": "all pixels", "val/balanced_gain": "class-balanced"},
        ),
    ):
        axes.set(title=title, xlabel="step")
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
        for name, label in lines.items():
            color = "C0" if name in ("train/loss", "val/raw_gain") else "C1"
            _draw(axes, history.get(name, {}), label, color, smooth=name == "train/loss")
        if axes.has_data():
            axes.legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _draw(axes: Any, values: Mapping[int, float], label: str, color: str, *, smooth: bool) -> None:
    steps, numbers = list(values), list(values.values())
    if not steps:
        return
    if smooth and len(steps) > 20:
        axes.plot(steps, numbers, alpha=0.25, color=color)
        numbers = _smoothed(numbers)
        axes.plot(steps, numbers, label=label, color=color)
    else:
        axes.plot(steps, numbers, label=label, color=color, marker="." if len(steps) < 60 else "")


def _smoothed(numbers: list[float]) -> list[float]:
    """Running mean over about a twentieth."""
    part, kept, result = min(1.0, 20 / len(numbers)), math.nan, []
    for number in numbers:
        kept = number if math.isnan(kept) else kept + part * (number - kept)
        result.append(kept)
    return result


@torch.inference_mode()
def sheet(module: RunModule, batches: Batches, path: Path) -> None:
    """Draw grey, predicted and true validation pictures below each other as a PNG.

    Args:
        module: on the CPU, in evaluation mode.
        batches: whose validation pictures are taken.
        path: the file; replaced when the new one is complete.
    """
    count = min(_PICTURES, len(batches.squares))
    chosen = np.linspace(0, len(batches.squares) - 1, count).astype(np.int64).tolist()
    rows: list[list[Image.Image]] = [[], [], []]
    for at in chosen:
        rgb, _ = batches.squares[at]
        lab = srgb_to_lab(rgb[None])
        L = lab[:, :1]
        ab = module.paint(L).float()
        ab = torch.nn.functional.interpolate(ab, L.shape[2:], mode="bilinear")
        for row, pixels in zip(
            rows,
            (_rgb(L, torch.zeros_like(ab)), _rgb(L, ab), rgb.permute(1, 2, 0).numpy()),
            strict=True,
        ):
            image = Image.fromarray(np.ascontiguousarray(pixels))
            row.append(image.resize((_TILE, _TILE), Image.Resampling.BICUBIC))
    with replacing(path) as temporary:
        _laid_out(rows).save(temporary, "PNG")


def _rgb(L: torch.Tensor, ab: torch.Tensor) -> NDArray[np.uint8]:
    lab = torch.cat([L, ab], 1)[0].permute(1, 2, 0).contiguous().numpy()
    return np.asarray(lab_to_srgb(lab))


def _laid_out(rows: list[list[Image.Image]]) -> Image.Image:
    step = _TILE + _GAP
    sheet = Image.new("RGB", (_MARGIN + step * len(rows[0]), step * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for y, (word, row) in enumerate(zip(("grey", "predicted", "truth"), rows, strict=True)):
        draw.text((6, y * step + _TILE // 2), word, "black", font_size=14)
        for x, image in enumerate(row):
            sheet.paste(image, (_MARGIN + x * step, y * step))
    return sheet
