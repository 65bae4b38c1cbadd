"""Visits are found again by their token, and removed when no page shows them."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import pytest

from photochrom.web.visit.visits import KEEP, Visits

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def open_pages() -> set[str]:
    return {"page"}


@pytest.fixture
def visits(tmp_path: Path, open_pages: set[str]) -> Visits:
    return Visits(open_pages.__contains__, tmp_path)


def age(folder: Path) -> None:
    past = time.time() - KEEP - 60
    os.utime(folder, (past, past))


def test_a_token_finds_its_visit_and_no_other(visits: Visits, tmp_path: Path) -> None:
    token, space = visits.enter(None, "page")
    assert visits.enter(token, "page") == (token, space)
    for guess in (token[:-1], "../" + token, "0" * 32, space.folder.name):
        other, new = visits.enter(guess, "page")
        assert other not in (token, guess)
        assert new is not space
    assert token not in space.folder.name
    assert space.folder.stat().st_mode & 0o077 == 0


def test_a_visit_outlives_the_process(visits: Visits, tmp_path: Path, open_pages: set[str]) -> None:
    token, space = visits.enter(None, "page")
    space.add("a.png", io.BytesIO(PNG))
    visits.end()  # a page is open: it will come back
    again, restored = Visits(open_pages.__contains__, tmp_path).enter(token, "page")
    assert again == token
    assert [item.name for item in restored.items.values()] == ["a.png"]


def test_visits_that_no_page_shows_are_removed_after_a_while(
    visits: Visits, open_pages: set[str]
) -> None:
    _, space = visits.enter(None, "page")
    age(space.folder)
    visits.sweep()  # a page is open
    assert space.folder.is_dir()
    open_pages.clear()
    visits.sweep()  # it has just been closed
    assert space.folder.is_dir()
    age(space.folder)
    visits.sweep()
    assert not space.folder.exists()


def test_what_a_killed_program_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    left, others = tmp_path / "photochrom-app-0123", tmp_path / "somebody-elses"
    link = tmp_path / "photochrom-app-link"
    for folder in (left, others):
        folder.mkdir()
        (folder / "file").touch()
    link.symlink_to(others)
    age(left)
    age(others)
    Visits(lambda session: False, tmp_path).sweep()
    assert not left.exists()
    assert (others / "file").exists()


def test_closed_visits_go_at_the_end_of_the_program(visits: Visits, open_pages: set[str]) -> None:
    _, space = visits.enter(None, "page")
    open_pages.clear()
    visits.sweep()
    visits.end()
    assert not space.folder.exists()


def test_a_state_that_cannot_be_read_begins_anew(visits: Visits, tmp_path: Path) -> None:
    token, space = visits.enter(None, "page")
    (space.folder / "state.json").write_text("{")
    _, again = Visits(lambda session: True, tmp_path).enter(token, "page")
    assert not again.items
