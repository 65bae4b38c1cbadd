"""Chroma of videos: motion, references, hints, and the Cb and Cr planes made of them."""
