"""Tiny models for the tests of the Colorizer."""

from __future__ import annotations

from pathlib import Path

import pytest

from photochrom import Colorizer
from photochrom.models import Card


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Files of tiny models, by family; ``hints`` is of the family photochrom too."""
    from tests.helpers import tiny_models as tiny

    folder = tmp_path_factory.mktemp("models")
    card = Card(name="plain", family="plain", size=64, multiple=4)
    return {
        "photochrom": tiny.photochrom(folder / "tiny.onnx"),
        "hints": tiny.photochrom(folder / "hints.onnx", hints=True),
        "plain": tiny.save(folder / "plain.onnx", tiny.PLAIN, card),
        "zhang16": tiny.save(
            folder / "zhang16.onnx",
            tiny.ZHANG16,
            Card(name="zhang16", family="zhang16", fixed=(16, 16)),
        ),
        "deoldify": tiny.deoldify(folder / "deoldify.onnx", works_in=255, card_says=255),
    }


@pytest.fixture(scope="session")
def colorizer(models: dict[str, Path]) -> Colorizer:
    """A Colorizer with ``photochrom`` of `models`."""
    return Colorizer(models["photochrom"])
