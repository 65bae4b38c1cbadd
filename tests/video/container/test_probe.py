"""Opening what is no film, or no whole one."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom.errors import MissingExtraError, VideoError

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.video_reader import VideoReader
from tests.helpers.video_files import FFV1, av, make_film


def jpeg(size: int = 64) -> bytes:
    file = io.BytesIO()
    Image.new("L", (size, size)).save(file, "JPEG")
    return file.getvalue()


def sound_alone() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", "mp4") as output:
        stream = output.add_stream("aac", 44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "got an empty file"),
        (b"I am no film. " * 200, "got something FFmpeg cannot open"),
        (jpeg(), "expected a film, got a JPEG picture"),
        (sound_alone(), "got sound alone"),
        (b"\0\0\0\x1cftypisom" + b"\0" * 400, "got something FFmpeg cannot open"),
        (b"#EXTM3U\n#EXTINF:3,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "cannot be read as a film"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "cannot be read as a film"),
    ],
    ids=["empty", "text", "jpeg", "sound", "stump", "playlist", "concat"],
)
def test_what_is_no_film(tmp_path: Path, data: bytes, got: str) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(data)
    with pytest.raises(VideoError) as caught:
        VideoReader(film)
    assert got in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no such file"):
        VideoReader(tmp_path / "a.mp4")
    with pytest.raises(VideoError, match="directory"):
        VideoReader(tmp_path)


def test_a_film_without_frames(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", FFV1)
    data = film.read_bytes()
    film.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75")])  # to the first cluster
    with pytest.raises(VideoError, match=r"got something FFmpeg cannot open \(end of file\)"):
        VideoReader(film)


def test_without_pyav_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = make_film(tmp_path / "a.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"photochrom\[video\]"):
        VideoReader(film)
