"""PyTorch's exporter takes seconds even for a small network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(scope="module")
def exported_once() -> Iterator[None]:
    """The one network that a module's tests export goes through PyTorch's exporter once.

    What Photochrom does before and after is done each time.
    """
    import torch

    export, made = torch.onnx.export, []

    def once(*arguments: Any, **options: Any) -> Any:
        if not made:
            made.append(export(*arguments, **options))
        return made[0]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(torch.onnx, "export", once)
        yield
