"""The networks whose weights can be imported, told apart by the names in their state dicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ....errors import ModelImportError
from ...card import Card
from .ddcolor_network import DDColor
from .deoldify_network import DeOldify
from .shaped_layers import imagenet
from .state_dict import State
from .zhang_networks import Eccv16, Siggraph17


@dataclass(frozen=True, kw_only=True)
class Known:
    """One kind of network."""

    # title, licence, source, family, size, film_size, multiple, hints, temperature: of the card
    title: str
    licence: str
    source: str
    family: str
    size: int
    multiple: int
    marks: tuple[str, ...]  # names of weights that no other kind has all of
    module: Callable[[State], nn.Module]  # its class, made from a state dict
    film_size: int | None = None
    hints: bool = False
    temperature: float = 0.38
    unused: tuple[str, ...] = ()  # prefixes of weights that colouring has no use for

    def card(self, name: str, file: Path, size: int | None) -> Card:
        """The card of a model with this network."""
        return Card(
            name=name,
            family=self.family,
            title=self.title,
            licence=self.licence,
            source=f"{self.source}, imported from {file.name}",
            size=size or self.size,
            film_size=self.film_size if size is None else None,
            multiple=self.multiple,
            hints=self.hints,
            temperature=self.temperature,
        )

    def build(self, state: State, file: Path) -> nn.Module:
        """The network with these weights, to be evaluated; ModelImportError if they do not fit."""
        try:
            with torch.device("meta"):
                network = self.module(state)
        except (KeyError, IndexError, ValueError, RuntimeError) as error:
            raise self._unfit(
                file, f"no {error}" if isinstance(error, KeyError) else error
            ) from None
        own = network.state_dict()
        given = {k: v for k, v in state.items() if k in own or not k.startswith(self.unused)}
        counters = {k: torch.tensor(0) for k in own if k.endswith("num_batches_tracked")}
        buffers = {k: v for k, v in imagenet().items() if k in own}
        try:
            network.load_state_dict({**counters, **buffers, **given}, assign=True)
        except RuntimeError as error:
            raise self._unfit(file, " ".join(str(error).split(":", 1)[-1].split())[:300]) from None
        return network.eval()

    def _unfit(self, file: Path, why: object) -> ModelImportError:
        return ModelImportError(
            f"{file} does not hold all of {self.title}",
            expected="a state dict of the authors' network, whole",
            got=why,
            fix="check that it is the generator's file, and whole",
        )


KNOWN = (
    Known(
        title="Colorful Image Colorization in PyTorch (Zhang, Isola, Efros 2016)",
        licence="BSD-2-Clause",
        source="https://github.com/richzhang/colorization",
        family="zhang16",
        size=256,
        multiple=8,
        temperature=1.0,
        marks=("model8.6.weight", "model_out.weight"),
        module=Eccv16,
    ),
    Known(
        title="Real-Time User-Guided Colorization (Zhang et al. 2017)",
        licence="BSD-2-Clause",
        source="https://github.com/richzhang/colorization",
        family="siggraph17",
        size=256,
        multiple=8,
        hints=True,
        marks=("model10up.0.weight", "model_out.0.weight"),
        module=Siggraph17,
        unused=("model_class.",),
    ),
    Known(
        title="DDColor (Kang et al. 2023)",
        licence="Apache-2.0",
        source="https://github.com/piddnad/DDColor",
        family="ddcolor",
        size=512,
        multiple=32,
        marks=("decoder.color_decoder.query_feat.weight", "refine_net.0.0.weight"),
        module=DDColor,
        unused=("encoder.arch.norm.", "encoder.arch.head"),
    ),
    Known(
        title="DeOldify artistic (Jason Antic)",
        licence="MIT",
        source="https://github.com/jantic/DeOldify",
        family="deoldify",
        size=560,  # render factor 35
        film_size=336,  # render factor 21
        multiple=16,
        marks=("layers.4.conv1.0.weight", "layers.11.0.weight"),
        module=DeOldify,
    ),
    Known(
        title="DeOldify stable or video (Jason Antic)",
        licence="MIT",
        source="https://github.com/jantic/DeOldify",
        family="deoldify",
        size=560,
        film_size=336,
        multiple=16,
        marks=("layers.4.conv.0.weight", "layers.11.0.weight"),
        module=DeOldify,
    ),
)


def known_network(state: State, file: Path) -> Known:
    """The kind of network that a state dict belongs to; ModelImportError if none of `KNOWN`."""
    for known in KNOWN:
        if all(mark in state for mark in known.marks):
            return known
    names = sorted(state)
    raise ModelImportError(
        f"{file} holds the weights of a network that is not known",
        expected=f"those of {', '.join(known.title for known in KNOWN)}",
        got=f"{len(names)} tensors: {', '.join(names[:4])}, ...",
        fix="export the network to ONNX and import that",
    )
