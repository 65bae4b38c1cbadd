"""Progress of work in the background, a button to cancel it, and its result."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from functools import partial
from typing import BinaryIO
from uuid import uuid4

import streamlit as st

from ...colorizer import Colorizer
from ..visit.jobs import Job, Task, save_colored, write_zip
from ..visit.workspace import Workspace

_LOOK_AGAIN = 0.5  # seconds
_PICTURES = "pictures"
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
        disabled=workspace.running is not None,
        width="stretch",
        icon=":material/photo_library:",
        help="Colours those you have not looked at too. Each at full size, as it looks here.",
    )
    saved = partial(_all_saved, workspace)
    watch(workspace, _PICTURES, "Download the ZIP", "photochrom.zip", saved)


def watch(
    workspace: Workspace,
    about: str,
    label: str,
    name: str,
    on_saved: Callable[[], object] = lambda: None,
) -> None:
    """Show how a job stands; while it runs, look again and again.

    Args:
        workspace: whose job it is.
        about: see `Job`.
        label: of the button for the result.
        name: of the file that is downloaded.
        on_saved: called when the result is downloaded and not stale.
    """
    job = workspace.jobs.get(about)
    if job is not None:
        again = _LOOK_AGAIN if job.status == "running" else None
        stale = job.looks != workspace.looks(about)
        st.fragment(_show, run_every=again)(job, job.status, label, name, stale, on_saved)


def _show(
    job: Job, before: str, label: str, name: str, stale: bool, on_saved: Callable[[], object]
) -> None:
    if job.status == "running":
        of = f" of {job.total}" if job.total else ""
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        st.progress(share, f"{job.done}{of} {job.unit} done{time_left(job)}")
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

        def opened() -> BinaryIO:  # when it is asked for, not before
            if not stale:
                on_saved()
            return job.result.open("rb")

        st.download_button(
            label,
            opened,
            name,
            kind,
            key=f"download-{job.about}",
            type="primary",
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
        )


def time_left(job: Job) -> str:
    """ ", 40 s left" or nothing, if that cannot be said yet."""
    left = job.seconds_left
    if left is None:
        return ""
    return f", {left / 60:.0f} min left" if left > 90 else f", {left:.0f} s left"


def _all_saved(workspace: Workspace) -> None:
    for item in workspace.items.values():
        if not item.is_film:
            item.edits.downloaded = item.edits.look


def _batch(workspace: Workspace, colorizer: Colorizer) -> Job:
    """The job of colouring all pictures as they look now."""
    tasks = []
    for item in workspace.items.values():
        if not item.is_film:
            save = partial(save_colored, colorizer, item.path, workspace.finish(item))
            tasks.append(Task(item.name, save))
    target = workspace.folder / f"{uuid4().hex}.zip"
    work = partial(write_zip, target, tasks)
    return Job(_PICTURES, "pictures", target, work, workspace.looks(_PICTURES))
