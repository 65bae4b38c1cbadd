"""The documented command, from an empty folder to figures, killed on the way.

It is killed after its training; `test_resumed_run.py` kills a run in its training.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.cli_model import invoke

for package in ("torch", "lightning", "timm", "onnxscript", "matplotlib", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

from photochrom.models import Model  # noqa: E402


@pytest.mark.slow
def test_from_an_empty_folder_to_figures_killed_on_the_way(
    finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished_run)
    assert "calibrated on 6 pictures" in Path("log.txt").read_text("utf-8")
    card = Model(Path("My Run/model.onnx")).card
    assert card.metrics["validation_pictures"] == 6
    left = {path.name for path in Path("My Run").iterdir()}
    assert {"model.onnx", "weights.safetensors", "curves.png", "sheet.png", "run.toml"} <= left
    assert not {"pictures", "validation", ".lock"} & left
    evaluate = ("evaluate", "holidays", "streets", "--limit", 4, "--size", 64)
    measured = invoke(*evaluate, "-m", "My Run/model.onnx", "--json")
    assert measured.exit_code == 0, measured.stderr
    sets = json.loads(measured.stdout)["sets"]
    assert [(each["name"], each["pictures"]) for each in sets] == [("holidays", 4), ("streets", 4)]
    assert [score["name"] for score in sets[0]["scores"]] == ["grey", "mean colour", "model"]
