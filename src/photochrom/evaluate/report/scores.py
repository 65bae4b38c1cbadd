"""The result of an evaluation, as objects and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

BETTER = {"auc": 1, "psnr_ab": 1, "ssim": 1, "ciede2000": -1}
"""Figures with intervals: attribute of `Score` -> 1 where more is better, -1 where less is."""


@dataclass(frozen=True, kw_only=True)
class Decile:
    """About a tenth of the compared pixels, of similar entropy."""

    # entropy_from, entropy_to: 0 certain ... 1 no idea.
    entropy_from: float
    entropy_to: float
    share: float  # of the pixels, 0...1
    ab_error: float  # their mean distance to the truth in ab


@dataclass(frozen=True, kw_only=True)
class Confidence:
    """Whether a model is less sure where it is more wrong."""

    deciles: tuple[Decile, ...]  # surest first
    spearman: float  # rank correlation of entropy and ab error over the pixels, -1...1

    @property
    def rises(self) -> bool:
        """Whether each decile has a larger error than the surer one before it."""
        errors = [decile.ab_error for decile in self.deciles]
        return errors == sorted(errors)


@dataclass(frozen=True, kw_only=True)
class HintStep:
    """Mean quality with a number of true hints."""

    hints: int  # how many
    # psnr, psnr_ab: in dB, of RGB and of ab alone
    psnr: float
    psnr_ab: float


@dataclass(frozen=True, kw_only=True)
class Steering:
    """What one contrary click changes, and what a model's own colours as hints change.

    Attributes:
        pictures: how many.
        spread, spread_90: share of the picture, 0...1, whose ab changes by more than 10, in the
            median and at the 90th percentile; None where no click was possible.
        click_off, click_off_90: distance in ab of the clicked pixel from the colour that its L
            allows, in the same two.
        drift_chroma: change of mean chroma after six rounds, as a part of it; None for networks
            that take no hints.
        drift_ab: 95th percentile of the change of ab after them.
    """

    pictures: int
    spread: float | None
    spread_90: float | None
    click_off: float | None
    click_off_90: float | None
    drift_chroma: float | None
    drift_ab: float | None


@dataclass(frozen=True, kw_only=True)
class SkinScore:
    """The skin of one group of people; means over its pictures."""

    group: str  # name of its folder
    pictures: int  # with enough skin to count
    ciede2000: float  # on pixels of skin
    # chroma, truth_chroma: of these pixels, as coloured and as they are
    chroma: float
    truth_chroma: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """The figures of one model or baseline; means over the pictures.

    Attributes:
        name: as in tables.
        kind: "baseline", "model", "function" or "results".
        auc, auc_gain: area under the curve of ab errors, 0...100, and its gain over grey.
        auc_balanced, auc_balanced_gain: the same as the mean over colour bins; None where no bin
            has enough pixels.
        cf, cf_abs: colourfulness, the original and the variant with absolute values.
        cf_delta_of_means, cf_abs_delta_of_means: distance of the mean to the truth's mean.
        cf_mean_delta, cf_abs_mean_delta: mean distance to the truth, picture by picture.
        psnr, psnr_ab: in dB, of RGB and of ab alone, both with peak 255.
        ssim: on RGB, at most 1.
        ciede2000: mean colour difference.
        lpips, fid: None where not measured.
        ms_per_picture, ms_per_megapixel: for network and painting; None for baselines.
        confidence: None for models without a distribution.
        hint_pictures: on how many pictures `hints` was measured.
        hints: quality after so many hints; empty where not measured.
        steering: None where not measured.
        skin: one for each group; empty where not measured.
        intervals: figure -> bounds of its mean, 95 %, by the bootstrap over the pictures; empty
            for a single picture.
    """

    name: str
    kind: str
    auc: float
    auc_gain: float
    auc_balanced: float | None
    auc_balanced_gain: float | None
    cf: float
    cf_abs: float
    cf_delta_of_means: float
    cf_abs_delta_of_means: float
    cf_mean_delta: float
    cf_abs_mean_delta: float
    psnr: float
    psnr_ab: float
    ssim: float
    ciede2000: float
    lpips: float | None = None
    fid: float | None = None
    ms_per_picture: float | None = None
    ms_per_megapixel: float | None = None
    confidence: Confidence | None = None
    hint_pictures: int = 0
    hints: tuple[HintStep, ...] = ()
    steering: Steering | None = None
    skin: tuple[SkinScore, ...] = ()
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two methods on the same pictures.

    Attributes:
        first, second: their names.
        figure: attribute of `Score`, a key of `BETTER`.
        difference: mean of first - second over the pictures.
        interval: its bounds, 95 %, by the paired bootstrap.
    """

    first: str
    second: str
    figure: str
    difference: float
    interval: tuple[float, float]

    @property
    def better(self) -> str | None:
        """The name of the better method; None where 0 lies within the interval."""
        low, high = self.interval
        if low <= 0 <= high:
            return None
        return self.first if (low > 0) == (BETTER[self.figure] > 0) else self.second


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A picture of the contact sheet."""

    name: str  # of the picture
    images: dict[str, bytes]  # column -> the bytes of a WebP file: grey, each model, truth


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything an evaluation found on one set.

    Attributes:
        name: of the set.
        sources: what was named.
        protocol: name of the protocol whose pictures these are; empty for a set of one's own.
        names_sha256: of the sorted file names of the compared pictures; runs on the same set have
            the same.
        size: side in pixels of the compared squares.
        seed: of the choice of pictures and hints.
        pictures: how many were compared.
        near_grey: how many of them have hardly any colour; they count like the others.
        unreadable: name and reason of each picture that could not be read.
        mean_ab: mean colour of the set, which one baseline gives everywhere.
        truth_cf, truth_cf_abs: mean colourfulness of the true pictures.
        bins: colour bins that count in the class-balanced figure, of 313.
        minimum: compared pixels a bin needs for that.
        scores: the two baselines first, then the models in their order.
        comparisons: the first method with each other one, or with grey, figure by figure.
        notes: what could not be measured, and why.
        samples: a contact sheet.
    """

    name: str
    sources: tuple[str, ...]
    size: int
    seed: int
    pictures: int
    near_grey: int
    unreadable: tuple[tuple[str, str], ...]
    mean_ab: tuple[float, float]
    truth_cf: float
    truth_cf_abs: float
    bins: int
    minimum: int
    scores: tuple[Score, ...]
    protocol: str = ""
    names_sha256: str = ""
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    samples: tuple[Sample, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON, without the contact sheet."""
        values = asdict(self)
        del values["samples"]
        values["unreadable"] = [{"name": name, "error": why} for name, why in self.unreadable]
        for score, row in zip(self.scores, values["scores"], strict=True):
            if score.confidence is not None:
                row["confidence"]["rises"] = score.confidence.rises
        for comparison, row in zip(self.comparisons, values["comparisons"], strict=True):
            row["better"] = comparison.better
        return values


def to_json(reports: Sequence[Report]) -> str:
    """The reports of all sets as one JSON object, ``{"sets": [...]}``."""
    return json.dumps({"sets": [report.to_dict() for report in reports]}, indent=2)
