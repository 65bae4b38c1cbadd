"""Whether a picture has colours: its own, those of a print's tone, or a result's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..color import Codes, srgb_to_lab
from .metadata.xmp import is_marked
from .page import Page
from .samples import to_8_bits

_SIDE = 160  # pixels of the longer side that is looked at: grain and JPEG's blocks are gone
_BANDS = 24  # of L; the tone of a print is a function of L alone
_FEW = 12  # pixels of a band below which its tone is not known
_CHROMA = 5.0  # ab beside the tone that counts as colour
_ALONG = 14.0  # the same in the tone's own hue, of which JPEG files of low quality have much
_TONED = 4.0  # mean chroma from which a print has a tone
_SHARE = 0.01  # of the pixels: a hand-tinted print has colour on cheeks and lips only


def is_in_color(page: Page) -> bool:
    """Whether a picture is in colour: a colour photograph, a hand-tinted or a coloured print.

    Sepia, cyanotype and other prints of one or two tones are not: in them a and b follow L.
    """
    return colored_share(page) > _SHARE


def was_colored(page: Page) -> bool:
    """Whether the picture's file carries Photochrom's mark of coloured pictures."""
    return is_marked(page.metadata.xmp)


def colored_share(page: Page) -> float:
    """Share of a picture's area, 0...1, whose chroma is not explained by the tone of the print."""
    if page.grey:
        return 0.0
    lab = srgb_to_lab(_small(page.pixels)).reshape(-1, 3)
    band = np.clip(lab[:, 0] / 100 * _BANDS, 0, _BANDS - 1).astype(int)
    beside = np.zeros((len(lab), 2))
    for number in range(_BANDS):
        here = band == number
        if here.sum() >= _FEW:
            beside[here] = lab[here, 1:] - np.median(lab[here, 1:], axis=0)
    tone = np.median(lab[:, 1:], axis=0)
    chroma = float(np.hypot(*tone))
    if chroma > _TONED:
        along, across = beside @ tone / chroma, beside @ [-tone[1], tone[0]] / chroma
        beside = np.stack([along * (_CHROMA / _ALONG), across], -1)
    return float((np.hypot(*beside.T) > _CHROMA).mean())


def _small(rgb: Codes) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(to_8_bits(rgb))
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(image)
