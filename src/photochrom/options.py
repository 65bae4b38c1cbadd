"""Options: what a user chose, as frozen dataclasses that travel between processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from ._io import file_sha256
from .errors import ArgumentError
from .media import writable_format
from .picture import MAX_PIXELS

if TYPE_CHECKING:
    from .affinity import Reference
    from .hints import Hint
    from .hints.moment import Moment
    from .shot_list import ShotList

    Source = str | PathLike[str] | Reference
else:
    # For those who ask for the types of fields; they are imported where there is a value.
    Hint = ShotList = Source = Any


@dataclass(frozen=True, eq=False)
class Still:
    """A coloured still and its place in a film.

    Attributes:
        picture: a path, or what `Colorizer.reference` made of a picture.
        time: the moment that it shows, also as seconds or text, see `Moment.parse`.

    Raises:
        ArgumentError: `time` is no moment.
    """

    picture: Source
    time: Moment | float | str

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", self.moment)
        if isinstance(self.picture, PathLike):
            object.__setattr__(self, "picture", fspath(self.picture))

    @property
    def moment(self) -> Moment:
        """`time` as a `Moment`."""
        from .hints.moment import Moment

        return Moment.parse(self.time)


def digest_of(reference: Source) -> str:
    """SHA-256 of a reference, file or prepared; ArgumentError if the file cannot be read."""
    if not isinstance(reference, str | PathLike):
        return hashlib.sha256(b"".join(part.tobytes() for part in reference)).hexdigest()
    try:
        return file_sha256(reference)
    except OSError as error:
        raise ArgumentError.unreadable(reference, error) from None


MAX_VIVIDNESS = 4.0
"""Largest value of `ColorOptions.vividness`."""


@dataclass(frozen=True)
class Range:
    """Values that a number among the options may have.

    Attributes:
        low, high: the least and the greatest.
        usual: the default, and what it does.
        about: one sentence for people.
    """

    low: float
    high: float
    usual: str
    about: str = ""


def ranges(options: Any) -> dict[str, Range]:
    """The ranges of a class of options, or of an instance, by the names of its fields."""
    return {f.name: f.metadata["range"] for f in fields(options) if "range" in f.metadata}


@dataclass(frozen=True)
class ColorOptions:
    """How pictures and films are coloured.

    Attributes:
        vividness: 0 leaves the picture grey but for hints, 1 is the model's own, up to 4 is more.
        warmth: -1 (blue) to 1 (yellow), 0 leaves the colours as they are.
        size: side in pixels of the square whose area the network's input has; None: the model's.
        hints: colours fixed at places.
        reference: colour pictures to borrow colours from, one or several: paths, or what
            `Colorizer.reference` made of a picture; for films also a `Still`, or a folder of stills
            whose names end in the number of their frame.

    Raises:
        ArgumentError: a value out of range.
    """

    vividness: float = field(
        default=1.0,
        metadata={
            "range": Range(
                0, MAX_VIVIDNESS, "1 for the model's own", "0 is grey, 1 the model's own colours."
            )
        },
    )
    warmth: float = field(
        default=0.0,
        metadata={
            "range": Range(
                -1, 1, "0 for the colours as they are", "Towards blue, or towards yellow."
            )
        },
    )
    size: int | None = None
    hints: Sequence[Hint] = ()
    reference: Source | Still | Sequence[Source | Still] = ()

    def __post_init__(self) -> None:
        for name, allowed in ranges(self).items():
            value = getattr(self, name)
            _check_range(name, value, allowed.low, allowed.high, allowed.usual)
        if self.size is not None and not isinstance(self.size, Integral):
            raise ArgumentError("size", expected="pixels as an integer", got=repr(self.size))
        object.__setattr__(self, "hints", _hints(self.hints))
        object.__setattr__(self, "reference", _references(self.reference))

    @property
    def references(self) -> tuple[Source, ...]:
        """Those of `reference` that are for all pictures and shots alike."""
        every: tuple[Source | Still, ...] = self.reference  # type: ignore[assignment]  # see above
        return tuple(one for one in every if not isinstance(one, Still))

    @property
    def stills(self) -> tuple[Still, ...]:
        """Those of `reference` that have a place in a film."""
        every: tuple[Source | Still, ...] = self.reference  # type: ignore[assignment]  # see above
        return tuple(one for one in every if isinstance(one, Still))

    def for_page(self, page: int) -> ColorOptions:
        """The same options with the hints of one page only, whose number counts from 0."""
        hints = [hint for hint in self.hints if hint.page in (None, page)]
        return replace(self, hints=hints)


@dataclass(frozen=True)
class OutputOptions:
    """How coloured pictures are read and written.

    Attributes:
        format: key of `media.FORMATS`, in any usual spelling; None: by the target's suffix, else
            the source's own.
        quality: 1...100 for formats with loss; None: the format's default, or, where a JPEG's
            luma is copied, the source's.
        max_pixels: limit on the pixels of a picture, all pages together.
        recompress: encode the luma of a grey JPEG anew where it could be copied.
        strict: refuse a JPEG whose end is missing instead of colouring what is there.
        in_color: ``"recolor"``: pictures in colour are coloured anew; ``"skip"``: they are refused
            with `InColorError`, as are results of Photochrom.
        page: number of the only page to colour, from 1; None: all.

    Raises:
        ArgumentError: a value out of range, or a format that cannot be written.
    """

    format: str | None = None
    quality: int | None = None
    max_pixels: int = MAX_PIXELS
    recompress: bool = False
    strict: bool = False
    in_color: str = "recolor"
    page: int | None = None

    def __post_init__(self) -> None:
        if self.format is not None:
            object.__setattr__(self, "format", writable_format(self.format))
        if self.quality is not None:
            _check_range("quality", self.quality, 1, 100, "the format's default")
        check_count("max_pixels", self.max_pixels, optional=False)
        check_count("page", self.page)
        _check_choice("in_color", self.in_color, ("recolor", "skip"))


@dataclass(frozen=True)
class VideoOptions:
    """How a video is read, coloured over time and written.

    Attributes:
        codec: h264, hevc, av1, vp9, prores or ffv1; None: the usual one of the file written.
        crf: quality, smaller is better; None: the codec's default.
        preset: the encoder's, how much time it takes; None: a fast one.
        start, end: seconds; only this part is coloured.
        compare: before and after side by side, in frames of twice the width.
        deinterlace: ``"auto"``: interlaced frames become whole ones at the same rate; ``"ivtc"``:
            telecined frames become the film's own, four of five; ``"off"``: frames stay as decoded.
        in_color: what becomes of frames in colour in a film that is black and white otherwise:
            ``"keep"`` or ``"recolor"``.
        fps: folders hold the numbered frames of films, so many per second; None: they hold
            pictures and films.
        shots: the film's shots and what is wanted of them, or the file of such a list; the
            segments of each are kept until the film is made without a list.

    Raises:
        ArgumentError: a value that is none of these.
    """

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    start: float | None = None
    end: float | None = None
    compare: bool = False
    deinterlace: str = "auto"
    in_color: str = "keep"
    fps: float | None = None
    shots: ShotList | str | PathLike[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.shots, str | PathLike):
            from .shot_list import ShotList

            object.__setattr__(self, "shots", ShotList.read(self.shots))
        if self.fps is not None:
            _check_range("fps", self.fps, 0.01, 1000, "folders of pictures and films")
        for name in ("crf", "start", "end"):
            ArgumentError.check(name, getattr(self, name), Real | None, "a number, or None")
        for name in ("codec", "preset"):
            ArgumentError.check(name, getattr(self, name), str | None, "a name, or None")
        _check_choice("deinterlace", self.deinterlace, ("auto", "off", "ivtc"))
        _check_choice("in_color", self.in_color, ("keep", "recolor"))

    @property
    def shot_list(self) -> ShotList | None:
        """`shots` as a list."""
        return self.shots  # type: ignore[return-value]  # __post_init__ made it one


def _references(given: object) -> tuple[Source | Still, ...]:
    if isinstance(given, list | tuple) and not given:
        return ()
    from .affinity import Reference

    kinds: Any = str | PathLike | Reference | Still
    form = "paths of pictures, or what Colorizer.reference gives"
    found: Any = (given,) if isinstance(given, kinds) else given
    ArgumentError.check("reference", found, Iterable, form)
    found = tuple(found)
    for one in found:
        ArgumentError.check("reference", one, kinds, form)
    return tuple(fspath(one) if isinstance(one, PathLike) else one for one in found)


def _hints(given: object) -> tuple[Hint, ...]:
    hints = tuple(given) if isinstance(given, Iterable) else (given,)
    if not hints:
        return ()
    from .hints import Hint

    for each in hints:
        if not isinstance(each, Hint):
            raise ArgumentError("hints", expected="a sequence of Hint", got=repr(each))
    return hints


def check_count(name: str, value: object, *, optional: bool = True) -> None:
    """Refuse a `value` that is no whole number from 1 on, nor None where it is optional."""
    if value is None and optional:
        return
    if not isinstance(value, Integral) or int(value) < 1:
        raise ArgumentError(name, expected="1 or more", got=str(value))


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ArgumentError(
            name, expected=f"one of {', '.join(choices)}", got=repr(value), fix=f"use {choices[0]}"
        )


def _check_range(name: str, value: float, low: float, high: float, usual: str) -> None:
    if not isinstance(value, Real) or not low <= value <= high:
        raise ArgumentError(
            name,
            expected=f"a number in {low:g}...{high:g}",
            got=str(value),
            fix=f"leave it out for {usual}" if name == "quality" else f"use {usual}",
        )
