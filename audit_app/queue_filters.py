"""What a queue shows and in which order: read from the page's address, so that reload and links keep it.

The list filters by the same rules in JavaScript (``components/assets/queue_list.js``); here they say which segment comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pandas as pd

from audit_app.page_text import STATE_NAMES

FILTER_COLUMNS = {
    "species": "species",
    "given": "given_label",
    "suggested": "suggested_label",
    "kind": "kind",
    "state": "state",
}
"""The column of the queue that a filter is about, for those that take one value."""

WITHIN = "within"
"""In an address of the queue: its filters come on top of those by which the tab showed the queue last."""


_ORDERS = {"quality": ["label_quality"], "learning": ["learning_rank"], "clip": ["clip_id", "start_frame"]}


@dataclass(frozen=True)
class QueueFilters:
    """A choice for each column, empty for all; ``text`` is looked for in clip and class names."""

    species: str = ""
    given: str = ""
    suggested: str = ""
    kind: str = ""
    reviewer: str = ""
    state: str = ""
    text: str = ""
    order: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> QueueFilters:
        """Return the filters of a page's address; other keys are left alone."""
        return cls(**{f.name: query[f.name] for f in fields(cls) if f.name in query})

    def query(self) -> dict[str, str]:
        """Return what to write into a page's address."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}

    def among(self) -> str:
        """Return in words what is counted where a place in the queue is shown."""
        others = any(name not in ("order", "state") for name in self.query())
        said = ["filtered"] * others + [STATE_NAMES.get(self.state, self.state)] * bool(self.state)
        return ", ".join(said) or "in the queue"

    def apply(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the queue that these filters show, in their order."""
        wanted = pd.Series(True, index=rows.index)
        for name, column in FILTER_COLUMNS.items():
            if value := getattr(self, name):
                wanted &= rows[column] == value
        if self.reviewer:
            wanted &= rows["reviewers"].map(lambda names: self.reviewer in names.split(", "))
        if self.text.strip():
            wanted &= rows["words"].str.contains(self.text.strip().lower(), regex=False)
        shown = rows[wanted]
        if self.order == "length":
            length = shown["start_frame"] - shown["end_frame"]
            return shown.loc[length.sort_values(kind="stable").index]
        return shown.sort_values(_ORDERS[self.order], kind="stable") if self.order in _ORDERS else shown
