"""From a picture to a picture, with tiny networks."""

import io
import os
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
    Picture,
    PictureError,
    PictureTooLargeError,
    open_picture,
)
from photochrom.color import lab_to_srgb, lightness, neutral, srgb_to_lab
from photochrom.models import Card
from tests.helpers import tiny_models as tiny

Array = NDArray[Any]
RED = (192, 57, 43)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    card = Card(name="plain", family="plain", size=64, multiple=4)
    return {
        "photochrom": tiny.photochrom(folder / "tiny.onnx"),
        "hints": tiny.photochrom(folder / "hints.onnx", hints=True),
        "plain": tiny.save(folder / "plain.onnx", tiny.PLAIN, card),
        "zhang16": tiny.save(
            folder / "zhang16.onnx",
            tiny.ZHANG16,
            Card(name="zhang16", family="zhang16", fixed=(16, 16)),
        ),
        "deoldify": tiny.deoldify(folder / "deoldify.onnx", works_in=255, card_says=255),
    }


@pytest.fixture(scope="module")
def colorizer(models: dict[str, Path]) -> Colorizer:
    return Colorizer(models["photochrom"])


def scene(height: int = 60, width: int = 90, depth: type = np.uint8) -> Array:
    """Dark on the left, bright on the right, grain over both."""
    rng, top = np.random.default_rng(1), np.iinfo(depth).max
    grey = np.full((height, width), 0.35)
    grey[:, width // 2 :] = 0.7
    return np.rint((grey + rng.normal(0, 0.02, grey.shape)).clip(0, 1) * top).astype(depth)


def chroma(picture: Picture) -> Array:
    return np.asarray(np.hypot(*np.moveaxis(srgb_to_lab(picture.pixels)[..., 1:], -1, 0)))


def png(array: Array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", dpi=(300, 300))
    return buffer.getvalue()


# --- what goes in and what comes out -----------------------------------------------------------


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


# --- preparing once, rendering many times ------------------------------------------------------


def test_prepared_once_and_rendered_is_colorized(colorizer: Colorizer) -> None:
    grey, hint = scene(), Hint(20, 30, RED, 5)
    prepared = colorizer.prepare(grey)
    again = Colorizer(colorizer.model.path)
    options = ColorOptions(vividness=0.5, hints=[hint])
    np.testing.assert_array_equal(
        colorizer.render(prepared).pixels, colorizer.colorize(grey).pixels
    )
    np.testing.assert_array_equal(
        colorizer.render(prepared, options).pixels, again.colorize(grey, options).pixels
    )
    # Rendering leaves what was prepared as it was.
    np.testing.assert_array_equal(
        colorizer.render(prepared).pixels, colorizer.colorize(grey).pixels
    )


def test_rendering_does_not_run_the_network(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    colorizer = Colorizer(models["hints"])
    prepared, calls = colorizer.prepare(scene()), []
    predict = colorizer.model.predict
    monkeypatch.setattr(
        colorizer.model, "predict", lambda *planes: calls.append(1) or predict(*planes)
    )
    for vividness in (0, 0.5, 1, 2):
        colorizer.render(prepared, ColorOptions(vividness=vividness))
    own = tuple(colorizer.render(prepared).pixels[3, 3])
    assert not calls
    colorizer.render(prepared, ColorOptions(hints=[Hint(3, 3, own)]))  # a likely colour
    assert len(calls) == 1


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_threads_change_nothing(models: dict[str, Path], depth: type) -> None:
    """More pixels than one strip, in shares of different heights."""
    prepared = Colorizer(models["photochrom"]).prepare(scene(601, 700, depth))
    vivid = ColorOptions(vividness=2)
    one = Colorizer(models["photochrom"], threads=1).render(prepared, vivid)
    for threads in (2, 3, 7):
        several = Colorizer(models["photochrom"], threads=threads).render(prepared, vivid)
        np.testing.assert_array_equal(several.pixels, one.pixels)


def test_the_size_of_the_input_can_be_chosen(models: dict[str, Path]) -> None:
    assert Colorizer(models["photochrom"]).prepare(scene(100, 100)).L.shape == (64, 64)
    large = Colorizer(models["photochrom"]).prepare(scene(100, 100), ColorOptions(size=160))
    assert large.L.shape == (160, 160)
    assert large.ab.shape == (2, 40, 40)


# --- hints -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["photochrom", "hints", "plain", "zhang16", "deoldify"])
def test_a_hint_gives_its_colour_to_its_place(models: dict[str, Path], name: str) -> None:
    colorizer = Colorizer(models[name])
    prepared = colorizer.prepare(scene(depth=np.uint16))
    plain = srgb_to_lab(colorizer.render(prepared).pixels)
    hint = Hint(20, 30, RED, 9)
    hinted = srgb_to_lab(colorizer.render(prepared, ColorOptions(hints=[hint])).pixels)
    # As much of the hint's chroma as there is at this lightness.
    place = np.s_[26:34, 16:24]
    colour = np.array([plain[place][..., 0].mean(), *hint.ab], np.float32)
    possible = srgb_to_lab(lab_to_srgb(colour, np.uint16))[1:]
    before, after = (
        np.hypot(*(lab[place][..., 1:].mean((0, 1)) - possible)) for lab in (plain, hinted)
    )
    assert after < 8
    assert after < 0.5 * before
    # The other side of the edge hardly notices.
    assert np.abs(hinted[:, 60:] - plain[:, 60:]).max() < 3


def test_no_hints_are_no_hints(colorizer: Colorizer) -> None:
    prepared = colorizer.prepare(scene())
    for none in ((), []):
        np.testing.assert_array_equal(
            colorizer.render(prepared, ColorOptions(hints=none)).pixels,
            colorizer.render(prepared).pixels,
        )


@pytest.mark.parametrize("name", ["photochrom", "hints"])
def test_a_hint_outside_is_refused(models: dict[str, Path], name: str) -> None:
    with pytest.raises(ArgumentError, match=r"a hint lies outside .* x in 0\.\.\.89"):
        Colorizer(models[name]).colorize(scene(), ColorOptions(hints=[Hint(90, 10, RED)]))


# --- the distribution --------------------------------------------------------------------------


def test_entropy_is_lowest_where_the_network_is_sure(colorizer: Colorizer) -> None:
    """The tiny one knows one colour for bright and two for dark."""
    prepared = colorizer.prepare(scene())
    entropy = prepared.entropy
    assert entropy.shape == prepared.ab.shape[1:]
    assert entropy.min() >= 0
    assert entropy.max() <= 1
    middle = entropy.shape[1] // 2
    assert entropy[:, : middle - 1].mean() > entropy[:, middle + 1 :].mean()
    assert prepared.entropy is entropy


def test_the_palette_of_a_place(colorizer: Colorizer) -> None:
    prepared = colorizer.prepare(scene())
    dark, bright = prepared.palette(10, 30), prepared.palette(89.9, 59.9, count=1)
    assert 2 <= len(dark) <= 5
    assert len(bright) == 1
    chances = [s.probability for s in dark]
    assert chances == sorted(chances, reverse=True)
    assert 0 < chances[0] <= 1
    ab = {}
    for suggestion in (*dark[:2], *bright):
        code = np.frombuffer(bytes.fromhex(suggestion.color[1:]), np.uint8)
        L, *ab[suggestion.color] = srgb_to_lab(code)
        x = 10 if suggestion in dark else 89
        assert abs(L - lightness(scene())[:, x].mean()) < 6
    brown, green = ab[dark[0].color], ab[dark[1].color]
    assert brown[0] > 5
    assert green[0] < -5
    assert ab[bright[0].color][1] < -10


def test_a_palettes_place_is_across_then_down(colorizer: Colorizer) -> None:
    prepared = colorizer.prepare(np.ascontiguousarray(scene(90, 60).T))  # dark above, bright below
    above, below = prepared.palette(50, 10)[0].color, prepared.palette(10, 50)[0].color
    (red, _, blue), (red_below, _, blue_below) = (bytes.fromhex(c[1:]) for c in (above, below))
    assert red > blue
    assert red_below < blue_below


@pytest.mark.parametrize(("x", "y"), [(-1, 5), (90, 5), (5, 60), (float("nan"), 5)])
def test_a_palette_outside_is_refused(colorizer: Colorizer, x: float, y: float) -> None:
    with pytest.raises(ArgumentError, match=r"x in 0\.\.\.89 and y in 0\.\.\.59"):
        colorizer.prepare(scene()).palette(x, y)


def test_a_model_of_one_colour_has_no_palette(models: dict[str, Path]) -> None:
    prepared = Colorizer(models["plain"]).prepare(scene())
    with pytest.raises(ArgumentError, match="one colour, not a distribution"):
        prepared.palette(1, 1)
    with pytest.raises(ArgumentError, match="one colour, not a distribution"):
        _ = prepared.entropy


# --- mistakes ----------------------------------------------------------------------------------


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


# --- the model inside the package --------------------------------------------------------------


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


# --- references ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lending(tmp_path_factory: pytest.TempPathFactory) -> Colorizer:
    return Colorizer(
        tiny.photochrom(tmp_path_factory.mktemp("lending") / "lending.onnx", features=True)
    )


def in_color(dark: tuple[int, ...], bright: tuple[int, ...]) -> Array:
    """The scene with other colours, mirrored."""
    grey = scene()[:, ::-1].astype(int)[..., None]
    halves = np.where(np.arange(90)[:, None] < 45, bright, dark)
    return (grey + halves).clip(0, 255).astype(np.uint8)


def test_a_reference_lends_its_colours_to_the_like(lending: Colorizer, tmp_path: Path) -> None:
    path = tmp_path / "reference.png"
    Image.fromarray(in_color((-30, 25, -40), (20, 0, 20))).save(path)
    own = srgb_to_lab(lending.colorize(scene()).pixels)
    for reference in (path, str(path), [path], lending.reference(path)):
        options = ColorOptions(reference=reference)
        found = srgb_to_lab(lending.colorize(scene(), options).pixels)
        assert own[:, :40, 1].mean() > 5
        assert found[:, :40, 1].mean() < -15  # green as the dark half of the reference
        assert found[:, 50:, 1].mean() > 5
        np.testing.assert_allclose(found[..., 0], own[..., 0], atol=1)
    assert lending.match(lending.prepare(scene()), options).matched > 0.9


def test_a_changed_reference_is_read_again(lending: Colorizer, tmp_path: Path) -> None:
    path, found = tmp_path / "reference.png", []
    for number, dark in enumerate(((-30, 25, -40), (40, -10, -10))):
        Image.fromarray(in_color(dark, (20, 0, 20))).save(path)
        os.utime(path, ns=(number, number))
        pixels = lending.colorize(scene(), ColorOptions(reference=path)).pixels
        found.append(srgb_to_lab(pixels)[:, :40, 1].mean())
    assert found[0] < -15 < 15 < found[1]


def test_references_that_cannot_be_used(
    lending: Colorizer, colorizer: Colorizer, tmp_path: Path
) -> None:
    with pytest.raises(PictureError, match="no-such"):
        lending.colorize(scene(), ColorOptions(reference=tmp_path / "no-such.jpg"))
    with pytest.raises(ArgumentError, match="no colours to lend"):
        lending.reference(scene())
    with pytest.raises(ArgumentError, match="cannot borrow colours"):
        colorizer.reference(in_color((9, 0, 0), (0, 9, 0)))


@pytest.mark.parametrize(
    ("family", "text"), [("siggraph17", tiny.SIGGRAPH17), ("ddcolor", tiny.DDCOLOR)]
)
def test_a_click_with_a_network_without_features(tmp_path: Path, family: str, text: str) -> None:
    """It goes to what is alike in L and predicted colour; references need features."""
    card = Card(name=family, family=family, size=64, multiple=8)
    other = Colorizer(tiny.save(tmp_path / "net.onnx", text, card))
    assert not other.model.has_features
    grey = np.full((64, 96), 90, np.uint8)
    grey[:, 48:] = 190
    prepared = other.prepare(grey)
    before = other.render(prepared).pixels
    hint = Hint(20, 30, "#3060e0")
    after = other.render(prepared, ColorOptions(hints=[hint])).pixels
    change = srgb_to_lab(after)[..., 1:] - srgb_to_lab(before)[..., 1:]
    distance = np.hypot(change[..., 0], change[..., 1])
    assert distance[:, :42].min() > 20
    assert distance[:, 54:].max() < 2
    with pytest.raises(ArgumentError, match=r"cannot borrow colours.*a model with features"):
        other.render(prepared, ColorOptions(reference=in_color_file(tmp_path)))


def in_color_file(folder: Path) -> Path:
    path = folder / "reference.png"
    Image.fromarray(in_color((40, 0, 0), (0, 40, 0))).save(path)
    return path
