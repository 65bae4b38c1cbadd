"""Archives and films on a Ray cluster."""
