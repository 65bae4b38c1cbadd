"""Films: reading and writing, shots, and colour that stays steady from frame to frame."""
