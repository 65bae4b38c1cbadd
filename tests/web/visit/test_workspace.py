"""What one visitor has is bounded, and goes with the visitor; work in the background."""

from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from photochrom import ArgumentError, PictureError
from photochrom.errors import CancelToken
from photochrom.web.visit import workspace as module
from photochrom.web.visit.film_files import film_missing
from photochrom.web.visit.jobs import Job, Progress, Task, write_zip
from photochrom.web.visit.workspace import Workspace

JPEG, MP4 = b"\xff\xd8\xff", b"\0\0\0 ftypisom"


def data(size: int = 3, head: bytes = JPEG) -> io.BytesIO:
    return io.BytesIO(head + b"x" * (size - len(head)))


def test_files_are_kept_in_a_private_folder_under_our_own_names(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    item = space.add("../../etc/grand ma.JPG", data())
    assert item.name == "grand ma.JPG"
    assert item.path.parent == space.folder
    assert item.path.suffix == ".jpg"
    assert item.path.read_bytes() == JPEG
    assert space.folder.stat().st_mode & 0o077 == 0
    assert not item.is_film
    assert space.add("clip.mp4", data(head=MP4)).is_film


def test_closing_ends_the_job_and_removes_the_folder(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    space.add("a.jpg", data())
    job = Job("pictures", "pictures", space.folder / "x", _wait)
    space.start(job)
    space.close()
    assert not space.folder.exists()
    _until(lambda: job.status == "cancelled")


def test_a_workspace_on_the_same_folder_is_the_same(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    item = space.add("grand ma.jpg", data())
    space.add("film.mp4", data(head=MP4))
    lender = space.lend("colours.jpg", data())
    item.edits.act({"do": "put", "x": 0.25, "y": 0.5})
    item.edits.act({"do": "paint", "id": 1, "color": "#c0392b"})
    item.edits.change(reference=lender.key, version=2)
    item.edits.tune("warmth", 0.5)
    item.edits.undo()
    space.chosen, space.model = item.key, "other"
    space.save()
    again = Workspace(tmp_path / "visit")
    assert [(i.name, i.path) for i in again.items.values()] == [
        (i.name, i.path) for i in space.items.values()
    ]
    assert again.references.keys() == {lender.key}
    assert (again.chosen, again.model) == (item.key, "other")
    edits = again.items[item.key].edits
    assert edits.look == item.edits.look
    edits.redo()
    assert edits.look.options.warmth == 0.5
    edits.undo()
    edits.undo()
    assert edits.look.pins[0].color == "#c0392b"
    assert edits.look.reference is None


def test_a_film_that_is_removed_is_not_coloured_on(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    item = space.add("film.mp4", data(head=MP4))
    job = Job(item.key, "frames", space.folder / "x", _wait)
    space.start(job)
    space.remove(item.key)
    assert not space.jobs
    _until(lambda: job.status == "cancelled")


def _wait(report: Progress, cancel: CancelToken) -> list[str]:
    for step in range(500):
        report(step, 500)
        time.sleep(0.01)
    return []


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["notes.txt", "noending", "a.jpg"])
def test_only_pictures_and_films_are_taken(name: str, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    with pytest.raises(ArgumentError, match=f"{name} cannot be coloured: .*got text"):
        space.add(name, data(head=b"words"))
    assert list(space.folder.iterdir()) == []


def test_the_number_of_files_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "FILES", 2)
    space = Workspace(tmp_path / "visit")
    for name in ("a.jpg", "b.jpg"):
        space.add(name, data())
    with pytest.raises(ArgumentError, match=r"c\.jpg was not taken: expected at most 2 files"):
        space.add("c.jpg", data())


def test_the_size_of_all_files_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "MEGABYTES", 1)
    space = Workspace(tmp_path / "visit")
    first = space.add("a.jpg", data(700_000))
    with pytest.raises(ArgumentError, match=r"at most 1 MB together, got 1 MB"):
        space.add("b.jpg", data(400_000))
    assert [path.name for path in space.folder.glob("*.jpg")] == [first.path.name]
    space.remove(first.key)
    assert list(space.folder.glob("*.jpg")) == []
    space.add("b.jpg", data(400_000))


def test_references_are_few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    made = [space.lend(f"{number}.jpg", data()) for number in range(module._REFERENCES + 2)]
    assert list(space.references) == [item.key for item in made[2:]]
    assert len(list(space.folder.glob("*.jpg"))) == module._REFERENCES
    with pytest.raises(ArgumentError):
        space.lend("clip.mp4", data(head=MP4))


def test_canvases_are_few_and_those_used_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Fake:
        def __init__(self, colorizer: object, path: Path, size: object) -> None:
            made.append(path)

    class Colorizer:
        class model:  # noqa: N801
            path = "m.onnx"

    made: list[Path] = []
    monkeypatch.setattr(module, "Canvas", Fake)
    monkeypatch.setattr(module, "_CANVASES", 2)
    space, colorizer = Workspace(tmp_path / "visit"), Colorizer()
    a, b, c = (space.add(name, data()) for name in ("a.jpg", "b.jpg", "c.jpg"))
    for item in (a, b, a, c, a, b):
        space.canvas(item, colorizer)  # type: ignore[arg-type]
    assert made == [a.path, b.path, c.path, b.path]
    space.remove(a.key)
    assert len(space._canvases) == 1


def test_a_job_reports_and_ends(tmp_path: Path) -> None:
    job = Job("x", "frames", tmp_path / "r", lambda report, cancel: report(1, 2) or ["one thing"])
    job.start()
    _until(lambda: job.status == "done")
    assert (job.done, job.total, job.problems) == (1, 2, ["one thing"])


def test_a_job_that_fails_says_why(tmp_path: Path) -> None:
    def fail(report: Progress, cancel: CancelToken) -> list[str]:
        raise PictureError("a.jpg cannot be read", expected="x", got="y", fix="z")

    job = Job("x", "frames", tmp_path / "r", fail)
    job.start()
    _until(lambda: job.status == "failed")
    assert job.problems == [
        "This cannot be opened: the file is damaged or incomplete. Try to copy it again from "
        "where it came."
    ]


def test_a_new_job_takes_the_place_of_the_result_before(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    first = Job(
        "x", "frames", tmp_path / "a", lambda report, cancel: (tmp_path / "a").touch() or []
    )
    space.start(first)
    _until(lambda: first.status == "done")
    space.start(Job("x", "frames", tmp_path / "b", lambda report, cancel: []))
    assert not (tmp_path / "a").exists()


def test_results_are_there_after_a_restart(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "visit")
    item = space.add("a.jpg", data())
    ended, broken = (space.folder / name for name in ("pictures.zip", "film.mkv"))
    looks = space.looks("pictures")
    space.start(Job("pictures", "pictures", ended, lambda *_: ended.touch() or [], looks))
    _until(lambda: space.running is None)
    space.start(Job("film", "frames", broken, _wait))
    again = Workspace(space.folder)
    assert again.jobs["pictures"].status == "done"
    assert again.jobs["pictures"].looks == again.looks("pictures")
    again.items[item.key].edits.change(version=1)
    assert again.jobs["pictures"].looks != again.looks("pictures")
    assert again.jobs["film"].status == "failed"
    assert "goes on where it was" in again.jobs["film"].problems[0]
    space.close()


def test_named_colours_are_kept_bounded_and_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "COLORS", 2)
    space = Workspace(tmp_path / "visit")
    for name, color in (("coat", "#7a2b1e"), ("wall", "#aabbcc"), ("x", "red"), ("sky", "#2b39c0")):
        space.name_color(name, color)
    space.save()
    assert Workspace(space.folder).colors == {"wall": "#aabbcc", "sky": "#2b39c0"}
    space.name_color("wall", None)
    assert list(space.colors) == ["sky"]


def test_a_new_job_cancels_the_one_before(tmp_path: Path) -> None:
    space, entered = Workspace(tmp_path / "visit"), threading.Event()

    def work(report: Progress, cancel: CancelToken) -> list[str]:
        entered.set()
        return _wait(report, cancel)

    first = Job("x", "frames", tmp_path / "a", work)
    space.start(first)
    assert entered.wait(10)
    space.start(Job("x", "frames", tmp_path / "b", lambda report, cancel: []))
    _until(lambda: first.status == "cancelled")


def test_a_zip_has_every_result_under_a_name_of_its_own(tmp_path: Path) -> None:
    def colour(stem: Path, cancel: CancelToken) -> Path:
        path = stem.with_name(stem.name + ".png")
        path.write_text(stem.name)
        return path

    def fail(stem: Path, cancel: CancelToken) -> Path:
        raise PictureError("it cannot be read", expected="x", got="y", fix="z")

    target, seen = tmp_path / "all.zip", []
    tasks = [Task("a.gif", colour), Task("bad.jpg", fail), Task("a.png", colour)]
    problems = write_zip(
        target, tasks, lambda done, total: seen.append((done, total)), CancelToken()
    )
    assert len(problems) == 1
    assert problems[0].startswith("“bad.jpg” cannot be opened: ")
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["a-color.png", "a-color-2.png"]
        assert archive.read("a-color-2.png") == b"all-2"
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert [path.name for path in tmp_path.iterdir()] == ["all.zip"]
    with pytest.raises(PictureError, match="no picture could be coloured"):
        write_zip(tmp_path / "none.zip", [Task("bad.jpg", fail)], lambda *_: None, CancelToken())
    assert [path.name for path in tmp_path.iterdir()] == ["all.zip"]


def test_films_need_their_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.video.find_spec", lambda name: None)
    assert "photochrom[video]" in (film_missing() or "")
