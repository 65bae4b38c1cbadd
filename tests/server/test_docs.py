"""What docs/server.md and the OpenAPI description show runs, and is all there is."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from photochrom.cli.serve import serve
from photochrom.server.http.error_responses import CODES
from photochrom.server.http.request_options import AnalysisOptions, JobOptions
from photochrom.server.settings import Settings
from tests.helpers.server_running import Running, opened, picture, running

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python|js)\n(.*?)```", TEXT, re.DOTALL)
JPEG = picture()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server"), stores=("memory://bucket",)) as found:
        yield found


def test_there_are_blocks() -> None:
    assert [kind for kind, _ in BLOCKS] == [
        *("sh", "python", "js", "sh", "sh", "python", "js", "sh", "python", "sh")
    ]


@pytest.mark.parametrize(
    ("kind", "code"), BLOCKS, ids=[f"{n}-{b[0]}" for n, b in enumerate(BLOCKS)]
)
def test_a_block(live: Running, tmp_path: Path, kind: str, code: str) -> None:
    program = {"sh": "bash", "python": sys.executable, "js": "node"}[kind]
    for needed in (program, "curl" if kind == "sh" else program):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed")
    if kind == "js" and _node() < 20:
        pytest.skip("the snippets are for Node 20 or newer")
    for name in ("grandma.jpg", "grandpa.jpg"):
        (tmp_path / name).write_bytes(JPEG)
    script = tmp_path / {"sh": "run.sh", "python": "run.py", "js": "run.mjs"}[kind]
    code = code.replace("http://127.0.0.1:8000", live.url).replace("s3://", "memory://")
    script.write_text("set -e\n" + code if kind == "sh" else code, encoding="utf-8")
    done = subprocess.run(
        [program, script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"KEY": "any", "NODE_NO_WARNINGS": "1"},
    )
    assert done.returncode == 0, done.stderr
    made = [path for path in tmp_path.iterdir() if "color" in path.name]
    for path in made:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as packed:
                assert len(packed.namelist()) == 2
        else:
            assert opened(path.read_bytes()).size == (48, 32)
    assert (
        made
        or "grandma.json" in code
        or "/v1/models" in code
        or "is_genuine" in code
        or "sources" in code
    )
    if "grandma.json" in code:
        assert len(json.loads((tmp_path / "grandma.json").read_text())["palette"]) == 1


def _node() -> int:
    found = subprocess.run(["node", "--version"], capture_output=True, text=True)
    return int(found.stdout.strip().lstrip("v").split(".")[0])


def test_every_setting_is_explained() -> None:
    parameters = inspect.signature(serve).parameters
    assert {each.name for each in fields(Settings)} - {"models", "cors_origins", "stores"} < set(
        parameters
    )
    rows = dict(re.findall(r"^\| `--([a-z-]+)` \| ([^|]*?) \|", TEXT, re.MULTILINE))
    assert set(rows) == {name.replace("_", "-") for name in parameters}
    defaults = Settings()
    for name, parameter in parameters.items():
        if type(parameter.default) in (int, float):
            told = rows[name.replace("_", "-")].replace(" million", "000000")
            assert float(told) == parameter.default
            if name not in ("host", "port"):
                assert getattr(defaults, name) == parameter.default


def test_every_option_and_error_is_explained() -> None:
    for name in {**JobOptions.model_fields, **AnalysisOptions.model_fields}:
        assert re.search(rf"^\| [^|]*`{name}`", TEXT, re.MULTILINE), name
    for status, code in CODES.items():
        assert str(status) in TEXT
        assert f"`{code}`" in TEXT


def test_every_path_is_explained(live: Running) -> None:
    for path in live.client.get("/openapi.json").json()["paths"]:
        assert path in TEXT


def test_the_examples_of_the_description_run(live: Running) -> None:
    description = live.client.get("/openapi.json").json()
    tried = 0
    for path in ("/v1/colorize", "/v1/analyze", "/v1/jobs"):
        form = description["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]
        for name, field in form["schema"]["properties"].items():
            for example in field.get("examples", []):
                answer = live.client.post(path, files={"file": JPEG}, data={name: example})
                assert answer.status_code in (200, 202), answer.text
                tried += 1
    assert tried >= 9


@pytest.mark.slow
def test_schemathesis(live: Running) -> None:
    """A few requests made from the description; benchmarks/fuzz_server.py makes many."""
    schemathesis: Any = pytest.importorskip("schemathesis", reason="not installed (group dev)")
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import status_code_conformance

    schema = schemathesis.openapi.from_url(f"{live.url}/openapi.json")
    checks = [not_a_server_error, status_code_conformance]
    seen = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=2,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def call(case: Any) -> None:
            case.call_and_validate(checks=checks)

        call()
        seen += 1
    assert seen == 13
