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

__all__ = ["everywhere", "labeller", "queue_list"]

_LABELLER, _QUEUE_LIST, _EVERYWHERE = "pose-audit.labeller", "pose-audit-queue.queue_list", "pose-audit-pages.everywhere"
_FOLDER = Path(__file__).resolve().parent


def labeller(payload: Mapping[str, Any], *, key: str | None = None, on_go: Callable[[], None] | None = None) -> Any:
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
    _declare()
    mount = component(_LABELLER, js="labeller.js", css="labeller.css")
    return mount(key=key, data=payload, on_go_change=on_go or _nothing)


def queue_list(columns: bytes, *, key: str) -> dict[str, Any] | None:
    """Show the queue, and return which segment was opened, with the filters, in the run that follows the click.

    Parameters
    ----------
    columns
        What :func:`audit_app.queue_rows.list_columns` gives.
    """
    _declare()
    mount = component(_QUEUE_LIST, js="queue_list.js", css="queue_list.css")
    opened = mount(key=key, data=columns, on_open_change=_nothing).get("open")
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
    _declare()
    # Not apart from the page as the labeller is: it looks after the page itself.
    component(_EVERYWHERE, js="everywhere.js", css="everywhere.css", isolate_styles=False)(
        key=key, data=payload, on_review_change=on_review
    )


def _declare() -> None:
    """Tell Streamlit where the assets lie, where it did not find them itself: its scan does not see editable installs."""
    manager = get_bidi_component_manager()
    for full_name in (_LABELLER, _QUEUE_LIST, _EVERYWHERE):
        package, _, name = full_name.partition(".")
        if manager.get_component_asset_root(full_name) is None:
            parts = [ComponentConfig(name=name, asset_dir="assets")]
            manager.register_from_manifest(
                ComponentManifest(name=package, version=data_schemas.__version__, components=parts), _FOLDER
            )


def _nothing() -> None:
    """Let the page send; what it sent is read from the result."""
