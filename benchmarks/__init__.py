"""Measurements: every figure in the docs comes from a command here, with the machine it was taken on."""
