"""What the routes need to know of one clip, read from its run without loading the whole table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.typing import NDArray

from data_schemas.errors import UsageError, WorkspaceError
from pipeline.readers.aihub59.label_file import video_size
from pipeline.readers.checks import Unreadable
from pipeline.readers.files.listing import read_bytes
from pipeline.windows.frame_index import given_labels
from pipeline.workspace.run_folder import RunFolder

__all__ = ["ClipFacts", "alias_of", "clip_behind", "clip_facts"]


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
    """Return the facts of a clip of a run.

    Raises
    ------
    UsageError
        The run has no such clip.
    WorkspaceError
        Its tables cannot be read.
    """
    # What is no Unicode (half a surrogate pair) is the name of no clip, and nothing that Arrow could compare.
    own = [("clip_id", "=", clip_id.encode(errors="replace").decode())]
    frames = _columns(run / "frames.parquet", {"clip_id", "frame_number", "frame_label", "image"}, filters=own)
    clips = _columns(run / "clips.parquet", {"clip_id", "label", "source"}, filters=own)
    if not clips.num_rows:
        raise UsageError(f"no clip {clip_id!r} in {run}", hint="reload the page: another run may have replaced this one")
    number = frames["frame_number"].to_numpy().astype(np.int64)
    order = np.argsort(number, kind="stable")
    labels = frames.select([c for c in frames.column_names if c != "image"]).to_pandas()
    given = given_labels(clips.to_pandas(), labels).astype(object)
    images = frames["image"].to_pylist() if "image" in frames.column_names else [None] * len(number)
    return ClipFacts(
        frame_numbers=number[order],
        given=tuple(given.where(given.notna(), None).iloc[order]),
        images={int(number[i]): images[i] for i in order.tolist() if images[i]},
        video=_video(run, clips["source"].to_pylist()[0]) if any(images) else None,
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
    """Return the clip that an alias stands for.

    Raises
    ------
    UsageError
        No clip of the run has this alias.
    """
    clip_id = _aliases(run, secret).get(alias)
    if clip_id is None:
        raise UsageError(f"{alias!r} stands for no clip of {run}", hint="reload the page: another run may have replaced this one")
    return clip_id


@lru_cache(maxsize=4)
def _aliases(run: Path, secret: bytes) -> dict[str, str]:
    names = _columns(run / "clips.parquet", {"clip_id"})["clip_id"].to_pylist()
    return {alias_of(name, secret): name for name in names}


def _columns(path: Path, wanted: set[str], *, filters: list[tuple[str, str, str]] | None = None) -> pyarrow.Table:
    """Return those of the wanted columns that a table has, of the rows that the filters leave."""
    try:
        there = sorted(wanted & set(pyarrow.parquet.read_schema(path).names))
        return pyarrow.parquet.read_table(path, columns=there, filters=filters)
    except (OSError, pyarrow.ArrowException) as error:
        raise WorkspaceError(f"{path.parent}: {error}", hint="run `audit run` again") from error
