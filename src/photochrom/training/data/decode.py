"""Decodes picture files to small copies for training, in several processes.

A picture is left out for one of these reasons:

- ``unreadable``: damaged, or of a kind that Pillow cannot decode;
- ``too large``: more than `MAX_PIXELS`, as a decompression bomb has;
- ``too small``: a side under `MIN_SIDE` pixels;
- ``grey``: 99 of 100 pixels have a chroma under `GREY`;
- ``toned``: sepia and the like. All is of nearly one hue (`HUE`), and as the colour of a toned
  print follows from its lightness alone, most pixels of one lightness have one colour (`TONE`).
  Of natural photographs this catches about one in 200, such as a bird before a blue sky.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from ...color import srgb_to_lab
from ...errors import PhotochromError
from .sources import Opener

MAX_PIXELS = 100_000_000
MIN_SIDE = 16
MAX_ASPECT = 1.5
GREY = 5.0
HUE = 0.95
TONE = 2.0

_TINY, _QUALITY = 64, 94  # pixels of the short side; of JPEG
_CHUNK = 32  # pictures sent to a process at a time
_LEVELS = 12  # of lightness

Item = tuple[int, str, Opener]
"""Number of the source, key and opener of a picture."""


@dataclass(frozen=True)
class Result:
    """Result of `decode`.

    Attributes:
        source, key: which one.
        data: a small copy as a JPEG or PNG file, sRGB; None if it was left out.
        reason, detail: why it was left out.
    """

    source: int
    key: str
    data: bytes | None
    reason: str = ""
    detail: str = ""


def decoded(items: Iterable[Item], side: int, workers: int) -> Iterator[Result]:
    """Decode pictures, in the order given; PhotochromError if a process was killed."""
    if workers <= 1:
        for item in items:
            yield decode(item, side)
        return
    # Not forked: by now the caller may have threads, which a fork would leave in any state.
    spawning = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawning, initializer=_start)
    source, waiting = iter(items), deque[Future[list[Result]]]()
    try:
        while True:
            while len(waiting) < 2 * workers + 2 and (chunk := list(islice(source, _CHUNK))):
                waiting.append(pool.submit(_decode_chunk, chunk, side))
            if not waiting:
                return
            yield from waiting.popleft().result()
    except BrokenProcessPool:
        raise PhotochromError(
            "the pictures cannot be decoded",
            expected="processes that live",
            got="one that was killed, perhaps for want of memory",
            fix='use fewer workers; in a script, call this under if __name__ == "__main__"',
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def check_main() -> None:
    """Stop a script that a process for decoding runs once more, because it has no guard.

    It would wait for the lock, or for the processes, of the script that it is run for.

    Raises:
        PhotochromError: this is such a process.
    """
    # As multiprocessing itself finds out, which is too late here.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise PhotochromError(
            "the pictures cannot be decoded",
            expected='a script whose work stands under if __name__ == "__main__"',
            got="one that does it whenever it is imported",
            fix="put the work in a function, and call it under that condition",
        )


def _start() -> None:
    """Make a process end with its parent: quietly on Ctrl-C, and also if the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := multiprocessing.parent_process()) is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


def _decode_chunk(items: list[Item], side: int) -> list[Result]:
    return [decode(item, side) for item in items]


def decode(item: Item, side: int) -> Result:
    """Decode one picture; its short side becomes at most `side`; nothing is enlarged."""
    source, key, opener = item
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow, about EXIF and sizes
            pixels, reason, detail = _opened(opener, side)
    except Image.DecompressionBombError as error:
        return Result(source, key, None, "too large", str(error))
    except Exception as error:  # decoders raise nearly anything about damaged files
        return Result(source, key, None, "unreadable", str(error) or type(error).__name__)
    return Result(source, key, None if pixels is None else _encoded(pixels), reason, detail)


def _encoded(pixels: NDArray[np.uint8]) -> bytes:
    file, image = io.BytesIO(), Image.fromarray(pixels)
    if min(image.size) < _TINY:  # where JPEG saves nothing and shows
        image.save(file, "PNG")
    else:
        image.save(file, "JPEG", quality=_QUALITY, subsampling="4:4:4")
    return file.getvalue()


def _opened(opener: Opener, side: int) -> tuple[NDArray[np.uint8] | None, str, str]:
    with opener() as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            return None, "too large", f"{width} x {height} pixels"
        if min(width, height) < MIN_SIDE:
            return None, "too small", f"{width} x {height} pixels"
        if image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;"):
            return None, "grey", f"a file of mode {image.mode}"
        small = _shrunk(image, side)
    pixels = np.asarray(_to_srgb(small))
    reason, detail = judge(pixels)
    return (None if reason else pixels), reason, detail


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """Upright, at most 3:2, short side at most ``side``; mode RGB, RGBA or CMYK."""
    image.draft(None, (2 * side, 2 * side))  # JPEG: decode no finer than needed
    image.load()  # which turns a TIFF, and takes the orientation away
    if image.mode not in ("RGB", "CMYK", "RGBA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    width, height = image.size
    long = round(min(width, height) * MAX_ASPECT)
    kept = min(width, long), min(height, long)
    left, top = (width - kept[0]) // 2, (height - kept[1]) // 2
    box = (left, top, left + kept[0], top + kept[1])
    scale = min(1.0, side / min(kept))
    if scale == 1:
        return _upright(image.crop(box))
    size = round(kept[0] * scale), round(kept[1] * scale)
    return _upright(image.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=3.0))


def _upright(image: Image.Image) -> Image.Image:
    with suppress(Exception):  # EXIF is often damaged, and no reason to do without the picture
        ImageOps.exif_transpose(image, in_place=True)
    return image


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if profile:
        try:
            changed = ImageCms.applyTransform(image, _transform(profile, image.mode))
        except (ImageCms.PyCMSError, ValueError, OSError):
            changed = None  # a broken profile, or one for another kind of picture
        if changed is not None:
            return changed
    return image.convert("RGB")


@lru_cache(maxsize=16)  # the pictures of one camera have one profile
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(embedded, ImageCms.createProfile("sRGB"), mode, "RGB")


def judge(pixels: NDArray[np.uint8]) -> tuple[str, str]:
    """Whether a picture has colours to learn from.

    Args:
        pixels: ``(H, W, 3)`` uint8.

    Returns:
        ``("", "")``, or the reason (``"grey"`` or ``"toned"``) and a figure.
    """
    lab = _glance(pixels, 48)
    high = float(np.percentile(np.hypot(lab[:, 1], lab[:, 2]), 99))
    if high < GREY:
        return "grey", f"chroma {high:.1f} at most in 99 of 100 pixels"
    # JPEG blurs colours, but not lightness, over a few pixels; so look from farther away.
    lab = _glance(pixels, 24)
    if one_hue(lab) > HUE and (spread := tone_spread(lab)) < TONE:
        return "toned", f"one hue, and within {spread:.1f} one colour per lightness"
    return "", ""


def _glance(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Lab ``(N, 3)`` of a picture reduced by a whole factor, its short side ``side`` at least."""
    factor = max(1, min(pixels.shape[:2]) // side)
    return srgb_to_lab(np.asarray(Image.fromarray(pixels).reduce(factor))).reshape(-1, 3)


def one_hue(lab: NDArray[np.float32]) -> float:
    """How far the colours ``(N, 3)`` are of one hue: 0 (of all hues alike) ... 1."""
    together = float(np.hypot(*lab[:, 1:].sum(axis=0)))
    return together / max(float(np.hypot(lab[:, 1], lab[:, 2]).sum()), 1e-6)


def tone_spread(lab: NDArray[np.float32]) -> float:
    """How far the colours ``(N, 3)`` are from a function of lightness: third quartile, in ab."""
    # Straight lines between mean colours at evenly filled levels of lightness.
    order = np.argsort(lab[:, 0], kind="stable")
    levels = np.array([level.mean(axis=0) for level in np.array_split(lab[order], _LEVELS)])
    distance = [lab[:, k] - np.interp(lab[:, 0], levels[:, 0], levels[:, k]) for k in (1, 2)]
    return float(np.percentile(np.hypot(*distance), 75))
