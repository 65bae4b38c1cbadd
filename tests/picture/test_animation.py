"""Animations: read whole, with times and repetitions, and written again."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photochrom import Colorizer, ColorOptions, Hint, OutputOptions, PictureError, colorize_file
from photochrom.color import lightness, srgb_to_lab
from photochrom.errors import ArgumentError, PictureTooLargeError
from photochrom.picture.animation import open_animation, save_animation

HEIGHT, WIDTH, COUNT = 36, 50, 6
DELAYS = [40, 50, 120, 30, 1000, 70]  # milliseconds; those of GIF are hundredths of a second


def grey(number: int) -> NDArray[np.uint8]:
    ramp = np.linspace(20, 230, WIDTH + COUNT).astype(np.uint8)
    return np.tile(ramp[number : number + WIDTH], (HEIGHT, 1))


def animated(format: str, *, alpha: bool = False, **options: Any) -> bytes:
    frames = [Image.fromarray(grey(number)) for number in range(COUNT)]
    if alpha:
        for number, frame in enumerate(frames):
            hole = np.full((HEIGHT, WIDTH), 255, np.uint8)
            hole[:, : 5 + number] = 0
            frame.putalpha(Image.fromarray(hole))
    if format == "WEBP":
        options |= {"lossless": True, "exact": True}
    file = io.BytesIO()
    save = {"save_all": True, "append_images": frames[1:], "duration": DELAYS}
    frames[0].save(file, format, **save, **options)
    return file.getvalue()


def frames_of(data: bytes) -> tuple[list[NDArray[np.uint8]], list[int], Any]:
    """RGBA of all frames, milliseconds and the number of repetitions, as Pillow reads them."""
    image, found, times = Image.open(io.BytesIO(data)), [], []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        found.append(np.asarray(image.convert("RGBA")))
        times.append(round(image.info["duration"]))
    return found, times, image.info.get("loop")


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(
    ("format", "loop", "plays"),
    [("PNG", 3, 3), ("WEBP", 3, 3), ("GIF", 0, 0), ("GIF", 2, 3), ("GIF", None, 1), ("PNG", 0, 0)],
)
def test_coloured_whole(
    tiny_colorizer: Colorizer, format: str, loop: int | None, plays: int, alpha: bool
) -> None:
    pytest.importorskip("cv2", reason="steady colour needs OpenCV (extra video)")
    source = animated(format, alpha=alpha, **({} if loop is None else {"loop": loop}))
    target = io.BytesIO()
    result = colorize_file(tiny_colorizer, source, target)
    assert result.format == ("webp" if format == "WEBP" else "png")
    assert (result.frames, result.pages, result.width, result.height) == (COUNT, 1, WIDTH, HEIGHT)
    assert result.notes == ()
    colored, times, again = frames_of(target.getvalue())
    assert (times, again) == (DELAYS, plays)
    for rgba, before in zip(colored, frames_of(source)[0], strict=True):
        np.testing.assert_array_equal(rgba[..., 3], before[..., 3])
        seen = before[..., 3] > 0
        lab = srgb_to_lab(np.ascontiguousarray(rgba[..., :3]))
        if format != "WEBP":
            assert np.abs(lab[..., 0] - lightness(before[..., 0]))[seen].max() < 0.5
        assert np.hypot(lab[..., 1], lab[..., 2])[seen].mean() > 3


def test_a_still_picture_before_an_animation_is_no_frame() -> None:
    data = animated("PNG", default_image=True)
    animation = open_animation(data)
    assert animation is not None
    # Pillow gives the first of the times to the first frame behind the still one.
    assert len(animation.delays) == len(list(animation.frames())) == COUNT - 1
    np.testing.assert_array_equal(next(animation.frames()).pixels, grey(1))


def test_others_are_no_animations() -> None:
    for format in ("PNG", "GIF", "WEBP", "JPEG", "TIFF"):
        file = io.BytesIO()
        Image.fromarray(grey(0)).save(file, format)
        assert open_animation(file.getvalue()) is None


def test_times_that_are_no_milliseconds(tiny_colorizer: Colorizer) -> None:
    file = io.BytesIO()
    frames = [Image.fromarray(grey(number)) for number in range(3)]
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:], duration=1000 / 24)
    animation = open_animation(file.getvalue())
    assert animation is not None
    assert abs(animation.delays[0] - Fraction(1, 24)) < Fraction(1, 10**5)
    target = io.BytesIO()
    save_animation(animation.frames(), target, animation)
    again = open_animation(target.getvalue())
    assert again is not None
    assert again.delays == pytest.approx(animation.delays, abs=1e-6)
    for one, other in zip(animation.frames(), again.frames(), strict=True):
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_formats_without_animations_get_the_first_frame(tiny_colorizer: Colorizer) -> None:
    result = colorize_file(
        tiny_colorizer, animated("GIF"), io.BytesIO(), None, OutputOptions("tiff")
    )
    assert result.frames is None
    assert "5 further frames of the animation" in result.notes[0]


def test_what_is_refused(tiny_colorizer: Colorizer) -> None:
    pytest.importorskip("cv2", reason="steady colour needs OpenCV (extra video)")
    data = animated("PNG")
    hints = ColorOptions(hints=[Hint(3, 3, (200, 0, 0))])
    with pytest.raises(ArgumentError, match="animation"):
        colorize_file(tiny_colorizer, data, io.BytesIO(), hints)
    limit = OutputOptions(max_pixels=HEIGHT * WIDTH * (COUNT - 1))
    with pytest.raises(PictureTooLargeError):
        colorize_file(tiny_colorizer, data, io.BytesIO(), None, limit)
    for cut in (400, len(data) // 2):
        with pytest.raises(PictureError):
            colorize_file(tiny_colorizer, data[:cut], io.BytesIO())
