"""Export: the decisions as files, and the commands that do the same without the page."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import streamlit as st

from audit_app.opened_run import workspace
from audit_app.page_frame import nothing_decided, run_or_stop, title
from audit_app.review_events import events
from pipeline.review.exchange import export_events

_FORMATS = (
    ("JSON lines", "jsonl", "application/x-ndjson", "Every column of every event, one a line; comes back exactly by import."),
    ("CSV", "csv", "text/csv", "The same columns as a table, for spreadsheets and R."),
)


def show() -> None:
    """Offer the decisions for download, and say what to type."""
    title("Export", "The decisions of all reviewers as they were made: append-only, with reviewer, time and what each took back.")
    run_or_stop()
    told = events()
    if told.empty:
        nothing_decided("Nothing to export yet", "The first label that somebody paints on the Review page can be exported here.")
        return
    cells = st.columns(4)
    cells[0].metric("Events", f"{len(told):,}")
    cells[1].metric("Acts", f"{told['operation_id'].nunique():,}")
    cells[2].metric("Clips", f"{told['clip_id'].nunique():,}")
    cells[3].metric("Reviewers", f"{told['reviewer'].nunique():,}")
    root = workspace().root
    for column, (name, ending, mime, what) in zip(st.columns(len(_FORMATS), gap="large"), _FORMATS, strict=True):
        with column, st.container(border=True):
            st.subheader(name, anchor=False)
            st.caption(what)
            st.download_button(
                f"Download {name}",
                data=partial(_file, ending),
                file_name=f"decisions-{datetime.now(UTC):%Y%m%d}.{ending}",
                mime=mime,
                type="primary" if ending == "jsonl" else "secondary",
                on_click="ignore",
                key=f"download_{ending}",
            )
            st.code(f"audit decisions export decisions.{ending} -w {root}", language=None, wrap_lines=True)
    st.caption("The cleaned dataset itself, with what changed and a datasheet, is written by:")
    st.code(f"audit export -w {root} --out cleaned", language=None, wrap_lines=True)
    st.caption("Decisions of another workspace of the same clips, or of another person's laptop, come in the same way:")
    st.code(f"audit decisions import decisions.jsonl -w {root}", language=None, wrap_lines=True)


def _file(ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"decisions.{ending}"
        export_events(events(), path)
        return path.read_bytes()


show()
