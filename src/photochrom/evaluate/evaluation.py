"""Running methods over pictures and measuring them."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .._io import replacing
from ..colorizer import Colorizer
from ..colorizer.prepared import Prepared
from ..errors import ArgumentError, PhotochromError
from ..hints import Hint
from ..options import ColorOptions
from .accumulators import Calibration, HintCurve, Tally, Truth
from .bootstrap import interval
from .clicks import HINT_STEPS, SteeringTally, true_hints
from .image_metrics import MINIMUM
from .methods import ColorFunction, FlatColor, LoadedModel, Method, Results, methods_of
from .picture_set import Item, chosen, list_pictures, squares
from .picture_survey import Steps, survey_of
from .protocols import SIZE, check_whole, names_sha256, pictures_of
from .report.scores import BETTER, Comparison, Report, Sample, Score
from .skin import SkinTally, group_of

if TYPE_CHECKING:
    from .perceptual import Perceptual

_SIZES = (32, 2048)
_SHEET = 12  # pictures of the contact sheet


@dataclass
class _Measured:
    """A method and what was measured of it."""

    method: Method
    tally: Tally = field(default_factory=Tally)
    calibration: Calibration = field(default_factory=Calibration)
    curve: HintCurve = field(default_factory=lambda: HintCurve(HINT_STEPS))
    steering: SteeringTally = field(default_factory=SteeringTally)
    skin: SkinTally = field(default_factory=SkinTally)


def evaluate(
    sources: Sequence[str | os.PathLike[str]],
    models: Sequence[str | os.PathLike[str] | ColorFunction] = ("bundled",),
    *,
    results: Sequence[str | os.PathLike[str]] = (),
    size: int = 256,
    limit: int | None = None,
    seed: int = 0,
    minimum: int = MINIMUM,
    hints: int = 0,
    protocol: str | None = None,
    groups: bool = False,
    perceptual: bool = False,
    weights: str | os.PathLike[str] | None = None,
    pull_weights: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Measure models on colour pictures, beside leaving them grey and one mean colour.

    Every picture is cut to its centre square, resized, turned grey, coloured as
    `Colorizer.colorize` does, and compared with the truth. The same arguments give the same
    figures, except for times. Memory grows by ten numbers per picture and method.

    Args:
        sources: folders (with all folders inside), zip files, or pictures.
        models: as for `Colorizer`; or functions that take a grey picture ``(H, W)`` uint8 and give
            ``(H, W, 3)`` uint8, named by their ``__name__``.
        results: folders of coloured pictures that other tools made, one for each picture and named
            like it; `write_inputs` gives those tools the grey squares.
        size: side of the square in pixels, 32...2048.
        limit: compare only so many pictures, drawn at random.
        seed: of that choice, of the hints' places and of the bootstrap.
        minimum: compared pixels a colour bin needs to count in the class-balanced figure.
        protocol: key of `protocols.PROTOCOLS`: compare on exactly its pictures, in its size.
        hints: on how many of the pictures to measure what hints do: the gain by true ones, how far
            a contrary one spreads, and drift; slow; models only.
        groups: whether to measure the colour of skin by group; the pictures are portraits, in a
            folder for each group of people inside the named one.
        perceptual: measure LPIPS and FID too, if their weights are at hand.
        weights: folder with these; None: the folder ``checkpoints`` of PyTorch's hub.
        pull_weights: download those that are not there, and check their SHA-256.
        progress: called with the steps done and in all.

    Returns:
        A `Report`.

    Raises:
        ArgumentError: no colour picture found, those of the protocol are not all there, a result
            is missing, or an argument out of range.
        PictureError: a zip file, folder or result cannot be read; single pictures do not raise,
            unless they are of a protocol.
        DownloadError: weights or a protocol's list could not be fetched.
        ModelError: a model cannot be loaded, or fails.
        MissingExtraError: `perceptual` without torchmetrics.
    """
    _check(size, hints)
    for what, given in (("models", models), ("results", results)):
        ArgumentError.check(what, given, list | tuple, "a list")
    items = _items(sources, protocol, size, limit, seed)
    grey, mean = FlatColor("grey"), FlatColor("mean colour")
    by_group = {item.key: group_of(item) for item in items} if groups else {}
    measured = [_Measured(each) for each in (grey, mean, *methods_of(models, results, items, size))]
    judge = _judge(measured, weights, pull_weights) if perceptual else None
    step = Steps(2 * len(items), progress)
    survey = survey_of(items, size, step)
    mean.ab = survey.mean_ab
    if protocol is not None:
        check_whole(protocol, survey.unreadable)
    for each in measured:
        if isinstance(each.method, Results):
            each.method.check(survey.readable)
    count = len(survey.readable)
    run = _Run(measured, judge, by_group, size=size, seed=seed, hints=hints, count=count)
    for place, square in squares(survey.readable, size):
        item = survey.readable[place]
        if isinstance(square, PhotochromError):  # it was readable a moment ago
            survey.unreadable.append((item.name, str(square)))
        else:
            run.add(place, item, square)
        step()
    return Report(
        sources=tuple(map(str, sources)),
        protocol=protocol or "",
        names_sha256=names_sha256(survey.readable),
        size=size,
        seed=seed,
        pictures=run.pictures,
        near_grey=survey.near_grey,
        unreadable=tuple(survey.unreadable),
        mean_ab=survey.mean_ab,
        truth_cf=run.truth_cf / run.pictures,
        truth_cf_abs=run.truth_cf_abs / run.pictures,
        bins=measured[0].tally.curve.bin_count(minimum),
        minimum=minimum,
        scores=run.scores(minimum),
        comparisons=_comparisons(measured, seed),
        notes=() if judge is None else tuple(judge.missing),
        samples=tuple(run.samples),
    )


def write_inputs(
    sources: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    size: int = 256,
    limit: int | None = None,
    seed: int = 0,
    protocol: str | None = None,
) -> int:
    """Write the grey squares that `evaluate` would colour, for tools that it cannot run.

    Args:
        sources, size, limit, seed, protocol: as for `evaluate`, which is to be given the same.
        folder: gets an 8-bit grey PNG for each picture, named like it.

    Returns:
        How many were written; pictures that cannot be read are left out.

    Raises:
        ArgumentError: the folder cannot be written, or as for `evaluate`.
    """
    from PIL import Image

    _check(size, 0)
    items = _items(sources, protocol, size, limit, seed)
    count = 0
    for place, square in squares(items, size):
        if isinstance(square, PhotochromError):
            continue
        target = Path(folder).expanduser() / f"{items[place].key}.png"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as part:
                Image.fromarray(Truth(square).grey).save(part, "PNG")
        except OSError as error:
            raise ArgumentError.unwritable(target, error) from None
        count += 1
    return count


def _comparisons(measured: Sequence[_Measured], seed: int) -> tuple[Comparison, ...]:
    """The first method with each other one; a single one with grey."""
    grey, methods = measured[0], measured[2:]
    if not methods:
        return ()
    first, others = methods[0], methods[1:] or [grey]
    found = []
    for other in others:
        for figure in BETTER:
            pairs = zip(first.tally.values[figure], other.tally.values[figure], strict=True)
            gaps = [a - b for a, b in pairs]
            bounds = interval(gaps, seed)
            if bounds is not None:
                found.append(
                    Comparison(
                        first=first.method.name,
                        second=other.method.name,
                        figure=figure,
                        difference=float(np.mean(gaps)),
                        interval=bounds,
                    )
                )
    return tuple(found)


class _Run:
    """The second pass: every method on every picture."""

    def __init__(
        self,
        measured: list[_Measured],
        judge: Perceptual | None,
        groups: Mapping[str, str],
        *,
        size: int,
        seed: int,
        hints: int,
        count: int,
    ) -> None:
        self.pictures = 0
        self.truth_cf = self.truth_cf_abs = 0.0
        self.samples: list[Sample] = []
        self._measured, self._judge, self._seed, self._size = measured, judge, seed, size
        self._groups = groups
        draw = random.Random(seed)  # noqa: S311
        order = draw.sample(range(count), count)
        self._shown, self._hinted = set(order[:_SHEET]), set(order[:hints])

    def add(self, place: int, item: Item, square: NDArray[np.uint8]) -> None:
        truth = Truth(square)
        self.pictures += 1
        self.truth_cf += truth.cf
        self.truth_cf_abs += truth.cf_abs
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
            self.samples.append(Sample(name=item.name, images=shown))

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

    def scores(self, minimum: int) -> tuple[Score, ...]:
        return tuple(self._score(each, minimum) for each in self._measured)

    def _score(self, each: _Measured, minimum: int) -> Score:
        method, means, grey = each.method, each.tally.means, self._measured[0].tally.curve
        auc, balanced = each.tally.curve.auc(), each.tally.curve.balanced_auc(minimum)
        floor = grey.balanced_auc(minimum)
        lpips, fid = (None, None) if self._judge is None else self._judge.scores(method.name)
        ms = means["seconds"] * 1000 if "seconds" in means else None
        bounds = {figure: interval(each.tally.values[figure], self._seed) for figure in BETTER}
        return Score(
            name=method.name,
            kind=method.kind,
            auc=auc,
            auc_gain=auc - grey.auc(),
            auc_balanced=balanced,
            auc_balanced_gain=None if balanced is None or floor is None else balanced - floor,
            cf=means["cf"],
            cf_abs=means["cf_abs"],
            cf_delta_of_means=abs(means["cf"] - self.truth_cf / self.pictures),
            cf_abs_delta_of_means=abs(means["cf_abs"] - self.truth_cf_abs / self.pictures),
            ms_per_picture=ms,
            ms_per_megapixel=None if ms is None else ms * 1e6 / self._size**2,
            confidence=each.calibration.result(),
            hint_pictures=len(self._hinted) if method.kind == "model" else 0,
            hints=each.curve.result(),
            steering=each.steering.result(),
            skin=each.skin.result(),
            cf_mean_delta=means["cf_mean_delta"],
            cf_abs_mean_delta=means["cf_abs_mean_delta"],
            psnr=means["psnr"],
            psnr_ab=means["psnr_ab"],
            ssim=means["ssim"],
            ciede2000=means["ciede2000"],
            lpips=lpips,
            fid=fid,
            intervals={figure: found for figure, found in bounds.items() if found is not None},
        )


def _hinted(
    colorizer: Colorizer, prepared: Prepared, hints: list[Hint], without: NDArray[np.uint8]
) -> list[NDArray[np.uint8]]:
    steps = HINT_STEPS[1:]
    return [
        without,
        *(colorizer.render(prepared, ColorOptions(hints=hints[:n])).pixels for n in steps),
    ]


def _items(
    sources: Sequence[str | os.PathLike[str]],
    protocol: str | None,
    size: int,
    limit: int | None,
    seed: int,
) -> list[Item]:
    """The pictures to compare."""
    if protocol is None:
        return chosen(list_pictures(sources), limit, seed)
    if limit is not None or size != SIZE:
        raise ArgumentError(
            f"the protocol {protocol}",
            expected=f"all of its pictures at {SIZE} pixels",
            got=f"size {size}" if size != SIZE else f"a limit of {limit}",
            fix="leave size and limit out, or the protocol",
        )
    return pictures_of(protocol, list_pictures(sources))


def _judge(
    measured: Sequence[_Measured], weights: str | os.PathLike[str] | None, pull: bool
) -> Perceptual:
    from .perceptual import Perceptual

    folder = None if weights is None else Path(weights).expanduser()
    return Perceptual([each.method.name for each in measured], folder, pull=pull)


def _webp(rgb: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    image, buffer = Image.fromarray(rgb), io.BytesIO()
    image.thumbnail((256, 256))
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def _check(size: int, hints: int) -> None:
    if not isinstance(size, Integral) or not _SIZES[0] <= size <= _SIZES[1]:
        raise ArgumentError(
            "the size of the compared pictures",
            expected=f"{_SIZES[0]} to {_SIZES[1]} pixels",
            got=size,
        )
    if not isinstance(hints, Integral) or hints < 0:
        raise ArgumentError("the number of pictures for hints", expected="0 or more", got=hints)
