"""Batches of random crops, each wholly determined by a seed and the number of the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from ...errors import ArgumentError
from .cache import Cache

_ORDER, _CROPS, _SPLIT = 1, 2, 3  # streams of random numbers


class CropBatches(Dataset[Tensor]):
    """Batches for training, one per step.

    A batch depends on `seed` and its step only, so a run that is continued at step n by
    ``first=n`` sees the very batches it would have seen. Meant for
    ``DataLoader(batches, batch_size=None)``, with worker processes or without.

    Every picture is drawn once per epoch, in a new order each epoch; with `weights`, pictures are
    drawn independently of each other instead. A picture's square crop has a side of a random
    part of its short side, lies at a random place and is mirrored half of the time.

    Args:
        cache: the pictures.
        indices: which of them.
        size: side of the crops in pixels, or a function that gives it for a step (one that can
            be pickled, where worker processes are not forked).
        batch: crops per batch.
        steps: of the whole run.
        seed: not negative.
        scale: least and largest side of a crop before it is resized, of the short side.
        weights: for every source, how likely one of its pictures is to be drawn compared to one of
            another source's, see `per_picture`; None: each picture once per epoch.
        first: the step to begin at: ``self[i]`` is the batch of step ``first + i``.

    Raises:
        ArgumentError: an argument is out of range.
    """

    def __init__(
        self,
        cache: Cache,
        indices: NDArray[np.int64],
        *,
        size: int | Callable[[int], int],
        batch: int,
        steps: int,
        seed: int,
        scale: tuple[float, float] = (0.6, 1.0),
        weights: Sequence[float] | None = None,
        first: int = 0,
    ) -> None:
        _check("the number of pictures", len(indices) >= 1, "1 or more", len(indices))
        _check("batch", batch >= 1, "1 or more", batch)
        _check("seed", seed >= 0, "0 or more", seed)
        _check("first", 0 <= first <= steps, f"0...{steps}, the number of steps", first)
        _check("scale", 0 < scale[0] <= scale[1] <= 1, "0 < least <= largest <= 1", scale)
        self.cache, self.indices = cache, np.asarray(indices, np.int64)
        self.size, self.batch, self.steps, self.seed = size, batch, steps, seed
        self.scale, self.first = scale, first
        self._cumulated = None if weights is None else self._cumulate(weights)

    def _cumulate(self, weights: Sequence[float]) -> NDArray[np.float64]:
        values, count = np.asarray(weights, np.float64), len(self.cache.sources)
        fits = values.shape == (count,) and np.isfinite(values).all() and (values >= 0).all()
        _check("weights", bool(fits), f"{count} numbers, one per source, 0 or more", weights)
        cumulated: NDArray[np.float64] = np.cumsum(values[self.cache.sources_of(self.indices)])
        _check("weights", cumulated[-1] > 0, "one above 0 for a source in use", weights)
        return cumulated

    def __len__(self) -> int:
        return self.steps - self.first

    def __getitem__(self, index: int) -> Tensor:
        """The batch of step ``first + index``: uint8 ``(batch, 3, size, size)``, sRGB."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        step = self.first + index
        size = self.size(step) if callable(self.size) else self.size
        random = np.random.default_rng((self.seed, _CROPS, step))
        picks, where = random.random(self.batch), random.random((self.batch, 4))
        crops = np.empty((self.batch, size, size, 3), np.uint8)
        for crop, number, values in zip(crops, self._pictures(step, picks), where, strict=True):
            crop[:] = _crop(self.cache[int(number)], size, self.scale, values.tolist())
        return torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2)))

    def _pictures(self, step: int, picks: NDArray[np.float64]) -> NDArray[np.int64]:
        """Numbers of a step's pictures in the cache."""
        count = len(self.indices)
        if self._cumulated is not None:
            at = np.searchsorted(self._cumulated, picks * self._cumulated[-1], side="right")
            drawn: NDArray[np.int64] = self.indices[np.minimum(at, count - 1)]
            return drawn
        epochs, at = np.divmod(np.arange(step * self.batch, (step + 1) * self.batch), count)
        order = np.empty(self.batch, np.int64)
        for epoch in np.unique(epochs).tolist():
            here = epochs == epoch
            order[here] = _permutation(self.seed, epoch, count)[at[here]]
        return self.indices[order]


def capped(counts: Sequence[int], weights: Sequence[float] | None, most: float) -> list[float]:
    """Part of the crops of every source, none more than `most`; they sum to 1.

    Args:
        counts: pictures of every source.
        weights: how much each should count; None: by its number of pictures.
        most: 0...1; where there are too few sources for it, all count alike.
    """
    _check("the largest share of a source", 0 < most <= 1, "more than 0, at most 1", most)
    wanted = np.asarray(counts if weights is None else weights, np.float64)
    share = np.where(np.asarray(counts) > 0, wanted, 0.0)
    _check("weights", bool(share.sum() > 0), "one above 0 for a source with pictures", weights)
    share = share / share.sum()
    most = max(most, 1 / np.count_nonzero(share))
    capped = np.zeros(len(share), bool)
    while (over := (share > most + 1e-12) & ~capped).any():  # what they lose, the others get
        capped |= over
        share[capped] = most
        rest = ~capped & (share > 0)
        if rest.any():
            share[rest] *= (1 - most * capped.sum()) / share[rest].sum()
    return [float(s) for s in share / share.sum()]


def per_picture(cache: Cache, indices: NDArray[np.int64], shares: Sequence[float]) -> list[float]:
    """`CropBatches.weights` with which sources have these parts of the crops.

    Args:
        cache: the pictures.
        indices: which of them are in use.
        shares: part of the crops of every source.
    """
    counts = np.bincount(cache.sources_of(indices), minlength=len(cache.sources))
    return [s / n if n else 0.0 for s, n in zip(shares, counts.tolist(), strict=True)]


def split(
    cache: Cache, validation: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Set pictures aside for validation.

    Args:
        cache: the pictures.
        validation: the part to set aside, 0 or more and less than 1; rounded, but at least one
            picture if it is not 0.
        seed: the same one gives the same split.

    Returns:
        The numbers for training and those for validation, each in ascending order.

    Raises:
        ArgumentError: ``validation`` is out of range, or nothing would be left for training.
    """
    _check("validation", 0 <= validation < 1, "0 or more and less than 1", validation)
    count = aside(len(cache), validation)
    _check("the number of pictures", len(cache) > count, f"more than {count}", len(cache))
    order = np.random.default_rng((seed, _SPLIT)).permutation(len(cache))
    return np.sort(order[count:]), np.sort(order[:count])


def aside(pictures: int, validation: float) -> int:
    """How many pictures `split` sets aside."""
    return max(round(pictures * validation), 1 if validation else 0)


def centre_square(picture: NDArray[np.uint8], size: int) -> Tensor:
    """The largest square in the middle of a picture ``(H, W, 3)``: uint8 ``(3, size, size)``."""
    square = _crop(picture, size, (1.0, 1.0), [0.0, 0.5, 0.5, 1.0])
    return torch.from_numpy(np.ascontiguousarray(square.transpose(2, 0, 1)))


def _crop(
    picture: NDArray[np.uint8], size: int, scale: tuple[float, float], values: list[float]
) -> NDArray[np.uint8]:
    """A square crop; ``values`` (0...1) choose its scale, its place and whether it is mirrored."""
    height, width = picture.shape[:2]
    part = scale[0] + values[0] * (scale[1] - scale[0])
    side = max(1, round(min(height, width) * part))
    top = min(int(values[1] * (height - side + 1)), height - side)
    left = min(int(values[2] * (width - side + 1)), width - side)
    crop = picture[top : top + side, left : left + side]
    if side != size:
        # Pillow's filters widen when they shrink, so nothing aliases.
        image = Image.fromarray(np.ascontiguousarray(crop))
        crop = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))
    return crop[:, ::-1] if values[3] < 0.5 else crop


@lru_cache(maxsize=2)  # a batch may span two epochs
def _permutation(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, _ORDER, epoch)).permutation(count)


def _check(name: str, fits: bool, expected: str, got: object) -> None:
    if not fits:
        raise ArgumentError(f"{name} cannot be used", expected=expected, got=str(got))
