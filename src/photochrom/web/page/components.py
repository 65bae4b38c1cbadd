"""The app's own components: the picture, before and after, a row of pictures, the connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.resources import files
from typing import Any

import streamlit as st

from ...hints import KEEP
from ...options import ranges
from ..visit.canvas import Canvas, Finish
from ..visit.edits import MAX_PINS, Edits
from ..visit.items import Item
from ..visit.looks import Look, Pin, View
from ..visit.words import color_words
from ..visit.workspace import Workspace


def _component(name: str, *helpers: str, folder: str = "") -> Callable[..., Any]:
    """A component of the assets of that name; `helpers` are scripts put before its own."""
    assets = files(__package__) / "assets" / folder

    def text(file: str) -> str:
        return (assets / file).read_text(encoding="utf-8")

    js = "\n".join(text(f"{each}.js") for each in (*helpers, name))
    html, css = text(f"{name}.html"), text(f"{name}.css")
    return st.components.v2.component(f"photochrom_{name}", html=html, css=css, js=js)


_stage = _component("stage", "outbox", "drag", "palette", folder="stage")
_strip = _component("strip")
_compare = _component("compare")
_connection = _component("connection")


def watch_connection() -> None:
    """Tell the user when the server does not answer."""
    _connection(key="connection", data={})


def compare(
    *, key: str, name: str, size: tuple[int, int], before: str, after: str, moving: bool = False
) -> None:
    """Show before and after under a divider, see `stage`; `moving`: for up to twelve seconds."""
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
    named: Mapping[str, str],
    on_color: Callable[[str, str | None], object],
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
        named: the visitor's own colours, ``#rrggbb`` by name.
        on_color: called with a name and the colour it gets, or None: it is forgotten.
        now: ``#rrggbb`` of the chosen pin's place as it is painted.
        detail: a part in full size and its addresses before and after.
        unsaved: whether leaving the page asks first.
    """
    pin = edits.pin
    chosen = pin and {
        "id": pin.id,
        "color": pin.color,
        "radius": pin.radius,
        "now": now,
        "palette": [
            {"color": color, "label": f"{color_words(color)}, {_percent(chance)}"}
            for color, chance in palette
        ],
    }
    data = {
        "key": key,
        "name": name,
        "width": size[0],
        "height": size[1],
        "before": before,
        "after": after,
        "doubt": doubt,
        "pins": [
            asdict(pin) | {"label": _label(number, pin)} for number, pin in enumerate(edits.pins, 1)
        ],
        "named": [{"name": name, "color": color} for name, color in named.items()],
        "heard": edits.heard,
        "chosen": chosen,
        "detail": detail and {**asdict(detail[0]), "before": detail[1], "after": detail[2]},
        "undoable": edits.undoable,
        "redoable": edits.redoable,
        "changed": edits.look.settled != Look(),
        "unsaved": unsaved,
        "most": MAX_PINS,
        "said": _said(edits),
    }
    _stage(key=key, data=data, on_act_change=partial(_act, key, edits, on_color))


@dataclass(frozen=True)
class Shown:
    """One picture of a row."""

    image: str  # its address
    caption: str  # under it
    state: str = ""  # waiting, coloured, edited or failed; "" for none


def strip(
    label: str,
    items: Sequence[Shown],
    chosen: int | None,
    *,
    key: str,
    on_pick: Callable[[int], object],
    steps: bool = False,
    grid: bool = False,
) -> None:
    """Show a row of pictures; `on_pick` is called with the number of the one that is chosen.

    Args:
        label: what the row is, for screen readers.
        items: the pictures.
        chosen: number of the present one, None if there is none.
        key: of the component.
        on_pick: called before the page is made again.
        steps: with buttons for the one before and the next.
        grid: in lines one below the other, where there is room.
    """

    def picked() -> None:
        number = st.session_state[key].get("pick")
        if type(number) is int and 0 <= number < len(items):
            on_pick(number)

    data = {
        "label": label,
        "chosen": chosen,
        "items": [asdict(each) for each in items],
        "steps": steps,
        "grid": grid,
    }
    _strip(key=key, data=data, on_pick_change=picked)


def _act(key: str, edits: Edits, on_color: Callable[[str, str | None], object]) -> None:
    for event in edits.receive(st.session_state[key].get("act")):
        match event:
            case {"do": "remember", "name": str(name), "color": str(color)}:
                on_color(name, color)
            case {"do": "forget", "name": str(name)}:
                on_color(name, None)
            case _:
                edits.act(event)


def _label(number: int, pin: Pin) -> str:
    if pin.color is None:
        words = "no colour yet"
    else:
        words = "left as it is" if pin.color == KEEP else color_words(pin.color)
    return f"Place {number}, {words}{', only this spot' if pin.radius else ''}"


def _percent(chance: float) -> str:
    return "less than 1 %" if chance < 0.01 else f"{chance:.0%}".replace("%", " %")


def _said(edits: Edits) -> str:
    if edits.pin:
        return ""
    count = sum(pin.color is not None for pin in edits.pins)
    if not count:
        return "Click or tap a place to change its colour."
    return "1 place changed" if count == 1 else f"{count} places changed"


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


def picture_stage(
    workspace: Workspace, item: Item, canvas: Canvas, finish: Finish, *, doubt: bool = False
) -> None:
    """Show a picture before and after, with its places and the palette of the chosen one.

    Args:
        workspace: the visit.
        item: what the picture belongs to.
        canvas: the picture.
        finish: how it is coloured.
        doubt: whether the layer of certainty lies over it.
    """
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
        named=workspace.colors,
        on_color=workspace.name_color,
        now=canvas.color_at(pin, finish) if pin else "",
        detail=canvas.detail(finish, item.edits.view) if item.edits.view else None,
        unsaved=workspace.unsaved,
    )
