"""ICC colour profiles: from the profile of a file to sRGB on reading, and back on writing.

``Picture.pixels`` is always sRGB. Profiles made of curves and a matrix are evaluated exactly, see
``curves.py``; LittleCMS, through libvips, does those made of tables, and the way back (which it
computes in floating point).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Codes
from ..codec import array_of, image_of, library, set_blob
from . import profile_space

_FIELD = "icc-profile-data"


def to_srgb(samples: Codes, space: str, profile: bytes | None) -> tuple[Codes, bytes | None]:
    """Samples in sRGB, and the profile that a file written from them shall have.

    Args:
        samples: ``(H, W, C)`` uint8 or uint16, without alpha; C is 1, 3 or 4 as ``space`` says.
        space: ``"grey"``, ``"rgb"`` or ``"cmyk"``.
        profile: the file's profile; ignored if it is broken or for another space.

    Returns:
        ``(H, W, 1 or 3)``: uint16 where a profile was applied to grey or RGB, else the dtype of
        ``samples``; and the profile, if it is one for RGB that can be converted back to.
    """
    if profile_space(profile) != space:
        profile = None
    if space == "cmyk":
        return _cmyk_to_srgb(samples, profile), None
    if profile is None:
        return samples, None
    if space == "grey":
        return _grey_to_srgb(samples, profile), None
    if is_srgb(profile):
        return samples, profile
    converted = _rgb_to_srgb(samples, profile)
    if converted is None:
        return samples, None
    return converted, profile if _can_go_back(profile) else None


def is_srgb(profile: bytes) -> bool:
    """Whether an RGB profile agrees with sRGB to one part in 255, whatever its name is."""
    steps = np.linspace(0, 65535, 6).round().astype(np.uint16)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    ramp = np.repeat(np.linspace(0, 65535, 64).round().astype(np.uint16)[None, :, None], 3, axis=2)
    probe = np.concatenate([cube, ramp], axis=1)
    seen = _rgb_to_srgb(probe, profile)
    return seen is not None and bool(np.abs(seen.astype(int) - probe).max() <= 257)


def from_srgb(image: Any, profile: bytes, depth: int) -> Any:
    """A libvips image of sRGB samples, converted lazily to an RGB ``profile`` at ``depth`` bits."""
    image = image.copy()
    set_blob(image, _FIELD, profile)
    return image.colourspace("xyz").icc_export(pcs="xyz", intent="relative", depth=depth)


def _rgb_to_srgb(samples: Codes, profile: bytes) -> Codes | None:
    """uint16 sRGB samples; None if the profile is not usable."""
    from .curves import matrix_profile

    pyvips = library()
    parts = matrix_profile(profile, np.iinfo(samples.dtype).max + 1)
    if parts is None:
        return _by_tables(samples, profile)
    curves, matrix = parts
    floats = np.ascontiguousarray(curves.astype(np.float32))
    table = pyvips.Image.new_from_memory(floats, len(floats), 1, 3, "float")
    linear = image_of(samples).maplut(table).recomb(pyvips.Image.new_from_array(matrix.tolist()))
    return array_of(linear.copy(interpretation="scrgb").colourspace("rgb16"))


def _by_tables(samples: Codes, profile: bytes) -> Codes | None:
    pyvips = library()
    image = image_of(samples)
    set_blob(image, _FIELD, profile)

    def convert(part: Any, instead: str) -> Any:
        lab = part.icc_import(embedded=True, input_profile=instead, intent="relative", pcs="lab")
        return lab.icc_export(output_profile="srgb", intent="relative", depth=16)

    try:
        # libvips takes another profile when the embedded one is broken; see whether it does.
        red = image_of((np.array([[[0.75, 0.25, 0.25]]]) * 255).astype(np.uint8))
        set_blob(red, _FIELD, profile)
        if (array_of(convert(red, "srgb")) != array_of(convert(red, "p3"))).any():
            return None
        return array_of(convert(image, "srgb"))
    except pyvips.Error:
        return None


def _can_go_back(profile: bytes) -> bool:
    """Profiles of scanners often lead to sRGB only."""
    pyvips = library()
    try:
        from_srgb(image_of(np.full((1, 1, 3), 32768, np.uint16)), profile, 16).copy_memory()
    except pyvips.Error:
        return False
    return True


def grey_tones_of(profile: bytes | None, codes: int) -> NDArray[np.uint16] | None:
    """sRGB codes, 16 bits, of the codes of a grey profile; None if they are sRGB's already.

    Args:
        profile: of a file; ignored if it is broken or not for grey.
        codes: 256 or 65536.
    """
    if not profile or profile_space(profile) != "grey":
        return None
    from .curves import encode_srgb, grey_tones

    linear = grey_tones(profile, codes)
    if linear is None:
        return None
    tones = encode_srgb(linear)
    return None if np.abs(tones - np.linspace(0, 65535, codes)).max() <= 128 else tones


def _grey_to_srgb(samples: Codes, profile: bytes) -> Codes:
    tones = grey_tones_of(profile, int(np.iinfo(samples.dtype).max) + 1)
    if tones is None:
        return samples
    converted: Codes = tones[samples]
    return converted


def _cmyk_to_srgb(samples: Codes, profile: bytes | None) -> Codes:
    image = image_of(samples).copy(interpretation="cmyk")
    set_blob(image, _FIELD, profile)
    # libvips takes the second profile if there is no embedded one, or if it is broken.
    way = {"embedded": profile is not None, "input_profile": "cmyk", "intent": "relative"}
    return array_of(image.icc_transform("srgb", depth=samples.dtype.itemsize * 8, **way))
