"""What a network changes when its own colours come back to it as hints, six times.

    python -m benchmarks.drift SOURCE... [--limit N] [--model NAME]

A source is a folder or ZIP file of pictures, in colour or grey, or a film, of which N frames from
all over it are taken. A network that does not repeat its own answer moves the whole scene with
every click. Where the hints lie: `photochrom.evaluate.clicks.fed_back`. For each source by
itself: the change of mean chroma, the 95th percentile of the distance in ab over all its pixels,
and the pictures that move most.
"""

import argparse
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from photochrom import Colorizer, Picture
from photochrom.color import neutral
from photochrom.evaluate.clicks import fed_back

Array = np.ndarray[Any, Any]


def pictures(source: Path, limit: int) -> Iterator[tuple[str, Array]]:
    """Names and RGB codes of a source, `limit` at most."""
    if source.is_dir() or zipfile.is_zipfile(source):
        root = source if source.is_dir() else zipfile.Path(source)
        files = sorted((f for f in root.iterdir() if f.is_file()), key=lambda f: f.name)
        decoded = ((file.name, _decoded(file.read_bytes())) for file in files)
        chosen = ((name, rgb) for name, rgb in decoded if rgb is not None)
        yield from (pair for pair, _ in zip(chosen, range(limit), strict=False))
    else:
        yield from _frames(source, limit)


def _decoded(data: bytes) -> Array | None:
    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except OSError:
        return None


def _frames(film: Path, count: int) -> Iterator[tuple[str, Array]]:
    from photochrom.video.container.video_reader import VideoReader

    with VideoReader(film) as video:
        length = sum(1 for _ in video.frames()) / float(video.rate)
    for seconds in (np.arange(count) + 0.5) * length / count:
        with VideoReader(film) as video:
            frame = next(video.frames(video.pts_at(seconds)))
            yield f"{seconds:.1f} s", frame.to_ndarray(format="rgb24")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, nargs="+")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    colorizer = Colorizer(options.model)
    for source in options.source:
        moved, chroma = [], []
        for name, rgb in pictures(source, options.limit):
            prepared = colorizer.prepare(Picture(neutral(rgb)))
            before, after = prepared.ab, fed_back(colorizer, prepared)
            chroma.append([np.hypot(*ab).mean() for ab in (before, after)])
            moved.append((name, np.hypot(*(after - before)).ravel()))
        own, back = np.mean(chroma, 0)
        print(
            f"{source.name}: {len(moved)} pictures, mean chroma {back / own - 1:+.1%},"
            f" ab {np.quantile(np.concatenate([d for _, d in moved]), 0.95):.1f} (95th percentile)"
        )
        most = sorted(((float(np.quantile(d, 0.95)), name) for name, d in moved), reverse=True)[:3]
        print("  most: " + ", ".join(f"{name} {far:.1f}" for far, name in most))


if __name__ == "__main__":
    main()
