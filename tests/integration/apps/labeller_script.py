"""One clip after the other, the segment that comes next being the next clip's first."""

import sys
from pathlib import Path

import streamlit as st

from audit_app.components import labeller
from audit_app.components.payload import clip_payload
from pipeline.report.run_tables import RunTables
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace

st.set_page_config(layout="wide", initial_sidebar_state="collapsed")
st.markdown("<style>.stMainBlockContainer{padding:3.4rem 1.2rem 0.4rem}</style>", unsafe_allow_html=True)


@st.cache_resource
def opened(root: str) -> tuple[RunTables, ReviewStore]:
    return RunTables(Workspace(Path(root)).latest()), ReviewStore.open(Path(root) / "review.db")


root = sys.argv[1]
found, store = opened(root)
clips = found["clips"]["clip_id"].tolist()
state = st.session_state
if "clip" not in state:
    state.clip = int(st.query_params.get("clip", 0))


def payload(place: int) -> dict:
    own = found["segments"][found["segments"]["clip_id"] == clips[place]]
    return clip_payload(
        found,
        clips[place],
        segment_id=None if own.empty else own["segment_id"].iloc[0],
        reviewer=st.query_params.get("reviewer", "kim"),
        stream=st.query_params.get("stream", "review"),
        blind="blind" in st.query_params,
        window=(120, 150) if "blind" in st.query_params else None,
        store=store,
        workspace=Path(root),
        progress={"place": place + 1, "of": len(clips), "minutes_left": 40},
    )


def go() -> None:
    wanted = state.labeller.go
    by = -1 if wanted["go"].startswith("previous") else 1
    state.clip = (state.clip + by) % len(clips)
    state.payload = payload(state.clip)


if "payload" not in state:
    state.payload = payload(state.clip)
labeller(state.payload, key="labeller", on_go=go)
