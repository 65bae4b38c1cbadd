"""Loading and running an ONNX file."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photochrom.errors import ArgumentError, ModelError
from photochrom.models import Card, Model
from tests.helpers import tiny_models as tiny

Array = NDArray[Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tiny.onnx"


def plain(path: Path, **card: Any) -> Model:
    return Model(tiny.save(path, tiny.PLAIN, Card(name="tiny", family="plain", **card)))


def lightness_of(*shape: int) -> Array:
    return np.random.default_rng(1).uniform(0, 100, shape).astype(np.float32)


# --- input sizes -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_32(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return plain(tmp_path_factory.mktemp("fit") / "a.onnx", multiple=32, size=256)


@settings(deadline=None)
@given(
    height=st.integers(1, 100_000),
    width=st.integers(1, 100_000),
    size=st.none() | st.integers(32, 1024),
)
def test_sides_fit(by_32: Model, height: int, width: int, size: int | None) -> None:
    h, w = by_32.fit(height, width, size)
    side = size or 256
    assert h % 32 == w % 32 == 0
    assert min(h, w) >= 32
    assert max(h, w) <= 4 * side + 16
    if 1 / 4 <= height / width <= 4:
        area, aspect = (h * w) ** 0.5, (h / w) / (height / width)
        assert abs(area - side) <= 32
        assert abs(h - side * (height / width) ** 0.5) <= 16.001
        assert abs(w - side * (width / height) ** 0.5) <= 16.001
        assert side < 100 or 0.6 < aspect < 1.7


def test_sides_of_some_pictures(by_32: Model) -> None:
    assert by_32.fit(1000, 1000) == (256, 256)
    assert by_32.fit(10, 10) == (256, 256)
    assert by_32.fit(3000, 2000) == (320, 224)
    assert by_32.fit(2000, 3000, 512) == (416, 640)
    assert by_32.fit(1, 100_000) == (32, 1024)
    assert by_32.fit(100_000, 1) == (1024, 32)


def test_any_side_where_the_network_takes_any(path: Path) -> None:
    assert plain(path, size=100).fit(300, 400) == (87, 115)


def test_a_fixed_size_is_fixed(path: Path) -> None:
    model = plain(path, fixed=(224, 192))
    assert model.fit(1, 5000) == model.fit(640, 480) == model.fit(9, 9, 224) == (224, 192)
    with pytest.raises(ArgumentError, match=r"expected 192 x 224, the only one .* takes, got 512"):
        model.fit(9, 9, 512)


@pytest.mark.parametrize("size", [0, -256, 31, 4097])
def test_sizes_out_of_range_are_refused(by_32: Model, size: int) -> None:
    with pytest.raises(ArgumentError, match="expected 32 to 4096 pixels"):
        by_32.fit(100, 100, size)


# --- running -----------------------------------------------------------------------------------


def test_threads_and_providers(path: Path) -> None:
    tiny.photochrom(path)
    L = lightness_of(1, 1, 64, 64)
    one, two = Model(path, threads=1), Model(path, threads=2)
    np.testing.assert_allclose(one.predict(L).ab, two.predict(L).ab, atol=1e-4)
    assert one.providers
    assert one.providers[-1] == "CPUExecutionProvider"
    assert set(one.providers) <= set(onnxruntime.get_available_providers())


def test_a_network_for_one_picture_takes_several(path: Path) -> None:
    L = lightness_of(3, 1, 16, 24)
    many = Model(tiny.photochrom(path)).predict(L)
    one_by_one = Model(tiny.photochrom(path, batch="1")).predict(L)
    np.testing.assert_allclose(one_by_one.ab, many.ab, atol=1e-4)
    assert one_by_one.logits is not None
    assert many.logits is not None
    np.testing.assert_allclose(one_by_one.logits, many.logits, atol=1e-4)


def test_hints_go_with_their_pictures_one_by_one(path: Path) -> None:
    rng = np.random.default_rng(2)
    L, hint = lightness_of(3, 1, 16, 24), rng.uniform(0, 60, (3, 2, 16, 24)).astype(np.float32)
    mask = (rng.random((3, 1, 16, 24)) < 0.1).astype(np.float32)
    many = Model(tiny.photochrom(path, hints=True)).predict(L, hint * mask, mask)
    one_by_one = Model(tiny.photochrom(path, hints=True, batch="1")).predict(L, hint * mask, mask)
    np.testing.assert_allclose(one_by_one.ab, many.ab, atol=1e-3)


def test_no_distribution(path: Path) -> None:
    assert not plain(path).has_distribution


def test_predict_refuses_shapes(path: Path) -> None:
    model = Model(tiny.photochrom(path, hints=True))
    L, hint, mask = (
        lightness_of(1, 1, 16, 16),
        lightness_of(1, 2, 16, 16),
        lightness_of(1, 1, 16, 16),
    )
    for wrong in (L[0], L[0, 0], hint):
        with pytest.raises(ArgumentError, match="L has the wrong shape"):
            model.predict(wrong)
    for wrong_hint, wrong_mask in (
        (hint, None),
        (None, mask),
        (mask, mask),
        (hint, hint),
        (hint[..., :8], mask),
        (hint[0], mask[0]),
    ):
        with pytest.raises(ArgumentError, match="hints for the network"):
            model.predict(L, wrong_hint, wrong_mask)


def test_hints_for_a_network_that_takes_none_are_refused(path: Path) -> None:
    with pytest.raises(ModelError, match="takes no hints itself"):
        plain(path).predict(
            lightness_of(1, 1, 8, 8), lightness_of(1, 2, 8, 8), lightness_of(1, 1, 8, 8)
        )


def test_an_input_the_network_cannot_take(path: Path) -> None:
    card = Card(name="tiny", family="zhang16")  # does not say that the size is fixed
    model = Model(tiny.save(path, tiny.ZHANG16, card))
    with pytest.raises(ModelError, match=r"tiny failed: .*\(1, 1, 20, 16\).*size and multiple"):
        model.predict(lightness_of(1, 1, 20, 16))


def test_a_network_that_gives_no_numbers(path: Path) -> None:
    logarithm = """
    broken (float[n,1,h,w] L) => (float[n,2,h,w] ab) {
        shares = Constant <value = float[1,2,1,1] {-1.0, -2.0}> ()
        negative = Mul(L, shares)
        ab = Log(negative)
    }"""
    model = Model(tiny.save(path, logarithm, Card(name="tiny", family="plain")))
    with pytest.raises(ModelError, match="not finite"):
        model.predict(lightness_of(1, 1, 8, 8) + 1)


# --- files that are no models ------------------------------------------------------------------


def test_no_file(path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        Model(path)


@pytest.mark.parametrize("content", [b"", b"this is no network", bytes(1000)])
def test_a_file_of_something_else(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"tiny\.onnx") as error:
        Model(path)
    assert "\n" not in str(error.value)


def test_a_file_cut_short(path: Path) -> None:
    tiny.photochrom(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ModelError, match=r"tiny\.onnx"):
        Model(path)


def test_a_model_without_a_card(path: Path) -> None:
    tiny.save(path, tiny.PLAIN, None)
    with pytest.raises(ModelError, match=r"neither inside nor in tiny\.toml"):
        Model(path)


def test_a_card_beside_the_model(path: Path) -> None:
    tiny.save(path, tiny.PLAIN, None)
    path.with_suffix(".toml").write_text('name = "beside"\nfamily = "plain"\nsize = 99\n')
    assert Model(path).card == Card(name="beside", family="plain", size=99)


def test_the_card_inside_counts_first(path: Path) -> None:
    path.with_suffix(".toml").write_text('name = "beside"\nfamily = "plain"\n')
    assert plain(path).card.name == "tiny"


def test_a_broken_card_is_named(path: Path) -> None:
    tiny.save(path, tiny.PLAIN, None)
    model = tiny.onnx.load(path)
    tiny.onnx.helper.set_model_props(model, {"photochrom.card": "{"})
    tiny.onnx.save(model, path)
    with pytest.raises(ModelError, match=r"tiny\.onnx: the model card cannot be read"):
        Model(path)


def test_a_family_of_the_future(path: Path) -> None:
    with pytest.raises(ModelError, match=r"of a family this version does not know.*photochrom or "):
        Model(tiny.save(path, tiny.PLAIN, Card(name="a", family="mural")))


@pytest.mark.parametrize(
    ("text", "card"),
    [
        (tiny.SIGGRAPH17_HINTS, Card(name="a", family="plain")),
        (tiny.SIGGRAPH17_HINTS, Card(name="a", family="siggraph17", hints=False)),
        (tiny.SIGGRAPH17, Card(name="a", family="siggraph17", hints=True)),
        # A card that promises hints which the family would drop in silence.
        (tiny.PLAIN, Card(name="a", family="plain", hints=True)),
        (tiny.SIGGRAPH17_HINTS, Card(name="a", family="plain", hints=True)),
    ],
)
def test_inputs_that_are_not_the_cards(path: Path, text: str, card: Card) -> None:
    with pytest.raises(ModelError, match=r"does not fit its family.*with hints = (true|false);"):
        Model(tiny.save(path, text, card))


def test_a_model_in_a_folder_of_any_name(tmp_path: Path) -> None:
    source = tiny.photochrom(tmp_path / "a.onnx")
    folder = tmp_path / "Größe 縦 model"
    folder.mkdir()
    shutil.copy(source, folder / "ü.onnx")
    assert Model(folder / "ü.onnx").predict(lightness_of(1, 1, 8, 8)).ab.shape == (1, 2, 2, 2)
