"""Reader of AI-Hub #59 label files, one JSON a clip: from a file's bytes to a clip, or to the reason why it is none."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_schemas.config import Config
from data_schemas.errors import ConfigError
from data_schemas.labels import Taxonomy
from data_schemas.skeletons import Skeleton, load_skeleton
from pipeline.readers.action_classes import class_of, inspected_class
from pipeline.readers.aihub59.label_file import KEYPOINTS, Animal, LabelFile, Metadata, as_float, decode_label_file
from pipeline.readers.checks import (
    ASSUMED_RATE,
    ASSUMED_RATE_NOTE,
    UNSIZED_LIMIT,
    Unreadable,
    fill_times,
    frame_rate,
    order_frames,
    repair_coordinates,
)
from pipeline.readers.names import clip_id_of, plain_name, shown_path, without_ending, years
from pipeline.readers.pauses import mismatch_notes
from pipeline.readers.recordings import Clip, ReaderMessage, group_of
from pipeline.readers.time_units import frame_rate_note
from pipeline.readers.unseen import unseen_keypoints, unseen_note

_LONGEST = 10.0
"""How many picture sizes away a coordinate is still believed."""

_DATE = re.compile(r"(?<!\d)(20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)")
_PLACES = {
    "date": "$.file_video",
    "breed": "$.metadata.animal.breed",
    "gender": "$.metadata.animal.gender",
    "age": "$.metadata.animal.age",
    "recording": "$.file_video",
}


def looks_like_a_clip(data: bytes) -> bool:
    """Tell by a file's bytes whether it may be a label file of this format; UTF-16 puts a zero beside every letter."""
    plain = data.replace(b"\0", b"")
    return b'"annotations"' in plain and (b'"file_video"' in plain or b'"frame_number"' in plain)


def skeleton_of_clips(config: Config) -> Skeleton:
    """Return the skeleton of the 15 keypoints, or the user's own names for them, in the order of their numbers.

    Raises
    ------
    ConfigError
        ``pose.skeleton`` does not name 15 keypoints, or names those of the format in another order; or ``pose.min_confidence`` is
        set, which no label file could have.
    """
    if config.pose.min_confidence > 0:
        raise ConfigError(
            f"pose.min_confidence = {config.pose.min_confidence:g}, but label files of AI-Hub #59 have no keypoint confidences",
            hint="leave pose.min_confidence at 0",
        )
    own = load_skeleton("aihub59")
    if config.pose.skeleton in ("auto", own.name):
        return own
    skeleton = load_skeleton(config.pose.skeleton)
    names = skeleton.keypoints
    if len(names) != KEYPOINTS or (set(names) == set(own.keypoints) and names != own.keypoints):
        raise ConfigError(
            f"pose.skeleton: {config.pose.skeleton} does not fit AI-Hub #59, whose label files number {KEYPOINTS} keypoints",
            hint=f"name {KEYPOINTS} keypoints in the order {', '.join(own.keypoints)}, or leave pose.skeleton at auto",
        )
    return skeleton


def read_clip(path: str, data: bytes, *, config: Config, taxonomy: Taxonomy | None) -> Clip | ReaderMessage:
    """Read one label file, or say where and why it cannot be read.

    Parameters
    ----------
    path : str
        The file's path below the source.
    data : bytes
        Its contents.
    """
    try:
        file = decode_label_file(data, config.source.encoding)
        digest = hashlib.blake2b(data, digest_size=16).hexdigest()
        return _clip(path, file, digest=digest, config=config, taxonomy=taxonomy)
    except Unreadable as error:
        return ReaderMessage(shown_path(path), error.place, error.reason)


def _clip(path: str, file: LabelFile, *, digest: str, config: Config, taxonomy: Taxonomy | None) -> Clip:
    meta, clip_id = file.metadata, clip_id_of(path)
    if not clip_id:
        raise Unreadable("", "the file's name is empty but for its ending, so the clip has no name")
    _require_one_animal(file)
    xy, pose_notes = repair_coordinates(file.xy, limit=_limit(meta))
    time, time_notes = fill_times(file.frame_number, file.timestamp, place="$.annotations[{row}].timestamp")
    order, order_notes = order_frames(file.frame_number, time, xy, place="$.annotations[{row}]")
    number, time, xy = file.frame_number[order], np.rint(time[order]), xy[order]
    unseen_notes = _drop_unseen(xy)
    label, other_label, label_notes = _labels(meta, taxonomy, config=config)
    rate = frame_rate(number, time)
    odd = frame_rate_note(rate, by_row=len(time) > 1 and bool((np.diff(time) == 1).all())) if rate else ASSUMED_RATE_NOTE
    notes = Counter(file.notes)
    for repaired in (
        mismatch_notes(number, time),
        pose_notes,
        unseen_notes,
        time_notes,
        order_notes,
        label_notes,
        {odd: 1} if odd else {},
    ):
        notes.update(repaired)
    facts = _facts(file, clip_id, config=config)
    facts |= {"source": shown_path(path), "source_hash": digest}
    return Clip(
        facts=facts | {"fps": rate or ASSUMED_RATE, "label": label, "other_label": other_label},
        frame_number=number.astype(np.int32),
        timestamp_ms=time.astype(np.int32),
        xy=xy,
        notes=dict(notes),
    )


def _require_one_animal(file: LabelFile) -> None:
    """Refuse a file in which most frames are annotated several times, with different poses."""
    order = np.argsort(file.frame_number, kind="stable")
    again = np.flatnonzero(np.diff(file.frame_number[order]) == 0)
    if not len(again):
        return
    one, other = file.xy[order[again]], file.xy[order[again + 1]]
    differs = ~((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=(1, 2))
    frames, repeated = len(np.unique(file.frame_number)), len(np.unique(file.frame_number[order[again[differs]]]))
    if 2 * repeated > frames:
        owner = file.metadata.owner
        count = owner.get("animalCount") if isinstance(owner, dict) else None
        declared = "" if count is None else f" (owner.animalCount {count})"
        raise Unreadable(
            f"$.annotations[{order[again[differs][0] + 1]}]",
            f"{repeated:,} of {frames:,} frames are annotated several times, with different poses, as for several "
            f"animals{declared}: keep one animal a file",
        )


def _drop_unseen(xy: NDArray[np.float32]) -> Counter[str]:
    """Let keypoints be missing that stand where nothing was seen, and return the notes of how many."""
    points = np.ascontiguousarray(xy.reshape(len(xy), -1).T)
    notes: Counter[str] = Counter()
    for found in list(unseen_keypoints(points, np.zeros(len(xy), np.int64))):
        xy[found.rows, found.keypoint] = np.nan
        notes[f"a keypoint {unseen_note(found.place)}"] += int(found.rows.sum())
    return notes


def _facts(file: LabelFile, clip_id: str, *, config: Config) -> dict[str, Any]:
    """Return who was recorded when, and the group of the folds that follows from it."""
    animal = file.metadata.animal or Animal()
    recording, date = without_ending(file.file_video), _date(file.file_video, clip_id)
    breed, gender, age = plain_name(animal.breed), plain_name(animal.gender), plain_name(animal.age)
    animal_facts = {"date": date, "breed": breed, "gender": gender, "age": age}
    return {
        "clip_id": clip_id,
        "recording_id": recording or clip_id,
        "subject_id": group_of(clip_id, recording=recording, animal=animal_facts, config=config, places=_PLACES),
        "species": _species(file.metadata),
        **(animal_facts | {"age": years(age)}),
    }


def _species(meta: Metadata) -> str:
    species = plain_name(meta.species)
    if species is None:
        raise Unreadable("$.metadata.species", "no species is named")
    return species.upper()


def _limit(meta: Metadata) -> float:
    sides = [side for side in (as_float(meta.height), as_float(meta.width)) if side > 0]
    return min(_LONGEST * max(sides), UNSIZED_LIMIT) if sides else UNSIZED_LIMIT


def _labels(meta: Metadata, taxonomy: Taxonomy | None, *, config: Config) -> tuple[str | None, str | None, dict[str, int]]:
    """Return the owner's label (None where the configuration allows it), the inspector's, and a note where one is not known."""
    species, owner = _species(meta), plain_name(meta.action)
    if owner is None and config.labels.missing == "unlabelled":
        return None, None, {"no action is named: the clip is unlabelled": 1}
    if owner is None:
        raise Unreadable("$.metadata.action", "no action is named")
    label = class_of(owner, species=species, taxonomy=taxonomy, places=("$.metadata.species", "$.metadata.action"))
    inspector = plain_name(meta.inspect.action) if meta.inspect else None
    return label, *inspected_class(inspector, species=species, taxonomy=taxonomy)


def _date(video: str | None, clip_id: str) -> str | None:
    """Return the recording date, YYYYMMDD: of the video's folder, else of its name, else of the clip's."""
    path = PurePosixPath((video or "").replace("\\", "/"))
    for text in (*reversed(path.parts[:-1]), path.name, clip_id):
        if found := _DATE.search(text):
            return found[1]
    return None
