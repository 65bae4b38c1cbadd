"""One run: what is minimised, for how long, and what is kept."""
