"""Too few data: what there is, and what was rejected."""

from __future__ import annotations

import pandas as pd
import pytest

from data_schemas.errors import TooFewDataError
from data_schemas.tables import text
from pipeline.windows.folds import require_clips, require_enough

WINDOWS = pd.DataFrame({"split": text([])})


def rejected(*rows: tuple[str, str, str]) -> pd.DataFrame:
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return pd.DataFrame({n: text(list(c)) for n, c in zip(("file", "place", "reason"), columns, strict=True)})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((), "too few data to audit: none of the 3 clips is long enough for one window"),
        (
            (("t.csv", "row 3, column label", "clip a: no label is given"), ("t.csv", "row 9", "clip b: no label is given")),
            "window, 2 clips rejected; the first: t.csv: row 3, column label: clip a: no label is given",
        ),
        (
            (("a.json", "", "not JSON"), ("t.csv", "row 9", "clip b: no label is given")),
            "window, 1 clip and 1 file rejected; the first: a.json: not JSON",
        ),
    ],
)
def test_too_few_data_tell_what_was_rejected_and_why(rows: tuple[tuple[str, str, str], ...], words: str) -> None:
    clips = pd.DataFrame({"clip_id": text(["c", "d", "e"])})
    with pytest.raises(TooFewDataError) as caught:
        require_enough(clips, WINDOWS, rejected(*rows))
    assert caught.value.message.endswith(words)


def test_no_clip_tells_clips_from_files() -> None:
    with pytest.raises(TooFewDataError, match=r"^no clip could be read, 2 clips rejected; the first: t\.csv: row 0: clip a"):
        require_clips(pd.DataFrame(), rejected(("t.csv", "row 0", "clip a: bad"), ("t.csv", "row 5", "clip b: bad")))
    with pytest.raises(TooFewDataError, match=r"no clip could be read$"):
        require_clips(pd.DataFrame(), rejected())


@pytest.mark.parametrize(("kept", "words"), [((), "no group"), ((0,), "1 group"), ((0, 2), "2 groups")])
def test_what_keeps_a_class_out_of_training_is_counted_with_the_groups_that_are_left(kept: tuple[int, ...], words: str) -> None:
    windows = pd.DataFrame({"species": "DOG", "clip_id": list("aabb"), "group": list("xxyy"), "label": "SIT", "target": "SIT"})
    windows = windows.assign(split="left_out", mixed=[i not in kept for i in range(4)], bad_pose=False)
    with pytest.raises(TooFewDataError) as caught:
        require_enough(pd.DataFrame({"clip_id": text(["a", "b"])}), windows, rejected())
    told = f"SIT 2 clips of 2 groups, of its 4 windows {4 - len(kept)} hold more than one label, so {words} can train it"
    assert told in caught.value.message
