"""From a network in PyTorch to an ONNX file with its card."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("timm", "onnx", "onnxscript", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import onnx  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from photochrom.errors import ModelError  # noqa: E402
from photochrom.gamut import BIN_COUNT, annealed_mean  # noqa: E402
from photochrom.models import Card, Model  # noqa: E402
from photochrom.training import export as exporting  # noqa: E402
from photochrom.training.network import ColorNetwork  # noqa: E402

CARD = Card(
    name="small",
    family="photochrom",
    title="A small one – for tests",
    multiple=32,
    size=64,
    temperature=0.6,
    metrics={"auc": 1.5},
)


class Small(nn.Module):
    """L -> logits on a quarter of the size, like the real one."""

    def __init__(self) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(1, 16, 4, 4)
        self.head = nn.Conv2d(16, BIN_COUNT, 1)

    def forward(self, L: Any) -> Any:
        return self.head(torch.relu(self.shrink(L / 100)))


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
    L = np.random.default_rng(1).uniform(0, 100, (n, 1, height, width)).astype(np.float32)
    prediction = Model(exported[0]).predict(L)
    with torch.inference_mode():
        logits = small(torch.from_numpy(L)).numpy()
    assert prediction.logits is not None
    np.testing.assert_allclose(prediction.logits, logits, atol=5e-3)
    expected = annealed_mean(prediction.logits, CARD.temperature)
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


def test_the_command(
    small: nn.Module,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    card, output = tmp_path / "card.toml", tmp_path / "out.onnx"
    card.write_text('name = "out"\nfamily = "photochrom"\nmultiple = 32\n')
    asked = []
    monkeypatch.setattr(exporting, "load_weights", lambda files: asked.append(files) or small)
    monkeypatch.setattr(
        sys, "argv", ["export", "a.st", "b.st", "--card", str(card), "-o", str(output)]
    )
    exporting.main()
    assert asked == [[Path("a.st"), Path("b.st")]]
    assert Model(output).card.name == "out"
    assert str(output) in capsys.readouterr().out


# --- weights -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    torch.manual_seed(2)
    return {name: tensor.contiguous() for name, tensor in ColorNetwork().state_dict().items()}


def save(path: Path, tensors: dict[str, Any]) -> Path:
    save_file(tensors, path)
    return path


def test_weights_come_from_several_files_of_any_float(
    state: dict[str, Any], tmp_path: Path
) -> None:
    encoder = {k: v.half() if v.is_floating_point() else v for k, v in state.items() if "enc" in k}
    decoder = {k: v for k, v in state.items() if "enc" not in k and k not in ("mean", "std")}
    files = [save(tmp_path / "encoder.st", encoder), save(tmp_path / "decoder.st", decoder)]
    network = exporting.load_weights(files)
    assert not network.training
    loaded = network.state_dict()
    for name, tensor in state.items():
        expected = (
            tensor.half().float() if name in encoder and tensor.is_floating_point() else tensor
        )
        torch.testing.assert_close(loaded[name], expected, msg=name)


def test_weights_that_do_not_fit(state: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "weights.st"
    changes: dict[str, tuple[dict[str, Any], str]] = {
        "missing": (
            {k: v for k, v in state.items() if k != "head.weight"},
            r"1 missing \['head.weight'\], 0 unknown",
        ),
        "unknown": (
            state | {"tail.bias": torch.zeros(3)},
            r"0 missing .* 1 unknown \['tail.bias'\]",
        ),
        "misshapen": (
            state | {"head.bias": torch.zeros(100)},
            r"1 of another shape \['head.bias'\]",
        ),
    }
    for tensors, message in changes.values():
        save(path, tensors)
        with pytest.raises(ModelError, match=message):
            exporting.load_weights([path])


def test_weights_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.st"
    broken.write_bytes(b"nothing of the kind")
    for path in (broken, tmp_path / "none.st"):
        with pytest.raises(ModelError, match=rf"{path.name}, which cannot be read"):
            exporting.load_weights([path])
