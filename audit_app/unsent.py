"""What every page carries: the permit to send acts that were left in this browser, and how its server is started."""

from __future__ import annotations

import shlex

import streamlit as st

from audit_app.labeller import everywhere
from audit_app.labeller.payload import commit_routes, workspace_name
from audit_app.opened_run import chosen_run, workspace
from audit_app.reviewer import reviewer
from audit_app.tokens import EVERY_STREAM, secret_of, sign

__all__ = ["review_command", "send_unsent"]


def send_unsent() -> None:
    """Send what this reviewer's pages left unsent in this browser; nothing where nobody reviews, or there is no run."""
    name, run = reviewer(), chosen_run()
    if name is None or run is None:
        return
    root = workspace().root
    token = sign(secret_of(root.resolve()), reviewer=name, stream=EVERY_STREAM, run_id=run.name)
    with st.container(key="unsent"):
        everywhere(
            {
                "workspace": workspace_name(root),
                "reviewer": name,
                "token": token,
                "routes": commit_routes(),
                "command": review_command(),
            },
            key="everywhere",
        )


def review_command() -> str:
    """Return the command that starts this very server again, at the same address.

    Empty where others can come in: they could not start it, and need not know where it lies.
    """
    if st.get_option("server.address") not in (None, "", "localhost", "127.0.0.1", "::1"):
        return ""
    return shlex.join(["audit", "review", "-w", str(workspace().root), "--port", str(st.get_option("server.port"))])
