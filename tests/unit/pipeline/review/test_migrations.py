"""Versions of the review database, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from data_schemas.errors import WorkspaceError
from data_schemas.tables import BLIND_SAMPLES, REVIEW_EVENTS
from pipeline.review import schema
from pipeline.review.store import ReviewStore
from tests.unit.pipeline.review.commits import commit, paint


def test_an_older_database_is_migrated_once_and_a_newer_one_left_alone(place: Path | str, monkeypatch) -> None:
    with ReviewStore.open(place) as store:
        store.commit(commit(paint("A")))
    ran = []

    def second(connection: sa.Connection) -> None:
        ran.append(1)
        connection.exec_driver_sql("CREATE TABLE more (x INTEGER)")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second))
    for _ in range(2):
        with ReviewStore.open(place) as store:
            assert len(store.events()) == 1
    assert ran == [1]
    monkeypatch.undo()
    with pytest.raises(WorkspaceError, match="newer pose-audit"):
        ReviewStore.open(place)


def test_a_failing_migration_leaves_the_database_as_it_was(place: Path | str, monkeypatch) -> None:
    ReviewStore.open(place).close()

    def broken(connection: sa.Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE more (x INTEGER)")
        connection.exec_driver_sql("no SQL")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    with pytest.raises(WorkspaceError):
        ReviewStore.open(place)
    monkeypatch.undo()
    ReviewStore.open(place).close()
    engine = schema.connect(place)
    with schema.stored(engine) as connection:
        assert not sa.inspect(connection).has_table("more")
    engine.dispose()


def test_the_database_takes_nothing_that_its_tables_may_not_hold(place: Path | str) -> None:
    ReviewStore.open(place).close()
    engine = schema.connect(place)
    with schema.stored(engine) as connection:
        inspected = sa.inspect(connection)
        for name, table in (("review_events", REVIEW_EVENTS), ("blind_samples", BLIND_SAMPLES)):
            stored = {column["name"]: column["nullable"] for column in inspected.get_columns(name)}
            stored.pop("place", None)
            assert stored == {column: values.nullable for column, values in table.columns.items()}
        unique = [inspected.get_unique_constraints(name)[0]["column_names"] for name in ("review_events", "blind_samples")]
        assert unique == [["event_id"], BLIND_SAMPLES.unique]
    engine.dispose()
