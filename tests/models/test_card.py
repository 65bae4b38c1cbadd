"""The model card as JSON and as TOML."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photochrom.errors import ModelError
from photochrom.models.card import Card, write_card
from photochrom.models.catalogue import CATALOGUE

FULL = Card(
    name="tiny",
    family="photochrom",
    title="Ein kleines Netz – ‘tiny’",
    licence="Apache-2.0",
    source="https://example.org/tiny",
    size=320,
    film_size=384,
    multiple=32,
    fixed=(224, 192),
    temperature=0.5,
    hints=True,
    scale=255,
    data="pictures",
    limits='says "no"\nto much',
    training="a minute",
    metrics={"auc": 88.5, "pictures": 1000},
)
TOML = """
name = "tiny"
family = "photochrom"
title = "Ein kleines Netz – ‘tiny’"
licence = "Apache-2.0"
source = "https://example.org/tiny"
size = 320
film_size = 384
multiple = 32
fixed = [224, 192]
temperature = 0.5
hints = true
scale = 255
data = "pictures"
limits = '''
says "no"
to much'''
training = "a minute"

[metrics]
auc = 88.5
pictures = 1000
"""
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SIZE = st.integers(1, 4096)


@given(
    st.builds(
        Card,
        name=TEXT,
        family=TEXT,
        title=TEXT,
        limits=TEXT,
        size=SIZE,
        film_size=st.none() | SIZE,
        multiple=SIZE,
        fixed=st.none() | st.tuples(SIZE, SIZE),
        temperature=st.floats(1e-3, 100),
        hints=st.booleans(),
        scale=st.sampled_from([1, 1.0, 255]),
        metrics=st.dictionaries(TEXT, st.integers() | st.floats(allow_nan=False)),
    )
)
def test_json_there_and_back(card: Card) -> None:
    assert Card.from_json(card.to_json(), "a.onnx") == card


def test_toml_gives_the_same_card(tmp_path: Path) -> None:
    path = tmp_path / "tiny.toml"
    path.write_text(TOML, encoding="utf-8")
    assert Card.from_toml(path) == FULL


def test_every_card_survives_as_toml(tmp_path: Path) -> None:
    cards = [entry.card for entry in CATALOGUE.values() if entry.card is not None]
    odd = 'a "quoted"\\path\n\ttab é \x01'
    cards.append(Card(name="x", family="plain", title=odd, metrics={"PSNR dB": 23.5, "n": 1e-9}))
    for number, card in enumerate(cards):
        write_card(card, tmp_path / f"{number}.toml")
        assert Card.from_toml(tmp_path / f"{number}.toml") == card


def test_json_is_stable_and_readable() -> None:
    text = FULL.to_json()
    assert text == Card.from_json(text, "a").to_json()
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert "–" in text


def test_a_card_needs_little() -> None:
    card = Card.from_json('{"name": "a", "family": "plain"}', "a.onnx")
    assert card == Card(name="a", family="plain")
    assert card.fixed is None
    assert card.metrics == {}


BAD_VALUES: list[tuple[str, Any]] = [
    ("name", 3),
    ("family", None),
    ("title", ["a"]),
    ("size", 0),
    ("size", 4097),
    ("size", 256.0),
    ("size", True),
    ("film_size", 0),
    ("film_size", "256"),
    ("multiple", -1),
    ("multiple", "32"),
    ("fixed", 224),
    ("fixed", "ab"),
    ("fixed", [224]),
    ("fixed", [224, 224, 3]),
    ("fixed", [224, 0]),
    ("fixed", [224.0, 224.0]),
    ("fixed", {"height": 224}),
    ("temperature", 0),
    ("temperature", -0.4),
    ("temperature", "cold"),
    ("temperature", float("nan")),
    ("temperature", float("inf")),
    ("hints", 1),
    ("hints", "true"),
    ("scale", 0),
    ("scale", None),
    ("metrics", [1]),
    ("metrics", {"auc": "high"}),
    ("metrics", {"auc": True}),
]


@pytest.mark.parametrize(("key", "value"), BAD_VALUES)
def test_a_bad_value_is_named(key: str, value: Any) -> None:
    text = json.dumps({"name": "a", "family": "plain"} | {key: value})
    with pytest.raises(ModelError, match=rf"a\.onnx: the model card cannot be read.*got {key} = "):
        Card.from_json(text, "a.onnx")


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "got a list"),
        ("3", "got a int"),
        ('{"family": "plain"}', "no name"),
        ('{"name": "a"}', "no family"),
        ("{}", "no family and no name"),
        ('{"name": "a", "family": "b", "colour": 1, "area": 2}', "unknown keys area, colour"),
    ],
)
def test_what_is_no_card_is_refused(text: str, got: str) -> None:
    with pytest.raises(ModelError, match=got) as error:
        Card.from_json(text, "a.onnx")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe\x00", b"name = 1\nfamily = 'plain'"])
def test_a_bad_toml_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.toml"):
        Card.from_toml(path)


def test_a_toml_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.toml"):
        Card.from_toml(tmp_path / "none.toml")
