"""An archive of mixed scans: megapixels per second, from folder to folder.

    python -m benchmarks.archive [--count 100] [--largest 12] [--rounds 3] [--model PATH]

In each round, one after the other on the same pictures: the loop of student projects
(``student.py``), Photochrom file by file, ``photochrom colorize ARCHIVE -o OUT``, the same with
``--ray local`` where Ray is installed, and as a yardstick the work that cannot be avoided: reading
each file and writing its colours, and the network, on all cores at once. Printed are medians over
the rounds. Needs what ``still.py`` needs. ``--make FOLDER`` only writes such an archive, with
``--bad`` the share of broken files.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.still import HERE, PHOTOCHROM, PROTOTXT, ZHANG16, Student, make_caffemodel

sys.path.insert(0, str(HERE.parent / "tests"))
from tests.helpers.archive_files import make_archive


@cache
def colorizer(model: str, threads: int | None) -> Any:
    import photochrom

    return photochrom.Colorizer(model, threads=threads)


def one_by_one(model: str, source: Path, target: Path) -> float:
    """Seconds for all files of a folder, in one process with all its cores for each."""
    colour = colorizer(model, None)
    start = time.perf_counter()
    for path in files(source):
        output = target / path.relative_to(source)
        output.parent.mkdir(parents=True, exist_ok=True)
        colour.colorize(path).save(output)
    return time.perf_counter() - start


def unavoidable(model: str, source: Path, coloured: Path, scratch: Path) -> tuple[float, float]:
    """Seconds for a picture: reading and writing, and the network."""
    import photochrom
    from photochrom.color import neutral
    from photochrom.upsample import shrink

    one, result = colorizer(model, 1), photochrom.open_picture(coloured)
    output = scratch / f"{os.getpid()}{coloured.suffix}"
    start = time.perf_counter()
    picture = photochrom.open_picture(source)
    result.save(output)
    middle = time.perf_counter()
    grey = picture.pixels if picture.pixels.ndim == 2 else neutral(picture.pixels)
    L = shrink(grey, *one.model.fit(*grey.shape))
    before = time.perf_counter()
    one.model.predict(L[None, None])
    return middle - start, time.perf_counter() - before


def runner(model: str, source: Path, target: Path, *options: str) -> float:
    """Seconds of the command, with its start and its report."""
    words = [PHOTOCHROM, "colorize", str(source), "-o", str(target), "--model", model, *options]
    start = time.perf_counter()
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def student_loop(student: Student, source: Path, target: Path) -> float:
    """Seconds for all files of a folder, with the network loaded."""
    with student.loop() as colour:
        total = 0.0
        for path in files(source):
            output = target / path.relative_to(source)
            output.parent.mkdir(parents=True, exist_ok=True)
            total += colour(path, output)
    return total


def files(folder: Path) -> list[Path]:
    """Its pictures, each once, without those behind links."""
    found = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return sorted(path for path in found if path.suffix not in (".txt",) and path.name[0] != ".")


def megapixels(folder: Path) -> float:
    from PIL import Image

    total = 0
    for path in files(folder):
        with Image.open(path) as image:
            total += image.width * image.height
    return total / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--largest", type=float, default=12, help="megapixels of the largest scan")
    parser.add_argument("--bad", type=float, default=0.05, help="share of broken files, for --make")
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="only make an archive there")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="bundled", help="name or path, as for Colorizer")
    parser.add_argument("--prototxt", type=Path, default=ZHANG16 / PROTOTXT)
    parser.add_argument("--points", type=Path, default=ZHANG16 / "pts_in_hull.npy")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "archive")
    options = parser.parse_args()
    if options.make:
        make_archive(options.make, options.count, options.largest, options.bad)
        return
    measure(options)


def measure(options: argparse.Namespace) -> None:
    work, model = options.work.resolve(), options.model
    source = work / f"scans-{options.count}-{options.largest:g}"
    if not source.exists():
        make_archive(source, options.count, options.largest, bad=0)
        for link in ("1923/loop", "alias", "gone.jpg"):
            (source / link).unlink()
    caffemodel, context = work / "zhang16.caffemodel", get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        if not caffemodel.exists():
            pool.submit(make_caffemodel, options.prototxt, caffemodel).result()
    student = Student(work / "student-env", (options.prototxt, caffemodel, options.points))
    size, cores = megapixels(source), len(os.sched_getaffinity(0))
    print(f"{cores} cores; {len(files(source))} pictures, {size:.0f} megapixels")
    names = ["student loop", "file by file", "archive"]
    names += ["archive, Ray"] * bool(importlib.util.find_spec("ray"))
    seconds: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        out = work / "out"
        for name in names:
            shutil.rmtree(out, ignore_errors=True)
            if name == "student loop":
                taken = student_loop(student, source, out)
            elif name == "file by file":
                with ProcessPoolExecutor(1, context) as pool:
                    taken = pool.submit(one_by_one, model, source, out).result()
            else:
                taken = runner(model, source, out, *["--ray", "local"] * name.endswith("Ray"))
            seconds.setdefault(name, []).append(taken)
        with ProcessPoolExecutor(cores, context) as pool:
            pairs = [
                pool.submit(unavoidable, model, path, out / path.relative_to(source), work)
                for path in files(source)
            ]
            parts = [pair.result() for pair in pairs]
        seconds.setdefault("read and write alone", []).append(sum(p[0] for p in parts) / cores)
        seconds.setdefault("network alone", []).append(sum(p[1] for p in parts) / cores)
    tell(seconds, size)


def tell(seconds: dict[str, list[float]], size: float) -> None:
    for name, taken in seconds.items():
        median = statistics.median(taken)
        print(f"{name:22s} {median:7.1f} s {size / median:6.2f} megapixels/s")
    rounds = zip(*seconds.values(), strict=True)
    each = [dict(zip(seconds, one, strict=True)) for one in rounds]
    faster = statistics.median(one["student loop"] / one["archive"] for one in each)
    alone = ("read and write alone", "network alone")
    share = statistics.median(sum(one[a] for a in alone) / one["archive"] for one in each)
    print(f"the archive is {faster:.1f} times as fast as the student loop (aim 10)")
    print(f"and {share:.0%} of what reading, writing and the network alone allow (aim 60 %)")


if __name__ == "__main__":
    main()
