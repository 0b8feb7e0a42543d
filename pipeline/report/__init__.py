"""report.html: what a run found, on one page that works offline."""

from pipeline.report.page import write_report

__all__ = ["write_report"]
