"""Keys of the configuration that had another name one version ago, and are still read under it: in files, records and bundles.

Imports nothing but errors, for :mod:`model.recipe` needs it and stays light.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from data_schemas.errors import ConfigError

__all__ = ["RENAMED", "RenamedKey", "as_named_now"]

RENAMED: Mapping[str, Mapping[str, str]] = {
    "model": {
        "hidden": "hidden_size",
        "batch": "batch_size",
        "rate": "lr",
        "updates": "optimizer_steps",
        "min_updates": "min_optimizer_steps",
        "passes": "cleaning_iterations",
        "trial": "length_search",
    },
    "issues": {"wrong_clips": "clip_error_rate"},
    "review": {"step": "jump_frames"},
    "proof": {"wanted": "target_error_rate"},
    "retrain": {"on": "conditions", "curve": "learning_curve"},
}
"""The name of now of each key, by section and former name."""


class RenamedKey(FutureWarning):
    """A key is written under its former name, which the next version refuses."""


def as_named_now(section: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a section under the names of now, and the name of now of each former name that was used.

    Raises
    ------
    ConfigError
        A key is given under both names.
    """
    used = {old: new for old, new in RENAMED.get(section, {}).items() if old in values}
    both = next((old for old, new in used.items() if new in values), None)
    if both is not None:
        raise ConfigError(
            f"{section}.{both} and {section}.{used[both]} are the same key, and both are given",
            hint=f"leave {both} out: it is the former name",
        )
    return {used.get(key, key): value for key, value in values.items()}, used
