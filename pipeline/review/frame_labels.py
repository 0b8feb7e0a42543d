"""The label after review of every frame, from what its reviewers said, and what it makes of each clip's label.

A frame's label after review is the adjudication; else what most of its reviewers say; else its given label. Unsure is no vote.
Taking a frame out of the export is a vote like a label.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_schemas.tables import MARKS, text, text_by_code
from pipeline.review.events import ADJUDICATION, REVIEW
from pipeline.review.replay import replay_streams

_DISPUTED = "disputed"
_EXCLUDED = "\0exclude"
_FRAME = ["clip_id", "frame_number"]


def review_frames(events: pd.DataFrame, frames: pd.DataFrame, *, blind: bool = False) -> pd.DataFrame:
    """Return the label of every frame after review.

    Parameters
    ----------
    events
        All review events.
    frames : DataFrame with clip_id, frame_number and given
        The frames of the run, in its order.
    blind
        Count blind labels as reviews.

    Returns
    -------
    DataFrame, a row for each row of ``frames``, in its order
        clip_id, frame_number, given and label (null: nobody labelled it), label_source, event_id, excluded, and ``mark`` (unsure,
        disputed or null).
    """
    # Most clips are never reviewed: only the others are replayed.
    touched = np.flatnonzero(frames["clip_id"].isin(events["clip_id"].unique()))
    found = labels_after_review(events, frames.iloc[touched], blind=blind)
    unreviewed = np.full(len(frames), -1)
    nothing = text_by_code(MARKS, unreviewed)
    columns = {
        "label": pd.Series(frames["given"].array.copy()),
        "label_source": pd.Series(text_by_code(["given"], unreviewed + 1)),
        "event_id": pd.Series(nothing),
        "mark": pd.Series(nothing.copy()),
        "excluded": pd.Series(unreviewed >= 0),
    }
    mark = text_by_code(MARKS, np.select([found["unsure"], found["disputed"]], [0, 1], -1))
    for name, values in found.rename(columns={"source": "label_source"}).assign(mark=mark)[list(columns)].items():
        columns[str(name)].iloc[touched] = values.array
    return frames[["clip_id", "frame_number", "given"]].reset_index(drop=True).assign(**columns)


def changed_frames(after: pd.DataFrame) -> NDArray[np.bool_]:
    """Return the frames that review gave another label than the given one, or one where none was given; shape (frames,)."""
    return (after["label"].notna() & (after["label"] != after["given"])).to_numpy(bool)


def clip_labels(clips: pd.DataFrame, after: pd.DataFrame) -> pd.Series:
    """Return the label of every clip after review, in the order of ``clips``.

    It is the given one unless review changed a frame of the clip: then the commonest of its frames that are left, and of several
    equally common ones the given label, else the first by name. It is null where none of the frames that are left has a label.
    """
    changed = after.loc[changed_frames(after), "clip_id"].unique()
    left = after[~after["excluded"]]
    labelled = left[left["label"].notna()]
    bare = set(left["clip_id"].unique()) - set(labelled["clip_id"].unique())
    counted = labelled[labelled["clip_id"].isin(changed)]
    given = clips.set_index("clip_id")["label"]
    counted = counted.groupby(["clip_id", "label"]).size().rename("frames").reset_index()
    counted["is_given"] = counted["label"] == counted["clip_id"].map(given)
    best = counted.sort_values(["frames", "is_given", "label"], ascending=[False, False, True], kind="stable")
    commonest = best.drop_duplicates("clip_id").set_index("clip_id")["label"]
    found = commonest.astype("str").reindex(clips["clip_id"]).set_axis(clips.index)
    return found.fillna(clips["label"]).mask(clips["clip_id"].isin(bare))


def labels_after_review(events: pd.DataFrame, frames: pd.DataFrame, *, blind: bool = False) -> pd.DataFrame:
    """Return the label of every frame after review.

    Parameters
    ----------
    events
        All review events.
    frames : DataFrame with clip_id, frame_number and given
        The frames, each with its given label.
    blind
        Count blind labels as reviews where the same reviewer has not reviewed the frame. They are meant for measuring.

    Returns
    -------
    DataFrame, a row for each row of ``frames``, in its order
        clip_id, frame_number, given, label, source (one of LABEL_SOURCES), event_id (the newest that decided, null for given),
        excluded, unsure (somebody looked and nobody decided), disputed (reviewers differ, and nobody settled it; the label is
        the given one).
    """
    said = _said(events, frames, blind=blind)
    votes = said[(said["stream"] != ADJUDICATION) & (said["action"] != "unsure")]
    adjudicated = said[said["stream"] == ADJUDICATION]
    won = _winners(votes)
    decided = pd.concat(
        [adjudicated[adjudicated["action"] != "unsure"].assign(source="adjudication"), won[won["source"] != _DISPUTED]],
        ignore_index=True,
    )
    decided = decided.drop_duplicates(_FRAME)[[*_FRAME, "label", "action", "event_id", "source"]]
    # An adjudicator who cannot tell either leaves the given label, whatever the reviewers said.
    torn = adjudicated.loc[adjudicated["action"] == "unsure", _FRAME].assign(torn=True)
    looked = said[_FRAME].drop_duplicates().assign(looked=True)
    disputed = won.loc[won["source"] == _DISPUTED, _FRAME].assign(disputed=True)
    table = frames[[*_FRAME, "given"]].reset_index(drop=True)
    for part in (decided, torn, looked, disputed):
        table = table.merge(part, on=_FRAME, how="left", validate="many_to_one")
    decides = table["source"].notna() & table["torn"].isna()
    excluded = decides & (table["action"] == "exclude")
    undecided = table["disputed"].notna() & ~decides & table["torn"].isna()
    return pd.DataFrame(
        {
            "clip_id": table["clip_id"],
            "frame_number": table["frame_number"],
            "given": table["given"],
            "label": table["label"].where(decides & ~excluded, table["given"]),
            "source": table["source"].where(decides, "given"),
            "event_id": table["event_id"].where(decides),
            "excluded": excluded,
            "unsure": table["looked"].notna() & ~decides & ~undecided,
            "disputed": undecided,
        }
    )


def votes_of_reviewers(events: pd.DataFrame, frames: pd.DataFrame, *, blind: bool = False) -> pd.DataFrame:
    """Return one row for each frame and reviewer who gave it a label or took it out, without adjudication.

    Returns
    -------
    DataFrame
        clip_id, frame_number, reviewer, action, label, event_id, at and ``vote``: the label, or what stands for taking out.
    """
    said = _said(events, frames, blind=blind)
    votes = said[(said["stream"] != ADJUDICATION) & (said["action"] != "unsure")]
    return votes.drop(columns="stream").assign(vote=_vote(votes)).reset_index(drop=True)


def _said(events: pd.DataFrame, frames: pd.DataFrame, *, blind: bool) -> pd.DataFrame:
    """Return what the newest word of each reviewer, and of adjudication, is on each frame."""
    counted = events if blind else events[events["stream"].isin((REVIEW, ADJUDICATION))]
    said = replay_streams(counted, frames)
    if not blind:
        return _adjudicating_reviews(said, events, frames)
    # One person has one vote: the review where there is one, else the newest blind label.
    rank = np.select([said["stream"] == ADJUDICATION, said["stream"] == REVIEW], [2, 1], 0)
    ordered = said.assign(rank=rank, adjudicates=rank == 2).sort_values(["rank", "at"], kind="stable")
    return ordered.drop_duplicates([*_FRAME, "reviewer", "adjudicates"], keep="last")[said.columns]


def _adjudicating_reviews(said: pd.DataFrame, events: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Leave out what adjudication says of frames that were labelled blind and that nobody reviewed.

    It settled a dispute of blind labels, as older versions let it: in sight of the given label, and blind labels change none.
    """
    adjudicated = said[said["stream"] == ADJUDICATION]
    blind = events[events["stream"].str.startswith("blind:") & events["clip_id"].isin(adjudicated["clip_id"].unique())]
    if blind.empty:
        return said
    unseen = _places(replay_streams(blind, frames)).difference(_places(said[said["stream"] == REVIEW]))
    return said[~((said["stream"] == ADJUDICATION) & _places(said).isin(unseen))]


def _places(said: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(said[_FRAME])


def _vote(said: pd.DataFrame) -> pd.Series:
    return said["label"].where(said["action"] != "exclude", _EXCLUDED)


def _winners(votes: pd.DataFrame) -> pd.DataFrame:
    """Return each frame that has votes with the vote of more than half of its voters, or as disputed."""
    if votes.empty:
        return votes.assign(source=text([]))
    counted = votes.assign(vote=_vote(votes)).sort_values("at", kind="stable")
    counted["votes"] = counted.groupby([*_FRAME, "vote"])["reviewer"].transform("size")
    counted["voters"] = counted.groupby(_FRAME)["reviewer"].transform("size")
    # The newest vote of the largest camp stands for it.
    best = counted.sort_values("votes", kind="stable").drop_duplicates(_FRAME, keep="last")
    won = 2 * best["votes"] > best["voters"]
    source = np.where(~won, _DISPUTED, np.where(best["voters"] == 1, "review", "consensus"))
    return best.assign(source=text(source))[[*votes.columns, "source"]]
