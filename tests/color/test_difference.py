"""CIEDE2000."""

from __future__ import annotations

import numpy as np
import pytest

from photochrom.color.difference import ciede2000

SHARMA = [  # Sharma, Wu and Dalal 2005, table 1
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.001), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, 2.49, -0.001), (50, -2.49, 0.0012), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, -0.001, 2.49), (50, 0.001, -2.49), 4.8045),
    ((50, -0.001, 2.49), (50, 0.0011, -2.49), 4.7461),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ((36.4612, 47.858, 18.3852), (36.2715, 50.5065, 21.2231), 1.4146),
    ((90.8027, -2.0831, 1.441), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("lab", "other", "difference"), SHARMA)
def test_ciede2000(lab: tuple[float], other: tuple[float], difference: float) -> None:
    assert ciede2000(np.array(lab), np.array(other)) == pytest.approx(difference, abs=5e-5)


def test_ciede2000_like_scikit_image() -> None:
    color = pytest.importorskip("skimage.color")
    rng = np.random.default_rng(0)
    a, b = (rng.uniform((0, -110, -110), (100, 110, 110), (40, 50, 3)) for _ in range(2))
    difference = ciede2000(a, b)
    assert difference.shape == (40, 50)
    assert np.allclose(difference, color.deltaE_ciede2000(a, b), atol=1e-8)
    assert not ciede2000(a, a).any()
