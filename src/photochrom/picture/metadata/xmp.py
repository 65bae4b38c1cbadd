"""XMP packets: the few changes Photochrom makes, as text, so that the rest stays as it is."""

from __future__ import annotations

import re
from html import escape, unescape  # xml.sax.saxutils would load urllib and ssl

MAX_PACKET = 16 << 20
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's word for a picture of which a part was made by a trained model."""

_RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
_PHOTOSHOP = 'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
_IPTC = 'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
_EMPTY = f"<rdf:RDF {_RDF}></rdf:RDF>"  # in small JPEGs every byte counts
_MARK = (
    f'{_IPTC} Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}" Iptc4xmpExt:AISystemUsed="Photochrom"'
)

_NOTHING = (
    r"<rdf:Description(?:\s{1,9}(?:xmlns:\w{1,40}|rdf:about)=\"[^\"<>]{0,500}\"){0,99}\s{0,9}"
    r"(?:/>|>\s{0,99}</rdf:Description>)"
)  # descriptions of which nothing is left


def clean_packet(packet: bytes, orientation: int = 1) -> bytes | None:
    """``packet`` for pixels of this orientation, without a thumbnail; None if it is broken."""
    text = _text(packet)
    if text is None:
        return None
    turned = rf"\g<1>{orientation}\g<2>"
    text = re.sub(r'(\btiff:Orientation\s*=\s*["\'])[^"\'<]{1,9}(["\'])', turned, text)
    text = re.sub(r"(<tiff:Orientation>)[^<]{1,9}(</tiff:Orientation>)", turned, text)
    # A thumbnail of the picture before it was coloured; found without a backtracking pattern.
    first, last = text.find("<xmp:Thumbnails"), text.rfind("</xmp:Thumbnails>")
    if 0 <= first < last:
        text = text[:first] + text[last + len("</xmp:Thumbnails>") :]
    return text.encode()


def add_note(packet: bytes | None, note: str) -> bytes:
    """A packet with everything of ``packet`` that says the colours are inferred.

    ``Iptc4xmpExt:DigitalSourceType`` and ``AISystemUsed`` say it to programs, and ``note``,
    appended to ``photoshop:History``, to people.
    """
    text = (_text(packet) if packet else None) or _EMPTY
    for name in ("Iptc4xmpExt:DigitalSourceType", "Iptc4xmpExt:AISystemUsed"):
        text, _ = _take(text, name)
    text, history = _take(text, "photoshop:History")
    if not history.endswith(note):
        history = f"{history}\n{note}" if history.strip() else note
    return _add(text, _MARK, history).encode()


def stale_parts(packet: bytes, turned: bool) -> list[str]:
    """What `drop_stale` would take out of a packet, in words."""
    text = packet.decode("utf-8", "replace")
    return [words for words, pattern in _STALE if re.search(pattern, text)] + [
        words for words, pattern in _STALE_IF_TURNED if turned and re.search(pattern, text)
    ]


def drop_stale(packet: bytes, turned: bool) -> bytes:
    """A packet without the marks of a gain map or a film that only the source's bytes hold.

    Args:
        packet: cleaned.
        turned: the pixels were turned upright, so places in the picture are not where they were.
    """
    text = packet.decode("utf-8", "replace")
    for _, pattern in (*_STALE, *(_STALE_IF_TURNED if turned else ())):
        text = re.sub(pattern, "", text)
    return text.encode()


def _attribute_or_element(names: str) -> str:
    return (
        rf"""\s(?:{names})\s{{0,9}}=\s{{0,9}}(?:"[^"<]{{0,9999}}"|'[^'<]{{0,9999}}')"""
        rf"|<(?P<element>{names})(?:\s[^<>]{{0,999}})?>(?:(?!</(?P=element)>)[\s\S]){{0,99999}}</(?P=element)>"
        rf"|<(?:{names})(?:\s[^<>]{{0,999}})?/>"
    )


_STALE = [
    ("the mark of a gain map", _attribute_or_element(r"hdrgm:\w{1,40}|HDRGainMap:\w{1,40}")),
    (
        "the mark of a motion photo",
        _attribute_or_element(r"G?Camera:(?:MotionPhoto|MicroVideo)\w{0,40}|G?Container:Directory"),
    ),
]
_STALE_IF_TURNED = [
    ("the regions of faces", _attribute_or_element(r"mwg-rs:Regions|MP:RegionInfo")),
]


def is_marked(packet: bytes | None) -> bool:
    """Whether a packet says that Photochrom inferred the colours."""
    text = _text(packet) if packet else None
    return text is not None and _take(text, "Iptc4xmpExt:AISystemUsed")[1] == "Photochrom"


def remove_note(packet: bytes | None) -> tuple[bytes | None, str]:
    """A packet without the mark of `add_note` (None if nothing is left), and the last note."""
    text = _text(packet) if packet else None
    if text is None or packet is None:
        return packet, ""
    for name in ("Iptc4xmpExt:DigitalSourceType", "Iptc4xmpExt:AISystemUsed"):
        text, _ = _take(text, name)
    text, history = _take(text, "photoshop:History")
    earlier, _, note = history.rpartition("\n")
    text = re.sub(_NOTHING, "", text)
    if earlier.strip():
        text = _add(text, "", earlier)
    return (text.encode() if "<rdf:Description" in text else None), note


def _add(text: str, attributes: str, history: str) -> str:
    """A packet with one more description: some attributes, and ``photoshop:History``."""
    place = max(m.start() for m in re.finditer(r"</\w{1,20}:RDF\s{0,9}>", text))
    about = re.search(r'\b\w+:about\s*=\s*"([^"<]{0,500})"', text)
    told = escape(_legal(history)).replace("\n", "&#10;")
    parts = [f'rdf:about="{about[1] if about else ""}"', attributes]
    if _RDF not in text:
        parts.append(_RDF)
    parts += [_PHOTOSHOP, f'photoshop:History="{told}"']
    return f"{text[:place]}<rdf:Description {' '.join(filter(None, parts))}/>{text[place:]}"


def _text(packet: bytes) -> str | None:
    if len(packet) > MAX_PACKET:
        return None
    try:
        text = packet.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if re.search(r"</\w{1,20}:RDF\s{0,9}>", text) else None


def _take(text: str, name: str) -> tuple[str, str]:
    """``text`` without the simple property ``name``, and the property's value."""
    patterns = (
        rf'\s{name}\s{{0,9}}=\s{{0,9}}"([^"<]{{0,9999}})"',
        rf"\s{name}\s{{0,9}}=\s{{0,9}}'([^'<]{{0,9999}})'",
        rf"<{name}(?:\s[^<>]{{0,500}})?>([^<]{{0,9999}})</{name}>",
        rf"<{name}(?:\s[^<>]{{0,500}})?/>()",
    )
    value = ""
    for pattern in patterns:
        if found := re.search(pattern, text):
            value = value or unescape(found[1])
            text = re.sub(pattern, "", text)
    return text, value


def _legal(text: str) -> str:
    """``text`` without the characters that XML does not allow."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
