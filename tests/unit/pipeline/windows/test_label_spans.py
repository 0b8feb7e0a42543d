"""From decided frames to stretches, and from these to windows whose label is known."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.config import load_config
from data_schemas.errors import TableError
from data_schemas.tables import REVIEWED, WINDOWS, text, validate
from pipeline.windows.cutting import cut_windows
from pipeline.windows.folds import split_windows
from pipeline.windows.label_spans import (
    ReviewedFrames,
    count_frames,
    lay_over,
    no_stretches,
    review_windows,
    reviewed_in_source,
    reviewed_stretches,
)
from pipeline.windows.sampling import sample_clips

CLIPS, FRAMES, STEP = 12, 60, 3
CONFIG = load_config(None, overrides={"pose": {"find_faults": False}, "folds": {"holdout": 0.2}})

SOURCES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, FRAMES - 1), st.sampled_from(["SIT", "TURN", None]), st.integers(1, 9)),
    max_size=8,
)


def frames_of(labels: list[str | None] | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give clips and frames of 12 animals; numbers go up by 3, as where every third frame of the video was annotated."""
    clip, place = np.divmod(np.arange(CLIPS * FRAMES), FRAMES)
    rng = np.random.default_rng(0)
    frames = pd.DataFrame(
        {
            "clip_id": text([f"clip{c:02d}" for c in clip]),
            "frame_number": (place * STEP + 100).astype(np.int32),
            "timestamp_ms": (place * 100).astype(np.int32),
            **{f"{k}_{a}": rng.random(len(clip)).astype(np.float32) * 100 for k in ("nose", "tail") for a in "xy"},
        }
    )
    if labels is not None:
        frames["frame_label"] = text(labels)
    one = frames.drop_duplicates("clip_id").reset_index(drop=True)
    facts = {"source": "x", "source_hash": "x", "recording_id": one["clip_id"], "species": "DOG", "skeleton": "own", "fps": 10.0}
    clips = pd.DataFrame({"clip_id": one["clip_id"], "subject_id": one["clip_id"], **facts})
    clips["label"] = text(["SIT" if c % 2 else "TURN" for c in range(CLIPS)])
    return clips.assign(frame_count=np.int32(FRAMES)), frames


def stretches(*rows: tuple[str, int, int, str | None]) -> pd.DataFrame:
    """Give stretches by clip, first and last place in the clip, and label."""
    clip, first, last, label = zip(*rows, strict=True) if rows else ((), (), (), ())
    table = no_stretches().iloc[:0].reindex(range(len(rows)))
    return table.assign(
        clip_id=text(list(clip)),
        start_frame=np.array(first, np.int32) * STEP + 100,
        end_frame=np.array(last, np.int32) * STEP + 100,
        label=text(list(label)),
        label_source=text(["review"] * len(rows)),
    ).astype({"start_frame": "int32", "end_frame": "int32"})


def windows_of(clips: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    sampled = sample_clips(clips, frames, config=CONFIG)
    return split_windows(cut_windows(clips, frames, sampled=sampled, config=CONFIG, taxonomy=None), folds=CONFIG.folds)


@cache
def labelled_by_clip() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Give clips, frames and windows that no test changes."""
    clips, frames = frames_of()
    return clips, frames, windows_of(clips, frames)


def after(windows: pd.DataFrame, clips: pd.DataFrame, frames: pd.DataFrame, reviewed: pd.DataFrame) -> pd.DataFrame:
    made = review_windows(windows, clips, frames, reviewed, config=CONFIG, taxonomy=None)
    return validate(made, WINDOWS, source="windows after review")


def painted(frames: pd.DataFrame, table: pd.DataFrame) -> list[object]:
    """Give what stretches say of every frame: a label, ``out``, or None."""
    said: list[object] = [None] * len(frames)
    for row in table.itertuples():
        for i in np.flatnonzero(
            (frames["clip_id"] == row.clip_id) & frames["frame_number"].between(row.start_frame, row.end_frame)
        ):
            said[i] = "out" if pd.isna(row.label) else row.label
    return said


@given(below=SOURCES, above=SOURCES)
def test_stretches_laid_over_others_say_of_every_frame_what_is_above(below, above) -> None:
    _, frames, _ = labelled_by_clip()
    frames = frames[frames["clip_id"] < "clip03"].reset_index(drop=True)
    one, two = (
        stretches(*((f"clip{c:02d}", a, min(a + n, FRAMES - 1), label) for c, a, label, n in rows)) for rows in (below, above)
    )
    laid = validate(lay_over(frames, one, two), REVIEWED, source="laid over")
    expected = [b if a is None else a for a, b in zip(painted(frames, two), painted(frames, one), strict=True)]
    assert painted(frames, laid) == expected
    assert count_frames(frames, laid) == sum(e is not None for e in expected)
    for _, own in laid.groupby("clip_id"):
        assert (own["start_frame"].to_numpy()[1:] > own["end_frame"].to_numpy()[:-1]).all()


@given(rows=SOURCES)
def test_stretches_of_stretches_are_the_same(rows) -> None:
    _, frames, _ = labelled_by_clip()
    table = stretches(*((f"clip{c:02d}", a, min(a + n, FRAMES - 1), label) for c, a, label, n in rows))
    once = lay_over(frames, no_stretches(), table)
    assert lay_over(frames, no_stretches(), once).equals(once)
    assert lay_over(frames, once, no_stretches()).equals(once)


def test_frames_that_nobody_decided_are_in_no_stretch() -> None:
    _, frames = frames_of()
    said = frames.head(FRAMES)[["clip_id", "frame_number"]].assign(label="SIT", label_source="given", excluded=False)
    assert reviewed_stretches(said).empty
    said.loc[10:19, "label_source"] = "review"
    said.loc[20:24, "label_source"] = "consensus"
    said.loc[40, ["label_source", "excluded"]] = ["adjudication", True]
    found = reviewed_stretches(said)
    assert found[["start_frame", "end_frame"]].to_numpy().tolist() == [[130, 157], [160, 172], [220, 220]]
    assert found["label_source"].tolist() == ["review", "consensus", "adjudication"]
    assert found["label"].isna().tolist() == [False, False, True]


def test_a_source_tells_itself_what_was_reviewed() -> None:
    _, frames = frames_of(["SIT"] * (CLIPS * FRAMES))
    assert reviewed_in_source(frames).empty
    source = np.full(len(frames), "given", object)
    source[5:9] = "review"
    found = reviewed_in_source(frames.assign(label_source=text(source)))
    assert found[["clip_id", "start_frame", "end_frame", "label"]].to_numpy().tolist() == [["clip00", 115, 124, "SIT"]]


def test_nothing_reviewed_leaves_the_windows_alone() -> None:
    clips, frames = frames_of()
    windows = windows_of(clips, frames)
    assert after(windows, clips, frames, no_stretches()).equals(windows)
    # Confirming what is given changes nothing but that it is known.
    same = after(windows, clips, frames, stretches(("clip01", 0, FRAMES - 1, "SIT")))
    assert same.drop(columns="reviewed").equals(windows.drop(columns="reviewed"))
    assert same["reviewed"].equals(windows["clip_id"] == "clip01")


def test_a_window_is_reviewed_where_every_frame_is_and_carries_its_commonest_label() -> None:
    clips, frames = frames_of()
    windows = windows_of(clips, frames)
    made = after(windows, clips, frames, stretches(("clip01", 20, 39, "TURN")))
    own = made[made["clip_id"] == "clip01"]
    first, last = 20 * STEP + 100, 39 * STEP + 100
    inside = (own["start_frame"] >= first) & (own["end_frame"] <= last)
    touching = (own["start_frame"] <= last) & (own["end_frame"] >= first)
    assert own["reviewed"].equals(inside)
    assert inside.any()
    assert set(own.loc[inside, "label"]) == set(own.loc[inside, "target"]) == {"TURN"}
    assert own["mixed"].equals(touching & ~inside)
    assert set(own.loc[~touching, "label"]) == {"SIT"}
    assert made["window_id"].equals(windows["window_id"])
    assert made.loc[made["clip_id"] != "clip01"].equals(windows.loc[windows["clip_id"] != "clip01"])


def test_frames_without_a_label_of_their_own_keep_none_beside_those_that_have() -> None:
    labels: list[str | None] = ["SIT"] * (CLIPS * FRAMES)
    labels[FRAMES : FRAMES + 30] = [None] * 30
    clips, frames = frames_of(labels)
    windows = windows_of(clips, frames)
    made = after(windows, clips, frames, stretches(("clip01", 27, 31, "TURN")))
    own = made[(made["clip_id"] == "clip01") & (made["start_frame"] <= 27 * STEP + 100) & (made["end_frame"] >= 31 * STEP + 100)]
    assert (own["label"].isin(["TURN", "SIT"])).all()
    only = made[(made["clip_id"] == "clip01") & (made["end_frame"].between(27 * STEP + 100, 29 * STEP + 100))]
    assert set(only["label"]) == {"TURN"}
    assert not only["mixed"].any()
    assert not only["reviewed"].any()


def test_a_window_with_a_frame_that_was_taken_out_is_gone() -> None:
    clips, frames = frames_of()
    windows = windows_of(clips, frames)
    made = after(windows, clips, frames, stretches(("clip03", 30, 30, None)))
    number = 30 * STEP + 100
    gone = (windows["clip_id"] == "clip03") & (windows["start_frame"] <= number) & (windows["end_frame"] >= number)
    assert made["window_id"].tolist() == windows.loc[~gone, "window_id"].tolist()


@given(
    label=st.lists(st.sampled_from(["SIT", "TURN", "other", None]), min_size=CLIPS, max_size=CLIPS),
    decided=st.lists(st.booleans(), min_size=CLIPS, max_size=CLIPS),
)
def test_the_hold_out_is_the_same_whatever_is_decided_and_every_class_can_be_audited(label, decided) -> None:
    clips, frames, windows = labelled_by_clip()
    rows = [(f"clip{c:02d}", 0, FRAMES - 1, name) for c, name in enumerate(label) if decided[c]]
    made = after(windows, clips, frames, stretches(*rows))
    apart = set(windows.loc[windows["split"] == "holdout", "group"])
    assert apart
    assert set(made.loc[made["split"] == "holdout", "group"]) <= apart
    assert not set(made.loc[made["split"] == "audit", "group"]) & apart
    audited = made[made["split"] == "audit"]
    assert (audited.groupby("target")["group"].nunique() >= 2).all()
    assert set(made.loc[made["split"] == "holdout", "target"]) <= set(audited["target"])


def test_reviewed_frames_are_known_by_the_frames_that_there_are() -> None:
    _, frames = frames_of()
    reviewed = ReviewedFrames.of(frames, stretches(("clip01", 10, 19, "TURN"), ("clip02", 0, 0, None)))
    clip = pd.Series(["clip01"] * 5 + ["clip02", "clip05"])
    # Spans in numbers of the source; between two frames lie two numbers without any.
    start = np.array([130, 128, 129, 158, 131, 100, 130])
    end = np.array([157, 157, 157, 161, 132, 100, 157])
    assert reviewed.all_reviewed(clip, start, end).tolist() == [True, True, True, False, False, True, False]
    assert reviewed.trimmed("clip01", 120, 160) == (121, 160)
    assert reviewed.trimmed("clip01", 140, 170) == (160, 169)
    assert reviewed.trimmed("clip01", 121, 150) == (121, 127)
    assert reviewed.trimmed("clip05", 121, 150) == (121, 150)


def test_stretches_that_end_before_they_start_are_refused() -> None:
    table = stretches(("clip01", 5, 9, "SIT"))
    with pytest.raises(TableError, match="start_frame after end_frame"):
        validate(table.assign(start_frame=table["end_frame"] + 1), REVIEWED, source="x")
