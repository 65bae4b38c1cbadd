"""Names of colours, and errors as sentences without technical details."""

from __future__ import annotations

import errno
import re

import numpy as np

from ...color import srgb_to_lab
from ...errors import (
    ArgumentError,
    MissingExtraError,
    ModelError,
    PhotochromError,
    PictureError,
    PictureTooLargeError,
    VideoError,
)

_HUES = (  # CIELAB hue angle up to which it is called so
    (15, "pink"),
    (48, "red"),
    (68, "orange"),
    (105, "yellow"),
    (165, "green"),
    (225, "turquoise"),
    (295, "blue"),
    (325, "purple"),
    (345, "magenta"),
    (360, "pink"),
)


def color_words(color: str) -> str:
    """``"dark brown"`` for ``"#5a3a1e"``; the borders between the words are a matter of taste."""
    code = np.frombuffer(bytes.fromhex(color[1:]), np.uint8)
    L, a, b = (float(v) for v in srgb_to_lab(code))
    chroma = float(np.hypot(a, b))
    light = "dark " if L < 35 else "light " if L > 75 else ""
    if chroma < 7:
        return "white" if L > 95 else "black" if L < 8 else f"{light}grey"
    angle = float(np.degrees(np.arctan2(b, a))) % 360
    hue = next(name for limit, name in _HUES if angle <= limit)
    if hue in ("orange", "yellow") and (L < 55 or chroma < 40) and L < 75:
        hue = "brown" if hue == "orange" or L < 45 else "ochre"
    strength = "pale " if chroma < 20 and hue != "brown" else ""
    return f"{strength}{light}{hue}"


def explain(error: BaseException, name: str = "") -> tuple[str, str]:
    """An error in a sentence about a file, and the detail without this machine's paths."""
    subject = f"“{name}”" if name else "This"
    match error:
        case PictureTooLargeError():
            words = f"{subject} is too large for this page. The command line takes it."
        case PictureError():
            words = (
                f"{subject} cannot be opened: the file is damaged or incomplete. "
                "Try to copy it again from where it came."
            )
        case VideoError():
            words = f"{subject} cannot be played: the film is damaged or of a kind unknown here."
        case ModelError():
            words = "This model cannot be used: its file is damaged or of another kind."
        case MissingExtraError():
            return str(error), ""
        case ArgumentError():
            words = _sentence(error.problem, error.got, error.fix)
        case OSError() if error.errno == errno.ENOSPC:
            words = "The disk of the machine that this page runs on is full."
        case MemoryError():
            words = f"{subject} is too large for the memory of this machine."
        case _:
            words = "Something went wrong. Your pictures are kept; try again or reload the page."
    known = isinstance(error, PhotochromError)
    return words, _without_paths(str(error), name) if known else type(error).__name__


def _sentence(problem: str, got: str | None, fix: str | None) -> str:
    first = f"{problem}: it is {got}." if got else f"{problem}."
    return f"{first} {fix[0].upper()}{fix[1:]}." if fix else first


def _without_paths(text: str, name: str) -> str:
    """Text whose absolute paths are replaced by the name that the user knows."""
    return re.sub(r"(?:[A-Za-z]:)?[/\\][^\s:;,'\"]*[/\\][^\s:;,'\"]+", name or "the file", text)
