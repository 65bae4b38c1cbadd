"""What a file is by its first bytes, and that everything that takes files agrees about it."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from photochrom.archive.naming import media_of
from photochrom.media import (
    CONTAINERS,
    FORMATS,
    PICTURE_SUFFIXES,
    VIDEO_SUFFIXES,
    Media,
    default_suffix,
    identify,
    result_suffix,
)


def brand(name: bytes, *others: bytes) -> bytes:
    """The beginning of an ISO media file."""
    size = 16 + 4 * len(others)
    return size.to_bytes(4, "big") + b"ftyp" + name + bytes(4) + b"".join(others) + bytes(100)


HEADS = {
    b"\xff\xd8\xff\xe0": "jpeg",
    b"\x89PNG\r\n\x1a\n": "png",
    b"II*\0\x08\0\0\0": "tiff",
    b"MM\0+": "tiff",
    b"RIFF\0\0\0\0WEBPVP8 ": "webp",
    brand(b"avif"): "avif",
    brand(b"mif1", b"miaf", b"heic"): "heic",
    b"BM\0\0": "bmp",
    b"\0\0\0\x0cjP  \r\n\x87\n": "jp2",
    b"GIF89a": "gif",
    b"SDPX\0\0\x08\0V2.0": "dpx",
    b"\x76\x2f\x31\x01\x02\0\0\0": "exr",
    b"II*\0\x10\0\0\0CR\x02\0": "raw",
    brand(b"crx ", b"isom"): "raw",
    b"FUJIFILMCCD-RAW 0201": "raw",
    b"IIRO\x08\0\0\0": "raw",
    brand(b"isom", b"avc1"): "mp4",
    brand(b"3gp4"): "mp4",
    brand(b"M4V "): "m4v",
    brand(b"qt  "): "mov",
    b"\0\0\0\x08wide\0\0\0\0mdat": "mov",
    b"\x1aE\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm": "webm",
    b"\x1aE\xdf\xa3" + bytes(20): "mkv",
    b"RIFF\0\0\0\0AVI LIST": "avi",
    b"\0\0\x01\xba": "mpeg",
    b"G" + bytes(187) + b"G": "mpegts",
    (bytes(4) + b"G" + bytes(187)) * 3: "mpegts",
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d": "mxf",
    b"OggS" + bytes(24) + b"\x80theora": "ogg",
    b"\x30\x26\xb2\x75": "asf",
    b"FLV\x01": "flv",
    b"\x1f\x07\0": "dv",
    b"nut/multimedia container\0": "ffmpeg",
    b"\0\0\0\x01\x67\x64\0\x1e": "ffmpeg",  # H.264
    b"\0\0\x01\x40\x01\x0c": "ffmpeg",  # HEVC
}


@pytest.mark.parametrize(("head", "format"), HEADS.items(), ids=HEADS.values())
def test_every_row_is_told_by_its_first_bytes(head: bytes, format: str) -> None:
    assert identify(head) == Media("picture" if format in FORMATS else "video", format)


def test_no_row_is_left_out_and_no_suffix_is_twice() -> None:
    assert set(HEADS.values()) == {*FORMATS, *CONTAINERS}
    rows = [*FORMATS.values(), *CONTAINERS.values()]
    suffixes = [suffix for row in rows for suffix in row.suffixes]
    assert len(suffixes) == len(set(suffixes)) == len(PICTURE_SUFFIXES) + len(VIDEO_SUFFIXES)
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in suffixes)


@pytest.mark.parametrize(
    ("head", "media"),
    [
        (b"", Media("other", "an empty file")),
        (b"OggS" + bytes(24) + b"\x01vorbis", Media("audio", "a sound file")),
        (brand(b"M4A "), Media("audio", "a sound file")),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/x", Media("other", "text")),  # reads other files
        (b"ffconcat version 1.0\nfile /etc/passwd", Media("other", "text")),
        (b"export const a = 1;\n", Media("other", "text")),  # .ts of TypeScript
        (bytes(100), Media("other", "nothing but zero bytes")),
    ],
)
def test_what_is_neither_picture_nor_film(head: bytes, media: Media) -> None:
    assert identify(head) == media


@pytest.mark.parametrize(
    ("format", "suffix", "result"),
    [
        ("jpeg", ".JPG", ".JPG"),
        ("gif", ".gif", ".png"),
        ("png", ".1923", ".png"),
        ("png", "", ".png"),
        ("tiff", ".NEF", ".tif"),
        ("raw", ".cr2", ".tif"),
        ("mp4", ".M4V", ".M4V"),
        ("mp4", "", ".mp4"),
        ("avi", ".avi", ".mkv"),
        ("mov", ".jpg", ".mov"),
    ],
)
def test_the_suffix_of_a_result(format: str, suffix: str, result: str) -> None:
    kind = "picture" if format in FORMATS else "video"
    assert result_suffix(Media(kind, format), suffix) == result  # type: ignore[arg-type]


def test_what_a_format_cannot_hold_in_colour_gets_another_suffix() -> None:
    def header(size: int, alpha: int) -> bytes:
        masks = b"".join(mask.to_bytes(4, "little") for mask in (0xFF0000, 0xFF00, 0xFF, alpha))
        return (
            b"BM"
            + bytes(12)
            + size.to_bytes(4, "little")
            + bytes(10)
            + b"\x20\0"
            + bytes(24)
            + masks
        )

    assert result_suffix(identify(header(124, 0xFF000000)), ".bmp") == ".png"
    assert result_suffix(identify(header(124, 0)), ".bmp") == ".bmp"
    assert result_suffix(identify(header(40, 0xFF000000)), ".bmp") == ".bmp"
    for bits, suffix in ((8, ".jp2"), (16, ".tif")):
        box = b"\0\0\0\x16ihdr" + bytes(8) + b"\0\1" + bytes([bits - 1, 7, 0, 0])
        head = b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(24) + box
        assert result_suffix(identify(head), ".jp2") == suffix


def gif() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (16, 16), 90).save(buffer, "gif")
    return buffer.getvalue()


def film(format: str, codec: str) -> bytes:
    """One grey frame in a kind of file."""
    av = pytest.importorskip("av", reason="needs PyAV (extra video)")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as output:
        stream = output.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 176, 144, "yuv420p"
        frame = av.VideoFrame(176, 144, "yuv420p")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return buffer.getvalue()


FILES = {
    "a.ogv": ("video", lambda: film("ogg", "libvpx")),
    "a.ts": ("video", lambda: film("mpegts", "mpeg2video")),
    "a.mxf": ("video", lambda: film("mxf", "mpeg2video")),
    "a.gif": ("picture", gif),
    "film": ("video", lambda: film("mp4", "mpeg4")),
    "picture": ("picture", gif),
}


@pytest.mark.parametrize("name", FILES)
def test_command_line_service_and_app_agree(tmp_path: Path, name: str) -> None:
    pytest.importorskip("streamlit", reason="needs the extra web")
    pytest.importorskip("fastapi", reason="needs the extra server")
    from photochrom.server.http.routes.job_creation import JobOptions, _container
    from photochrom.server.http.uploads import Upload
    from photochrom.web.visit.workspace import Workspace

    kind, make = FILES[name]
    data = make()
    path = tmp_path / name
    path.write_bytes(data)
    here = media_of(path)
    assert here.kind == kind
    service: Any = SimpleNamespace(
        settings=SimpleNamespace(max_upload=100), jobs=SimpleNamespace(films_are_faked=True)
    )
    upload = Upload(name, path, len(data))
    there = _container([upload], JobOptions(), service)
    assert there == (default_suffix(here.format) if kind == "video" else None)
    assert Workspace(tmp_path / "visit").add(name, io.BytesIO(data)).media == here
