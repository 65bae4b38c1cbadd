"""Files on disk: names of every kind, whole files or none, clear errors."""

import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from photochrom import ArgumentError, Picture, PictureError, open_picture
from tests.helpers.picture_files import colour, grey

PICTURE = Picture.from_array(colour())
FORMATS = ["jpg", "png", "tif", "webp", "avif", "bmp", "jp2"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    "name", ["a[1]", "a[page=2]", "ü ö – 写真", "a,0", "-dash", "per%cent", "a'b\"c", "x" * 240]
)
def test_names(name, suffix, tmp_path):
    path = tmp_path / f"{name}.{suffix}"
    PICTURE.save(path)
    assert open_picture(path).pixels.shape == (61, 90, 3)
    assert open_picture(str(path)).format == open_picture(path.read_bytes()).format
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes exist on Linux")
@pytest.mark.parametrize("suffix", FORMATS)
def test_names_that_are_no_utf_8(suffix, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9." + suffix.encode())
    PICTURE.save(path)
    assert open_picture(path).width == 90
    with pytest.raises(PictureError) as caught:
        open_picture(path + "x")
    str(caught.value).encode("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="rights are different on Windows")
def test_rights_are_those_of_any_new_file(tmp_path):
    PICTURE.save(tmp_path / "a.png")
    (tmp_path / "b").write_bytes(b"")
    first, second = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.png", "b"))
    assert first == second


def test_the_format_by_suffix_argument_or_source(tmp_path):
    def format_of(name, **options):
        source = open_picture(PICTURE.to_bytes("webp"))
        source.save(tmp_path / name, **options)
        return open_picture(tmp_path / name).format

    assert format_of("a.JPG") == "jpeg"
    assert format_of("a.png", format="TIFF") == "tiff"
    assert format_of("a") == "webp"
    assert format_of("b", format=".jpeg") == "jpeg"
    with pytest.raises(PictureError, match=r"\.xyz.*change the suffix"):
        PICTURE.save(tmp_path / "a.xyz")
    with pytest.raises(PictureError, match="jpeg, png, tiff"):
        PICTURE.save(tmp_path / "a.gif")
    with pytest.raises(ArgumentError, match="one of jpeg, png"):
        PICTURE.save(tmp_path / "a.png", format="gif")
    for target in (tmp_path / "bare", io.BytesIO()):
        with pytest.raises(PictureError, match="name the format"):
            PICTURE.save(target)


def test_writing_into_a_stream():
    class Pipe(io.RawIOBase):
        """Writable, but neither seekable nor readable."""

        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    for suffix in FORMATS:
        pipe = Pipe()
        PICTURE.save(pipe, format=suffix)
        assert pipe.data == PICTURE.to_bytes(suffix)


def test_a_stream_that_fails_raises_a_picture_error():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with pytest.raises(PictureError, match="No space left"):
        PICTURE.save(Full(), format="png")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failure_leaves_the_old_file_and_nothing_else(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"old")
    import photochrom.picture.codec.encoding as encoding

    def broken(picture, file, *rest):
        file.write(b"half a pict")
        raise KeyboardInterrupt

    monkeypatch.setattr(encoding, "encode", broken)
    with pytest.raises(KeyboardInterrupt):
        PICTURE.save(path)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(path.name, b"old")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk(suffix, tmp_path, monkeypatch, capfd):
    """Writes fail in the middle: one clear error, nothing left, nothing printed."""
    import photochrom.picture.codec.encoding as encoding

    original = encoding.encode

    def on_full_disk(picture, file, *rest):
        with Path("/dev/full").open("r+b", buffering=0) as full:
            original(picture, full, *rest)

    monkeypatch.setattr(encoding, "encode", on_full_disk)
    with pytest.raises(PictureError, match=r"No space left|cannot be written"):
        PICTURE.save(tmp_path / f"a.{suffix}")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_targets_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for target, words in (
        (tmp_path, "a folder of this name"),
        (tmp_path / "missing" / "a.png", "no such folder"),
        (tmp_path / "file" / "a.png", "no such folder"),
        (tmp_path / ("x" * 300 + ".png"), "cannot be written"),
    ):
        with pytest.raises(PictureError, match=words) as caught:
            PICTURE.save(target, format="png")
        assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    with pytest.raises(ArgumentError, match="a path or a file"):
        PICTURE.save(None, format="png")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_rights(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PictureError, match="no permission"):
        PICTURE.save(tmp_path / "a.png")
    tmp_path.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_keeps_pointing_at_its_file(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.png"
    target.write_bytes(b"old")
    link = tmp_path / "link.png"
    link.symlink_to(target)
    PICTURE.save(link)
    assert link.is_symlink()
    np.testing.assert_array_equal(open_picture(target).pixels, colour())


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_is_written_into():
    PICTURE.save("/dev/null", format="png")
    assert not Path("/dev/null").is_file()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_read_to_its_end(tmp_path):
    (tmp_path / "a.png").write_bytes(Picture.from_array(grey()).to_bytes("png"))
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cp", str(tmp_path / "a.png"), str(tmp_path / "pipe")]):
        np.testing.assert_array_equal(open_picture(tmp_path / "pipe").pixels, grey())


def test_a_file_that_changed_is_read_anew(tmp_path):
    path = tmp_path / "a.png"
    Picture.from_array(grey()).save(path)
    assert open_picture(path).pixels.ndim == 2
    PICTURE.save(path)
    np.testing.assert_array_equal(open_picture(path).pixels, colour())
    path.unlink()
    with pytest.raises(PictureError, match="no such file"):
        open_picture(path)
