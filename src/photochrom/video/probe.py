"""What kind of file is it: a film, a picture, or neither? Decided by its content, not its name."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ClipError, MissingExtraError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.error import FFmpegError
    from av.video.stream import VideoStream

_PICTURES = {  # how files of pictures begin
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"8BPS": "Photoshop",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}
_HEIF_BRANDS = {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"}
_LISTS = {"concat", "dash", "hls", "image2", "lavfi", "sdp"}  # formats that read other files


def is_film(path: Path | str) -> bool:
    """Whether a file is a film: something with moving pictures that is no picture format.

    An animated GIF counts as a picture. A file that cannot be opened, for being damaged or for want
    of the package av, is taken for a film by its name.

    Raises:
        ClipError: there is no such file, or it cannot be opened at all.
    """
    path = Path(path)
    if picture_format(path) is not None:
        return False
    try:
        container = open_film(path)
    except (ClipError, MissingExtraError):
        return (mimetypes.guess_type(path.name)[0] or "").startswith("video/")
    with container:
        return film_stream(container) is not None


def picture_format(path: Path) -> str | None:
    """The name of the picture format that a file begins like, if it does.

    Raises:
        ClipError: the file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise unreadable(path, (error.strerror or str(error)).lower()) from error
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "AVIF" if head[8:11] == b"avi" else "HEIF"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return next((name for start, name in _PICTURES.items() if head.startswith(start)), None)


def open_film(path: Path) -> InputContainer:
    """Open a file with FFmpeg, for reading; nothing but this one file is read.

    Raises:
        ClipError: it is a picture, a list of other files, damaged or of no known format.
        MissingExtraError: the package av is not installed.
    """
    picture = picture_format(path)
    if picture is not None:
        raise ClipError(
            f"{path} cannot be read as a film",
            expected="a film",
            got=f"a {picture} picture",
            fix="colour it as a picture",
        )
    if path.stat().st_size == 0:
        raise unreadable(path, "an empty file")
    try:
        import av
    except ImportError as error:
        raise MissingExtraError.of("av", "video", "colouring films") from error
    try:
        container = av.open(
            location(path),
            container_options={"protocol_whitelist": "file"},
            # Old files have tags in old encodings; they are handed on byte for byte.
            metadata_errors="surrogateescape",
        )
    except (av.FFmpegError, EOFError) as error:
        raise unreadable(path, f"something FFmpeg cannot open ({reason(error)})") from error
    if container.format.name in _LISTS or container.format.name.endswith("_pipe"):
        container.close()
        raise unreadable(path, f"a file of the format {container.format.name}")
    return container


def film_stream(container: InputContainer) -> VideoStream | None:
    """The stream of pictures that is the film: the first that is no cover art or thumbnail."""
    from av.stream import Disposition

    aside = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    streams = (s for s in container.streams.video if not s.disposition & aside)
    return next((s for s in streams if s.codec_context is not None), None)


def location(path: Path) -> str:
    """A path as FFmpeg takes it: without the prefix, one with a colon would be a protocol."""
    return f"file:{path}"


def reason(error: FFmpegError | OSError | EOFError) -> str:
    """Why FFmpeg could not do it, in its words."""
    return str(getattr(error, "strerror", None) or error).lower()


def unreadable(path: Path, got: str) -> ClipError:
    """The error for a file that is no film."""
    return ClipError(
        f"{path} cannot be read as a film",
        expected="a whole film in a format FFmpeg knows",
        got=got,
        fix="check that the file is complete and that it plays",
    )
