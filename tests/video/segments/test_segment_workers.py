"""Films whose segments are written by others, against the same films written by one process."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import (
    ArgumentError,
    Colorizer,
    Hint,
    Shot,
    ShotList,
    VideoError,
    VideoOptions,
    colorize_video,
)
from photochrom.errors import PhotochromError
from photochrom.video.container.video_reader import VideoReader
from photochrom.video.segments import segment_workers
from photochrom.video.segments.segment_workers import SegmentTask, write_segment
from tests.helpers.film_scenes import shown
from tests.helpers.video_files import Recipe, Sound, av, make_film, payloads

Array = NDArray[Any]

TIMES = tuple(range(0, 60 * 512, 512))
LONG = Recipe(times=TIMES, options={"bf": "2"}, sounds=(Sound(),))
OPEN = Recipe(times=TIMES, options={"bf": "2", "x264-params": "open-gop=1:keyint=10"})
VFR = tuple(int(t) for t in np.cumsum([0, *[512, 1024, 300, 212, 2000] * 8]))
pytestmark = pytest.mark.usefixtures("short_segments", "no_thread_is_left")


class Workers:
    """Workers in this process, to whom tasks are sent as to others; the last task is done first."""

    def __init__(self, capacity: int = 3) -> None:
        self.capacity = capacity
        self.waiting: list[bytes] = []
        self.most = self.done = 0

    def submit(self, task: SegmentTask) -> None:
        self.waiting.append(pickle.dumps(task))
        self.most = max(self.most, len(self.waiting))

    def take(self, timeout: float) -> list[Path]:
        if not timeout:  # busy, as long as nobody waits for them
            return []
        task: SegmentTask = pickle.loads(self.waiting.pop())
        self.do(task)
        self.done += 1
        return [task.path]

    def do(self, task: SegmentTask) -> None:
        write_segment(task)


LIST = ShotList(
    "a.mp4",
    2.5,
    (
        Shot(0, 0.9, 0.3, vividness=2.0),
        Shot(0.9, 1.5, 1, hints=(Hint(20, 20, "red"),)),
        Shot(1.5, 2.5, 2),
    ),
)


def beside(path: Path) -> set[str]:
    """The files beside a film, and folders but for those that a list of shots keeps."""
    return {p.name for p in path.parent.iterdir() if not p.name.endswith(".shots.parts")}


FILMS: dict[str, tuple[str, Recipe, str, dict[str, Any]]] = {
    "mp4 with B-frames": ("a.mp4", LONG, "o.mp4", {}),
    "open GOPs": ("a.mp4", OPEN, "o.mkv", {"codec": "ffv1"}),
    "intra refresh": (
        "a.mkv", Recipe(times=TIMES, options={"x264-params": "intra-refresh=1:keyint=20"}),
        "o.mkv", {"codec": "ffv1"},
    ),
    "variable rate": ("a.mp4", Recipe(times=VFR, options={"bf": "2"}), "o.mp4", {}),
    "transport stream": ("a.ts", Recipe(times=TIMES, options={"g": "10", "bf": "2"}), "o.mkv", {}),
    "avi": ("a.avi", Recipe(codec="mpeg4", times=TIMES), "o.mp4", {}),
    "10 bits, odd sides": (
        "a.mkv", Recipe(codec="ffv1", times=TIMES, size=(45, 63), pixel_format="yuv420p10le"),
        "o.mkv", {"codec": "hevc"},
    ),
    "a part, before and after": (
        "a.mp4", LONG, "o.mp4", {"start": 0.3, "end": 2.1, "compare": True}
    ),
    "one frame": ("a.mkv", Recipe(codec="ffv1", times=(0,)), "o.mkv", {}),
    "a list of shots": ("a.mp4", LONG, "o.mp4", {"shots": LIST, "start": 0.2}),
}  # fmt: skip


@pytest.mark.parametrize("name", FILMS)
def test_the_same_film(tmp_path: Path, colorizer: Colorizer, name: str) -> None:
    """Packet for packet: coloured frames, sound, times."""
    source_name, recipe, output, options = FILMS[name]
    source = make_film(tmp_path / source_name, recipe)
    alone, shared, workers = tmp_path / f"alone-{output}", tmp_path / output, Workers()
    one = colorize_video(source, alone, colorizer=colorizer, video_options=VideoOptions(**options))
    film = colorize_video(
        source, shared, colorizer=colorizer, workers=workers, video_options=VideoOptions(**options)
    )
    assert (film.frames, film.shape) == (one.frames, one.shape)
    assert workers.done > 1 or one.frames == 1
    assert payloads(shared) == payloads(alone)
    assert shown(shared) == shown(alone)
    assert beside(shared) == {source_name, alone.name, output}


def test_a_seek_that_gives_other_frames(
    tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker then decodes from where it was begun for the colours."""
    source, seeks = make_film(tmp_path / "a.mp4", LONG), []
    colorize_video(
        source, tmp_path / "alone.mp4", colorizer=colorizer, video_options=VideoOptions(start=0.2)
    )
    first = next(int(t / Fraction(1, 12288)) for t, _ in shown(source) if t >= Fraction(1, 5))
    frames = VideoReader.frames

    def poor(clip: VideoReader, start: int | None = None) -> Iterator[Any]:
        seeks.append(start)
        right, times = start is None or start <= first, []
        for frame in frames(clip, start):
            times.append(frame.pts)
            if not right and len(times) > 1:  # each has the time of the one before
                frame.pts = times[-2]
            if right or len(times) > 1:
                yield frame

    monkeypatch.setattr(VideoReader, "frames", poor)
    shared = tmp_path / "shared.mp4"
    colorize_video(
        source,
        shared,
        colorizer=colorizer,
        workers=Workers(),
        video_options=VideoOptions(start=0.2),
    )
    assert shown(shared) == shown(tmp_path / "alone.mp4")
    assert len(seeks) > len(set(seeks)) > 3


@pytest.mark.parametrize("place", [0.3, 0.6])
def test_a_damaged_film(tmp_path: Path, colorizer: Colorizer, place: float) -> None:
    """What is wrong in one segment may be seen in the next; workers see it too."""
    data = bytearray(make_film(tmp_path / "whole.mp4", OPEN).read_bytes())
    source = tmp_path / "a.mp4"
    at = int(place * len(data))
    data[at : at + 300] = b"\xff" * 300
    source.write_bytes(data)
    alone, shared = tmp_path / "alone.mp4", tmp_path / "shared.mp4"
    one = colorize_video(source, alone, colorizer=colorizer)
    film = colorize_video(source, shared, colorizer=colorizer, workers=Workers())
    assert one.damage
    assert (film.frames, film.damage) == (one.frames, one.damage)
    assert payloads(shared) == payloads(alone)


@pytest.mark.parametrize("capacity", [0, 2, 9])
def test_no_more_than_the_workers_take(tmp_path: Path, tiny_model: Path, capacity: int) -> None:
    source, told = make_film(tmp_path / "a.mp4", LONG), []
    workers = Workers(capacity)
    colorize_video(
        source, tmp_path / "o.mp4", colorizer=Colorizer(tiny_model, threads=1), workers=workers,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert workers.most == min(max(1, capacity), workers.done)
    assert workers.done >= 3
    assert told == sorted(told)
    assert told[-1] == (60, 60)
    assert len(told) >= 60  # so that it can be stopped at each frame


class Mortal(Workers):
    """They fail after some segments."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def do(self, task: SegmentTask) -> None:
        if not self.left:
            raise PhotochromError("gone", expected="workers", got="none", fix="start some")
        self.left -= 1
        super().do(task)


@pytest.mark.parametrize("lives", [0, 3])
@pytest.mark.parametrize("then", ["alone", "shared"])
def test_going_on(tmp_path: Path, tiny_model: Path, lives: int, then: str) -> None:
    """What workers began goes on with or without them; what one began, they go on with."""
    source, out = make_film(tmp_path / "a.mp4", LONG), tmp_path / "o.mp4"
    colorize_video(source, tmp_path / "whole.mp4", colorizer=Colorizer(tiny_model, threads=1))
    with pytest.raises(PhotochromError, match="start some"):
        colorize_video(
            source, out, colorizer=Colorizer(tiny_model, threads=1), workers=Mortal(lives)
        )
    assert not out.exists()

    def stop(done: int, total: int | None) -> None:
        if done >= 40:
            raise RuntimeError

    colorizer = Colorizer(tiny_model, threads=1)
    if then == "shared":
        with pytest.raises(RuntimeError):
            colorize_video(source, out, colorizer=colorizer, progress=stop)
        film = colorize_video(source, out, colorizer=colorizer, workers=Workers())
        assert film.resumed > 0
    else:
        with pytest.raises(RuntimeError):
            colorize_video(source, out, colorizer=colorizer, progress=stop, workers=Workers())
        film = colorize_video(source, out, colorizer=colorizer)
        assert film.resumed >= 40
    assert payloads(out) == payloads(tmp_path / "whole.mp4")
    assert beside(out) == {"a.mp4", "o.mp4", "whole.mp4"}


class Elsewhere(Workers):
    """They have another file at the place of the film."""

    def __init__(self, other: Path) -> None:
        super().__init__()
        self.other = other

    def do(self, task: SegmentTask) -> None:
        moved = {"source": self.other}
        write_segment(SegmentTask(**{**vars(task), **moved}))


def test_workers_that_do_not_see_the_film(tmp_path: Path, colorizer: Colorizer) -> None:
    source, out = make_film(tmp_path / "a.mp4", LONG), tmp_path / "o.mp4"
    workers = Elsewhere(tmp_path / "nowhere.mp4")
    with pytest.raises(
        VideoError, match=r"nowhere\.mp4 cannot be seen by a worker .* that all mach"
    ):
        colorize_video(source, out, colorizer=colorizer, workers=workers)
    assert not out.exists()


def test_workers_that_see_another_film(tmp_path: Path, colorizer: Colorizer) -> None:
    source, out = make_film(tmp_path / "a.mp4", LONG), tmp_path / "o.mp4"
    other = make_film(tmp_path / "b.mp4", Recipe(times=TIMES, options={"crf": "40"}))
    with pytest.raises(VideoError, match="expected the same frames on every machine"):
        colorize_video(source, out, colorizer=colorizer, workers=Elsewhere(other))
    assert not out.exists()


def test_a_segment_that_is_not_where_it_should_be(
    tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Liars(Workers):
        def do(self, task: SegmentTask) -> None:
            """On a disk of their own."""

        def take(self, timeout: float) -> list[Path]:
            return super().take(timeout) if self.waiting else []

    source, out = make_film(tmp_path / "a.mp4", LONG), tmp_path / "o.mp4"
    monkeypatch.setattr(segment_workers, "_APPEARS", 0.05)
    with pytest.raises(VideoError, match="cannot be seen by this machine"):
        colorize_video(source, out, colorizer=colorizer, workers=Liars())


def test_a_segment_that_appears_late(tmp_path: Path, colorizer: Colorizer) -> None:
    """As on a network's disk."""

    class Late(Workers):
        task: SegmentTask | None = None

        def do(self, task: SegmentTask) -> None:
            self.task = task

        def take(self, timeout: float) -> list[Path]:
            if self.task is not None and timeout:
                write_segment(self.task)
                self.task = None
                return []
            return super().take(timeout)

    source, out = make_film(tmp_path / "a.mp4", LONG), tmp_path / "o.mp4"
    assert colorize_video(source, out, colorizer=colorizer, workers=Late(1)).frames == 60


def test_a_part_without_frames(tmp_path: Path, colorizer: Colorizer) -> None:
    source, out = make_film(tmp_path / "a.mp4", Recipe(times=TIMES)), tmp_path / "o.mp4"
    with pytest.raises(ArgumentError, match="a part with frames"):
        colorize_video(
            source,
            out,
            colorizer=colorizer,
            workers=Workers(),
            video_options=VideoOptions(start=2.49),
        )
    assert not out.exists()


def test_names_are_absolute(
    tmp_path: Path, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers have another working directory."""
    monkeypatch.chdir(tmp_path)
    make_film(Path("a.mp4"), Recipe(times=TIMES))
    told: list[Path] = []

    class Curious(Workers):
        def do(self, task: SegmentTask) -> None:
            told.extend([task.source, task.path])
            super().do(task)

    colorize_video("a.mp4", "o.mp4", colorizer=colorizer, workers=Curious())
    assert all(path.is_absolute() for path in told)
    with av.open("o.mp4") as made:
        assert sum(1 for _ in made.decode(video=0)) == 60
