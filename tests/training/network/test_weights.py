"""Weights in files: there and back, in parts, in half precision; and what does not fit."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("timm", "safetensors", "onnxscript"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import timm  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from photochrom.errors import ArgumentError, ModelError  # noqa: E402
from photochrom.models import Model  # noqa: E402
from photochrom.models.registry import Registry  # noqa: E402
from photochrom.training.network import weights  # noqa: E402
from photochrom.training.network.color_network import ENCODER, ColorNetwork  # noqa: E402
from photochrom.training.network.weights import (  # noqa: E402
    in_words,
    read_network,
    write_network,
)
from tests.helpers import finished_run as finished  # noqa: E402

SMALL = "mobilenetv3_small_050"
SHARED = Path(__file__).parents[4] / "shared" / "weights"

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def network() -> ColorNetwork:
    torch.manual_seed(1)
    network = ColorNetwork(SMALL).eval()
    for tensor in network.state_dict().values():
        tensor.add_(torch.rand(tensor.shape) / 8)  # nothing is as it began
    return network


@pytest.fixture(scope="module")
def kept(network: ColorNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kept") / "small.safetensors"
    write_network(network, path)
    return path


@pytest.fixture
def state(kept: Path) -> State:
    return load_file(kept)


def _same(ours: nn.Module, theirs: nn.Module) -> bool:
    first, second = ours.state_dict(), theirs.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def _split(state: State, folder: Path) -> list[Path]:
    """Encoder and decoder in a file each."""
    paths = [folder / "a.safetensors", folder / "b.safetensors"]
    for path, encoder in zip(paths, (True, False), strict=True):
        save_file({k: v for k, v in state.items() if k.startswith("enc.") is encoder}, path)
    return paths


# --- there and back ------------------------------------------------------------------------------


def test_one_file(network: ColorNetwork, kept: Path) -> None:
    back = read_network([kept], SMALL)[0]
    assert _same(back, network)
    L, ab = torch.rand(1, 1, 32, 64) * 100, torch.randn(1, 2, 32, 64)
    mask = (torch.rand(1, 1, 32, 64) < 0.1).float()
    with torch.inference_mode():
        assert torch.equal(back.eval()(L, ab, mask).logits, network(L, ab, mask).logits)


def test_what_is_kept(network: ColorNetwork, state: State) -> None:
    """All there is, under its own name."""
    own = network.state_dict()
    assert state.keys() == own.keys()
    assert all(torch.equal(v, own[k]) for k, v in state.items())


def test_two_files(network: ColorNetwork, state: State, tmp_path: Path) -> None:
    paths = _split(state, tmp_path)
    assert _same(read_network(paths, SMALL)[0], network)
    assert _same(read_network(paths[::-1], SMALL)[0], network)


def test_a_folder(network: ColorNetwork, state: State, tmp_path: Path) -> None:
    _split(state, tmp_path)
    (tmp_path / "README.md").write_text("not weights")
    assert _same(read_network([tmp_path], SMALL)[0], network)


def test_a_folder_and_a_file(network: ColorNetwork, state: State, tmp_path: Path) -> None:
    encoder, decoder = _split(state, tmp_path)
    folder = tmp_path / "encoder"
    folder.mkdir()
    shutil.move(encoder, folder)
    assert _same(read_network([folder, decoder], SMALL)[0], network)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision(
    network: ColorNetwork, state: State, tmp_path: Path, dtype: torch.dtype
) -> None:
    path = tmp_path / "other.safetensors"
    save_file({k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}, path)
    back, own = read_network([path], SMALL)[0].state_dict(), network.state_dict()
    assert {v.dtype for v in back.values()} == {torch.float32}
    for name, tensor in own.items():
        rounded = tensor.to(dtype).float() if tensor.is_floating_point() else tensor
        assert torch.equal(back[name], rounded), name


def test_half_precision_is_written_as_float32(network: ColorNetwork, tmp_path: Path) -> None:
    half = ColorNetwork(SMALL)
    half.load_state_dict(network.state_dict())
    write_network(half.half(), tmp_path / "half.safetensors")
    state = load_file(tmp_path / "half.safetensors")
    assert {v.dtype for v in state.values()} == {torch.float32}
    assert torch.equal(state["head.weight"], network.head.weight.half().float())


def test_the_layout_in_memory_does_not_matter(network: ColorNetwork, tmp_path: Path) -> None:
    other = ColorNetwork(SMALL)
    other.load_state_dict(network.state_dict())
    other.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert not other.u8.blk[0].weight.is_contiguous()
    write_network(other, tmp_path / "other.safetensors")
    assert _same(read_network([tmp_path / "other.safetensors"], SMALL)[0], network)


# --- parts ---------------------------------------------------------------------------------------


def test_a_missing_residual_block_is_done_without(
    network: ColorNetwork, state: State, tmp_path: Path
) -> None:
    gone = "enc.blocks.4.2."
    path, again = tmp_path / "less.safetensors", tmp_path / "again.safetensors"
    save_file({k: v for k, v in state.items() if not k.startswith(gone)}, path)
    back = read_network([path], SMALL)[0]
    assert isinstance(back.enc.blocks[4][2], nn.Identity)
    assert not isinstance(back.enc.blocks[4][1], nn.Identity)
    own = back.state_dict()
    assert own.keys() == {k for k in state if not k.startswith(gone)}
    assert all(torch.equal(v, state[k]) for k, v in own.items())
    back.eval()(torch.rand(1, 1, 32, 32), torch.zeros(1, 2, 32, 32), torch.zeros(1, 1, 32, 32))
    write_network(back, again)
    assert _same(read_network([again], SMALL)[0], back)


def test_without_a_decoder_it_begins_untrained(state: State, tmp_path: Path) -> None:
    encoder, _ = _split(state, tmp_path)
    begun, untrained = read_network([encoder], SMALL)
    own = begun.state_dict()
    assert untrained == sorted(n for n, _ in begun.named_parameters() if not n.startswith("enc."))
    assert "logits (2), hints (6)" in in_words(untrained)
    assert all(torch.equal(v, state[k]) for k, v in own.items() if k.startswith("enc."))
    assert not torch.equal(own["head.weight"], state["head.weight"])
    assert not own["hints.0.outer.weight"].any()


@pytest.mark.parametrize("counted", [True, False])
def test_an_encoder_with_norms(tmp_path: Path, counted: bool) -> None:
    """As timm has it: they become parts of the convolutions."""
    theirs = timm.create_model(SMALL, features_only=True, out_indices=(1, 2, 3, 4))
    with torch.no_grad():
        for tensor in theirs.state_dict().values():
            tensor.add_(torch.rand(tensor.shape) / 4 if tensor.ndim == 1 else 0)
    state = {f"enc.{k}": v for k, v in theirs.state_dict().items()}
    if not counted:
        state = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    save_file(state, tmp_path / "timm.safetensors")
    network = read_network([tmp_path / "timm.safetensors"], SMALL)[0]
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    L = torch.rand(1, 1, 64, 96) * 100
    with torch.inference_mode():
        expected = theirs.eval()((L / 100 - network.mean) / network.std)[1:]
        for ours, right in zip(network.eval().encode(L), expected, strict=True):
            torch.testing.assert_close(ours, right, atol=1e-5 * float(right.abs().max()), rtol=0)


# --- what does not fit ---------------------------------------------------------------------------


def _without(name: str) -> Callable[[State], object]:
    return lambda state: state.pop(name)


def _with(name: str, *shape: int) -> Callable[[State], object]:
    return lambda state: state.update({name: torch.zeros(shape)})


def _without_first_blocks(state: State) -> None:
    for name in [k for k in state if k.startswith("enc.blocks.4.0.")]:
        del state[name]


@pytest.mark.parametrize(
    ("change", "got"),
    [
        (_without("enc.conv_stem.weight"), r"1 missing \['enc.conv_stem.weight'\]"),
        (_without("enc.blocks.4.2.conv_pw.bias"), r"1 missing \['enc.blocks.4.2.conv_pw.bias"),
        (_without_first_blocks, r"\d\d missing \['enc.blocks.4.0"),
        (_with("enc.blocks.9.0.weight", 3), r"1 unknown \['enc.blocks.9.0.weight'\]"),
        (_with("wrong", 3), r"1 unknown \['wrong'\]"),
        (_with("head.weight", 313, 64, 1, 1), r"1 of another shape \['head.weight'\]"),
        (_with("head.bias", 1), r"1 of another shape \['head.bias'\]"),
        (_with("enc.conv_stem.bias", 3), r"1 of another shape \['enc.conv_stem.bias'\]"),
        (_with("enc.bn1.weight", 3), r"1 unknown \['enc.bn1.weight'\]"),
    ],
)
def test_tensors_of_another_network_are_refused(
    state: State, tmp_path: Path, change: Callable[[State], object], got: str
) -> None:
    change(state)
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=got) as caught:
        read_network([tmp_path / "other.safetensors"], SMALL)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_many_that_are_missing_are_counted_not_listed(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"\d\d missing") as caught:
        read_network([tmp_path], SMALL)  # an empty folder
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [None, b"", b"x" * 100], ids=["absent", "empty", "junk"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.safetensors, which cannot be read") as caught:
        read_network([path], SMALL)
    assert "\n" not in str(caught.value)


def test_half_a_file(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    path.write_bytes(kept.read_bytes()[: kept.stat().st_size // 2])
    with pytest.raises(ModelError, match="cannot be read"):
        read_network([path], SMALL)


def test_another_encoders_weights(kept: Path) -> None:
    with pytest.raises(ModelError, match="unknown"):
        read_network([kept], "resnet10t")
    with pytest.raises(ArgumentError, match="no_such_encoder"):
        read_network([kept], "no_such_encoder")


# --- writing -------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole(network: ColorNetwork, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"old")
    write_network(network, path)
    assert _same(read_network([path], SMALL)[0], network)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("old", [b"old", None])
def test_nothing_is_left_half_written(
    network: ColorNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes | None
) -> None:
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        write(path, data[:100])
        raise OSError("no space left")

    path = tmp_path / "x.safetensors"
    if old is not None:
        path.write_bytes(old)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="no space left"):
            write_network(network, path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == ({path.name: old} if old else {})


# --- the weights to start from -------------------------------------------------------------------


def test_the_encoder_to_start_from() -> None:
    """Without its last block; the rest is new."""
    if not SHARED.is_dir():
        pytest.skip("the weights to start from are not here")
    files = [SHARED / "encoder-1.safetensors", SHARED / "encoder-0.safetensors"]
    network = read_network(files)[0]
    own = network.state_dict()
    theirs = {k: v.float() for file in files for k, v in load_file(file).items()}
    factor = theirs["enc.bn1.weight"] / (theirs["enc.bn1.running_var"] + 1e-3).sqrt()
    stem = theirs["enc.conv_stem.weight"] * factor[:, None, None, None]
    torch.testing.assert_close(own["enc.conv_stem.weight"], stem)
    assert isinstance(network.enc.blocks[6][1], nn.Identity)
    assert sum(isinstance(m, nn.Identity) for m in network.enc.blocks[6].children()) == 1
    with pytest.raises(ModelError, match="unknown"):
        read_network([SHARED / "pilot-decoder.safetensors", *files], ENCODER)


# --- out of models -------------------------------------------------------------------------------


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
