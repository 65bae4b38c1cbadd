"""Pictures of a run: its curves, and a sheet of validation pictures in the network's colours."""

from __future__ import annotations

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

_TRAINING, _VALIDATION = "C0", "C1"
_SMOOTH = 20  # values; fewer are drawn as they are
_PICTURES = 10
_TILE = 144  # pixels
_GAP = 4
_MARGIN = 76  # for the words on the left


def curves(history: History, path: Path, epoch: float) -> None:
    """Draw a run's losses, CIEDE2000 and AuC over its epochs as a PNG.

    Training is blue and validation orange. Values of single steps are pale, means strong: those of
    the training loss are over all steps between two validations.

    Args:
        history: see `read_history`.
        path: the file; replaced when the new one is complete.
        epoch: steps in an epoch.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    loss, difference, gain = figure.subplots(1, 3)
    single, means = history.get("train/loss", {}), history.get("train/mean_loss", {})
    if len(means) > 1:
        loss.plot([s / epoch for s in single], single.values(), alpha=0.25, color=_TRAINING)
    _draw(loss, means if len(means) > 1 else single, epoch, "training", _TRAINING)
    _draw(loss, history.get("val/loss"), epoch, "validation", _VALIDATION)
    ciede2000, below = history.get("val/ciede2000", {}), history.get("val/ciede2000_over_grey", {})
    _draw(difference, ciede2000, epoch, "validation", _VALIDATION)
    if shared := ciede2000.keys() & below.keys():
        grey = ciede2000[min(shared)] - below[min(shared)]
        difference.axhline(grey, color="grey", linestyle=":", label="left grey")
    _draw(gain, history.get("val/raw_gain"), epoch, "all pixels", _VALIDATION)
    _draw(gain, history.get("val/balanced_gain"), epoch, "class-balanced", _VALIDATION, "--")
    for axes, title in (
        (loss, "loss"),
        (difference, "CIEDE2000 (less is better)"),
        (gain, "AuC over grey, percent"),
    ):
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend()
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _draw(
    axes: Any,
    values: Mapping[int, float] | None,
    epoch: float,
    label: str,
    color: str,
    line: str = "-",
) -> None:
    if not values:
        return
    at, numbers = [step / epoch for step in values], list(values.values())
    if len(at) > _SMOOTH:
        axes.plot(at, numbers, line, alpha=0.25, color=color)
        axes.plot(at, _smoothed(numbers), line, label=label, color=color)
    else:
        axes.plot(at, numbers, line, label=label, color=color, marker=".")


def _smoothed(numbers: list[float]) -> list[float]:
    """The mean around each value over about a sixth of all; less at both ends."""
    reach, sums = max(3, len(numbers) // 12), np.cumsum([0.0, *numbers])
    places = np.arange(len(numbers))
    first = np.maximum(places - reach, 0)
    last = np.minimum(places + reach + 1, len(numbers))
    return [float(mean) for mean in (sums[last] - sums[first]) / (last - first)]


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
