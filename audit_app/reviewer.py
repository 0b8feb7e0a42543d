"""Who reviews: asked once, then kept in a cookie of this server, so that a reload or a new tab knows it.

A login, where one is configured, goes before; then the name in audit.toml; then the cookie.
"""

from __future__ import annotations

import unicodedata
from typing import NoReturn
from urllib.parse import quote, unquote

import streamlit as st

from audit_app.opened_run import configuration
from audit_app.page_text import escaped
from audit_app.review_events import database_exists, store

COOKIE = "pose_audit_reviewer"
"""The cookie that holds the name, percent-encoded."""

LONGEST_NAME = 60
_MOST_NAMES = 12
_CHOSEN = "reviewer"

_JS = """
export default function ({ data }) {
  document.cookie = `${data.cookie}=${data.value}; path=/; SameSite=Strict; max-age=${data.value ? 31536000 : 0}`;
}
"""

_remember = st.components.v2.component("pose_audit_reviewer", js=_JS)


_FOCUS_JS = """
export default function () {
  let tries = 60;
  const find = () => {
    const field = document.querySelector(".st-key-reviewer_name_ask input");
    if (field) field.focus();
    else if (tries-- > 0) requestAnimationFrame(find);
  };
  find();
}
"""

_focus = st.components.v2.component("pose_audit_focus", js=_FOCUS_JS)


def reviewer() -> str | None:
    """Return the reviewer's name, or None where nobody has typed it; who decided before is spelled as then."""
    name = cleaned(_login() or st.session_state.get(_CHOSEN) or configuration().review.reviewer or _cookie() or "")
    if not name:
        return None
    return store().person(name) if database_exists() else name


def require_login() -> None:
    """Where a login is configured, show nothing before it."""
    if not (st.secrets.load_if_toml_exists() and "auth" in st.secrets) or st.user.to_dict().get("is_logged_in"):
        return
    st.title("Sign in", anchor=False)
    st.write("These clips are shown to who has signed in. Your decisions carry the name of your login.")
    auth = st.secrets["auth"].to_dict()
    named = [name for name, value in auth.items() if isinstance(value, dict)]
    for name in named or [None]:
        if st.button(f"Sign in with {name}" if name else "Sign in", type="primary", key=f"login_{name}"):
            st.login(name)
    st.stop()


def reviewer_control() -> None:
    """Show who reviews, with a way to change it; pages that need a name ask for it themselves."""
    name = reviewer()
    if name is None:
        return
    if _login():
        st.caption(f"Reviewing as **{escaped(name)}**")
        return
    with st.popover(name, icon=":material/person:", width="stretch"):
        _form(name)


def ask_reviewer() -> str:
    """Return the reviewer's name; where it is not known, ask for it and show nothing else of the page."""
    name = reviewer()
    if name is None:
        _ask()
    return name


def remember_reviewer() -> None:
    """Put the name that was typed in this session into the cookie."""
    if st.session_state.get(_CHOSEN):
        _remember(data={"cookie": COOKIE, "value": quote(st.session_state[_CHOSEN])}, key="remember_reviewer", height=1)


def _ask() -> NoReturn:
    st.subheader("Who reviews?", anchor=False)
    st.write(
        "Your name is kept with every decision, so that two people can label the same clip without seeing each other's work."
    )
    with st.container(width=420):
        _form(None, key="ask")
        _known_names()
    _focus(key="focus_name", height=1)
    st.stop()


def _known_names() -> None:
    """Offer the names of those who decided here before: one press instead of one more spelling."""
    names = store().reviewers() if database_exists() else []
    if not names:
        return
    st.caption("Or go on as who reviewed here before:")
    with st.container(horizontal=True):
        for name in names[:_MOST_NAMES]:
            if st.button(name, key=f"reviewer_known_{name}", icon=":material/person:"):
                st.session_state[_CHOSEN] = name
                st.rerun()


def cleaned(name: str) -> str:
    """Return a name as it is stored: Unicode NFC, single spaces, no control characters, no commas (they part names)."""
    visible = "".join(" " if c == "," or unicodedata.category(c)[0] == "C" else c for c in unicodedata.normalize("NFC", name))
    return " ".join(visible.split())[:LONGEST_NAME]


def _form(name: str | None, *, key: str = "change") -> None:
    with st.form(f"reviewer_{key}", border=False):
        typed = st.text_input("Your name", value=name or "", max_chars=LONGEST_NAME, key=f"reviewer_name_{key}")
        if st.form_submit_button("Use this name", type="primary"):
            if cleaned(typed):
                st.session_state[_CHOSEN] = cleaned(typed)
                st.rerun()
            st.error("Type a name of at least one letter.")


def _cookie() -> str | None:
    value = dict(st.context.cookies).get(COOKIE)
    return unquote(value) if value else None


def _login() -> str | None:
    """Return the name of the login, where one is configured and used."""
    user = st.user.to_dict()
    if not user.get("is_logged_in"):
        return None
    return str(user.get("name") or user.get("email") or "") or None
