"""The pages of those who review: the queue, the labeller, blind samples, history and agreement."""

from __future__ import annotations

import pandas as pd

from audit_app.opened_run import run_at
from audit_app.similar_clips import open_neighbourhood
from audit_app.tokens import EVERY_STREAM, secret_of, verify
from pipeline.audit.stages import SCHEMAS
from pipeline.evaluation.verified_windows import sample_states
from pipeline.review.access import frames_of
from pipeline.review.blind import draw_sample
from pipeline.review.frame_labels import review_frames
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace
from tests.pages_run import make_cats, paint, run_of, segments_of
from tests.unit.audit_app.shown import button, component, texts


def test_queue_lists_every_segment_with_its_state(root, open_page):
    first = segments_of(root).iloc[0]
    paint(root, first["clip_id"], first["start_frame"], first["end_frame"])
    told = component(open_page(root), "queue_list")
    assert told["columns"]["id"] == segments_of(root)["segment_id"].tolist()
    states = [told["lists"]["state"][i][0] for i in told["columns"]["state"]]
    assert states == ["decided"] + ["open"] * (len(states) - 1)
    assert told["lists"]["reviewer"] == [["kim", "kim"]]


def test_queue_sees_what_was_decided_since_it_was_shown(root, open_page):
    app = open_page(root)
    second = segments_of(root).iloc[1]
    paint(root, second["clip_id"], second["start_frame"], second["end_frame"])
    app.run()
    told = component(app, "queue_list")
    assert told["lists"]["state"][told["columns"]["state"][1]][0] == "decided"


def test_review_opens_the_segment_of_the_address(root, open_page):
    wanted = segments_of(root)["segment_id"].iloc[2]
    told = component(open_page(root, "review", query={"segment": wanted}), "labeller")
    assert told["segment_id"] == wanted
    own = segments_of(root).reset_index(drop=True)
    own = own[own["clip_id"] == own["clip_id"].iloc[2]]
    assert told["progress"]["places"] == {s: i + 1 for i, s in own["segment_id"].items()}
    assert told["progress"]["of"] == len(segments_of(root))


def test_review_says_so_where_its_address_names_nothing(root, open_page):
    app = open_page(root, "review", query={"segment": "gone17"})
    assert component(app, "labeller") is None
    assert "no such segment" in texts(app)
    assert "gone17" in texts(app)
    button(app, "Open the first open segment").click().run()
    assert component(app, "labeller")["segment_id"] == segments_of(root)["segment_id"].iloc[0]


def test_every_page_may_send_what_was_left_unsent_and_knows_the_command_of_its_server(root, open_page):
    for page in ("queue", "review", "history"):
        told = component(open_page(root, page), "everywhere")
        assert told["reviewer"] == "kim"
        assert told["command"].startswith(f"audit review -w {root} --port ")
        permit = verify(secret_of(root.resolve()), told["token"])
        assert (permit.reviewer, permit.stream) == ("kim", EVERY_STREAM)
    # The journal of the Review page goes by the same name of the workspace.
    assert told["workspace"] == component(open_page(root, "review"), "labeller")["workspace"]


def test_review_waits_for_no_clips_that_look_alike_and_shows_them_once_they_are_known(root, open_page):
    assert component(open_page(root, "review"), "labeller")["similar"] is None
    open_neighbourhood(run_at(run_of(root).path), "DOG")
    told = component(open_page(root, "review"), "labeller")
    assert told["similar"]
    assert all(s["clip_id"] != told["clip"]["clip_id"] for s in told["similar"])


def draw(app, root, *, flagged=0, unflagged=0):
    """Draw a blind sample on its page, and return all that are drawn."""
    for stratum, size in (("holdout", 0), ("flagged", flagged), ("unflagged", unflagged)):
        app.number_input(key=f"size_{stratum}").set_value(size)
    button(app, "Draw").click().run()
    with ReviewStore.open(Workspace(root).review_db) as store:
        return store.samples()


def test_blind_sample_is_drawn_and_shows_no_label(root, open_page):
    app = open_page(root, "blind")
    sample = draw(app, root, flagged=3, unflagged=3)
    assert sample["stratum"].value_counts().to_dict() == {"flagged": 3, "unflagged": 3}
    button(app, "Start").click().run()
    told = component(app, "labeller")
    assert told["stream"] == f"blind:{sample['sample_id'].iloc[0]}"
    assert told["window"] == [sample["start_frame"].iloc[0], sample["end_frame"].iloc[0]]
    assert not {"given", "suggested", "quality", "segments", "segment_id", "similar"} & set(told)
    assert "SIT" not in texts(app)


def test_a_hold_out_of_two_species_is_sampled_for_two_models(root, open_page):
    make_cats(root)
    issues = run_of(root).read_table("issues", SCHEMAS["issues"])
    many = pd.concat([issues.assign(window_id=issues["window_id"] + f"-{i}") for i in range(100)], ignore_index=True)
    many = many.assign(split="holdout", rank=range(1, len(many) + 1))
    run_of(root).write_table("issues", many, schema=SCHEMAS["issues"], fingerprint="generated")
    app = open_page(root, "blind")
    assert [app.number_input(key=f"size_{s}").value for s in ("holdout", "flagged")] == [80, 0]


def test_blind_sample_refuses_to_draw_nothing(root, open_page):
    app = open_page(root, "blind")
    assert draw(app, root).empty
    assert "not a sample" in app.error[0].value


def test_history_takes_an_act_back_by_a_new_one(root, open_page):
    first = segments_of(root).iloc[0]
    paint(root, first["clip_id"], first["start_frame"], first["end_frame"])
    app = open_page(root, "history")
    app.session_state["acts"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    app.button(key="revert").click().run()
    assert not app.exception
    with ReviewStore.open(Workspace(root).review_db) as store:
        assert store.events()["action"].tolist() == ["relabel", "undo"]


def test_agreement_lists_what_two_people_differ_on(root, open_page):
    first = segments_of(root).iloc[0]
    for who, label in (("kim", "WALKRUN"), ("lee", "TURN")):
        paint(root, first["clip_id"], first["start_frame"], first["end_frame"], reviewer=who, label=label)
    app = open_page(root, "agreement")
    assert any("kim: WALKRUN; lee: TURN" in str(frame.value.to_dict()) for frame in app.dataframe)
    button(app, "Settle the longest").click().run()
    assert component(app, "labeller")["stream"] == "adjudication"


def test_a_dispute_of_a_blind_sample_is_settled_blind_and_changes_no_export(root, open_page):
    app = open_page(root, "blind")
    sample = draw(app, root, flagged=2)
    stream, window = f"blind:{sample['sample_id'].iloc[0]}", sample.iloc[0]
    for who, label in (("kim", "WALKRUN"), ("lee", "TURN")):
        paint(root, window["clip_id"], window["start_frame"], window["end_frame"], reviewer=who, label=label, stream=stream)
    app = open_page(root, "agreement", reviewer="park")
    assert "TURN" not in texts(app)
    assert not any({"votes", "given"} <= set(frame.value.columns) and "clip_id" in frame.value for frame in app.dataframe)
    assert not any(b.label.startswith("Settle") for b in app.button)
    button(app, "Label them blind").click().run()
    told = component(app, "labeller")
    assert (told["stream"], told["window"]) == (stream, [window["start_frame"], window["end_frame"]])
    assert not {"given", "suggested", "segments"} & set(told)
    assert window["clip_id"] not in str(told)
    # Nor does an address of a clip without a dispute of reviewers open the way.
    query = {"clip": window["clip_id"], "frame": str(window["start_frame"])}
    assert component(open_page(root, "agreement", reviewer="park", query=query), "labeller") is None
    frames = frames_of(run_of(root))
    before = review_frames(_events(root), frames)
    paint(root, window["clip_id"], window["start_frame"], window["end_frame"], reviewer="park", label="TURN", stream=stream)
    assert len(_events(root)) == 3
    assert review_frames(_events(root), frames).equals(before)
    assert (before["label_source"] == "given").all()
    # The third label has decided it, in what measures.
    windows = run_of(root).read_table("windows", SCHEMAS["windows"])
    states = sample_states(sample, _events(root), windows, frames=frames).set_index("window_id")
    assert states.loc[window["window_id"], ["state", "verified_label"]].tolist() == ["verified", "TURN"]
    assert not any(b.label == "Label them blind" for b in open_page(root, "agreement", reviewer="park").button)


def test_history_tells_nothing_of_a_blind_sample_to_who_has_yet_to_label_it(root, open_page):
    issues = run_of(root).read_table("issues", SCHEMAS["issues"])
    sample = draw_sample(issues, sizes={"flagged": 2}, seed=0, run_id=run_of(root).path.name)
    with ReviewStore.open(Workspace(root).review_db) as store:
        store.save_sample(sample)
    stream = f"blind:{sample['sample_id'].iloc[0]}"
    for who, few in (("lee", 2), ("kim", 1)):
        for w in sample.head(few).to_dict("records"):
            paint(root, w["clip_id"], w["start_frame"], w["end_frame"], reviewer=who, label="TURN", stream=stream)

    def acts(reviewer):
        return open_page(root, "history", reviewer=reviewer).dataframe[0].value

    seen = acts("kim")
    assert seen["reviewer"].tolist() == ["kim", "lee", "lee"]
    assert set(seen["clip_id"]) == set(seen["frames"]) == {"(blind)"}
    assert seen["after"].tolist() == ["TURN", "(blind)", "(blind)"]
    assert seen["before"].tolist() == ["not labelled", "(blind)", "(blind)"]
    # Nor does a search for part of a name, which may hold the label, tell the clip.
    app = open_page(root, "history")
    app.text_input(key="history_clip").input(sample["clip_id"].iloc[0][:5]).run()
    assert not app.dataframe
    # Who has labelled all of it sees what others said.
    assert acts("lee")["after"].tolist() == ["TURN"] * 3
    assert set(acts("lee")["clip_id"]) == set(sample["clip_id"])


def test_the_consensus_tells_nothing_of_windows_that_share_frames_with_a_blind_dispute(root, open_page):
    windows = run_of(root).read_table("windows", SCHEMAS["windows"])
    for column in ("label", "target"):
        windows[column] = [("SIT", "WALKRUN", "LYING")[i % 3] for i in range(len(windows))]
    run_of(root).write_table("windows", windows, schema=SCHEMAS["windows"], fingerprint="generated")
    issues = run_of(root).read_table("issues", SCHEMAS["issues"])
    sample = draw_sample(issues, sizes={"flagged": 1}, seed=0, run_id=run_of(root).path.name)
    with ReviewStore.open(Workspace(root).review_db) as store:
        store.save_sample(sample)
    stream, window = f"blind:{sample['sample_id'].iloc[0]}", sample.iloc[0]
    for who, label in (("kim", "WALKRUN"), ("lee", "LYING")):
        paint(root, window["clip_id"], window["start_frame"], window["end_frame"], reviewer=who, label=label, stream=stream)
    app = open_page(root, "agreement", reviewer="park")
    shown = next(frame.value for frame in app.dataframe if "consensus_label" in frame.value)
    assert len(shown) > 1
    assert set(shown["given"]) == set(shown["consensus_label"]) == {"(blind)"}


def _events(root):
    with ReviewStore.open(Workspace(root).review_db) as store:
        return store.events()


def test_disputed_segments_wait_for_agreement_not_in_the_queue(root, open_page):
    first = segments_of(root).iloc[0]
    for who, label in (("kim", "WALKRUN"), ("lee", "TURN")):
        paint(root, first["clip_id"], first["start_frame"], first["end_frame"], reviewer=who, label=label)
    told = component(open_page(root, "review"), "labeller")
    assert told["segment_id"] == segments_of(root)["segment_id"].iloc[1]
