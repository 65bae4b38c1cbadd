"""How far clicks go, what references bring, and how different the palettes' colours are.

    python -m benchmarks.steering clicks FOLDER_OR_ZIP [--limit N] [--model NAME]
    python -m benchmarks.steering references FOLDER_OR_ZIP [--limit N] [--model NAME]
    python -m benchmarks.steering palettes FOLDER_OR_ZIP [--limit N] [--model NAME]
    python -m benchmarks.steering time [--model NAME]
    python -m benchmarks.steering segments BSDS500 [--limit N] [--model NAME]
    python -m benchmarks.steering thresholds FOLDER_OR_ZIP... [--limit N] [--model NAME]

clicks: one click in the middle third of each photograph, with a colour at least 40 ab from what is
there; the share of the picture whose ab changes by more than 10, how far the clicked pixel is off
from the asked colour and from the nearest to it that the pixel's L allows, and what ten true hints
gain in PSNR of ab. references: two overlapping parts of each photograph,
one grey and one its reference, and the grey part with that of another photograph as its reference;
change of CIEDE2000. palettes: 1,000 random places. time: one more click on a preview of
1200 x 900 pixels, painted, the model's run left out and with it. segments: clicks beside what
people drew, in the folders ``images`` and ``groundTruth`` of BSDS500. thresholds: for a network
to replace the bundled one, on pictures that it was not trained on and that nothing else is measured
on: of `spread.THING`, `USUAL`, `affinity.LIKE` and `LOOSER`, figures of some values, the best by
the rules in `steering_thresholds.py`, to be written there by hand.
"""

import argparse
import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from photochrom import Colorizer, ColorOptions, Hint, Picture, Prepared
from photochrom.color import neutral, recombine, srgb_to_lab
from photochrom.color.difference import ciede2000
from photochrom.evaluate.clicks import true_hints
from photochrom.hints.palette import LEAST_SHARE

Array = np.ndarray[Any, Any]


def pictures(source: Path, limit: int) -> Iterator[Array]:
    """Photographs in colour, in an order that is always the same."""
    if source.is_dir():
        files = [path.read_bytes() for path in sorted(source.rglob("*.*"))]
    else:
        archive = zipfile.ZipFile(source)
        files = [archive.read(name) for name in sorted(archive.namelist()) if "." in name]
    found = 0
    for index in np.random.default_rng(0).permutation(len(files)):
        try:
            rgb = np.asarray(Image.open(io.BytesIO(files[index])).convert("RGB"))
        except OSError:
            continue
        if np.hypot(*ab_of(rgb)).mean() > 4 and found < limit:
            found += 1
            yield rgb


def ab_of(rgb: Array) -> Array:
    return np.moveaxis(srgb_to_lab(rgb)[..., 1:], -1, 0)


def seen(colorizer: Colorizer, prepared: Prepared, **options: Any) -> Array:
    return colorizer.render(prepared, ColorOptions(**options)).pixels


def psnr(rgb: Array, truth: Array) -> float:
    error = ((ab_of(rgb) - ab_of(truth)) ** 2).mean()
    return float(20 * np.log10(255 / np.sqrt(error)))


def other_color(rng: np.random.Generator, here: Array) -> tuple[int, int, int] | None:
    """A colour of the same L that differs by 40 or more, if there is one."""
    for codes in rng.integers(0, 256, (2000, 3), np.uint8):
        lab = srgb_to_lab(codes[None])[0]
        if abs(lab[0] - here[0]) < 3 and np.hypot(*(lab[1:] - here[1:])) >= 40:
            red, green, blue = codes.tolist()
            return red, green, blue
    return None


def clicks(colorizer: Colorizer, source: Path, limit: int) -> None:
    rng, shares, gains = np.random.default_rng(1), [], []
    off: list[tuple[float, float]] = []
    for number, rgb in enumerate(pictures(source, limit)):
        height, width = rgb.shape[:2]
        prepared = colorizer.prepare(Picture(neutral(rgb)))
        own = seen(colorizer, prepared)
        y, x = (int(rng.uniform(side / 3, 2 * side / 3)) for side in (height, width))
        color = other_color(rng, srgb_to_lab(own[y, x][None])[0])
        if color is not None:
            hint = Hint(x, y, color)
            after = seen(colorizer, prepared, hints=[hint])
            shares.append((np.hypot(*(ab_of(after) - ab_of(own))) > 10).mean())
            allowed = np.empty((1, 1, 3), np.uint8)
            recombine(prepared.grey[y : y + 1, x : x + 1], hint.ab[:, None, None], out=allowed)
            there, nearest = ab_of(after)[:, y, x], ab_of(allowed)[:, 0, 0]
            off.append((float(np.hypot(*(there - hint.ab))), float(np.hypot(*(there - nearest)))))
        told = seen(colorizer, prepared, hints=true_hints(rgb, 10, [0, number]))
        gains.append(psnr(told, rgb) - psnr(own, rgb))
    print(f"{len(shares)} clicks: {np.median(shares):.1%} of the picture changed in the median,")
    print(f"  {np.quantile(shares, 0.9):.1%} at the 90th percentile")
    for number, what in enumerate(("the asked colour", "the nearest in gamut")):
        distances = [pair[number] for pair in off]
        print(f"  the click itself is off from {what} by {np.median(distances):.1f} in the median,")
        print(f"  {max(distances):.1f} at most, by more than 6 in {sum(d > 6 for d in distances)}")
    print(f"  ten true hints gain {np.mean(gains):.2f} dB")


def parts(rgb: Array) -> tuple[Array, Array]:
    """Two overlapping parts, 62 % of the longer side each."""
    axis = 0 if rgb.shape[0] > rgb.shape[1] else 1
    side = rgb.shape[axis]
    halves = (
        np.take(rgb, np.arange(int(side * 0.62)), axis),
        np.take(rgb, np.arange(int(side * 0.38), side), axis),
    )
    return np.ascontiguousarray(halves[0]), np.ascontiguousarray(halves[1])


def references(colorizer: Colorizer, source: Path, limit: int) -> None:
    pairs = [parts(rgb) for rgb in pictures(source, limit)]
    related, unrelated, moved, matched = [], [], [], []
    for number, (grey, _) in enumerate(pairs):
        prepared = colorizer.prepare(Picture(neutral(grey)))
        truth, own = srgb_to_lab(grey), seen(colorizer, prepared)
        before = ciede2000(srgb_to_lab(own), truth).mean()
        for lender, changes in ((number, related), ((number + 7) % len(pairs), unrelated)):
            lent = colorizer.reference(Picture(pairs[lender][1]))
            after = seen(colorizer, prepared, reference=lent)
            changes.append(ciede2000(srgb_to_lab(after), truth).mean() - before)
            if changes is unrelated:
                moved.append(ciede2000(srgb_to_lab(after), srgb_to_lab(own)).mean())
            else:
                matched.append(colorizer.match(prepared, ColorOptions(reference=lent)).matched)
    print(f"{len(pairs)} pairs: {np.mean(matched):.0%} of the picture matched; CIEDE2000 falls in")
    print(f"  {sum(c < 0 for c in related)}, by {-np.mean(related):.2f} in the mean, and rises by")
    print(f"  {max(0, max(related)):.2f} at most")
    print(f"{len(pairs)} unrelated pairs: CIEDE2000 from the picture without a reference is")
    print(
        f"  {np.mean(moved):.2f} in the mean, {max(moved):.2f} at most; that from the truth changes"
    )
    print(f"  by {np.mean(unrelated):+.2f} in the mean, {max(unrelated):+.2f} at most")


def palettes(colorizer: Colorizer, source: Path, limit: int) -> None:
    rng, counts, least, nearest = np.random.default_rng(2), [], 1.0, 100.0
    chosen = [colorizer.prepare(Picture(neutral(rgb))) for rgb in pictures(source, limit)]
    for number in range(1000):
        prepared = chosen[number % len(chosen)]
        height, width = prepared.shape
        found = prepared.palette(rng.integers(width), rng.integers(height), 9)
        lab = srgb_to_lab(np.array([[*bytes.fromhex(f.color[1:])] for f in found], np.uint8))
        apart = ciede2000(lab[:, None], lab[None]) + 100 * np.eye(len(lab))
        counts.append(len(found))
        least, nearest = min(least, *(f.probability for f in found)), min(nearest, apart.min())
        assert len({f.name for f in found}) == len(found)
    print(f"1,000 places: {min(counts)} to {max(counts)} suggestions, mean {np.mean(counts):.1f};")
    print(
        f"  the least likely has {least:.1%} (floor {LEAST_SHARE:.0%}), the two nearest differ by"
    )
    print(f"  {nearest:.1f} in CIEDE2000")


def timing(colorizer: Colorizer) -> None:
    y, x = np.mgrid[:900, :1200]
    grey = (110 + 60 * np.sin(x / 97) + 50 * np.cos(y / 71)).clip(0, 255).astype(np.uint8)
    prepared = colorizer.prepare(Picture(grey))
    own = seen(colorizer, prepared)
    hints = [Hint(150 * n + 60, 300, color) for n, color in enumerate(("teal", "red", "gold"))]
    likely = Hint(700, 600, tuple(own[600, 700].tolist()))
    for name, more in (("unlikely", Hint(700, 600, "magenta")), ("likely", likely)):
        seconds = []
        for _ in range(7):
            start = time.perf_counter()
            seen(colorizer, prepared, hints=[*hints, more])
            seconds.append(time.perf_counter() - start)
        print(f"one more click, {name} colour, 1200 x 900: {1000 * min(seconds):.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "what", choices=["clicks", "references", "palettes", "time", "segments", "thresholds"]
    )
    parser.add_argument("source", type=Path, nargs="*")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--model", default="bundled")
    options = parser.parse_args()
    colorizer = Colorizer(options.model)
    if options.what == "time":
        timing(colorizer)
    elif not options.source:
        parser.error("name a folder or ZIP of photographs")
    elif options.what == "segments":
        from benchmarks.steering_segments import segments

        segments(colorizer, options.source[0], options.limit)
    elif options.what == "thresholds":
        from benchmarks.steering_thresholds import likeness, thing

        sets = [list(pictures(source, options.limit)) for source in options.source]
        thing(colorizer, sets)
        likeness(colorizer, sets)
    else:
        work = {"clicks": clicks, "references": references, "palettes": palettes}
        work[options.what](colorizer, options.source[0], options.limit)


if __name__ == "__main__":
    main()
