"""The one table of picture formats and of video containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    """What a picture format is called and can hold."""

    title: str  # name for people
    suffixes: tuple[str, ...]  # file name endings, the usual one first
    magic: bytes = rb"(?!)"  # regular expression of the first bytes
    brands: tuple[bytes, ...] = ()  # brands of an ISO media file (``ftyp``) of this format
    deep: bool = False  # holds more than 8 bits per channel
    alpha: bool = False  # holds transparency
    # default of the ``quality`` option; None if the format has none (it is lossless)
    quality: int | None = None
    animated: bool = False  # holds animations
    metadata: bool = True  # holds EXIF, XMP and a colour profile
    # what libvips calls it in the names of its operations, if that reads and writes it
    vips: str | None = None
    # of Pillow (Bmp for BmpImagePlugin), if that does; if neither, code of its own
    plugin: str | None = None
    write: bool = True  # Photochrom writes it


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a kind of video file is called and can hold."""

    title: str  # name for people
    suffixes: tuple[str, ...]  # file name endings, the usual one first
    magic: bytes = rb"(?!)"  # regular expression of the first bytes
    brands: tuple[bytes, ...] = ()  # brands of an ISO media file (``ftyp``) of this kind
    muxer: str | None = None  # FFmpeg's name for writing it; None if it is only read
    codecs: tuple[str, ...] = ()  # that a coloured film in it can have, the default first
    media_type: str = "application/octet-stream"  # MIME type

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
