"""From a picture's file to its coloured file: open, prepare, render and save every page."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from .colorizer import Colorizer
from .colorizer.prepared import Prepared
from .errors import ArgumentError, CancelToken, InColorError, PictureError, PictureTooLargeError
from .media import FORMATS, PICTURE_SUFFIXES, default_suffix, format_for, writable_format
from .options import ColorOptions, OutputOptions
from .picture import Picture, is_in_color, open_pages, save_pages, was_colored
from .picture.source import Source

if TYPE_CHECKING:
    from .picture.animation import Animation

_NOTHING = 0.02  # of the pixels: a reference that matches no more has nothing in common

StepName = Literal["decode", "predict", "paint", "encode"]


@dataclass(frozen=True)
class Step:
    """One finished step of `colorize_file`.

    Attributes:
        name: decode, predict, paint or encode.
        page: number of the page, from 0; of the step encode, the number of pages.
        seconds: that it took.
        prepared: of the step predict, the picture and its prediction.
    """

    name: StepName
    page: int
    seconds: float
    prepared: Prepared | None = None


@dataclass
class Result:
    """A coloured file.

    Attributes:
        format: of the file, a key of `media.FORMATS`.
        width, height: of the first page, in pixels.
        pages: number of pages.
        frames: of an animation; None of other pictures.
        pixels: of all pages, or of all frames.
        seconds: by step.
        matched: share of the pixels that took their colours from references, 0...1; None without
            references.
        notes: what was not carried over from the source, and what a reference did not do, a line
            each.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    pages: int = 0
    frames: int | None = None
    pixels: int = 0
    seconds: dict[StepName, float] = field(default_factory=dict)
    matched: float | None = None
    notes: tuple[str, ...] = ()


def colorize_file(
    colorizer: Colorizer,
    source: str | Path | bytes | BinaryIO,
    target: str | Path | BinaryIO,
    options: ColorOptions | None = None,
    output: OutputOptions | None = None,
    *,
    compare: str | Path | BinaryIO | None = None,
    cancel: CancelToken | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Result:
    """Colour a picture's file, every page of it; one page is in memory at a time.

    An animation is coloured whole and steadily, as a short film, if the format can hold it and the
    extra ``video`` is installed; of others the first frame.

    Args:
        colorizer: the loaded model.
        source: a path, the bytes of a file, or a file open for reading.
        target: a path, whose folder is made and which is replaced whole or not at all, or a file
            open for writing. Its name's ending tells the format, unless `output` does.
        options: vividness, hints and so on.
        output: format, quality and limits.
        compare: where a before-and-after picture of the first page goes, a path or an open file.
        cancel: checked between two steps.
        on_step: called after each step.

    Returns:
        What was written.

    Raises:
        PictureError: the source cannot be read, or the target cannot be written.
        InColorError: the source is in colour, and `output` says to skip it then.
        PictureTooLargeError: the pages have more pixels together than `output` allows.
        ArgumentError: a hint lies outside its page, or the format cannot be written.
        CancelledError: `cancel` was set; nothing was written.
    """
    for what, given, kind in (
        ("options", options, ColorOptions),
        ("output", output, OutputOptions),
    ):
        ArgumentError.check(what, given, kind | None, f"{kind.__name__} or None")
    ArgumentError.check("colorizer", colorizer, Colorizer, "a Colorizer")
    output = output or OutputOptions()
    work = _Pages(colorizer, options or ColorOptions(), output, cancel or CancelToken(), on_step)
    file = Source.of(source)
    animation = _animation(file, target, output)
    if animation is None:
        pages = work.colored(file, compare is not None)
    else:
        pages = work.animated(animation, compare is not None)
    first = next(pages, None)  # before anything is made: what is no picture leaves no trace
    if first is None:
        raise PictureError(f"{file.name} cannot be read", expected="a picture", got="no page")
    if isinstance(target, str | Path):
        Path(target).parent.mkdir(parents=True, exist_ok=True)
    path = Path(target) if isinstance(target, str | Path) else None
    format = output.format
    if format is None and not (path and path.suffix):
        format = writable_format(_suffix(target) or first.suffix)
    format = format_for(path, format, first.format)
    start, others = time.perf_counter(), sum(work.result.seconds.values())
    colored = map(partial(work.saved, format), _chain(first, pages))
    quality = output.quality
    if animation is None:
        again = output.recompress
        written = save_pages(colored, target, format=format, quality=quality, recompress=again)
    else:
        from .picture.animation import save_animation

        written = save_animation(colored, target, animation, format=format, quality=quality)
    work.result.format = written
    if work.comparison is not None:
        assert compare is not None
        format = None if isinstance(compare, str | Path) else _suffix(compare) or "png"
        save_pages([work.comparison], compare, format=format, quality=output.quality)
    # Later pages are decoded and painted while the file is being written.
    others = sum(work.result.seconds.values()) - others
    work.told("encode", work.result.pages, time.perf_counter() - start - others)
    return work.result


def _animation(
    source: Source, target: str | Path | BinaryIO, output: OutputOptions
) -> Animation | None:
    """The animation that a file is, if it is to be written as one and can be coloured here."""
    if output.page is not None:
        return None
    here = FORMATS.get(source.media.format)
    if here is None or not here.animated or find_spec("cv2") is None:  # which steady colour needs
        return None
    from .picture.animation import open_animation

    suffix = Path(target).suffix if isinstance(target, str | Path) else _suffix(target)
    name = PICTURE_SUFFIXES.get(suffix.lower())
    animation = open_animation(source, max_pixels=output.max_pixels)
    if animation is None:
        return None
    row = FORMATS[output.format or name or default_suffix(animation.format).lstrip(".")]
    return animation if row.animated and row.write else None


def _suffix(target: str | Path | BinaryIO) -> str:
    """The ending of an open file's name, or of a path."""
    name = getattr(target, "name", None)
    return Path(name).suffix if isinstance(name, str) else ""


def _chain(first: Picture, rest: Iterator[Picture]) -> Iterator[Picture]:
    yield first
    del first
    yield from rest


class _Pages:
    """The pages of one source in colour, made as they are asked for."""

    def __init__(
        self,
        colorizer: Colorizer,
        options: ColorOptions,
        output: OutputOptions,
        cancel: CancelToken,
        on_step: Callable[[Step], None],
    ) -> None:
        self._colorizer, self._options, self._output = colorizer, options, output
        self._cancel, self._on_step = cancel, on_step
        self.result = Result()
        self.comparison: Picture | None = None

    def told(self, name: StepName, page: int, seconds: float, **found: Prepared) -> None:
        """Add up the time of a step and report it."""
        self.result.seconds[name] = self.result.seconds.get(name, 0.0) + seconds
        self._on_step(Step(name, page, seconds, **found))

    def saved(self, format: str, page: Picture) -> Picture:
        """Note what the page loses in this format."""
        self._note(page.losses(format, recompress=self._output.recompress))
        return page

    def _note(self, notes: tuple[str, ...]) -> None:
        """Add lines to the result, each once."""
        self.result.notes += tuple(n for n in notes if n not in self.result.notes)

    def _note_match(self, matched: float, page: Picture) -> None:
        """Add a page to the share that took its colours from references."""
        pixels, result = page.width * page.height, self.result
        before = (result.matched or 0.0) * (result.pixels - pixels)
        result.matched = (before + matched * pixels) / result.pixels
        if matched < _NOTHING:
            where = f"page {result.pages + 1}: " if result.pages else ""
            self._note((f"{where}nothing in common with the reference; it was not used",))

    def colored(self, source: Source, compare: bool) -> Iterator[Picture]:
        limit, only = self._output.max_pixels, self._output.page
        sources = open_pages(source, max_pixels=limit, strict=self._output.strict)
        for number in count():
            self._cancel.check()
            start = time.perf_counter()
            page = next(sources, None)
            if page is None:
                if only is not None and only > number:
                    raise PictureError(f"page {only}", expected=f"1...{number}", got="no such page")
                return
            if only not in (None, number + 1):
                continue
            self._count(page)
            self.told("decode", number, time.perf_counter() - start)
            self._check_color(page)
            yield self._rendered(page, number, compare)
            del page

    def animated(self, animation: Animation, compare: bool) -> Iterator[Picture]:
        """The frames of an animation, in steady colour; ArgumentError if there are hints."""
        from .video.colorize_frames import steady_pictures

        if self._options.hints:
            raise ArgumentError(
                "hints cannot be used in an animation",
                fix="leave them out, or colour its first frame alone (page=1, --page 1)",
            )
        waiting: deque[Picture] = deque()
        frames = steady_pictures(self._frames(animation, waiting), self._colorizer, self._options)
        for picture in frames:
            grey = waiting.popleft()
            if not self.result.pages:
                self._first(grey, picture, compare)
            self.result.pages, self.result.frames = 1, (self.result.frames or 0) + 1
            self._note(picture.notes)
            yield picture

    def _first(self, before: Picture, after: Picture, compare: bool) -> None:
        self.result.width, self.result.height = after.width, after.height
        if compare:
            from .picture.comparison import before_after

            both = before_after(before.pixels, after.pixels)
            self.comparison = both.with_note(after.note)

    def _frames(self, animation: Animation, waiting: deque[Picture]) -> Iterator[Picture]:
        """The frames as they are opened, which are kept in `waiting` as well."""
        for number, page in enumerate(animation.frames()):
            self._cancel.check()
            self._count(page)
            if not number:
                self._check_color(page)
            waiting.append(page)
            yield page

    def _count(self, page: Picture) -> None:
        """Add the pixels of a page; PictureTooLargeError if together they are too many."""
        limit = self._output.max_pixels
        self.result.pixels += page.width * page.height
        if self.result.pixels > limit:
            raise PictureTooLargeError(
                "the pages together are too large",
                expected=f"at most {limit:,} pixels",
                got=f"{self.result.pixels:,} and more",
                fix="colour them one by one, or raise the limit (max_pixels=, --max-pixels)",
            )

    def _check_color(self, page: Picture) -> None:
        """Note that a picture has colours already, or refuse it with InColorError."""
        result = was_colored(page)
        if not result and not is_in_color(page):
            return
        if self._output.in_color == "skip":
            refused = InColorError("a result of Photochrom" if result else "it is in colour")
            refused.result = result
            raise refused
        self._note(("its own colours were replaced",))

    def _rendered(self, page: Picture, number: int, compare: bool) -> Picture:
        options = self._options.for_page(number)
        self._cancel.check()
        start = time.perf_counter()
        prepared = self._colorizer.prepare(page, options)
        self.told("predict", number, time.perf_counter() - start, prepared=prepared)
        self._cancel.check()
        start = time.perf_counter()
        picture = self._colorizer.render(prepared, options)
        if options.references:
            self._note_match(self._colorizer.match(prepared, options).matched, page)
        if not self.result.pages:
            self._first(page, picture, compare)
        self.result.pages += 1
        self._note(picture.notes)
        self.told("paint", number, time.perf_counter() - start)
        return picture
