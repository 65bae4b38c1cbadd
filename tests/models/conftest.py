"""A file server that gives wrong answers, where a download goes, and a bundled model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from photochrom.models import download as module
from tests.helpers.file_server import Server
from tests.helpers.serving import serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv(module.OFFLINE_VARIABLE, raising=False)
    monkeypatch.setattr(module, "_BACKOFF", 0.0)
    with serving(Server()) as running:
        yield running


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "net.onnx"


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    """A folder with a model like the one inside the package."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "photochrom.onnx").write_bytes(b"bundled")
    return folder
