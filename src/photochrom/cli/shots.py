"""``photochrom shots``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._io import show
from . import STOPPED, cancelled_by_signals, complain, option, say
from . import colorize_options as o

EPILOG = """Examples:
  photochrom shots film.mp4 -o film-shots
  photochrom colorize film.mp4 --shots film-shots/shots.json
"""


def shots(
    film: Annotated[Path, typer.Argument(metavar="FILM", show_default=False, help="A film.")],
    output: Annotated[Path, option("--output", "-o", of="FOLDER", help="Where the sheet goes.")],
    listed: Annotated[str | None, option("--shots", of="FILE", usual="shots are looked for",
        help="A list that was edited: make the sheet of that one.")] = None,
    model: o.Model = "bundled",
    vividness: o.Vividness = 1.0,
    warmth: o.Warmth = 0.0,
    size: o.Size = None,
    reference: o.Reference = None,
    deinterlace: o.Deinterlace = "auto",
    overwrite: Annotated[bool, option("--overwrite", help="Replace a sheet that exists.")] = False,
) -> None:  # fmt: skip
    """List a film's shots, with a contact sheet.

    FOLDER gets shots.html, a page with a coloured still of each shot; shots.json, a list that can
    be edited; and stills, the same pictures larger. The film is made of the list, with whatever was
    changed in it, by `photochrom colorize FILM --shots FOLDER/shots.json`.
    """
    from ..errors import CancelledError, CancelToken
    from ..options import ColorOptions, VideoOptions
    from ..video.color.coloring import film_colorizer
    from ..video.shots.shot_sheet import LIST, PAGE, write_shot_sheet
    from .bars import progress_bar

    references = [o.reference(text) for text in reference or ()]
    token = CancelToken()
    with progress_bar("{task.completed}/{task.total}") as bar, cancelled_by_signals(token):
        task = bar.add_task("", total=None)
        try:
            made = write_shot_sheet(
                film,
                output,
                ColorOptions(vividness=vividness, warmth=warmth, size=size, reference=references),
                VideoOptions(deinterlace=deinterlace, shots=listed),
                colorizer=film_colorizer(model),
                overwrite=overwrite,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
                cancel=token,
            )
        except CancelledError:
            complain("stopped")
            raise typer.Exit(STOPPED) from None
    count = len(made.shots)
    say(f"{show(film)} -> {show(output / PAGE)} ({count} shot{'s' * (count != 1)})")
    say(f"edit {show(output / LIST)}, and give it to `photochrom colorize` with --shots")
