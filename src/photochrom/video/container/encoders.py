"""Video encoders: codecs and their settings; `media` knows which container holds which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...errors import ArgumentError
from ...media import CONTAINERS, VIDEO_SUFFIXES, Container

if TYPE_CHECKING:
    from .video_reader import VideoReader


@dataclass(frozen=True)
class Codec:
    """A codec and how its encoder is set."""

    encoder: str  # FFmpeg's name of the encoder
    formats: dict[int, str]  # its pixel formats, by depth
    # the encoder's options for a crf, a preset, and whether frames are so large that the encoder
    # should hold few of them
    options: Callable[[float | None, str | None, bool], dict[str, str]]
    # crf, preset: what is taken where nothing is said; None where the codec has no such thing
    crf: float | None = None
    preset: str | None = None
    presets: tuple[str, ...] = ()  # those there are, from fast to slow
    # pictures must have even sides; a row or column is repeated where they do not
    even: bool = True


_X26X = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)
_420 = {8: "yuv420p", 10: "yuv420p10le", 12: "yuv420p12le"}


_LARGE = 1 << 24
"""Pixels of a frame above which an encoder holds few of them: x264 else takes 2.2 GB for 8K."""


def _x264(crf: float | None, preset: str | None, large: bool) -> dict[str, str]:
    # A fixed number of threads: what x264 writes depends on it, and a film may be encoded on
    # several machines.
    options = {"crf": str(crf), "preset": str(preset), "threads": "4"}
    parameters = []
    if large:
        parameters += ["mbtree=0", "rc-lookahead=0", "bframes=0", "weightp=0", "sliced-threads=1"]
        parameters += ["subme=0"]  # else each reference is held four times, half pixels apart
    elif preset == "superfast":
        # The first preset that does without macroblock trees. With them, and a short look-ahead,
        # a grainy film takes 7 % more bytes than veryfast's at the same PSNR of Y', and 50 instead
        # of 88 ms of CPU per 1080p frame.
        parameters += ["mbtree=1", "rc-lookahead=10"]
    if _has_avx512():
        # x264's AVX-512 code for macroblock trees reads memory that nobody wrote: now and then the
        # same frames give other bytes, and a resumed film would differ. AVX2 gives the right ones.
        parameters += ["asm=avx2"]
    if parameters:
        options["x264-params"] = ":".join(parameters)
    return options


@cache
def _has_avx512() -> bool:
    import numpy as np

    simd: Any = np.show_config(mode="dicts")
    found = simd["SIMD Extensions"]
    names = {*found.get("baseline", ()), *found.get("found", ())}
    return any("AVX512" in name or name == "X86_V4" for name in names)


def _quiet_x265(crf: float | None, preset: str | None, large: bool) -> dict[str, str]:
    parameters = "log-level=none:open-gop=0"
    if large:
        parameters += ":rc-lookahead=1:bframes=0:frame-threads=1:lookahead-slices=0"
    return {"crf": str(crf), "preset": str(preset), "x265-params": parameters}


CODECS = MappingProxyType(
    {
        # Presets are chosen for speed; crf pays for it in bytes, not in quality. Milliseconds of
        # one core per 1080p frame without grain, decoding included: libx264 veryfast 26, faster
        # 44; libsvtav1 10 29; libx265 superfast 75, fast 102; libvpx-vp9 180. Grain doubles them.
        "h264": Codec(
            "libx264",
            {8: "yuv420p", 10: "yuv420p10le"},
            _x264,
            crf=18,
            preset="superfast",
            presets=_X26X,
        ),
        "hevc": Codec("libx265", _420, _quiet_x265, crf=20, preset="superfast", presets=_X26X),
        "av1": Codec(
            "libsvtav1",
            {8: "yuv420p", 10: "yuv420p10le"},
            lambda crf, preset, _: {"crf": f"{crf:.0f}", "preset": str(preset)},
            crf=28,
            preset="10",
            presets=tuple(str(n) for n in range(13, -1, -1)),
        ),
        "vp9": Codec(
            "libvpx-vp9",
            {8: "yuv420p"},
            lambda crf, preset, _: {
                **{"crf": f"{crf:.0f}", "b": "0", "cpu-used": str(preset)},
                **{"deadline": "good", "row-mt": "1"},
            },
            crf=24,
            preset="5",
            presets=tuple(str(n) for n in range(8, -1, -1)),
        ),
        "prores": Codec(
            "prores_ks",
            {10: "yuv422p10le"},
            lambda _, preset, __: {"profile": str(preset), "vendor": "apl0"},
            preset="hq",
            presets=("proxy", "lt", "standard", "hq"),
        ),
        "ffv1": Codec(
            "ffv1",
            _420,
            lambda *_: {"level": "3", "slicecrc": "1"},
            even=False,
        ),
    }
)
"""Codecs by the name users give them."""


# The index at the front: the film plays while it is still loading. Where sound begins before the
# first picture (AAC does, by some samples nobody hears), its time is negative; FFmpeg would shift
# everything until it is not.
MUXER_OPTIONS = {
    "mp4": {"movflags": "+faststart"},
    "mov": {"movflags": "+faststart"},
    "matroska": {"avoid_negative_ts": "disabled"},
    "webm": {"avoid_negative_ts": "disabled"},
}
"""FFmpeg's options by `Container.muxer`."""


def container_of(target: Path) -> Container:
    """The kind of file that a name stands for; ArgumentError if none that can be written."""
    container = CONTAINERS.get(VIDEO_SUFFIXES.get(target.suffix.lower(), ""))
    if container is None or not container.write:
        written = (row.suffixes[0] for row in CONTAINERS.values() if row.write)
        raise ArgumentError(
            f"{target} cannot be written",
            expected=f"a name that ends in {', '.join(written)}",
            got=target.suffix or "no ending",
            fix="choose another name; .mkv holds everything",
        )
    return container


@dataclass(frozen=True)
class Encoding:
    """The codec of a film that is written, and its settings."""

    codec: str  # a key of `CODECS`
    # quality, smaller is better and larger in bytes; None for codecs that have none
    crf: float | None
    preset: str | None  # how much time the encoder takes; for prores the profile

    @classmethod
    def for_file(
        cls,
        target: Path,
        codec: str | None = None,
        *,
        crf: float | None = None,
        preset: str | None = None,
    ) -> Encoding:
        """The encoding for a file, defaults filled in; ArgumentError for what it cannot hold."""
        allowed = container_of(target).codecs
        codec = codec or allowed[0]
        if codec not in allowed:
            raise ArgumentError(
                f"the codec of {target}",
                expected=f"one of {', '.join(allowed)}, or the name of an .mkv file",
                got=codec,
            )
        chosen = CODECS[codec]
        if preset is not None and preset not in chosen.presets:
            raise ArgumentError(
                f"the preset of {codec}",
                expected=f"one of {', '.join(chosen.presets)}" if chosen.presets else "none",
                got=preset,
            )
        if crf is not None and (chosen.crf is None or not 0 <= crf <= 51):
            raise ArgumentError(
                f"the crf of {codec}",
                expected="none" if chosen.crf is None else "0 to 51",
                got=f"{crf:g}",
            )
        return cls(
            codec, chosen.crf if crf is None else crf, chosen.preset if preset is None else preset
        )

    def options(self, shape: tuple[int, int]) -> dict[str, str]:
        """Of the encoder, for frames of ``(H, W)``."""
        large = shape[0] * shape[1] > _LARGE
        return CODECS[self.codec].options(self.crf, self.preset, large)

    def pixel_format(self, depth: int) -> tuple[str, int]:
        """The encoder's format for Y' of so many bits, and its depth.

        The next larger depth if it lacks this one; a smaller one only if there is none.
        """
        formats = CODECS[self.codec].formats
        kept = min((d for d in formats if d >= depth), default=max(formats))
        return formats[kept], kept

    def chroma_shape(self, video: VideoReader, *, wide: bool = False) -> tuple[int, int]:
        """``(h, w)`` of Cb and of Cr for a film, or for two pictures of it side by side."""
        height, width = video.shape[0], video.shape[1] * (1 + wide)
        wide = "422" in self.pixel_format(video.depth)[0]
        return height if wide else (height + 1) // 2, (width + 1) // 2
