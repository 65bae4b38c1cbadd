"""The Colorizer: picture -> L -> predict -> upsample -> recombine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._system import cores
from ..color import Codes, Float
from ..errors import ArgumentError
from ..options import ColorOptions
from ..picture import MAX_PIXELS, Deferred, Picture, open_picture
from ..upsample import joint_bilateral, shrink
from .prepared import CloserLook, Prepared, grey_codes
from .recombination import chroma_planes, finished, recombined, vivid

if TYPE_CHECKING:
    from ..affinity import Match, Reference
    from ..hints import Hint
    from ..models import Model

__all__ = ["Colorizer", "Prepared", "colorize"]

_REFERENCES = 16  # files of references that are kept ready
_DEFAULT = ColorOptions()


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
        from ..models import Model
        from ..models.registry import Registry

        self._given = model, threads
        self._threads = _thread_count(threads)
        self.model: Model = Model(Registry().resolve(model), threads=threads)
        self._references = lru_cache(_REFERENCES)(self._read_reference)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled by the model's name or path: another process loads it anew."""
        return _loaded, (type(self), *self._given)

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
        size = self.model.fit(picture.height, picture.width, _checked(options).size)
        grey = grey_codes(picture, size)
        L = shrink(grey, *size)
        prediction = self.model.predict(L[None, None])
        logits = None if prediction.logits is None else prediction.logits[0]
        features = None if prediction.features is None else prediction.features[0]
        regions = None if prediction.regions is None else prediction.regions[0]
        closer = None
        if CloserLook.possible(self.model, options.size):
            shape = picture.height, picture.width
            closer = CloserLook(self.model, shape, partial(grey_codes, picture))
        prepared = Prepared(picture, L, prediction.ab[0], logits, features, regions, closer)
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
        if not isinstance(prepared, Prepared):
            raise ArgumentError("render", expected="what prepare gives", got=type(prepared))
        ab = self.chroma(prepared, _checked(options))
        L = prepared.L
        return self.painted(prepared.picture, L, ab, lambda: prepared.grey, options.hints)

    def painted(
        self,
        picture: Picture,
        L: Float,
        ab: Float,
        grey: Callable[[], Codes] | None = None,
        hints: Sequence[Hint] = (),
    ) -> Picture:
        """A picture with given chroma, painted as `render` says.

        Args:
            picture: the source.
            L, ab: as of `recombination.recombined`.
            grey: gives its grey codes, if they are known already.
            hints: with which `ab` was made; the pixels of clicks get the very chroma of `ab`.
        """
        shape = picture.height, picture.width
        dtype = picture.dtype  # may be deeper than the file, for the sake of its colour profile
        clicks = [hint for hint in hints if hint.radius is None and not hint.keep]

        def places(size: tuple[int, ...]) -> list[tuple[int, int]]:
            return [hint.cell(shape, size) for hint in clicks]

        def pixels() -> Codes:
            codes = grey() if grey else grey_codes(picture)
            return recombined(codes, L, ab, dtype, places(codes.shape), self._threads)

        luma = picture.luma
        if luma is None:
            return picture.with_pixels(pixels()).with_note(self.note)
        chroma = cache(lambda: chroma_planes(luma, L, ab, places(luma.half.shape), self._threads))
        deferred = Deferred((*shape, 3), dtype, pixels)
        return picture.colored(deferred, chroma, self.note)

    def chroma(self, prepared: Prepared, options: ColorOptions = _DEFAULT) -> Float:
        """Chroma of a prepared picture, with all options applied.

        Returns:
            ``(2, h, w)`` float32, ab; on the model's grid, or with hints or references at the size
            of `Prepared.L`.

        Raises:
            ArgumentError: a hint lies outside the picture, or a reference cannot be used.
        """
        ArgumentError.check("prepared", prepared, Prepared, "what prepare gives")
        ab = vivid(
            prepared.ab,
            prepared.logits,
            self.model.card,
            _checked(options).vividness,
        )
        found = self.match(prepared, options) if options.references else None
        if found is not None:
            ab = _borrowed(ab, prepared.L, found, options.vividness)
        if options.hints:
            from ..hints import rasterise
            from ..hints.spread import carry

            shape = prepared.shape

            def ask(hints: Sequence[Hint]) -> Float:
                maps = rasterise(hints, shape, prepared.L.shape, ab)
                told = self.predict(prepared.L, *maps, options=options)
                if found is None:
                    return told
                return _borrowed(told, prepared.L, found, options.vividness)

            asked = ask if self.model.card.hints else None
            ab = carry(ab, prepared.L, prepared.vectors, options.hints, shape, asked)
        return finished(ab, options)

    def reference(self, source: Any, options: ColorOptions = _DEFAULT) -> Reference:
        """Prepare a colour picture to borrow colours from.

        Args:
            source: whatever `colorize` takes.
            options: only `ColorOptions.size` counts here.

        Returns:
            A value for `ColorOptions.reference`.

        Raises:
            PictureError: `source` cannot be read.
            ArgumentError: the picture has no colours, or the model has no features.
        """
        from ..affinity import Reference

        prepared = self.prepare(source, options)
        return Reference(self._features(prepared), prepared.true_ab)

    def match(self, prepared: Prepared, options: ColorOptions) -> Match:
        """What the references of `options` say of a prepared picture.

        Args:
            prepared: from `prepare`.
            options: `ColorOptions.reference` and `ColorOptions.size` count here.

        Raises:
            PictureError: a reference cannot be read.
            ArgumentError: there is no reference, one has no colours, or the model has no features.
        """
        from ..affinity import Reference, match

        references = []
        for source in _checked(options).references:
            if isinstance(source, Reference):
                references.append(source)
            else:
                path = Path(source)
                stamp = path.stat().st_mtime_ns if path.is_file() else 0
                references.append(self._references(path, options.size, stamp))
        return match(self._features(prepared), references)

    def _features(self, prepared: Prepared) -> Float:
        ArgumentError.check("prepared", prepared, Prepared, "what prepare gives")
        if prepared.features is None:
            raise ArgumentError(
                f"the model {self.model.card.name} cannot borrow colours from references",
                expected="a model with features",
                fix="use the bundled model",
            )
        return prepared.features

    def _read_reference(self, path: Path, size: int | None, stamp: int) -> Reference:
        return self.reference(path, ColorOptions(size=size))

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
        ArgumentError.check("L", L, np.ndarray, "an array (h, w)")
        prediction = self.model.predict(L[None, None], hint_ab, mask)
        logits = None if prediction.logits is None else prediction.logits[0]
        return vivid(prediction.ab[0], logits, self.model.card, options.vividness)

    @property
    def note(self) -> str:
        """The line that results carry in their metadata."""
        return f"Colours inferred by Photochrom, model {self.model.card.name}; not evidence."


def _borrowed(ab: Float, L: Float, found: Match, vividness: float) -> Float:
    """Chroma where references match, `ab` elsewhere; at the size of L."""
    planes = np.concatenate([found.ab * np.float32(vividness), found.confidence[None]])
    theirs, fine = joint_bilateral(L, planes), joint_bilateral(L, ab)
    return np.asarray(fine + np.clip(theirs[2], 0, 1) * (theirs[:2] - fine))


def _loaded(kind: type[Colorizer], model: str | os.PathLike[str], threads: int | None) -> Colorizer:
    return kind(model, threads=threads)


def _thread_count(threads: int | None) -> int:
    if threads is None:
        return cores()
    if not isinstance(threads, int) or threads < 1:
        raise ArgumentError("threads", expected="1 or more", got=repr(threads))
    return threads


def _checked(options: ColorOptions) -> ColorOptions:
    if not isinstance(options, ColorOptions):
        raise ArgumentError("options", expected="a ColorOptions", got=repr(options))
    return options


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
