"""`audit retrain`: what review gained, by models that differ in nothing but the labels that taught them."""
