"""What retraining gained, in sentences: the headline of comparison.html, and the ends of `audit compare` and `audit retrain`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipeline.evaluation.label_evaluation import LabelEvaluation
from pipeline.report.comparison.results import Interval, Retraining, Species
from pipeline.report.formatting import counted, shown_share, typed
from pipeline.report.label_error_text import blind_page, label_sentence, stop_sentence
from pipeline.report.trust_text import GROUPS
from pipeline.windows.folds import FEWEST_GROUPS

_MAIN = "balanced accuracy"
_MEASURES = (_MAIN, "accuracy", "macro F1")
_FIRST_SAMPLE = 40
_GAINS = {
    "pruned - given": "pruning alone gains",
    "reviewed - given": "pruning and review together gain",
    "reviewed - pruned": "review adds to pruning",
}
_TRAINED_ON = {
    "given": "trained on the labels given",
    "pruned": "on pruned ones (nobody looked at any)",
    "reviewed": "on reviewed ones",
}


def headline(found: Retraining | None, measured: LabelEvaluation, *, workspace: Path) -> list[str]:
    """Return what came of the review: a sentence for the models of each species and two for the labels, the known ones first."""
    models = [] if found is None else [_gain(name, of, found, workspace) for name, of in found.species.items()]
    labels = [label_sentence(measured.estimate, workspace=workspace), stop_sentence(measured.estimate, workspace=workspace)]
    trains = f"`audit retrain{typed(workspace)}` trains them on the labels as given, pruned and reviewed."
    untrained = f"No models are compared yet: {trains}" if found is None else ""
    return [sentence for sentence in (*models, *labels, untrained) if sentence]


def outcome(found: Retraining | None, measured: LabelEvaluation) -> str:
    """Return the outcome in one plain sentence; what is not known is left out."""
    species = {} if found is None else found.species
    gains = _gains_in_short(species)
    if measured.estimate.is_known:
        gains.append(f"at most {shown_share(measured.estimate.after.at_most)} of the labels are wrong")
    if not gains:
        return "Not known yet: what review gained"
    listed = ", ".join(gains[:-1])
    return f"{'After review' if measured.decisions else 'Before any review'} {f'{listed}, and ' if listed else ''}{gains[-1]}"


def compared_pair(species: Species) -> str | None:
    """Return the difference that measures the gain: of the reviewed arm, else of the pruned one, from the given labels."""
    pairs = [p for p in ("reviewed - given", "pruned - given") if p in species.differences]
    return pairs[0] if pairs else None


def missing_windows(species: Species, *, group: str, workspace: Path) -> str:
    """Return how many verified windows a comparison of the arms still needs, and where to get them."""
    verified = species.verified
    if verified.held_out_groups is not None and verified.held_out_groups < FEWEST_GROUPS:
        return (
            f"only {counted(verified.held_out_groups, group)} held out, {FEWEST_GROUPS} are needed: raise folds.holdout in "
            f"audit.toml (half of the {group}s at most can be held out: with fewer than {2 * FEWEST_GROUPS} add more) and "
            "`audit run` again, before more is labelled blind"
        )
    if not verified.windows:
        size = max(_FIRST_SAMPLE, verified.needed_windows)
        return f"no verified hold-out windows yet: label {size} blind ({blind_page(workspace)})"
    more = [counted(verified.needed_windows, "window")] if verified.needed_windows else []
    more += [f"windows of {counted(verified.needed_groups, f'more {group}')}"] if verified.needed_groups else []
    there = f"{counted(verified.windows, 'verified hold-out window')} of {counted(verified.groups, group)}"
    return f"only {there}: {' and '.join(more) or 'more'} must be labelled blind ({blind_page(workspace)})"


def review_sentence(measured: LabelEvaluation) -> str:
    """Return how much was reviewed, and by whom."""
    if not measured.decisions:
        return "nothing is reviewed yet"
    share = measured.reviewed_frames / max(measured.frames, 1)
    who = ", ".join(measured.reviewers)
    frames = f"{measured.reviewed_frames:,} of {measured.frames:,} frames reviewed ({shown_share(share)})"
    return f"{frames}, {counted(measured.decisions, 'decision')} by {who}"


def share_cell(found: Interval) -> str:
    """Return a share with its interval, in percent; what lies beyond 0 or 100 is cut off."""
    if found.value is None:
        return "-"
    value = f"{100 * found.value:.1f} %"
    share = found.as_share()
    if share.low is None or share.high is None:
        return value
    return f"{value} ({100 * share.low:.1f} to {100 * share.high:.1f})"


def compare_lines(
    found: Retraining | None, measured: LabelEvaluation, *, run_dir: Path, report: Path, workspace: Path
) -> Iterator[str]:
    """Yield `audit compare` for people."""
    yield f"run        {run_dir}"
    yield f"review     {review_sentence(measured)}"
    yield ""
    yield from headline(found, measured, workspace=workspace)
    if found is not None:
        stale = stale_sentence(found, measured, workspace=workspace)
        if stale:
            yield stale
        for name, species in found.species.items():
            yield from _species_lines(name, species)
    yield ""
    yield f"report: {report}"


def stale_sentence(found: Retraining, measured: LabelEvaluation, *, workspace: Path) -> str:
    """Return that decisions were made since the models were trained; empty where none were."""
    if found.decisions == measured.decisions:
        return ""
    return (
        f"The models were trained with {counted(found.decisions, 'decision')}, now there are {measured.decisions:,}: run "
        f"`audit retrain{typed(workspace)}` again."
    )


def _gain(name: str, species: Species, found: Retraining, workspace: Path) -> str:
    """Say what retraining gained for one species, in points of balanced accuracy."""
    group = GROUPS.get(found.groups_are, "group")
    pair = compared_pair(species)
    if not species.known:
        return f"{name}: cannot tell what retraining gained: {missing_windows(species, group=group, workspace=workspace)}."
    if pair is None:
        return f"{name}: nothing to compare: only the arms {', '.join(species.known)} were trained."
    levels = [f"{shown_share(found.measures[_MAIN].value)} {_TRAINED_ON[arm]}" for arm, found in species.known.items()]
    on = f"{counted(species.verified.windows, 'verified window')} of {counted(species.verified.groups, group)}"
    apart = [_gain_of_pair(species, p) for p in _GAINS if p in species.differences]
    return f"{name}: {_MAIN} {', '.join(levels)}, on {on} that were held out and labelled blind: {'; '.join(apart)}."


def _gain_of_pair(species: Species, pair: str) -> str:
    """Say how much better one arm is than another, and whether the interval excludes 0."""
    found = species.differences[pair][_MAIN]
    who = _GAINS[pair]
    if pair in species.identical:
        return f"{who} nothing: identical predictions"
    gain = f"{who} {points_text(found)}"
    if not found.is_known:
        return f"{gain}, too few groups to tell more"
    return gain if found.sign else f"{gain}, so whether it gains is not certain"


def points_text(found: Interval) -> str:
    """Return a difference with its interval, in points."""
    return points_cell(found, unit=" points", interval="95 % interval ")


def _gains_in_short(species: Mapping[str, Species]) -> list[str]:
    """Return what is known of the models, those that gained first; nothing where nothing was compared."""
    pairs = {name: pair for name, of in species.items() if (pair := compared_pair(of))}
    apart = {name: species[name].differences[pair][_MAIN] for name, pair in pairs.items()}
    models = {name: f"the {name} model" if len(species) > 1 else "the model" for name in species}
    gains = [
        f"{models[name]} is {abs(100 * found.value):.1f} points {'better' if found.sign > 0 else 'worse'}"
        f"{_without_anybody(species[name])}"
        for name, found in sorted(apart.items(), key=lambda item: -item[1].sign)
        if found.value is not None and found.sign
    ]
    open_ones = [models[name] for name, found in apart.items() if found.is_known and not found.sign]
    return gains + ([f"no difference is certain for {' and '.join(open_ones)}"] if open_ones else [])


def _without_anybody(species: Species) -> str:
    """Return how much of a gain came from pruning, and what review added to it."""
    alone = species.differences.get("pruned - given", {}).get(_MAIN)
    added = species.differences.get("reviewed - pruned", {}).get(_MAIN)
    if alone is None or alone.value is None:
        return ""
    if added is None or added.value is None:
        return " by pruning alone, without anybody"
    addition = "nothing" if "reviewed - pruned" in species.identical else points_text(added)
    return f" ({100 * alone.value:+.1f} by pruning alone, without anybody; review adds {addition})"


def _species_lines(name: str, species: Species) -> Iterator[str]:
    yield ""
    yield from _arm_lines(name, species, width=10)
    for pair, of in species.differences.items():
        same = "  identical predictions" if pair in species.identical else ""
        yield f"  {pair:<18}" + (same or "".join(f"  {points_cell(of[m]):<24}" for m in _MEASURES if m in of).rstrip())


def _arm_lines(head: str, species: Species, *, width: int, names: Sequence[str] = _MEASURES) -> Iterator[str]:
    """Yield a line for each arm: the windows that it was trained on, and its measures of these names."""
    yield f"{head:<{width}} {'trained on':>10}" + "".join(f"  {m:<24}" for m in names).rstrip()
    for arm, count in species.training_windows.items():
        measures = species.known[arm].measures if arm in species.known else {}
        cells = "".join(f"  {share_cell(measures[m]) if m in measures else '-':<24}" for m in names)
        yield f"{'  ' + arm:<{width}} {count:>10,}{cells}".rstrip()


def points_cell(found: Interval, *, unit: str = "", interval: str = "") -> str:
    """Return a difference with its interval, in points, as short as a cell of a table takes it."""
    if found.value is None:
        return "-"
    value = f"{100 * found.value:+.1f}{unit}"
    if found.low is None or found.high is None:
        return value
    return f"{value} ({interval}{100 * found.low:+.1f} to {100 * found.high:+.1f})"


def retrain_lines(found: Mapping[str, Any], *, run_dir: Path, workspace: Path) -> Iterator[str]:
    """Yield the end of `audit retrain`: the arms, what differs between them, and what to type next."""
    made = msgspec.json.decode(json.dumps(found), type=Retraining)
    group, where = GROUPS[made.groups_are], typed(workspace)
    share = made.reviewed_frames / made.frames
    yield f"reviewed   {made.reviewed_frames:,} of {made.frames:,} frames ({share:.1%}), {made.decisions:,} events"
    for name, species in made.species.items():
        yield ""
        yield from _retrained_lines(name, species, group=group, workspace=workspace)
    if not made.reviewed_frames:
        yield f"\nnothing is reviewed yet: `audit review{where}` relabels, then type this again"
    yield ""
    yield from (f"{arm:<10} {run_dir / path}" for arm, path in made.bundles.items())
    last = run_dir / list(made.bundles.values())[-1]
    yield f"next: `audit compare{where}`, or audit predict YOUR_CLIPS --model {last} --out predictions.parquet"


def _retrained_lines(name: str, species: Species, *, group: str, workspace: Path) -> Iterator[str]:
    verified = species.verified
    if len(species.known) < len(species.arms):
        missing = missing_windows(species, group=group, workspace=workspace)
        yield f"{name}: cannot tell which arm is better: {missing}"
        yield from _arm_lines("  arm", species, width=12, names=())
        return
    left_out = verified.left_out_unsure + verified.left_out_of_taxonomy
    on = f"{counted(verified.windows, 'window')} of {counted(verified.groups, group)}"
    but = f" ({left_out:,} more show no one class)" if left_out else ""
    yield f"{name}: tested on {on} that were held out and labelled blind{but}"
    yield from _arm_lines("  arm", species, width=12)
    if species.differences:
        yield ""
    for pair, of in species.differences.items():
        yield f"  {_apart_sentence(pair, of[_MAIN], same=pair in species.identical, group=group)}"
    if species.curve:
        yield "\n  learning curve: the first decisions, in order of time"
        yield f"  {'decisions':>9} {'reviewed frames':>15}  {_MAIN}"
    for point in species.curve:
        yield f"  {point.share:>9.0%} {point.reviewed_frames:>15,}  {share_cell(point.measures[_MAIN])}"


def _apart_sentence(pair: str, found: Interval, *, same: bool, group: str) -> str:
    """Say whether one arm beats another, in points of balanced accuracy."""
    later, _, earlier = pair.partition(" - ")
    if same:
        return f"{later} and {earlier} predict the same for every verified window (identical predictions)"
    on = counted(found.groups, group)
    if found.value is None or found.low is None or found.high is None:
        return f"cannot tell {later} from {earlier}: too few groups, {on}"
    value, low, high = (100 * x for x in (found.value, found.low, found.high))
    if found.sign > 0:
        return f"{later} beats {earlier} by {value:.1f} points of {_MAIN} ({low:.1f} to {high:.1f}), {on}"
    if found.sign < 0:
        return f"{later} is worse than {earlier} by {-value:.1f} points of {_MAIN} ({-high:.1f} to {-low:.1f}), {on}"
    return f"cannot tell {later} from {earlier}: {value:+.1f} points of {_MAIN} ({low:+.1f} to {high:+.1f}), {on}"
