"""Digest of everything that the frames of a coloured film depend on, for its work folder."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from .._io import file_sha256
from ..colorizer import Colorizer
from ..options import ColorOptions, VideoOptions, digest_of
from .container.encoders import Encoding

_METHOD = 7  # of colouring; another number where unfinished films cannot be gone on with
_ELSEWHERE = ("codec", "crf", "preset", "shots")  # options whose meaning is elsewhere in the job


def film_job(
    source: Path,
    colorizer: Colorizer,
    options: ColorOptions,
    wanted: VideoOptions,
    encoding: Encoding,
) -> dict[str, Any]:
    """The frames of a result depend on this, as JSON values; see `WorkFolder.of`.

    Hints, stills and the list of shots are not in it; see `shots.shot_guides`.
    """
    about = source.stat()
    return color_job(colorizer, options) | {
        "source": [str(source.resolve()), about.st_size, about.st_mtime_ns],
        "encoding": asdict(encoding),
        "video": {k: v for k, v in asdict(wanted).items() if k not in _ELSEWHERE},
    }


def color_job(colorizer: Colorizer, options: ColorOptions) -> dict[str, Any]:
    """What the colours of a film depend on beside the film."""
    return {
        "method": _METHOD,
        "model": file_sha256(colorizer.model.path),
        "options": asdict(replace(options, reference=(), hints=())),
        "references": [digest_of(each) for each in options.references],
    }
