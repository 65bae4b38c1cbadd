"""A small set of pictures, three tiny models, and their report."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from photochrom.evaluate import Report, evaluate
from photochrom.models import Card
from tests.helpers import tiny_models as tiny
from tests.helpers.evaluated_set import COUNT, scene


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("set") / 'odd "name" & <more>'
    (top / "inner").mkdir(parents=True)
    for number in range(COUNT):
        place = top / "inner" if number % 2 else top
        Image.fromarray(scene(number)).save(place / f"{number:02}.png")
    Image.new("RGB", (60, 60), (90, 90, 92)).save(top / "grey.png")
    (top / "broken.jpg").write_bytes(b"\xff\xd8\xff not much of a JPEG")
    return top


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    top = tmp_path_factory.mktemp("models")
    card = Card(name="plain", family="plain", size=64, multiple=4)
    return [
        tiny.photochrom(top / "hinted.onnx", hints=True),
        tiny.photochrom(top / "spread.onnx"),
        tiny.save(top / "plain.onnx", tiny.PLAIN, card),
    ]


@pytest.fixture(scope="session")
def report(folder: Path, models: list[Path]) -> Report:
    (found,) = evaluate([folder], models, size=64, minimum=20, hints=4)
    return found
