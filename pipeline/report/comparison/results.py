"""RUN/retrain/retrain.json as `audit retrain` writes it: read, and checked before anything is drawn from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from data_schemas.errors import StageError
from data_schemas.files import read_json_object
from data_schemas.renamed_keys import as_named_now, warn_of_earlier_version

_NAME = "retrain/retrain.json"


class Interval(msgspec.Struct, frozen=True):
    """A figure with its 95 % interval over groups: a share 0..1, or a difference of shares -1..1.

    ``value`` is null where nothing was measured, ``low`` and ``high`` where the groups are too few for an interval.
    """

    value: float | None
    low: float | None
    high: float | None
    groups: int

    @property
    def is_known(self) -> bool:
        """Tell whether there is an interval."""
        return self.value is not None and self.low is not None and self.high is not None

    @property
    def sign(self) -> int:
        """Return 1 where the whole interval lies above 0, -1 where below, else 0."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)

    def as_share(self) -> Interval:
        """Return the interval of a share: what lies beyond 0 or 1 is cut off."""
        low, high = (None if x is None else min(max(x, 0.0), 1.0) for x in (self.low, self.high))
        return Interval(self.value, low, high, self.groups)


class Arm(msgspec.Struct, frozen=True):
    """How well the model of one arm (training condition) predicts the verified windows of the hold-out.

    Attributes
    ----------
    measures : mapping
        Accuracy, balanced accuracy, macro F1 and overconfidence, shares 0..1, higher is better but for the last.
    calibration_error : float or None
        Expected calibration error, 0..1, 0 is perfect.
    class_f1 : mapping
        F1 of each class, 0..1; null where no verified window shows the class, and none is taken for it.
    confusion : list of list of float
        Windows of each true class (row) that are predicted as each class (column).
    """

    measures: dict[str, Interval]
    calibration_error: float | None
    class_f1: dict[str, Interval]
    confusion: list[list[float]]


class VerifiedCounts(msgspec.Struct, frozen=True):
    """The verified windows of the hold-out, how many more a comparison needs, and how many show no one class.

    ``held_out_groups`` is the number of groups in the hold-out, verified or not.
    """

    windows: int
    groups: int
    needed_windows: int
    needed_groups: int
    left_out_unsure: int = 0
    left_out_of_taxonomy: int = 0
    held_out_groups: int | None = None


class CurvePoint(msgspec.Struct, frozen=True):
    """The model that is trained with the first share of the decisions."""

    share: float
    reviewed_frames: int
    measures: dict[str, Interval]


class Species(msgspec.Struct, frozen=True):
    """The arms of one species; each is null where too few windows are verified.

    ``identical`` are those of the pairs in ``differences`` whose models predict the same class for every verified window.
    """

    classes: list[str]
    optimizer_steps: int
    training_windows: dict[str, int]
    verified: VerifiedCounts
    arms: dict[str, Arm | None]
    differences: dict[str, dict[str, Interval]]
    curve: list[CurvePoint]
    identical: list[str] = []

    @property
    def known(self) -> dict[str, Arm]:
        """Return the arms that could be compared."""
        return {name: arm for name, arm in self.arms.items() if arm is not None}


class Retraining(msgspec.Struct, frozen=True):
    """A whole comparison."""

    run_id: str
    made_at: str
    pose_audit: str
    seed: int
    decisions: int
    reviewed_frames: int
    frames: int
    species: dict[str, Species]
    bundles: dict[str, str]
    groups_are: str = "groups"


def read_retraining(run: Path) -> Retraining | None:
    """Return the comparison of a run's arms; None where none was made.

    Raises
    ------
    StageError
        The file is damaged, of another form, or of another run.
    """
    path = run / _NAME
    try:
        found = msgspec.convert(_named_now(read_json_object(path), run), type=Retraining)
        for name, species in found.species.items():
            _refuse_other_shape(name, species)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StageError(f"{path}: {error}", hint="run `audit retrain`: it writes the file anew") from error
    if found.run_id != run.name:
        raise StageError(f"{path}: made from the run {found.run_id}, not from {run.name}", hint="run `audit retrain`")
    return found


def _named_now(data: dict[str, Any], run: Path) -> dict[str, Any]:
    """Return the keys of now, and warn once of all runs beside this one that have former ones."""
    species = data.get("species")
    if not isinstance(species, dict) or not all(isinstance(of, dict) for of in species.values()):
        return data
    both = {name: as_named_now("retrain.json species", of) for name, of in species.items()}
    if any(former for _, former in both.values()):
        warn_of_earlier_version(run.resolve().parent, remedy="`audit run` makes the run anew")
    return data | {"species": {name: named_now for name, (named_now, _) in both.items()}}


def _refuse_other_shape(name: str, species: Species) -> None:
    count = len(species.classes)
    for arm, figures in species.known.items():
        if [len(row) for row in figures.confusion] != [count] * count:
            raise ValueError(f"species {name}, arm {arm}: the confusion is not {count} x {count}, one row a class")
