"""The quick look at the area under the curve: the number that thresholds would give."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from torch import Tensor  # noqa: E402

from photochrom.color.difference import ciede2000  # noqa: E402
from photochrom.gamut import BIN_COUNT, soft_encode  # noqa: E402
from photochrom.training.objective.score import Score  # noqa: E402


def _pictures(seed: int, n: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Painted, L, true and the truth's bins; some errors are beyond the largest threshold."""
    random = np.random.default_rng(seed)
    # Twelve colours, so that some bins have many pixels and some few.
    palette = random.uniform(-90, 90, (12, 2))
    chosen = np.minimum(random.geometric(0.3, (n, 16, 20)), 12) - 1
    ab = palette[chosen] + random.normal(0, 3, (n, 16, 20, 2))
    painted = ab * random.uniform(0, 1, (n, 1, 1, 1)) + random.normal(0, 60, ab.shape)
    bin_of = soft_encode(ab.astype(np.float32), 1)[0][..., 0]
    return (
        torch.from_numpy(painted).permute(0, 3, 1, 2),
        torch.full((n, 1, 16, 20), 50.0),
        torch.from_numpy(ab).permute(0, 3, 1, 2),
        torch.from_numpy(bin_of),
    )


def _area(error: np.ndarray) -> float:
    """Under the curve of the share of errors at most t, t = 0...150, in percent."""
    steps = np.concatenate(([0.0], np.sort(error[error < 150]), [150.0]))
    share = [(error <= t).mean() for t in steps[:-1]]
    return float(100 * (np.diff(steps) * share).sum() / 150)


def _errors(painted: Tensor, ab: Tensor) -> np.ndarray:
    return np.linalg.norm((painted - ab).numpy(), axis=1).ravel()


def _direct(
    painted: Tensor, _: Tensor, ab: Tensor, bin_of: Tensor, minimum: int
) -> tuple[float, float]:
    ours, grey, bins = _errors(painted, ab), _errors(ab * 0, ab), bin_of.numpy().ravel()
    known = [b for b in range(BIN_COUNT) if (bins == b).sum() >= minimum]
    each = [_area(ours[bins == b]) - _area(grey[bins == b]) for b in known]
    return _area(ours) - _area(grey), float(np.mean(each))


@pytest.mark.parametrize("minimum", [1, 30, 100])
def test_it_is_the_area_under_the_curve(minimum: int) -> None:
    pictures = _pictures(1)
    errors = _errors(pictures[0], pictures[2])
    assert (errors > 150).any()
    counts = np.bincount(pictures[3].ravel())
    assert (counts >= minimum).any()
    score = Score()
    score.add(*pictures)
    expected = _direct(*pictures, minimum)
    assert score.gains(minimum) == pytest.approx(expected, abs=1e-6)


def test_the_minimum_matters() -> None:
    score = Score()
    score.add(*_pictures(1))
    assert score.gains(1)[1] != pytest.approx(score.gains(100)[1], abs=0.1)
    assert score.gains(1)[0] == score.gains(100)[0]


def test_batches_add_up() -> None:
    first, second = _pictures(1), _pictures(2, 3)
    apart, together = Score(), Score()
    apart.add(*first)
    apart.add(*second)
    together.add(*(torch.cat(pair) for pair in zip(first, second, strict=True)))
    assert apart.gains(20) == pytest.approx(together.gains(20), abs=1e-9)
    assert apart.count.sum() == 5 * 16 * 20


def test_grey_gains_nothing_and_the_truth_gains_all() -> None:
    _, L, ab, bin_of = _pictures(1)
    grey, truth = Score(), Score()
    grey.add(ab * 0, L, ab, bin_of)
    truth.add(ab, L, ab, bin_of)
    assert grey.gains(20) == (0, 0)
    assert truth.gains(20)[0] == pytest.approx(100 - _area(_errors(ab * 0, ab)), abs=1e-6)


def test_worse_than_grey_is_below_zero() -> None:
    _, L, ab, bin_of = _pictures(1)
    score = Score()
    score.add(-ab, L, ab, bin_of)
    assert max(score.gains(20)) < -1


@pytest.mark.parametrize("minimum", [0, 1, 200])
def test_nothing_counted(minimum: int) -> None:
    assert Score().gains(minimum) == (0, 0)


def test_no_bin_with_enough() -> None:
    score = Score()
    score.add(*_pictures(1))
    raw, balanced = score.gains(10**6)
    assert raw != 0
    assert balanced == 0


def test_half_precision_is_taken() -> None:
    painted, L, ab, bin_of = _pictures(1)
    whole, half = Score(), Score()
    whole.add(painted.float(), L, ab.float(), bin_of)
    half.add(painted.bfloat16(), L, ab.float(), bin_of)
    assert half.gains(20) == pytest.approx(whole.gains(20), abs=0.1)


def test_difference_and_colourfulness_are_those_of_the_pictures() -> None:
    painted, L, ab, bin_of = _pictures(1)
    ab, painted = ab / 4, painted / 6
    score = Score()
    score.add(painted, L, ab, bin_of)
    figures = score.figures()
    lab, truth = (torch.cat([L, x], 1).permute(0, 2, 3, 1).numpy() for x in (painted, ab))
    assert figures["ciede2000"] == pytest.approx(ciede2000(lab, truth).mean(), rel=1e-4)
    assert figures["ciede2000_over_grey"] != pytest.approx(figures["ciede2000"], abs=1)
    same = Score()
    same.add(ab, L, ab, bin_of)
    assert same.figures()["colorfulness"] == pytest.approx(1)
    assert same.figures()["ciede2000"] == 0
