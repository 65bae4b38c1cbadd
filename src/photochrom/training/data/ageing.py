"""Simulated ageing: what film, plate, years in an album and a scanner do to a picture's L.

A model that has only seen today's pictures in grey is surprised by old ones. So half of the
training samples go through a random subset of what happened to those, in the order in which it
happens; the other half stay as they are, because a modern picture in grey, on which the model is
measured, must not get worse.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sqrt

import torch
from torch import Tensor
from torch.nn import functional

from . import lab

AGED = 0.5
"""Share of the samples that are aged at all."""

# Chance of each effect on an aged sample; about one in fifty gets none.
SENSITIVITY = 0.6  # every old emulsion saw colours its own way
BLUR = 0.4  # lost where the scan is much larger than the network's input
VIGNETTE = 0.3
CONTRAST = 0.5
GRAIN = 0.4  # mostly lost in the same way
FADE = 0.4
JPEG = 0.3  # small files of old web pages

ORTHOCHROMATIC = 0.4
"""Share of the emulsions blind to red, usual until about 1925: white skies, dark lips."""
ORTHOCHROMATIC_BLUE = (0.3, 0.9)
"""Share of blue in what those see; nearly all of it: a plate sensitive to blue only."""
ORTHOCHROMATIC_RED = 0.05
"""Largest share of red in what those see."""
MILD = 0.7
"""Largest part that a random convex mix of R, G and B has in any other emulsion (from 0 on); the
rest is the eye's sensitivity."""

BLUR_SIGMA = (0.3, 1.5)
"""Pixels at a side of 128, in proportion otherwise; mostly low, because at 1.5 faces are gone."""

VIGNETTE_LOSS = (0.15, 0.7)
"""Light lost at the distance of half a diagonal from the vignette's centre."""
VIGNETTE_SHIFT = 0.25
"""Largest distance of its centre from the middle, as a share of the side: a crop's vignette is
seldom central."""

GAMMA = (0.65, 1.6)
"""Exponent of L / 100, evenly by its logarithm: thin to heavy prints."""

GRAIN_SIGMA = (1.0, 6.0)
"""Strength of the grain in L where it is strongest, in the middle tones; mostly low."""
GRAIN_SIZE = (0.3, 0.7)
"""Sigma in pixels of the blur that joins the noise into grains; 0.3 leaves it nearly white."""
GRAIN_ENDS = 0.3
"""Strength of the grain in black and white, as a share of that in the middle tones."""

FADE_BLACK, FADE_WHITE = 22.0, 25.0
"""Most that blacks are lifted and whites lowered, in L: silver bleaches, paper yellows."""

JPEG_QUALITY = (20.0, 85.0)
"""Quality in the sense of the Independent JPEG Group."""

# Quantisation of luma at quality 50: ITU-T T.81, table K.1.
_LUMA_STEPS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)

FRAMED = 0.12
"""Share of the samples that have a border or bars."""
BORDER = (0.01, 0.12)
"""Width of a border's sides and of bars, as shares of the picture's side; mostly low."""

Effect = Callable[[Tensor, torch.Generator], Tensor]


@torch.no_grad()
def frame(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Some samples with what surrounds a print or a film: a light or dark border, or black bars.

    Args:
        rgb: ``(N, 3, H, W)`` uint8, sRGB.
        generator: on `rgb`'s device; every draw comes from it.

    Returns:
        The same pictures, or a copy where some are framed. A frame is neutral grey.
    """
    n, _, height, width = rgb.shape
    framed = _random(n, generator) < FRAMED
    bars = _random(n, generator) < 0.4
    sides = torch.stack([_mostly_low(BORDER, n, generator) for _ in range(4)])
    tone = _random(n, generator)
    chosen = framed.nonzero()[:, 0].tolist()
    if not chosen:
        return rgb
    rgb = rgb.clone()
    for i in chosen:
        top, bottom = (max(1, round(float(s) * height)) for s in sides[:2, i])
        left, right = (max(1, round(float(s) * width)) for s in sides[2:, i])
        if bars[i]:  # letterbox or pillarbox, alike on both sides
            value = 8 * float(tone[i])
            top, left = (top, 0) if float(tone[i]) < 0.5 else (0, left)
            bottom, right = top, left
        else:  # white paper, or a negative's black edge
            value = 190 + 65 * float(tone[i]) if float(tone[i]) < 0.7 else 60 * float(tone[i])
        inner = rgb[i, :, top : height - bottom, left : width - right].clone()
        rgb[i] = int(value)
        rgb[i, :, top : height - bottom, left : width - right] = inner
    return rgb


@torch.no_grad()
def age(rgb: Tensor, generator: torch.Generator) -> Tensor:
    """Lightness as an old camera would have seen it, for about half of a batch.

    Args:
        rgb: ``(N, 3, H, W)``, sRGB; uint8, or float32 0...1.
        generator: on `rgb`'s device; every draw comes from it.

    Returns:
        L ``(N, 1, H, W)`` float32, 0...100; plain CIELAB L for the samples that are not aged.

    Raises:
        ArgumentError: another type or shape.
    """
    linear = lab.to_linear(rgb)
    old = _random(len(rgb), generator) < AGED
    with torch.autocast(rgb.device.type, enabled=False):  # bfloat16 has too few tones
        y = _seen(linear, old, generator)
        _apply(blur, BLUR, y, old, generator)
        _apply(vignette, VIGNETTE, y, old, generator)
        L = lab.lightness(y)
        _apply(contrast, CONTRAST, L, old, generator)
        _apply(grain, GRAIN, L, old, generator)
        _apply(fade, FADE, L, old, generator)
        _apply(jpeg, JPEG, L, old, generator)
    return L.clamp_(0, 100)[:, None]


def sensitivity(n: int, generator: torch.Generator) -> Tensor:
    """Shares of linear R, G and B that each of `n` emulsions sees: ``(n, 3)``, rows sum to 1."""
    device = generator.device
    corners = -torch.rand(n, 3, generator=generator, device=device).clamp_min(1e-6).log()
    mixed = corners / corners.sum(1, keepdim=True)  # even over all convex mixes
    part = MILD * _random(n, generator)[:, None]
    mild = part * mixed + (1 - part) * torch.tensor(lab.LUMINANCE, device=device)
    blue = _between(ORTHOCHROMATIC_BLUE, n, generator)
    red = ORTHOCHROMATIC_RED * _random(n, generator)
    ortho = torch.stack((red, 1 - red - blue, blue), 1)
    return torch.where(_random(n, generator)[:, None] < ORTHOCHROMATIC, ortho, mild)


def blur(y: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian blur of ``(n, H, W)``, each sample by its own sigma."""
    unit = max(y.shape[1:]) / 128
    return _blurred(y, _mostly_low(BLUR_SIGMA, len(y), generator) * unit)


def vignette(y: Tensor, generator: torch.Generator) -> Tensor:
    """Light ``(n, H, W)`` that falls off with the square of the distance from a centre."""
    n, height, width = y.shape
    loss = _between(VIGNETTE_LOSS, n, generator)[:, None, None]
    down, across = (
        (torch.linspace(-0.5, 0.5, side, device=y.device) - shift[:, None]).square()
        for side, shift in (
            (side, _between((-VIGNETTE_SHIFT, VIGNETTE_SHIFT), n, generator))
            for side in (height, width)
        )
    )
    squared = 2 * (down[:, :, None] + across[:, None])  # 1 at half a diagonal
    return y * (1 - loss * squared).clamp_min(0)


def contrast(L: Tensor, generator: torch.Generator) -> Tensor:
    """L ``(n, H, W)`` raised to a power."""
    low, high = torch.tensor(GAMMA).log().tolist()
    gamma = _between((low, high), len(L), generator).exp()
    return (L / 100).pow_(gamma[:, None, None]).mul_(100)


def grain(L: Tensor, generator: torch.Generator) -> Tensor:
    """L ``(n, H, W)`` with slightly correlated Gaussian noise, most of it in the middle tones."""
    noise = torch.randn(L.shape, generator=generator, device=L.device)
    noise = _blurred(noise, _between(GRAIN_SIZE, len(L), generator))
    strength = _mostly_low(GRAIN_SIGMA, len(L), generator)
    noise *= (strength / noise.square().mean((1, 2)).sqrt())[:, None, None]
    tone = L.clamp(0, 100) / 100
    tone.mul_(1 - tone).mul_(4 * (1 - GRAIN_ENDS)).add_(GRAIN_ENDS)
    return torch.addcmul(L, noise, tone).clamp_(0, 100)


def fade(L: Tensor, generator: torch.Generator) -> Tensor:
    """L ``(n, H, W)`` with black lifted and white lowered."""
    black = _between((0, FADE_BLACK), len(L), generator)
    white = 100 - _between((0, FADE_WHITE), len(L), generator)
    return torch.addcmul(black[:, None, None], L, ((white - black) / 100)[:, None, None])


def jpeg(L: Tensor, generator: torch.Generator) -> Tensor:
    """L ``(n, H, W)`` after the quantisation of JPEG, as if L were luma.

    The blocks begin at a random place, because a picture is seldom opened at its saved size.
    """
    n, height, width = L.shape
    quality = _between(JPEG_QUALITY, n, generator)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    table = torch.tensor(_LUMA_STEPS, dtype=torch.float32, device=L.device).flatten()
    steps = (table * scale[:, None]).clamp_min(1) / 2.55  # of 0...255, to L
    top, left = torch.randint(8, (2,), generator=generator, device=L.device).tolist()
    around = (left, -(width + left) % 8, top, -(height + top) % 8)
    padded = functional.pad(L[:, None], around, mode="replicate")[:, 0]
    rows, columns = padded.shape[1] // 8, padded.shape[2] // 8
    blocks = padded.view(n, rows, 8, columns, 8).transpose(2, 3).reshape(n, -1, 64)
    cosines = _cosines(L.device)
    waves = (blocks @ cosines.T).div_(steps[:, None]).round_().mul_(steps[:, None])
    restored = (waves @ cosines).view(n, rows, columns, 8, 8).transpose(2, 3)
    whole = restored.reshape(padded.shape)
    return whole[:, top : top + height, left : left + width].clamp(0, 100)


def _cosines(device: torch.device) -> Tensor:
    """The two-dimensional orthonormal DCT of an 8x8 block: ``(64 waves, 64 pixels)``."""
    one = torch.tensor(
        [
            [sqrt((2 if k else 1) / 8) * cos(pi * (2 * x + 1) * k / 16) for x in range(8)]
            for k in range(8)
        ],
        device=device,
    )
    return torch.kron(one, one)


def _seen(linear: Tensor, old: Tensor, generator: torch.Generator) -> Tensor:
    """Light ``(N, H, W)`` of ``(N, 3, H, W)``, of old emulsions for some of the old samples."""
    chance = _random(len(linear), generator)
    emulsions = sensitivity(len(linear), generator)
    eye = torch.tensor(lab.LUMINANCE, device=linear.device)
    weights = torch.where((old & (chance < SENSITIVITY))[:, None], emulsions, eye)
    return lab.weighted(linear, weights.T[:, :, None, None].unbind(0))


def _apply(
    effect: Effect, chance: float, batch: Tensor, old: Tensor, generator: torch.Generator
) -> None:
    """Replace the old samples that are drawn with `chance`, and only work on those."""
    drawn = old & (_random(len(batch), generator) < chance)
    chosen = drawn.nonzero()[:, 0]
    if len(chosen):
        batch.index_copy_(0, chosen, effect(batch.index_select(0, chosen), generator))


def _blurred(pictures: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of ``(n, H, W)`` by `sigma`, ``(n,)`` pixels; edges weigh what is there."""
    down, across = (_gaussians(side, sigma) for side in pictures.shape[1:])
    return down @ pictures @ across.transpose(1, 2)


def _gaussians(side: int, sigma: Tensor) -> Tensor:
    """``(n, side, side)``: each row the weights of all pixels in one blurred pixel."""
    place = torch.arange(side, dtype=torch.float32, device=sigma.device)
    squared = (place[:, None] - place).square()
    weights = (squared * (-0.5 / sigma.square())[:, None, None]).exp_()
    return weights / weights.sum(2, keepdim=True)


def _random(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator, device=generator.device)


def _between(limits: tuple[float, float], n: int, generator: torch.Generator) -> Tensor:
    """`n` numbers drawn evenly from `limits`."""
    low, high = limits
    return low + (high - low) * _random(n, generator)


def _mostly_low(limits: tuple[float, float], n: int, generator: torch.Generator) -> Tensor:
    """`n` numbers from `limits`, half of them in the lowest quarter."""
    low, high = limits
    return low + (high - low) * _random(n, generator).square()
