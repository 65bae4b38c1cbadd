"""Fixtures of the tests of films."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from photochrom import Colorizer


@pytest.fixture
def colorizer(tiny_colorizer: Colorizer) -> Colorizer:
    """A Colorizer with a tiny network."""
    return tiny_colorizer


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 12 frames or a little more, of films that show `two_pans`."""
    from tests.helpers.video_files import two_pans

    monkeypatch.setattr("photochrom.video.segments.segmented_work._SEGMENT", 12)
    monkeypatch.setattr("tests.helpers.video_files.picture", two_pans)


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """The test ends no earlier than the threads that it starts."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture(scope="session")
def finished(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """A film, and the frames of its coloured version, made without a break."""
    from photochrom import colorize_video
    from photochrom.video.segments import segmented_work
    from tests.helpers.film_runs import LONG
    from tests.helpers.film_scenes import shown
    from tests.helpers.video_files import make_film, two_pans

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
