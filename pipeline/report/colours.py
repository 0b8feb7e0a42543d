"""One look a class, the same on every page and plot: a colour that colour-blind people tell apart from its species' others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

# Found by search: any two differ by 12 and more (CIEDE2000), to normal sight and to simulated protanopia and deuteranopia
# (Machado, Oliveira and Fernandes 2009). No twentieth was found. Those near to the orange of what is flagged come last.
_PALETTE = (
    "#7799FF", "#338855", "#6633AA", "#BB8811", "#44AABB", "#774444", "#99CCCC", "#8855DD", "#33EE88", "#996611",
    "#22DDFF", "#007766", "#99DDBB", "#667799", "#88AA77", "#339988", "#115566", "#883311", "#FFAA22",
)  # fmt: skip

FLAGGED = "#D55E00"
"""What is probably wrong, and nothing else."""

WORK = "#3A8CA8"
"""What people did: a middle tone of the accent of the app's pages."""

QUIET = "#8A94A0"
"""What needs no attention."""


class Look(NamedTuple):
    """A class's colour, and a second cue where a species has more classes than colours: 0 none, 1 hatched, 2 crossed."""

    colour: str
    cue: int


def ink_on(colour: str) -> str:
    """Return black or white, whichever reads better on a colour: they change where both have the same contrast."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    return "#000000" if sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) > 0.179 else "#ffffff"


def css_ground(look: Look) -> str:
    """Return the ground of a class as CSS: its colour, hatched by its cue, as the tracks of the app draw it."""
    if not look.cue:
        return look.colour
    return f"repeating-linear-gradient({45 * look.cue}deg, {look.colour} 0 4px, {ink_on(look.colour)} 4px 5px)"


def class_looks(occurring: Mapping[str, Iterable[str]], further: Mapping[str, Iterable[str]] | None = None) -> dict[str, Look]:
    """Return a look for each class; no two classes of a species share one.

    Parameters
    ----------
    occurring
        The classes that occur in a run, by species. A class of several species looks the same in all of them.
    further
        Classes that do not occur but may be chosen: they take the looks that follow.
    """
    names = [{s: set(classes) for s, classes in of.items()} for of in (occurring, further or {})]
    places = Counter(name for s in {*names[0], *names[1]} for name in names[0].get(s, set()) | names[1].get(s, set()))
    known = set().union(*names[0].values())
    order = sorted(places, key=lambda name: (name not in known, name))
    shared = [name for name in order if places[name] > 1]
    number = {name: i for i, name in enumerate(shared)}
    for species in sorted({*names[0], *names[1]}):
        here = names[0].get(species, set()) | names[1].get(species, set())
        own = [name for name in order if name in here and places[name] == 1]
        number |= {name: len(shared) + i for i, name in enumerate(own)}
    return {name: Look(_PALETTE[i % len(_PALETTE)], i // len(_PALETTE)) for name, i in number.items()}
