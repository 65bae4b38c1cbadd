"""LPIPS and FID, by torchmetrics (extra ``evaluate``), where their weights are at hand.

The weights are downloaded only when that is asked for, since an evaluation that uses the network
unasked surprises: they are looked for where torchvision and torch-fidelity keep them, or in a
folder that is named.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtraError
from ..models.download import download

LPIPS_WEIGHTS = "alexnet-owt-7be5be79.pth"
FID_WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"


class _File(NamedTuple):
    """Where weights come from, their length in bytes and SHA-256."""

    url: str
    size: int
    sha256: str


# The names carry the first digits of the SHA-256; the rest, and the lengths, are as several public
# projects check them.
_FILES = {
    LPIPS_WEIGHTS: _File(
        f"https://download.pytorch.org/models/{LPIPS_WEIGHTS}",
        244_408_911,
        "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
    ),
    FID_WEIGHTS: _File(
        f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FID_WEIGHTS}",
        95_628_359,
        "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    ),
}


class Perceptual:
    """LPIPS (AlexNet, version 0.1) and FID (Inception of TensorFlow) of several methods.

    Args:
        names: of the methods; `add` is called for each of them on each picture, in this order.
        folder: with the weights; None: the folder ``checkpoints`` of PyTorch's hub.
        pull: download weights that are not there, and check their SHA-256.

    Attributes:
        missing: what cannot be measured, and why.

    Raises:
        MissingExtraError: torchmetrics, torch or torchvision is not installed.
        DownloadError: weights could not be fetched.
    """

    def __init__(
        self, names: Sequence[str], folder: Path | None = None, *, pull: bool = False
    ) -> None:
        for package in ("torch", "torchvision", "torchmetrics"):
            if find_spec(package) is None:
                raise MissingExtraError.of(package, "evaluate", "LPIPS and FID")
        import torch

        self.missing: list[str] = []
        self._folder = folder or Path(torch.hub.get_dir()) / "checkpoints"
        if pull:
            for weights, file in _FILES.items():
                target = self._folder / weights
                download([file.url], target, size=file.size, sha256=file.sha256)
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
            source = _FILES[weights].url.removeprefix("https://")
            where = f"ask for their download, or put {source} into {self._folder}"
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
    """With AlexNet's weights from `path`: torchvision takes them from its own folder only."""
    import torch
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    hub = torch.hub.get_dir()
    if path.parent == Path(hub) / "checkpoints":
        return LearnedPerceptualImagePatchSimilarity(net_type="alex")
    with TemporaryDirectory() as folder:
        inner = Path(folder) / "checkpoints"
        inner.mkdir()
        shutil.copyfile(path, inner / path.name)
        torch.hub.set_dir(folder)
        try:
            return LearnedPerceptualImagePatchSimilarity(net_type="alex")
        finally:
            torch.hub.set_dir(hub)


def _fid(path: Path) -> Any:
    from torchmetrics.image.fid import FrechetInceptionDistance

    return FrechetInceptionDistance(feature_extractor_weights_path=str(path))


def _sharing(first: Any, names: Sequence[str]) -> dict[str, Any]:
    """A metric for each method, all with the network of the first."""
    from torchmetrics.image.fid import FrechetInceptionDistance

    others = {name: FrechetInceptionDistance(feature=first.inception) for name in names[1:]}
    return {names[0]: first} | others
