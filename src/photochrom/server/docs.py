"""The page /docs, with Swagger UI from a package beside, not from a CDN."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from starlette.staticfiles import StaticFiles

from .errors import ErrorAnswer

_ASSETS = "/docs/assets"


def add_docs(app: FastAPI, extra_schemas: tuple[type[BaseModel], ...]) -> None:
    """Add /docs, and what the OpenAPI description refers to beside the endpoints' models."""
    _add_schemas(app, extra_schemas)
    spec = importlib.util.find_spec("fastapi_offline")  # only its files are used
    assert spec is not None, "the extra server has it"
    assert spec.origin is not None
    files = Path(spec.origin).parent / "static"
    app.mount(_ASSETS, StaticFiles(directory=files), name="assets")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="openapi.json",
            title=f"{app.title} {app.version}",
            swagger_js_url="docs/assets/swagger-ui-bundle.js",
            swagger_css_url="docs/assets/swagger-ui.css",
            swagger_favicon_url="docs/assets/favicon.png",
        )
        scripts = re.findall(rb"<script>(.*?)</script>", bytes(page.body), re.DOTALL)
        allowed = " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(each).digest()).decode()}'"
            for each in scripts
        )
        page.headers["Content-Security-Policy"] = (
            "default-src 'none'; connect-src 'self'; img-src 'self' data: blob:; "
            f"style-src 'self' 'unsafe-inline'; script-src 'self' {allowed}; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        return page


def _add_schemas(app: FastAPI, extra: tuple[type[BaseModel], ...]) -> None:
    """FastAPI knows the models of return values only, not those of a hand-made response."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        description = made()
        schemas = description["components"]["schemas"]
        for model in extra:
            found = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= found.pop("$defs", {})
            schemas[model.__name__] = found
        # Every error has our shape, also where FastAPI would describe its own.
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        error = {"schema": {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}}
        for path in description["paths"].values():
            for operation in path.values():
                for status, answer in operation["responses"].items():
                    if status >= "400":  # JSON even where the good answer is something else
                        answer["content"] = {"application/json": error}
        return description

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it
