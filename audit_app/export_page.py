"""Export: the cleaned dataset, the decisions as files, and the commands that do the same without the page."""

from __future__ import annotations

import shlex
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd
import streamlit as st

from audit_app.error_display import show_error
from audit_app.export_job import ExportJob, export_folder, newest_export, start_export
from audit_app.opened_run import configuration, workspace
from audit_app.page_frame import nothing_decided, run_or_stop, title
from audit_app.page_text import escaped
from audit_app.review_events import events
from audit_app.reviewer import reviewer
from audit_app.shown_paths import shown_path, workspace_option
from data_schemas.errors import PoseAuditError
from pipeline.export.datasheet_page import export_lines
from pipeline.report.run_tables import RunTables
from pipeline.review.exchange import export_events

_FORMATS = (
    ("JSON lines", "jsonl", "application/x-ndjson", "Every column of every event, one a line; comes back exactly by import."),
    ("CSV", "csv", "text/csv", "The same columns as a table, for spreadsheets and R."),
)
_OPTIONS = {
    "csv": ("--csv", "Every table as CSV, too"),
    "include_blind": ("--include-blind", "Let blind labels count as reviews"),
    "aihub": ("--aihub", "Corrected label files in the original layout, too"),
}
_LOOK_SECONDS = 2.0


def show() -> None:
    """Offer the cleaned dataset and the decisions, and say what to type."""
    title("Export", "The cleaned dataset with everything that was decided, and the decisions themselves.")
    found = run_or_stop()
    stored = events()
    if stored.empty:
        nothing_decided("Nothing to export yet", "The first label that somebody paints on the Review page can be exported here.")
        return
    _counts(stored)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _dataset(found)
    with right:
        _decisions()


def _counts(stored: pd.DataFrame) -> None:
    cells = st.columns(4)
    cells[0].metric("Acts", f"{stored['operation_id'].nunique():,}", help="What reviewers did, undoing included")
    cells[1].metric("Events", f"{len(stored):,}", help="Spans that these acts changed: one act may change several")
    cells[2].metric("Clips", f"{stored['clip_id'].nunique():,}", help="Clips with a decision")
    cells[3].metric("Reviewers", f"{stored['reviewer'].nunique():,}")


def _dataset(found: RunTables) -> None:
    st.subheader("Cleaned dataset", anchor=False)
    st.caption(
        "Frames and windows of the newest run with all decisions applied, what changed, and a datasheet. An earlier export of "
        "the same name is replaced when nobody touched it since; the source is never written to."
    )
    root = workspace().root
    with st.container(border=True):
        name = st.text_input("Name", value="cleaned", key="export_name", help="A folder in exports of the workspace")
        options = _options(found)
        job = newest_export(root)
        running = job is not None and job.running
        if st.button("Export the dataset", type="primary", icon=":material/dataset:", disabled=running, key="export_dataset"):
            _start(root, name, options)
        flags = " ".join(flag for option, (flag, _) in _OPTIONS.items() if options.get(option))
        out = shlex.quote(str(shown_path("exports", name.strip() or "cleaned")))
        st.code(f"audit export{workspace_option()} --out {out} {flags}".strip(), language=None, wrap_lines=True)
        job = newest_export(root)
        if job is not None and job.running:
            _watch()
        elif job is not None:
            _outcome(job)


def _options(found: RunTables) -> dict[str, bool]:
    """Show what can be chosen, as audit.toml has it at first, and return what is."""
    usual = configuration().export
    shown = [o for o in _OPTIONS if o != "aihub" or found.folder.record().get("format") == "aihub59"]
    return {o: st.checkbox(_OPTIONS[o][1], value=bool(getattr(usual, o)), key=f"export_{o}") for o in shown}


def _start(root: Path, name: str, options: dict[str, bool]) -> None:
    try:
        settings = workspace().config({"export": options}).export
        start_export(root, export_folder(root, name), settings=settings, reviewer=reviewer() or "somebody")
    except PoseAuditError as error:
        show_error(error)
        return
    st.rerun()


@st.fragment(run_every=_LOOK_SECONDS)
def _watch() -> None:
    """Look at the running export again and again, and draw the page anew when it is done."""
    job = newest_export(workspace().root)
    if job is None or not job.running:
        st.rerun(scope="app")
    done, total = job.written
    words = f"{done:,} of {total:,} frames written" if total else "Applying the decisions"
    st.progress(done / total if total else 0.0, text=f"{words}. You may leave this page: the export goes on.")


def _outcome(job: ExportJob) -> None:
    try:
        sheet = job.future.result()
    except PoseAuditError as error:
        show_error(error)
        return
    out = shown_path(*job.out.parts[-2:])
    st.success(f"Written to {escaped(str(out))}, for {escaped(job.reviewer)}.", icon=":material/check_circle:")
    st.code("\n".join(export_lines(sheet, out=out)), language=None, wrap_lines=True)


def _decisions() -> None:
    st.subheader("Decisions", anchor=False)
    st.caption(
        "As they were made: append-only, with reviewer, time and what each took back. Blind labels of all are among them: who is "
        "yet to label a blind sample should not open them."
    )
    for name, ending, mime, what in _FORMATS:
        with st.container(border=True):
            st.download_button(
                f"Download {name}",
                data=partial(_file, ending),
                file_name=f"decisions-{datetime.now(UTC):%Y%m%d}.{ending}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
                key=f"download_{ending}",
            )
            st.caption(what)
            st.code(f"audit decisions export decisions.{ending}{workspace_option()}", language=None, wrap_lines=True)
    st.caption("Decisions of another workspace of the same clips, or of another person's laptop, come in the same way:")
    st.code(f"audit decisions import decisions.jsonl{workspace_option()}", language=None, wrap_lines=True)


def _file(ending: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"decisions.{ending}"
        export_events(events(), path)
        return path.read_bytes()


show()
