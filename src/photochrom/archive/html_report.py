"""The report on an archive: one HTML page that needs nothing else, failures first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from .._io import clock, in_words, show
from .._system import cores
from ..picture.codec import library
from ..picture.html_document import data_uri, document
from . import storage
from .events import Summary, passed_over
from .manifest import Manifest, Row

_SAMPLES = 24
_SIDE = 320  # pixels of a picture on the contact sheet

_STYLE = """
th { padding-left: 0; text-align: left; font-weight: 400; }
li { margin: .25rem 0; } li b { font-weight: 600; color: var(--mark); }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
  gap: 1rem; } .pair { display: flex; gap: 2px; align-items: flex-start; }
.pair img { width: 50%; min-width: 0; }
"""


@dataclass(frozen=True)
class Facts:
    """What the manifest does not know."""

    root: str  # where the results are, a path or URL
    summary: Summary  # of the run
    # folders that could not be looked into or written to, and why
    unreadable: list[tuple[str, str]]


def write_report(manifest: Manifest, facts: Facts, path: Path, scratch: Path) -> None:
    """Write the page, whole or not at all.

    Args:
        manifest: after the run.
        facts: what else there is to say.
        path: where it goes.
        scratch: folder on the same disk, for what is not complete.

    Raises:
        OSError: it cannot be written.
    """
    # Written row by row: an archive of a million has many thousands of failures.
    part = scratch / f"{path.name}.part"
    try:
        with part.open("w", encoding="utf-8") as file:
            title, body = f"Photochrom: {show(facts.root)}", _body(manifest, facts)
            file.writelines(f"{piece}\n" for piece in document(title, body, _STYLE))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _body(manifest: Manifest, facts: Facts) -> Iterator[str]:
    yield f"<h1>{escape(show(facts.root))}</h1>"
    if stopped := facts.summary.stopped:
        yield f"<p>Stopped: {escape(show(stopped))}. The same command goes on from there.</p>"
    yield from _failures(manifest, facts.unreadable)
    yield from _figures(manifest, facts)
    yield from _notes(manifest)
    yield from _sheet(manifest)


def _failures(manifest: Manifest, unreadable: list[tuple[str, str]]) -> Iterator[str]:
    failed = manifest.totals().get("failed", (0, 0, 0))[0] + len(unreadable)
    if not failed:
        return
    yield f"<h2>Failed: {failed:,}</h2>\n<ul>"
    for path, why in unreadable:
        yield _failure(path, why)
    for row in manifest.each("failed"):
        yield _failure(row.source, row.error or "")
    yield "</ul>"


def _failure(path: str, why: str) -> str:
    name = show(path)
    why = why.removeprefix(f"{name} ").removeprefix(f"{name}: ")
    return f"<li><b>{escape(name)}</b> {escape(show(why))}</li>"


def _figures(manifest: Manifest, facts: Facts) -> Iterator[str]:
    totals, summary = manifest.totals(), facts.summary
    words = {
        "done": "coloured",
        "failed": "failed",
        "skipped": "skipped",
        "todo": "still to do",
        "settling": "still being written to",
    }
    lines = [
        (words[state], f"{totals[state][0]:,} ({in_words(totals[state][1])})")
        for state in words
        if state in totals
    ]
    if summary.passed_over:
        lines.append(("neither picture nor film", passed_over(summary.passed_over)))
    seconds = max(summary.seconds, 1e-3)
    lines += [
        ("model", summary.model or "not loaded"),
        ("coloured in this run", f"{summary.coloured:,}"),
        ("time of this run", clock(summary.seconds)),
        ("files per second", f"{summary.coloured / seconds:.2f}"),
        ("megapixels per second", f"{summary.pixels / 1e6 / seconds:.1f}"),
    ]
    yield "<h2>Figures</h2>\n<table><tbody>"
    for name, value in lines:
        yield f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
    yield "</tbody></table>"


def _notes(manifest: Manifest) -> Iterator[str]:
    rows = iter(manifest.with_notes())
    if (first := next(rows, None)) is None:
        return
    yield "<h2>Notes</h2>\n<ul>"
    for row in (first, *rows):
        for note in filter(None, (row.note, *(row.notes or "").splitlines())):
            yield f"<li><b>{escape(show(row.source))}</b> {escape(show(note))}</li>"
    yield "</ul>"


def _sheet(manifest: Manifest) -> Iterator[str]:
    rows = manifest.most_doubtful(_SAMPLES)
    words = "Those first of which the model was least sure."
    if not rows:
        rows, words = manifest.sample("done", _SAMPLES), "A sample from the whole archive."
    with ThreadPoolExecutor(cores()) as pool:
        pairs = list(zip(rows, pool.map(_pair, rows), strict=True))
    if not any(pair for _, pair in pairs):
        return
    yield f'<h2>Contact sheet</h2>\n<p class="soft">{words}</p>'
    yield '<div class="sheet">'
    for row, pair in pairs:
        if pair is None:
            continue
        name = escape(show(row.key))
        size = f"{row.width} x {row.height}"
        images = "".join(
            f'<img src="{data_uri(data, "webp")}" alt="{name}, {when}" loading="lazy" />'
            for data, when in zip(pair, ("before", "after"), strict=True)
        )
        yield f'<figure><div class="pair">{images}</div><figcaption>{name}, {size}</figcaption>'
        yield "</figure>"
    yield "</div>"


def _pair(row: Row) -> tuple[bytes, bytes] | None:
    """Before and after, small; None if one of them cannot be read any more."""
    try:
        return _thumbnail(row.source), _thumbnail(row.output)
    except (library().Error, OSError):
        return None


def _thumbnail(path: str) -> bytes:
    """A picture as a small WebP in sRGB; pyvips.Error or OSError if it cannot be read."""
    source = storage.read(path)
    size: dict[str, Any] = {"height": _SIDE, "export_profile": "srgb"}
    if isinstance(source, Path):
        # Bytes, since not every name is Unicode.
        image = library().Image.thumbnail(os.fsencode(source), _SIDE, **size)
    else:
        image = library().Image.thumbnail_buffer(source.read(), _SIDE, **size)
    image = image.colourspace("srgb")
    image = image.flatten(background=255) if image.hasalpha() else image
    return bytes(image.webpsave_buffer(Q=75, effort=0, keep="none"))
