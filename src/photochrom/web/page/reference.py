"""A photograph to borrow colours from."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ...colorizer import Colorizer
from ...errors import PhotochromError
from ..visit.canvas import Canvas
from ..visit.edits import Edits
from ..visit.items import Item
from ..visit.words import explain
from ..visit.workspace import Workspace
from .intake import release, thumbnail

_LITTLE = 0.02  # of the picture; a reference that matches no more has nothing in common with it


def borrow(
    workspace: Workspace, item: Item, colorizer: Colorizer, canvas: Canvas, label: str
) -> None:
    """Let the user give a reference for a picture, or for the shot of a film.

    Args:
        workspace: keeps the reference.
        item: the picture or film.
        colorizer: the loaded model.
        canvas: the picture, or the frame.
        label: what it is called.
    """
    lender = workspace.references.get(_lent(item.edits) or "")
    with st.expander(label, expanded=lender is not None):
        if lender is not None:
            st.html(f'<img src="{thumbnail(lender)}" alt="" style="max-width: 140px">')
            st.text(lender.name)
            share = canvas.matched(workspace.finish(item))
            if share < _LITTLE:
                st.info("The two pictures have nothing in common, so no colours were borrowed.")
            else:
                st.caption(f"{share * 100:.0f} % of the picture took its colours from there.")
            st.button("Do not borrow", on_click=partial(_lend, item.edits, None))
            return
        st.caption(
            "A colour photograph of something similar. What is alike in both, skin or sky or "
            "grass, gets the colours it has there."
        )
        upload = st.file_uploader(
            "Colour photograph",
            max_upload_size=100,
            key=f"reference-{item.key}-{st.session_state.get('lent', 0)}",
        )
        if upload is None:
            return
        try:
            lender = workspace.lend(upload.name, upload)
            colorizer.reference(lender.path)
        except (PhotochromError, OSError, MemoryError) as error:
            st.error(explain(error, upload.name)[0], icon=":material/error:")
            return
        release(upload)
        st.session_state["lent"] = st.session_state.get("lent", 0) + 1
        _lend(item.edits, lender.key)
        st.rerun(scope="fragment")


def _lent(edits: Edits) -> str | None:
    """Key of the reference of the picture, or of the frame that is looked at."""
    if edits.moment is None:
        return edits.look.reference
    return dict(edits.look.stills).get(edits.moment)


def _lend(edits: Edits, key: str | None) -> None:
    if edits.moment is None:
        edits.change(reference=key)
        return
    stills = dict(edits.look.stills)
    stills.pop(edits.moment, None)
    if key is not None:
        stills[edits.moment] = key
    edits.change(stills=tuple(sorted(stills.items())))
