"""Running models over pictures and measuring them."""

from __future__ import annotations

import io
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..color import recombine
from ..colorizer import Colorizer, Prepared
from ..errors import ArgumentError, PhotochromError
from ..hints import Hint
from ..options import ColorOptions
from ..picture import Picture
from .accumulators import Calibration, HintCurve, Tally, Truth
from .image_metrics import MINIMUM
from .picture_set import chosen, list_pictures, squares
from .picture_survey import Steps, survey_of
from .report.scores import Report, Sample, Score

if TYPE_CHECKING:
    from .perceptual import Perceptual

HINT_STEPS = (0, 1, 2, 5, 10, 20, 50)
"""Numbers of hints at which the gain curve is measured."""

_SIZES = (32, 2048)
_SHEET = 12  # pictures of the contact sheet
_SPOT = 2  # a hint has the mean colour of a square of 5 pixels, so that it is not noise's


@dataclass
class _Method:
    """A model or baseline under test."""

    name: str
    colorizer: Colorizer | None = None
    ab: tuple[float, float] = (0.0, 0.0)  # of a baseline
    tally: Tally = field(default_factory=Tally)
    calibration: Calibration = field(default_factory=Calibration)
    curve: HintCurve = field(default_factory=lambda: HintCurve(HINT_STEPS))


def evaluate(
    sources: Sequence[str | os.PathLike[str]],
    models: Sequence[str | os.PathLike[str]] = ("bundled",),
    *,
    size: int = 256,
    limit: int | None = None,
    seed: int = 0,
    minimum: int = MINIMUM,
    hints: int = 0,
    perceptual: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure models on colour pictures, beside leaving them grey and one mean colour.

    Every picture is cut to its centre square, resized, turned grey, coloured as
    `Colorizer.colorize` does, and compared with the truth. The same arguments give the same
    figures, except for times. Memory does not grow with the number of pictures.

    Args:
        sources: folders (with all folders inside), zip files, or pictures.
        models: as for `Colorizer`.
        size: side of the square in pixels, 32...2048.
        limit: compare only so many pictures, drawn at random.
        seed: of that choice and of the hints' places.
        minimum: compared pixels a colour bin needs to count in the class-balanced figure.
        hints: on how many of the pictures to measure the gain by true hints; slow.
        perceptual: measure LPIPS and FID too, if their weights are at hand.
        progress: called with the steps done and in all.

    Returns:
        A `Report`.

    Raises:
        ArgumentError: no colour picture found, or an argument out of range.
        PictureError: a zip file or folder cannot be read; single pictures do not raise.
        ModelError: a model cannot be loaded, or fails.
        MissingExtraError: `perceptual` without torchmetrics.
    """
    _check(size, hints)
    items = chosen(list_pictures(sources), limit, seed)
    names = [str(source) for source in sources]
    methods = [_Method("grey"), _Method("mean colour"), *_loaded(models)]
    judge = _judge([m.name for m in methods]) if perceptual else None
    step = Steps(2 * len(items), progress)
    survey = survey_of(items, size, step)
    methods[1].ab = survey.mean_ab
    count = len(survey.readable)
    run = _Run(methods, judge, size=size, seed=seed, hints=hints, count=count)
    for place, square in squares(survey.readable, size):
        if isinstance(square, PhotochromError):  # it was readable a moment ago
            survey.unreadable.append((survey.readable[place].name, str(square)))
        else:
            run.add(place, survey.readable[place].name, square)
        step()
    return Report(
        sources=tuple(names),
        size=size,
        seed=seed,
        pictures=run.pictures,
        near_grey=survey.near_grey,
        unreadable=tuple(survey.unreadable),
        mean_ab=survey.mean_ab,
        truth_cf=run.truth_cf / run.pictures,
        truth_cf_abs=run.truth_cf_abs / run.pictures,
        bins=methods[0].tally.curve.bin_count(minimum),
        minimum=minimum,
        scores=run.scores(minimum),
        notes=() if judge is None else tuple(judge.missing),
        samples=tuple(run.samples),
    )


class _Run:
    """The second look: every method on every picture."""

    def __init__(
        self,
        methods: list[_Method],
        judge: Perceptual | None,
        *,
        size: int,
        seed: int,
        hints: int,
        count: int,
    ) -> None:
        self.pictures = 0
        self.truth_cf = self.truth_cf_abs = 0.0
        self.samples: list[Sample] = []
        self._methods, self._judge, self._seed, self._size = methods, judge, seed, size
        draw = random.Random(seed)  # noqa: S311
        order = draw.sample(range(count), count)
        self._shown, self._hinted = set(order[:_SHEET]), set(order[:hints])

    def add(self, place: int, name: str, square: NDArray[np.uint8]) -> None:
        truth = Truth(square)
        self.pictures += 1
        self.truth_cf += truth.cf
        self.truth_cf_abs += truth.cf_abs
        images = {}
        for method in self._methods:
            rgb = self._result(method, truth, place)
            if self._judge is not None:
                self._judge.add(method.name, square, rgb)
            images[method.name] = rgb
        if place in self._shown:
            del images["mean colour"]
            shown = {label: _webp(rgb) for label, rgb in [*images.items(), ("truth", square)]}
            self.samples.append(Sample(name=name, images=shown))

    def _result(self, method: _Method, truth: Truth, place: int) -> NDArray[np.uint8]:
        colorizer = method.colorizer
        if colorizer is None:
            flat = np.empty((2, *truth.grey.shape), np.float32)
            flat[:] = np.array(method.ab, np.float32)[:, None, None]
            rgb = recombine(truth.grey, flat, np.uint8)
            method.tally.add(truth, rgb)
            return np.asarray(rgb)
        start = time.perf_counter()
        prepared = colorizer.prepare(Picture(truth.rgb))  # which takes its grey only
        rgb = colorizer.render(prepared).pixels
        errors = method.tally.add(truth, rgb, time.perf_counter() - start)
        if prepared.logits is not None:
            method.calibration.add(prepared.entropy, errors)
        if place in self._hinted:
            spots = true_hints(truth.rgb, HINT_STEPS[-1], [self._seed, place])
            method.curve.add(truth, _hinted(colorizer, prepared, spots, rgb))
        return rgb

    def scores(self, minimum: int) -> tuple[Score, ...]:
        return tuple(self._score(method, minimum) for method in self._methods)

    def _score(self, method: _Method, minimum: int) -> Score:
        means, grey = method.tally.means, self._methods[0].tally.curve
        auc, balanced = method.tally.curve.auc(), method.tally.curve.balanced_auc(minimum)
        floor = grey.balanced_auc(minimum)
        lpips, fid = (None, None) if self._judge is None else self._judge.scores(method.name)
        ms = means["seconds"] * 1000
        model = method.colorizer is not None
        return Score(
            name=method.name,
            kind="model" if model else "baseline",
            auc=auc,
            auc_gain=auc - grey.auc(),
            auc_balanced=balanced,
            auc_balanced_gain=None if balanced is None or floor is None else balanced - floor,
            cf=means["cf"],
            cf_abs=means["cf_abs"],
            cf_delta_of_means=abs(means["cf"] - self.truth_cf / self.pictures),
            cf_abs_delta_of_means=abs(means["cf_abs"] - self.truth_cf_abs / self.pictures),
            ms_per_picture=ms if model else None,
            ms_per_megapixel=ms * 1e6 / self._size**2 if model else None,
            confidence=method.calibration.result(),
            hint_pictures=len(self._hinted) if model else 0,
            hints=method.curve.result(),
            cf_mean_delta=means["cf_mean_delta"],
            cf_abs_mean_delta=means["cf_abs_mean_delta"],
            psnr=means["psnr"],
            psnr_ab=means["psnr_ab"],
            ssim=means["ssim"],
            ciede2000=means["ciede2000"],
            lpips=lpips,
            fid=fid,
        )


def true_hints(rgb: NDArray[np.uint8], count: int, seed: Sequence[int]) -> list[Hint]:
    """Hints at random places of a true picture, with its colour there.

    Args:
        rgb: ``(H, W, 3)``.
        count: how many; fewer hints of the same seed are the first of these.
        seed: numbers.
    """
    draw = np.random.default_rng(list(seed))
    height, width = rgb.shape[:2]
    hints = []
    for v, u in draw.random((count, 2)):
        y, x = int(v * height), int(u * width)
        spot = rgb[max(0, y - _SPOT) : y + _SPOT + 1, max(0, x - _SPOT) : x + _SPOT + 1]
        red, green, blue = np.rint(spot.reshape(-1, 3).mean(0)).astype(int).tolist()
        hints.append(Hint(x, y, (red, green, blue)))
    return hints


def _hinted(
    colorizer: Colorizer, prepared: Prepared, hints: list[Hint], without: NDArray[np.uint8]
) -> list[NDArray[np.uint8]]:
    steps = HINT_STEPS[1:]
    return [
        without,
        *(colorizer.render(prepared, ColorOptions(hints=hints[:n])).pixels for n in steps),
    ]


def _loaded(models: Sequence[str | os.PathLike[str]]) -> list[_Method]:
    given = list(dict.fromkeys(map(str, models)))
    short = [Path(model).stem if model.endswith(".onnx") else model for model in given]
    taken = {"grey", "mean colour", "truth"}
    names = given if len(set(short) - taken) < len(given) else short
    methods = []
    for model, name in zip(given, names, strict=True):
        colorizer = Colorizer(model)
        colorizer.colorize(np.zeros((64, 64), np.uint8))  # the first time is not to be timed
        methods.append(_Method(name, colorizer))
    return methods


def _judge(names: list[str]) -> Perceptual:
    from .perceptual import Perceptual

    return Perceptual(names)


def _webp(rgb: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    image, buffer = Image.fromarray(rgb), io.BytesIO()
    image.thumbnail((256, 256))
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def _check(size: int, hints: int) -> None:
    if not _SIZES[0] <= size <= _SIZES[1]:
        raise ArgumentError(
            "the size of the compared pictures",
            expected=f"{_SIZES[0]} to {_SIZES[1]} pixels",
            got=str(size),
            fix="leave it out for 256",
        )
    if hints < 0:
        raise ArgumentError(
            "the number of pictures for hints", expected="0 or more", got=str(hints), fix="use 0"
        )
