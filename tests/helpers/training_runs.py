"""Short runs of training on few pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ENCODER = "test_resnet"  # of timm: few layers, of which the export is slow
_SHORT = {"size": 32, "batch": 2, "epochs": 2, "loggers": ("csv",)}
SMALL = {"preset": "photochrom", "encoder": ENCODER} | _SHORT
PLAIN = {"preset": "plain"} | _SHORT


def begun(data: Path, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a run that begins, on the pictures of a folder."""
    return {"data": (str(data),), **options}
