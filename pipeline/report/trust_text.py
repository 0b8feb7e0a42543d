"""How far the models can be trusted and tested, in sentences: the same for the terminal, the report and the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

GROUPS = {"subject": "animal", "recording": "recording", "clip": "clip"}
"""What a group is, by ``groups.by``."""

_FEWEST_GROUPS = 2


def trust_sentences(trust: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each species: how well models tell labels of animals that they never saw, and what guessing gets."""
    return [_sentence(row) for row in trust]


def holdout_sentences(without: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each species without a hold-out: nothing of it is kept to test models on, and why.

    Parameters
    ----------
    without
        From :func:`pipeline.audit.summary.without_holdout`.
    """
    return [f"{of['species']}: no hold-out: {_why_none(of)}. `audit retrain` cannot test its models." for of in without]


def _why_none(of: Mapping[str, Any]) -> str:
    if not of["holdout"]:
        return "folds.holdout is 0"
    return f"{of['groups']} {GROUPS[of['groups_are']]}s are too few to set some apart"


def _sentence(row: Mapping[str, Any]) -> str:
    low, high = round(100 * row["low"]), round(100 * row["high"])
    share = f"{row['right']:.0%} [{low}, {high}] of the labels, each class counting alike; guessing would be {row['chance']:.0%}"
    where = f"measured on {row['windows']:,} windows of {row['groups']:,} groups that they had not seen"
    if row["better"]:
        wide = (
            ""
            if row["low"] > row["chance"]
            else " The groups are few; a permutation test of their labels shows that this is not chance."
        )
        return f"{row['species']}: the models agree with {share} ({where}).{wide}"
    if row["groups"] < _FEWEST_GROUPS:
        return (
            f"{row['species']}: labels that nobody reviewed are left in {row['groups']} groups, too few to measure the "
            "models by. So they call no label wrong."
        )
    return (
        f"{row['species']}: the models are no better than chance. They agree with {share} ({where}). So they call no label "
        "wrong, and how many are wrong is not known. More animals, other keypoints or windows of another length may help."
    )
