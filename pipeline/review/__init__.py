"""The review store: who decided what about which frames, and what label follows. [docs/review.md] has the model."""
