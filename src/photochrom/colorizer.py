"""The Colorizer: picture -> L -> predict -> upsample -> recombine."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._system import cores
from .adjust import vivid, warm
from .color import Codes, Float, lab_to_srgb, neutral, recombine
from .colortable import color_table
from .errors import ArgumentError
from .gamut import entropy, modes
from .hints import propagate, rasterise
from .options import ColorOptions
from .picture import MAX_PIXELS, Picture, open_picture
from .upsample import GuidedChroma, shrink

if TYPE_CHECKING:
    from .models.session import Model

_STRIP = 1 << 20  # pixels painted at a time: large enough that threads rarely wait for each other
_DEFAULT = ColorOptions()


@dataclass(frozen=True)
class Suggestion:
    """A colour a place could have.

    Attributes:
        color: ``#rrggbb``, at the place's own lightness.
        probability: 0...1, as the model sees it.
    """

    color: str
    probability: float


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture and the network's prediction for it, input of `Colorizer.render`.

    Attributes:
        picture: the source.
        grey: its grey codes, ``(H, W)``.
        L: ``(h, w)`` float32 at the model's size.
        ab: ``(2, h', w')`` float32, as predicted without hints, at the card's temperature.
        logits: ``(313, h', w')`` where the model gives a distribution.
    """

    picture: Picture
    grey: Codes
    L: Float
    ab: Float
    logits: Float | None

    @cached_property
    def entropy(self) -> Float:
        """How unsure the model is: ``(h', w')`` float32, 0 certain ... 1 no idea.

        Raises:
            ArgumentError: the model gives no distribution.
        """
        return np.asarray(entropy(self._distribution()[None])[0])

    def palette(self, x: float, y: float, count: int = 5) -> list[Suggestion]:
        """The likeliest colours of one place.

        Args:
            x, y: pixels of the picture.
            count: how many at most.

        Returns:
            Suggestions, likeliest first.

        Raises:
            ArgumentError: the model gives no distribution, or the place is outside the picture.
        """
        logits = self._distribution()
        height, width = self.grey.shape
        if not (0 <= x < width and 0 <= y < height):
            raise ArgumentError(
                "a palette's place",
                expected=f"x in 0...{width - 1} and y in 0...{height - 1}",
                got=f"{x:g},{y:g}",
                fix="give the place in pixels of the full picture",
            )
        row, column = int(y * logits.shape[1] / height), int(x * logits.shape[2] / width)
        here = self.L[int(y * self.L.shape[0] / height), int(x * self.L.shape[1] / width)]
        found = []
        for ab, probability in modes(logits[:, row, column], count):
            rgb = lab_to_srgb(np.array([[here, *ab]], np.float32))[0]
            found.append(Suggestion("#" + bytes(rgb).hex(), round(probability, 4)))
        return found

    def _distribution(self) -> Float:
        if self.logits is None:
            raise ArgumentError(
                "this model gives one colour, not a distribution",
                expected="a model of the family photochrom or zhang16",
                got="another family",
                fix="load the bundled model",
            )
        return self.logits


class Colorizer:
    """A loaded model that gives colour to black-and-white pictures.

    It holds no settings, is never changed, and can be shared between threads.

    Args:
        model: ``"bundled"``, the name of a model in the user's folder, or a path to an ONNX file.
        threads: for one picture; None: as many as there are cores.

    Raises:
        ModelError: the model cannot be found or loaded.
        ArgumentError: `threads` out of range.
    """

    def __init__(
        self, model: str | os.PathLike[str] = "bundled", *, threads: int | None = None
    ) -> None:
        from .models.registry import Registry
        from .models.session import Model

        self._threads = _thread_count(threads)
        self.model: Model = Model(Registry().resolve(model), threads=threads)

    def colorize(
        self, source: Any, options: ColorOptions = _DEFAULT, *, max_pixels: int = MAX_PIXELS
    ) -> Picture:
        """Colour one picture.

        Args:
            source: a path, bytes, a binary file, a PIL image, or an array (``(H, W)`` or
                ``(H, W, 3)`` and with alpha ``(H, W, 2)`` or ``(H, W, 4)``; uint8, uint16, or
                float 0...1). Of several pages, the first; `pipeline.colorize_file` does all.
            options: vividness, hints and so on.
            max_pixels: refuse pictures with more pixels than this before decoding them.

        Returns:
            The picture in colour, with the source's depth, alpha and metadata.

        Raises:
            PictureError: `source` cannot be read.
            ArgumentError: a hint lies outside the picture.
        """
        picture = open_picture(source, max_pixels=max_pixels)
        return self.render(self.prepare(picture, options), options)

    def prepare(self, source: Any, options: ColorOptions = _DEFAULT) -> Prepared:
        """Run the network once, for rendering many times.

        Args:
            source: a `Picture`, or whatever `colorize` takes.
            options: only `ColorOptions.size` counts here.

        Returns:
            What `render` needs.

        Raises:
            PictureError: `source` cannot be read.
            ArgumentError: a size that the model cannot take.
        """
        picture = source if isinstance(source, Picture) else open_picture(source)
        grey = picture.pixels if picture.pixels.ndim == 2 else neutral(picture.pixels)
        height, width = grey.shape
        L = shrink(grey, *self.model.fit(height, width, options.size))
        prediction = self.model.predict(L[None, None])
        logits = None if prediction.logits is None else prediction.logits[0]
        return Prepared(picture, grey, L, prediction.ab[0], logits)

    def render(self, prepared: Prepared, options: ColorOptions = _DEFAULT) -> Picture:
        """Colour a prepared picture.

        Args:
            prepared: from `prepare` of a Colorizer with the same model.
            options: vividness, hints and so on.

        Returns:
            The picture in colour, with the source's depth, alpha and metadata.

        Raises:
            ArgumentError: a hint lies outside the picture.
        """
        ab = self.chroma(prepared, options)
        # Pixels may be deeper than the file, for the sake of its colour profile.
        rgb = self.paint(prepared.grey, prepared.L, ab, prepared.picture.pixels.dtype)
        return prepared.picture.with_pixels(rgb).with_note(self.note)

    def chroma(self, prepared: Prepared, options: ColorOptions = _DEFAULT) -> Float:
        """Chroma of a prepared picture on the model's grid, with all options applied.

        Returns:
            ``(2, h', w')`` float32, ab.

        Raises:
            ArgumentError: a hint lies outside the picture.
        """
        card, shape = self.model.card, prepared.grey.shape
        ab = vivid(prepared.ab, prepared.logits, card.temperature, options.vividness)
        if options.hints:
            steered = None
            if card.hints:
                maps = rasterise(options.hints, shape, prepared.L.shape)
                steered = self.predict(prepared.L, *maps, options=options)
            ab = propagate(ab, prepared.L, options.hints, shape, steered)
        return warm(ab, options.warmth)

    def predict(
        self,
        L: Float,
        hint_ab: Float | None = None,
        mask: Float | None = None,
        *,
        options: ColorOptions = _DEFAULT,
    ) -> Float:
        """Chroma of one picture as the network gives it, at the vividness of `options`.

        Args:
            L: ``(h, w)`` float32, 0...100, of a size that ``model.fit`` gives.
            hint_ab, mask: as `hints.rasterise` gives them, for a model that takes hints.
            options: only `ColorOptions.vividness` counts here.

        Returns:
            ab ``(2, h', w')`` float32, on a grid not larger than `L`.

        Raises:
            ModelError: see `Model.predict`.
        """
        prediction = self.model.predict(L[None, None], hint_ab, mask)
        logits = None if prediction.logits is None else prediction.logits[0]
        return vivid(prediction.ab[0], logits, self.model.card.temperature, options.vividness)

    def paint(
        self, grey: Codes, L: Float, ab: Float, dtype: DTypeLike | None = None
    ) -> NDArray[Any]:
        """Recombine the grey codes of a picture with chroma, enlarged along the edges of L.

        Args:
            grey: ``(H, W)`` grey codes, uint8 or uint16.
            L: ``(h, w)`` float32, the same at the model's size.
            ab: ``(2, h', w')`` float32, on a grid not larger than `L`.
            dtype: of the result; None: that of `grey`.

        Returns:
            ``(H, W, 3)`` RGB with the lightness of `grey`.

        Raises:
            ArgumentError: shapes that do not fit.
        """
        height, width = grey.shape
        out = np.empty((height, width, 3), grey.dtype if dtype is None else dtype)
        rows = max(1, min(_STRIP // width, -(-height // self._threads)))
        combine: Callable[..., None] = recombine
        if grey.dtype == out.dtype == np.uint8:
            table = color_table()  # enlarging is linear, so it can be done in the table's units
            combine, ab = table.recombine, table.places(ab)
        chroma = GuidedChroma(L, ab, grey.shape)

        def paint(top: int) -> None:
            part = grey[top : top + rows]
            combine(part, chroma.rows(top, part), out=out[top : top + len(part)])

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(paint, range(0, height, rows)))
        return out

    @property
    def note(self) -> str:
        """The line that results carry in their metadata."""
        return f"Colours inferred by Photochrom, model {self.model.card.name}; not evidence."


def _thread_count(threads: int | None) -> int:
    if threads is None:
        return cores()
    if threads < 1:
        raise ArgumentError(
            "the number of threads",
            expected="1 or more",
            got=str(threads),
            fix="leave it out for as many as there are cores",
        )
    return threads


def colorize(
    source: Any,
    options: ColorOptions = _DEFAULT,
    *,
    model: str | os.PathLike[str] = "bundled",
    max_pixels: int = MAX_PIXELS,
) -> Picture:
    """Colour one picture; for many, make a `Colorizer` and use its method of the same name.

    Args and errors: see `Colorizer` and `Colorizer.colorize`.
    """
    return Colorizer(model).colorize(source, options, max_pixels=max_pixels)
