"""What a page says when something fails: what to do, never where on the server it happened. The terminal has the rest."""

from __future__ import annotations

import logging
import os
import re
from pathlib import PurePath
from secrets import token_hex

import streamlit as st

from audit_app.opened_run import workspace
from audit_app.page_text import escaped
from data_schemas.errors import PoseAuditError

_LOG = logging.getLogger(__name__)
# Folders before a name: "/home/kim/audit/review.db", "C:\\audits\\review.db". An address (postgresql://...) is none.
_PATH = re.compile(r"(?<![\w:/.])(?:/|[A-Za-z]:[\\/])(?:[^\s/\\:'\"]+[/\\])*[^\s/\\:'\",;]+")
_LOGIN = re.compile(r"(?<=://)[^\s/@]+@")


def show_error(error: PoseAuditError) -> None:
    """Show an expected error on the page, its whole text in the terminal."""
    _LOG.warning("%s; %s", error.message, error.hint)
    st.error(f"{escaped(without_folders(error.message))}  \n{escaped(without_folders(error.hint))}", icon=":material/error:")


def show_unexpected(error: Exception) -> bool:
    """Show that something unexpected went wrong, with a number under which the terminal has it; nothing else is shown then."""
    number = token_hex(3)
    _LOG.error("fault %s", number, exc_info=error)
    st.error(
        "Something went wrong that should not. What said “saved” is stored. Reload the page; where it comes again, report it: "
        f"the terminal of `audit review` has it as fault {number}.",
        icon=":material/error:",
    )
    return True


def without_folders(text: str) -> str:
    """Return a message with the last part of every path only, and without the user and password of a database's address."""
    # The workspace is known: elsewhere a blank ends a path, for words may follow.
    text = text.replace(f"{workspace().root.resolve()}{os.sep}", "")
    return _PATH.sub(lambda found: PurePath(found[0].replace("\\", "/")).name, _LOGIN.sub("", text))
