"""One visitor's files in a private folder, how they shall look, and what is made of them.

All of it is bounded. What the visitor decided is kept in the folder too (``state.json``), so that
a workspace opened on the same folder again is the same.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from ..._io import replacing
from ...colorizer import Colorizer
from ...errors import ArgumentError
from ...media import Kind, identify, read_head
from .canvas import Canvas, Finish
from .items import Item
from .jobs import Job
from .looks import Look

_STATE = "state.json"

FILES = 60
"""Pictures and films one visitor can have at a time."""

MEGABYTES = 500
"""All files of one visitor together."""

COLORS = 24
"""Named colours one visitor can have."""

_CANVASES = 4  # 15 to 40 MB each
_REFERENCES = 8


class Workspace:
    """The files of one visitor, their canvases and jobs.

    Args:
        folder: private; made if it is not there, else gone on with.

    Attributes:
        items: pictures and films by their keys, in the order they came.
        references: pictures to borrow colours from, by their keys.
        chosen: key of the item that is looked at.
        model: name of the chosen model; None: the bundled one.
        colors: named colours, ``#rrggbb`` by name.
        jobs: the last one of each thing, by what they are about.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder = folder
        self.items: dict[str, Item] = {}
        self.references: dict[str, Item] = {}
        self.chosen: str | None = None
        self.model: str | None = None
        self.colors: dict[str, str] = {}
        self.jobs: dict[str, Job] = {}
        self._canvases: OrderedDict[tuple[str, str], Canvas] = OrderedDict()
        self._saved = ""
        self._restore()

    def save(self) -> None:
        """Write down what the visitor decided, if that changed since the last time."""
        state = {
            "items": [item.to_json() for item in self.items.values()],
            "references": [item.to_json() for item in self.references.values()],
            "chosen": self.chosen,
            "model": self.model,
            "colors": self.colors,
            "jobs": [job.to_json() for job in self.jobs.values()],
        }
        text = json.dumps(state)
        if text != self._saved and self.folder.is_dir():
            with replacing(self.folder / _STATE) as part:
                part.write_text(text, encoding="utf-8")
            self._saved = text

    def _restore(self) -> None:
        try:
            text = (self.folder / _STATE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        state = json.loads(text)
        for name, kept in (("items", self.items), ("references", self.references)):
            for values in state[name]:
                item = Item.from_json(values, self.folder)
                if item.path.is_file():
                    kept[item.key] = item
        self.chosen, self.model, self.colors = state["chosen"], state["model"], state["colors"]
        for values in state["jobs"]:
            job = Job.from_json(values, self.folder)
            self.jobs[job.about] = job
        self._saved = text

    @property
    def unsaved(self) -> bool:
        """Whether a picture has changes that no downloaded file has."""
        return any(item.edits.unsaved for item in self.items.values())

    @property
    def size(self) -> int:
        """Bytes of all files."""
        items = [*self.items.values(), *self.references.values()]
        return sum(item.path.stat().st_size for item in items)

    def add(self, name: str, file: BinaryIO) -> Item:
        """Keep a picture or film; ArgumentError if it is neither, or too large, or one too many."""
        if len(self.items) >= FILES:
            raise _full(name, f"at most {FILES} files", f"{FILES} already")
        item = self._spool(name, file, ("picture", "video"))
        self.items[item.key] = item
        self.chosen = item.key
        self.save()
        return item

    def lend(self, name: str, file: BinaryIO) -> Item:
        """Keep a reference, instead of the oldest if there are many; ArgumentError if too large."""
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
            )
        if (size := path.stat().st_size + self.size) > MEGABYTES * 1_000_000:
            path.unlink()
            raise _full(name, f"at most {MEGABYTES} MB together", f"{size / 1e6:,.0f} MB")
        return Item(path.stem, name, path, media)

    def remove(self, key: str) -> None:
        """Let a file go, and everything made of it."""
        keys = list(self.items)
        if key == self.chosen:  # the next one is looked at, or the one before
            after = keys.index(key) + 1
            self.chosen = (
                keys[after] if after < len(keys) else keys[after - 2] if after > 1 else None
            )
        self.items.pop(key, None)
        self.references.pop(key, None)
        for about in [about for about in self.jobs if about.startswith(key)]:
            self._drop_job(about)
        for path in self.folder.glob(f"{key}*"):  # the file and the frames of a film
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        self.save()
        for known in [known for known in self._canvases if key in known[0]]:
            del self._canvases[known]

    def state(self, item: Item) -> str:
        """How far a picture is: "failed", "edited", "coloured" or "waiting"."""
        if item.failed:
            return "failed"
        if item.edits.look.settled != Look():
            return "edited"
        if item.is_film:
            job = self.jobs.get(item.key)
            return "coloured" if job and job.status == "done" else "waiting"
        return "coloured" if item.colored else "waiting"

    def looks(self, about: str) -> list[Any]:
        """What the result of a job depends on, for `json`: the looks of all pictures, or of a film.

        Args:
            about: see `Job`.
        """
        film = about.partition(":")[0]
        return [
            [key, item.edits.look.settled.to_json()]
            for key, item in self.items.items()
            if (key == film if film in self.items else not item.is_film)
        ]

    def finish(self, item: Item) -> Finish:
        """How a picture, or the frame of a film that is looked at, is to be painted."""
        look, moment = item.edits.look, item.edits.moment
        lent = look.reference
        if moment is not None:
            look = replace(look, pins=item.edits.pins)
            lent = dict(look.stills).get(moment)
        lender = self.references.get(lent or "")
        return Finish(look, lender.path if lender else None)

    def name_color(self, name: str, color: str | None) -> None:
        """Give a colour a name, in the place of the oldest if there are many; None: forget it."""
        self.colors.pop(name, None)
        if color is not None and re.fullmatch("#[0-9a-f]{6}", color):
            self.colors[name[:40]] = color
            if len(self.colors) > COLORS:
                del self.colors[next(iter(self.colors))]

    def has_canvas(self, item: Item, colorizer: Colorizer) -> bool:
        """Whether a picture is ready to be painted."""
        return (str(item.path), str(colorizer.model.path)) in self._canvases

    def canvas(self, item: Item, colorizer: Colorizer, path: Path | None = None) -> Canvas:
        """The picture of `item`, from those used last or prepared now.

        Args:
            item: a picture, or a film.
            colorizer: the loaded model.
            path: of a film the file of one frame.

        Raises:
            PictureError: the file cannot be read.
        """
        path = path or item.path
        key = str(path), str(colorizer.model.path)
        size = colorizer.model.card.film_size if item.is_film else None
        canvas = self._canvases.pop(key, None) or Canvas(colorizer, path, size)
        item.failed = False
        self._canvases[key] = canvas
        while len(self._canvases) > _CANVASES:
            self._canvases.popitem(last=False)
        return canvas

    def forget_canvases(self) -> None:
        """Free the memory; canvases are prepared again when they are asked for."""
        self._canvases.clear()

    @property
    def running(self) -> Job | None:
        """The job that is running; there is one at a time, but for those that run aside."""
        jobs = self.jobs.values()
        return next((job for job in jobs if job.status == "running" and not job.aside), None)

    def start(self, job: Job) -> None:
        """Run a job, in the place of the one before about the same, whose result goes."""
        self._drop_job(job.about)
        self.jobs[job.about] = job
        self.save()
        job.start()

    def _drop_job(self, about: str) -> None:
        """Cancel a job and remove its result."""
        if job := self.jobs.pop(about, None):
            job.cancel()
            job.result.unlink(missing_ok=True)

    def close(self) -> None:
        """Cancel the jobs and remove the folder."""
        for about in list(self.jobs):
            self._drop_job(about)
        self.forget_canvases()
        shutil.rmtree(self.folder, ignore_errors=True)


def _full(name: str, expected: str, got: str) -> ArgumentError:
    fix = "remove some, or use the command line, which has no limit"
    return ArgumentError(f"{name} was not taken", expected=expected, got=got, fix=fix)
