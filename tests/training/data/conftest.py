"""Fixtures of the tests of the training data."""

from __future__ import annotations

import pytest


@pytest.fixture
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies without the losses of JPEG, where pictures are decoded in this process."""
    monkeypatch.setattr("photochrom.training.data.decode._TINY", 10**6)
