"""Throw damaged pictures of every format at reading and saving, and count what happens.

    python -m benchmarks.fuzz_pictures --count 2000 --seed 1

Every mutant must become a picture or one clear error within ten seconds. Exit status 1 if one led
to a traceback, a crash, a hang, files left behind or output on stderr; those mutants are written
to ``--keep``.
"""

import argparse
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.helpers.mutations import BAD, GOOD, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--keep", type=Path, help="folder for the mutants that did harm")
    options = parser.parse_args()
    formats: dict[str, Counter[str]] = defaultdict(Counter)
    slowest, last = (0.0, ""), time.perf_counter()

    def report(name: str, data: bytes, outcome: str, words: str) -> None:
        nonlocal slowest, last
        now = time.perf_counter()
        slowest, last = max(slowest, (now - last, name)), now
        formats[name.split()[1].rpartition(".")[2]][outcome] += 1
        if outcome in BAD:
            print(f"{outcome}: {name}\n{words}", flush=True)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / name.replace(" ", "-")).write_bytes(data)

    start = time.perf_counter()
    counts = run(options.count, options.seed, options.seconds, report)
    for format, found in sorted(formats.items()):
        print(
            f"{format:>5}: " + ", ".join(f"{found[key]} {key}" for key in GOOD + BAD if found[key])
        )
    print(f"total {counts.total()} in {time.perf_counter() - start:.0f} s:")
    print(", ".join(f"{counts[key]} {key}" for key in GOOD + BAD))
    print(f"slowest: {slowest[0]:.1f} s, {slowest[1]}")
    return int(any(counts[key] for key in BAD))


if __name__ == "__main__":
    sys.exit(main())
