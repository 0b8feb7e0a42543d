"""Which labels are probably wrong: out-of-fold predictions, label scores and quality, flags, kinds and segments."""
