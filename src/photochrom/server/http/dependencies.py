"""FastAPI dependencies of the endpoints: the service, the API key, the client."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ..service import Service
from ..service_error import ServiceError


def service_of(request: Request) -> Service:
    """The service that answers the request."""
    service: Service = request.app.state.service
    return service


_bearer = HTTPBearer(auto_error=False, description="An API key, if the service asks for one.")


def check_key(
    request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str | None:
    """The name of the API key; None if the service asks for none; ServiceError if it is wrong."""
    service = service_of(request)
    if service.keys is None:
        return None
    if sent is None:
        raise ServiceError(
            401, "the API key is missing: expected the header Authorization: Bearer KEY; add it"
        )
    name = service.keys.name_of(sent.credentials)
    if name is None:
        raise ServiceError(401, "the API key is wrong")
    request.scope["state"]["key"] = name
    return name


Owner = Annotated["str | None", Depends(check_key)]
Running = Annotated[Service, Depends(service_of)]


def client_of(request: Request, owner: Owner) -> str:
    """What limits count by: the API key, else the client's address."""
    if owner is not None:
        return f"key {owner}"
    return request.client.host if request.client else ""


Client = Annotated[str, Depends(client_of)]


def accepting(service: Running) -> None:
    """Refuse new work when the service is about to stop, with ServiceError."""
    if service.stopping.is_set():
        raise ServiceError(503, "the service stops; try again", retry_after=10, close=True)
