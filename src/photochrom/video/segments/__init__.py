"""The work in pieces: segments on disk, the folder that holds them, and who encodes them."""
