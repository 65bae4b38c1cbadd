"""Sound and subtitles that the new file cannot hold as they are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.errors import VideoError

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.encoders import Encoding
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.mux import assemble, try_out
from photochrom.video.container.video_reader import VideoReader
from photochrom.video.segments.segment_file import segment_writer
from tests.helpers.video_files import Recipe, Sound, Titles, av, make_film

LINES = ((0.1, 0.4, "one"), (0.5, 0.9, "two\nrows"))


def grey(source: Path, target: Path, start: float | None = None) -> tuple[Any, Any]:
    """What the trial says, and what the film says; the film stays grey."""
    with VideoReader(source) as video:
        encoding = Encoding.for_file(target, crf=30)
        before = set(target.parent.iterdir())
        tried = try_out(video, encoding, target, target.parent, start=start)
        assert set(target.parent.iterdir()) == before
        segment = target.with_name("all.mkv")
        with segment_writer(segment, video, encoding) as writer:
            first = None if start is None else video.pts_at(start)
            for frame in video.frames(first):
                plane = np.full(encoding.chroma_shape(video), 128, np.uint8)
                writer.write(luma(frame), plane, plane, frame.pts)
        return tried, assemble(video, [segment], target, start=start)


def samples(path: Path) -> Any:
    with av.open(str(path)) as source:
        sound = av.AudioResampler("flt", "mono", source.streams.audio[0].rate)
        parts = [p for frame in source.decode(audio=0) for p in sound.resample(frame)]
    return np.concatenate([part.to_ndarray().ravel() for part in parts])


@pytest.mark.parametrize(
    ("source", "sound", "target", "codec"),
    [
        ("a.avi", Sound("pcm_s16le"), "b.mp4", "alac"),
        ("a.mkv", Sound("pcm_s16le"), "b.webm", "opus"),
        ("a.avi", Sound("adpcm_ms"), "b.mp4", "aac"),
        ("a.mp4", Sound(), "b.webm", "opus"),
    ],
)
def test_sound(tmp_path: Path, source: str, sound: Sound, target: str, codec: str) -> None:
    times = tuple(range(30)) if source.endswith(".avi") else tuple(range(0, 30 * 512, 512))
    unit = Fraction(1, 24) if source.endswith(".avi") else Fraction(1, 12288)
    film = make_film(tmp_path / source, Recipe(times=times, time_base=unit, sounds=(sound,)))
    tried, made = grey(film, tmp_path / target)
    assert [each.codec for each in made.converted] == [codec]
    assert (tried, made.left_out) == (made, [])  # known before the work
    with av.open(str(tmp_path / target)) as output:
        stream = output.streams.audio[0]
        assert stream.codec_context.name in (codec, "lib" + codec)
        assert abs(stream.start_time or 0) * stream.time_base < 0.03
    old, new = samples(film), samples(tmp_path / target)
    if codec == "alac":
        np.testing.assert_allclose(new[: len(old)], old, atol=1e-6)  # without loss
    assert len(new) / (48000 if codec == "opus" else sound.rate) == pytest.approx(1.25, abs=0.06)
    assert new.std() == pytest.approx(old.std(), rel=0.1)


@pytest.mark.parametrize(
    ("source", "codec", "target", "becomes"),
    [
        ("a.mkv", "subrip", "b.mp4", "mov_text"),
        ("a.mp4", "mov_text", "b.mkv", "subrip"),
        ("a.mkv", "subrip", "b.webm", "webvtt"),
    ],
)
def test_text(tmp_path: Path, source: str, codec: str, target: str, becomes: str) -> None:
    film = make_film(tmp_path / source, Recipe(titles=(Titles(codec, lines=LINES),)))
    tried, made = grey(film, tmp_path / target)
    assert [each.codec for each in made.converted] == [becomes]
    assert tried == made
    with av.open(str(tmp_path / target)) as output:
        stream = output.streams.subtitles[0]
        assert stream.codec_context.name in (becomes, "srt")
        assert stream.language == "eng"
        found = [
            (float(p.pts * p.time_base), float(p.duration * p.time_base), bytes(p))
            for p in output.demux(stream)
            if p.size > 2
        ]
    assert [round(begin, 2) for begin, _, _ in found] == [0.1, 0.5]
    assert [round(length, 2) for _, length, _ in found] == [0.3, 0.4]
    assert b"one" in found[0][2]
    assert b"two\nrows" in found[1][2]


@pytest.mark.parametrize(("start", "wanted"), [(None, "01:00:00:00"), (0.5, "01:00:00:12")])
@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_timecode(tmp_path: Path, start: float | None, wanted: str, suffix: str) -> None:
    plain = make_film(tmp_path / "plain.mp4", Recipe(sounds=(Sound(),)))
    film = tmp_path / "a.mov"
    with av.open(str(plain)) as source, av.open(str(film), "w") as output:
        copies = {s.index: output.add_stream_from_template(s, opaque=True) for s in source.streams}
        copies[0].metadata["timecode"] = "01:00:00:00"
        copies[0].codec_context.framerate = 24
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                output.mux_one(packet)
    with av.open(str(film)) as source:
        assert [s.type for s in source.streams] == ["video", "audio", "data"]
    _, made = grey(film, tmp_path / f"b{suffix}", start)
    assert (made.left_out, made.converted) == ([], [])
    with av.open(str(tmp_path / f"b{suffix}")) as output:
        texts = {k.lower(): v for k, v in output.streams.video[0].metadata.items()}
        assert texts["timecode"] == wanted
        assert len(output.streams) == (2 if suffix == ".mkv" else 3)


def test_what_a_muxer_refuses_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "a.mkv")
    monkeypatch.setitem(
        __import__("photochrom.video.container.mux", fromlist=["MUXER_OPTIONS"]).MUXER_OPTIONS,
        "mp4",
        {"movflags": "+nonsense"},
    )
    with VideoReader(film) as video, pytest.raises(VideoError, match="choose another kind of file"):
        try_out(video, Encoding.for_file(tmp_path / "b.mp4"), tmp_path / "b.mp4", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]
