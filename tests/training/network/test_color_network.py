"""The network that is trained: its shapes, and how it learns."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
pytest.importorskip("timm", reason="needs timm (extra train)")

from torch import Tensor, nn  # noqa: E402

from photochrom.training.network.color_network import ColorNetwork  # noqa: E402
from tests.helpers.color_networks import (  # noqa: E402
    SMALL,
    SMALL_SAME,
    fresh,
    grey,
    listening,
    one_hint,
    unhinted,
)


@pytest.fixture(scope="module")
def network() -> ColorNetwork:
    """The bundled model's, untrained."""
    torch.manual_seed(1)
    return ColorNetwork().eval()


# --- shapes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "height", "width"), [(1, 32, 32), (2, 64, 96), (1, 128, 160)])
def test_a_distribution_and_features_on_an_eighth_of_the_size(
    network: ColorNetwork, n: int, height: int, width: int
) -> None:
    L = grey(n, height, width)
    with torch.inference_mode():
        logits, features, regions = network(L, *unhinted(L))
    assert regions is None
    assert logits.shape == (n, 313, height // 8, width // 8)
    assert logits.isfinite().all()
    assert features.shape == (n, 64, height // 8, width // 8)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(n, height // 8, width // 8))


def test_a_region_head_adds_vectors_and_leaves_the_rest_as_it_is() -> None:
    network, L = fresh(SMALL).eval(), grey(2, 64, 96)
    with torch.inference_mode():
        before = network(L, *unhinted(L))
        head = network.add_region_head()
        after = network(L, *unhinted(L))
    assert network.add_region_head() is head
    assert torch.equal(before.logits, after.logits)
    assert torch.equal(before.features, after.features)
    assert after.regions.shape == (2, 64, 8, 12)
    torch.testing.assert_close(after.regions.norm(dim=1), torch.ones(2, 8, 12))


# --- learning ------------------------------------------------------------------------------------


def test_every_part_learns(small: ColorNetwork) -> None:
    """A gradient reaches all weights: no branch is left hanging."""
    listening(small)
    for last in [
        *(layer for block in small.att for layer in (block.out, block.mlp[2])),
        *(small.u16.blk[-1], small.u8.blk[-1], small.consensus.gate),
    ]:
        nn.init.normal_(last.weight, std=0.05)
    L = grey(2, 64, 64)
    logits, features, _ = small(L, *one_hint(L, 8, 20))
    (logits.square().mean() + features[:, :9].sum()).backward()
    without = [
        name
        for name, p in small.named_parameters()
        if p.grad is None or not p.grad.isfinite().all() or not p.grad.any()
    ]
    assert without == []


def test_the_encoders_statistics_stay_while_it_learns() -> None:
    network, L = fresh(SMALL).train(), grey(2, 64, 64)
    kept = {k: v.clone() for k, v in network.state_dict().items()}
    network(L, *unhinted(L))
    assert not any(module.training for module in network.enc.modules())
    assert all(torch.equal(v, kept[k]) for k, v in network.state_dict().items())


@pytest.mark.parametrize("encoder", [SMALL, SMALL_SAME])
def test_the_encoders_statistics_stay_from_the_beginning(encoder: str) -> None:
    """A trainer keeps the mode that it is given, so a new network must be right already."""
    network = fresh(encoder)
    assert network.training
    assert not any(module.training for module in network.enc.modules())


def test_evaluation_ends_training_everywhere() -> None:
    network = fresh(SMALL).train().eval()
    assert not any(module.training for module in network.modules())
    assert network.train().u8.training


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


def test_it_can_be_described_without_memory() -> None:
    with torch.device("meta"):
        described = ColorNetwork(SMALL_SAME).state_dict()
    shapes = {k: v.shape for k, v in fresh(SMALL_SAME).state_dict().items()}
    assert {k: v.shape for k, v in described.items()} == shapes
