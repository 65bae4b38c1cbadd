"""Films and whole albums: coloured in the background, with progress and a way to cancel."""

from __future__ import annotations

import mimetypes
from functools import partial
from pathlib import Path
from uuid import uuid4
from zlib import crc32

import streamlit as st

from ...cancel import CancelToken
from ...colorizer import Colorizer
from ...media import result_suffix
from ...options import ColorOptions, VideoOptions
from ..visit.canvas import Canvas, Finish
from ..visit.film_stills import duration, write_still
from ..visit.items import Item
from ..visit.jobs import Job, Progress, Task, colour_film, film_missing, save_colored, write_zip
from ..visit.workspace import Workspace
from .components import compare
from .sliders import sliders

_LOOK_AGAIN = 0.5  # seconds
_PICTURES = "pictures"
_PREVIEW = 3.0  # seconds of a film
_PLAYED = (".mp4", ".webm", ".m4v")  # by browsers
_SHOWN = 100_000_000  # bytes; Streamlit keeps what it shows in memory


def batch(workspace: Workspace, colorizer: Colorizer) -> None:
    """All pictures as one ZIP file."""
    count = sum(not item.is_film for item in workspace.items.values())
    if count < 2:
        return
    st.button(
        f"All {count} pictures in one ZIP file",
        key="batch",
        on_click=lambda: workspace.start(_batch(workspace, colorizer)),
        disabled=_busy(workspace),
        width="stretch",
        icon=":material/photo_library:",
        help="Colours those you have not looked at too. Each at full size, as it looks here.",
    )
    _watch(workspace, _PICTURES, "Download the ZIP", "photochrom.zip")


def film(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    """A film: one frame before and after, a preview, and the whole of it."""
    if (missing := film_missing()) is not None:
        st.info(missing)
        return
    left, right = st.columns([7, 3], gap="medium")
    with right:
        seconds = duration(item.path)
        at = 0.0
        if seconds > 1:
            at = st.slider("Moment", 0.0, seconds, 0.0, key=f"moment-{item.key}", format="%.1f s")
        sliders(item.edits, item.key)
        _film_buttons(workspace, item, colorizer, at, seconds)
    with left:
        canvas = _still(workspace, item, colorizer, at)
        compare(
            key=f"still-{item.key}",
            name=item.name,
            size=(canvas.width, canvas.height),
            before=canvas.before,
            after=canvas.after(Finish(item.edits.look)),
        )
    with right:
        suffix = _film_suffix(item)
        _watch(workspace, _about_preview(item), "Download the preview", f"preview{suffix}")
        name = f"{Path(item.name).stem}-color{suffix}"
        _watch(workspace, item.key, "Download the film", name)


def _film_buttons(
    workspace: Workspace, item: Item, colorizer: Colorizer, at: float, seconds: float
) -> None:
    options, busy = item.edits.look.options, _busy(workspace)
    at = max(0.0, min(at, seconds - _PREVIEW))  # at the end, the last seconds
    end = at + _PREVIEW
    part = VideoOptions(start=at or None, end=end if end < seconds else None)
    preview = partial(_film, workspace, item, colorizer, options, part, _about_preview(item))
    whole = partial(_film, workspace, item, colorizer, options, VideoOptions(), item.key)
    st.button(
        "Preview three seconds",
        key="film-preview",
        on_click=lambda: workspace.start(preview()),
        disabled=busy,
        width="stretch",
        icon=":material/play_circle:",
    )
    st.button(
        "Colour the film",
        key="film",
        type="primary",
        on_click=lambda: workspace.start(whole()),
        disabled=busy,
        width="stretch",
        icon=":material/movie:",
    )


def _still(workspace: Workspace, item: Item, colorizer: Colorizer, at: float) -> Canvas:
    """The frame of a film at a moment, ready to be painted."""
    path = workspace.folder / f"{item.key}-still-{at:.1f}.png"
    if not path.is_file():
        for old in workspace.folder.glob(f"{item.key}-still-*.png"):
            old.unlink()
        write_still(item.path, path, at)
    return workspace.canvas(item, colorizer, path)


def _busy(workspace: Workspace) -> bool:
    return workspace.running is not None


def _about_preview(item: Item) -> str:
    return f"{item.key}:preview"


def _watch(workspace: Workspace, about: str, label: str, name: str) -> None:
    """Show how the job stands; while it runs, look again and again."""
    job = workspace.jobs.get(about)
    if job is not None:
        again = _LOOK_AGAIN if job.status == "running" else None
        stale = job.looks != workspace.looks(about)
        st.fragment(_show, run_every=again)(job, job.status, label, name, stale)


def _show(job: Job, before: str, label: str, name: str, stale: bool) -> None:
    if job.status == "running":
        of = f" of {job.total}" if job.total else ""
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        st.progress(share, f"{job.done}{of} {job.unit} done{_time_left(job)}")
        st.button("Cancel", key=f"cancel-{job.about}", on_click=job.cancel, width="stretch")
        return
    if before == "running":  # it has just ended: the buttons elsewhere change too
        st.rerun()
    for problem in job.problems:
        st.error(problem, icon=":material/error:")
    if job.status == "cancelled":
        st.info("Cancelled.")
    elif job.status == "done":
        if stale:
            st.info("You changed something since: this is how it looked before.")
        else:
            st.success("Done.")
        if name.lower().endswith(_PLAYED) and job.result.stat().st_size <= _SHOWN:
            st.video(str(job.result))
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # Read when it is asked for, not before.
        open_result = partial(job.result.open, "rb")
        st.download_button(
            label,
            open_result,
            name,
            kind,
            key=f"download-{job.about}",
            type="primary",
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )


def _time_left(job: Job) -> str:
    left = job.seconds_left
    if left is None:
        return ""
    return f", {left / 60:.0f} min left" if left > 90 else f", {left:.0f} s left"


def _batch(workspace: Workspace, colorizer: Colorizer) -> Job:
    """The job of colouring all pictures as they look now."""
    tasks = []
    for item in workspace.items.values():
        if not item.is_film:
            save = partial(_saved, colorizer, item.path, workspace.finish(item))
            tasks.append(Task(item.name, save))
    target = workspace.folder / f"{uuid4().hex}.zip"
    work = partial(write_zip, target, tasks)
    return Job(_PICTURES, "pictures", target, work, workspace.looks(_PICTURES))


def _saved(
    colorizer: Colorizer, source: Path, finish: Finish, stem: Path, cancel: CancelToken
) -> Path:
    return save_colored(colorizer, source, stem, finish, cancel)


def _film(
    workspace: Workspace,
    item: Item,
    colorizer: Colorizer,
    options: ColorOptions,
    part: VideoOptions,
    about: str,
) -> Job:
    # A name of the same settings, so that a film that was cancelled goes on where it was.
    settings = f"{crc32(repr((options, part)).encode()):08x}"
    target = workspace.folder / f"{item.key}-{settings}{_film_suffix(item)}"
    source, model = item.path, colorizer.model.path

    def work(progress: Progress, cancel: CancelToken) -> list[str]:
        return colour_film(source, target, model, options, part, progress, cancel)

    return Job(about, "frames", target, work, workspace.looks(about))


def _film_suffix(item: Item) -> str:
    """Of the result: the original's, where such files are written."""
    return result_suffix(item.media, item.path.suffix)
