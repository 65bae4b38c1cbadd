"""Protocols: sets of pictures that papers compare on, by the names of their files.

The pictures are the user's own copy; which of them belong to the set is known here, by a rule or by
a list that is fetched once and checked by its SHA-256.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from .._io import user_folder
from ..errors import ArgumentError, PictureError
from ..models.download import download
from .picture_set import Item

SIZE = 256
"""Side of the compared squares in all of them."""

# The list of Larsson, Maire and Shakhnarovich (2016), as AruniRC/colorizer-fcn keeps it; length and
# SHA-256 of that file.
_CTEST10K = (
    "https://raw.githubusercontent.com/AruniRC/colorizer-fcn/"
    "33ab423151a2c6045f69bcf0bb493965e106010a/lists/ctest10k.txt",
    438_903,
    "7574f5423a9a870d7a29af0b250de199d42c24c48673439a7a6e19ce32fd7011",
)


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """A set of pictures."""

    title: str  # what it is, for people
    pictures: str  # whose files they are, where to get them
    count: int  # how many
    sha256: str  # of the sorted names without suffixes, each followed by a line break
    # gives a function that says whether a name belongs to the set
    belongs: Callable[[], Callable[[str], bool]]


def _first_5000() -> Callable[[str], bool]:
    names = {f"ILSVRC2012_val_{number:08}" for number in range(1, 5001)}
    return names.__contains__


def _listed() -> Callable[[str], bool]:
    url, size, sha256 = _CTEST10K
    target = user_folder("cache") / "protocols" / "ctest10k.txt"
    text = download([url], target, size=size, sha256=sha256).read_text("utf-8")
    names = {PurePosixPath(line.split()[0]).stem for line in text.splitlines()}
    return names.__contains__


def _of_coco() -> Callable[[str], bool]:
    return lambda name: re.fullmatch(r"[0-9]{12}", name) is not None


PROTOCOLS: Mapping[str, Protocol] = {
    "imagenet-ctest10k": Protocol(
        title="ImageNet ctest10k (Larsson et al. 2016)",
        pictures="the validation pictures of ILSVRC 2012",
        count=10_000,
        sha256="f7e33b83d543b3446e0176b9918be5bcb576c285e2b6ded9c0d2556242a508d5",
        belongs=_listed,
    ),
    "imagenet-val5k": Protocol(
        title="ImageNet val5k, the first 5,000 validation pictures",
        pictures="the validation pictures of ILSVRC 2012",
        count=5000,
        sha256="149b433846abded7ff07174197c2758e93370408175b88281fbd8468808e66d9",
        belongs=_first_5000,
    ),
    "coco-val5k": Protocol(
        title="COCO val2017, all 5,000 pictures",
        pictures="the folder val2017 of COCO",
        count=5000,
        sha256="e1cc220cde76f9a1fc39aff5b5f8c0b128de8b071602e6d57f262697116e2906",
        belongs=_of_coco,
    ),
}


def pictures_of(name: str, items: Sequence[Item]) -> list[Item]:
    """The pictures of a protocol, by name; ArgumentError if some lack, DownloadError."""
    if name not in PROTOCOLS:
        raise ArgumentError.not_one_of("the protocol", name, PROTOCOLS)
    protocol = PROTOCOLS[name]
    belongs = protocol.belongs()
    found = {stem(item): item for item in items if belongs(stem(item))}
    if len(found) != protocol.count or names_sha256(found.values()) != protocol.sha256:
        raise ArgumentError(
            f"the pictures are not those of {name}",
            expected=f"the {protocol.count:,} of {protocol.title}",
            got=f"{len(found):,} with names of that kind",
            fix=f"name a folder with {protocol.pictures}, under their own names",
        )
    return [found[each] for each in sorted(found)]


def check_whole(name: str, unreadable: Sequence[tuple[str, str]]) -> None:
    """Refuse a protocol some of whose pictures cannot be read, with PictureError."""
    if unreadable:
        first, why = unreadable[0]
        raise PictureError(
            f"{name} needs all of its pictures",
            got=f"{len(unreadable)} that cannot be read, among these {first} ({why})",
        )


def names_sha256(items: Iterable[Item]) -> str:
    """SHA-256 of the sorted names of pictures, without suffixes, each followed by a line break."""
    text = "".join(f"{name}\n" for name in sorted(map(stem, items)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def stem(item: Item) -> str:
    """The file name of a picture without folder and suffix."""
    return item.key.rpartition("/")[2]
