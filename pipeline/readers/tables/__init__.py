"""Tables: Parquet or CSV, a row a frame."""
