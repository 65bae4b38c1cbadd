"""The picture of the public interface: a page that can be saved and converted, in colour or not."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from ..color import Codes, srgb_to_lab
from ..color.srgb import to_8_bits
from ..errors import MissingExtraError
from .metadata import losses
from .metadata.xmp import is_marked
from .page import Page, bad_array
from .writing import save_pages

if TYPE_CHECKING:
    from PIL.Image import Image


_SHOWN = 1024  # pixels of the longer side in notebooks
_SIDE = 160  # pixels of the longer side that is looked at: grain and JPEG's blocks are gone
_BANDS = 24  # of L; the tone of a print is a function of L alone
_FEW = 12  # pixels of a band below which its tone is not known
_CHROMA = 5.0  # ab beside the tone that counts as colour
_ALONG = 14.0  # the same in the tone's own hue, of which JPEG files of low quality have much
_TONED = 4.0  # mean chroma from which a print has a tone
_SHARE = 0.01  # of the pixels: a hand-tinted print has colour on cheeks and lips only


class Picture(Page):
    """One page of pixels in sRGB, upright; its attributes are those of `Page`."""

    def save(
        self,
        target: str | Path | BinaryIO,
        *,
        format: str | None = None,
        quality: int | None = None,
        recompress: bool = False,
    ) -> None:
        """Write the picture to a file (whole or not at all) or into an open binary file.

        Args:
            target: path, or file open for writing.
            format: name of the format; default: by the suffix of ``target``, else the source's.
            quality: 1...100, of JPEG, WebP, AVIF and HEIC; the other formats lose nothing. Where
                a JPEG's luma is copied, that of its colour.
            recompress: encode the luma of a coloured grey JPEG anew instead of copying it.

        Raises:
            PictureError: the format cannot hold the picture, or the file cannot be written.
            ArgumentError: ``format`` or ``quality`` is not of its form.
        """
        save_pages([self], target, format=format, quality=quality, recompress=recompress)

    def losses(self, format: str, *, recompress: bool = False) -> tuple[str, ...]:
        """What is lost when the picture is saved in a format, beside what `notes` say; in words."""
        return losses(self, format, recompress=recompress)

    def to_bytes(
        self, format: str, *, quality: int | None = None, recompress: bool = False
    ) -> bytes:
        """The picture as the bytes of a file; see ``save``."""
        buffer = io.BytesIO()
        self.save(buffer, format=format, quality=quality, recompress=recompress)
        return buffer.getvalue()

    def to_pil(self) -> Image:
        """The picture as a Pillow image of mode L, LA, RGB or RGBA: 8 bits, sRGB, no metadata."""
        from PIL import Image

        alpha = self.alpha
        samples = self.pixels if alpha is None else np.dstack([self.pixels, alpha])
        return Image.fromarray(to_8_bits(samples))

    def to_torch(self) -> Any:
        """The pixels as a PyTorch tensor: ``(3, H, W)`` or ``(1, H, W)``, 0...1, sRGB.

        Of the type of floats that the picture was made of, else float32.

        Raises:
            MissingExtraError: PyTorch is not installed.
        """
        try:
            import torch
        except ImportError:
            raise MissingExtraError.of("torch", "train", "a tensor") from None
        planes = np.atleast_3d(self.pixels).transpose(2, 0, 1)
        scaled = _scaled(planes, self.floats or np.float32)
        return torch.from_numpy(np.ascontiguousarray(scaled))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """`pixels`, for `numpy.asarray`; without transparency.

        Floats 0...1 if the picture was made of floats, or if `dtype` is one; else the codes.
        """
        wanted = np.dtype(dtype or self.floats or self.dtype)
        if wanted.kind != "f":
            return np.array(self.pixels, wanted, copy=copy)
        if copy is False:
            raise ValueError("a picture is kept in codes: floats are a copy")
        return _scaled(self.pixels, wanted)

    def _repr_png_(self) -> bytes:
        """What notebooks show: at most 1024 pixels wide and high, 8 bits."""
        image, buffer = self.to_pil(), io.BytesIO()
        image.thumbnail((_SHOWN, _SHOWN))
        image.save(buffer, "PNG")
        return buffer.getvalue()

    @classmethod
    def from_array(cls, array: Any) -> Self:
        """A picture from an array of sRGB samples.

        Args:
            array: ``(H, W)`` or ``(H, W, 1)`` grey, ``(H, W, 2)`` grey and alpha, ``(H, W, 3)``
                RGB, ``(H, W, 4)`` RGBA; uint8 0...255, uint16 0...65535, bool, or floats
                0...1, which become uint16 and are given back as such floats by `numpy.asarray` and
                `to_torch`. Contiguous integers are not copied.

        Raises:
            ArgumentError: another shape, type or range.
        """
        array = np.asarray(array)
        channels = array.shape[2] if array.ndim == 3 else 1
        if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or not array.size:
            raise bad_array(array, "(H, W) or (H, W, 1...4)")
        samples = _codes(array).reshape(*array.shape[:2], channels)
        floats = array.dtype if array.dtype.kind == "f" else None
        if channels in (1, 3):
            return cls(samples[..., 0] if channels == 1 else samples, floats=floats)
        colour = np.ascontiguousarray(samples[..., :-1])
        alpha = np.ascontiguousarray(samples[..., -1])
        return cls(colour[..., 0] if channels == 2 else colour, alpha, floats=floats)


def array_of(source: object) -> NDArray[Any] | None:
    """The array of an object that is one, or has one: NumPy's, JAX's, tensors; else None.

    Tensors of PyTorch are ``(H, W)`` or ``(C, H, W)``, as torchvision has them.
    """
    if isinstance(source, np.ndarray):
        return source
    if type(source).__module__.split(".")[0] == "torch" and hasattr(source, "detach"):
        array = np.asarray(source.detach().cpu())
        return np.moveaxis(array, 0, -1) if array.ndim == 3 else array
    return np.asarray(source) if hasattr(source, "__array__") else None


def _scaled(codes: Codes, dtype: Any) -> NDArray[Any]:
    """Codes as floats 0...1."""
    wide = np.result_type(dtype, np.float32)
    return np.asarray(codes.astype(wide) / wide.type(np.iinfo(codes.dtype).max)).astype(dtype)


def _codes(array: Codes) -> Codes:
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype in (np.float16, np.float32, np.float64):
        array = array.astype(np.float32) if array.dtype == np.float16 else array
        if not (array.min() >= 0 and array.max() <= 1):
            raise bad_array(array, "floats in 0...1", f"{array.min():.4g}...{array.max():.4g}")
        scaled: Codes = np.rint(array * 65535).astype(np.uint16)
        return scaled
    raise bad_array(array, "uint8, uint16, bool or floats")


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
