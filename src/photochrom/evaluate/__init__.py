"""Evaluation: how good models are on colour pictures. No PyTorch unless asked for LPIPS or FID."""

from .evaluation import evaluate, write_inputs
from .report.leaderboard import leaderboard, write_leaderboard
from .report.report_file import write_report
from .report.scores import Comparison, Confidence, Decile, HintStep, Report, Sample, Score

__all__ = [
    "Comparison",
    "Confidence",
    "Decile",
    "HintStep",
    "Report",
    "Sample",
    "Score",
    "evaluate",
    "leaderboard",
    "write_inputs",
    "write_leaderboard",
    "write_report",
]
