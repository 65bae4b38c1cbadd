"""Muxing of a coloured film: its segments, and all other streams of the source."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._io import replacing
from ..segments.packet_order import PacketOrder
from ..segments.segment_file import SUFFIX, Segment, segment_writer, tag, writing
from .encoders import MUXER_OPTIONS, Encoding, container_of
from .frame_planes import luma
from .probe import location, open_film, reason
from .span import Span, moved_timecode
from .streams import Converted, CopiedStreams, LeftOut, Refused, stream_texts
from .video_reader import VideoReader

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

_ISO = {"mp4", "mov"}
_TRIAL = 5.0  # seconds of the other streams that are tried out
_NO_LONGER_TRUE = {  # tags of the source's stream that describe how it was encoded
    *("bps", "duration", "encoder", "number_of_bytes", "number_of_frames", "vendor_id"),
}


@dataclass(frozen=True)
class Streams:
    """Result of `assemble` and `try_out` for the streams beside the video."""

    left_out: list[LeftOut]  # what the new file cannot hold
    converted: list[Converted]  # what it holds in another codec
    kept: list[str] = field(default_factory=list)  # what it holds as it was, in words


class _RefusedError(Exception):
    """A packet was refused by the new file's muxer."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index, self.why = index, why


def assemble(
    video: VideoReader,
    segments: Sequence[Path],
    target: Path,
    *,
    start: float | None = None,
    end: float | None = None,
    note: str | None = None,
) -> Streams:
    """Write the whole film: pictures from segments, everything else from the source.

    Every frame keeps its time, to the unit where the new file can hold the source's (MP4, MOV), to
    the millisecond otherwise (Matroska, WebM). MPEG streams, whose clocks start anywhere, are moved
    to begin at 0; so is a part of a film. Sound, subtitles, data, fonts and covers are copied byte
    for byte, with their languages, titles and dispositions; chapters, titles, rotation and the
    shape of the pixels are kept.

    Args:
        video: the source.
        segments: in the film's order, from `photochrom.video.segments.segment_file.segment_writer`.
        target: the new file; its ending says what kind it is, one of `media.CONTAINERS`.
            It takes the place of an older one only when it is whole.
        start, end: seconds, if the segments are only that part of the film: the frames from
            ``video.pts_at(start)`` to before ``video.pts_at(end)``.
        note: a line to add to the comment in the file's metadata.

    Returns:
        What of the source the new file cannot hold, or not as it is.

    Raises:
        ArgumentError: a target of another kind, or no segments.
        VideoError: a segment or the source cannot be read, or the target not be written.
    """
    with writing(target), replacing(target) as temporary:
        return _assembled(video, segments, target, temporary, start, end, note)


def try_out(
    video: VideoReader,
    encoding: Encoding,
    target: Path,
    folder: Path,
    *,
    start: float | None = None,
    end: float | None = None,
) -> Streams:
    """Write a film of one grey frame and the first seconds of all other streams, and delete it.

    So what a container refuses, in its header, its packets or its trailer, is known before the work
    begins.

    Args:
        video: the source.
        encoding: of the result.
        target: the new file; only its suffix counts.
        folder: where the trial is written.
        start, end: seconds; the part that is to be written.

    Returns:
        What of the source the new file cannot hold, or not as it is.

    Raises:
        VideoError: such a film cannot be written.
    """
    first = next(video.frames(None if start is None else video.pts_at(start)), None)
    if first is None or first.pts is None:
        return Streams([], [])
    segment, trial = folder / f"trial{SUFFIX}", folder / f"trial-whole{target.suffix}"
    grey = np.full(encoding.chroma_shape(video), 1 << (video.depth - 1), luma(first).dtype)
    stop = (start or 0) + _TRIAL if end is None else min(end, (start or 0) + _TRIAL)
    try:
        with segment_writer(segment, video, encoding) as writer:
            writer.write(luma(first), grey, grey, first.pts)
        with writing(target):
            return _assembled(video, [segment], target, trial, start, stop, None)
    finally:
        segment.unlink(missing_ok=True)
        trial.unlink(missing_ok=True)


def _assembled(
    video: VideoReader,
    segments: Sequence[Path],
    target: Path,
    temporary: Path,
    start: float | None,
    end: float | None,
    note: str | None,
) -> Streams:
    muxer = container_of(target).muxer
    assert muxer is not None
    order = PacketOrder(video, segments, muxer in _ISO)
    span = _span(video, order, start, end)
    refused: Refused = {}
    while True:
        try:
            return _write(video, order, temporary, muxer, span, note, refused)
        except _RefusedError as error:
            refused.setdefault(error.index, []).append(error.why)


def _span(video: VideoReader, order: PacketOrder, start: float | None, end: float | None) -> Span:
    unit = video.time_base
    first = order.times[0] * unit
    return Span(
        origin=first if start is not None else video.clock_start,
        start=None if start is None else first,
        end=None if end is None else video.pts_at(end) * unit,
    )


def _write(
    video: VideoReader,
    order: PacketOrder,
    temporary: Path,
    format: str,
    span: Span,
    note: str | None,
    refused: Refused,
) -> Streams:
    import av

    options = dict(MUXER_OPTIONS[format])
    if format in _ISO and video.time_base.numerator == 1:
        # The unit of the gap before a film that begins late; the usual millisecond is too coarse.
        options["movie_timescale"] = str(max(1000, video.time_base.denominator))
    with (
        open_film(video.path) as source,
        Segment(order.segments[0]) as segment,
        av.open(
            location(temporary), "w", format,
            container_options=options, metadata_errors="surrogateescape",
        ) as output,
    ):  # fmt: skip
        copies = CopiedStreams(video, source, format, refused)
        for stream in source.streams:
            if stream.index == video.index:
                film = _add_film(output, segment.stream, video)
                film.metadata.update(_still_true(stream_texts(stream)))
                film.metadata.update(_timecode(source, stream, video, span))
                film.disposition = stream.disposition
            else:
                copies.add_stream(stream.index, output)
        if not _keeps_aspect(film.codec_context.name, format) and (video.tags.aspect or 1) != 1:
            aspect = f"the shape of the pixels ({video.tags.aspect})"
            copies.left_out.append(LeftOut(aspect, f"{film.name} in {format} does not keep it"))
        copies.add_texts(output, span, note)
        pictures = ((video.index, packet) for packet in _film_packets(order, film, video, span))
        for index, packet in heapq.merge(pictures, copies.packets(span), key=_time):
            try:
                output.mux_one(packet)
            except (av.InvalidDataError, av.ArgumentError, av.PatchWelcomeError) as error:
                if index == video.index:
                    raise
                why = f"a file of the format {format} cannot hold it ({reason(error)})"
                raise _RefusedError(index, why) from error
        kept = copies.kept
    return Streams(copies.left_out, copies.converted, kept)


def _timecode(
    source: InputContainer, stream: Stream, video: VideoReader, span: Span
) -> dict[str, str]:
    """The tag from which a muxer makes the track of the timecode, or keeps it as it is."""
    every = (dict(s.metadata) for s in (stream, *source.streams) if s.type in ("video", "data"))
    found = next((texts["timecode"] for texts in every if "timecode" in texts), None)
    if found is None:
        return {}
    late = Fraction(0) if span.start is None else span.start - video.first * video.time_base
    return {"timecode": moved_timecode(found, round(late * video.rate), video.rate)}


def _add_film(output: OutputContainer, template: VideoStream, video: VideoReader) -> VideoStream:
    film = output.add_stream_from_template(template, opaque=True)
    film.time_base = video.time_base
    context = film.codec_context
    tag(context, video.tags)
    context.framerate = video.rate
    if template.name == "prores":
        context.codec_tag = bytes(template.codec_context.extradata or b"apch")[:4].decode()
    elif template.name == "hevc" and output.format.name in _ISO:
        context.codec_tag = "hvc1"  # what Apple's players want
    film.set_display_matrix(video.tags.display)
    return film


def _keeps_aspect(codec: str, format: str) -> bool:
    """PyAV cannot hand the shape of pixels to the Matroska muxer; there it is the codec's task."""
    return format in _ISO or codec in ("h264", "hevc", "ffv1")


def _film_packets(
    order: PacketOrder, film: VideoStream, video: VideoReader, span: Span
) -> Iterator[Packet[Any]]:
    shift = round(span.origin / video.time_base)
    for packet in order.packets():
        assert packet.pts is not None
        assert packet.dts is not None
        packet.pts -= shift
        packet.dts -= shift
        packet.time_base = video.time_base
        packet.stream = film
        yield packet


def _time(item: tuple[int, Packet[Any]]) -> float:
    packet = item[1]
    assert packet.dts is not None
    return float(packet.dts * packet.time_base)


def _still_true(metadata: dict[str, str]) -> dict[str, str]:
    """Those of a stream's tags that still hold for the coloured film."""
    return {
        key: text
        for key, text in metadata.items()
        if key.lower().partition("-")[0] not in _NO_LONGER_TRUE
        and not key.lower().startswith("_statistics")
    }
