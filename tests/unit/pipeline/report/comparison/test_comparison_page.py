"""What `audit retrain` found, read and told: refused where it is damaged, and never said better than it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from plotly.graph_objects import Figure

from data_schemas.errors import StageError
from data_schemas.renamed_keys import RenamedKey
from pipeline.evaluation.label_error_rate import LabelErrorRate
from pipeline.report.chart_text import chart_text
from pipeline.report.comparison import comparison_figures as draw
from pipeline.report.comparison.comparison_figures import _add_dots, _with_intervals
from pipeline.report.comparison.comparison_text import _gain, _gains_in_short, compared_pair, share_cell
from pipeline.report.comparison.results import Interval, Retraining, read_retraining
from tests.retrain_example import CLASSES, retrain_example, species

RUN = "20261125T000000Z-0a1b2c3d"


def written(folder: Path, found: object) -> Path:
    run = folder / RUN
    (run / "retrain").mkdir(parents=True)
    (run / "retrain" / "retrain.json").write_text(json.dumps(found) if not isinstance(found, str) else found)
    return run


def read(folder: Path, **of) -> Retraining:
    found = read_retraining(written(folder, retrain_example(RUN, of={"DOG": species(**of)})))
    assert found is not None
    return found


def test_a_run_without_a_comparison_has_none(tmp_path: Path) -> None:
    assert read_retraining(tmp_path) is None


def test_a_comparison_of_the_version_before_is_read_with_a_warning(tmp_path: Path) -> None:
    of = species()
    former = {"updates": of.pop("optimizer_steps"), "taught": of.pop("training_windows")}
    run = written(tmp_path, retrain_example(RUN, of={"DOG": of | former}))
    with pytest.warns(RenamedKey, match="earlier version"):
        found = read_retraining(run)
    assert (found.species["DOG"].optimizer_steps, found.species["DOG"].training_windows) == tuple(former.values())


def test_a_comparison_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = read(tmp_path)
    dog = found.species["DOG"]
    assert dog.classes == CLASSES
    assert dog.known["reviewed"].measures["balanced accuracy"] == Interval(0.74, 0.69, 0.79, 12)
    assert dog.known["given"].class_f1["LYING"].value is None
    assert [p.reviewed_frames for p in dog.curve] == [0, 500, 1000, 1500, 2000]


def other_confusion() -> dict:
    found = retrain_example(RUN)
    found["species"]["DOG"]["arms"]["given"]["confusion"] = [[1, 2], [3, 4]]
    return found


def without_curve() -> dict:
    found = retrain_example(RUN)
    del found["species"]["DOG"]["curve"]
    return found


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ("{", "retrain.json"),
        ("[]", "holds no JSON object"),
        (without_curve(), "missing required field `curve`"),
        (other_confusion(), "species DOG, arm given: the confusion is not 3 x 3"),
        (retrain_example("20200101T000000Z-ffffffff"), "made from the run 20200101T000000Z-ffffffff"),
    ],
)
def test_what_is_damaged_or_of_another_run_is_refused_with_the_way_out(tmp_path: Path, found, told: str) -> None:
    with pytest.raises(StageError) as caught:
        read_retraining(written(tmp_path, found))
    assert told in caught.value.message
    assert "audit retrain" in caught.value.hint


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ({}, "pruning and review together gain +16.0 points (95 % interval +9.0 to +23.0); review adds to pruning +8.0 points"),
        ({"apart": -0.16}, "together gain -16.0 points"),
        ({"apart": 0.02}, "+2.0 points (95 % interval -5.0 to +9.0), so whether it gains is not certain"),
        (
            {"known": False, "windows": 0},
            "no verified hold-out windows yet: label 40 blind (`audit review -w ws`, page Blind sample)",
        ),
        ({"known": False, "windows": 0, "held_out": 3}, "only 3 animals held out, 5 are needed: raise folds.holdout"),
        (
            {"known": False, "windows": 0, "held_out": 0},
            "half of the animals at most can be held out: with fewer than 10 add more",
        ),
        ({"known": False, "windows": 12}, "only 12 verified hold-out windows of 12 animals: 18 windows must be labelled blind"),
    ],
)
def test_a_gain_is_told_only_where_its_interval_says_so(tmp_path: Path, of, told: str) -> None:
    found = read(tmp_path, **of)
    assert told in _gain("DOG", found.species["DOG"], found, Path("ws"))


def test_without_reviewed_labels_the_pruned_ones_are_compared(tmp_path: Path) -> None:
    of = species()
    for name in ("arms", "training_windows"):
        del of[name]["reviewed"]
    of["differences"] = {"pruned - given": of["differences"]["pruned - given"]}
    found = read_retraining(written(tmp_path, retrain_example(RUN, of={"DOG": of})))
    assert compared_pair(found.species["DOG"]) == "pruned - given"
    assert "pruning alone gains +8.0 points" in _gain("DOG", found.species["DOG"], found, Path())
    assert _gains_in_short(found.species) == ["the model is 8.0 points better by pruning alone, without anybody"]


def test_an_interval_beyond_what_a_share_can_be_is_cut_off() -> None:
    assert share_cell(Interval(0.98, 0.92, 1.04, 9)) == "98.0 % (92.0 to 100.0)"
    assert share_cell(Interval(0.98, None, None, 3)) == "98.0 %"
    assert share_cell(Interval(None, None, None, 0)) == "-"
    figure = Figure()
    _add_dots(figure, [Interval(0.98, 0.92, 1.04, 9)], [0], name="given", colour="red", labels=["accuracy"])
    (dots,) = figure.data
    assert dots.x[0] + dots.error_x.array[0] == pytest.approx(1.0)
    assert dots.customdata[0][1] == "95 % interval 92.0 to 100.0 %"


def test_figures_show_every_arm_class_and_pair(tmp_path: Path) -> None:
    dog = read(tmp_path).species["DOG"]
    assert [t.name for t in draw.arms_figure(dog).data] == ["given", "pruned", "reviewed"]
    assert list(draw.differences_figure(dog.differences).data[0].y) == pytest.approx([-0.24, 0.76, 1.76])
    classes = draw.f1_figure(dog.known["given"], dog.known["reviewed"], names=("given", "reviewed"))
    assert set(classes.layout.yaxis.ticktext) == set(CLASSES)
    assert classes.data[-1].marker.symbol == "circle-open"
    assert len([t for t in draw.confusion_figure(dog, ["given", "reviewed"]).data if t.type == "heatmap"]) == 2
    curve = next(t for t in draw.curve_figure(dog.curve, dog.known["given"]).data if t.name == "balanced accuracy")
    assert list(curve.x) == [0, 500, 1000, 1500, 2000]


def test_a_class_that_no_verified_window_shows_is_drawn_nowhere(tmp_path: Path) -> None:
    dog = read(tmp_path).species["DOG"]
    classes = draw.f1_figure(dog.known["given"], dog.known["reviewed"], names=("given", "reviewed"))
    row = list(classes.layout.yaxis.ticktext).index("LYING")
    assert row == len(CLASSES) - 1
    assert all(abs(y - row) > 0.5 for trace in classes.data for y in trace.y)


def test_the_labels_are_drawn_with_interval_bound_and_target() -> None:
    before = LabelErrorRate(0.24, 0.21, 0.27, 0.27, {"flagged": 90}, {"flagged": 20}, {"flagged": 0})
    after = LabelErrorRate(0.07, 0.05, 0.10, 0.09, {"flagged": 90}, {"flagged": 6}, {"flagged": 0})
    figure = draw.labels_figure(before, after, target_error_rate=0.05)
    bound = next(t for t in figure.data if t.name.startswith("at most"))
    assert list(bound.x) == [0.27, 0.09]
    assert figure.layout.shapes[0].x0 == 0.05


def test_the_title_tells_gains_first_and_what_cannot_be_told_once(tmp_path: Path) -> None:
    of = {"CAT": species(apart=0.02), "DOG": species(), "FOX": species(apart=0.01), "OWL": species(known=False)}
    found = read_retraining(written(tmp_path, retrain_example(RUN, of=of)))
    alone = "+8.0 by pruning alone, without anybody"
    assert _gains_in_short(found.species) == [
        f"the DOG model is 16.0 points better ({alone}; review adds +8.0 points (95 % interval +1.0 to +15.0))",
        "no difference is certain for the CAT model and the FOX model",
    ]


def test_what_pruning_and_review_gain_is_told_apart_and_identical_predictions_are_called_that(tmp_path: Path) -> None:
    of = species() | {"identical": ["reviewed - pruned"]}
    found = read_retraining(written(tmp_path, retrain_example(RUN, of={"DOG": of})))
    told = _gain("DOG", found.species["DOG"], found, Path())
    assert "pruning alone gains +8.0 points (95 % interval +1.0 to +15.0)" in told
    assert "review adds to pruning nothing: identical predictions" in told
    assert _gains_in_short(found.species) == [
        "the model is 16.0 points better (+8.0 by pruning alone, without anybody; review adds nothing)"
    ]


def test_an_axis_promises_intervals_only_where_there_are_some() -> None:
    known, unknown = Interval(0.5, 0.4, 0.6, 9), Interval(0.5, None, None, 3)
    assert _with_intervals([unknown, unknown]) == ""
    assert _with_intervals([known, Interval(None, None, None, 0)]) == ", with 95 % intervals"
    assert _with_intervals([known, unknown]) == ", with 95 % intervals where enough groups tell"


def test_a_row_of_the_confusion_tells_how_many_windows_it_is_of(tmp_path: Path) -> None:
    figure = draw.confusion_figure(read(tmp_path).species["DOG"], ["given", "reviewed"])
    assert list(figure.layout.yaxis.ticktext) == ["SIT (n = 40)", "WALKRUN (n = 30)", "LYING (n = 0)"]


def test_a_long_series_with_gaps_is_told_by_its_ends_and_its_largest_value() -> None:
    from plotly.graph_objects import Bar, Figure

    values = [None, *range(1, 20), 40, *range(20, 30)]
    figure = Figure(Bar(x=list(range(len(values))), y=values, hovertemplate="%{y}"))
    assert chart_text(figure) == "Chart: 1 1, most at 20 40, to 30 29."


def test_figures_are_told_in_words(tmp_path: Path) -> None:
    dog = read(tmp_path).species["DOG"]
    assert "given: balanced accuracy 58 %, accuracy 60 %" in chart_text(draw.arms_figure(dog))
    assert "SIT as SIT 75% and WALKRUN 20%" in chart_text(draw.confusion_figure(dog, ["given"]))
    assert "balanced accuracy: 0 66 %, 500 68 %" in chart_text(draw.curve_figure(dog.curve, None))
