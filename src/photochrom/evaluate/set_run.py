"""One set of pictures: every method on every picture, and what is measured of it."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..colorizer import Colorizer
from ..colorizer.prepared import Prepared
from ..errors import ArgumentError, PhotochromError
from ..hints import Hint
from ..options import ColorOptions
from .accumulators import Calibration, HintCurve, Tally, Truth, compared_lab, interval, is_near_grey
from .clicks import HINT_STEPS, SteeringTally, true_hints
from .methods import FlatColor, LoadedModel, Method
from .picture_set import Item, PictureSet, squares
from .protocols import names_sha256
from .report.scores import BETTER, Comparison, Report, Sample, Score
from .skin import SkinTally, group_of

if TYPE_CHECKING:
    from .perceptual import Perceptual

_SHEET = 12  # pictures of the contact sheet


@dataclass(frozen=True)
class Survey:
    """What the first look brought."""

    readable: list[Item]  # the pictures to compare
    unreadable: list[tuple[str, str]]  # name and reason of each of the others
    near_grey: int  # how many of the readable ones have hardly any colour
    mean_ab: tuple[float, float]  # over all compared pixels


def survey_of(pictures: PictureSet, size: int, step: Callable[[], None]) -> Survey:
    """Look at squares of side `size`, `step` after each; ArgumentError if none has colours."""
    items = pictures.items
    readable, unreadable, near_grey = [], [], 0
    total, pixels = np.zeros(2), 0
    for place, square in squares(items, size):
        step()
        if isinstance(square, PhotochromError):
            unreadable.append((items[place].name, str(square)))
            continue
        lab = compared_lab(square)
        total += lab[:, 1:].sum(0, dtype=np.float64)
        pixels += len(lab)
        near_grey += is_near_grey(lab)
        readable.append(items[place])
    if near_grey == len(readable):
        why = f"{len(unreadable)} unreadable and {near_grey} without colour"
        raise ArgumentError(
            f"there is no colour picture to evaluate on in {', '.join(pictures.sources)}",
            expected="colour photographs",
            got=why + (f" (the first: {unreadable[0][1]})" if unreadable else ""),
        )
    a, b = (total / pixels).tolist()
    return Survey(readable, unreadable, near_grey, (a, b))


@dataclass
class _Measured:
    """A method and what was measured of it."""

    method: Method
    tally: Tally = field(default_factory=Tally)
    calibration: Calibration = field(default_factory=Calibration)
    curve: HintCurve = field(default_factory=lambda: HintCurve(HINT_STEPS))
    steering: SteeringTally = field(default_factory=SteeringTally)
    skin: SkinTally = field(default_factory=SkinTally)


class SetRun:
    """Methods on the pictures of one set.

    Args:
        pictures: the set.
        survey: of it.
        methods: their results are measured, beside those of the two baselines.
        judge: measures LPIPS and FID.
        size: side of the squares.
        seed: of the choice of the pictures that get hints or are shown, and of the bootstrap.
        hints: on how many pictures hints are measured.
        groups: whether skin is measured by group.
    """

    def __init__(
        self,
        pictures: PictureSet,
        survey: Survey,
        methods: Sequence[Method],
        judge: Callable[[Sequence[str]], Perceptual] | None,
        *,
        size: int,
        seed: int,
        hints: int,
        groups: bool,
    ) -> None:
        self._set, self._survey, self._size, self._seed = pictures, survey, size, seed
        flat = FlatColor("grey"), FlatColor("mean colour", survey.mean_ab)
        self._measured = [_Measured(method) for method in (*flat, *methods)]
        self._judge = judge([each.method.name for each in self._measured]) if judge else None
        self._groups = {item.key: group_of(item) for item in pictures.items} if groups else {}
        self._count, self._truth_cf, self._truth_cf_abs = 0, 0.0, 0.0
        self._samples: list[Sample] = []
        readable = range(len(survey.readable))
        order = random.Random(seed).sample(readable, len(readable))  # noqa: S311
        self._shown, self._hinted = set(order[:_SHEET]), set(order[:hints])

    def measure(self, step: Callable[[], None]) -> None:
        """Measure all methods on all pictures; `step` is called after each."""
        for place, square in squares(self._survey.readable, self._size):
            item = self._survey.readable[place]
            if isinstance(square, PhotochromError):  # it was readable a moment ago
                self._survey.unreadable.append((item.name, str(square)))
            else:
                self._add(place, item, square)
            step()

    def report(self, minimum: int, protocol: str = "") -> Report:
        """What was measured.

        Args:
            minimum: pixels that a bin needs to count in the class-balanced figure.
            protocol: whose pictures these are.
        """
        survey = self._survey
        return Report(
            name=self._set.name,
            sources=self._set.sources,
            protocol=protocol,
            names_sha256=names_sha256(survey.readable),
            size=self._size,
            seed=self._seed,
            pictures=self._count,
            near_grey=survey.near_grey,
            unreadable=tuple(survey.unreadable),
            mean_ab=survey.mean_ab,
            truth_cf=self._truth_cf / self._count,
            truth_cf_abs=self._truth_cf_abs / self._count,
            bins=self._measured[0].tally.curve.bin_count(minimum),
            minimum=minimum,
            scores=tuple(self._score(each, minimum) for each in self._measured),
            comparisons=self._comparisons(),
            notes=() if self._judge is None else tuple(self._judge.missing),
            samples=tuple(self._samples),
        )

    def _add(self, place: int, item: Item, square: NDArray[np.uint8]) -> None:
        truth = Truth(square)
        self._count += 1
        self._truth_cf += truth.cf
        self._truth_cf_abs += truth.cf_abs
        images = {}
        for each in self._measured:
            rgb = self._result(each, truth, place, item)
            if self._groups:
                each.skin.add(self._groups[item.key], truth, rgb)
            if self._judge is not None:
                self._judge.add(each.method.name, square, rgb)
            images[each.method.name] = rgb
        if place in self._shown:
            del images["mean colour"]
            shown = {label: _webp(rgb) for label, rgb in [*images.items(), ("truth", square)]}
            self._samples.append(Sample(name=item.name, images=shown))

    def _result(self, each: _Measured, truth: Truth, place: int, item: Item) -> NDArray[np.uint8]:
        made = each.method.color(truth, item)
        errors = each.tally.add(truth, made.rgb, made.seconds)
        if made.prepared is not None and made.prepared.logits is not None:
            each.calibration.add(made.prepared.entropy, errors)
        if isinstance(each.method, LoadedModel) and made.prepared and place in self._hinted:
            spots = true_hints(truth.rgb, HINT_STEPS[-1], [self._seed, place])
            hinted = _hinted(each.method.colorizer, made.prepared, spots, made.rgb)
            each.curve.add(truth, hinted)
            of_click = [self._seed, place, 1]
            each.steering.add(each.method.colorizer, made.prepared, made.rgb, of_click)
        return made.rgb

    def _score(self, each: _Measured, minimum: int) -> Score:
        method, grey = each.method, self._measured[0].tally.curve
        means: dict[str, Any] = each.tally.means
        auc, balanced = each.tally.curve.auc(), each.tally.curve.balanced_auc(minimum)
        floor = grey.balanced_auc(minimum)
        lpips, fid = (None, None) if self._judge is None else self._judge.scores(method.name)
        seconds = means.pop("seconds", None)
        ms = None if seconds is None else 1000 * seconds
        bounds = {figure: interval(each.tally.values[figure], self._seed) for figure in BETTER}
        return Score(
            **means | {"auc": auc},
            name=method.name,
            kind=method.kind,
            auc_gain=auc - grey.auc(),
            auc_balanced=balanced,
            auc_balanced_gain=None if balanced is None or floor is None else balanced - floor,
            cf_delta_of_means=abs(means["cf"] - self._truth_cf / self._count),
            cf_abs_delta_of_means=abs(means["cf_abs"] - self._truth_cf_abs / self._count),
            ms_per_picture=ms,
            ms_per_megapixel=None if ms is None else ms * 1e6 / self._size**2,
            confidence=each.calibration.result(),
            hint_pictures=len(self._hinted) if method.kind == "model" else 0,
            hints=each.curve.result(),
            steering=each.steering.result(),
            skin=each.skin.result(),
            lpips=lpips,
            fid=fid,
            intervals={figure: found for figure, found in bounds.items() if found is not None},
        )

    def _comparisons(self) -> tuple[Comparison, ...]:
        """The first method with each other one; a single one with grey."""
        grey, methods = self._measured[0], self._measured[2:]
        if not methods:
            return ()
        first, others = methods[0], methods[1:] or [grey]
        pairs = [(other, figure) for other in others for figure in BETTER]
        found = (_compared(first, other, figure, self._seed) for other, figure in pairs)
        return tuple(each for each in found if each is not None)


def _compared(first: _Measured, second: _Measured, figure: str, seed: int) -> Comparison | None:
    pairs = zip(first.tally.values[figure], second.tally.values[figure], strict=True)
    gaps = [a - b for a, b in pairs]
    bounds = interval(gaps, seed)
    if bounds is None:
        return None
    return Comparison(
        first=first.method.name,
        second=second.method.name,
        figure=figure,
        difference=float(np.mean(gaps)),
        interval=bounds,
    )


def _hinted(
    colorizer: Colorizer, prepared: Prepared, hints: list[Hint], without: NDArray[np.uint8]
) -> list[NDArray[np.uint8]]:
    steps = HINT_STEPS[1:]
    return [
        without,
        *(colorizer.render(prepared, ColorOptions(hints=hints[:n])).pixels for n in steps),
    ]


def _webp(rgb: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    image, buffer = Image.fromarray(rgb), io.BytesIO()
    image.thumbnail((256, 256))
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
