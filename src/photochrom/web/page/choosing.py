"""Choice of the model: its card in plain words, and import of three Caffe files."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from ...colorizer import Colorizer
from ...errors import ArgumentError, PhotochromError
from ...models.card import Card, read_card
from ...models.importers import onnx_model
from ...models.registry import BUNDLED, Entry, Registry
from ..visit.canvas import MAX_PIXELS
from ..visit.words import explain
from ..visit.workspace import FILES, MEGABYTES, Workspace

_CAFFE = {".prototxt": "prototxt", ".caffemodel": "caffemodel", ".npy": "points"}


@st.cache_resource(max_entries=2, show_spinner="Loading the model …")
def load(path: str, changed: float) -> Colorizer:
    """The model in a file, loaded once for all visitors; `changed` tells a new file from an old."""
    return Colorizer(Path(path))


def entries() -> dict[str, Entry]:
    """The models at hand, by name."""
    return {entry.name: entry for entry in Registry().entries() if entry.path}


def current(workspace: Workspace, found: Mapping[str, Entry]) -> Colorizer:
    """The chosen model, loaded; ModelError if it cannot be loaded."""
    path = Registry().resolve(_chosen(workspace, found))
    return load(str(path), path.stat().st_mtime)


def _chosen(workspace: Workspace, found: Mapping[str, Entry]) -> str:
    name = workspace.model or st.session_state.get("model", BUNDLED)
    return name if name in found else BUNDLED


def choice(workspace: Workspace, found: Mapping[str, Entry]) -> None:
    """Let the user choose a model."""

    def chosen() -> None:
        workspace.model = st.session_state["model"]

    imported = st.session_state.pop("imported", None)
    if imported in found:
        workspace.model = imported
        st.success(f"{_title(found[imported])} was imported and is used now.")
    st.session_state["model"] = _chosen(workspace, found)
    st.selectbox(
        "Model",
        list(found),
        key="model",
        on_change=chosen,
        format_func=lambda name: _title(found[name]) if name in found else name,
        help="What decides the colours. The bundled one comes with Photochrom.",
    )


def about(card: Card) -> None:
    """The card in plain words."""
    lines = [f"**{card.title or card.name}**"]
    if card.limits:
        lines.append(f"**What it is bad at.** {card.limits}")
    if card.data:
        lines.append(f"**What it has seen.** {card.data}")
    over = "does not know hints; they are carried over the surface they lie on"
    lines.append(f"**Hints.** The network {'knows what a hint is' if card.hints else over}.")
    if card.metrics:
        lines.append(f"**Measured.** {_figures(card.metrics)}")
    lines.append(f"**Licence.** {card.licence}. **Source.** {card.source or 'unknown'}.")
    st.markdown("\n\n".join(_plain(line) for line in lines))


def limits() -> None:
    """What this page takes."""
    st.caption(
        f"This page takes {FILES} files, {MEGABYTES} MB together, and pictures of up to "
        f"{MAX_PIXELS // 1_000_000} megapixels. The command line has no such limits."
    )


def importing() -> None:
    """Take in Zhang et al.'s network by its three files."""
    st.caption(
        "Many older programs colour pictures with three files: a .prototxt, a .caffemodel and "
        "pts_in_hull.npy. Drop all three and they become a model here."
    )
    uploads = st.file_uploader(
        "The three Caffe files",
        type=list(_CAFFE),
        accept_multiple_files=True,
        max_upload_size=200,
        key=f"caffe-{st.session_state.get('caffe', 0)}",
    )
    if st.button("Import", disabled=not uploads):
        files = {_CAFFE.get(Path(f.name).suffix.lower(), ""): f for f in uploads}
        try:
            with st.spinner("Importing …"):
                card = import_caffe(files, Registry().user_dir)
        except (PhotochromError, OSError) as error:
            words, detail = explain(error)
            st.error(words)
            st.caption(_plain(detail))
            return
        st.session_state["imported"] = card.name
        st.session_state["caffe"] = st.session_state.get("caffe", 0) + 1
        st.rerun(scope="app")


def import_caffe(files: Mapping[str, BinaryIO], folder: Path) -> Card:
    """Make a model of uploaded files, in the user's folder.

    Args:
        files: "prototxt", "caffemodel" and "points".
        folder: of the user's models.

    Raises:
        ArgumentError: one of the three is missing.
        ModelError: they cannot be imported.
        MissingExtraError: onnx or protobuf is not installed.
    """
    missing = [f"a {suffix} file" for suffix, role in _CAFFE.items() if role not in files]
    if missing:
        raise ArgumentError(
            "a Caffe model consists of three files",
            expected="a .prototxt, a .caffemodel and an .npy file",
            got=f"no {' and no '.join(words.removeprefix('a ') for words in missing)}",
        )
    with tempfile.TemporaryDirectory(prefix="photochrom-import-") as room:
        paths = []
        for suffix, role in _CAFFE.items():
            path = Path(room) / f"{role}{suffix}"
            path.write_bytes(files[role].read())
            paths.append(path)
        target = folder / "zhang16.onnx"
        return onnx_model.import_caffe(paths, target, onnx_model.ImportOptions())


def _title(entry: Entry) -> str:
    card = read_card(entry.path) if entry.path else None
    title = (card.title if card else entry.title).split(":")[0] or entry.name
    return f"{title} ({entry.name})"


def _figures(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in metrics.items()) + "."


def _plain(text: str) -> str:
    """Text of a card, which anybody may have written, without links and markup but the bold."""
    text = text.replace("[", "\\[").replace("<", "&lt;").replace("$", "\\$").replace("`", "'")
    return re.sub(r"https?://\S+", r"`\g<0>`", text)
