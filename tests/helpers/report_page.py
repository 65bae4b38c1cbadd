"""Pages of reports, read as XML."""

from __future__ import annotations

from xml.etree import ElementTree


def parsed(text: str) -> ElementTree.Element:
    """The root of a page, which is well-formed after its first line."""
    assert text.startswith("<!DOCTYPE html>\n")
    return ElementTree.fromstring(text.split("\n", 1)[1])
