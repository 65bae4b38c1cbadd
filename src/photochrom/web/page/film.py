"""Editor of a film: its shots, one frame before and after, a preview, and the whole film."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from ...colorizer import Colorizer
from ...errors import CancelToken, PhotochromError
from ...media import result_suffix
from ...options import VideoOptions
from ...shot_list import Shot, ShotList
from ..visit.canvas import Canvas
from ..visit.film_files import (
    color_film,
    duration,
    film_missing,
    film_options,
    read_shots,
    shot_still,
    write_shots,
    write_still,
)
from ..visit.items import Item
from ..visit.jobs import Job, Progress
from ..visit.thumbnails import file_thumbnail
from ..visit.workspace import Workspace
from .components import Shown, picture_stage, sliders, strip
from .progress import time_left, watch
from .reference import borrow

_PREVIEW = 3.0  # seconds of a film
_LOOK_AGAIN = 1.0  # seconds


@st.fragment
def film(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    """The page of a film; a change does not run the rest of the page."""
    workspace.save()
    if (missing := film_missing()) is not None:
        st.info(missing)
        return
    seconds = duration(item.path)
    moment = min(item.edits.moment or 0.0, seconds)
    item.edits.moment = moment
    shots = _shots(workspace, item, colorizer)
    if shots is not None and len(shots.shots) > 1:
        _strip(workspace, item, shots)
    left, right = st.columns([7, 3], gap="medium")
    with left:
        canvas = _still(workspace, item, colorizer, moment)
        picture_stage(workspace, item, canvas, workspace.finish(item))
        _elsewhere(item, shots)
    with right:
        if seconds > 1:
            _slider(item, seconds)
        borrow(workspace, item, colorizer, canvas, "Borrow this shot's colours")
        sliders(item.edits, item.key)
        _buttons(workspace, item, colorizer, canvas, seconds)
        suffix, saved = _suffix(item), partial(_saved, item)
        name = f"{Path(item.name).stem}-color{suffix}"
        watch(workspace, item.key, "Download the film", name, saved)
        watch(workspace, _preview(item), "Download the preview", f"preview{suffix}")


def _slider(item: Item, seconds: float) -> None:
    """Where in the film."""
    widget = f"moment-{item.key}"
    if st.session_state.get(widget) != item.edits.moment:
        st.session_state[widget] = item.edits.moment

    def moved() -> None:
        item.edits.moment = round(st.session_state[widget], 1)

    st.slider("Moment", 0.0, seconds, step=0.1, key=widget, format="%.1f s", on_change=moved)


def _shots(workspace: Workspace, item: Item, colorizer: Colorizer) -> ShotList | None:
    """The list of shots, which is made in the background when the film is first looked at."""
    about = f"{item.key}:shots"
    target = workspace.folder / f"{item.key}-shots.json"
    if about not in workspace.jobs:
        source, model = item.path, colorizer.model.path

        def work(progress: Progress, cancel: CancelToken) -> list[str]:
            write_shots(source, target, model, progress, cancel)
            return []

        workspace.start(Job(about, "frames", target, work, aside=True))
    job = workspace.jobs[about]
    running = job.status == "running"
    st.fragment(_looking, run_every=_LOOK_AGAIN if running else None)(job, running)
    try:
        return read_shots(target)
    except PhotochromError:  # the film can be coloured without
        return None


def _looking(job: Job, before: bool) -> None:
    if job.status == "running":
        of = f" of {job.total}" if job.total else ""
        st.caption(f"Looking for the shots: {job.done}{of} frames{time_left(job)}")
    elif before:
        st.rerun()


def _strip(workspace: Workspace, item: Item, shots: ShotList) -> None:
    """The shots in a row; the frame of the chosen one is looked at."""
    moment = item.edits.moment or 0.0
    chosen = next((n for n, s in enumerate(shots.shots) if moment < s.end), len(shots.shots) - 1)

    def look_at(number: int) -> None:
        item.edits.act({"do": "close"})
        item.edits.moment = round(shots.shots[number].still, 1)

    target = workspace.jobs[f"{item.key}:shots"].result
    shown = [
        Shown(_shot_thumbnail(str(shot_still(target, n))), _name(n, shot), _state(item, shot))
        for n, shot in enumerate(shots.shots)
    ]
    strip("Shots", shown, chosen, key=f"shots-{item.key}", on_pick=look_at, steps=True)


@st.cache_data(show_spinner=False, max_entries=500)
def _shot_thumbnail(path: str) -> str:
    return file_thumbnail(Path(path), "film")


def _name(number: int, shot: Shot) -> str:
    minutes, seconds = divmod(int(shot.start), 60)
    return f"{number + 1}, at {minutes}:{seconds:02}"


def _state(item: Item, shot: Shot) -> str:
    if _moments(item, shot):
        return "edited"
    return f"same place as {shot.place}" if shot.place else ""


def _moments(item: Item, shot: Shot) -> list[float]:
    """Where in a shot something was changed."""
    look = item.edits.look.settled
    times = [pin.time for pin in look.pins] + [time for time, _ in look.stills]
    return sorted({time for time in times if time is not None and shot.start <= time < shot.end})


def _elsewhere(item: Item, shots: ShotList | None) -> None:
    """A way to the frame of this shot on which something was changed."""
    moment = item.edits.moment or 0.0
    shot = next((s for s in shots.shots if moment < s.end), None) if shots else None
    others = [] if shot is None else [time for time in _moments(item, shot) if time != moment]
    if item.edits.pins or others:
        st.caption("What is changed on one frame counts for the whole shot.")
    for time in others:

        def go(time: float = time) -> None:
            item.edits.moment = time

        st.button(f"Changed at {time:.1f} s: go there", key=f"go-{time}", on_click=go)


def _buttons(
    workspace: Workspace, item: Item, colorizer: Colorizer, canvas: Canvas, seconds: float
) -> None:
    busy = workspace.running is not None
    at = max(0.0, min(item.edits.moment or 0.0, seconds - _PREVIEW))  # at the end, the last seconds
    end = at + _PREVIEW
    part = VideoOptions(start=at or None, end=end if end < seconds else None)
    preview = partial(_job, workspace, item, colorizer, canvas, part, _preview(item))
    whole = partial(_job, workspace, item, colorizer, canvas, VideoOptions(), item.key)
    st.button(
        "Preview three seconds",
        key="film-preview",
        on_click=lambda: workspace.start(preview()),
        disabled=busy,
        width="stretch",
        icon=":material/play_circle:",
    )
    with st.container(key="downloads"):  # where a picture's button is, under the thumb
        st.button(
            "Colour the film",
            key="film",
            type="primary",
            on_click=lambda: workspace.start(whole()),
            disabled=busy,
            width="stretch",
            icon=":material/movie:",
        )


def _still(workspace: Workspace, item: Item, colorizer: Colorizer, moment: float) -> Canvas:
    """The frame of a film at a moment, ready to be painted."""
    path = workspace.folder / f"{item.key}-still-{moment:.1f}.png"
    if not path.is_file():
        for old in workspace.folder.glob(f"{item.key}-still-*.png"):
            old.unlink()
        write_still(item.path, path, moment)
    return workspace.canvas(item, colorizer, path)


def _preview(item: Item) -> str:
    return f"{item.key}:preview"


def _saved(item: Item) -> None:
    item.edits.downloaded = item.edits.look


def _job(
    workspace: Workspace,
    item: Item,
    colorizer: Colorizer,
    canvas: Canvas,
    part: VideoOptions,
    about: str,
) -> Job:
    kind = "color" if about == item.key else "preview"
    # Of the same name each time, so that a film goes on where it was, and only what changed is
    # made anew.
    target = workspace.folder / f"{item.key}-{kind}{_suffix(item)}"
    source, model, look = item.path, colorizer.model.path, item.edits.look
    pictures = {key: lender.path for key, lender in workspace.references.items()}
    options = film_options(look, (canvas.height, canvas.width), pictures)

    def work(progress: Progress, cancel: CancelToken) -> list[str]:
        return color_film(source, target, model, options, part, progress, cancel)

    return Job(about, "frames", target, work, workspace.looks(about))


def _suffix(item: Item) -> str:
    """Of the result: the original's, where such files are written."""
    return result_suffix(item.media, item.path.suffix)
