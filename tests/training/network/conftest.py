"""Networks for the tests, and one export for many: PyTorch's exporter takes seconds for any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from photochrom.training.network.color_network import ColorNetwork


@pytest.fixture
def small() -> ColorNetwork:
    """A network with a small encoder, untrained."""
    from tests.helpers.color_networks import SMALL, fresh

    return fresh(SMALL).eval()


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
