"""Which labels are probably wrong: out-of-fold predictions, the doubt that follows from them, flags, kinds and segments."""
