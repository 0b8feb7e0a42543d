"""What every page has around it: title, who reviews, the offer of a newer run, and what to do where there is nothing to see."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import streamlit as st

from audit_app.opened_run import chosen_run, newer_run, run_at, switch_to_newest, workspace
from audit_app.page_text import escaped
from audit_app.pages import go_to
from audit_app.reviewer import remember_reviewer, reviewer_control
from audit_app.shown_paths import workspace_option
from pipeline.report.run_tables import RunTables
from pipeline.report.trust_text import trust_sentences

_STYLE = Path(__file__).with_name("style.css")


def page_style() -> None:
    """Lay the quiet look over Streamlit's own; the text is ours, no data are in it."""
    st.html(_STYLE)
    remember_reviewer()


def title(name: str, caption: str) -> None:
    """Show the page's name, what it is for, and who reviews."""
    left, right = st.columns([5, 1], vertical_alignment="center")
    with left:
        st.title(name, anchor=False)
        st.caption(caption)
    with right:
        reviewer_control()
    _offer_newer_run()


def trust_note(found: RunTables) -> None:
    """Say how far the models can be trusted; loudly where they are no better than chance."""
    trust = found.record.get("trust", [])
    for of_species, sentence in zip(trust, trust_sentences(trust), strict=True):
        (st.caption if of_species["better"] else st.warning)(escaped(sentence))


def empty(headline: str, advice: str, *acts: str, command: str | None = None) -> str | None:
    """Say why there is nothing to see, and what to do next; return the one of the ``acts``, a button each, that was pressed."""
    with st.container(border=True, key=f"empty_{abs(hash(headline))}"):
        st.subheader(headline, anchor=False)
        st.write(advice)
        if command:
            st.code(command, language=None, wrap_lines=True)
        if not acts:
            return None
        with st.container(horizontal=True):
            pressed = [act for act in acts if st.button(act, type="primary" if act == acts[0] else "secondary")]
    return pressed[0] if pressed else None


def nothing_decided(headline: str, advice: str) -> None:
    """Say that nobody has painted anything yet, and lead to the queue."""
    if empty(headline, advice, "Open the queue"):
        go_to("queue")


def run_or_stop() -> RunTables:
    """Return the run; where none has finished, say what to type and end the page there."""
    path = chosen_run()
    if path is None:
        _no_run()
    return run_at(path)


def _no_run() -> NoReturn:
    waiting = workspace().newest()
    if waiting is not None:
        empty(
            "The first run has not finished",
            "Its pages appear here when it has. If it is not running any more, start it again: it goes on where it was.",
            command=f"audit run{workspace_option()}",
        )
    else:
        empty(
            "No run yet",
            "There is nothing to review in this workspace. Let the audit look at your clips first, then reload.",
            command=f"audit run YOUR_CLIPS{workspace_option()}",
        )
    st.stop()


@st.fragment(run_every=20)
def _offer_newer_run() -> None:
    newer = newer_run()
    if newer is None or chosen_run() is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", key="newer_run"):
        st.info(f"A newer run has finished: {escaped(newer.name)}. Your decisions hold for it, too.", icon=":material/update:")
        if st.button("Switch to it", key="switch_run"):
            switch_to_newest()
            st.rerun(scope="app")
