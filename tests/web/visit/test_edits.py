"""Pins, hints and undo, as the browser's events make them."""

from __future__ import annotations

import errno

import pytest

from photochrom import ModelError, PictureError
from photochrom.web.visit.edits import MAX_PINS, Edits
from photochrom.web.visit.looks import Look, Pin
from photochrom.web.visit.words import color_words, explain

RED, BLUE = "#c0392b", "#2b39c0"


def edits(*events: dict[str, object]) -> Edits:
    made = Edits()
    for event in events:
        made.act(event)
    return made


PUT = {"do": "put", "x": 0.25, "y": 0.5}
PAINT = {"do": "paint", "id": 1, "color": RED}


def test_a_place_becomes_a_hint_when_it_gets_a_colour() -> None:
    made = edits(PUT)
    assert made.pin == Pin(1, 0.25, 0.5)
    assert made.look.settled == Look()
    assert not made.undoable
    made.act(PAINT)
    assert made.look.settled.pins == (Pin(1, 0.25, 0.5, RED),)
    assert made.undoable


def test_a_place_without_a_colour_goes_when_another_is_put() -> None:
    made = edits(PUT, PUT | {"x": 0.75})
    assert [pin.x for pin in made.look.pins] == [0.75]
    assert made.chosen == 2


def test_closing_keeps_hints_and_drops_empty_places() -> None:
    assert edits(PUT, {"do": "close"}).look == Look()
    made = edits(PUT, PAINT, {"do": "close"})
    assert made.look.pins == (Pin(1, 0.25, 0.5, RED),)
    assert made.pin is None


def test_a_place_is_left_as_it_is_or_coloured_in_a_spot_alone() -> None:
    made = edits(PUT, PAINT | {"color": "keep"}, {"do": "reach", "id": 1, "radius": 0.1})
    assert made.look.pins == (Pin(1, 0.25, 0.5, "keep", 0.1),)
    made.act({"do": "reach", "id": 1, "radius": None})
    assert made.look.pins == (Pin(1, 0.25, 0.5, "keep"),)
    made.undo()
    assert made.look.pins[0].radius == 0.1
    assert Edits.from_json(made.to_json()).look == made.look


def test_events_count_once_however_often_they_are_sent() -> None:
    made = Edits()
    first, second = PUT | {"n": 1}, PAINT | {"n": 2}
    assert made.receive({"client": "a", "events": [first]}) == [first]
    assert made.receive({"client": "a", "events": [first, second]}) == [second]
    again = Edits.from_json(made.to_json())  # the program was started again
    assert again.receive({"client": "a", "events": [first, second]}) == []
    assert again.receive({"client": "b", "events": [first]}) == [first]
    for nonsense in (None, {}, {"client": "b", "events": [None, 1, {"n": "2"}]}, {"client": 1}):
        assert again.receive(nonsense) == []


def test_moving_choosing_and_deleting() -> None:
    made = edits(PUT, PAINT, PUT | {"x": 0.75}, {"do": "paint", "id": 2, "color": BLUE})
    made.act({"do": "choose", "id": 1})
    assert made.chosen == 1
    made.act({"do": "move", "id": 1, "x": 0.1, "y": 2})
    assert made.look.pins[0].x == 0.1
    assert 0.99 < made.look.pins[0].y < 1
    made.act({"do": "delete", "id": 1})
    assert [pin.id for pin in made.look.pins] == [2]
    made.act({"do": "clear"})
    assert made.look == Look()


def test_every_change_can_be_undone() -> None:
    made = edits(PUT, PAINT, PAINT | {"color": BLUE}, {"do": "move", "id": 1, "x": 0.9, "y": 0.9})
    made.change(version=2)
    made.act({"do": "delete", "id": 1})
    seen = []
    while made.undoable:
        made.act({"do": "undo"})
        seen.append(made.look)
    first, blue = Pin(1, 0.25, 0.5, RED), Pin(1, 0.25, 0.5, BLUE)
    moved = Pin(1, 0.9, 0.9, BLUE)
    assert seen == [
        Look((moved,), 2),
        Look((moved,)),
        Look((blue,)),
        Look((first,)),
        Look(),
    ]
    made.act({"do": "undo"})
    assert made.look == Look()


def test_the_memory_of_changes_is_bounded() -> None:
    made = Edits()
    for number in range(300):
        made.change(version=number % 5)
    steps = 0
    while made.undoable:
        made.undo()
        steps += 1
    assert steps == 100


def test_the_number_of_pins_is_bounded() -> None:
    made = Edits()
    for number in range(MAX_PINS + 5):
        made.act(PUT)
        made.act({"do": "paint", "id": number + 1, "color": RED})
    assert len(made.look.pins) == MAX_PINS


@pytest.mark.parametrize(
    "event",
    [
        None,
        "put",
        {},
        {"do": "format"},
        {"do": "put"},
        {"do": "put", "x": "1", "y": 0},
        {"do": "put", "x": float("nan"), "y": 0},
        {"do": "delete", "id": 99},
        {"do": "delete", "id": [1]},
        {"do": "move", "id": 1, "x": None, "y": 0},
        {"do": "paint", "id": 1, "color": "red"},
        {"do": "paint", "id": 1, "color": "#12345"},
        {"do": "paint", "id": 1, "color": RED + "<b>"},
    ],
)
def test_what_makes_no_sense_changes_nothing(event: object) -> None:
    made = edits(PUT, PAINT)
    before = made.look, made.chosen, made.undoable
    made.act(event)
    assert (made.look, made.chosen, made.undoable) == before


@pytest.mark.parametrize(
    ("color", "words"),
    [
        ("#000000", "black"),
        ("#ffffff", "white"),
        ("#808080", "grey"),
        ("#cc2020", "red"),
        ("#5a3a1e", "dark brown"),
        ("#87ceeb", "light blue"),
        ("#1f4f1f", "dark green"),
        ("#ffe000", "light yellow"),
        ("#ff8c00", "orange"),
        ("#9040c0", "purple"),
    ],
)
def test_colours_in_words(color: str, words: str) -> None:
    assert color_words(color) == words


def test_redo_takes_undo_back_until_something_else_is_done() -> None:
    edits = Edits()
    edits.tune("vividness", 2.0)
    edits.change(version=1)
    edits.undo()
    edits.undo()
    assert edits.look == Look()
    edits.redo()
    assert edits.look.options.vividness == 2.0
    assert edits.redoable
    edits.tune("warmth", 0.5)
    assert not edits.redoable


def test_starting_over_can_be_undone() -> None:
    edits = Edits()
    edits.tune("vividness", 2.0)
    edits.act({"do": "reset"})
    assert edits.look == Look()
    edits.act({"do": "undo"})
    assert edits.look.options.vividness == 2.0


def test_changes_are_unsaved_until_they_are_downloaded() -> None:
    edits = Edits()
    assert not edits.unsaved
    edits.tune("vividness", 2.0)
    assert edits.unsaved
    edits.downloaded = edits.look
    assert not edits.unsaved
    edits.undo()
    assert edits.unsaved


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PictureError("/srv/x/a7f.jpg cannot be read: 97 extraneous bytes"), "cannot be opened"),
        (ModelError("/srv/x/m.onnx is no model"), "This model cannot be used"),
        (OSError(errno.ENOSPC, "No space left on device", "/srv/x/a7f"), "is full"),
        (RuntimeError("/srv/x/secret"), "Something went wrong"),
    ],
)
def test_errors_are_for_people(error: Exception, words: str) -> None:
    said, detail = explain(error, "Grandma.jpg")
    assert words in said
    assert "/srv" not in said + detail
    assert "extraneous" not in said


def test_moves_of_one_slider_in_quick_succession_are_undone_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    edits = Edits()
    for value in (1.1, 1.2, 1.3):
        edits.tune("vividness", value)
    now += 10
    edits.tune("vividness", 1.4)
    edits.tune("warmth", 0.5)
    seen = []
    while edits.undoable:
        edits.undo()
        seen.append((edits.look.options.vividness, edits.look.options.warmth))
    assert seen == [(1.4, 0), (1.3, 0), (1, 0)]
