"""The Colorizer: picture -> L -> predict -> upsample -> recombine."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ._system import cores
from .adjust import vivid, warm
from .color import Codes, Float, keep_grey, lab_to_srgb, neutral, recombine
from .colortable import chroma_table, color_table
from .errors import ArgumentError
from .gamut import entropy, modes
from .hints import propagate, rasterise
from .options import ColorOptions
from .picture import MAX_PIXELS, Deferred, Picture, open_picture
from .upsample import GuidedChroma, shrink

if TYPE_CHECKING:
    from .models.session import Model
    from .picture.jpeg.jpeg_luma import JpegLuma

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
        L: ``(h, w)`` float32 at the model's size.
        ab: ``(2, h', w')`` float32, as predicted without hints, at the card's temperature.
        logits: ``(313, h', w')`` where the model gives a distribution.
    """

    picture: Picture
    L: Float
    ab: Float
    logits: Float | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the picture."""
        return self.picture.height, self.picture.width

    @cached_property
    def grey(self) -> Codes:
        """Grey codes of the picture, ``(H, W)``, with the L of its pixels."""
        pixels = self.picture.pixels
        return pixels if self.picture.grey else neutral(pixels)

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
        height, width = self.shape
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
        size = self.model.fit(picture.height, picture.width, options.size)
        grey: Codes
        if picture.luma and all(m <= n for m, n in zip(size, picture.luma.half.shape, strict=True)):
            grey = picture.luma.grey(picture.luma.half)  # the whole need not be decoded
        else:
            grey = picture.pixels if picture.grey else neutral(picture.pixels)
        L = shrink(grey, *size)
        prediction = self.model.predict(L[None, None])
        logits = None if prediction.logits is None else prediction.logits[0]
        prepared = Prepared(picture, L, prediction.ab[0], logits)
        if grey.shape == prepared.shape:
            prepared.__dict__["grey"] = grey  # as `Prepared.grey` would find it
        return prepared

    def render(self, prepared: Prepared, options: ColorOptions = _DEFAULT) -> Picture:
        """Colour a prepared picture.

        Args:
            prepared: from `prepare` of a Colorizer with the same model.
            options: vividness, hints and so on.

        Returns:
            The picture in colour, with the source's depth, alpha and metadata. That of a grey
            JPEG is painted when it is saved, since its luma may be copied then, or when its
            pixels are asked for.

        Raises:
            ArgumentError: a hint lies outside the picture.
        """
        picture, L, ab = prepared.picture, prepared.L, self.chroma(prepared, options)
        dtype = picture.dtype  # may be deeper than the file, for the sake of its colour profile

        def pixels() -> Codes:
            return self.paint(prepared.grey, L, ab, dtype)

        luma = picture.luma
        if luma is None:
            return picture.with_pixels(pixels()).with_note(self.note)
        chroma = cache(lambda: self.paint_chroma(luma, L, ab))
        deferred = Deferred((*prepared.shape, 3), dtype, pixels)
        return picture.colored(deferred, chroma, self.note)

    def chroma(self, prepared: Prepared, options: ColorOptions = _DEFAULT) -> Float:
        """Chroma of a prepared picture on the model's grid, with all options applied.

        Returns:
            ``(2, h', w')`` float32, ab.

        Raises:
            ArgumentError: a hint lies outside the picture.
        """
        card, shape = self.model.card, prepared.shape
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
        out = np.empty((*grey.shape, 3), grey.dtype if dtype is None else dtype)
        combine: Callable[..., None] = recombine
        if grey.dtype == out.dtype == np.uint8:
            table = color_table()  # enlarging is linear, so it can be done in the table's units
            combine, ab = table.recombine, table.places(ab)
        chroma = GuidedChroma(L, ab, grey.shape)

        def paint(rows: slice) -> None:
            part = grey[rows]
            combine(part, chroma.rows(rows.start, part), out=out[rows])
            if grey.dtype == out.dtype == np.uint16:
                keep_grey(out[rows], part)

        self._in_strips(grey.shape, paint)
        return out

    def paint_chroma(self, luma: JpegLuma, L: Float, ab: Float) -> tuple[Codes, Codes]:
        """Cb and Cr to stand beside the luma of a grey JPEG, enlarged along its edges.

        Args:
            luma: of the picture.
            L, ab: as of `paint`.

        Returns:
            Two planes ``(H', W')`` uint8 of the size of `luma.half`.
        """
        codes, table = luma.half, chroma_table(luma.curve)
        grey = luma.grey(codes)
        planes = np.empty((2, *codes.shape), np.uint8)
        out = np.moveaxis(planes, 0, -1)
        chroma = GuidedChroma(L, table.places(ab), codes.shape)

        def paint(rows: slice) -> None:
            table.recombine(codes[rows], chroma.rows(rows.start, grey[rows]), out[rows])

        self._in_strips(codes.shape, paint)
        return planes[0], planes[1]

    def _in_strips(self, shape: tuple[int, ...], paint: Callable[[slice], None]) -> None:
        """Call `paint` with all rows of a picture, on this Colorizer's threads."""
        height, width = shape
        rows = max(1, min(_STRIP // width, -(-height // self._threads)))
        strips = [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(paint, strips))

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
