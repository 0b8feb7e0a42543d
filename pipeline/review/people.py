"""Who is who: names of reviewers that differ in letter case only are one person, spelled as at first."""

from __future__ import annotations

from collections.abc import Iterable

from data_schemas.labels import normal_name

__all__ = ["People"]


class People:
    """The names of reviewers that are known."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = set(names)
        self._spelled = {name.casefold(): name for name in sorted(self._names, reverse=True)}

    def knows(self, name: str) -> bool:
        """Tell whether somebody of this name is known, in whatever letter case."""
        return normal_name(name).casefold() in self._spelled

    def spelled(self, name: str) -> str:
        """Return how a person's name is written; one that nobody has stays as it is.

        Two names that older versions stored in different letter case stay two: each has decisions of its own.
        """
        name = normal_name(name)
        return name if name in self._names else self._spelled.get(name.casefold(), name)

    def met(self, name: str) -> str:
        """Return how a person's name is written, and remember a new one."""
        name = self.spelled(name)
        self._spelled.setdefault(name.casefold(), name)
        return name
