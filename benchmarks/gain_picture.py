"""The picture of what reviewing gains, from the table that ``benchmarks.gain`` printed.

    python -m benchmarks.gain_picture TABLE.md PICTURE.png

Draws the accuracy of models of the given labels, of what the pipeline relabels by itself, of the first budget in the order of the
queue, and of the true labels. A table of simulated clips says so in its first line, and then the picture does, too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import plotly.graph_objects as go
from playwright.sync_api import sync_playwright

_COLOURS = ("#9aa3ab", "#4477AA", "#228833", "#c9ced3")
_SIZE = {"width": 980, "height": 300}


def accuracies(table: str) -> dict[str, float]:
    """Return the median accuracy of every row."""
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("| ")]
    return {row[0]: float(row[1]) for row in cells if row[0] not in ("trained on", "labels to train on")}


def drawn(table: str) -> go.Figure:
    """Return the bars."""
    found = accuracies(table)
    queue = next(name for name in found if name.startswith("queue") and name.endswith("trusts"))
    share = queue.split(";")[0].removeprefix("queue ")
    rows = {
        "labels as given": found["given"],
        "relabelled by the pipeline, nobody looked": found["pruned"],
        f"{share} of the frames reviewed, the rest relabelled": found[queue],
        "true labels": found["true"],
    }
    bars = go.Bar(
        x=list(rows.values()),
        y=list(rows),
        orientation="h",
        marker_color=_COLOURS,
        text=[f"{x:.0%}" for x in rows.values()],
        textposition="inside",
        insidetextanchor="end",
        textfont={"color": ["#14181b", "#fff", "#fff", "#14181b"], "size": 17},
    )
    kind = "SIMULATED cats and dogs: accuracy" if table.startswith("SIMULATED") else "Accuracy"
    return go.Figure(
        bars,
        layout={
            "template": "plotly_white",
            "title": {
                "text": f"{kind} on animals that no model has seen, by its training labels",
                "x": 0.01,
                "font": {"size": 17},
            },
            "margin": {"l": 330, "r": 20, "t": 50, "b": 30},
            "xaxis": {"range": [0, 1], "tickformat": ".0%", "fixedrange": True},
            "yaxis": {"autorange": "reversed", "tickfont": {"size": 14}, "ticksuffix": "  "},
            "bargap": 0.25,
            **_SIZE,
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    page_of = drawn(given.table.read_text(encoding="utf-8")).to_html(include_plotlyjs=True, config={"displayModeBar": False})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=_SIZE, device_scale_factor=2)  # type: ignore[arg-type]
        page.set_content(page_of)
        page.wait_for_selector(".bars path")
        page.locator(".plotly-graph-div").screenshot(path=given.picture)
        browser.close()


if __name__ == "__main__":
    main()
