"""Batches that depend on the seed and the step, and on nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.helpers.training_pictures import colours, fill

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")

from torch.utils.data import DataLoader  # noqa: E402

from photochrom.errors import ArgumentError  # noqa: E402
from photochrom.training.data.cache import Cache, build_cache  # noqa: E402
from photochrom.training.data.crops import CropBatches, capped, centre_square, per_picture, split  # noqa: E402
from photochrom.training.data.opening import open_source  # noqa: E402


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """16 pictures of one source and 4 of another."""
    folder = tmp_path_factory.mktemp("data")
    fill(folder / "many", 16)
    fill(folder / "few", 4, height=60, width=40)
    sources = [open_source(folder / name) for name in ("many", "few")]
    return build_cache(sources, folder / "cache")


def batches(cache: Cache, **options: Any) -> CropBatches:
    given = {"size": 24, "batch": 3, "steps": 30, "seed": 7} | options
    return CropBatches(cache, given.pop("indices", np.arange(len(cache))), **given)


def test_same_seed_and_step_same_batch(cache: Cache) -> None:
    one, two = batches(cache), batches(cache)
    found = one[11]
    assert found.shape == (3, 3, 24, 24)
    assert found.dtype == torch.uint8
    assert found.is_contiguous()
    _ = [two[i] for i in (3, 29, 0)]  # what was asked for before does not matter
    assert torch.equal(two[11], found)
    assert not torch.equal(one[12], found)
    assert not torch.equal(batches(cache, seed=8)[11], found)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_run_continued_at_a_step_sees_the_same_batches(cache: Cache, workers: int) -> None:
    whole = batches(cache)
    rest = batches(cache, first=20)
    assert (len(whole), len(rest)) == (30, 10)
    options = {"multiprocessing_context": "spawn"} if workers else {}
    loader: Any = DataLoader(rest, batch_size=None, num_workers=workers, **options)
    for step, batch in enumerate(loader, start=20):
        assert torch.equal(batch, whole[step])
    with pytest.raises(IndexError):
        rest[10]


def drawn(data: CropBatches, cache: Cache) -> list[int]:
    """Which pictures the batches show, from crops that are whole pictures."""
    known = {centre_square(cache[i], 24).numpy().tobytes(): i for i in range(len(cache))}
    found = []
    for index in range(len(data)):
        for crop in data[index].numpy():
            straight, mirrored = crop.tobytes(), crop[:, :, ::-1].tobytes()
            found.append(known.get(straight, known.get(mirrored, -1)))
    return found


@pytest.fixture(scope="module")
def squares(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """16 square pictures of one source and 4 of another: crops at scale 1 are whole pictures."""
    folder = tmp_path_factory.mktemp("squares")
    fill(folder / "many", 16, height=24, width=24)
    fill(folder / "few", 4, height=32, width=32)
    return build_cache([open_source(folder / name) for name in ("many", "few")], folder / "cache")


def test_every_picture_once_per_epoch(squares: Cache) -> None:
    indices = np.array([0, 2, 5, 7, 11, 16, 19])
    data = batches(squares, indices=indices, steps=21, scale=(1, 1))  # 63 = 9 epochs of 7
    epochs = np.array(drawn(data, squares)).reshape(9, 7)
    for epoch in epochs:
        assert sorted(epoch.tolist()) == indices.tolist()
    assert len({tuple(epoch) for epoch in epochs.tolist()}) > 5  # in another order each time


def test_batch_larger_than_the_pictures(squares: Cache) -> None:
    data = batches(squares, indices=np.array([3, 4]), batch=5, steps=2, scale=(1, 1))
    assert sorted(drawn(data, squares)) == [3] * 5 + [4] * 5


def test_shares_of_sources(squares: Cache) -> None:
    weights = per_picture(squares, np.arange(20), [2 / 3, 1 / 3])
    assert weights == pytest.approx([2 / 3 / 16, 1 / 3 / 4])
    assert per_picture(squares, np.arange(16), [0.5, 0.5]) == [0.5 / 16, 0.0]
    data = batches(squares, batch=100, steps=30, scale=(1, 1), weights=weights)
    counts = np.bincount(drawn(data, squares), minlength=20)
    assert counts[:16].sum() == pytest.approx(2000, abs=130)  # of 3000
    assert counts[:16].min() > 80
    assert counts[16:].min() > 190
    only = batches(squares, batch=50, steps=2, scale=(1, 1), weights=[0, 1])
    assert set(drawn(only, squares)) == {16, 17, 18, 19}


def test_no_source_has_more_than_the_cap() -> None:
    assert capped([10, 30], None, 1.0) == pytest.approx([0.25, 0.75])
    assert capped([10, 30], None, 0.5) == pytest.approx([0.5, 0.5])
    # What the large ones lose the small ones get by their own sizes, again up to the cap.
    assert capped([100, 60, 2, 1, 0], None, 0.4) == pytest.approx([0.4, 0.4, 2 / 15, 1 / 15, 0])
    assert capped([100, 30, 2, 1], None, 0.3) == pytest.approx([0.3, 0.3, 0.8 / 3, 0.4 / 3])
    assert capped([5, 5, 5], [1, 0, 3], 1.0) == pytest.approx([0.25, 0, 0.75])
    assert capped([5, 0, 5], [1, 8, 3], 0.1) == pytest.approx([0.5, 0, 0.5])
    for bad in (0, 1.5):
        with pytest.raises(ArgumentError, match="largest share"):
            capped([1, 2], None, bad)
    with pytest.raises(ArgumentError, match="weights"):
        capped([1, 2], [0, 0], 1.0)


def test_crops_are_of_the_scale_lie_anywhere_and_are_mirrored(tmp_path: Path) -> None:
    # Red is the place from left to right, green from top to bottom.
    y, x = np.mgrid[:100, :150]
    place = np.stack([x * 255 / 149, y * 255 / 99, 255 - x * 255 / 149], axis=-1)
    (tmp_path / "pictures").mkdir()
    Image.fromarray(np.rint(place).astype(np.uint8)).save(tmp_path / "pictures" / "a.png")
    cache = build_cache([open_source(tmp_path / "pictures")], tmp_path / "cache")
    crops = batches(cache, batch=400, steps=1, size=50, scale=(0.5, 0.9))[0].numpy()
    x = crops[:, 0].mean(axis=1) * 149 / 255
    y = crops[:, 1].mean(axis=2) * 99 / 255
    mirrored = x[:, 0] > x[:, -1]
    assert 0.4 < mirrored.mean() < 0.6
    sides = (y[:, -1] - y[:, 0]) * 50 / 49
    assert 49 <= sides.min() < 53
    assert 87 < sides.max() <= 91
    left, right = x.min(axis=1), x.max(axis=1)
    assert left.min() < 4
    assert right.max() > 145
    assert y.min() < 2
    assert y.max() > 97
    np.testing.assert_allclose(right - left, y[:, -1] - y[:, 0], atol=1.5)  # squares


def test_shrinking_does_not_alias() -> None:
    stripes = np.tile(np.array([[250, 200, 20], [10, 60, 200]], np.uint8), (128, 64, 1))
    found = centre_square(stripes, 32)[:, :, 2:-2].float()
    assert (found - torch.tensor([130.0, 130, 110])[:, None, None]).abs().max() <= 3


def test_size_may_depend_on_the_step(cache: Cache) -> None:
    data = batches(cache, size=lambda step: 16 if step < 5 else 32, first=4)
    assert data[0].shape[-1] == 16
    assert data[1].shape[-1] == 32


def test_size_does_not_change_what_is_drawn(squares: Cache) -> None:
    small = batches(squares, size=lambda step: 24, scale=(1, 1))
    assert drawn(small, squares) == drawn(batches(squares, scale=(1, 1)), squares)


def test_split(cache: Cache) -> None:
    train, validation = split(cache, 0.25, seed=1)
    assert (len(train), len(validation)) == (15, 5)
    assert sorted([*train, *validation]) == list(range(20))
    assert (np.diff(train) > 0).all()
    again = split(cache, 0.25, seed=1)
    np.testing.assert_array_equal(again[1], validation)
    assert split(cache, 0.25, seed=2)[1].tolist() != validation.tolist()
    assert len(split(cache, 0, seed=1)[1]) == 0
    assert len(split(cache, 0.001, seed=1)[1]) == 1


@pytest.mark.parametrize("part", [-0.1, 1.0, 0.99])
def test_split_that_leaves_nothing(cache: Cache, part: float) -> None:
    with pytest.raises(ArgumentError, match=r"validation|the number of pictures"):
        split(cache, part, seed=1)


def test_centre_square() -> None:
    picture = colours(40, 60)
    found = centre_square(picture, 40)
    assert found.dtype == torch.uint8
    np.testing.assert_array_equal(found.numpy(), picture[:, 10:50].transpose(2, 0, 1))
    assert centre_square(picture, 17).shape == (3, 17, 17)


@pytest.mark.parametrize(
    "options",
    [
        {"batch": 0},
        {"seed": -1},
        {"first": 31},
        {"first": -1},
        {"scale": (0.0, 1.0)},
        {"scale": (0.9, 0.5)},
        {"scale": (0.5, 1.1)},
        {"weights": [1.0]},
        {"weights": [1.0, -1.0]},
        {"weights": [1.0, float("nan")]},
        {"weights": [0.0, 0.0]},
        {"indices": np.array([], int)},
    ],
)
def test_arguments_out_of_range(cache: Cache, options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="cannot be used"):
        batches(cache, **options)
