"""Makes data/zhang16_reference.npz: what OpenCV's Caffe importer computes for made-up weights.

Run it in an environment of its own, because OpenCV 5 no longer reads Caffe's files::

    pip install "opencv-python-headless<5" "photochrom[import]"
    python tests/make_zhang16_reference.py colorization_deploy_v2.prototxt pts_in_hull.npy

The network is run as the scripts for OpenCV do it: the points and 2.606 are filled in from
outside, the input is L - 50, OpenCV's own settings are left alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from tests.helpers.caffe_writer import (
    caffemodel_bytes,
    checksum,
    read_net,
    zhang16_input,
    zhang16_weights,
)

SEED = 2016
OUTPUT = Path(__file__).parents[1] / "data" / "zhang16_reference.npz"


def main(prototxt: Path, points: Path) -> None:
    """Writes the reference numbers."""
    net = read_net(prototxt)
    weights, L = zhang16_weights(net, SEED), zhang16_input(SEED)
    with tempfile.TemporaryDirectory() as folder:
        caffemodel = Path(folder) / "model.caffemodel"
        caffemodel.write_bytes(caffemodel_bytes(net, weights))
        network = cv2.dnn.readNetFromCaffe(str(prototxt), str(caffemodel))
    centres = np.load(points).transpose().reshape(2, 313, 1, 1)
    network.getLayer("class8_ab").blobs = [centres.astype(np.float32)]
    network.getLayer("conv8_313_rh").blobs = [np.full([1, 313], 2.606, np.float32)]
    network.setInput(L)
    ab = network.forward()[0]
    OUTPUT.parent.mkdir(exist_ok=True)
    np.savez_compressed(
        OUTPUT, ab=ab, seed=SEED, checksum=checksum(weights, L), opencv=cv2.__version__
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
