"""Load on the service, on loopback: clients that ask again as soon as they are answered.

    python -m benchmarks.server_load [--seconds 60] [--clients 1 8 32] [--model PATH]

Starts `photochrom serve` as a process and lets each number of clients, in processes of their own,
send JPEGs of 1 megapixel for that long. Printed is a table: pictures per second, the time until an
answer (median, 95th and 99th percentile), errors, requests without an answer, and the peak memory
so far of the service and its workers. Linux only (it reads /proc). Exit status 1 if a request had
no answer or an error, or if the throughput at the most clients is below 95 % of that before.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

START = "import typer; from photochrom.cli.serve import serve; typer.run(serve)"
WIDTH, HEIGHT = 1152, 864
GRAIN = 10  # standard deviation in codes of 8 bits, as in still.py


@dataclass
class Result:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    elapsed: float = 0.0


def picture(seed: int) -> bytes:
    """A grey JPEG of 1 megapixel with soft shapes and grain."""
    rng = np.random.default_rng(seed)
    shapes = Image.fromarray(rng.integers(30, 225, (9, 12), np.uint8))
    soft = np.asarray(shapes.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC), np.float32)
    grain = rng.normal(0, GRAIN, soft.shape)
    buffer = io.BytesIO()
    codes = np.clip(soft + grain, 0, 255).astype(np.uint8)
    Image.fromarray(codes).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def client(url: str, data: bytes, end: float, result: Result) -> None:
    """Ask again and again until `end`, and check every answer."""
    with httpx.Client(base_url=url, timeout=300) as connection:
        while time.time() < end:
            start = time.perf_counter()
            try:
                answer = connection.post("/v1/colorize", content=data)
            except httpx.HTTPError as error:
                result.unanswered[type(error).__name__] += 1
                continue
            result.seconds.append(time.perf_counter() - start)
            right = answer.headers.get("photochrom-size") == f"{WIDTH}x{HEIGHT}"
            good = answer.status_code == 200 and right and answer.content[:2] == b"\xff\xd8"
            result.statuses[200 if good else answer.status_code or -1] += 1
            if answer.status_code in (429, 503):
                time.sleep(min(1.0, float(answer.headers.get("retry-after", 1))))


def load(url: str, clients: int, seconds: float) -> Result:
    """So many clients at once, for so long."""
    result, pictures = Result(), [picture(seed) for seed in range(4)]
    start = time.time()
    with ThreadPoolExecutor(clients) as pool:
        for number in range(clients):
            pool.submit(client, url, pictures[number % 4], start + seconds, result)
    result.elapsed = time.time() - start
    return result


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    parents: dict[int, int] = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (place / "stat").read_text()
            parents[int(place.name)] = int(stat.rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def peak(pid: int) -> float:
    """The sum of the largest memory so far of the service and of each worker, in megabytes."""
    return sum(memory_of(each, "VmHWM") for each in family(pid))


def resident(pid: int) -> float:
    """Memory of a process now, in megabytes; 0 if it has ended."""
    return memory_of(pid, "VmRSS")


def memory_of(pid: int, name: str) -> float:
    """A size of a process, by its name in /proc, in megabytes; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def serve(folder: Path, model: str) -> tuple[subprocess.Popen[bytes], str]:
    """The service as a process, and its address."""
    log = folder / "log"
    with log.open("wb") as out:
        arguments = ["--port", "0", "--folder", str(folder / "state"), "--model", model]
        process = subprocess.Popen([sys.executable, "-c", START, *arguments], stderr=out)
    while True:
        time.sleep(0.1)
        for line in log.read_text().splitlines():
            if '"ready"' in line:
                return process, f"http://127.0.0.1:{json.loads(line)['port']}"
        if process.poll() is not None:
            sys.exit(f"the service ended:\n{log.read_text()}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    print("| clients | pictures/s | p50 (s) | p95 (s) | p99 (s) | answers | errors | unanswered |"
          " peak memory (MB) |")  # fmt: skip
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    rates, bad = [], 0
    with tempfile.TemporaryDirectory() as folder:
        process, url = serve(Path(folder), options.model)
        try:
            load(url, 1, 2)  # warm
            for clients in options.clients:
                result = load(url, clients, options.seconds)
                good = result.statuses.pop(200, 0)
                errors, lost = result.statuses.total(), result.unanswered.total()
                rates.append(good / result.elapsed)
                bad += errors + lost
                p50, p95, p99 = np.percentile(result.seconds, (50, 95, 99))
                print(f"| {clients} | {rates[-1]:.2f} | {p50:.2f} | {p95:.2f} | {p99:.2f} |"
                      f" {good + errors} | {errors} | {lost} | {peak(process.pid):.0f} |",
                      flush=True)  # fmt: skip
                if errors or lost:
                    print(dict(result.statuses), dict(result.unanswered), file=sys.stderr)
        finally:
            process.terminate()
            process.wait(60)
    return int(bad > 0 or (len(rates) > 1 and rates[-1] < 0.95 * rates[-2]))


if __name__ == "__main__":
    sys.exit(main())
