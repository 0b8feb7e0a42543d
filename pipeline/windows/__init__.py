"""From frames to windows: sampling on a time grid, cutting, labels, folds, and implausible poses."""
