"""Shots of a film: where they begin, what is seen in them, and what a person wants of them."""
