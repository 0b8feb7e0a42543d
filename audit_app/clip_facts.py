"""What the routes need to know of one clip, read from its run without loading the whole table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.errors import UsageError
from data_schemas.tables import CLIPS, FRAMES
from pipeline.readers.aihub59.label_file import video_size
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.listing import read_bytes
from pipeline.windows.frame_index import given_labels
from pipeline.workspace.run_folder import RunFolder


@dataclass(frozen=True)
class ClipFacts:
    """A clip's frame numbers, ascending, its given label for each (None: none), and each frame's picture in the source.

    ``video`` is width and height of the video that keypoints are measured in: pictures may be smaller. None: as the pictures.
    """

    frame_numbers: NDArray[np.int64]
    given: tuple[str | None, ...]
    images: dict[int, str]
    video: tuple[int, int] | None = None


@lru_cache(maxsize=128)
def clip_facts(run: Path, clip_id: str) -> ClipFacts:
    """Return the facts of a clip of a run."""
    # What is no Unicode (half a surrogate pair) is the name of no clip, and nothing that Arrow could compare.
    own, folder = [clip_id.encode(errors="replace").decode()], RunFolder(run)
    frames = folder.read_columns("frames", FRAMES, ["clip_id", "frame_number", "frame_label", "image"], clip_ids=own)
    clips = folder.read_columns("clips", CLIPS, ["clip_id", "label", "source"], clip_ids=own)
    if clips.empty:
        raise UsageError(f"no clip {clip_id!r} in {run}", hint="reload the page: another run may have replaced this one")
    frames = frames.sort_values("frame_number", kind="stable", ignore_index=True)
    given = given_labels(clips, frames).astype(object)
    number = frames["frame_number"].to_numpy(np.int64)
    images = frames["image"].dropna() if "image" in frames else pd.Series(dtype="str")
    return ClipFacts(
        frame_numbers=number,
        given=tuple(given.where(given.notna(), None)),
        images=dict(zip(number[images.index].tolist(), images, strict=True)),
        video=_video(run, str(clips["source"].iloc[0])) if len(images) else None,
    )


def _video(run: Path, label_file: str) -> tuple[int, int] | None:
    record = RunFolder(run).record()
    if record.get("format") != "aihub59":
        return None
    try:
        return video_size(read_bytes(Path(str(record["source"])), label_file))
    except Unreadable:
        # The label file went or changed since; the picture is then taken for the whole video.
        return None


def alias_of(clip_id: str, secret: bytes) -> str:
    """Return the name under which a clip is shown blind: AI-Hub's own names hold the label."""
    return f"window-{hashlib.blake2b(clip_id.encode(), key=secret, digest_size=10).hexdigest()}"


def clip_behind(alias: str, run: Path, secret: bytes) -> str:
    """Return the clip that an alias stands for."""
    clip_id = _aliases(run, secret).get(alias)
    if clip_id is None:
        raise UsageError(f"{alias!r} stands for no clip of {run}", hint="reload the page: another run may have replaced this one")
    return clip_id


@lru_cache(maxsize=4)
def _aliases(run: Path, secret: bytes) -> dict[str, str]:
    names = RunFolder(run).read_columns("clips", CLIPS, ["clip_id"])["clip_id"]
    return {alias_of(name, secret): name for name in names}
