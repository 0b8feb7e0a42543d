"""How the figures of a retraining read in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipeline.report.comparison.comparison_text import interval_words, missing_words
from pipeline.report.comparison.results import Interval, Species
from pipeline.report.comparison.verdict_text import counted
from pipeline.report.text import typed
from pipeline.report.trust_text import GROUPS

__all__ = ["retrain_lines"]

_JUDGED = "balanced accuracy"
_SHOWN = (_JUDGED, "accuracy", "macro F1")


def retrain_lines(found: Mapping[str, Any], *, run_dir: Path, workspace: Path) -> list[str]:
    """Return the end of `audit retrain`: the arms, what differs between them, and what to type next."""
    group = GROUPS[found["groups_are"]]
    share = found["reviewed_frames"] / found["frames"]
    lines = [
        f"reviewed   {found['reviewed_frames']:,} of {found['frames']:,} frames ({share:.1%}), {found['decisions']:,} events"
    ]
    for species, told in found["species"].items():
        lines += ["", *_species_lines(species, told, group=group, workspace=workspace)]
    where = typed(workspace)
    if not found["reviewed_frames"]:
        lines += ["", f"nothing is reviewed yet: `audit review{where}` relabels, then type this again"]
    lines += ["", *(f"{arm:<10} {run_dir / path}" for arm, path in found["bundles"].items())]
    last = run_dir / list(found["bundles"].values())[-1]
    return [*lines, f"next: `audit compare{where}`, or audit predict YOUR_CLIPS --model {last} --out predictions.parquet"]


def _species_lines(species: str, told: Mapping[str, Any], *, group: str, workspace: Path) -> list[str]:
    verified = told["verified"]
    if any(arm is None for arm in told["arms"].values()):
        missing = missing_words(msgspec.convert(told, Species), group=group, workspace=workspace)
        rows = [f"  {arm:<10} {count:>9,}" for arm, count in told["taught"].items()]
        return [f"{species}: cannot tell which arm is better: {missing}", f"  {'arm':<10} {'taught':>9}", *rows]
    left_out = verified["left_out_unsure"] + verified["left_out_foreign"]
    on = f"{counted(verified['windows'], 'window')} of {counted(verified['groups'], group)}"
    but = f" ({left_out:,} more show no one class)" if left_out else ""
    head = f"{species}: tested on {on} that were held out and labelled blind{but}"
    lines = [head, f"  {'arm':<10} {'taught':>9}" + "".join(f"  {name:<24}" for name in _SHOWN).rstrip()]
    for arm, figures in told["arms"].items():
        cells = "".join(f"  {interval_words(Interval(**figures['measures'][name])):<24}" for name in _SHOWN)
        lines.append(f"  {arm:<10} {told['taught'][arm]:>9,}{cells}".rstrip())
    apart = {pair: Interval(**figures[_JUDGED]) for pair, figures in told["differences"].items()}
    same = told.get("identical", [])
    verdicts = [_same(pair) if pair in same else _verdict(pair, found, group=group) for pair, found in apart.items()]
    lines += ["", *(f"  {verdict}" for verdict in verdicts)] if verdicts else []
    return lines + _curve_lines(told["curve"])


def _verdict(pair: str, found: Interval, *, group: str) -> str:
    """Say whether one arm beats another, in points of balanced accuracy."""
    later, _, earlier = pair.partition(" - ")
    on = counted(found.groups, group)
    if found.value is None or found.low is None or found.high is None:
        return f"cannot tell {later} from {earlier}: too few groups, {on}"
    value, low, high = (100 * x for x in (found.value, found.low, found.high))
    if found.sign > 0:
        return f"{later} beats {earlier} by {value:.1f} points of {_JUDGED} ({low:.1f} to {high:.1f}), {on}"
    if found.sign < 0:
        return f"{later} is worse than {earlier} by {-value:.1f} points of {_JUDGED} ({-high:.1f} to {-low:.1f}), {on}"
    return f"cannot tell {later} from {earlier}: {value:+.1f} points of {_JUDGED} ({low:+.1f} to {high:+.1f}), {on}"


def _same(pair: str) -> str:
    later, _, earlier = pair.partition(" - ")
    return f"{later} and {earlier} predict the same for every verified window (identical predictions)"


def _curve_lines(curve: Sequence[Mapping[str, Any]]) -> list[str]:
    if not curve:
        return []
    rows = [
        f"  {point['share']:>9.0%} {point['reviewed_frames']:>15,}  {interval_words(Interval(**point['measures'][_JUDGED]))}"
        for point in curve
    ]
    head = f"  {'decisions':>9} {'reviewed frames':>15}  {_JUDGED}"
    return ["", "  learning curve: the first decisions, in order of time", head, *rows]
