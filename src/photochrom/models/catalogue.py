"""The models `photochrom models pull NAME` can fetch: addresses, lengths, SHA-256, licences.

An entry is here only if a public source states the address, the length in bytes and the SHA-256
of each of its files; the comment beside it names that source. Addresses are pinned to a revision
where one is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .card import Card


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One file of a download."""

    # "model" for a finished ONNX file; "weights" for those of a known network, or "prototxt",
    # "caffemodel" and "points" of Zhang 2016, which are turned into one
    role: str
    filename: str  # its name, while it is being fetched and turned into a model
    urls: tuple[str, ...]  # mirrors, tried in order
    size: int  # length in bytes
    sha256: str  # 64 lower-case hexadecimal digits


@dataclass(frozen=True, kw_only=True)
class CatalogueEntry:
    """One model that can be downloaded."""

    title: str  # one line for people
    licence: str  # SPDX expression
    family: str  # key of ``models.card.FAMILIES``
    homepage: str  # page of the model's authors
    # what is fetched: one file of role "model" or "weights", or the parts of Zhang 2016
    files: tuple[RemoteFile, ...]
    card: Card | None = None  # description to write beside an ONNX file that has none inside

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)


_ZHANG = "https://raw.githubusercontent.com/richzhang/colorization"
_ZHANG_REVISION = "a1642d6ac6fc80fe08885edba34c166da09465f6"
_FACEFUSION = "https://huggingface.co/facefusion/models-3.0.0/resolve"
_FACEFUSION_RELEASE = (
    "https://github.com/facefusion/facefusion-assets/releases/download/models-3.0.0"
)

# Length and SHA-256 of the three files: SysAdminDoc/UniversalConverterX (tools/colorize). The
# weights' SHA-256 again: spmallick/learnopencv (Colorization/ASSET_ATTRIBUTION.md), which hosts
# them; their length again: openvinotoolkit/datumaro, whose SHA-512 of the two small files agrees
# with files of these SHA-256. The authors' own address of the weights at eecs.berkeley.edu
# answers with a "not found" page and is left out.
_ZHANG16 = CatalogueEntry(
    title="Colorful Image Colorization (Zhang, Isola, Efros 2016), rebalanced",
    licence="BSD-2-Clause",
    family="zhang16",
    homepage="https://github.com/richzhang/colorization",
    files=(
        RemoteFile(
            role="prototxt",
            filename="colorization_deploy_v2.prototxt",
            urls=(
                f"{_ZHANG}/{_ZHANG_REVISION}/colorization/models/colorization_deploy_v2.prototxt",
                f"{_ZHANG}/caffe/colorization/models/colorization_deploy_v2.prototxt",
            ),
            size=9_945,
            sha256="d16418cef8df4ccd703a55ae0ef3960861d5010418f77c90d0a47689998a7169",
        ),
        RemoteFile(
            role="points",
            filename="pts_in_hull.npy",
            urls=(
                f"{_ZHANG}/{_ZHANG_REVISION}/colorization/resources/pts_in_hull.npy",
                f"{_ZHANG}/caffe/colorization/resources/pts_in_hull.npy",
            ),
            size=5_088,
            sha256="b5dec01315c34f43f1c8c089e84c45ae35d1838d8e77ed0e7ca930f79ffa450e",
        ),
        RemoteFile(
            role="caffemodel",
            filename="colorization_release_v2.caffemodel",
            urls=(
                "https://github.com/spmallick/learnopencv/releases/download/Colorization/"
                "colorization_release_v2.caffemodel",
                "https://www.dropbox.com/s/dx0qvhhp5hbcx7z/colorization_release_v2.caffemodel?dl=1",
            ),
            size=128_946_764,
            sha256="f5af1e602646328c792e1094f9876fe9cd4c09ac46fa886e5708a1abc89137b1",
        ),
    ),
)

# SHA-256 and second address: the README of clibdev/colorization, which hosts the file and states
# 130.5 MiB; the authors' own address has the first digits of the SHA-256 in its name, by which
# their code checks it. Length in bytes: a public list of models that fetches it from there, with
# this SHA-256.
_SIGGRAPH17 = CatalogueEntry(
    title="Real-Time User-Guided Colorization (Zhang et al. 2017), with hints",
    licence="BSD-2-Clause",
    family="siggraph17",
    homepage="https://github.com/richzhang/colorization",
    files=(
        RemoteFile(
            role="weights",
            filename="siggraph17-df00044c.pth",
            urls=(
                "https://colorizers.s3.us-east-2.amazonaws.com/siggraph17-df00044c.pth",
                "https://github.com/clibdev/colorization/releases/latest/download/"
                "colorization-siggraph-17.pth",
            ),
            size=136_787_426,
            sha256="df00044c0a4d7c3edcecf6f75437ce346a66e7a42612d9b968e1a7e17dbc6f66",
        ),
    ),
)


def _onnx(
    *, urls: tuple[str, ...], size: int, sha256: str, homepage: str, card: Card
) -> CatalogueEntry:
    """An entry of one finished ONNX file that has no card inside."""
    filename = f"{card.name}.onnx"
    file = RemoteFile(role="model", filename=filename, urls=urls, size=size, sha256=sha256)
    return CatalogueEntry(
        title=card.title,
        licence=card.licence,
        family=card.family,
        homepage=homepage,
        files=(file,),
        card=card,
    )


# Address, revision, length and SHA-256: SysAdminDoc/UniversalConverterX (tools/colorize), which
# also tells that older ONNX Runtimes fuse this graph wrongly.
_DDCOLOR_TINY = _onnx(
    urls=(
        "https://huggingface.co/wavespeed/image-colorizer/resolve/"
        "1859b31ce0a54ba3afdf7d55bbe1a151c981b29f/ddcolor-fp16.onnx",
    ),
    size=113_225_654,
    sha256="40ff5091157701a76f05f630b40ce1de7de8d15f1abfa8c403947e4e4ebab73c",
    homepage="https://github.com/piddnad/DDColor",
    card=Card(
        name="ddcolor-tiny",
        family="ddcolor",
        title="DDColor tiny, half precision (Kang et al. 2023)",
        licence="Apache-2.0",
        source="https://huggingface.co/wavespeed/image-colorizer",
        fixed=(256, 256),
    ),
)

# Address, revision, length and SHA-256: cliecy/CManga (lib/utils/colorization). The second
# address and the licence: facefusion/facefusion (frame_colorizer), which runs it at 192 to 512
# pixels, 256 if nothing is said.
_DDCOLOR_ARTISTIC = _onnx(
    urls=(
        f"{_FACEFUSION}/728b9659bd9691bf32cbf7f61af478d94b7ba81e/ddcolor_artistic.onnx",
        f"{_FACEFUSION_RELEASE}/ddcolor_artistic.onnx",
    ),
    size=980_103_562,
    sha256="adad4b897990d627e139e858e8a6552c1f99e39e49e811d21e8f591803c877f1",
    homepage="https://github.com/piddnad/DDColor",
    card=Card(
        name="ddcolor-artistic",
        family="ddcolor",
        title="DDColor artistic (Kang et al. 2023)",
        licence="Apache-2.0",
        source="https://huggingface.co/facefusion/models-3.0.0",
        multiple=32,
    ),
)

# Address, length and SHA-256: the model list of OpenPhotoshop (MODELS.md, fetch-models.sh). The
# second address, the licence and the RGB range of 0 to 255: facefusion/facefusion
# (frame_colorizer), which runs it at 192 to 512 pixels, 256 if nothing is said.
_DEOLDIFY_ARTISTIC = _onnx(
    urls=(
        f"{_FACEFUSION}/main/deoldify_artistic.onnx",
        f"{_FACEFUSION_RELEASE}/deoldify_artistic.onnx",
    ),
    size=255_044_725,
    sha256="9ac296cf05fecbdb604f50211f632b722402bc1f9a96ee5a8987b01c0c3c688f",
    homepage="https://github.com/jantic/DeOldify",
    card=Card(
        name="deoldify-artistic",
        family="deoldify",
        title="DeOldify artistic (Jason Antic)",
        licence="MIT",
        source="https://huggingface.co/facefusion/models-3.0.0",
        multiple=32,
        scale=255,
    ),
)

CATALOGUE: Mapping[str, CatalogueEntry] = MappingProxyType(
    {
        "ddcolor-artistic": _DDCOLOR_ARTISTIC,
        "ddcolor-tiny": _DDCOLOR_TINY,
        "deoldify-artistic": _DEOLDIFY_ARTISTIC,
        "siggraph17": _SIGGRAPH17,
        "zhang16": _ZHANG16,
    }
)
