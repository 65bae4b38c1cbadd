"""For the tests of training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
