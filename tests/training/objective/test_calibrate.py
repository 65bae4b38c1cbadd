"""How vivid a model is by default, found on pictures set aside."""

import math
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
pytest.importorskip("timm", reason="needs timm (extra train)")

from torch import nn  # noqa: E402

from photochrom.gamut import BIN_COUNT, bins  # noqa: E402
from photochrom.training.data.lab import srgb_to_lab  # noqa: E402
from photochrom.training.network.color_network import Output  # noqa: E402
from photochrom.training.objective import calibrate as calibrating  # noqa: E402
from photochrom.training.objective.calibrate import (  # noqa: E402
    FEW,
    Calibration,
    calibrate,
    told,
)
from photochrom.training.objective.loss import ColorLoss, rebalancing  # noqa: E402
from photochrom.training.objective.score import Resampled, Score, colorfulness  # noqa: E402


class Knowing(nn.Module):
    """Knows the truth, its chroma times `pale`, with logits tilted by some of the weights."""

    def __init__(self, tilt: Any, pale: float = 1.0) -> None:
        super().__init__()
        self.head = nn.Conv2d(1, BIN_COUNT, 1)
        nn.init.zeros_(self.head.bias)
        self.tilt, self.pale = tilt, pale
        self.register_buffer("bins", torch.from_numpy(bins().copy()))
        self.truth: Any = None
        self.point: tuple[float, float] | None = None

    def forward(self, L: Any, hint_ab: Any, hint_mask: Any) -> Any:
        ab = self.pale * nn.functional.avg_pool2d(self.truth, 8).permute(0, 2, 3, 1)
        square = (ab[..., None, :] - self.bins).square().sum(-1)
        logits = -square / 600 + self.tilt + self.head.bias
        return Output(logits.permute(0, 3, 1, 2), logits)


@pytest.fixture(scope="module")
def pictures() -> Any:
    random = np.random.default_rng(3)
    blocks = random.integers(0, 256, (FEW, 3, 4, 4), np.uint8)
    return torch.from_numpy(blocks.repeat(16, 2).repeat(16, 3))


def calibrated(
    pictures: Any, tilt: float, pale: float = 1.0
) -> tuple[Calibration, Knowing, ColorLoss]:
    share = np.full(BIN_COUNT, 1.0, np.float32)
    share[np.hypot(*bins().T) < 25] = 400
    loss = ColorLoss(rebalancing(share), 0.5)
    network = Knowing(tilt * loss.weight.log(), pale)
    network.truth = srgb_to_lab(pictures)[:, 1:]
    return calibrate(network, loss, [pictures], 0.5), network, loss  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def as_it_is(pictures: Any) -> Calibration:
    """Of a network that nothing is wrong with, on enough pictures."""
    return calibrated(pictures, 0.0)[0]


def test_what_was_tilted_is_taken_back(pictures: Any, as_it_is: Calibration) -> None:
    more, network, loss = calibrated(pictures, 0.9)
    assert more.tilt == pytest.approx(as_it_is.tilt + 0.9, abs=0.1)
    torch.testing.assert_close(network.head.bias, -more.tilt * loss.weight.log())
    assert more.figure("raw_gain") == pytest.approx(as_it_is.figure("raw_gain"), abs=1)


def test_the_result_is_as_colourful_as_the_truth(pictures: Any) -> None:
    best, network, loss = calibrated(pictures, 0.3)
    assert best.figure("colorfulness") == pytest.approx(1, abs=0.11)
    assert best.figure("raw_gain") > 10  # it knows the truth
    again = calibrate(network, loss, [pictures], best.temperature)  # type: ignore[arg-type]
    assert again.tilt == pytest.approx(0, abs=1e-6)
    assert (again.temperature, again.chroma) == (best.temperature, best.chroma)


@pytest.mark.parametrize("count", [FEW, FEW // 4])
def test_chroma_that_is_missing_comes_back_by_the_factor(
    pictures: Any, as_it_is: Calibration, count: int
) -> None:
    full = as_it_is if count == FEW else calibrated(pictures[:count], 0.0)[0]
    pale, network, _ = calibrated(pictures[:count], 0.0, 1 / 1.5)
    assert pale.chroma == pytest.approx(1.5 * full.chroma, rel=0.1)
    assert pale.figure("colorfulness") == pytest.approx(1, abs=0.11)
    assert pale.pictures == count
    if count < FEW:  # nothing else is chosen, and it says how rough it is
        assert (pale.temperature, pale.tilt) == (0.5, 0)
        assert not network.head.bias.any()
        assert "name more pictures" in told(pale)


def test_a_fine_tuned_network_is_as_colourful_as_before_where_it_would_be_rough(
    pictures: Any,
) -> None:
    _, before, loss = calibrated(pictures[:4], 0.0, 1 / 1.5)
    before.point = (0.7, 1.3)
    tuned = Knowing(before.tilt)  # has learnt to be 1.5 times as vivid
    tuned.truth = before.truth
    kept = calibrate(tuned, loss, [pictures[:4]], 0.5, before)  # type: ignore[arg-type]
    assert (kept.temperature, kept.tilt) == (0.7, 0)
    assert kept.chroma == pytest.approx(1.3 / 1.5, rel=0.1)
    same = calibrate(before, loss, [pictures[:4]], 0.5, before)  # type: ignore[arg-type]
    assert same.chroma == pytest.approx(1.3, abs=0.01)
    assert same.figure("colorfulness") == pytest.approx(kept.figure("colorfulness"), abs=0.01)
    assert "as colourful as the model it began with" in told(kept)


def point(**figures: float) -> Calibration:
    arrays = {name: np.array([value]) for name, value in figures.items()}
    return Calibration(0.4, 0.0, 1.0, arrays, FEW)


def test_colourful_and_exact_are_weighed() -> None:
    def of(raw: float, balanced: float, below: float, colorful: float) -> Calibration:
        return point(
            raw_gain=raw,
            balanced_gain=balanced,
            ciede2000_over_grey=-below,
            colorfulness=colorful,
        )

    dull, vivid = of(3, 5, 1.7, 0.7), of(1, 9, 0.5, 1.04)
    nearer, bolder = of(0.5, 7, 1.0, 0.96), of(0.5, 13, 0.5, 0.96)
    ranked = sorted([dull, bolder, nearer, vivid], key=lambda one: one.worth)
    assert ranked == [dull, vivid, nearer, bolder]
    # A network that knows nothing is not made as colourful as the truth.
    green, calm = of(-7, 1, -9, 0.9), of(2, 1, 2, 0.3)
    assert calm.worth > green.worth


def test_the_price_is_a_mean_over_resamples_and_their_spread_is_told() -> None:
    def at(*colorful: float) -> Calibration:
        gains = dict.fromkeys(("raw_gain", "balanced_gain", "ciede2000_over_grey"), np.zeros(2))
        return Calibration(0.4, 0.0, 1.0, gains | {"colorfulness": np.array(colorful)}, 500)

    sure, unsure = at(0.91, 0.91), at(0.91, 0.61)
    assert sure.worth == 0
    assert unsure.worth == pytest.approx(-calibrating.PRICE * 0.29 / 2)
    assert not sure.rough
    assert unsure.rough
    assert "0.91 of the truth's (0.91 to 0.91" in told(sure)


def test_the_search_goes_as_far_as_the_best_is_and_no_farther_than_allowed() -> None:
    def best(temperature: float, tilt: float, factor: float) -> Calibration:
        def painted(t: float, at: float) -> Any:
            def measured(f: float) -> Calibration:
                far = abs(math.log(t / temperature)) + abs(at - tilt) + abs(math.log(f / factor))
                figures = point(
                    raw_gain=0, balanced_gain=0, ciede2000_over_grey=far, colorfulness=1
                ).figures
                return Calibration(t, at, f, figures)

            return measured

        return calibrating._Search(painted).best(0.38)

    found = best(1.2, -1.3, 1.7)
    assert found.temperature == pytest.approx(1.2, rel=0.06)
    assert found.tilt == pytest.approx(-1.3)
    assert found.chroma == pytest.approx(1.7, rel=0.02)
    found = best(0.01, 4.0, 9.0)
    assert (found.temperature, found.tilt) == (pytest.approx(0.37, rel=0.02), 1.5)
    assert found.chroma == pytest.approx(2, rel=0.02)


def test_resamples_have_the_figures_of_their_pictures(pictures: Any) -> None:
    lab = nn.functional.avg_pool2d(srgb_to_lab(pictures[:5]), 8)
    L, ab = lab[:, :1], lab[:, 1:]
    bin_of = ColorLoss(np.ones(BIN_COUNT, np.float32), 0.5).neighbour(ab)
    resampled = Resampled(L, ab, bin_of, 2, 3)
    figures = resampled.figures(0.8 * ab)
    for row in range(4):
        times = torch.from_numpy(resampled._times[row]).long()
        assert times.sum() == 5
        drawn = [each.repeat_interleave(times, 0) for each in (0.8 * ab, L, ab, bin_of)]
        score = Score()
        score.add(*drawn)
        for name, values in figures.items():
            assert values[row] == pytest.approx(score.figures(2)[name], rel=1e-5), name


def test_colourfulness_is_hasler_and_susstrunks() -> None:
    rgb = torch.tensor([[255, 0, 0], [0, 0, 255]], dtype=torch.uint8).T[None, :, None]
    lab = srgb_to_lab(rgb).permute(0, 2, 3, 1).numpy()
    # rg = 255, 0 and yb = 127.5, -255: deviations 127.5 and 191.25, means 127.5 and -63.75
    expected = np.hypot(127.5, 191.25) + 0.3 * np.hypot(127.5, 63.75)
    assert colorfulness(lab) == pytest.approx([expected], rel=0.01)
