"""What the command line asks of films."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    from ..colorizer import Colorizer
    from ..options import ColorOptions
    from ..video.colorize_video import Film
    from ..video.segments.segment_workers import SegmentWorkers

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Films:
    """The options that are for films only.

    Attributes:
        codec, crf, preset: of the encoder, see `photochrom.colorize_video`.
        start, end: seconds.
        preview: seconds; only so much, before and after side by side.
    """

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    start: float | None = None
    end: float | None = None
    preview: float | None = None

    def check(self, films: bool) -> None:
        """Refuse options that do not go together, or that nothing takes.

        Args:
            films: whether there is a film among what is to be coloured.

        Raises:
            ArgumentError: such an option.
        """
        given = [
            f"--{field.name}" for field in fields(self) if getattr(self, field.name) is not None
        ]
        if given and not films:
            raise ArgumentError(
                f"{' and '.join(given)} cannot be used",
                expected="a film",
                got="pictures",
                fix="leave it out, or name a film",
            )
        if self.preview is not None and self.end is not None:
            raise ArgumentError(
                "the length of a preview",
                expected="--preview SECONDS",
                got="--end as well",
                fix="leave one of them out",
            )

    def colour(
        self,
        source: Path,
        output: Path,
        colorizer: Colorizer,
        options: ColorOptions,
        progress: Callable[[int, int | None], None],
        workers: SegmentWorkers | None = None,
    ) -> Film:
        """Colour one film, see `photochrom.colorize_video`."""
        from ..options import VideoOptions
        from ..video.colorize_video import colorize_video

        end = self.end if self.preview is None else (self.start or 0) + self.preview
        return colorize_video(
            source,
            output,
            options,
            VideoOptions(
                codec=self.codec,
                crf=self.crf,
                preset=self.preset,
                start=self.start,
                end=end,
                compare=self.preview is not None,
            ),
            colorizer=colorizer,
            progress=progress,
            workers=workers,
        )


def seconds(text: str | None) -> float | None:
    """``12.5``, ``1:30`` or ``1:02:03.5`` in seconds.

    Raises:
        ArgumentError: `text` is not of that form.
    """
    if text is None:
        return None
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise ArgumentError(
            "a time in a film",
            expected="seconds, or minutes and seconds, or hours too: 12.5, 1:30 or 1:02:03.5",
            got=repr(text),
            fix="write it like one of these",
        )
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + rest
