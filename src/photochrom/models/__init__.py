"""Models: an ONNX file plus a card. Nothing heavy is imported here."""

from .card import Card
from .onnx import Model, Prediction

__all__ = ["Card", "Model", "Prediction"]
