"""Opens what a user names as a source of pictures: a folder, a shard or a data set."""

from __future__ import annotations

from pathlib import Path

from ...errors import ArgumentError
from .named import NAMES, named_source
from .sources import SHARDS, Files, Source, is_shard, walk


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
            got="none of them",
            fix="name the folder or shard that has the pictures",
        )
    return found
