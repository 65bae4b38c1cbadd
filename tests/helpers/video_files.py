"""Small films for the tests, made with PyAV: every kind of stream and tag a film can have."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.film_scenes import seen, texture

av = pytest.importorskip("av", reason="needs PyAV (extra video)")


@dataclass(frozen=True)
class Sound:
    """A sound track of sine tones."""

    codec: str = "aac"
    language: str = "eng"
    title: str = ""
    hertz: int = 440
    rate: int = 44100
    disposition: int = 0


@dataclass(frozen=True)
class Titles:
    """A subtitle track: (start, end, text), in seconds."""

    codec: str = "subrip"
    language: str = "eng"
    lines: tuple[tuple[float, float, str], ...] = ((0.1, 0.4, "one"), (0.5, 0.9, "two"))


@dataclass(frozen=True)
class Recipe:
    """A film to be made.

    Attributes:
        codec, options, pixel_format, size: of the pictures; size is ``(H, W)``.
        times: pts of the frames, in units of `time_base`.
        last: units for which the last frame is shown; None as the container has it.
        tags: colour, as attributes of an encoder, and sample_aspect_ratio.
        display: rotation in degrees, counter-clockwise.
        chapters: (start, end, title) in seconds.
        attachments: (name, MIME type, data).
        cover: a PNG picture.
    """

    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    size: tuple[int, int] = (48, 64)
    times: Sequence[int] = tuple(range(0, 24 * 512, 512))
    time_base: Fraction = Fraction(1, 12288)
    rate: Fraction = Fraction(24)
    tags: dict[str, Any] = field(default_factory=dict)
    display: int | None = None
    sounds: tuple[Sound, ...] = ()
    titles: tuple[Titles, ...] = ()
    chapters: tuple[tuple[float, float, str], ...] = ()
    attachments: tuple[tuple[str, str, bytes], ...] = ()
    cover: bytes | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


FFV1 = Recipe(codec="ffv1")
"""Without loss."""
_SCENES = [texture(80, 140, seed) for seed in range(2)]


def two_pans(recipe: Recipe, index: int, depth: int) -> NDArray[Any]:
    """Y' of a frame: pans over two pictures, the first of which comes again, with noise."""
    shot, place = divmod(index, 22)
    L = seen(_SCENES[shot % 2], 5 + place, 5, *recipe.size)
    noise = np.random.default_rng(index).normal(0, 2, L.shape)
    codes = np.clip(16 + 2.19 * L + noise, 16, 235) * (1 << (depth - 8))
    return np.asarray(codes.astype(np.uint8 if depth == 8 else np.uint16))


_made: dict[
    tuple[object, ...], bytes
] = {}  # by what they are made of; many tests begin with the same


def make_film(path: Path, recipe: Recipe = Recipe()) -> Path:
    """Write the film of a recipe; the ending of the name says which kind of file."""
    key = (path.suffix, repr(recipe), picture)  # tests put another function in the place of it
    if key in _made:
        path.write_bytes(_made[key])
    else:
        _make_film(path, recipe)
        _made[key] = path.read_bytes()
    return path


def _make_film(path: Path, recipe: Recipe) -> None:
    with av.open(str(path), "w", container_options=recipe.container_options) as output:
        film = output.add_stream(recipe.codec, recipe.rate, options=recipe.options)
        film.height, film.width = recipe.size
        film.pix_fmt = recipe.pixel_format
        film.codec_context.time_base = film.time_base = recipe.time_base
        for key, value in recipe.tags.items():
            setattr(film.codec_context, key, value)
        if recipe.display is not None:
            film.set_display_rotation(recipe.display)
        sounds = [_add_sound(output, sound) for sound in recipe.sounds]
        titles = [_add_titles(output, lines) for lines in recipe.titles]
        for name, mime, data in recipe.attachments:
            output.add_attachment(name, mime, data)
        cover = _add_cover(output, recipe.cover)
        output.metadata.update(recipe.metadata)
        output.set_chapters(
            [
                {
                    "id": i,
                    "start": round(start * 1000),
                    "end": round(end * 1000),
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
                for i, (start, end, title) in enumerate(recipe.chapters)
            ]
        )
        if cover is not None and recipe.cover is not None:
            output.mux(_packet(cover, recipe.cover, 0, 0))
        for i, pts in enumerate(recipe.times):
            output.mux(film.encode(_frame(recipe, i, pts)))
        output.mux(film.encode(None))
        begin = float(recipe.times[0] * recipe.time_base)
        seconds = float(recipe.times[-1] * recipe.time_base) - begin + 1 / float(recipe.rate)
        for stream, sound in zip(sounds, recipe.sounds, strict=True):
            _encode_tone(output, stream, sound, begin, seconds)
        for stream, lines in zip(titles, recipe.titles, strict=True):
            for start, end, text in lines.lines:
                data = text.encode()
                if lines.codec == "mov_text":
                    data = len(data).to_bytes(2, "big") + data
                first = round((begin + start) * 1000)
                output.mux(_packet(stream, data, first, round((end - start) * 1000)))


def picture(recipe: Recipe, index: int, depth: int) -> NDArray[Any]:
    """Y' of one frame: a slope that moves, with a little noise; ``(H, W)``."""
    height, width = recipe.size
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(index).integers(0, 8, (height, width))
    grey = 30 + (x * 2 + y + 3 * index) % 180 + noise
    return (grey << (depth - 8)).astype(np.uint8 if depth == 8 else np.uint16)


def _frame(recipe: Recipe, index: int, pts: int) -> Any:
    height, width = recipe.size
    frame = av.VideoFrame(width, height, recipe.pixel_format)
    depth = frame.format.components[0].bits
    if frame.format.is_planar or recipe.pixel_format.startswith("gray"):
        for i, plane in enumerate(frame.planes):
            grey = picture(recipe, index, depth)
            rows = np.frombuffer(plane, grey.dtype).reshape(plane.height, -1)
            rows[:] = 1 << (depth - 1)
            if i == 0:
                rows[:, :width] = grey
    else:
        grey_frame = av.VideoFrame.from_ndarray(picture(recipe, index, 8), "gray")
        frame = grey_frame.reformat(format=recipe.pixel_format)
    frame.pts, frame.time_base = pts, recipe.time_base
    return frame


def _add_sound(output: Any, sound: Sound) -> Any:
    stream = output.add_stream(sound.codec, sound.rate)
    stream.metadata["language"] = sound.language
    if sound.title:
        stream.metadata["title"] = sound.title
    stream.disposition = sound.disposition
    return stream


def _encode_tone(output: Any, stream: Any, sound: Sound, begin: float, seconds: float) -> None:
    count = round(seconds * sound.rate)
    tone = np.sin(2 * np.pi * sound.hertz * np.arange(count) / sound.rate)
    samples = np.stack([tone, tone]).astype(np.float32) * 0.3
    resampler = av.AudioResampler(stream.format, stream.layout, stream.rate)
    for first in range(0, count, 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[:, first : first + 1024]), "fltp", "stereo"
        )
        frame.sample_rate = sound.rate
        frame.time_base = Fraction(1, sound.rate)
        frame.pts = round(begin * sound.rate) + first
        for part in resampler.resample(frame):
            output.mux(stream.encode(part))
    output.mux(stream.encode(None))


def _add_titles(output: Any, titles: Titles) -> Any:
    stream = output.add_mux_stream(titles.codec)
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = titles.language
    return stream


def _add_cover(output: Any, cover: bytes | None) -> Any:
    """A stream for the cover, where the file has covers as streams."""
    if cover is None:
        return None
    if output.format.name == "matroska":
        output.add_attachment("cover.png", "image/png", cover)
        return None
    stream = output.add_mux_stream("png", width=2, height=2)
    stream.time_base = Fraction(1, 90000)
    stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _packet(stream: Any, data: bytes, pts: int, duration: int) -> Any:
    packet = av.Packet(data)
    packet.stream = stream
    packet.pts = packet.dts = pts
    packet.duration = duration
    packet.time_base = stream.time_base
    packet.is_keyframe = True
    return packet


def payloads(path: Path) -> dict[int, list[str]]:
    """A hash of the bytes of every packet, by stream."""
    found: dict[int, list[str]] = {}
    with av.open(str(path)) as source:
        for packet in source.demux():
            if packet.size:
                digest = hashlib.sha256(bytes(packet)).hexdigest()
                found.setdefault(packet.stream_index, []).append(digest)
    return found


def starts(path: Path, index: int) -> list[float]:
    """When the packets of a stream begin, in seconds, as far as they begin at 0 or later."""
    with av.open(str(path)) as source:
        stream = source.streams[index]
        times = [p.pts * stream.time_base for p in source.demux(stream) if p.size]
    return [float(time) for time in times if time >= 0]
