"""`audit compare`: before any review, with blind labels, and with what `audit retrain` found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.audit.stages import SCHEMAS
from pipeline.report.page import write_report
from pipeline.review.blind import draw_sample, strata_of
from pipeline.review.events import Commit, Span, blind_stream, new_operation
from pipeline.review.store import ReviewStore
from pipeline.workspace.run_folder import RunFolder
from pipeline.workspace.workspace import Workspace
from tests.integration.browser import chromium
from tests.integration.pages.looking import violations
from tests.retrain_example import retrain_example, species

pytestmark = pytest.mark.integration


def run_of(audit) -> RunFolder:
    return Workspace(audit.folder / "ws").latest()


def label_blind(audit, *, wrong: int) -> list[dict]:
    """Draw flagged and unflagged windows, let somebody call those of some clips something else, and return these.

    Whole clips, for what is said of a window holds for the frames that it shares with the next.
    """
    run = run_of(audit)
    issues = run.read_table("issues", SCHEMAS["issues"])
    there = strata_of(issues).value_counts()
    sizes = {"flagged": min(40, int(there["flagged"])), "unflagged": 40}
    sample = draw_sample(issues, sizes=sizes, seed=1, run_id=run.path.name)
    drawn = sample["clip_id"].value_counts(sort=False).cumsum()
    clips = set(drawn.index[: int((drawn < wrong).sum()) + 1])
    given = issues.set_index("window_id")["given_label"]
    with ReviewStore.open(Workspace(audit.folder / "ws").review_db) as store:
        store.save_sample(sample)
        for window in sample.to_dict("records"):
            label = "other" if window["clip_id"] in clips else given[window["window_id"]]
            paint(store, run, window, label, stream=blind_stream(window["sample_id"]))
    return sample[sample["clip_id"].isin(clips)].to_dict("records")


def paint(store: ReviewStore, run: RunFolder, span: dict, label: str, *, stream: str = "review") -> None:
    operation = new_operation(Span(span["start_frame"], span["end_frame"], "relabel", label))
    base = store.revision(span["clip_id"], reviewer="kim", stream=stream)
    store.commit(Commit(run.path.name, "kim", stream, span["clip_id"], base, 0, (operation,)))


def write_retrain(audit, **of) -> None:
    run = run_of(audit)
    run.write_bytes("retrain/retrain.json", json.dumps(retrain_example(run.path.name, of={"DOG": species(**of)})).encode())


def test_without_review_it_says_what_is_missing_and_draws_nothing_from_it(audited) -> None:
    told = audited("compare", "-w", "ws").stdout
    assert "How many labels are wrong is not known yet" in told
    assert "No models are compared yet: `audit retrain -w ws`" in told
    page = Path(told.rsplit("report: ", 1)[1].strip())
    assert page == run_of(audited).path / "retrain" / "comparison.html"
    text = page.read_text(encoding="utf-8")
    assert "Plotly.newPlot" not in text.split("</head>")[1]
    assert "Worst segments that are left" in text
    assert not (audited.folder / "ws" / "review.db").exists()


def test_blind_labels_give_an_estimate_and_review_moves_it(audited) -> None:
    wrong = label_blind(audited, wrong=12)
    before = json.loads(audited("compare", "-w", "ws", "--json").stdout)["labels"]
    assert before["is_known"]
    assert before["before"]["share"] == before["after"]["share"] > 0
    run = run_of(audited)
    with ReviewStore.open(Workspace(audited.folder / "ws").review_db) as store:
        for window in wrong:
            paint(store, run, window, "other")
    found = json.loads(audited("compare", "-w", "ws", "--json", "--target-error-rate", "0.5").stdout)
    assert found["labels"]["after"]["share"] < before["after"]["share"]
    assert found["labels"]["before"]["share"] == before["before"]["share"]
    assert found["labels"]["is_reached"]
    assert found["review"]["decisions"] == len(wrong) >= 12
    done = audited("compare", "-w", "ws", "--wanted", "0.5")
    assert "can stop" in done.stdout
    assert "warning: --wanted is now called --target-error-rate" in done.stderr


def test_what_retraining_found_is_printed_and_drawn(audited) -> None:
    write_retrain(audited)
    told = audited("compare", "-w", "ws", "--out", "page.html").stdout
    assert "DOG: balanced accuracy 58.0 % trained on the labels given, 66.0 % on pruned ones" in told
    assert "pruning alone gains +8.0 points (95 % interval +1.0 to +15.0)" in told
    assert "58.0 % (53.0 to 63.0)" in told
    page = (audited.folder / "page.html").read_text(encoding="utf-8")
    for figure in ("arms-0", "pairs-0", "classes-0", "confusion-0", "curve-0"):
        assert f'id="{figure}"' in page
    assert "<script src" not in page
    assert page == rewritten(audited)


def rewritten(audit) -> str:
    audit("compare", "-w", "ws", "--out", "page.html")
    return (audit.folder / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1440, 1024])
def test_the_page_works_offline_and_fits_its_window(audited, width: int) -> None:
    write_retrain(audited)
    label_blind(audited, wrong=12)
    audited("compare", "-w", "ws", "--out", "page.html")
    troubles: list[str] = []
    with chromium() as browser:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda told: troubles.append(told.text) if told.type == "error" else None)
        page.on(
            "request", lambda asked: troubles.append(asked.url) if not asked.url.startswith(("file:", "blob:", "data:")) else None
        )
        page.goto((audited.folder / "page.html").as_uri())
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length > 0")
        drawn = page.eval_on_selector_all(".js-plotly-plot", "plots => plots.map((p) => p.id)")
        assert {"arms-0", "pairs-0", "classes-0", "confusion-0", "curve-0", "labels"} <= set(drawn)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            troubles += violations(page)
        # The report of the run, which knows the same blind labels; in one scheme at each width, for axe takes its time with it.
        write_report(run_of(audited))
        page.emulate_media(color_scheme="light" if width > 1200 else "dark")
        page.goto((run_of(audited).path / "report.html").as_uri())
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length > 0")
        assert "labelled blind" in page.inner_text("main")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        troubles += violations(page)
    assert troubles == []


def test_too_few_verified_windows_are_told_where_the_figures_would_stand(audited) -> None:
    write_retrain(audited, known=False, windows=0)
    told = audited("compare", "-w", "ws", "--out", "page.html").stdout
    assert "no verified hold-out windows yet: label 40 blind" in told
    assert 'id="arms-0"' not in (audited.folder / "page.html").read_text(encoding="utf-8")


def test_a_damaged_comparison_is_refused_with_the_way_out(audited) -> None:
    run_of(audited).write_bytes("retrain/retrain.json", b'{"run_id": 1}')
    told = audited("compare", "-w", "ws", code=4).stderr
    assert "retrain.json" in told
    assert "hint: run `audit retrain`" in told


def test_a_workspace_without_a_run_is_told_what_to_type(audit) -> None:
    assert "hint: audit run YOUR_CLIPS -w ws" in audit("compare", "-w", "ws", code=4).stderr


def test_a_share_that_is_none_is_refused(audited) -> None:
    assert "proof.target_error_rate" in audited("compare", "-w", "ws", "--target-error-rate", "5", code=2).stderr


def test_the_help_shows_an_example(audit) -> None:
    assert "Example: audit compare" in audit("compare", "--help").stdout


def test_the_queue_of_the_page_is_the_open_one(audited) -> None:
    run = run_of(audited)
    segments = run.read_table("segments", SCHEMAS["segments"])
    queue = segments[segments["split"] != "holdout"]
    first: dict = queue.to_dict("records")[0]
    with ReviewStore.open(Workspace(audited.folder / "ws").review_db) as store:
        paint(store, run, first, str(first["given_label"]))
    found = json.loads(audited("compare", "-w", "ws", "--out", "page.html", "--json").stdout)
    assert found["labels"]["open_segments"] == len(queue) - 1
    assert f"segment={first['segment_id']}" not in (audited.folder / "page.html").read_text(encoding="utf-8")
