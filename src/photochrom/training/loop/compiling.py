"""Decides whether ``torch.compile`` works here and pays."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable

import torch

from .plan import Plan

_MINUTES = 30.0  # compiling takes one to eight on a CPU, after which a step is 1.5 times as fast
_STEPS = 1000


def pays(plan: Plan, say: Callable[[str], None]) -> bool:
    """Whether a run is long enough for it, and a compiler is there and works.

    Args:
        plan: the run.
        say: called with a line if the user will have to wait.
    """
    long = plan.minutes >= _MINUTES if plan.minutes is not None else (plan.steps or 0) >= _STEPS
    if not long or not _has_compiler() or not _works():
        return False
    say("compiling the network at the first step, which takes minutes")
    return True


def _has_compiler() -> bool:
    if torch.cuda.is_available():
        return importlib.util.find_spec("triton") is not None
    named = os.environ.get("CXX")
    return any(shutil.which(name) for name in (named, "g++", "clang++", "cl") if name)


def _works() -> bool:
    """Whether a tiny function compiles; headers may be missing, for example."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.compile(_tiny)(torch.ones(64, device=device))
    except Exception:  # of many kinds; without it training works, only slower
        return False
    return True


def _tiny(x: torch.Tensor) -> torch.Tensor:
    return x.sin() + 1
