# SPDX-License-Identifier: PostgreSQL
"""Statements warn when there is a reason, and then only: PostgreSQL's own warnings tell
of what was left open.  (conftest.py fails every test that warns of what it does not
expect.)"""

from types import SimpleNamespace

import pytest
from conftest import unexpected_warnings
from support.fdw import foreign_table, make_server
from support.systems import definition

KEYS = definition(("pk", "sk"), "pk:S sk:N")
PLAIN = ["pk text", "sk int", "v int"]
LAST_COLUMN = {
    "plain": "w int",
    "overflow": "rest jsonb OPTIONS (overflow 'true')",
    "item": "doc jsonb OPTIONS (attribute '*')",
    "path": "city text OPTIONS (attribute 'address.city')",
    "twice": "w int OPTIONS (attribute 'v')",
}
RETURNING = {
    "insert": "INSERT INTO t (pk, sk, v) VALUES ('b', 1, 1), ('b', 2, 2) RETURNING *",
    "insert and nothing": "INSERT INTO t (pk, sk, v) VALUES ('a', 1, 1)"
    " ON CONFLICT DO NOTHING RETURNING *",
    "update": "UPDATE t SET v = v + 1 RETURNING *",
    "update in a join": "UPDATE t SET v = i FROM generate_series(1, 3) i WHERE sk = i RETURNING *",
    "delete": "DELETE FROM t WHERE sk < 3 RETURNING *",
    "delete in a join": "DELETE FROM t USING generate_series(1, 2) i WHERE sk = i RETURNING *",
    "in a part of a statement": "WITH w AS (UPDATE t SET v = 0 RETURNING *) SELECT * FROM w",
    "of which half is read": "WITH w AS (UPDATE t SET v = 0 RETURNING *) SELECT * FROM w LIMIT 1",
}


@pytest.fixture
def make_t(db, dynamodb, make_items):
    def make(last_column):
        items = make_items(KEYS, [{"pk": "a", "sk": i, "v": i} for i in range(4)])
        make_server(db, dynamodb.endpoint)
        foreign_table(db, "t", [*PLAIN, LAST_COLUMN[last_column]], table_name=items.name)
        return db

    return make


@pytest.mark.parametrize("last_column", LAST_COLUMN)
@pytest.mark.parametrize("statement", RETURNING)
def test_rows_that_are_returned(make_t, cluster, last_column, statement):
    start = cluster.log_size()
    make_t(last_column).execute(RETURNING[statement]).fetchall()
    assert cluster.warnings_since(start) == []


def test_rows_whose_statement_fails(make_t, cluster):
    start = cluster.log_size()
    t = make_t("overflow")
    with pytest.raises(Exception, match="division by zero"):
        t.execute("UPDATE t SET v = 1 / (sk - 3) RETURNING *")
    t.execute("DO $$ BEGIN INSERT INTO t VALUES ('a', 1); EXCEPTION WHEN OTHERS THEN NULL; END $$")
    assert cluster.warnings_since(start) == []


@pytest.mark.warns("a reason", "no$")
def test_what_tests_are_failed_for(db, cluster):
    """Each warning that no mark announces, whatever the client is told of it."""
    start = cluster.log_size()
    db.execute("SET client_min_messages = error")
    for message in ("a reason", "no\nreason", "a reason and more"):
        db.execute("DO $$ BEGIN RAISE WARNING '" + message + "'; END $$")
    db.execute("SELECT 'WARNING:  nothing'")
    said = cluster.warnings_since(start)
    assert [line.split("WARNING:")[1].strip() for line in said] == [
        "a reason",
        "no",
        "a reason and more",
    ]
    test = SimpleNamespace(iter_markers=lambda name: [pytest.mark.warns("a reason").mark])
    (unexpected,) = unexpected_warnings(test, said)
    assert unexpected.endswith("WARNING:  no")
