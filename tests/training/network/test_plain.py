"""The small network of student projects."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "onnxscript", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import numpy as np  # noqa: E402
from torch import nn  # noqa: E402

from photochrom.errors import ModelError  # noqa: E402
from photochrom.models import Card, Model  # noqa: E402
from photochrom.training.loop.plan import Plan  # noqa: E402
from photochrom.training.network import plain  # noqa: E402
from photochrom.training.network.plain import STRIDE, PlainModule, PlainNetwork, export_plain  # noqa: E402

pytestmark = pytest.mark.usefixtures("exported_once")

CARD = Card(name="small", family="plain", multiple=STRIDE, size=64)


@pytest.fixture
def network() -> PlainNetwork:
    torch.manual_seed(1)
    return PlainNetwork().eval()


def test_it_has_no_pooling_and_any_size(network: PlainNetwork) -> None:
    assert not any("Pool" in type(layer).__name__ for layer in network.modules())
    assert sum(isinstance(layer, nn.Dropout) for layer in network.modules()) >= 1
    for height, width in ((8, 8), (64, 32), (40, 104)):
        ab = network(torch.rand(2, 1, height, width) * 100)
        assert ab.shape == (2, 2, height, width)
        assert ab.abs().max() < 1


@pytest.mark.slow
def test_the_exported_file_is_of_its_family(network: PlainNetwork, tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    assert export_plain(network, CARD, path) <= plain.PARITY
    model = Model(path)
    assert model.card == CARD
    L = torch.rand(1, 1, 48, 72) * 100
    prediction = model.predict(L.numpy())
    with torch.inference_mode():
        ab = PlainModule(network, Plan(steps=1)).paint(L).numpy()
    assert np.abs(prediction.ab - ab).max() < plain.PARITY
    assert np.abs(ab).max() > 0.1


@pytest.mark.slow
def test_a_file_that_differs_is_not_kept(
    network: PlainNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "PARITY", -1.0)
    with pytest.raises(ModelError, match="differs"):
        export_plain(network, CARD, tmp_path / "small.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_it_learns_a_colour(network: PlainNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    module = PlainModule(network, Plan(steps=30, rate=3e-4)).train()
    monkeypatch.setattr(PlainModule, "random_seed", lambda _: 7)
    monkeypatch.setattr(PlainModule, "log", lambda *_, **__: None)
    optimizer = module.configure_optimizers()
    rgb = torch.tensor([200, 60, 40], dtype=torch.uint8)[None, :, None, None].expand(4, 3, 32, 32)
    losses = []
    for step in range(30):
        optimizer.zero_grad()
        loss = module.training_step(rgb, step)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.2 * losses[0]


def test_dropout_is_drawn_from_the_seed(
    network: PlainNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = PlainModule(network, Plan(steps=2)).train()
    monkeypatch.setattr(PlainModule, "log", lambda *_, **__: None)
    rgb = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8)
    losses = []
    for seed in (1, 2, 1):
        monkeypatch.setattr(PlainModule, "random_seed", lambda _, seed=seed: seed)
        losses.append(float(module.training_step(rgb, 0).detach()))
    assert losses[0] == losses[2] != losses[1]
