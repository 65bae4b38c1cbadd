"""Uploaded files, as a visit keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...media import Media, identify, read_head
from .edits import Edits


@dataclass
class Item:
    """One uploaded file.

    Attributes:
        key: unlike that of any other file.
        name: what its owner calls it.
        path: where it lies; the name there is ours.
        media: what it is, by its first bytes.
        edits: how it shall look.
        thumbnail: address of a small picture of it; "" until somebody made one.
        colored: whether it was coloured once.
        failed: whether it could not be opened.
    """

    key: str
    name: str
    path: Path
    media: Media
    edits: Edits = field(default_factory=Edits)
    thumbnail: str = ""
    colored: bool = False
    failed: bool = False

    @property
    def is_film(self) -> bool:
        """Whether it is a video."""
        return self.media.kind == "video"

    def to_json(self) -> dict[str, Any]:
        """Values for `json`; `from_json` makes an equal item of them."""
        return {
            "name": self.name,
            "file": self.path.name,
            "edits": self.edits.to_json(),
            "colored": self.colored,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], folder: Path) -> Item:
        """The item that `to_json` was called on; its file may be gone."""
        path = folder / Path(values["file"]).name
        media = identify(read_head(path)) if path.is_file() else Media("other", "nothing")
        edits = Edits.from_json(values["edits"])
        return cls(path.stem, values["name"], path, media, edits, colored=values["colored"])
