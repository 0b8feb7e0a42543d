"""From flagged windows to segments: the unit that people review."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import text

__all__ = ["merge_segments"]

_WHOLE_CLIP = 0.8
_BAD_POSE = 0.5
_AMBIGUOUS_MARGIN = 0.05


def merge_segments(issues: pd.DataFrame, windows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Merge overlapping flagged windows of a clip into segments, and tell their kind.

    Kinds, the first that holds: ``bad_pose`` where at least half of the windows are; ``wrong_clip`` where the segment covers
    at least 80 % of its clip's windows; ``boundary`` where it lies at a change between frame labels; ``ambiguous`` where the
    suggestion is hardly likelier than chance among all classes of the species; else ``contaminated``.

    Returns
    -------
    issues, segments
        The issues with ``kind`` and ``segment_id`` filled in for flagged windows, and the segments table, the most urgent
        first: ``priority`` is the mean doubt of the segment's windows times the square root of their number.
    """
    table = issues.merge(windows[["window_id", "mixed", "bad_pose"]], on="window_id", validate="one_to_one")
    table = table.sort_values(["clip_id", "start_frame"], kind="stable", ignore_index=True)
    flagged = table[table["is_issue"]].reset_index(drop=True)
    if flagged.empty:
        return issues, _empty_segments()
    number = _segment_numbers(flagged)
    in_clip = table.groupby("clip_id").size()
    classes = table.groupby("species")["suggested_label"].nunique()
    rows = [_segment(part, in_clip=in_clip, classes=classes) for _, part in flagged.groupby(number, sort=False)]
    segments = pd.DataFrame(rows).astype(_empty_segments().dtypes.to_dict())
    flagged = flagged.assign(
        segment_id=segments["segment_id"].to_numpy(object)[number], kind=segments["kind"].to_numpy(object)[number]
    ).set_index("window_id")
    marked = issues.assign(
        kind=text(issues["window_id"].map(flagged["kind"])),
        segment_id=text(issues["window_id"].map(flagged["segment_id"])),
    )
    ranked = segments.sort_values(["priority", "segment_id"], ascending=[False, True], kind="stable", ignore_index=True)
    return marked, ranked


def _segment_numbers(flagged: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of each window's run: windows that overlap or touch within one clip and carry one given label."""
    clip, label = flagged["clip_id"].to_numpy(object), flagged["given_label"].to_numpy(object)
    start, end = flagged["start_frame"].to_numpy(), flagged["end_frame"].to_numpy()
    new = np.ones(len(flagged), bool)
    new[1:] = (clip[1:] != clip[:-1]) | (start[1:] > end[:-1] + 1) | (label[1:] != label[:-1])
    return np.cumsum(new) - 1


def _segment(part: pd.DataFrame, *, in_clip: pd.Series, classes: pd.Series) -> dict[str, object]:
    first = part.iloc[0]
    start, end = int(part["start_frame"].min()), int(part["end_frame"].max())
    weight = part.groupby("suggested_label")["suggested_probability"].sum()
    suggested = str(weight.idxmax())
    probability = float(part.loc[part["suggested_label"] == suggested, "suggested_probability"].mean())
    quality = float(part["label_quality"].mean())
    if part["bad_pose"].mean() >= _BAD_POSE:
        kind = "bad_pose"
    elif len(part) >= _WHOLE_CLIP * in_clip[first["clip_id"]]:
        kind = "wrong_clip"
    elif part["mixed"].any():
        kind = "boundary"
    elif probability < 1 / max(int(classes[first["species"]]), 1) + _AMBIGUOUS_MARGIN:
        kind = "ambiguous"
    else:
        kind = "contaminated"
    return {
        "segment_id": hashlib.blake2b(f"{first['clip_id']}\0{start}\0{end}\0segment".encode(), digest_size=8).hexdigest(),
        "clip_id": first["clip_id"],
        "species": first["species"],
        "start_frame": start,
        "end_frame": end,
        "given_label": first["given_label"],
        "suggested_label": suggested,
        "suggested_probability": probability,
        "label_quality": quality,
        "windows": len(part),
        "kind": kind,
        "priority": (1 - quality) * float(np.sqrt(len(part))),
        "split": first["split"],
    }


def _empty_segments() -> pd.DataFrame:
    name, number = pd.Series([], dtype="str"), pd.Series([], dtype="int32")
    return pd.DataFrame(
        {
            "segment_id": name,
            "clip_id": name,
            "species": name,
            "start_frame": number,
            "end_frame": number,
            "given_label": name,
            "suggested_label": name,
            "suggested_probability": number.astype("float32"),
            "label_quality": number.astype("float32"),
            "windows": number,
            "kind": name,
            "priority": number.astype("float64"),
            "split": name,
        }
    )
