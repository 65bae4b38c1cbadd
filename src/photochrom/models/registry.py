"""From a model's name to its file: bundled, in the user's folder, or still to be downloaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .._io import user_folder
from ..errors import ArgumentError, ModelNotFoundError
from .card import read_card

if TYPE_CHECKING:
    from .catalogue import CatalogueEntry
    from .download import Progress

BUNDLED = "bundled"
"""Name of the model inside the package; no other model can have it."""

_BUNDLED_FILE = "photochrom.onnx"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model, for a list."""

    name: str  # what ``resolve`` or ``pull`` takes
    # "bundled", "user" (in the user's folder) or "download" (in the catalogue only)
    where: Literal["bundled", "user", "download"]
    path: Path | None  # its ONNX file; None for "download"
    # title, licence: from its card or the catalogue; empty and "unknown" where neither tells
    title: str
    licence: str
    size: int  # bytes of the file, or to download


class Registry:
    """The models at hand and those that can be had.

    A model's name is lower-case letters, digits, ".", "_" and "-". Where two have one name, the
    bundled one counts before the user's, and both before the catalogue.

    Args:
        bundled_dir: folder of the ONNX files inside the package.
        user_dir: folder of the user's models, each NAME.onnx; by default "models" in the folder
            that the environment variable PHOTOCHROM_HOME names, else in the user's data folder.
        catalogue: what can be downloaded, by name; None: `models.catalogue.CATALOGUE`.
    """

    def __init__(
        self,
        *,
        bundled_dir: Path | None = None,
        user_dir: Path | None = None,
        catalogue: Mapping[str, CatalogueEntry] | None = None,
    ) -> None:
        self.bundled_dir = bundled_dir or Path(__file__).parent / "bundled"
        self.user_dir = user_dir or user_folder("data") / "models"
        self._catalogue = catalogue

    @cached_property
    def catalogue(self) -> Mapping[str, CatalogueEntry]:
        """What can be downloaded, by name."""
        from .catalogue import CATALOGUE

        return CATALOGUE if self._catalogue is None else self._catalogue

    def resolve(self, model: str | os.PathLike[str]) -> Path:
        """The ONNX file of a model; never downloads.

        Args:
            model: a name, or the path of an ONNX file: a path object, or a string with a
                separator or the ending .onnx.

        Raises:
            ModelNotFoundError: there is none; the message names those there are.
            ArgumentError: `model` is neither.
        """
        if not isinstance(model, str | os.PathLike):
            raise ArgumentError("model", expected="a name or a path", got=repr(model))
        if not isinstance(model, str) or _looks_like_path(model):
            return _existing_file(Path(model).expanduser())
        found = self._files().get(model)
        if found is None:
            raise self._not_found(model)
        return found[1]

    def entries(self) -> list[Entry]:
        """All models: bundled, the user's, then those to download; by name within each."""
        files = self._files()
        present = [self._entry(name, where, path) for name, (where, path) in files.items()]
        return present + [
            Entry(
                name=name,
                where="download",
                path=None,
                title=offer.title,
                licence=offer.licence,
                size=offer.size,
            )
            for name, offer in sorted(self.catalogue.items())
            if name not in files
        ]

    def pull(self, name: str, *, offline: bool = False, progress: Progress | None = None) -> Path:
        """Download a model of the catalogue into the user's folder; returns its ONNX file.

        What is there already and right is not fetched again; another ONNX file of that name is
        replaced.

        Args:
            name: key of the catalogue.
            offline: use no network.
            progress: called with the bytes so far and in all, over all files of the model.

        Raises:
            ModelNotFoundError: the catalogue has no such model.
            DownloadError: a file could not be fetched or saved.
            MissingExtraError: the model must be converted and the extra for it is not installed.
            ModelImportError: the fetched files could not be converted.
        """
        offer = self.catalogue.get(name)
        if offer is None:
            raise _unknown(name, self.catalogue)
        from .pulling import pull

        target = self.user_dir / f"{name}.onnx"
        pull(offer, target, offline, progress or (lambda done, total: None))
        return target

    def _files(self) -> dict[str, tuple[Literal["bundled", "user"], Path]]:
        """Name -> (where, file) of the models at hand, in the order of the list."""
        found: dict[str, tuple[Literal["bundled", "user"], Path]] = {}
        for path in sorted(self.bundled_dir.glob("*.onnx")):
            found[BUNDLED if path.name == _BUNDLED_FILE else path.stem] = ("bundled", path)
        for path in sorted(self.user_dir.glob("*.onnx")):
            if is_name(path.stem) and path.is_file():
                found.setdefault(path.stem, ("user", path))
        return found

    def _entry(self, name: str, where: Literal["bundled", "user"], path: Path) -> Entry:
        told = read_card(path) or self.catalogue.get(name)
        return Entry(
            name=name,
            where=where,
            path=path,
            title=told.title if told else "",
            licence=told.licence if told else "unknown",
            size=path.stat().st_size,
        )

    def _not_found(self, name: str) -> ModelNotFoundError:
        if name == BUNDLED:
            return ModelNotFoundError(
                f"the bundled model {self.bundled_dir / _BUNDLED_FILE} is missing",
                fix="install photochrom again",
            )
        if name in self.catalogue:
            size = self.catalogue[name].size / 1e6
            return ModelNotFoundError(
                f"the model {name} is not downloaded yet",
                fix=f"run `photochrom models pull {name}` ({size:,.0f} MB)",
            )
        names = [BUNDLED, *self._files(), *self.catalogue]
        return _unknown(name, names)


def is_name(text: str) -> bool:
    """Whether a user's model can have this name."""
    return text != BUNDLED and _NAME.fullmatch(text) is not None


def _looks_like_path(model: str) -> bool:
    separators = {"/", os.sep, os.altsep or "/"}
    return model.endswith(".onnx") or any(separator in model for separator in separators)


def _existing_file(path: Path) -> Path:
    if path.suffix == ".onnx" and path.is_file():
        return path
    if not path.exists():
        raise ModelNotFoundError.not_found(path, "an .onnx file, or the name of a model")
    got = "a folder" if path.is_dir() else "a file of another kind"
    raise ModelNotFoundError(f"{path} is not a model", expected="an .onnx file", got=got)


def _unknown(name: str, known: Iterable[str]) -> ModelNotFoundError:
    return ModelNotFoundError.not_one_of(f"there is no model {name!r}", name, sorted(set(known)))
