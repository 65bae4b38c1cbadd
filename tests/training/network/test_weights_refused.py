"""Weights that do not fit the network, and files that are none."""

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("timm", "safetensors", "onnxscript"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

from safetensors.torch import save_file  # noqa: E402

from photochrom.errors import ArgumentError, ModelError  # noqa: E402
from photochrom.training.network.weights import read_network  # noqa: E402
from tests.helpers.color_networks import SMALL, State  # noqa: E402


def _without(name: str) -> Callable[[State], object]:
    return lambda state: state.pop(name)


def _with(name: str, *shape: int) -> Callable[[State], object]:
    return lambda state: state.update({name: torch.zeros(shape)})


def _without_first_blocks(state: State) -> None:
    for name in [k for k in state if k.startswith("enc.blocks.4.0.")]:
        del state[name]


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (_without("enc.conv_stem.weight"), r"1 missing \['enc.conv_stem.weight'\]"),
        (_without("enc.blocks.4.2.conv_pw.bias"), r"1 missing \['enc.blocks.4.2.conv_pw.bias"),
        (_without_first_blocks, r"\d\d missing \['enc.blocks.4.0"),
        (_with("enc.blocks.9.0.weight", 3), r"1 unknown \['enc.blocks.9.0.weight'\]"),
        (_with("wrong", 3), r"1 unknown \['wrong'\]"),
        (_with("head.weight", 313, 64, 1, 1), r"1 of another shape \['head.weight'\]"),
        (_with("head.bias", 1), r"1 of another shape \['head.bias'\]"),
        (_with("enc.conv_stem.bias", 3), r"1 of another shape \['enc.conv_stem.bias'\]"),
        (_with("enc.bn1.weight", 3), r"1 unknown \['enc.bn1.weight'\]"),
    ],
)
def test_tensors_of_another_network_are_refused(
    state: State, tmp_path: Path, change: Callable[[State], object], got: str
) -> None:
    change(state)
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=got) as caught:
        read_network([tmp_path / "other.safetensors"], SMALL)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_many_that_are_missing_are_counted_not_listed(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"\d\d missing") as caught:
        read_network([tmp_path], SMALL)  # an empty folder
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [None, b"", b"x" * 100], ids=["absent", "empty", "junk"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.safetensors, which cannot be read") as caught:
        read_network([path], SMALL)
    assert "\n" not in str(caught.value)


def test_half_a_file(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    path.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    with pytest.raises(ModelError, match="cannot be read"):
        read_network([path], SMALL)


def test_another_encoders_weights(kept: Path) -> None:
    with pytest.raises(ModelError, match="unknown"):
        read_network([kept], "resnet10t")
    with pytest.raises(ArgumentError, match="no_such_encoder"):
        read_network([kept], "no_such_encoder")
