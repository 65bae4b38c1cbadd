"""Running methods over sets of pictures and measuring them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING

from .._io import replacing
from ..errors import ArgumentError, PhotochromError
from .accumulators import Truth
from .image_metrics import MINIMUM
from .methods import ColorFunction, Results, methods_of
from .picture_set import PictureSet, chosen, picture_sets, squares
from .protocols import SIZE, check_whole, pictures_of
from .report.scores import Report
from .set_run import SetRun, survey_of

if TYPE_CHECKING:
    from .perceptual import Perceptual

_SIZES = (32, 2048)


def evaluate(
    sources: Sequence[str | os.PathLike[str]],
    models: Sequence[str | os.PathLike[str] | ColorFunction] = ("bundled",),
    *,
    pool: bool = False,
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
) -> list[Report]:
    """Measure models on colour pictures, beside leaving them grey and one mean colour.

    Every picture is cut to its centre square, resized, turned grey, coloured as
    `Colorizer.colorize` does, and compared with the truth. The same arguments give the same
    figures, except for times. Memory grows by ten numbers per picture and method.

    Args:
        sources: folders (with all folders inside) and zip files, each a set by itself, and
            pictures, which together are one.
        models: as for `Colorizer`; or functions that take a grey picture ``(H, W)`` uint8 and give
            ``(H, W, 3)`` uint8, named by their ``__name__``.
        pool: take all sources as one set.
        results: folders of coloured pictures that other tools made, one for each picture and named
            like it; `write_inputs` gives those tools the grey squares.
        size: side of the square in pixels, 32...2048.
        limit: compare only so many pictures of each set, drawn at random.
        seed: of that choice, of the hints' places and of the bootstrap.
        minimum: compared pixels a colour bin needs to count in the class-balanced figure.
        protocol: key of `protocols.PROTOCOLS`: compare on exactly its pictures, in its size; they
            are one set.
        hints: on how many pictures of each set to measure what hints do: the gain by true ones, how
            far a contrary one spreads, and drift; slow; models only.
        groups: whether to measure the colour of skin by group; the pictures are portraits, in a
            folder for each group of people inside the named one.
        perceptual: measure LPIPS and FID too, if their weights are at hand.
        weights: folder with these; None: the folder ``checkpoints`` of PyTorch's hub.
        pull_weights: download those that are not there, and check their SHA-256.
        progress: called with the steps done and in all.

    Returns:
        A `Report` for each set.

    Raises:
        ArgumentError: a set has no colour picture, those of the protocol are not all there, a
            result is missing, or an argument out of range.
        PictureError: a zip file, folder or result cannot be read; single pictures do not raise,
            unless they are of a protocol.
        DownloadError: weights or a protocol's list could not be fetched.
        ModelError: a model cannot be loaded, or fails.
        MissingExtraError: `perceptual` without torchmetrics.
    """
    _check(size, hints)
    for what, given in (("models", models), ("results", results)):
        ArgumentError.check(what, given, list | tuple, "a list")
    sets = _sets(sources, pool, protocol, size, limit, seed)
    methods, folders = methods_of(models, results)
    total, done = 2 * sum(len(each.items) for each in sets), count(1)

    def step() -> None:
        number = next(done)
        if progress is not None:
            progress(min(number, total), total)

    def judge(names: Sequence[str]) -> Perceptual:
        from .perceptual import Perceptual

        folder = None if weights is None else Path(weights).expanduser()
        return Perceptual(names, folder, pull=pull_weights)

    runs = []
    for each in sets:  # whatever is wrong with one of them shows before the long work
        survey = survey_of(each, size, step)
        if protocol is not None:
            check_whole(protocol, survey.unreadable)
        inside = each.name if len(sets) > 1 else ""
        theirs = [Results(name, path, each.items, size, inside) for name, path in folders]
        for one in theirs:
            one.check(survey.readable)
        runs.append(
            SetRun(
                each,
                survey,
                [*methods, *theirs],
                judge if perceptual else None,
                size=size,
                seed=seed,
                hints=hints,
                groups=groups,
            )
        )
    for run in runs:
        run.measure(step)
    return [run.report(minimum, protocol or "") for run in runs]


def write_inputs(
    sources: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    pool: bool = False,
    size: int = 256,
    limit: int | None = None,
    seed: int = 0,
    protocol: str | None = None,
) -> int:
    """Write the grey squares that `evaluate` would colour, for tools that it cannot run.

    Args:
        sources, pool, size, limit, seed, protocol: as for `evaluate`, which is to be given the
            same.
        folder: gets an 8-bit grey PNG for each picture, named like it; those of several sets in a
            folder for each.

    Returns:
        How many were written; pictures that cannot be read are left out.

    Raises:
        ArgumentError: the folder cannot be written, or as for `evaluate`.
    """
    from PIL import Image

    _check(size, 0)
    sets = _sets(sources, pool, protocol, size, limit, seed)
    count = 0
    for each in sets:
        top = Path(folder).expanduser() / (each.name if len(sets) > 1 else "")
        for place, square in squares(each.items, size):
            if isinstance(square, PhotochromError):
                continue
            target = top / f"{each.items[place].key}.png"
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with replacing(target) as part:
                    Image.fromarray(Truth(square).grey).save(part, "PNG")
            except OSError as error:
                raise ArgumentError.unwritable(target, error) from None
            count += 1
    return count


def _sets(
    sources: Sequence[str | os.PathLike[str]],
    pool: bool,
    protocol: str | None,
    size: int,
    limit: int | None,
    seed: int,
) -> list[PictureSet]:
    """The pictures to compare."""
    if protocol is None:
        sets = picture_sets(sources, pool=pool)
        return [replace(each, items=chosen(each.items, limit, seed)) for each in sets]
    if limit is not None or size != SIZE:
        raise ArgumentError(
            f"the protocol {protocol}",
            expected=f"all of its pictures at {SIZE} pixels",
            got=f"size {size}" if size != SIZE else f"a limit of {limit}",
            fix="leave size and limit out, or the protocol",
        )
    (all_of_them,) = picture_sets(sources, pool=True)
    return [replace(all_of_them, name=protocol, items=pictures_of(protocol, all_of_them.items))]


def _check(size: int, hints: int) -> None:
    if not isinstance(size, Integral) or not _SIZES[0] <= size <= _SIZES[1]:
        raise ArgumentError(
            "the size of the compared pictures",
            expected=f"{_SIZES[0]} to {_SIZES[1]} pixels",
            got=size,
        )
    if not isinstance(hints, Integral) or hints < 0:
        raise ArgumentError("the number of pictures for hints", expected="0 or more", got=hints)
