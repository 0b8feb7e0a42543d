"""Whatever a small set holds, it is audited, or refused for what is missing; within seconds, and never with a bug's message."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from hypothesis import event, given, settings
from hypothesis import strategies as st

from data_schemas.config import load_config
from data_schemas.errors import TooFewDataError
from data_schemas.tables import text
from pipeline.audit.stages import SCHEMAS, STAGES, Context
from pipeline.readers import recognise
from tests.unit.pipeline.detection.small import Nowhere

FPS = 10
CONFIG = load_config(
    None,
    overrides={"model": {"views": ["body"], "cleaning_iterations": 2}, "folds": {"count": 3, "holdout": 0.2}, "run": {"jobs": 1}},
)


@st.composite
def small_sets(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw recordings of 2 to 12 animals, and what people decided about some of them.

    A recording has one label throughout, a label a bout, or another in every window; it may have a gap, and an animal be lost.
    """
    names = [f"b{i}" for i in range(draw(st.integers(1, 5)))]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    by_frame = draw(st.booleans())
    parts, decided = [], []
    for animal in range(draw(st.integers(2, 12))):
        for clip in range(draw(st.integers(1, 2))):
            frames = draw(st.integers(8, 60))
            bout = draw(st.sampled_from([3, 12, 30, 99])) if by_frame else 99
            told = [draw(st.sampled_from(names)) for _ in range(-(-frames // bout))]
            lost = draw(st.sampled_from([False, False, False, True]))
            gap = draw(st.sampled_from([0, 0, 3_600_000]))
            number = np.arange(frames)
            xy = rng.normal(0, 1, (frames, 3, 2)) + np.array([[0, 0], [20, 3], [40, 0]])
            xy[:, :, 0] += number[:, None] * (10.0 * (names.index(told[0]) % 3))
            name = f"a{animal}-{clip}"
            parts.append(
                pd.DataFrame(
                    {
                        "clip_id": name,
                        "subject_id": f"a{animal}",
                        "frame_number": number,
                        "timestamp_ms": number * (1000 // FPS) + gap * (number > frames // 2),
                        "frame_label" if by_frame else "label": np.repeat(told, bout)[:frames],
                        **{f"{k}_{a}": np.nan if lost else xy[:, i, j] for i, k in enumerate("abc") for j, a in enumerate("xy")},
                    }
                )
            )
            if draw(st.sampled_from([False, False, True])):
                label = draw(st.sampled_from([*names, None]))
                decided.append((name, 0, draw(st.integers(0, frames - 1)), label))
    columns = ["clip_id", "start_frame", "end_frame", "label"]
    stretches = pd.DataFrame(decided, columns=columns).astype({"start_frame": "int32", "end_frame": "int32"})
    stretches = stretches.assign(
        clip_id=text(stretches["clip_id"]), label=text(stretches["label"]), label_source=text(["review"] * len(decided))
    )
    return pd.concat(parts, ignore_index=True), stretches


@settings(max_examples=5)
@given(drawn=small_sets())
def test_every_small_set_is_audited_or_refused_for_what_is_missing(drawn: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    table, decided = drawn
    with tempfile.TemporaryDirectory() as folder, patch("pipeline.detection.lstm_jobs.STEP_BUDGETS", (1, 2, 4)):
        path = Path(folder) / "poses.parquet"
        table.to_parquet(path, index=False)
        reader = recognise(path)
        context = Context(reader, CONFIG, Nowhere(), lambda *_: None, None, decided if len(decided) else None)
        tables: dict[str, pd.DataFrame] = {}
        try:
            for stage in STAGES:
                tables |= stage.run(tables, context)
        except TooFewDataError as refused:
            told = refused.message.startswith(("too few data to audit", "no clip could be read"))
            event("refused" if told else "refused without saying what is missing")
            if not told:
                raise
            return
    for name, schema in SCHEMAS.items():
        schema.validate(tables[name])
    predicted = tables["windows"]["split"].isin(["audit", "holdout"])
    assert tables["oof"]["window_id"].tolist() == tables["windows"].loc[predicted, "window_id"].tolist()
    assert set(tables["issues"]["window_id"]) == set(tables["oof"]["window_id"])
