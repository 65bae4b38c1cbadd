"""The pipeline of student projects, with `cv2.dnn`: what Photochrom is timed against.

    python student.py PROTOTXT CAFFEMODEL POINTS PICTURE RESULT

colours one picture, as those scripts do. Without the last two it reads lines of
"PICTURE<tab>RESULT", and answers each with the seconds it took. It needs opencv-python-headless
before version 5, which removed the importer for Caffe, and nothing of Photochrom.
"""

import sys
import time

import cv2
import numpy as np


def load(prototxt: str, caffemodel: str, points: str) -> "cv2.dnn.Net":
    net = cv2.dnn.readNetFromCaffe(prototxt, caffemodel)
    bins = np.load(points).transpose().reshape(2, 313, 1, 1)
    net.getLayer(net.getLayerId("class8_ab")).blobs = [bins.astype("float32")]
    net.getLayer(net.getLayerId("conv8_313_rh")).blobs = [np.full([1, 313], 2.606, "float32")]
    return net


def colour(net: "cv2.dnn.Net", picture: str, result: str) -> None:
    image = cv2.imread(picture)
    scaled = image.astype("float32") / 255
    lab = cv2.cvtColor(scaled, cv2.COLOR_BGR2LAB)
    lightness = cv2.split(cv2.resize(lab, (224, 224)))[0]
    lightness -= 50
    net.setInput(cv2.dnn.blobFromImage(lightness))
    ab = net.forward()[0].transpose((1, 2, 0))
    ab = cv2.resize(ab, (image.shape[1], image.shape[0]))
    coloured = np.concatenate((cv2.split(lab)[0][:, :, np.newaxis], ab), axis=2)
    coloured = np.clip(cv2.cvtColor(coloured, cv2.COLOR_LAB2BGR), 0, 1)
    cv2.imwrite(result, (255 * coloured).astype("uint8"))


def main() -> None:
    prototxt, caffemodel, points, *files = sys.argv[1:]
    net = load(prototxt, caffemodel, points)
    if files:
        colour(net, *files)
        return
    for line in sys.stdin:
        picture, result = line.rstrip("\n").split("\t")
        start = time.perf_counter()
        colour(net, picture, result)
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
