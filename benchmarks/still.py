"""Still pictures, from file to file: Photochrom against the pipeline of student projects.

    python -m benchmarks.still [--repeats 7] [--model PATH]

Both colour the same grey JPEGs of 1 and 12 megapixels in turn, and Photochrom a 16-bit TIFF of 100
as well. Printed are medians: with the model loaded before, beside the *floor* (reading the grey
file and writing the coloured one by the same codecs, with no colouring between; of a JPEG its luma
is copied) and the network
alone; and as a process of its own for each picture, with its peak memory. The student pipeline
(``student.py``) runs in a virtual environment of its own, with the published network and made-up
weights, as many as the real ones. Needs scikit-image (group ``dev``), protobuf
(extra ``import``), Linux or macOS, and 1.2 GB of disk for the folder ``--work``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ZHANG16 = HERE.parents[1] / "shared" / "fixtures" / "zhang16"
PROTOTXT = "colorization_deploy_v2.prototxt"
OPENCV = "opencv-python-headless>=4.5,<5"
GRAIN = 10  # standard deviation in codes of 8 bits: a JPEG of 12 megapixels has 4 to 5 MB
PHOTOCHROM = str(Path(sys.executable).with_name("photochrom"))


class Size(NamedTuple):
    """One test picture, and the aims for it."""

    name: str
    file: str
    width: int
    height: int
    depth: int = 8
    times_faster: float | None = None
    times_floor: float | None = None
    megabytes: float | None = None


SMALL = Size("small", "small.jpg", 512, 384)
SIZES = (
    Size("1 MP JPEG", "1mp.jpg", 1152, 864, times_faster=6),
    Size("12 MP JPEG", "12mp.jpg", 4000, 3000, times_faster=6),
    Size("100 MP TIFF, 16 bits", "100mp.tif", 11552, 8664, depth=16, times_floor=5, megabytes=2500),
)


# Run in processes of their own, so that the one that measures stays small: on Linux the peak
# memory of a child process is never less than its parent's was.


def make_picture(size: Size, target: Path) -> None:
    """A photograph enlarged, with grain, since an enlargement alone would compress too well."""
    import numpy as np
    from PIL import Image
    from skimage import data

    photograph = Image.fromarray(data.astronaut()).convert("F").crop((0, 0, 512, 384))
    scale = 257 if size.depth == 16 else 1
    grey = np.empty((size.height, size.width), f"uint{size.depth}")
    grain, step = np.random.default_rng(0), -(-size.height // 12)
    for top in range(0, size.height, step):
        rows = min(step, size.height - top)
        box = (0, top * 384 / size.height, 512, (top + rows) * 384 / size.height)
        part = photograph.resize((size.width, rows), Image.Resampling.BICUBIC, box)
        noisy = np.asarray(part) + grain.normal(0, GRAIN, (rows, size.width))
        grey[top : top + rows] = np.rint(np.clip(noisy, 0, 255) * scale)
    Image.fromarray(grey).save(target, quality=90)


def make_caffemodel(prototxt: Path, target: Path) -> None:
    sys.path.insert(0, str(HERE.parent / "tests"))
    from tests.helpers import caffe_writer

    net = caffe_writer.read_net(prototxt)
    target.write_bytes(caffe_writer.caffemodel_bytes(net, caffe_writer.zhang16_weights(net, 1)))


@cache
def colorizer(model: str) -> Any:
    import photochrom

    return photochrom.Colorizer(model)


def colour(model: str, source: Path, target: Path) -> float:
    """Seconds for one picture, from file to file."""
    colorizer(model)
    start = time.perf_counter()
    colorizer(model).colorize(source).save(target)
    return time.perf_counter() - start


def stages(model: str, source: Path, target: Path) -> dict[str, float]:
    """Seconds for each step; "read" and "write" together are the floor.

    Of a grey JPEG, half of the size is read and painted, and its luma copied.
    """
    import photochrom
    from photochrom.color import neutral
    from photochrom.upsample import shrink

    one = colorizer(model)
    moments = [time.perf_counter()]

    def mark(value: Any) -> Any:
        moments.append(time.perf_counter())
        return value

    picture = mark(photochrom.open_picture(source))
    size = one.model.fit(picture.height, picture.width)
    if picture.luma:
        grey = picture.luma.grey(picture.luma.half)
    else:
        grey = picture.pixels if picture.grey else neutral(picture.pixels)
    L = mark(shrink(grey, *size))
    prediction = mark(one.model.predict(L[None, None]))
    logits = None if prediction.logits is None else prediction.logits[0]
    result = one.render(photochrom.Prepared(picture, L, prediction.ab[0], logits))
    mark(result.luma.chroma() if result.luma and result.luma.chroma else result.pixels)
    mark(result.save(target))
    names = ("read", "shrink", "network", "paint", "write")
    return {name: b - a for name, (a, b) in zip(names, pairwise(moments), strict=True)}


# The measuring process.


class Student:
    """``student.py`` in its environment.

    Args:
        folder: of the environment, made if it is not there.
        files: prototxt, caffemodel and points.
    """

    def __init__(self, folder: Path, files: Sequence[Path]) -> None:
        python = folder / "bin" / "python"
        if not python.exists():
            venv.create(folder, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", OPENCV], check=True)
        self.command = [str(python), str(HERE / "student.py"), *map(str, files)]
        version = [str(python), "-c", "import cv2; print(cv2.__version__)"]
        self.version = subprocess.check_output(version, text=True).strip()

    @contextmanager
    def loop(self) -> Iterator[Callable[[Path, Path], float]]:
        """A function as `colour`, in a process that has loaded the network."""
        pipe = subprocess.PIPE
        with subprocess.Popen(self.command, stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None

            def colour(source: Path, target: Path) -> float:
                print(source, target, sep="\t", file=process.stdin, flush=True)
                return float(process.stdout.readline())

            yield colour
            process.stdin.close()


def fresh(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a command in a process of its own."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    return seconds, usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)


def rounds(count: int, *tasks: Callable[[], Any]) -> list[list[Any]]:
    """Each task's results, run in turn `count` times after a first time that does not count."""
    results = [[task() for task in tasks] for _ in range(count + 1)]
    return [list(each) for each in zip(*results[1:], strict=True)]


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """How many times faster, as the median over the rounds, which drift alike."""
    return statistics.median(s / f for s, f in zip(slow, fast, strict=True))


def loaded(size: Size, work: Path, model: str, student: Student, repeats: int) -> None:
    """Print the times of one size with the models loaded."""
    source = work / size.file
    ours, theirs = (source.with_stem(f"{source.stem}-{who}") for who in ("ours", "theirs"))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool, student.loop() as student_colour:

        def run(task: Callable[..., Any]) -> Any:
            return pool.submit(task, model, source, ours).result()

        tasks = [lambda: run(colour), lambda: run(stages)]
        if size.times_faster:
            tasks.append(lambda: student_colour(source, theirs))
        times, parts, *slow = rounds(repeats, *tasks)
    median = {name: statistics.median(p[name] for p in parts) for name in parts[0]}
    total, floor = statistics.median(times), median["read"] + median["write"]
    line = f"{size.name:21s} Photochrom {total * 1e3:6.0f} ms"
    if slow:
        line += f", student {statistics.median(slow[0]) * 1e3:6.0f} ms"
        line += f": {ratio(slow[0], times):.1f} times faster (aim {size.times_faster:g})"
    print(line)
    print("    " + ", ".join(f"{name} {value * 1e3:.0f}" for name, value in median.items()))
    beyond = f"    without the network {(total - median['network']) / floor:.1f} times the floor"
    print(beyond + (f" (aim {size.times_floor:g})" if size.times_floor else ""))


def one_picture(source: Path, target: Path, model: str) -> list[str]:
    files = [str(source), "-o", str(target), "--overwrite"]
    return [PHOTOCHROM, "colorize", *files, "--model", model]


def whole(size: Size, work: Path, model: str, student: Student, repeats: int) -> None:
    """Print time and peak memory of one size, a process for each picture."""
    source = work / size.file
    ours, theirs = (source.with_stem(f"{source.stem}-{who}") for who in ("ours", "theirs"))
    tasks = [lambda: fresh(one_picture(source, ours, model))]
    if size.times_faster:
        tasks.append(lambda: fresh([*student.command, str(source), str(theirs)]))
    results = rounds(repeats, *tasks)
    line = f"{size.name:21s}"
    for who, result in zip(("Photochrom", "student"), results, strict=False):
        times, megabytes = zip(*result, strict=True)
        line += f" {who} {statistics.median(times) * 1e3:6.0f} ms, {max(megabytes):5.0f} MB;"
    if size.times_faster:
        line += f" {ratio(*([t for t, _ in r] for r in reversed(results))):.1f} times faster"
    print(line + (f" (aim {size.megabytes:g} MB)" if size.megabytes else ""))


def start_up(work: Path, model: str, repeats: int) -> None:
    """Print the times of the shortest commands."""
    small = one_picture(work / SMALL.file, work / "small-ours.jpg", model)
    commands = {
        "import photochrom": [sys.executable, "-c", "import photochrom"],
        "photochrom --help": [PHOTOCHROM, "--help"],
        f"photochrom colorize, {SMALL.width}x{SMALL.height}": small,
    }
    results = rounds(repeats, *(lambda c=c: fresh(c) for c in commands.values()))
    for name, result in zip(commands, results, strict=True):
        times, megabytes = zip(*result, strict=True)
        print(f"{name:29s} {statistics.median(times) * 1e3:5.0f} ms, {max(megabytes):4.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bundled", help="name or path, as for Colorizer")
    parser.add_argument("--prototxt", type=Path, default=ZHANG16 / PROTOTXT)
    parser.add_argument("--points", type=Path, default=ZHANG16 / "pts_in_hull.npy")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "still-pictures")
    parser.add_argument("--student-env", type=Path, help="default: a folder in --work")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="the JPEGs with the model loaded only")
    options = parser.parse_args()
    for file in (options.prototxt, options.points):
        if not file.is_file():
            parser.error(f"{file} is not there; name the published one with --prototxt or --points")
    work, model, repeats = options.work.resolve(), options.model, options.repeats
    work.mkdir(parents=True, exist_ok=True)
    caffemodel = work / "zhang16.caffemodel"
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for size in SIZES[:2] if options.quick else (SMALL, *SIZES):
            if not (work / size.file).exists():
                pool.submit(make_picture, size, work / size.file).result()
        if not caffemodel.exists():
            pool.submit(make_caffemodel, options.prototxt, caffemodel).result()
    environment = options.student_env or work / "student-env"
    student = Student(environment, (options.prototxt, caffemodel, options.points))
    print(f"{os.cpu_count()} cores; Photochrom with {model}; student with OpenCV {student.version}")
    print(f"medians of {repeats} rounds\n\nmodel loaded; steps in ms; floor = read + write")
    for size in SIZES[:2] if options.quick else SIZES:
        loaded(size, work, model, student, repeats)
    if options.quick:
        return
    print("\na process for each picture; peak memory")
    for size in SIZES:
        whole(size, work, model, student, repeats)
    print("\nstart-up (aim: the first picture in 1200 ms)")
    start_up(work, model, repeats)


if __name__ == "__main__":
    main()
