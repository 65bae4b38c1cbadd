"""Doing a job away from the main thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

from .plan import Job
from .work import Outcome, Work


def run(work: Work, job: Job) -> Outcome:
    """Do ``job``.

    It runs in a thread of its own because Ctrl-C reaches only the main thread: there it can
    neither interrupt a library in the middle of a file nor be swallowed by one.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was being done is given up, and nothing half-done is left.
    """
    with ThreadPoolExecutor(1) as pool:
        try:
            future = pool.submit(work, job)
            while not future.done():
                # With a time-out, since a wait without one cannot be interrupted on Windows.
                wait([future], 0.5)
            return future.result()
        except BaseException:
            work.cancel.set()
            raise
