"""What one visitor has: uploaded files in a private folder, and what was made of them.

All of it is bounded. The folder goes when the workspace does: with the session, or at the latest
when the program ends.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ..colorizer import Colorizer
from ..errors import ArgumentError
from ..media import Kind, Media, identify, read_head
from .canvas import Canvas
from .jobs import Job
from .looks import Edits

FILES = 60
"""Pictures and films one visitor can have at a time."""

MEGABYTES = 500
"""All files of one visitor together."""

_CANVASES = 4  # 15 to 40 MB each
_REFERENCES = 8


@dataclass
class Item:
    """One uploaded file.

    Attributes:
        key: unlike that of any other file.
        name: what its owner calls it.
        path: where it lies; the name there is ours.
        media: what it is, by its first bytes.
        edits: how it shall look.
    """

    key: str
    name: str
    path: Path
    media: Media
    edits: Edits = field(default_factory=Edits)

    @property
    def is_film(self) -> bool:
        """Whether it is a video."""
        return self.media.kind == "video"


class Workspace:
    """The files of one visitor, their canvases and the running job."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="photochrom-app-"))
        self.items: dict[str, Item] = {}
        self.references: dict[str, Item] = {}
        self.job: Job | None = None
        self._canvases: OrderedDict[tuple[str, str], Canvas] = OrderedDict()
        self._stops: list[Callable[[], object]] = []
        self.close = weakref.finalize(self, _close, self.folder, self._stops)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        items = [*self.items.values(), *self.references.values()]
        return sum(item.path.stat().st_size for item in items)

    def add(self, name: str, file: BinaryIO) -> Item:
        """Keep a picture or film.

        Raises:
            ArgumentError: there are too many, they are too large, or this one is no picture and
                no film.
        """
        if len(self.items) >= FILES:
            raise _full(name, f"at most {FILES} files", f"{FILES} already")
        item = self._spool(name, file, ("picture", "video"))
        self.items[item.key] = item
        return item

    def lend(self, name: str, file: BinaryIO) -> Item:
        """Keep a reference photograph, in the place of the oldest if there are many.

        Raises:
            ArgumentError: it is too large, or no picture.
        """
        item = self._spool(name, file, ("picture",))
        self.references[item.key] = item
        if len(self.references) > _REFERENCES:
            self.remove(next(iter(self.references)))
        return item

    def _spool(self, name: str, file: BinaryIO, kinds: tuple[Kind, ...]) -> Item:
        name = Path(name.replace("\\", "/")).name
        path = self.folder / f"{uuid4().hex}{Path(name).suffix.lower()}"
        with path.open("wb") as target:
            shutil.copyfileobj(file, target, 1 << 20)
        media = identify(read_head(path))
        if media.kind not in kinds:
            path.unlink()
            raise ArgumentError(
                f"{name} cannot be coloured",
                expected="a picture or a film" if "video" in kinds else "a picture",
                got=str(media),
                fix="give another file",
            )
        if (size := path.stat().st_size + self.size) > MEGABYTES * 1_000_000:
            path.unlink()
            raise _full(name, f"at most {MEGABYTES} MB together", f"{size / 1e6:,.0f} MB")
        return Item(path.stem, name, path, media)

    def remove(self, key: str) -> None:
        """Let a file go, and everything made of it."""
        item = self.items.pop(key, None) or self.references.pop(key)
        item.path.unlink(missing_ok=True)
        for known in [known for known in self._canvases if known[0] == key]:
            del self._canvases[known]

    def canvas(self, item: Item, colorizer: Colorizer) -> Canvas:
        """The picture of `item`, from those used last or prepared now.

        Raises:
            PictureError: the file cannot be read.
        """
        key = item.key, str(colorizer.model.path)
        canvas = self._canvases.pop(key, None) or Canvas(colorizer, item.path)
        self._canvases[key] = canvas
        while len(self._canvases) > _CANVASES:
            self._canvases.popitem(last=False)
        return canvas

    def start(self, job: Job) -> None:
        """Run a job, in the place of the one before it, whose result goes."""
        if self.job is not None:
            self.job.cancel()
            self.job.result.unlink(missing_ok=True)
        self.job = job
        self._stops[:] = [job.cancel]
        job.start()


def _close(folder: Path, stops: list[Callable[[], object]]) -> None:
    for stop in stops:
        stop()
    shutil.rmtree(folder, ignore_errors=True)


def _full(name: str, expected: str, got: str) -> ArgumentError:
    fix = "remove some, or use the command line, which has no limit"
    return ArgumentError(f"{name} was not taken", expected=expected, got=got, fix=fix)
