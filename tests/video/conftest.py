"""Fixtures of the tests of films."""

from __future__ import annotations

import threading
from collections.abc import Iterator

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
