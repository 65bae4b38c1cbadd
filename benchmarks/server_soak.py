"""A long mixed load on the service, with hostile clients and kills of its workers.

    python -m benchmarks.server_soak [--minutes 60] [--clients 8] [--pause 0] [--seed 0]
        [--model PATH]

Starts `photochrom serve` as a process. Each client does one thing after the other, at random, with
a pause of that many seconds on average: it colours pictures of several sizes and formats, analyzes
them, sends damaged files and bombs (`tests/helpers`), reads its answer slowly or not at all, sends
half a head or half a body, watches and fetches jobs. Every 20 seconds a worker process is killed.

Printed is a table by tenths of the time: answers by status, memory of the service and of its
workers (median of a sample each second), open files. Exit status 1 if there was a 5xx but 503, a
request without an answer, a job without an end, or if the service's memory in the last tenth is
more than 10 % above that in the second. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks.server_load import family, picture, resident, serve
from tests.helpers.bombs import BOMBS, saved
from tests.helpers.mutations import mutants

KILL = 20.0  # seconds between two kills
SLOW = 15.0  # seconds that a slow client takes for a thing


@dataclass
class Sample:
    """The service at one time."""

    at: float
    service: float
    workers: float
    files: int


@dataclass
class Soak:
    """What all clients saw.

    Attributes:
        answers: time since the start, and status.
        wrong: what must not be, in words.
    """

    url: str
    pid: int
    end: float
    answers: list[tuple[float, int]] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    kills: int = 0


class Client:
    """One client, in a thread."""

    def __init__(self, soak: Soak, number: int, seed: int, pause: float) -> None:
        self.soak, self.random, self.pause = soak, random.Random(seed * 100 + number), pause
        self.http = httpx.Client(base_url=soak.url, timeout=180)
        sizes = (picture(number), saved(Image.new("L", (320, 240), 80), "PNG"))
        large = saved(Image.effect_noise((4000, 3000), 40), "JPEG")
        self.pictures = [*sizes, *sizes, large, saved(Image.effect_noise((900, 700), 30), "TIFF")]
        self.bombs = [make() for make in BOMBS.values()]
        self.mutants = [data for _, data in mutants(60, seed + number)]
        host, port = soak.url.removeprefix("http://").split(":")
        self.address = host, int(port)

    def run(self) -> None:
        """Do things until the end."""
        things: list[tuple[int, Callable[[], None]]] = [
            (40, self.colorize),
            (10, self.analyze),
            (15, self.bomb),
            (15, self.mutant),
            (8, self.job),
            (4, self.slow_reader),
            (4, self.half_a_head),
            (4, self.half_a_body),
        ]
        weights = [weight for weight, _ in things]
        while time.time() < self.soak.end:
            (_, thing), *_ = self.random.choices(things, weights)
            try:
                thing()
            except Exception as error:
                self.soak.wrong[f"{thing.__name__}: {type(error).__name__}: {error}"[:120]] += 1
            time.sleep(self.random.uniform(0, 2 * self.pause))

    def post(self, path: str, data: bytes, **options: Any) -> httpx.Response:
        """Send a file and note the status."""
        answer = self.http.post(path, content=data, params=options)
        self.note(answer)
        return answer

    def note(self, answer: httpx.Response) -> None:
        """Count an answer; 503 and 429 are announced, with a time after which to try again."""
        status = answer.status_code
        self.soak.answers.append((time.time(), status))
        if status >= 500 and status != 503:
            self.soak.wrong[f"status {status}: {answer.text}"[:120]] += 1
        if status in (429, 503):
            if "retry-after" not in answer.headers:
                self.soak.wrong[f"{status} without Retry-After"] += 1
            time.sleep(min(1.0, float(answer.headers.get("retry-after", 1))))

    def colorize(self) -> None:
        format = self.random.choice(["jpeg", "jpeg", "png", "webp", "tiff"])
        self.post("/v1/colorize", self.random.choice(self.pictures), format=format)

    def analyze(self) -> None:
        self.post("/v1/analyze", self.random.choice(self.pictures))

    def bomb(self) -> None:
        self.post("/v1/colorize", self.random.choice(self.bombs))

    def mutant(self) -> None:
        self.post("/v1/colorize", self.random.choice(self.mutants))

    def job(self) -> None:
        chosen = [*self.random.choices(self.pictures[:4], k=3), self.random.choice(self.mutants)]
        answer = self.http.post("/v1/jobs", files=[("file", each) for each in chosen])
        self.note(answer)
        if answer.status_code != 202:
            return
        here, end = answer.json()["links"]["self"], time.time() + 600
        while (state := self.http.get(here).json()["state"]) in ("queued", "running"):
            if time.time() > end:
                self.soak.wrong["a job without an end"] += 1
                return
            time.sleep(0.5)
        self.soak.jobs[state] += 1
        if state == "failed":
            print(f"job failed: {self.http.get(here).json()['error']}", file=sys.stderr)
        if state == "done":
            self.note(self.http.get(f"{here}/result"))
        self.http.delete(here)

    def slow_reader(self) -> None:
        """Read a little of a large answer, and then nothing."""
        data = self.pictures[4]
        head = "POST /v1/colorize?format=bmp HTTP/1.1\r\nHost: x\r\n"
        head += f"Content-Length: {len(data)}\r\n\r\n"
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(self.address)
            line.settimeout(60)
            with contextlib.suppress(OSError):
                line.sendall(head.encode() + data)
                line.recv(100)
            time.sleep(SLOW)

    def half_a_head(self) -> None:
        with socket.create_connection(self.address) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHo")
            time.sleep(self.random.uniform(0, SLOW))

    def half_a_body(self) -> None:
        head = b"POST /v1/colorize HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        with socket.create_connection(self.address) as line:
            line.sendall(head + bytes(1000))
            time.sleep(self.random.uniform(0, SLOW))


def is_worker(pid: int, service: int) -> bool:
    """Whether a process is a worker: a grandchild of the service, by its fork server."""
    with contextlib.suppress(OSError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return int(stat.rpartition(")")[2].split()[1]) != service
    return False


def watch(soak: Soak) -> None:
    """Sample the service each second, and kill a worker now and then."""
    chosen, next_kill = random.Random(0), time.time() + KILL
    while time.time() < soak.end:
        _, *others = family(soak.pid)
        running = [pid for pid in others if is_worker(pid, soak.pid)]
        with contextlib.suppress(OSError):
            files = len(list(Path(f"/proc/{soak.pid}/fd").iterdir()))
            memory = sum(map(resident, running))
            soak.samples.append(Sample(time.time(), resident(soak.pid), memory, files))
        if time.time() > next_kill and running:
            next_kill = time.time() + KILL
            with contextlib.suppress(ProcessLookupError):
                os.kill(chosen.choice(running), signal.SIGKILL)
                soak.kills += 1
        time.sleep(1)


def report(soak: Soak, start: float) -> float:
    """Print the table; the growth of the service's memory from the second tenth to the last."""
    print("| tenth | 200 | 4xx | 429 | 503 | other 5xx | service (MB) | workers (MB) | files |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    length, medians = (soak.end - start) / 10, []
    for tenth in range(10):
        first, last = start + tenth * length, start + (tenth + 1) * length
        statuses = Counter(status for at, status in soak.answers if first <= at < last)
        samples = [each for each in soak.samples if first <= each.at < last]
        medians.append(statistics.median(each.service for each in samples))
        busy, late = statuses.pop(429, 0), statuses.pop(503, 0)
        good = sum(number for status, number in statuses.items() if status < 400)
        refused = sum(number for status, number in statuses.items() if 400 <= status < 500)
        other = statuses.total() - good - refused
        work = statistics.median(each.workers for each in samples)
        files = max(each.files for each in samples)
        row = (
            tenth + 1,
            good,
            refused,
            busy,
            late,
            other,
            f"{medians[-1]:.1f}",
            f"{work:.0f}",
            files,
        )
        print("|" + "".join(f" {each} |" for each in row))
    return medians[-1] / medians[1] - 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    os.environ["PHOTOCHROM_WORKER_MEMORY"] = "1000"
    os.environ["PHOTOCHROM_MAX_PIXELS"] = "20000000"
    with tempfile.TemporaryDirectory() as folder:
        process, url = serve(Path(folder), options.model)
        try:
            clients = [
                Client(Soak(url, 0, 0), number, options.seed, options.pause)
                for number in range(options.clients)
            ]
            start = time.time()
            soak = Soak(url, process.pid, start + 60 * options.minutes)
            for client in clients:
                client.soak = soak
            threads = [threading.Thread(target=client.run) for client in clients]
            threads.append(threading.Thread(target=watch, args=(soak,)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            time.sleep(10)  # for what clients have left behind
            alive = process.poll() is None
            ready = httpx.get(f"{url}/readyz").status_code == 200
            left = [each.name for each in Path(folder, "state", "uploads").iterdir()]
        finally:
            process.terminate()
            process.wait(60)
    growth = report(soak, start)
    print(f"workers killed: {soak.kills}; jobs: {dict(soak.jobs)}; growth: {100 * growth:.1f} %")
    print(f"alive: {alive}; ready: {ready}; uploads left: {left}; wrong: {dict(soak.wrong)}")
    return int(bool(soak.wrong) or growth > 0.1 or not alive or not ready or bool(left))


if __name__ == "__main__":
    sys.exit(main())
