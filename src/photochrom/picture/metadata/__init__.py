"""Metadata of picture files: EXIF, ICC, XMP, IPTC, and where each format keeps them."""
