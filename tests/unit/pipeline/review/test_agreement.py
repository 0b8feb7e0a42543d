"""Kappa, what to settle, and the consensus that weighs reviewers and model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from pipeline.review.access import no_events
from pipeline.review.agreement import blind_disputes, crowdlab_consensus, disagreements, pairwise_kappa, sharing_frames
from pipeline.review.events import Operation, Span
from pipeline.review.store import Commit


def test_kappa_is_cohens_over_all_labels_and_for_each(store, act, frames) -> None:
    act("kim", (0, 5, "B"), (6, 9, "C"))
    act("lee", (0, 3, "B"), (4, 7, "C"), (8, 8, "A"), (9, 9, "unsure"))
    found = pairwise_kappa(store.events(), frames).set_index("label")
    kim, lee = list("BBBBBBCCC"), list("BBBBCCCCA")
    whole = found[found.index.isna()].iloc[0]
    assert whole["kappa"] == pytest.approx(cohen_kappa_score(kim, lee))
    assert whole["frames"] == 9
    for label in "ABC":
        one = cohen_kappa_score([x == label for x in kim], [x == label for x in lee])
        assert found.loc[label, "kappa"] == pytest.approx(one)
        assert found.loc[label, ["frames_a", "frames_b"]].tolist() == [kim.count(label), lee.count(label)]


def test_kappa_of_one_label_is_unknown_and_of_one_reviewer_empty(store, act, frames) -> None:
    act("kim", (0, 5, "B"))
    assert pairwise_kappa(store.events(), frames).empty
    act("lee", (0, 5, "B"))
    found = pairwise_kappa(store.events(), frames)
    assert found["kappa"].isna().all()
    assert (found["observed"] == 1).all()


def test_disagreements_are_stretches_until_somebody_settles_them(store, act, frames) -> None:
    assert disagreements(no_events(), frames).empty
    act("kim", (0, 7, "B"))
    act("lee", (2, 4, "C"), (5, 5, "exclude"), (6, 6, "B"), (7, 8, "C"))
    found = disagreements(store.events(), frames)
    assert found[["start_frame", "end_frame", "frames"]].to_numpy().tolist() == [[2, 4, 3], [5, 5, 1], [7, 7, 1]]
    assert found["votes"].tolist() == ["kim: B; lee: C", "kim: B; lee: left out", "kim: B; lee: C"]
    assert found["reviewers"].tolist() == ["kim, lee"] * 3
    act("park", (3, 7, "C"), stream="adjudication")
    assert disagreements(store.events(), frames)[["start_frame", "end_frame"]].to_numpy().tolist() == [[2, 2]]


def test_of_disagreements_as_long_the_first_by_clip_and_frame_comes_first(store, act, frames) -> None:
    for who, label in (("kim", "B"), ("lee", "C")):
        act(who, (2, 3, label), (6, 7, label), clip_id="d")
        act(who, (5, 6, label), (0, 0, label))
    found = disagreements(store.events(), frames)
    assert found[["clip_id", "start_frame", "end_frame"]].to_numpy().tolist() == [
        ["c", 5, 6],
        ["d", 2, 3],
        ["d", 6, 7],
        ["c", 0, 0],
    ]
    assert found["given"].tolist() == ["A"] * 4


def test_a_disagreement_ends_where_the_given_label_or_the_clip_does_and_goes_on_over_a_gap_of_numbers(store, act) -> None:
    frames = pd.DataFrame(
        {"clip_id": ["c"] * 4 + ["d"] * 2, "frame_number": [0, 1, 4, 5, 6, 7], "given": list("AAB") + [None] * 3}
    )
    for who, label in (("kim", "B"), ("lee", "C")):
        act(who, (0, 9, label))
        act(who, (0, 9, label), clip_id="d")
    found = disagreements(store.events(), frames).sort_values(["clip_id", "start_frame"])
    assert found[["clip_id", "start_frame", "end_frame", "frames"]].to_numpy().tolist() == [
        ["c", 0, 1, 2],
        ["c", 4, 4, 1],
        ["c", 5, 5, 1],
        ["d", 6, 7, 2],
    ]
    assert found["given"].fillna("").tolist() == ["A", "B", "", ""]
    whole = disagreements(store.events(), frames.assign(given="A"))
    assert whole[["clip_id", "start_frame", "end_frame", "frames"]].to_numpy().tolist() == [["c", 0, 5, 4], ["d", 6, 7, 2]]


def test_windows_share_frames_with_a_span_of_their_clip_from_its_first_to_its_last() -> None:
    windows = pd.DataFrame(
        {"window_id": list("vwxyz"), "clip_id": list("ccccd"), "start_frame": [0, 1, 5, 11, 5], "end_frame": [4, 5, 9, 15, 9]}
    )
    spans = pd.DataFrame({"clip_id": ["c"], "start_frame": [5], "end_frame": [10]})
    assert sharing_frames(windows, spans).tolist() == [False, True, True, False, False]
    assert sharing_frames(windows.assign(start_frame=10, end_frame=12), spans).tolist() == [True] * 4 + [False]


def test_windows_whose_blind_reviewers_differ_wait_for_one_more(store, act, frames) -> None:
    samples = pd.DataFrame(
        {"window_id": ["w", "x", "y"], "clip_id": ["c", "c", "d"], "start_frame": [0, 5, 0], "end_frame": [4, 9, 4]}
    )
    for clip_id in "cd":
        act("kim", (0, 9, "B"), stream="blind:s", clip_id=clip_id)
    act("lee", (4, 4, "C"), (5, 9, "B"), stream="blind:s")
    # Neither reviews nor what an adjudicator says of them settle it; nor do they make a dispute of blind labels.
    act("choi", (4, 4, "B"), stream="adjudication")
    act("lee", (0, 4, "C"), clip_id="d")
    assert blind_disputes(samples, store.events(), frames)["window_id"].tolist() == ["w"]
    act("park", (4, 4, "C"), stream="blind:s")
    assert blind_disputes(samples, store.events(), frames).empty


def panel(store, *, right: dict[str, float], windows: int = 60, seed: int = 0):
    """Store reviewers who label windows of 5 frames with a given share of right answers; the model is right in 80 %."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, windows)
    labels = np.array(["X", "Y"])
    for reviewer, share in right.items():
        said = np.where(rng.random(windows) < share, truth, 1 - truth)
        spans = tuple(Span(5 * i, 5 * i + 4, "relabel", str(labels[k])) for i, k in enumerate(said))
        store.commit(Commit("r", reviewer, "review", "c", 0, 0, (Operation(reviewer, "2026-11-25T01:00:00Z", spans),)))
    frames = pd.DataFrame({"clip_id": "c", "frame_number": np.arange(5 * windows), "given": "X"})
    table = pd.DataFrame({"window_id": [f"w{i}" for i in range(windows)], "clip_id": "c", "species": "DOG"})
    table = table.assign(start_frame=5 * np.arange(windows), end_frame=5 * np.arange(windows) + 4)
    table = table.assign(label=np.where(np.arange(windows) % 2, "X", "Y"))
    table["target"] = table["label"].str.lower()
    believed = np.where(rng.random(windows) < 0.8, truth, 1 - truth)
    p = np.where(believed == 1, 0.8, 0.2)
    oof = pd.DataFrame({"window_id": table["window_id"], "p_x": 1 - p, "p_y": p, "p_other_species": np.nan})
    return frames, table, oof, np.array(["x", "y"])[truth]


def test_crowdlab_finds_the_truth_and_who_is_careless(store) -> None:
    frames, windows, oof, truth = panel(store, right={"kim": 0.95, "lee": 0.9, "park": 0.55})
    consensus, reviewers = crowdlab_consensus(store.events(), frames, windows, oof)
    found = consensus.set_index("window_id").loc[windows["window_id"], "consensus_label"].to_numpy()
    model = np.where(oof["p_y"] > 0.5, "y", "x")
    assert (found == truth).mean() > (model == truth).mean()
    wrong = consensus["consensus_label"].to_numpy() != pd.Series(truth, windows["window_id"])[consensus["window_id"]].to_numpy()
    assert consensus["consensus_quality"][wrong].mean() < consensus["consensus_quality"][~wrong].mean()
    assert reviewers.sort_values("quality")["reviewer"].tolist()[0] == "park"
    assert consensus["consensus_quality"].is_monotonic_increasing
    assert consensus["consensus_quality"].between(0, 1).all()
    assert (consensus["reviewers"] == 3).all()


def test_crowdlab_needs_two_reviewers_on_a_window_and_survives_full_disagreement(store, act) -> None:
    frames, windows, oof, _ = panel(store, right={"kim": 1.0})
    assert crowdlab_consensus(store.events(), frames, windows, oof)[0].empty
    assert crowdlab_consensus(no_events(), frames, windows, oof)[0].empty
    act("lee", (0, 2, "X"), (5, 6, "X"), (10, 14, "OTHER"))
    consensus, _ = crowdlab_consensus(store.events(), frames, windows, oof)
    counts = consensus.set_index("window_id")["reviewers"]
    # Two of five frames are too few for a label of the window, and no class is trained for OTHER.
    assert counts[["w0", "w1", "w2"]].tolist() == [2, 1, 1]
    assert len(consensus) == 60


def test_between_labels_that_nobody_prefers_the_first_by_name_stands(store, act) -> None:
    frames, windows, oof, _ = panel(store, right={}, windows=4)
    act("kim", (0, 9, "X"), (10, 19, "Y"))
    act("lee", (0, 4, "Y"), (5, 9, "X"), (10, 14, "X"), (15, 19, "Y"))
    consensus, _ = crowdlab_consensus(store.events(), frames, windows, oof.assign(p_x=0.5, p_y=0.5))
    assert consensus.set_index("window_id").loc[["w0", "w1", "w2", "w3"], "consensus_label"].tolist() == ["x", "x", "x", "y"]


def test_reviewers_who_share_no_window_say_nothing_of_each_other(store, act) -> None:
    frames, windows, oof, _ = panel(store, right={}, windows=2)
    act("kim", (0, 4, "X"))
    act("lee", (5, 9, "Y"))
    assert crowdlab_consensus(store.events(), frames, windows, oof)[0].empty


def test_crowdlab_counts_the_frames_that_are_annotated(store) -> None:
    frames, windows, oof, _ = panel(store, right={"kim": 0.9, "lee": 0.9})
    sparse = frames[frames["frame_number"] % 5 == 0]
    consensus, _ = crowdlab_consensus(store.events(), sparse, windows, oof)
    assert len(consensus) == len(windows)


def test_half_of_the_frames_are_enough_for_a_label_of_the_window_which_is_the_commonest_of_them(store, act) -> None:
    frames, windows, oof, _ = panel(store, right={"kim": 1.0})
    even = windows.assign(end_frame=windows["start_frame"] + 3)
    act("lee", (0, 1, "X"), (5, 5, "X"), (10, 10, "X"), (11, 13, "Y"), (15, 15, "X"), (16, 16, "unsure"))
    consensus, reviewers = crowdlab_consensus(store.events(), frames, even, oof)
    counts = consensus.set_index("window_id")["reviewers"]
    assert counts[["w0", "w1", "w2", "w3"]].tolist() == [2, 1, 2, 1]
    own = reviewers.set_index("reviewer").loc["lee"]
    assert own["windows"] == 2
    said = {name: consensus.set_index("window_id").loc[name, "consensus_label"] for name in ("w0", "w2")}
    assert own["agreement"] == np.mean([said["w0"] == "x", said["w2"] == "y"])
