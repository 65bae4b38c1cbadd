"""Training and export, in PyTorch (extra ``train``). Nothing of the core imports this."""
