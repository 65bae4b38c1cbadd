"""Features of networks: an output of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from photochrom.models import Card, Model
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


def model(path: Path, extra: str = "") -> Model:
    card = Card(name="tiny", family="plain", size=8, multiple=4)
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


def test_the_bundled_model_has_features() -> None:
    from photochrom.models.registry import Registry

    found = Model(Registry().resolve("bundled"), threads=1)
    features = found.predict(np.full((1, 1, 64, 32), 50, np.float32)).features
    assert features is not None
    assert features.shape[2:] == (8, 4)
