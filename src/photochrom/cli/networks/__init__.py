"""Commands that list, import, train and measure models."""
