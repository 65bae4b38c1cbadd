"""Segments of a film: files on disk, the folder that holds them, and workers that write them."""
