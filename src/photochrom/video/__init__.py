"""Films: reading and writing, shots, and colour that stays steady from frame to frame."""

from importlib.util import find_spec

PACKAGES = ("av", "cv2")
"""What films need, of the extra ``video``."""


def missing_package() -> str | None:
    """The first of `PACKAGES` that is not installed; None if all are there."""
    return next((name for name in PACKAGES if find_spec(name) is None), None)
