"""Cores, memory and processes of the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

_SHARE = 0.6  # of the free memory
_UNKNOWN = 2 << 30
_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def memory_budget() -> int:
    """Bytes that an archive may take of what is free now."""
    free = [_available(), *(_left(*files) for files in _LIMITS)]
    return int(_SHARE * min((number for number in free if number), default=_UNKNOWN))


def process_memory(field: str, pid: int | str = "self") -> int | None:
    """Bytes of memory of a process, by Linux's name such as ``VmRSS``; None on other systems."""
    return _field(f"/proc/{pid}/status", field)


def _available() -> int | None:
    if (told := _field("/proc/meminfo", "MemAvailable")) is not None:
        return told
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _field(file: str, name: str) -> int | None:
    """Bytes, of a number of KiB in a list of Linux's."""
    try:
        lines = Path(file).read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(f"{name}:"))
    except (OSError, StopIteration, ValueError):
        return None


def _left(limit: str, used: str) -> int | None:
    """Of a container's limit."""
    try:
        return max(1, int(Path(limit).read_text()) - int(Path(used).read_text()))
    except (OSError, ValueError):  # no container, or "max"
        return None


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _OneBlasThread:
    """Products of numpy in the block take one core.

    OpenBLAS's other threads go on spinning for some 25 ms after each product, on cores that others
    want. Without threadpoolctl (extra ``video``) the block is as any.
    """

    def __init__(self) -> None:
        self._lock, self._users = Lock(), 0
        self._limit: Any = None

    @contextmanager
    def __call__(self) -> Iterator[None]:
        controller = _thread_pools()
        if controller is None:
            yield
            return
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._limit = controller.limit(limits=1, user_api="blas")
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users and self._limit is not None:
                    self._limit.restore_original_limits()


one_blas_thread = _OneBlasThread()


@cache
def _thread_pools() -> Any:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


def fork_server(preload: str) -> Any:
    """What starts worker processes, as `multiprocessing` itself does.

    On Linux and macOS they are forked from a process that has imported a module and done nothing
    else, so that each starts at once; a copy of a process whose libraries have threads may hang.
    Elsewhere each imports what it needs.

    Args:
        preload: the module. It must not import ONNX Runtime, OpenCV or FFmpeg, which start threads.
    """
    from multiprocessing import get_all_start_methods, get_context

    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context
