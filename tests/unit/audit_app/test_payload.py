"""What the page is told of a clip."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import pytest

from audit_app.components.payload import clip_payload
from audit_app.components.poses import INTERPOLATED, LOW_CONFIDENCE, MISSING, SEEN, packed_poses
from data_schemas.errors import UsageError
from pipeline.report.run_tables import RunTables
from pipeline.review.store import Commit, Operation, ReviewStore, Span
from pipeline.workspace.workspace import Workspace
from tests.generated_run import RUN

CLIP = "dog-sit-000001"


@pytest.fixture
def found(workspace):
    return RunTables(Workspace(workspace).latest())


@pytest.fixture
def store(workspace):
    with ReviewStore.open(workspace / "review.db") as opened:
        yield opened


def _array(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype)


def test_a_payload_is_json_and_says_what_the_tables_say(found, store, workspace):
    payload = clip_payload(found, CLIP, segment_id=f"{CLIP}-segment1", reviewer="kim", store=store, workspace=workspace)
    json.dumps(payload)
    names = [c["name"] for c in payload["classes"]]
    frames = _array(payload["frame_numbers"], "<i4")
    assert (len(frames), frames[0], frames[-1]) == (60, 100, 160)
    assert 150 not in frames
    assert {names[c] for c in _array(payload["given"], "<i2")} == {"SIT"}
    assert names[-1] == "other"
    assert [s["segment_id"] for s in payload["segments"]] == [f"{CLIP}-segment0", f"{CLIP}-segment1"]
    assert payload["segments"][0]["why"].startswith("Another action seems to occur within the clip: 0.4 to")
    assert payload["run_id"] == RUN


def test_the_sentence_says_the_share_that_the_page_shows(found, store, workspace):
    own = found["segments"].index[found["segments"]["clip_id"] == CLIP]
    found["segments"].loc[own, "suggested_probability"] = np.array([0.8346, 0.6654], np.float32)
    payload = clip_payload(found, CLIP, reviewer="kim", store=store, workspace=workspace)
    assert [(100 * s["probability"] + 0.5) // 1 for s in payload["segments"]] == [83, 67]
    assert [s["why"][-4:] for s in payload["segments"]] == ["83%.", "67%."]


def test_suggestion_and_quality_of_a_frame_are_those_of_the_window_centred_nearest(found, store, workspace):
    payload = clip_payload(found, CLIP, reviewer="kim", store=store, workspace=workspace)
    issues = found["issues"].query("clip_id == @CLIP").reset_index(drop=True)
    centre = (issues["start_frame"] + issues["end_frame"]) / 2
    names = [c["name"] for c in payload["classes"]]
    for place, number in enumerate(_array(payload["frame_numbers"], "<i4")):
        quality = _array(payload["quality"], "u1")[place]
        if number > issues["end_frame"].max():
            assert quality == 255
            continue
        nearest = (centre - number).abs().to_numpy()
        candidates = issues[np.isclose(nearest, nearest.min())]
        assert names[_array(payload["suggested"], "<i2")[place]] in set(candidates["suggested_label"])
        assert np.isclose(candidates["label_quality"] * 250, quality, atol=0.51).any()


def test_where_the_audit_believes_the_given_label_no_rival_is_suggested(found, store, workspace):
    own = found["issues"].index[found["issues"]["clip_id"] == CLIP]
    kinds = np.arange(len(own)) % 4
    found["issues"].loc[own, "suggested_label"] = "TURN"
    found["issues"].loc[own, "label_quality"] = np.array([0.97, 0.45, 0.3, 0.97], np.float32)[kinds]
    found["issues"].loc[own, "suggested_probability"] = np.array([0.03, 0.4, 0.5, 0.03], np.float32)[kinds]
    found["issues"].loc[own, "is_issue"] = kinds == 3
    payload = clip_payload(found, CLIP, reviewer="kim", store=store, workspace=workspace)
    names = [c["name"] for c in payload["classes"]]
    codes, shares = _array(payload["suggested"], "<i2"), _array(payload["probability"], "u1")
    told = {(names[c], round(s / 250, 2)) for c, s in zip(codes, shares, strict=True) if c >= 0}
    assert told == {("SIT", 0.97), ("SIT", 0.45), ("TURN", 0.5), ("TURN", 0.03)}


def test_blind_says_nothing_that_could_lead_the_reviewer(found, store, workspace):
    payload = clip_payload(
        found, CLIP, reviewer="kim", stream="blind:a", store=store, workspace=workspace, blind=True, window=(110, 120)
    )
    for key in ("given", "suggested", "probability", "quality", "segments", "segment_id", "similar"):
        assert key not in payload
    # AI-Hub's clip names hold the label.
    assert CLIP not in json.dumps(payload)
    assert payload["window"] == [110, 120]


def test_operations_come_with_it_and_their_labels_are_among_the_classes(found, store, workspace):
    operation = Operation("a", "2026-11-25T01:00:00Z", (Span(100, 104, "relabel", "dancing"),))
    store.commit(Commit(RUN, "kim", "review", CLIP, 0, 1, (operation,)))
    payload = clip_payload(found, CLIP, reviewer="kim", store=store, workspace=workspace)
    code = [c["name"] for c in payload["classes"]].index("dancing")
    assert payload["operations"][0]["spans"] == [[100, 104, code]]
    assert payload["revision"] == 1
    assert clip_payload(found, CLIP, reviewer="lee", store=store, workspace=workspace)["operations"] == []


def test_colours_are_those_of_the_report_whatever_else_may_be_chosen(found, store, workspace):
    payload = clip_payload(found, CLIP, reviewer="kim", store=store, workspace=workspace)
    for label in payload["classes"]:
        assert (label["colour"], label["cue"]) == found.looks[label["name"]]
    assert found.look("dancing") not in found.looks.values()


def test_an_unknown_clip_is_told(found, store, workspace):
    with pytest.raises(UsageError, match="no clip 'nowhere'"):
        clip_payload(found, "nowhere", reviewer="kim", store=store, workspace=workspace)


def test_short_gaps_are_interpolated_and_marked_long_ones_stay_missing():
    n = 40
    frames = pd.DataFrame({"timestamp_ms": np.arange(n) * 33, "a_x": np.arange(n, dtype=float) * 10, "a_y": np.full(n, 50.0)})
    frames["a_confidence"] = 0.9
    frames.loc[5:7, ["a_x", "a_y"]] = np.nan
    frames.loc[15:35, "a_x"] = np.nan
    frames.loc[10, "a_confidence"] = 0.3
    frames.loc[11, "a_confidence"] = 0.05
    packed = packed_poses(frames, ["a"], max_gap_ms=400, min_confidence=0.1)
    known = _array(packed["known"], "u1")
    xy = _array(packed["xy"], "<i2").reshape(n, 2) * packed["unit"]
    assert known[[0, 6, 10, 11, 20]].tolist() == [SEEN, INTERPOLATED, LOW_CONFIDENCE, INTERPOLATED, MISSING]
    assert np.allclose(xy[6], [60, 50], atol=packed["unit"])
    assert _array(packed["xy"], "<i2").reshape(n, 2)[20, 0] == -32768


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e5])
def test_coordinates_keep_their_precision_at_any_scale(scale):
    frames = pd.DataFrame({"timestamp_ms": [0, 33, 66], "a_x": [0.1, 0.55, 0.9], "a_y": [0.2, 0.5, 0.7]})
    frames[["a_x", "a_y"]] *= scale
    packed = packed_poses(frames, ["a"], max_gap_ms=400, min_confidence=0.0)
    xy = _array(packed["xy"], "<i2").reshape(3, 2) * packed["unit"]
    assert np.allclose(xy, frames[["a_x", "a_y"]], atol=scale * 1e-4)


def test_a_clip_without_any_keypoint_can_be_shown():
    frames = pd.DataFrame({"timestamp_ms": [0, 33], "a_x": [np.nan, np.nan], "a_y": [np.nan, np.nan]})
    packed = packed_poses(frames, ["a"], max_gap_ms=400, min_confidence=0.0)
    assert set(_array(packed["known"], "u1")) == {MISSING}
    json.dumps(packed)
