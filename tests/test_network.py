"""The network that is trained: shapes, and padding that does not depend on the size."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
timm = pytest.importorskip("timm", reason="needs timm (extra train)")

from timm.layers.conv2d_same import Conv2dSame  # noqa: E402

from photochrom.training.network import ColorNetwork, _StaticSame  # noqa: E402


@pytest.fixture(scope="module")
def network() -> ColorNetwork:
    torch.manual_seed(1)
    return ColorNetwork().eval()


@pytest.mark.parametrize(("n", "height", "width"), [(1, 32, 32), (2, 64, 96)])
def test_a_distribution_on_a_quarter_of_the_size(
    network: ColorNetwork, n: int, height: int, width: int
) -> None:
    with torch.inference_mode():
        logits = network(torch.rand(n, 1, height, width) * 100)
    assert logits.shape == (n, 313, height // 4, width // 4)
    assert logits.isfinite().all()


def test_every_part_learns(network: ColorNetwork) -> None:
    """A gradient reaches all weights: no branch is left hanging."""
    try:
        network(torch.rand(1, 1, 64, 64) * 100).square().mean().backward()
        without = [
            name
            for name, p in network.named_parameters()
            if p.grad is None or not p.grad.isfinite().all()
        ]
    finally:
        network.zero_grad(set_to_none=True)
    assert without == []


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_static_padding_is_tensorflows_on_even_sizes(kernel: int, stride: int, bias: bool) -> None:
    same = Conv2dSame(4, 6, kernel, stride, groups=2, bias=bias)
    static = _StaticSame(same)
    static.load_state_dict(same.state_dict())
    for height, width in ((32, 32), (10, 64), (6, 8)):
        x = torch.randn(2, 4, height, width)
        torch.testing.assert_close(static(x), same(x))


def test_the_encoder_is_timms(network: ColorNetwork) -> None:
    """With its weights it gives timm's features, though none of its convolutions are timm's."""
    assert not any(isinstance(module, Conv2dSame) for module in network.modules())
    original = timm.create_model(
        "tf_efficientnet_b4", features_only=True, pretrained=False, out_indices=(1, 2, 3, 4)
    ).eval()
    assert any(isinstance(module, Conv2dSame) for module in original.modules())
    original.blocks[6][1] = torch.nn.Identity()
    original.load_state_dict(network.enc.state_dict())
    x = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        for ours, theirs in zip(network.enc(x), original(x), strict=True):
            torch.testing.assert_close(ours, theirs)
