"""The rounds of a workspace: numbered, known by their decisions, and laid side by side."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data_schemas.tables import text
from pipeline.audit.rounds import (
    DecidedLabels,
    adopt_rounds,
    earlier_rounds,
    figures_of_round,
    open_round,
    rounds_before,
    rounds_of,
)
from pipeline.report.figures import rounds_figure
from pipeline.report.page import rounds_part
from pipeline.report.run_text import ROUND_HEADS, round_cells
from pipeline.windows.label_spans import no_stretches
from pipeline.workspace.hashes import digest
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace

FOUND = {
    "reviewed_frames": 0,
    "excluded_frames": 0,
    "windows": 200,
    "reviewed_windows": 0,
    "flagged": 50,
    "segments": 9,
    "expected_wrong": 40.0,
    "share_wrong": 0.2,
    "classes": [],
}


def decided(label: str = "SIT") -> DecidedLabels:
    row = {"clip_id": text(["a"]), "start_frame": [0], "end_frame": [9], "label": text([label]), "label_source": text(["review"])}
    return DecidedLabels(pd.DataFrame(row).astype({"start_frame": "int32", "end_frame": "int32"}), events=1)


def run(place: Workspace, run_hash: str, told: dict, *, finished: bool = True, **found: object) -> RunFolder:
    folder = place.run_of(run_hash, {"round": told})
    folder.save_record({**folder.record(), "finished": finished, "round": {**told, **FOUND, **found}})
    return folder


def three_rounds(root: Path) -> tuple[Workspace, list[RunFolder]]:
    place = Workspace(root)
    made = [run(place, "10000000", open_round(place, "base", None))]
    for number, frames in ((2, 30), (3, 60)):
        told = open_round(place, "base", decided(str(number)))
        made.append(
            run(place, f"{number}0000000", told, reviewed_frames=frames, reviewed_windows=frames, share_wrong=0.3 / number)
        )
    return place, made


def test_rounds_count_on_from_the_audit_of_the_labels_as_given(tmp_path: Path) -> None:
    place, made = three_rounds(tmp_path)
    found = rounds_of(place, "base")
    assert [r["number"] for r in found] == [1, 2, 3]
    assert [r["run_id"] for r in found] == [folder.path.name for folder in made]
    assert [r["previous"] for r in found] == [None, made[0].path.name, made[1].path.name]
    assert [f.path for f in earlier_rounds(made[2])] == [folder.path for folder in made[:2]]
    assert [r["number"] for r in rounds_before(made[1])] == [1, 2]
    assert rounds_of(place, "another source") == []


def test_rounds_that_are_not_finished_or_of_another_source_do_not_count(tmp_path: Path) -> None:
    place, _ = three_rounds(tmp_path)
    run(place, "40000000", open_round(place, "base", decided("x")), finished=False)
    run(place, "50000000", open_round(place, "other", decided("x")))
    assert [r["number"] for r in rounds_of(place, "base")] == [1, 2, 3]
    assert open_round(place, "base", decided("y"))["number"] == 4
    # Decisions over another source begin at the second round there, whether or not its plain audit was made here.
    assert [r["number"] for r in rounds_of(place, "other")] == [2]


FACTS = {"source": "/data", "format": "table", "config": {"windows": {"hz": 5.0, "steps": 7}}, "named_files": {}}
MANIFEST = [["a.csv", 10, 99]]
DEFAULTS = {"windows": {"hz": 5.0, "steps": 5, "stride": 1}, "source": {"encoding": "auto"}}


@pytest.mark.parametrize("code", [{"version": "0.1", "code": "abc"}, {}])
def test_rounds_of_earlier_versions_count_on_where_source_and_configuration_are_the_same(tmp_path: Path, code: dict) -> None:
    place = Workspace(tmp_path)
    for number in (1, 2):
        told = open_round(place, "before", decided("SIT") if number == 2 else None)
        folder = run(place, f"{number}0000000", told | {"base": digest(code | FACTS, MANIFEST)})
        folder.save_record(folder.record() | code | FACTS)
    run(place, "30000000", open_round(place, "unknown", decided("SIT")))
    now = FACTS | {"config": {"windows": {"hz": 5.0, "steps": 7, "stride": 1}, "source": {"encoding": "auto"}}}
    others = [now | {"config": now["config"] | {"windows": DEFAULTS["windows"]}}, now | {"source": "/elsewhere"}]
    for facts, manifest in [*((other, MANIFEST) for other in others), (now, [["a.csv", 11, 99]])]:
        adopt_rounds(place, "now", facts=facts, manifest=manifest, defaults=DEFAULTS)
        assert rounds_of(place, "now") == []
    adopt_rounds(place, "now", facts=now, manifest=MANIFEST, defaults=DEFAULTS)
    assert [r["number"] for r in rounds_of(place, "now")] == [1, 2]
    assert open_round(place, "now", decided("TURN"))["number"] == 3
    assert open_round(place, "now", decided("SIT"))["number"] == 2


def test_rounds_whose_record_has_former_names_of_keys_count_on(tmp_path: Path) -> None:
    place = Workspace(tmp_path)
    before = FACTS | {"config": {"model": {"passes": 3}, "issues": {"wrong_clips": 0.1}}}
    folder = run(place, "10000000", open_round(place, digest(before, MANIFEST), None))
    folder.save_record(folder.record() | before)
    defaults = {"model": {"cleaning_iterations": None}, "issues": {"clip_error_rate": 0.002}}
    now = before | {"config": {"model": {"cleaning_iterations": 3}, "issues": {"clip_error_rate": 0.1}}}
    other = before | {"config": now["config"] | {"model": {"cleaning_iterations": 4}}}
    adopt_rounds(place, "now", facts=other, manifest=MANIFEST, defaults=defaults)
    assert rounds_of(place, "now") == []
    adopt_rounds(place, "now", facts=now, manifest=MANIFEST, defaults=defaults)
    assert [r["number"] for r in rounds_of(place, "now")] == [1]


def test_the_same_decisions_audited_by_other_code_stay_the_same_round(tmp_path: Path) -> None:
    place, made = three_rounds(tmp_path)
    told = open_round(place, "base", decided("2"))
    assert (told["number"], told["previous"]) == (2, made[0].path.name)
    anew = run(place, "2f000000", told)
    assert [(r["number"], r["run_id"]) for r in rounds_of(place, "base")][1:] == [(2, anew.path.name), (3, made[2].path.name)]
    assert open_round(place, "base", decided("4"))["number"] == 4
    for folder in (made[1], anew):
        (folder.path / "run.json").unlink()
    assert open_round(place, "base", decided("3"))["number"] == 3


def test_nothing_decided_is_the_first_round(tmp_path: Path) -> None:
    place, _ = three_rounds(tmp_path)
    assert open_round(place, "base", DecidedLabels(no_stretches(), events=0))["number"] == 1
    assert decided("SIT").hash == decided("SIT").hash != decided("TURN").hash


def test_what_a_round_expects_is_of_the_windows_that_are_not_reviewed() -> None:
    names = text(["w0", "w1", "w2", "w3", "w4"])
    reviewed = decided().stretches
    issues = pd.DataFrame(
        {
            "window_id": names,
            "species": text(["DOG"] * 5),
            "given_label": text(["SIT", "SIT", "TURN", "TURN", "TURN"]),
            "label_quality": [1.0, 0.5, 0.9, 0.1, 0.1],
            "is_issue": [False, False, False, True, True],
            "split": text(["audit"] * 4 + ["holdout"]),
        }
    )
    tables = {
        "windows": pd.DataFrame({"window_id": names, "reviewed": [True, False, False, False, False]}),
        "issues": issues,
        "trust": pd.DataFrame({"species": text(["DOG"]), "better": [True]}),
        "reviewed": reviewed,
        "segments": pd.DataFrame({"split": text(["audit", "holdout"])}),
        "frames": pd.DataFrame({"clip_id": text(["a"] * 6 + ["b"]), "frame_number": [0, 3, 6, 9, 12, 15, 0]}),
    }
    found = figures_of_round(tables)
    assert (found["reviewed_frames"], found["reviewed_windows"], found["windows"], found["flagged"]) == (4, 1, 4, 1)
    assert (found["segments"], found["excluded_frames"]) == (1, 0)
    assert found["expected_wrong"] == pytest.approx(1.5)
    assert found["share_wrong"] == pytest.approx(0.5)
    assert [(c["label"], c["windows"], c["share_wrong"]) for c in found["classes"]] == [("SIT", 1, 0.5), ("TURN", 2, 0.5)]
    everything = {**tables, "windows": tables["windows"].assign(reviewed=True)}
    assert figures_of_round(everything)["share_wrong"] is None
    # Nor is anything expected where the models are no better than chance.
    blind = figures_of_round({**tables, "trust": tables["trust"].assign(better=False)})
    assert (blind["share_wrong"], blind["classes"]) == (None, [])


def test_rounds_side_by_side(tmp_path: Path) -> None:
    place, _ = three_rounds(tmp_path)
    found = rounds_of(place, "base")
    found[2]["share_wrong"] = None
    heads, rows = rounds_part(found)["table"]
    assert (heads, len(rows)) == (ROUND_HEADS, 3)
    assert rounds_part(found[:1]) is None
    assert round_cells(found[1])[3:5] == ("30", "15%")
    assert round_cells(found[2])[-1] == "-"
    figure = rounds_figure(found)
    assert list(figure.data[1].y) == [0.2, 0.15, None]
    assert list(figure.data[0].y) == [0.2] * 3
    assert list(figure.data[0].x) == [f"round {n}<br>{f} frames reviewed" for n, f in ((1, 0), (2, 30), (3, 60))]
