"""The pages of the app, in the order of the navigation: a page is a file and a line here.

docs/architecture.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import streamlit as st


class Page(NamedTuple):
    """A page: the path of its address, its name in the navigation, a Material symbol, and its script (in this folder)."""

    path: str
    title: str
    icon: str
    script: str | Path


PAGES: tuple[Page, ...] = (
    # The first is at the address without a path.
    Page("queue", "Queue", "format_list_bulleted", "queue_page.py"),
    Page("review", "Review", "edit", "review_page.py"),
    Page("blind", "Blind sample", "visibility_off", "blind_page.py"),
    Page("overview", "Overview", "insights", "overview_page.py"),
    Page("agreement", "Agreement", "balance", "agreement_page.py"),
    Page("history", "History", "history", "history_page.py"),
    Page("export", "Export", "download", "export_page.py"),
)


def go_to(path: str, query: Mapping[str, str] | None = None) -> None:
    """Leave the page that runs for another one, with this query in its address."""
    page = next(p for p in PAGES if p.path == path)
    st.switch_page(page.script, query_params=dict(query or {}))
