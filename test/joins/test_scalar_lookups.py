# SPDX-License-Identifier: PostgreSQL
"""Subqueries of the SELECT list that look up one item are batched as joins are."""

import pytest
from support.fdw import foreign_table
from support.joins import batched_joins, here, join_tables, key, load_items, only_batched

ROWS = 200


@pytest.fixture(scope="module")
def tables(ddb_resource):
    load_items(ddb_resource)


@pytest.fixture
def t(db, proxy, tables):
    return join_tables(db, proxy.endpoint)


def check(db, proxy, query):
    """The operations of a query that gives what it gives of local tables."""
    with proxy.record() as calls:
        rows = db.execute(query).fetchall()
    expected = db.execute(here(query)).fetchall()
    assert sorted(rows, key=key) == sorted(expected, key=key) and rows
    return calls.data.operations


TOGETHER = [
    "SELECT row, (SELECT v FROM ids WHERE ids.id = l.k) FROM l",
    "SELECT row, (SELECT v FROM ids WHERE l.k = id) AS v FROM l ORDER BY v, row",
    "SELECT row, (SELECT note FROM ids WHERE id = l.k + 1) FROM l",
    "SELECT row, upper((SELECT note FROM ids WHERE id = l.k)) || 'x' FROM l",
    "SELECT row, (SELECT v FROM ids WHERE id = l.k AND v > l.x) FROM l",
    "SELECT row, (SELECT v FROM ids WHERE id = l.k AND note LIKE 'n1%') FROM l WHERE x > 1",
    "SELECT row, (SELECT n FROM pairs WHERE pk = l.pk AND sk = l.since) FROM l",
    "SELECT row, (SELECT n FROM pairs WHERE pk = l.pk AND sk = 3) FROM l",
    "SELECT a.row, (SELECT v FROM ids WHERE id = b.k) FROM l a JOIN l b ON a.row = b.row",
    "SELECT a.row, (SELECT v FROM ids WHERE id = b.k) FROM l a LEFT JOIN l b ON b.row = a.row + 50",
    "SELECT a.row, (SELECT v FROM ids WHERE id = b.k) FROM l a, l b WHERE b.row = a.row + 5",
    "SELECT row, (SELECT v FROM ids WHERE id = s.k) FROM (SELECT * FROM l OFFSET 0) s",
    "SELECT row, (SELECT v FROM ids WHERE id = s.k)"
    " FROM (SELECT row, sum(k)::int AS k FROM l GROUP BY row) s",
    "WITH c AS MATERIALIZED (SELECT * FROM l) SELECT row, (SELECT v FROM ids WHERE id = c.k) FROM c",
]


@pytest.mark.parametrize("query", TOGETHER)
def test_looked_up_together(t, proxy, query):
    with only_batched(t):
        operations = check(t, proxy, query)
        assert batched_joins(t, query) == 1
    assert len(operations) <= 2 and set(operations) == {"BatchGetItem"}


def test_two_of_them(t, proxy):
    query = (
        "SELECT row, (SELECT v FROM ids WHERE id = l.k), (SELECT note FROM ids WHERE id = l.row),"
        " (SELECT n FROM pairs WHERE pk = l.pk AND sk = l.x) FROM l"
    )
    with only_batched(t):
        assert len(check(t, proxy, query)) <= 6
        assert batched_joins(t, query) == 3


def test_prepared(t, proxy):
    t.execute("PREPARE q(int) AS SELECT row, (SELECT v FROM ids WHERE id = l.k + $1) FROM l")
    for mode in ("force_custom_plan", "force_generic_plan"):
        t.execute(f"SET plan_cache_mode = {mode}")
        with only_batched(t), proxy.record() as calls:
            rows = t.execute("EXECUTE q(1)").fetchall()
        assert calls.data.operations == ["BatchGetItem"] and len(rows) == ROWS


APART = [
    # evaluated for few of the rows
    "SELECT row, (SELECT v FROM ids WHERE id = l.k) FROM l ORDER BY row LIMIT 3",
    "SELECT row, CASE WHEN row = 3 THEN (SELECT v FROM ids WHERE id = l.k) END FROM l",
    "SELECT row, coalesce(x, (SELECT v FROM ids WHERE id = l.k)) FROM l",
    "SELECT count(*) FROM (SELECT row, (SELECT v FROM ids WHERE id = l.k) FROM l) s",
    # more than a column, or of more than an item
    "SELECT row, (SELECT 7 / v FROM ids WHERE id = l.k AND v > 0) FROM l WHERE row < 5",
    "SELECT row, (SELECT max(n) FROM pairs WHERE pk = l.pk) FROM l WHERE row < 5",
    "SELECT row, (SELECT n FROM pairs WHERE pk = l.pk AND sk = 2 LIMIT 1) FROM l WHERE row < 5",
    "SELECT DISTINCT (SELECT v FROM ids WHERE id = l.k) FROM l WHERE row < 5",
    "SELECT x, sum((SELECT v FROM ids WHERE id = l.k)) FROM l WHERE row < 5 GROUP BY x",
    "SELECT row, (SELECT v FROM ids WHERE id = 7) FROM l",
]


@pytest.mark.parametrize("query", APART)
def test_others_stay_as_they_are(t, proxy, query):
    assert len(check(t, proxy, query)) <= 5
    assert batched_joins(t, query) == 0


def test_more_than_one_row_is_an_error_still(t):
    for condition in ("pk = l.pk", "pk = l.pk AND sk >= l.since", "pk = l.pk AND sk IN (1, l.x)"):
        with pytest.raises(Exception, match="more than one row"):
            t.execute(f"SELECT (SELECT n FROM pairs WHERE {condition}) FROM l")


def test_keys_that_compare_as_equal_are_an_error_still(t, make_table):
    """Two stored keys that a column takes as one value."""
    numbers = make_table(("id",), "id:N", [{"id": n} for n in (16777216, 16777217)])
    foreign_table(t, "floats", ["id real"], table_name=numbers.name)
    with pytest.raises(Exception, match="more than one row"):
        t.execute(
            "SELECT (SELECT id FROM floats WHERE id = x.id) FROM (VALUES (16777216::real)) x(id)"
        )


def test_of_a_parent_there_may_be_several(t):
    t.execute(
        "CREATE FOREIGN TABLE more () INHERITS (ids) SERVER dynamo OPTIONS (table_name 'BatchIds')"
    )
    with pytest.raises(Exception, match="more than one row"):
        t.execute("SELECT (SELECT v FROM ids WHERE id = l.row) FROM l")


def test_privileges_are_those_of_the_subquery(t, connect):
    t.execute("CREATE ROLE looker LOGIN")
    try:
        t.execute("GRANT SELECT ON l TO looker")
        t.execute("GRANT SELECT ON ids TO looker")
        t.execute(
            "CREATE USER MAPPING FOR looker SERVER dynamo"
            " OPTIONS (access_key_id 'test', secret_access_key 'secret')"
        )
        query = "SELECT row, (SELECT v FROM ids WHERE id = l.k) FROM l"
        other = connect(user="looker")
        assert len(other.execute(query).fetchall()) == ROWS
        t.execute("REVOKE SELECT ON ids FROM looker")
        with pytest.raises(Exception, match="permission denied"):
            other.execute(query)
        t.execute("CREATE VIEW looked_at AS SELECT row, (SELECT v FROM ids WHERE id = l.k) FROM l")
        t.execute("GRANT SELECT ON looked_at TO looker")
        assert len(other.execute("SELECT * FROM looked_at").fetchall()) == ROWS
        other.close()
    finally:
        t.execute("DROP OWNED BY looker")
        t.execute("DROP USER MAPPING IF EXISTS FOR looker SERVER dynamo")
        t.execute("DROP ROLE looker")


def test_it_can_be_switched_off(t):
    query = "SELECT row, (SELECT v FROM ids WHERE id = l.k) FROM l"
    for setting in ("ddb_fdw.batch_join", "ddb_fdw.pushdown"):
        t.execute(f"SET {setting} = off")
        assert batched_joins(t, query) == 0
        t.execute(f"SET {setting} = on")
