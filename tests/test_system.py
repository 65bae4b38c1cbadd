"""What the machine offers, and what is asked of it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from photochrom import _system


def threads() -> dict[str, int]:
    """Of each BLAS of the process, by its file."""
    pools = pytest.importorskip("threadpoolctl", reason="limits threads (extra video)")
    info = pools.threadpool_info()
    return {pool["filepath"]: pool["num_threads"] for pool in info if pool["user_api"] == "blas"}


def test_products_take_one_core_while_anybody_asks_for_it() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    _system._thread_pools.cache_clear()
    usual = threads()
    if set(usual.values()) <= {1}:
        pytest.skip("numpy has one thread here anyway")
    with _system.one_blas_thread():
        with _system.one_blas_thread():
            assert set(threads().values()) == {1}
        assert set(threads().values()) == {1}
    assert threads() == usual


def test_without_threadpoolctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    _system._thread_pools.cache_clear()
    try:
        with _system.one_blas_thread():
            pass
    finally:
        _system._thread_pools.cache_clear()
