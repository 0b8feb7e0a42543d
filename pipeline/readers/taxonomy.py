"""Which taxonomy a run uses, what it depends on beside the source, and the words for classes and kinds: the same everywhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

from data_schemas.config import Config
from data_schemas.labels import Taxonomy, built_in, load_taxonomy

KIND_NAMES = {
    "wrong_clip": "wrong clip",
    "contaminated": "other action",
    "boundary": "boundary",
    "ambiguous": "ambiguous",
    "bad_pose": "bad pose",
}
"""What the kinds of segments are called in report, pages and terminal."""


def class_title(taxonomy: Taxonomy | None, species: str, label: str) -> str:
    """Return a class as people read it: its code, as in files, and its names where the taxonomy has them."""
    names = " · ".join(filter(None, other_names(taxonomy, species, label)))
    return f"{label} ({names})" if names else label


def other_names(taxonomy: Taxonomy | None, species: str, label: str) -> tuple[str, str]:
    """Return the English and the Korean name of a class; empty where there is none, or it says the same as one before it."""
    known = taxonomy.label(species, label) if taxonomy else None
    if known is None:
        return "", ""
    return "" if known.en == label else known.en, "" if known.ko in (label, known.en) else known.ko


def taxonomy_of(format: str, config: Config) -> Taxonomy | None:
    """Return the taxonomy of a source's labels, or None where they stand for themselves.

    Unless the configuration names another, it is the built-in one that is called like the format.

    Raises
    ------
    ConfigError
        ``labels.taxonomy`` names none that is known or readable.
    """
    name = config.labels.taxonomy
    if name == "auto":
        name = format if format in built_in("taxonomies") else "none"
    return None if name == "none" else load_taxonomy(name)


def named_files(config: Config) -> dict[str, str]:
    """Return the hash of every file that the configuration names: when one changes, so does the run."""
    named = {"labels.taxonomy": config.labels.taxonomy, "pose.skeleton": config.pose.skeleton}
    return {
        key: hashlib.blake2b(Path(value).read_bytes(), digest_size=16).hexdigest()
        for key, value in named.items()
        if value.endswith(".toml") and Path(value).is_file()
    }
