"""A dispute of a blind sample in a real browser: another person's blind label settles it, and changes no export."""

from __future__ import annotations

import pandas as pd
import pytest

from data_schemas.config import load_config
from data_schemas.labels import load_taxonomy
from pipeline.audit.stages import SCHEMAS
from pipeline.evaluation.verified_windows import sample_states
from pipeline.export.dataset import export_dataset
from pipeline.review.access import frames_of, stored_events
from pipeline.review.blind import draw_sample
from pipeline.review.store import ReviewStore
from pipeline.workspace.workspace import Workspace
from tests.integration.browser import FarAway
from tests.integration.pages.looking import serve, settled
from tests.pages_run import paint, run_of, write_pages_run

pytestmark = pytest.mark.integration

FIRST, SECOND = load_taxonomy("aihub59").names("DOG")[:2]


@pytest.fixture(scope="module")
def disputed(tmp_path_factory):
    """Give a workspace with a blind sample of two windows that two people differ on, its server, and what it exports."""
    root = write_pages_run(tmp_path_factory.mktemp("disputed") / "work", clips=2)
    before = exported(root, tmp_path_factory.mktemp("before"))
    issues = run_of(root).read_table("issues", SCHEMAS["issues"])
    sample = draw_sample(issues, sizes={"flagged": 2}, seed=0, run_id=run_of(root).path.name)
    with ReviewStore.open(Workspace(root).review_db) as store:
        store.save_sample(sample)
    for who, label in (("first-judge", FIRST), ("second-judge", SECOND)):
        for w in sample.to_dict("records"):
            paint(root, w["clip_id"], w["start_frame"], w["end_frame"], reviewer=who, label=label, stream=stream_of(sample))
    server = serve(root)
    yield root, server, sample, before
    server.kill()


def test_a_third_person_settles_a_dispute_unseeing_and_exports_stay_the_same(disputed, visit, tmp_path):
    root, server, sample, before = disputed
    secrets = {"dog-sit", "SIT", "WALKRUN", FIRST, "judge", *sample["clip_id"]}
    # Each window is labelled over a distance of its own; the app itself is loaded over the short one.
    with FarAway(server, round_trip_ms=40) as far:
        page = settled(visit("agreement", reviewer="third", url=far.url))
        page.get_by_role("button", name="Label them blind").click()
        for number, round_trip_ms in ((1, 350), (2, 40)):
            far.delay = round_trip_ms / 2000
            page.get_by_role("heading", name=f"Window {number} of 2").wait_for(timeout=30_000)
            page.locator("[data-waiting=true]").wait_for(state="hidden", timeout=30_000)
            assert {s for s in secrets if s in words(page)} == set()
            # The last key comes while the next window is on its way, and hits neither.
            for key in (f"Digit{number}", "Enter", "Digit3"):
                page.keyboard.press(key)
        page.get_by_text("You have labelled every window that reviewers differ on").wait_for(timeout=30_000)
    events = stored_events(Workspace(root))
    third = events[events["reviewer"] == "third"]
    assert set(third["stream"]) == {stream_of(sample)}
    wanted = sample[["clip_id", "start_frame", "end_frame"]].assign(label=[FIRST, SECOND]).to_numpy().tolist()
    assert third[["clip_id", "start_frame", "end_frame", "label"]].to_numpy().tolist() == wanted
    windows = run_of(root).read_table("windows", SCHEMAS["windows"])
    states = sample_states(sample, events, windows, frames=frames_of(run_of(root)))
    assert states[["state", "verified_label"]].to_numpy().tolist() == [["verified", FIRST], ["verified", SECOND]]
    pd.testing.assert_frame_equal(exported(root, tmp_path), before)


def stream_of(sample):
    return f"blind:{sample['sample_id'].iloc[0]}"


def exported(root, folder):
    export_dataset(Workspace(root), folder / "cleaned", settings=load_config(None).export)
    return pd.read_parquet(folder / "cleaned" / "frames.parquet")


def words(page):
    """Return what the page says, hidden or not, but for the classes that one may choose."""
    inside = page.locator(".labeller").evaluate(
        """shown => {
          const copy = shown.cloneNode(true);
          copy.querySelector(".classes").remove();
          return copy.outerHTML;
        }"""
    )
    return inside + page.locator("body").inner_text()
