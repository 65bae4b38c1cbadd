"""The encoder is timm's, but for its padding, its norms and the blocks left out."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
timm = pytest.importorskip("timm", reason="needs timm (extra train)")

from timm.layers.conv2d_same import Conv2dSame  # noqa: E402
from torch import nn  # noqa: E402

from photochrom.errors import ArgumentError  # noqa: E402
from photochrom.training.network.color_network import (  # noqa: E402
    ENCODER,
    ColorNetwork,
    _make_padding_static,
    _StaticSame,
)
from tests.helpers.color_networks import (  # noqa: E402
    SMALL,
    SMALL_SAME,
    fresh,
    grey,
    randomise,
    unhinted,
)


@pytest.mark.parametrize(
    "encoder", [SMALL, "resnet10t", "efficientnet_b0", "convnext_atto", "mobilevit_xxs"]
)
def test_other_encoders_do(encoder: str) -> None:
    network, L = fresh(encoder).eval(), grey(1, 128, 160)
    with torch.inference_mode():
        assert network(L, *unhinted(L)).logits.shape == (1, 313, 16, 20)


@pytest.mark.parametrize(
    ("encoder", "got"),
    [
        ("no_such_encoder", "no_such_encoder"),
        ("resnet10t.no_such_tag", "no_such_tag"),
        ("vit_tiny_patch16_224", r"strides \[16, 16, 16\]"),
        ("coatnet_pico_rw_224", "must match the size"),  # for pictures of 224 pixels alone
        ("", "Unknown model"),
    ],
)
def test_an_encoder_that_does_not_fit_is_refused(encoder: str, got: str) -> None:
    with pytest.raises(ArgumentError, match=got) as caught:
        ColorNetwork(encoder)
    assert "strides 4, 8, 16 and 32" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_encoder_sees_lightness_as_a_grey_picture_normalised_as_for_imagenet(
    small: ColorNetwork,
) -> None:
    seen = []
    small.enc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    L = torch.full((1, 1, 32, 32), 25.0)
    with torch.inference_mode():
        small(L, *unhinted(L))
    expected = [(0.25 - 0.485) / 0.229, (0.25 - 0.456) / 0.224, (0.25 - 0.406) / 0.225]
    torch.testing.assert_close(seen[0][0, :, 7, 9], torch.tensor(expected))


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_static_padding_is_tensorflows_on_even_sizes(kernel: int, stride: int, bias: bool) -> None:
    same = Conv2dSame(4, 6, kernel, stride, groups=2, bias=bias)
    static = _StaticSame(same)
    for height, width in ((32, 32), (10, 64), (6, 8)):
        x = torch.randn(2, 4, height, width)
        torch.testing.assert_close(static(x), same(x))


@pytest.mark.parametrize("encoder", [SMALL_SAME, "tf_efficientnet_b0"])
def test_static_padding_keeps_weights_and_features(encoder: str) -> None:
    torch.manual_seed(1)
    original = timm.create_model(encoder, features_only=True, pretrained=False).eval()
    randomise(original)
    kept = {k: v.clone() for k, v in original.state_dict().items()}
    pictures = [torch.randn(1, 3, *size) for size in ((32, 32), (64, 96), (128, 160))]
    with torch.inference_mode():
        before = [original(x) for x in pictures]
        assert any(isinstance(module, Conv2dSame) for module in original.modules())
        _make_padding_static(original)
        assert not any(isinstance(module, Conv2dSame) for module in original.modules())
        after = [original(x) for x in pictures]
    assert original.state_dict().keys() == kept.keys()
    assert all(torch.equal(v, kept[k]) for k, v in original.state_dict().items())
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("name", [ENCODER, SMALL_SAME])
def test_pretrained_weights_are_fetched_once_and_give_timms_features(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Though none of the convolutions are timm's, and there are no norms."""
    real, fetched = timm.create_model, []

    def create(name: str, *, pretrained: bool, **options: Any) -> nn.Module:
        model: nn.Module = real(name, pretrained=False, **options)
        if pretrained:
            randomise(model)
            fetched.append({k: v.clone() for k, v in model.state_dict().items()})
        return model

    monkeypatch.setattr(timm, "create_model", create)
    ColorNetwork(name)
    assert fetched == []
    network = ColorNetwork(name, pretrained=True)
    (state,) = fetched
    assert not any(isinstance(m, Conv2dSame | nn.BatchNorm2d) for m in network.modules())
    original = real(name, features_only=True, pretrained=False, out_indices=(1, 2, 3, 4)).eval()
    original.load_state_dict(state)
    for size in ((32, 32), (64, 96)):
        x = torch.randn(1, 3, *size)
        with torch.inference_mode():
            for ours, right in zip(network.enc(x), original(x), strict=True):
                worst = 1e-4 * float(right.abs().max())
                torch.testing.assert_close(ours, right, atol=worst, rtol=0)


def test_blocks_can_be_left_out() -> None:
    whole, less = fresh(SMALL).eval(), fresh(SMALL, without=["blocks.2.2", "blocks.4.1"]).eval()
    gone = whole.state_dict().keys() - less.state_dict().keys()
    assert {k[: len("enc.blocks.2.2")] for k in gone} == {"enc.blocks.2.2", "enc.blocks.4.1"}
    assert less.state_dict().keys() < whole.state_dict().keys()
    less.load_state_dict(whole.state_dict(), strict=False)
    L = grey(1, 64, 64)
    with torch.inference_mode():
        for block in (whole.enc.blocks[2][2], whole.enc.blocks[4][1]):
            block.register_forward_hook(lambda _, inputs, __: inputs[0])
        assert torch.equal(less(L, *unhinted(L)).logits, whole(L, *unhinted(L)).logits)
