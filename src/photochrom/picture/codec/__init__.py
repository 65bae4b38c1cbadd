"""Decoders and encoders: libvips for most formats, Pillow, libheif, LibRaw, tifffile for some."""
