"""Loss terms for hints: idempotence and locality.

Two terms of the loss, each on some crops without hints of the user's kind. *Idempotence*: hints
that repeat the network's own answer change nothing. *Locality*: one hint of a colour that is not
there changes the thing that it lies on, and leaves the rest alone; what belongs to the thing is
told by likeness in true colour, lightness and place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .loss import ColorLoss, annealed_mean

_COLOR, _LIGHTNESS, _PLACE = 8.0, 20.0, 0.2
"""Distances in ab, in L and in parts of the side at which likeness has fallen to 0.6."""


@dataclass(frozen=True)
class Extra:
    """Hints for the two terms, for the first crops of a batch."""

    own: Tensor  # ``(n, 1, H, W)``, 1 where the network's own colours are hints
    false_ab: Tensor  # ``(m, 2, H, W)``, one colour for each of the next `m` crops
    false: Tensor  # ``(m, 1, H, W)``, 1 in one patch


def draw(n: int, m: int, side: int, bins: Tensor, generator: torch.Generator) -> Extra:
    """Places of own hints, from a few to nearly everywhere; places and colours of false ones."""
    device = generator.device

    def random(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator, device=device)

    cells = side // 8
    share = random(n, 1, 1, 1).pow(3)  # half of them under an eighth
    own = (random(n, 1, cells, cells) < share.clamp_min(2 / cells**2)).float()
    own = functional.interpolate(own, scale_factor=8.0, mode="nearest")
    patch = (random(m) * 9).long() + 1
    start = (random(2, m) * (side - patch)).long()
    line = torch.arange(side, device=device)
    down, across = ((line >= first[:, None]) & (line < (first + patch)[:, None]) for first in start)
    false = (down[:, :, None] & across[:, None]).float()[:, None]
    color = bins[(random(m) * len(bins)).long()]
    return Extra(own, color[:, :, None, None].expand(-1, -1, side, side).contiguous(), false)


def likeness(L: Tensor, ab: Tensor, mask: Tensor) -> Tensor:
    """How much every cell belongs to the hinted one, 0...1: ``(m, 1, h, w)``.

    Args:
        L, ab: ``(m, 1, h, w)`` and ``(m, 2, h, w)``, the truth.
        mask: ``(m, 1, h, w)``, the share of every cell that is hinted.
    """
    m, _, h, w = L.shape
    down, across = (torch.linspace(0, 1, side, device=L.device) for side in (h, w))
    place = torch.stack(torch.meshgrid(down, across, indexing="ij")).expand(m, -1, -1, -1)
    all_ = torch.cat([ab / _COLOR, L / _LIGHTNESS, place / _PLACE], 1).flatten(2)
    at = mask.flatten(1).argmax(1)
    here = all_.gather(2, at[:, None, None].expand(-1, 5, 1))
    return torch.exp(-0.5 * (all_ - here).square().sum(1)).view_as(L)


def terms(
    before: Tensor, after: Tensor, color: Tensor, near: Tensor, share: Tensor, loss: ColorLoss
) -> Tensor:
    """How far the answer with extra hints is from what it should be.

    Args:
        before: logits ``(N, 313, h, w)`` without these hints; taken as given.
        after: logits with them.
        color: ``(N, 2, h, w)``, where `near` is not 0 the hinted colour.
        near: ``(N, 1, h, w)``, 0...1: by how much a cell should take the hint's colour.
        share: ``(N, 1, h, w)``, weight of every cell.

    Returns:
        ``(N,)``: cross-entropy to the mixture of answer and hint, less its least, and a tenth of
        the distance between the painted colours.
    """
    rows = after.permute(0, 2, 3, 1).float()
    was = torch.softmax(before.detach().permute(0, 2, 3, 1).float(), -1)
    index, part, _ = loss.encode(color)
    weight = near.permute(0, 2, 3, 1)
    hinted = torch.zeros_like(was).scatter_(-1, index, part)
    target = (1 - weight) * was + weight * hinted
    log = torch.log_softmax(rows, -1)
    least = -(target * target.clamp_min(1e-9).log()).sum(-1)
    entropy = -(target * log).sum(-1) - least
    painted = annealed_mean(rows, loss.bins, loss.temperature)
    old = annealed_mean(before.detach().permute(0, 2, 3, 1), loss.bins, loss.temperature)
    wanted = (1 - weight) * old + weight * color.permute(0, 2, 3, 1)
    far = ((painted - wanted).square().sum(-1) + 1).sqrt() - 1
    each = (entropy + far / 10) * share[:, 0]
    return each.sum((1, 2)) / share[:, 0].sum((1, 2))
