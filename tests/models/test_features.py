"""Features of networks: an output of their own, or results inside the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from photochrom import ModelError
from photochrom.models import Card, Model
from photochrom.models.families import STAGES, join_stages
from tests.helpers import tiny_models as tiny

TEXT = """
plain (float[n,1,h,w] L) => (float[n,2,h,w] ab{extra}) {{
    shares = Constant <value = float[1,2,1,1] {{0.004, -0.002}}> ()
    weights = Constant <value = float[3,1,1,1] {{1.0, 2.0, 3.0}}> ()
    ab = Mul(L, shares)
    half = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (L)
    quarter = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (half)
    features = Conv(half, weights)
}}"""

L = np.arange(2 * 64, dtype=np.float32).reshape(2, 1, 8, 8)


def model(path: Path, extra: str = "", name: str = "tiny") -> Model:
    card = Card(name=name, family="plain", size=8, multiple=4)
    return Model(tiny.save(path, TEXT.format(extra=extra), card))


def test_an_output_of_that_name(tmp_path: Path) -> None:
    found = model(tmp_path / "a.onnx", ", float[n,3,i,j] features")
    assert found.has_features
    prediction = found.predict(L)
    assert prediction.features is not None
    half = L.reshape(2, 1, 4, 2, 4, 2).mean((3, 5))
    np.testing.assert_allclose(prediction.features, half * [[[[1]], [[2]], [[3]]]], rtol=1e-6)
    assert prediction.ab.shape == (2, 2, 8, 8)


def test_none(tmp_path: Path) -> None:
    found = model(tmp_path / "a.onnx")
    assert not found.has_features
    assert found.predict(L).features is None


def test_results_inside_the_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "known", {"half": 1.0, "quarter": 10.0})  # type: ignore[arg-type]
    found = model(tmp_path / "a.onnx", name="known")
    assert found.has_features
    prediction = found.predict(L)
    assert prediction.features is not None
    assert prediction.features.shape == (2, 2, 2, 2)
    quarter = L.reshape(2, 1, 2, 4, 2, 4).mean((3, 5))
    np.testing.assert_allclose(prediction.features[:, :1], quarter, rtol=1e-6)
    np.testing.assert_allclose(prediction.features[:, 1:], quarter * 10, rtol=1e-6)


def test_a_graph_without_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "known", {"nowhere": 1.0})  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="cannot be read"):
        model(tmp_path / "a.onnx", name="known")


def test_the_bundled_model_has_features() -> None:
    from photochrom.models.registry import Registry

    found = Model(Registry().resolve("bundled"), threads=1)
    features = found.predict(np.full((1, 1, 64, 32), 50, np.float32)).features
    assert features is not None
    assert features.shape[2:] == (8, 4)


def test_stages_on_the_second_finest_grid() -> None:
    coarse, middle, fine = (
        np.full((1, c, s, s), c, np.float32) for c, s in ((5, 2), (3, 4), (2, 8))
    )
    joined = join_stages([coarse, middle, fine], [1, 2, 3])
    assert joined.shape == (1, 10, 4, 4)
    assert joined[0, :, 1, 1].tolist() == [5] * 5 + [6] * 3 + [6] * 2
