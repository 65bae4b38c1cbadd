"""Films from file to file, with a tiny network."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import (
    ArgumentError,
    Colorizer,
    ColorOptions,
    VideoError,
    VideoOptions,
    colorize_frames,
    colorize_video,
)
from photochrom.video import film_work
from photochrom.video.segments import segmented_work
from tests.helpers.film_scenes import planes_of, shown
from tests.helpers.video_files import Recipe, Sound, Titles, av, make_film, payloads, two_pans

Array = NDArray[Any]

VFR = tuple(int(t) for t in np.cumsum([0, *[512, 1024, 300, 212, 2000] * 6]))
LONG = Recipe(times=tuple(range(0, 60 * 512, 512)), options={"bf": "2", "crf": "18"})
pytestmark = pytest.mark.usefixtures("short_segments", "no_thread_is_left")


@pytest.fixture(scope="module")
def finished(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A film, and the frames of its coloured version, made without a break."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.helpers.video_files.picture", two_pans)
        patched.setattr(segmented_work, "_SEGMENT", 12)
        source = make_film(folder / "long.mp4", LONG)
        colorize_video(source, folder / "whole.mp4", colorizer=Colorizer(tiny_model, threads=1))
    return source, shown(folder / "whole.mp4")


@pytest.fixture
def long(tmp_path: Path, finished: tuple[Path, list[Any]]) -> Path:
    return Path(shutil.copy2(finished[0], tmp_path))


@pytest.fixture
def whole(finished: tuple[Path, list[Any]]) -> list[tuple[Fraction, str]]:
    return finished[1]


def planes(path: Path, index: int) -> list[Array]:
    """Plane `index` of each frame."""
    with av.open(str(path)) as source:
        return [planes_of(frame)[index] for frame in source.decode(video=0)]


def times(path: Path) -> list[Fraction]:
    return [time for time, _ in shown(path)]


def beside(path: Path) -> set[str]:
    return {p.name for p in path.parent.iterdir()} - {"home"}


class Steps:
    """Notes the calls of `progress`; can raise in one of them."""

    def __init__(self, stop_at: int | None = None, error: BaseException | None = None) -> None:
        self.calls: list[tuple[int, int | None]] = []
        self._stop_at, self._error = stop_at, error or RuntimeError("stop")

    def __call__(self, done: int, total: int | None) -> None:
        self.calls.append((done, total))
        if len(self.calls) == self._stop_at:
            raise self._error


FILMS = {
    "mp4 with B-frames": ("a.mp4", Recipe(options={"bf": "3"}), "out.mp4"),
    "mkv": ("a.mkv", Recipe(times=tuple(range(0, 1000, 40)), time_base=Fraction(1, 1000)), "o.mkv"),
    "variable rate": ("a.mp4", Recipe(times=VFR, options={"bf": "2"}), "out.mp4"),
    "variable rate to mkv": ("a.mp4", Recipe(times=VFR), "out.mkv"),
    "begins late": ("a.mp4", Recipe(times=tuple(range(5120, 5120 + 20 * 512, 512))), "out.mp4"),
    "odd size": ("a.mkv", Recipe(codec="ffv1", size=(45, 63)), "out.mkv"),
    "10 bits": ("a.mkv", Recipe(codec="ffv1", pixel_format="yuv420p10le"), "out.mkv"),
    "grey": ("a.mkv", Recipe(codec="ffv1", pixel_format="gray"), "out.mkv"),
    "one frame": ("a.mkv", Recipe(codec="ffv1", times=(0,)), "out.mkv"),
    "two frames": ("a.mp4", Recipe(times=(0, 512)), "out.mp4"),
    "avi": ("a.avi", Recipe(codec="mjpeg", pixel_format="yuvj420p", rate=Fraction(24)), "out.mp4"),
}


@pytest.mark.parametrize("name", FILMS)
def test_frames_and_their_times(tmp_path: Path, colorizer: Colorizer, name: str) -> None:
    source_name, recipe, output_name = FILMS[name]
    source = make_film(tmp_path / source_name, recipe)
    output = tmp_path / output_name
    film = colorize_video(source, output, colorizer=colorizer)
    assert (film.path, film.frames, film.resumed) == (output, len(recipe.times), 0)
    assert (film.shape, film.left_out, film.damage) == (recipe.size, [], None)
    assert film.seconds > 0
    wanted, got = times(source), times(output)
    assert len(wanted) == len(recipe.times)
    if output.suffix == ".mp4":
        assert got == wanted
    else:  # Matroska's times are whole milliseconds
        assert len(got) == len(wanted)
        assert max(abs(a - b) for a, b in zip(got, wanted, strict=True)) <= Fraction(1, 1000)
    assert beside(output) == {source_name, output_name}


def test_a_film_of_variable_rate_that_begins_late(tmp_path: Path, colorizer: Colorizer) -> None:
    recipe = Recipe(times=tuple(t + 512 for t in VFR), options={"bf": "2"})
    source = make_film(tmp_path / "a.mp4", recipe)
    colorize_video(source, tmp_path / "out.mp4", colorizer=colorizer)
    assert times(tmp_path / "out.mp4") == times(source)


@pytest.mark.parametrize(
    ("codec", "pixel_format", "depth"),
    [
        ("ffv1", "yuv420p", 8),
        ("ffv1", "yuv420p10le", 10),
        ("ffv1", "gray", 8),
        ("ffv1", "yuv444p", 8),
        ("mjpeg", "yuvj420p", 8),
    ],
)
def test_lightness_is_the_source_s(
    tmp_path: Path, colorizer: Colorizer, codec: str, pixel_format: str, depth: int
) -> None:
    """Y' bit for bit, and colour in Cb and Cr."""
    recipe = Recipe(codec=codec, pixel_format=pixel_format, times=tuple(range(0, 15360, 512)))
    source = make_film(tmp_path / "a.mkv", recipe)
    output = tmp_path / "out.mkv"
    colorize_video(source, output, colorizer=colorizer, video_options=VideoOptions(codec="ffv1"))
    before, after = planes(source, 0), planes(output, 0)
    assert len(after) == 30
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    middle, step = 1 << (depth - 1), 1 << (depth - 8)
    for index in (1, 2):
        chroma = np.stack(planes(output, index)).astype(int)
        assert chroma.shape[1:] == (24, 32)
        assert np.abs(chroma - middle).mean() > 4 * step


def test_grey_stays_grey(tmp_path: Path, tiny_model: Path) -> None:
    source = make_film(tmp_path / "a.mkv", Recipe(codec="ffv1"))
    output = tmp_path / "out.mkv"
    colorize_video(
        source,
        output,
        colorizer=Colorizer(tiny_model),
        options=ColorOptions(vividness=0),
        video_options=VideoOptions(codec="ffv1"),
    )
    assert {int(v) for i in (1, 2) for p in planes(output, i) for v in np.unique(p)} == {128}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_and_titles_are_copied(tmp_path: Path, colorizer: Colorizer, suffix: str) -> None:
    titles = Titles("mov_text" if suffix == ".mp4" else "subrip")
    recipe = Recipe(
        times=LONG.times,
        sounds=(Sound(), Sound(language="fra", hertz=330)),
        titles=(titles,),
        metadata={"title": "A film"},
    )
    source = make_film(tmp_path / f"a{suffix}", recipe)
    output = tmp_path / f"out{suffix}"
    film = colorize_video(source, output, colorizer=colorizer)
    assert film.left_out == []
    before, after = payloads(source), payloads(output)
    assert before.keys() == after.keys() == {0, 1, 2, 3}
    for index in (1, 2, 3):
        assert before[index] == after[index]
    assert before[0] != after[0]
    with av.open(str(output)) as container:
        assert container.metadata["title"] == "A film"
        comment = next(v for k, v in container.metadata.items() if k.lower() == "comment")
        assert "inferred" in comment
        assert [s.metadata["language"] for s in container.streams.audio] == ["eng", "fra"]


def test_progress(long: Path, colorizer: Colorizer) -> None:
    steps = Steps()
    colorize_video(long, long.with_name("out.mp4"), colorizer=colorizer, progress=steps)
    assert steps.calls == [(n, 60) for n in range(1, 61)]
    steps = Steps()
    out = long.with_name("part.mp4")
    colorize_video(
        long,
        out,
        colorizer=colorizer,
        progress=steps,
        video_options=VideoOptions(start=0.5, end=1.5),
    )
    assert steps.calls == [(n, 24) for n in range(1, 25)]


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [(None, 1, 0, 24), (1, None, 24, 60), (0.5, 1.5, 12, 36), (0.51, 0.6, 13, 15), (0, 99, 0, 60),
     (2.49, None, None, None)],
)  # fmt: skip
def test_a_part(
    long: Path,
    colorizer: Colorizer,
    start: float | None,
    end: float | None,
    first: int | None,
    last: int | None,
) -> None:
    output = long.with_name("out.mp4")
    if first is None:
        with pytest.raises(ArgumentError, match="a part with frames"):
            colorize_video(
                long, output, colorizer=colorizer, video_options=VideoOptions(start=start, end=end)
            )
        assert not output.exists()
        return
    film = colorize_video(
        long, output, colorizer=colorizer, video_options=VideoOptions(start=start, end=end)
    )
    wanted = times(long)[first:last]
    origin = 0 if start is None else wanted[0]
    assert times(output) == [time - origin for time in wanted]
    assert film.frames == len(wanted)


def test_a_part_has_the_source_s_lightness(tmp_path: Path, colorizer: Colorizer) -> None:
    source = make_film(tmp_path / "a.mkv", Recipe(codec="ffv1", times=LONG.times))
    output = tmp_path / "out.mkv"
    colorize_video(
        source,
        output,
        colorizer=colorizer,
        video_options=VideoOptions(codec="ffv1", start=0.5, end=1.25),
    )
    np.testing.assert_array_equal(planes(output, 0), planes(source, 0)[12:30])


@pytest.mark.parametrize(
    ("start", "end"), [(-1, None), (99, None), (1, 1), (1.5, 0.5), (None, 0), (None, -1)]
)
def test_a_part_that_is_none(
    long: Path, colorizer: Colorizer, start: float | None, end: float | None
) -> None:
    output = long.with_name("out.mp4")
    with pytest.raises(ArgumentError, match="a start before its end") as caught:
        colorize_video(
            long, output, colorizer=colorizer, video_options=VideoOptions(start=start, end=end)
        )
    assert len(str(caught.value).splitlines()) == 1
    assert beside(long) == {"long.mp4"}


@pytest.mark.parametrize("size", [(48, 64), (45, 63)])
def test_compare(tmp_path: Path, colorizer: Colorizer, size: tuple[int, int]) -> None:
    """Before on the left, after on the right, each with the source's lightness."""
    source = make_film(tmp_path / "a.mkv", Recipe(codec="ffv1", size=size))
    both, plain = tmp_path / "both.mkv", tmp_path / "plain.mkv"
    film = colorize_video(
        source, both, colorizer=colorizer, video_options=VideoOptions(codec="ffv1", compare=True)
    )
    colorize_video(source, plain, colorizer=colorizer, video_options=VideoOptions(codec="ffv1"))
    height, width = size
    assert film.shape == (height, 2 * width)
    light = np.stack(planes(source, 0))
    np.testing.assert_array_equal(np.stack(planes(both, 0)), np.concatenate([light, light], 2))
    for index in (1, 2):
        chroma, alone = np.stack(planes(both, index)), np.stack(planes(plain, index))
        assert chroma.shape[2] == width
        assert (chroma[:, :, : width // 2 - 1] == 128).all()
        np.testing.assert_array_equal(chroma[:, :, -alone.shape[2] :], alone)


def test_the_source_is_never_the_output(long: Path, colorizer: Colorizer) -> None:
    before = long.read_bytes()
    link = long.with_name("link.mp4")
    link.symlink_to(long)
    for source, output in ((long, long), (link, long), (long, link)):
        with pytest.raises(ArgumentError, match="a new name"):
            colorize_video(source, output, colorizer=colorizer)
    assert long.read_bytes() == before
    assert beside(long) == {"long.mp4", "link.mp4"}


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [("out.avi", {}, ".mkv"), ("out", {}, ".mkv"), ("out.mp4", {"codec": "ffv1"}, "ffv1"),
     ("out.mp4", {"crf": 99}, "51"), ("out.mp4", {"preset": "hurry"}, "hurry")],
)  # fmt: skip
def test_settings_that_do_not_fit(
    long: Path, colorizer: Colorizer, name: str, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        colorize_video(
            long, long.with_name(name), colorizer=colorizer, video_options=VideoOptions(**options)
        )
    assert word in str(caught.value)
    assert beside(long) == {"long.mp4"}


def test_the_output_is_replaced_at_the_end(long: Path, colorizer: Colorizer) -> None:
    output = long.with_name("out.mp4")
    output.write_bytes(b"an older film")

    def look(done: int, total: int | None) -> None:
        assert output.read_bytes() == b"an older film"

    colorize_video(long, output, colorizer=colorizer, progress=look)
    assert len(shown(output)) == 60


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("older", [None, b"an older film"])
def test_nothing_under_the_final_name_after_an_error(
    long: Path, colorizer: Colorizer, error: BaseException, older: bytes | None
) -> None:
    output = long.with_name("out.mp4")
    if older is not None:
        output.write_bytes(older)
    with pytest.raises(type(error)):
        colorize_video(long, output, colorizer=colorizer, progress=Steps(40, error))
    assert (output.read_bytes() if output.exists() else None) == older


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
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for number in range(stop_after):
                line = process.stdout.readline()
                if number == 0:
                    begun.append(int(line))
            process.kill()
        assert process.returncode == -signal.SIGKILL
        assert not output.exists()
    assert begun[0] == 1 < begun[1] <= begun[2]
    film = colorize_video(long, output, colorizer=Colorizer(tiny_model, threads=1))
    assert film.resumed > begun[-1]
    assert shown(output) == whole
    assert beside(output) == {"long.mp4", "out.mp4"}


def test_a_damaged_film(long: Path, colorizer: Colorizer) -> None:
    """What can be decoded is coloured, and what was wrong is said."""
    data = bytearray(long.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 400] = b"\xff" * 400
    source = long.with_name("damaged.mp4")
    source.write_bytes(data)
    film = colorize_video(source, long.with_name("out.mp4"), colorizer=colorizer)
    assert film.frames == len(shown(film.path)) <= 60
    assert film.damage
    assert len(film.damage.splitlines()) == 1


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"words, not pictures"])
def test_no_film(tmp_path: Path, colorizer: Colorizer, content: bytes) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(content)
    with pytest.raises(VideoError) as caught:
        colorize_video(source, tmp_path / "out.mp4", colorizer=colorizer)
    assert len(str(caught.value).splitlines()) == 1
    assert beside(source) == {"a.mp4"}


def grey_frames(count: int, depth: int = 8) -> list[Array]:
    return [two_pans(Recipe(size=(48, 64)), n, depth) for n in range(count)]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 13, 30])
@pytest.mark.parametrize("depth", [8, 16])
def test_colorize_frames(colorizer: Colorizer, count: int, depth: int) -> None:
    sources = grey_frames(count, depth)
    results = list(colorize_frames(iter(sources), colorizer))
    assert len(results) == count
    for source, result in zip(sources, results, strict=True):
        assert result.shape == (*source.shape, 3)
        assert result.dtype == source.dtype
        # Its own lightness: the green that goes with the same light is not far from the grey.
        grey = result.astype(float) @ [0.2126, 0.7152, 0.0722]
        assert np.abs(grey - source).mean() < 0.05 * (1 << depth)
        assert np.ptp(result.astype(int), axis=2).mean() > 0.02 * (1 << depth)


def test_colorize_frames_is_little_behind(colorizer: Colorizer) -> None:
    """At most 12 frames are read before the first of them is given."""
    read = 0

    def source() -> Iterator[Array]:
        nonlocal read
        for frame in grey_frames(40):
            read += 1
            yield frame

    for given, _ in enumerate(colorize_frames(source(), colorizer), 1):
        assert read - given <= 12
    assert read == 40


Change = Callable[[list[Array]], list[Any]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: [*f, f[0][:40]], ("64x48 pixels", "64x40")),
        (lambda f: [*f, f[0].astype(np.uint16)], ("uint8", "uint16")),
        (lambda f: [*f, np.dstack([f[0]] * 3)], ("(H, W)", "(48, 64, 3)")),
        (lambda f: [np.dstack([f[0]] * 3)], ("(H, W)", "(48, 64, 3)")),
    ],
)
def test_colorize_frames_of_different_sizes(
    colorizer: Colorizer, change: Change, words: tuple[str, ...]
) -> None:
    with pytest.raises(ArgumentError) as caught:
        list(colorize_frames(change(grey_frames(3)), colorizer))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_frames_of_floats(colorizer: Colorizer, kind: Any) -> None:
    codes = [frame.astype(np.uint16) * 257 for frame in grey_frames(14)]
    floats = list(colorize_frames((frame.astype(kind) / 65535 for frame in codes), colorizer))
    for rgb, same in zip(floats, colorize_frames(codes, colorizer), strict=True):
        assert rgb.dtype == kind
        np.testing.assert_allclose(rgb * 65535, same, atol=0.01)


def test_films_may_have_a_size_of_their_own(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = grey_frames(3)
    sizes = [(None, None, None), (None, 96, 96), (32, 96, 32)]
    for asked, of_films, expected in sizes:
        colorizer, seen = Colorizer(tiny_model), set()
        net, predict = colorizer.model, colorizer.model.predict
        net.card = replace(net.card, film_size=of_films)

        def record(L: Array, *hints: Any, predict: Any = predict, seen: Any = seen) -> Any:
            seen.add(L.shape[2:])
            return predict(L, *hints)

        monkeypatch.setattr(net, "predict", record)
        list(colorize_frames(frames, colorizer, ColorOptions(size=asked)))
        assert seen == {net.fit(*frames[0].shape, expected)}
