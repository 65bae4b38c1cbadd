"""Work in the background, as the page shows it: all pictures, or a film."""

from __future__ import annotations

import mimetypes
from functools import partial
from pathlib import Path
from uuid import uuid4

import streamlit as st

from ..colorizer import Colorizer
from ..media import result_suffix
from ..options import ColorOptions
from ..video.colorize_video import film_colorizer
from .canvas import Canvas, Finish
from .jobs import Job, Progress, Task, colour_film, film_missing, write_zip
from .workspace import Item, Workspace

_LOOK_AGAIN = 0.5  # seconds
_PICTURES = "pictures"
_PLAYED = (".mp4", ".webm", ".m4v")  # by browsers
_SHOWN = 100_000_000  # bytes; Streamlit keeps what it shows in memory


def batch(workspace: Workspace, colorizer: Colorizer, vividness: float, warmth: float) -> None:
    """All pictures as one ZIP file."""
    count = sum(not item.is_film for item in workspace.items.values())
    if count < 2:
        return
    st.button(
        f"Colour all {count} pictures",
        key="batch",
        on_click=lambda: workspace.start(_batch(workspace, colorizer, vividness, warmth)),
        disabled=_busy(workspace),
        help="One ZIP file, each picture as it looks here.",
    )
    _watch(workspace, _PICTURES, "Download the ZIP", "photochrom.zip")


def film(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    """A film, and what can be done with it."""
    if (missing := film_missing()) is not None:
        st.info(missing)
        return
    vividness = st.slider("Vividness", 0.0, 3.0, 1.0, 0.05, key="vividness")
    st.button(
        "Colour the film",
        key="film",
        type="primary",
        on_click=lambda: workspace.start(_film(workspace, item, colorizer, vividness)),
        disabled=_busy(workspace),
    )
    name = f"{Path(item.name).stem}-color{_film_suffix(item)}"
    _watch(workspace, item.key, "Download the film", name)


def _busy(workspace: Workspace) -> bool:
    return workspace.job is not None and workspace.job.status == "running"


def _watch(workspace: Workspace, about: str, label: str, name: str) -> None:
    """Show how the job stands; while it runs, look again and again."""
    job = workspace.job
    if job is not None and job.about == about:
        again = _LOOK_AGAIN if job.status == "running" else None
        st.fragment(_show, run_every=again)(job, job.status, label, name)


def _show(job: Job, before: str, label: str, name: str) -> None:
    if job.status == "running":
        of = f" of {job.total}" if job.total else ""
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        st.progress(share, f"{job.done}{of} {job.unit} done")
        st.button("Cancel", key="cancel", on_click=job.cancel)
        return
    if before == "running":  # it has just ended: the buttons elsewhere change too
        st.rerun()
    for problem in job.problems:
        st.error(problem)
    if job.status == "cancelled":
        st.info("Cancelled.")
    elif job.status == "done":
        st.success("Done.")
        if name.lower().endswith(_PLAYED) and job.result.stat().st_size <= _SHOWN:
            st.video(str(job.result))
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        # Read when it is asked for, not before.
        open_result = partial(job.result.open, "rb")
        st.download_button(
            label, open_result, name, kind, key="download-job", type="primary", on_click="ignore"
        )


def _batch(workspace: Workspace, colorizer: Colorizer, vividness: float, warmth: float) -> Job:
    """The job of colouring all pictures as they look now."""
    tasks = []
    for item in workspace.items.values():
        if not item.is_film:
            finish = Finish(item.edits.look, vividness, warmth)
            lender = workspace.references.get(item.edits.look.reference or "")
            tasks.append(Task(item.name, partial(_colour, colorizer, item.path, lender, finish)))
    target = workspace.folder / f"{uuid4().hex}.zip"
    return Job(_PICTURES, "pictures", target, partial(write_zip, target, tasks))


def _colour(
    colorizer: Colorizer, path: Path, lender: Item | None, finish: Finish, stem: Path
) -> Path:
    """Colour one picture into a file that begins with `stem`, in the original's format."""
    canvas = Canvas(colorizer, path)
    reference = Canvas(colorizer, lender.path) if lender else None
    target = stem.with_name(stem.name + canvas.suffix)
    canvas.save(target, Finish(finish.look, finish.vividness, finish.warmth, reference))
    return target


def _film(workspace: Workspace, item: Item, colorizer: Colorizer, vividness: float) -> Job:
    # A name of the same settings, so that a film that was cancelled goes on where it was.
    target = workspace.folder / f"{item.key}-{vividness:g}{_film_suffix(item)}"
    source, model = item.path, colorizer.model.path

    def work(progress: Progress) -> list[str]:
        return colour_film(
            source, target, film_colorizer(model), ColorOptions(vividness=vividness), progress
        )

    return Job(item.key, "frames", target, work)


def _film_suffix(item: Item) -> str:
    """Of the result: the original's, where such files are written."""
    return result_suffix(item.media, item.path.suffix)
