"""`photochrom.archive.run` from Python: its events, its summary, cancelling, old manifests."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from photochrom import ArgumentError, CancelToken, ColorOptions, OutputOptions, archive
from photochrom.archive import ArchiveOptions
from photochrom.archive.events import Outcome, Planned, Progress
from photochrom.archive.manifest import Manifest
from tests.helpers.cli_model import is_coloured, write_picture

pytest.importorskip("onnx", reason="the tests' model is made with onnx")


def test_events_and_summary(tmp_path: Path, model: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.png", "1923/b.jpg"):
        write_picture(source / name)
    (source / "bad.png").write_bytes(b"no picture")
    (source / "notes.txt").write_text("words")
    events: list[archive.Event] = []
    summary = archive.run(source, out, model=model, on_event=events.append)
    assert events[0] == Planned(3, events[0].size, 0, "tiny", ("CPUExecutionProvider",))
    outcomes = [event for event in events if isinstance(event, Outcome)]
    assert Counter(each.state for each in outcomes) == {"done": 2, "failed": 1}
    assert (summary.pictures, summary.failed, summary.remaining) == (2, 1, 0)
    assert summary.passed_over == {".txt": 1}
    assert summary.report == out / "photochrom-report.html"
    assert is_coloured(out / "1923" / "b.jpg")
    again = archive.run([source], out, model=model)
    assert (again.pictures, again.failed, again.skipped) == (0, 1, {"done before": 2})
    grey = ColorOptions(vividness=0)
    assert archive.run(source, out, grey, model=model).pictures == 2


def test_one_file_needs_no_manifest(tmp_path: Path, model: Path) -> None:
    source = write_picture(tmp_path / "in" / "a.png")
    events: list[archive.Event] = []
    jpeg = OutputOptions(format="jpeg")
    summary = archive.run(source, output_options=jpeg, model=model, on_event=events.append)
    assert [type(event) for event in events] == [Planned, Outcome]
    assert summary.pictures == 1
    assert {path.name for path in source.parent.iterdir()} == {"a.png", "a-color.jpg"}
    with pytest.raises(ArgumentError, match="exists already"):
        archive.run(source, output_options=jpeg, model=model)
    with pytest.raises(ArgumentError, match="--limit cannot be used"):
        archive.run(source, model=model, archive_options=ArchiveOptions(limit=1))


@pytest.mark.parametrize("several", [False, True])
def test_cancelling(tmp_path: Path, model: Path, several: bool) -> None:
    source, token = tmp_path / "in", CancelToken()
    for number in range(4):
        write_picture(source / f"{number}.png")
    sources = source if several else source / "1.png"

    def stop(event: archive.Event) -> None:
        if isinstance(event, Planned):
            token.set()

    output = f"{tmp_path}/out/"
    summary = archive.run(sources, output, model=model, on_event=stop, cancel=token)
    assert summary.cancelled
    assert summary.pictures + summary.remaining == (4 if several else 1)
    finished = list((tmp_path / "out").rglob("*.png")) if several else []
    assert len(finished) == summary.pictures
    if several:
        assert archive.run(sources, tmp_path / "out", model=model).coloured == summary.remaining


def test_what_would_be_done(tmp_path: Path, model: Path) -> None:
    write_picture(tmp_path / "in" / "a.png")
    told = archive.estimate(tmp_path / "in", tmp_path / "out", model=model)
    assert (told.pictures, told.videos, told.measured) == (1, 0, 1)
    assert (told.film_seconds, told.film_written) == (None, None)
    assert not (tmp_path / "out").exists()


def test_what_would_be_done_with_films(tmp_path: Path, model: Path) -> None:
    from tests.helpers.video_files import Recipe, make_film

    (tmp_path / "in").mkdir()
    make_film(tmp_path / "in" / "a.mp4", Recipe(times=tuple(range(0, 6 * 512, 512))))
    told = archive.estimate(tmp_path / "in", tmp_path / "out", model=model)
    assert (told.pictures, told.videos) == (0, 1)
    assert told.film_seconds is not None
    assert told.film_seconds > 0
    assert told.film_written is not None
    assert 1000 < told.film_written < 1_000_000
    assert not (tmp_path / "out").exists()


def test_films_report_their_frames(tmp_path: Path, model: Path) -> None:
    from tests.helpers.video_files import Recipe, make_film

    film = make_film(tmp_path / "a.mp4", Recipe(times=tuple(range(0, 6 * 512, 512))))
    events: list[archive.Event] = []
    summary = archive.run(film, model=model, on_event=events.append)
    assert (summary.videos, summary.pictures) == (1, 0)
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert (last.done, last.task.kind) == (6, "video")


FIRST_SCHEMA = """
create table files (id integer primary key, key text not null unique, source text not null,
    real text not null, output text not null, compare text, compare_key text,
    size integer not null, version text not null, state text not null, model text, options text,
    survey integer not null, width integer, height integer, pages integer, pixels integer,
    seconds real, written integer, written_version text, finished real, error text,
    passing integer not null default 0, begun integer not null default 0);
create index files_state on files (survey, state, id);
create index files_real on files (real);
create table facts (name text primary key, value text);
"""


def test_a_manifest_of_the_first_release_is_gone_on_with(tmp_path: Path, model: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.png", "b.png"):
        write_picture(source / name)
    archive.run(source, out, model=model)
    file = out / ".photochrom" / "manifest.sqlite"
    old = [name for line in FIRST_SCHEMA.split(");")[0].split("(", 1)[1].split(",")
           if (name := line.split()[0])]  # fmt: skip
    with sqlite3.connect(file) as new:
        rows = new.execute(f"select {','.join(old)} from files").fetchall()
        facts = new.execute("select * from facts").fetchall()
    new.close()
    file.unlink()
    with sqlite3.connect(file) as first:
        first.executescript(FIRST_SCHEMA)
        first.executemany(f"insert into files values ({','.join('?' * len(old))})", rows)
        first.executemany("insert into facts values (?, ?)", facts)
    first.close()
    summary = archive.run(source, out, model=model)
    assert summary.skipped == {"done before": 2}
    manifest = Manifest(file)
    assert [row.kind for row in manifest.each("done")] == ["picture", "picture"]
    manifest.close()


def test_settings_that_have_their_defaults_do_not_count() -> None:
    """Else an archive would be coloured again with each new setting."""
    from photochrom.archive.find.survey import digest
    from photochrom.archive.work import Work

    first = {"vividness": 1.0, "size": None, "hints": [], "quality": None, "compare": False}
    now = Work(Path("m.onnx")).settings() | {"compare": False}
    assert digest(now) == digest(first)
    warm = Work(Path("m.onnx"), options=ColorOptions(warmth=0.5)).settings()
    assert digest(warm | {"compare": False}) != digest(first)


def test_a_reference_counts_by_its_contents(tmp_path: Path) -> None:
    from photochrom.archive.work import Work

    def settings(name: str) -> object:
        options = ColorOptions(reference=str(tmp_path / name))
        return Work(Path("m.onnx"), options=options).settings()["reference"]

    for name, data in {"a.jpg": b"one", "b.jpg": b"one", "c.jpg": b"other"}.items():
        (tmp_path / name).write_bytes(data)
    assert settings("a.jpg") == settings("b.jpg") != settings("c.jpg")
    with pytest.raises(ArgumentError, match=r"none\.jpg"):
        settings("none.jpg")
