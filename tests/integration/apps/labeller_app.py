"""The labeller alone, for tests in a browser: started by ``streamlit run`` with the workspace as its argument."""

import sys
from pathlib import Path

import streamlit as st

from audit_app.routes import routes

app = st.App(Path(__file__).with_name("labeller_script.py"), routes=routes(Path(sys.argv[1])))
