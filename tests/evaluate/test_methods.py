"""Results of other tools, and functions, measured beside models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import ArgumentError, Colorizer
from photochrom.evaluate import evaluate, write_inputs
from photochrom.evaluate.report.text_table import verdicts
from tests.helpers.evaluated_set import COUNT

Array = NDArray[Any]


def sepia(grey: Array) -> Array:
    """What another tool might do."""
    return np.stack([grey, grey * 0.9, grey * 0.7], -1).astype(np.uint8)


def test_results_made_elsewhere_count_as_the_function_that_made_them(
    folder: Path, tmp_path: Path
) -> None:
    assert write_inputs([folder], tmp_path / "inputs", size=64) == COUNT + 1
    for path in (tmp_path / "inputs").rglob("*.png"):
        grey = np.asarray(Image.open(path))
        assert grey.shape == (64, 64)
        target = tmp_path / "results" / path.relative_to(tmp_path / "inputs")
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sepia(grey)).save(target.with_stem(f"{target.stem}-color"))
    (found,) = evaluate([folder], [sepia], results=[tmp_path / "results"], size=64, minimum=20)
    function, results = found.scores[2:]
    assert (function.name, function.kind) == ("sepia", "function")
    assert (results.name, results.kind) == ("results", "results")
    assert function.ms_per_picture is not None
    assert results.ms_per_picture is None
    same = replace(function, name="results", kind="results", ms_per_picture=None)
    assert replace(same, ms_per_megapixel=None) == results
    assert {each.better for each in found.comparisons} == {None}
    assert "cannot be told apart" in verdicts(found)[0]


def test_results_count_as_the_model_that_made_them(
    folder: Path, models: list[Path], tmp_path: Path
) -> None:
    """Another program is given the grey squares, and what it writes is measured."""
    write_inputs([folder], tmp_path / "grey", size=64)
    colorizer = Colorizer(models[1])
    for path in (tmp_path / "grey").rglob("*.png"):
        target = tmp_path / "theirs" / path.relative_to(tmp_path / "grey")
        target.parent.mkdir(parents=True, exist_ok=True)
        colorizer.colorize(path).save(target)
    (found,) = evaluate([folder], [models[1]], results=[tmp_path / "theirs"], size=64, minimum=20)
    model, results = found.scores[2:]
    untold = {"ms_per_picture": None, "ms_per_megapixel": None, "confidence": None}
    assert replace(model, name="theirs", kind="results", **untold) == results


def test_a_result_is_found_by_its_file_name_alone(folder: Path, tmp_path: Path) -> None:
    for path in folder.rglob("*.png"):
        Image.open(path).convert("RGB").save(tmp_path / f"{path.stem}.webp", lossless=True)
    (found,) = evaluate([folder], [], results=[tmp_path], size=64)
    assert found.scores[2].ciede2000 < 0.5
    (tmp_path / "03.webp").unlink()
    with pytest.raises(ArgumentError, match=r"got none for 1 of them, .*03\.png"):
        evaluate([folder], [], results=[tmp_path], size=64)


def test_a_function_that_gives_something_else(folder: Path) -> None:
    with pytest.raises(ArgumentError, match=r"expected uint8 \(64, 64, 3\), got uint8 \(64, 64\)"):
        evaluate([folder], [lambda grey: grey], size=64, limit=2)


def test_what_is_clearly_better_is_called_so(folder: Path) -> None:
    def flat(picture: Array) -> Array:
        return np.stack([picture] * 3, -1)

    (found,) = evaluate([folder], [sepia, flat], size=64)
    (each,) = (each for each in found.comparisons if each.figure == "ciede2000")
    means = {score.name: score.ciede2000 for score in found.scores[2:]}
    assert each.difference == pytest.approx(means["sepia"] - means["flat"])
    assert each.interval[0] < each.difference < each.interval[1]
    assert each.better == min(means, key=lambda name: means[name])
