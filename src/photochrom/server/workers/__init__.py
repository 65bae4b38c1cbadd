"""Worker processes: all decoding, colouring and encoding of what clients send."""
