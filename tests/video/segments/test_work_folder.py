"""The folder of an unfinished film."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photochrom.errors import VideoError
from photochrom.video.segments.work_folder import WorkFolder, remove_work_folders

pytest.importorskip("av", reason="needs PyAV (extra video)")

JOB: dict[str, Any] = {"source": ["film.mp4", 1, 2], "vividness": 1.0, "part": [None, 2.5]}
STATE = {"L": np.arange(6, dtype=np.float32).reshape(2, 3), "finished": np.array(False)}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "film [1923]*-color.mp4"


def add(parts: WorkFolder, **values: Any) -> None:
    parts.next.write_bytes(b"a segment")
    parts.keep(STATE | {k: np.array(v) for k, v in values.items()})


def folders(output: Path) -> list[Path]:
    return sorted(p for p in output.parent.iterdir() if p.is_dir())


def test_a_new_job(output: Path) -> None:
    with WorkFolder.of(output, JOB) as parts:
        assert (parts.segments, parts.state()) == ([], None)
        assert parts.next.parent in folders(output)
        assert not parts.next.exists()
        assert parts.next.suffix == ".mkv"
    assert [p.name[0] for p in output.parent.iterdir()] == ["."]  # hidden, and nothing else


def test_what_was_kept_is_there_again(output: Path) -> None:
    with WorkFolder.of(output, JOB) as parts:
        add(parts, done=12)
        add(parts, done=24)
        first = parts.segments
    with WorkFolder.of(output, JOB) as parts:
        assert parts.segments == first
        assert [p.read_bytes() for p in first] == [b"a segment"] * 2
        state = parts.state()
        assert state is not None
        assert int(state.pop("done")) == 24
        assert state.keys() == STATE.keys()
        for key, value in STATE.items():
            np.testing.assert_array_equal(state[key], value)
            assert state[key].dtype == value.dtype
        add(parts)
        assert len(parts.segments) == 3


def test_only_whole_segments_count(output: Path) -> None:
    with WorkFolder.of(output, JOB) as parts:
        add(parts, done=1)
        add(parts, done=2)
        parts.next.write_bytes(b"killed before its state was written")
        folder = parts.next.parent
    with WorkFolder.of(output, JOB) as parts:
        assert len(parts.segments) == 2
        add(parts, done=3)  # takes the place of that one
        assert [p.read_bytes() for p in parts.segments] == [b"a segment"] * 3
        state = parts.state()
        assert state is not None
        assert int(state["done"]) == 3
    assert [path.name for path in folder.glob("*.npz")] == ["00002.npz"]  # the last alone
    (folder / "00001.mkv").unlink()  # a hole: nothing can be gone on with
    with WorkFolder.of(output, JOB) as parts:
        assert (parts.segments, parts.state()) == ([], None)


def test_a_state_that_cannot_be_written_is_not_there(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Any, **_: Any) -> None:
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    with WorkFolder.of(output, JOB) as parts:
        add(parts)
        parts.next.write_bytes(b"a segment")
        with monkeypatch.context() as patched:
            patched.setattr(np, "savez", full)
            with pytest.raises(VideoError, match="o space left on device"):
                parts.keep(STATE)
        assert len(parts.segments) == 1
        names = {p.name for p in parts.next.parent.iterdir()}
        assert names == {"00000.mkv", "00000.npz", "00001.mkv", "job.json", "lock"}


@pytest.mark.parametrize(
    "other",
    [{"vividness": 1.5}, {"source": ["film.mp4", 1, 3]}, {"part": [None, None]}, {"new": None}],
)
def test_two_jobs_have_two_folders(output: Path, other: dict[str, Any]) -> None:
    with WorkFolder.of(output, JOB) as parts:
        add(parts)
    with WorkFolder.of(output, JOB | other) as parts:
        assert not parts.segments
        add(parts)
        add(parts)
    with WorkFolder.of(output, dict(reversed(JOB.items()))) as parts:  # the same job
        assert len(parts.segments) == 1
    assert len(folders(output)) == 2
    for folder in folders(output):
        assert '"vividness"' in (folder / "job.json").read_text()


def test_remove(output: Path) -> None:
    """The folders of all jobs on one film, and of no other film."""
    neighbours = [
        output.with_name(name)
        for name in ("film 1923-color.mp4", "film [1923]*-color.mp4.mkv", "film 1.mp4")
    ]
    for each in neighbours:
        with WorkFolder.of(each, JOB) as parts:
            add(parts)
    kept = folders(output)
    with WorkFolder.of(output, JOB | {"vividness": 2}) as parts:
        add(parts)
    with WorkFolder.of(output, JOB) as parts:
        add(parts)
    assert len(folders(output)) == len(kept) + 2
    remove_work_folders(output)
    assert folders(output) == kept


def test_remove_takes_what_a_killed_call_left_of_the_film(output: Path) -> None:
    """`replacing` cannot take its temporary file away when the process is killed."""
    left = output.with_name(f".{output.name}.{'0a' * 16}.part")
    other = output.with_name(f".{output.name}.mkv.{'0a' * 16}.part")
    for path in (left, other):
        path.write_bytes(b"half a film")
    with WorkFolder.of(output, JOB):
        pass
    remove_work_folders(output)
    assert not left.exists()
    assert other.exists()


HOLD = """
import sys
from pathlib import Path
from photochrom.video.segments.work_folder import WorkFolder, remove_work_folders
with WorkFolder.of(Path(sys.argv[1]), eval(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_at_a_time(output: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(output), repr(JOB)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(VideoError) as caught, WorkFolder.of(output, JOB):
            pass
        assert "another process" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1
        with WorkFolder.of(output, JOB | {"vividness": 2}) as parts:
            add(parts)
        part = output.with_name(f".{output.name}.{'0a' * 16}.part")
        part.write_bytes(b"perhaps the other one's")
        remove_work_folders(output)  # not what the other one is at work in
        assert len(folders(output)) == 1
        assert part.exists()
        other.kill()  # a killed process holds nothing
        other.wait(10)
    with WorkFolder.of(output, JOB) as parts:
        add(parts)
    remove_work_folders(output)
    assert list(output.parent.iterdir()) == []


def test_a_second_call_in_this_process(output: Path) -> None:
    with (
        WorkFolder.of(output, JOB) as parts,
        pytest.raises(VideoError, match="another process"),
        WorkFolder.of(output, JOB),
    ):
        pass
    with WorkFolder.of(output, JOB):
        assert not parts.segments


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(VideoError) as caught, WorkFolder.of(tmp_path / "file" / "film.mp4", JOB):
        pass
    assert "film.mp4 cannot be written" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
