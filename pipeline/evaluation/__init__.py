"""Figures with intervals: how well a model predicts verified labels, and how many labels are still wrong."""
