"""sRGB <-> CIELAB for batches of tensors, by the formulas and constants of `photochrom.color`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...color import DELTA, SLOPE, TO_RGB, TO_XYZ
from ...color.srgb import decode
from ...errors import ArgumentError

LUMINANCE: tuple[float, float, float] = tuple(TO_XYZ[1].tolist())
"""Weights of linear R, G and B in luminance Y; they sum to 1."""


def srgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB to CIELAB.

    Args:
        rgb: ``(N, 3, H, W)``; uint8, or float32 0...1.

    Returns:
        ``(N, 3, H, W)`` float32 on the same device: L 0...100, a and b about -110...110.

    Raises:
        ArgumentError: another type or shape.
    """
    linear = to_linear(rgb)
    f = torch.empty_like(linear)
    for channel, weights in enumerate(TO_XYZ.tolist()):
        f[:, channel] = weighted(linear, weights)
    x, y, z = _f(f).unbind(1)
    lab = linear  # its room is free by now
    torch.sub(x, y, out=lab[:, 1]).mul_(500)
    torch.sub(y, z, out=lab[:, 2]).mul_(200)
    torch.mul(y, 116, out=lab[:, 0]).sub_(16).clamp_(0, 100)  # not -1e-6
    return lab


def lab_to_srgb(lab: Tensor) -> Tensor:
    """CIELAB to sRGB, with gradients, for losses that look at colours as people see them.

    Args:
        lab: ``(N, 3, H, W)``, L 0...100.

    Returns:
        ``(N, 3, H, W)`` of the same type, 0...1; colours outside of sRGB are clipped.
    """
    y = (lab[:, 0] + 16) / 116
    f = torch.stack((y + lab[:, 1] / 500, y, y - lab[:, 2] / 200), 1)
    xyz = torch.where(f > DELTA, f**3, (f - 4 / 29) * SLOPE)
    matrix = torch.from_numpy(TO_RGB).to(lab)
    linear = torch.einsum("rc,nchw->nrhw", matrix, xyz).clamp(0, 1)
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, 12.92 * linear)


def lightness(luminance: Tensor) -> Tensor:
    """L, 0...100, of luminance Y, 0...1: float32 of any shape."""
    return _f(luminance).mul_(116).sub_(16).clamp_(0, 100)


def to_linear(rgb: Tensor) -> Tensor:
    """sRGB to linear light.

    Args:
        rgb: ``(N, 3, H, W)``; uint8, or float32 0...1.

    Returns:
        The same shape, float32 0...1, a new tensor.

    Raises:
        ArgumentError: another type or shape.
    """
    if rgb.ndim != 4 or rgb.shape[1] != 3:
        raise ArgumentError(
            "a batch of RGB pictures has the wrong shape",
            expected="(N, 3, H, W)",
            got=str(tuple(rgb.shape)),
        )
    if rgb.dtype == torch.uint8:
        table = torch.from_numpy(decode(np.arange(256, dtype=np.uint8))).to(rgb.device)
        # index_select is many times faster here than table[...] or torch.take.
        return table.index_select(0, rgb.reshape(-1).int()).view(rgb.shape)
    if rgb.dtype == torch.float32:
        curve = rgb.clamp_min(0).add_(0.055).div_(1.055).pow_(2.4)
        return torch.where(rgb > 0.04045, curve, rgb / 12.92)
    raise ArgumentError(
        "a batch of RGB pictures has the wrong type",
        expected="uint8, or float32 0...1",
        got=str(rgb.dtype),
    )


def weighted(linear: Tensor, weights: Sequence[float | Tensor]) -> Tensor:
    """Weighted sum of the three channels.

    Args:
        linear: ``(N, 3, H, W)``.
        weights: one per channel: numbers, or tensors that broadcast to ``(N, H, W)``.

    Returns:
        ``(N, H, W)``, a new tensor.
    """
    red, green, blue = linear.unbind(1)
    total = red * weights[0]
    total += green * weights[1]
    total += blue * weights[2]
    return total


def _f(t: Tensor) -> Tensor:
    # The cube root from the joint on, plus what the linear piece falls short of it below:
    # choosing by a mask is slower.
    root = t.clamp_min(DELTA**3).pow_(1 / 3)
    return root.add_(t.clamp_max(DELTA**3).sub_(DELTA**3), alpha=1 / SLOPE)
