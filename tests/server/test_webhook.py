"""Webhooks: signed, tried again, to public addresses only."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from photochrom import ArgumentError
from photochrom.server.jobs.webhook import Webhooks
from photochrom.server.service_error import ServiceError
from tests.helpers.server_running import Running, check_error, picture, running, wait_for
from tests.helpers.serving import serving

JPEG = picture()
SECRET = "0123456789abcdef0123"


class Receiver(HTTPServer):
    """Takes calls; answers the first of them with 500."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, str, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/done?x=1"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Receiver)
        self.server.calls.append((self.path, self.headers["Photochrom-Signature"], body))
        self.send_response(500 if len(self.server.calls) == 1 else 204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as server:
        yield server


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    return file


def test_the_end_of_a_job(
    tmp_path: Path, secret: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photochrom.server.jobs.webhook.FIRST_PAUSE", 0.1)
    with running(tmp_path, webhook_secret=secret, webhook_private=True) as live:
        job = live.client.post(
            "/v1/jobs", files={"file": JPEG}, data={"webhook": receiver.url}
        ).json()
        wait_for(lambda: len(receiver.calls) == 2)  # the first one was answered with 500
        for path, signature, body in receiver.calls:
            assert path == "/done?x=1"
            assert json.loads(body) == {
                "id": job["id"],
                "kind": "pictures",
                "state": "done",
                "error": None,
                "done": 1,
                "total": 1,
            }
            time, sign = (part.partition("=")[2] for part in signature.split(","))
            data = time.encode() + b"." + body
            assert sign == hmac.new(SECRET.encode(), data, hashlib.sha256).hexdigest()
        wait_for(lambda: live.service.jobs.store.get(job["id"]).webhook_due is None)  # type: ignore[union-attr]
        assert len(receiver.calls) == 2


def test_addresses_that_are_refused(live: Running) -> None:
    for url in ("ftp://a.example", "https://", "https://user:pass@a.example/", "nonsense"):
        answer = live.client.post("/v1/jobs", files={"file": JPEG}, data={"webhook": url})
        check_error(answer, 422, "invalid", "webhook")


@pytest.fixture
def live(tmp_path: Path, secret: Path) -> Iterator[Running]:
    with running(tmp_path, webhook_secret=secret) as found:
        yield found


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0"),
        *("[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]"),
        *("[2002:7f00:1::]", "localhost", "224.0.0.1"),
    ],
)
def test_private_addresses(secret: Path, host: str) -> None:
    with pytest.raises(PermissionError, match="no public address"):
        Webhooks(secret, private=False).call(f"http://{host}:9/x", {})


def test_a_service_without_a_secret(secret: Path) -> None:
    with pytest.raises(ServiceError, match="--webhook-secret"):
        Webhooks(None, private=False).check("https://a.example/")
    secret.write_text("short")
    with pytest.raises(ArgumentError, match="16 characters"):
        Webhooks(secret, private=False)
    with pytest.raises(ArgumentError):
        Webhooks(secret.with_name("missing"), private=False)
