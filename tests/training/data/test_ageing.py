"""Ageing: half is left alone, and each effect does what its name says."""

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from photochrom.errors import ArgumentError  # noqa: E402
from photochrom.training.data import ageing  # noqa: E402
from photochrom.training.data.ageing import BORDER, FRAMED, age, frame  # noqa: E402
from photochrom.training.data.lab import LUMINANCE, srgb_to_lab  # noqa: E402

CHANCES = ("SENSITIVITY", "BLUR", "VIGNETTE", "CONTRAST", "GRAIN", "FADE", "JPEG")


def _seeded(seed: int = 1) -> "torch.Generator":
    return torch.Generator().manual_seed(seed)


def _pictures(n: int, height: int = 32, width: int = 32) -> "torch.Tensor":
    """Random colours in patches of 4 pixels, every value from 0 to 255."""
    shape = (n, 3, height // 4, width // 4)
    small = torch.randint(0, 256, shape, dtype=torch.uint8, generator=_seeded(7))
    return small.repeat_interleave(4, 2).repeat_interleave(4, 3)


def _flat(value: float, n: int = 16, side: int = 64) -> "torch.Tensor":
    return torch.full((n, side, side), value)


def _only(monkeypatch: pytest.MonkeyPatch, *effects: str, aged: float = 1) -> None:
    """Age all samples, by these effects alone."""
    monkeypatch.setattr(ageing, "AGED", aged)
    for name in CHANCES:
        monkeypatch.setattr(ageing, name, float(name in effects))


def _changed(rgb: "torch.Tensor", L: "torch.Tensor") -> "torch.Tensor":
    return ((L - srgb_to_lab(rgb)[:, :1]).abs() > 1e-3).flatten(1).any(1)


def test_shape_and_range() -> None:
    L = age(_pictures(200, 24, 40), _seeded())
    assert L.shape == (200, 1, 24, 40)
    assert L.dtype == torch.float32
    assert L.isfinite().all()
    assert L.min() >= 0
    assert L.max() <= 100


def test_half_is_untouched() -> None:
    rgb = _pictures(1000, 16, 16)
    changed = _changed(rgb, age(rgb, _seeded()))
    assert changed.float().mean().item() == pytest.approx(0.49, abs=0.06)


def test_the_generator_decides_alone() -> None:
    rgb = _pictures(32)
    kept = rgb.clone()
    first = age(rgb, _seeded(3))
    torch.manual_seed(99)
    assert torch.equal(first, age(rgb, _seeded(3)))
    assert not torch.equal(first, age(rgb, _seeded(4)))
    assert torch.equal(rgb, kept)


def test_draws_go_on_from_the_generators_state() -> None:
    rgb, generator = _pictures(32), _seeded()
    age(rgb, generator)
    state = generator.get_state()
    expected = age(rgb, generator)
    generator.set_state(state)
    assert torch.equal(expected, age(rgb, generator))


def test_mixed_precision_does_not_reach_the_effects(monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, "BLUR", "JPEG")
    rgb = _pictures(8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        L = age(rgb, _seeded())
    torch.testing.assert_close(L, age(rgb, _seeded()))


def test_nothing_drawn_is_plain_lightness(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb = _pictures(16)
    _only(monkeypatch)
    assert not _changed(rgb, age(rgb, _seeded())).any()
    _only(monkeypatch, *CHANCES, aged=0)
    assert not _changed(rgb, age(rgb, _seeded())).any()


@pytest.mark.parametrize("effect", CHANCES)
def test_every_effect_is_reached(effect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, effect)
    rgb = _pictures(16, 128, 128)
    assert _changed(rgb, age(rgb, _seeded())).all()
    _only(monkeypatch, effect, aged=0.5)
    assert 2 < _changed(rgb, age(rgb, _seeded())).sum() < 14


@pytest.mark.parametrize("effect", CHANCES[1:])
def test_a_chance_belongs_to_its_effect(effect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, effect)
    monkeypatch.setattr(ageing, effect.lower(), lambda batch, generator: batch * 0)
    assert age(_pictures(4), _seeded()).abs().max() == 0


def test_every_emulsion_is_a_convex_mix() -> None:
    mixes = ageing.sensitivity(4000, _seeded())
    assert mixes.min() >= 0
    torch.testing.assert_close(mixes.sum(1), torch.ones(4000))
    blind = (mixes[:, 0] <= ageing.ORTHOCHROMATIC_RED).float().mean().item()
    assert ageing.ORTHOCHROMATIC - 0.05 < blind < ageing.ORTHOCHROMATIC + 0.08
    assert (mixes[:, 2] > 0.5).float().mean() > 0.2
    mild = mixes[mixes[:, 0] > 0.06]
    assert (mild[:, 0] >= (1 - ageing.MILD) * LUMINANCE[0] - 1e-6).all()


def test_old_emulsions_see_blue_bright_red_dark_and_grey_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _only(monkeypatch, "SENSITIVITY")
    monkeypatch.setattr(ageing, "ORTHOCHROMATIC", 1.0)
    colours = torch.tensor([[200, 30, 30], [30, 30, 200], [120, 120, 120]], dtype=torch.uint8)
    rgb = colours.T.reshape(1, 3, 1, 3).repeat(32, 1, 1, 1)
    L, modern = age(rgb, _seeded()), srgb_to_lab(rgb)[:, :1]
    red, blue, grey = (L - modern)[:, 0, 0].unbind(1)
    assert (red < -15).all()
    assert (blue > 15).all()
    assert grey.abs().max() < 0.01


def test_blur_keeps_the_mean_and_takes_detail() -> None:
    noise = torch.rand(32, 128, 64, generator=_seeded()) * 0.2 + 0.4
    result = ageing.blur(noise, _seeded())
    torch.testing.assert_close(result.mean((1, 2)), noise.mean((1, 2)), atol=2e-3, rtol=0)
    assert (result.var((1, 2)) < noise.var((1, 2))).all()
    torch.testing.assert_close(ageing.blur(_flat(0.3), _seeded()), _flat(0.3))


def test_blur_is_a_gaussian() -> None:
    point = torch.zeros(2, 33, 41)
    point[:, 16, 20] = 1
    sigma = torch.tensor([0.8, 1.5])
    spread = ageing._blurred(point, sigma)
    for axis, middle in ((1, 16), (2, 20)):
        along = spread.sum(3 - axis)
        place = torch.arange(along.shape[1]) - middle
        torch.testing.assert_close((along * place**2).sum(1).sqrt(), sigma, atol=1e-3, rtol=0)


def test_blur_grows_with_the_picture() -> None:
    edge = [torch.zeros(64, side, side) for side in (64, 128, 256)]
    for picture in edge:
        picture[:, :, picture.shape[2] // 2 :] = 1
    steepest = [ageing.blur(p, _seeded()).diff(dim=2).amax((1, 2)) for p in edge]
    for small, large in pairwise(steepest):
        assert (small >= large).all()
        assert (small > large).any()


def test_vignette_darkens_away_from_its_centre() -> None:
    light = ageing.vignette(_flat(1.0, n=64), _seeded())
    corners = light[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners.min(1).values < 1 - ageing.VIGNETTE_LOSS[0]).all()
    assert light.amax((1, 2)).min() > 0.999
    assert light.min() >= 0
    bright = light.flatten(1).argmax(1)
    shift = torch.stack((bright // 64, bright % 64)) / 63 - 0.5
    assert shift.abs().max() <= ageing.VIGNETTE_SHIFT + 0.01
    assert shift.abs().max() > 0.15


def test_contrast_keeps_black_white_and_order() -> None:
    ramp = torch.linspace(0, 100, 256).reshape(1, 16, 16).repeat(64, 1, 1)
    result = ageing.contrast(ramp, _seeded()).flatten(1)
    assert result[:, 0].abs().max() == 0
    torch.testing.assert_close(result[:, -1], torch.full((64,), 100.0))
    assert (result.diff(dim=1) > 0).all()
    middle = result[:, 128]
    assert middle.min() < 40
    assert middle.max() > 58


def test_grain_is_strongest_in_the_middle_and_averages_out() -> None:
    spread = {}
    for tone in (5.0, 50.0, 95.0):
        result = ageing.grain(_flat(tone, n=256), _seeded())
        spread[tone] = result.std((1, 2))
        assert (result.mean((1, 2)) - tone).abs().mean() < 0.2
    low, high = ageing.GRAIN_SIGMA
    assert (spread[50.0] > spread[5.0]).all()
    assert (spread[50.0] > spread[95.0]).all()
    assert spread[50.0].min() >= low * 0.99
    assert high * 0.8 < spread[50.0].max() <= high * 1.01


def test_grain_joins_neighbours_slightly() -> None:
    noise = ageing.grain(_flat(50.0, n=64), _seeded()) - 50
    noise -= noise.mean((1, 2), keepdim=True)
    power = noise.square().mean((1, 2))
    beside = (noise[:, :, 1:] * noise[:, :, :-1]).mean((1, 2)) / power
    far = (noise[:, :, 8:] * noise[:, :, :-8]).mean((1, 2)) / power
    assert beside.min() > -0.06
    assert 0.3 < beside.max() < 0.75
    assert far.abs().max() < 0.08


def test_fade_lifts_black_and_lowers_white() -> None:
    ends = torch.tensor([0.0, 50.0, 100.0]).reshape(1, 1, 3).repeat(200, 1, 1)
    black, middle, white = ageing.fade(ends, _seeded())[:, 0].unbind(1)
    assert black.min() >= 0
    assert 18 < black.max() <= ageing.FADE_BLACK
    assert 100 - ageing.FADE_WHITE <= white.min() < 80
    assert white.max() <= 100
    torch.testing.assert_close(middle, (black + white) / 2)


def test_the_cosines_are_orthonormal() -> None:
    cosines = ageing._cosines(torch.device("cpu"))
    torch.testing.assert_close(cosines @ cosines.T, torch.eye(64), atol=1e-6, rtol=0)
    torch.testing.assert_close(cosines[0], torch.full((64,), 1 / 8))


def test_jpeg_is_coarser_at_lower_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = torch.rand(4, 40, 48, generator=_seeded()) * 60 + 20
    errors = []
    for quality in (10.0, 50.0, 75.0, 100.0):
        monkeypatch.setattr(ageing, "JPEG_QUALITY", (quality, quality))
        errors.append((ageing.jpeg(noise, _seeded()) - noise).square().mean().sqrt().item())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.2  # steps of one code: 0.29 / 2.55
    assert errors[0] > 10


def _block_edges(seed: int) -> list[list[int]]:
    """Rows and columns at which a soft slope steps when only the means of blocks are left."""
    slope = torch.arange(64) * 0.8
    result = ageing.jpeg((slope[:, None] + slope)[None], _seeded(seed))[0]
    return [
        (result.diff(dim=axis).abs() > 1e-3).any(1 - axis).nonzero()[:, 0].tolist()
        for axis in (0, 1)
    ]


def test_jpeg_works_in_blocks_that_begin_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ageing, "JPEG_QUALITY", (5.0, 5.0))
    phases = set()
    for seed in range(30):
        for edges in _block_edges(seed):
            assert 4 < len(edges) <= 8
            assert len({edge % 8 for edge in edges}) == 1
            phases.add(edges[0] % 8)
    assert phases == set(range(8))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 30), (17, 8)])
def test_any_size(height: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, *CHANCES)
    rgb = torch.randint(0, 256, (8, 3, height, width), dtype=torch.uint8, generator=_seeded())
    L = age(rgb, _seeded())
    assert L.shape == (8, 1, height, width)
    assert L.isfinite().all()


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"expected \(N, 3, H, W\)"):
        age(torch.zeros(shape, dtype=torch.uint8), _seeded())


def test_another_type_is_refused() -> None:
    with pytest.raises(ArgumentError, match="expected uint8, or float32"):
        age(torch.zeros(1, 3, 8, 8, dtype=torch.int64), _seeded())


def test_some_pictures_are_framed_in_neutral_grey() -> None:
    rgb = torch.tensor([200, 90, 30], dtype=torch.uint8)[None, :, None, None]
    rgb = rgb.expand(400, 3, 64, 96).contiguous()
    framed = frame(rgb, torch.Generator().manual_seed(2))
    changed = (framed != rgb).any(1)
    some = changed.flatten(1).any(1)
    assert some.float().mean().item() == pytest.approx(FRAMED, abs=0.05)
    values = framed.permute(0, 2, 3, 1)[changed]
    assert torch.equal(values[:, 0], values[:, 1])  # neutral
    assert torch.equal(values[:, 1], values[:, 2])
    assert not changed[:, 20:44, 30:66].any()  # the middle stays
    width = changed[some][:, 32].sum(1)
    assert width.max() <= 2 * round(BORDER[1] * 96)
    bars = changed[some].flatten(1).float().mean(1)
    assert bars.min() < 0.1
    assert rgb.unique().tolist() == [30, 90, 200]  # the caller's stays
