"""Pictures with region maps: crops whose cells lie where their pixels do, and what does not fit."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from photochrom.errors import ArgumentError  # noqa: E402
from photochrom.training.data.region_maps import RegionPictures, cells  # noqa: E402
from tests.helpers.training_pictures import fill_regions  # noqa: E402


def drawn(folder: Path, labels: np.ndarray, mode: str = "L") -> Path:
    """A picture whose red is 40 times its map's value, and the map."""
    for name in ("pictures", "regions"):
        (folder / name / "in").mkdir(parents=True, exist_ok=True)
    rgb = np.stack([labels * 40] * 3, -1).astype(np.uint8)
    Image.fromarray(rgb).save(folder / "pictures" / "in" / "one.bmp")
    kept = Image.fromarray(labels.astype(np.uint16 if mode == "I;16" else np.uint8))
    if mode == "P":
        kept.putpalette([9] * 768)
    kept.save(folder / "regions" / "in" / "one.png")
    return folder


@pytest.mark.parametrize("mode", ["L", "P", "I;16"])
def test_the_cells_of_a_crop_are_those_of_its_pixels(tmp_path: Path, mode: str) -> None:
    labels = np.repeat(np.repeat(np.arange(1, 7).reshape(2, 3), 60, 0), 50, 1)
    pictures = RegionPictures([drawn(tmp_path, labels, mode)])
    seen = set()
    for seed in range(12):
        crops = pictures.crops([0], 64, np.random.default_rng(seed))
        assert crops.rgb.shape == (1, 3, 64, 64)
        assert crops.rgb.dtype == torch.uint8
        means = torch.nn.functional.avg_pool2d(crops.rgb[:, :1].float(), 8)[0, 0] / 40
        known = crops.labels[0] > 0
        assert known.float().mean() > 0.5
        assert (means - crops.labels[0])[known].abs().max() < 1.3  # of three tenths of a cell
        assert (means - crops.labels[0])[known].abs().median() < 0.05
        seen |= set(crops.labels.unique().tolist())
    assert seen >= {1, 2, 3, 4, 5, 6}


def test_a_cell_is_its_clear_majoritys() -> None:
    labels = np.full((8, 24), 5)
    labels[:, 8:16] = 7
    labels[:2, 8:16] = 5  # a quarter of the second
    labels[:, 20:] = 9  # half of the third
    assert cells(labels).tolist() == [[5, 7, 0]]


def test_the_same_draws_give_the_same_crops(tmp_path: Path) -> None:
    fill_regions(tmp_path, 3)
    pictures = RegionPictures([tmp_path])
    one, again = (pictures.crops([0, 2], 32, np.random.default_rng(4)) for _ in range(2))
    assert torch.equal(one.rgb, again.rgb)
    assert torch.equal(one.labels, again.labels)


def test_what_has_no_regions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no regions to learn from"):
        RegionPictures([tmp_path])
    fill_regions(tmp_path, 2)
    (tmp_path / "regions" / "1.png").unlink()
    with pytest.raises(ArgumentError, match=r"1\.png has no region map"):
        RegionPictures([tmp_path])


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: Image.new("RGB", (64, 64)).save(path), "one channel or a palette"),
        (lambda path: Image.new("L", (64, 48)).save(path), "the proportions of 64 x 64"),
        (lambda path: path.write_bytes(b"no picture"), "its region map"),
    ],
)
def test_a_map_that_does_not_fit_is_refused(tmp_path: Path, damage: object, problem: str) -> None:
    fill_regions(tmp_path, 1)
    damage(tmp_path / "regions" / "0.png")  # type: ignore[operator]
    with pytest.raises(ArgumentError, match=problem):
        RegionPictures([tmp_path]).crops([0], 32, np.random.default_rng(0))
