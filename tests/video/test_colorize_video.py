"""Films from file to file, with a tiny network."""

from __future__ import annotations

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
    colorize_video,
)
from tests.helpers.film_runs import LONG, VFR, Steps, beside
from tests.helpers.film_scenes import planes_of, shown
from tests.helpers.video_files import Recipe, Sound, Titles, av, make_film, payloads

Array = NDArray[Any]

pytestmark = pytest.mark.usefixtures("short_segments", "no_thread_is_left")


def planes(path: Path, index: int) -> list[Array]:
    """Plane `index` of each frame."""
    with av.open(str(path)) as source:
        return [planes_of(frame)[index] for frame in source.decode(video=0)]


def times(path: Path) -> list[Fraction]:
    return [time for time, _ in shown(path)]


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
