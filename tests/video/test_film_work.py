"""Films that were interrupted go on, and what they keep meanwhile."""

from __future__ import annotations

import os
import signal
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from photochrom import Colorizer, ColorOptions, VideoError, VideoOptions, colorize_video
from photochrom.video import film_work
from tests.helpers.film_runs import LONG, VFR, Steps, beside, killed_after
from tests.helpers.film_scenes import shown
from tests.helpers.video_files import Recipe, make_film

pytestmark = pytest.mark.usefixtures("short_segments", "no_thread_is_left")


@pytest.mark.parametrize("stop_at", [1, 14, 23, 37, 45, 59, 60])
def test_going_on(
    long: Path,
    colorizer: Colorizer,
    tiny_model: Path,
    whole: list[tuple[Fraction, str]],
    stop_at: int,
) -> None:
    """Interrupted and called again: the same frames as without a break."""
    output = long.with_name("out.mp4")
    with pytest.raises(RuntimeError, match="stop"):
        colorize_video(long, output, colorizer=colorizer, progress=Steps(stop_at))
    assert not output.exists()
    steps = Steps()
    film = colorize_video(long, output, colorizer=Colorizer(tiny_model, threads=1), progress=steps)
    assert shown(output) == whole
    assert film.frames == 60
    assert [done for done, _ in steps.calls] == list(range(film.resumed + 1, 61))
    assert film.resumed <= stop_at
    assert (film.resumed > 0) == (stop_at > 14)
    assert beside(output) == {"long.mp4", "out.mp4"}


def test_stopped_again_and_again(
    long: Path, colorizer: Colorizer, whole: list[tuple[Fraction, str]]
) -> None:
    output = long.with_name("out.mp4")
    resumed = []
    while len(resumed) < 20:
        steps = Steps(25)
        try:
            film = colorize_video(long, output, colorizer=colorizer, progress=steps)
        except RuntimeError:
            resumed.append(steps.calls[0][0] - 1)
        else:
            break
    assert resumed == sorted(set(resumed))  # each call comes further
    assert len(resumed) >= 1
    assert film.resumed > resumed[-1]
    assert shown(output) == whole


def test_stopped_while_the_film_is_put_together(
    long: Path,
    colorizer: Colorizer,
    whole: list[tuple[Fraction, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output, steps = long.with_name("out.mp4"), Steps()

    def fails(*_: Any, **__: Any) -> None:
        raise VideoError("out.mp4 cannot be written", expected="room", got="none", fix="make some")

    with monkeypatch.context() as patched:
        patched.setattr("photochrom.video.colorize_video.assemble", fails)
        with pytest.raises(VideoError):
            colorize_video(long, output, colorizer=colorizer)
    film = colorize_video(long, output, colorizer=colorizer, progress=steps)
    assert (film.resumed, steps.calls) == (60, [])
    assert shown(output) == whole


@pytest.mark.parametrize(
    ("name", "recipe", "options"),
    [
        ("a.mp4", Recipe(times=VFR, options={"bf": "2"}), {}),
        ("a.mkv", Recipe(codec="ffv1", times=LONG.times), {"start": 0.3, "end": 2.1}),
        ("a.avi", Recipe(codec="mpeg4", times=LONG.times), {}),
        ("a.ts", Recipe(times=LONG.times, options={"bf": "2", "g": "10"}), {}),
    ],
)
def test_going_on_with_films_of_all_kinds(
    tmp_path: Path, colorizer: Colorizer, name: str, recipe: Recipe, options: dict[str, Any]
) -> None:
    source, out, whole = make_film(tmp_path / name, recipe), tmp_path / "o.mkv", tmp_path / "w.mkv"
    colorize_video(source, whole, colorizer=colorizer, video_options=VideoOptions(**options))
    with pytest.raises(RuntimeError, match="stop"):
        colorize_video(
            source,
            out,
            colorizer=colorizer,
            progress=Steps(31),
            video_options=VideoOptions(**options),
        )
    film = colorize_video(source, out, colorizer=colorizer, video_options=VideoOptions(**options))
    assert film.resumed > 0
    assert shown(out) == shown(whole)


@pytest.mark.parametrize("change", ["crf", "vividness", "size", "part", "source"])
def test_another_option_is_another_job(
    long: Path, tiny_model: Path, colorizer: Colorizer, change: str
) -> None:
    """It begins anew and takes nothing from the first, which can be gone on with afterwards."""
    output = long.with_name("out.mp4")
    with pytest.raises(RuntimeError, match="stop"):
        colorize_video(long, output, colorizer=colorizer, progress=Steps(40))
    about = long.stat()
    other: dict[str, Any] = {"colorizer": colorizer}
    match change:
        case "crf":
            other["video_options"] = VideoOptions(crf=30)
        case "vividness":
            other["options"] = ColorOptions(vividness=1.5)
        case "size":
            other["options"] = ColorOptions(size=32)
        case "part":
            other["video_options"] = VideoOptions(end=2)
        case _:
            os.utime(long, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    steps = Steps(30)
    with pytest.raises(RuntimeError, match="stop"):
        colorize_video(long, output, progress=steps, **other)
    assert steps.calls[0][0] == 1
    os.utime(long, ns=(about.st_atime_ns, about.st_mtime_ns))
    film = colorize_video(long, output, colorizer=colorizer)
    assert film.resumed > 0
    assert beside(output) == {"long.mp4", "out.mp4"}  # and the other's parts, which are of no use


def test_the_work_folder_holds_the_film_once_and_one_state(
    long: Path, colorizer: Colorizer
) -> None:
    output, sizes, states = long.with_name("out.mkv"), [0], [0]

    def progress(done: int, total: int | None) -> None:
        folder = next(long.parent.glob(".out.mkv.*.parts"))
        sizes.append(sum(file.stat().st_size for file in folder.glob("*.mkv")))
        states.append(len(list(folder.glob("*.npz"))))

    colorize_video(
        long,
        output,
        video_options=VideoOptions(codec="ffv1"),
        colorizer=colorizer,
        progress=progress,
    )
    assert max(states) == 1
    assert 0.3 * output.stat().st_size < max(sizes) < 1.1 * output.stat().st_size


def test_large_frames_wait_in_a_file(
    long: Path,
    colorizer: Colorizer,
    whole: list[tuple[Fraction, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The frames are the same, also after a break, and what waits holds none of them."""
    monkeypatch.setattr("photochrom.video.film_work.LARGE", 1000)
    output, held = long.with_name("out.mp4"), []
    given = film_work.FilmWork._given

    def note(self: Any, frame: Any, *colors: Any) -> Any:
        held.append(hasattr(frame, "planes"))
        return given(self, frame, *colors)

    monkeypatch.setattr(film_work.FilmWork, "_given", note)
    with pytest.raises(RuntimeError, match="stop"):
        colorize_video(long, output, colorizer=colorizer, progress=Steps(37))
    film = colorize_video(long, output, colorizer=colorizer)
    assert film.resumed > 0
    assert shown(output) == whole
    assert not any(held)


SLOWLY = """
import sys, time
from photochrom import Colorizer, colorize_video
from photochrom.video.segments import segmented_work
segmented_work._SEGMENT = 12
def progress(done, total):
    print(done, flush=True)
    time.sleep(0.004)
colorizer = Colorizer(sys.argv[3], threads=1)
colorize_video(sys.argv[1], sys.argv[2], colorizer=colorizer, progress=progress)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed(long: Path, tiny_model: Path, whole: list[tuple[Fraction, str]]) -> None:
    """Three times, at different places, with nothing cleaned up; then to the end."""
    output = long.with_name("out.mp4")
    command = [sys.executable, "-c", SLOWLY, str(long), str(output), str(tiny_model)]
    begun = []
    for stop_after in (30, 8, 26):
        begun.append(killed_after(command, stop_after))
        assert not output.exists()
    assert begun[0] == 1 < begun[1] <= begun[2]
    film = colorize_video(long, output, colorizer=Colorizer(tiny_model, threads=1))
    assert film.resumed > begun[-1]
    assert shown(output) == whole
    assert beside(output) == {"long.mp4", "out.mp4"}
