"""How far chroma comes back: guided upsampling against bilinear and bicubic, on real photographs.

    python -m benchmarks.upsample FOLDER_OR_ZIP [--limit N]

Each photograph's true ab is averaged over 4x4 and over 16x16 pixels and enlarged again. Printed:
the mean distance in ab to the truth, its ratio to bilinear, and the share of pictures on which it
beats bilinear.
"""

import argparse
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from photochrom.color import neutral, srgb_to_lab
from photochrom.upsample import GuidedChroma, shrink


def pictures(source: Path, limit: int) -> Iterator[np.ndarray]:
    if source.is_dir():
        files = (p.read_bytes() for p in sorted(source.rglob("*.*")))
    else:
        archive = zipfile.ZipFile(source)
        files = (archive.read(name) for name in sorted(archive.namelist()))
    for _, data in zip(range(limit), files, strict=False):
        rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        height, width = (side // 16 * 16 for side in rgb.shape[:2])
        yield np.ascontiguousarray(rgb[:height, :width])


def enlarge(planes: np.ndarray, size: tuple[int, int], filter_: Image.Resampling) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(p).resize(size[::-1], filter_)) for p in planes])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("--limit", type=int, default=1000)
    options = parser.parse_args()
    for factor in (4, 16):
        errors: dict[str, list[float]] = {"bilinear": [], "bicubic": [], "guided": []}
        for rgb in pictures(options.source, options.limit):
            size = rgb.shape[:2]
            truth = np.ascontiguousarray(srgb_to_lab(rgb)[..., 1:].transpose(2, 0, 1))
            grid = (size[0] // factor, size[1] // factor)
            ab = enlarge(truth, grid, Image.Resampling.BOX)
            grey = neutral(rgb)
            # As in use: the guide of the first step is four times the grid, not the full size.
            guide = shrink(grey, grid[0] * 4, grid[1] * 4)
            results = {
                "bilinear": enlarge(ab, size, Image.Resampling.BILINEAR),
                "bicubic": enlarge(ab, size, Image.Resampling.BICUBIC),
                "guided": GuidedChroma(guide, ab, size).rows(0, grey),
            }
            for name, result in results.items():
                errors[name].append(float(np.hypot(*(result - truth)).mean()))
        base = np.array(errors["bilinear"])
        print(f"chroma at 1/{factor} of the size, {len(base)} pictures")
        for name, values in errors.items():
            mean, better = np.mean(values), np.mean(np.array(values) < base)
            print(f"  {name:9s} {mean:6.3f}  {mean / base.mean():.3f}  {better:4.0%}")


if __name__ == "__main__":
    main()
