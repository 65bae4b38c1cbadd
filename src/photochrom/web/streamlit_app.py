"""The app's page, for ``photochrom app`` and ``streamlit run`` on this file."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

# Streamlit runs this file as a script, which is in no package: imports are absolute.
from photochrom.colorizer import Colorizer
from photochrom.errors import PhotochromError
from photochrom.web.page import choosing
from photochrom.web.page.components import watch_connection
from photochrom.web.page.editor import editor, skeleton
from photochrom.web.page.film import film
from photochrom.web.page.intake import album, refusals, welcome
from photochrom.web.visit.items import Item
from photochrom.web.visit.visits import Visits
from photochrom.web.visit.words import explain
from photochrom.web.visit.workspace import Workspace

_CAUTION = (
    "The colours are **plausible, not evidence**: a grey picture does not tell what its colours "
    "were. Nothing is sent anywhere: your files stay on the machine that runs this page, and are "
    "removed half an hour after you close it."
)


def main() -> None:
    """Build the page; Streamlit calls this at every change."""
    st.set_page_config("Photochrom", page_icon="🎨", layout="wide")
    st.html(Path(__file__).parent / "page" / "assets" / "page.css")
    watch_connection()
    workspace = _visit()
    workspace.save()
    try:
        _body(workspace)
    except Exception as error:
        if not isinstance(error, PhotochromError):
            logging.getLogger(__name__).exception("the page failed")
        _tell(error)
    workspace.save()


@st.cache_resource(show_spinner=False)
def _visits() -> Visits:
    visits = Visits(lambda session: not runtime.exists() or _is_open(session))
    visits.sweep_for_ever()
    return visits


def _is_open(session: str) -> bool:
    return runtime.get_instance().is_active_session(session)


def _visit() -> Workspace:
    """The workspace that the page's address names, or a new one."""
    context = get_script_run_ctx()
    known = st.query_params.get("visit")
    token, workspace = _visits().enter(known, context.session_id if context else "")
    if token != known:
        st.query_params["visit"] = token
    st.session_state["workspace"] = workspace
    return workspace


def _body(workspace: Workspace) -> None:
    body = st.container()
    models = choosing.entries()
    with st.expander("Advanced", icon=":material/tune:"):
        choosing.choice(workspace, models)
        try:
            colorizer = choosing.current(workspace, models)
        except PhotochromError as error:
            _tell(error)
            return
        choosing.limits()
        choosing.importing()
        st.divider()
        st.markdown("**For the curious**")
        choosing.about(colorizer.model.card)
    st.caption(_CAUTION)
    with body:
        if not workspace.items:
            welcome(workspace, colorizer)
            return
        item = album(workspace, colorizer)
        refusals()
        _show(workspace, item, colorizer)


def _show(workspace: Workspace, item: Item, colorizer: Colorizer) -> None:
    waiting = st.empty()
    try:
        if item.is_film:
            film(workspace, item, colorizer)
            return
        if not workspace.has_canvas(item, colorizer):
            with waiting.container():
                skeleton(item)
        canvas = workspace.canvas(item, colorizer)
        waiting.empty()
        if not item.colored:
            item.colored = True
            item.thumbnail = canvas.thumbnail(workspace.finish(item))
            st.rerun()  # the row of pictures shows it in colour
    except (PhotochromError, OSError, MemoryError) as error:
        waiting.empty()
        if not item.failed:
            item.failed = True
            st.rerun()  # the row of pictures shows that too
        _tell(error, item.name)
        return
    editor(workspace, item, colorizer)


def _tell(error: BaseException, name: str = "") -> None:
    words, detail = explain(error, name)
    st.error(words, icon=":material/error:")
    if detail:
        with st.expander("Technical details"):
            st.text(detail)


main()
