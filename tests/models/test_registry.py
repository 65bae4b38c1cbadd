"""Names -> model files, the catalogue, and pulling from a server on 127.0.0.1."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import re
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from photochrom._io import HOME_VARIABLE
from photochrom.errors import (
    DownloadError,
    MissingExtraError,
    ModelImportError,
    ModelNotFoundError,
)
from photochrom.models.card import METADATA_KEY, Card, write_card
from photochrom.models.catalogue import CATALOGUE, CatalogueEntry, RemoteFile
from photochrom.models.registry import BUNDLED, Registry
from tests.helpers.serving import serving

FAMILIES = {"photochrom", "zhang16", "siggraph17", "ddcolor", "deoldify", "plain"}
SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "photochrom.onnx").write_bytes(b"bundled")
    return folder


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "user" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def registry(bundled: Path, user: Path) -> Registry:
    return Registry(bundled_dir=bundled, user_dir=user)


def field(number: int, content: bytes) -> bytes:
    """One length-delimited protobuf field."""
    size, length = len(content), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def onnx_file(card: Card | None) -> bytes:
    """The frame of an ONNX file: version, a stand-in for the graph, metadata."""
    model = b"\x08\x08" + field(7, bytes(300))
    model += field(14, field(1, b"author") + field(2, "Zoë".encode()))
    if card is not None:
        model += field(14, field(1, METADATA_KEY.encode()) + field(2, card.to_json().encode()))
    return model


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


CONTENT = {"net.onnx": onnx_file(None), "p": b"name: p", "w": bytes(9000), "n": b"\x93NUMPY"}


class Handler(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.asked.append(self.path)
        content = CONTENT.get(self.path.removeprefix("/"))
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a server that has CONTENT, and the paths it was asked for."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("PHOTOCHROM_OFFLINE", raising=False)
    paths: list[str] = []
    handler = type("Asked", (Handler,), {"asked": paths})
    with serving(http.server.HTTPServer(("127.0.0.1", 0), handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}", paths


@pytest.fixture
def catalogue(asked: tuple[str, list[str]]) -> Mapping[str, CatalogueEntry]:
    def remote(role: str, name: str) -> RemoteFile:
        content = CONTENT[name]
        return RemoteFile(
            role=role,
            filename=f"{role}.bin",
            urls=(f"{asked[0]}/{name}",),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )

    common = {"title": "Title", "licence": "MIT", "homepage": "https://example.org"}
    parts = (remote("prototxt", "p"), remote("caffemodel", "w"), remote("points", "n"))
    card = Card(name="net", family="deoldify", title='"Net" – é', scale=255, fixed=(256, 512))
    return {
        "net": CatalogueEntry(
            family="deoldify", files=(remote("model", "net.onnx"),), card=card, **common
        ),
        "old": CatalogueEntry(family="zhang16", files=parts, **common),
        "torch": CatalogueEntry(family="siggraph17", files=(remote("weights", "w"),), **common),
    }


@pytest.fixture
def shop(bundled: Path, tmp_path: Path, catalogue: Mapping[str, CatalogueEntry]) -> Registry:
    return Registry(bundled_dir=bundled, user_dir=tmp_path / "new" / "models", catalogue=catalogue)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("[!.]*") if ".locks" not in path.parts)


class TestPull:
    def test_onnx_with_card(
        self,
        shop: Registry,
        catalogue: Mapping[str, CatalogueEntry],
        asked: tuple[str, list[str]],
    ) -> None:
        seen: list[tuple[int, int]] = []
        path = shop.pull("net", progress=lambda *numbers: seen.append(numbers))
        assert path == shop.user_dir / "net.onnx" == shop.resolve("net")
        assert path.read_bytes() == CONTENT["net.onnx"]
        assert names(shop.user_dir) == ["net.onnx", "net.toml"]
        assert Card.from_toml(shop.user_dir / "net.toml") == catalogue["net"].card
        assert seen[-1] == (len(CONTENT["net.onnx"]),) * 2
        entry = next(entry for entry in shop.entries() if entry.name == "net")
        assert (entry.where, entry.title) == ("user", '"Net" – é')
        shop.pull("net")
        assert len(asked[1]) == 1

    def test_every_card_survives_as_toml(self, tmp_path: Path) -> None:
        cards = [entry.card for entry in CATALOGUE.values() if entry.card is not None]
        odd = 'a "quoted"\\path\n\ttab é \x01'
        cards.append(
            Card(name="x", family="plain", title=odd, metrics={"PSNR dB": 23.5, "n": 1e-9})
        )
        for number, card in enumerate(cards):
            write_card(card, tmp_path / f"{number}.toml")
            assert Card.from_toml(tmp_path / f"{number}.toml") == card

    def test_card_of_the_user_is_kept(self, shop: Registry) -> None:
        shop.user_dir.mkdir(parents=True)
        (shop.user_dir / "net.toml").write_text("mine")
        shop.pull("net")
        assert (shop.user_dir / "net.toml").read_text() == "mine"

    def test_unknown(self, shop: Registry) -> None:
        with pytest.raises(ModelNotFoundError, match="did you mean net"):
            shop.pull("nett")
        with pytest.raises(ModelNotFoundError):
            shop.pull("bundled")

    def test_offline_then_by_hand(self, shop: Registry, asked: tuple[str, list[str]]) -> None:
        with pytest.raises(DownloadError) as caught:
            shop.pull("net", offline=True)
        assert str(shop.user_dir / "net.onnx") in str(caught.value)
        (shop.user_dir / "net.onnx").write_bytes(CONTENT["net.onnx"])
        shop.pull("net", offline=True)
        assert names(shop.user_dir) == ["net.onnx", "net.toml"]
        assert not asked[1]

    def test_failure_leaves_no_model(self, shop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(CONTENT, "net.onnx", bytes(len(CONTENT["net.onnx"])))
        with pytest.raises(DownloadError, match="SHA-256"):
            shop.pull("net")
        assert names(shop.user_dir) == []
        with pytest.raises(ModelNotFoundError, match="models pull net"):
            shop.resolve("net")

    @pytest.mark.parametrize("name", ["net", "old"])
    def test_folder_that_cannot_be_made(self, shop: Registry, name: str) -> None:
        shop.user_dir.parent.write_text("a file where a folder should be")
        with pytest.raises(DownloadError, match=HOME_VARIABLE):
            shop.pull(name)


class TestPullOfThreeParts:
    @pytest.fixture
    def converted(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes, bytes]]:
        """In place of the import from Caffe: notes what it is given, writes an ONNX file."""
        calls: list[tuple[bytes, bytes, bytes]] = []

        def import_zhang16(prototxt: Path, caffemodel: Path, points: Path, output: Path) -> Card:
            calls.append((prototxt.read_bytes(), caffemodel.read_bytes(), points.read_bytes()))
            output.write_bytes(b"converted")
            return Card(name="old", family="zhang16")

        caffe = types.ModuleType("photochrom.models.importers.caffe")
        caffe.import_zhang16 = import_zhang16  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "photochrom.models.importers.caffe", caffe)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
        return calls

    def test_converts_and_tidies(
        self,
        shop: Registry,
        converted: list[tuple[bytes, bytes, bytes]],
        asked: tuple[str, list[str]],
    ) -> None:
        seen: list[tuple[int, int]] = []
        path = shop.pull("old", progress=lambda *numbers: seen.append(numbers))
        assert path.read_bytes() == b"converted"
        assert converted == [(CONTENT["p"], CONTENT["w"], CONTENT["n"])]
        assert names(shop.user_dir) == ["old.onnx"]
        done = [number for number, _ in seen]
        assert done == sorted(done)
        total = sum(len(CONTENT[name]) for name in "pwn")
        assert seen[-1] == (total, total)
        shop.pull("old")
        assert len(converted) == 1
        assert len(asked[1]) == 3

    def test_parts_put_there_by_hand(
        self,
        shop: Registry,
        converted: list[tuple[bytes, bytes, bytes]],
        asked: tuple[str, list[str]],
    ) -> None:
        for role, name in (("prototxt", "p"), ("caffemodel", "w"), ("points", "n")):
            with pytest.raises(DownloadError) as caught:
                shop.pull("old", offline=True)
            path = shop.user_dir / "old.parts" / f"{role}.bin"
            assert str(path) in str(caught.value)
            path.write_bytes(CONTENT[name])
        shop.pull("old", offline=True)
        assert names(shop.user_dir) == ["old.onnx"]
        assert not asked[1]

    def test_failed_conversion_keeps_the_parts(
        self,
        shop: Registry,
        converted: list[tuple[bytes, bytes, bytes]],
        asked: tuple[str, list[str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(*_: Path) -> Card:
            raise ModelImportError("no", expected="a", got="b", fix="c")

        caffe = sys.modules["photochrom.models.importers.caffe"]
        with monkeypatch.context() as patch:
            patch.setattr(caffe, "import_zhang16", fail)
            with pytest.raises(ModelImportError):
                shop.pull("old")
        assert not (shop.user_dir / "old.onnx").exists()
        shop.pull("old")
        assert len(asked[1]) == 3
        assert names(shop.user_dir) == ["old.onnx"]

    def test_missing_extra_is_told_before_the_download(
        self, shop: Registry, asked: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match="photochrom\\[import\\]"):
            shop.pull("old")
        assert not asked[1]

    def test_weights_are_imported(
        self, shop: Registry, asked: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from photochrom.models.importers import onnx_model

        def import_checkpoint(file: Path, target: Path, name: str, options: object) -> Card:
            assert (file.read_bytes(), name) == (CONTENT["w"], "torch")
            target.write_bytes(b"converted")
            return Card(name=name, family="siggraph17")

        monkeypatch.setattr(onnx_model, "import_checkpoint", import_checkpoint)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match="photochrom\\[train\\]"):
            shop.pull("torch")
        assert not asked[1]
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
        assert shop.pull("torch").read_bytes() == b"converted"
        assert names(shop.user_dir) == ["torch.onnx"]

    def test_two_at_once_convert_once(
        self, shop: Registry, converted: list[tuple[bytes, bytes, bytes]]
    ) -> None:
        threads = [threading.Thread(target=shop.pull, args=("old",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(converted) == 1
        assert names(shop.user_dir) == ["old.onnx"]
