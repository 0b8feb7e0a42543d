"""Cut every clip into windows and say what each is good for."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.skeletons import Skeleton, choose_skeleton
from data_schemas.tables import keypoints_of, text
from model.windowing import SEEN, cut
from pipeline.windows.frame_index import FrameIndex, given_labels
from pipeline.windows.pose_faults.motion import body_of
from pipeline.windows.pose_faults.plausibility import find_faults, window_faults
from pipeline.windows.sampling import SampledClips


def cut_windows(
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    *,
    sampled: SampledClips,
    config: Config,
    taxonomy: Taxonomy | None,
    skeleton: Skeleton | None = None,
) -> pd.DataFrame:
    """Return the windows table, all that have a label with ``split = "audit"``.

    A window's label is its clip's, or, where frames are labelled one by one, the commonest of its frames, null where none of them
    has one; ``mixed``: it holds more than one. ``window_id`` depends on clip and span alone. ``pose_fault`` is why a
    pose is bad: too few keypoints, or implausible ones (see :mod:`pipeline.windows.pose_faults.plausibility`); ``skeleton`` names
    their bones, or ``pose.skeleton`` where it is left out.
    """
    samples, steps = sampled.samples, config.windows.steps
    first = cut(samples.block, steps=steps, stride=config.windows.stride)
    # Where the source counts fewer frames a second than the time grid has, two windows can have one span: the first is kept.
    span = np.stack([sampled.clip[first], samples.frame_number[first], samples.frame_number[first + steps - 1]], axis=1)
    first = first[np.sort(np.unique(span, axis=0, return_index=True)[1])]

    clip = sampled.clip[first]
    start, end = samples.frame_number[first], samples.frame_number[first + steps - 1]
    label, mixed = window_labels(clips, frames, clip=clip, start=start, end=end)
    species = clips["species"].to_numpy(object)[clip]
    subject = clips["subject_id"].to_numpy(object)[clip]
    clip_id = clips["clip_id"].to_numpy(object)[clip]
    fault = _pose_faults(frames, sampled, first, config=config, skeleton=skeleton)
    return pd.DataFrame(
        {
            "window_id": text([_window_id(c, a, b) for c, a, b in zip(clip_id, start, end, strict=True)]),
            "clip_id": text(clip_id),
            "subject_id": text(subject),
            "species": text(species),
            "start_frame": start.astype(np.int32),
            "end_frame": end.astype(np.int32),
            "label": text(label),
            "target": text(merged_labels(species, label, merge=config.labels.merge, taxonomy=taxonomy)),
            "group": text(subject),
            "split": text(np.where(pd.isna(label), "unlabelled", "audit")),
            "mixed": mixed,
            "reviewed": np.zeros(len(first), bool),
            "bad_pose": np.array([f is not None for f in fault], bool),
            "pose_fault": text(fault),
            "visible": _share_of_windows((samples.state == SEEN).mean(1), first, steps),
            "first_sample": first,
        }
    )


def contiguous_blocks(windows: pd.DataFrame, *, config: Config) -> NDArray[np.int64]:
    """Return the block of each window, ascending: windows of one clip that follow each other without a gap, shape (n,).

    From one to the next they share samples, or lie one stride apart where none are shared. Windows that were
    taken out part those before from those after.

    Parameters
    ----------
    windows : DataFrame with clip_id and first_sample
        By clip and time.
    """
    first = windows["first_sample"].to_numpy(np.int64)
    clip = pd.factorize(windows["clip_id"])[0]
    away, most = np.diff(first), max(config.windows.steps - 1, config.windows.stride)
    begins = (clip[1:] != clip[:-1]) | (away > most) | (away < 0)
    return np.concatenate([np.zeros(min(1, len(first)), np.int64), np.cumsum(begins)]).astype(np.int64)


def merged_labels(
    species: NDArray[np.object_] | pd.Series, label: NDArray[np.object_] | pd.Series, *, merge: str, taxonomy: Taxonomy | None
) -> NDArray[np.object_]:
    """Return the class that each label is trained as, or None where the merge leaves it out or there is no label."""
    codes, pairs = pd.MultiIndex.from_arrays([species, label]).factorize()
    classes = [None if pd.isna(name) else taxonomy.merged(merge, s, name) if taxonomy else name for s, name in pairs]
    return np.asarray(np.array([*classes, None], object)[codes])


def _pose_faults(
    frames: pd.DataFrame, sampled: SampledClips, first: NDArray[np.int64], *, config: Config, skeleton: Skeleton | None
) -> NDArray[np.object_]:
    """Return why each window's pose is bad, or None."""
    samples = sampled.samples
    faults = np.zeros_like(samples.state)
    if config.pose.find_faults:
        keypoints = keypoints_of(list(frames.columns))
        body = body_of(skeleton or choose_skeleton(keypoints, wanted=config.pose.skeleton), keypoints)
        faults = find_faults(samples, sampled.clip, body=body, hz=config.windows.hz)
    return window_faults(
        faults,
        samples.state,
        first,
        steps=config.windows.steps,
        min_visible=config.windows.min_visible,
        max_implausible=config.pose.max_implausible,
    )


def _window_id(clip_id: str, start: int, end: int) -> str:
    return hashlib.blake2b(f"{clip_id}\0{start}\0{end}".encode(), digest_size=8).hexdigest()


def _share_of_windows(share: NDArray[np.floating], first: NDArray[np.int64], steps: int) -> NDArray[np.float32]:
    total = np.concatenate([[0.0], np.cumsum(share, dtype=np.float64)])
    return np.asarray(np.clip((total[first + steps] - total[first]) / steps, 0.0, 1.0), np.float32)


def window_labels(
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    *,
    clip: NDArray[np.int32],
    start: NDArray[np.int32],
    end: NDArray[np.int32],
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Return each window's label, None where none of its frames has one, and whether they carry more than one.

    Parameters
    ----------
    clip : int32, shape (n,)
        Place of each window's clip in ``clips``, ascending.
    start, end : int32, shape (n,)
        First and last frame of each window.
    """
    if "frame_label" not in frames:
        return clips["label"].astype(object).where(clips["label"].notna(), None).to_numpy(object)[clip], np.zeros(len(clip), bool)
    codes, names = pd.factorize(given_labels(clips, frames), sort=True)
    found = FrameIndex.of_clips(clips, frames).spans(clip, start, end).commonest(codes)
    return np.array([*names, None], object)[found.code], found.count < found.labelled
