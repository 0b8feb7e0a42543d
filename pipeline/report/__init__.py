"""report.html: what a run found, on one page that works offline."""
