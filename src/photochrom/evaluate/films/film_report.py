"""The result of an evaluation on films, as objects, as JSON and as rows of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..report.text_table import NOTHING, Row, words

TRUTH = "truth"


@dataclass(frozen=True, kw_only=True)
class FilmScore:
    """The figures of one result; means over the frames. None is what could not be measured.

    Attributes:
        name: as in tables.
        psnr, psnr_ab: in dB, of RGB and of ab alone, both with peak 255; None for the truth.
        cf, cf_abs: colourfulness, the original and the variant with absolute values.
        cdc: colour distribution consistency; None for fewer than five frames.
        drift: how far colours run away, in ab, see `Drift`; None for a single frame, and where too
            little of the first frames is found again in the last.
        warp, warp_ab: warp error, of RGB 0...1 and of ab as they are; None for a single frame.
    """

    name: str
    psnr: float | None = None
    psnr_ab: float | None = None
    cf: float | None = None
    cf_abs: float | None = None
    cdc: float | None = None
    drift: float | None = None
    warp: float | None = None
    warp_ab: float | None = None


@dataclass(frozen=True, kw_only=True)
class ClipScores:
    """The figures of one clip."""

    name: str  # of the clip
    frames: int  # how many were compared
    # width, height: of a frame, in pixels
    width: int
    height: int
    scores: tuple[FilmScore, ...]  # of the clip left grey, of each method, and last the truth's own


@dataclass(frozen=True, kw_only=True)
class FilmReport:
    """Everything an evaluation on films found."""

    clips: tuple[ClipScores, ...]  # in their order, those that could be read
    # name and reason of each clip that could not be measured
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def mean(self) -> tuple[FilmScore, ...]:
        """Means over the clips, each counting once; None where any clip lacks the figure."""
        return tuple(map(_mean, zip(*(clip.scores for clip in self.clips), strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return {
            "clips": [asdict(clip) for clip in self.clips],
            "mean": [asdict(score) for score in self.mean],
            "unreadable": [{"name": name, "error": why} for name, why in self.unreadable],
        }


_FIGURES = (  # attribute of FilmScore, title, format
    ("psnr", "PSNR of RGB, dB", ".2f"),
    ("psnr_ab", "PSNR of ab, dB", ".2f"),
    ("cf", "colourfulness (cf)", ".1f"),
    ("cf_abs", "colourfulness (cf_abs)", ".1f"),
    ("cdc", "CDC", ".6f"),
    ("warp", "warp error of RGB", ".6f"),
    ("warp_ab", "warp error of ab", ".2f"),
    ("drift", "drift", ".1f"),
)


def heads(report: FilmReport) -> list[str]:
    """Names of the columns: each result, the truth last."""
    return [score.name for score in report.mean]


def rows(report: FilmReport) -> list[Row]:
    """The figures: the mean over the clips and, of several, each clip under it."""
    found = []
    for key, title, form in _FIGURES:
        found.append(_row(title, report.mean, key, form))
        if len(report.clips) > 1:
            found += [_row(f"    {c.name}", c.scores, key, form) for c in report.clips]
    return found


def summary(report: FilmReport) -> str:
    """What was compared, in a sentence."""
    frames, count = sum(clip.frames for clip in report.clips), len(report.clips)
    shapes = sorted({(clip.width, clip.height) for clip in report.clips})
    sizes = ", ".join(f"{width} x {height}" for width, height in shapes)
    means = "; the figures of all are means over the clips" if count > 1 else ""
    return (
        f"{count} {'clip' if count == 1 else 'clips'}, "
        f"{frames} {'frame' if frames == 1 else 'frames'}, {sizes} pixels{means}"
    )


def _row(title: str, scores: Sequence[FilmScore], key: str, form: str) -> Row:
    """One figure; of the methods the one nearest to the truth's own is marked.

    The least CDC is not the best one, nor the least warp error: grey has none in ab.
    """
    cells = tuple(words(getattr(score, key), form) for score in scores)
    methods = [place for place in range(1, len(cells) - 1) if cells[place] != NOTHING]
    aim = float("inf") if cells[-1] == NOTHING else float(cells[-1])
    off = {place: _distance(float(cells[place]), aim) for place in methods}
    if len(set(off.values())) < 2:
        return Row(title, cells)
    return Row(title, cells, frozenset(place for place in off if off[place] == min(off.values())))


def _distance(value: float, aim: float) -> float:
    """How far off the truth's figure; the truth's PSNR is infinite."""
    return -value if aim == float("inf") else round(abs(value - aim), 9)  # so that ties are ties


def _mean(scores: tuple[FilmScore, ...]) -> FilmScore:
    means: dict[str, float] = {}
    for figure in fields(FilmScore):
        values = [getattr(score, figure.name) for score in scores]
        if figure.name != "name" and None not in values:
            means[figure.name] = sum(values) / len(values)
    return FilmScore(name=scores[0].name, **means)
