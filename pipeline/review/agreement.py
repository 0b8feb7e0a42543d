"""How far reviewers agree: kappa for pairs, the stretches to settle, and a consensus that weighs reviewers and model."""

from __future__ import annotations

import warnings
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import PROBABILITY_PREFIX, text
from pipeline.review.frame_labels import labels_after_review, votes_of_reviewers
from pipeline.windows.frame_index import frames_of_spans

_KAPPA = ("reviewer_a", "reviewer_b", "label", "frames", "frames_a", "frames_b", "observed", "kappa")
_SPANS = ("clip_id", "start_frame", "end_frame", "frames", "reviewers", "votes", "given")
_CONSENSUS = ("window_id", "clip_id", "start_frame", "end_frame", "species", "given", "consensus_label", "consensus_quality")
_LEAST_SHARE = 0.5


def pairwise_kappa(events: pd.DataFrame, frames: pd.DataFrame, *, blind: bool = False) -> pd.DataFrame:
    """Return Cohen's kappa of every pair of reviewers, over all labels and for each against the rest.

    Parameters
    ----------
    blind
        Count blind labels too, where the reviewer has not reviewed the frame.

    Returns
    -------
    DataFrame
        reviewer_a, reviewer_b, label (null: all labels together), frames (that both labelled), frames_a and frames_b (with this
        label), observed (share of these frames on which both agree, 0..1), kappa (1: full agreement, 0: what chance gives; null
        where chance alone agrees fully, as with one label only). Frames are not independent of each other: neighbours share
        their label, so kappa is no more certain than the clips are many.
    """
    votes = votes_of_reviewers(events, frames, blind=blind)
    labelled = votes[votes["label"].notna()]
    wide = labelled.pivot_table(index=["clip_id", "frame_number"], columns="reviewer", values="label", aggfunc="first")
    rows: list[dict[str, Any]] = []
    for a, b in combinations(sorted(wide.columns), 2):
        both = wide[[a, b]].dropna()
        if len(both):
            first, second = both[a].to_numpy(object), both[b].to_numpy(object)
            labels = sorted({*first, *second})
            pair = {"reviewer_a": a, "reviewer_b": b, "frames": len(both)}
            rows.append({**pair, "label": None, **_kappa(first, second)})
            rows += [{**pair, "label": x, **_kappa(first == x, second == x)} for x in labels]
            for row, label in zip(rows[-len(labels) :], labels, strict=True):
                row.update(frames_a=int((first == label).sum()), frames_b=int((second == label).sum()))
    return pd.DataFrame(rows, columns=list(_KAPPA))


def disagreements(events: pd.DataFrame, frames: pd.DataFrame, *, blind: bool = False) -> pd.DataFrame:
    """Return the stretches on which reviewers differ and nobody has settled it, the longest first.

    Returns
    -------
    DataFrame
        clip_id, start_frame, end_frame, frames, reviewers (names, by comma), votes (``name: label``, by semicolon), given (null:
        nobody labelled it).
        Frames that follow each other in the clip with the same votes make one stretch.
    """
    after = labels_after_review(events, frames, blind=blind)
    after["place"] = after.groupby("clip_id").cumcount()
    open_frames = after[after["disputed"]]
    votes = votes_of_reviewers(events, frames, blind=blind).merge(open_frames[["clip_id", "frame_number"]])
    if votes.empty:
        return pd.DataFrame(columns=list(_SPANS))
    votes["said"] = votes["reviewer"] + ": " + votes["label"].fillna("left out")
    said = votes.sort_values("reviewer").groupby(["clip_id", "frame_number"])
    by_frame = said.agg(reviewers=("reviewer", ", ".join), votes=("said", "; ".join)).reset_index()
    ordered = open_frames.merge(by_frame, on=["clip_id", "frame_number"]).sort_values(["clip_id", "place"])
    same = (ordered["place"].diff() == 1) & ~_changes(ordered[["clip_id", "votes", "given"]].fillna(""))
    grouped = ordered.groupby((~same).cumsum())
    first = grouped[["clip_id", "reviewers", "votes", "given"]].first()
    spans = grouped.agg(start_frame=("frame_number", "min"), end_frame=("frame_number", "max"), frames=("place", "size"))
    longest_first = first.join(spans).sort_values(["frames", "clip_id", "start_frame"], ascending=[False, True, True])
    return longest_first[list(_SPANS)].reset_index(drop=True)


def blind_disputes(samples: pd.DataFrame, events: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Return the windows of blind samples on which their reviewers differ, with no label that more than half of them give.

    What settles them is one more blind label: whoever saw what the others said, or the given label, could not measure any more.
    """
    spans = disagreements(events[events["stream"].str.startswith("blind:")], frames, blind=True)
    return samples[sharing_frames(samples, spans)].reset_index(drop=True)


def sharing_frames(windows: pd.DataFrame, spans: pd.DataFrame) -> pd.Series:
    """Return whether each window has frames in any of some spans: both with clip_id, start_frame and end_frame."""
    pairs = windows.merge(spans[["clip_id", "start_frame", "end_frame"]], on="clip_id", suffixes=("", "_of_span"))
    meet = (pairs["start_frame_of_span"] <= pairs["end_frame"]) & (pairs["end_frame_of_span"] >= pairs["start_frame"])
    return windows["window_id"].isin(pairs.loc[meet, "window_id"])


def crowdlab_consensus(
    events: pd.DataFrame, frames: pd.DataFrame, windows: pd.DataFrame, oof: pd.DataFrame, *, blind: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weigh reviewers and model into one label a window (CROWDLAB: Goh, Tkachenko and Mueller 2022).

    The consensus is what most reviewers say, ties broken by the model; its quality weighs both by how far they can be trusted.
    A reviewer's label of a window is the commonest among its annotated frames, where at least half of them are labelled. Labels
    are merged as for training; those that no class is trained for (``other``, say) take no part.

    Returns
    -------
    consensus : DataFrame
        window_id, clip_id, start_frame, end_frame, species, given (the trained class), consensus_label, consensus_quality (0..1),
        agreement (share of the reviewers who say so), reviewers (how many), the lowest quality first. Empty where no window was
        labelled by two reviewers.
    reviewers : DataFrame
        reviewer, species, quality, windows, agreement (with the consensus), worst_label.
    """
    votes = votes_of_reviewers(events, frames, blind=blind)
    labelled = votes[votes["label"].notna()]
    made = [
        _crowdlab(labelled, frames, part.reset_index(drop=True), oof, species=str(species))
        for species, part in windows[windows["target"].notna()].groupby("species")
    ]
    parts = [m for m in made if m is not None]
    if not parts:
        return pd.DataFrame(columns=[*_CONSENSUS, "agreement", "reviewers"]), pd.DataFrame(columns=["reviewer", "species"])
    consensus = pd.concat([p[0] for p in parts], ignore_index=True).sort_values("consensus_quality", ignore_index=True)
    return consensus, pd.concat([p[1] for p in parts], ignore_index=True)


def _crowdlab(
    votes: pd.DataFrame, frames: pd.DataFrame, windows: pd.DataFrame, oof: pd.DataFrame, *, species: str
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return consensus and reviewers of one species, or None where nothing was labelled twice."""
    from cleanlab.multiannotator import get_label_quality_multiannotator

    classes = sorted(windows["target"].unique())
    target = windows.drop_duplicates("label").set_index("label")["target"]
    probabilities = oof[["window_id", *(f"{PROBABILITY_PREFIX}{c}" for c in classes if f"{PROBABILITY_PREFIX}{c}" in oof)]]
    predicted = windows.merge(probabilities.dropna(), on="window_id")
    code = {c.removeprefix(PROBABILITY_PREFIX): i for i, c in enumerate(probabilities.columns[1:])}
    coded = votes.assign(code=votes["label"].map(target).map(code)).dropna(subset="code")
    labels = _labels_of_windows(coded, frames, predicted)
    if labels.shape[1] < 2 or not (labels.notna().sum(axis=1) > 1).any():
        return None
    chosen = predicted.set_index("window_id").loc[labels.index]
    pred_probs = chosen[list(probabilities.columns[1:])].to_numpy(np.float64)
    # Between labels that neither the reviewers nor the model prefer the first by name stands: cleanlab would draw lots, and fails
    # where reviewers agree on nothing.
    pred_probs = pred_probs + 1e-9 * np.arange(pred_probs.shape[1])[::-1]
    pred_probs = pred_probs / pred_probs.sum(axis=1, keepdims=True)
    with warnings.catch_warnings():
        # It warns where no two reviewers agree on any window: the qualities show that, too.
        warnings.simplefilter("ignore")
        found = get_label_quality_multiannotator(
            labels,
            pred_probs,
            # With `best_quality`, a majority that the model outweighs is replaced before the weights are estimated: on few
            # reviewers all weight goes to the model, and the consensus is what it said anyway.
            consensus_method="majority_vote",
            verbose=False,
            return_detailed_quality=False,
        )
    names = list(code)
    quality, stats = found["label_quality"], found["annotator_stats"]
    consensus = chosen.reset_index()[["window_id", "clip_id", "start_frame", "end_frame", "species"]].assign(
        given=chosen["target"].to_numpy(),
        consensus_label=text([names[i] for i in quality["consensus_label"]]),
        consensus_quality=quality["consensus_quality_score"].to_numpy(),
        agreement=quality["annotator_agreement"].to_numpy(),
        reviewers=quality["num_annotations"].to_numpy(),
    )
    reviewers = pd.DataFrame(
        {
            "reviewer": stats.index.astype("str"),
            "species": species,
            "quality": stats["annotator_quality"].to_numpy(),
            "windows": stats["num_examples_labeled"].to_numpy(),
            "agreement": stats["agreement_with_consensus"].to_numpy(),
            "worst_label": text([names[int(i)] for i in stats["worst_class"]]),
        }
    )
    return consensus, reviewers


def _labels_of_windows(votes: pd.DataFrame, frames: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Return the class code of each window (row) by each reviewer (column); windows that nobody labelled are left out."""
    # Where only every fifth frame of a video is annotated, the numbers between are no frames that anybody could label.
    cells = frames_of_spans(windows[windows["clip_id"].isin(votes["clip_id"].unique())], frames, name="window_id")
    labelled = cells.merge(votes[["clip_id", "frame_number", "reviewer", "code"]], on=["clip_id", "frame_number"])
    counts = labelled.groupby(["window_id", "reviewer", "code"]).size().rename("n").reset_index()
    lengths = cells.groupby("window_id").size()
    total = counts.groupby(["window_id", "reviewer"])["n"].transform("sum")
    enough = counts[total >= _LEAST_SHARE * lengths.reindex(counts["window_id"]).to_numpy()]
    commonest = enough.sort_values("n", kind="stable").drop_duplicates(["window_id", "reviewer"], keep="last")
    return commonest.pivot_table(index="window_id", columns="reviewer", values="code", aggfunc="first")


def _kappa(first: NDArray[Any], second: NDArray[Any]) -> dict[str, float | None]:
    from sklearn.metrics import cohen_kappa_score

    several = len(np.unique(np.concatenate([first, second]))) > 1
    return {"observed": float((first == second).mean()), "kappa": cohen_kappa_score(first, second) if several else None}


def _changes(table: pd.DataFrame) -> pd.Series:
    return (table != table.shift()).any(axis=1)
