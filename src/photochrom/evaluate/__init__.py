"""Evaluation: how good models are on colour pictures. No PyTorch unless asked for LPIPS or FID."""

from .evaluation import evaluate
from .report.scores import Confidence, Decile, HintStep, Report, Sample, Score

__all__ = ["Confidence", "Decile", "HintStep", "Report", "Sample", "Score", "evaluate"]
