"""Models of the catalogue downloaded, and converted where they are of another framework."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from .._io import HOME_VARIABLE
from ..errors import DownloadError, MissingExtraError
from .card import write_card
from .catalogue import CatalogueEntry, RemoteFile
from .download import Progress, download, lock


def pull(offer: CatalogueEntry, target: Path, offline: bool, progress: Progress) -> None:
    """Have a model's ONNX file at `target`; args and errors as of `Registry.pull`."""
    with _saving(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if offer.files[0].role == "model":
            _fetch(offer.files[0], target, offline, progress)
            if offer.card is not None:
                write_card(offer.card, target.with_suffix(".toml"))
        else:
            # Held over the whole conversion, which ends with removing what it was made from.
            with lock(target.with_suffix(".parts")):
                if not target.is_file():
                    _fetch_and_convert(offer, target, offline, progress)
            progress(offer.size, offer.size)


@contextmanager
def _saving(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        fix = f"set the environment variable {HOME_VARIABLE} to another folder"
        raise DownloadError.unwritable(target, error, fix) from error


def _fetch(file: RemoteFile, target: Path, offline: bool, progress: Progress) -> Path:
    return download(
        file.urls,
        target,
        size=file.size,
        sha256=file.sha256,
        offline=offline,
        progress=progress,
    )


def _fetch_and_convert(
    offer: CatalogueEntry, target: Path, offline: bool, progress: Progress
) -> None:
    """Parts of another framework -> ``target``; the parts are kept until that has worked."""
    weights = offer.files[0].role == "weights"
    needed = ("torch", "onnxscript") if weights else ("onnx",)
    for package in needed:  # told before 130 MB are fetched for nothing
        if importlib.util.find_spec(package) is None:
            extra = "train" if weights else "import"
            raise MissingExtraError.of(package, extra, f"Importing {target.stem}")
    folder = target.with_suffix(".parts")
    folder.mkdir(exist_ok=True)
    parts, before = {}, 0
    for file in offer.files:
        report = partial(_report_all, progress, before, offer.size)
        parts[file.role] = _fetch(file, folder / file.filename, offline, report)
        before += file.size
    if weights:
        from .importers.onnx_model import ImportOptions, import_checkpoint

        import_checkpoint(parts["weights"], target, target.stem, ImportOptions())
    else:
        from .importers.caffe import import_zhang16

        import_zhang16(parts["prototxt"], parts["caffemodel"], parts["points"], target)
    for path in parts.values():
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / ".locks", ignore_errors=True)
    with suppress(OSError):  # somebody put a file of their own there
        folder.rmdir()


def _report_all(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)
