"""Label taxonomies: the classes of each species, the phrasings they are known by, and how they merge for training.

A taxonomy is a TOML file (``data_schemas/taxonomies`` holds the built-in ones; users name their own)::

    name = "aihub59"
    skeleton = "aihub59"

    [species.DOG.SIT]
    en = "sitting"
    ko = "앉는 동작"
    phrases = ["앉는 동작", "앉기"]

    [merges.classic.DOG]
    rest = ["BODYLOWER", "LYING"]      # classes that no merged class lists are left out of training

Labels are stored and reviewed at the finest level and merged only at training. All names are compared as Unicode NFC, without
surrounding white space and without regard to case.
"""

from __future__ import annotations

import difflib
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from data_schemas.errors import ConfigError

_Built = TypeVar("_Built")

OTHER = "other"
"""Reserved label for real behaviour outside the taxonomy."""


def normal_name(name: str) -> str:
    """Return a name as it is compared and stored: Unicode NFC, inner white space single, none around."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.5) -> str | None:
    """Return the known name that looks most like ``name``, or None when none is close: none as like as ``cutoff``, 0 to 1."""
    by_key = {_key(k): k for k in known}
    hits = difflib.get_close_matches(_key(name), list(by_key), n=1, cutoff=cutoff)
    return by_key[hits[0]] if hits else None


def _key(name: str) -> str:
    return normal_name(name).casefold()


@dataclass(frozen=True)
class Label:
    """One class: its code, how people read it, and the phrasings that mean it in the source."""

    name: str
    en: str
    ko: str
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taxonomy:
    """The classes of each species and their merges.

    ``species`` maps a species code (upper case) to its labels in the taxonomy's order; ``merges`` maps a merge's name to, for
    each species, the merged class of every label that takes part.
    """

    name: str
    skeleton: str | None
    species: Mapping[str, tuple[Label, ...]]
    merges: Mapping[str, Mapping[str, Mapping[str, str]]]
    _index: Mapping[str, Mapping[str, str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index every code and phrasing of each species, refusing a phrasing that means two classes."""
        index: dict[str, dict[str, str]] = {}
        for species, labels in self.species.items():
            known = index.setdefault(species, {_key(OTHER): OTHER})
            for label in labels:
                for phrase in (label.name, label.ko, *label.phrases):
                    if phrase and known.setdefault(_key(phrase), label.name) != label.name:
                        raise ConfigError(
                            f"taxonomy {self.name}: {phrase!r} means both {known[_key(phrase)]} and {label.name} for {species}",
                            hint="give every phrasing to one class only",
                        )
        object.__setattr__(self, "_index", index)

    def resolve(self, species: str, phrase: str) -> str | None:
        """Return the class that a code or phrasing means for a species, or None when it is not known."""
        return self._index.get(species.upper(), {}).get(_key(phrase))

    def nearest_known(self, species: str, phrase: str) -> str | None:
        """Return the known phrasing or code that looks most like ``phrase``, for error messages."""
        labels = self.species.get(species.upper(), ())
        return nearest(phrase, [p for label in labels for p in (label.name, *label.phrases)])

    def names(self, species: str) -> tuple[str, ...]:
        """Return the class codes of a species in the taxonomy's order."""
        return tuple(label.name for label in self.species.get(species.upper(), ()))

    def label(self, species: str, name: str) -> Label:
        """Return a class by its code; an unknown code (the reserved ``other``, say) stands for itself."""
        for label in self.species.get(species.upper(), ()):
            if label.name == name:
                return label
        return Label(name=name, en=name, ko=name)

    def merged(self, merge: str, species: str, label: str) -> str | None:
        """Return the class that a label is trained as, or None where the merge leaves it out.

        Raises
        ------
        ConfigError
            ``merge`` is neither ``"none"`` nor a merge of this taxonomy.
        """
        if merge == "none":
            return label
        if merge not in self.merges:
            close = nearest(merge, self.merges)
            raise ConfigError(
                f"labels.merge: taxonomy {self.name} has no merge {merge!r}",
                hint=f"did you mean {close!r}?" if close else f"known: none{''.join(', ' + m for m in self.merges)}",
            )
        return self.merges[merge].get(species.upper(), {}).get(label)


def built_in(folder: str) -> tuple[str, ...]:
    """Return the names of the ``taxonomies`` or ``skeletons`` that come with pose-audit."""
    files = (resources.files("data_schemas") / folder).iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """Read a built-in taxonomy by name, or a user's own TOML file.

    Raises
    ------
    ConfigError
        The name is not known, or the file cannot be read or does not have the layout shown in this module's docstring.
    """
    layout = "see docs/data-formats.md for the layout: [species.NAME.CLASS] and [merges.NAME.SPECIES]"
    return load_named(name_or_path, folder="taxonomies", what="taxonomy", build=_taxonomy, layout=layout)


def _taxonomy(data: Mapping[str, Any]) -> Taxonomy:
    species = {
        normal_name(code).upper(): tuple(
            Label(
                name=normal_name(name),
                en=str(entry.get("en", name)),
                ko=normal_name(str(entry.get("ko", ""))),
                phrases=tuple(normal_name(p) for p in entry.get("phrases", ())),
            )
            for name, entry in labels.items()
        )
        for code, labels in data["species"].items()
    }
    merges = {
        merge: {
            code.upper(): {source: merged for merged, sources in classes.items() for source in sources}
            for code, classes in by_species.items()
        }
        for merge, by_species in data.get("merges", {}).items()
    }
    for merge, by_species in merges.items():
        for code, classes in by_species.items():
            unknown = set(classes) - {label.name for label in species.get(code, ())}
            if unknown:
                raise KeyError(f"merge {merge} of {code} lists unknown classes {sorted(unknown)}")
    return Taxonomy(name=str(data["name"]), skeleton=data.get("skeleton"), species=species, merges=merges)


def load_named(
    name_or_path: str | Path, *, folder: str, what: str, build: Callable[[Mapping[str, Any]], _Built], layout: str
) -> _Built:
    """Return what is built from the TOML of a built-in file by name, or of a file by path; ``layout`` is the hint on its form.

    Raises
    ------
    ConfigError
        The name is not known, or the file cannot be read or has another form.
    """
    known = built_in(folder)
    if str(name_or_path) in known:
        return build(tomllib.loads((resources.files("data_schemas") / folder / f"{name_or_path}.toml").read_text("utf-8")))
    path = Path(name_or_path)
    if path.suffix != ".toml":
        close = nearest(str(name_or_path), known)
        raise ConfigError(
            f"unknown {what} {str(name_or_path)!r}",
            hint=f"did you mean {close!r}?" if close else f"known: {', '.join(known)}; or the path of a .toml file",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{what} {path}: {error}", hint=f"name one of {', '.join(known)}, or a readable UTF-8 .toml file"
        ) from error
    try:
        return build(tomllib.loads(text))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(f"{name_or_path}: not a {what}: {error}", hint=layout) from error
