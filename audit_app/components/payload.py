"""Everything that the labeller shows of one clip, as one JSON value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit_app.clip_facts import alias_of
from audit_app.components.poses import packed, packed_poses
from audit_app.routes import COMMIT_ROUTE, NEXT_ROUTE, PICTURE_ROUTE, SIMILAR_ROUTE, prefixed
from audit_app.tokens import secret_of, sign
from data_schemas.labels import OTHER, normal_name
from pipeline.readers.taxonomy import other_names
from pipeline.report.run_tables import RunTables
from pipeline.report.segment_cards import WHY, drawn_edges
from pipeline.review.events import REVIEW, operation_to_json
from pipeline.review.store import ReviewStore
from pipeline.windows.frame_index import given_labels

_NO_QUALITY = 255
_NO_LABEL = -1


def clip_payload(
    found: RunTables,
    clip_id: str,
    *,
    segment_id: str | None = None,
    reviewer: str,
    stream: str = "review",
    store: ReviewStore,
    workspace: Path,
    blind: bool = False,
    window: tuple[int, int] | None = None,
    keys: Mapping[str, str] | None = None,
    step: int = 10,
    progress: Mapping[str, Any] | None = None,
    similar: Sequence[Mapping[str, Any]] | None = (),
    queue_query: str | None = None,
    here: str | None = None,
) -> dict[str, Any]:
    """Return all that the page needs to show and label a clip.

    Parameters
    ----------
    segment_id
        The segment to start at; without one the page starts at the clip's first frame.
    blind
        Leave out the given label, suggestion, quality and segments, and put an alias in place of the clip's name, which may hold
        the label: the reviewer labels it unseen. The stream is then ``blind:SAMPLE``.
    window
        First and last frame of the stretch to label, in a blind sample.
    keys, step
        The keys of ``[review]`` in audit.toml, by action, and the frames that Shift with an arrow moves.
    progress
        ``places`` (of the clip's segments, by identifier) or ``place``, ``of``, ``among`` (what is counted) and
        ``minutes_left``: what the head of the page says; any may be missing.
    similar
        Clips for comparison, as :func:`audit_app.similar_clips.similar_clips` gives them; None: the page asks for them later.
    queue_query
        The queue's filters as a query: the page has the next clip made ready by them. None: there is no queue to go on in.
    here
        What tells the page's way back to this place, where no segment does: the page sends it as ``place`` when undo goes there.
    """
    clip, frames = found.clip(clip_id)
    species = str(clip["species"])
    labels = given_labels(found["clips"], frames)
    given = labels.astype(object).where(labels.notna(), None).tolist()
    operations = store.operations(clip_id, reviewer=reviewer, stream=stream)
    painted = [s.label for o in operations for s in o.spans if s.label]
    issues = found.opinions(clip_id)
    classes = _classes(found, species, [*filter(None, given), *issues["suggested_label"], *painted])
    pictures = frames["image"].notna().to_numpy() if "image" in frames else np.zeros(0, bool)
    run_id = found.folder.path.name
    secret = secret_of(workspace.resolve())

    payload: dict[str, Any] = {
        "clip": {"clip_id": alias_of(clip_id, secret) if blind else clip_id, "species": species, "fps": float(clip["fps"])},
        "run_id": run_id,
        "reviewer": reviewer,
        "stream": stream,
        "blind": blind,
        "workspace": workspace_name(workspace),
        "token": sign(secret, reviewer=reviewer, stream=stream, run_id=run_id),
        "routes": commit_routes(),
        "classes": [_class(found, species, name) for name in classes],
        "frame_numbers": packed(frames["frame_number"].to_numpy(), "<i4"),
        "times": packed(frames["timestamp_ms"].to_numpy(), "<i4"),
        "pictures": packed(pictures, "u1") if pictures.any() else None,
        "operations": [operation_to_json(o, classes) for o in operations],
        "revision": max((o.revision or 0 for o in operations), default=0),
        "window": list(window) if window else None,
        "keys": dict(keys or {}),
        "step": step,
        "progress": dict(progress or {}),
        "queue_query": queue_query,
        "here": here,
        **_drawn(found, frames),
    }
    if not blind:
        codes = {name: code for code, name in enumerate(classes)}
        payload |= _label_scores(frames, issues, labels.isna().to_numpy(bool), codes)
        payload["given"] = packed(np.array([codes[normal_name(g)] if g else _NO_LABEL for g in given], np.int16), "<i2")
        # Who settles a dispute works on its stretch, not through the queue.
        payload["segments"] = _segments(found, clip_id, frames, codes) if stream == REVIEW else []
        payload["segment_id"] = segment_id
        payload["similar"] = None if similar is None else [dict(s) for s in similar]
    return payload


def workspace_name(workspace: Path) -> str:
    """Return what tells a workspace's acts in a browser from those of others, without telling where it lies."""
    return hashlib.blake2b(str(workspace.resolve()).encode(), digest_size=8).hexdigest()


def commit_routes() -> dict[str, str]:
    """Return the addresses that a page sends to and asks from."""
    named = {"commit": COMMIT_ROUTE, "picture": PICTURE_ROUTE, "next": NEXT_ROUTE, "similar": SIMILAR_ROUTE}
    return {name: prefixed(route) for name, route in named.items()}


def clip_poses(found: RunTables, frames: pd.DataFrame) -> dict[str, Any]:
    """Return the poses of a clip's frames, packed, with the gaps that the run's configuration interpolates."""
    pose = found.config.pose
    return packed_poses(frames, found.skeleton.keypoints, max_gap_ms=pose.max_keypoint_gap_ms, min_confidence=pose.min_confidence)


def _classes(found: RunTables, species: str, occurring: Sequence[str]) -> list[str]:
    """Return the classes of a species in the order of its taxonomy, then others that occur, then `other`."""
    known = list(found.taxonomy.names(species)) if found.taxonomy else []
    if not known:
        clips = found["clips"]
        known = sorted(clips.loc[clips["species"] == species, "label"].dropna().unique())
    extra = sorted(set(map(normal_name, occurring)) - set(known) - {OTHER})
    return [*known, *extra, OTHER]


def _class(found: RunTables, species: str, name: str) -> dict[str, Any]:
    """Return the names of a class, and how it looks."""
    en, ko = other_names(found.taxonomy, species, name)
    return {"name": name, "en": en, "ko": ko, **found.look(name)._asdict()}


def _drawn(found: RunTables, frames: pd.DataFrame) -> dict[str, Any]:
    """Return the skeleton and its poses."""
    skeleton = found.skeleton
    xy = frames[list(skeleton.columns)].to_numpy(np.float64).reshape(len(frames), -1, 2)
    left, right = {a for a, _ in skeleton.left_right}, {b for _, b in skeleton.left_right}
    return {
        "keypoints": list(skeleton.keypoints),
        "edges": [list(map(int, e)) for e in drawn_edges(skeleton, xy)],
        "sides": ["left" if i in left else "right" if i in right else "" for i in range(len(skeleton.keypoints))],
        "poses": clip_poses(found, frames),
    }


def _label_scores(
    frames: pd.DataFrame, issues: pd.DataFrame, unlabelled: NDArray[np.bool_], codes: Mapping[str, int]
) -> dict[str, Any]:
    """Return suggestion, its probability and the label's quality for every frame: those of the window centred nearest.

    Where the audit believes the given label (not flagged, and nothing else is likelier) that label is what it suggests, with its
    quality as the probability: the strongest rival of a label that is right is no suggestion. What has no label has no quality,
    and is suggested the likeliest class; frames in no window have neither.
    """
    if issues.empty:
        return {"suggested": None, "probability": None, "quality": None}
    number = frames["frame_number"].to_numpy(np.float64)
    centre = (issues["start_frame"].to_numpy(np.float64) + issues["end_frame"].to_numpy(np.float64)) / 2
    window = np.searchsorted((centre[1:] + centre[:-1]) / 2, number)
    believed = ~issues["is_issue"].to_numpy(bool) & (issues["label_quality"] >= issues["suggested_probability"]).to_numpy(bool)
    names = issues["suggested_label"].mask(believed, issues["given_label"])
    suggested = np.array([codes[normal_name(s)] for s in names], np.int16)[window]
    probability = _bytes(issues["suggested_probability"].mask(believed, issues["label_quality"]))[window]
    quality = _bytes(issues["label_quality"])[window]
    outside = (number < issues["start_frame"].min()) | (number > issues["end_frame"].max())
    quality[outside | unlabelled | issues["label_quality"].isna().to_numpy()[window]] = _NO_QUALITY
    suggested[outside] = -1
    return {"suggested": packed(suggested, "<i2"), "probability": packed(probability, "u1"), "quality": packed(quality, "u1")}


def _bytes(share: pd.Series) -> NDArray[np.uint8]:
    """Return shares of 0..1 as 0..250."""
    return np.asarray(np.rint(share.fillna(0.0).to_numpy(np.float64).clip(0, 1) * 250), np.uint8)


def _segments(found: RunTables, clip_id: str, frames: pd.DataFrame, codes: Mapping[str, int]) -> list[dict[str, Any]]:
    segments = found["segments"]
    own = segments[(segments["clip_id"] == clip_id) & (segments["split"] != "holdout")].sort_values("start_frame")
    number, time = frames["frame_number"].to_numpy(), frames["timestamp_ms"].to_numpy()
    return [
        {
            "segment_id": s["segment_id"],
            "start": int(s["start_frame"]),
            "end": int(s["end_frame"]),
            "given": codes[normal_name(s["given_label"])],
            "suggested": codes[normal_name(s["suggested_label"])],
            "probability": round(float(s["suggested_probability"]), 2),
            "quality": round(float(s["label_quality"]), 3),
            "kind": s["kind"],
            "why": _sentence(s, number, time),
        }
        for s in own.to_dict("records")
    ]


def _sentence(segment: Mapping[Any, Any], number: NDArray[Any], time: NDArray[Any]) -> str:
    ends = np.searchsorted(number, [segment["start_frame"], segment["end_frame"]]).clip(0, len(number) - 1)
    start, end = ((time[ends] - time[0]) / 1000).tolist()
    return (
        f"{WHY[segment['kind']].capitalize()}: {start:.1f} to {end:.1f} s, {segment['windows']} windows, "
        f"label quality {segment['label_quality']:.2f}, suggestion {segment['suggested_probability']:.0%}."
    )
