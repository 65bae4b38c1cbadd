"""The phase of the region head: what it learns, what it leaves alone, how it goes on."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("timm", "lightning", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

from photochrom.training.data.region_maps import RegionPictures  # noqa: E402
from photochrom.training.loop import region_phase  # noqa: E402
from photochrom.training.loop.callbacks import Progress  # noqa: E402
from photochrom.training.loop.region_phase import RegionPhase  # noqa: E402
from photochrom.training.network.color_network import ColorNetwork  # noqa: E402
from tests.helpers.training_pictures import fill_regions  # noqa: E402

SIDE = 64


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> RegionPictures:
    folder = tmp_path_factory.mktemp("regions")
    fill_regions(folder, 6, SIDE)
    return RegionPictures([folder])


def network() -> ColorNetwork:
    torch.manual_seed(3)
    return ColorNetwork("test_resnet").eval()


def phase(made: ColorNetwork, pictures: RegionPictures, folder: Path, **more: float) -> RegionPhase:
    torch.manual_seed(4)  # of a head that begins
    return RegionPhase(made, pictures, folder / "regions.ckpt", size=SIDE, **more)


def test_the_head_learns_and_all_else_stays(pictures: RegionPictures, tmp_path: Path) -> None:
    made = network()
    before = {name: value.clone() for name, value in made.state_dict().items()}
    one = phase(made, pictures, tmp_path)
    assert one.length == 30  # each of the 6 pictures is seen 20 times, 4 at once
    first, told = one.ranking(), list[Progress]()
    one.run(told.append)
    assert first is not None
    assert one.ranking() > max(0.9, first)
    assert [p.step for p in told] == list(range(1, 31))
    assert told[-1].done == 1
    assert told[-1].left == 0
    after = made.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    L = torch.rand(1, 1, SIDE, SIDE) * 100
    out = made(L, torch.zeros(1, 2, SIDE, SIDE), torch.zeros_like(L))
    assert out.regions.shape == (1, 64, SIDE // 8, SIDE // 8)
    lengths = torch.linalg.vector_norm(out.regions, dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths))


def test_a_phase_that_was_stopped_goes_on(
    pictures: RegionPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(region_phase, "PASSES", 4)
    whole, made = network(), network()
    phase(whole, pictures, tmp_path / "whole").run()

    def stop(progress: Progress) -> None:
        if progress.step == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(region_phase, "EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        phase(made, pictures, tmp_path).run(stop)
    going_on = phase(network(), pictures, tmp_path)
    assert going_on.steps == 3  # the last one that was kept
    going_on.run()
    for name, value in whole.regions.state_dict().items():
        assert torch.equal(value, going_on.head.state_dict()[name]), name
    again = phase(network(), pictures, tmp_path)
    assert again.done == 1


def test_the_clock_ends_it(pictures: RegionPictures, tmp_path: Path) -> None:
    one = phase(network(), pictures, tmp_path, minutes=1e-9)
    one.run()
    assert one.steps == 1
    assert (tmp_path / "regions.ckpt").is_file()
