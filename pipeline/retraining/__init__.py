"""`audit retrain`: what review gained, by models that differ in nothing but their training labels."""
