"""Settings of encoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from photochrom.errors import ArgumentError

pytest.importorskip("av", reason="needs PyAV (extra video)")

from photochrom.video.container.encoders import Encoding
from tests.helpers.segmented_films import color
from tests.helpers.video_files import Recipe, make_film


@pytest.mark.parametrize(
    ("target", "codec", "settings", "message"),
    [
        ("a.avi", None, {}, r"ends in .mp4, .m4v, .mov, .webm, .mkv, got .avi"),
        ("a", None, {}, "got no ending"),
        ("a.webm", "h264", {}, "expected one of vp9, av1, or the name of an .mkv file, got h264"),
        ("a.mp4", "ffv1", {}, "h264, hevc, av1, vp9, or the name of an .mkv file, got ffv1"),
        ("a.mkv", "divx", {}, "got divx"),
        ("a.mp4", None, {"crf": 99}, "expected 0 to 51, got 99"),
        ("a.mov", "prores", {"crf": 20}, "expected none, got 20"),
        ("a.mp4", None, {"preset": "quick"}, "expected one of ultrafast, .*got quick"),
        ("a.mkv", "ffv1", {"preset": "slow"}, "expected none, got slow"),
    ],
)
def test_settings_that_cannot_be(
    target: str, codec: str | None, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        Encoding.for_file(Path(target), codec, **settings)


def test_crf_and_preset_reach_the_encoder(tmp_path: Path) -> None:
    film = make_film(tmp_path / "a.mkv", Recipe(codec="ffv1"))
    sizes = {}
    for crf in (10, 40):
        color(film, tmp_path / "b.mp4", crf=crf, preset="ultrafast")
        sizes[crf] = (tmp_path / "b.mp4").stat().st_size
    assert sizes[40] < 0.6 * sizes[10]
