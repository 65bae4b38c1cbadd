"""The page of a contact sheet: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from ...color.css import color_name, parse_color
from ...picture.html_document import data_uri, document
from ...shot_list import Shot, ShotList

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


@dataclass(frozen=True)
class SheetEntry:
    """What the page shows of a shot.

    Attributes:
        jpeg: its still, small.
        shape: ``(H, W)`` of the upright frame, in whose pixels hints are given.
    """

    jpeg: bytes
    shape: tuple[int, ...]


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
