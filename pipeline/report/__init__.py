"""report.html: what a run found, on one page that works offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.report.page import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> Any:
    """Import the page when it is asked for: the app draws on single parts of the report, and must not wait for the networks."""
    if name == "write_report":
        from pipeline.report.page import write_report

        return write_report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
