"""Colours of films: clips, how true and how steady they are, reports."""
