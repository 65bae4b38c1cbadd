"""A page: pixels, transparency and metadata, with everything needed to write it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self

import numpy as np

from ..color import Codes
from ..color.srgb import of_type
from ..errors import ArgumentError
from ..media import FORMATS, default_suffix
from .jpeg.jpeg_luma import JpegLuma


@dataclass(frozen=True)
class Encoding:
    """How the source file stored its pixels, where that matters for writing them back.

    Attributes:
        compression: of a TIFF file, if it is one without loss: none, lzw, deflate or packbits.
        lossless: of a WebP file.
        bits: significant bits per channel of a deep AVIF, HEIC or DPX file, 10 or 12.
        header: of a DPX or OpenEXR file: names, types and values of OpenImageIO's attributes.
        half: of an OpenEXR file: floats of 16 bits.
        extra: kinds of ``Page.extra`` in a TIFF file: 0 unspecified, 1 and 2 alpha.
        further: number of pictures or frames in the file that are no pages.
        turned: the pixels were turned upright.
    """

    compression: str | None = None
    lossless: bool = False
    bits: int | None = None
    extra: tuple[int, ...] = ()
    further: int = 0
    turned: bool = False
    header: tuple[tuple[str, str, Any], ...] = ()
    half: bool = False


@dataclass(frozen=True)
class Metadata:
    """What a picture file says besides its pixels.

    Attributes:
        exif: EXIF block, beginning with ``II`` or ``MM``; orientation 1, no thumbnail.
        icc: profile the file is written in; None: sRGB. ``Picture.pixels`` is sRGB in any case.
        xmp: XMP packet.
        dpi: pixels per inch, horizontal and vertical, 1...100,000.
        iptc: IPTC-IIM records, as in TIFF and JPEG files of press archives.
        photoshop: Photoshop's image resources but for IPTC, profile and thumbnails: paths, guides
            and so on.
        texts: comments of a JPEG file, or text chunks of a PNG file; go into that format only.
        encoding: how the source was compressed.

    Raises:
        ArgumentError: ``dpi`` is out of range.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None
    iptc: bytes | None = None
    photoshop: bytes | None = None
    texts: tuple[bytes, ...] = ()
    encoding: Encoding = field(default_factory=Encoding)

    def __post_init__(self) -> None:
        if self.dpi is not None and not plausible_dpi(self.dpi):
            raise ArgumentError(
                "the resolution is wrong",
                expected="two numbers of pixels per inch in 1...100,000",
                got=repr(self.dpi),
            )


def plausible_dpi(dpi: tuple[float, float]) -> bool:
    """Whether a resolution can be written to every format."""
    return len(dpi) == 2 and all(1 <= number <= 100_000 for number in dpi)


class Deferred(NamedTuple):
    """Pixels that are computed when they are first asked for.

    Attributes:
        shape: of what `make` returns.
        dtype: of what `make` returns: uint8 or uint16.
        make: gives ``Picture.pixels``.
    """

    shape: tuple[int, ...]
    dtype: Any
    make: Callable[[], Codes]

    @property
    def ndim(self) -> int:
        """Two for grey, three for RGB."""
        return len(self.shape)


class _Pixels:
    """The attribute ``Picture.pixels``, which may be given as `Deferred`."""

    def __get__(self, picture: Page | None, owner: type | None = None) -> Codes:
        if picture is None:
            raise AttributeError("pixels")  # a dataclass takes that for: no default
        given = picture.__dict__["pixels"]
        if isinstance(given, Deferred):
            given = picture.__dict__["pixels"] = given.make()
        return given  # type: ignore[no-any-return]

    def __set__(self, picture: Page, value: Codes | Deferred) -> None:
        picture.__dict__["pixels"] = value


@dataclass(frozen=True, eq=False)
class Page:
    """One page of pixels in sRGB, upright.

    Attributes:
        pixels: ``(H, W)`` grey or ``(H, W, 3)`` RGB; uint8 or uint16; sRGB-encoded. May be given
            as `Deferred`.
        alpha: ``(H, W)`` of the same dtype, the largest code is opaque; None if there is none.
        extra: ``(H, W, n)`` of the same dtype: further channels of a TIFF file (saved selections),
            which go into that format only.
        metadata: see Metadata.
        format: of the source, a key of `media.FORMATS`; None for arrays.
        depth: bits per channel of the file, 8 or 16. Pixels may be uint16 at a depth of 8: those
            of a file with a colour profile are, so that the conversion costs no tones.
        note: one line for people that says by what the colours were inferred. Where it is set, a
            saved file carries it in its metadata, together with IPTC's mark for such pictures.
        luma: of a grey JPEG: what its coloured result is to copy from it.
        notes: lines for people about what was in the file and is not in this picture.
        floats: type of the floats 0...1 that the picture was made of, in which arrays and tensors
            of it are given back; None: it was made of codes.

    Raises:
        ArgumentError: the arrays are not of these forms.
    """

    pixels: _Pixels = _Pixels()
    alpha: Codes | None = None
    metadata: Metadata = field(default_factory=Metadata)
    format: str | None = None
    depth: int = 0
    note: str | None = None
    luma: JpegLuma | None = None
    notes: tuple[str, ...] = ()
    extra: Codes | None = None
    floats: Any = None

    def __post_init__(self) -> None:
        given, alpha = self._given, self.alpha
        ArgumentError.check("pixels", given, np.ndarray | Deferred, "an array")
        form = given.shape[2:] in ((), (3,)) and given.ndim in (2, 3)
        if not form or given.dtype not in (np.uint8, np.uint16) or 0 in given.shape:
            raise bad_array(self.pixels, "(H, W) or (H, W, 3) of uint8 or uint16")
        if alpha is not None and (alpha.shape != given.shape[:2] or alpha.dtype != given.dtype):
            raise bad_array(alpha, f"alpha {given.shape[:2]} of {given.dtype}")
        bits = np.dtype(given.dtype).itemsize * 8
        object.__setattr__(self, "depth", min(self.depth or bits, bits))

    @property
    def _given(self) -> Codes | Deferred:
        """The pixels, or what stands for them: both have a shape and a type."""
        given: Codes | Deferred = self.__dict__["pixels"]
        return given

    @property
    def grey(self) -> bool:
        """Whether the pixels have one channel."""
        return self._given.ndim == 2

    @property
    def dtype(self) -> Any:
        """Of the pixels: uint8 or uint16."""
        return np.dtype(self._given.dtype)

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self._given.shape[0])

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self._given.shape[1])

    @property
    def suffix(self) -> str:
        """The suffix of a file that can hold this picture in colour: its own if possible."""
        if self.alpha is not None and self.format and not FORMATS[self.format].alpha:
            return ".png"
        return default_suffix(self.format, self.depth)

    def with_pixels(self, rgb: Codes) -> Self:
        """This picture with other pixels; metadata, transparency, format and depth stay.

        Args:
            rgb: ``(H, W)`` or ``(H, W, 3)`` of this size, uint8 or uint16, sRGB-encoded. Pixels of
                another dtype than the present ones bring their own depth.

        Raises:
            ArgumentError: the array has another size or type.
        """
        if rgb.shape[:2] != self._given.shape[:2]:
            raise bad_array(rgb, f"the size {self._given.shape[:2]}")
        same = rgb.dtype == self._given.dtype
        alpha, extra = (
            None if each is None else of_type(each, rgb.dtype) for each in (self.alpha, self.extra)
        )
        depth = self.depth if same else 0
        return self.replaced(pixels=rgb, alpha=alpha, extra=extra, depth=depth, luma=None)

    def with_note(self, note: str | None) -> Self:
        """This picture with another note about its colours."""
        return self.replaced(note=note)

    def colored(
        self, pixels: Deferred, chroma: Callable[[], tuple[Codes, Codes]] | None, note: str
    ) -> Self:
        """This picture in colour.

        Args:
            pixels: RGB of this size and type.
            chroma: gives Cb and Cr for `luma`, if there is one: see `JpegLuma`.
            note: see `Picture`.
        """
        luma = self.luma.with_chroma(chroma) if self.luma and chroma else None
        return self.replaced(pixels=pixels, luma=luma, note=note)

    def replaced(self, **changes: Any) -> Self:
        """This picture with other attributes; pixels that are deferred stay so."""
        values = {each.name: self.__dict__[each.name] for each in fields(self)}
        return type(self)(**{**values, **changes})


def bad_array(array: Codes, expected: str, got: str | None = None) -> ArgumentError:
    return ArgumentError(
        "the array is no picture", expected=expected, got=got or f"{array.dtype} {array.shape}"
    )
