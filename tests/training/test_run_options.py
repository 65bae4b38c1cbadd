"""Options of a run: those that cannot be, how they are stored, and what follows from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra train)")
for package in ("lightning", "timm", "onnxscript", "matplotlib", "safetensors"):
    pytest.importorskip(package, reason=f"needs {package} (extra train)")

import timm  # noqa: E402

from photochrom.errors import ArgumentError, DownloadError  # noqa: E402
from photochrom.training.data.crops import aside  # noqa: E402
from photochrom.training.presets import PRESETS  # noqa: E402
from photochrom.training.run import train  # noqa: E402
from photochrom.training.run_folder import alone  # noqa: E402
from photochrom.training.run_options import Options, read_config  # noqa: E402
from photochrom.training.run_plan import plan_of  # noqa: E402
from tests.helpers.training_pictures import fill_regions  # noqa: E402
from tests.helpers.training_runs import ENCODER, PLAIN, SMALL, begun  # noqa: E402

pytestmark = pytest.mark.usefixtures("untrained_encoder")


def test_regions_are_for_a_network_with_a_region_head(data: Path, tmp_path: Path) -> None:
    fill_regions(tmp_path / "regions", 2)
    options = begun(data, PLAIN) | {"regions": (str(tmp_path / "regions"),)}
    with pytest.raises(ArgumentError, match="--regions cannot be used"):
        train(options, tmp_path / "run")
    fill_regions(tmp_path / "single", 1)
    options = begun(data, SMALL) | {"regions": (str(tmp_path / "single"),)}
    with pytest.raises(ArgumentError, match=r"two pictures or more.*got 1"):
        train(options, tmp_path / "run")
    options = begun(data, SMALL) | {"regions": (str(tmp_path / "nowhere"),)}
    with pytest.raises(ArgumentError, match="no regions to learn from"):
        train(options, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("pictures", "count"), [(10, 2), (100, 15), (300, 40), (5000, 100)])
def test_enough_pictures_are_set_aside_to_calibrate_on(pictures: int, count: int) -> None:
    plan = plan_of(Options(data=("x",), batch=2), PRESETS["photochrom"], pictures=pictures)
    assert aside(pictures, plan.validation) == count


@pytest.mark.usefixtures("unfinished")
def test_the_options_of_a_run_stay(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="no run to resume"):
        train({}, tmp_path / "run", resume=True)
    train(begun(data, PLAIN), tmp_path / "run")
    with pytest.raises(ArgumentError, match="new or empty"):
        train(begun(data, PLAIN), tmp_path / "run")
    with pytest.raises(ArgumentError, match="another batch: expected 2, got 3"):
        train({"batch": 3}, tmp_path / "run", resume=True)
    assert train(begun(data, PLAIN), tmp_path / "run", resume=True)  # the same ones are welcome
    stored = read_config(tmp_path / "run" / "run.toml")
    assert stored["data"] == (str(data),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "other"}, "--preset"),
        ({"preset": "plain", "size": 48}, "32, 64 or 128"),
        ({"preset": "plain", "encoder": "resnet50"}, "neither of them"),
        ({"minutes": 1.0, "epochs": 1.0}, "both"),
        ({"data": ("nowhere",)}, "not a source"),
        ({"encoder": "nothing_like_it"}, "nothing_like_it"),
        ({"seed": -1}, "seed"),
        ({"data": ()}, "nothing to train on"),
    ],
)
def test_mistakes(data: Path, options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=message):
        train(begun(data, {"epochs": 1, "encoder": ENCODER} | options), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_encoder_that_cannot_be_fetched(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = timm.create_model

    def unconnected(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        if pretrained:
            raise OSError("no route\nto the host")
        return create(name, **options)

    monkeypatch.setattr(timm, "create_model", unconnected)
    with pytest.raises(DownloadError, match=r"got no route; .* --weights") as caught:
        train(begun(data, SMALL), tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_run_in_use_is_left_alone(data: Path, tmp_path: Path) -> None:
    with (
        alone(tmp_path / "run", True),
        pytest.raises(ArgumentError, match="a run is going on"),
    ):
        train(begun(data, PLAIN), tmp_path / "run")


def test_a_config_is_written_and_read(tmp_path: Path) -> None:
    options = Options(
        data=("a 'b' \"c\" – ü",), shares={"a b": 0.5, "c": 2.0}, lr=1e-4, minutes=3.0, loggers=()
    )
    options.store(tmp_path)
    assert Options(**read_config(tmp_path / "run.toml")) == options
    (tmp_path / "bad.toml").write_text("learning = 3")
    with pytest.raises(ArgumentError, match="got learning"):
        read_config(tmp_path / "bad.toml")
    with pytest.raises(ArgumentError, match="no such file"):
        read_config(tmp_path / "none.toml")


@pytest.mark.usefixtures("unfinished")
def test_shares_name_sources(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"names of sources: pictures, got nobody"):
        train(begun(data, PLAIN | {"shares": {"nobody": 1.0}}), tmp_path / "run")
