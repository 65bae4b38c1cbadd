"""What hints must not do: change what agrees with them, or what lies elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
pytest.importorskip("timm", reason="needs timm (extra train)")

from torch import Tensor  # noqa: E402

from photochrom.gamut import BIN_COUNT  # noqa: E402
from photochrom.training.loop.color_module import ColorModule  # noqa: E402
from photochrom.training.loop.plan import Plan  # noqa: E402
from photochrom.training.network.color_network import ColorNetwork, Output  # noqa: E402
from photochrom.training.objective.loss import ColorLoss  # noqa: E402
from photochrom.training.objective.steering import draw, likeness, terms  # noqa: E402


@pytest.fixture(scope="module")
def loss() -> ColorLoss:
    return ColorLoss(np.ones(BIN_COUNT, np.float32), 0.38)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(4)


def _certain(ab: tuple[float, float], loss: ColorLoss) -> Tensor:
    """Logits ``(1, 313, 4, 4)`` of one colour everywhere, spread over its neighbours."""
    truth = torch.tensor(ab)[None, :, None, None].expand(1, 2, 4, 4)
    index, share, _ = loss.encode(truth)
    rows = torch.full((1, 4, 4, BIN_COUNT), -12.0)
    return rows.scatter(-1, index, share.clamp_min(1e-6).log()).permute(0, 3, 1, 2)


def test_own_hints_go_from_few_to_many_and_false_ones_are_one_patch(loss: ColorLoss) -> None:
    extra = draw(200, 50, 64, loss.bins, _seeded())
    assert extra.own.shape == (200, 1, 64, 64)
    share = extra.own.mean((1, 2, 3))
    assert share.min() < 0.1 < 0.6 < share.max()
    cells = extra.own.view(200, 8, 8, 8, 8).amax((2, 4))
    assert torch.equal(cells.repeat_interleave(8, 1).repeat_interleave(8, 2), extra.own[:, 0])
    area = extra.false.sum((1, 2, 3))
    assert set(area.sqrt().tolist()) <= set(range(1, 10))
    assert len(area.unique()) > 4
    colors = extra.false_ab.flatten(2)
    assert torch.equal(colors, colors[..., :1].expand_as(colors))
    again = draw(200, 50, 64, loss.bins, _seeded())
    assert all(
        torch.equal(a, b) for a, b in zip(vars(extra).values(), vars(again).values(), strict=True)
    )


def test_likeness_is_of_colour_lightness_and_place() -> None:
    L, ab = torch.full((1, 1, 8, 16), 50.0), torch.zeros(1, 2, 8, 16)
    ab[..., 6:8] = 60  # another colour
    L[..., 4, :] = 100  # much lighter
    mask = torch.zeros(1, 1, 8, 16)
    mask[..., 2, 2] = 0.1
    near = likeness(L, ab, mask)
    assert near.shape == (1, 1, 8, 16)
    assert near[..., 2, 2] == 1
    assert near[..., 2, 3] > 0.8
    assert near[..., 4, 2] < 0.1
    assert near[..., 2, 6] < 0.01
    assert near[..., 2, 15] < 0.2  # far away


def test_an_answer_that_stays_costs_nothing_and_one_that_changes_does(loss: ColorLoss) -> None:
    before = _certain((20.0, -30.0), loss)
    none, all_ = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
    color = torch.zeros(1, 2, 4, 4)
    assert float(terms(before, before, color, none, all_, loss)) == pytest.approx(0, abs=1e-3)
    moved = _certain((50.0, 40.0), loss)
    assert float(terms(before, moved, color, none, all_, loss)) > 5
    # Where the weight is nothing, nothing costs.
    half = all_.clone()
    half[..., 2:] = 0
    mixed = before.clone()
    mixed[..., 2:] = moved[..., 2:]
    assert float(terms(before, mixed, color, none, half, loss)) == pytest.approx(0, abs=1e-3)


def test_a_false_hint_is_to_be_followed_on_its_thing_and_nowhere_else(loss: ColorLoss) -> None:
    before, hinted = _certain((20.0, -30.0), loss), _certain((-40.0, 40.0), loss)
    near = torch.zeros(1, 1, 4, 4)
    near[..., :2] = 1
    color = torch.tensor([-40.0, 40.0])[None, :, None, None].expand(1, 2, 4, 4)
    right = before.clone()
    right[..., :2] = hinted[..., :2]
    all_ = torch.ones(1, 1, 4, 4)
    obeyed, flooded, ignored = (
        float(terms(before, after, color, near, all_, loss)) for after in (right, hinted, before)
    )
    assert obeyed == pytest.approx(0, abs=0.05)
    assert min(flooded, ignored) > 3


def test_what_was_said_before_is_taken_as_given(loss: ColorLoss) -> None:
    before = _certain((20.0, -30.0), loss).requires_grad_()
    after = (before.detach() * 0.5).requires_grad_()
    zero = torch.zeros(1, 1, 4, 4)
    terms(before, after, torch.zeros(1, 2, 4, 4), zero, zero + 1, loss).sum().backward()
    assert before.grad is None
    assert after.grad is not None
    assert after.grad.any()


def test_a_step_has_all_parts_and_is_determined_by_its_seed(loss: ColorLoss) -> None:
    torch.manual_seed(1)
    module = ColorModule(ColorNetwork("mobilenetv3_small_050"), loss, Plan(steps=5, batch=8))
    rgb = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8, generator=_seeded())
    first, again = (module._parts(*module._sample(rgb, _seeded())) for _ in range(2))
    assert len(first) == 7
    assert all(part.isfinite() for part in first)
    assert [float(p.detach()) for p in first] == [float(p.detach()) for p in again]
    sample = module._sample(rgb, _seeded())[0]
    assert sample.mask.flatten(1).any(1).tolist() == [False] * 6 + [True] * 2
    sum(first).backward()  # type: ignore[union-attr]
    assert module.network.consensus.feature.weight.grad.any()


def test_own_hints_are_the_colours_of_the_model_as_calibrated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weight = np.linspace(0.1, 8, BIN_COUNT).astype(np.float32)
    network = ColorNetwork("mobilenetv3_small_050")
    module = ColorModule(network, ColorLoss(weight, 0.38), Plan(steps=5, batch=8, tilt=0.5))
    calls = []
    decode = network.decode

    def recorded(encoded: tuple[Tensor, ...], hint_ab: Tensor, mask: Tensor) -> Output:
        out = decode(encoded, hint_ab, mask)
        calls.append((out.logits.detach(), hint_ab, mask))
        return out

    monkeypatch.setattr(network, "decode", recorded)
    rgb = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8, generator=_seeded())
    module._parts(*module._sample(rgb, _seeded()))
    (logits, _, _), (_, hint_ab, mask) = calls
    tilted = logits[:1] - 0.5 * torch.from_numpy(weight).log()[:, None, None]
    cells = module._painted(tilted)
    painted = cells.repeat_interleave(8, 2).repeat_interleave(8, 3)
    where = mask[:1].expand(-1, 2, -1, -1) > 0
    assert where.any()
    torch.testing.assert_close(hint_ab[:1][where], painted[where])
    assert (cells - module._painted(logits[:1])).abs().max() > 1
