"""The training of the network as a Lightning module: what happens in one step."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .age import age
from .base import RunModule
from .hinting import simulate_hints
from .lab import srgb_to_lab
from .loss import ColorLoss, annealed_mean
from .network import ColorNetwork
from .plan import Plan


class ColorModule(RunModule):
    """Trains a `ColorNetwork` on uint8 crops ``(N, 3, H, W)``.

    Args:
        network: as it is to begin with.
        loss: what to minimise.
        plan: the run.
        compiled: whether ``torch.compile`` makes one faster function of network and loss.

    Attributes:
        temperature: T of the annealed mean in `paint`; the plan's until it is calibrated.
    """

    network: ColorNetwork

    def __init__(
        self, network: ColorNetwork, loss: ColorLoss, plan: Plan, *, compiled: bool = False
    ) -> None:
        super().__init__(network, plan)
        self.loss, self.compiled = loss, compiled
        self.temperature = plan.temperature
        self._losses: Any = self._both

    def _both(
        self, L: Tensor, hint_ab: Tensor, mask: Tensor, ab: Tensor, *targets: Tensor
    ) -> tuple[Tensor, Tensor]:
        logits = self.network(L, hint_ab, mask)
        index, share, weight = targets
        entropy, far = self.loss(logits, ab, (index, share, weight))
        return entropy, far

    def on_fit_start(self) -> None:
        super().on_fit_start()
        if self.compiled:
            self._losses = torch.compile(self._both)

    # A step.

    def training_step(self, rgb: Tensor, _: int) -> Tensor:
        entropy, far = self._losses(*self._sample(rgb, self.random()))
        loss = self.loss.total(entropy, far)
        self.log_dict({"train/loss": loss, "train/entropy": entropy, "train/distance": far})
        return loss

    def _sample(self, rgb: Tensor, random: torch.Generator) -> tuple[Tensor, ...]:
        """What network and loss need of crops: L, hint map, mask, truth and its targets."""
        full = srgb_to_lab(rgb)[:, 1:]
        L = age(rgb, random)
        hint_ab, mask = simulate_hints(full, random, none=self.plan.unhinted)
        ab = functional.avg_pool2d(full, 4)
        return L, hint_ab, mask, ab, *self.loss.encode(ab)

    # Validation: whole pictures, neither aged nor hinted.

    def validation_step(self, rgb: Tensor, _: int) -> None:
        lab = srgb_to_lab(rgb)
        ab = functional.avg_pool2d(lab[:, 1:], 4)
        logits = self._unhinted(lab[:, :1])
        entropy, far = self.loss(logits, ab, self.loss.encode(ab))
        self.log_dict({"val/loss": self.loss.total(entropy, far)}, batch_size=len(rgb))
        self.score(self._painted(logits), ab, self.loss.neighbour(ab))

    def paint(self, L: Tensor) -> Tensor:
        return self._painted(self._unhinted(L))

    def _unhinted(self, L: Tensor) -> Tensor:
        logits: Tensor = self.network(L, L.new_zeros(len(L), 2, *L.shape[2:]), torch.zeros_like(L))
        return logits

    def _painted(self, logits: Tensor) -> Tensor:
        rows = logits.permute(0, 2, 3, 1).float()
        painted = annealed_mean(rows, self.loss.bins, self.temperature)
        return painted.permute(0, 3, 1, 2)

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
            # Biases and the scales of norms are not drawn to zero.
            for decay, some in (
                (plan.decay, [p for p in trained if p.ndim > 1]),
                (0.0, [p for p in trained if p.ndim <= 1]),
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
        spatial: whether depthwise kernels are trained too. Their gradient is by far the slowest
            part of a step on a CPU (1.1 of the 1.2 ms that a layer of 1632 channels takes for
            each crop), although they hold few of the weights.
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
