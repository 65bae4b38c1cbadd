"""Options of ``photochrom colorize`` about what is read, how it is written, and what is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photochrom.archive.find import survey
from photochrom.media import FORMATS
from tests.helpers.cli_model import (
    check_mistake,
    grey_picture,
    invoke,
    is_coloured,
    launch,
    pixels,
    write_picture,
)

pytest.importorskip("onnx", reason="the tests' model is made with onnx")
pytestmark = pytest.mark.usefixtures("model", "own_folder")


def run(*arguments: object) -> Any:
    """A command that works."""
    done = invoke("colorize", *arguments, "-m", "tiny.onnx")
    assert done.exit_code == 0, done.stderr
    return done


def names(folder: str = ".") -> set[str]:
    own = ("tiny.onnx", "photochrom-report.html")
    return {p.name for p in Path(folder).iterdir() if p.is_file() and p.name not in own}


def write_color(path: Path) -> Path:
    """A picture of many colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colors = np.random.default_rng(1).integers(0, 255, (6, 6, 3), np.uint8)
    Image.fromarray(np.repeat(np.repeat(colors, 10, 0), 10, 1)).save(path)
    return path


# --- formats and names ---------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jpeg", "png", "webp", "TIF"])
def test_format(format: str) -> None:
    deep = Image.fromarray(np.full((20, 30), 30000, np.uint16))
    Path("in").mkdir()
    deep.save("in/master.tif")
    grey_picture().save("in/b.jpg")
    run("in", "-o", "out", "--format", format)
    suffixes = FORMATS["tiff" if format == "TIF" else format].suffixes
    made = {Path(name) for name in names("out")}
    assert {path.stem for path in made} == {"master", "b"}
    assert all(path.suffix in suffixes for path in made)
    run("in/master.tif", "--format", format)
    assert any(Path(f"in/master-color{suffix}").exists() for suffix in suffixes)


def test_suffix() -> None:
    write_picture(Path("a.png"))
    write_picture(Path("b.png"))
    run("a.png", "--suffix", "_farbig")
    run("a.png", "b.png", "--suffix", "_farbig")
    assert names() == {"a.png", "b.png", "a_farbig.png", "b_farbig.png"}
    check_mistake(invoke("colorize", "a.png", "--suffix", "x/y", "-m", "tiny.onnx"), "suffix")


def test_page() -> None:
    pages = [grey_picture(), grey_picture(30, 60)]
    pages[0].save("album.tif", save_all=True, append_images=pages[1:])
    run("album.tif", "--page", 2, "-o", "second.png")
    assert pixels(Path("second.png")).shape[:2] == (60, 30)
    done = invoke("colorize", "album.tif", "--page", 3, "-o", "third.png", "-m", "tiny.onnx")
    check_mistake(done, "page 3", "1...2", code=1)
    assert names() == {"album.tif", "second.png"}


def test_warmth() -> None:
    write_picture(Path("a.png"))
    means = []
    for warmth in (-1, 0, 1):
        run("a.png", "--warmth", warmth, "-o", f"{warmth}.png")
        means.append(pixels(Path(f"{warmth}.png"))[..., 2].mean())
    assert means[0] > means[1] > means[2]  # blue


def test_times_and_permissions_are_kept() -> None:
    source = write_picture(Path("in/a.jpg"))
    source.chmod(0o640)
    os.utime(source, (1e9, 1e9))
    run("in", "-o", "out")
    run("in/a.jpg")
    for result in (Path("out/a.jpg"), Path("in/a-color.jpg")):
        assert result.stat().st_mtime == 1e9
        if os.name != "nt":
            assert result.stat().st_mode & 0o777 == 0o640
    assert "1 skipped, done before" in run("in", "-o", "out").stderr


def test_a_jpeg_keeps_its_luma_and_gives_it_back() -> None:
    source = write_picture(Path("a.jpg"), 64, 64)
    run("a.jpg")
    run("a.jpg", "--recompress", "-o", "anew.jpg")
    done = invoke("uncolor", "a-color.jpg")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == "a-color.jpg -> a-grey.jpg\n"
    assert Path("a-grey.jpg").read_bytes() == source.read_bytes()
    check_mistake(invoke("uncolor", "a-color.jpg"), "a-grey.jpg exists already", code=1)
    assert invoke("uncolor", "a-color.jpg", "anew.jpg", "-o", "grey").exit_code == 1
    assert names("grey") == {"a-color.jpg"}
    check_mistake(invoke("uncolor", "a.jpg", "-o", "b.jpg"), "a.jpg", code=1)


def test_a_jpeg_without_its_end() -> None:
    data = write_picture(Path("whole.jpg"), 300, 300).read_bytes()
    Path("a.jpg").write_bytes(data[: len(data) * 2 // 3])
    check_mistake(invoke("colorize", "a.jpg", "--strict", "-m", "tiny.onnx"), "a.jpg", code=1)
    done = run("a.jpg", "--json")
    (note,) = json.loads(done.stdout)["notes"]
    assert done.stderr.splitlines()[1:] == [f"photochrom: {note}"]


# --- pictures in colour --------------------------------------------------------------------------


def test_pictures_in_color() -> None:
    write_color(Path("in/color.png"))
    write_picture(Path("in/grey.png"))
    done = run("in", "-o", "out")
    assert "1 picture coloured" in done.stderr
    assert "1 skipped, in colour already" in done.stderr
    assert names("out") == {"grey.png"}
    assert "1 skipped, in colour already" in run("in", "-o", "out").stderr
    done = run("in", "-o", "out", "--in-color", "recolor")
    assert names("out") == {"grey.png", "color.png"}
    assert "in/color.png: its own colours were replaced" in done.stderr
    done = run("in/color.png", "-o", "named.png", "--json")
    assert json.loads(done.stdout)["notes"] == ["its own colours were replaced"]
    done = run("in/color.png", "-o", "no.png", "--in-color", "skip")
    assert "in colour already" in done.stderr
    assert not Path("no.png").exists()
    check_mistake(invoke("colorize", "in", "--in-color", "x", "-m", "tiny.onnx"), "in_color")


def test_results_of_earlier_runs_are_told_by_their_mark() -> None:
    write_picture(Path("in/a.png"))
    run("in/a.png", "-o", "in/anything.png")
    done = run("in", "-o", "out", "--json")
    told = {Path(t["input"]).name: t["status"] for t in map(json.loads, done.stdout.splitlines())}
    assert told == {"a.png": "ok", "anything.png": "skipped"}


# --- which files ---------------------------------------------------------------------------------


def test_zip_as_a_path() -> None:
    pytest.importorskip("fsspec", reason="zip files need the extra archive")
    write_picture(Path("1923/a.png"))
    with zipfile.ZipFile("scans.zip", "w") as file:
        file.write("1923/a.png")
    run("scans.zip", "-o", "out")
    assert is_coloured(Path("out/1923/a.png"))


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_files_from(separator: str) -> None:
    for name in ("a b.png", "c.png", "d.png"):
        write_picture(Path(name))
    Path("list.txt").write_bytes((f"a b.png{separator}c.png{separator}").encode())
    run("d.png", "--files-from", "list.txt", "-o", "out")
    assert names("out") == {"a b.png", "c.png", "d.png"}
    check_mistake(invoke("colorize", "--files-from", "none.txt", "-m", "tiny.onnx"), "none.txt")


def test_other_files_are_counted() -> None:
    write_picture(Path("in/a.png"))
    for name in ("b.txt", "c.TXT", "d", "x.xmp"):
        Path("in", name).write_text("words")
    assert "passed over: 2 .txt, 1 no ending, 1 .xmp" in run("in", "-o", "out").stderr
    Path("in/a.png").unlink()
    done = invoke("colorize", "in", "-o", "new", "-m", "tiny.onnx")
    check_mistake(done, "nothing to colour", "2 .txt")


def test_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    from photochrom.archive import many_files

    seen = []

    def pool(*arguments: Any, **options: Any) -> Any:
        seen.append(options["jobs"])
        return local_pool(*arguments, **options)

    local_pool = many_files.local_pool
    monkeypatch.setattr(many_files, "local_pool", pool)
    write_picture(Path("in/a.png"))
    run("in", "-o", "out", "--jobs", 3)
    assert seen == [3]


def test_a_folder_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("in/a.png", "in/locked/b.png", "in/locked/c.png"):
        write_picture(Path(name))

    def access(path: str, mode: int) -> bool:
        return not path.endswith("locked")

    monkeypatch.setattr(survey.os, "access", access)
    done = invoke("colorize", "in", "-m", "tiny.onnx", "--json")
    assert done.exit_code == 1
    told = {Path(t["input"]).name: t["status"] for t in map(json.loads, done.stdout.splitlines())}
    assert told == {"a.png": "ok", "locked": "failed"}
    assert done.stderr.count("results cannot be written here") == 1


# --- what is told --------------------------------------------------------------------------------


def test_quiet_and_verbose() -> None:
    write_picture(Path("in/a.png"))
    assert run("in", "-o", "quiet", "--quiet").stderr == ""
    assert run("in/a.png", "-o", "b.png", "-q").stderr == ""
    first, last = run("in", "-o", "verbose", "-v").stderr.splitlines()
    assert first.startswith(f"{Path('in/a.png')} -> {Path('verbose/a.png')} (48x32, ")
    assert "1 picture coloured" in last
    Path("in/bad.png").write_bytes(b"")
    done = invoke("colorize", "in", "-o", "quiet", "-q", "-m", "tiny.onnx")
    assert done.exit_code == 1
    assert "1 failed" in done.stderr
    assert "bad.png" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="such names are not allowed there")
def test_control_characters_in_names_are_escaped() -> None:
    name = "a\x1b[31m\n\u202eb.png"
    write_picture(Path("in") / name)
    Path("in/bad\x07.png").write_bytes(b"")
    done = invoke("colorize", "in", "-o", "out", "-v", "-m", "tiny.onnx")
    assert done.exit_code == 1
    assert "a\\x1b[31m\\n\\u202eb.png" in done.stderr
    assert "bad\\x07.png" in done.stderr
    assert not {"\x1b", "\x07", "\u202e"} & set(done.stderr)
    page = Path("out/photochrom-report.html").read_text(encoding="utf-8")
    assert not {"\x1b", "\x07", "\u202e"} & set(page)


SLOW = """
import time
from photochrom import Colorizer
from photochrom.cli import main
render = Colorizer.render
def slowly(*args):
    time.sleep(0.5)
    return render(*args)
Colorizer.render = slowly
main()
"""


@pytest.mark.skipif(os.name == "nt", reason="there are no signals like this on Windows")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signals_end_it_without_a_traceback(name: str) -> None:
    for number in range(5):
        write_picture(Path(f"in/{number}.png"))
    words = ["-c", SLOW, "colorize", "in", "-o", "out", "-m", "tiny.onnx"]
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 60
    while not list(Path().glob("out/*.png")):
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(getattr(signal, name))
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert told.startswith("photochrom: stopped after ")
    assert len(told.splitlines()) == 1
    assert invoke("colorize", "in", "-o", "out", "-m", "tiny.onnx").exit_code == 0
    assert len(list(Path("out").glob("*.png"))) == 5


def test_completion(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = {"_PHOTOCHROM_COMPLETE": "complete_bash", "COMP_CWORD": "1"}
    for name, value in (shell | {"COMP_WORDS": "photochrom unc"}).items():
        monkeypatch.setenv(name, value)
    code = "import sys; sys.argv = ['photochrom']; from photochrom.cli import main; main()"
    assert launch(code=code).stdout.decode().split() == ["uncolor"]


# --- the way of one picture ----------------------------------------------------------------------

TRACE = """
import sys
from pathlib import Path
from photochrom.cli import main
try:
    main()
except SystemExit as error:
    assert error.code == 0
package = Path(sys.modules["photochrom"].__file__).parent
files = [getattr(m, "__file__", None) for n, m in sys.modules.items() if n.startswith("photochrom")]
names = {Path(f).relative_to(package).as_posix() for f in files if f}
print(" ".join(sorted(names | set(sys.modules))))
"""


def test_one_jpeg_loads_only_what_it_needs() -> None:
    write_picture(Path("a.jpg"))
    done = launch("colorize", "a.jpg", "-m", "tiny.onnx", code=TRACE)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.decode().split())
    unwanted = {"ssl", "urllib.request", "sqlite3", "fsspec", "ray", "rich", "filelock",
                "photochrom.models.download", "photochrom.archive.ray.driver", "multiprocessing",
                "photochrom.archive.manifest", "photochrom.video", "photochrom.cli.networks.train",
                "av", "cv2", "torch", "onnx"}  # fmt: skip
    assert loaded & unwanted == set()
    ours = {name for name in loaded if name.endswith(".py")}
    assert len(ours) <= 44, sorted(ours)
