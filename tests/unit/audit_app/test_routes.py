"""The route that saves: what is stored, what is refused, and that nothing is lost or doubled."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import numpy as np
import pytest
from itsdangerous import URLSafeSerializer
from starlette.applications import Starlette
from starlette.testclient import TestClient

from audit_app.clip_facts import alias_of
from audit_app.opened_run import run_at
from audit_app.queue_rows import queue_rows
from audit_app.review_clip import clip_after, clips_like
from audit_app.routes import routes
from audit_app.tokens import EVERY_STREAM, secret_of, sign
from pipeline.review.store import ReviewStore
from tests.generated_run import RUN
from tests.pages_run import paint, run_of, segments_of, write_pages_run

ORIGIN = {"Origin": "http://testserver"}
CLIP = "dog-sit-000000"


def _post(client, message, headers=ORIGIN):
    return client.post("/audit/commit", content=json.dumps(message), headers=headers)


def _events(workspace):
    with ReviewStore.open(workspace / "review.db") as store:
        return store.events()


def test_a_commit_is_in_the_store_before_it_is_acknowledged(client, message, workspace):
    sent = message((100, 109, 1), (110, 112, 0))
    answer = _post(client, sent)
    assert answer.status_code == 200
    assert answer.json() == {"revision": 1, "sequence": 1, "acknowledged": [sent["operations"][0]["operation_id"]]}
    events = _events(workspace)
    assert events[["reviewer", "stream", "clip_id", "action", "label"]].values.tolist() == [
        ["kim", "review", CLIP, "relabel", "WALKRUN"],
        ["kim", "review", CLIP, "keep", "SIT"],
    ]
    assert set(events["run_id"]) == {RUN}


def test_a_commit_sent_twice_is_stored_once(client, message, workspace):
    sent = message((100, 109, 1))
    assert _post(client, sent).json() == _post(client, sent).json()
    assert len(_events(workspace)) == 1


def test_a_stale_base_is_refused_with_what_was_stored_since(client, message, workspace):
    _post(client, message((100, 109, 1)))
    answer = _post(client, message((100, 104, 2)))
    assert answer.status_code == 409
    body = answer.json()
    assert (body["error"], body["revision"]) == ("conflict", 1)
    assert body["operations"][0]["spans"] == [[100, 109, 1]]
    assert len(_events(workspace)) == 1
    assert _post(client, message((100, 104, 2), base=1)).json()["revision"] == 2


def test_a_conflict_names_labels_that_the_page_did_not_know(client, message):
    _post(client, message((100, 109, 1)))
    answer = _post(client, message((100, 104, 0), classes=["SIT", "other"]))
    assert answer.json()["classes"] == ["SIT", "other", "WALKRUN"]
    assert answer.json()["operations"][0]["spans"] == [[100, 109, 2]]


def test_what_the_page_showed_beyond_its_operations_is_stored_too(client, message, workspace):
    state = np.full(60, -1)
    state[:10] = 1
    state[20:25] = -2
    assert _post(client, message((100, 109, 1), state=state)).status_code == 200
    events = _events(workspace)
    assert events["action"].tolist() == ["relabel", "unsure"]
    assert events["note"].tolist()[1] == "state sent by the page"


def _operation(*spans, at="2026-11-25T01:00:00Z"):
    return {"operation_id": "a", "at": at, "spans": list(spans), "undoes": None, "note": None}


@pytest.mark.parametrize(
    "change",
    [
        {"operations": "all"},
        {"classes": None},
        {"clip_id": 7},
        {"base_revision": -1},
        {"sequence": "1"},
        {"state": "not base64!"},
        {"clip_id": "no-such-clip"},
        {"operations": [_operation([100, 109, 99])]},
        {"operations": [_operation([0, 9999, 1])]},
        {"operations": [_operation([100, 101, 1], at="yesterday")]},
        {"operations": [_operation([100, 101, 1], at="9999-12-31T23:59:59-23:59")]},
        {"clip_id": "\ud800"},
    ],
)
def test_a_commit_that_makes_no_sense_is_refused_and_told_why(client, message, workspace, change):
    answer = _post(client, {**message((100, 109, 1)), **change})
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert _events(workspace).empty


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff\xfe", b'"text"', b"[" * 100_000, b'{"sequence": ' + b"9" * 5000 + b"}"]
)
def test_bodies_that_are_no_object_are_refused(client, body):
    assert client.post("/audit/commit", content=body, headers=ORIGIN).status_code == 400


def test_a_body_without_end_is_cut_off(client):
    assert client.post("/audit/commit", content=b" " * (9 * 2**20), headers=ORIGIN).status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_pages_cannot_save(client, message, workspace, headers):
    assert _post(client, message((100, 109, 1)), headers).status_code == 403
    assert _events(workspace).empty


def test_a_browser_that_says_same_origin_may_save(client, message):
    assert _post(client, message((100, 109, 1)), {"Sec-Fetch-Site": "same-origin"}).status_code == 200


@pytest.mark.parametrize("spoil", ["", "x", "a.b", "é.è", "\ud800.a.b"])
def test_tokens_that_were_not_made_here_are_refused(client, message, workspace, spoil):
    assert _post(client, {**message((100, 109, 1)), "token": spoil}).status_code == 403
    assert _events(workspace).empty


def test_a_token_is_for_one_stream_and_ends(client, message, monkeypatch):
    assert _post(client, {**message((100, 109, 1)), "stream": "adjudication"}).status_code == 403
    monkeypatch.setattr("audit_app.tokens.LIFETIME", -1)
    answer = _post(client, message((100, 109, 1)))
    assert answer.status_code == 403
    assert "too long" in answer.json()["error"]


def test_a_changed_token_is_refused(client, message, token, workspace):
    body, at, signature = token.rsplit(".", 2)
    others = URLSafeSerializer("key").dumps({"reviewer": "lee", "stream": "review", "run_id": RUN}).partition(".")[0]
    for changed in (f"{others}.{at}.{signature}", f"{body}.zzzzzz.{signature}", f"{body}.{at}.{signature[:-2]}AA", body):
        assert _post(client, {**message((100, 109, 1)), "token": changed}).status_code == 403
    assert _events(workspace).empty


def test_a_page_that_was_open_during_an_upgrade_is_told_to_reload_and_that_its_acts_are_kept(client, message, workspace):
    # As tokens were signed until they were made by itsdangerous: base64 of JSON, and its HMAC-SHA256.
    said = json.dumps({"expires": time.time() + 3600, "reviewer": "kim", "run_id": RUN, "stream": "review"}).encode()
    body = base64.urlsafe_b64encode(said).rstrip(b"=").decode()
    signature = hmac.new(secret_of(workspace.resolve()), body.encode(), hashlib.sha256).digest()
    old = f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    answer = _post(client, {**message((100, 109, 1)), "token": old})
    # The page keeps acts that are refused, and sends them with the token that it gets when it is loaded anew.
    assert (answer.status_code, answer.json()["hint"]) == (403, "reload the page; what you painted is kept")
    assert _events(workspace).empty


def test_the_secret_is_for_its_owner_alone(workspace):
    secret_of(workspace.resolve())
    assert (workspace / ".review-secret").stat().st_mode & 0o077 == 0


def test_when_the_disk_refuses_nothing_is_stored_and_the_page_is_told_to_try_again(client, message, workspace):
    (workspace / "review.db").mkdir()
    answer = _post(client, message((100, 109, 1)))
    assert answer.status_code == 503
    assert answer.json()["hint"]
    (workspace / "review.db").rmdir()
    assert _post(client, message((100, 109, 1))).status_code == 200


def test_a_workspace_that_cannot_be_written_is_told(client, message, workspace):
    sent = message((100, 109, 1))
    secret_of.cache_clear()
    (workspace / ".review-secret").write_bytes(b"short")
    answer = _post(client, sent)
    secret_of.cache_clear()
    assert answer.status_code == 503
    assert "delete it" in answer.json()["hint"]


def test_a_permit_for_every_stream_saves_to_each_in_its_reviewer_s_name_only(client, message, workspace):
    secret = secret_of(workspace.resolve())
    token = sign(secret, reviewer="kim", stream=EVERY_STREAM, run_id=RUN)
    assert _post(client, {**message((100, 109, 1)), "token": token, "reviewer": "lee"}).status_code == 200
    blind = {**message((100, 109, 1)), "token": token, "stream": "blind:a"}
    assert _post(client, blind).status_code == 400
    assert _post(client, {**blind, "clip_id": alias_of(CLIP, secret)}).status_code == 200
    assert _post(client, {**message((100, 109, 1)), "token": token, "stream": EVERY_STREAM}).status_code == 400
    assert set(zip(_events(workspace)["stream"], _events(workspace)["reviewer"], strict=True)) == {
        ("review", "kim"),
        ("blind:a", "kim"),
    }


def test_a_blind_page_knows_its_clip_by_an_alias_only(client, message, workspace):
    secret = secret_of(workspace.resolve())
    blind = {"stream": "blind:a", "token": sign(secret, reviewer="kim", stream="blind:a", run_id=RUN)}
    alias = alias_of(CLIP, secret)
    assert _post(client, {**message((100, 109, 1)), **blind, "clip_id": alias}).status_code == 200
    events = _events(workspace)
    assert events[["stream", "clip_id"]].values.tolist() == [["blind:a", CLIP]]
    headers = {"X-Audit-Token": blind["token"]}
    assert client.get("/audit/picture", params={"clip": alias, "frame": "100"}, headers=headers).status_code == 200
    assert _post(client, {**message((100, 109, 1)), **blind}).status_code == 400
    refused = _post(client, {**message((0, 9999, 1)), **blind, "clip_id": alias, "base_revision": 1})
    assert refused.status_code == 400
    assert "sit" not in refused.text


def _next(workspace, token, route="next", **query):
    told = routes(workspace, clip_after=clip_after, clips_like=clips_like)
    with TestClient(Starlette(routes=told), base_url="http://testserver") as client:
        return client.get(f"/audit/{route}", params=query, headers={"x-audit-token": token})


@pytest.fixture
def queue(tmp_path, monkeypatch):
    root = write_pages_run(tmp_path / "work", clips=4)
    monkeypatch.setenv("AUDIT_WORKSPACE", str(root))
    return root


def _token(root, **changed):
    return sign(secret_of(root.resolve()), **{"reviewer": "kim", "stream": "review", "run_id": RUN, **changed})


def test_the_next_clip_is_that_of_the_nearest_open_segment_in_another_clip(queue):
    rows = segments_of(queue)
    first, second, third = rows.drop_duplicates("clip_id").head(3).to_dict("records")
    told = _next(queue, _token(queue), **{"from": first["segment_id"]}).json()
    assert (told["segment_id"], told["clip"]["clip_id"]) == (second["segment_id"], second["clip_id"])
    assert told["progress"]["places"][second["segment_id"]] == rows["segment_id"].tolist().index(second["segment_id"]) + 1
    for s in rows[rows["clip_id"] == second["clip_id"]].to_dict("records"):
        paint(queue, s["clip_id"], s["start_frame"], s["end_frame"], reviewer="lee")
    # What others decided in another clip is taken in when that clip, or the queue, is looked at again.
    queue_rows(run_at(run_of(queue).path))
    told = _next(queue, _token(queue), **{"from": first["segment_id"]}).json()
    assert told["clip"]["clip_id"] == third["clip_id"]


def test_the_next_clip_keeps_to_the_filters_and_is_nothing_at_the_end(queue):
    rows = segments_of(queue)
    first, wanted = rows["segment_id"].iloc[0], rows["clip_id"].unique()[-1]
    told = _next(queue, _token(queue), **{"from": first, "text": wanted}).json()
    assert told["clip"]["clip_id"] == wanted
    assert told["progress"]["of"] == (rows["clip_id"] == wanted).sum()
    for query in ({"from": first, "text": "nothing like it"}, {"from": "<script>"}, {}):
        assert _next(queue, _token(queue), **query).status_code == 204


def test_clips_that_look_alike_are_told_to_pages_that_got_their_clip_before_them(queue):
    first = segments_of(queue).iloc[0]
    told = _next(queue, _token(queue), "similar", **{"from": first["segment_id"]}).json()
    assert told
    assert all(s["clip_id"] != first["clip_id"] for s in told)
    for stream, place in (("blind:a", first["segment_id"]), ("review", "gone17")):
        assert _next(queue, _token(queue, stream=stream), "similar", **{"from": place}).status_code == 204


def test_the_next_clip_is_told_to_reviewers_of_the_queue_only(queue, client, token):
    first = segments_of(queue)["segment_id"].iloc[0]
    assert _next(queue, _token(queue, stream="blind:a"), **{"from": first}).status_code == 204
    assert _next(queue, token, **{"from": first}).status_code == 403
    assert client.get("/audit/next", headers={"x-audit-token": token}).status_code == 204
    refused = client.get("/audit/next", headers={"x-audit-token": token, "Origin": "http://elsewhere"})
    assert refused.status_code == 403
