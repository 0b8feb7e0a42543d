"""The script that Streamlit runs for every session: it shows one of the pages, within their common look."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from audit_app.error_display import show_error
from audit_app.page_frame import page_style
from audit_app.pages import PAGES, go_to
from audit_app.reviewer import require_login
from audit_app.unsent import filters_for_review, send_unsent
from data_schemas.errors import PoseAuditError

st.set_page_config(
    page_title="pose-audit", page_icon=str(Path(__file__).with_name("icon.svg")), layout="wide", initial_sidebar_state="collapsed"
)
page_style()
require_login()
chosen = st.navigation(
    [st.Page(p.script, title=p.title, url_path=p.path, icon=f":material/{p.icon}:", default=p is PAGES[0]) for p in PAGES],
    position="top",
)
filters = filters_for_review()
if filters is not None:
    go_to("review", filters.query())
try:
    chosen.run()
    # Last: the page itself comes first.
    send_unsent()
except PoseAuditError as error:
    show_error(error)
