"""The whole flow on one screen: a tuple of stages, each a function from tables to tables.

::

    source ── read ── clips, frames, rejected, notes, reviewed
                        └── cut ── windows
                                     └── predict ── oof, trust
                                                     └── score ── issues, segments
                                                                    └── report.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pandera.pandas as pa

from data_schemas.config import Config
from data_schemas.labels import Taxonomy
from data_schemas.progress import Progress
from data_schemas.tables import CLIPS, FRAMES, ISSUES, OOF, READER_MESSAGES, REVIEWED, SEGMENTS, TRUST, WINDOWS
from pipeline.readers import Source
from pipeline.windows.cutting import cut_windows
from pipeline.windows.folds import require_clips, require_enough, split_windows
from pipeline.windows.label_spans import ReviewedFrames, lay_over, review_windows, reviewed_in_source
from pipeline.windows.sampling import sample_clips

if TYPE_CHECKING:
    from pipeline.detection.lstm_jobs import Checkpoints

Tables = dict[str, pd.DataFrame]

SCHEMAS: Mapping[str, pa.DataFrameSchema] = {
    "clips": CLIPS,
    "frames": FRAMES,
    "rejected": READER_MESSAGES,
    "notes": READER_MESSAGES,
    "reviewed": REVIEWED,
    "windows": WINDOWS,
    "oof": OOF,
    "trust": TRUST,
    "issues": ISSUES,
    "segments": SEGMENTS,
}


@dataclass(frozen=True)
class Context:
    """What every stage may look at beside its tables; ``decided`` are the stretches that reviewers of the workspace decided."""

    source: Source
    config: Config
    checkpoints: Checkpoints
    progress: Progress
    taxonomy: Taxonomy | None
    decided: pd.DataFrame | None = None


@dataclass(frozen=True)
class Stage:
    """A step of the flow: a verb, the tables it takes and makes, and the function between them."""

    name: str
    needs: tuple[str, ...]
    makes: tuple[str, ...]
    run: Callable[[Tables, Context], Tables]


def read(_tables: Tables, context: Context) -> Tables:
    """Read the source; what cannot be read is rejected with its reason. What people decided about its frames lies beside it."""
    found = context.source.read(context.config, progress=context.progress)
    reviewed = reviewed_in_source(found.frames)
    if context.decided is not None:
        reviewed = lay_over(found.frames, reviewed, context.decided)
    tables = {"clips": found.clips, "frames": found.frames, "rejected": found.rejected, "notes": found.notes}
    return {**tables, "reviewed": reviewed}


def cut(tables: Tables, context: Context) -> Tables:
    """Cut windows, and set the hold-out groups apart before anything else looks at them; then labels are those after review."""
    clips, frames = tables["clips"], tables["frames"]
    require_clips(clips, tables["rejected"])
    sampled = sample_clips(clips, frames, config=context.config)
    windows = cut_windows(clips, frames, sampled=sampled, config=context.config, taxonomy=context.taxonomy)
    windows = split_windows(windows, folds=context.config.folds)
    reviewed = tables["reviewed"]
    after = review_windows(windows, clips, frames, reviewed, config=context.config, taxonomy=context.taxonomy)
    return {"windows": after}


def predict(tables: Tables, context: Context) -> Tables:
    """Predict every window by networks that never saw its group."""
    # Commands that only look at a run need neither PyTorch nor SciPy, which take a second to load.
    from pipeline.detection.out_of_fold import predict_out_of_fold

    clips, windows = tables["clips"], tables["windows"]
    require_enough(clips, windows, tables["rejected"])
    sampled = sample_clips(clips, tables["frames"], config=context.config)
    shared: dict[str, Any] = {"config": context.config, "checkpoints": context.checkpoints, "progress": context.progress}
    oof, trust = predict_out_of_fold(windows, sampled.samples, **shared)
    return {"oof": oof, "trust": trust}


def score(tables: Tables, context: Context) -> Tables:
    """Turn probabilities into label quality, flags and segments to review; where models are at chance they flag nothing."""
    from pipeline.detection.issues import find_label_issues
    from pipeline.detection.segments import cut_segments

    trust = tables["trust"]
    untrusted = frozenset(trust.loc[~trust["better"], "species"])
    issues = find_label_issues(tables["windows"], tables["oof"], tables["clips"], config=context.config, untrusted=untrusted)
    reviewed = ReviewedFrames.of(tables["frames"], tables["reviewed"])
    issues, segments = cut_segments(issues, tables["windows"], config=context.config, reviewed=reviewed)
    return {"issues": issues, "segments": segments}


STAGES: tuple[Stage, ...] = (
    Stage("read", needs=(), makes=("clips", "frames", "rejected", "notes", "reviewed"), run=read),
    Stage("cut", needs=("clips", "frames", "rejected", "reviewed"), makes=("windows",), run=cut),
    Stage("predict", needs=("clips", "frames", "rejected", "windows"), makes=("oof", "trust"), run=predict),
    Stage("score", needs=("clips", "frames", "reviewed", "windows", "oof", "trust"), makes=("issues", "segments"), run=score),
)
