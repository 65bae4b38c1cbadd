"""A service for the tests of jobs; other files have theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.server_jobs import FakeFilm
    from tests.helpers.server_running import Running


@pytest.fixture(scope="module")
def film() -> FakeFilm:
    """Colours the films of `live`."""
    from tests.helpers.server_jobs import FakeFilm

    return FakeFilm()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, film: FakeFilm) -> Iterator[Running]:
    """A service whose films are coloured by `film`."""
    from tests.helpers.server_running import running

    with running(tmp_path_factory.mktemp("server"), film=film) as found:
        yield found
