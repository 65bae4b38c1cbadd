"""The contact sheet of a film: a coloured still of each shot, a page with all of them, a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..._io import replacing
from ...color.css import color_name, parse_color
from ...colorizer import Colorizer
from ...errors import ArgumentError, CancelToken
from ...options import ColorOptions, VideoOptions
from ...picture import Picture
from ...picture.html_document import data_uri, document
from ...shot_list import Shot, ShotList
from ..color.coloring import film_colorizer
from ..container.video_reader import VideoReader
from ..film_work import FilmSetup
from ..segments.segment_file import writing
from ..segments.segmented_work import Progress, reporter
from .find_shots import shots_of
from .shot_guides import ShotGuides
from .shot_plans import ShotPlan, plans, with_stills

LIST, PAGE, STILLS = "shots.json", "shots.html", "stills"
"""Names in the folder of a sheet."""

_LONGEST = 1280  # pixels of a still's longer side
_SMALL = 480  # of its picture on the page
_COLORS = 5  # main colours of a shot
_SAME = 24  # sRGB codes within which two main colours count as one

RGB = NDArray[np.uint8]
_STYLE = """
body { max-width: 100rem; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr));
  gap: 1.5rem 1rem; padding: 0; list-style: none; }
.sheet img { cursor: crosshair; }
.sheet h2 { font-size: 1rem; margin: .4rem 0 .2rem; }
.sheet h2 span { font-weight: 400; color: var(--soft); font-variant-numeric: tabular-nums; }
.colors { display: flex; height: 1.1rem; margin: .2rem 0; }
.colors span { flex: 1; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 .6rem; margin: .2rem 0; }
dd { margin: 0; }
output { display: block; font: .85rem/1.5 ui-monospace, monospace; color: var(--mark);
  overflow-wrap: anywhere; user-select: all; }
"""
_SCRIPT = """
document.querySelector(".sheet").addEventListener("click", (event) => {
  const picture = event.target.closest("img");
  if (!picture) return;
  const box = picture.getBoundingClientRect(), data = picture.dataset;
  const x = Math.floor((event.clientX - box.left) / box.width * data.width);
  const y = Math.floor((event.clientY - box.top) / box.height * data.height);
  picture.parentElement.querySelector("output").textContent =
    `{"x": ${x}, "y": ${y}, "color": "#a02018"}`;
});
"""


def write_shot_sheet(
    source: Path | str,
    folder: Path | str,
    options: ColorOptions | None = None,
    video_options: VideoOptions | None = None,
    *,
    colorizer: Colorizer | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> ShotList:
    """Write the contact sheet of a film: ``shots.json``, ``shots.html`` and stills in a folder.

    Args:
        source: any film that FFmpeg reads.
        folder: where they go; made if it is not there.
        options: vividness, references and so on; stills and hints with times too.
        video_options: deinterlacing, the part of the film; with `VideoOptions.shots` the sheet is
            of that list, else shots are looked for.
        colorizer: the loaded model; None: the bundled one.
        overwrite: replace a list that is there.
        progress: called after each frame that is looked at, then after each still.
        cancel: checked then.

    Returns:
        The list as it was written.

    Raises:
        VideoError: the source cannot be read, or the folder not be written to.
        ArgumentError: there is a list in the folder, or the one that is given makes no sense.
        CancelledError: `cancel` was set.
    """
    options, wanted = with_stills(options or ColorOptions()), video_options or VideoOptions()
    folder, report = Path(folder), reporter(progress, cancel)
    if (folder / LIST).exists() and not overwrite:
        fix = "it may have been edited: choose another folder, or replace it with --overwrite"
        raise ArgumentError.exists(folder / LIST, fix)
    with VideoReader(source, wanted.deinterlace) as video:
        setup = FilmSetup.of(video, colorizer or film_colorizer(), options, wanted)
        shots = wanted.shot_list or shots_of(setup, report)
        sheet = _Sheet(setup, folder)
        with writing(folder):
            (folder / STILLS).mkdir(parents=True, exist_ok=True)
        try:
            for number, plan in enumerate(plans(shots, video, options), 1):
                shots = shots.with_shot(number, **sheet.add(plan, shots.shots[number - 1]))
                report(number, len(shots.shots))
        finally:
            sheet.close()
        with writing(folder):
            shots.write(folder / LIST)
            with replacing(folder / PAGE) as temporary:
                page = sheet_page(video.path.name, shots, sheet.entries, video.shape)
                temporary.write_text(page, encoding="utf-8")
    return shots


class _Sheet:
    """The stills of a sheet that is being made.

    Attributes:
        entries: what the page shows of each shot.
    """

    def __init__(self, setup: FilmSetup, folder: Path) -> None:
        self._setup, self._folder = setup, folder
        self._guides = ShotGuides(setup)
        self._names: Counter[str] = Counter()
        self.entries: list[SheetEntry] = []

    def close(self) -> None:
        """Close the film."""
        self._guides.close()

    def add(self, plan: ShotPlan, shot: Shot) -> dict[str, Any]:
        """Colour and write the still of a shot; returns what is known of it for the list."""
        still = self._guides.frame(plan.still)
        grey, turns = self._guides.grey(plan.still), self._setup.turns
        prepared = self._guides.prepared(plan.still)
        versions = self._guides.versions(plan.still)
        ab = self._guides.steady(plan).push(still.L, True)[0]
        painted = self._setup.colorizer.painted(Picture.from_array(grey), still.L, ab).pixels
        rgb = np.ascontiguousarray(np.rot90(painted, turns))
        name = shot.picture or ""
        if not name.startswith(f"{STILLS}/") or Path(name).name in self._names:
            name = f"{STILLS}/shot-{plan.number:04}-still.jpg"
        self._names[Path(name).name] += 1
        picture = Picture(_shrunk(rgb, _LONGEST))
        picture.save(self._folder / STILLS / Path(name).name, quality=92)
        small = Picture(_shrunk(rgb, _SMALL)).to_bytes("jpeg", quality=80)
        self.entries.append(SheetEntry(small, rgb.shape[:2]))
        sure = None if prepared.logits is None else 1 - float(prepared.entropy.mean())
        top, left = still.view.corner(still.L.shape, grey.shape)
        height, width = prepared.shape
        return {
            "picture": name,
            "colors": main_colors(rgb[top : top + height, left : left + width]),
            "confidence": None if sure is None else round(min(max(sure, 0.0), 1.0), 3),
            "versions": tuple(each.name for each in versions),
        }


def main_colors(rgb: RGB, count: int = _COLORS) -> tuple[str, ...]:
    """The colours that a picture has most of, the commonest first.

    Args:
        rgb: ``(H, W, 3)`` sRGB codes.
        count: how many at most.

    Returns:
        ``#rrggbb`` each.
    """
    small = Image.fromarray(rgb).resize((96, 96), Image.Resampling.BOX)
    few = small.quantize(2 * count, kmeans=4)
    table = np.reshape(few.getpalette() or [], (-1, 3)).astype(int)
    found: list[NDArray[Any]] = []
    for _, index in sorted(few.getcolors() or [], reverse=True):
        color = table[int(str(index))]
        if all(np.abs(color - other).max() > _SAME for other in found):
            found.append(color)
    return tuple("#" + bytes(int(v) for v in color).hex() for color in found[:count])


def _shrunk(rgb: RGB, longest: int) -> RGB:
    image = Image.fromarray(rgb)
    image.thumbnail((longest, longest))
    return np.asarray(image)


@dataclass(frozen=True)
class SheetEntry:
    """What the page shows of a shot."""

    jpeg: bytes  # its still, small
    shape: tuple[int, ...]  # ``(H, W)`` of the upright frame, in whose pixels hints are given


def sheet_page(
    film: str, shots: ShotList, entries: Sequence[SheetEntry], shape: tuple[int, int]
) -> str:
    """The page as text; `shape`: ``(H, W)`` of the frames."""
    body = _body(film, shots, entries, shape)
    return "\n".join(document(f"Shots of {film}", body, _STYLE)) + "\n"


def _body(
    film: str, shots: ShotList, entries: Sequence[SheetEntry], shape: tuple[int, int]
) -> Iterator[str]:
    count, height, width = len(shots.shots), *shape
    yield f"<h1>{escape(film)}</h1>"
    words = f"{count:,} shot{'s' * (count != 1)}, {_clock(shots.duration)}, {width} x {height}"
    yield (
        f'<p class="soft">{words}. Click a still for a hint to put into the list of its shot in '
        "shots.json; change the colour to the one you want.</p>"
    )
    yield '<ol class="sheet">'
    for number, (shot, entry) in enumerate(zip(shots.shots, entries, strict=True), 1):
        yield from _shot(number, shot, entry)
    yield f"</ol><script>{_SCRIPT}</script>"


def _shot(number: int, shot: Shot, entry: SheetEntry) -> Iterator[str]:
    height, width = entry.shape
    yield (
        f'<li><img src="{data_uri(entry.jpeg, "jpeg")}" alt="still of shot {number}" '
        f'loading="lazy" data-width="{width}" data-height="{height}" />'
    )
    yield '<div class="colors" aria-hidden="true">'
    yield "".join(f'<span style="background: {escape(color)}"></span>' for color in shot.colors)
    yield "</div>"
    span = f"{_clock(shot.start)} to {_clock(shot.end)}, still at {shot.still:.2f} s"
    yield f"<h2>{number} <span>{span}</span></h2><dl>"
    for name, text in _facts(shot):
        yield f"<dt>{name}</dt><dd>{escape(text)}</dd>"
    yield "</dl><output></output></li>"


def _facts(shot: Shot) -> Iterator[tuple[str, str]]:
    if shot.colors:
        names: list[str] = []
        for color in shot.colors:
            names.append(color_name(parse_color(color), names))
        yield "colours", ", ".join(names)
    if shot.confidence is not None:
        yield "confidence", f"{shot.confidence:.0%}"
    if shot.place is not None:
        yield "place", f"that of shot {shot.place}"
    for number, name in enumerate(shot.versions, 1):
        chosen = " (chosen)" if number == shot.version else ""
        yield f"version {number}", name + chosen
    for name in ("vividness", "warmth"):
        if getattr(shot, name) is not None:
            yield name, f"{getattr(shot, name):g}"
    if shot.hints:
        yield "hints", str(len(shot.hints))
    if shot.reference:
        yield "reference", ", ".join(shot.reference)


def _clock(seconds: float) -> str:
    """``0:04.50`` or ``1:02:03.50``."""
    minutes, rest = divmod(round(seconds * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    text = f"{minutes:02}:{rest / 100:05.2f}" if hours else f"{minutes}:{rest / 100:05.2f}"
    return f"{hours}:{text}" if hours else text
