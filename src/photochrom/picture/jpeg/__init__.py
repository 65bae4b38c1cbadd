"""JPEG files: segments, scans, and coloured files that keep the source's luma."""
