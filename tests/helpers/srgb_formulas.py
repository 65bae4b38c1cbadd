"""sRGB once more, in float64 and from the standards, to check the code's results by other means."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
DEPTHS = [np.uint8, np.uint16]
# Of Y, from the primaries of ITU-R BT.709 and white x = 0.3127, y = 0.3290;
# test_weights_of_y_follow_from_the_primaries derives them.
Y_WEIGHTS = np.array([0.21263901, 0.71516868, 0.07219232])
ROUNDING = 2e-6  # in linear light: what float32 may cost


def light(encoded: Array) -> Array:
    """Linear light of sRGB values 0...1."""
    encoded = np.asarray(encoded, np.float64)
    curve = ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4
    return np.where(encoded > 0.04045, curve, encoded / 12.92)
