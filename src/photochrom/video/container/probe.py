"""Opening a film with FFmpeg, and finding the stream of pictures in it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import MissingExtraError, VideoError
from ...media import identify, read_head

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.error import FFmpegError
    from av.video.stream import VideoStream

_LISTS = {"concat", "dash", "hls", "image2", "lavfi", "sdp"}  # formats that read other files


def open_film(path: Path, rate: Fraction | None = None) -> InputContainer:
    """Open a file with FFmpeg, for reading; nothing but this one file is read.

    Args:
        path: of the file.
        rate: frames per second of a bare stream, whose file has no times.

    Raises:
        VideoError: it is a picture, a list of other files, damaged or of no known format.
        MissingExtraError: the package av is not installed.
    """
    try:
        head = read_head(path)
    except OSError as error:
        raise unreadable(path, (error.strerror or str(error)).lower()) from error
    found = identify(head)
    if found.kind == "picture":
        raise VideoError(
            f"{path} cannot be read as a film",
            expected="a film",
            got=str(found),
            fix="colour it as a picture",
        )
    if not head:
        raise unreadable(path, str(found))
    try:
        import av
    except ImportError as error:
        raise MissingExtraError.of("av", "video", "colouring films") from error
    try:
        container = av.open(
            location(path),
            options={} if rate is None else {"framerate": str(rate)},
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


def unreadable(path: Path, got: str) -> VideoError:
    """The error for a file that is no film."""
    return VideoError(
        f"{path} cannot be read as a film",
        expected="a whole film in a format FFmpeg knows",
        got=got,
        fix="check that the file is complete and that it plays",
    )
