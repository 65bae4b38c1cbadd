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
    """One uploaded file."""

    key: str  # unlike that of any other file
    name: str  # what its owner calls it
    path: Path  # where it lies; the name there is ours
    media: Media  # what it is, by its first bytes
    edits: Edits = field(default_factory=Edits)  # how it shall look
    thumbnail: str = ""  # address of a small picture of it; "" until somebody made one
    colored: bool = False  # whether it was coloured once
    failed: bool = False  # whether it could not be opened

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
