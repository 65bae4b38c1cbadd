"""``photochrom models import``; and Caffe files as ``--model``, imported once and kept."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated

import typer

from ..._io import HOME_VARIABLE, file_sha256, user_folder
from ...errors import ModelImportError
from .. import option, say


def import_model(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", show_default=False,
        help="An ONNX file; or weights (.pth, .pt, .bin, .safetensors) of ECCV16, SIGGRAPH17, "
        "DDColor or DeOldify.")] = None,
    family: Annotated[str | None, option("--family", of="FAMILY", usual="found out by trying",
        help="What FILE.onnx takes and gives: photochrom, zhang16, siggraph17, ddcolor, deoldify "
        "or plain.")] = None,
    prototxt: Annotated[Path | None, option(of="FILE",
        help="Instead of FILE.onnx: colorization_deploy_v2.prototxt of Zhang et al. 2016.")] = None,
    caffemodel: Annotated[Path | None, option(of="FILE",
        help="With --prototxt: colorization_release_v2.caffemodel.")] = None,
    points: Annotated[Path | None, option(of="FILE",
        help="With --prototxt: pts_in_hull.npy.")] = None,
    name: Annotated[str | None, option("--name", of="NAME", usual="that of the file; zhang16",
        help="What --model will call it: lower-case letters, digits, . _ and -.")] = None,
    size: Annotated[int | None, option(of="PIXELS", usual="256, or the only one it takes", min=1,
        max=4096,
        help="Side of the square whose area the input of FILE.onnx should have.")] = None,
    multiple: Annotated[int | None, option(of="PIXELS", usual="32", min=1, max=4096,
        help="Both sides of that input must be multiples of this.")] = None,
    scale: Annotated[int | None, option(of="1|255", usual="found out by trying",
        help="Largest value of a pixel, for the family deoldify.")] = None,
    lightness: Annotated[str | None, option(of="FROM:TO", usual="found out by trying",
        help="Range of lightness that FILE.onnx takes: 0:100, -50:50, -0.5:0.5, -1:1 or "
        "0:1.")] = None,
    output: Annotated[Path | None, option("--output", "-o", of="OUT.onnx",
        usual="NAME.onnx in the folder of your models",
        help="The file to write.")] = None,
    overwrite: Annotated[bool, option("--overwrite",
        help="Replace the file if it exists.")] = False,
) -> None:  # fmt: skip
    """Make a model of other files.

    These are an ONNX file, weights of a known network, or the three Caffe files of Zhang et al.
    2016. The result is one ONNX file that says what it is. It is tried out before it is kept.
    """
    from ...errors import ArgumentError
    from ...models.importers import onnx_model as importers

    parts = (prototxt, caffemodel, points)
    if (file is None) == (parts == (None, None, None)):
        raise ArgumentError(
            "there is nothing to import" if file is None else "two models are named",
            expected="FILE, or --prototxt FILE --caffemodel FILE --points FILE",
            got="neither" if file is None else "both",
        )
    described = importers.ImportOptions(family, size, multiple, scale, lightness)
    about = ""
    if file is None:
        target = _target(output, name or "zhang16", overwrite)
        card = importers.import_caffe(parts, target, described)
    else:
        name = name or _name_of(output or file)
        target = _target(output, name, overwrite)
        if file.suffix.lower() in importers.CHECKPOINTS:
            card = importers.import_checkpoint(file, target, name, described)
        else:
            card, about = importers.import_onnx(file, target, name, described)
    usage = target.stem if output is None else target
    taken = f" ({about})" if about else ""
    say(f"{target} is a model of the family {card.family}{taken}; use it with --model {usage}")


def _target(output: Path | None, name: str, overwrite: bool) -> Path:
    from ...errors import ArgumentError
    from ...models.registry import BUNDLED, Registry, is_name

    if not is_name(name):
        raise ArgumentError(
            "the model's name cannot be used",
            expected=f"lower-case letters, digits, . _ and -, and not {BUNDLED}",
            got=repr(name),
        )
    target = output or Registry().user_dir / f"{name}.onnx"
    if target.suffix != ".onnx":
        raise ArgumentError(
            "the model cannot be written",
            expected="a file name that ends in .onnx",
            got=str(target),
        )
    if target.exists() and not overwrite:
        fix = "choose another with --name or -o, or replace it with --overwrite"
        raise ArgumentError.exists(target, fix)
    return target


def _name_of(file: Path) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")


def imported(prototxt: Path, caffemodel: Path, points: Path) -> Path:
    """The ONNX file made of the three, from the user's cache folder if it was made before."""
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
