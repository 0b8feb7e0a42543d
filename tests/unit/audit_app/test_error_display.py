"""Errors on pages name files without their folders, and no password of a database."""

from __future__ import annotations

import pytest

from audit_app.error_display import without_folders


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/kim/audits/demo/review.db: disk is full", "review.db: disk is full"),
        ("cannot read 'C:\\audits\\demo\\review.db'", "cannot read 'review.db'"),
        ("audit run -w /home/kim/demo", "audit run -w demo"),
        ("postgresql+psycopg://kim:secret@db/audits: no answer", "postgresql+psycopg://db/audits: no answer"),
        ("label 3/4 of clip dog/sit-000001", "label 3/4 of clip dog/sit-000001"),
    ],
)
def test_folders_and_logins_stay_on_the_server(text, told):
    assert without_folders(text) == told


def test_a_blank_in_the_workspaces_path_hides_its_folders_no_less(monkeypatch):
    monkeypatch.setenv("AUDIT_WORKSPACE", "/home/kim/My Audits/the first")
    told = without_folders("/home/kim/My Audits/the first/review.db: disk is full")
    assert told == "review.db: disk is full"
