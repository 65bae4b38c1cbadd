"""Region head: a vector for each cell by which one region is told from another."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from .shared_layers import Gelu, cells_of, map_of, unit

REGION_FEATURES = 64
"""Length of a cell's vector."""

_HIDDEN = 128


class RegionHead(nn.Module):
    """An embedding of cells: the product of two vectors says whether they lie in one region.

    Each map of the network is normalized and projected by itself; they are added up from the
    coarsest to the finest, and a GELU and a last projection follow. The maps are those of encoder
    and decoder, whose colours it leaves alone.

    Args:
        maps: channels of each map, and how many times coarser its grid is than the first one's:
            1, 2 or 4.
    """

    def __init__(self, maps: Sequence[tuple[int, int]]) -> None:
        super().__init__()
        self.factors = [factor for _, factor in maps]
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for channels, _ in maps)
        self.inner = nn.ModuleList(nn.Linear(channels, _HIDDEN) for channels, _ in maps)
        self.gelu, self.outer = Gelu(), nn.Linear(_HIDDEN, REGION_FEATURES)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Vectors ``(N, 64, h, w)`` of length 1, from maps ``(N, C, h / factor, w / factor)``."""
        sums: dict[int, Tensor] = {}
        for x, factor, norm, inner in zip(maps, self.factors, self.norms, self.inner, strict=True):
            hidden = map_of(inner(norm(cells_of(x))), x.shape[2:])
            sums[factor] = sums[factor] + hidden if factor in sums else hidden
        total = sums[4]
        for factor in (2, 1):
            total = functional.interpolate(total, scale_factor=2.0, mode="nearest") + sums[factor]
        return map_of(unit(self.outer(self.gelu(cells_of(total)))), maps[0].shape[2:])
