"""Reports as rows of text, for the terminal, HTML, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from .scores import Confidence, Report, Score

NOTHING = "–"


@dataclass(frozen=True)
class Row:
    """One figure of every method."""

    title: str  # what it is
    cells: tuple[str, ...]  # one for each column of `heads`
    best: frozenset[int] = frozenset()  # places of the best cells


FIGURES = {
    "auc": ("AuC, all pixels", ".2f", 1),
    "auc_gain": ("    gain over grey", "+.2f", 0),
    "auc_balanced": ("AuC, class-balanced", ".2f", 1),
    "auc_balanced_gain": ("    gain over grey", "+.2f", 0),
    "cf": ("colourfulness (cf)", ".1f", 0),
    "cf_delta_of_means": ("    difference of means", ".1f", -1),
    "cf_mean_delta": ("    mean difference", ".1f", -1),
    "cf_abs": ("colourfulness (cf_abs)", ".1f", 0),
    "cf_abs_delta_of_means": ("    difference of means", ".1f", -1),
    "cf_abs_mean_delta": ("    mean difference", ".1f", -1),
    "psnr": ("PSNR of RGB, dB", ".2f", 1),
    "psnr_ab": ("PSNR of ab, dB", ".2f", 1),
    "ssim": ("SSIM", ".4f", 1),
    "ciede2000": ("CIEDE2000", ".2f", -1),
    "lpips": ("LPIPS", ".4f", -1),
    "fid": ("FID", ".2f", -1),
    "ms_per_picture": ("ms per picture", ".0f", 0),
    "ms_per_megapixel": ("ms per megapixel", ".0f", 0),
}
"""Attribute of `Score` -> title, format, and 1 where more is better, -1 where less is."""

_OVERVIEW = {
    "auc_gain": "AuC over grey, all pixels",
    "auc_balanced_gain": "AuC over grey, class-balanced",
    "ciede2000": "CIEDE2000",
    "cf": "colourfulness (cf)",
}
_OPTIONAL = ("lpips", "fid")  # their rows are there only if they were measured
_WITH_INTERVAL = ("psnr_ab", "ciede2000")
_COMPARED = {"auc": "AuC", "psnr_ab": "PSNR of ab", "ssim": "SSIM", "ciede2000": "CIEDE2000"}


def heads(report: Report) -> list[str]:
    """Names of the columns: the baselines, the models, the truth."""
    return [*(score.name for score in report.scores), "truth"]


def rows(report: Report) -> list[Row]:
    """The figures."""
    found = []
    for key in FIGURES:
        if key not in _OPTIONAL or any(getattr(score, key) is not None for score in report.scores):
            found.append(_row(report, key))
        if key in _WITH_INTERVAL and any(key in score.intervals for score in report.scores):
            bounds = [score.intervals.get(key) for score in report.scores]
            form = FIGURES[key][1]
            cells = ["–".join(format(b, form) for b in pair) if pair else "" for pair in bounds]
            found.append(Row("    95 % interval", (*cells, "")))
    return [*found, *_confidence(report), *_hints(report), *_steering(report), *_skin(report)]


def overview(reports: Sequence[Report]) -> list[Row]:
    """The main figures set by set, under a row with the title of each; all have the same heads."""
    found = []
    for key, title in _OVERVIEW.items():
        found.append(Row(title, ("",) * len(heads(reports[0]))))
        found += [replace(_row(report, key), title=f"    {report.name}") for report in reports]
    return found


def _row(report: Report, key: str) -> Row:
    title, form, better = FIGURES[key]
    truth = {
        "auc": 100.0,
        "auc_balanced": None if report.bins == 0 else 100.0,
        "cf": report.truth_cf,
        "cf_abs": report.truth_cf_abs,
        "ssim": 1.0,
        "ciede2000": 0.0,
    }
    values = [getattr(score, key) for score in report.scores]
    cells = [words(value, form) for value in [*values, truth.get(key)]]
    return Row(title, tuple(cells), best_of(cells[:-1], better))


def summary(report: Report) -> str:
    """What was compared, in a sentence or two."""
    near = f"{report.near_grey} of them nearly grey; " if report.near_grey else ""
    a, b = report.mean_ab
    of = f" of {report.protocol}" if report.protocol else ""
    return (
        f"{report.name}: {report.pictures} pictures{of} at {report.size} x {report.size} pixels; "
        f"{near}{report.bins} of 313 colour bins have the {report.minimum} compared pixels that "
        f"count in the class-balanced figure; mean colour a {a:.1f}, b {b:.1f}"
    )


def verdicts(report: Report, figure: str = "ciede2000") -> list[str]:
    """Whether the first method is better than each other one, a sentence for each."""
    found = []
    for each in (each for each in report.comparisons if each.figure == figure):
        low, high = each.interval
        gap = f"difference {each.difference:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"
        rest = f"{gap}; paired bootstrap over {report.pictures} pictures"
        other = each.second if each.better == each.first else each.first
        verdict = (
            f"{each.better} is better than {other}"
            if each.better
            else f"{each.first} and {each.second} cannot be told apart"
        )
        found.append(f"by {_COMPARED[figure]}, {verdict} ({rest})")
    return found


def words(value: float | None, form: str) -> str:
    """A figure, or a dash."""
    return NOTHING if value is None else format(value, form)


def best_of(cells: Sequence[str], better: int) -> frozenset[int]:
    """Places of the best figures, as rounded; none if all are equal."""
    numbers = {place: float(cell) for place, cell in enumerate(cells) if cell != NOTHING}
    if not better or len(set(numbers.values())) < 2:
        return frozenset()
    best = max(numbers.values(), key=lambda number: number * better)
    return frozenset(place for place, number in numbers.items() if number == best)


def _confidence(report: Report) -> list[Row]:
    found = [score.confidence for score in report.scores]
    if not any(found):
        return []
    figures: list[tuple[str, Callable[[Confidence], float], str]] = [
        ("entropy with ab error, rank correlation", lambda c: c.spearman, "+.2f"),
        ("    ab error of the surest tenth", lambda c: c.deciles[0].ab_error, ".1f"),
        ("    of the least sure tenth", lambda c: c.deciles[-1].ab_error, ".1f"),
    ]
    return [
        Row(title, (*(words(None if c is None else value(c), form) for c in found), NOTHING))
        for title, value, form in figures
    ]


def _hints(report: Report) -> list[Row]:
    measured = [score for score in report.scores if score.hints]
    if not measured:
        return []
    found = []
    for place, step in enumerate(measured[0].hints):
        title = f"PSNR of ab, dB, with no hints (pictures: {measured[0].hint_pictures})"
        title = title if place == 0 else f"    with {step.hints} hint" + "s" * (step.hints != 1)
        cells = [words(_psnr_ab(score, place), ".2f") for score in report.scores]
        found.append(Row(title, (*cells, NOTHING), best_of(cells, 1)))
    return found


_STEERING = (  # attribute of Steering, title, factor, format
    ("spread", "one contrary click changes, % of the picture", 100, ".1f"),
    ("spread_90", "    90th percentile", 100, ".1f"),
    ("click_off", "    the click itself is off, ab", 1, ".1f"),
    ("click_off_90", "    90th percentile", 1, ".1f"),
    ("drift_chroma", "own colours as hints, six times: chroma, %", 100, "+.1f"),
    ("drift_ab", "    ab, 95th percentile", 1, ".1f"),
)


def _steering(report: Report) -> list[Row]:
    found = [score.steering for score in report.scores]
    if not any(found):
        return []
    lines = []
    for key, title, factor, form in _STEERING:
        values = [None if s is None else getattr(s, key) for s in found]
        cells = [words(None if v is None else factor * v, form) for v in values]
        lines.append(Row(title, (*cells, NOTHING)))
    return lines


def _skin(report: Report) -> list[Row]:
    """CIEDE2000 and chroma of the skin of each group, and how far the groups are apart."""
    scores = [score.skin for score in report.scores]
    if not scores or not scores[0]:
        return []
    found = []
    for each in zip(*scores, strict=True):
        title = f"skin, {each[0].group} (pictures: {each[0].pictures}), CIEDE2000"
        cells = [words(one.ciede2000, ".2f") for one in each]
        found.append(Row(title, (*cells, words(0.0, ".2f")), best_of(cells, -1)))
        chroma = (*(one.chroma for one in each), each[0].truth_chroma)
        found.append(Row("    chroma", tuple(words(value, ".1f") for value in chroma)))
    if len(found) > 2:
        apart = [max(o.ciede2000 for o in s) - min(o.ciede2000 for o in s) for s in scores]
        cells = [words(value, ".2f") for value in apart]
        found.append(Row("skin, worst less best group, CIEDE2000", (*cells, NOTHING)))
    return found


def _psnr_ab(score: Score, place: int) -> float | None:
    return score.hints[place].psnr_ab if score.hints else None
