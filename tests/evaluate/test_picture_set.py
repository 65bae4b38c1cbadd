"""Which pictures are compared, and how they are cut."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photochrom import ArgumentError, PictureError
from photochrom.evaluate.picture_set import Item, chosen, list_pictures, squares


def colours(width: int = 40, height: int = 30) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.stack([5 * x, 7 * y, 3 * (x + y)], -1).astype(np.uint8))


def save(path: Path, image: Image.Image | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or colours()).save(path)
    return path


def packed(format: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    colours().save(buffer, format)
    return buffer.getvalue()


def names(items: list[Item], top: Path) -> list[str]:
    return [item.name.replace(str(top), "").replace("\\", "/").lstrip("/") for item in items]


def test_folders_are_searched_whole(tmp_path: Path) -> None:
    for name in ("b.png", "a/2.webp", "a/1.JPG", "a/deep/3.png", ".hidden/x.png", "a/.y.png"):
        save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    found = names(list_pictures([tmp_path]), tmp_path)
    assert found == ["b.png", "a/1.JPG", "a/2.webp", "a/deep/3.png"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_zip_files(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w", method) as archive:
        archive.writestr("z.webp", packed("WEBP"))
        archive.writestr("in/a.png", packed())
        archive.writestr("__MACOSX/in/._a.png", b"")
        archive.writestr("in/.b.png", packed())
        archive.writestr("readme.txt", b"hello")
    items = list_pictures([tmp_path / "set.zip"])
    assert names(items, tmp_path) == ["set.zip: in/a.png", "set.zip: z.webp"]
    cut = dict(squares(items, 32))
    assert all(isinstance(square, np.ndarray) for square in cut.values())
    assert len(cut) == 2


def test_several_sources_and_single_files(tmp_path: Path) -> None:
    one = save(tmp_path / "one.png")
    odd = tmp_path / "odd"
    odd.write_bytes(packed())
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", packed())
    items = list_pictures([one, tmp_path / "set.zip", odd])
    assert len(items) == 3
    assert all(isinstance(square, np.ndarray) for _, square in squares(items, 32))


def test_centre_square(tmp_path: Path) -> None:
    image = Image.new("RGB", (90, 30), "blue")
    image.paste((255, 0, 0), (30, 0, 60, 30))
    ((_, wide),) = squares([Item(save(tmp_path / "wide.png", image))], 30)
    assert isinstance(wide, np.ndarray)
    assert (wide == (255, 0, 0)).all()
    ((_, tall),) = squares([Item(save(tmp_path / "tall.png", image.rotate(90, expand=True)))], 64)
    assert isinstance(tall, np.ndarray)
    assert tall.shape == (64, 64, 3)
    assert tall.dtype == np.uint8
    assert (tall == (255, 0, 0)).all()


def test_resized_like_pillow(tmp_path: Path) -> None:
    ((_, square),) = squares([Item(save(tmp_path / "a.png"))], 50)
    expected = colours().crop((5, 0, 35, 30)).resize((50, 50), Image.Resampling.BICUBIC)
    assert np.array_equal(square, np.asarray(expected))  # type: ignore[arg-type]


def test_grey_and_deep_pictures(tmp_path: Path) -> None:
    save(tmp_path / "grey.png", Image.new("L", (20, 20), 90))
    save(tmp_path / "deep.png", Image.fromarray(np.full((20, 20), 90 * 257, np.uint16)))
    for _, square in squares(list_pictures([tmp_path]), 32):
        assert isinstance(square, np.ndarray)
        assert (square == 90).all()


def test_unreadable_pictures_do_not_stop_the_others(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff broken")
    save(tmp_path / "c.png")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("d.png", b"no picture")
        archive.writestr("e.png", packed())
    data = bytearray((tmp_path / "set.zip").read_bytes())
    at = data.index(packed())
    data[at + 40] ^= 255  # a wrong checksum
    (tmp_path / "damaged.zip").write_bytes(data)
    items = list_pictures([tmp_path, tmp_path / "set.zip", tmp_path / "damaged.zip"])
    results = [square for _, square in squares(items, 32)]
    good = [isinstance(square, np.ndarray) for square in results]
    assert good == [True, False, True, False, True, False, False]
    assert "CRC" in str(results[-1])
    assert all(
        isinstance(r, PictureError) for r, fine in zip(results, good, strict=True) if not fine
    )


def test_a_zip_that_claims_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photochrom.evaluate.picture_set._LARGEST_MEMBER", 100)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(100_000))
    ((_, result),) = squares(list_pictures([tmp_path / "bomb.zip"]), 32)
    assert isinstance(result, PictureError)
    assert "100,000 bytes" in str(result)


def test_mistakes(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="does not exist"):
        list_pictures([tmp_path / "nowhere"])
    with pytest.raises(ArgumentError, match="there is no picture in"):
        list_pictures([tmp_path])
    with pytest.raises(ArgumentError, match="no source of pictures is named"):
        list_pictures([])
    (tmp_path / "not.zip").write_bytes(b"PK nonsense")
    with pytest.raises(PictureError, match=r"not.zip cannot be read: File is not a zip file"):
        list_pictures([tmp_path / "not.zip"])


def test_limit() -> None:
    items = [Item(Path(f"{number:02}.png")) for number in range(50)]
    some = chosen(items, 10, 3)
    assert len(set(some)) == 10
    assert some == [item for item in items if item in some]  # in their order
    assert some == chosen(items, 10, 3)
    assert some != chosen(items, 10, 4)
    assert some != items[:10]
    assert chosen(items, None, 0) == chosen(items, 50, 0) == chosen(items, 99, 0) == items
    for limit in (0, -1):
        with pytest.raises(ArgumentError, match="the limit of pictures"):
            chosen(items, limit, 0)
