"""Chroma of videos: shots, motion, references, and the Cb and Cr planes made of them."""
