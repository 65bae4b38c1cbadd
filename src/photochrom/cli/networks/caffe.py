"""Zhang et al.'s Caffe files as --model: imported once and kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ..._io import HOME_VARIABLE, file_sha256, user_folder
from ...errors import ModelImportError
from .. import say


def imported(prototxt: Path, caffemodel: Path, points: Path) -> Path:
    """The ONNX file made of the three, from the user's cache folder if it was made before.

    Raises:
        ModelImportError: they cannot be imported, or the folder cannot be written.
        MissingExtraError: onnx or protobuf is not installed.
    """
    from ... import __version__
    from ...models.importers.caffe import import_zhang16

    digest = _digest((prototxt, caffemodel, points))
    target = _folder() / f"{digest}-{__version__}.onnx"
    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fix = f"set the environment variable {HOME_VARIABLE} to another folder"
        raise ModelImportError.unwritable(target.parent, error, fix) from None
    import_zhang16(prototxt, caffemodel, points, target)
    for older in target.parent.glob(f"{digest}-*.onnx"):  # another version's
        if older != target:
            older.unlink(missing_ok=True)
    say(f"imported {caffemodel.name}, once for all: {target}")
    return target


def _folder() -> Path:
    return user_folder("cache") / "caffe"


def _digest(files: tuple[Path, ...]) -> str:
    """One name for the contents of the files, in their order."""
    each = []
    for path in files:
        try:
            each.append(bytes.fromhex(file_sha256(path)))
        except OSError as error:
            raise ModelImportError.unreadable(path, error) from None
    return hashlib.sha256(b"".join(each)).hexdigest()[:32]
