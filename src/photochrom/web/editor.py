"""One picture on the page: before and after, and all that can be done to it."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import streamlit as st

from ..colorizer import Colorizer
from ..errors import PhotochromError
from .canvas import Canvas, Finish
from .components import stage, strip
from .intake import release
from .progress import batch
from .workspace import Item, Workspace


@st.fragment
def editor(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    """The picture and its controls; a change to it does not run the rest of the page."""
    canvas = workspace.canvas(item, colorizer)
    left, right = st.columns([7, 3], gap="medium")
    with right:
        vividness, warmth = _sliders()
        doubt = st.toggle(
            "How sure is it?",
            disabled=not canvas.distribution,
            help="Lays violet over the places where the model hesitates between colours.",
        )
        _reference(workspace, item, colorizer)
    finish = finish_of(workspace, item, colorizer, vividness, warmth)
    with left:
        _stage(item, canvas, finish, doubt and canvas.distribution)
        if doubt:
            st.caption("The more violet, the less sure the model is. Grey stays as it is.")
        _versions(item, canvas)
    with right:
        _downloads(item, canvas, finish)
        batch(workspace, colorizer, vividness, warmth)


def finish_of(
    workspace: Workspace, item: Item, colorizer: Colorizer, vividness: float, warmth: float
) -> Finish:
    """What a picture's colours depend on."""
    lender = workspace.references.get(item.edits.look.reference or "")
    reference = workspace.canvas(lender, colorizer) if lender else None
    return Finish(item.edits.look, vividness, warmth, reference)


def _sliders() -> tuple[float, float]:
    vividness = st.slider(
        "Vividness", 0.0, 3.0, 1.0, 0.05, key="vividness", help="0 is grey, 1 the model's own."
    )
    warmth = st.slider(
        "Warmth", -1.0, 1.0, 0.0, 0.05, key="warmth", help="Towards yellow, or towards blue."
    )
    return vividness, warmth


def _stage(item: Item, canvas: Canvas, finish: Finish, doubt: bool) -> None:
    pin = item.edits.pin
    stage(
        item.edits,
        key=f"stage-{item.key}",
        name=item.name,
        size=(canvas.width, canvas.height),
        before=canvas.before,
        after=canvas.after(finish),
        doubt=canvas.certainty if doubt else None,
        palette=canvas.palette(pin) if pin else (),
        now=canvas.color_at(pin, finish) if pin else "",
    )


def _versions(item: Item, canvas: Canvas) -> None:
    """The row of alternatives."""
    if not canvas.distribution:
        st.caption("This model gives one colour to each place; it has no other versions.")
        return
    st.write("**Other versions.** All of them are plausible to the model.")
    version = item.edits.look.version
    strip(
        "Other versions",
        [
            (image, f"Version {number}" if number else "The model's own")
            for number, image in enumerate(canvas.versions)
        ],
        0 if version is None else version + 1,
        key=f"versions-{item.key}",
        on_pick=lambda number: item.edits.change(version=number - 1 if number else None),
    )


def _reference(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    """A photograph to borrow colours from."""
    lender = workspace.references.get(item.edits.look.reference or "")
    with st.expander("Borrow colours from a photograph", expanded=lender is not None):
        if lender is not None:
            st.image(workspace.canvas(lender, colorizer).before, caption=lender.name, width=220)
            st.button("Do not borrow", on_click=partial(item.edits.change, reference=None))
            return
        st.caption(
            "A colour photograph of something similar. Places the model takes for the same kind "
            "of thing, skin or sky or grass, get the colours they have there."
        )
        upload = st.file_uploader(
            "Reference photograph",
            max_upload_size=100,
            key=f"reference-{item.key}-{st.session_state.get('lent', 0)}",
        )
        if upload is None:
            return
        try:
            lender = workspace.lend(upload.name, upload)
            workspace.canvas(lender, colorizer).borrow_check()
        except PhotochromError as error:
            st.error(str(error))
            return
        release(upload)
        st.session_state["lent"] = st.session_state.get("lent", 0) + 1
        item.edits.change(reference=lender.key)
        st.rerun(scope="fragment")


def _downloads(item: Item, canvas: Canvas, finish: Finish) -> None:
    stem = Path(item.name).stem
    with st.container(horizontal=True):
        st.download_button(
            "Download",
            partial(_result, canvas, finish),
            f"{stem}-color{canvas.suffix}",
            key="download",
            type="primary",
            on_click="ignore",
            help="At full size, in the format and depth of the original.",
        )
        st.download_button(
            "Before and after",
            partial(canvas.before_after, finish),
            f"{stem}-compare.jpg",
            "image/jpeg",
            key="download-both",
            on_click="ignore",
        )


def _result(canvas: Canvas, finish: Finish) -> bytes:
    buffer = io.BytesIO()
    canvas.save(buffer, finish)
    return buffer.getvalue()
