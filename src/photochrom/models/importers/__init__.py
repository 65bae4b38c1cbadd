"""Importers of other frameworks' files: Caffe, PyTorch, ONNX."""
