"""For the tests of evaluation on films."""

from __future__ import annotations

import pytest


@pytest.fixture
def needs_opencv() -> None:
    pytest.importorskip("cv2", reason="measures motion with OpenCV (extra video)")
