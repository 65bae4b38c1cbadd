"""Trial runs of a network on a grey ramp and on two photographs whose colours are known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from ...color import Float, srgb_to_lab
from .conventions import Affine, Convention
from .onnx_contents import Ends, OnnxContents, no_family

_SIZE = 256  # of the pictures, for networks that take any
CLEAR = 1.0  # ab: by so much the best candidate must be nearer to the truth than the next
_STRAY = 30.0  # ab; more chroma than that is nothing that a network sees in a ramp


def colors_of(contents: OnnxContents, ends: Ends, lightness: Affine) -> list[Float]:
    """Colours of the ramp and the photographs, ``(2, h, w)`` each, in the network's unit."""
    size = ends.size or (_SIZE, _SIZE)
    convention = Convention(
        family="siggraph17",
        about="",
        taken=(lightness,),
        stacked=ends.channels == 4,
        channels_last=ends.channels_last,
    )
    found = []
    for L in [_ramp(size), *(L for L, _ in photographs(size))]:
        inputs = [L]
        if ends.inputs == 3 or ends.channels == 4:
            inputs += [np.zeros((1, 2, *size), np.float32), np.zeros((1, 1, *size), np.float32)]
        outputs = convention.decode(contents.run(convention.encode(inputs)), 2)
        ab = next((each for each in outputs if each.ndim == 4 and each.shape[1] == 2), None)
        if ab is None:
            raise no_family(contents)
        found.append(ab[0])
    return found


def nearest(trials: dict[str, list[Float]], unit: float) -> tuple[str | None, dict[str, float]]:
    """The range whose colours are clearly nearest to the truth, and the errors of all."""
    errors = {}
    for name, (ramp, *pictures) in trials.items():
        size = _size_of(pictures[0])
        truths = [true for _, true in photographs(size)]
        gaps = [
            np.hypot(*(ab * unit - true)).mean() for ab, true in zip(pictures, truths, strict=True)
        ]
        # A ramp has no colours; those that a network sees in it are a few.
        stray = max(0.0, float(np.hypot(*(ramp * unit)).mean()) - _STRAY)
        error = float(np.mean(gaps)) + stray
        errors[name] = error if np.isfinite(error) else float("inf")
    if len(errors) == 1:
        return next(iter(errors)), errors
    best, second = sorted(errors, key=lambda each: errors[each])[:2]
    return (best if errors[second] - errors[best] > CLEAR else None), errors


def _size_of(ab: Float) -> tuple[int, int]:
    return int(ab.shape[1]), int(ab.shape[2])


def _ramp(size: tuple[int, int]) -> Float:
    row = np.linspace(0, 100, size[1], dtype=np.float32)
    return np.ascontiguousarray(np.broadcast_to(row, (1, 1, *size)))


@cache
def photographs(size: tuple[int, int]) -> Sequence[tuple[Float, Float]]:
    """L ``(1, 1, h, w)`` and ab ``(2, h, w)`` of two photographs."""
    from PIL import Image

    found = []
    for name in ("astronaut.jpg", "cat.jpg"):
        with (files(__package__) / "photographs" / name).open("rb") as file:
            image = Image.open(file).convert("RGB").resize(size[::-1], Image.Resampling.BOX)
        lab = srgb_to_lab(np.asarray(image)).transpose(2, 0, 1)
        found.append((np.ascontiguousarray(lab[None, :1]), np.ascontiguousarray(lab[1:])))
    return found
