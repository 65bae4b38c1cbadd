"""Writing films: segments, and the whole film with everything else from the source."""

from __future__ import annotations

import dataclasses
import io
import itertools
import os
import resource
import stat
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom.errors import ArgumentError, VideoError

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.media import CONTAINERS
from photochrom.video.container import streams as copying
from photochrom.video.container.encoders import CODECS, Encoding
from photochrom.video.container.frame_planes import luma
from photochrom.video.container.mux import assemble
from photochrom.video.container.streams import Converted, LeftOut
from photochrom.video.container.video_reader import VideoReader
from photochrom.video.segments.segment_file import (
    SUFFIX,
    at_depth,
    segment_times,
    segment_writer,
)
from tests.helpers.video_files import Recipe, Sound, Titles, av, make_film, payloads, starts

UNEVEN = (0, 512, 600, 2000, 2020, 4000, 9000, 9500, 12000, 12030, 15000, 20000, 20400, 24000)


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


RICH = Recipe(
    sounds=(Sound(title="Main", disposition=1), Sound(language="deu", hertz=880, rate=48000)),
    titles=(Titles(), Titles(language="fra", lines=((0.2, 0.9, "un"),))),
    chapters=((0, 0.5, "Before"), (0.5, 1, "After")),
    attachments=(("a font.ttf", "application/x-truetype-font", bytes(range(200))),),
    cover=png(),
    display=90,
    metadata={"title": "Café", "comment": "an old film"},
    tags={
        **{"color_primaries": 5, "color_trc": 6, "colorspace": 5, "color_range": 1},
        "sample_aspect_ratio": Fraction(16, 15),
    },
)
RICH_MP4 = dataclasses.replace(RICH, titles=(Titles(codec="mov_text"),), attachments=())


def color(
    source: Path,
    target: Path,
    codec: str | None = None,
    *,
    length: int = 9,
    start: float | None = None,
    end: float | None = None,
    **settings: Any,
) -> list[LeftOut | Converted]:
    """Colour a film with one colour, in segments of some frames."""
    with VideoReader(source) as clip:
        encoding = Encoding.for_file(target, codec, **settings)
        begin = None if start is None else clip.pts_at(start)
        frames = clip.frames(begin)
        if end is not None:
            limit = clip.pts_at(end)
            frames = itertools.takewhile(lambda frame: frame.pts < limit, frames)
        segments = write_segments(clip, encoding, frames, target.parent, length)
        made = assemble(clip, segments, target, start=start, end=end, note="made up")
        for segment in segments:
            segment.unlink()
    return [*made.left_out, *made.converted]


def write_segments(
    clip: VideoReader, encoding: Encoding, frames: Any, folder: Path, length: int
) -> list[Path]:
    segments: list[Path] = []
    dtype = np.uint8 if clip.depth == 8 else np.uint16
    shape = encoding.chroma_shape(clip)
    while batch := list(itertools.islice(frames, length)):
        segments.append(folder / f"{len(segments):06}{SUFFIX}")
        with segment_writer(segments[-1], clip, encoding) as segment:
            for frame in batch:
                cb = np.full(shape, 90 << (clip.depth - 8), dtype)
                cr = np.full(shape, 160 << (clip.depth - 8), dtype)
                cb[:, ::2] += frame.pts % 7
                segment.write(luma(frame), cb, cr, frame.pts)
    return segments


def shown(path: Path) -> list[tuple[Fraction, bytes]]:
    """When each frame is shown, and its Y'."""
    with VideoReader(path) as clip:
        frames = [(f.pts * clip.time_base, luma(f).tobytes()) for f in clip.frames()]
        assert clip.damage is None
    return frames


def planes(path: Path) -> list[list[bytes]]:
    """The bytes of all planes of all frames."""
    with VideoReader(path) as clip:
        return [[bytes(plane) for plane in frame.planes] for frame in clip.frames()]


def times(path: Path) -> list[Fraction]:
    return [time for time, _ in shown(path)]


def streams(path: Path) -> list[tuple[str, str | None, str | None, int]]:
    """Kind, language, title and disposition of every stream."""
    with av.open(str(path)) as source:
        return [
            (s.type, s.language, s.metadata.get("title") or s.metadata.get("name"), s.disposition)
            for s in source.streams
        ]


def chapters(source: Any) -> list[tuple[float, float, str]]:
    """Begin and end in seconds, and the title, of every chapter."""
    return [
        (
            float(chapter["start"] * chapter["time_base"]),
            float(chapter["end"] * chapter["time_base"]),
            chapter["metadata"]["title"],
        )
        for chapter in source.chapters()
    ]


# --- pictures and times ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["yuv420p", "gray", "yuv420p10le", "yuv444p12le"])
def test_luma_comes_through_bit_for_bit(tmp_path: Path, name: str) -> None:
    recipe = Recipe(codec="ffv1", pixel_format=name, size=(45, 61))
    film = make_film(tmp_path / "a.mkv", recipe)
    target = tmp_path / "b.mkv"
    assert color(film, target, "ffv1") == []
    assert shown(target) == shown(film)
    with VideoReader(target) as clip:
        frame = next(clip.frames())
        chroma = np.frombuffer(frame.planes[1], np.uint8 if clip.depth == 8 else np.uint16)
        assert chroma[1] == 90 << (clip.depth - 8)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(row.suffixes[0], codec) for row in CONTAINERS.values() for codec in row.codecs],
)
def test_every_codec_in_every_file(tmp_path: Path, suffix: str, codec: str) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(times=UNEVEN, size=(66, 98)))
    target = tmp_path / f"b{suffix}"
    assert color(film, target, codec, length=5) == []
    exact = suffix in (".mp4", ".mov", ".m4v")
    for wanted, (got, _) in zip(times(film), shown(target), strict=True):
        assert got == wanted if exact else abs(got - wanted) <= Fraction(1, 2000)
    with VideoReader(film) as old, VideoReader(target) as new:
        assert new.shape == old.shape
        for a, b in zip(old.frames(), new.frames(), strict=True):
            codes = luma(b).astype(float) / (1 << (new.depth - 8))
            assert np.abs(codes - luma(a)).mean() < 6


def test_b_frames_of_segments_are_joined_as_if_in_one_run(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(times=UNEVEN))
    color(film, tmp_path / "pieces.mp4", length=5)
    with av.open(str(tmp_path / "pieces.mp4")) as source:
        packets = [(p.dts, p.pts) for p in source.demux(video=0) if p.size]
    assert any(pts > later for (_, pts), (_, later) in itertools.pairwise(packets))  # B-frames
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(packets))
    assert all(dts <= pts for dts, pts in packets)
    assert times(tmp_path / "pieces.mp4") == times(film)


def test_segments_joined_are_the_film_in_one_run(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", Recipe(codec="ffv1", times=UNEVEN))
    color(film, tmp_path / "one.mkv", "ffv1", length=100)
    color(film, tmp_path / "many.mkv", "ffv1", length=3)
    assert shown(tmp_path / "one.mkv") == shown(tmp_path / "many.mkv") == shown(film)
    assert planes(tmp_path / "one.mkv") == planes(tmp_path / "many.mkv")


def test_the_same_input_gives_the_same_film(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4")
    color(film, tmp_path / "b.mp4")
    color(film, tmp_path / "c.mp4")
    assert payloads(tmp_path / "b.mp4") == payloads(tmp_path / "c.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_late_start_and_the_end_are_kept(tmp_path: Path, suffix: str) -> None:
    recipe = Recipe(times=tuple(t + 6007 for t in UNEVEN), sounds=(Sound(),))
    film = make_film(tmp_path / f"a{suffix}", recipe)
    target = tmp_path / f"b{suffix}"
    assert color(film, target) == []
    assert times(target) == times(film)
    with av.open(str(film)) as old, av.open(str(target)) as new:
        assert new.duration == pytest.approx(old.duration, abs=1_000_000 / 24)


def test_it_plays_from_the_first_frame(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(sounds=(Sound(),)))
    color(film, tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as target, av.open(str(film)) as source:
        assert target.start_time == source.start_time == 0
        assert [s.start_time for s in target.streams] == [0, 0]
        assert target.duration == pytest.approx(source.duration, abs=1_000_000 / 24)
        for old, new in zip(source.streams, target.streams, strict=True):
            assert new.duration == old.duration


def test_mpeg_streams_are_moved_to_0(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.ts", Recipe(sounds=(Sound(codec="mp2", rate=48000),)))
    with av.open(str(film)) as source:
        begin = Fraction(source.start_time, 1_000_000)
        assert begin > 0
    for suffix in (".mp4", ".mkv"):
        assert color(film, tmp_path / f"b{suffix}") == []
        new = times(tmp_path / f"b{suffix}")
        assert [float(t + begin) for t in new] == pytest.approx(
            [float(t) for t in times(film)], abs=0.0006
        )
        assert payloads(tmp_path / f"b{suffix}")[1] == payloads(film)[1]


def test_an_avi_becomes_an_mp4(tmp_path: Path) -> None:
    recipe = Recipe(times=tuple(range(30)), time_base=Fraction(1, 24), codec="mpeg4")
    recipe = dataclasses.replace(recipe, sounds=(Sound(codec="libmp3lame"),))
    film = make_film(tmp_path / "a.avi", recipe)
    assert color(film, tmp_path / "b.mp4") == []
    assert times(tmp_path / "b.mp4") == times(film)
    assert payloads(tmp_path / "b.mp4")[1] == payloads(film)[1]


# --- everything else ---------------------------------------------------------------------------


@pytest.mark.parametrize(("recipe", "suffix"), [(RICH, ".mkv"), (RICH_MP4, ".mp4")])
def test_the_rest_is_copied_byte_for_byte(tmp_path: Path, recipe: Recipe, suffix: str) -> None:
    film, target = make_film(tmp_path / f"a{suffix}", recipe), tmp_path / f"b{suffix}"
    assert color(film, target) == []
    old, new = payloads(film), payloads(target)
    assert old.keys() == new.keys()
    assert {i: old[i] for i in old if i} == {i: new[i] for i in new if i}
    assert streams(film) == streams(target)
    assert len(old[1]) > 40
    for index in (1, 2, 3):
        assert starts(target, index) == starts(film, index)
    with av.open(str(film)) as source, av.open(str(target)) as result:
        assert chapters(source) == chapters(result) == list(recipe.chapters)
        assert result.metadata["title"] == "Café"
        comment = {k.lower(): v for k, v in result.metadata.items()}["comment"]
        assert comment == "an old film; made up"
        for a, b in zip(source.streams, result.streams, strict=True):
            if a.type == "attachment":
                assert (a.name, a.mimetype, a.data) == (b.name, b.mimetype, b.data)
    with VideoReader(film) as clip, VideoReader(target) as colored:
        assert colored.tags == clip.tags
        assert next(colored.frames()).rotation == 90


def test_sound_without_durations_is_copied_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = copying.move

    def forget(packet: Any, *args: Any, **kwargs: Any) -> Any:
        packet.duration = 0  # as large Matroska files are read
        return move(packet, *args, **kwargs)

    film = make_film(tmp_path / "a.mkv", Recipe(sounds=(Sound(), Sound(codec="flac", rate=48000))))
    monkeypatch.setattr(copying, "move", forget)
    assert color(film, tmp_path / "b.mp4") == []
    old, new = payloads(film), payloads(tmp_path / "b.mp4")
    assert (old[1], old[2]) == (new[1], new[2])


def test_a_cover_goes_from_one_kind_of_file_to_the_other(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(cover=png()))
    color(film, tmp_path / "b.mkv")
    color(tmp_path / "b.mkv", tmp_path / "c.mp4")
    cover = payloads(film)[1]
    assert payloads(tmp_path / "b.mkv")[1] == payloads(tmp_path / "c.mp4")[1] == cover
    with Image.open(io.BytesIO(png())) as picture:
        assert picture.size == (8, 8)


@pytest.mark.parametrize(
    ("recipe", "source", "target", "missing"),
    [
        (RICH, "a.mkv", "b.mp4", ["subtitle stream 3", "subtitle stream 4", "attachment stream 5"]),
        (RICH_MP4, "a.mp4", "b.mkv", ["subtitle stream 3"]),
        (
            dataclasses.replace(RICH_MP4, sounds=(Sound(), Sound(codec="libopus", rate=48000))),
            *("a.mp4", "b.webm"),
            ["shape of the pixels", "audio stream 1", "subtitle stream 3", "video stream"],
        ),
    ],
)
def test_what_the_new_file_cannot_hold_is_named(
    tmp_path: Path, recipe: Recipe, source: str, target: str, missing: list[str]
) -> None:
    film = make_film(tmp_path / source, recipe)
    left_out = color(film, tmp_path / target)
    assert len(left_out) == len(missing)
    for what in missing:
        line = next(str(item) for item in left_out if what in item.what)
        lost = any(kind in what for kind in ("attachment", "shape", "video"))
        assert ("was left out: " if lost else "was converted to ") in line
        assert "\n" not in line
    assert len(payloads(tmp_path / target)) > 1


def test_a_part_of_a_film(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RICH, times=tuple(range(0, 96 * 512, 512)), cover=None)
    film = make_film(tmp_path / "a.mkv", recipe)
    target = tmp_path / "b.mkv"
    assert color(film, target, start=0.3, end=2.0) == []
    # 0.3 s is between two frames; the next is the first, at 0.
    whole = [time for time in times(film) if Fraction(3, 10) <= time < 2]
    assert times(target) == [time - whole[0] for time in whole]
    old, new = payloads(film), payloads(target)
    sound = starts(film, 1)
    kept = [time for time in sound if whole[0] <= time < 2]
    assert starts(target, 1) == pytest.approx([t - float(whole[0]) for t in kept], abs=0.002)
    first = old[1].index(new[1][0])
    assert new[1] == old[1][first : first + len(new[1])]
    assert starts(target, 3) == pytest.approx([0, 0.5 - float(whole[0])], abs=0.002)
    with av.open(str(target)) as result:
        assert result.duration == pytest.approx(1_700_000, abs=50_000)
        (_, cut, before), (begin, _, after) = chapters(result)
    assert (before, after) == ("Before", "After")
    assert cut == begin == pytest.approx(0.5 - float(whole[0]), abs=0.001)


# --- segments ----------------------------------------------------------------------------------


def test_a_segment_knows_its_times(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4", Recipe(times=tuple(t + 10**6 for t in UNEVEN)))
    for codec in CODECS:
        with VideoReader(film) as clip:
            wanted = [frame.pts for frame in clip.frames()]
            encoding = Encoding.for_file(Path("b.mkv"), codec)
            segments = write_segments(clip, encoding, clip.frames(), tmp_path, 8)
        found = [segment_times(segment) for segment in segments]
        assert [len(part) for part in found] == [8, 6]
        assert list(itertools.chain(*found)) == wanted


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can make threads urgent"
)
@pytest.mark.parametrize("codec", CODECS)
def test_no_encoder_makes_its_threads_urgent(tmp_path: Path, codec: str) -> None:
    source = make_film(tmp_path / "a.mp4")
    with VideoReader(source) as clip:
        encoding = Encoding.for_file(tmp_path / "b.mkv", codec)
        chroma = np.full(encoding.chroma_shape(clip), 128, np.uint8)
        with segment_writer(tmp_path / "0.mkv", clip, encoding) as segment:
            for frame in clip.frames():
                segment.write(luma(frame), chroma, chroma, frame.pts)
                threads = (int(task.name) for task in Path("/proc/self/task").iterdir())
                assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_OTHER}


def test_an_unfinished_segment_leaves_nothing(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4")
    with VideoReader(film) as clip:
        encoding = Encoding.for_file(Path("b.mp4"))
        grey = luma(next(clip.frames()))
        chroma = np.zeros(encoding.chroma_shape(clip), np.uint8)

        def write(*frames: Any, then: type[BaseException] | None = None) -> None:
            with segment_writer(tmp_path / "0.mkv", clip, encoding) as segment:
                for frame in frames:
                    segment.write(*frame)
                if then is not None:
                    raise then

        with pytest.raises(KeyboardInterrupt):
            write((grey, chroma, chroma, 0), then=KeyboardInterrupt)
        with pytest.raises(ArgumentError, match="expected frames, got none"):
            write()
        with pytest.raises(ArgumentError, match="the planes of a frame"):
            write((grey, chroma[1:], chroma, 0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    "break_it",
    [
        lambda segments: segments[0].write_bytes(b"nothing"),
        lambda segments: segments[0].unlink(),
        lambda segments: segments[0].write_bytes(b""),
        lambda segments: make_film(segments[0]),
    ],
)
def test_broken_segments_are_named(
    tmp_path: Path, break_it: Callable[[Sequence[Path]], object]
) -> None:
    film = make_film(tmp_path / "a.mp4")
    with VideoReader(film) as clip:
        segments = write_segments(
            clip, Encoding.for_file(Path("b.mp4")), clip.frames(), tmp_path, 12
        )
        break_it(segments)
        with pytest.raises(VideoError, match=r"000000.mkv cannot be used"):
            assemble(clip, segments, tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()


def test_segments_have_to_be_in_order(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mp4")
    with VideoReader(film) as clip:
        segments = write_segments(
            clip, Encoding.for_file(Path("b.mp4")), clip.frames(), tmp_path, 12
        )
        for wrong in ([], segments[::-1], segments[:1] * 2):
            with pytest.raises(ArgumentError, match="the segments of a film"):
                assemble(clip, wrong, tmp_path / "b.mp4")


@pytest.mark.parametrize("full", [False, True])
def test_a_larger_depth_can_be_turned_back(full: bool) -> None:
    codes = np.arange(256, dtype=np.uint8)[None]
    wide = at_depth(codes, 8, 10, full=full)
    assert wide.dtype == np.uint16
    assert (wide[0, 0], wide[0, -1]) == (0, 1023 if full else 1020)
    np.testing.assert_array_equal(at_depth(wide, 10, 8, full=full), codes)
    assert at_depth(np.full((1, 1), 4095, np.uint16), 12, 10, full=full) == 1023


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "codec", "settings", "message"),
    [
        ("a.avi", None, {}, r"ends in .mp4, .m4v, .mov, .webm, .mkv, got .avi"),
        ("a", None, {}, "got no ending"),
        ("a.webm", "h264", {}, "expected one of vp9, av1, or the name of an .mkv file, got h264"),
        ("a.mp4", "ffv1", {}, "h264, hevc, av1, vp9, or the name of an .mkv file, got ffv1"),
        ("a.mkv", "divx", {}, "got divx"),
        ("a.mp4", None, {"crf": 99}, "expected 0 to 51, got 99"),
        ("a.mov", "prores", {"crf": 20}, "expected none, got 20"),
        ("a.mp4", None, {"preset": "quick"}, "expected one of ultrafast, .*got quick"),
        ("a.mkv", "ffv1", {"preset": "slow"}, "expected none, got slow"),
    ],
)
def test_settings_that_cannot_be(
    target: str, codec: str | None, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        Encoding.for_file(Path(target), codec, **settings)


def test_crf_and_preset_reach_the_encoder(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", Recipe(codec="ffv1"))
    sizes = {}
    for crf in (10, 40):
        color(film, tmp_path / "b.mp4", crf=crf, preset="ultrafast")
        sizes[crf] = (tmp_path / "b.mp4").stat().st_size
    assert sizes[40] < 0.6 * sizes[10]


# --- when it cannot be written -----------------------------------------------------------------


@pytest.fixture
def prepared(tmp_path: Path) -> Any:
    """A film and its segments."""
    film = make_film(tmp_path / "a.mp4", Recipe(sounds=(Sound(),)))
    with VideoReader(film) as clip:
        encoding = Encoding.for_file(Path("b.mp4"))
        yield clip, write_segments(clip, encoding, clip.frames(), tmp_path, 12)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_full_disk(prepared: Any, tmp_path: Path, suffix: str) -> None:
    clip, segments = prepared
    target = tmp_path / f"out/b{suffix}"
    target.parent.mkdir()
    target.write_bytes(b"the film of before")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, old[1]))
    try:
        with pytest.raises(VideoError, match=f"b{suffix} cannot be written") as caught:
            assemble(clip, segments, target)
        encoding = Encoding.for_file(Path("b.mkv"), "ffv1")
        with pytest.raises(VideoError, match=r"0.mkv cannot be written"):
            write_segments(clip, encoding, clip.frames(), target.parent, 24)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert "\n" not in str(caught.value)
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == b"the film of before"


def test_no_such_folder(prepared: Any, tmp_path: Path) -> None:
    clip, segments = prepared
    with pytest.raises(VideoError, match=r"cannot be written.*no such file or directory"):
        assemble(clip, segments, tmp_path / "none/b.mp4")


def test_no_permission(prepared: Any, tmp_path: Path) -> None:
    clip, segments = prepared
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        (locked / "probe").touch()
    except PermissionError:
        with pytest.raises(VideoError, match=r"cannot be written.*permission denied"):
            assemble(clip, segments, locked / "b.mp4")
    else:
        pytest.skip("this user may write anywhere")
    finally:
        locked.chmod(0o700)
