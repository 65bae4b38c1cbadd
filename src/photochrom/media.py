"""What a file is, by its first bytes; the one table of picture formats and of video containers."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ._io import show
from .errors import ArgumentError, PictureError

HEAD = 4096
"""Bytes from the beginning of a file that `identify` looks at."""

Kind = Literal["picture", "video", "audio", "other"]


@dataclass(frozen=True)
class Media:
    """What a file is.

    Attributes:
        kind: picture, video, audio or other.
        format: of a picture a key of FORMATS, of a video a key of CONTAINERS, else a description
            in words ("a PDF document").
        rich: the picture has transparency or 16 bits of colour that its format is not written with.
    """

    kind: Kind
    format: str
    rich: bool = False

    def __str__(self) -> str:
        if self.kind == "picture":
            return f"a {FORMATS[self.format].title} picture"
        if self.kind == "video":
            return f"a film ({CONTAINERS[self.format].title})"
        return self.format


@dataclass(frozen=True, kw_only=True)
class Format:
    """What a picture format is called and can hold.

    Attributes:
        title: name for people.
        suffixes: file name endings, the usual one first.
        magic: regular expression of the first bytes.
        brands: brands of an ISO media file (``ftyp``) of this format.
        deep: holds more than 8 bits per channel.
        alpha: holds transparency.
        quality: default of the ``quality`` option; None if the format has none (it is lossless).
        animated: holds animations.
        metadata: holds EXIF, XMP and a colour profile.
        vips: what libvips calls it in the names of its operations, if that reads and writes it.
        plugin: of Pillow (Bmp for BmpImagePlugin), if that does; if neither, code of its own.
        write: Photochrom writes it.
    """

    title: str
    suffixes: tuple[str, ...]
    magic: bytes = rb"(?!)"
    brands: tuple[bytes, ...] = ()
    deep: bool = False
    alpha: bool = False
    quality: int | None = None
    animated: bool = False
    metadata: bool = True
    vips: str | None = None
    plugin: str | None = None
    write: bool = True


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a kind of video file is called and can hold.

    Attributes:
        title: name for people.
        suffixes: file name endings, the usual one first.
        magic: regular expression of the first bytes.
        brands: brands of an ISO media file (``ftyp``) of this kind.
        muxer: FFmpeg's name for writing it; None if it is only read.
        codecs: that a coloured film in it can have, the default first.
        media_type: MIME type.
    """

    title: str
    suffixes: tuple[str, ...]
    magic: bytes = rb"(?!)"
    brands: tuple[bytes, ...] = ()
    muxer: str | None = None
    codecs: tuple[str, ...] = ()
    media_type: str = "application/octet-stream"

    @property
    def write(self) -> bool:
        """Whether Photochrom writes it."""
        return self.muxer is not None


# The qualities mean about the same in every format: the loss of a JPEG of quality 95 (41 to 42 dB
# on a scan with film grain); docs/notes/pictures.md has the figures.
FORMATS = {
    "jpeg": Format(
        title="JPEG",
        vips="jpeg",
        suffixes=(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        magic=rb"\xff\xd8\xff",
        quality=95,
    ),
    "png": Format(
        title="PNG",
        vips="png",
        suffixes=(".png",),
        magic=rb"\x89PNG\r\n\x1a\n",
        deep=True,
        alpha=True,
        animated=True,
    ),
    "tiff": Format(
        title="TIFF",
        vips="tiff",
        suffixes=(".tif", ".tiff"),
        magic=rb"(?:II[*+]\0|MM\0[*+])(?!....CR)",  # CR: a raw file of Canon's
        deep=True,
        alpha=True,
    ),
    "webp": Format(
        title="WebP",
        vips="webp",
        suffixes=(".webp",),
        magic=rb"RIFF....WEBP",
        alpha=True,
        quality=93,
        animated=True,
    ),
    "avif": Format(
        title="AVIF",
        vips="heif",
        suffixes=(".avif",),
        brands=(b"avif", b"avis"),
        deep=True,
        alpha=True,
        quality=87,
    ),
    "heic": Format(
        title="HEIC",
        suffixes=(".heic", ".heif", ".hif"),
        brands=(b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"),
        deep=True,
        alpha=True,
        quality=60,
    ),
    "bmp": Format(
        title="BMP", plugin="Bmp", metadata=False, suffixes=(".bmp", ".dib"), magic=rb"BM"
    ),
    "jp2": Format(
        title="JPEG 2000",
        plugin="Jpeg2K",
        suffixes=(".jp2",),
        magic=rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
        alpha=True,
    ),
    "dpx": Format(title="DPX", metadata=False, suffixes=(".dpx",), magic=rb"SDPX|XPDS", deep=True),
    "exr": Format(
        title="OpenEXR", metadata=False, suffixes=(".exr",), magic=rb"\x76\x2f\x31\x01", deep=True
    ),
    "gif": Format(
        title="GIF",
        vips="gif",
        suffixes=(".gif",),
        magic=rb"GIF8[79]a",
        alpha=True,
        animated=True,
        write=False,
    ),
    "raw": Format(
        title="camera raw",
        suffixes=(
            *(".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".raf"),
            *(".orf", ".rw2", ".pef", ".srw"),
        ),
        magic=rb"II\*\0....CR|FUJIFILMCCD|IIR[OS]|MMOR|IIU\0",  # others are TIFFs at first sight
        brands=(b"crx ",),
        deep=True,
        write=False,
    ),
}
"""Every picture format that is read, by the name that ``Picture.format`` and ``format=`` use."""

# Only such containers are written as keep the time of every frame: AVI has no times at all, and
# MPEG streams have a clock of their own.
CONTAINERS = {
    "mp4": Container(
        title="MP4",
        suffixes=(".mp4", ".mp4v", ".3gp", ".3g2", ".f4v"),
        brands=(b"isom", b"mp41", b"mp42"),  # and whatever else is no picture and no sound
        muxer="mp4",
        codecs=("h264", "hevc", "av1", "vp9"),
        media_type="video/mp4",
    ),
    "m4v": Container(
        title="M4V",
        suffixes=(".m4v",),
        brands=(b"M4V ", b"M4VH", b"M4VP"),
        muxer="mp4",
        codecs=("h264", "hevc"),
        media_type="video/x-m4v",
    ),
    "mov": Container(
        title="QuickTime",
        suffixes=(".mov", ".qt"),
        magic=rb"....(?:moov|mdat|wide|free|skip|pnot)",
        brands=(b"qt  ",),
        muxer="mov",
        codecs=("h264", "hevc", "prores"),
        media_type="video/quicktime",
    ),
    "webm": Container(
        title="WebM",
        suffixes=(".webm",),
        magic=rb"\x1aE\xdf\xa3.{0,64}\x42\x82.webm",
        muxer="webm",
        codecs=("vp9", "av1"),
        media_type="video/webm",
    ),
    "mkv": Container(
        title="Matroska",
        suffixes=(".mkv", ".mk3d"),
        magic=rb"\x1aE\xdf\xa3",
        muxer="matroska",
        codecs=("h264", "hevc", "av1", "vp9", "prores", "ffv1"),
        media_type="video/x-matroska",
    ),
    "avi": Container(title="AVI", suffixes=(".avi", ".divx"), magic=rb"RIFF....AVI "),
    "mpeg": Container(
        title="MPEG",
        suffixes=(".mpg", ".mpeg", ".vob", ".m1v", ".m2v", ".m2p", ".mpv", ".mod"),
        magic=rb"\0\0\x01[\xb3\xb0\xba]",
    ),
    "mpegts": Container(
        title="MPEG transport stream",
        suffixes=(".ts", ".m2ts", ".mts", ".m2t"),
        magic=rb"G.{187}G|.{4}G.{191}G.{191}G",
    ),
    "mxf": Container(title="MXF", suffixes=(".mxf",), magic=rb"\x06\x0e\x2b\x34\x02\x05\x01\x01"),
    "ogg": Container(
        title="Ogg",
        suffixes=(".ogv", ".ogm"),
        # One of the streams, whose headers are the first pages, is a film.
        magic=rb"OggS(?=.*?(?:\x80theora|OVP80|BBCD\0|\x01video))",
    ),
    "asf": Container(title="Windows Media", suffixes=(".wmv", ".asf"), magic=rb"\x30\x26\xb2\x75"),
    "flv": Container(title="Flash Video", suffixes=(".flv",), magic=rb"FLV\x01"),
    "dv": Container(title="DV", suffixes=(".dv", ".dif"), magic=rb"\x1f\x07\0"),
    "ffmpeg": Container(
        title="another container that FFmpeg reads",
        suffixes=(
            *(".nut", ".ivf", ".y4m", ".rm", ".rmvb", ".gxf", ".wtv"),
            *(".h264", ".264", ".avc", ".h265", ".265", ".hevc"),
        ),
        # The last two are bare streams of H.264 and HEVC: a delimiter or parameters come first.
        magic=rb"nut/multimedia|DKIF|YUV4MPEG2|\.RMF|\0{4}\x01\xbc|\xb7\xd8\0 7I\xda\x11"
        rb"|\0{2,3}\x01[\x09\x27\x47\x67]|\0{2,3}\x01[\x40\x42\x46]\x01",
    ),
}
"""Every kind of video file that is read."""

PICTURE_SUFFIXES = {suffix: name for name, row in FORMATS.items() for suffix in row.suffixes}
"""File name ending in lower case -> key of FORMATS."""

VIDEO_SUFFIXES = {suffix: name for name, row in CONTAINERS.items() for suffix in row.suffixes}
"""File name ending in lower case -> key of CONTAINERS."""

READABLE = ", ".join(row.title for row in FORMATS.values())
_WRITABLE = ", ".join(name for name, row in FORMATS.items() if row.write)
_ANY = ".mkv"  # holds every codec

_AUDIO = (
    (rb"RIFF....WAVE|ID3|OggS|fLaC|\xff[\xf1\xf9\xfb\xf3]|FORM....AIF|caff|#!AMR", "a sound file"),
)
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")
_OTHERS = (
    (rb"version https://git-lfs", "a Git LFS pointer (fetch the file with: git lfs pull)"),
    (rb"%PDF", "a PDF document"),
    (rb"%!PS", "a PostScript document"),
    (rb"\x00\x00\x00\x0cJXL |\xff\x0a", "a JPEG XL picture, which is not supported"),
    (rb"8BPS", "a Photoshop document"),
    (rb"#\?RAD", "a picture of floating-point numbers"),
    (rb"P[1-7]\s", "a Netpbm picture, which is not supported"),
    (rb"\x00\x00[\x01\x02]\x00", "an icon"),
    (rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd", "an archive"),
    (rb"\x7fELF|MZ", "a program"),
)
TEXT = Media("other", "text")
"""What `identify` returns for text of no known kind."""


def identify(head: bytes) -> Media:
    """What a file is that begins with ``head`` (`HEAD` bytes of it), whatever its name."""
    head = head[:HEAD]
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    for name, row in FORMATS.items():
        if re.match(row.magic, head, re.DOTALL):
            return Media("picture", name, name in _RICH and _RICH[name](head))
    for name, kind in CONTAINERS.items():
        if re.match(kind.magic, head, re.DOTALL):
            return Media("video", name)
    for pattern, words in _AUDIO:
        if re.match(pattern, head, re.DOTALL):
            return Media("audio", words)
    return Media("other", _description(head))


def read_head(path: str | os.PathLike[str]) -> bytes:
    """The first bytes of a file, for `identify`.

    Raises:
        OSError: the file cannot be opened or read.
    """
    with Path(path).open("rb") as file:
        return file.read(HEAD)


def _bmp_is_rich(head: bytes) -> bool:
    """Whether a BMP states where its alpha is (BITMAPV3INFOHEADER and later)."""
    return head[14:18] >= b"\x38" and head[28:30] == b"\x20\0" and any(head[66:70])


def _jp2_is_rich(head: bytes) -> bool:
    """Whether a JPEG 2000 has more than 8 bits (ISO/IEC 15444-1, box ``ihdr``)."""
    place = head.find(b"ihdr")
    bits = head[place + 14 : place + 15]
    return place > 0 and bits not in (b"", b"\xff") and bits[0] & 0x7F > 7


_RICH = {"bmp": _bmp_is_rich, "jp2": _jp2_is_rich}
TOLD_BY_HEAD = frozenset(_RICH)
"""Formats of which the first bytes, and not the name, say what a result is called."""


def _iso_media(head: bytes) -> Media:
    """A file of the ISO base media format, by its brands."""
    size = min(max(int.from_bytes(head[:4], "big"), 16), 256)
    main = head[8:12]
    brands = {main} | {head[i : i + 4] for i in range(16, size, 4)}
    for name, row in FORMATS.items():
        if brands.intersection(row.brands):
            return Media("picture", name)
    if brands & {b"mif1", b"msf1"}:
        return Media("picture", "avif" if b"av01" in head else "heic")
    if main in _AUDIO_BRANDS:
        return Media("audio", "a sound file")
    found = (name for name, kind in CONTAINERS.items() if main in kind.brands)
    return Media("video", next(found, "mp4"))


def _description(head: bytes) -> str:
    """A file that is neither picture nor film, in words."""
    if not head:
        return "an empty file"
    for pattern, words in _OTHERS:
        if re.match(pattern, head, re.DOTALL):
            return words
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")) or b"<html" in text[:512]:
        return "an HTML page (a download that went wrong?)"
    if not head.strip(b"\0"):
        return "nothing but zero bytes"
    if not re.search(rb"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]", head):
        return TEXT.format
    return "a file of an unknown kind"


def default_suffix(format: str | None, depth: int = 8) -> str:
    """The suffix for a result whose source was of ``format``: one that can hold the result.

    Args:
        format: key of FORMATS or CONTAINERS; None for arrays.
        depth: bits per channel.

    Returns:
        The format's own, except ``.png`` for GIF (256 colours) and for arrays, ``.tif`` for camera
        raw files and for a 16-bit JPEG 2000 (16-bit colour cannot be written in that format), and
        ``.mkv`` for containers that are not written.
    """
    row = CONTAINERS.get(format or "")
    if row is not None:
        return row.suffixes[0] if row.write else _ANY
    if format == "raw":
        return ".tif"
    if format is None or not FORMATS[format].write:
        return ".png"
    if format == "jp2" and depth == 16:
        return ".tif"
    return FORMATS[format].suffixes[0]


def result_suffix(media: Media, suffix: str) -> str:
    """The suffix of a result whose source has the name ending ``suffix``.

    Args:
        media: what the source is, a picture or a video.
        suffix: of the source's name, in any case; "" if it has none.

    Returns:
        ``suffix`` itself where files of that ending are written, else that of `default_suffix`.
    """
    if media.kind == "video":
        written = VIDEO_SUFFIXES.get(suffix.lower())
        kept = written is not None and CONTAINERS[written].write
    else:
        if media.rich:
            return ".png" if media.format == "bmp" else default_suffix(media.format, 16)
        named = PICTURE_SUFFIXES.get(suffix.lower())
        kept = named is not None and FORMATS[named].write
        if named is not None and not kept:
            return default_suffix(named)
    return suffix if kept else default_suffix(media.format)


def writable_format(name: str) -> str:
    """``name`` in any usual spelling ("JPG", ".tif", "jpeg") as a key of FORMATS.

    Raises:
        ArgumentError: no such format, or one that is only read.
    """
    ArgumentError.check("the format", name, str, "a name such as png")
    key = name.lower().lstrip(".")
    key = PICTURE_SUFFIXES.get(f".{key}", key)
    if key not in FORMATS or not FORMATS[key].write:
        raise ArgumentError(
            f"the picture format {name!r} cannot be written",
            expected=f"one of {_WRITABLE}",
            got=repr(name),
            fix="choose one of these formats",
        )
    return key


def format_for(target: str | Path | None, format: str | None, source: str | None) -> str:
    """The format to write: ``format``, else by the suffix of ``target``, else the source's.

    Raises:
        ArgumentError: ``format`` is unknown.
        PictureError: the suffix is unknown, or nothing says which format is meant.
    """
    if format is not None:
        return writable_format(format)
    suffix = Path(target).suffix.lower() if target is not None else ""
    if suffix:
        name = PICTURE_SUFFIXES.get(suffix)
        if name is None or not FORMATS[name].write:
            raise PictureError(
                f"{show(target)} cannot be written",
                expected=f"the suffix of one of the formats {_WRITABLE}",
                got=f"the suffix {suffix}",
                fix="change the suffix, or name the format (format=)",
            )
        return name
    if source is None:
        raise PictureError(
            f"{show(target) if target is not None else 'the picture'} cannot be written",
            expected=f"a file suffix or one of the formats {_WRITABLE}",
            got="neither",
            fix="name the format (format=)",
        )
    return source if FORMATS[source].write else "png"
