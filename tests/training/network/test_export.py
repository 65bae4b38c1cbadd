"""From a network in PyTorch to an ONNX file with its card."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("timm", "onnx", "onnxscript", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import onnx  # noqa: E402
from torch import nn  # noqa: E402

from photochrom.errors import ModelError  # noqa: E402
from photochrom.gamut import BIN_COUNT, annealed_mean  # noqa: E402
from photochrom.models import Card, Model  # noqa: E402
from photochrom.training.network import export as exporting  # noqa: E402

pytestmark = pytest.mark.usefixtures("exported_once")

CARD = Card(
    name="small",
    family="photochrom",
    title="A small one – for tests",
    multiple=32,
    size=64,
    temperature=0.6,
    chroma=1.4,
    hints=True,
    metrics={"auc": 1.5},
)


class Small(nn.Module):
    """L and hints -> logits and features on a quarter of the size, nearly like the real one."""

    def __init__(self) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(4, 16, 4, 4)
        self.head = nn.Conv2d(16, BIN_COUNT, 1)

    def forward(self, L: Any, hint_ab: Any, hint_mask: Any) -> Any:
        known = torch.cat([L / 100, hint_ab * hint_mask / 110, hint_mask], 1)
        inner = torch.relu(self.shrink(known))
        return self.head(inner), torch.nn.functional.normalize(inner, dim=1)


@pytest.fixture(scope="module")
def small() -> nn.Module:
    torch.manual_seed(1)
    return Small().eval()


@pytest.fixture(scope="module")
def exported(
    small: nn.Module, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, float, float]:
    path = tmp_path_factory.mktemp("export") / "small.onnx"
    return path, *exporting.export(small, CARD, path)


def test_the_card_is_inside(exported: tuple[Path, float, float]) -> None:
    path, _, _ = exported
    assert Model(path).card == CARD
    file = onnx.load(path)
    assert file.doc_string == CARD.title
    onnx.checker.check_model(file)


def test_the_differences_are_small_and_the_larger_is_roundings(
    exported: tuple[Path, float, float],
) -> None:
    _, parity, rounding = exported
    assert 0 <= parity <= exporting.PARITY
    assert parity < rounding <= exporting.ROUNDING


def test_large_weights_are_halves_and_small_ones_are_not(
    exported: tuple[Path, float, float],
) -> None:
    tensors = {t.name: t for t in onnx.load(exported[0]).graph.initializer}
    kinds = {name: onnx.TensorProto.DataType.Name(t.data_type) for name, t in tensors.items()}
    [head] = [name for name, t in tensors.items() if list(t.dims) == [BIN_COUNT, 16, 1, 1]]
    [bias] = [name for name, t in tensors.items() if list(t.dims) == [BIN_COUNT]]
    assert kinds[head] == "FLOAT16"
    assert kinds[bias] == "FLOAT"


@pytest.mark.parametrize(("n", "height", "width"), [(1, 32, 32), (1, 64, 96), (3, 96, 32)])
def test_every_size_and_batch_gives_pytorchs_answer(
    exported: tuple[Path, float, float], small: nn.Module, n: int, height: int, width: int
) -> None:
    random = np.random.default_rng(1)
    L = random.uniform(0, 100, (n, 1, height, width)).astype(np.float32)
    hint_ab = random.uniform(-80, 80, (n, 2, height, width)).astype(np.float32)
    mask = (random.random((n, 1, height, width)) < 0.1).astype(np.float32)
    prediction = Model(exported[0]).predict(L, hint_ab, mask)
    with torch.inference_mode():
        seen = (L, hint_ab / np.float32(CARD.chroma), mask)
        outputs = small(*(torch.from_numpy(i) for i in seen))
        logits, features = (o.numpy() for o in outputs)
    assert prediction.logits is not None
    assert prediction.features is not None
    np.testing.assert_allclose(prediction.logits, logits, atol=5e-3)
    np.testing.assert_allclose(prediction.features, features, atol=5e-3)
    expected = CARD.chroma * annealed_mean(prediction.logits, CARD.temperature)
    np.testing.assert_allclose(prediction.ab, expected, atol=2e-3)


@pytest.mark.parametrize("limit", ["PARITY", "ROUNDING"])
def test_a_model_that_differs_is_not_written(
    small: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(exporting, limit, 0.0)
    path = tmp_path / "small.onnx"
    path.write_bytes(b"the one before")
    with pytest.raises(ModelError, match="differs from PyTorch's"):
        exporting.export(small, CARD, path)
    assert [file.name for file in tmp_path.iterdir()] == ["small.onnx"]
    assert path.read_bytes() == b"the one before"


def test_a_card_that_denies_the_hints_is_refused(small: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "small.onnx"
    with pytest.raises(ModelError, match="expected hints = true"):
        exporting.export(small, replace(CARD, hints=False), path)
    assert not path.exists()
