"""Memory of one worker of the service by the size of the picture.

    python -m benchmarks.server_memory [--megapixels 1 4 12 24 50] [--model PATH]

Each picture, grainy and grey, as a JPEG and as a PNG of 16 bits, goes to a service of its own with
one worker. Printed are the largest resident memory of the worker so far, and what is beyond that of
the worker before. Linux only.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from benchmarks.server_load import family, memory_of, serve


def grainy(megapixels: float, deep: bool) -> bytes:
    """A picture of 4 : 3."""
    width = int((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = int(width * 3 / 4)
    rng = np.random.default_rng(0)
    slope = np.linspace(40, 200, width, dtype=np.float32)
    codes = slope + rng.normal(0, 10, (height, width)).astype(np.float32)
    buffer = io.BytesIO()
    if deep:
        Image.fromarray((codes.clip(0, 255) * 257).astype(np.uint16)).save(buffer, "PNG")
    else:
        Image.fromarray(codes.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def measure(data: bytes, model: str) -> tuple[float, float, int]:
    """Megabytes of the worker before a picture and at most during it, and the answer's status."""
    with tempfile.TemporaryDirectory() as folder:
        process, url = serve(Path(folder), model)
        try:
            worker = family(process.pid)[-1]
            before = memory_of(worker, "VmRSS")
            answer = httpx.post(f"{url}/v1/colorize", content=data, timeout=600)
            return before, memory_of(worker, "VmHWM"), answer.status_code
        finally:
            process.terminate()
            process.wait(60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 4, 12, 24, 50])
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    os.environ |= {"PHOTOCHROM_CONCURRENT": "1", "PHOTOCHROM_TIMEOUT": "300"}
    os.environ |= {"PHOTOCHROM_MAX_UPLOAD": "500", "PHOTOCHROM_MAX_PIXELS": "200000000"}
    os.environ["PHOTOCHROM_WORKER_MEMORY"] = "16000"
    print("| megapixels | kind | worker before (MB) | at most (MB) | more (MB) |")
    print("|---:|---|---:|---:|---:|")
    bad = 0
    for megapixels in options.megapixels:
        for deep in (False, True):
            before, most, status = measure(grainy(megapixels, deep), options.model)
            kind = "PNG, 16 bits" if deep else "JPEG"
            print(f"| {megapixels:g} | {kind} | {before:.0f} | {most:.0f} | {most - before:.0f} |",
                  flush=True)  # fmt: skip
            bad += status != 200
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
