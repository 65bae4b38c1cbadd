"""The OpenAPI document is valid, and a client generated from it colours a picture."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from photochrom.options import ColorOptions, OutputOptions, VideoOptions
from photochrom.server.http.request_options import JobOptions, PictureOptions
from tests.helpers.server_running import Running, opened, picture, running

SCRIPT = """
import sys
from io import BytesIO
from pathlib import Path
from generated import Client
from generated.api.jobs import create_job, get_job
from generated.api.pictures import analyze, colorize
from generated.models import AnalyzeBody, ColorizeBody, CreateJobBody
from generated.models import ColorizeBodyFormat as Format
from generated.types import File

client = Client(base_url=sys.argv[1])
jpeg = Path("in.jpg").read_bytes()
file = lambda: File(payload=BytesIO(jpeg), file_name="in.jpg")
body = ColorizeBody(file=file(), vividness=0.5, format_=Format.PNG)
Path("out.png").write_bytes(colorize.sync_detailed(client=client, body=body).content)
found = analyze.sync(client=client, body=AnalyzeBody(file=file(), places="[[1, 2]]"))
assert (found.width, len(found.palette)) == (48, 1), found
job = create_job.sync(client=client, body=CreateJobBody(file=[file(), file()]))
assert get_job.sync(job.id, client=client).total == 2
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def document(live: Running) -> Any:
    return live.client.get("/openapi.json").json()


def test_the_document_is_valid(document: Any) -> None:
    validator = pytest.importorskip("openapi_spec_validator", reason="not installed (group dev)")
    assert document["openapi"].startswith("3.1")
    assert list(validator.OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_operations_have_names_of_their_own(document: Any) -> None:
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(set(names)) == len(names)
    for each in operations:
        assert len(set(each["tags"])) == len(each["tags"])
        assert (
            sum("json" in kind for kind in each["responses"].get("200", {}).get("content", {})) <= 1
        )
    assert "itemSchema" not in json.dumps(document)


def test_every_option_is_typed(document: Any) -> None:
    """Those of a form too; a new field of the dataclasses is there without another list."""
    form = document["paths"]["/v1/colorize"]["post"]["requestBody"]["content"]
    kinds = {
        name: each["type"]
        for name, each in form["multipart/form-data"]["schema"]["properties"].items()
    }
    assert kinds["vividness"] == "number"
    assert kinds["size"] == kinds["quality"] == "integer"
    assert kinds["strict"] == "boolean"
    ours = {each.name for kind in (ColorOptions, OutputOptions) for each in fields(kind)}
    # A reference is a file; as text it would name one of the server's own.
    assert ours - {"max_pixels", "reference"} == set(PictureOptions.model_fields) - {"model"}
    films = {each.name for each in fields(VideoOptions)}
    # Folders of frames are not sent.
    assert films - {"fps"} <= set(JobOptions.model_fields)


# Clients of openapi-generator 7 cannot send a number with a fraction in a form.
OTHER_SCRIPT = """
import sys
from pathlib import Path
from openapi_client import ApiClient, Configuration, JobsApi, PicturesApi

client = ApiClient(Configuration(host=sys.argv[1]))
jpeg = ("in.jpg", Path("in.jpg").read_bytes())
coloured = PicturesApi(client).colorize(jpeg, vividness=2, format="png")
Path("out.png").write_bytes(coloured)
found = PicturesApi(client).analyze(jpeg, places="[[1, 2]]")
assert (found.width, len(found.palette)) == (48, 1), found
jobs = JobsApi(client)
assert jobs.get_job(jobs.create_job(file=[jpeg, jpeg]).id).total == 2
"""


@pytest.mark.slow
def test_a_client_of_openapi_generator(live: Running, document: Any, tmp_path: Path) -> None:
    program = shutil.which("openapi-generator-cli", path=str(Path(sys.executable).parent))
    if program is None or shutil.which("java") is None:
        pytest.skip("openapi-generator-cli or java is not installed")
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "in.jpg").write_bytes(picture())
    command = [program, "generate", "-i", "openapi.json", "-g", "python", "-o", "generated"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    run = [sys.executable, "-c", OTHER_SCRIPT, live.url]
    generated = os.environ | {"PYTHONPATH": str(tmp_path / "generated")}
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env=generated)
    if "No module named 'dateutil'" in done.stderr:
        pytest.skip("the generated client needs dateutil")
    assert done.returncode == 0, done.stderr
    check_coloured(live, tmp_path, 2)


def check_coloured(live: Running, folder: Path, vividness: float) -> None:
    """What a generated client got is what the service gives."""
    expected = live.client.post(
        "/v1/colorize", content=picture(), params={"vividness": vividness, "format": "png"}
    )
    assert (folder / "out.png").read_bytes() == expected.content
    assert opened(expected.content).mode == "RGB"


@pytest.mark.slow
def test_a_client_of_openapi_python_client(live: Running, document: Any, tmp_path: Path) -> None:
    pytest.importorskip("openapi_python_client", reason="not installed (group dev)")
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "in.jpg").write_bytes(picture())
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", "openapi.json", "--output-path", "generated", "--fail-on-warning"]
    tools = Path(sys.executable).parent  # it runs ruff over what it has written
    found = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=found)
    assert done.returncode == 0, done.stdout + done.stderr
    run = [sys.executable, "-W", "error", "-c", SCRIPT, live.url]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    check_coloured(live, tmp_path, 0.5)
