"""What a network changes when its own colours come back to it as hints, six times.

    python -m benchmarks.drift SOURCE... [--limit N] [--model NAME]

A source is a folder of pictures, in colour or grey, or a film, of which N frames from all over it
are taken; sets of colour pictures are measured by ``photochrom evaluate SET --hints N``. A network
that does not repeat its own answer moves the whole scene with every click. Where the hints lie:
`photochrom.evaluate.clicks.fed_back`. For each source by itself: the change of mean chroma, the
95th percentile of the distance in ab over all its places, and the pictures that move most.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from photochrom import Colorizer, Picture, open_picture
from photochrom.evaluate.clicks import DriftTally, fed_back
from photochrom.evaluate.films.film_clips import open_clip
from photochrom.evaluate.picture_set import list_pictures


def pictures(source: Path, limit: int) -> Iterator[tuple[str, Picture]]:
    """Names and pictures of a source, `limit` at most."""
    if source.is_dir():
        for item in islice(list_pictures([source]), limit):
            yield item.file.name, open_picture(item.file)
        return
    clip = open_clip(source)
    length = clip.length or sum(1 for _ in clip.frames())
    places = set(((np.arange(limit) + 0.5) * length / limit).astype(int).tolist())
    for place, rgb in enumerate(clip.frames()):
        if place in places:
            yield f"frame {place}", Picture(rgb)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, nargs="+")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    colorizer = Colorizer(options.model)
    for source in options.source:
        drift, most = DriftTally(), []
        for name, picture in pictures(source, options.limit):
            prepared, single = colorizer.prepare(picture), DriftTally()
            after = fed_back(colorizer, prepared)
            for tally in (drift, single):
                tally.add(prepared.ab, after)
            most.append((single.ab, name))
        print(
            f"{source.name}: {len(most)} pictures, mean chroma {drift.chroma:+.1%},"
            f" ab {drift.ab:.1f} (95th percentile)"
        )
        far = sorted(most, reverse=True)[:3]
        print("  most: " + ", ".join(f"{name} {distance:.1f}" for distance, name in far))


if __name__ == "__main__":
    main()
