"""LPIPS and FID, by torchmetrics (extra ``evaluate``), where their weights are at hand.

The weights are not downloaded, since an evaluation that uses the network unasked surprises: they
are looked for where torchvision and torch-fidelity keep them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtraError

LPIPS_WEIGHTS = "alexnet-owt-7be5be79.pth"
FID_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"

_SOURCES = {
    LPIPS_WEIGHTS: "download.pytorch.org/models",
    FID_WEIGHTS: "github.com/toshas/torch-fidelity/releases",
}


class Perceptual:
    """LPIPS (AlexNet, version 0.1) and FID (Inception of TensorFlow) of several methods.

    Args:
        names: of the methods; `add` is called for each of them on each picture, in this order.

    Attributes:
        missing: what cannot be measured, and why.

    Raises:
        MissingExtraError: torchmetrics, torch or torchvision is not installed.
    """

    def __init__(self, names: Sequence[str]) -> None:
        for package in ("torch", "torchvision", "torchmetrics"):
            if find_spec(package) is None:
                raise MissingExtraError.of(package, "evaluate", "LPIPS and FID")
        import torch

        self.missing: list[str] = []
        self._folder = Path(torch.hub.get_dir()) / "checkpoints"
        self._first = names[0]
        self._lpips = self._made("LPIPS", LPIPS_WEIGHTS, _lpips)
        self._sums, self._count = dict.fromkeys(names, 0.0), 0
        first = self._made("FID", FID_WEIGHTS, _fid)
        self._fids = {} if first is None else _sharing(first, names)

    def add(self, name: str, truth: NDArray[np.uint8], rgb: NDArray[np.uint8]) -> None:
        """Compare a result of the method `name` with the truth; both ``(H, W, 3)``."""
        import torch

        self._count += name == self._first
        with torch.inference_mode():
            real, fake = (torch.tensor(x).permute(2, 0, 1)[None] for x in (truth, rgb))
            if self._lpips is not None:
                self._lpips.update(real / 127.5 - 1, fake / 127.5 - 1)
                self._sums[name] += float(self._lpips.compute())
                self._lpips.reset()  # which otherwise keeps every value
            if self._fids:
                if name == self._first:  # the other methods get these features in `scores`
                    self._fids[name].update(real, real=True)
                self._fids[name].update(fake, real=False)

    def scores(self, name: str) -> tuple[float | None, float | None]:
        """LPIPS and FID of the method `name`, None where not measured."""
        lpips = self._sums[name] / self._count if self._lpips is not None else None
        fid = None
        if self._fids and self._count > 1:
            metric, first = self._fids[name], self._fids[self._first]
            for state in ("sum", "cov_sum", "num_samples"):
                key = f"real_features_{state}"
                setattr(metric, key, getattr(first, key))
            fid = float(metric.compute())
        return lpips, fid

    def _made(self, title: str, weights: str, make: Callable[[Path], Any]) -> Any:
        """The metric, or None and a line in `missing`."""
        path = self._folder / weights
        if not path.is_file():
            where = f"put {weights} (from {_SOURCES[weights]}) into {self._folder}"
            self.missing.append(
                f"{title} is not measured, because its weights are missing: {where}"
            )
            return None
        try:
            return make(path)
        except Exception as error:  # damaged weights fail in many ways
            why = " ".join(str(error).split())[:200] or repr(error)
            self.missing.append(f"{title} is not measured, because {path} cannot be used: {why}")
            return None


def _lpips(path: Path) -> Any:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    return LearnedPerceptualImagePatchSimilarity(net_type="alex")


def _fid(path: Path) -> Any:
    from torchmetrics.image.fid import FrechetInceptionDistance

    return FrechetInceptionDistance(feature_extractor_weights_path=str(path))


def _sharing(first: Any, names: Sequence[str]) -> dict[str, Any]:
    """A metric for each method, all with the network of the first."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    others = {name: FrechetInceptionDistance(feature=first.inception) for name in names[1:]}
    return {names[0]: first} | others
