"""Editor of one picture: before and after, and all its controls."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import streamlit as st

from ...colorizer import Colorizer
from ..visit.canvas import Canvas, Finish
from ..visit.items import Item
from ..visit.workspace import Workspace
from .components import Shown, picture_stage, sliders, strip
from .intake import thumbnail
from .progress import batch
from .reference import borrow

_COLUMNS = (7, 3)


def skeleton(item: Item) -> None:
    """What is shown until a picture is ready: its thumbnail, as large as the picture will be."""
    left, right = st.columns(_COLUMNS, gap="medium")
    left.html(
        f'<div class="photochrom-wait" role="status"><img src="{thumbnail(item)}" alt="">'
        "<span>Looking at the picture …</span></div>"
    )
    right.html('<div class="photochrom-wait-tools"></div>')


@st.fragment
def editor(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    """The picture and its controls; a change to it does not run the rest of the page."""
    workspace.save()  # before the slow part: the program may be killed in it
    canvas = workspace.canvas(item, colorizer)
    finish = workspace.finish(item)
    left, right = st.columns(_COLUMNS, gap="medium")
    with left:
        doubt = canvas.distribution and st.session_state.get(f"doubt-{item.key}", False)
        picture_stage(workspace, item, canvas, finish, doubt=doubt)
        for note in canvas.notes:
            st.caption(f":material/info: {_sentence(note)}")
    with right:
        _versions(item, canvas, finish)
        borrow(workspace, item, colorizer, canvas, "Borrow colours from a photograph")
        sliders(item.edits, item.key)
        _doubt(item, canvas)
        _downloads(item, canvas, finish)
        batch(workspace, colorizer)
    item.thumbnail = canvas.thumbnail(finish)


def _doubt(item: Item, canvas: Canvas) -> None:
    """The layer of certainty."""
    shown = st.toggle(
        "How sure is it?",
        key=f"doubt-{item.key}",
        disabled=not canvas.distribution,
        help="Lays violet over the places where the model hesitates between colours.",
    )
    if shown:
        st.caption("The more violet, the less sure the model is. Grey stays as it is.")


def _versions(item: Item, canvas: Canvas, finish: Finish) -> None:
    """The row of alternatives."""
    if not canvas.distribution:
        st.caption("This model gives one colour to each place; it has no other versions.")
        return
    st.write("**Other versions**: one thing differs")
    version = item.edits.look.version
    strip(
        "Other versions",
        [Shown(image, name) for image, name in canvas.versions(finish)],
        0 if version is None else version + 1,
        key=f"versions-{item.key}",
        on_pick=lambda number: item.edits.change(version=number - 1 if number else None),
        grid=True,
    )


def _downloads(item: Item, canvas: Canvas, finish: Finish) -> None:
    stem = Path(item.name).stem
    with st.container(key="downloads"):
        st.download_button(
            "Download",
            partial(_result, item, canvas, finish),
            f"{stem}-color{canvas.suffix}",
            key="download",
            type="primary",
            icon=":material/download:",
            width="stretch",
            on_click="ignore",
            help="At full size, in the format and depth of the original.",
        )
    st.download_button(
        "Before and after in one picture",
        partial(canvas.before_after, finish),
        f"{stem}-compare.jpg",
        "image/jpeg",
        key="download-both",
        width="stretch",
        on_click="ignore",
        icon=":material/compare:",
        help="A JPEG file of both side by side, to show around.",
    )


def _result(item: Item, canvas: Canvas, finish: Finish) -> bytes:
    buffer = io.BytesIO()
    canvas.save(buffer, finish)
    item.edits.downloaded = finish.look
    return buffer.getvalue()


def _sentence(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}."
