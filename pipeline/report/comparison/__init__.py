"""comparison.html and the end of `audit compare`: what review and retraining gained."""
