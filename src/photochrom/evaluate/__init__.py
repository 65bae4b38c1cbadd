"""Evaluation: how good models are on colour pictures. No PyTorch unless asked for LPIPS or FID."""

from .report import Confidence, Decile, HintStep, Report, Sample, Score
from .run import evaluate

__all__ = ["Confidence", "Decile", "HintStep", "Report", "Sample", "Score", "evaluate"]
