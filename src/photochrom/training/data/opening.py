"""Opens what a user names as a source of pictures: a folder, a shard or a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..._io import user_folder
from ...errors import ArgumentError, MissingExtraError, PhotochromError
from .sources import SHARDS, Files, Opener, Pixels, Source, is_shard, walk

_IMAGENET = ("ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_img_train.tar")


def open_source(spec: str | Path, root: Path | None = None) -> Source:
    """A source of colour pictures.

    Args:
        spec: a folder (searched to any depth for pictures and shards), a shard (``.zip``,
            ``.tar``, ``.tar.gz``), or the name of a data set: cifar10, cifar100, flowers102,
            places365, imagenet. A folder called like a data set is meant by ``./cifar10``, or by
            a `Path`.
        root: where the data sets are kept; default: ``datasets`` in the user's cache folder or in
            ``$PHOTOCHROM_HOME``. Those that are not there are downloaded.

    Raises:
        ArgumentError: there is no such source, or it has no pictures.
        PictureError: a shard is damaged.
        MissingExtraError: a data set needs torchvision or scipy, which is not installed.
    """
    if isinstance(spec, str) and spec in NAMES:
        return named_source(spec, root)
    path = Path(spec).expanduser()
    if path.is_dir():
        found = Files(path.resolve().name or str(path), path, tuple(walk(path)))
    elif path.is_file() and is_shard(path):
        found = Files(path.name, path.parent, (path,))
    else:
        kinds = "a folder, a .zip, .tar or .tar.gz of pictures, or one of " + ", ".join(NAMES)
        what = "a file that is none of these" if path.is_file() else "nothing of that name"
        raise ArgumentError(f"{spec} is not a source of pictures", expected=kinds, got=what)
    if next(iter(found), None) is None:
        raise ArgumentError(
            f"{spec} has no pictures",
            expected=f"files like .jpg, .png, .webp or .avif, or shards ({', '.join(SHARDS)})",
        )
    return found


def named_source(name: str, root: Path | None = None) -> Source:
    """The training pictures of a data set, through torchvision's own classes and downloads.

    Args:
        name: one of `NAMES`.
        root: where it is kept, laid out as torchvision does: in a folder of the set's name, if
            there is one, else in ``root`` itself. Default: ``datasets`` in the user's cache folder
            or in ``$PHOTOCHROM_HOME``.

    Raises:
        ArgumentError: it is not there and cannot be downloaded.
        PhotochromError: the download failed.
        MissingExtraError: torchvision, or scipy where the set needs it, is not installed.
    """
    try:
        from torchvision import datasets
    except ModuleNotFoundError:
        raise MissingExtraError.of("torchvision", "train", f"the data set {name}") from None
    root = root or user_folder("cache") / "datasets"
    folder = root / name if (root / name).is_dir() else root
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f".{name}.lock"):  # processes of one run download once
            return _OPENERS[name](name, folder, datasets)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the data set {name} is not available",
            expected=f"the package {error.name}, which reads its lists",
            got="no such package",
            fix=f"install it with: pip install {error.name}",
        ) from None
    except (OSError, RuntimeError) as error:
        raise PhotochromError(
            f"the data set {name} cannot be had",
            expected=f"its files in {folder}, or a connection to download them",
            got=str(error) or type(error).__name__,
            fix="try again, or put the files there",
        ) from error


@dataclass(frozen=True)
class Arrays:
    """Pictures that are kept in memory."""

    name: str  # of the source
    data: Any  # torchvision's data set, with its pictures in ``data``: ``(N, H, W, 3)`` uint8
    files: Files  # what they were read from

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[tuple[str, Opener]]:
        return ((f"{number:05d}", Pixels(array)) for number, array in enumerate(self.data))

    def inputs(self) -> Iterator[tuple[str, int, int]]:
        return self.files.inputs()


def _cifar(name: str, folder: Path, datasets: Any) -> Source:
    kind = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    found = kind(folder, train=True, download=True)
    base = folder / found.base_folder
    files = Files(name, base, tuple(base / entry[0] for entry in found.train_list))
    return Arrays(name, found.data, files)


def _flowers(name: str, folder: Path, datasets: Any) -> Source:
    found = datasets.Flowers102(folder, split="train", download=True, loader=str)
    return _listed(name, folder, found)


def _places(name: str, folder: Path, datasets: Any) -> Source:
    found = datasets.Places365(folder, "train-standard", small=True, download=True, loader=str)
    return _listed(name, folder, found)


def _imagenet(name: str, folder: Path, datasets: Any) -> Source:
    try:
        return _listed(name, folder, datasets.ImageNet(folder, split="train", loader=str))
    except (OSError, RuntimeError) as error:
        raise ArgumentError(
            "ImageNet is not there, and may not be downloaded by a program",
            expected=f"the archives {' and '.join(_IMAGENET)} in {folder}",
            got=str(error),
            fix="get them from image-net.org and put them there as they are",
        ) from error


def _listed(name: str, folder: Path, dataset: Any) -> Source:
    """The pictures of a data set whose loader gives their paths."""
    return Files(name, folder, tuple(Path(dataset[i][0]) for i in range(len(dataset))))


_OPENERS: dict[str, Callable[[str, Path, Any], Source]] = {
    "cifar10": _cifar,
    "cifar100": _cifar,
    "flowers102": _flowers,
    "places365": _places,
    "imagenet": _imagenet,
}
NAMES = tuple(_OPENERS)
"""What `named_source` knows."""
