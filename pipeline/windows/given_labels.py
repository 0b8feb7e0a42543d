"""The label that a source gives each frame: its own or its clip's, and null where nobody labelled it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.readers.recordings import text_by_code

__all__ = ["given_labels"]


def given_labels(clips: pd.DataFrame, frames: pd.DataFrame) -> pd.Series:
    """Return the given label of every frame, null where there is none.

    A clip of which any frame has a label of its own is labelled frame by frame: a frame without one is unlabelled there. Where no
    frame of a clip has one, the clip's label, if it has any, is that of all its frames.

    Parameters
    ----------
    clips : DataFrame with clip_id and label
        Those that the frames belong to, and maybe more.
    frames : DataFrame with clip_id and maybe frame_label
        All frames of each of their clips, in any order.
    """
    clip, names = pd.factorize(frames["clip_id"])
    of_clip, classes = pd.factorize(clips.set_index("clip_id")["label"].reindex(names))
    codes, known = of_clip[clip], list(classes)
    if "frame_label" in frames:
        own, coded = pd.factorize(frames["frame_label"])
        by_frame = np.zeros(len(names), bool)
        by_frame[clip[own >= 0]] = True
        codes = np.where(by_frame[clip], np.where(own >= 0, own + len(known), -1), codes)
        known += list(coded)
    return pd.Series(text_by_code(known, codes), index=frames.index)
