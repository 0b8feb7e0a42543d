"""The parts of pages that are plain JavaScript, whose files lie in ``assets``: the labeller, the list of the queue, unsent acts.

In the labeller stepping, playing, painting and undo happen in the page alone. It saves and takes its pictures through the routes
of :mod:`audit_app.routes`; Python hears of it only when it leaves the clip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

import data_schemas

_FOLDER = Path(__file__).resolve().parent


def labeller(payload: Mapping[str, Any], *, key: str, on_go: Callable[[], None]) -> Any:
    """Show the labeller for one clip.

    Parameters
    ----------
    payload
        What `audit_app.components.payload.clip_payload` gives. It must stay the same object from rerun to rerun while the clip
        is shown: a change of it is taken for another clip.
    key
        Streamlit's key for the widget; the same for all clips lets the page change clips without a flicker.
    on_go
        Called before the script runs again, when the page wants another clip.

    Returns
    -------
    ComponentResult
        ``result.go`` is None, or ``{"go": "next" | "previous" | "next_clip" | "previous_clip" | "queue", "from": segment_id}``,
        with ``done`` (nothing of the clip is open), ``id`` (comes back as ``request_id`` of the data) and ``to`` (the segment
        that the page went to by itself, or null). Undo goes ``back`` to ``clip_id``, to the segment or the ``here`` of its data
        that ``place`` names.
    """
    return _component("pose-audit.labeller")(key=key, data=payload, on_go_change=on_go)


def queue_list(columns: bytes, *, key: str) -> dict[str, Any] | None:
    """Show the queue, and return which segment was opened, with the filters, in the run that follows the click."""
    # What the page sends is read from the result.
    opened = _component("pose-audit-queue.queue_list")(key=key, data=columns, on_open_change=lambda: None).get("open")
    return dict(opened) if opened else None


def everywhere(payload: Mapping[str, Any], *, key: str, on_review: Callable[[], None]) -> None:
    """Let a page send what was left unsent in this browser, tell what is not stored, and say how to start a server that is gone.

    Parameters
    ----------
    payload
        ``workspace``, ``reviewer``, ``token`` (for :data:`audit_app.tokens.EVERY_STREAM`), ``routes``, and ``command``.
    on_review
        Called before the script runs again, when somebody goes to Review while the tab keeps filters of the queue: ``review`` of
        the widget's state has them as a query.
    """
    # Not apart from the page as the labeller is: it looks after the page itself.
    _component("pose-audit-pages.everywhere", isolate_styles=False)(key=key, data=payload, on_review_change=on_review)


def _component(full_name: str, *, isolate_styles: bool = True) -> Any:
    """Return a component; where Streamlit did not find its assets, it gets them: its scan does not see editable installs."""
    package, _, name = full_name.partition(".")
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(full_name) is None:
        parts = [ComponentConfig(name=name, asset_dir="assets")]
        manager.register_from_manifest(
            ComponentManifest(name=package, version=data_schemas.__version__, components=parts), _FOLDER
        )
    return component(full_name, js=f"{name}.js", css=f"{name}.css", isolate_styles=isolate_styles)
