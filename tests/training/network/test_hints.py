"""Hints to the network that is trained: where they come in, and what they change."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
pytest.importorskip("timm", reason="needs timm (extra train)")

from photochrom.training.network.color_network import ColorNetwork  # noqa: E402
from tests.helpers.color_networks import grey, listening, one_hint, unhinted  # noqa: E402


def test_no_hints_add_nothing_whatever_stands_where_they_would(small: ColorNetwork) -> None:
    L = grey(2, 64, 96)
    ab, mask = unhinted(L)
    junk = torch.randn(ab.shape, generator=torch.Generator().manual_seed(3)) * 100
    with torch.inference_mode():
        before = small(L, ab, mask).logits
        listening(small)
        assert torch.equal(small(L, ab, mask).logits, before)
        assert torch.equal(small(L, junk, mask).logits, before)


def test_a_new_network_does_not_hear_hints_yet(small: ColorNetwork) -> None:
    L = grey(1, 64, 64)
    with torch.inference_mode():
        before = small(L, *unhinted(L)).logits
        assert torch.equal(small(L, *one_hint(L, 20, 20)).logits, before)
        listening(small)
        assert not torch.allclose(small(L, *one_hint(L, 20, 20)).logits, before)


@pytest.mark.parametrize(("entry", "stride"), [(0, 8), (1, 16), (2, 32)])
def test_a_hint_changes_what_is_near_it(small: ColorNetwork, entry: int, stride: int) -> None:
    """At each stride alone: its own cell first of all, and nothing out of the decoder's reach."""
    listening(small, (entry,))
    small.consensus.gate.bias.data[-1] = 1e4  # every cell by itself
    L = torch.full((1, 1, 64, 512), 50.0)
    with torch.inference_mode():
        moved = small(L, *one_hint(L, 41, 107)).logits - small(L, *unhinted(L)).logits
    columns = moved.abs().amax((0, 1, 2)).nonzero().flatten() * 8
    reach = 8 + (2 * 16 if stride >= 16 else 0)  # of the 3x3 convolutions at strides 8 and 16
    first = 107 // stride * stride
    assert first - reach <= columns.min() <= 107 <= columns.max() + 7 < first + stride + reach
    if stride == 8:
        assert moved[0, :, 41 // 8, 107 // 8].abs().max() > 0


def test_a_hint_counts_alike_whatever_part_of_its_cell_it_covers(small: ColorNetwork) -> None:
    listening(small)
    L = grey(1, 64, 64)
    with torch.inference_mode():
        pixel = small(L, *one_hint(L, 21, 34)).logits
        cell = small(L, *one_hint(L, slice(16, 24), slice(32, 40))).logits
        elsewhere = small(L, *one_hint(L, 25, 34)).logits
    torch.testing.assert_close(pixel, cell)
    assert not torch.allclose(pixel, elsewhere)


def test_a_hint_of_grey_is_a_hint(small: ColorNetwork) -> None:
    listening(small)
    L = grey(1, 32, 32)
    ab, mask = unhinted(L)
    with torch.inference_mode():
        before = small(L, ab, mask).logits
        mask[..., 9, 9] = 1
        assert not torch.allclose(small(L, ab, mask).logits, before)


def test_a_hint_is_its_own_pictures_only(small: ColorNetwork) -> None:
    listening(small)
    L = grey(2, 32, 32)
    with torch.inference_mode():
        moved = small(L, *one_hint(L, 9, 9)).logits - small(L, *unhinted(L)).logits
    assert moved[0].abs().max() > 0
    assert not moved[1].any()
