"""ICC colour profiles: from the profile of a file to sRGB on reading, and back on writing.

``Picture.pixels`` is always sRGB. Profiles made of curves and a matrix, as nearly every camera,
display or working space has, are evaluated exactly: LittleCMS would send 16-bit samples through a
table of 33 steps, which errs by 15 % near black. Through libvips it does those made of tables, and
the way back (in floating point).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...color import Codes
from ..codec import array_of, image_of, library, set_blob
from . import profile_space

_FIELD = "icc-profile-data"
SRGB_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
"""Linear sRGB to XYZ relative to D50, the white of profiles."""
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


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


_Doubles = NDArray[np.float64]


def profile_tags(profile: bytes) -> dict[bytes, bytes]:
    """The tags of a profile, by their four letters; those that lie outside are missing."""
    count = min(int.from_bytes(profile[128:132], "big"), 200)
    tags = {}
    for at in range(132, min(132 + 12 * count, len(profile) - 11), 12):
        name, offset, size = struct.unpack_from(">4sII", profile, at)
        if offset + size <= len(profile):
            tags[name] = profile[offset : offset + size]
    return tags


def grey_tones(profile: bytes, codes: int) -> _Doubles | None:
    """The linear tone 0...1 of each of ``codes`` equally spaced codes of a grey profile.

    None if the profile has no sound curve.
    """
    x = np.linspace(0, 1, codes)
    y = _curve(profile_tags(profile).get(b"kTRC"), x)
    if y is not None and profile[20:24] == b"Lab ":
        lightness = y * 100  # the curve leads to L*
        y = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * 27 / 24389)
    return y


def matrix_profile(profile: bytes, codes: int) -> tuple[_Doubles, _Doubles] | None:
    """The curves ``(codes, 3)`` and the matrix ``(3, 3)`` that lead from codes to linear sRGB.

    None if the profile is not of this kind, or not sound.
    """
    tags = profile_tags(profile)
    if profile[20:24] != b"XYZ " or any(tag.startswith(b"A2B") for tag in tags):
        return None
    x = np.linspace(0, 1, codes)
    curves = [_curve(tags.get(c + b"TRC"), x) for c in (b"r", b"g", b"b")]
    columns = [_xyz(tags.get(c + b"XYZ")) for c in (b"r", b"g", b"b")]
    if any(part is None for part in curves + columns):
        return None
    matrix = np.linalg.inv(SRGB_TO_XYZ) @ np.stack([c for c in columns if c is not None], axis=1)
    whites = matrix.sum(axis=1, keepdims=True)
    if np.abs(whites - 1).max() > 0.05 or abs(np.linalg.det(matrix)) < 1e-3:
        return None
    # White is D50 up to the rounding of the profile's numbers: neutral colours shall stay neutral.
    return np.stack([c for c in curves if c is not None], axis=1), matrix / whites


def encode_srgb(linear: _Doubles) -> NDArray[np.uint16]:
    """Linear light 0...1 to 16-bit sRGB codes."""
    linear = np.clip(linear, 0, 1)
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, curved)
    return np.asarray(np.rint(encoded * 65535), np.uint16)


def _xyz(data: bytes | None) -> _Doubles | None:
    if data is None or len(data) < 20 or data[:4] != b"XYZ ":
        return None
    return np.array(struct.unpack(">3i", data[8:20])) / 65536


def _curve(data: bytes | None, x: _Doubles) -> _Doubles | None:
    """A tone curve at ``x``, 0...1; None if it is missing, broken or falling."""
    if data is None or len(data) < 12:
        return None
    with np.errstate(all="ignore"):
        y = _table(data, x) if data[:4] == b"curv" else _formula(data, x)
    if y is None or not np.isfinite(y).all():
        return None
    y = np.clip(y, 0, 1)
    return y if y[-1] > 0.5 and (np.diff(y) >= -1e-6).all() else None


def _table(data: bytes, x: _Doubles) -> _Doubles | None:
    count = int.from_bytes(data[8:12], "big")
    if count == 0:
        return x
    if count > 65536 or len(data) < 12 + 2 * count:
        return None
    values = np.frombuffer(data, ">u2", count, 12).astype(np.float64)
    if count == 1:
        return np.asarray(x ** (values[0] / 256))
    return np.asarray(np.interp(x, np.linspace(0, 1, count), values / 65535))


def _formula(data: bytes, x: _Doubles) -> _Doubles | None:
    kind = int.from_bytes(data[8:10], "big")
    count = _PARAMETERS.get(kind)
    if data[:4] != b"para" or count is None or len(data) < 12 + 4 * count:
        return None
    g, a, b, c, d, e, f = [
        *(np.array(struct.unpack_from(f">{count}i", data, 12)) / 65536),
        *[0.0] * 7,
    ][:7]
    if kind == 0:
        return np.asarray(x**g)
    power = np.maximum(a * x + b, 0) ** g
    if kind in (1, 2):
        start = -b / a if a else 0.0
        return np.asarray(np.where(x >= start, power + c, c))
    return np.asarray(np.where(x >= d, power + e, c * x + f))
