"""sRGB -> CIELAB of tensors: the same numbers as `photochrom.color`."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from photochrom import color  # noqa: E402
from photochrom.errors import ArgumentError  # noqa: E402
from photochrom.training.data import lab  # noqa: E402


def _random(*shape: int) -> "torch.Tensor":
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def _reference(rgb: "torch.Tensor") -> "torch.Tensor":
    pixels = np.ascontiguousarray(rgb.permute(0, 2, 3, 1).numpy())
    return torch.from_numpy(color.srgb_to_lab(pixels)).permute(0, 3, 1, 2)


def test_bytes_are_as_in_color() -> None:
    rgb = _random(3, 3, 31, 17)
    result = lab.srgb_to_lab(rgb)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result, _reference(rgb), atol=1e-2, rtol=0)


def test_floats_are_as_in_color() -> None:
    rgb = torch.rand(2, 3, 31, 17, generator=torch.Generator().manual_seed(1))
    kept = rgb.clone()
    torch.testing.assert_close(lab.srgb_to_lab(rgb), _reference(rgb), atol=1e-2, rtol=0)
    assert torch.equal(rgb, kept)


def test_the_darkest_colours_use_the_linear_piece() -> None:
    steps = torch.arange(0, 12, dtype=torch.uint8)
    rgb = torch.cartesian_prod(steps, steps, steps).T.reshape(1, 3, 12, 144)
    torch.testing.assert_close(lab.srgb_to_lab(rgb), _reference(rgb), atol=1e-3, rtol=0)
    torch.testing.assert_close(lab.srgb_to_lab(rgb / 255), _reference(rgb), atol=1e-3, rtol=0)


def test_a_view_is_as_good_as_a_contiguous_tensor() -> None:
    rgb = _random(2, 20, 20, 3).permute(0, 3, 1, 2)[:, :, 3:11, ::2]
    assert not rgb.is_contiguous()
    torch.testing.assert_close(lab.srgb_to_lab(rgb), lab.srgb_to_lab(rgb.contiguous()))


def test_grey_is_neutral_and_lightness_keeps_its_limits() -> None:
    grey = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(1, 3, 16, 16)
    result = lab.srgb_to_lab(grey)
    assert result[:, 1:].abs().max() < 1e-3
    assert result[:, 0].min() == 0
    assert result[:, 0].max() <= 100
    assert result[0, 0, -1, -1] == pytest.approx(100, abs=1e-3)


def test_mixed_precision_does_not_reach_the_formulas() -> None:
    rgb = _random(1, 3, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = lab.srgb_to_lab(rgb)
    torch.testing.assert_close(result, lab.srgb_to_lab(rgb))


def test_lightness_of_luminance() -> None:
    rgb = _random(2, 3, 16, 16)
    y = lab.weighted(lab.to_linear(rgb), lab.LUMINANCE)
    kept = y.clone()
    torch.testing.assert_close(lab.lightness(y), lab.srgb_to_lab(rgb)[:, 0], atol=1e-3, rtol=0)
    assert torch.equal(y, kept)


def test_weights_may_differ_between_samples() -> None:
    linear = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    one = torch.tensor([1.0, 0.0])[:, None, None]
    mixed = lab.weighted(linear, (one, 0.0, 1 - one))
    torch.testing.assert_close(mixed, torch.stack((linear[0, 0], linear[1, 2])))


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 8, 8, 3)])
def test_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"expected \(N, 3, H, W\)"):
        lab.srgb_to_lab(_random(*shape))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64])
def test_another_type_is_refused(dtype: "torch.dtype") -> None:
    with pytest.raises(ArgumentError, match="expected uint8, or float32"):
        lab.srgb_to_lab(_random(1, 3, 8, 8).to(dtype))


def test_the_way_back() -> None:
    rgb = torch.rand(2, 3, 9, 13, generator=torch.Generator().manual_seed(1))
    rgb[0, :, 0] *= 0.04  # the linear pieces
    torch.testing.assert_close(lab.lab_to_srgb(lab.srgb_to_lab(rgb)), rgb, atol=2e-4, rtol=0)
    outside = torch.tensor([50.0, 100.0, -100.0]).view(1, 3, 1, 1).requires_grad_()
    result = lab.lab_to_srgb(outside)
    assert ((result >= 0) & (result <= 1)).all()
    result.sum().backward()
    assert outside.grad is not None
    assert outside.grad.isfinite().all()
