"""Weights in files: there and back, in parts, in half precision."""

import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("timm", "safetensors", "onnxscript"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import timm  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from torch import nn  # noqa: E402

from photochrom.errors import ModelError  # noqa: E402
from photochrom.training.network.color_network import ENCODER, ColorNetwork  # noqa: E402
from photochrom.training.network.weights import in_words, read_network, write_network  # noqa: E402
from tests.helpers.color_networks import SMALL, State  # noqa: E402

SHARED = Path(__file__).parents[4] / "shared" / "weights"


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


def test_one_file(stored: ColorNetwork, kept: Path) -> None:
    back = read_network([kept], SMALL)[0]
    assert _same(back, stored)
    L, ab = torch.rand(1, 1, 32, 64) * 100, torch.randn(1, 2, 32, 64)
    mask = (torch.rand(1, 1, 32, 64) < 0.1).float()
    with torch.inference_mode():
        assert torch.equal(back.eval()(L, ab, mask).logits, stored(L, ab, mask).logits)


def test_what_is_kept(stored: ColorNetwork, state: State) -> None:
    """All there is, under its own name."""
    own = stored.state_dict()
    assert state.keys() == own.keys()
    assert all(torch.equal(v, own[k]) for k, v in state.items())


def test_two_files(stored: ColorNetwork, state: State, tmp_path: Path) -> None:
    paths = _split(state, tmp_path)
    assert _same(read_network(paths, SMALL)[0], stored)
    assert _same(read_network(paths[::-1], SMALL)[0], stored)


def test_a_folder(stored: ColorNetwork, state: State, tmp_path: Path) -> None:
    _split(state, tmp_path)
    (tmp_path / "README.md").write_text("not weights")
    assert _same(read_network([tmp_path], SMALL)[0], stored)


def test_a_folder_and_a_file(stored: ColorNetwork, state: State, tmp_path: Path) -> None:
    encoder, decoder = _split(state, tmp_path)
    folder = tmp_path / "encoder"
    folder.mkdir()
    shutil.move(encoder, folder)
    assert _same(read_network([folder, decoder], SMALL)[0], stored)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_another_precision(
    stored: ColorNetwork, state: State, tmp_path: Path, dtype: torch.dtype
) -> None:
    path = tmp_path / "other.safetensors"
    save_file({k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}, path)
    back, own = read_network([path], SMALL)[0].state_dict(), stored.state_dict()
    assert {v.dtype for v in back.values()} == {torch.float32}
    for name, tensor in own.items():
        rounded = tensor.to(dtype).float() if tensor.is_floating_point() else tensor
        assert torch.equal(back[name], rounded), name


def test_half_precision_is_written_as_float32(stored: ColorNetwork, tmp_path: Path) -> None:
    half = ColorNetwork(SMALL)
    half.load_state_dict(stored.state_dict())
    write_network(half.half(), tmp_path / "half.safetensors")
    state = load_file(tmp_path / "half.safetensors")
    assert {v.dtype for v in state.values()} == {torch.float32}
    assert torch.equal(state["head.weight"], stored.head.weight.half().float())


def test_the_layout_in_memory_does_not_matter(stored: ColorNetwork, tmp_path: Path) -> None:
    other = ColorNetwork(SMALL)
    other.load_state_dict(stored.state_dict())
    other.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    assert not other.u8.blk[0].weight.is_contiguous()
    write_network(other, tmp_path / "other.safetensors")
    assert _same(read_network([tmp_path / "other.safetensors"], SMALL)[0], stored)


# --- parts ---------------------------------------------------------------------------------------


def test_a_missing_residual_block_is_done_without(
    stored: ColorNetwork, state: State, tmp_path: Path
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


# --- writing -------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole(stored: ColorNetwork, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"old")
    write_network(stored, path)
    assert _same(read_network([path], SMALL)[0], stored)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("old", [b"old", None])
def test_nothing_is_left_half_written(
    stored: ColorNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes | None
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
            write_network(stored, path)
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
