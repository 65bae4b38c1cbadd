"""Sliders for the numbers of the colour options."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ...options import ranges
from ..visit.edits import Edits


def sliders(edits: Edits, key: str) -> None:
    """One slider for each number of `ColorOptions`, whatever they are."""
    options = edits.look.options
    for name, allowed in ranges(options).items():
        widget = f"{name}-{key}"
        value = float(getattr(options, name))
        if st.session_state.get(widget) != value:  # undo moves it too; else it is the user's
            st.session_state[widget] = value
        st.slider(
            name.capitalize(),
            float(allowed.low),
            float(allowed.high),
            step=0.05,
            key=widget,
            help=allowed.about,
            on_change=partial(_tuned, edits, name, widget),
        )


def _tuned(edits: Edits, name: str, widget: str) -> None:
    edits.tune(name, st.session_state[widget])
