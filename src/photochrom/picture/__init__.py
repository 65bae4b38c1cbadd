"""Pictures: reading and writing photographs with everything the file says about them."""

from .colorfulness import is_in_color, was_colored
from .page import Encoding, Metadata
from .picture import Picture
from .reading import MAX_PIXELS, open_pages, open_picture
from .samples import Deferred
from .writing import save_pages

__all__ = [
    "MAX_PIXELS",
    "Deferred",
    "Encoding",
    "Metadata",
    "Picture",
    "is_in_color",
    "open_pages",
    "open_picture",
    "save_pages",
    "was_colored",
]
