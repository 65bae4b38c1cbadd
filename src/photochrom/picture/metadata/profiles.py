"""ICC profiles made from the numbers by which PNG, AVIF and HEIC files name their colour space.

Code points: ITU-T H.273, tables 2 and 3. PNG chunks and which of them counts: PNG specification,
third edition, 4.3 and 11.3.2. Profiles: ICC.1, version 2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...color.srgb import decode_formula
from .containers import nclx
from .icc import SRGB_TO_XYZ, grey_tones, profile_tags
from .png import chunks

_Doubles = NDArray[np.float64]
_D65, _D50 = (0.3127, 0.3290), (0.3457, 0.3585)
_BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_PRIMARIES = {
    1: (_BT709, _D65),
    2: (_BT709, _D65),  # unspecified
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.310, 0.316)),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), _D65),
    6: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), _D65),
    7: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), _D65),
    9: (((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), _D65),
    11: (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), (0.314, 0.351)),
    12: (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), _D65),
}
_LIKE_SRGB = (1, 2, 6, 7, 13, 14, 15)  # those of television, too: they are shown like sRGB
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_STEPS = 4096
_PAPER_WHITE = 203 / 10000  # of PQ (ITU-R BT.2408)
_HLG_WHITE = 0.75
_USUAL_GAMMA = 45455  # which files of sRGB state
_NEAR = 500


def rgb_from_grey(grey: bytes) -> bytes:
    """A profile of sRGB's primaries with the tone curve of a sound grey profile."""
    curve = profile_tags(grey)[b"kTRC"]
    if grey[20:24] == b"Lab ":  # the curve leads to L*, not to linear light
        tones = grey_tones(grey, _STEPS)
        assert tones is not None
        curve = _table(tones)
    return _profile(b"RGB ", curve, SRGB_TO_XYZ)


def png_profile(file: BinaryIO, grey: bool) -> bytes | None:
    """A profile for what the chunks cICP or, without sRGB and iCCP, gAMA and cHRM say.

    Args:
        file: a PNG file.
        grey: the profile is to be one for grey.

    Returns:
        The profile; None if the file is sRGB, or its iCCP chunk counts.
    """
    known = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
    found = {k: file.read(min(n, 64)) for k, n in chunks(file, b"IDAT") if k in known}
    cicp = found.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[2] == 0:
        return cicp_profile(cicp[0], cicp[1], grey, narrow=cicp[3] == 0)
    if b"iCCP" in found or b"sRGB" in found or len(found.get(b"gAMA", b"")) != 4:
        return None
    gamma = int.from_bytes(found[b"gAMA"], "big")
    primaries, white = _BT709, _D65
    if len(found.get(b"cHRM", b"")) == 32:
        values = [n / 100000 for n in struct.unpack(">8I", found[b"cHRM"])]
        white, *rest = zip(values[::2], values[1::2], strict=True)
        primaries = tuple(rest)  # type: ignore[assignment]
    columns = _columns(primaries, white)
    usual = abs(gamma - _USUAL_GAMMA) <= _NEAR
    if not 1000 <= gamma <= 1_000_000 or columns is None:
        return None
    if usual and (grey or np.abs(columns - SRGB_TO_XYZ).max() < 0.002):
        return None
    curve = _srgb_curve() if usual else _gamma(100000 / gamma)
    return _profile(b"GRAY" if grey else b"RGB ", curve, columns)


def nclx_profile(file: BinaryIO, grey: bool) -> bytes | None:
    """A profile for the colour space an AVIF or HEIC names by numbers; None: sRGB, or unknown."""
    found = nclx(file)
    return cicp_profile(*found, grey) if found else None


def cicp_profile(
    primaries: int, transfer: int, grey: bool, *, narrow: bool = False
) -> bytes | None:
    """A profile for code points of H.273; None if they mean sRGB, or are not known.

    Args:
        primaries, transfer: code points. Of PQ and HLG, paper white becomes white, and what is
            brighter is cut off.
        grey: the profile is to be one for grey.
        narrow: codes of R', G', B' are those of video, 16...235 of 255.
    """
    columns = _columns(*_PRIMARIES[primaries]) if primaries in _PRIMARIES else None
    decode = _TRANSFERS.get(13 if transfer in _LIKE_SRGB else transfer)
    if columns is None or decode is None:
        return None
    like_srgb = transfer in _LIKE_SRGB and not narrow
    if like_srgb and (grey or primaries in (1, 2)):
        return None
    codes = np.linspace(0, 1, _STEPS)
    if narrow:
        codes = np.clip((codes * 255 - 16) / 219, 0, 1)
    return _profile(b"GRAY" if grey else b"RGB ", _table(decode(codes)), columns)


def _pq(code: _Doubles) -> _Doubles:
    power = np.maximum(code, 0) ** (1 / 78.84375)
    light = np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)
    return np.asarray(light ** (1 / 0.1593017578125) / _PAPER_WHITE)


def _hlg(code: _Doubles) -> _Doubles:
    def light(v: _Doubles) -> _Doubles:
        high = (np.exp((v - 0.55991073) / 0.17883277) + 0.28466892) / 12
        return np.where(v <= 0.5, v * v / 3, high)

    return np.asarray((light(code) / light(np.array([_HLG_WHITE]))) ** 1.2)


_TRANSFERS: dict[int, Callable[[_Doubles], _Doubles]] = {
    4: lambda code: np.asarray(code**2.2),
    5: lambda code: np.asarray(code**2.8),
    8: lambda code: code,
    13: decode_formula,
    16: _pq,
    18: _hlg,
}


def _columns(
    primaries: tuple[tuple[float, float], ...], white: tuple[float, float]
) -> _Doubles | None:
    """XYZ relative to D50 of R, G and B, one in each column; None if they are no colours."""
    corners = np.array([*primaries, white, _D50])
    if (corners[:, 1] < 1e-4).any() or (corners.sum(1) > 1.0001).any():
        return None
    x, y = corners.T
    xyz = np.stack([x / y, np.ones(5), (1 - x - y) / y])
    try:
        scaled = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    except np.linalg.LinAlgError:
        return None
    gains = (_BRADFORD @ xyz[:, 4]) / (_BRADFORD @ xyz[:, 3])
    return np.asarray(np.linalg.inv(_BRADFORD) @ (gains[:, None] * (_BRADFORD @ scaled)))


def _gamma(exponent: float) -> bytes:
    if exponent == 1:
        return b"curv\0\0\0\0" + struct.pack(">I", 0)
    return b"para\0\0\0\0\0\0\0\0" + struct.pack(">I", round(exponent * 65536))


def _srgb_curve() -> bytes:
    parts = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0\0\3\0\0" + struct.pack(">5i", *(round(p * 65536) for p in parts))


def _table(linear: _Doubles) -> bytes:
    values = np.rint(np.clip(linear, 0, 1) * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", len(linear)) + values


def _profile(space: bytes, curve: bytes, columns: _Doubles) -> bytes:
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)  # D50
    title = b"Colour space of the source\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(title)) + title + b"\0" * 78,
        b"cprt": b"text\0\0\0\0No copyright, use freely\0",
        b"wtpt": white,
    }
    if space == b"RGB ":
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True):
            fixed = struct.pack(">3i", *(round(number * 65536) for number in column))
            tags[name] = b"XYZ \0\0\0\0" + fixed
    curves = (b"rTRC", b"gTRC", b"bTRC") if space == b"RGB " else (b"kTRC",)
    start = 132 + 12 * (len(tags) + len(curves))
    table, heap = struct.pack(">I", len(tags) + len(curves)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(heap), len(value))
        heap += value + b"\0" * (-len(value) % 4)
    for name in curves:  # all of them at the same place
        table += name + struct.pack(">II", start + len(heap), len(curve))
    heap += curve + b"\0" * (-len(curve) % 4)
    head = b"\0\0\0\0\x02\x20\0\0mntr" + space + b"XYZ "
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head += b"acsp" + b"\0" * 28 + white[8:] + b"\0" * 48
    return struct.pack(">I", 4 + len(head) + len(table) + len(heap)) + head + table + heap
