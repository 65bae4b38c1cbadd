"""The catalogue: what it says of every model that can be pulled."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from photochrom.models.catalogue import CATALOGUE
from photochrom.models.registry import BUNDLED

FAMILIES = {"photochrom", "zhang16", "siggraph17", "ddcolor", "deoldify", "plain"}
SHARED = Path(__file__).parents[3] / "shared"


class TestCatalogue:
    @pytest.mark.parametrize("name", CATALOGUE)
    def test_entry(self, name: str) -> None:
        entry = CATALOGUE[name]
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name)
        assert name != BUNDLED
        assert not name.endswith(".onnx")
        assert entry.family in FAMILIES
        assert entry.title
        assert entry.licence not in ("", "unknown")
        assert entry.homepage.startswith("https://")
        assert entry.size == sum(file.size for file in entry.files) > 0
        for file in entry.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert file.size > 0
            assert file.urls
            assert all(re.match(r"https://[a-z0-9.-]+/\S+$", url) for url in file.urls)
            assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", file.filename)

    @pytest.mark.parametrize("name", CATALOGUE)
    def test_roles(self, name: str) -> None:
        entry = CATALOGUE[name]
        roles = sorted(file.role for file in entry.files)
        if entry.family == "zhang16":
            assert roles == ["caffemodel", "points", "prototxt"]
        elif roles == ["weights"]:
            assert entry.card is None  # made by the import
        else:
            assert roles == ["model"]
            assert entry.card is not None
            assert (entry.card.name, entry.card.family) == (name, entry.family)

    def test_networks_that_take_any_size(self) -> None:
        for name in ("ddcolor-artistic", "deoldify-artistic"):
            card = CATALOGUE[name].card
            assert card is not None
            assert (card.fixed, card.size, card.multiple) == (None, 256, 32)

    def test_no_bytes_twice(self) -> None:
        hashes = [file.sha256 for entry in CATALOGUE.values() for file in entry.files]
        assert len(hashes) == len(set(hashes))

    @pytest.mark.skipif(not SHARED.is_dir(), reason="the published files are not here")
    @pytest.mark.parametrize("role", ["prototxt", "points"])
    def test_against_the_published_files(self, role: str) -> None:
        file = next(file for file in CATALOGUE["zhang16"].files if file.role == role)
        content = (SHARED / "fixtures" / "zhang16" / file.filename).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)
