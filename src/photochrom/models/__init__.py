"""Models: an ONNX file plus a card. Nothing heavy is imported here."""

from .card import Card
from .session import Model, Prediction

__all__ = ["Card", "Model", "Prediction"]
