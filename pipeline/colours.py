"""One colour a class, the same on every page and plot, told apart by colour-blind people, legible on light and dark."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["FLAGGED", "QUIET", "WORK", "class_colours"]

# Paul Tol's "bright" and "muted" schemes (SRON technical note, 2021), reordered so that neighbours differ in lightness as well.
_PALETTE = (
    "#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#999933", "#882255", "#44AA99", "#DDAA77", "#6699CC",
    "#CC6677", "#117733", "#997700", "#AA4499", "#88CCEE", "#BB5566", "#44AA55", "#EECC66", "#7788CC",
)  # fmt: skip

FLAGGED = "#D55E00"
"""What is probably wrong, and nothing else."""

WORK = "#3A8CA8"
"""What people did: a middle tone of the accent of the app's pages."""

QUIET = "#8A94A0"
"""What needs no attention."""


def class_colours(classes: Sequence[str], *, also: Sequence[str] = ()) -> dict[str, str]:
    """Return a colour for each class, by its place in the sorted list of all classes of a run.

    ``also`` names classes that do not occur in it but may be chosen: they take the colours that follow.
    """
    occurring = sorted(set(classes))
    further = sorted(set(also) - set(occurring))
    return {name: _PALETTE[i % len(_PALETTE)] for i, name in enumerate(occurring + further)}
