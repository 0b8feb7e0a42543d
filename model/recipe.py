"""Recipes: every number that decides how a network is built and trained, and the presets."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from data_schemas.errors import ConfigError
from data_schemas.labels import nearest
from data_schemas.renamed_keys import RenamedKey, as_named_now
from model.views import VIEWS

__all__ = ["PRESETS", "Recipe", "make_recipe"]


@dataclass(frozen=True)
class Recipe:
    """How a network is built and trained; see ``[model]`` in docs/configuration.md for what each key means."""

    views: tuple[str, ...] = ("body", "aligned", "distances")
    layers: int = 1
    hidden_size: int = 64
    dropout: float = 0.0
    standardise: bool = True
    mask: bool = True
    epochs: int = 1
    min_optimizer_steps: int = 200
    batch_size: int = 256
    lr: float = 0.01
    schedule: Literal["step", "one-cycle"] = "one-cycle"
    step_epochs: int = 10
    gamma: float = 0.3
    balance: Literal["none", "weights", "downsample"] = "none"
    optimizer_steps: int = 0
    cleaning_iterations: int = 6
    length_search: bool = True

    def __post_init__(self) -> None:
        """Refuse views that do not exist, and a recipe without any."""
        for view in self.views:
            if view not in VIEWS:
                close = nearest(view, VIEWS)
                raise ConfigError(
                    f"model.views: no view is called {view!r}",
                    hint=f"did you mean {close!r}?" if close else f"known views: {', '.join(VIEWS)}",
                )
        if not self.views:
            raise ConfigError("model.views is empty", hint=f"name at least one of {', '.join(VIEWS)}")


PRESETS: Mapping[str, Recipe] = {
    "default": Recipe(),
    "classic": Recipe(
        views=("frame",),
        layers=3,
        hidden_size=30,
        standardise=False,
        mask=False,
        epochs=100,
        min_optimizer_steps=0,
        batch_size=100,
        schedule="step",
        balance="downsample",
        cleaning_iterations=0,
        length_search=False,
    ),
}


def make_recipe(preset: str, **changes: Any) -> Recipe:
    """Return a preset with some of its values changed; changes that are None are left out.

    Warns
    -----
    RenamedKey
        A value goes by its former name.

    Raises
    ------
    ConfigError
        The preset, a key or a view does not exist.
    """
    if preset not in PRESETS:
        raise ConfigError(f"no preset is called {preset!r}", hint=f"known presets: {', '.join(PRESETS)}")
    changes, former = as_named_now("model", changes)
    for old, new in former.items():
        warnings.warn(f"{old} of a recipe is now called {new}; the next version refuses the old name", RenamedKey, stacklevel=2)
    known = [f.name for f in fields(Recipe)]
    unknown = [k for k in changes if k not in known]
    if unknown:
        raise ConfigError(f"a recipe has no value {unknown[0]!r}", hint=f"known: {', '.join(known)}")
    return replace(PRESETS[preset], **{k: v for k, v in changes.items() if v is not None})
