"""Animations: GIF, animated PNG and animated WebP as pictures that follow each other."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from ..media import FORMATS, format_for
from . import MAX_PIXELS, open_picture
from .assembly import assembled
from .codec.animated_files import write_animated_webp, write_apng
from .codec.decoding import check_size, damaged
from .codec.encoding import encode
from .codec.pillow_plugins import from_pillow
from .metadata.png import png_frames
from .page import Metadata, Page
from .picture import Picture
from .source import Source
from .writing import writing_to


@dataclass(frozen=True)
class Animation:
    """An animation that was opened."""

    delays: tuple[Fraction, ...]  # seconds for which each frame is shown
    plays: int  # how often the animation runs; 0: for ever
    metadata: Metadata  # of the file
    format: str  # key of FORMATS
    alpha: bool  # whether frames may be transparent
    _source: Source
    _first: int  # number of the first frame among Pillow's

    def frames(self) -> Iterator[Picture]:
        """The frames, each whole, as they are shown; PictureError if one cannot be decoded."""
        with self._source.open() as file:
            image = _opened(self._source, file)
            for number in range(len(self.delays)):
                try:
                    image.seek(self._first + number)
                    image.load()
                    frame = image.convert("RGBA") if self.alpha else image
                    found = from_pillow(frame, self._source.name)
                except Exception as error:  # Pillow raises nearly anything on a crafted file
                    raise _broken(self._source, error) from None
                found.icc, found.dpi = self.metadata.icc, None
                yield assembled(found, self.format).replaced(metadata=self.metadata)


def open_animation(
    source: str | Path | bytes | BinaryIO | Source, *, max_pixels: int = MAX_PIXELS
) -> Animation | None:
    """Open a GIF, PNG or WebP file of several frames.

    Args:
        source: a path, the bytes of a file, or a file open for reading.
        max_pixels: refuse larger frames than this.

    Returns:
        None for every other file.

    Raises:
        PictureError: it is damaged.
        PictureTooLargeError: the frames have more than `max_pixels` pixels.
    """
    file = Source.of(source)
    if not _is_animated(file):
        return None
    with file.open() as opened:
        image = _opened(file, opened)
        if getattr(image, "n_frames", 1) < 2:
            return None
        check_size(file.name, image.size, max_pixels)
        # An animated PNG may have a still picture first, for programs that know no animations.
        begin = int(bool(getattr(image, "default_image", False)))
        delays, alpha = [], False
        try:
            for number in range(begin, image.n_frames):
                image.seek(number)
                if file.format == "webp":
                    image.load()  # tells the time
                shown = Fraction(image.info.get("duration", 0))  # in milliseconds
                delays.append(shown.limit_denominator(10**6) / 1000)
                alpha = alpha or image.has_transparency_data
        except Exception as error:
            raise _broken(file, error) from None
        loops = image.info.get("loop")
    if len(delays) < 2:
        return None
    first = open_picture(file.origin, max_pixels=max_pixels)
    encoding = replace(first.metadata.encoding, further=0)
    metadata = replace(first.metadata, encoding=encoding)
    plays = _plays(file.format, loops)
    return Animation(tuple(delays), plays, metadata, file.format, alpha, file, begin)


def save_animation(
    frames: Iterable[Page],
    target: str | Path | BinaryIO,
    animation: Animation,
    *,
    format: str | None = None,
    quality: int | None = None,
) -> str:
    """Write frames with the times of an animation, whole or not at all.

    Args:
        frames: as many as `animation` has, of one size; not kept in memory.
        target: a path, or a file open for writing.
        animation: the one that they are made of.
        format: one that holds animations; None: by the target's suffix, else PNG.
        quality: 1...100, of WebP.

    Returns:
        The format that was written.
    """
    path = Path(target) if isinstance(target, str | Path) else None
    format = format_for(path, format, animation.format)
    assert FORMATS[format].animated

    def stills() -> Iterator[tuple[bytes, Fraction]]:
        for frame, delay in zip(frames, animation.delays, strict=True):
            buffer = io.BytesIO()
            encode(frame, buffer, format, quality)
            yield buffer.getvalue(), delay

    with writing_to(target) as file:
        if format == "png":
            write_apng(stills(), len(animation.delays), animation.plays, file)
            return format
        # The size is known with the first frame.
        rest = iter(frames)
        first = next(rest)
        frames = (frame for some in ([first], rest) for frame in some)
        size = first.width, first.height
        write_animated_webp(stills(), size, animation.alpha, animation.plays, file)
    return format


def _is_animated(source: Source) -> bool:
    """Whether it may be an animation; cheap for all other files."""
    head = source.head
    if head[:4] == b"GIF8":
        return True
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X":
        return bool(head[20] & 0x02)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        with source.open() as file:
            return png_frames(file) > 1
    return False


def _opened(source: Source, file: BinaryIO) -> Any:
    from PIL import GifImagePlugin, PngImagePlugin, WebPImagePlugin

    # The plugins by themselves: Image.open would try every other decoder of Pillow, too.
    plugin: Any = {
        "gif": GifImagePlugin.GifImageFile,
        "png": PngImagePlugin.PngImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
    }[source.format]
    try:
        return plugin(file)
    except Exception as error:
        raise _broken(source, error) from None


def _plays(format: str, loops: int | None) -> int:
    """How often an animation runs: a GIF's number is that of repetitions, and may be missing."""
    if format != "gif":
        return int(loops or 0)
    return 1 if loops is None else loops + 1 if loops else 0


def _broken(source: Source, error: Exception) -> Exception:
    words = str(error).splitlines()
    return damaged(source, source.format, words[0] if words else type(error).__name__)
