# SPDX-License-Identifier: PostgreSQL
"""FOR UPDATE and its like lock no item: that is said where foreign rows are meant, and
what relies on it is refused."""

from types import SimpleNamespace

import psycopg
import pytest
from support.fdw import foreign_table

COLUMNS = ["id int", "state text"]
NOT_LOCKED = "rows of foreign table public.jobs are not locked"
STRENGTHS = ["UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"]


@pytest.fixture
def jobs(dynamo, make_table):
    items = make_table(("id",), "id:N", [{"id": i, "state": "new"} for i in range(3)])
    foreign_table(dynamo, "jobs", COLUMNS, table_name=items.name)
    foreign_table(dynamo, "other", COLUMNS, table_name=items.name)
    dynamo.execute("CREATE TABLE l AS SELECT i AS id FROM generate_series(0, 2) i")
    return dynamo


def warnings_of(db, statement):
    """What the client is told while the statement runs."""
    said = []

    def note(diag):
        fields = ("sqlstate", "message_primary", "message_detail", "message_hint")
        said.append(SimpleNamespace(**{field: getattr(diag, field) for field in fields}))

    db.add_notice_handler(note)
    db.execute(statement)
    db.remove_notice_handler(note)
    return said


LOCKING = {
    "one row": "SELECT * FROM jobs WHERE id = 1 FOR {}{}",
    "all rows": "SELECT * FROM jobs FOR {}{}",
    "a subquery": "SELECT count(*) FROM (SELECT * FROM jobs FOR {}{}) s",
    "a part of the statement": "WITH w AS MATERIALIZED (SELECT * FROM jobs FOR {}{}) TABLE w",
    "a join": "SELECT * FROM jobs JOIN l USING (id) FOR {}{}",
    "one side of a join": "SELECT * FROM jobs JOIN l USING (id) FOR {} OF jobs{}",
    "twice": "SELECT * FROM jobs JOIN jobs j USING (id) FOR {}{}",
    "a view": "SELECT * FROM v FOR {}{}",
    "a table above it": "SELECT * FROM above FOR {}{}",
    "a cursor": "DECLARE c CURSOR FOR SELECT * FROM jobs FOR {}{}",
    "in a loop": "DO $$ BEGIN FOR i IN 1..3 LOOP"
    " PERFORM * FROM jobs WHERE id = i FOR {}{}; END LOOP; END $$",
}


@pytest.fixture
def above(jobs):
    jobs.execute("CREATE VIEW v AS SELECT * FROM jobs")
    jobs.execute("CREATE TABLE above (id int, state text)")
    jobs.execute("ALTER FOREIGN TABLE jobs INHERIT above")
    return jobs


@pytest.mark.warns(NOT_LOCKED)
@pytest.mark.parametrize("name", LOCKING)
def test_a_warning_once_a_statement(above, name):
    for strength in STRENGTHS:
        with above.transaction():
            (said,) = warnings_of(above, LOCKING[name].format(strength, ""))
        assert said.message_primary == NOT_LOCKED
        assert said.sqlstate == "01000"
        assert said.message_detail
        assert said.message_hint


@pytest.mark.warns(NOT_LOCKED)
def test_each_execution_warns(jobs):
    jobs.execute("PREPARE q AS SELECT * FROM jobs FOR UPDATE")
    for _ in range(7):
        assert len(warnings_of(jobs, "EXECUTE q")) == 1


@pytest.mark.parametrize("clause", ["SKIP LOCKED", "NOWAIT"])
@pytest.mark.parametrize("name", LOCKING)
def test_what_looks_at_locks_is_refused(above, proxy, name, clause):
    for strength in STRENGTHS:
        with proxy.record() as calls, above.transaction(force_rollback=True):
            with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
                above.execute(LOCKING[name].format(strength, f" {clause}"))
        assert clause in caught.value.diag.message_primary
        assert "public.jobs" in caught.value.diag.message_primary
        assert "UPDATE public.jobs SET" in caught.value.diag.message_hint
        assert "RETURNING" in caught.value.diag.message_hint
        assert set(calls.data.operations) <= {"DescribeTable"}


def test_explain_refuses_too_and_does_not_warn(jobs):
    assert warnings_of(jobs, "EXPLAIN SELECT * FROM jobs FOR UPDATE") == []
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        jobs.execute("EXPLAIN SELECT * FROM jobs FOR UPDATE SKIP LOCKED")


@pytest.mark.parametrize("batched", ["on", "off"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM l JOIN jobs USING (id) FOR UPDATE OF l",
        "SELECT * FROM l LEFT JOIN jobs USING (id) FOR UPDATE OF l SKIP LOCKED",
        "SELECT * FROM l WHERE EXISTS (SELECT FROM jobs j WHERE j.id = l.id) FOR SHARE",
        "SELECT * FROM l WHERE id IN (SELECT id FROM jobs) FOR UPDATE NOWAIT",
        "UPDATE l SET id = jobs.id FROM jobs WHERE jobs.id = l.id",
        "DELETE FROM l USING jobs WHERE jobs.id = l.id",
        "MERGE INTO l USING jobs j ON j.id = l.id WHEN MATCHED THEN DELETE",
        "UPDATE jobs SET state = 'x' FROM l WHERE l.id = jobs.id",
        "SELECT * FROM jobs",
    ],
)
def test_locks_of_other_tables_are_silent(jobs, statement, batched):
    jobs.execute(f"SET ddb_fdw.batch_join = {batched}")
    assert warnings_of(jobs, statement) == []


@pytest.mark.warns("rows of foreign table public.other are not locked")
def test_the_other_foreign_table_of_a_join(jobs):
    (said,) = warnings_of(jobs, "SELECT * FROM jobs JOIN other USING (id) FOR UPDATE OF other")
    assert "public.other" in said.message_primary


def test_the_claim_that_the_hint_shows(jobs):
    claim = "UPDATE jobs SET state = 'taken' WHERE state = 'new' RETURNING *"
    assert len(jobs.execute(claim).fetchall()) == 3
    assert jobs.execute(claim).fetchall() == []
