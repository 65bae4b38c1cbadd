"""Folders of numbered frames: each is a film, coloured from folder to folder."""

from __future__ import annotations

import os
from pathlib import Path

from ..._io import show
from ...errors import ArgumentError
from ...media import VIDEO_SUFFIXES
from .. import storage
from ..events import Task
from ..naming import bad_output
from ..run_settings import Settings
from ..storage import existing


def sequence_tasks(settings: Settings) -> tuple[list[Task], list[Task]]:
    """Image sequences to colour, and those whose results are there already.

    Raises:
        ArgumentError: a source is no folder or holds no frames, an option does not fit, or the
            only result is there already.
    """
    _check_options(settings)
    tasks = [task for text in settings.sources for task in _tasks(settings, text)]
    overwrite = settings.archive.overwrite
    there = [] if overwrite else [task for task in tasks if _is_filled(Path(task.output))]
    if there and len(tasks) == 1:
        fix = "choose another with -o, or replace its frames with --overwrite"
        raise ArgumentError.exists(there[0].output, fix)
    return [task for task in tasks if task not in there], there


def frame_folders(top: Path) -> list[Path]:
    """`top` itself if it holds pictures, else the folders in it that do, by name."""
    from ...video.sequence_work import holds_numbered_frames

    if holds_numbered_frames(top):
        return [top]
    found: list[Path] = []
    for folder, inner, _ in os.walk(top):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        below = [Path(folder, name) for name in inner]
        found += [path for path in below if holds_numbered_frames(path)]
    return found


def _tasks(settings: Settings, text: str) -> list[Task]:
    source = existing(text)
    folders = frame_folders(source) if source.is_dir() else []
    if not folders:
        raise ArgumentError(
            f"{show(source)} cannot be coloured as the frames of a film",
            expected="a folder of numbered pictures, or folders of them",
            got="none" if source.is_dir() else "a file",
            fix="name the folder that holds the frames, or leave out --fps",
        )
    named = source.absolute().name
    if settings.output is None:
        base = source.absolute().with_name(named + settings.naming.mark)
    else:
        base = Path(settings.output, *([named] if len(settings.sources) > 1 else []))
    return [
        Task(
            0,
            str(folder),
            str(base / folder.relative_to(source)),
            size=_size(folder),
            kind="video",
            named=True,
        )
        for folder in folders
    ]


def _check_options(settings: Settings) -> None:
    chosen, video, output = settings.archive, settings.video, settings.output
    if output is not None and Path(output).suffix.lower() in VIDEO_SUFFIXES:
        raise bad_output(
            output,
            "a folder, for frames stay frames",
            "the name of a film",
            "name a folder, and make a film of it with ffmpeg",
        )
    if any(storage.is_url(path) for path in (*settings.sources, output or "")):
        raise bad_output(
            output or settings.sources[0],
            "folders of this machine with --fps",
            "a URL",
            "copy the frames first",
        )
    ArgumentError.refuse(
        {
            **chosen.of_folders,
            "--compare": chosen.compare,
            "--ray": chosen.cluster,
            "--hint": settings.options.hints,
            "--codec": video.codec,
            "--crf": video.crf,
            "--preset": video.preset,
            "--start": video.start,
            "--end": video.end,
            "--preview": video.compare,
            "--deinterlace": video.deinterlace != "auto",
            "--page": settings.output_options.page,
        },
        "one picture, a film or an archive",
        "frames of a film (--fps)",
    )


def _size(folder: Path) -> int:
    return sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file())


def _is_filled(folder: Path) -> bool:
    return os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir()))
