"""The server of the relabel app: Streamlit's pages, and beside them the routes that save labels and serve pictures and clips.

`audit review` starts it; `streamlit run audit_app/app.py --server.address 127.0.0.1` does the same for the workspace named by
AUDIT_WORKSPACE.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from audit_app.error_display import show_unexpected
from audit_app.guard import Guard
from audit_app.hosts import hosts_of
from audit_app.opened_run import configuration, workspace
from audit_app.preload import preloading
from audit_app.review_clip import clip_after, clips_like
from audit_app.routes import base_path, routes
from audit_app.sign_in import SignIn
from audit_app.tokens import secret_of
from data_schemas.errors import UsageError
from data_schemas.renamed_keys import show_in_one_line
from pipeline.review.passwords import is_loopback, login_configured

show_in_one_line()


def _guard() -> Middleware:
    """Return what stands before all routes: the hosts that were asked for, and the password where there is one."""
    review = configuration().review
    address = st.get_option("server.address")
    if not (address and is_loopback(address)) and not review.password and not login_configured(Path(__file__)):
        raise UsageError(f"listening on {address or 'every address'} needs a password or a login", hint="audit password")
    secret = secret_of(workspace().root.resolve()) if review.password else b""
    sign_in = SignIn(secret=secret, password=review.password, base=base_path()) if review.password else None
    return Middleware(Guard, hosts=hosts_of(address, review.hosts), sign_in=sign_in)


app = st.App(
    Path(__file__).with_name("navigation.py"),
    lifespan=preloading,
    middleware=[_guard()],
    on_script_error=show_unexpected,
    routes=routes(workspace().root, database=configuration().review.database, clip_after=clip_after, clips_like=clips_like),
)
