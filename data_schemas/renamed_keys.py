"""Names that changed in this version and are still read: keys of the configuration, columns of tables, keys of JSON files.

Imports nothing but errors, for :mod:`model.recipe` needs it and stays light.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from data_schemas.errors import ConfigError

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
    "oof.parquet": {"taught": "used_for_training", "voices": "base_learners"},
    "selftest.parquet": {"elsewhere": "other_donor"},
    "metadata of tables": {"pose_audit.made_from": "pose_audit.fingerprint"},
    "run.json": {"identity": "run_hash"},
    "run.json stages": {"judge": "score"},
    "model.json": {"made_from": "fingerprint"},
    "retrain.json species": {"updates": "optimizer_steps", "taught": "training_windows"},
}
"""The name of now of each key or column, by section of the configuration or by file, and former name."""


class RenamedKey(FutureWarning):
    """Something is read under its former name, which the next version refuses."""


def as_named_now(section: str, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values of a section or file under the names of now, and the name of now of each former name that was used.

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


@cache
def warn_of_earlier_version(where: Path, *, remedy: str) -> None:
    """Warn that what lies somewhere is read under former names; the same place is warned of once in a process.

    Python's own memory of warnings is lost wherever a library catches some.
    """
    warnings.warn(
        f"{where}: written by an earlier version, with names that the next one refuses; {remedy}", RenamedKey, stacklevel=1
    )


def show_in_one_line() -> None:
    """Show these warnings, which are the user's to act on, without their place in the code; all others stay as they are."""
    others = warnings.formatwarning

    def formatted(message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None) -> str:
        is_own = issubclass(category, RenamedKey)
        return f"warning: {message}\n" if is_own else others(message, category, filename, lineno, line)

    warnings.formatwarning = formatted
