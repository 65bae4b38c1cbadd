"""Throw requests at a running service that nobody should send, and watch what becomes of it.

    python -m benchmarks.fuzz_server [--mutants 1000] [--examples 50] [--seed 0] [--model PATH]

First schemathesis makes requests from the service's own OpenAPI document, fitting ones and others;
then damaged pictures of every format (``tests/helpers/mutations.py``) are sent one by one. No
answer may be a 5xx but a deliberate 503, no request may stay without an answer, and neither memory
nor temporary files may grow. Memory is that of the service itself; the first quarter of the
pictures is left out, in which libraries fill their caches. Linux only. Exit status 1 if any of
this fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import httpx

from benchmarks.server_load import resident, serve
from tests.helpers.mutations import mutants

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,"
CHECKS += "response_schema_conformance,response_headers_conformance"
GROWTH = 40.0  # megabytes that the last three quarters may add


def open_files(pid: int) -> int:
    """How many files and sockets it has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def schemathesis(url: str, examples: int, seed: int, folder: str) -> bool:
    """Whether schemathesis found nothing."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "run", f"{url}/openapi.json", "--checks", CHECKS]
    command += ["--max-examples", str(examples), "--seed", str(seed)]
    command += ["--generation-database", "none", "--phases", "examples,coverage,fuzzing"]
    return subprocess.run(command, cwd=folder).returncode == 0


def send(url: str, count: int, seed: int, pid: int) -> tuple[Counter[str], list[float]]:
    """Send mutants in turn as body, form and job: answers by status, and memory at each eighth."""
    counts: Counter[str] = Counter()
    sizes = []
    with httpx.Client(base_url=url, timeout=120) as client:
        for number, (name, data) in enumerate(mutants(count, seed)):
            if number % max(1, count // 8) == 0:
                sizes.append(resident(pid))
            try:
                if number % 10 == 9:
                    answer = client.post("/v1/jobs", files={"file": ("mutant", data)})
                elif number % 2:
                    answer = client.post("/v1/colorize", files={"file": ("mutant", data)})
                else:
                    path = "/v1/analyze" if number % 4 else "/v1/colorize"
                    answer = client.post(path, content=data)
            except httpx.HTTPError as error:
                counts["unanswered"] += 1
                print(f"{name}: {error!r}")
                continue
            counts[str(answer.status_code)] += 1
            if answer.status_code >= 500 and answer.status_code != 503:
                print(f"{name}: {answer.text}")
    sizes.append(resident(pid))
    return counts, sizes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder, "tmp")
        scratch.mkdir()
        os.environ["TMPDIR"] = str(scratch)  # the service's, so that what it leaves is seen
        os.environ["PHOTOCHROM_MAX_PIXELS"] = "20000000"
        os.environ["PHOTOCHROM_MAX_JOBS"] = "1000"
        process, url = serve(Path(folder), options.model)
        before = {path for path in scratch.rglob("*") if path.is_file()}
        try:
            passed = schemathesis(url, options.examples, options.seed, folder)
            files = open_files(process.pid)
            counts, sizes = send(url, options.mutants, options.seed, process.pid)
            grown = sizes[-1] - sizes[len(sizes) // 4]
            left = [path for path in scratch.rglob("*") if path.is_file() and path not in before]
            more = open_files(process.pid) - files
            alive = process.poll() is None
        finally:
            process.terminate()
            process.wait(60)
    print("answers: " + ", ".join(f"{number} x {status}" for status, number in counts.items()))
    print("memory (MB): " + ", ".join(f"{size:.0f}" for size in sizes) + f"; grown by {grown:.0f}")
    for path in left:
        print(f"left: {path.relative_to(scratch)}")
    print(f"temporary files left: {len(left)}; files open beyond those before: {more}")
    print(f"schemathesis found {'nothing' if passed else 'something'}; the service "
          f"{'lives' if alive else 'is dead'}")  # fmt: skip
    bad = [status for status in counts if status == "unanswered" or status in ("500", "502", "504")]
    return int(bool(bad or left or more > 5 or grown > GROWTH or not passed or not alive))


if __name__ == "__main__":
    sys.exit(main())
