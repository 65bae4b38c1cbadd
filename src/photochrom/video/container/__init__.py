"""Video files: what they are, their frames, their other streams, and how new ones are written."""
