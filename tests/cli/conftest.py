"""Fixtures of the tests of the command line."""

from __future__ import annotations

import pytest


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of 12 frames."""
    monkeypatch.setattr("photochrom.video.segments.segmented_work._SEGMENT", 12)
