"""The page about the bundled model says what the model's own card says."""

from pathlib import Path

import pytest

from photochrom.models.card import read_card
from photochrom.models.registry import Registry

PAGE = Path(__file__).parents[2] / "docs" / "model-card.md"


@pytest.fixture(scope="module")
def page() -> str:
    if not PAGE.is_file():
        pytest.skip("no docs beside the tests")
    return PAGE.read_text(encoding="utf-8")


def test_the_page_has_the_cards_figures(page: str) -> None:
    card = read_card(Registry().resolve("bundled"))
    assert card is not None
    assert f"`{card.name}`" in page
    for name, value in card.metrics.items():
        text = f"{value:+.2f}" if name.startswith("auc") else f"{value:.1f}"
        assert text in page, f"{name} = {text} is not in {PAGE.name}"


def test_the_bundled_file_is_small_and_takes_hints() -> None:
    path = Registry().resolve("bundled")
    card = read_card(path)
    assert card is not None
    assert card.hints
    assert path.stat().st_size <= 40e6


def test_what_must_not_be_believed_is_said(page: str) -> None:
    assert "plausible, not evidence" in page
