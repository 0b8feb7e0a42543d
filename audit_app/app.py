"""The server of the relabel app: Streamlit's pages, and beside them the routes that save labels and serve pictures.

`audit review` starts it; `streamlit run audit_app/app.py` does the same for the workspace named by AUDIT_WORKSPACE.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from audit_app.opened_run import configuration, workspace
from audit_app.server import routes

__all__ = ["app"]

app = st.App(
    Path(__file__).with_name("navigation.py"),
    routes=routes(workspace().root, database=configuration().review.database),
)
