"""Pulling models of a catalogue from a server on 127.0.0.1."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import sys
import threading
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from photochrom._io import HOME_VARIABLE
from photochrom.errors import DownloadError, MissingExtraError, ModelImportError, ModelNotFoundError
from photochrom.models.card import Card
from photochrom.models.catalogue import CatalogueEntry, RemoteFile
from photochrom.models.registry import Registry
from tests.helpers.onnx_frames import onnx_file
from tests.helpers.serving import serving

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
