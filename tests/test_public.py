"""The names the package offers, and how little it takes to import it."""

import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

import photochrom

HEAVY = [
    *("av", "cv2", "fastapi", "google.protobuf", "numpy", "onnx", "onnxruntime"),
    *("PIL", "pyvips", "ray", "streamlit", "timm", "torch"),
]
PUBLIC = [name for name in photochrom.__all__ if name != "__version__"]


def test_all_names_are_there() -> None:
    offered = {
        name: getattr(photochrom, name) for name in dir(photochrom) if not name.startswith("_")
    }
    names = {name for name, value in offered.items() if not isinstance(value, ModuleType)}
    assert names == set(PUBLIC)
    with pytest.raises(AttributeError, match="no attribute 'colourise'"):
        photochrom.colourise  # noqa: B018
    assert list(photochrom.__all__) == sorted(set(photochrom.__all__))
    assert photochrom.__version__


def members(value: Any) -> list[tuple[str, Any]]:
    """The public functions and properties that a class itself defines."""
    if not inspect.isclass(value):
        return []
    return [
        (name, getattr(member, "func", member))
        for name, member in vars(value).items()
        if not name.startswith("_") and (callable(member) or hasattr(member, "__get__"))
    ]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_is_explained(name: str) -> None:
    value = getattr(photochrom, name)
    assert (value.__doc__ or "").strip()
    assert not value.__doc__.startswith(f"{name}(")  # what a dataclass writes by itself
    without = [part for part, member in members(value) if not inspect.getdoc(member)]
    assert without == []


def loaded_by(code: str) -> tuple[set[str], str]:
    """The heavy modules that a fresh interpreter has after running `code`, and what it printed."""
    end = f"import json, sys; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{end}"], capture_output=True, text=True, check=True
    )
    *printed, last = run.stdout.splitlines()
    return set(json.loads(last)), "\n".join(printed)


def test_importing_loads_nothing_heavy() -> None:
    assert loaded_by("import photochrom") == (set(), "")


def test_help_loads_nothing_heavy() -> None:
    code = """
import sys
from photochrom.cli import main
sys.argv = ["photochrom", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
    loaded, printed = loaded_by(code)
    assert loaded == set()
    assert "colorize" in printed


def test_running_a_model_loads_only_its_runtime() -> None:
    """So the list above can fail, and nothing pulls in PyTorch or the like on the way."""
    code = """
import numpy
import photochrom
photochrom.colorize(numpy.zeros((8, 8), numpy.uint8))
"""
    assert loaded_by(code)[0] == {"PIL", "numpy", "onnxruntime"}


def test_a_jpeg_on_the_command_line_loads_what_it_needs(tmp_path: Path) -> None:
    """What other formats, hints, films, clusters and downloads need is not among it."""
    Image.new("L", (64, 48), 90).save(tmp_path / "a.jpg")
    code = f"""
import sys
from photochrom.cli import main
sys.argv = ["photochrom", "colorize", {str(tmp_path / "a.jpg")!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted(sys.modules))
"""
    heavy, printed = loaded_by(code)
    loaded = set(printed.split())
    ours = {name for name in loaded if name.split(".")[0] == "photochrom"}
    assert heavy == {"PIL", "numpy", "onnxruntime", "pyvips"}
    assert loaded & {"ssl", "urllib.request", "http.client", "sqlite3", "fsspec"} == set()
    assert "photochrom.picture.jpeg.splice" in ours
    assert len(ours) <= 44, sorted(ours)
    assert (tmp_path / "a-color.jpg").exists()
