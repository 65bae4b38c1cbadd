"""Caffemodels with made-up weights, for the test of the importer and for its reference numbers.

The numbers come from the raw output of PCG64, which numpy guarantees never to change.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photochrom.models.importers.caffe.schema import net_parameter

Blobs = Sequence[NDArray[Any]]
FEATURES = 16


class Numbers:
    """Reproducible random numbers."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> NDArray[np.float32]:
        """Evenly distributed between ``low`` and ``high``."""
        raw = self._bits.random_raw(int(np.prod(shape)))
        unit = (raw >> np.uint64(40)).astype(np.float32) / np.float32(2**24)
        return (np.float32(low) + np.float32(high - low) * unit).reshape(shape)

    def spread(self, shape: tuple[int, ...], deviation: float) -> NDArray[np.float32]:
        """Evenly distributed around 0 with this standard deviation."""
        return self.uniform(shape, -(3**0.5) * deviation, 3**0.5 * deviation)


def read_net(prototxt: Path) -> Any:
    """The prototxt as a message."""
    from google.protobuf import text_format

    return text_format.Parse(prototxt.read_text(encoding="utf-8"), net_parameter()())


def zhang16_weights(net: Any, seed: int) -> dict[str, Blobs]:
    """Weights that carry a signal through ``net`` without letting it die or explode.

    Fully random weights would lose the picture among rounding errors, which differ from one
    library to the next by more than the comparison allows. Here every channel is one of 512
    fixed mixtures of 16 features, each convolution mixes the features anew and adds noise of
    its own; each BatchNorm has its own means, variances and count. The two layers that scripts
    fill in get nothing.
    """
    numbers = Numbers(seed)
    codes = np.sign(numbers.uniform((512, FEATURES), -1, 1))
    channels: dict[str, int] = {}
    blobs: dict[str, Blobs] = {}
    for layer in net.layer:
        if layer.type == "Input":
            channels[layer.top[0]] = 1
        if not layer.bottom or not layer.top:
            continue
        inputs = outputs = channels[layer.bottom[0]]
        if layer.type in ("Convolution", "Deconvolution"):
            outputs = layer.convolution_param.num_output
            if outputs != 2:
                blobs[layer.name] = _convolution(layer, numbers, codes, inputs, outputs)
        elif layer.type == "BatchNorm":
            count = numbers.uniform((1,), 100, 900)
            mean = numbers.uniform((outputs,), 0.1, 0.7)
            variance = numbers.uniform((outputs,), 1, 2)
            blobs[layer.name] = [mean * count, variance * count, count]
        channels[layer.top[0]] = outputs
    return blobs


def _convolution(
    layer: Any, numbers: Numbers, codes: NDArray[np.float32], inputs: int, outputs: int
) -> Blobs:
    settings, upwards = layer.convolution_param, layer.type == "Deconvolution"
    kernel = settings.kernel_size[0]
    # How many of the kernel's cells meet one pixel of the output.
    reach = kernel**2 / (settings.stride[0] ** 2 if upwards else 1)
    # The first layer brings -50...50 to about 1; the last is sure enough of some colours.
    gain = {1: 1 / 120}.get(inputs, 2 / inputs) * {313: 2.2}.get(outputs, 1.0)
    incoming = np.ones((1, FEATURES), np.float32) if inputs == 1 else codes[:inputs]
    # Small whole numbers, whose sums are exact in any order of adding.
    mixing = np.round(numbers.uniform((FEATURES, FEATURES, kernel, kernel), -2048, 2048))
    mixed = np.tensordot(codes[:outputs], mixing, axes=(1, 0))
    weights = np.tensordot(mixed, incoming, axes=(1, 1)).transpose(0, 3, 1, 2)
    deviation = gain * (FEATURES / reach) ** 0.5
    weights = weights * np.float32(deviation / (FEATURES * 2048 / 3**0.5))
    weights = weights + numbers.spread(weights.shape, 0.3 * deviation)
    if upwards:
        weights = weights.transpose(1, 0, 2, 3)
    return [np.ascontiguousarray(weights), numbers.spread((outputs,), 0.1)]


def zhang16_input(seed: int) -> NDArray[np.float32]:
    """L - 50 of a made-up picture, (1, 1, 224, 224): waves, a disc and grain."""
    y, x = np.mgrid[0:224, 0:224] / 224
    waves = np.sin(9 * x + 4 * y * y) * 20 + np.cos(14 * y - 5 * x * y) * 15
    disc = np.where((x - 0.6) ** 2 + (y - 0.4) ** 2 < 0.06, 25, -5)
    L = waves + disc + Numbers(seed).uniform((224, 224), -8, 8)
    # Sixty-fourths are coarse enough to hide how a machine rounds its sines.
    return (np.clip(np.round(L * 64) / 64, -50, 50).astype(np.float32))[None, None]


def checksum(weights: Mapping[str, Blobs], L: NDArray[np.float32]) -> int:
    """A number that changes when one of the weights or of the inputs does."""
    value = zlib.crc32(L.tobytes())
    for name in sorted(weights):
        for array in weights[name]:
            value = zlib.crc32(array.astype("<f4").tobytes(), value)
    return value


def caffemodel_bytes(net: Any, blobs: Mapping[str, Blobs], style: str = "shape") -> bytes:
    """A caffemodel with the layers of ``net`` and the given blobs.

    Args:
        style: ``shape`` as Caffe writes since 2015, ``legacy`` with num, channels, height and
            width, ``double`` with numbers in double precision.
    """
    file = net_parameter()(name=net.name)
    file.layer.add(name="data", type="Data", top=["data", "label"])  # left over from training
    for layer in net.layer:
        copy = file.layer.add(name=layer.name, type=layer.type, bottom=layer.bottom, top=layer.top)
        for array in blobs.get(layer.name, ()):
            _fill(copy.blobs.add(), array, style)
    return file.SerializeToString()


def _fill(blob: Any, array: NDArray[Any], style: str) -> None:
    if style == "legacy":
        sizes = (1,) * (4 - array.ndim) + array.shape
        blob.num, blob.channels, blob.height, blob.width = sizes
    else:
        blob.shape.dim.extend(array.shape)
    if style == "double":
        blob.double_data = array.astype("<f8").tobytes()
    else:
        blob.data = array.astype("<f4").tobytes()
