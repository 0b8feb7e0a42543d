"""The script that Streamlit runs for every session: which pages there are, and their common look."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from audit_app.faults import show_error
from audit_app.page_frame import page_style
from audit_app.reviewer import require_login
from audit_app.unsent import filters_for_review, send_unsent
from data_schemas.errors import PoseAuditError

PAGES = (
    ("queue_page.py", "Queue", "queue", ":material/format_list_bulleted:"),
    ("review_page.py", "Review", "review", ":material/edit:"),
    ("blind_page.py", "Blind sample", "blind", ":material/visibility_off:"),
    ("overview_page.py", "Overview", "overview", ":material/insights:"),
    ("agreement_page.py", "Agreement", "agreement", ":material/balance:"),
    ("history_page.py", "History", "history", ":material/history:"),
    ("export_page.py", "Export", "export", ":material/download:"),
)

st.set_page_config(
    page_title="pose-audit", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide", initial_sidebar_state="collapsed"
)
page_style()
require_login()
chosen = st.navigation(
    [st.Page(file, title=name, url_path=path, icon=icon, default=path == "queue") for file, name, path, icon in PAGES],
    position="top",
)
filters = filters_for_review()
if filters is not None:
    st.switch_page("review_page.py", query_params=filters.query())
try:
    chosen.run()
    # Last: the page itself comes first.
    send_unsent()
except PoseAuditError as error:
    show_error(error)
