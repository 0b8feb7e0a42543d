"""What every page carries: the permit to send acts that were left in this browser, and how its server is started."""

from __future__ import annotations

from urllib.parse import parse_qsl

import streamlit as st

from audit_app.components import everywhere
from audit_app.components.payload import commit_routes, workspace_name
from audit_app.opened_run import chosen_run, workspace
from audit_app.queue_filters import QueueFilters
from audit_app.reviewer import reviewer
from audit_app.shown_paths import is_reached_from_here_alone, workspace_option
from audit_app.tokens import EVERY_STREAM, secret_of, sign

_WIDGET, _GO_TO_REVIEW = "everywhere", "go_to_review"


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
            key=_WIDGET,
            on_review=_go_to_review,
        )


def filters_for_review() -> QueueFilters | None:
    """Return the filters that somebody goes to Review with; None where nobody does."""
    asked = st.session_state.pop(_GO_TO_REVIEW, None)
    return None if asked is None else QueueFilters.from_query(dict(parse_qsl(asked)))


def _go_to_review() -> None:
    st.session_state[_GO_TO_REVIEW] = st.session_state[_WIDGET].get("review")


def review_command() -> str:
    """Return the command that starts this very server again, at the same address.

    Empty where others can come in: they could not start it, and need not know where it lies.
    """
    port = st.get_option("server.port")
    return f"audit review{workspace_option()} --port {port}" if is_reached_from_here_alone() else ""
