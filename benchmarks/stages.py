"""Seconds of one core for each stage of a picture, from which the cost of an archive follows.

    python -m benchmarks.stages [--rounds 4] [--model PATH]

Makes scans of several sizes and formats, with film grain, and colours each with one thread. Printed
are the least seconds of processor time of some rounds, so that other work on the machine counts
little, and what is read and written. `docs/cluster.md` works out a million scans from them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ["VIPS_CONCURRENCY"] = "1"  # before libvips is loaded

import numpy as np
from PIL import Image

import photochrom
from tests.helpers.archive_files import grainy

SCANS = [
    ("1 MP JPEG", 1152, 864, ".jpg", {"quality": 88}),
    ("3 MP JPEG", 2000, 1500, ".jpg", {"quality": 88}),
    ("12 MP JPEG", 4000, 3000, ".jpg", {"quality": 88}),
    ("3 MP PNG", 2000, 1500, ".png", {}),
    ("3 MP WebP", 2000, 1500, ".webp", {"quality": 88}),
    ("3 MP TIFF, 16 bits, deflated", 2000, 1500, ".tif", {"compression": "tiff_adobe_deflate"}),
    ("12 MP TIFF, 16 bits, plain", 4000, 3000, ".tif", {}),
]


def scan(path: Path, width: int, height: int, options: dict[str, object]) -> None:
    """A cloudy picture with grain."""
    grey = grainy(np.random.default_rng(width), width, height)
    deep = path.suffix == ".tif"
    codes = (grey * 257).astype(np.uint16) if deep else grey.astype(np.uint8)
    Image.fromarray(codes).save(path, **options)


def stages(colorizer: photochrom.Colorizer, source: Path, output: Path) -> list[float]:
    """Seconds of processor time to read, predict, paint and write."""
    times = [time.process_time()]
    picture = photochrom.open_picture(source)
    times.append(time.process_time())
    prepared = colorizer.prepare(picture)
    times.append(time.process_time())
    coloured = colorizer.render(prepared)
    times.append(time.process_time())
    coloured.save(output)
    times.append(time.process_time())
    return np.diff(times).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--model", default="bundled", help="name or path, as for Colorizer")
    options = parser.parse_args()
    colorizer = photochrom.Colorizer(options.model, threads=1)
    print(f"{'':30s}   read  network  paint  write  in all  per hour  MB read, written")
    with tempfile.TemporaryDirectory() as folder:
        for name, width, height, suffix, how in SCANS:
            source, output = Path(folder, f"scan{suffix}"), Path(folder, f"color{suffix}")
            scan(source, width, height, how)
            rounds = [stages(colorizer, source, output) for _ in range(options.rounds)]
            read, network, paint, write = np.min(rounds, axis=0)
            total = read + network + paint + write
            sizes = ", ".join(f"{path.stat().st_size / 1e6:.1f}" for path in (source, output))
            print(
                f"{name:30s} {read:6.3f} {network:8.3f} {paint:6.3f} {write:6.3f} {total:7.2f}"
                f" {3600 / total:9,.0f}  {sizes}"
            )


if __name__ == "__main__":
    main()
