"""Names -> model files, and the list of all models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from photochrom._io import HOME_VARIABLE
from photochrom.errors import ModelNotFoundError
from photochrom.models.card import METADATA_KEY, Card
from photochrom.models.catalogue import CATALOGUE
from photochrom.models.registry import Registry
from tests.helpers.onnx_frames import field, onnx_file


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "user" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def registry(bundled: Path, user: Path) -> Registry:
    return Registry(bundled_dir=bundled, user_dir=user)


class TestResolve:
    def test_bundled(self, registry: Registry, bundled: Path) -> None:
        assert registry.resolve("bundled") == bundled / "photochrom.onnx"

    def test_bundled_model_missing(self, registry: Registry, bundled: Path) -> None:
        (bundled / "photochrom.onnx").unlink()
        with pytest.raises(ModelNotFoundError, match="install photochrom again"):
            registry.resolve("bundled")

    def test_no_other_model_stands_in_for_it(
        self, registry: Registry, bundled: Path, user: Path
    ) -> None:
        (bundled / "photochrom.onnx").unlink()
        (user / "bundled.onnx").touch()
        with pytest.raises(ModelNotFoundError):
            registry.resolve("bundled")

    @pytest.mark.parametrize("name", ["mine", "v1.2", "a_b-c", "2nd"])
    def test_user_model(self, registry: Registry, user: Path, name: str) -> None:
        (user / f"{name}.onnx").touch()
        assert registry.resolve(name) == user / f"{name}.onnx"

    def test_the_bundled_model_cannot_be_replaced(
        self, registry: Registry, bundled: Path, user: Path
    ) -> None:
        (user / "bundled.onnx").touch()
        assert registry.resolve("bundled").parent == bundled
        assert [entry.name for entry in registry.entries()].count("bundled") == 1

    @pytest.mark.parametrize("kind", [str, Path])
    def test_path(self, registry: Registry, tmp_path: Path, kind: Callable[[Path], Any]) -> None:
        (tmp_path / "any where.onnx").touch()
        assert registry.resolve(kind(tmp_path / "any where.onnx")) == tmp_path / "any where.onnx"

    def test_path_beside_and_at_home(
        self, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "near.onnx").touch()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert registry.resolve("near.onnx") == Path("near.onnx")
        assert registry.resolve("~/near.onnx") == tmp_path / "near.onnx"

    @pytest.mark.parametrize("path", ["no.onnx", "./no.onnx", "models/no.onnx", Path("no")])
    def test_path_to_nothing(self, registry: Registry, path: str | Path) -> None:
        with pytest.raises(ModelNotFoundError, match="does not exist"):
            registry.resolve(path)

    def test_path_to_something_else(self, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "net.pth").touch()
        with pytest.raises(ModelNotFoundError, match="a file of another kind"):
            registry.resolve(tmp_path / "net.pth")
        with pytest.raises(ModelNotFoundError, match="a folder"):
            registry.resolve(tmp_path)

    @pytest.mark.parametrize("name", ["..", "../secret", "a/../secret", "", ".hidden", "Upper"])
    def test_names_do_not_leave_the_folder(self, registry: Registry, user: Path, name: str) -> None:
        (user.parent / "secret.onnx").touch()
        (user / ".hidden.onnx").touch()
        (user / "Upper.onnx").touch()
        with pytest.raises(ModelNotFoundError):
            registry.resolve(name)
        with pytest.raises(ModelNotFoundError):
            registry.pull(name)

    def test_unknown_name(self, registry: Registry, user: Path) -> None:
        (user / "grandma.onnx").touch()
        with pytest.raises(ModelNotFoundError, match="did you mean grandma") as caught:
            registry.resolve("gramma")
        for name in ("bundled", "grandma", *CATALOGUE):
            assert name in caught.value.expected

    def test_not_pulled_yet(self, registry: Registry) -> None:
        with pytest.raises(ModelNotFoundError, match="`photochrom models pull zhang16`"):
            registry.resolve("zhang16")


class TestUserFolder:
    def test_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
        assert Registry().user_dir == tmp_path / "models"

    @pytest.mark.parametrize("value", [None, ""])
    def test_default(self, value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv(HOME_VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(HOME_VARIABLE, value)
        folder = Registry().user_dir
        assert folder.name == "models"
        assert "photochrom" in folder.parts

    def test_neither_folder_need_exist(self, tmp_path: Path) -> None:
        registry = Registry(bundled_dir=tmp_path / "no", user_dir=tmp_path / "nor")
        assert [entry.where for entry in registry.entries()] == ["download"] * len(CATALOGUE)
        assert not list(tmp_path.iterdir())


class TestEntries:
    def test_order_and_content(self, registry: Registry, bundled: Path, user: Path) -> None:
        (user / "zeta.onnx").write_bytes(onnx_file(None))
        (user / "ddcolor-tiny.onnx").write_bytes(b"12345")
        (user / "notes.txt").touch()
        (user / "folder.onnx").mkdir()
        entries = registry.entries()
        others = sorted(set(CATALOGUE) - {"ddcolor-tiny"})
        assert [(entry.where, entry.name) for entry in entries] == [
            ("bundled", "bundled"),
            ("user", "ddcolor-tiny"),
            ("user", "zeta"),
            *(("download", name) for name in others),
        ]
        assert entries[0].path == bundled / "photochrom.onnx"
        assert entries[0].size == len(b"bundled")
        assert entries[1].title == CATALOGUE["ddcolor-tiny"].title
        assert entries[1].size == 5
        assert (entries[2].title, entries[2].licence) == ("", "unknown")
        assert entries[3].path is None
        assert entries[3].size == CATALOGUE[others[0]].size > 1e8

    def test_card_inside_the_file(self, registry: Registry, user: Path) -> None:
        card = Card(name="x", family="plain", title="Zoë's model", licence="CC0-1.0")
        (user / "mine.onnx").write_bytes(onnx_file(card))
        entry = registry.entries()[1]
        assert (entry.title, entry.licence) == ("Zoë's model", "CC0-1.0")

    def test_card_beside_the_file(self, registry: Registry, user: Path) -> None:
        (user / "mine.onnx").write_bytes(onnx_file(None))
        (user / "mine.toml").write_text('name = "x"\nfamily = "plain"\ntitle = "Beside"\n')
        assert registry.entries()[1].title == "Beside"

    def test_the_same_as_onnx_reads(self, registry: Registry, user: Path) -> None:
        onnx = pytest.importorskip("onnx", reason="the extra import is not installed")
        card = Card(name="x", family="plain", title="Written by onnx")
        graph = onnx.helper.make_graph([], "g", [], [])
        model = onnx.helper.make_model(graph)
        onnx.helper.set_model_props(model, {"a": "b" * 3000, METADATA_KEY: card.to_json()})
        onnx.save(model, user / "mine.onnx")
        assert registry.entries()[1].title == "Written by onnx"

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff" * 100,
            b"\x0b" * 50,
            b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            field(14, field(1, METADATA_KEY.encode()) + field(2, b"{")),
            field(14, field(1, METADATA_KEY.encode()) + field(2, b"\xff")),
            field(14, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
        ],
    )
    def test_broken_files_are_listed(self, registry: Registry, user: Path, content: bytes) -> None:
        (user / "broken.onnx").write_bytes(content)
        (user / "broken.toml").write_text("= no TOML")
        entry = registry.entries()[1]
        assert (entry.name, entry.title, entry.licence) == ("broken", "", "unknown")
