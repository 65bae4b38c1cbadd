"""How vivid a model is by default, found on pictures set aside."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
pytest.importorskip("timm", reason="needs timm (extra train)")

from torch import nn  # noqa: E402

from photochrom.gamut import BIN_COUNT, bins  # noqa: E402
from photochrom.training.data.lab import srgb_to_lab  # noqa: E402
from photochrom.training.network.color_network import Output  # noqa: E402
from photochrom.training.objective.calibrate import Calibration, _searched, calibrate  # noqa: E402
from photochrom.training.objective.loss import ColorLoss, rebalancing  # noqa: E402
from photochrom.training.objective.score import colorfulness  # noqa: E402


class Knowing(nn.Module):
    """Knows the truth of the pictures, but its logits are tilted by some of the weights."""

    def __init__(self, tilt: Any) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, BIN_COUNT, 1)
        nn.init.zeros_(self.head.bias)
        self.tilt = tilt
        self.register_buffer("bins", torch.from_numpy(bins().copy()))
        self.truth: Any = None

    def forward(self, L: Any, hint_ab: Any, hint_mask: Any) -> Any:
        ab = nn.functional.avg_pool2d(self.truth, 8).permute(0, 2, 3, 1)
        square = (ab[..., None, :] - self.bins).square().sum(-1)
        logits = -square / 600 + self.tilt + self.head.bias
        return Output(logits.permute(0, 3, 1, 2), logits)


@pytest.fixture
def pictures() -> Any:
    random = np.random.default_rng(3)
    blocks = random.integers(0, 256, (12, 3, 4, 4), np.uint8)
    return torch.from_numpy(blocks.repeat(16, 2).repeat(16, 3))


def calibrated(pictures: Any, tilt: float) -> tuple[Calibration, Knowing, ColorLoss]:
    share = np.full(BIN_COUNT, 1.0, np.float32)
    share[np.hypot(*bins().T) < 25] = 400
    loss = ColorLoss(rebalancing(share), 0.5)
    network = Knowing(tilt * loss.weight.log())
    network.truth = srgb_to_lab(pictures)[:, 1:]
    return calibrate(network, loss, [pictures]), network, loss  # type: ignore[arg-type]


def test_what_was_tilted_is_taken_back(pictures: Any) -> None:
    as_it_is, *_ = calibrated(pictures, 0.0)
    more, network, loss = calibrated(pictures, 0.9)
    assert more.tilt == pytest.approx(as_it_is.tilt + 0.9, abs=0.1)
    torch.testing.assert_close(network.head.bias, -more.tilt * loss.weight.log())
    assert more.raw == pytest.approx(as_it_is.raw, abs=1)


def test_the_result_is_as_colourful_as_the_truth(pictures: Any) -> None:
    best, network, loss = calibrated(pictures, 0.3)
    assert best.colorfulness == pytest.approx(1, abs=0.1)
    assert best.raw > 10  # it knows the truth
    again = calibrate(network, loss, [pictures])  # type: ignore[arg-type]
    assert again.tilt == pytest.approx(0, abs=1e-6)


def test_colourful_and_exact_are_weighed() -> None:
    dull = Calibration(0.5, 0.3, raw=3, balanced=5, ciede2000=1.7, colorfulness=0.7)
    vivid = Calibration(0.5, 0.0, raw=1, balanced=9, ciede2000=0.5, colorfulness=1.04)
    nearer = Calibration(0.7, 0.0, raw=0.5, balanced=7, ciede2000=1.0, colorfulness=0.96)
    bolder = Calibration(0.7, 0.0, raw=0.5, balanced=13, ciede2000=0.5, colorfulness=0.96)
    ranked = sorted([dull, bolder, nearer, vivid], key=lambda one: one.worth)
    assert ranked == [dull, vivid, nearer, bolder]
    # A network that knows nothing is not made as colourful as the truth.
    green = Calibration(0.3, -1.5, raw=-7, balanced=1, ciede2000=-9, colorfulness=0.9)
    calm = Calibration(0.3, 0.0, raw=2, balanced=1, ciede2000=2, colorfulness=0.3)
    assert calm.worth > green.worth


def test_the_search_goes_as_far_as_the_best_is_and_no_farther_than_allowed() -> None:
    def peak(temperature: float, tilt: float) -> Callable[[float, float], Calibration]:
        def measured(t: float, at: float) -> Calibration:
            far = abs(math.log(t / temperature)) + abs(at - tilt)
            return Calibration(t, at, 0.0, 0.0, ciede2000=-far, colorfulness=1.0)

        return measured

    best = _searched(peak(1.2, -1.3), 0.38)
    assert (best.temperature, best.tilt) == (pytest.approx(1.2, rel=0.06), pytest.approx(-1.3))
    best = _searched(peak(0.01, 4.0), 0.38)
    assert (best.temperature, best.tilt) == (pytest.approx(0.2, rel=0.02), 1.5)


def test_colourfulness_is_hasler_and_susstrunks() -> None:
    rgb = torch.tensor([[255, 0, 0], [0, 0, 255]], dtype=torch.uint8).T[None, :, None]
    lab = srgb_to_lab(rgb)
    # rg = 255, 0 and yb = 127.5, -255: deviations 127.5 and 191.25, means 127.5 and -63.75
    expected = np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, 63.75)
    assert float(colorfulness(lab[:, :1], lab[:, 1:])) == pytest.approx(expected, rel=0.01)
