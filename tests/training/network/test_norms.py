"""Norms folded into convolutions: the same features, whatever the encoder; and those that stay."""

import copy

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
timm = pytest.importorskip("timm", reason="needs timm (extra train)")

from torch import nn  # noqa: E402

from photochrom.training.network.norms import fold_norms  # noqa: E402


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("mobilenetv3_small_050", 0),
        ("resnet10t", 0),
        ("regnetx_002", 0),
        ("densenet121", None),  # norms before convolutions, and after them
        ("convnext_atto", 0),  # has none
    ],
)
def test_features_stay_the_same(name: str, left: int | None) -> None:
    torch.manual_seed(1)
    encoder = timm.create_model(name, features_only=True).eval()
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
    before = copy.deepcopy(encoder)
    pairs = fold_norms(encoder, "enc.")
    norms = [n for n, m in encoder.named_modules() if isinstance(m, nn.BatchNorm2d)]
    folded = {pair.norm.removeprefix("enc.") for pair in pairs}
    whole = {n for n, m in before.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert set(norms) == whole - folded
    if left is None:
        assert norms
        assert folded
    else:
        assert len(norms) == left
    x = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        for ours, right in zip(encoder(x), before(x), strict=True):
            torch.testing.assert_close(ours, right, atol=1e-4 * float(right.abs().max()), rtol=0)


class Read(nn.Module):
    """A norm that is no factor and offset, or does not read a convolution's output alone."""

    def __init__(self, *, twice: bool = False, clipped: bool = False, **options: bool) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, **options)
        self.twice, self.clipped = twice, clipped

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.convolution(x)
        if self.clipped:
            x.relu_()  # the same tensor, but no longer what the convolution gave
        return [self.norm(x) + x if self.twice else self.norm(x)]


@pytest.mark.parametrize("options", [{"twice": True}, {"clipped": True}, {"affine": False}])
def test_norms_that_have_to_stay(options: dict[str, bool]) -> None:
    network = Read(**options).eval()
    nn.init.uniform_(network.norm.running_var, 0.5, 2)
    x = torch.rand(1, 3, 16, 16)
    (before,) = network(x)
    assert fold_norms(network) == []
    assert torch.equal(network(x)[0], before)


def test_names_alone_are_enough() -> None:
    """On the device "meta" there are no numbers."""
    with torch.device("meta"):
        encoder = timm.create_model("mobilenetv3_small_050", features_only=True)
    real = timm.create_model("mobilenetv3_small_050", features_only=True)
    assert fold_norms(encoder) == fold_norms(real)
    assert encoder.state_dict().keys() == real.state_dict().keys()
    assert encoder.training
    assert real.training
