"""Small networks of the kinds that other projects publish, written as those projects run them.

They are made of PyTorch's own layers, with spectral norm, hooks for the stages and L as each takes
it, so that they say what an import has to give. Their weights are random and seeded.
"""
