"""Image sequences, from folder to folder, with a tiny network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom import (
    ArgumentError,
    Colorizer,
    OutputOptions,
    Picture,
    VideoError,
    colorize_frames,
    colorize_sequence,
    open_picture,
    uncolor,
)
from photochrom.color import lightness, srgb_to_lab
from photochrom.errors import PictureError
from tests.helpers.video_files import Recipe, two_pans

pytestmark = pytest.mark.usefixtures("short_segments", "no_thread_is_left")

COUNT = 40


def frame(number: int, dtype: Any = np.uint8) -> NDArray[Any]:
    codes = two_pans(Recipe(size=(48, 64)), number, 8)
    return codes.astype(dtype) * (257 if dtype == np.uint16 else 1)


def write_frames(folder: Path, suffix: str, dtype: Any = np.uint8, count: int = COUNT) -> Path:
    folder.mkdir()
    for number in range(count):
        picture = Picture.from_array(frame(number, dtype))
        picture.save(folder / f"shot_{number + 95}{suffix}")  # 99 comes before 100
    return folder


def pixels(folder: Path) -> list[NDArray[Any]]:
    files = sorted(folder.iterdir(), key=lambda path: int(path.stem.split("_")[1]))
    return [open_picture(path).pixels for path in files]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_frames(tmp_path_factory.mktemp("frames") / "in", ".png", np.uint16)


@pytest.fixture(scope="module")
def whole(source: Path, tiny_colorizer: Colorizer) -> list[NDArray[Any]]:
    """The coloured frames, made without a break."""
    output = source.with_name("whole")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("photochrom.video.segments.segmented_work._SEGMENT", 12)
        colorize_sequence(source, output, colorizer=tiny_colorizer)
    return pixels(output)


def test_the_frames_are_those_of_a_film(
    source: Path, whole: list[NDArray[Any]], colorizer: Colorizer
) -> None:
    alone = colorize_frames((frame(n, np.uint16) for n in range(COUNT)), colorizer)
    for one, other in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".dpx", ".exr"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_format(tmp_path: Path, colorizer: Colorizer, suffix: str, dtype: Any) -> None:
    if suffix in (".dpx", ".exr"):
        pytest.importorskip("OpenImageIO", reason="DPX and OpenEXR need OpenImageIO")
    source = write_frames(tmp_path / "in", suffix, dtype, count=14)
    film = colorize_sequence(source, tmp_path / "out", colorizer=colorizer)
    assert (film.frames, film.shape, film.kept, film.resumed) == (14, (48, 64), 0, 0)
    assert sorted(p.name for p in film.path.iterdir()) == sorted(p.name for p in source.iterdir())
    for before, after in zip(pixels(source), pixels(film.path), strict=True):
        assert after.dtype == before.dtype
        lab = srgb_to_lab(after)
        assert np.hypot(lab[..., 1], lab[..., 2]).mean() > 3
        L = lightness(before if before.ndim == 2 else before[..., 0])
        if suffix != ".jpg":
            assert np.abs(lab[..., 0] - L).mean() < 0.3
    if suffix == ".jpg":  # their luma is copied
        for path in film.path.iterdir():
            uncolor(path, tmp_path / "grey.jpg")
            assert (tmp_path / "grey.jpg").read_bytes() == (source / path.name).read_bytes()


def test_large_frames_wait_in_files(
    tmp_path: Path,
    source: Path,
    whole: list[NDArray[Any]],
    colorizer: Colorizer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The frames are the same, and each is decoded once, but for those that are looked at first."""
    opened: list[Path] = []

    def note(path: Path, **how: Any) -> Picture:
        opened.append(path)
        return open_picture(path, **how)

    monkeypatch.setattr("photochrom.video.sequence_work._LARGE", 1000)
    monkeypatch.setattr("photochrom.video.sequence_work.open_picture", note)
    colorize_sequence(source, tmp_path / "out", colorizer=colorizer)
    for one, other in zip(pixels(tmp_path / "out"), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(opened) == COUNT + 8
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["out"]


def test_ten_bits_and_the_timecode_of_a_dpx(tmp_path: Path, colorizer: Colorizer) -> None:
    library = pytest.importorskip("OpenImageIO", reason="DPX needs OpenImageIO")
    (tmp_path / "in").mkdir()
    for number in range(3):
        spec = library.ImageSpec(64, 48, 1, library.UINT16)
        spec.attribute("oiio:BitsPerSample", 10)
        spec.attribute("smpte:TimeCode", library.TypeTimeCode, (0x01020304 + number, 0))
        codes = frame(number).astype(np.uint16) * 4
        writer = library.ImageOutput.create("frame.dpx")
        assert writer.open(str(tmp_path / "in" / f"f{number}.dpx"), spec)
        assert writer.write_image((codes << 6 | codes >> 4)[..., None])
        writer.close()
    colorize_sequence(tmp_path / "in", tmp_path / "out", colorizer=colorizer)
    for number in range(3):
        read = library.ImageInput.open(str(tmp_path / "out" / f"f{number}.dpx"))
        about = {each.name: each.value for each in read.spec().extra_attribs}
        read.close()
        assert read.spec().nchannels == 3
        assert about["oiio:BitsPerSample"] == 10
        assert about["dpx:TimeCode"] == f"01:02:03:0{4 + number}"


def test_frames_in_color_stay(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_frames(tmp_path / "in", ".png", count=20)
    rainbow = np.zeros((48, 64, 3), np.uint8)
    rainbow[..., 0] = np.linspace(0, 255, 64)
    rainbow[..., 2] = np.linspace(255, 0, 48)[:, None]
    for number in (100, 101):
        Picture.from_array(rainbow).save(source / f"shot_{number}.png")
    film = colorize_sequence(source, tmp_path / "out", colorizer=colorizer)
    assert film.kept == 2
    same = [(source / p.name).read_bytes() == p.read_bytes() for p in film.path.iterdir()]
    assert sum(same) == 2
    film = colorize_sequence(source, tmp_path / "new", in_color="recolor", colorizer=colorizer)
    assert film.kept == 0


def stop_at(number: int) -> Callable[[int, int | None], None]:
    def step(done: int, total: int | None) -> None:
        assert total == COUNT
        if done == number:
            raise RuntimeError("stop")

    return step


@pytest.mark.parametrize("number", [1, 13, 25, 40])
def test_going_on(
    tmp_path: Path,
    source: Path,
    whole: list[NDArray[Any]],
    colorizer: Colorizer,
    number: int,
) -> None:
    output = tmp_path / "out"
    with pytest.raises(RuntimeError, match="stop"):
        colorize_sequence(source, output, colorizer=colorizer, progress=stop_at(number))
    assert not output.exists()
    film = colorize_sequence(source, output, colorizer=colorizer)
    assert (film.resumed > 0) == (number > 14)
    assert len(list(output.iterdir())) == film.frames == COUNT
    for one, other in zip(pixels(output), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"out"}


SLOWLY = """
import sys, time
from photochrom import Colorizer, colorize_sequence
from photochrom.video.segments import segmented_work
segmented_work._SEGMENT = 12
def progress(done, total):
    print(done, flush=True)
    time.sleep(0.004)
colorize_sequence(*sys.argv[1:3], colorizer=Colorizer(sys.argv[3], threads=1), progress=progress)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="this system has no SIGKILL")
def test_killed(tmp_path: Path, source: Path, whole: list[NDArray[Any]], tiny_model: Path) -> None:
    output = tmp_path / "out"
    command = [sys.executable, "-c", SLOWLY, str(source), str(output), str(tiny_model)]
    for lines in (30, 8):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(lines):
                process.stdout.readline()
            process.kill()
        assert not output.exists()
    film = colorize_sequence(source, output, colorizer=Colorizer(tiny_model, threads=1))
    assert film.resumed > 0
    for one, other in zip(pixels(output), whole, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_output_that_exists_keeps_its_other_files(
    tmp_path: Path, source: Path, colorizer: Colorizer
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "notes.txt").write_text("mine")
    (output / "shot_95.png").write_text("older")
    colorize_sequence(source, output, colorizer=colorizer)
    assert (output / "notes.txt").read_text() == "mine"
    assert len(list(output.iterdir())) == COUNT + 1
    assert open_picture(output / "shot_95.png").pixels.ndim == 3


def test_another_format(tmp_path: Path, colorizer: Colorizer) -> None:
    source = write_frames(tmp_path / "in", ".tif", np.uint16, count=3)
    notes: list[str] = []
    (source / "sound.wav").write_bytes(b"RIFF")
    (source / "shot_99.tif").write_bytes((source / "shot_95.tif").read_bytes())
    film = colorize_sequence(
        source,
        tmp_path / "out",
        None,
        OutputOptions(format="jpeg"),
        colorizer=colorizer,
        on_note=notes.append,
    )
    assert {path.suffix for path in film.path.iterdir()} == {".jpg"}
    assert notes == [
        "1 numbers are missing: 98; the frames beside them follow each other",
        "other files in the folder were passed over: 1 .wav",
    ]
    assert "16 bits per channel become 8" in film.notes


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda f: Picture.from_array(frame(0)).save(f / "other_1.png"), VideoError, "two kinds"),
        (lambda f: Picture.from_array(frame(0)).save(f / "title.png"), VideoError, "no number"),
        (lambda f: shutil.copy(f / "shot_95.png", f / "shot_095.png"), VideoError, "95 twice"),
        (lambda f: shutil.rmtree(f), VideoError, "no such file"),
        (lambda f: [p.unlink() for p in f.iterdir()], VideoError, "without pictures"),
        (lambda f: (f / "shot_96.png").write_bytes(b"\x89PNG"), PictureError, "shot_96"),
        (
            lambda f: Picture.from_array(frame(0)[:40]).save(f / "shot_97.png"),
            ArgumentError,
            "64x48 pixels",
        ),
    ],
)
def test_what_is_no_film(
    tmp_path: Path,
    colorizer: Colorizer,
    spoil: Callable[[Path], object],
    error: type[Exception],
    words: str,
) -> None:
    source = write_frames(tmp_path / "in", ".png", count=4)
    spoil(source)
    with pytest.raises(error, match=words):
        colorize_sequence(source, tmp_path / "out", colorizer=colorizer)
    assert not (tmp_path / "out").exists()


def test_the_output_is_not_the_source(source: Path, colorizer: Colorizer) -> None:
    with pytest.raises(ArgumentError, match="that of the source"):
        colorize_sequence(source, source, colorizer=colorizer)
