"""The OpenAPI document, and the page /docs with Swagger UI from a package, not from a CDN."""

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

from .error_responses import ErrorAnswer

_ASSETS = "/docs/assets"
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
"""Schema of a file."""


def body(options: type[BaseModel], *, several: bool = False, references: int = 0) -> dict[str, Any]:
    """``openapi_extra`` of an endpoint that takes a file in a form.

    The file can be the body itself as well, with the options in the query; in the document this
    second way would give each option of a generated client twice.

    Args:
        options: the other fields of the form.
        several: the form can have the field ``file`` several times.
        references: how many files of the field ``reference`` it can have.
    """
    fields = options.model_json_schema()["properties"]
    for each in fields.values():
        each.pop("default", None)  # of what is left out, None is no value
    file = {"type": "array", "items": BINARY, "minItems": 1} if several else BINARY
    form: dict[str, Any] = {"type": "object", "properties": {"file": file, **fields}}
    if references:
        form["properties"]["reference"] = {
            "type": "array",
            "items": BINARY,
            "maxItems": references,
            "description": "Pictures in colour to borrow the colours of like things from.",
        }
    if not several:  # else sources in a store can stand for it
        form["required"] = ["file"]
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}


def add_docs(app: FastAPI) -> None:
    """Add /docs and complete the OpenAPI document."""
    _complete(app)
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


def _complete(app: FastAPI) -> None:
    """Describe errors as they are, and parameters without null."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document["components"]["schemas"]
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        error = {"schema": {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}}
        for path in document["paths"].values():
            for operation in path.values():
                operation["tags"] = sorted(set(operation["tags"]))
                if "requestBody" in operation:
                    operation["parameters"] = [
                        each for each in operation["parameters"] if each["in"] != "query"
                    ]
                for parameter in operation.get("parameters", ()):
                    # What is left out has its default elsewhere; null is no value of a query.
                    if parameter["schema"].get("default", 0) is None:
                        del parameter["schema"]["default"]
                    parameter["schema"] = _not_null(parameter["schema"])
                for status, answer in operation["responses"].items():
                    if str(status) >= "400":  # JSON even where the good answer is something else
                        answer["content"] = {"application/json": error}
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without the alternative null."""
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return dict(kinds[0]) | {key: value for key, value in schema.items() if key != "anyOf"}
