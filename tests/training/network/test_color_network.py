"""The network that is trained: shapes, hints, encoders, and padding that never changes."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
timm = pytest.importorskip("timm", reason="needs timm (extra train)")

from timm.layers.conv2d_same import Conv2dSame  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from photochrom.errors import ArgumentError  # noqa: E402
from photochrom.training.network.color_network import (  # noqa: E402
    ENCODER,
    ColorNetwork,
    _make_padding_static,
    _StaticSame,
)
from photochrom.training.network.consensus import Consensus  # noqa: E402

SMALL = "mobilenetv3_small_050"
SMALL_SAME = "tf_mobilenetv3_small_minimal_100"  # with TensorFlow's padding


@pytest.fixture(scope="module")
def network() -> ColorNetwork:
    """The bundled model's, untrained."""
    torch.manual_seed(1)
    return ColorNetwork().eval()


@pytest.fixture
def small() -> ColorNetwork:
    return _fresh(SMALL).eval()


def _fresh(encoder: str, **options: Any) -> ColorNetwork:
    torch.manual_seed(1)
    return ColorNetwork(encoder, **options)


def _listening(network: ColorNetwork, entries: tuple[int, ...] = (0, 1, 2)) -> ColorNetwork:
    """With weights, instead of zeros, where hints at those of strides 8, 16, 32 come in."""
    for entry in entries:
        nn.init.normal_(network.hints[entry].outer.weight)
    return network


def _randomise(module: nn.Module) -> None:
    """Statistics of norms like those of a trained network, so that none of them does nothing."""
    for name, tensor in (*module.named_buffers(), *module.named_parameters()):
        if name.endswith("running_var"):
            tensor.data.uniform_(0.5, 2)
        elif tensor.is_floating_point() and tensor.ndim == 1:
            tensor.data.add_(torch.randn_like(tensor) / 4)


def _grey(n: int, height: int, width: int) -> Tensor:
    return torch.rand(n, 1, height, width, generator=torch.Generator().manual_seed(2)) * 100


def _unhinted(L: Tensor) -> tuple[Tensor, Tensor]:
    return torch.zeros_like(L).expand(-1, 2, -1, -1).clone(), torch.zeros_like(L)


def _one_hint(L: Tensor, y: slice | int, x: slice | int) -> tuple[Tensor, Tensor]:
    ab, mask = _unhinted(L)
    ab[0, 0, y, x], ab[0, 1, y, x], mask[0, 0, y, x] = 60, -40, 1
    return ab, mask


# --- shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "height", "width"), [(1, 32, 32), (2, 64, 96), (1, 128, 160)])
def test_a_distribution_and_features_on_an_eighth_of_the_size(
    network: ColorNetwork, n: int, height: int, width: int
) -> None:
    L = _grey(n, height, width)
    with torch.inference_mode():
        logits, features, regions = network(L, *_unhinted(L))
    assert regions is None
    assert logits.shape == (n, 313, height // 8, width // 8)
    assert logits.isfinite().all()
    assert features.shape == (n, 64, height // 8, width // 8)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(n, height // 8, width // 8))


def test_a_region_head_adds_vectors_and_leaves_the_rest_as_it_is() -> None:
    network, L = _fresh(SMALL).eval(), _grey(2, 64, 96)
    with torch.inference_mode():
        before = network(L, *_unhinted(L))
        head = network.add_region_head()
        after = network(L, *_unhinted(L))
    assert network.add_region_head() is head
    assert torch.equal(before.logits, after.logits)
    assert torch.equal(before.features, after.features)
    assert after.regions.shape == (2, 64, 8, 12)
    torch.testing.assert_close(after.regions.norm(dim=1), torch.ones(2, 8, 12))


@pytest.mark.parametrize(
    "encoder", [SMALL, "resnet10t", "efficientnet_b0", "convnext_atto", "mobilevit_xxs"]
)
def test_other_encoders_do(encoder: str) -> None:
    network, L = _fresh(encoder).eval(), _grey(1, 128, 160)
    with torch.inference_mode():
        assert network(L, *_unhinted(L)).logits.shape == (1, 313, 16, 20)


@pytest.mark.parametrize(
    ("encoder", "got"),
    [
        ("no_such_encoder", "no_such_encoder"),
        ("resnet10t.no_such_tag", "no_such_tag"),
        ("vit_tiny_patch16_224", r"strides \[16, 16, 16\]"),
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
        small(L, *_unhinted(L))
    expected = [(0.25 - 0.485) / 0.229, (0.25 - 0.456) / 0.224, (0.25 - 0.406) / 0.225]
    torch.testing.assert_close(seen[0][0, :, 7, 9], torch.tensor(expected))


# --- learning ------------------------------------------------------------------------------------


def test_every_part_learns(small: ColorNetwork) -> None:
    """A gradient reaches all weights: no branch is left hanging."""
    _listening(small)
    for last in [
        *(layer for block in small.att for layer in (block.out, block.mlp[2])),
        *(small.u16.blk[-1], small.u8.blk[-1], small.consensus.gate),
    ]:
        nn.init.normal_(last.weight, std=0.05)
    L = _grey(2, 64, 64)
    logits, features, _ = small(L, *_one_hint(L, 8, 20))
    (logits.square().mean() + features[:, :9].sum()).backward()
    without = [
        name
        for name, p in small.named_parameters()
        if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()
    ]
    assert without == []


def test_the_encoders_statistics_stay_while_it_learns() -> None:
    network, L = _fresh(SMALL).train(), _grey(2, 64, 64)
    kept = {k: v.clone() for k, v in network.state_dict().items()}
    network(L, *_unhinted(L))
    assert not any(module.training for module in network.enc.modules())
    assert all(torch.equal(v, kept[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize("encoder", [SMALL, SMALL_SAME])
def test_the_encoders_statistics_stay_from_the_beginning(encoder: str) -> None:
    """A trainer keeps the mode that it is given, so a new network must be right already."""
    network = _fresh(encoder)
    assert network.training
    assert not any(module.training for module in network.enc.modules())


def test_evaluation_ends_training_everywhere() -> None:
    network = _fresh(SMALL).train().eval()
    assert not any(module.training for module in network.modules())
    assert network.train().u8.training


# --- hints ---------------------------------------------------------------------------------------


def test_no_hints_add_nothing_whatever_stands_where_they_would(small: ColorNetwork) -> None:
    L = _grey(2, 64, 96)
    ab, mask = _unhinted(L)
    junk = torch.randn(ab.shape, generator=torch.Generator().manual_seed(3)) * 100
    with torch.inference_mode():
        before = small(L, ab, mask).logits
        _listening(small)
        assert torch.equal(small(L, ab, mask).logits, before)
        assert torch.equal(small(L, junk, mask).logits, before)


def test_a_new_network_does_not_hear_hints_yet(small: ColorNetwork) -> None:
    L = _grey(1, 64, 64)
    with torch.inference_mode():
        before = small(L, *_unhinted(L)).logits
        assert torch.equal(small(L, *_one_hint(L, 20, 20)).logits, before)
        _listening(small)
        assert not torch.allclose(small(L, *_one_hint(L, 20, 20)).logits, before)


@pytest.mark.parametrize(("entry", "stride"), [(0, 8), (1, 16), (2, 32)])
def test_a_hint_changes_what_is_near_it(small: ColorNetwork, entry: int, stride: int) -> None:
    """At each stride alone: its own cell first of all, and nothing out of the decoder's reach."""
    _listening(small, (entry,))
    small.consensus.gate.bias.data[-1] = 1e4  # every cell by itself
    L = torch.full((1, 1, 64, 512), 50.0)
    with torch.inference_mode():
        moved = small(L, *_one_hint(L, 41, 107)).logits - small(L, *_unhinted(L)).logits
    columns = moved.abs().amax((0, 1, 2)).nonzero().flatten() * 8
    reach = 8 + (2 * 16 if stride >= 16 else 0)  # of the 3x3 convolutions at strides 8 and 16
    first = 107 // stride * stride
    assert first - reach <= columns.min() <= 107 <= columns.max() + 7 < first + stride + reach
    if stride == 8:
        assert moved[0, :, 41 // 8, 107 // 8].abs().max() > 0


def test_a_hint_counts_alike_whatever_part_of_its_cell_it_covers(small: ColorNetwork) -> None:
    _listening(small)
    L = _grey(1, 64, 64)
    with torch.inference_mode():
        pixel = small(L, *_one_hint(L, 21, 34)).logits
        cell = small(L, *_one_hint(L, slice(16, 24), slice(32, 40))).logits
        elsewhere = small(L, *_one_hint(L, 25, 34)).logits
    torch.testing.assert_close(pixel, cell)
    assert not torch.allclose(pixel, elsewhere)


def test_a_hint_of_grey_is_a_hint(small: ColorNetwork) -> None:
    _listening(small)
    L = _grey(1, 32, 32)
    ab, mask = _unhinted(L)
    with torch.inference_mode():
        before = small(L, ab, mask).logits
        mask[..., 9, 9] = 1
        assert not torch.allclose(small(L, ab, mask).logits, before)


def test_a_hint_is_its_own_pictures_only(small: ColorNetwork) -> None:
    _listening(small)
    L = _grey(2, 32, 32)
    with torch.inference_mode():
        moved = small(L, *_one_hint(L, 9, 9)).logits - small(L, *_unhinted(L)).logits
    assert moved[0].abs().max() > 0
    assert not moved[1].any()


# --- attention -----------------------------------------------------------------------------------


def test_attention_adds_nothing_to_begin_with_and_has_no_notion_of_place(
    small: ColorNetwork,
) -> None:
    x = torch.randn(2, 256, 3, 5)
    order = torch.randperm(15)

    def shuffled(t: Tensor) -> Tensor:
        return t.flatten(2)[..., order].unflatten(2, (3, 5))

    with torch.inference_mode():
        assert torch.equal(small.att(x), x)
        for block in small.att:
            for last in (block.out, block.mlp[2]):
                nn.init.normal_(last.weight, std=0.05)
        result = small.att(x)
        assert not torch.allclose(result, x)
        torch.testing.assert_close(small.att(shuffled(x)), shuffled(result), atol=1e-4, rtol=1e-4)
        other = x.clone()
        other[0, :, 0, 0] = torch.randn(256)
        moved = (small.att(other) - result).abs()
    assert moved[0, :, 2, 4].max() > 1e-4  # the far end hears of it
    assert not moved[1].any()


# --- consensus -----------------------------------------------------------------------------------


def test_places_that_look_alike_agree() -> None:
    """Two kinds of cells, each with two opinions: within a kind they are brought together."""
    torch.manual_seed(1)
    consensus = Consensus(8, 8).eval()
    consensus.sharpness.data.fill_(4)
    consensus.gate.bias.data[-1] = -2  # little of the cell's own
    kinds = torch.randn(2, 8)
    fine = torch.empty(1, 8, 4, 8)
    fine[..., :4], fine[..., 4:] = kinds[0][:, None, None], kinds[1][:, None, None]
    logits = torch.zeros(1, 313, 4, 8)
    logits[0, 5, :2], logits[0, 9, 2:] = 4, 2
    logits[0, 100, :, 4:] = 7
    with torch.inference_mode():
        agreed, features = consensus(logits, torch.zeros(1, 8, 2, 4), fine)
    left = agreed[0, :, :, :4].flatten(1)
    assert left.std(1).max() < 0.3 * logits[0, :, :, :4].flatten(1).std(1).max()
    assert agreed[0, 100, :, 4:].min() > 6 > 1 > agreed[0, 100, :, :4].max()
    # What all have in common, such as a bias, passes as it is.
    with torch.inference_mode():
        shifted, _ = consensus(logits + 3, torch.zeros(1, 8, 2, 4), fine)
    torch.testing.assert_close(shifted, agreed + 3)
    alike = (features.flatten(2)[0].T @ features.flatten(2)[0]).view(4, 8, 4, 8)
    assert alike[0, 0, 3, 3] > 0.999 > alike[0, 0, 0, 7]


# --- the encoder is timm's ------------------------------------------------------------------------


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
    _randomise(original)
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
            _randomise(model)
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
    whole, less = _fresh(SMALL).eval(), _fresh(SMALL, without=["blocks.2.2", "blocks.4.1"]).eval()
    gone = whole.state_dict().keys() - less.state_dict().keys()
    assert {k[: len("enc.blocks.2.2")] for k in gone} == {"enc.blocks.2.2", "enc.blocks.4.1"}
    assert less.state_dict().keys() < whole.state_dict().keys()
    less.load_state_dict(whole.state_dict(), strict=False)
    L = _grey(1, 64, 64)
    with torch.inference_mode():
        for block in (whole.enc.blocks[2][2], whole.enc.blocks[4][1]):
            block.register_forward_hook(lambda _, inputs, __: inputs[0])
        assert torch.equal(less(L, *_unhinted(L)).logits, whole(L, *_unhinted(L)).logits)


def test_it_can_be_described_without_memory() -> None:
    with torch.device("meta"):
        described = ColorNetwork(SMALL_SAME).state_dict()
    shapes = {k: v.shape for k, v in _fresh(SMALL_SAME).state_dict().items()}
    assert {k: v.shape for k, v in described.items()} == shapes
