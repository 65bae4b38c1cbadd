"""``photochrom colorize --versions``: alternatives of pictures, one file each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ArgumentError
from ..media import identify, read_head
from ..options import ColorOptions, OutputOptions


def write_versions(
    sources: Sequence[str],
    count: int,
    options: ColorOptions,
    output: OutputOptions,
    *,
    model: str | Path,
    folder: str | None,
) -> Iterator[str]:
    """Write the alternatives of some pictures as ``NAME-version-1.EXT`` and so on.

    Args:
        sources: files of pictures.
        count: alternatives of each, at most.
        options, output: as for `pipeline.colorize_file`; hints and references count in each.
        model: a name or an ONNX file.
        folder: where the files go; None: beside their sources.

    Yields:
        A line for each file.

    Raises:
        ArgumentError: a source that is no file of a picture, or a folder that is a file.
        PictureError: a picture cannot be read or written.
    """
    from ..colorizer import Colorizer
    from ..colorizer.versions import versions
    from ..picture import open_pages
    from ..pipeline import colorize_file

    files = [_checked(source) for source in sources]
    if not files:
        raise ArgumentError("there is nothing to colour", expected="a picture", got="none")
    if folder is not None and (Path(folder).is_file() or Path(folder).suffix):
        raise ArgumentError(
            "versions are several files", expected="a folder with -o", got=folder, fix="name one"
        )
    colorizer = Colorizer(model)
    for file in files:
        page = next(open_pages(file, max_pixels=output.max_pixels, strict=output.strict))
        found = versions(colorizer.prepare(page, options), count)
        if not found:
            yield f"{file}: the model gives no other colours"
        for number, version in enumerate(found, 1):
            place = file.parent if folder is None else Path(folder)
            target = place / f"{file.stem}-version-{number}{file.suffix}"
            wanted = replace(options, hints=(*version.hints, *options.hints))
            colorize_file(colorizer, file, target, wanted, output)
            yield f"{file} -> {target} ({version.name})"


def _checked(source: str) -> Path:
    path = Path(source)
    try:
        kind = identify(read_head(path)).kind
    except OSError as error:
        raise ArgumentError.unreadable(source, error) from None
    if kind != "picture":
        raise ArgumentError(f"{source} has no versions", expected="a picture", got=kind)
    return path
