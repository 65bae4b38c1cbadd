"""Films of a visit: options of their looks. Films themselves are in the tests of video/."""

from __future__ import annotations

from pathlib import Path

from photochrom.options import ColorOptions
from photochrom.web.visit.edits import Edits
from photochrom.web.visit.film_files import film_options
from photochrom.web.visit.looks import Look, Pin

RED = "#c0392b"


def test_places_and_references_have_the_times_of_their_frames() -> None:
    pins = (Pin(1, 0.25, 0.5, RED, 0.1, 1.5), Pin(2, 0.5, 0.5, "keep", time=3.0), Pin(3, 0, 0))
    look = Look(pins, stills=((1.5, "a"), (9.0, "gone")), options=ColorOptions(warmth=0.5))
    options = film_options(look, (100, 200), {"a": Path("a.png")})
    first, second = options.hints
    assert (first.x, first.y, first.radius) == (50, 50, 20)
    assert first.moment is not None
    assert first.moment.seconds == 1.5
    assert second.keep
    assert options.warmth == 0.5
    (still,) = options.stills
    assert (still.picture, still.moment.seconds) == ("a.png", 1.5)
    assert Look.from_json(look.to_json()).stills == look.stills


def test_the_places_of_one_frame_are_those_that_are_shown() -> None:
    edits = Edits(moment=1.5)
    edits.act({"do": "put", "x": 0.5, "y": 0.5})
    edits.act({"do": "paint", "id": 1, "color": RED})
    assert edits.pins == (Pin(1, 0.5, 0.5, RED, time=1.5),)
    edits.moment = 2.0
    assert edits.pins == ()
    assert edits.pin is None
    edits.act({"do": "undo"})
    assert edits.look == Look()
