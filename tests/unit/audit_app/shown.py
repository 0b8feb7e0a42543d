"""What a page shows."""

from __future__ import annotations

import json


def texts(app) -> str:
    """Return all words of a page."""
    kinds = ("title", "subheader", "markdown", "caption", "success", "info", "error", "code")
    return "\n".join(str(e.value) for kind in kinds for e in getattr(app, kind))


def component(app, name: str):
    """Return what a component of the page was given, or None where it is not on the page."""
    for element in app.get("bidi_component"):
        if element.proto.component_name.endswith(name):
            proto = element.proto
            return json.loads(proto.bytes if proto.WhichOneof("data") == "bytes" else proto.json)
    return None


def button(app, label: str):
    return next(b for b in app.button if b.label == label)
