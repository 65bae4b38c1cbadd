"""Sound and text subtitles converted to a codec that the new file can hold."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

_LOSSLESS = ("pcm_", "flac", "alac", "truehd", "mlp", "wavpack", "ape", "tta", "shorten")
_SOUND = {  # by muxer: for lossless sound, and for other sound
    "mp4": ("alac", "aac"),
    "mov": ("alac", "aac"),
    "matroska": ("flac", "aac"),
    "webm": ("libopus", "libopus"),
}
_TEXT = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
_TEXTS = {"subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text", "microdvd", "subviewer"}
_BIT_RATE = 96_000  # per channel
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
_RATES = {  # that encoders take, where they do not take all
    "aac": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000),
    "libopus": (48000,),
}


class Converter(Protocol):
    """Makes packets of another codec."""

    codec: str  # the name of the codec

    def open(self, output: OutputContainer) -> Stream:
        """Add the stream to a new file."""

    def packets(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        """What comes out after one packet on the new file's clock; None: at the end."""


def converter(stream: Stream, muxer: str) -> Converter | None:
    """What turns a stream into one that a file of this muxer can hold; None if nothing does."""
    context = stream.codec_context
    if stream.type == "audio" and context is not None:
        lossless, lossy = _SOUND[muxer]
        return _Sound(stream, lossless if context.name.startswith(_LOSSLESS) else lossy)
    if stream.type == "subtitle" and context is not None and context.name in _TEXTS:
        return _Text(stream, _TEXT[muxer])
    return None


class _Sound:
    """Sound, decoded and encoded."""

    def __init__(self, stream: Any, codec: str) -> None:
        self.codec = codec
        self._decoder: AudioCodecContext = stream.codec_context
        self._encoder: Any = None
        self._resampler: Any = None
        self._next: int | None = None  # time of the next sample, in samples

    def open(self, output: OutputContainer) -> Any:
        self._decoder.flush_buffers()
        self._resampler = self._next = None
        rates = _RATES.get(self.codec, (self._decoder.sample_rate,))
        own = self._decoder.sample_rate
        rate = own if own in rates else min(rates, key=lambda r: (r < own, abs(r - own)))
        count = self._decoder.layout.nb_channels
        layout = _LAYOUTS.get(count, "stereo")
        self._encoder = output.add_stream(self.codec, rate, layout=layout)
        if self.codec != "alac" and self.codec != "flac":
            self._encoder.bit_rate = _BIT_RATE * min(count, 8)
        else:
            self._encoder.format = self._deep()
        self._encoder.time_base = Fraction(1, rate)
        return self._encoder

    def packets(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        import av

        try:
            frames = self._decoder.decode(packet)
        except av.FFmpegError:  # a damaged packet; what follows keeps its time
            return
        for frame in frames:
            yield from self._encoded(self._timed(frame, packet))
        if packet is None and self._resampler is not None:
            yield from self._encoded(None)
            yield from self._encoder.encode(None)

    def _timed(self, frame: AudioFrame, packet: Packet[Any] | None) -> AudioFrame:
        """A frame whose time continues that of the one before, but for gaps."""
        unit = Fraction(1, frame.sample_rate)
        given = None
        if packet is not None and packet.pts is not None and frame.pts is not None:
            given = round(frame.pts * Fraction(packet.time_base) / unit)
        if self._next is None or (given is not None and abs(given - self._next) * unit > _GAP):
            self._next = given or 0
        frame.pts, frame.time_base = self._next, unit
        self._next += frame.samples
        return frame

    def _encoded(self, frame: AudioFrame | None) -> Iterator[Packet[Any]]:
        import av

        if self._resampler is None:
            context = self._encoder.codec_context
            context.open(strict=False)
            size = context.frame_size or None
            self._resampler = av.AudioResampler(
                context.format, context.layout, context.sample_rate, size
            )
        for part in self._resampler.resample(frame):
            yield from self._encoder.encode(part)

    def _deep(self) -> str:
        """The encoder's sample format with the depth of the source."""
        deep = self._decoder.format.bytes > 2
        if self.codec == "alac":
            return "s32p" if deep else "s16p"
        return "s32" if deep else "s16"


_GAP = Fraction(1, 10)  # seconds by which times may differ from counted samples


class _Text:
    """Text subtitles, whose styles are dropped."""

    def __init__(self, stream: Any, codec: str) -> None:
        self.codec = codec
        self._stream = stream

    def open(self, output: OutputContainer) -> Stream:
        stream = output.add_mux_stream(self.codec)
        stream.time_base = Fraction(1, 1000)
        return stream

    def packets(self, packet: Packet[Any] | None) -> Iterator[Packet[Any]]:
        import av

        if packet is None:
            return
        try:
            shown = self._stream.codec_context.decode2(packet)
        except av.FFmpegError:
            return
        rows = [part.dialogue.decode("utf-8", "replace").strip() for part in shown or ()]
        text = "\n".join(row for row in rows if row)
        if not text or packet.pts is None:
            return
        data = text.encode()
        if self.codec == "mov_text":
            data = len(data).to_bytes(2, "big") + data
        made = av.Packet(data)
        unit = Fraction(1, 1000)
        made.pts = made.dts = round(packet.pts * packet.time_base / unit)
        made.duration = round((packet.duration or 0) * packet.time_base / unit)
        made.time_base = unit
        made.is_keyframe = True
        yield made
