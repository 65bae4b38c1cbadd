"""Simulated hints, drawn from the true colours (after Zhang et al., SIGGRAPH 2017)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...errors import ArgumentError

FEW = 1 / 8
"""p of the geometric number of hints, from 1 on: 8 on average, as published."""

MANY_SHARE = 1 / 32
"""Share of the hinted samples that get very many hints, so that the network learns to trust
them and a picture can be steered completely."""

MANY = (50, 200)
"""Fewest and most hints of those samples."""

SPREAD = 1 / 4
"""Sigma of the places around the centre, as a share of the side: people point at what matters,
and that is seldom at the edge."""

LARGEST = 9
"""Side in pixels of the largest square patch; the smallest is one pixel."""

MEAN_SHARE = 7 / 8
"""Share of the hints that show the patch's mean colour, as a user's single colour does. The rest
show the truth pixel by pixel, as colours carried over from another picture do."""


def simulate_hints(
    ab: Tensor, generator: torch.Generator, none: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Hints for a batch, drawn at random.

    Where patches overlap, the later one is seen.

    Args:
        ab: ``(N, 2, H, W)`` float32, the truth at the network's input size.
        generator: on `ab`'s device; every draw comes from it.
        none: chance of a sample to get no hints at all, 0...1.

    Returns:
        Hint map ``(N, 2, H, W)`` float32, zero where the mask is zero, and hint mask
        ``(N, 1, H, W)`` float32, 0 or 1.

    Raises:
        ArgumentError: the shape of `ab` or the value of `none` is not as above.
    """
    _check(ab, none)
    n, _, height, width = ab.shape
    area = height * width
    hint_map, mask = torch.zeros_like(ab), ab.new_zeros(n, 1, height, width)
    sample = torch.repeat_interleave(_counts(n, none, generator))
    pixel, inside = _patches(len(sample), height, width, generator)
    # Place in `ab` of every pixel of every patch: (hints, 81), of a; b comes `area` later.
    place = sample[:, None] * (2 * area) + pixel
    colours = _colours(ab, place, inside, generator)
    place, colours = place[inside], colours.transpose(0, 1)[:, inside]
    # The last patch wins. Writing one place twice has no certain outcome; a maximum has.
    order = torch.arange(len(place), dtype=torch.int32, device=ab.device)
    last = torch.full((2 * n * area,), -1, dtype=torch.int32, device=ab.device)
    last.scatter_reduce_(0, place, order, "amax")
    seen = last[place] == order
    place, colours = place[seen], colours[:, seen]
    flat = hint_map.view(-1)
    flat[place], flat[place + area] = colours[0], colours[1]
    mask.view(-1)[place // (2 * area) * area + place % area] = 1
    return hint_map, mask


def _counts(n: int, none: float, generator: torch.Generator) -> Tensor:
    """Number of hints of each of `n` samples."""
    device = generator.device
    counts = torch.empty(n, device=device).geometric_(FEW, generator=generator).long()
    many = torch.randint(MANY[0], MANY[1] + 1, (n,), generator=generator, device=device)
    chance = torch.rand(2, n, generator=generator, device=device)
    counts = torch.where(chance[0] < MANY_SHARE, many, counts)
    return counts * (chance[1] >= none)


def _patches(
    hints: int, height: int, width: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Pixels of square patches that lie wholly in the picture.

    Returns:
        Index ``y * width + x`` of each pixel, and whether it belongs to the patch (if not, the
        index is any valid one): ``(hints, LARGEST**2)`` each.
    """
    device = generator.device
    largest = min(LARGEST, height, width)
    side = torch.randint(1, largest + 1, (hints,), generator=generator, device=device)
    place = torch.randn(2, hints, generator=generator, device=device) * SPREAD + 0.5
    step = torch.arange(LARGEST, device=device)
    rows, columns = (
        # Upper or left edge of the patch whose middle is at that share of the length.
        ((share * length - side / 2).round().long().clamp_min(0).minimum(length - side))[:, None]
        + step
        for share, length in zip(place, (height, width), strict=True)
    )
    within = step < side[:, None]
    pixel = rows.clamp_max(height - 1)[:, :, None] * width + columns.clamp_max(width - 1)[:, None]
    return pixel.flatten(1), (within[:, :, None] & within[:, None]).flatten(1)


def _colours(ab: Tensor, place: Tensor, inside: Tensor, generator: torch.Generator) -> Tensor:
    """Colours that patches show, ``(hints, 2, LARGEST**2)``; outside of `inside` anything."""
    area = ab.shape[2] * ab.shape[3]
    truth = ab.reshape(-1)[torch.stack((place, place + area), 1)]
    share = inside / inside.sum(1, keepdim=True)
    mean = (truth * share[:, None]).sum(2, keepdim=True)
    flat = torch.rand(len(place), 1, 1, generator=generator, device=ab.device) < MEAN_SHARE
    return torch.where(flat, mean, truth)


def _check(ab: Tensor, none: float) -> None:
    if ab.ndim != 4 or ab.shape[1] != 2 or 0 in ab.shape:
        raise ArgumentError(
            "a batch of chroma has the wrong shape",
            expected="(N, 2, H, W), none of them 0",
            got=str(tuple(ab.shape)),
        )
    if not 0 <= none <= 1:
        raise ArgumentError(
            "the share of samples without hints is not a share",
            expected="none from 0 to 1",
            got=str(none),
        )
