"""Hints drawn from the truth: how many, where, and what they reveal."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from photochrom.errors import ArgumentError  # noqa: E402
from photochrom.training.data import hinting  # noqa: E402
from photochrom.training.data.hinting import simulate_hints  # noqa: E402


def _seeded(seed: int = 1) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def _truth(*shape: int) -> "torch.Tensor":
    return torch.randn(*shape, generator=_seeded(7)) * 40


def _few(monkeypatch: pytest.MonkeyPatch, mean_share: float, hints: int = 1) -> None:
    """Exactly `hints` in every hinted sample."""
    monkeypatch.setattr(hinting, "MANY_SHARE", 1.0)
    monkeypatch.setattr(hinting, "MANY", (hints, hints))
    monkeypatch.setattr(hinting, "MEAN_SHARE", mean_share)


def test_shapes_and_that_map_and_mask_agree() -> None:
    ab = _truth(16, 2, 48, 64)
    kept = ab.clone()
    hint_ab, mask = simulate_hints(ab, _seeded())
    assert hint_ab.shape == ab.shape
    assert mask.shape == (16, 1, 48, 64)
    assert hint_ab.dtype == mask.dtype == torch.float32
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert torch.equal((hint_ab != 0).any(1, keepdim=True), mask > 0)
    assert torch.equal(ab, kept)


def test_the_generator_decides_alone() -> None:
    ab = _truth(8, 2, 32, 32)
    first = simulate_hints(ab, _seeded(3))
    torch.manual_seed(99)
    second = simulate_hints(ab, _seeded(3))
    other = simulate_hints(ab, _seeded(4))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[1], other[1])


def test_draws_go_on_from_the_generators_state() -> None:
    ab, generator = _truth(8, 2, 32, 32), _seeded()
    simulate_hints(ab, generator)
    state = generator.get_state()
    expected = simulate_hints(ab, generator)
    generator.set_state(state)
    resumed = simulate_hints(ab, generator)
    assert torch.equal(expected[0], resumed[0])
    assert torch.equal(expected[1], resumed[1])


@pytest.mark.parametrize(("none", "share"), [(0, 0), (0.5, 0.5), (0.8, 0.8), (1, 1)])
def test_share_of_samples_without_hints(none: float, share: float) -> None:
    hint_ab, mask = simulate_hints(_truth(1000, 2, 16, 16), _seeded(), none=none)
    empty = mask.sum((1, 2, 3)) == 0
    assert empty.float().mean().item() == pytest.approx(share, abs=0.06 if 0 < none < 1 else 0)
    assert hint_ab[empty].abs().sum() == 0


def test_number_of_hints_is_geometric_with_a_share_of_many() -> None:
    counts = hinting._counts(60000, 0, _seeded())
    few = counts[counts < hinting.MANY[0]].float()
    # The geometric distribution without its tail from 50 on.
    expected = 8 - hinting.MANY[0] * 0.875**49 / (1 - 0.875**49) + 0.875**49
    assert few.mean().item() == pytest.approx(expected, abs=0.15)
    assert (counts == 1).float().mean().item() == pytest.approx(31 / 32 / 8, abs=0.006)
    assert counts.min() == 1
    assert counts.max() == hinting.MANY[1]
    assert (counts > 100).float().mean().item() == pytest.approx(100 / 151 / 32, abs=0.004)


def test_a_flat_hint_shows_the_local_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    _few(monkeypatch, mean_share=1)
    ab = _truth(64, 2, 40, 24)
    hint_ab, mask = simulate_hints(ab, _seeded(), none=0)
    sides = set()
    for truth, hints, where in zip(ab, hint_ab, mask[:, 0] > 0, strict=True):
        rows, columns = where.any(1).nonzero(), where.any(0).nonzero()
        side = len(rows)
        assert len(columns) == side
        assert where.sum() == side**2  # one filled square
        sides.add(side)
        mean = truth[:, where].mean(1, keepdim=True)
        torch.testing.assert_close(hints[:, where], mean.expand(-1, side**2), atol=1e-3, rtol=0)
    assert {1, hinting.LARGEST} <= sides <= set(range(1, hinting.LARGEST + 1))


def test_a_detailed_hint_shows_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    _few(monkeypatch, mean_share=0, hints=20)
    ab = _truth(16, 2, 40, 24)
    hint_ab, mask = simulate_hints(ab, _seeded(), none=0)
    assert mask.sum() > 0
    assert torch.equal(hint_ab, ab * mask)


def test_overlapping_hints_show_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat hints heaped on a small picture: each pixel has the colour of one whole patch."""
    _few(monkeypatch, mean_share=1, hints=30)
    ab = _truth(1, 2, 12, 12)
    hint_ab, mask = simulate_hints(ab, _seeded(), none=0)
    means = [
        ab[0, :, y : y + side, x : x + side].mean((1, 2))
        for side in range(1, hinting.LARGEST + 1)
        for y in range(13 - side)
        for x in range(13 - side)
    ]
    shown = hint_ab[0][:, mask[0, 0] > 0].T
    nearest = (shown[:, None] - torch.stack(means)).abs().amax(2).amin(1)
    assert len(shown) > 50
    assert nearest.max() < 1e-4


def test_most_hints_are_flat() -> None:
    ab = _truth(400, 2, 48, 48)
    hint_ab, mask = simulate_hints(ab, _seeded(), none=0)
    same = ((hint_ab == ab).all(1, keepdim=True) & (mask > 0)).sum() / mask.sum()
    assert 0.07 < same.item() < 0.2  # an eighth, and the patches of one pixel


def test_places_gather_around_the_centre(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hinting, "LARGEST", 1)
    pixel, inside = hinting._patches(20000, 64, 128, _seeded())
    assert inside.all()
    rows, columns = (pixel[:, 0] // 128).float(), (pixel[:, 0] % 128).float()
    assert rows.mean().item() == pytest.approx(31.5, abs=0.5)
    assert columns.mean().item() == pytest.approx(63.5, abs=1)
    # A sigma of a quarter, cut off at two of them, which narrows it slightly.
    assert rows.std().item() == pytest.approx(15.5, abs=0.7)
    assert columns.std().item() == pytest.approx(31, abs=1.4)


def test_large_patches_are_central_too() -> None:
    pixel, inside = hinting._patches(20000, 64, 128, _seeded())
    assert (pixel[inside] // 128).float().mean().item() == pytest.approx(31.5, abs=0.5)
    assert (pixel[inside] % 128).float().mean().item() == pytest.approx(63.5, abs=1)


def test_many_hints_do_not_depend_on_the_share_of_none() -> None:
    counts = hinting._counts(60000, 0.5, _seeded())
    many = (counts[counts > 0] > 100).float().mean().item()
    assert many == pytest.approx(100 / 151 / 32, abs=0.004)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 30), (9, 9), (5, 7)])
def test_small_pictures(height: int, width: int) -> None:
    hint_ab, mask = simulate_hints(_truth(40, 2, height, width), _seeded(), none=0)
    assert hint_ab.isfinite().all()
    assert (mask.sum((1, 2, 3)) > 0).all()


def test_samples_do_not_mix() -> None:
    """Chroma that names its sample stays in it."""
    ab = torch.arange(1.0, 33.0)[:, None, None, None].expand(32, 2, 32, 32)
    sign = torch.tensor([1.0, -1.0])[:, None, None]
    hint_ab, mask = simulate_hints((ab * sign).contiguous(), _seeded(), none=0)
    torch.testing.assert_close(hint_ab, ab * sign * mask)


@pytest.mark.parametrize("shape", [(2, 16, 16), (1, 3, 16, 16), (0, 2, 16, 16), (1, 2, 0, 16)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"expected \(N, 2, H, W\)"):
        simulate_hints(torch.zeros(shape), _seeded())


@pytest.mark.parametrize("none", [-0.1, 1.1, float("nan")])
def test_a_share_outside_its_range_is_refused(none: float) -> None:
    with pytest.raises(ArgumentError, match="from 0 to 1"):
        simulate_hints(_truth(1, 2, 16, 16), _seeded(), none=none)
