"""Calls of webhooks: signed, only to public addresses unless the operator allows others."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...errors import ArgumentError
from ..service_error import ServiceError

_SECONDS = 10.0
_LEAST = 16  # characters of a secret
_TRIES = 6
FIRST_PAUSE = 10.0
"""Seconds between the first call and the second; each pause is four times the one before."""


class Webhooks:
    """Checks and calls webhooks.

    Args:
        secret: file of the secret that signs; None: no webhooks.
        private: addresses of private networks are allowed.

    Raises:
        ArgumentError: the file cannot be read, or its secret is too short.
    """

    def __init__(self, secret: Path | None, private: bool) -> None:
        self._private = private
        self._secret = None if secret is None else _read(secret)

    def check(self, url: str) -> None:
        """Refuse an address that is none, or that is not allowed, with the status 422."""
        if self._secret is None:
            raise ServiceError(422, "webhook: this service calls none (--webhook-secret)")
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
            port = parts.port
        except ValueError:
            fits = False
        if not fits or (port is not None and not port):
            raise ServiceError(422, "webhook: expected an address such as https://example.org/done")

    def next_due(self, tries: int) -> float | None:
        """When a webhook that has failed so often is called again; None: not any more."""
        return None if tries >= _TRIES else time.time() + FIRST_PAUSE * 4 ** (tries - 1)

    def call(self, url: str, body: dict[str, Any]) -> None:
        """Send `body` as JSON with a signature.

        The header ``Photochrom-Signature`` is ``t=SECONDS,v1=HEX``: HMAC-SHA256 of the time, a dot
        and the body, by the secret.

        Raises:
            OSError: it cannot be reached, is not allowed, or answers with another status than 2xx.
        """
        assert self._secret is not None
        data, now = json.dumps(body).encode(), int(time.time())
        sign = hmac.new(self._secret, f"{now}.".encode() + data, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "photochrom",
            "Photochrom-Signature": f"t={now},v1={sign}",
        }
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            connection.request("POST", target, data, headers)
            status = connection.getresponse().status
        except http.client.HTTPException as error:
            raise ConnectionError(f"no answer of HTTP: {error!r}") from None
        finally:
            connection.close()
        if not 200 <= status < 300:  # redirections, which could lead anywhere, are none
            raise ConnectionError(f"answered with {status}")

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        port = port or (443 if scheme == "https" else 80)
        line = socket.create_connection((self._address(host, port), port), _SECONDS)
        if scheme == "https":
            try:
                line = ssl.create_default_context().wrap_socket(line, server_hostname=host)
            except BaseException:
                line.close()
                raise
        connection = http.client.HTTPConnection(host, port, timeout=_SECONDS)
        connection.sock = line  # to the address that was looked at, whatever the name means later
        return connection

    def _address(self, host: str, port: int) -> str:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(each[4][0]) for each in found]
        for address in addresses:
            if not self._private and not _is_public(address):
                raise PermissionError(None, f"{host} is no public address")
        return addresses[0]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
        if found in ipaddress.ip_network("64:ff9b::/96") if found.version == 6 else False:
            return False
    return found.is_global and not found.is_multicast


def _read(file: Path) -> bytes:
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        raise ArgumentError.unreadable(f"the file of the webhook secret {file}", error) from None
    if len(secret) < _LEAST:
        raise ArgumentError(
            f"the secret in {file}",
            expected=f"{_LEAST} characters or more",
            got=str(len(secret)),
            fix="make one with: openssl rand -hex 32",
        )
    return secret
