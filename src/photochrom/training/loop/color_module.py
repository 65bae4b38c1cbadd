"""The Lightning module that trains the network: one step, and validation."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.ageing import age, frame
from ..data.hinting import simulate_hints
from ..data.lab import srgb_to_lab
from ..network.color_network import STRIDE, ColorNetwork, Output
from ..objective.loss import ColorLoss, Parts, annealed_mean, separation
from ..objective.steering import Extra, draw, likeness, terms
from .plan import Plan
from .run_module import RunModule

_SMALL = 16  # values; smaller tensors are scales

OWN, FALSE, FEATURES = 1.5, 0.3, 0.05
"""Weights of both terms of `steering` and of `loss.separation`, beside the loss of the colours."""


class Sample(NamedTuple):
    """Crops as the network sees them, and their truth on its cells.

    Attributes:
        L, hint_ab, mask: the network's inputs.
        ab, L8: the truth, a mean for each cell: ``(N, 2, h, w)`` and ``(N, 1, h, w)``.
    """

    L: Tensor
    hint_ab: Tensor
    mask: Tensor
    ab: Tensor
    L8: Tensor


class ColorModule(RunModule):
    """Trains a `ColorNetwork` on uint8 crops ``(N, 3, H, W)``.

    Args:
        network: as it is to begin with.
        loss: what to minimise.
        plan: the run.
        compiled: whether ``torch.compile`` makes one faster function of network and loss.

    Attributes:
        temperature, chroma: T of the annealed mean in `paint`, and the factor of its ab; the plan's
            and 1 until they are calibrated.
    """

    network: ColorNetwork

    def __init__(
        self, network: ColorNetwork, loss: ColorLoss, plan: Plan, *, compiled: bool = False
    ) -> None:
        super().__init__(network, plan)
        self.loss, self.compiled = loss, compiled
        self.temperature, self.chroma = plan.temperature, 1.0
        self._losses: Any = self._parts

    def _parts(
        self, sample: Sample, index: Tensor, share: Tensor, weight: Tensor, extra: Extra
    ) -> tuple[Tensor, ...]:
        """The parts of the loss in this order: those of `Parts`, own, false, features."""
        encoded = self.network.encode(sample.L)
        out = self.network.decode(encoded, sample.hint_ab, sample.mask)
        parts = self.loss(out.logits, sample.ab, (index, share, weight))
        n, m = len(extra.own), len(extra.false)
        tilt = self.loss.adjustment(self.plan.tilt)[:, None, None]  # as after calibration
        before, some = out.logits[: n + m] - tilt, [each[: n + m] for each in encoded]
        with torch.no_grad():
            own = self._painted(before[:n]).repeat_interleave(8, 2).repeat_interleave(8, 3)
            hint_ab = torch.cat([own * extra.own, extra.false_ab * extra.false])
            mask = torch.cat([extra.own, extra.false])
            hinted = functional.avg_pool2d(mask, 8)
            none = torch.zeros_like(hinted[:n])
            near = torch.cat(
                [none, likeness(sample.L8[n : n + m], sample.ab[n : n + m], hinted[n:])]
            )
            color = functional.avg_pool2d(torch.cat([own, extra.false_ab]), 8)
            count = torch.cat([1 - 0.8 * hinted[:n], 1 + 12 * (hinted[n:] > 0)])
        after = self.network.decode(some, hint_ab, mask)
        steered = terms(before, after.logits - tilt, color, near, count, self.loss)
        apart = separation(out.features, sample.L8, sample.ab)
        return *parts, steered[:n].mean(), steered[n:].mean(), apart

    def on_fit_start(self) -> None:
        super().on_fit_start()
        if self.compiled:
            self._losses = torch.compile(self._parts)

    # A step.

    def training_step(self, rgb: Tensor, _: int) -> dict[str, Tensor]:
        *parts, own, false, apart = self._losses(*self._sample(rgb, self.random()))
        colors = self.loss.total(Parts(*parts))  # the same as in the validation
        loss = colors + OWN * own + FALSE * false + FEATURES * apart
        names = (*Parts._fields, "own_hints", "false_hints", "features")
        values = (*parts, own, false, apart)
        self.log_dict({"train/loss": colors, "train/total": loss})
        self.log_dict({f"train/{n}": v for n, v in zip(names, values, strict=True)})
        return {"loss": loss, "colors": colors.detach()}

    def _sample(self, rgb: Tensor, random: torch.Generator) -> tuple[Any, ...]:
        """What `_parts` needs of crops; the last ones have hints of the truth."""
        rgb = frame(rgb, random)
        lab = srgb_to_lab(rgb)
        full = lab[:, 1:]
        plain = round(len(rgb) * self.plan.unhinted)
        hint_ab, mask = torch.zeros_like(full), torch.zeros_like(full[:, :1])
        if plain < len(rgb):
            hint_ab[plain:], mask[plain:] = simulate_hints(full[plain:], random, none=0)
        ab, L8 = (functional.avg_pool2d(each, STRIDE) for each in (full, lab[:, :1]))
        n = max(1, len(rgb) // 8)
        extra = draw(n, n, rgb.shape[2], self.loss.bins, random)
        sample = Sample(age(rgb, random), hint_ab, mask, ab, L8)
        return sample, *self.loss.encode(ab), extra

    # Validation: whole pictures, neither aged nor hinted.

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        rgb, sets = batch
        lab = srgb_to_lab(rgb)
        cells = functional.avg_pool2d(lab, STRIDE)
        L, ab = cells[:, :1], cells[:, 1:]
        logits = self._unhinted(lab[:, :1])
        parts = self.loss(logits, ab, self.loss.encode(ab))
        self.log_dict({"val/loss": self.loss.total(parts)}, batch_size=len(rgb))
        self.score(self._painted(logits), L, ab, self.loss.neighbour(ab), sets)

    def paint(self, L: Tensor) -> Tensor:
        return self._painted(self._unhinted(L))

    def _unhinted(self, L: Tensor) -> Tensor:
        none = L.new_zeros(len(L), 2, *L.shape[2:])
        out: Output = self.network(L, none, torch.zeros_like(L))
        return out.logits

    def _painted(self, logits: Tensor) -> Tensor:
        rows = logits.permute(0, 2, 3, 1).float()
        painted = annealed_mean(rows, self.loss.bins, self.temperature)
        return self.chroma * painted.permute(0, 3, 1, 2)

    # The optimizer.

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        # Lightning's own refuses fused optimizers, which save a tenth of a step on a CPU; with
        # bfloat16 nothing is scaled, so nothing speaks against it.
        torch.nn.utils.clip_grad_norm_(self.parameters(), self.plan.clip)

    def configure_optimizers(self) -> Any:
        plan = self.plan
        encoder = list(self.network.enc.parameters())
        inner = set(encoder)  # which has no order that a checkpoint could rely on
        groups = []
        for rate, members in (
            (plan.rate, [p for p in self.network.parameters() if p not in inner]),
            (plan.rate * plan.encoder_rate, encoder),
        ):
            trained = [p for p in members if p.requires_grad]
            # Biases and scales are not drawn to zero.
            for decay, some in (
                (plan.decay, [p for p in trained if p.ndim > 1 and p.numel() >= _SMALL]),
                (0.0, [p for p in trained if p.ndim <= 1 or p.numel() < _SMALL]),
            ):
                if some:
                    groups.append({"params": some, "lr": rate, "weight_decay": decay})
        optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: plan.factor(step, self.done)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def choose_trained(network: ColorNetwork, *, first_stage: int = 0, spatial: bool = True) -> None:
    """Say which of the encoder's weights are trained; the decoder's always are.

    Args:
        network: changed in place.
        first_stage: the encoder's first stage (timm's ``blocks``) that is trained; those before
            it keep their ImageNet weights. 0: all is.
        spatial: whether depthwise convolutions are trained too. Their kernels' gradient is by far
            the slowest part of a step on a CPU (1.1 of the 1.2 ms that a layer of 1632 channels
            takes for each crop), although they hold few of the weights.
    """
    network.enc.requires_grad_(False)
    for stage in _stages(network)[first_stage:] if first_stage else [network.enc]:
        for module in stage.modules():
            depthwise = isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
            if spatial or not depthwise:
                for parameter in module.parameters(recurse=False):
                    parameter.requires_grad_(True)


def _stages(network: ColorNetwork) -> list[nn.Module]:
    """The encoder's stages: timm's ``blocks``, or where it has none what there is in their place.

    Then there are four empty ones, so that the fifth is the first past stride 8, as it is among
    the ``blocks`` of the bundled model's encoder.
    """
    encoder: Any = network.enc
    if hasattr(encoder, "blocks"):
        return list(encoder.blocks)
    name = encoder.feature_info.module_name()[1].replace(".", "_")  # of the features at stride 8
    children = dict(encoder.named_children())
    after = list(children).index(name) + 1
    return [nn.Identity() for _ in range(4)] + list(children.values())[after:]
