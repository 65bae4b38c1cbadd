"""``photochrom uncolor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .._io import show
from . import FAILED, complain, option, say

EPILOG = """Examples:
  photochrom uncolor grandma-color.jpg
  photochrom uncolor color/*.jpg -o grey/
"""


def uncolor_files(
    paths: Annotated[list[Path], typer.Argument(metavar="RESULT",
        help="Pictures that Photochrom has coloured.")],
    output: Annotated[str | None, option("--output", "-o", of="OUT",
        usual="beside each, as NAME-grey.EXT",
        help="A file for one picture, or a folder.")] = None,
    overwrite: Annotated[bool, option("--overwrite", help="Replace files that exist.")] = False,
) -> None:  # fmt: skip
    """Take the colours out again.

    A JPEG whose luma was copied gives back its grey source byte for byte, a PNG or a TIFF the exact
    grey values.
    """
    from ..archive.naming import is_folder
    from ..errors import PhotochromError
    from ..picture.uncolor import uncolor

    folder = output is not None and is_folder(output, Path(output), many=len(paths) > 1)
    failed = False
    for path in paths:
        if output is None:
            target = path.with_name(f"{path.stem.removesuffix('-color')}-grey{path.suffix}")
        else:
            target = Path(output) / path.name if folder else Path(output)
        try:
            _check(path, target, overwrite)
            target.parent.mkdir(parents=True, exist_ok=True)
            uncolor(path, target)
            say(f"{show(path)} -> {show(target)}")
        except PhotochromError as error:
            complain(str(error))
            failed = True
    raise typer.Exit(FAILED if failed else 0)


def _check(path: Path, target: Path, overwrite: bool) -> None:
    """Refuse a `target` that exists, or is `path`, with ArgumentError."""
    from ..errors import ArgumentError

    if not target.exists():
        return
    if not overwrite or (path.exists() and target.samefile(path)):
        raise ArgumentError.exists(target)
