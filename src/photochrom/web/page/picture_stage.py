"""The large picture of the page: a photograph, or a frame of a film."""

from __future__ import annotations

from ..visit.canvas import Canvas, Finish
from ..visit.items import Item
from ..visit.workspace import Workspace
from .components import stage


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
