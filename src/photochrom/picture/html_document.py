"""HTML documents that need no other file: the style that reports share, and pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfb; --soft: #6b6b73;
  --line: #d9d9d4; --mark: #b3541e; --best: #f6ead9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e1; --paper: #17171a;
  --soft: #a3a19b; --line: #3a3a40; --mark: #f0a868; --best: #3a2c1d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; color: var(--ink);
  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
.soft, caption, figcaption, dt { color: var(--soft); font-size: .9rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
figure { margin: 0; } figcaption, dd, li { overflow-wrap: anywhere; }
img { display: block; width: 100%; height: auto; }
"""


def document(title: str, body: Iterable[str], style: str = "") -> Iterator[str]:
    """The lines of a document: a title, HTML, and CSS that follows the shared one."""
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8" />'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1" />'
    yield f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head>\n<body><main>"
    yield from body
    yield "</main></body></html>"


def data_uri(data: bytes, kind: str) -> str:
    """An encoded picture as the address of an ``<img>``; `kind`: ``jpeg``, ``webp`` and so on."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
