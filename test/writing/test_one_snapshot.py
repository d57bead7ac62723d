# SPDX-License-Identifier: PostgreSQL
"""Parts of one statement do not see what its other parts write.

Each statement runs on a foreign table and on a local one that holds the same rows;
the answers and what is stored afterwards must be the same."""

import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.systems import definition, index

KEYS = definition(("k",), "k:N")
INDEXED = definition(("k",), "k:N g:S", gsis=[index("by_g", "g")], lsis=[])
COLUMNS = ["k int NOT NULL", "g text", "v int"]
START = "INSERT INTO {} SELECT i, 'g' || i % 3, i * 10 FROM generate_series(1, 12) i"

STATEMENTS = {
    "an INSERT beside an UPDATE": "WITH w AS (INSERT INTO t VALUES (42, 'x', 0) RETURNING k)"
    " UPDATE t SET v = v + w.k FROM w RETURNING t.k, t.v",
    "an INSERT beside a DELETE": "WITH w AS (INSERT INTO t VALUES (42, 'x', 0) RETURNING k)"
    " DELETE FROM t USING w WHERE t.k > 3 RETURNING t.k, w.k",
    "an UPDATE beside a sum": "WITH w AS (UPDATE t SET v = v + 1000 RETURNING k)"
    " SELECT sum(v), n FROM t, (SELECT count(*) AS n FROM w) c GROUP BY n",
    "a DELETE beside a count": "WITH w AS (DELETE FROM t WHERE k < 5 RETURNING k)"
    " SELECT (SELECT count(*) FROM w), (SELECT count(*) FROM t)",
    "the count is asked for first": "WITH w AS (DELETE FROM t WHERE k < 5 RETURNING k)"
    " SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM w)",
    "a part that nobody reads": "WITH w AS (DELETE FROM t WHERE k < 5) SELECT k, v FROM t",
    "two parts of different tables": "WITH w AS (UPDATE t SET v = 0 RETURNING k),"
    " x AS (INSERT INTO u SELECT k, g, v FROM t RETURNING k) SELECT count(*) FROM w, x",
    "a part reads what another writes": "WITH w AS (DELETE FROM t WHERE k <= 6 RETURNING *),"
    " x AS (INSERT INTO t SELECT k + 100, g, v FROM w RETURNING *)"
    " SELECT (SELECT count(*) FROM t), (SELECT sum(v) FROM x)",
    "two parts update other items": "WITH w AS (UPDATE t SET v = -1 WHERE k <= 6 RETURNING k)"
    " UPDATE t SET v = -2 WHERE k > 6 AND (SELECT count(*) FROM w) > 0 RETURNING k, v",
    "two parts delete the same items": "WITH w AS (DELETE FROM t WHERE k <= 6 RETURNING k)"
    " DELETE FROM t WHERE k <= 8 AND (SELECT count(*) FROM w) > 0 RETURNING k",
    "two parts update the same items": "WITH w AS (UPDATE t SET v = -1 WHERE k <= 6 RETURNING k)"
    " UPDATE t SET v = -2 WHERE k <= 8 AND (SELECT count(*) FROM w) > 0 RETURNING k, v",
    "what a part has updated another deletes": "WITH w AS (UPDATE t SET v = -1 WHERE k <= 6"
    " RETURNING k) DELETE FROM t WHERE k <= 8 AND (SELECT count(*) FROM w) > 0 RETURNING k",
    "what a part has deleted another updates": "WITH w AS (DELETE FROM t WHERE k <= 6"
    " RETURNING k) UPDATE t SET v = 0 WHERE k <= 8 AND (SELECT count(*) FROM w) > 0 RETURNING k",
    "a subquery for each row": "WITH w AS (UPDATE t SET v = v + 1000 WHERE k < 7 RETURNING k)"
    " SELECT w.k, (SELECT s.v FROM t s WHERE s.k = w.k) FROM w",
    "a join by key with what was written": "WITH w AS (UPDATE t SET v = v + 1000 RETURNING k, v)"
    " SELECT w.k, w.v, t.v FROM w JOIN t ON t.k = w.k",
    "a lateral look-up": "WITH w AS (UPDATE t SET v = v + 1000 RETURNING k, g)"
    " SELECT w.k, s.v FROM w, LATERAL (SELECT v FROM t WHERE t.k = w.k LIMIT 1) s",
    "EXISTS": "WITH w AS (DELETE FROM t WHERE k < 7 RETURNING k)"
    " SELECT k FROM w WHERE EXISTS (SELECT FROM t WHERE t.k = w.k)",
    "a first row and the rest": "WITH w AS (UPDATE t SET v = -v RETURNING k)"
    " SELECT t.k, t.v, w.k FROM t JOIN w ON w.k <> t.k",
    "LIMIT": "WITH w AS (DELETE FROM t RETURNING k)"
    " SELECT v FROM t WHERE k = 3 AND (SELECT count(*) FROM w) > 0 LIMIT 1",
    "an INSERT that replaces nothing": "WITH w AS (INSERT INTO t VALUES (1, 'x', 0)"
    " ON CONFLICT DO NOTHING RETURNING k) SELECT count(*), (SELECT count(*) FROM t) FROM w",
    "a view": "WITH w AS (UPDATE t SET v = 0 RETURNING k) SELECT sum(v), max(n) FROM seen,"
    " (SELECT count(*) AS n FROM w) c",
    "a subquery in RETURNING": "WITH w AS (UPDATE t SET v = v + 1 WHERE k = 1"
    " RETURNING (SELECT sum(v) FROM t)) SELECT * FROM w",
    "RETURNING of an UPDATE": "UPDATE t SET v = v + 1 RETURNING k, v, (SELECT sum(v) FROM t)",
    "RETURNING of a DELETE": "DELETE FROM t WHERE k > 4 RETURNING k,"
    " (SELECT count(*) FROM t s WHERE s.k <= t.k)",
    "RETURNING of an INSERT": "INSERT INTO t SELECT k + 50, g, v FROM t WHERE k < 4"
    " RETURNING k, (SELECT count(*) FROM t), EXISTS (SELECT FROM t s WHERE s.k = t.k)",
    "a condition on the index": "WITH w AS (UPDATE t SET v = v + 1000 WHERE g = 'g1' RETURNING k)"
    " SELECT t.k, t.v FROM t, (SELECT count(*) FROM w) c WHERE t.g = 'g1'",
    "DELETE beside INSERT of the rest": "WITH w AS (DELETE FROM t WHERE v > 60 RETURNING *)"
    " INSERT INTO u SELECT * FROM w RETURNING k",
    "UNION of both": "WITH w AS (UPDATE t SET v = v + 1000 WHERE k < 4 RETURNING k, v)"
    " SELECT k, v FROM w UNION ALL SELECT k, v FROM t WHERE k < 6",
}


@pytest.fixture(params=["table", "indexed"])
def t(db, proxy, make_items, request):
    make_server(db, proxy.endpoint)
    keys = KEYS if request.param == "table" else INDEXED
    for schema in ("here", "there"):
        db.execute(f"CREATE SCHEMA {schema}")
    for name in "tu":
        db.execute("SET search_path = there, public")
        foreign_table(db, name, COLUMNS, table_name=make_items(keys).name)
        db.execute(f"CREATE TABLE here.{name} (k int PRIMARY KEY, g text, v int)")
    for schema in ("here", "there"):
        db.execute(f"CREATE VIEW {schema}.seen AS SELECT * FROM {schema}.t WHERE v < 500")
    return db


def fill(db):
    for schema in ("here", "there"):
        for name in "tu":
            db.execute(f"DELETE FROM {schema}.{name}")
        db.execute(START.format(f"{schema}.t"))


def outcome(db, schema, statement):
    """(rows, t, u) after the statement has run in a schema."""
    db.execute(f"SET search_path = {schema}, public")
    cursor = db.execute(statement)
    rows = sorted(cursor.fetchall()) if cursor.description else cursor.rowcount
    return (rows, *(sorted(db.execute(f"TABLE {name}").fetchall()) for name in "tu"))


def test_parts_see_one_snapshot(t):
    for name, statement in STATEMENTS.items():
        fill(t)
        assert outcome(t, "there", statement) == outcome(t, "here", statement), name


@pytest.mark.parametrize("memory", ["64kB", "4MB"])
def test_rows_go_to_disk(t, memory):
    t.execute(f"SET work_mem = '{memory}'")
    for schema in ("here", "there"):
        t.execute(
            f"INSERT INTO {schema}.t SELECT i, repeat('x', 200), i FROM generate_series(1, 1500) i"
        )
    statement = (
        "WITH w AS (UPDATE t SET v = v + 1 WHERE k <= 20 RETURNING k, v)"
        " SELECT w.k, w.v, (SELECT sum(t.v) FROM t WHERE t.k <= w.k) FROM w"
    )
    assert outcome(t, "there", statement) == outcome(t, "here", statement)


def test_tables_under_two_names(db, proxy, make_items):
    make_server(db, proxy.endpoint)
    items = make_items(KEYS)
    for name in ("t", "same"):
        foreign_table(db, name, COLUMNS, table_name=items.name)
    db.execute(START.format("t"))
    row = db.execute(
        "WITH w AS (DELETE FROM t RETURNING k)"
        " SELECT (SELECT count(*) FROM w), (SELECT count(*) FROM same)"
    ).fetchone()
    assert row == (12, 12)


def test_partitions_and_children(db, proxy, make_items):
    make_server(db, proxy.endpoint)
    db.execute("CREATE TABLE parent (k int NOT NULL, g text, v int) PARTITION BY RANGE (k)")
    for n, low in enumerate((0, 7)):
        db.execute(
            f"CREATE FOREIGN TABLE part{n} PARTITION OF parent FOR VALUES FROM ({low}) TO ({low + 7})"
            f" SERVER dynamo OPTIONS (table_name '{make_items(KEYS).name}')"
        )
    db.execute(START.format("parent"))
    row = db.execute(
        "WITH w AS (UPDATE parent SET v = 0 RETURNING k)"
        " SELECT (SELECT count(*) FROM w), sum(v), count(*) FROM part1"
    ).fetchone()
    assert row == (12, 7 * 10 + 8 * 10 + 9 * 10 + 10 * 10 + 11 * 10 + 12 * 10, 6)


def test_a_part_alone_writes_as_it_reads(t, proxy):
    """Rows that are moved cost no more than a DELETE and an INSERT of their own."""
    fill(t)
    t.execute("SET search_path = there")
    statement = "WITH w AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM w"
    operations = [
        node["Operation"]
        for node in plan_nodes(explain(t, statement))
        if node["Node Type"] == "Foreign Scan"
    ]
    assert operations == ["Delete"]


def test_prepared_statements_and_functions(t):
    fill(t)
    t.execute("SET search_path = there")
    t.execute(
        "PREPARE p(int) AS WITH w AS (UPDATE t SET v = v + 1000 WHERE k <= $1 RETURNING k)"
        " SELECT count(*), (SELECT sum(v) FROM t WHERE k <= $1) FROM w"
    )
    t.execute("SET plan_cache_mode = force_generic_plan")
    for n in range(3):
        assert t.execute("EXECUTE p(4)").fetchone() == (4, 100 + n * 4000)
