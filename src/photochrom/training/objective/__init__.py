"""Losses, validation scores, and the calibration of a trained model."""
