"""Films that are made of a list of shots: only what changed is made again."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom import (
    ArgumentError,
    Colorizer,
    ColorOptions,
    Film,
    Hint,
    Moment,
    ShotList,
    Still,
    VideoOptions,
    colorize_video,
    find_shots,
)
from photochrom.video.container.video_reader import VideoReader
from tests.conftest import Once
from tests.helpers import tiny_models
from tests.helpers.film_runs import killed_after
from tests.helpers.film_scenes import planes_of, seen, shown, texture
from tests.helpers.video_files import Recipe, av, make_film

pytestmark = pytest.mark.usefixtures("short_segments", "no_thread_is_left")

SCENES = [texture(80, 140, seed=3, coarse=9), texture(80, 140, seed=8, coarse=4)]
FRAMES = 60  # shots of 22, 22 and 16 frames; the third shows the place of the first


def picture(recipe: Recipe, index: int, depth: int) -> np.ndarray[Any, Any]:
    """Y' of a frame: slow pans."""
    shot, place = divmod(index, 22)
    L = seen(SCENES[shot % 2], 5 + 0.3 * place, 5, *recipe.size)
    return np.asarray(16 + 2.19 * L, np.uint8)


@pytest.fixture(scope="module")
def colorizer(once: Once) -> Colorizer:
    """With features, which references need."""
    made = once("lending.onnx", lambda path: tiny_models.photochrom(path, features=True))
    return Colorizer(made, threads=1)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.helpers.video_files.picture", picture)
        times = tuple(range(0, FRAMES * 512, 512))
        return make_film(tmp_path_factory.mktemp("film") / "a.mkv", Recipe("ffv1", times=times))


@pytest.fixture(scope="module")
def shots(source: Path, colorizer: Colorizer) -> ShotList:
    return find_shots(source, colorizer=colorizer)


@pytest.fixture
def film(source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy2(source, tmp_path))


def made(
    film: Path, shots: ShotList | None, colorizer: Colorizer, name: str = "out.mkv", **more: Any
) -> Film:
    """The film, without loss."""
    options = VideoOptions(codec="ffv1", shots=shots)
    return colorize_video(
        film, film.with_name(name), video_options=options, colorizer=colorizer, **more
    )


def chroma(path: Path) -> list[np.ndarray[Any, Any]]:
    """Cb and Cr of each frame."""
    with av.open(str(path)) as file:
        return [np.stack(planes_of(frame)[1:3]) for frame in file.decode(video=0)]


def test_shots_are_found(shots: ShotList, source: Path) -> None:
    assert (shots.film, len(shots.shots)) == (source.name, 3)
    starts = [round(shot.start * 24) for shot in shots.shots]
    assert starts == [0, 22, 44] == [shot.frame for shot in shots.shots]
    assert shots.shots[0].picture == "stills/000008.jpg"
    assert all(shot.start <= shot.still < shot.end for shot in shots.shots)


def test_the_same_list_again_makes_nothing_anew(
    film: Path, shots: ShotList, colorizer: Colorizer
) -> None:
    first = made(film, shots, colorizer)
    again = made(film, shots, colorizer)
    assert (first.frames, first.resumed) == (FRAMES, 0)
    assert (again.frames, again.resumed) == (FRAMES, FRAMES)
    assert len(shown(again.path)) == FRAMES
    made(film, None, colorizer)  # without a list nothing is kept
    assert {p.name for p in film.parent.iterdir()} == {"a.mkv", "out.mkv"}


def test_large_frames_are_decoded_once(
    film: Path, shots: ShotList, colorizer: Colorizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same result, and no seeking from shot to shot."""
    small = made(film, shots, colorizer)
    seeks: list[int | None] = []
    frames = VideoReader.frames

    def noted(video: VideoReader, start: int | None = None) -> Iterator[Any]:
        seeks.append(start)
        return frames(video, start)

    monkeypatch.setattr("photochrom.video.film_work.LARGE", 1000)
    monkeypatch.setattr(VideoReader, "frames", noted)
    large = made(film, shots, colorizer, name="large.mkv")
    monkeypatch.undo()
    assert shown(large.path) == shown(small.path)
    assert seeks.count(None) == 2  # for trial, then for colours
    assert len(seeks) == 2 + 3  # and one still of each shot


def edited(shots: ShotList, folder: Path) -> dict[str, tuple[ShotList, set[int]]]:
    """Lists with one change, and the numbers of the shots that change."""
    Image.new("RGB", (64, 48), (200, 40, 40)).save(folder / "red.png")
    one, two, three = shots.shots
    cut = one.end - 4 / 24
    moved = (replace(one, end=cut), replace(two, start=cut), three)
    return {
        "a hint": (shots.with_shot(2, hints=(Hint(20, 20, "red"),)), {2}),
        "a reference": (shots.with_shot(1, reference=(str(folder / "red.png"),)), {1}),
        "vividness": (shots.with_shot(3, vividness=2.0), {3}),
        "a version": (shots.with_shot(2, version=1), {2}),
        "a cut": (replace(shots, shots=moved), {1, 2}),
    }


@pytest.mark.parametrize("name", ["a hint", "a reference", "vividness", "a version", "a cut"])
def test_only_what_changed_is_made_again(
    film: Path, shots: ShotList, colorizer: Colorizer, name: str
) -> None:
    """And the film is the one that is made of the changed list in one go."""
    before = made(film, shots, colorizer)
    colors = chroma(before.path)
    changed, numbers = edited(shots, film.parent)[name]
    after = made(film, changed, colorizer)
    lengths = {1: 22, 2: 22, 3: 16}
    assert after.resumed == FRAMES - sum(lengths[number] for number in numbers)
    once = made(film, changed, colorizer, name="once.mkv")
    assert once.resumed == 0
    assert shown(after.path) == shown(once.path)
    same = [np.array_equal(a, b) for a, b in zip(colors, chroma(after.path), strict=True)]
    ranges = {1: range(22), 2: range(22, 44), 3: range(44, FRAMES)}
    assert all(same[n] for number in {1, 2, 3} - numbers for n in ranges[number])
    if name != "a cut":
        assert not any(same[n] for number in numbers for n in ranges[number])
    folder = film.with_name(".out.mkv.shots.parts")
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 3  # nothing of before


def test_hints_and_stills_with_a_time_need_no_list(
    film: Path, shots: ShotList, colorizer: Colorizer
) -> None:
    """They do what they do in a list, and nothing is left of the work."""
    Image.new("RGB", (64, 48), (200, 40, 40)).save(film.with_name("red.png"))
    hint = Hint(20, 20, "red", time=shots.shots[1].still)
    still = Still(film.with_name("red.png"), Moment(frame=3))
    options = ColorOptions(hints=[hint], reference=still)
    alone = made(film, None, colorizer, options=options)
    assert {p.name for p in film.parent.iterdir()} == {"a.mkv", "red.png", "out.mkv"}
    listed = shots.with_shot(2, hints=(hint,)).with_shot(1, reference=(str(still.picture),))
    one, other = chroma(alone.path), chroma(made(film, listed, colorizer, name="b.mkv").path)
    for number in range(44):  # the third shot may show the place of the still
        np.testing.assert_array_equal(one[number], other[number])
    reddest = [float(planes[1].mean()) for planes in one]
    assert min(reddest[:22]) > 128 + 10


def test_a_folder_of_stills(film: Path, shots: ShotList, colorizer: Colorizer) -> None:
    folder = film.with_name("refs")
    folder.mkdir()
    Image.new("RGB", (64, 48), (200, 40, 40)).save(folder / "ref_000003.png")
    (folder / "notes.txt").write_text("no picture")
    options = ColorOptions(reference=folder)
    first = chroma(made(film, None, colorizer, options=options).path)
    one = ColorOptions(reference=Still(folder / "ref_000003.png", "3f"))
    other = chroma(made(film, None, colorizer, options=one, name="b.mkv").path)
    assert all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    (folder / "ref_000003.png").rename(folder / "jacket.png")
    with pytest.raises(ArgumentError, match="ref_000034"):
        made(film, None, colorizer, options=options)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no time": ({"options": ColorOptions(hints=[Hint(1, 1, "red")])}, "expected a time"),
    "too late": ({"options": ColorOptions(hints=[Hint(1, 1, "red", time=99)])}, "after its end"),
    "no such frame": (
        {"options": ColorOptions(hints=[Hint(1, 1, "red", time="999f")])},
        "the moment 999f",
    ),
    "outside": ({"options": ColorOptions(hints=[Hint(64, 1, "red", time=1)])}, "64x48 pixels"),
    "no reference": ({"options": ColorOptions(reference=Still("none.png", 1))}, "none.png"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(film: Path, colorizer: Colorizer, name: str) -> None:
    given, words = MISTAKES[name]
    with pytest.raises(ArgumentError) as caught:
        made(film, None, colorizer, **given)
    assert words in str(caught.value)
    assert not film.with_name("out.mkv").exists()


def test_a_list_of_another_film(film: Path, shots: ShotList, colorizer: Colorizer) -> None:
    other = ShotList("b.mp4", 99.0, shots.shots)
    with pytest.raises(ArgumentError, match=r"99\.00"):
        made(film, other, colorizer)
    with pytest.raises(ArgumentError, match="version of shot 1"):
        made(film, shots.with_shot(1, version=9), colorizer)
    with pytest.raises(ArgumentError, match="of shot 2"):
        made(film, shots.with_shot(2, vividness=9.0), colorizer)


SLOWLY = """
import sys, time
from photochrom import Colorizer, VideoOptions, colorize_video
from photochrom.video.segments import segmented_work
segmented_work._SEGMENT = 12
def progress(done, total):
    print(done, flush=True)
    time.sleep(0.004)
options = VideoOptions(codec="ffv1", shots=sys.argv[4])
colorizer = Colorizer(sys.argv[3], threads=1)
film = colorize_video(
    sys.argv[1], sys.argv[2], video_options=options, colorizer=colorizer, progress=progress
)
print("resumed", film.resumed, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed(film: Path, shots: ShotList, colorizer: Colorizer) -> None:
    """With a hint, a reference and a moved cut, at several places; then to the end."""
    changed = edited(shots, film.parent)["a cut"][0]
    changed = changed.with_shot(2, hints=(Hint(20, 20, "red"),))
    changed = changed.with_shot(3, reference=(str(film.with_name("red.png")),))
    changed.write(film.with_name("shots.json"))
    output = film.with_name("out.mkv")
    files = [str(film), str(output), str(colorizer.model.path), str(film.with_name("shots.json"))]
    command = [sys.executable, "-c", SLOWLY, *files]
    begun = []
    for stop_after in (31, 25):  # of 60 frames: in the first half, and in the second
        begun.append(killed_after(command, stop_after))
        assert not output.exists()
    assert begun[0] == 1 < begun[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) >= begun[-1] - 1
    assert shown(output) == shown(made(film, changed, colorizer, name="once.mkv").path)
