"""Places that look alike agree about their colours."""

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from photochrom.training.network.consensus import Consensus  # noqa: E402


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
