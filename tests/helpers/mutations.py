"""Damaged pictures by the thousand, and a judge that survives what they do to it.

``run`` mutates small files of every format and lets worker processes open and save them. A worker
that crashes or hangs is counted and replaced.
"""

import contextlib
import io
import multiprocessing
import os
import tempfile
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from photochrom import (
    MissingExtraError,
    Picture,
    PictureError,
    open_pages,
    open_picture,
    save_pages,
    uncolor,
)
from photochrom.picture import Metadata
from photochrom.picture.jpeg.splice import without_color
from tests.helpers.grey_jpegs import grey_jpeg
from tests.helpers.picture_files import (
    ADOBE_RGB,
    IPTC,
    XMP,
    alpha,
    colour,
    exif_block,
    grey,
    grey_profile,
)

MAX_PIXELS = 20_000_000
GOOD = ("picture", "clean error")
BAD = ("traceback", "crash", "hang", "files left behind", "output on stderr")
FULL = Metadata(exif=exif_block(1), icc=ADOBE_RGB, xmp=XMP, dpi=(300, 300), iptc=IPTC)


def by_pillow(array, format, **options):
    file = io.BytesIO()
    image = array if isinstance(array, Image.Image) else Image.fromarray(array)
    image.save(file, format, **options)
    return file.getvalue()


def pages():
    file = io.BytesIO()
    deep = Picture(colour("uint16", 20, 30), metadata=FULL)
    save_pages([Picture(grey(), metadata=FULL).with_note("inferred"), deep], file, format="tiff")
    return file.getvalue()


def seeds():
    """Name -> a valid file. EXIF, ICC, XMP and IPTC are in every format that can hold them."""
    rgb = Picture(colour(), metadata=FULL)
    rgba = Picture(colour(), alpha(), FULL)
    deep = Picture(colour("uint16"), metadata=FULL)
    palette = Image.fromarray(colour()).quantize(16)
    inks = Image.fromarray(colour()).convert("CMYK")
    found = {f"rgb.{f}": rgb.to_bytes(f) for f in ("jpeg", "png", "webp", "avif", "bmp", "jp2")}
    found |= {f"rgba.{f}": rgba.to_bytes(f) for f in ("png", "tiff", "webp", "avif", "jp2")}
    found |= {f"deep.{f}": deep.to_bytes(f) for f in ("png", "tiff", "avif")}
    found["pages.tiff"] = pages()
    found["grey.jp2"] = Picture(grey("uint16"), metadata=FULL).to_bytes("jp2")
    found["grey.jpeg"] = by_pillow(grey(), "JPEG", icc_profile=grey_profile(1.8), xmp=XMP)
    found["grey-progressive.jpeg"] = grey_jpeg(progressive=True, exif=b"Exif\0\0" + exif_block(6))
    found["grey-restarts.jpeg"] = grey_jpeg(restart_marker_blocks=7, xmp=XMP, comment=b"x")
    page = open_picture(found["grey-restarts.jpeg"])
    planes = np.full((2, *page.luma.half.shape), 150, np.uint8)
    page = page.replaced(luma=page.luma.with_chroma(lambda: (planes[0], planes[1])))
    found["coloured.jpeg"] = page.with_note("inferred").to_bytes("jpeg")
    found["progressive.jpeg"] = by_pillow(colour(), "JPEG", progressive=True, comment=b"x" * 50)
    found["cmyk.jpeg"] = by_pillow(inks, "JPEG")
    found["palette.png"] = by_pillow(palette, "PNG", transparency=3)
    found["palette.gif"] = by_pillow(
        palette, "GIF", save_all=True, append_images=[inks.convert("P")]
    )
    found["palette.bmp"] = by_pillow(palette, "BMP")
    found["1bit.bmp"] = by_pillow(Image.fromarray(grey()).convert("1"), "BMP")
    found["lossless.webp"] = by_pillow(colour(), "WEBP", lossless=True, xmp=XMP)
    for compression in ("tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate"):
        found[f"{compression}.tiff"] = by_pillow(colour(), "TIFF", compression=compression)
    found["fax.tiff"] = by_pillow(
        Image.fromarray(grey()).convert("1"), "TIFF", compression="group4"
    )
    found["cmyk.tiff"] = by_pillow(inks, "TIFF")
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        return found
    found["rgb.heic"], found["deep.heic"] = rgb.to_bytes("heic"), deep.to_bytes("heic")
    return found


def flip_bits(data, other, rng):
    for _ in range(int(rng.integers(1, 20))):
        data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
    return data


def flip_bits_of_the_head(data, other, rng):
    for _ in range(int(rng.integers(1, 6))):
        data[rng.integers(min(len(data), 200))] ^= 1 << int(rng.integers(8))
    return data


def truncate(data, other, rng):
    return data[: rng.integers(len(data))]


def swap_heads(data, other, rng):
    size = int(rng.integers(4, 200))
    return other[:size] + data[size:]


def join(data, other, rng):
    return data[: rng.integers(len(data))] + other[rng.integers(len(other)) :]


def repeat_a_piece(data, other, rng):
    at, size = int(rng.integers(len(data))), int(rng.integers(1, 400))
    return data[: at + size] + data[at : at + size] * int(rng.integers(1, 4)) + data[at + size :]


def drop_a_piece(data, other, rng):
    at = int(rng.integers(len(data)))
    return data[:at] + data[at + int(rng.integers(1, 100)) :]


def extreme_numbers(data, other, rng):
    values = (b"\0\0\0\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80")
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(max(1, min(len(data), 400) if rng.random() < 0.7 else len(data))))
        data[at : at + 4] = values[rng.integers(len(values))]
    return data


def noise(data, other, rng):
    at, size = int(rng.integers(len(data))), int(rng.integers(1, 200))
    data[at : at + size] = rng.bytes(size)
    return data


MUTATIONS = (
    flip_bits,
    flip_bits_of_the_head,
    truncate,
    swap_heads,
    join,
    repeat_a_piece,
    drop_a_piece,
    extreme_numbers,
    noise,
)


def mutants(count, seed):
    """``count`` pairs of a name and damaged bytes: every seed and mutation in turn."""
    files = list(seeds().items())
    rng = np.random.default_rng(seed)
    for index in range(count):
        name, data = files[index % len(files)]
        other = files[rng.integers(len(files))][1]
        mutation = MUTATIONS[(index // len(files)) % len(MUTATIONS)]
        damaged = mutation(bytearray(data), bytearray(other), rng)
        if rng.random() < 0.2 and damaged:
            damaged = MUTATIONS[rng.integers(len(MUTATIONS))](damaged, bytearray(other), rng)
        yield f"{index} {name} {mutation.__name__}", bytes(damaged)


def judge(data, folder):
    """Open every page of ``data`` by path and by bytes, save what opens: what came of it."""
    path = Path(folder, "mutant.bin")
    path.write_bytes(data)
    outcome = "clean error"
    for source in (path, data):
        try:
            for page in open_pages(source, max_pixels=MAX_PIXELS):
                outcome = "picture"
                for name in {"result.png", f"result{page.suffix}"}:
                    page.with_note("inferred").save(Path(folder, name))
                    Path(folder, name).unlink()
                if page.luma is not None:
                    copy_luma(page, data)
        except (PictureError, MissingExtraError) as error:
            if "\n" in str(error):
                raise ValueError("an error of another form") from error
        with contextlib.suppress(PictureError, MissingExtraError):
            uncolor(source, io.BytesIO(), max_pixels=MAX_PIXELS)
    path.unlink()
    return "files left behind" if list(Path(folder).iterdir()) else outcome


def copy_luma(page, data):
    """Colour a JPEG beside its luma; it must be readable, and the source must come back."""
    planes = np.full((2, *page.luma.half.shape), 150, np.uint8)
    coloured = page.replaced(luma=page.luma.with_chroma(lambda: (planes[0], planes[1])))
    result = coloured.with_note("inferred").to_bytes("jpeg")
    if page.luma.file.keeps_rest and without_color(result) != data:
        raise ValueError("another source came back")
    open_picture(result, max_pixels=2 * MAX_PIXELS)


def work(connection, log):
    """The worker: judges what comes through ``connection`` until None comes."""
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(descriptor, 2)
    with tempfile.TemporaryDirectory() as folder:
        while (data := connection.recv()) is not None:
            before = Path(log).stat().st_size
            try:
                outcome, words = judge(data, folder), ""
            except Exception:
                outcome, words = "traceback", traceback.format_exc()
            if Path(log).stat().st_size > before and outcome in GOOD:
                outcome, words = "output on stderr", Path(log).read_text(errors="replace")[before:]
            connection.send((outcome, words))


class Worker:
    """A process that judges one mutant at a time."""

    def __init__(self, log):
        self.context, self.log = multiprocessing.get_context("spawn"), log
        self.start()

    def start(self):
        self.pipe, end = self.context.Pipe()
        self.process = self.context.Process(target=work, args=(end, self.log), daemon=True)
        self.process.start()
        end.close()
        self.fresh = True

    def judge(self, data, seconds):
        # The first answer of a process takes the imports with it.
        wait, self.fresh = seconds + 60 * self.fresh, False
        try:
            self.pipe.send(data)
            if self.pipe.poll(wait):
                return self.pipe.recv()
            outcome = "hang", f"longer than {seconds} s"
        except (EOFError, OSError):
            self.process.join(5)
            outcome = "crash", f"exit status {self.process.exitcode}"
        self.process.kill()
        self.process.join()
        self.start()
        return outcome

    def stop(self):
        try:
            self.pipe.send(None)
            self.process.join(10)
        finally:
            self.process.kill()
            self.process.join()


def run(count, seed=0, seconds=10, report=lambda name, data, outcome, words: None):
    """Judge ``count`` mutants; ``report`` is called for each: counts by outcome."""
    counts = Counter()
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(str(Path(folder, "log")))
        try:
            for name, data in mutants(count, seed):
                outcome, words = worker.judge(data, seconds)
                counts[outcome] += 1
                report(name, data, outcome, words)
        finally:
            worker.stop()
    return counts
