"""The app's own components: the picture, before and after, a row of pictures, the connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files
from typing import Any

import streamlit as st

from ..visit.looks import MAX_PINS, Edits, Look, View
from ..visit.words import color_words


def _component(name: str) -> Callable[..., Any]:
    assets = files(__package__) / "assets"
    html, css, js = (
        (assets / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    return st.components.v2.component(f"photochrom_{name}", html=html, css=css, js=js)


_stage = _component("stage")
_strip = _component("strip")
_compare = _component("compare")
_connection = _component("connection")


def watch_connection() -> None:
    """Tell the user when the server does not answer."""
    _connection(key="connection", data={})


def compare(
    *, key: str, name: str, size: tuple[int, int], before: str, after: str, moving: bool = False
) -> None:
    """Show a picture before and after under a divider; see `stage` for the arguments.

    Args:
        moving: the divider moves until somebody takes it, or for twelve seconds.
    """
    width, height = size
    data = {"name": name, "width": width, "height": height, "before": before, "after": after}
    _compare(key=key, data={**data, "moving": moving})


def stage(
    edits: Edits,
    *,
    key: str,
    name: str,
    size: tuple[int, int],
    before: str,
    after: str,
    doubt: str | None,
    palette: Sequence[tuple[str, float]],
    now: str,
    detail: tuple[View, str, str] | None,
    unsaved: bool,
) -> None:
    """Show a picture before and after, and do to `edits` what happens on it.

    Args:
        edits: the picture's.
        key: of the component.
        name: what the picture is called.
        size: width and height in pixels.
        before, after, doubt: addresses of the pictures, and of the layer over `after`.
        palette: colours to offer for the chosen pin, with their probabilities.
        now: ``#rrggbb`` of the chosen pin's place as it is painted.
        detail: a part in full size and its addresses before and after.
        unsaved: whether leaving the page asks first.
    """
    pin = edits.pin
    chosen = pin and {
        "id": pin.id,
        "color": pin.color,
        "now": now,
        "palette": [
            {"color": color, "label": f"{color_words(color)}, {_percent(chance)}"}
            for color, chance in palette
        ],
    }
    data = {
        "name": name,
        "width": size[0],
        "height": size[1],
        "before": before,
        "after": after,
        "doubt": doubt,
        "pins": [
            {"id": p.id, "x": p.x, "y": p.y, "color": p.color, "label": _label(number, p.color)}
            for number, p in enumerate(edits.look.pins, 1)
        ],
        "chosen": chosen,
        "detail": detail and {**asdict(detail[0]), "before": detail[1], "after": detail[2]},
        "undoable": edits.undoable,
        "redoable": edits.redoable,
        "changed": edits.look.settled != Look(),
        "unsaved": unsaved,
        "most": MAX_PINS,
        "said": _said(edits),
    }
    _stage(key=key, data=data, on_act_change=partial(_act, key, edits))


@dataclass(frozen=True)
class Shown:
    """One picture of a row.

    Attributes:
        image: its address.
        caption: under it.
        state: waiting, coloured, edited or failed; "" for none.
    """

    image: str
    caption: str
    state: str = ""


def strip(
    label: str,
    items: Sequence[Shown],
    chosen: int | None,
    *,
    key: str,
    on_pick: Callable[[int], object],
) -> None:
    """Show a row of pictures; `on_pick` is called with the number of the one that is chosen.

    Args:
        label: what the row is, for screen readers.
        items: the pictures.
        chosen: number of the present one, None if there is none.
        key: of the component.
        on_pick: called before the page is made again.
    """

    def picked() -> None:
        number = st.session_state[key].get("pick")
        if type(number) is int and 0 <= number < len(items):
            on_pick(number)

    data = {
        "label": label,
        "chosen": chosen,
        "items": [asdict(each) for each in items],
    }
    _strip(key=key, data=data, on_pick_change=picked)


def _act(key: str, edits: Edits) -> None:
    edits.act(st.session_state[key].get("act"))


def _label(number: int, color: str | None) -> str:
    return f"Hint {number}, {color_words(color) if color else 'no colour yet'}"


def _percent(chance: float) -> str:
    return "less than 1 %" if chance < 0.01 else f"{chance:.0%}".replace("%", " %")


def _said(edits: Edits) -> str:
    if edits.pin:
        return ""
    count = len(edits.look.settled.pins)
    if not count:
        return "Click or tap a place to change its colour."
    return "1 hint" if count == 1 else f"{count} hints"
