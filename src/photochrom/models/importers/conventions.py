"""How networks take lightness and give colours: ranges, units, axes; and as inputs of ONNX graphs.

A network whose convention is not its family's is rewritten when it is imported, so that nothing
of this is left when it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...color import Float

Numbers = float | tuple[float, ...]


class Affine(NamedTuple):
    """x * scale + shift; numbers for each channel, or one for all."""

    scale: Numbers = 1.0
    shift: Numbers = 0.0

    def __call__(self, x: Float) -> Float:
        scale, shift = (np.asarray(each, np.float32).reshape(1, -1, 1, 1) for each in self)
        return np.asarray(x * scale + shift, np.float32)


SAME = Affine()


@dataclass(frozen=True, kw_only=True)
class Convention:
    """What a network takes and gives, as differences from a family of `card.FAMILIES`."""

    family: str  # its key
    about: str  # for people: "lightness 0...100 -> ab"
    # from each of the family's inputs to the network's; missing ones are the same
    taken: tuple[Affine, ...] = ()
    given: Affine = SAME  # from the network's colours to the family's
    stacked: bool = False  # the network has one input for L, hint map and hint mask
    channels_last: bool = False  # its arrays are ``(N, H, W, C)``
    logits: str = ""  # name of a value inside the graph that becomes an output
    scale: float = 1.0  # of the card, see `Card`

    @property
    def is_family(self) -> bool:
        """Whether the network is as its family says, and needs no rewriting."""
        plain = all(each == SAME for each in (*self.taken, self.given))
        return plain and not (self.stacked or self.channels_last or self.logits)

    def encode(self, inputs: Sequence[Float]) -> list[Float]:
        """The family's inputs as the network's."""
        taken = (*self.taken, *[SAME] * len(inputs))
        arrays = [change(x) for change, x in zip(taken, inputs, strict=False)]
        if self.stacked:
            arrays = [np.concatenate(arrays, 1)]
        return [x.transpose(0, 2, 3, 1) for x in arrays] if self.channels_last else arrays

    def decode(self, outputs: Sequence[Float], channels: int) -> list[Float]:
        """The network's outputs as the family's, whose colours have so many channels."""
        found = []
        for each in outputs:
            if each.ndim == 4 and self.channels_last:
                each = each.transpose(0, 3, 1, 2)
            if each.ndim == 4 and each.shape[1] == channels:
                each = self.given(each)
            found.append(np.ascontiguousarray(each))
        return found
