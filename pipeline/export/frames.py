"""The clean frames: a part of the run's frames table with what review and the clips table say beside it."""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa

from data_schemas.tables import CLEAN_FRAMES, keypoints_of
from pipeline.readers.recordings import text_by_code

__all__ = ["clean_frames"]

_OF_CLIP = ("subject_id", "recording_id", "species", "label", "other_label", "breed", "gender", "date")
_NUMBERS_OF_CLIP = ("age", "fps")


def clean_frames(frames: pd.DataFrame, after: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """Return the frames that are left, each with its label after review and all that is told of its clip.

    Parameters
    ----------
    frames
        A part of the run's frames table.
    after
        The same rows after review (see :func:`pipeline.review.frame_labels.review_frames`).
    clips
        The clips table, with the labels after review.
    """
    left = ~after["excluded"].to_numpy(bool)
    frames, after = frames[left].reset_index(drop=True), after[left].reset_index(drop=True)
    clip = pd.Index(clips["clip_id"]).get_indexer(frames["clip_id"])
    columns = {name: frames[name] for name in ("clip_id", "frame_number", "timestamp_ms")}
    for name in _OF_CLIP:
        place, names = pd.factorize(clips[name])
        columns[name] = pd.Series(text_by_code(list(names), place[clip]))
    columns |= {name: pd.Series(clips[name].to_numpy()[clip]) for name in _NUMBERS_OF_CLIP}
    columns |= {"frame_label": after["label"], "given_label": after["given"]}
    columns |= {"label_source": after["label_source"].where(after["label"].notna())}
    columns |= {name: after[name] for name in ("event_id", "mark")}
    columns |= {name: frames[name] for name in _poses_and_pictures(frames)}
    return pd.DataFrame({name: columns[name] for name in _ordered(columns, CLEAN_FRAMES)}, copy=False)


def _poses_and_pictures(frames: pd.DataFrame) -> list[str]:
    parts = [f"{k}_{part}" for k in keypoints_of(list(frames.columns)) for part in ("x", "y", "confidence")]
    return [name for name in (*parts, "image") if name in frames]


def _ordered(columns: dict[str, pd.Series], schema: pa.DataFrameSchema) -> list[str]:
    """Return the names of columns as the schema orders them, those that it knows by a pattern (keypoints) last."""
    named = [name for name in schema.columns if name in columns]
    return named + [name for name in columns if name not in named]
