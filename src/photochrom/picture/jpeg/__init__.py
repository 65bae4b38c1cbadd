"""JPEG files in their own terms: segments, scans, and colour beside a luma that stays."""
