"""The server of the relabel app: Streamlit's pages, and beside them the routes that save labels and serve pictures and clips.

`audit review` starts it; `streamlit run audit_app/app.py` does the same for the workspace named by AUDIT_WORKSPACE.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from audit_app.opened_run import configuration, workspace
from audit_app.review_clip import clip_after
from audit_app.server import routes
from audit_app.warming import warming

__all__ = ["app"]

app = st.App(
    Path(__file__).with_name("navigation.py"),
    lifespan=warming,
    routes=routes(workspace().root, database=configuration().review.database, clip_after=clip_after),
)
