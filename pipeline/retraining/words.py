"""How the figures of a retraining read in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.proof.intervals import FEWEST_GROUPS

__all__ = ["GROUPS", "needed_words", "retrain_lines"]

GROUPS = {"subject": "animals", "recording": "recordings", "clip": "clips"}
"""What the groups are, by ``groups.by``."""

_JUDGED = "balanced accuracy"
_SHOWN = (_JUDGED, "accuracy", "macro F1")


def retrain_lines(found: Mapping[str, Any], *, run_dir: Path, workspace: Path) -> list[str]:
    """Return the end of `audit retrain`: the arms, what differs between them, and what to type next."""
    groups = GROUPS[found["groups_are"]]
    share = found["reviewed_frames"] / found["frames"]
    lines = [
        f"reviewed   {found['reviewed_frames']:,} of {found['frames']:,} frames ({share:.1%}), {found['decisions']:,} events"
    ]
    for species, told in found["species"].items():
        lines += ["", *_species_lines(species, told, groups=groups)]
        if any(arm is None for arm in told["arms"].values()):
            lines += [f"  {line}" for line in _way_out(told["verified"], groups=groups, workspace=workspace)]
    if not found["reviewed_frames"]:
        lines += ["", f"nothing is reviewed yet: `audit review{_where(workspace)}` relabels, then type this again"]
    lines += ["", *(f"{arm:<10} {run_dir / path}" for arm, path in found["bundles"].items())]
    best = run_dir / list(found["bundles"].values())[-1]
    return [*lines, f"next: audit predict YOUR_CLIPS --model {best} --out predictions.parquet"]


def needed_words(verified: Mapping[str, Any], *, groups: str) -> str:
    """Return how many windows are verified, and how many more a verdict needs."""
    there = f"{_count(verified['windows'], 'verified window')} of {_count(verified['groups'], groups[:-1])} in the hold-out"
    windows, others = verified["needed_windows"], verified["needed_groups"]
    more = _count(windows, "more window") if windows else "windows"
    of = f" of {_count(others, f'other {groups[:-1]}')}" if others else ""
    return f"{there}, {more}{of} needed"


def _species_lines(species: str, told: Mapping[str, Any], *, groups: str) -> list[str]:
    verified = told["verified"]
    if any(arm is None for arm in told["arms"].values()):
        head = f"{species}: cannot tell which arm is better: {needed_words(verified, groups=groups)}"
        rows = [f"  {arm:<10} {count:>9,}" for arm, count in told["taught"].items()]
        return [head, f"  {'arm':<10} {'taught':>9}", *rows]
    left_out = verified["left_out_unsure"] + verified["left_out_foreign"]
    on = f"{verified['windows']:,} windows of {_count(verified['groups'], groups[:-1])}"
    but = f" ({left_out:,} more show no one class)" if left_out else ""
    head = f"{species}: tested on {on} that were held out and labelled blind{but}"
    lines = [head, f"  {'arm':<10} {'taught':>9}" + "".join(f"  {name:<24}" for name in _SHOWN).rstrip()]
    for arm, figures in told["arms"].items():
        cells = "".join(f"  {_percent(figures['measures'][name]):<24}" for name in _SHOWN)
        lines.append(f"  {arm:<10} {told['taught'][arm]:>9,}{cells}".rstrip())
    lines += ["", *(f"  {_verdict(pair, figures[_JUDGED], groups=groups)}" for pair, figures in told["differences"].items())]
    return lines + _curve_lines(told["curve"])


def _verdict(pair: str, figure: Mapping[str, Any], *, groups: str) -> str:
    """Say whether one arm beats another, in points of balanced accuracy."""
    later, _, earlier = pair.partition(" - ")
    value, low, high = (None if figure[k] is None else 100 * figure[k] for k in ("value", "low", "high"))
    on = _count(figure["groups"], groups[:-1])
    if value is None or low is None or high is None:
        return f"cannot tell {later} from {earlier}: too few groups, {on}"
    if low > 0:
        return f"{later} beats {earlier} by {value:.1f} points of {_JUDGED} ({low:.1f} to {high:.1f}), {on}"
    if high < 0:
        return f"{later} is worse than {earlier} by {-value:.1f} points of {_JUDGED} ({-high:.1f} to {-low:.1f}), {on}"
    return f"cannot tell {later} from {earlier}: {value:+.1f} points of {_JUDGED} ({low:+.1f} to {high:+.1f}), {on}"


def _curve_lines(curve: list[Mapping[str, Any]]) -> list[str]:
    if not curve:
        return []
    rows = [f"  {point['share']:>5.0%} {point['reviewed_frames']:>9,}  {_percent(point['measures'][_JUDGED])}" for point in curve]
    return ["", f"  learning curve: decisions in order of time, frames that they reviewed, {_JUDGED}", *rows]


def _way_out(verified: Mapping[str, Any], *, groups: str, workspace: Path) -> list[str]:
    """Say what to do where the verified windows are too few."""
    if verified["held_out_groups"] < FEWEST_GROUPS:
        held_out = _count(verified["held_out_groups"], groups[:-1])
        again = "raise folds.holdout in audit.toml and `audit run` again, before more is labelled blind"
        return [f"only {held_out} held out, and a verdict needs {FEWEST_GROUPS}: {again}"]
    page = f"`audit review{_where(workspace)}`, page Blind sample"
    return [f"{page}: draw windows of the hold-out and label them, then type this again"]


def _percent(figure: Mapping[str, Any]) -> str:
    value, low, high = figure["value"], figure["low"], figure["high"]
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" + ("" if low is None or high is None else f" ({100 * low:.1f} to {100 * high:.1f})")


def _where(workspace: Path) -> str:
    return "" if workspace == Path() else f" -w {workspace}"


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
