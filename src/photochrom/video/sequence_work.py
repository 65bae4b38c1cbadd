"""An image sequence, from its numbered frames to segments, which are folders of coloured ones."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from .._io import show
from ..color import Float
from ..colorizer import Colorizer
from ..errors import VideoError
from ..media import FORMATS, PICTURE_SUFFIXES, identify, read_head, result_suffix
from ..options import ColorOptions, OutputOptions
from ..picture import Picture, is_in_color, open_picture
from .color.coloring import Coloring
from .color.references import pinned
from .color.steady import SteadyColor
from .color.view import common_box
from .colorize_frames import FrameSize
from .segments.segment_file import writing
from .segments.segmented_work import Progress, SegmentedWork
from .segments.work_folder import WorkFolder

_NAME = re.compile(r"(.*?)(\d+)([^\d]*)")
_FEW = 5  # missing numbers that are named
_LOOKS = 8  # frames that are looked at for bars and colours
_LARGE = 32 << 20  # bytes of a frame above which it waits in a file


@dataclass(frozen=True)
class NumberedFrames:
    """The frames in a folder."""

    folder: Path  # where they are
    files: tuple[Path, ...]  # of the frames, in their order
    notes: tuple[str, ...] = ()  # what is amiss with them, in words


def numbered_frames(folder: Path) -> NumberedFrames:
    """The frames of the film in a folder, without hidden files; VideoError if it holds none."""
    try:
        files = sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file())
    except OSError as error:
        raise _no_frames(folder, (error.strerror or str(error)).lower()) from error
    pictures = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES]
    if not pictures:
        raise _no_frames(folder, "a folder without pictures")
    numbers: dict[int, Path] = {}
    kinds: Counter[tuple[str, str, str]] = Counter()
    for path in pictures:
        match = _NAME.fullmatch(path.stem)
        if match is None:
            raise _no_frames(folder, f"{show(path.name)}, which has no number")
        kinds[match[1], match[3], path.suffix.lower()] += 1
        if len(kinds) > 1:
            one, other = (f"{a}1{b}{suffix}" for a, b, suffix in kinds)
            raise _no_frames(folder, f"names of two kinds, like {show(one)} and {show(other)}")
        number = int(match[2])
        if number in numbers:
            raise _no_frames(folder, f"the number {number} twice")
        numbers[number] = path
    order = sorted(numbers)
    notes = [_missing(order)] if order[-1] - order[0] >= len(order) else []
    others = Counter(path.suffix.lower() or "no ending" for path in files if path not in pictures)
    if others:
        named = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common())
        notes.append(f"other files in the folder were passed over: {named}")
    return NumberedFrames(folder, tuple(numbers[n] for n in order), tuple(notes))


def holds_numbered_frames(folder: Path) -> bool:
    """Whether a folder holds pictures itself, rather than folders of them."""
    return any(path.suffix.lower() in PICTURE_SUFFIXES for path in folder.iterdir())


def _missing(order: list[int]) -> str:
    known = set(order)
    lacking = [number for number in range(order[0], order[-1]) if number not in known]
    named = ", ".join(map(str, lacking[:_FEW])) + (" and more" if len(lacking) > _FEW else "")
    return f"{len(lacking)} numbers are missing: {named}; the frames beside them follow each other"


def _no_frames(folder: Path, got: str) -> VideoError:
    return VideoError(
        f"{show(folder)} cannot be read as the frames of a film",
        expected="a folder with numbered pictures of one kind, such as frame-0001.png",
        got=got,
        fix="name the folder of the frames, and leave nothing else in it",
    )


@dataclass(frozen=True, eq=False)
class _Frame:
    """A frame that waits."""

    number: int  # from 0
    path: Path
    picture: Picture
    kept: bool  # whether its own colours stay


@dataclass(frozen=True, eq=False)
class _Colored:
    frame: _Frame
    L: Float
    ab: Float


class SequenceWork(SegmentedWork):
    """The frames of a folder; their places are their numbers, from 0.

    Attributes:
        notes: what is lost in the coloured frames, a line each.
        shape: ``(H, W)`` of a frame.
    """

    waiting = 4

    def __init__(
        self,
        frames: NumberedFrames,
        colorizer: Colorizer,
        options: ColorOptions,
        output: OutputOptions,
        in_color: str,
    ) -> None:
        self._files, self._colorizer, self._output = frames.files, colorizer, output
        self._spool: Path | None = None
        self._frame_size = FrameSize(colorizer, options)
        samples = [self._open(path) for path in _spread(self._files, _LOOKS)]
        self.shape = samples[0].height, samples[0].width
        self._keep = in_color == "keep" and not all(map(is_in_color, samples))
        box = common_box([self._look(picture, frames.folder) for picture in samples])
        self.notes: dict[str, None] = {}
        super().__init__(
            str(frames.folder),
            Coloring(SteadyColor(colorizer, options, pinned=pinned(colorizer, options), box=box)),
            None,
            len(self._files),
        )

    def _open(self, path: Path) -> Picture:
        output = self._output
        return open_picture(path, max_pixels=output.max_pixels, strict=output.strict)

    def _look(self, picture: Picture, path: Path) -> Float:
        return self._frame_size.look(picture, str(path))

    def encode(self, folder: WorkFolder, progress: Progress) -> None:
        """See `SegmentedWork`; large frames wait in files."""
        self._spool = folder.path
        super().encode(folder, progress)

    def _decoded(self) -> Generator[tuple[_Frame, Float], None, None]:
        for number in range(self._next or 0, len(self._files)):
            path = self._files[number]
            picture = self._open(path)
            L = self._look(picture, path)
            kept = self._keep and is_in_color(picture)
            if self._spool is not None and picture.pixels.nbytes > _LARGE:
                picture = _in_file(picture, self._spool)
            yield _Frame(number, path, picture, kept), L

    def _place(self, frame: _Frame) -> int:
        return frame.number

    def _given(self, frame: _Frame, L: Float, ab: Float) -> _Colored:
        self.kept += frame.kept
        return _Colored(frame, L, ab)

    @contextmanager
    def _writer(self, path: Path) -> Iterator[Callable[[_Colored], None]]:
        part = path.with_name(f"{path.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        with writing(path):
            part.mkdir()
        yield lambda item: self._write(item, part)
        shutil.rmtree(path, ignore_errors=True)
        with writing(path):
            part.rename(path)

    def _write(self, item: _Colored, folder: Path) -> None:
        frame, picture = item.frame, item.frame.picture
        target = folder / self._target_name(frame.path)
        if frame.kept and target.suffix == frame.path.suffix:
            shutil.copyfile(frame.path, target)
            return
        colored = picture if frame.kept else self._colorizer.painted(picture, item.L, item.ab)
        format = PICTURE_SUFFIXES[target.suffix.lower()]
        losses = colored.losses(format, recompress=self._output.recompress)
        self.notes |= dict.fromkeys((*picture.notes, *losses))
        colored.save(
            target,
            format=format,
            quality=self._output.quality,
            recompress=self._output.recompress,
        )

    def _target_name(self, path: Path) -> str:
        wanted = self._output.format
        if wanted is not None and PICTURE_SUFFIXES[path.suffix.lower()] != wanted:
            return path.stem + FORMATS[wanted].suffixes[0]
        return path.stem + result_suffix(identify(read_head(path)), path.suffix)


def _in_file(picture: Picture, folder: Path) -> Picture:
    """A picture whose pixels lie in a file without a name, which goes when they do."""
    with writing(folder), TemporaryFile(dir=folder) as file:
        picture.pixels.tofile(file)
        pixels = np.memmap(file, picture.dtype, "r", shape=picture.pixels.shape)
    return picture.replaced(pixels=np.asarray(pixels))


def _spread(files: Sequence[Path], count: int) -> list[Path]:
    return [files[number * len(files) // count] for number in range(min(count, len(files)))]
