"""Where the app is served, and what its pages show."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.integration.browser import ROOT, Served

APP = ROOT / "audit_app" / "app.py"

_AT_REST = """() => !document.querySelector('[data-stale=true]') && document.getAnimations().every(
    (a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity)"""

_APP = "[data-testid=stApp]"
_DONE = f"{_APP}[data-test-script-state=notRunning]"

# A page may run once more after it was drawn, when its components have told what the browser knows.
_STAYS_AT_REST = f"""() => new Promise((settled) => {{
    let rested = 0;
    const look = () => {{
        rested = document.querySelector('{_DONE}') && ({_AT_REST})() ? rested + 1 : 0;
        if (rested > 10) settled(true);
        else requestAnimationFrame(look);
    }};
    look();
}})"""
_IS_DARK = f"""dark => {{
    const [red] = getComputedStyle(document.querySelector('{_APP}')).backgroundColor.match(/\\d+/g);
    return (red < 128) === dark;
}}"""


def serve(root: Path) -> Served:
    before = os.environ.get("AUDIT_WORKSPACE")
    os.environ["AUDIT_WORKSPACE"] = str(root)
    server = Served(APP, [])
    server.start()
    if before is None:
        del os.environ["AUDIT_WORKSPACE"]
    else:
        os.environ["AUDIT_WORKSPACE"] = before
    return server


def settled(page):
    """Wait until Streamlit has run the page and drawn it, and nothing fades in any more: for a sixth of a second on end."""
    page.wait_for_function(_STAYS_AT_REST, timeout=30_000)
    return page


def in_colours(page, *, dark: bool):
    """Show a page as a browser in light or dark colours does."""
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.wait_for_function(_IS_DARK, arg=dark, timeout=30_000)
    return settled(page)


def query(page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def violations(page) -> list[str]:
    """Return what axe-core holds to be serious or critical of a file, or of a page of the app, three times on end.

    A page may run once more after it was drawn, when its components have told what the browser knows: what fades in has no
    contrast yet.
    """
    from axe_playwright_python.sync_playwright import Axe

    found: list[str] = []
    for _ in range(3):
        found = [
            f"{v['id']} ({v['impact']}): {[n['target'] for n in v['nodes']][:4]} {v['nodes'][0].get('failureSummary', '')}"
            for v in Axe().run(page).response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        if not found:
            break
        if page.query_selector(_APP):
            settled(page)
    return found
