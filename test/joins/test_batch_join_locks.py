# SPDX-License-Identifier: PostgreSQL
"""Batched joins of rows that are locked or changed: checked again, row by row,
when others changed them meanwhile."""

import pytest
from lab import wait_until
from support.background import Statement
from support.joins import batched_joins, here, join_tables, key, load_items, only_batched

UPDATES = [
    "UPDATE l SET x = t.v + 100 FROM ids t WHERE t.id = l.k RETURNING l.row",
    "UPDATE l SET x = t.v + 100 FROM ids t WHERE t.id = l.k AND t.v < l.x + 3 RETURNING t.*",
    "UPDATE l SET x = t.n FROM pairs t WHERE t.pk = l.pk AND t.sk = l.since RETURNING l.*, t.n",
    "UPDATE l SET x = t.n + 100 FROM pairs t"
    " WHERE t.pk = l.pk AND t.sk >= l.since AND t.sk < l.since + 1 RETURNING l.row",
    "UPDATE l SET x = 100 WHERE EXISTS (SELECT FROM ids t WHERE t.id = l.k AND t.v < 5) RETURNING row",
    "UPDATE l SET x = 100 WHERE NOT EXISTS (SELECT FROM ids t WHERE t.id = l.k AND t.v < 5)"
    " RETURNING row",
    "UPDATE l SET x = coalesce(t.v, 7) FROM l m LEFT JOIN ids t ON t.id = m.k"
    " WHERE m.row = l.row RETURNING l.row, t.id",
    "UPDATE l SET x = 5 FROM ids t JOIN pairs u ON u.pk = 'p' || t.v AND u.sk = 1"
    " WHERE t.id = l.k RETURNING l.row",
    "DELETE FROM l USING ids t WHERE t.id = l.k RETURNING l.row, t.note",
    "DELETE FROM l WHERE NOT EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk) RETURNING row",
    "WITH s AS (SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k FOR UPDATE OF l)"
    " UPDATE l SET x = s.v FROM s WHERE s.row = l.row RETURNING l.row",
    "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k FOR UPDATE OF l",
    "SELECT l.*, t.* FROM l LEFT JOIN ids t ON t.id = l.k AND t.v <> l.x FOR UPDATE OF l",
    "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k WHERE t.v IS NULL OR t.v > l.x"
    " FOR NO KEY UPDATE OF l",
    "SELECT l.row, t.n FROM l JOIN pairs t ON t.pk = l.pk AND t.sk BETWEEN l.x AND l.since"
    " FOR UPDATE",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.n = 2)"
    " FOR SHARE",
]
MERGES = [
    "MERGE INTO l USING ids t ON t.id = l.k WHEN MATCHED AND t.v > 2 THEN UPDATE SET x = 100 + t.v"
    " WHEN MATCHED THEN DELETE",
    "MERGE INTO l USING (SELECT m.row, t.v FROM l m JOIN ids t ON t.id = m.k) s ON s.row = l.row"
    " WHEN MATCHED THEN UPDATE SET x = 100 + s.v"
    " WHEN NOT MATCHED THEN INSERT (row) VALUES (s.row + 1000)",
]
CHANGES = [
    "k = 3",
    "k = NULL",
    "x = 1",
    "pk = 'p4'",
    "since = 2, k = 800",
    "pk = 'none', k = -1",
]
CHANGED = "row % 5 = 2"


@pytest.fixture(scope="module")
def tables(ddb_resource):
    load_items(ddb_resource)


@pytest.fixture
def t(db, proxy, tables):
    join_tables(db, proxy.endpoint)
    db.execute("CREATE TABLE before AS SELECT * FROM l")
    return db


def is_blocked(observer, pid):
    return observer.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [pid]).fetchone()[0]


def with_others(db, other, query, change):
    """What the query gives and leaves when another session changes rows under it."""
    db.execute("TRUNCATE l; INSERT INTO l SELECT * FROM before; ANALYZE l")
    pid = db.info.backend_pid
    other.execute("BEGIN")
    other.execute(f"UPDATE l SET {change} WHERE {CHANGED}")
    statement = Statement(db, query)
    wait_until(lambda: is_blocked(other, pid) or not statement.is_running, "the rows are locked")
    assert statement.is_running
    other.execute("COMMIT")
    assert statement.join().error is None
    left = db.execute("SELECT * FROM l").fetchall()
    return sorted(statement.rows, key=key), sorted(left, key=key)


@pytest.mark.warns("rows of foreign table public.pairs are not locked")
@pytest.mark.parametrize("query", UPDATES + MERGES)
def test_rows_that_change_meanwhile_are_checked_again(t, connect, proxy, query):
    other = connect()
    for change in CHANGES:
        expected = with_others(t, other, here(query), change)
        with only_batched(t):
            assert batched_joins(t, query)
            with proxy.record() as calls:
                assert with_others(t, other, query, change) == expected, change
        with proxy.record() as undisturbed, only_batched(t), t.transaction(force_rollback=True):
            t.execute("TRUNCATE l; INSERT INTO l SELECT * FROM before")
            t.execute(query)
        # What was found is checked, not asked for again.
        assert calls.data.count() == undisturbed.data.count()


def test_rows_that_others_lock_are_skipped(t, connect):
    other = connect()
    query = "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k FOR UPDATE OF l SKIP LOCKED"
    with other.transaction():
        other.execute(f"SELECT FROM l WHERE {CHANGED} FOR UPDATE")
        with only_batched(t):
            assert batched_joins(t, query)
            found = t.execute(query).fetchall()
        expected = t.execute(here(query)).fetchall()
    assert sorted(found) == sorted(expected) and found


@pytest.mark.uncounted("rows that are checked again are in no EXPLAIN")
def test_subqueries_run_anew_for_rows_that_changed(t, connect):
    """Their tables are not among those that were joined before."""
    query = (
        "UPDATE l SET x = 100 WHERE (SELECT count(*) FROM l m JOIN ids t ON t.id = m.k"
        " WHERE m.row BETWEEN l.x AND l.x + 9) > 8 RETURNING row"
    )
    other = connect()
    for change in CHANGES:
        expected = with_others(t, other, here(query), change)
        with only_batched(t):
            assert batched_joins(t, query)
            assert with_others(t, other, query, change) == expected
