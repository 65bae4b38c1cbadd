"""Weights out of models: what an export has lost the names of, and what other forms lend."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("timm", "safetensors", "onnxscript"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

from torch import nn  # noqa: E402

from photochrom.errors import ModelError  # noqa: E402
from photochrom.models import Model  # noqa: E402
from photochrom.models.registry import Registry  # noqa: E402
from photochrom.training.network import weights  # noqa: E402
from photochrom.training.network.color_network import ColorNetwork  # noqa: E402
from photochrom.training.network.weights import in_words, read_network, write_network  # noqa: E402
from tests.helpers import finished_run as finished  # noqa: E402
from tests.helpers.color_networks import SMALL, State  # noqa: E402


@pytest.mark.slow
def test_an_exported_network_is_had_back(finished_run: Path, tmp_path: Path) -> None:
    """Though its linear layers have lost their names."""
    network, _ = read_network([finished_run / "exported.safetensors"], finished.ENCODER)
    network.eval()
    model = finished_run / "My Run" / "model.onnx"
    back, untrained = read_network([model], finished.ENCODER)
    assert back.state_dict().keys() == network.state_dict().keys()
    assert untrained == []
    assert in_words(untrained) == "all of its weights are taken"
    card = Model(model).card
    assert back.point == (card.temperature, card.chroma)
    write_network(back, tmp_path / "kept.safetensors")  # as a run keeps it
    assert read_network([tmp_path / "kept.safetensors"], finished.ENCODER)[0].point == back.point
    back.eval()
    assert back.consensus.sharpness.tolist() == network.consensus.sharpness.tolist()
    L = torch.rand(1, 1, 64, 96) * 100
    ab, mask = torch.full((1, 2, 64, 96), 20.0), torch.zeros_like(L)
    mask[..., 20, 30] = 1
    assert back.regions is not None
    with torch.inference_mode():
        for ours, theirs in zip(back(L, ab, mask), network(L, ab, mask), strict=True):
            torch.testing.assert_close(ours, theirs, atol=0.02 * float(theirs.abs().max()), rtol=0)


def test_a_model_of_an_earlier_form_lends_its_encoder(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "read_onnx", lambda _: state | {"u4.weight": torch.zeros(3)})
    back, untrained = read_network([Path("earlier.onnx")], SMALL)
    own = back.state_dict()
    assert all(torch.equal(v, state[k]) for k, v in own.items() if k.startswith("enc."))
    assert {"head.weight", "consensus.sharpness"} < set(untrained)


@pytest.mark.slow
def test_what_the_bundled_model_lends() -> None:
    network, untrained = read_network([Registry().resolve("bundled")])
    new = ColorNetwork(without=["blocks.6.1"])
    new.add_region_head()
    assert isinstance(network.enc.blocks[6][1], nn.Identity)
    assert network.state_dict().keys() == new.state_dict().keys()
    assert not torch.equal(network.enc.conv_stem.weight, new.enc.conv_stem.weight)
    others = [name for name, _ in network.named_parameters() if not name.startswith("enc.")]
    assert untrained in ([], sorted(others))  # all, or of an earlier form the encoder


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"junk")
    with pytest.raises(ModelError, match=r"x\.onnx cannot be trained on"):
        read_network([tmp_path / "x.onnx"], SMALL)
