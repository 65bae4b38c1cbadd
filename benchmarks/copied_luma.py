"""Grey JPEGs of mixed kinds, coloured beside their luma: given back, how large, and how shown.

    python -m benchmarks.copied_luma [PHOTOGRAPHS] [--count 200] [--chromium 10] [--show FOLDER]

Each file is made of a photograph of a folder (default: the one in ``examples/``) by Pillow, cjpeg,
jpegtran or mozjpeg (the last three if they are installed), at a size, quality and EXIF orientation
drawn by chance; baseline or progressive, with and without optimised tables, restart markers and
bytes behind the end. It is coloured, and `uncolor` must give it back byte for byte. OpenCV,
libvips, FFmpeg and, for some, Chromium must show the pixels that Pillow shows. Exit status 1 if
something is wrong.
``--show`` writes details at 200 % beside what ``--recompress`` makes.
"""

from __future__ import annotations

import argparse
import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from photochrom import Colorizer, uncolor
from tests.helpers.picture_files import exif_block

Array = np.ndarray[Any, Any]
SIZES = (333, 512, 640, 801, 1000, 1201)
LARGE = 16_000
"""Bytes from which on a file may grow by 12 % at most."""


def tools() -> list[str]:
    found = ["pillow", *(name for name in ("cjpeg", "jpegtran") if shutil.which(name))]
    try:
        import mozjpeg_lossless_optimization  # noqa: F401
    except ImportError:
        return found
    return [*found, "mozjpeg"]


def make(rng: random.Random, photograph: Path, tool: str) -> bytes:
    """A grey JPEG of one of many kinds."""
    with Image.open(photograph) as opened:
        image = opened.convert("L")
    width = rng.choice(SIZES)
    height = max(1, round(image.height * width / image.width) + rng.randrange(2))
    image = image.resize((width, height))
    options: dict[str, Any] = {"quality": rng.choice([60, 75, 85, 90, 95])}
    chance = [{"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 7}]
    for one in chance:
        options |= one if rng.random() < 0.3 else {}
    if rng.random() < 0.5:
        options["exif"] = b"Exif\0\0" + exif_block(rng.randrange(1, 9))
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    data = file.getvalue()
    if tool == "cjpeg":
        plain = io.BytesIO()
        image.save(plain, "PPM")
        words = rng.choice([["-progressive"], ["-restart", "2"], ["-dct", "float"], []])
        words = ["cjpeg", "-grayscale", "-quality", str(options["quality"]), *words]
        data = subprocess.run(words, input=plain.getvalue(), capture_output=True, check=True).stdout
    elif tool == "jpegtran":
        words = rng.choice([["-optimize"], ["-progressive"], ["-restart", "1"]])
        words = ["jpegtran", "-copy", "all", "-grayscale", *words]
        data = subprocess.run(words, input=data, capture_output=True, check=True).stdout
    elif tool == "mozjpeg":
        import mozjpeg_lossless_optimization

        data = mozjpeg_lossless_optimization.optimize(data)
    return data + rng.randbytes(300) * (rng.random() < 0.2)


def shown(data: bytes) -> dict[str, Array]:
    """RGB as the decoders of Python show it, not turned; of FFmpeg, Y'."""
    import av
    import cv2
    import pyvips

    with Image.open(io.BytesIO(data)) as image:
        pillow = np.asarray(image)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    opencv = cv2.imdecode(np.frombuffer(data, np.uint8), flags)[..., ::-1]
    vips = pyvips.Image.new_from_buffer(data, "", fail_on="warning").numpy()
    with av.open(io.BytesIO(data), format="mjpeg") as container:
        frame = next(container.decode(video=0))
        luma = np.frombuffer(frame.planes[0], np.uint8).reshape(frame.height, -1)
    return {"Pillow": pillow, "OpenCV": opencv, "libvips": vips, "FFmpeg": luma[:, : frame.width]}


def in_chromium(browser: str, data: bytes) -> tuple[Array, Array]:
    """RGB as Pillow and a page of Chromium show it, both upright."""
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    height, width = upright.shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "a.jpg").write_bytes(data)
        style = "body{margin:0}img{display:block}"
        (path / "a.html").write_text(f"<style>{style}</style><img src=a.jpg>")
        words = ["--headless", "--no-sandbox", "--hide-scrollbars", "--force-color-profile=srgb"]
        words += [f"--window-size={max(width, 600)},{height + 200}", f"--user-data-dir={path}/user"]
        words += [f"--screenshot={path}/a.png", (path / "a.html").as_uri()]
        subprocess.run([browser, *words], check=True, capture_output=True, timeout=60)
        with Image.open(path / "a.png") as image:
            return upright, np.asarray(image.convert("RGB"))[:height, :width]


def detail(picture: Any) -> Image.Image:
    """The middle of the copied and of the recompressed result, at 200 %."""
    parts = []
    for recompress in (False, True):
        with Image.open(io.BytesIO(picture.to_bytes("jpeg", recompress=recompress))) as stored:
            image = ImageOps.exif_transpose(stored)
            left, top = max(0, image.width // 2 - 200), max(0, image.height // 2 - 150)
            box = (left, top, min(left + 400, image.width), min(top + 300, image.height))
            parts.append(image.crop(box).resize((2 * (box[2] - left), 2 * (box[3] - top)), 0))
    both = Image.new("RGB", (sum(p.width for p in parts) + 8, max(p.height for p in parts)))
    for part, left in zip(parts, (0, parts[0].width + 8), strict=True):
        both.paste(part, (left, 0))
    return both


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = Path(__file__).parent.parent
    parser.add_argument("photographs", type=Path, nargs="?", default=here / "examples")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--chromium", type=int, default=10, help="files to show in Chromium")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--show", type=Path, help="folder for details of ten results")
    options = parser.parse_args()
    photographs = sorted(options.photographs.glob("*.jpg"))
    if not photographs:
        parser.error(f"{options.photographs} has no .jpg")
    rng, colorizer, browser = random.Random(options.seed), Colorizer(), shutil.which("chromium")
    kinds: Counter[str] = Counter()
    growth: list[tuple[int, float]] = []
    apart: dict[str, int] = {}
    back = 0
    for number in range(options.count):
        tool = rng.choice(tools())
        data = make(rng, rng.choice(photographs), tool)
        kinds[tool] += 1
        picture = colorizer.colorize(data)
        result, grey = picture.to_bytes("jpeg"), io.BytesIO()
        uncolor(result, grey)
        back += grey.getvalue() == data
        growth.append((len(data), len(result) / len(data) - 1))
        pixels = shown(result)
        with Image.open(io.BytesIO(data)) as image:
            pillow = pixels.pop("Pillow")
            pairs = {name: (pillow, other) for name, other in pixels.items()}
            pairs["FFmpeg"] = np.asarray(image), pixels["FFmpeg"]
        if browser and number < options.chromium:
            pairs["Chromium"] = in_chromium(browser, result)
        for name, (one, other) in pairs.items():
            apart[name] = max(apart.get(name, 0), int(np.abs(one.astype(int) - other).max()))
        if options.show and number % max(1, options.count // 10) == 0:
            options.show.mkdir(parents=True, exist_ok=True)
            detail(picture).save(options.show / f"{number:03}.png")
    return tell(kinds, growth, apart, back)


def tell(
    kinds: Counter[str], growth: list[tuple[int, float]], apart: dict[str, int], back: int
) -> int:
    print(", ".join(f"{count} by {tool}" for tool, count in kinds.items()))
    print(f"given back byte for byte: {back} of {len(growth)}")
    grown = np.array([share for _, share in growth])
    print(f"larger by {np.median(grown):.1%} in the median, {np.quantile(grown, 0.95):.1%} at the")
    print(f"  95th percentile; by more than 12 %: {np.sum(grown > 0.12)}")
    for size, share in sorted(growth):
        if share > 0.12:
            print(f"  {size} bytes: {share:.1%}")
    print("codes apart from Pillow at most (FFmpeg: Y' from the source's):", apart)
    large = any(share > 0.12 for size, share in growth if size >= LARGE)
    return int(back < len(growth) or large or any(most > 2 for most in apart.values()))


if __name__ == "__main__":
    sys.exit(main())
