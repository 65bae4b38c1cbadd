"""For the tests of training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from photochrom.training.loop.callbacks import Progress


@dataclass
class Notes:
    """Remembers what a run told."""

    lines: list[str] = field(default_factory=list)
    steps: list[Progress] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.lines.append(line)

    def pictures(self, done: int, total: int) -> None:
        self.counts.append((done, total))

    def step(self, progress: Progress) -> None:
        self.steps.append(progress)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ten pictures."""
    from tests.helpers.training_pictures import fill

    folder = tmp_path_factory.mktemp("data") / "pictures"
    fill(folder, 10)
    return folder


@pytest.fixture
def untrained_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded, and no process is forked."""
    import timm

    from photochrom.training import run as running

    create = timm.create_model

    def offline(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr(running, "_workers", lambda _: 0)


@pytest.fixture
def unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and export, which take seconds, are left out of a run."""
    from photochrom.training import run as running

    def finish(*arguments: Any) -> None:
        arguments[-1].say("writing the model")
        (arguments[-2] / "model.onnx").touch()

    monkeypatch.setattr(running, "_finish", finish)
