"""Pictures with region maps, to learn from which places of a picture belong together."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ...errors import ArgumentError
from .sources import is_picture

PICTURES, MAPS = "pictures", "regions"
"""Folders of pictures and of their maps."""

UNKNOWN = 0
"""Value of the pixels of a map that belong to no region."""

STRIDE = 8
"""Pixels per cell, each way."""

_SURE = 0.7  # share of a cell that one region must have
_SCALE = 0.7, 1.0  # of the crops' side, as part of the picture's short side
_PROPORTION = 0.02  # by which the sides of a map may differ from the picture's


class Labeled(NamedTuple):
    """Crops and the regions of their cells.

    Attributes:
        rgb: ``(N, 3, size, size)`` uint8.
        labels: ``(N, size / 8, size / 8)`` int64, the value that most of a cell has in the map;
            0 where that is unknown or not clear.
    """

    rgb: Tensor
    labels: Tensor


class RegionPictures:
    """Pictures of folders that hold ``pictures`` and ``regions``.

    The map of ``pictures/a/b.jpg`` is ``regions/a/b.png``: one channel of 8 or 16 bits, or a
    palette; each value is a region, or a kind of region, and 0 is unknown. Two regions of one kind
    that do not touch are different ones.

    Args:
        folders: one or several.

    Raises:
        ArgumentError: a folder has no pictures, or one of them no map.
    """

    def __init__(self, folders: list[Path]) -> None:
        self.pairs = [pair for folder in folders for pair in _pairs(folder)]

    def __len__(self) -> int:
        return len(self.pairs)

    def crops(self, numbers: list[int], size: int, random: np.random.Generator) -> Labeled:
        """Random square crops, half of them mirrored.

        Args:
            numbers: of the pictures.
            size: side in pixels, a multiple of 8.
            random: source of scale, place and mirroring.

        Raises:
            ArgumentError: a file cannot be read, or a map does not fit its picture.
        """
        pairs = [self._crop(number, size, random.random(4)) for number in numbers]
        rgb, labels = (np.stack(each) for each in zip(*pairs, strict=True))
        return Labeled(torch.from_numpy(rgb), torch.from_numpy(labels))

    def _crop(
        self, number: int, size: int, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        picture, labels = _opened(*self.pairs[number])
        width, height = picture.size
        side = min(width, height) * (_SCALE[0] + values[0] * (_SCALE[1] - _SCALE[0]))
        left, top = values[1] * (width - side), values[2] * (height - side)
        box = left, top, left + side, top + side
        square = (size, size)
        rgb = np.asarray(picture.resize(square, Image.Resampling.BICUBIC, box, reducing_gap=3.0))
        part = labels.size[0] / width, labels.size[1] / height
        scaled = (box[0] * part[0], box[1] * part[1], box[2] * part[0], box[3] * part[1])
        near = labels.resize(square, Image.Resampling.NEAREST, scaled)
        values_of = cells(np.asarray(near, np.int64))
        if values[3] < 0.5:
            rgb, values_of = rgb[:, ::-1], values_of[:, ::-1]
        return np.ascontiguousarray(np.moveaxis(rgb, -1, 0)), np.ascontiguousarray(values_of)


def cells(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Values of cells of 8 x 8 pixels: that of seven tenths of a cell or more, else `UNKNOWN`.

    Args:
        labels: ``(H, W)``, sides multiples of 8.
    """
    rows, columns = (side // STRIDE for side in labels.shape)
    known, index = np.unique(labels, return_inverse=True)
    squares = (
        index.reshape(rows, STRIDE, columns, STRIDE).swapaxes(1, 2).reshape(rows * columns, -1)
    )
    offset = np.arange(len(squares))[:, None] * len(known)
    counts = np.bincount((squares + offset).ravel(), minlength=len(squares) * len(known))
    counts = counts.reshape(len(squares), len(known))
    clear = counts.max(1) >= _SURE * STRIDE**2
    return np.where(clear, known[counts.argmax(1)], UNKNOWN).reshape(rows, columns)


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    pictures, maps = folder / PICTURES, folder / MAPS
    found = sorted(p for p in pictures.rglob("*") if p.is_file() and is_picture(p.name))
    if not found:
        raise ArgumentError(
            f"there are no regions to learn from in {folder}",
            expected=f"pictures in {PICTURES} and PNGs of the same names in {MAPS}",
            got="no pictures",
            fix="see docs/training.md",
        )
    pairs = [(p, (maps / p.relative_to(pictures)).with_suffix(".png")) for p in found]
    for picture, labels in pairs:
        if not labels.is_file():
            raise ArgumentError(
                f"{picture} has no region map", expected=str(labels), got="no such file"
            )
    return pairs


def _opened(picture: Path, labels: Path) -> tuple[Image.Image, Image.Image]:
    try:
        with Image.open(picture) as opened:
            rgb = opened.convert("RGB")
        with Image.open(labels) as opened:
            opened.load()
            values = opened.copy()
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ArgumentError(
            f"{picture} and its region map {labels}", expected="two pictures", got=str(error)
        ) from None
    if values.mode not in ("1", "L", "P", "I", "I;16"):
        raise ArgumentError(
            f"the region map {labels}",
            expected="one channel or a palette, each value a region",
            got=f"mode {values.mode}",
        )
    ratio = (values.width * rgb.height) / (values.height * rgb.width)
    if not 1 / (1 + _PROPORTION) <= ratio <= 1 + _PROPORTION:
        raise ArgumentError(
            f"the region map {labels} does not fit {picture}",
            expected=f"the proportions of {rgb.width} x {rgb.height} pixels",
            got=f"{values.width} x {values.height}",
        )
    return rgb, values if values.mode != "I;16" else values.convert("I")
