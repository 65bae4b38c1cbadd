"""Weights of other people's networks become models that give what their own pipelines give."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from photochrom.color import srgb_to_lab
from photochrom.errors import ArgumentError, ModelImportError
from photochrom.models import Card, Model
from photochrom.models.importers.onnx_model import ImportOptions, import_checkpoint
from photochrom.models.importers.trial_runs import photographs
from tests.helpers.cli_model import invoke
from tests.helpers.peer_networks import ddcolor, deoldify, layers, zhang

torch = layers.torch
for package in ("onnx", "onnxscript", "safetensors", "torchvision"):
    pytest.importorskip(package, reason="importing weights needs the extra train")

from photochrom.models.importers.checkpoint.known_networks import known_network  # noqa: E402
from photochrom.models.importers.checkpoint.state_dict import fold_norms, read_state  # noqa: E402

# PyTorch announces that it will drop the spectral and weight norm of published networks.
pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated:FutureWarning")

Array = NDArray[Any]
MEAN, STD = (np.float32(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
CLOSE = 0.05  # ab


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(1)


def saved(network: Any, path: Path, *sample: Any) -> Any:
    layers.settled(network, *sample)
    torch.save(network.state_dict(), path)
    return network


def imported(path: Path) -> Model:
    """By the plainest command."""
    done = invoke("models", "import", path, "-o", path.with_suffix(".onnx"), "--name", "peer")
    assert done.exit_code == 0, done.stderr
    return Model(path.with_suffix(".onnx"))


def built(path: Path) -> tuple[Any, Card]:
    """The network that is exported, in PyTorch, and its card."""
    state = read_state(path)
    known = known_network(state, path)
    return known.build(state, path), known.card("peer", path, None)


def lightness(size: tuple[int, int] = (64, 64)) -> Array:
    return photographs(size)[0][0]


def grey_rgb(L: Array) -> Array:
    """As OpenCV makes RGB 0...1 of L alone, which DDColor's pipeline does: ``(1, 3, H, W)``."""
    cv2 = pytest.importorskip("cv2", reason="DDColor's pipeline goes through OpenCV")
    lab = np.stack([L[0, 0], 0 * L[0, 0], 0 * L[0, 0]], 2).astype(np.float32)
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB).transpose(2, 0, 1)[None])


@torch.no_grad()
def result(network: Any, *arrays: Array) -> Array:
    return np.asarray(network(*(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)))


@pytest.mark.slow
def test_eccv16(tmp_path: Path) -> None:
    network = saved(zhang.Eccv(), tmp_path / "eccv16.pth", torch.rand(2, 1, 64, 64) * 100)
    model = imported(tmp_path / "eccv16.pth")
    assert (model.card.family, model.card.size, model.card.fixed) == ("zhang16", 256, None)
    assert model.has_distribution
    L = lightness()
    theirs, ours = result(network, L), torch.from_numpy(model.predict(L).ab)
    large = torch.nn.functional.interpolate(ours, scale_factor=4, mode="bilinear").numpy()
    assert np.ptp(theirs) > 5
    np.testing.assert_allclose(large, theirs, atol=CLOSE)


@pytest.mark.slow
def test_eccv16_as_pytorch_exports_it(tmp_path: Path) -> None:
    """L goes in as it is and the weights lie in a file beside, whatever family is named."""
    import io
    import logging
    import warnings
    from contextlib import redirect_stdout

    network = layers.settled(zhang.Eccv(), torch.rand(2, 1, 64, 64) * 100)
    L, path = lightness(), tmp_path / "eccv16.onnx"
    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.from_numpy(L),), path, dynamo=True, external_data=True)
    logging.disable(logging.NOTSET)
    assert (tmp_path / "eccv16.onnx.data").is_file()
    for family in ([], ["--family", "zhang16"]):
        done = invoke("models", "import", path, *family, "-o", tmp_path / "x.onnx", "--overwrite")
        assert done.exit_code == 0, done.stderr
        assert "(lightness 0...100 -> ab)" in done.stderr
        model = Model(tmp_path / "x.onnx")
        assert (model.card.family, model.card.fixed) == ("zhang16", (64, 64))
        assert model.has_distribution
        np.testing.assert_allclose(model.predict(L).ab, result(network, L), atol=CLOSE)


@pytest.mark.slow
def test_siggraph17(tmp_path: Path) -> None:
    sample = [torch.rand(2, n, 64, 64) * 50 for n in (1, 2, 1)]
    network = saved(zhang.Siggraph(), tmp_path / "siggraph17.pth", *sample)
    model = imported(tmp_path / "siggraph17.pth")
    assert (model.card.family, model.card.hints) == ("siggraph17", True)
    L, hint, mask = lightness((64, 96)), np.zeros((1, 2, 64, 96)), np.zeros((1, 1, 64, 96))
    hint[..., 20:23, 30:33], mask[..., 20:23, 30:33] = 60, 1
    hint, mask = hint.astype(np.float32), mask.astype(np.float32)
    for told, known in ((hint, mask), (hint * 0, mask * 0)):
        theirs = result(network, L, told, known)
        np.testing.assert_allclose(model.predict(L, told, known).ab, theirs, atol=CLOSE)
    assert np.ptp(theirs) > 5


def test_ddcolor_is_as_deep_as_its_weights(tmp_path: Path) -> None:
    """More steps of the queries than scales, which they look at in turn."""
    sample = torch.rand(2, 3, 64, 64)
    network = saved(ddcolor.Color(depth=4, blocks=2), tmp_path / "tiny.pth", sample)
    theirs = network(sample) / 3
    assert np.ptp(theirs.detach().numpy()) > 0.5
    torch.testing.assert_close(built(tmp_path / "tiny.pth")[0](sample), theirs, rtol=0, atol=1e-3)


@pytest.mark.slow
def test_ddcolor(tmp_path: Path) -> None:
    """Its parts once each: exporting takes a time for every operation."""
    network = saved(ddcolor.Color(), tmp_path / "tiny.pth", torch.rand(2, 3, 64, 64))
    state = {"params": network.state_dict(), "iter": 7}
    torch.save(state, tmp_path / "tiny.pth")
    model = imported(tmp_path / "tiny.pth")
    assert (model.card.family, model.card.size, model.card.multiple) == ("ddcolor", 512, 32)
    L = lightness((96, 64))
    theirs = result(network, grey_rgb(L)) / 3
    assert np.ptp(theirs) > 0.5
    np.testing.assert_allclose(model.predict(L).ab, theirs, atol=CLOSE)


@pytest.mark.parametrize("deep", [True, False])
def test_the_two_deoldifys(tmp_path: Path, deep: bool) -> None:
    sample = torch.randn(2, 3, 64, 64)
    network = saved(deoldify.Old(deep=deep, blocks=2), tmp_path / "old.pth", sample)
    mean, std = torch.from_numpy(MEAN), torch.from_numpy(STD)
    theirs = network(sample) * std + mean
    assert np.ptp(theirs.detach().numpy()) > 0.05
    ours, card = built(tmp_path / "old.pth")
    torch.testing.assert_close(ours(sample * std + mean), theirs, rtol=0, atol=1e-4)
    assert (card.family, card.size, card.film_size) == ("deoldify", 560, 336)
    assert ("artistic" in card.title) == deep


@pytest.mark.slow
def test_deoldify(tmp_path: Path) -> None:
    """The deep one: the other is made of the same operations."""
    network = saved(deoldify.Old(deep=True), tmp_path / "old.pth", torch.randn(2, 3, 64, 64))
    model = imported(tmp_path / "old.pth")
    assert (model.card.family, model.card.size, model.card.film_size) == ("deoldify", 560, 336)
    assert "artistic" in model.card.title
    grey = np.repeat(np.linspace(0, 255, 80, dtype=np.uint8)[None], 112, 0)[..., None]
    rgb = np.repeat(grey, 3, 2).transpose(2, 0, 1).astype(np.float32) / 255
    out = np.clip(result(network, ((rgb - MEAN) / STD)[None])[0] * STD + MEAN, 0, 1)
    theirs = srgb_to_lab(np.ascontiguousarray(out.transpose(1, 2, 0)))[..., 1:].transpose(2, 0, 1)
    L = srgb_to_lab(np.repeat(grey, 3, 2))[..., 0]
    assert np.ptp(theirs) > 5
    np.testing.assert_allclose(model.predict(L[None, None]).ab[0], theirs, atol=CLOSE)


# --- files ---------------------------------------------------------------------------------------


def test_norms_are_folded_whatever_their_names() -> None:
    conv = layers.settled(layers.spectral(torch.nn.Conv2d(3, 4, 3)), torch.rand(1, 3, 8, 8))
    state = {f"a.{name}": value for name, value in conv.state_dict().items()}
    for each in (state, layers.renamed(state)):
        folded = fold_norms(each)
        assert set(folded) == {"a.weight", "a.bias"}
        with torch.no_grad():
            conv(torch.rand(1, 3, 8, 8))
        torch.testing.assert_close(folded["a.weight"], conv.weight.detach())
    old = torch.nn.utils.weight_norm(torch.nn.Conv2d(3, 4, 3))
    new = torch.nn.utils.parametrizations.weight_norm(torch.nn.Conv2d(3, 4, 3))
    for each in (old, new):
        folded = fold_norms(each.state_dict())
        assert set(folded) == {"weight", "bias"}
        torch.testing.assert_close(folded["weight"], each.weight.detach())


@pytest.mark.parametrize("wrapper", ["params", "state_dict", "model", None])
def test_state_dicts_under_a_name_or_of_parallel_training(
    tmp_path: Path, wrapper: str | None
) -> None:
    state = {"module.a.weight": torch.ones(2, dtype=torch.float16)}
    torch.save({wrapper: state, "epoch": 3} if wrapper else state, tmp_path / "a.pth")
    found = read_state(tmp_path / "a.pth")
    assert list(found) == ["a.weight"]
    assert found["a.weight"].dtype == torch.float32


def test_safetensors(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a.weight": torch.ones(2)}, tmp_path / "a.safetensors")
    assert list(read_state(tmp_path / "a.safetensors")) == ["a.weight"]
    (tmp_path / "b.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(ModelImportError, match=r"b.safetensors cannot be read.*whole"):
        read_state(tmp_path / "b.safetensors")


class Runs:
    """An object whose unpickling would run code."""

    def __reduce__(self) -> Any:
        return (print, ("ran",))


def test_files_that_could_run_code_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"model": Runs()}, tmp_path / "bad.pth")
    with pytest.raises(ModelImportError, match=r"cannot be loaded safely.*state_dict\(\)"):
        read_state(tmp_path / "bad.pth")
    (tmp_path / "worse.pth").write_bytes(pickle.dumps(Runs()))
    with pytest.raises(ModelImportError, match=r"worse.pth"):
        read_state(tmp_path / "worse.pth")
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"a.weight": torch.ones(2)}, r"network that is not known.*DDColor.*a.weight.*ONNX"),
        ({"epoch": 3}, "holds no state dict.*got the keys epoch"),
        ([1, 2], "holds no state dict.*got a list"),
        (
            {
                "model8.6.weight": torch.ones(313, 8, 1, 1),
                "model_out.weight": torch.ones(2, 313, 1, 1),
            },
            r"does not hold all of Colorful Image Colorization.*no 'model1.0.weight'",
        ),
    ],
)
def test_other_state_dicts_are_refused(tmp_path: Path, content: Any, match: str) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(ModelImportError, match=match):
        import_checkpoint(tmp_path / "a.pth", tmp_path / "a.onnx", "a", ImportOptions())
    assert not (tmp_path / "a.onnx").exists()


def test_a_state_dict_with_more_than_the_network_is_refused(tmp_path: Path) -> None:
    state = zhang.Eccv().state_dict() | {"model9.0.weight": torch.ones(2)}
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(ModelImportError, match=r"does not hold all of.*model9.0.weight"):
        import_checkpoint(tmp_path / "a.pth", tmp_path / "a.onnx", "a", ImportOptions())


def test_options_that_the_weights_say_themselves(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"says itself.*--family"):
        import_checkpoint(
            tmp_path / "a.pth", tmp_path / "a.onnx", "a", ImportOptions(family="ddcolor")
        )
    torch.save(zhang.Eccv().state_dict(), tmp_path / "a.pth")
    with pytest.raises(ArgumentError, match="--size: expected a multiple of 8, got 100"):
        import_checkpoint(tmp_path / "a.pth", tmp_path / "a.onnx", "a", ImportOptions(size=100))
