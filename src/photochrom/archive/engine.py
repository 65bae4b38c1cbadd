"""The public functions that run an archive."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..cancel import CancelToken
from ..errors import ArgumentError
from ..models.registry import Registry
from ..options import ColorOptions, OutputOptions, VideoOptions
from . import storage
from .archive_options import ArchiveOptions
from .events import Summary
from .run_settings import OnEvent, Settings, ignore

if TYPE_CHECKING:
    from .find.estimate import Estimate

Source = str | os.PathLike[str]


def run(
    sources: Source | Sequence[Source],
    output: Source | None = None,
    options: ColorOptions | None = None,
    *,
    output_options: OutputOptions | None = None,
    video_options: VideoOptions | None = None,
    archive_options: ArchiveOptions | None = None,
    model: str | os.PathLike[str] = "bundled",
    on_event: OnEvent = ignore,
    cancel: CancelToken | None = None,
) -> Summary:
    """Colour pictures and films: one file, or folders with millions of them.

    Results in a folder ``output`` are recorded in its manifest: after any interruption the same
    call goes on where it was, and colours again only what has changed. One file that is named by
    itself has no manifest; its ``output`` may be a file.

    >>> from photochrom import archive
    >>> summary = archive.run("scans", "color", on_event=print)     # doctest: +SKIP
    >>> summary.pictures, summary.failed, summary.report            # doctest: +SKIP

    Args:
        sources: files, folders, zip files, or URLs of fsspec.
        output: a folder or URL, in which the folders of `sources` are mirrored; for one file also
            a file; None: beside each source, as ``NAME-color.EXT``.
        options: vividness, hints and so on.
        output_options: format and quality of pictures.
        video_options: codec and so on of films.
        archive_options: which files are coloured, and by how many workers.
        model: a name that `Registry` resolves, or a path.
        on_event: called with a `Planned` before anything is coloured, an `Outcome` for every file,
            also those that are skipped, and a `Progress` for each frame of a film, the latter from
            any thread.
        cancel: ends the run; what is finished stays, nothing half-written is left.

    Returns:
        How many files were coloured, skipped and failed. A file that fails ends nothing.

    Raises:
        ArgumentError: nothing was begun: a source is missing, there is nothing to colour, or the
            output cannot be used.
        ModelError: the model cannot be loaded.
        MissingExtraError: a URL or a cluster needs a package that is not installed.
    """
    settings = _settings(
        sources, output, model, options, output_options, video_options, archive_options
    )
    settings.on_event, settings.cancel = on_event, cancel or CancelToken()
    if settings.video.fps is not None:
        from .one_file import run_sequences

        return run_sequences(settings)
    if is_single(settings.sources, settings.output):
        from .one_file import run_one

        return run_one(settings)
    from .many_files import run_many

    return run_many(settings)


def estimate(
    sources: Source | Sequence[Source],
    output: Source | None = None,
    options: ColorOptions | None = None,
    *,
    output_options: OutputOptions | None = None,
    video_options: VideoOptions | None = None,
    archive_options: ArchiveOptions | None = None,
    model: str | os.PathLike[str] = "bundled",
) -> Estimate:
    """What `run` with the same arguments would do: files, time and disk; changes nothing.

    A few pictures are coloured and thrown away for it, unless enough were coloured before; and
    some seconds of a few films.

    Args, raises: as of `run`.
    """
    from .many_files import estimate_many

    return estimate_many(
        _settings(sources, output, model, options, output_options, video_options, archive_options)
    )


def is_single(
    sources: Sequence[str], output: str | None, video: VideoOptions | None = None
) -> bool:
    """Whether exactly one file or image sequence is meant: no manifest and no report."""
    if video is not None and video.fps is not None:
        from .find.frame_folders import frame_folders

        one = len(sources) == 1 and Path(sources[0]).is_dir()
        return one and len(frame_folders(Path(sources[0]))) == 1
    if storage.STREAM in (*sources, output):
        return True
    urls = any(storage.is_url(text) for text in (*sources, output or ""))
    return len(sources) == 1 and not urls and sources[0] != "" and not Path(sources[0]).is_dir()


def _settings(
    sources: Source | Sequence[Source],
    output: Source | None,
    model: str | os.PathLike[str],
    color: ColorOptions | None,
    picture: OutputOptions | None,
    video: VideoOptions | None,
    archive: ArchiveOptions | None,
) -> Settings:
    """The arguments of `run`, checked."""
    for what, given, kind in (
        ("options", color, ColorOptions),
        ("output_options", picture, OutputOptions),
        ("video_options", video, VideoOptions),
        ("archive_options", archive, ArchiveOptions),
    ):
        ArgumentError.check(what, given, kind | None, f"{kind.__name__} or None")
    several = [sources] if isinstance(sources, str | os.PathLike) else sources
    ArgumentError.check("sources", several, Iterable, "paths or URLs of files and folders")
    return Settings(
        [storage.zip_url(os.fspath(each)) for each in several],
        None if output is None else os.fspath(output),
        Registry().resolve(model),
        color or ColorOptions(),
        picture or OutputOptions(),
        video or VideoOptions(),
        archive or ArchiveOptions(),
    )
