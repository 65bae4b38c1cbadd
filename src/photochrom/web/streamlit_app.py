"""The page of ``photochrom app``; ``streamlit run`` on this file works too."""

from __future__ import annotations

import streamlit as st

# Streamlit runs this file as a script, which is in no package: imports are absolute.
from photochrom.colorizer import Colorizer
from photochrom.errors import PhotochromError
from photochrom.web import choosing
from photochrom.web.editor import editor
from photochrom.web.intake import choose_item, intake
from photochrom.web.progress import film
from photochrom.web.workspace import Item, Workspace

_STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 1.5rem; max-width: 1500px; }
h1 { font-size: 1.9rem !important; padding: 0 !important; }
</style>"""


def main() -> None:
    """The whole page, once per change."""
    st.set_page_config("Photochrom", layout="wide")
    st.html(_STYLE)
    st.title("Photochrom", anchor=False)
    st.write(
        "Colour for black-and-white photographs and films. The colours are **plausible, not "
        "evidence**: a grey picture does not tell what its colours were."
    )
    if "workspace" not in st.session_state:
        st.session_state["workspace"] = Workspace()
    workspace = st.session_state["workspace"]
    intake(workspace)
    item = choose_item(workspace)
    body = st.container()
    models = choosing.entries()
    with st.expander("The model", icon=":material/psychology:"):
        choosing.choice(models)
        try:
            colorizer = choosing.current(models)
        except PhotochromError as error:
            st.error(str(error))
            return
        choosing.about(colorizer.model.card)
        st.divider()
        choosing.importing()
    if item is not None:
        with body:
            _show(workspace, item, colorizer)


def _show(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    if item.is_film:
        film(workspace, item, colorizer)
        return
    try:
        with st.spinner("Looking at the picture …"):
            workspace.canvas(item, colorizer)
    except PhotochromError as error:
        st.error(str(error).replace(str(item.path), item.name))
        return
    editor(workspace, item, colorizer)


main()
