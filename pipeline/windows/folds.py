"""Set groups apart: the hold-out first, then folds, never with one group on both sides."""

from __future__ import annotations

import warnings
from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Folds
from data_schemas.errors import TooFewDataError
from data_schemas.tables import text

_ATTEMPTS = 20

FEWEST_GROUPS = 5
"""Groups that an interval needs: of fewer it would be made of too little."""

_GROUPS_FOR_EACH_HELD_OUT = 4
"""For the sake of an estimate no more than a quarter is set apart."""


def split_windows(windows: pd.DataFrame, *, folds: Folds) -> pd.DataFrame:
    """Return the windows with their ``split``: hold-out groups, classes that too few groups show, and the rest to audit.

    Windows without a label are ``unlabelled`` and have no say. Every species is split by itself. A class is left out when fewer
    than two groups have windows to train on (:func:`training_mask`); a species when fewer than two classes remain (see
    :func:`require_enough`).
    """
    split = np.full(len(windows), "left_out", object)
    for species in sorted(windows["species"].unique()):
        rows = np.flatnonzero((windows["species"] == species).to_numpy())
        split[rows] = _split_species(windows.iloc[rows], folds=folds)
    return windows.assign(split=text(np.where(windows["label"].isna(), "unlabelled", split)))


def split_again(windows: pd.DataFrame) -> pd.DataFrame:
    """Return windows whose labels have changed with their ``split``: the groups of the hold-out stay what they were.

    A class is left out when fewer than two of the other groups have windows to train on.
    """
    split = np.full(len(windows), "left_out", object)
    for species in windows["species"].unique():
        rows = np.flatnonzero((windows["species"] == species).to_numpy())
        part = windows.iloc[rows]
        target, group = part["target"].fillna("").to_numpy(object), part["group"].to_numpy(object)
        apart = part["group"].isin(part.loc[part["split"] == "holdout", "group"].unique()).to_numpy(bool)
        learnt = np.isin(target, _learnable(target, group, training_mask(part) & ~apart))
        split[rows] = np.select([learnt & ~apart, learnt], ["audit", "holdout"], "left_out")
    return windows.assign(split=text(np.where(windows["label"].isna(), "unlabelled", split)))


def require_clips(clips: pd.DataFrame, rejected: pd.DataFrame) -> None:
    """Refuse a source of which no clip could be read.

    Raises
    ------
    TooFewDataError
        The message says how many were rejected, and the first reason.
    """
    if clips.empty:
        raise TooFewDataError(
            f"no clip could be read{_rejected_words(rejected)}",
            hint="rejected.parquet in the run's folder names every file, place and reason; see docs/data-formats.md",
        )


def require_enough(clips: pd.DataFrame, windows: pd.DataFrame, rejected: pd.DataFrame) -> None:
    """Refuse data of which nothing remains to audit.

    Raises
    ------
    TooFewDataError
        The message says what there is, class by class, and what was rejected, and the hint what is needed.
    """
    if not (windows["split"] == "audit").any():
        raise TooFewDataError(
            f"too few data to audit: {_what_there_is(clips, windows)}{_rejected_words(rejected)}",
            hint="needed: two classes of one species, each with windows of one label and good pose in at least two groups "
            "(animals or recordings), better ten or more; groups.by in audit.toml says what a group is, windows.hz and "
            "windows.steps how long a window is",
        )


def training_mask(windows: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which windows may train a model, shape (n,): they have a class, hold no other label, and show a good pose."""
    return np.asarray(windows["target"].notna() & ~windows["mixed"] & ~windows["bad_pose"], bool)


def classes_of(windows: pd.DataFrame) -> list[str]:
    """Return the classes that the audited windows are trained as, sorted."""
    return sorted(windows.loc[windows["split"] == "audit", "target"].unique())


def assign_folds(target: NDArray[np.int64], group: NDArray[np.int64], *, count: int, seed: int) -> NDArray[np.int16]:
    """Return a fold for every window: grouped, stratified, and with every class that two groups show in at least two folds.

    Parameters
    ----------
    target : int64, shape (windows,)
        Class of each window.
    group : int64, shape (windows,)
        Group of each window.
    count : int
        Folds wanted; no more are made than there are groups, and more only where a class would lie in one fold otherwise (three
        classes of two groups each, every pair of classes sharing one, cannot be dealt to two folds).
    """
    groups = len(np.unique(group))
    # No more folds than groups, nor than the commonest class has windows: scikit-learn refuses these.
    count = min(count, groups, max(2, int(np.bincount(target).max())))
    for attempt in range(_ATTEMPTS if 2 <= count <= np.bincount(target).max() else 0):
        fold = _stratified(target, group, count=count, seed=seed + attempt)
        if not _confined(target, group, fold):
            return fold
    # With a fold for every group no class of two groups is confined.
    spread = (_spread(target, group, count=more) for more in range(count, groups + 1))
    return next(fold for fold in spread if not _confined(target, group, fold))


def deal_groups(
    target: NDArray[np.int64], group: NDArray[np.int64], rows: NDArray[np.bool_], *, count: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold of every window: its group's, as some of the windows are dealt; -1 where its group has none of these.

    Parameters
    ----------
    target, group : int64, shape (windows,)
        Class and group of each window; what is not in ``rows`` may have no class.
    rows : bool, shape (windows,)
        The windows that are dealt (see :func:`assign_folds`): the training mask, for a fold learns its classes from others.
    """
    of_group = np.full(int(group.max(initial=-1)) + 1, -1, np.int64)
    of_group[group[rows]] = assign_folds(target[rows], group[rows], count=count, seed=seed)
    return of_group[group]


def _stratified(target: NDArray[np.int64], group: NDArray[np.int64], *, count: int, seed: int) -> NDArray[np.int16]:
    from sklearn.model_selection import StratifiedGroupKFold

    fold = np.zeros(len(target), np.int16)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer windows than folds is fine here: what counts is that two folds show it, which is seen to.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        for number, (_, test) in enumerate(splitter.split(target, target, group)):
            fold[test] = number
    return fold


def _confined(target: NDArray[np.int64], group: NDArray[np.int64], fold: NDArray[np.int16]) -> bool:
    """Tell whether one fold alone shows a class that several groups show: nothing could learn it before predicting it."""
    shown = pd.DataFrame({"target": target, "group": group, "fold": fold}).groupby("target").nunique()
    return bool(((shown["fold"] < 2) & (shown["group"] > 1)).any())


def _spread(target: NDArray[np.int64], group: NDArray[np.int64], *, count: int) -> NDArray[np.int16]:
    """Deal groups to folds so that the classes of few groups are spread first, whatever that does to the balance."""
    fold_of: dict[int, int] = {}
    pairs = pd.DataFrame({"target": target, "group": group}).drop_duplicates()
    rarest_first = pairs.groupby("target").size().sort_values(kind="stable").index
    for c in rarest_first:
        groups = pairs.loc[pairs["target"] == c, "group"].tolist()
        used = {fold_of[g] for g in groups if g in fold_of}
        for g in (g for g in groups if g not in fold_of):
            load = Counter(fold_of.values())
            free = [f for f in range(count) if f not in used] or list(range(count))
            fold_of[g] = min((load[f], f) for f in free)[1]
            used.add(fold_of[g])
    return np.array([fold_of[int(g)] for g in group], np.int16)


def _split_species(windows: pd.DataFrame, *, folds: Folds) -> NDArray[np.object_]:
    target = windows["target"].fillna("").to_numpy(object)
    group = windows["group"].to_numpy(object)
    training = training_mask(windows)
    kept = np.isin(target, _learnable(target, group, training))
    apart = _holdout_groups(target, group, training=kept & training, folds=folds)
    held = np.isin(group, np.array(list(apart), object))
    return np.select([kept & ~held, kept], ["audit", "holdout"], "left_out").astype(object)


def _learnable(target: NDArray[np.object_], group: NDArray[np.object_], training: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Return the classes that windows of at least two groups may train; none, where these are fewer than two."""
    pairs = pd.DataFrame({"target": target[training], "group": group[training]}).drop_duplicates()
    groups = pairs.groupby("target").size()
    enough = groups.index[groups >= 2].to_numpy(object)
    return enough if len(enough) > 1 else enough[:0]


def _holdout_groups(
    target: NDArray[np.object_], group: NDArray[np.object_], *, training: NDArray[np.bool_], folds: Folds
) -> set[object]:
    """Choose about ``folds.holdout`` of the groups to train on, stratified, such that every class can be audited without them.

    They are at least as many as an estimate needs, where a quarter of the groups is as many.
    """
    names = np.unique(group[training])
    if folds.holdout <= 0 or round(folds.holdout * len(names)) < 1 or len(names) < 4:
        return set()
    parts = min(max(2, round(1 / folds.holdout)), len(names))
    fewest = FEWEST_GROUPS if len(names) >= _GROUPS_FOR_EACH_HELD_OUT * FEWEST_GROUPS else 1
    parts = min(parts, len(names) // fewest)
    codes, classes = pd.factorize(target[training])
    part = assign_folds(codes.astype(np.int64), pd.factorize(group[training])[0].astype(np.int64), count=parts, seed=folds.seed)
    for apart in sorted((set(group[training][part == number]) for number in range(parts)), key=lambda some: len(some) < fewest):
        rest = training & ~np.isin(group, np.array(list(apart), object))
        if apart and len(_learnable(target, group, rest)) == len(classes):
            return apart
    return set()


def _rejected_words(rejected: pd.DataFrame) -> str:
    """Return how many clips were rejected, and files, where it is not known what they hold, with the first reason; or nothing."""
    if rejected.empty:
        return ""
    of_clips = rejected["reason"].str.startswith("clip ")
    counts = ((int(of_clips.sum()), "clip"), (rejected.loc[~of_clips, "file"].nunique(), "file"))
    counted = " and ".join(_count(number, what) for number, what in counts if number)
    first = rejected.iloc[0]
    return f", {counted} rejected; the first: {': '.join(part for part in first[['file', 'place', 'reason']] if part)}"


def _what_there_is(clips: pd.DataFrame, windows: pd.DataFrame) -> str:
    if windows.empty:
        one = "the one clip that was read is not" if len(clips) == 1 else f"none of the {len(clips)} clips is"
        return f"{one} long enough for one window"
    lines = []
    for species, of_species in windows.groupby("species"):
        classes = [
            f"{name} {_count(w['clip_id'].nunique(), 'clip')} of {_count(w['group'].nunique(), 'group')}{_not_for_training(w)}"
            for name, w in of_species.groupby(_class_or_why_none(of_species))
        ]
        clips_here, groups = of_species["clip_id"].nunique(), of_species["group"].nunique()
        lines.append(
            f"{species} has {_count(clips_here, 'clip')} of {_count(groups, 'group')} "
            f"in {_count(len(classes), 'class', 'classes')} ({', '.join(classes)})"
        )
    return "; ".join(lines)


def _not_for_training(of_class: pd.DataFrame) -> str:
    """Return what keeps the windows of a class out of training, where something does."""
    mixed = of_class["mixed"].to_numpy(bool)
    bad = of_class["bad_pose"].to_numpy(bool) & ~mixed
    if not (mixed | bad).any():
        return ""
    why = [f"{n} {what}" for n, what in ((mixed.sum(), "hold more than one label"), (bad.sum(), "show a bad pose")) if n]
    groups = of_class.loc[~(mixed | bad), "group"].nunique()
    who = _count(groups, "group") if groups else "no group"
    return f", of its {_count(len(of_class), 'window')} {' and '.join(why)}, so {who} can train it"


def _class_or_why_none(windows: pd.DataFrame) -> pd.Series:
    none = pd.Series(np.where(windows["label"].isna(), "without a label:", "left out by the merge:"), index=windows.index)
    return windows["target"].astype(object).where(windows["target"].notna(), none)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
