"""Upload of pictures and films, examples, and the choice of the one that is shown."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import partial
from importlib.resources import files
from typing import BinaryIO

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ...colorizer import Colorizer
from ...errors import PhotochromError
from ..visit.canvas import Canvas, Finish
from ..visit.film_files import film_missing, write_still
from ..visit.items import Item
from ..visit.thumbnails import file_thumbnail
from ..visit.words import explain
from ..visit.workspace import MEGABYTES, Workspace
from .components import Shown, compare, strip

_EXAMPLES = {"astronaut.jpg": "Astronaut, 1992", "admiral.jpg": "Admiral, 1984"}
_FIRST = "astronaut.jpg"


def welcome(workspace: Workspace, colorizer: Colorizer) -> None:
    """The first screen: what the app does, upload and examples."""
    with st.container(key="title"):
        st.title("Give your old photographs colour", anchor=False)
        st.write("Photochrom guesses the colours of black-and-white pictures and films.")
    left, right = st.columns([6, 5], gap="large")
    hero = left.container(key="hero")
    with right:
        with st.container(key="drop"):
            _uploader(workspace)
        refusals()
        _offer_examples(workspace)
    with hero:
        size, before, after = _hero(colorizer)
        name = _EXAMPLES[_FIRST]
        compare(key="hero-picture", name=name, size=size, before=before, after=after, moving=True)


def album(workspace: Workspace, colorizer: Colorizer) -> Item:
    """The row of all files, the buttons beside it, and the file that is looked at."""
    items = list(workspace.items.values())
    keys = [item.key for item in items]
    if workspace.chosen not in keys:
        workspace.chosen = keys[0]
    number = keys.index(workspace.chosen)

    def look_at(number: int) -> None:
        workspace.chosen = keys[number]

    with st.container(horizontal=True, vertical_alignment="center", key="album"):
        st.header("Photochrom", anchor=False, width="content")
        drops = st.session_state.get("drops", 0)  # closed again after each
        with st.popover("Add", icon=":material/add_photo_alternate:", key=f"add-{drops}"):
            with st.container(key="drop-more"):
                _uploader(workspace)
            _offer_examples(workspace)
        remove = partial(_remove, workspace, keys[number])
        st.button("Remove", on_click=remove, icon=":material/delete:", key="remove")
    if len(items) > 1:
        shown = [Shown(thumbnail(item), item.name, workspace.state(item)) for item in items]
        strip("Your pictures", shown, number, key="pictures", on_pick=look_at, steps=True)
    return items[number]


def thumbnail(item: Item) -> str:
    """Address of a small picture of a file, made once."""
    if not item.thumbnail:
        file = item.path
        if item.is_film and film_missing() is None:
            file = item.path.with_name(f"{item.key}-first.png")
            try:
                write_still(item.path, file, 0.0)
            except PhotochromError:  # it is told when the film is looked at
                file = item.path
        item.thumbnail = file_thumbnail(file, "film" if item.is_film else "picture")
    return item.thumbnail


def refusals() -> None:
    """Lines about files that were not taken, until something else is done."""
    for line in st.session_state.get("refused", ()):
        st.error(line, icon=":material/error:")


def _remove(workspace: Workspace, key: str) -> None:
    st.session_state["refused"] = []
    workspace.remove(key)


def _uploader(workspace: Workspace) -> None:
    """The place to drop pictures and films."""
    uploads = st.file_uploader(
        "Drop pictures or a film here",
        accept_multiple_files=True,
        max_upload_size=MEGABYTES,
        label_visibility="collapsed",
        key=f"uploads-{st.session_state.get('drops', 0)}",
    )
    if uploads:
        with st.spinner("Taking them in …"):
            st.session_state["refused"] = take(workspace, uploads)
        st.session_state["drops"] = st.session_state.get("drops", 0) + 1
        st.rerun()


def take(workspace: Workspace, uploads: Iterable[BinaryIO]) -> list[str]:
    """Keep uploaded files on disk, not in Streamlit's memory; a line for each not taken."""
    refused, first = [], None
    for upload in uploads:
        try:
            item = workspace.add(upload.name, upload)
            first = first or item.key
        except (PhotochromError, OSError) as error:
            refused.append(explain(error, upload.name)[0])
        release(upload)
    workspace.chosen = first or workspace.chosen
    return refused


def release(upload: BinaryIO) -> None:
    """Take an upload out of the memory it came in."""
    context, file_id = get_script_run_ctx(), getattr(upload, "file_id", None)
    manager = context.uploaded_file_mgr if context else None
    if context and file_id and isinstance(manager, MemoryUploadedFileManager):
        manager.remove_file(context.session_id, file_id)


def _offer_examples(workspace: Workspace) -> None:
    """Pictures one click away."""
    st.write("Nothing at hand? Try one of these.")
    names = list(_EXAMPLES)

    def pick(number: int) -> None:
        workspace.add(names[number], io.BytesIO(_example(names[number])))
        st.session_state["refused"] = []
        st.session_state["drops"] = st.session_state.get("drops", 0) + 1

    items = [Shown(_example_thumbnail(name), title) for name, title in _EXAMPLES.items()]
    strip("Examples", items, None, key="examples", on_pick=pick)


def _example(name: str) -> bytes:
    return (files(__package__) / "assets" / "examples" / name).read_bytes()


@st.cache_resource(show_spinner=False)
def _example_thumbnail(name: str) -> str:
    return file_thumbnail(io.BytesIO(_example(name)), "picture")


@st.cache_resource(show_spinner=False, max_entries=3, hash_funcs={Colorizer: id})
def _hero(colorizer: Colorizer) -> tuple[tuple[int, int], str, str]:
    """Size, before and after of the first screen's picture."""
    canvas = Canvas(colorizer, io.BytesIO(_example(_FIRST)))
    return (canvas.width, canvas.height), canvas.before, canvas.after(Finish())
