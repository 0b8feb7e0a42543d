"""What an action's name means in the taxonomy, with the same outcome and the same words for every format."""

from __future__ import annotations

from data_schemas.labels import Taxonomy
from pipeline.readers.checks import Unreadable


def class_of(action: str, *, species: str, taxonomy: Taxonomy | None, places: tuple[str, str] = ("", "")) -> str:
    """Return the class that an action means for a species; without a taxonomy an action stands for itself.

    Parameters
    ----------
    places : tuple of str
        Where the source holds the species and the action, for the message.

    Raises
    ------
    Unreadable
        The taxonomy does not know the species, or not the action.
    """
    if taxonomy is None:
        return action
    found = taxonomy.resolve(species, action) if taxonomy.names(species) else None
    if found is None:
        place = places[1] if taxonomy.names(species) else places[0]
        raise Unreadable(place, unknown_action(action, species=species, taxonomy=taxonomy))
    return found


def inspected_class(action: str | None, *, species: str, taxonomy: Taxonomy | None) -> tuple[str | None, dict[str, int]]:
    """Return the class that a second person named, and a note where it is not known: that is no reason to lose the clip."""
    if action is None or taxonomy is None:
        return action, {}
    found = taxonomy.resolve(species, action)
    return found, {} if found else {f"the inspector's action {action!r} is not known: left out": 1}


def unknown_action(action: str, *, species: str, taxonomy: Taxonomy) -> str:
    """Return the reason for rejecting a clip whose action, or species, the taxonomy does not know."""
    if not taxonomy.names(species):
        return f"species {species!r} is not in taxonomy {taxonomy.name} (known: {', '.join(taxonomy.species)})"
    close = taxonomy.nearest_known(species, action)
    near = f"; the nearest known is {close!r} ({taxonomy.resolve(species, close)})" if close else ""
    return (
        f"unknown action {action!r} of {species}{near}; copy the taxonomy's file, add it to the phrases of its class under "
        f"[species.{species}], and name your file as labels.taxonomy"
    )
