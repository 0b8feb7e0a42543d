"""Honest figures: how well an arm predicts verified labels, how many labels are still wrong, each with its interval."""
