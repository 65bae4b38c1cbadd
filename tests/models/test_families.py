"""Every family on a tiny network of its own, through the model that users run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.errors import ModelError
from photochrom.gamut import BIN_COUNT, annealed_mean, bins
from photochrom.models import Card, Model
from photochrom.models.card import FAMILIES
from tests.helpers import tiny_models as tiny

Array = NDArray[Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.onnx"


def noise(*shape: int, low: float = 5, high: float = 95) -> Array:
    return np.random.default_rng(1).uniform(low, high, shape).astype(np.float32)


def pooled(planes: Array) -> Array:
    n, channels, h, w = planes.shape
    return planes.reshape(n, channels, h // 4, 4, w // 4, 4).mean((3, 5))


def encoded(L: Array) -> Array:
    """The sRGB value 0...1 of a grey of this L."""
    f = (L.astype(float) + 16) / 116
    y = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    return np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)


def test_the_table_is_the_one_of_the_documents() -> None:
    names = {"photochrom", "zhang16", "siggraph17", "ddcolor", "deoldify", "plain"}
    assert set(FAMILIES) == names


def test_plain(path: Path) -> None:
    model = Model(tiny.save(path, tiny.PLAIN, Card(name="a", family="plain")))
    L = noise(2, 1, 6, 8)
    prediction = model.predict(L)
    assert prediction.logits is None
    assert prediction.ab.dtype == np.float32
    expected = np.concatenate([0.512 * L, -0.256 * L], 1)
    np.testing.assert_allclose(prediction.ab, expected, rtol=1e-5)


def test_zhang16(path: Path) -> None:
    card = Card(name="a", family="zhang16", fixed=(16, 16))
    model = Model(tiny.save(path, tiny.ZHANG16, card))
    L = noise(1, 1, 16, 16)
    ab = model.predict(L).ab
    assert ab.shape == (1, 2, 4, 4)
    centred = pooled(L - 50)
    np.testing.assert_allclose(ab, np.concatenate([centred, 2 * centred], 1), atol=1e-4)


def test_siggraph17_without_hints(path: Path) -> None:
    model = Model(tiny.save(path, tiny.SIGGRAPH17, Card(name="a", family="siggraph17")))
    L = noise(1, 1, 8, 12)
    np.testing.assert_allclose(
        model.predict(L).ab, np.concatenate([0.5 * L, 0.25 * L], 1), rtol=1e-5
    )


def test_siggraph17_with_hints(path: Path) -> None:
    card = Card(name="a", family="siggraph17", hints=True)
    model = Model(tiny.save(path, tiny.SIGGRAPH17_HINTS, card))
    L, hint, mask = noise(1, 1, 8, 12), np.zeros((1, 2, 8, 12), np.float32), np.zeros((1, 1, 8, 12))
    grey = np.concatenate([0.5 * L, 0.25 * L], 1)
    np.testing.assert_allclose(model.predict(L).ab, grey, rtol=1e-5)
    hint[0, :, 2, 3], mask[0, 0, 2, 3] = (7, -9), 1
    ab = model.predict(L, hint, mask.astype(np.float32)).ab
    expected = grey.copy()
    expected[0, :, 2, 3] += 1000 + np.array([7, -9])
    np.testing.assert_allclose(ab, expected, rtol=1e-5)


def test_ddcolor_gets_grey_srgb_up_to_one(path: Path) -> None:
    model = Model(tiny.save(path, tiny.DDCOLOR, Card(name="a", family="ddcolor")))
    L = noise(2, 1, 8, 12, low=0, high=100)
    value = encoded(L)
    expected = np.concatenate([100 * value, 60 * value], 1)
    np.testing.assert_allclose(model.predict(L).ab, expected, atol=2e-3)


@pytest.mark.parametrize("scale", [1, 255])
def test_deoldify_in_its_own_range(path: Path, scale: float) -> None:
    model = Model(tiny.deoldify(path, works_in=scale, card_says=scale))
    L = noise(2, 1, 32, 64)
    prediction = model.predict(L)
    assert prediction.ab.shape == (2, 2, 32, 64)
    bent = 1 / (1 + np.exp(-6 * (encoded(L[:, 0]) - 0.5)))
    expected = srgb_to_lab(bent[..., None] * [1.0, 0.9, 0.7])[..., 1:].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(prediction.ab, expected, atol=0.02)


@pytest.mark.parametrize(("works_in", "card_says"), [(255, 1), (1, 255)])
def test_deoldify_in_a_wrong_range_is_refused(path: Path, works_in: int, card_says: int) -> None:
    tiny.deoldify(path, works_in=works_in, card_says=card_says)
    with pytest.raises(ModelError, match=f"set scale = {works_in} in the card"):
        Model(path)


def test_photochrom_gives_its_distribution(path: Path) -> None:
    model = Model(tiny.photochrom(path, temperature=0.6))
    assert model.has_distribution
    L = noise(2, 1, 16, 24)
    prediction = model.predict(L)
    assert prediction.logits is not None
    assert prediction.logits.shape == (2, BIN_COUNT, 4, 6)
    assert prediction.ab.shape == (2, 2, 4, 6)
    weights = tiny.photochrom_weights()
    slope, dark = weights["slope"].reshape(1, -1, 1, 1), weights["dark"].reshape(1, -1, 1, 1)
    np.testing.assert_allclose(prediction.logits, dark + slope * pooled(L) / 100, atol=1e-4)
    np.testing.assert_allclose(prediction.ab, annealed_mean(prediction.logits, 0.6), atol=1e-3)


def test_photochrom_with_hints(path: Path) -> None:
    model = Model(tiny.photochrom(path, hints=True))
    L = noise(1, 1, 16, 24)
    hint, mask = np.zeros((1, 2, 16, 24), np.float32), np.zeros((1, 1, 16, 24), np.float32)
    free = model.predict(L).ab
    np.testing.assert_allclose(model.predict(L, hint, mask).ab, free, atol=1e-4)
    colour = bins()[250]
    hint[0, :, 4:8, 8:12], mask[0, 0, 4:8, 8:12] = np.abs(colour)[:, None, None], 1
    ab = model.predict(L, hint, mask).ab
    np.testing.assert_allclose(ab[0, :, 1, 2], np.abs(colour), atol=4)
    elsewhere = np.ones((4, 6), bool)
    elsewhere[1, 2] = False
    np.testing.assert_allclose(ab[0][:, elsewhere], free[0][:, elsewhere], atol=1e-4)


GREY_OUT = """
wrong (float[n,1,h,w] L) => (float[n,1,h,w] out) { out = Identity(L) }"""
FLAT = """
wrong (float[n,1,h,w] L) => (float[n,m] out) { out = Flatten(L) }"""
RGB_OUT = """
wrong (float[n,3,h,w] rgb) => (float[n,1,h,w] out) {
    weights = Constant <value = float[1,3,1,1] {0.3, 0.3, 0.3}> ()
    out = Conv(rgb, weights)
}"""
LARGER = """
wrong (float[n,1,h,w] L) => (float[n,2,i,j] out) {
    one = Constant <value = float[1,2,1,1] {1.0, 1.0}> ()
    scales = Constant <value = float[4] {1.0, 1.0, 1.0, 2.0}> ()
    both = Mul(L, one)
    out = Resize <mode = "nearest"> (both, , scales)
}"""


@pytest.mark.parametrize("family", ["photochrom", "zhang16", "siggraph17", "plain"])
@pytest.mark.parametrize("text", [GREY_OUT, FLAT])
def test_outputs_of_another_shape_are_refused(path: Path, family: str, text: str) -> None:
    model = Model(tiny.save(path, text, Card(name="tiny", family=family)))
    match = rf"tiny does not fit its family: expected an output of shape \(N, 2, h, w\).*{family}"
    with pytest.raises(ModelError, match=match):
        model.predict(noise(1, 1, 8, 8))


@pytest.mark.parametrize("family", ["ddcolor", "deoldify"])
def test_grey_from_a_network_of_colours_is_refused(path: Path, family: str) -> None:
    model = Model(tiny.save(path, RGB_OUT, Card(name="tiny", family=family, multiple=8)))
    with pytest.raises(ModelError, match=r"got \(1, 1, 8, 8\); import it again"):
        model.predict(noise(1, 1, 8, 8))


@pytest.mark.parametrize("family", ["plain", "siggraph17"])
def test_chroma_on_a_larger_grid_than_the_input_is_refused(path: Path, family: str) -> None:
    model = Model(tiny.save(path, LARGER, Card(name="tiny", family=family)))
    with pytest.raises(ModelError, match=r"not larger than \(8, 8\), got an output of shape"):
        model.predict(noise(1, 1, 8, 8))
