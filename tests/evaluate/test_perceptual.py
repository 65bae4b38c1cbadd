"""LPIPS and FID, with stand-ins for their weights."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom import MissingExtraError
from photochrom.evaluate import evaluate
from photochrom.evaluate.report.html_page import page
from photochrom.evaluate.report.text_table import rows
from tests.helpers.evaluated_set import scene


def test_without_torchmetrics(
    folder: Path, models: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[evaluate\]"):
        evaluate([folder], models[2:], size=32, perceptual=True)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights."""
    pytest.importorskip("torchmetrics", reason="the extra evaluate is not installed")
    pytest.importorskip("torchvision", reason="the extra evaluate is not installed")
    import torch

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_without_weights(folder: Path, models: list[Path], weights: Path) -> None:
    (found,) = evaluate([folder], models[2:], size=32, perceptual=True)
    assert found.scores[2].lpips is found.scores[2].fid is None
    lpips, fid = found.notes
    assert lpips.startswith("LPIPS is not measured, because its weights are missing")
    assert "download.pytorch.org/models/alexnet-owt-7be5be79.pth" in lpips
    assert str(weights) in lpips
    assert "weights-inception-2015-12-05-6726825d.pth" in fid
    assert "LPIPS is not measured" in page([found])
    assert "https://" not in page([found])


def test_damaged_weights(folder: Path, models: list[Path], weights: Path) -> None:
    for name in ("alexnet-owt-7be5be79.pth", "weights-inception-2015-12-05-6726825d.pth"):
        (weights / name).write_bytes(b"<html>not found</html>")
    (found,) = evaluate([folder], models[2:], size=32, perceptual=True)
    assert found.scores[2].lpips is None
    assert len(found.notes) == 2
    assert all("cannot be used" in note for note in found.notes)


def test_weights_of_a_folder_that_is_named(
    folder: Path, models: list[Path], weights: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    (found,) = evaluate([folder], models[2:], size=32, limit=1, perceptual=True, weights=mine)
    assert all(str(mine) in note for note in found.notes)


def test_lpips_takes_the_weights_that_are_named(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    import torchmetrics.image.lpip

    from photochrom.evaluate import perceptual

    monkeypatch.undo()
    before, seen = torch.hub.get_dir(), list[bytes]()

    def made(net_type: str) -> str:
        path = Path(torch.hub.get_dir()) / "checkpoints" / perceptual.LPIPS_WEIGHTS
        seen.append(path.read_bytes())
        return net_type

    name = "LearnedPerceptualImagePatchSimilarity"
    monkeypatch.setattr(torchmetrics.image.lpip, name, made)
    (tmp_path / perceptual.LPIPS_WEIGHTS).write_bytes(b"mine")
    assert perceptual._lpips(tmp_path / perceptual.LPIPS_WEIGHTS) == "alex"
    assert (seen, torch.hub.get_dir()) == ([b"mine"], before)


def test_weights_are_pulled_by_their_hash(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from photochrom.evaluate import perceptual

    asked: list[tuple[str, int, str]] = []

    def download(urls: Sequence[str], target: Path, *, size: int, sha256: str) -> Path:
        assert target.name == urls[0].rpartition("/")[2]
        asked.append((target.name, size, sha256))
        return target

    monkeypatch.setattr(perceptual, "download", download)
    perceptual.Perceptual(["one"], tmp_path / "there", pull=True)
    assert [name for name, _, _ in asked] == [perceptual.LPIPS_WEIGHTS, perceptual.FID_WEIGHTS]
    for name, size, sha256 in asked:
        assert re.fullmatch(r"[0-9a-f]{64}", sha256)
        assert sha256[:8] in name
        assert size > 1e6


def test_with_weights(
    folder: Path, models: list[Path], weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stand-ins for the networks: who is compared with whom, and means over pictures."""
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    from photochrom.evaluate import perceptual

    class Means(torch.nn.Module):
        num_features = 3

        def forward(self, x: Any) -> Any:
            assert x.dtype == torch.uint8
            return x.float().mean((2, 3))

    class Distance:
        def update(self, truth: Any, other: Any) -> None:
            assert -1 <= float(truth.min()) <= float(truth.max()) <= 1
            self.value = (truth - other).abs().mean()

        def compute(self) -> Any:
            return self.value

        def reset(self) -> None:
            del self.value

    for name in (perceptual.LPIPS_WEIGHTS, perceptual.FID_WEIGHTS):
        (weights / name).touch()
    monkeypatch.setattr(perceptual, "_fid", lambda path: FrechetInceptionDistance(feature=Means()))
    monkeypatch.setattr(perceptual, "_lpips", lambda path: Distance())
    judge = perceptual.Perceptual(["first", "second"])
    truths = [scene(number, 48) for number in range(6)]
    results = {
        "first": [np.roll(truth, 9, axis=0) // 2 for truth in truths],
        "second": [255 - truth for truth in truths],
    }
    for number, truth in enumerate(truths):
        for name, rgb in results.items():
            judge.add(name, truth, rgb[number])
    assert judge.missing == []
    for name, rgb in results.items():
        alone = FrechetInceptionDistance(feature=Means())
        for pictures, real in ((truths, True), (rgb, False)):
            stacked = torch.tensor(np.stack(pictures)).permute(0, 3, 1, 2)
            alone.update(stacked, real=real)
        pairs = zip(truths, rgb, strict=True)
        distances = [np.abs(a.astype(float) - b).mean() / 127.5 for a, b in pairs]
        lpips, fid = judge.scores(name)
        assert lpips == pytest.approx(np.mean(distances), rel=1e-5)
        assert fid == pytest.approx(float(alone.compute()), rel=1e-4)
    (found,) = evaluate([folder], models[2:], size=32, perceptual=True)
    assert found.scores[2].lpips is not None
    assert found.scores[2].fid is not None
    assert "LPIPS" in [row.title for row in rows(found)]
