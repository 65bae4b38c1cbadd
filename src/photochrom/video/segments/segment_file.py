"""Segment files: finished pieces of a film that is being written.

A long job can be killed at any time. What it has finished lies in segments: each has its own
encoder, begins with a key frame, refers to nothing outside itself, and gets its name only when it
is whole. So a job goes on after the last of them, and the segments together are the film.

A segment is a Matroska file, which holds every codec. Its times are whole milliseconds from 0 on,
which no film's are; so a unit of the film's own time base is stored as one millisecond, counted
from the segment's first frame (the file's metadata say where that is). Every pts comes back as it
was. Times of decoding (dts) are not kept; `mux` makes them for the whole film.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from ..._io import replacing
from ...color import Codes
from ...errors import ArgumentError, VideoError
from ..container.encoders import CODECS, Encoding
from ..container.probe import location, reason
from ..container.tags import FULL, Tags
from ..container.video_reader import VideoReader

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

SUFFIX = ".mkv"
_FIRST = "first_pts"  # key of the metadata
_LEAD = 64  # stored time of the first frame; more than any encoder's reordering of frames
_UNIT = Fraction(1, 1000)  # Matroska's


@contextmanager
def segment_writer(
    path: Path, video: VideoReader, encoding: Encoding, *, wide: bool = False
) -> Iterator[SegmentWriter]:
    """Write one segment; the file is there when the block has ended well, and not before.

    Args:
        path: of the segment; by convention it ends in `SUFFIX`.
        video: the film that the frames' Y' is of.
        encoding: codec and settings, the same for all segments of a film.
        wide: frames are twice as wide as the film's: two pictures side by side.

    Raises:
        VideoError: the file cannot be written.
        ArgumentError: no frame was written.
    """
    import av

    if encoding.codec == "av1":
        os.environ.setdefault("SVT_LOG", "1")  # else its encoder chatters on stderr
    with (
        writing(path),
        replacing(path) as temporary,
        av.open(location(temporary), "w", "matroska") as output,
    ):
        writer = SegmentWriter(output, video, encoding, wide)
        yield writer
        writer.finish()


class SegmentWriter:
    """Encodes frames into one segment; see `segment_writer`."""

    def __init__(
        self, output: OutputContainer, video: VideoReader, encoding: Encoding, wide: bool = False
    ) -> None:
        self._output, self._video = output, video
        self._format, self._depth = encoding.pixel_format(video.depth)
        self._shape = height, width = video.shape[0], video.shape[1] * (1 + wide)
        self._chroma = encoding.chroma_shape(video, wide=wide)
        even = CODECS[encoding.codec].even
        stream = output.add_stream(
            CODECS[encoding.codec].encoder,
            video.rate,
            options=encoding.options((height, width)),
            width=width + (width % 2 if even else 0),
            height=height + (height % 2 if even else 0),
            pix_fmt=self._format,
            time_base=video.time_base,
        )
        self._stream = cast("VideoStream", stream)
        tag(self._stream.codec_context, video.tags)
        self._first: int | None = None
        self._count = 0

    def write(self, luma: Codes, cb: Codes, cr: Codes, pts: int) -> None:
        """Encode one frame.

        Y' goes to the encoder as it is. Only where the encoder has no such depth is it changed: a
        larger depth can be turned back without loss, a smaller one (12 bits in h264) cannot.

        Args:
            luma: ``(H, W)`` as `photochrom.video.container.frame_planes.luma` gives it.
            cb, cr: of the shape that `Encoding.chroma_shape` gives, with the depth of `luma`.
            pts: when it is shown, in the film's time base; later than the frame before.

        Raises:
            ArgumentError: planes of the wrong shape.
        """
        import av

        if luma.shape != self._shape or {cb.shape, cr.shape} != {self._chroma}:
            raise ArgumentError(
                "the planes of a frame",
                expected=f"Y' {self._shape}, Cb and Cr {self._chroma}",
                got=f"{luma.shape}, {cb.shape} and {cr.shape}",
            )
        frame = av.VideoFrame(self._stream.width, self._stream.height, self._format)
        full = self._video.tags.range == FULL
        for plane, given in zip(frame.planes, (luma, cb, cr), strict=True):
            codes = at_depth(given, self._video.depth, self._depth, full=full and given is luma)
            rows = np.frombuffer(memoryview(plane), codes.dtype).reshape(plane.height, -1)
            rows[: codes.shape[0], : codes.shape[1]] = codes
            rows[codes.shape[0] :, : codes.shape[1]] = codes[-1:]
            rows[:, codes.shape[1] : plane.width] = rows[:, codes.shape[1] - 1, None]
        tag(frame, self._video.tags)
        frame.pts, frame.time_base = pts, self._video.time_base
        if self._first is not None:
            self._mux(self._stream.encode(frame))
            return
        self._first = pts
        self._output.metadata[_FIRST] = str(pts)
        with _ordinary_threads():  # the encoder begins with its first frame
            packets = self._stream.encode(frame)
        self._mux(packets)

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._first is None:
            raise ArgumentError("a segment", expected="frames", got="none")
        self._mux(self._stream.encode(None))

    def _mux(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            assert packet.pts is not None
            assert self._first is not None
            packet.pts += _LEAD - self._first
            # The dts is not stored, but has to increase and to stay below the pts. Counting does
            # both: the n-th frame shown has a pts of n at least.
            packet.dts = self._count
            packet.time_base = _UNIT
            self._count += 1
            self._output.mux_one(packet)


@contextmanager
def _ordinary_threads() -> Iterator[None]:
    """Let no encoder make threads of this process more important than all others of the machine.

    SVT-AV1 does, if root runs it, with its own threads and with the one that opens it: whatever
    that computes or starts from then on would stop the machine.
    """
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        yield
        return
    yield
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has ended
            if os.sched_getscheduler(int(task.name)) == os.SCHED_FIFO:
                os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))


def tag(target: VideoCodecContext | Any, tags: Tags) -> None:
    """Say what the numbers of a film mean, to an encoder, a frame or a stream."""
    target.color_primaries = tags.primaries
    target.color_trc = tags.transfer
    target.colorspace = tags.matrix
    target.color_range = tags.range
    if tags.aspect is not None and hasattr(target, "sample_aspect_ratio"):
        target.sample_aspect_ratio = tags.aspect


def at_depth(codes: Codes, depth: int, wanted: int, *, full: bool) -> Codes:
    """Codes with another number of bits.

    Args:
        codes: uint8, or uint16 from 9 bits on.
        depth, wanted: bits now and then.
        full: whether the largest code stays the largest (full range Y'); else codes are shifted,
            as limited range and the middle of Cb and Cr want it.
    """
    if depth == wanted:
        return codes
    wide = codes.astype(np.uint32)
    if full:
        top, new_top = (1 << depth) - 1, (1 << wanted) - 1
        wide = (wide * new_top + top // 2) // top
    elif wanted > depth:
        wide <<= wanted - depth
    else:
        half = 1 << (depth - wanted - 1)
        wide = np.minimum((wide + half) >> (depth - wanted), (1 << wanted) - 1)
    dtype = np.uint8 if wanted == 8 else np.uint16
    result: NDArray[Any] = wide.astype(dtype)
    return result


class Segment:
    """A segment that was written, opened for reading; a context manager.

    Attributes:
        stream: its one stream.

    Raises:
        VideoError: the file cannot be read or is no segment.
    """

    def __init__(self, path: Path) -> None:
        import av

        self.path = path
        try:
            # All that matters stands in the header; no frame has to be decoded to know it.
            options = {"probesize": "32", "analyzeduration": "1"}
            self._container: InputContainer = av.open(
                location(path), format="matroska", container_options=options
            )
            self.stream = self._container.streams.video[0]
            self._shift = int(self._container.metadata[_FIRST.upper()]) - _LEAD
        except (av.FFmpegError, OSError, LookupError, ValueError) as error:
            raise _broken(path, str(error)) from error

    def __enter__(self) -> Segment:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def packets(self) -> Iterator[Packet[Any]]:
        """Its packets in the order of decoding, with the pts of the film and no dts."""
        import av

        try:
            for packet in self._container.demux(self.stream):
                if packet.pts is not None:
                    packet.pts += self._shift
                    packet.dts = None
                    yield packet
        except av.FFmpegError as error:
            raise _broken(self.path, reason(error)) from error

    def times(self) -> list[int]:
        """The pts of its frames in the order of decoding."""
        return [packet.pts for packet in self.packets() if packet.pts is not None]


def segment_times(path: Path) -> list[int]:
    """The pts of a segment's frames, in the order they are shown; VideoError if it is none."""
    with Segment(path) as segment:
        return sorted(segment.times())


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what goes wrong in writing a file into a VideoError of one line."""
    import av

    try:
        yield
    except OSError as error:  # FFmpeg's too, where the system refused it
        raise VideoError(
            f"{path} cannot be written",
            expected="a folder with room for it",
            got=reason(error),
            fix="make room, or choose another folder",
        ) from error
    except av.FFmpegError as error:
        raise VideoError(
            f"{path} cannot be written",
            expected="streams that such a file can hold",
            got=reason(error),
            fix="choose another kind of file; .mkv holds everything",
        ) from error


def _broken(path: Path, got: str) -> VideoError:
    return VideoError(
        f"{path} cannot be used",
        expected="a finished piece of a film",
        got=got,
        fix="delete it and start again",
    )
