"""From a picture to a picture, with tiny networks."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import photochrom
from photochrom import (
    ArgumentError,
    Colorizer,
    ColorOptions,
    Hint,
    ModelNotFoundError,
    PictureError,
    PictureTooLargeError,
    open_picture,
)
from photochrom.color import lightness, neutral, srgb_to_lab
from tests.helpers.two_halves import chroma, scene

Array = NDArray[Any]
RED = (192, 57, 43)


def png(array: Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", dpi=(300, 300))
    return buffer.getvalue()


def test_grey_becomes_colour(colorizer: Colorizer) -> None:
    """The tiny network's colours come out where they belong: dark is brown, bright is blue."""
    picture = colorizer.colorize(scene())
    assert picture.pixels.shape == (60, 90, 3)
    assert picture.pixels.dtype == np.uint8
    ab = srgb_to_lab(picture.pixels)[..., 1:]
    left, right = ab[5:-5, 5:35].mean((0, 1)), ab[5:-5, 55:85].mean((0, 1))
    assert left[0] > 5
    assert left[1] > 10
    assert right[1] < -10


def test_every_kind_of_source_gives_the_same(colorizer: Colorizer, tmp_path: Path) -> None:
    grey = scene()
    path = tmp_path / "scene.png"
    path.write_bytes(png(grey))
    rgb = np.stack([grey] * 3, -1)
    opaque = np.full_like(grey, 255)
    sources: dict[str, Any] = {
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "file": io.BytesIO(path.read_bytes()),
        "Pillow L": Image.fromarray(grey),
        "Pillow RGB": Image.fromarray(rgb),
        "RGB": rgb,
        "one channel": grey[..., None],
        "grey and alpha": np.stack([grey, opaque], -1),
        "RGBA": np.dstack([rgb, opaque]),
        "not contiguous": np.asfortranarray(rgb),
    }
    expected = colorizer.colorize(grey).pixels
    for name, source in sources.items():
        np.testing.assert_array_equal(colorizer.colorize(source).pixels, expected, err_msg=name)
    prepared = colorizer.prepare(open_picture(path))
    np.testing.assert_array_equal(colorizer.render(prepared).pixels, expected)


def test_floats_and_16_bits_stay_deep(colorizer: Colorizer) -> None:
    deep = scene(depth=np.uint16)
    picture = colorizer.colorize(deep)
    assert picture.pixels.dtype == np.uint16
    assert picture.depth == 16
    floats = colorizer.colorize((deep / 65535).astype(np.float32))
    np.testing.assert_allclose(floats.pixels, picture.pixels.astype(float), atol=2)
    shallow = colorizer.colorize((deep // 257).astype(np.uint8)).pixels
    np.testing.assert_allclose(picture.pixels / 257, shallow, atol=6)


def test_alpha_and_metadata_stay(colorizer: Colorizer) -> None:
    alpha = np.random.default_rng(2).integers(0, 256, (60, 90)).astype(np.uint8)
    source = open_picture(png(np.stack([scene(), alpha], -1)))
    picture = colorizer.colorize(png(np.stack([scene(), alpha], -1)))
    np.testing.assert_array_equal(picture.alpha, alpha)
    assert picture.metadata == source.metadata
    assert picture.metadata.dpi is not None
    assert picture.format == "png"


def test_a_toned_print_of_8_bits_stays_one(colorizer: Colorizer) -> None:
    """Its grey is finer than 8 bits in between; alpha must follow the way back."""
    sepia = (scene()[..., None] * np.array([1, 0.86, 0.68])).astype(np.uint8)
    alpha = np.arange(60 * 90).reshape(60, 90).astype(np.uint8)
    picture = colorizer.colorize(np.dstack([sepia, alpha]))
    assert picture.pixels.dtype == np.uint8
    np.testing.assert_array_equal(picture.alpha, alpha)


@pytest.mark.parametrize("name", ["photochrom", "plain", "zhang16", "deoldify"])
def test_lightness_is_kept_from_end_to_end(models: dict[str, Path], name: str) -> None:
    rng = np.random.default_rng(3)
    colorizer, vivid = Colorizer(models[name]), ColorOptions(vividness=4)
    noise = rng.integers(0, 256, (41, 37, 3)).astype(np.uint8)
    for source in (noise, noise[..., 0], noise.astype(np.uint16) * 250, scene(depth=np.uint16)):
        picture = colorizer.colorize(source, vivid)
        L = srgb_to_lab(source)[..., 0] if source.ndim == 3 else lightness(source)
        deep = source.dtype == np.uint16
        difference = np.abs(srgb_to_lab(picture.pixels)[..., 0] - L)
        assert difference.max() < (0.003 if deep else 0.3)
        assert chroma(picture).mean() > 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["photochrom", "hints", "plain", "zhang16", "deoldify"])
def test_no_vividness_is_the_grey_input_bit_for_bit(
    models: dict[str, Path], name: str, depth: type
) -> None:
    top = np.iinfo(depth).max
    grey = np.linspace(0, top, 64 * 64).round().astype(depth).reshape(64, 64)
    picture = Colorizer(models[name]).colorize(grey, ColorOptions(vividness=0))
    assert picture.pixels.dtype == depth
    np.testing.assert_array_equal(picture.pixels, np.stack([grey] * 3, -1))


def test_no_vividness_turns_a_toned_print_grey(colorizer: Colorizer) -> None:
    sepia = (scene(depth=np.uint16)[..., None] * np.array([1, 0.86, 0.68])).astype(np.uint16)
    picture = colorizer.render(colorizer.prepare(sepia), ColorOptions(vividness=0))
    np.testing.assert_array_equal(picture.pixels, np.stack([neutral(sepia)] * 3, -1))


@pytest.mark.parametrize("name", ["photochrom", "plain", "deoldify"])
def test_more_vividness_is_more_chroma(models: dict[str, Path], name: str) -> None:
    colorizer = Colorizer(models[name])
    prepared = colorizer.prepare(scene(depth=np.uint16))
    steps = (0, 0.05, 0.25, 0.5, 0.999, 1, 1.001, 1.5)
    options = [ColorOptions(vividness=v) for v in steps]
    means = [float(chroma(colorizer.render(prepared, each)).mean()) for each in options]
    assert means[0] < 0.01
    assert (np.diff(means) > 0).all()
    assert means[3] < 0.8 * means[5]
    assert means[7] > 1.1 * means[5]
    # No jump where the network's own colours are taken as they are.
    np.testing.assert_allclose(means[4:7], means[5], rtol=0.01)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 300), (300, 2), (5, 5)])
@pytest.mark.parametrize("name", ["photochrom", "hints", "plain", "zhang16", "deoldify"])
def test_small_and_narrow_pictures(
    models: dict[str, Path], name: str, shape: tuple[int, int]
) -> None:
    grey = np.random.default_rng(4).integers(0, 256, shape).astype(np.uint8)
    hint = Hint(shape[1] - 1, shape[0] - 1, RED)
    picture = Colorizer(models[name]).colorize(grey, ColorOptions(hints=[hint]))
    assert picture.pixels.shape == (*shape, 3)
    assert np.abs(srgb_to_lab(picture.pixels)[..., 0] - lightness(grey)).max() < 0.3


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_out_of_range(models: dict[str, Path], threads: int) -> None:
    with pytest.raises(ArgumentError, match="threads: expected 1 or more"):
        Colorizer(models["plain"], threads=threads)


def test_a_size_the_model_cannot_take_is_refused_at_once(models: dict[str, Path]) -> None:
    with pytest.raises(ArgumentError, match="the model's input size"):
        Colorizer(models["plain"]).prepare(scene(), ColorOptions(size=5000))


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        Colorizer(tmp_path / "none.onnx")
    with pytest.raises(ModelNotFoundError):
        Colorizer("no-such-model")


def test_what_is_no_picture(colorizer: Colorizer) -> None:
    with pytest.raises(PictureError):
        colorizer.colorize(b"no picture")
    with pytest.raises(ArgumentError):
        colorizer.colorize(np.zeros((4, 4, 7), np.uint8))


def test_pictures_above_the_limit(colorizer: Colorizer) -> None:
    data = png(scene())
    colorizer.colorize(data, max_pixels=60 * 90)
    with pytest.raises(PictureTooLargeError):
        colorizer.colorize(data, max_pixels=60 * 90 - 1)


def test_the_bundled_model_colours_a_photograph() -> None:
    data = pytest.importorskip("skimage.data", reason="needs scikit-image (group dev)")
    grey = neutral(np.ascontiguousarray(data.astronaut()[:256, :256]))
    picture = photochrom.colorize(grey)
    assert picture.pixels.shape == (256, 256, 3)
    assert chroma(picture).mean() > 5
    assert np.abs(srgb_to_lab(picture.pixels)[..., 0] - lightness(grey)).max() < 0.003


def test_a_note_in_the_file_names_the_model(colorizer: Colorizer) -> None:
    picture = colorizer.colorize(np.full((8, 8), 99, np.uint8))
    assert picture.note is not None
    assert "model tiny;" in picture.note
    assert "\n" not in picture.note
    assert picture.note.encode() in (open_picture(picture.to_bytes("png")).metadata.xmp or b"")
