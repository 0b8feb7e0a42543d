"""What was read, in sentences and lines: the same for the terminal and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.report.formatting import aligned, counted, cut_off, wrapped

CLASS_HEADS = ("label", "frames", "bouts", "median bout", "windows", "mixed")

_FEW = 6
_MOST_KEYPOINTS = 20
_MANY_CLASSES = 30
_WIDEST_CELL = 32
_VERY_DIFFERENT = 2.0
"""How many times as fast as the slowest the fastest clip is, for the median to mislead."""
_ALL = 1.5
"""Counted frames for each that is there, up to which all are: whole milliseconds round that much."""
_SECONDS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def data_sentences(data: Mapping[str, Any]) -> list[str]:
    """Return what was read, in two or three sentences: how much, how fast and of what; the windows; the labels."""
    return [_what(data), _how_fast(data), _labels(data)]


def class_rows(data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row for each class in the order of ``CLASS_HEADS``."""
    several = len(data["species"]) > 1
    return [
        (
            f"{c['species']} {c['label']}" if several else c["label"],
            f"{c['frames']:,}",
            f"{c['bouts']:,}",
            _duration(c["median_bout_s"]),
            f"{c['windows']:,}",
            f"{c['mixed']:,}",
        )
        for c in data["classes"]
    ]


def data_warnings(data: Mapping[str, Any]) -> list[str]:
    """Return what cannot be audited with these windows, and what would help."""
    return [*_sparse(data), *_outvoted(data)]


def noted_lines(data: Mapping[str, Any]) -> list[str]:
    """Return what was noted on reading, most often first, with the columns that it is about; the rest is counted."""
    noted: Sequence[Mapping[str, Any]] = data["noted"]
    lines = []
    for note in noted[:_FEW]:
        where = ", ".join(note["places"][:_FEW]) + (", ..." if len(note["places"]) > _FEW else "")
        times = f" ({note['count']:,} times)" if note["count"] > max(1, len(note["places"])) else ""
        lines.append(f"{where}: {note['reason']}{times}" if where else note["reason"] + times)
    return [*lines, *([f"and {len(noted) - _FEW} more kinds of notes"] if len(noted) > _FEW else [])]


def data_lines(data: Mapping[str, Any], *, width: int) -> list[str]:
    """Return what was read: sentences, a table of the classes, what these windows cannot audit, and what was noted."""
    first, *others = data_sentences(data)
    rows = class_rows(data)
    shown = [tuple(cut_off(cell, _WIDEST_CELL) for cell in row) for row in rows[:_MANY_CLASSES]]
    table = [f"  {line}" for line in aligned([CLASS_HEADS, *shown])]
    more = [f"  ... and {len(rows) - len(shown)} more classes in the report"] if len(rows) > len(shown) else []
    counts = f"rejected {data['rejected']:,}, noted {data['notes']:,}"
    return [
        *wrapped(["read " + first, *others], width=width),
        *table,
        *more,
        *wrapped([f"! {warning}" for warning in data_warnings(data)], width=width),
        counts,
        *wrapped([f"  {line}" for line in noted_lines(data)], width=width),
    ]


def _what(data: Mapping[str, Any]) -> str:
    species = data["species"]
    kinds = f" of {', '.join(species)}" if len(species) == 1 else f" ({', '.join(f'{s} {n:,}' for s, n in species.items())})"
    points = data["keypoints"]
    named = ", ".join(points[:_MOST_KEYPOINTS]) + (", ..." if len(points) > _MOST_KEYPOINTS else "")
    out = f"; {', '.join(data['left_out'])} left out" if data.get("left_out") else ""
    animals = f" of {len(data['animals'])} animals, {', '.join(data['animals'])}" if data["animals"] else ""
    groups = "" if data["group_by"] == "clip" else f", {counted(data['groups'], 'group')} (by {data['group_by']})"
    return (
        f"{counted(data['clips'], 'clip')}{kinds} from {counted(data['recordings'], 'recording')}{groups}: "
        f"{counted(data['frames'], 'frame')}, {_duration(data['seconds'])}, "
        f"{counted(len(points), 'keypoint')}{animals} ({named}{out})."
    )


def _how_fast(data: Mapping[str, Any]) -> str:
    rate, windows = data["fps"], data["windows"]
    gaps = f" {counted(data['gaps'], 'gap')} between frames {'is' if data['gaps'] == 1 else 'are'} too long for any window."
    spans = f"spans {_duration(windows['seconds'])}, {_frames_spanned(data)}."
    return f"{_rates(rate)}{_thinned(data)}; a window of {windows['steps']} samples at {windows['hz']:g} Hz {spans}" + (
        gaps if data["gaps"] else ""
    )


def _rates(rate: Mapping[str, float]) -> str:
    low, middle, high = (_number(rate[name]) for name in ("lowest", "median", "highest"))
    if _differs(rate):
        return f"{low} to {high} frames a second, from the slowest clip to the fastest"
    return f"{middle} {'frame' if middle == '1' else 'frames'} a second" + ("" if low == high else f" ({low} to {high})")


def _differs(rate: Mapping[str, float]) -> bool:
    """Tell whether rates differ so much that the median clip's says nothing of others."""
    return rate["highest"] >= _VERY_DIFFERENT * rate["lowest"]


def _thinned(data: Mapping[str, Any]) -> str:
    """Return how many of the frames that are counted are there, clip by clip; nothing where all are."""
    counted = data.get("counted")  # runs of earlier versions did not keep it
    if counted is None or counted["highest"] <= _ALL:
        return ""
    low, high = (f"one in {_number(round(counted[name]))}" for name in ("lowest", "highest"))
    return (
        f", of which {high} is there" if low == high else f", of which {'all' if low == 'one in 1' else low} to {high} are there"
    )


def _frames_spanned(data: Mapping[str, Any]) -> str:
    rate, windows = data["fps"], data["windows"]
    if not _differs(rate):
        return counted(windows["frames"], "frame")
    least, most = (max(1, round(windows["seconds"] * rate[name])) for name in ("lowest", "highest"))
    return counted(most, "frame") if least == most else f"{least:,} to {most:,} frames"


def _labels(data: Mapping[str, Any]) -> str:
    labelled, frames = data["labelled_frames"], data["frames"]
    how = "frame by frame" if data["by_frame"] else "clip by clip"
    whole = "all frames are labelled" if labelled == frames else f"{labelled:,} frames ({_share(labelled, frames)}) are labelled"
    unlabelled = data["windows"]["unlabelled"]
    without = f"; {counted(unlabelled, 'window')} without any label" if unlabelled else ""
    return f"Labelled {how}: {whole}, {counted(len(data['classes']), 'class', 'classes')}{without}."


def _sparse(data: Mapping[str, Any]) -> list[str]:
    windows = data["windows"]
    fit = windows["fit"]
    if not fit:
        return []
    which = "" if windows["sparse_clips"] == data["clips"] else f" in {windows['sparse_clips']:,} of the {data['clips']:,} clips"
    made = "few windows are cut there, or none" if fit["max_gap_ms"] else "much of a window is interpolated or missing"
    asked = f"Windows ask for a frame every {1000 / windows['hz']:g} ms, and there are fewer{which}"
    return [f"{asked}: {made}. {_settings(fit)} would fit."]


def _outvoted(data: Mapping[str, Any]) -> list[str]:
    found = [c for c in data["classes"] if c["outvoted"]]
    # Where frames are too far apart for any window, that has been said.
    lost = [c for c in data["classes"] if not c["windows"] and not c["outvoted"] and not data["windows"]["fit"]]
    names = ", ".join(c["label"] for c in lost)
    alone = (
        [f"{names} {'gets no window, so it' if len(lost) == 1 else 'get no window, so they'} cannot be audited."] if lost else []
    )
    lines = [_outvoted_class(c, several=len(data["species"]) > 1) for c in found[:_FEW]]
    rest = [c["label"] for c in found[_FEW:]]
    return [*lines, *([f"The same is so of {', '.join(rest)}."] if rest else []), *alone]


def _outvoted_class(c: Mapping[str, Any], *, several: bool) -> str:
    name = f"{c['species']} {c['label']}" if several else c["label"]
    alone = c["windows"] - c["mixed"]
    if not c["windows"]:
        what = "gets no window, so it cannot be audited"
    elif not alone:
        what = "has no window for itself, so nothing can learn it"
    elif 2 * c["bouts_in_windows"] < c["bouts"]:
        what = f"has windows for {c['bouts_in_windows']:,} of its {c['bouts']:,} bouts only"
    else:
        what = f"has {counted(alone, 'window')} for itself, few to learn it from"
    frames = _number(c["median_bout_frames"])
    last = f"{_duration(c['median_bout_s'])} ({frames} {'frame' if frames == '1' else 'frames'})"
    length = f"its {c['bouts']:,} bouts last {last} in the median" if c["bouts"] > 1 else f"its one bout lasts {last}"
    way = (
        f"{_settings(c['fit'])} (windows of {_duration((c['fit']['steps'] - 1) / c['fit']['hz'])}) would give it "
        f"about {_number(c['fit']['windows'])}."
        if c["fit"]
        else "no windows of at least 3 frames are short enough."
    )
    return f"{name} ({counted(c['frames'], 'frame')}) {what}: {length}; {way}"


def _settings(fit: Mapping[str, Any]) -> str:
    gap = f", `windows.max_gap_ms = {fit['max_gap_ms']}`" if fit["max_gap_ms"] else ""
    return f"`windows.hz = {fit['hz']:g}`, `windows.steps = {fit['steps']}`{gap}"


def _duration(seconds: float) -> str:
    """Return a time as people say it: 0.033 s, 4.8 s, 12 min, 3.4 h."""
    size, unit = next(((s, u) for s, u in _SECONDS if seconds >= 2 * s), _SECONDS[-1])
    return f"{seconds / size:.3g} {unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 and round(value, 2) == round(value) else f"{value:,.4g}"


def _share(part: int, whole: int) -> str:
    share = part / whole
    return f"{share:.1%}" if 0.0005 <= share <= 0.9995 else f"{share:.3%}"
