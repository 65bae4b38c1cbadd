"""How pictures come in: dropped files, examples; and which of them is looked at."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import BinaryIO

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ..errors import PhotochromError
from .canvas import thumbnail_address
from .components import strip
from .examples import Example, examples
from .workspace import MEGABYTES, Item, Workspace


def intake(workspace: Workspace) -> None:
    """The way in: large as long as there is nothing yet, then a button."""
    if not workspace.items:
        _uploader(workspace)
        _offer_examples(workspace)
    for line in st.session_state.get("refused", ()):
        st.error(line)


def _uploader(workspace: Workspace) -> None:
    """The place to drop pictures and films."""
    uploads = st.file_uploader(
        "Pictures, or a film",
        accept_multiple_files=True,
        max_upload_size=MEGABYTES,
        key=f"uploads-{st.session_state.get('drops', 0)}",
        help=f"At most {MEGABYTES} MB together. They stay on the machine this page runs on, in a "
        "private folder that is removed when you leave.",
    )
    if uploads:
        st.session_state["refused"] = take(workspace, uploads)
        st.session_state["drops"] = st.session_state.get("drops", 0) + 1
        st.rerun()


def take(workspace: Workspace, uploads: Iterable[BinaryIO]) -> list[str]:
    """Keep uploaded files on disk and let Streamlit's copy in memory go.

    Returns:
        A line for each that was not taken.
    """
    refused = []
    for upload in uploads:
        try:
            item = workspace.add(upload.name, upload)
            st.session_state["item"] = item.key
        except PhotochromError as error:
            refused.append(str(error))
        release(upload)
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
    offers = _examples()

    def pick(number: int) -> None:
        example, _ = offers[number]
        item = workspace.add(example.name, io.BytesIO(example.read()))
        st.session_state["item"] = item.key
        st.session_state["refused"] = []

    items = [(image, example.title) for example, image in offers]
    strip("Examples", items, None, key="examples", on_pick=pick)


@st.cache_resource(show_spinner=False)
def _examples() -> list[tuple[Example, str]]:
    return [(each, thumbnail_address(each.read())) for each in examples()]


def choose_item(workspace: Workspace) -> Item | None:
    """Which file is looked at: the only one, or the one chosen."""
    keys = list(workspace.items)
    if not keys:
        return None
    if st.session_state.get("item") not in keys:
        st.session_state["item"] = keys[-1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            f"Picture ({len(keys)} in all)" if len(keys) > 1 else "Picture",
            keys,
            key="item",
            format_func=lambda key: workspace.items[key].name,
        )
        item = workspace.items[st.session_state["item"]]
        st.button("Remove", on_click=workspace.remove, args=(item.key,), icon=":material/delete:")
        with st.popover("Add", icon=":material/add:"):
            _uploader(workspace)
            _offer_examples(workspace)
    return item
