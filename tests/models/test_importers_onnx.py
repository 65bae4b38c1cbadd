"""ONNX files of every convention, imported by the plainest command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.errors import ArgumentError, MissingExtraError, ModelError, ModelImportError
from photochrom.gamut import bins
from photochrom.models import Model
from photochrom.models.importers.onnx_model import ImportOptions, import_onnx
from photochrom.models.importers.trial_runs import photographs
from tests.helpers import tiny_models as tiny

onnx = tiny.onnx
Array = NDArray[Any]

NAMES = ("L", "hint_ab", "hint_mask")


def model_of(tmp_path: Path, text: str, weights: dict[str, Array] | None = None) -> Path:
    return tiny.save(tmp_path / "net.onnx", text, None, weights)


def imported(path: Path, **options: Any) -> Model:
    target = path.with_name("imported.onnx")
    import_onnx(path, target, "imported", ImportOptions(**options))
    return Model(target)


def noise(*shape: int) -> Array:
    return np.random.default_rng(1).uniform(5, 95, shape).astype(np.float32)


# Knows that what stands out is brown, and that numbers outside its range are wrong: as trained
# networks, it sees next to nothing in lightness of too small a range, and nonsense beyond it.
SEES = """
sees (float[{n},1,{h},{w}] x) => (float[{n},2,{h},{w}] y) {{
    low = Constant <value = float {{{low}}}> ()
    high = Constant <value = float {{{high}}}> ()
    colour = Constant <value = float[1,2,1,1] {{{a}, {b}}}> ()
    one = Constant <value = float {{1.0}}> ()
    six = Constant <value = float {{6.0}}> ()
    zero = Constant <value = float {{0.0}}> ()
    wide = Sub(high, low)
    off = Sub(x, low)
    share = Div(off, wide)
    some = Max(share, zero)
    inside = Min(some, one)
    beyond = Sub(share, inside)
    wrong = Abs(beyond)
    mean = GlobalAveragePool(inside)
    apart = Sub(inside, mean)
    far = Abs(apart)
    strong = Mul(far, six)
    amount = Min(strong, one)
    worse = Mul(wrong, six)
    sum = Sub(amount, worse)
    y = Mul(sum, colour)
}}"""


def sees(low: float, high: float, unit: float = 1.0, **dims: Any) -> str:
    dims = {"n": "n", "h": "h", "w": "w"} | dims
    return SEES.format(low=float(low), high=float(high), a=9 / unit, b=20 / unit, **dims)


def seen(L: Array) -> Array:
    """The answer of the above to lightness within its range."""
    share = L / 100
    amount = np.minimum(6 * np.abs(share - share.mean((2, 3), keepdims=True)), 1)
    return np.asarray(amount * np.float32([9, 20])[:, None, None])


def hidden(text: str) -> str:
    """The same, with the constants out of the way of whoever reads the graph's beginning."""
    return text.replace("off = Sub(x, low)", "same = Max(x, x)\n    off = Sub(same, low)")


ENDS = {"0...100": (0, 100), "-50...50": (-50, 50), "-1...1": (-1, 1), "0...1": (0, 1)}


@pytest.mark.parametrize("name", ENDS)
def test_the_range_of_lightness_is_found_by_running(tmp_path: Path, name: str) -> None:
    model = imported(model_of(tmp_path, hidden(sees(*ENDS[name]))))
    L = noise(1, 1, 32, 64)
    np.testing.assert_allclose(model.predict(L).ab, seen(L), atol=1e-3)
    assert model.card.family == ("zhang16" if name == "-50...50" else "siggraph17")


EXPLICIT = """
net (float[n,1,h,w] x) => (float[n,2,h,w] y) {{
    fifty = Constant <value = float {{50.0}}> ()
    hundred = Constant <value = float {{100.0}}> ()
    unit = Constant <value = float {{110.0}}> ()
    off = Sub(x, fifty)
    small = Div(off, hundred)
    flat = Conv(small, weights, bias)
    y = Mul(flat, unit)
}}"""


def explicit(seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {"weights": random.normal(0, 0.2, (2, 1, 1, 1)), "bias": random.normal(0, 0.01, 2)}


@pytest.mark.parametrize("family", [None, "zhang16", "siggraph17"])
def test_what_the_graph_subtracts_tells_the_range(tmp_path: Path, family: str | None) -> None:
    """As PyTorch's ECCV16 does it: L itself goes in, whatever family is named."""
    weights = explicit(3)
    model = imported(model_of(tmp_path, EXPLICIT.format(), weights), family=family)
    L = noise(1, 1, 32, 64)
    inner = (L - 50) / 100 * weights["weights"].reshape(2, 1, 1) + weights["bias"][:, None, None]
    np.testing.assert_allclose(model.predict(L).ab, inner * 110, atol=1e-3)
    assert model.card.family == (family or "siggraph17")


def test_a_wrong_family_is_refused(tmp_path: Path) -> None:
    path = model_of(tmp_path, hidden(sees(0, 100)))
    with pytest.raises(ArgumentError, match=r"not of the family zhang16.*leave --family out"):
        imported(path, family="zhang16")
    with pytest.raises(ArgumentError, match=r"not of the family ddcolor.*siggraph17"):
        imported(path, family="ddcolor")


def test_a_range_that_is_named_counts(tmp_path: Path) -> None:
    path = model_of(tmp_path, hidden(sees(-1, 1)))
    L = noise(1, 1, 32, 64)
    np.testing.assert_allclose(imported(path, lightness="-1:1").predict(L).ab, seen(L), atol=1e-3)
    with pytest.raises(ArgumentError, match=r"--lightness: expected one of 0:100, .*got 0-1"):
        imported(path, lightness="0-1")


def test_what_cannot_be_told_is_asked(tmp_path: Path) -> None:
    flat = "net (float[n,1,h,w] x) => (float[n,2,h,w] y) { y = Conv(x, weights) }"
    path = model_of(tmp_path, flat, {"weights": np.zeros((2, 1, 1, 1), np.float32)})
    with pytest.raises(ArgumentError, match=r"does not say what it is.*--lightness with.*--family"):
        imported(path)
    assert imported(path, family="plain").card.family == "plain"


# Of a small size: the trial runs of an import work out all 313 shares of each pixel.
SOFTMAX = """
net (float[n,1,64,64] x) => (float[n,2,64,64] y) {
    fifty = Constant <value = float {50.0}> ()
    hundred = Constant <value = float {100.0}> ()
    unit = Constant <value = float {110.0}> ()
    off = Sub(x, fifty)
    small = Div(off, hundred)
    logits = Conv(small, slope)
    chances = Softmax <axis = 1> (logits)
    small_ab = Conv(chances, colours)
    y = Mul(small_ab, unit)
}"""


def test_the_distribution_inside_becomes_an_output(tmp_path: Path) -> None:
    weights = {
        "slope": np.linspace(-3, 3, 313).reshape(313, 1, 1, 1),
        "colours": bins().T[:, :, None, None] / 110,
    }
    model = imported(model_of(tmp_path, SOFTMAX, weights))
    assert model.has_distribution
    assert (model.card.family, model.card.temperature) == ("zhang16", 1.0)
    L = noise(1, 1, 64, 64)
    prediction = model.predict(L)
    assert prediction.logits is not None
    expected = weights["slope"].reshape(313, 1, 1) * (L[0] - 50) / 100
    np.testing.assert_allclose(prediction.logits[0], expected, atol=1e-4)


STACKED = """
net (float[n,4,h,w] x) => (float[n,2,h,w] y) {{
    weights = Constant <value = float[2,4,1,1] {{0.0, 0.5, 0.0, 0.2, 0.0, 0.0, 0.5, 0.3}}> ()
    flat = Conv(x, weights)
    y = {end}(flat)
}}"""


def test_one_input_of_four_channels(tmp_path: Path) -> None:
    """L, hint map and mask in one array, in the units of SIGGRAPH17 where nothing else is told."""
    model = imported(model_of(tmp_path, STACKED.format(end="Tanh")))
    assert model.card.hints
    L, hint, mask = noise(1, 1, 32, 32), noise(1, 2, 32, 32) - 50, np.ones((1, 1, 32, 32))
    x = np.concatenate([(L - 50) / 100, hint / 110, mask], 1)
    weights = np.float32([[0.0, 0.5, 0.0, 0.2], [0.0, 0.0, 0.5, 0.3]])
    expected = np.tanh(np.einsum("oc,nchw->nohw", weights, x)) * 110
    ab = model.predict(L, hint, mask.astype(np.float32)).ab
    np.testing.assert_allclose(ab, expected, atol=1e-3)


LAST = """
net (float[n,h,w,3] rgb) => (float[n,h,w,2] ab) {
    weights = Constant <value = float[3,2] {100.0, 0.0, 0.0, 50.0, 0.0, 10.0}> ()
    ab = MatMul(rgb, weights)
}"""


def test_channels_last(tmp_path: Path) -> None:
    model = imported(model_of(tmp_path, LAST))
    assert model.card.family == "ddcolor"
    plain = Model(
        tiny.save(tmp_path / "p.onnx", tiny.DDCOLOR, tiny.Card(name="p", family="ddcolor"))
    )
    L = noise(2, 1, 32, 64)
    np.testing.assert_allclose(model.predict(L).ab, plain.predict(L).ab, atol=1e-3)


def in_half(text: str) -> str:
    text = text.replace("float[n", "float16[n").replace("weights = C", "exact = C")
    return text.replace("    ab =", "    weights = Cast <to = 10> (exact)\n    ab =")


def test_half_precision(tmp_path: Path) -> None:
    text = in_half(tiny.DDCOLOR)
    model = imported(model_of(tmp_path, text))
    plain = Model(
        tiny.save(tmp_path / "p.onnx", tiny.DDCOLOR, tiny.Card(name="p", family="ddcolor"))
    )
    L = noise(1, 1, 32, 64)
    ab = model.predict(L).ab
    assert ab.dtype == np.float32
    np.testing.assert_allclose(ab, plain.predict(L).ab, atol=0.1)


def test_channels_last_in_half_precision(tmp_path: Path) -> None:
    model = imported(model_of(tmp_path, in_half(LAST)))
    assert model.predict(noise(1, 1, 32, 32)).ab.dtype == np.float32


NORMALISED = """
net (float[n,3,h,w] rgb) => (float[n,3,h,w] out) {
    six = Constant <value = float {6.0}> ()
    three = Constant <value = float {3.0}> ()
    chances = Sigmoid(rgb)
    wide = Mul(chances, six)
    out = Sub(wide, three)
}"""


def test_deoldify_as_its_own_code_has_it(tmp_path: Path) -> None:
    """Normalised pictures in and out, which shows by the symmetric range of its output."""
    model = imported(model_of(tmp_path, NORMALISED))
    assert model.card.family == "deoldify"
    from photochrom.color import lab_to_srgb, srgb_to_lab

    L = noise(1, 1, 32, 32)
    lab = np.concatenate([L, 0 * L, 0 * L], 1).transpose(0, 2, 3, 1)
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    x = (lab_to_srgb(np.ascontiguousarray(lab), np.float32) - mean) / std
    rgb = np.clip((6 / (1 + np.exp(-x)) - 3) * std + mean, 0, 1).astype(np.float32)
    expected = srgb_to_lab(rgb)[..., 1:].transpose(0, 3, 1, 2)
    np.testing.assert_allclose(model.predict(L).ab, expected, atol=0.05)


# --- sizes, and weights in files beside ----------------------------------------------------------


def test_the_size_of_a_fixed_network_is_obeyed_or_refused(tmp_path: Path) -> None:
    path = model_of(tmp_path, sees(0, 100, n=1, h=64, w=64))
    model = imported(path, size=64)
    assert (model.card.fixed, model.card.size) == ((64, 64), 64)
    with pytest.raises(ArgumentError, match=r"--size: expected 64 x 64, the only size.*got 96"):
        imported(path, size=96)
    with pytest.raises(ArgumentError, match="input size: expected 64 x 64, the only one imported"):
        model.fit(100, 100, 96)
    assert model.fit(100, 200, 64) == model.fit(100, 200) == (64, 64)


def test_a_size_that_is_fixed_inside_is_found(tmp_path: Path) -> None:
    text = sees(0, 100).replace(
        "y = Mul(sum, colour)", "fit = Reshape(sum, shape)\n    y = Mul(fit, colour)"
    )
    text = text.replace(
        "one = Constant",
        "shape = Constant <value = int64[4] {1, 1, 256, 256}> ()\n    one = Constant",
    )
    assert imported(model_of(tmp_path, text)).card.fixed == (256, 256)


def test_dynamic_sizes_are_obeyed(tmp_path: Path) -> None:
    model = imported(model_of(tmp_path, sees(0, 100)), size=384)
    assert (model.card.fixed, model.card.size) == (None, 384)
    assert model.fit(100, 100, 512) == (512, 512)


def test_weights_in_a_file_beside_are_taken_in(tmp_path: Path) -> None:
    weights = explicit(4)
    path = model_of(tmp_path, EXPLICIT.format(), weights)
    proto = onnx.load(path)
    expected = imported(path).predict(noise(1, 1, 32, 32)).ab
    onnx.save(proto, path, save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    assert (tmp_path / "net.onnx.data").is_file()
    target = tmp_path / "elsewhere" / "alone.onnx"
    import_onnx(path, target, "alone", ImportOptions())
    assert [each.name for each in target.parent.iterdir()] == ["alone.onnx"]
    np.testing.assert_allclose(Model(target).predict(noise(1, 1, 32, 32)).ab, expected, atol=1e-5)
    (tmp_path / "net.onnx.data").unlink()
    with pytest.raises(ModelImportError, match=r"in another file, which is missing.*net.onnx.data"):
        import_onnx(path, target, "alone", ImportOptions())


def test_without_the_package_onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run tells the family all the same; what has to be rewritten asks for the package."""
    paths = []
    for name, text in (("a", sees(0, 100)), ("b", sees(-1, 1)), ("c", LAST)):
        paths.append(tiny.save(tmp_path / f"{name}.onnx", text, None))
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert imported(paths[0]).card.family == "siggraph17"
    for path in paths[1:]:
        with pytest.raises(MissingExtraError, match=r"photochrom\[import\]"):
            imported(path)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    text = "net (float[n,5,h,w] x) => (float[n,5,h,w] y) { y = Identity(x) }"
    with pytest.raises(ModelError, match="does not fit any family"):
        imported(model_of(tmp_path, text))


def test_the_photographs_are_in_colour() -> None:
    for L, ab in photographs((64, 64)):
        assert L.shape == (1, 1, 64, 64)
        assert np.hypot(*ab).mean() > 10
