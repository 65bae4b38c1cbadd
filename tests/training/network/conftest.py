"""Networks for the tests, and one export for many: PyTorch's exporter takes seconds for any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from torch import Tensor

    from photochrom.training.network.color_network import ColorNetwork


@pytest.fixture
def small() -> ColorNetwork:
    """A network with a small encoder, untrained."""
    from tests.helpers.color_networks import SMALL, fresh

    return fresh(SMALL).eval()


@pytest.fixture(scope="session")
def stored() -> ColorNetwork:
    """A network with a small encoder, in which nothing is as it began; tests only read it."""
    import torch

    from tests.helpers.color_networks import SMALL, fresh

    network = fresh(SMALL).eval()
    for tensor in network.state_dict().values():
        tensor.add_(torch.rand(tensor.shape) / 8)
    return network


@pytest.fixture(scope="session")
def kept(stored: ColorNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of `stored`."""
    from photochrom.training.network.weights import write_network

    path = tmp_path_factory.mktemp("kept") / "small.safetensors"
    write_network(stored, path)
    return path


@pytest.fixture
def state(kept: Path) -> dict[str, Tensor]:
    """What stands in the file of `stored`; the test may change it."""
    from safetensors.torch import load_file

    return load_file(kept)


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
