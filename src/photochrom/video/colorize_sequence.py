"""An image sequence from folder to folder, in steady colour."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._io import show
from ..colorizer import Colorizer
from ..errors import ArgumentError, CancelToken
from ..options import ColorOptions, OutputOptions
from .color.coloring import film_colorizer
from .colorize_video import Film
from .film_work import color_job
from .segments.segment_file import writing
from .segments.segmented_work import Progress, reporter
from .segments.work_folder import WorkFolder, remove_work_folders
from .sequence_work import NumberedFrames, SequenceWork, numbered_frames

_WHOLE = "whole"


def colorize_sequence(
    source: Path | str,
    output: Path | str,
    options: ColorOptions | None = None,
    output_options: OutputOptions | None = None,
    *,
    in_color: str = "keep",
    colorizer: Colorizer | None = None,
    progress: Progress | None = None,
    on_note: Callable[[str], None] | None = None,
    cancel: CancelToken | None = None,
) -> Film:
    """Colour the numbered frames in a folder as one film.

    Each frame keeps its name, format, depth and metadata. A call that was interrupted goes on
    where it was when it is made again with the same arguments; until all frames are there they lie
    in a hidden folder beside `output`.

    Args:
        source: a folder with pictures of one size, whose names differ in one number.
        output: the new folder; one that exists keeps its other files.
        options: vividness and so on.
        output_options: another format for the frames, and so on.
        in_color: what becomes of frames in colour in a film that is black and white otherwise:
            ``"keep"`` or ``"recolor"``.
        colorizer: the loaded model; None: the bundled one.
        progress: called after each frame.
        on_note: called before the first frame with a line for whatever is amiss with the source.
        cancel: checked after each frame.

    Raises:
        VideoError: the source holds no such frames, or the output cannot be written.
        PictureError: a frame cannot be read.
        ArgumentError: an argument out of range, frames of different sizes, or an output that is
            the source.
        MissingExtraError: OpenCV (extra ``video``) is not installed.
        CancelledError: `cancel` was set; the same call goes on from there.
    """
    source, output = Path(source), Path(output)
    options, how = options or ColorOptions(), output_options or OutputOptions()
    if options.hints or options.stills:
        raise ArgumentError(
            f"hints and stills for the folder {show(source)}",
            expected="a film in one file, which has times",
            fix="leave them out, or join the frames to a film first",
        )
    frames = numbered_frames(source)
    _check_output(source, output)
    if on_note is not None:
        for note in frames.notes:
            on_note(note)
    colorizer = colorizer or film_colorizer()
    job = _job(frames, colorizer, options, how, in_color)
    began = time.monotonic()
    with WorkFolder.of(output, job, suffix="") as folder:
        work = SequenceWork(frames, colorizer, options, how, in_color)
        resumed = work.resume(folder.state())
        work.encode(folder, reporter(progress, cancel))
        with writing(output):
            _put_together(folder, output)
    remove_work_folders(output)
    return Film(
        path=output,
        frames=work.done,
        shape=work.shape,
        resumed=resumed,
        seconds=time.monotonic() - began,
        kept=work.kept,
        notes=[*frames.notes, *work.notes],
    )


def _check_output(source: Path, output: Path) -> None:
    if output.exists() and (output.samefile(source) or not output.is_dir()):
        raise ArgumentError(
            f"the folder {show(output)} for the frames of a film",
            expected="a new folder",
            got="that of the source" if output.samefile(source) else "a file",
        )


def _job(
    frames: NumberedFrames,
    colorizer: Colorizer,
    options: ColorOptions,
    output: OutputOptions,
    in_color: str,
) -> dict[str, Any]:
    """Everything that the coloured frames depend on."""
    names = hashlib.sha256()
    for path in frames.files:
        about = path.stat()
        names.update(
            f"{path.name}\0{about.st_size}\0{about.st_mtime_ns}\0".encode(errors="replace")
        )
    how = [output.format, output.quality, output.recompress, in_color]
    return color_job(colorizer, options) | {
        "source": [str(frames.folder.resolve()), len(frames.files), names.hexdigest()],
        "output": how,
    }


def _put_together(folder: WorkFolder, output: Path) -> None:
    """Move the frames of all segments to the output; goes on where a killed process was.

    A new output appears with all its frames at once.
    """
    whole = output if output.is_dir() and any(output.iterdir()) else folder.path / _WHOLE
    whole.mkdir(exist_ok=True)
    for segment in folder.segments:
        for file in segment.iterdir():
            file.replace(whole / file.name)
    if whole != output:
        if output.is_dir():
            output.rmdir()
        whole.rename(output)
