"""The two presets of a training run: network, crops, optimisation and export."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import nn

from ..color import Float
from ..errors import ArgumentError, DownloadError
from ..gamut import BIN_COUNT, soft_encode
from ..models.card import Card
from .data.lab import srgb_to_lab
from .loop.batches import Batches, Squares
from .loop.color_module import ColorModule, choose_trained
from .loop.fit import silent
from .loop.run_module import RunModule
from .network.color_network import ENCODER, STRIDE, ColorNetwork
from .network.export import export
from .network.plain import STRIDE as PLAIN_STRIDE
from .network.plain import PlainModule, PlainNetwork, export_plain
from .network.weights import in_words, read_network
from .objective.calibrate import FEW, calibrate, told
from .objective.loss import ColorLoss, rebalancing

_COUNTED = 60  # batches on which the colours' shares are counted
_CALIBRATED = 400  # pictures, at most, on which the temperature is chosen


class Begun(NamedTuple):
    """A network as it is to begin with."""

    network: nn.Module  # to be trained
    whole: bool = False  # whether all of it was trained before, so that this run fine-tunes it


class Preset(ABC):
    """One recipe: what `photochrom.training.run.train` needs to know of a network.

    For one of your own derive from it, or from `Plain` or `Photochrom` where only the network or
    the loss is another, and give it to `train`.
    """

    name: ClassVar[str]  # as the user calls it
    family: ClassVar[str]  # of its models, see ``models.card.FAMILIES``
    values: ClassVar[dict[str, Any]]  # of the `Plan`, where they are not its own
    # minutes, epochs: length of a run if the user says none
    minutes: ClassVar[float | None] = None
    epochs: ClassVar[float | None] = None
    scale: ClassVar[tuple[float, float]]  # of the crops, see `CropBatches`
    # the name in timm of the one it has if the user names none
    encoder: ClassVar[str | None] = None
    compiles: ClassVar[bool] = False  # whether compiling makes it faster
    # largest part of the crops that one source may have; None: each picture once per epoch
    most: ClassVar[float | None] = None
    measured: ClassVar[int] = 2000  # most pictures that a validation looks at
    # fewest pictures that are set aside for it, if these are not more than 15 %
    aside: ClassVar[int] = 1
    regions: ClassVar[bool] = False  # whether its network can have a region head
    # of the `Options`, where the user gives none, if a run fine-tunes a network
    tuning: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def sizes(self, size: int | None, data: Sequence[str]) -> tuple[int, int, int]:
        """Sides of the first crops, the last and the pictures kept; ArgumentError if not taken."""

    @abstractmethod
    def network(
        self, encoder: str | None, weights: Sequence[Path], say: Callable[[str], None]
    ) -> Begun:
        """The network to begin with; PhotochromError if encoder or weights cannot be had."""

    @abstractmethod
    def restored(self, encoder: str | None, weights: Path) -> nn.Module:
        """A network that a run has kept as a safetensors file."""

    @abstractmethod
    def module(self, network: Any, batches: Batches, *, compiled: bool) -> RunModule:
        """What trains it."""

    @abstractmethod
    def precision(self) -> str:
        """In what it is trained here, as Lightning calls it."""

    @abstractmethod
    def card(
        self,
        module: RunModule,
        batches: Batches,
        begun: nn.Module | None,
        say: Callable[[str], None],
    ) -> dict[str, Any]:
        """The last choices after training, and the part of the card that only the preset knows.

        `begun` is the network as it was when it began to be fine-tuned.
        """

    @abstractmethod
    def export(self, network: Any, card: Card, output: Path) -> None:
        """Write the ONNX file."""


class Photochrom(Preset):
    """The recipe of the bundled model."""

    name, family, encoder, compiles = "photochrom", "photochrom", ENCODER, True
    values: ClassVar[dict[str, Any]] = {}
    minutes = 60.0
    scale = (0.65, 1.0)
    most = 0.04
    measured = 300
    aside = FEW
    regions = True
    tuning: ClassVar[dict[str, Any]] = {"lr": 1e-4, "batch": 16}

    def sizes(self, size: int | None, data: Sequence[str]) -> tuple[int, int, int]:
        first = size or 128
        return first, max(first * 3 // 2 // 32 * 32, 32), first * 7 // 4

    def network(
        self, encoder: str | None, weights: Sequence[Path], say: Callable[[str], None]
    ) -> Begun:
        if weights:
            network, untrained = read_network(weights, encoder or ENCODER)
            say(f"weights of {', '.join(path.name for path in weights)}: {in_words(untrained)}")
            return Begun(network, whole=not untrained)
        say(f"fetching the encoder {encoder or ENCODER}")
        return Begun(_fetched(encoder or ENCODER))

    def restored(self, encoder: str | None, weights: Path) -> nn.Module:
        return read_network([weights], encoder or ENCODER)[0]

    def module(self, network: ColorNetwork, batches: Batches, *, compiled: bool) -> RunModule:
        if not torch.cuda.is_available():
            choose_trained(network, first_stage=4, spatial=False)
        plan = batches.plan
        weight = rebalancing(_shares(batches), plan.rebalancing)
        loss = ColorLoss(weight, plan.temperature, plan.distance)
        return ColorModule(network, loss, plan, compiled=compiled)

    def precision(self) -> str:
        return "bf16-mixed" if _has_bfloat16() else "32-true"

    def card(
        self,
        module: RunModule,
        batches: Batches,
        begun: nn.Module | None,
        say: Callable[[str], None],
    ) -> dict[str, Any]:
        assert isinstance(module, ColorModule)
        pictures = _some(batches.squares, _CALIBRATED)
        before = begun if isinstance(begun, ColorNetwork) else None
        best = calibrate(module.network, module.loss, pictures, module.temperature, before)
        module.temperature, module.chroma = best.temperature, best.chroma
        say(told(best))
        return {
            "size": max(64, module.plan.final_size),  # at which it was calibrated
            "multiple": 32,
            "temperature": round(best.temperature, 4),
            "chroma": round(best.chroma, 4),
            "hints": True,
            "metrics": {
                "validation_raw_gain": round(best.figure("raw_gain"), 4),
                "validation_balanced_gain": round(best.figure("balanced_gain"), 4),
                "validation_ciede2000_below_grey": round(-best.figure("ciede2000_over_grey"), 4),
                "validation_colorfulness_over_truth": round(best.figure("colorfulness"), 4),
            },
            "limits": "Colours are plausible, not evidence. "
            "Not compared with other models; see photochrom evaluate.",
        }

    def export(self, network: ColorNetwork, card: Card, output: Path) -> None:
        export(network, card, output)


class Plain(Preset):
    """The small network of student projects.

    Another network of its kind, L ``(N, 1, H, W)``, 0...100, to ab / 128, comes in by `untrained`,
    another loss by `module`.
    """

    name, family = "plain", "plain"
    values: ClassVar[dict[str, Any]] = {"rate": 3e-4, "validation": 0.1}
    epochs = 30
    scale = (1.0, 1.0)

    def sizes(self, size: int | None, data: Sequence[str]) -> tuple[int, int, int]:
        small = all(name in ("cifar10", "cifar100") for name in data)
        side = size or (32 if small else 64)
        if side not in (32, 64, 128):
            raise ArgumentError(
                "--size cannot be used",
                expected="32, 64 or 128 for the preset plain",
                got=str(side),
            )
        return side, side, side

    def network(
        self, encoder: str | None, weights: Sequence[Path], say: Callable[[str], None]
    ) -> Begun:
        if encoder or weights:
            raise ArgumentError(
                "--encoder and --weights cannot be used",
                expected="neither of them for the preset plain, which begins untrained",
                got="one of them",
                fix="leave it out, or take --preset photochrom",
            )
        return Begun(self.untrained())

    def untrained(self) -> nn.Module:
        """A network as it is to begin with; the sides of its inputs are multiples of 8."""
        return PlainNetwork()

    def restored(self, encoder: str | None, weights: Path) -> nn.Module:
        from safetensors.torch import load_file

        network = self.untrained()
        network.load_state_dict(load_file(weights))
        return network

    def module(self, network: nn.Module, batches: Batches, *, compiled: bool) -> RunModule:
        return PlainModule(network, batches.plan)

    def precision(self) -> str:
        return "32-true"

    def card(
        self,
        module: RunModule,
        batches: Batches,
        begun: nn.Module | None,
        say: Callable[[str], None],
    ) -> dict[str, Any]:
        return {
            "size": max(64, 2 * module.plan.size),
            "multiple": PLAIN_STRIDE,
            "limits": "A small network with squared error: timid, brownish colours.",
        }

    def export(self, network: nn.Module, card: Card, output: Path) -> None:
        export_plain(network, card, output)


PRESETS: dict[str, Preset] = {preset.name: preset for preset in (Photochrom(), Plain())}


def _fetched(encoder: str) -> ColorNetwork:
    """A network with timm's encoder weights; ArgumentError or DownloadError without them."""
    ColorNetwork(encoder)  # complains of the name, if there is anything to complain of
    with silent(logging.CRITICAL, "huggingface_hub", "timm"):
        try:
            return ColorNetwork(encoder, pretrained=True)
        except Exception as error:  # whatever the libraries of the web may raise
            raise DownloadError(
                f"the weights of the encoder {encoder} cannot be fetched",
                expected="a connection to huggingface.co",
                got=(str(error).splitlines() or [type(error).__name__])[0],
                fix="try again, or give weights that you have with --weights",
            ) from error


def _shares(batches: Batches) -> Float:
    """How much of the crops is of each colour, counted on a sample: ``(313,)``."""
    shares = np.zeros(BIN_COUNT)
    for number in range(_COUNTED):
        ab = srgb_to_lab(batches.crops[number])[:, 1:]
        pooled = torch.nn.functional.avg_pool2d(ab, STRIDE).permute(0, 2, 3, 1).reshape(-1, 2)
        near, part = soft_encode(pooled.numpy())
        shares += np.bincount(near.ravel(), part.ravel(), BIN_COUNT)
    return shares.astype(np.float32)


def _some(squares: Squares, most: int) -> Iterator[torch.Tensor]:
    """Validation pictures from all over the sets, in batches of 16."""
    numbers = np.linspace(0, len(squares) - 1, min(most, len(squares))).astype(np.int64)
    for first in range(0, len(numbers), 16):
        yield torch.stack([squares[n][0] for n in numbers[first : first + 16].tolist()])


def _has_bfloat16() -> bool:
    """Whether the processor or GPU computes with bfloat16 itself; imitating it is slow."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
