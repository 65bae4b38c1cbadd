"""The folder of the service: files of jobs and uploads, under names that no request chooses."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import threading
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from ..._io import file_sha256, replacing
from ...errors import ArgumentError
from ..http.uploads import Upload

_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 120  # characters of a name in a ZIP file
_DEVICES = {"CON", "PRN", "AUX", "NUL"} | {
    f"{x}{n}" for x in ("COM", "LPT") for n in "0123456789¹²³"
}
"""Names that Windows keeps for devices, whatever suffix follows."""


class JobFiles:
    """The files of all jobs.

    Args:
        path: made if needed, for this user alone; locked as long as the process lives.

    Attributes:
        uploads: folder of what is being received and answered; emptied at every start.

    Raises:
        ArgumentError: it cannot be made, or another service uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._films = path, threading.Lock()
        self._lock = FileLock(path / ".lock", thread_local=False)
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.chmod(0o700)
            for name in ("jobs", "films"):
                (path / name).mkdir(exist_ok=True, mode=0o700)
            self._lock.acquire(timeout=0)
            self.uploads = path / "uploads"
            shutil.rmtree(self.uploads, ignore_errors=True)
            self.uploads.mkdir(mode=0o700)
        except (OSError, Timeout) as error:
            got = getattr(error, "strerror", None) or "a folder that another service uses"
            raise ArgumentError(
                f"the folder for jobs {path}",
                expected="a folder for this service alone that can be written",
                got=got,
                fix="name another one with --folder",
            ) from None

    @property
    def database(self) -> Path:
        """The file of the jobs' table."""
        return self.path / "jobs.sqlite"

    def close(self) -> None:
        """Let another service use it."""
        self._lock.release()

    def free(self) -> int:
        """Bytes that the disk has left."""
        return shutil.disk_usage(self.path).free

    def of(self, id: str) -> Path:
        """Where the files of a job are."""
        assert _ID.fullmatch(id), "an id that this service did not make"
        return self.path / "jobs" / id

    def take(
        self,
        id: str,
        files: Iterable[Upload],
        suffix: str = "",
        references: Iterable[Upload] = (),
    ) -> None:
        """Move the files of a new job here, where they are called 0000, 0001 and so on."""
        place = self.of(id)
        try:
            for name in ("", "in", "out", "references"):
                (place / name).mkdir(mode=0o700)
            for number, upload in enumerate(files):
                upload.path.rename(place / "in" / f"{number:04}{suffix}")
            for number, upload in enumerate(references):
                upload.path.rename(place / "references" / f"{number:04}")
        except BaseException:
            self.remove(id)
            raise

    def references(self, id: str) -> tuple[Path, ...]:
        """The pictures that a job borrows colours from, in their order."""
        return tuple(sorted((self.of(id) / "references").glob("*")))

    def film(self, id: str, owner: str | None, source: Path) -> Path:
        """The film of a job at a path that later jobs of its owner with the same film share.

        What is kept beside it, parts of the result, goes with the last of these jobs.
        """
        name = hashlib.sha256(f"{file_sha256(source)} {owner}".encode()).hexdigest()
        film = self.path / "films" / name / f"source{source.suffix}"
        with self._films:
            film.parent.mkdir(exist_ok=True, mode=0o700)
            (film.parent / id).touch()
            if not film.exists():
                film.hardlink_to(source)
        return film

    def result(self, id: str) -> Path | None:
        """The result of a job, if it is there."""
        return next(self.of(id).glob("result.*"), None)

    def picture(self, id: str, number: int) -> Path | None:
        """The coloured picture of that number, if it is there."""
        return next((self.of(id) / "out").glob(f"{number:04}.*"), None)

    def pack(self, id: str, names: Iterable[str]) -> None:
        """Put the coloured pictures into one ZIP file by their names as sent, and remove them."""
        taken: set[str] = set()
        with (
            replacing(self.of(id) / "result.zip") as target,
            zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed,
        ):
            for number, name in enumerate(names):
                picture = self.picture(id, number)
                if picture is None:
                    continue
                info = zipfile.ZipInfo.from_file(
                    picture, zip_name(name, picture.suffix, number, taken)
                )
                info.comment = str(number).encode()
                with picture.open("rb") as source, packed.open(info, "w") as out:
                    shutil.copyfileobj(source, out, 1 << 18)
        self.tidy(id)

    def open_picture(self, id: str, number: int) -> tuple[IO[bytes], str, int] | None:
        """A coloured picture, open for reading, its suffix and its size; None if it is not there.

        It lies in the job's folder until the job has ended, then in its ZIP file.
        """
        with contextlib.suppress(FileNotFoundError):
            picture = self.picture(id, number)
            if picture is not None:
                file = picture.open("rb")
                return file, picture.suffix, os.fstat(file.fileno()).st_size
        with contextlib.suppress(FileNotFoundError):
            packed = zipfile.ZipFile(self.of(id) / "result.zip")
            for info in packed.infolist():
                if info.comment == str(number).encode():
                    return packed.open(info), Path(info.filename).suffix, info.file_size
            packed.close()
        return None

    def tidy(self, id: str) -> None:
        """Remove all but the result of a job that has ended."""
        for path in self.of(id).glob("*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif not path.match("result.*"):
                path.unlink(missing_ok=True)

    def remove(self, id: str) -> None:
        """Remove everything of a job."""
        shutil.rmtree(self.of(id), ignore_errors=True)
        with self._films:
            for film in (self.path / "films").iterdir():
                (film / id).unlink(missing_ok=True)
                if not any(_ID.fullmatch(path.name) for path in film.iterdir()):
                    shutil.rmtree(film, ignore_errors=True)

    def remove_all_but(self, ids: set[str]) -> None:
        """Remove what belongs to no job: uploads that a crash cut off."""
        found = [*(self.path / "jobs").iterdir(), *(self.path / "films").glob("*/*")]
        for id in {path.name for path in found if _ID.fullmatch(path.name)} - ids:
            self.remove(id)


def zip_name(name: str, suffix: str, number: int, taken: set[str]) -> str:
    """A file name for a ZIP file that every system can unpack, beside those that are taken.

    Args:
        name: as the sender called the file.
        suffix: of the result.
        number: of the file, from 0; its name if it has no usable one.
        taken: names in the file so far; the new one is added.
    """
    name = re.split(r"[/\\]", re.sub(r"^[A-Za-z]:(?=[/\\])", "", name))[-1]
    stem = name.rpartition(".")
    plain = re.sub(r'[\x00-\x1f\x7f<>"|?*]', "", stem[0] or stem[2]).replace(":", "-")
    plain = plain.encode("utf-8", "replace").decode().replace("?", "_").strip(". ")
    plain = plain[:_LONGEST].rstrip(". ") or f"picture-{number + 1}"
    if plain.partition(".")[0].rstrip().upper() in _DEVICES:
        plain = f"_{plain}"
    found, count = f"{plain}{suffix}", 1
    while found.lower() in taken:
        count += 1
        found = f"{plain}-{count}{suffix}"
    taken.add(found.lower())
    return found
