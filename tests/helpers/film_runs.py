"""A film of 60 frames, and what runs of it leave and tell."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.helpers.video_files import Recipe

VFR = tuple(int(t) for t in np.cumsum([0, *[512, 1024, 300, 212, 2000] * 6]))
"""Times of frames at a variable rate."""
LONG = Recipe(times=tuple(range(0, 60 * 512, 512)), options={"bf": "2", "crf": "18"})
"""Sixty frames with B-frames."""


def beside(path: Path) -> set[str]:
    """Names of what lies in the folder of a film."""
    return {p.name for p in path.parent.iterdir()} - {"home"}


def killed_after(command: Sequence[str], lines: int) -> int:
    """Kill a process that prints a number for each frame, after so many; returns the first."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first, *_ = (process.stdout.readline() for _ in range(lines))
        process.kill()
    assert process.returncode == -signal.SIGKILL
    return int(first)


class Steps:
    """Notes the calls of `progress`; can raise in one of them."""

    def __init__(self, stop_at: int | None = None, error: BaseException | None = None) -> None:
        self.calls: list[tuple[int, int | None]] = []
        self._stop_at, self._error = stop_at, error or RuntimeError("stop")

    def __call__(self, done: int, total: int | None) -> None:
        self.calls.append((done, total))
        if len(self.calls) == self._stop_at:
            raise self._error
