"""Endpoints for machines and operators: models, health, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from ...metrics import CONTENT_TYPE_LATEST
from ...service_error import ServiceError
from ..dependencies import Running, check_key
from ..error_responses import responses

open_router = APIRouter(tags=["service"])
router = APIRouter(tags=["service"], dependencies=[Depends(check_key)], responses=responses(401))


class ModelInfo(BaseModel):
    """A model of the service; `size` and `smallest` are sides in pixels, for the option `size`."""

    name: str
    default: bool
    title: str
    family: str
    licence: str
    size: int
    smallest: int
    hints: bool
    distribution: bool


class ModelList(BaseModel):
    """The models of the service."""

    models: list[ModelInfo]


class Health(BaseModel):
    """Whether the process answers."""

    status: str


class Readiness(BaseModel):
    """Whether the service takes requests; `jobs`: by kind, why none is done now."""

    status: str
    jobs: dict[str, str]


@router.get("/v1/models", operation_id="list_models")
def models(service: Running) -> ModelList:
    """The models that requests can name."""
    return ModelList(
        models=[
            ModelInfo(default=not number, **each) for number, each in enumerate(service.pool.models)
        ]
    )


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(service: Running) -> Response:
    """Metrics for Prometheus."""
    return Response(service.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@open_router.get("/healthz", operation_id="health")
async def healthz() -> Health:
    """Whether the process answers."""
    return Health(status="ok")


@open_router.get("/readyz", operation_id="readiness", responses=responses(503))
async def readyz(service: Running) -> Readiness:
    """Whether the service takes requests: its workers run and it is not about to stop."""
    if service.stopping.is_set():
        raise ServiceError(503, "the service stops", retry_after=10)
    if not service.pool.alive:
        raise ServiceError(503, "no worker process runs", retry_after=10)
    if not service.jobs.alive:
        raise ServiceError(503, "the threads for jobs do not run", retry_after=10)
    return Readiness(status="ready", jobs=dict(service.jobs.paused))


@open_router.get("/", include_in_schema=False)
async def root(request: Request) -> Response:
    """To the page of documentation."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/docs", 307)
