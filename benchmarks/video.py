"""Films, from file to file: Photochrom against a loop of student projects, and against no colour.

    python -m benchmarks.video [--seconds 10] [--repeats 3] [--model PATH]
    python -m benchmarks.video --memory    peak memory for a short and for a long film
    python -m benchmarks.video --steps     where the time goes

The same grey films of 480 and 1080 rows (H.264 and sound in MP4; pans, zooms, something that flies
by, cuts, grain) are coloured in turn by the student loop (OpenCV reads and writes, its `dnn` runs
Zhang et al.'s network on each frame alone; in an environment of its own, see still.py), by
Photochrom with its defaults, and by the *floor*: the same decoding, encoding and putting together,
without colour. Each runs in a process of its own; the student loop stops after two seconds of
the film, since to it all frames are alike. Frames/s and CPU seconds are those after the
model is loaded, memory is the process's peak. Printed are medians; ratios are medians over rounds.

Needs scikit-image (group ``dev``), the extras ``video`` and ``import``, Linux or macOS.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

# This file runs in the student's environment too, which has nothing but OpenCV.
from benchmarks.still import PROTOTXT, ZHANG16, Student, make_caffemodel, ratio

STUDENT_FRAMES = 48
SIZES = {"480p": (854, 480), "1080p": (1920, 1080)}
SMALL = (640, 360)
SHORT, LONG = 10, 600  # seconds, for --memory
MEGABYTES = 1500  # the most that a film may take, of any length


class Result(NamedTuple):
    """What one run took."""

    frames: int
    seconds: float
    cpu: float
    megabytes: float

    @property
    def rate(self) -> float:
        return self.frames / self.seconds


# Tasks, each in a process of its own. They return frames, seconds and CPU seconds.


def student(source: str, target: str, *files: str) -> tuple[int, float, float]:
    import cv2
    import numpy as np
    from student import load

    net = load(*files)
    began = time.perf_counter(), time.process_time()
    film = cv2.VideoCapture(source)
    size = tuple(int(film.get(p)) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    code = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(target, code, film.get(cv2.CAP_PROP_FPS), size)
    frames = 0
    while frames < STUDENT_FRAMES:
        there, frame = film.read()
        if not there:
            break
        grey = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        lab = cv2.cvtColor(grey.astype("float32") / 255, cv2.COLOR_BGR2LAB)
        lightness = cv2.split(cv2.resize(lab, (224, 224)))[0] - 50
        net.setInput(cv2.dnn.blobFromImage(lightness))
        ab = cv2.resize(net.forward()[0].transpose((1, 2, 0)), size)
        coloured = np.concatenate((cv2.split(lab)[0][:, :, np.newaxis], ab), axis=2)
        coloured = np.clip(cv2.cvtColor(coloured, cv2.COLOR_LAB2BGR), 0, 1)
        writer.write((255 * coloured).astype("uint8"))
        frames += 1
    writer.release()
    return frames, *since(began)


def caffemodel(prototxt: str, target: str) -> None:
    make_caffemodel(Path(prototxt), Path(target))


def photochrom(source: str, target: str, model: str) -> tuple[int, float, float]:
    from photochrom.video.color.coloring import film_colorizer
    from photochrom.video.colorize_video import colorize_video

    colorizer = film_colorizer(model)
    began = time.perf_counter(), time.process_time()
    film = colorize_video(source, target, colorizer=colorizer)
    return film.frames, *since(began)


def floor(source: str, target: str) -> tuple[int, float, float]:
    import numpy as np

    from photochrom.video.container.encoders import Encoding
    from photochrom.video.container.frame_planes import luma
    from photochrom.video.container.mux import assemble
    from photochrom.video.container.video_reader import VideoReader
    from photochrom.video.segments.ahead import ahead
    from photochrom.video.segments.segment_file import SUFFIX, segment_writer

    began = time.perf_counter(), time.process_time()
    encoding = Encoding.for_file(Path(target))
    with (
        VideoReader(source) as clip,
        tempfile.TemporaryDirectory(dir=Path(target).parent) as folder,
    ):
        segment = Path(folder, "all").with_suffix(SUFFIX)
        grey = np.full(encoding.chroma_shape(clip), 128, np.uint8)
        frames = 0
        with segment_writer(segment, clip, encoding) as writer:
            for frame in ahead(clip.frames(), 8):
                writer.write(luma(frame), grey, grey, frame.pts)
                frames += 1
        assemble(clip, [segment], Path(target))
    return frames, *since(began)


def decode(source: str) -> tuple[int, float, float]:
    from photochrom.video.container.video_reader import VideoReader

    began = time.perf_counter(), time.process_time()
    with VideoReader(source) as clip:
        frames = sum(1 for _ in clip.frames())
    return frames, *since(began)


def since(began: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - began[0], time.process_time() - began[1]


def steps(source: str, target: str, model: str) -> dict[str, Any]:
    from benchmarks.video_steps import cpu_of_steps

    return cpu_of_steps(source, target, model)


TASKS: dict[str, Callable[..., Any]] = {
    task.__name__: task for task in (student, caffemodel, photochrom, floor, steps)
}


# The measuring process, which stays small: on Linux the peak memory of a child process is never
# less than its parent's was.


def run(task: str, *args: object, python: str = sys.executable) -> tuple[Any, float]:
    """What a task returns, and the peak megabytes of its process."""
    command = [python, __file__, task, *map(str, args)]
    # A file that is run has its own folder on the path, and not the one that `benchmarks` is in.
    places = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    path = {"PYTHONPATH": os.pathsep.join(filter(None, places))}
    environment = os.environ | path
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024)
    return json.loads(output.splitlines()[-1]), peak


def measured(task: str, *args: object, python: str = sys.executable) -> Result:
    values, peak = run(task, *args, python=python)
    return Result(*values, peak)


def film(work: Path, size: tuple[int, int], seconds: float) -> Path:
    """A test film, made if it is not there."""
    path = work / f"{size[0]}x{size[1]}-{seconds:g}s.mp4"
    if not path.exists():
        maker = Path(__file__).with_name("film.py")
        subprocess.run([sys.executable, maker, path, *map(str, (*size, seconds))], check=True)
    return path


def against(work: Path, results: Path, model: str, seconds: float, repeats: int) -> None:
    """Print the table: student, Photochrom and floor."""
    files = (ZHANG16 / PROTOTXT, work / "zhang16.caffemodel", ZHANG16 / "pts_in_hull.npy")
    if not files[1].exists():
        run("caffemodel", *files[:2])
    loop = Student(work / "student-env", files)
    print(f"student with OpenCV {loop.version}; medians of {repeats} rounds\n")
    heads = (
        "film",
        "who",
        "frames/s",
        "CPU ms/frame",
        "peak MB",
        "times the student",
        "of the floor",
    )
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for name, size in SIZES.items():
        source = film(work, size, seconds)
        rounds: list[dict[str, Result]] = []
        for _ in range(repeats):
            rounds.append(
                {
                    "student": measured(
                        "student", source, results / "student.mp4", *files, python=loop.command[0]
                    ),
                    "Photochrom": measured("photochrom", source, results / "ours.mp4", model),
                    "floor": measured("floor", source, results / "floor.mp4"),
                }
            )
        for who in rounds[0]:
            runs = [each[who] for each in rounds]
            times = [
                ratio([r.rate for r in runs], [each[other].rate for each in rounds])
                for other in ("student", "floor")
            ]
            cells = [
                *(name, who, f"{median(r.rate for r in runs):.1f}"),
                f"{median(1e3 * r.cpu / r.frames for r in runs):.1f}",
                f"{max(r.megabytes for r in runs):.0f}",
                *(f"{t:.2f}" for t in times),
            ]
            print("| " + " | ".join(cells) + " |", flush=True)


def lengths(work: Path, results: Path, model: str) -> None:
    """Print the peak memory for a short and for a long film; exit status 1 if it is too much."""
    for seconds in (SHORT, LONG):
        source = film(work, SMALL, seconds)
        result = measured("photochrom", source, results / "long.mp4", model)
        print(
            f"{SMALL[0]}x{SMALL[1]}, {seconds} s, {result.frames} frames: peak"
            f" {result.megabytes:.0f} MB (at most {MEGABYTES}), {result.rate:.1f} frames/s",
            flush=True,
        )
        if result.megabytes > MEGABYTES:
            raise SystemExit(1)


def share(work: Path, results: Path, model: str, seconds: float) -> None:
    """Print the CPU time of each step per frame."""
    size = SIZES["1080p"]
    told, _ = run("steps", film(work, size, seconds), results / "steps.mp4", model)
    print(f"{size[0]}x{size[1]}, {seconds:g} s, milliseconds of CPU per frame\n")
    print(f"{'step':32} {'ms':>7}  calls per frame")
    for step, ms in told["ms"].items():
        calls = f"{told['calls'][step]:8.2f}" if step in told["calls"] else ""
        print(f"{step:32} {ms:7.2f} {calls}".rstrip())


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in TASKS:
        print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="bundled", help="name or path, as for Colorizer")
    parser.add_argument("--seconds", type=float, default=10, help="length of the test film")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "films")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--steps", action="store_true")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    print(f"{' '.join(['python', *sys.argv])}\n{os.cpu_count()} cores; Photochrom: {options.model}")
    # A new folder, so that no run goes on where one was interrupted.
    with tempfile.TemporaryDirectory(dir=work) as folder:
        if options.memory:
            lengths(work, Path(folder), options.model)
        elif options.steps:
            share(work, Path(folder), options.model, options.seconds)
        else:
            against(work, Path(folder), options.model, options.seconds, options.repeats)


if __name__ == "__main__":
    main()
