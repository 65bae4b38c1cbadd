"""Streams beside the video, copied as they are: sound, subtitles, fonts, chapters.

Packets are copied byte for byte, their times moved as the film's are. What the new file cannot
hold is left out and named.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .clock import ClockRepair
from .conversion import Converter, converter
from .probe import open_film, reason
from .span import Span, move, moved_chapter

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.stream import Stream

    from .video_reader import VideoReader

_INTERLEAVED = 30  # seconds by which packets of one time are at most apart in a file
_TRIED, _SAMPLES = 400, 4  # packets of a file that are looked at, and of a stream that are tried
_COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
_OF_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder"}


class LeftOut(NamedTuple):
    """Something of the source that is not in the new file."""

    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.what} was left out: {self.why}"


class Converted(NamedTuple):
    """A stream of the source that is in the new file in another codec."""

    what: str
    codec: str
    why: str

    def __str__(self) -> str:
        return f"{self.what} was converted to {self.codec}: {self.why}"


Refused = dict[int, list[str]]
"""Why streams, by index, were refused: as they are (first), and converted (second)."""


class CopiedStreams:
    """The streams that go from a source to a new file: copied, or converted where they must be.

    Args:
        video: the film.
        source: its file, opened once more.
        muxer: FFmpeg's name of the new file's format.
        refused: streams that were tried before and do not fit.

    Attributes:
        left_out: what is not in the new file; grows while packets are read.
        converted: what is there in another codec.
    """

    def __init__(
        self, video: VideoReader, source: InputContainer, muxer: str, refused: Refused
    ) -> None:
        self._source, self._clock = source, video.reading.clock
        self._attached: dict[int, bytes] = {}  # pictures that Matroska holds as attached files
        self._copied: dict[int, Stream | None] = {}  # streams of the new file
        self._converters: dict[int, Converter] = {}
        self.left_out: list[LeftOut] = []
        self.converted: list[Converted] = []
        samples = _first_packets(video.path)
        for stream in source.streams:
            if stream.index == video.index or _holds_chapters(stream) or _is_timecode(stream):
                continue
            if muxer == "matroska" and _is_cover(stream) and stream.name in _COVERS:
                self._attached[stream.index] = _first_packet(video, stream.index)
                continue
            self._decide(stream, muxer, refused.get(stream.index, []), samples)

    def _decide(
        self,
        stream: Stream,
        muxer: str,
        refused: list[str],
        samples: dict[int, list[Packet[Any]]],
    ) -> None:
        """Copy a stream, convert it or leave it out."""
        tried = samples.get(stream.index, [])
        why = refused[0] if refused else _refusal(stream, muxer, tried)
        if why is None:
            self._copied[stream.index] = None
            return
        other = converter(stream, muxer)
        if other is None or len(refused) > 1 or _refusal(stream, muxer, tried, other):
            self.left_out.append(LeftOut(_describe(stream), why))
            return
        self._copied[stream.index] = None
        self._converters[stream.index] = other
        self.converted.append(Converted(_describe(stream), other.codec.removeprefix("lib"), why))

    @property
    def kept(self) -> list[str]:
        """The streams that are copied, in words."""
        kept = sorted({*self._attached, *self._copied} - {*self._converters})
        return [_describe(self._source.streams[index]) for index in kept]

    def add_stream(self, index: int, output: OutputContainer) -> None:
        """Make room in the new file for a stream of the source, if it is copied."""
        stream = self._source.streams[index]
        if index in self._attached:
            name, mime = _COVERS[str(stream.name)]
            name = stream.metadata.get("filename", name)
            output.add_attachment(name, mime, self._attached[index])
        elif index in self._copied:
            other = self._converters.get(index)
            if other is None:
                copy = output.add_stream_from_template(stream, opaque=True)
            else:
                copy = other.open(output)
            copy.metadata.update(stream_texts(stream))
            copy.disposition = stream.disposition
            self._copied[index] = copy

    def add_texts(self, output: OutputContainer, span: Span, note: str | None) -> None:
        """Give the new file the source's title, date and so on, and its chapters."""
        kept = {k: v for k, v in self._source.metadata.items() if k.lower() not in _OF_THE_FILE}
        if note is not None:
            key = next((k for k in kept if k.lower() == "comment"), "comment")
            kept[key] = "; ".join(filter(None, [kept.get(key), note]))
        output.metadata.update(kept)
        moved = (moved_chapter(chapter, span) for chapter in self._source.chapters())
        output.set_chapters([chapter for chapter in moved if chapter is not None])

    def packets(self, span: Span) -> Iterator[tuple[int, Packet[Any]]]:
        """The packets for the new file, each after the index of its stream in the source."""
        import av
        from av.stream import Discard

        streams = [self._source.streams[i] for i, s in self._copied.items() if _has_packets(s)]
        if not streams:
            return
        for other in self._source.streams:
            other.discard = Discard.default if other in streams else Discard.all
        try:
            yield from self._packets(span, streams)
        except av.FFmpegError as error:
            self.left_out.append(LeftOut("the end of sound and subtitles", reason(error)))
        for index, maker in self._converters.items():
            yield from ((index, made) for made in self._addressed(index, maker, None))

    def _packets(self, span: Span, streams: list[Stream]) -> Iterator[tuple[int, Packet[Any]]]:
        last: dict[int, int] = {}
        repair = ClockRepair(self._clock)
        if span.start is not None and not self._clock.positions:
            self._source.seek(max(0, int((span.start - _INTERLEAVED) * 1_000_000)))
        for packet in self._source.demux(streams):
            index = packet.stream_index
            if not packet.size or _is_pause(packet):
                continue
            repair(packet)
            late = move(packet, span, last.get(index), still=_is_cover(packet.stream))
            copy = self._copied[index]
            if late is None and copy is not None and packet.dts is not None:
                last[index] = packet.dts
                if other := self._converters.get(index):
                    yield from ((index, made) for made in self._addressed(index, other, packet))
                    continue
                packet.stream = copy
                yield index, packet
            elif late is not None and late > _INTERLEAVED:
                return

    def _addressed(
        self, index: int, other: Converter, packet: Packet[Any] | None
    ) -> Iterator[Packet[Any]]:
        """Converted packets, for the stream of the new file."""
        copy = self._copied[index]
        assert copy is not None
        for made in other.packets(packet):
            made.stream = copy
            yield made


def _refusal(
    stream: Stream, muxer: str, samples: Sequence[Packet[Any]], other: Converter | None = None
) -> str | None:
    """Why a file of some format cannot hold a stream; None if it can.

    Tried with a whole file: some streams are refused with their first packet or with the trailer.

    Args:
        stream: of the source.
        muxer: FFmpeg's name of the format.
        samples: the stream's first packets.
        other: what would convert the stream; None: it is to be copied.
    """
    import av

    try:
        with av.open(io.BytesIO(), "w", muxer) as trial:
            if other is None:
                copy = trial.add_stream_from_template(stream, opaque=True)
            else:
                copy = other.open(trial)
            copy.disposition = stream.disposition
            trial.start_encoding()
            for packet in samples:
                one = _twin(packet)
                for made in (one,) if other is None else other.packets(one):
                    made.stream = copy
                    trial.mux_one(made)
    except (av.FFmpegError, ValueError) as error:
        why = reason(error) if isinstance(error, av.FFmpegError) else str(error)
        return f"a file of the format {muxer} cannot hold it ({why})"
    return None


def _twin(packet: Packet[Any]) -> Packet[Any]:
    """A packet like another one, of no stream."""
    import av

    twin: Packet[Any] = av.Packet(bytes(packet))
    twin.pts, twin.dts, twin.duration = packet.pts, packet.dts, packet.duration
    twin.time_base, twin.is_keyframe = packet.time_base, packet.is_keyframe
    return twin


def _first_packets(path: Path) -> dict[int, list[Packet[Any]]]:
    """Some of the first packets of each stream that has any near the beginning."""
    import av

    found: dict[int, list[Packet[Any]]] = {}
    with open_film(path) as source, suppress(av.FFmpegError):
        for packet in islice(source.demux(), _TRIED):
            some = found.setdefault(packet.stream_index, [])
            if packet.size and packet.dts is not None and len(some) < _SAMPLES:
                some.append(packet)
    return found


def _first_packet(video: VideoReader, index: int) -> bytes:
    """The first packet of a stream, which for a cover is the whole of it."""
    with open_film(video.path) as source:
        return bytes(next(source.demux(source.streams[index])))


def stream_texts(stream: Stream) -> dict[str, str]:
    """A stream's language, title and so on; MP4 is read with the title as "name"."""
    texts = dict(stream.metadata)
    if "name" in texts:
        texts["title"] = texts.pop("name")
    return texts


def _is_pause(packet: Packet[Any]) -> bool:
    """MP4 fills the time between subtitles with empty ones, which its muxer makes anew."""
    return packet.size == 2 and packet.stream.name == "mov_text" and bytes(packet) == b"\0\0"


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & type(stream.disposition).attached_pic)


def _has_packets(stream: Stream | None) -> bool:
    return stream is not None and stream.type != "attachment"


def _is_timecode(stream: Stream) -> bool:
    """MOV keeps a timecode in a track of its own, which its muxer makes of the film's tag."""
    return stream.type == "data" and "timecode" in stream.metadata


def _holds_chapters(stream: Stream) -> bool:
    """MP4 keeps chapters in a track of their own, which its reader hides."""
    return stream.type == "data" and stream.discard.name == "all"


def _describe(stream: Stream) -> str:
    name = "unknown" if stream.type == "data" else getattr(stream, "name", None) or "unknown"
    parts = [stream.type, f"stream {stream.index}", f"({name})", stream.language]
    return " ".join(part for part in parts if part)
