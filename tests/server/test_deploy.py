"""The files for operators: image, compose file, systemd unit, Helm chart, locked dependencies."""

from __future__ import annotations

import configparser
import inspect
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from photochrom.cli.serve import serve

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "photochrom"
FILES = ["Dockerfile", "compose.yaml", "deploy/photochrom.service"]
FILES += [str(path.relative_to(ROOT)) for path in sorted(CHART.rglob("*.*"))]


@pytest.mark.parametrize("name", FILES)
def test_settings_are_those_of_the_command(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    known = {f"PHOTOCHROM_{each.upper()}" for each in inspect.signature(serve).parameters}
    known |= {"PHOTOCHROM_HOME", "PHOTOCHROM_NAME"}
    assert set(re.findall(r"PHOTOCHROM_[A-Z_]+", text)) <= known


def test_the_image_and_the_docs_agree() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    user, folder = re.search(r"USER (\d+)", image), re.search(r"VOLUME (\S+)", image)
    assert user is not None
    assert folder is not None
    assert f"({user[1]})" in text
    assert f"-v photochrom:{folder[1]}" in text
    unit = (ROOT / "deploy/photochrom.service").read_text(encoding="utf-8")
    assert f"PHOTOCHROM_HOME={folder[1]}" in unit
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", image, re.MULTILINE):
        for each in copied.split():
            assert f"!{each}" in ignored
            assert (ROOT / each).exists()


def test_the_locked_dependencies_are_those_of_the_package() -> None:
    lock = (ROOT / "deploy" / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", lock, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(x for e in ("server", "heif", "video") for x in extras[e]),
    ]
    for each in wanted:
        name = re.split(r"[\[<>=~!; ]", each)[0].lower().replace("_", "-")
        assert name in pinned, f"{name}: make the lock anew, see docs/server.md"
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock


def test_the_chart() -> None:
    yaml = pytest.importorskip("yaml")
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["name"] == CHART.name
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    templates = "".join(path.read_text(encoding="utf-8") for path in CHART.rglob("templates/*"))
    for path in re.findall(r"\.Values\.([A-Za-z.]+)", templates):
        found = values
        for step in path.split("."):
            assert step in found, path
            found = found[step]
    if shutil.which("helm") is None:
        pytest.skip("helm is not installed")
    subprocess.run(["helm", "lint", "--strict", CHART], check=True)


def test_compose_and_unit_can_be_read() -> None:
    yaml = pytest.importorskip("yaml")
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    assert compose["services"]["photochrom"]["read_only"] is True
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "deploy" / "photochrom.service", encoding="utf-8")
    assert unit["Service"]["KillMode"] == "mixed"
    assert unit["Service"]["ExecStart"].endswith("photochrom serve")
