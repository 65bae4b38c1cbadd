"""What the colour planes and the shots of a film cost per frame.

    python -m benchmarks.video_planes

Printed: milliseconds of one core (thread time) and by the clock, the median of 50 frames each.
"""

import time
from collections.abc import Callable
from statistics import median

import cv2
import numpy as np

from photochrom.video.color.planes import chroma_planes, working_L
from photochrom.video.color.tones import Tones
from photochrom.video.shots.cuts import Shots

FRAMES = [  # rows, columns, bits, chroma subsampling down and across, working size
    (1080, 1920, 8, (2, 2), (192, 352)),
    (1080, 1920, 10, (2, 2), (192, 352)),
    (1080, 1920, 8, (1, 1), (192, 352)),
    (480, 640, 8, (2, 2), (224, 288)),
]


def timed(work: Callable[[], object]) -> str:
    work()
    core, clock = [], []
    for _ in range(50):
        before = time.thread_time(), time.perf_counter()
        work()
        core.append(time.thread_time() - before[0])
        clock.append(time.perf_counter() - before[1])
    figures = {"core": median(core), "clock": median(clock), "least of a core": min(core)}
    return "".join(f"{seconds * 1e3:8.2f} {name}" for name, seconds in figures.items())


def main() -> None:
    cv2.setNumThreads(1)
    random = np.random.default_rng(0)
    for height, width, depth, (down, across), size in FRAMES:
        tones = Tones(depth=depth)
        rough = random.integers(0, 256, (height // 4, width // 4)).astype(np.uint8)
        luma = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
        luma = luma.astype(tones.dtype) << (depth - 8)
        L = working_L(luma, size, tones)
        cells = random.normal(0, 15, (size[0] // 8, size[1] // 8, 2)).astype(np.float32)
        ab = np.ascontiguousarray(np.moveaxis(cv2.resize(cells, size[::-1]), -1, 0))
        shape, shots = (-(-height // down), -(-width // across)), Shots()
        print(f"{width}x{height}, {depth} bits, colour planes {shape[1]}x{shape[0]}")
        print("  working_L    ", timed(lambda: working_L(luma, size, tones)))  # noqa: B023
        print("  chroma_planes", timed(lambda: chroma_planes(luma, L, ab, shape, tones)))  # noqa: B023
        print("  Shots.push   ", timed(lambda: shots.push(L)))  # noqa: B023


if __name__ == "__main__":
    main()
