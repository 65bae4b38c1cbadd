"""Methods under evaluation: flat colours, models, functions, and results made elsewhere."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..color import recombine
from ..colorizer import Colorizer
from ..colorizer.prepared import Prepared
from ..errors import ArgumentError
from ..picture import Picture
from .accumulators import Truth
from .picture_set import Item, list_pictures, read_square

Rgb = NDArray[np.uint8]

_TAKEN = frozenset({"grey", "mean colour", "truth"})  # names of columns

ColorFunction = Callable[[NDArray[np.uint8]], Rgb]
"""Takes a grey picture ``(H, W)`` uint8 and gives ``(H, W, 3)`` uint8 sRGB."""


@dataclass(frozen=True)
class Coloring:
    """What a method made of one picture."""

    rgb: Rgb  # ``(size, size, 3)``
    seconds: float | None = None  # time taken; None where nothing was computed
    prepared: Prepared | None = None  # the model's prediction; None for other methods


class Method(Protocol):
    """A column of the report.

    Attributes:
        name: its heading.
        kind: one of the four words.
    """

    name: str

    @property
    def kind(self) -> Literal["baseline", "model", "function", "results"]: ...

    def color(self, truth: Truth, item: Item) -> Coloring:
        """Colour the grey version of `truth`, which is the picture `item`."""
        ...


class FlatColor:
    """Baseline: the same ab everywhere; 0, 0 leaves the picture grey."""

    kind: Literal["baseline"] = "baseline"

    def __init__(self, name: str, ab: tuple[float, float] = (0.0, 0.0)) -> None:
        self.name, self.ab = name, ab

    def color(self, truth: Truth, item: Item) -> Coloring:
        flat = np.empty((2, *truth.grey.shape), np.float32)
        flat[:] = np.array(self.ab, np.float32)[:, None, None]
        return Coloring(np.asarray(recombine(truth.grey, flat, np.uint8)))


class LoadedModel:
    """A model, with everything that `Colorizer.colorize` does around the network."""

    kind: Literal["model"] = "model"

    def __init__(self, name: str, model: str) -> None:
        self.name, self.colorizer = name, Colorizer(model)
        self.colorizer.colorize(np.zeros((64, 64), np.uint8))  # the first run is slower

    def color(self, truth: Truth, item: Item) -> Coloring:
        start = time.perf_counter()
        prepared = self.colorizer.prepare(Picture(truth.grey))
        rgb = self.colorizer.render(prepared).pixels
        return Coloring(rgb, time.perf_counter() - start, prepared)


class Function:
    """A Python function that takes 8-bit grey pictures."""

    kind: Literal["function"] = "function"

    def __init__(self, name: str, function: ColorFunction) -> None:
        self.name, self._function = name, function

    def color(self, truth: Truth, item: Item) -> Coloring:
        start = time.perf_counter()
        rgb = np.asarray(self._function(truth.grey))
        seconds = time.perf_counter() - start
        if rgb.shape != truth.rgb.shape or rgb.dtype != np.uint8:
            raise ArgumentError(
                f"the result of {self.name}",
                expected=f"uint8 {truth.rgb.shape}",
                got=f"{rgb.dtype} {rgb.shape}",
            )
        return Coloring(rgb, seconds)


class Results:
    """A folder of coloured pictures that another tool made.

    A result belongs to the picture with the same path below the folder, else to the one with the
    same file name; the suffix, and ``-color`` at the end of the stem, do not count.

    Args:
        folder: looked through with all folders inside; a zip file will do.
        items: the pictures that are evaluated on.
        size: side of the squares that are compared; results of other sizes are cut and resized
            as the pictures are.
        inside: the folder inside it that has the results of this set, if there is one of that name.
    """

    kind: Literal["results"] = "results"

    def __init__(
        self, name: str, folder: str, items: Sequence[Item], size: int, inside: str = ""
    ) -> None:
        self.name, self._size = name, size
        paths = {_plain(item.key): item for item in list_pictures([folder])}
        top = f"{inside}/"
        if inside and any(path.startswith(top) for path in paths):
            paths = {p.removeprefix(top): item for p, item in paths.items() if p.startswith(top)}
        names = _unique((path.rpartition("/")[2], item) for path, item in paths.items())
        wanted = _unique((item.key.rpartition("/")[2], item) for item in items)
        self._results: dict[Item, Item] = {}
        for item in items:
            result, stem = paths.get(item.key), item.key.rpartition("/")[2]
            if result is None and wanted[stem] is not None:
                result = names.get(stem)
            if result is not None:
                self._results[item] = result

    def check(self, items: Sequence[Item]) -> None:
        """Refuse a folder without one result for each picture, with ArgumentError."""
        missing = [item.name for item in items if item not in self._results]
        if missing:
            raise ArgumentError(
                f"the results {self.name} are not complete",
                expected=f"one for each of {len(items)} pictures",
                got=f"none for {len(missing)} of them, among these {missing[0]}",
            )

    def color(self, truth: Truth, item: Item) -> Coloring:
        return Coloring(read_square(self._results[item], self._size))


def _plain(key: str) -> str:
    return key.removesuffix("-color")


def _unique(pairs: Iterable[tuple[str, Item]]) -> dict[str, Item | None]:
    """Name -> its item; None for a name that several have."""
    found: dict[str, list[Item]] = defaultdict(list)
    for name, item in pairs:
        found[name].append(item)
    return {name: items[0] if len(items) == 1 else None for name, items in found.items()}


def methods_of(
    models: Sequence[str | os.PathLike[str] | ColorFunction],
    results: Sequence[str | os.PathLike[str]],
) -> tuple[list[Method], list[tuple[str, str]]]:
    """Models and functions, and the names and paths of results; all names differ."""
    functions = [model for model in models if callable(model)]
    paths = list(dict.fromkeys(str(model) for model in models if not callable(model)))
    folders = list(dict.fromkeys(map(str, results)))
    called = [getattr(function, "__name__", "function") for function in functions]
    names = iter(_unlike([*_short([*paths, *folders]), *called]))
    named = [(next(names), path) for path in (*paths, *folders)]
    loaded: list[Method] = [LoadedModel(name, path) for name, path in named[: len(paths)]]
    return [*loaded, *(Function(next(names), each) for each in functions)], named[len(paths) :]


def _short(given: Sequence[str]) -> Sequence[str]:
    """Stems, unless two are the same or one is taken."""
    short = [Path(text).stem if "/" in text or text.endswith(".onnx") else text for text in given]
    return short if len(set(short) - _TAKEN) == len(given) else given


def _unlike(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that are taken."""
    taken, found = set(_TAKEN), list[str]()
    for name in names:
        number, new = 1, name
        while new in taken:
            number += 1
            new = f"{name} {number}"
        taken.add(new)
        found.append(new)
    return found
