# SPDX-License-Identifier: PostgreSQL
"""Pushed queries answer what PostgreSQL makes of the same rows when nothing is
pushed: filters, orders, estimates and caps of one table, each by a query that once
did not."""

from decimal import Decimal

import psycopg
import pytest
from support.fdw import both, explain, foreign_table, make_server, plan_nodes
from support.regress_data import load_table
from support.systems import definition, index

KEYS = definition(("pk", "sk"), "pk:S sk:N n:N", lsis=[index("byN", "pk", "n", "KEYS_ONLY")])

ITEMS = [
    {
        "pk": "a",
        "sk": i,
        "n": i % 5,
        "v": i * 3,
        "f": [Decimal("0.30000000000000004"), Decimal("123456789012345678"), Decimal("0.5")][i % 3],
        "t": ["abcdef", "abc", "x"][i % 3],
        "big": [70000, 1, 2][i % 3],
        "price": [Decimal("1.234"), Decimal("1.23"), Decimal("7")][i % 3],
    }
    for i in range(12)
]

COLUMNS = [
    "pk text",
    "sk int",
    "n int",
    "v int",
    "f double precision",
    "t varchar(3)",
    "big smallint",
    "price numeric(5,2)",
]


@pytest.fixture(scope="module")
def table(ddb_resource):
    load_table(ddb_resource, "Regressions", KEYS, ITEMS)
    return "Regressions"


@pytest.fixture
def t(db, proxy, table):
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name=table)
    return db


@pytest.mark.parametrize("columns", ["sk", "sk, pk, n", "count(*)"])
@pytest.mark.parametrize("index", [None, "byN"])
def test_filter_on_what_a_local_index_does_not_hold(db, proxy, table, columns, index):
    """The service refuses such a filter; it stays with PostgreSQL."""
    make_server(db, proxy.endpoint)
    options = {"index_name": index} if index else {}
    foreign_table(db, "t", COLUMNS[:4], table_name=table, **options)
    pushed, local = both(db, f"SELECT {columns} FROM t WHERE pk = 'a' AND n = 1 AND v > 5")
    assert pushed == local and pushed


@pytest.mark.parametrize("digits", [-15, 0, 1])
@pytest.mark.parametrize("value", ["0.30000000000000004", "123456789012345678"])
def test_float_bounds_ignore_extra_float_digits(t, digits, value):
    t.execute(f"SET extra_float_digits = {digits}")
    for operator in ("=", "<=", ">="):
        pushed, local = both(t, f"SELECT sk FROM t WHERE pk = 'a' AND f {operator} {value}::float8")
        assert pushed == local and pushed


@pytest.mark.parametrize(
    "condition",
    [
        "t IS DISTINCT FROM 'abcdef'",
        "big IS DISTINCT FROM 70000",
        "price IS DISTINCT FROM 1.234",
        "t IS NULL",
        "NOT (t = 'abc')",
        "big <> 1",
    ],
)
def test_what_does_not_fit_is_null_to_conditions_too(t, condition):
    t.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    for columns in ("sk", "count(*)"):
        pushed, local = both(t, f"SELECT {columns} FROM t WHERE pk = 'a' AND {condition}")
        assert pushed == local


def test_denied_scans_do_not_deny_keys(t):
    """A small table: the Scan would have been cheaper."""
    t.execute("ALTER FOREIGN TABLE t OPTIONS (ADD scan 'deny')")
    keys = [f"p{i}" for i in range(40)] + ["a"]
    assert len(t.execute("SELECT sk FROM t WHERE pk = ANY (%s)", [keys]).fetchall()) == 12
    with pytest.raises(psycopg.Error) as caught:
        t.execute("SELECT sk FROM t WHERE v > 3")
    assert caught.value.sqlstate == "53400"


def test_keys_are_not_scanned_for(t, proxy):
    keys = [f"p{i}" for i in range(60)]
    with proxy.record() as calls:
        t.execute("SELECT sk FROM t WHERE pk = ANY (%s)", [keys]).fetchall()
    assert set(calls.data.operations) == {"Query"}


def test_lateral_join_conditions_are_kept(t):
    t.execute("CREATE TABLE l (x int, v int)")
    t.execute("INSERT INTO l SELECT i, i * 3 FROM generate_series(0, 3) i")
    query = (
        "SELECT l.x, s.sk FROM l LEFT JOIN LATERAL"
        " (SELECT t.*, coalesce(t.v, l.x) y FROM t) s ON s.v = l.v"
    )
    assert sorted(t.execute(query).fetchall()) == [(i, i) for i in range(4)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sk, generate_series(1, 3) g FROM t WHERE pk = 'a' ORDER BY sk, g DESC",
        "SELECT sk, unnest(array[n, n + 1]) g FROM t WHERE pk = 'a' ORDER BY sk, g DESC",
    ],
)
def test_unique_keys_do_not_order_what_a_row_is_multiplied_by(t, query):
    rows = t.execute(query).fetchall()
    assert rows == sorted(rows, key=lambda row: (row[0], -row[1]))


@pytest.mark.uncounted("errors that are caught are in no EXPLAIN")
def test_failed_conversions_leave_the_transaction_alone(t):
    """Of a check whose error is not about the value: 42P01."""
    t.execute(
        """CREATE FUNCTION broken(text) RETURNS boolean LANGUAGE plpgsql
             AS 'BEGIN RETURN (SELECT true FROM no_such_table); END';
           CREATE DOMAIN checked AS text CHECK (broken(VALUE))"""
    )
    foreign_table(
        t,
        "r",
        ["pk text", "t checked OPTIONS (on_type_mismatch 'null')"],
        table_name="Regressions",
    )
    t.execute("CREATE TABLE zz (a int)")
    t.execute(
        """DO $$ BEGIN
             BEGIN INSERT INTO zz VALUES (1); PERFORM * FROM r;
             EXCEPTION WHEN OTHERS THEN NULL; END;
             INSERT INTO zz VALUES (2);
           END $$"""
    )
    t.execute("INSERT INTO zz VALUES (3)")
    assert t.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert (2,) in t.execute("SELECT a FROM zz").fetchall()
    assert (3,) in t.execute("SELECT a FROM zz").fetchall()


def test_a_cursor_is_one_statement_to_the_cap(t, ddb_resource):
    wide = {key: KEYS[key] for key in ("KeySchema", "BillingMode")}
    wide["AttributeDefinitions"] = KEYS["AttributeDefinitions"][:2]
    items = [{"pk": f"p{i}", "sk": i, "text": "x" * 300000} for i in range(12)]
    load_table(ddb_resource, "RegressionsWide", wide, items)
    foreign_table(t, "w", ["pk text", "sk int", "text text"], table_name="RegressionsWide")
    t.execute("SET ddb_fdw.max_read_units = 200")
    with pytest.raises(psycopg.Error) as caught, t.transaction():
        t.execute("DECLARE c CURSOR FOR SELECT text FROM w")
        for _ in range(12):
            t.execute("FETCH 1 FROM c")
    assert caught.value.sqlstate == "53400"


def test_full_keys_are_estimated_as_one_row(t):
    plan = explain(t, "SELECT v FROM t WHERE pk = 'a' AND sk = 3")
    (node,) = [n for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan"]
    assert node["Plan Rows"] == 1


def test_partitions_keep_their_order(t, table, ddb_resource):
    """MergeAppend over ordered Queries, on every server."""
    load_table(ddb_resource, "RegressionsB", KEYS, [{"pk": "b", "sk": i, "n": 0} for i in (3, 8)])
    t.execute("CREATE TABLE p (pk text, sk int, v int) PARTITION BY LIST (pk)")
    for key, name in (("a", table), ("b", "RegressionsB")):
        t.execute(
            f"CREATE FOREIGN TABLE p_{key} PARTITION OF p FOR VALUES IN ('{key}')"
            f" SERVER dynamo OPTIONS (table_name '{name}')"
        )
    query = "SELECT sk FROM p WHERE pk IN ('a', 'b') ORDER BY sk DESC LIMIT 5"
    assert t.execute(query).fetchall() == [(11,), (10,), (9,), (8,), (8,)]
    nodes = [node["Node Type"] for node in plan_nodes(explain(t, query))]
    assert "Sort" not in nodes


def test_times_of_any_offset_lie_within_their_bounds(t, ddb_resource):
    """Local dates far from UTC's; an offset that PostgreSQL refuses is no time."""
    times = {key: KEYS[key] for key in ("KeySchema", "BillingMode")}
    times["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
    ]
    texts = [
        "2024-03-01T23:00:00-20:00",
        "2024-03-01T24:00:00-15:59",
        "2024-03-02T08:01:00Z",
        "2024-03-03T00:00:00+15:59",
        "2024-03-03T00:00:00Z",
    ]
    items = [{"pk": "a", "sk": text} for text in texts]
    load_table(ddb_resource, "RegressionsTimes", times, items)
    foreign_table(t, "times", ["pk text", "sk timestamptz"], table_name="RegressionsTimes")
    t.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    instants = ("15:59", "19:00", "08:01")
    for condition in [f"{op} '2024-03-02T{i}Z'" for op in (">=", "<=") for i in instants]:
        pushed, local = both(t, f"SELECT sk FROM times WHERE pk = 'a' AND sk {condition}")
        assert pushed == local and pushed


KEYED_JOIN = "SELECT l.i, t.sk FROM l JOIN t ON t.pk = l.k"


@pytest.fixture
def outer(t):
    """Keys to join by, of which one is there."""
    t.execute("CREATE TABLE l AS SELECT i, CASE i WHEN 7 THEN 'a' ELSE 'k' || i END k"
              " FROM generate_series(1, 1700) i")
    t.execute("ANALYZE l")
    return t


def test_denied_scans_do_not_deny_joins_by_key(outer):
    """A small table: reading it once would have been cheaper."""
    outer.execute("ALTER FOREIGN TABLE t OPTIONS (ADD scan 'deny')")
    rows = outer.execute(KEYED_JOIN).fetchall()
    assert sorted(rows) == [(7, sk) for sk in range(12)]


def test_lists_bound_the_keys_of_a_batched_join(outer):
    """1,700 keys with 60 values each are more than one look-up takes."""
    outer.execute("ALTER FOREIGN TABLE t OPTIONS (ADD scan 'deny')")
    outer.execute("SET work_mem = '256MB'")
    query = f"{KEYED_JOIN} AND t.sk = ANY (%s::int[])"
    assert "Custom Scan" in str(explain(outer, query, [list(range(60))]))
    rows = outer.execute(query, [list(range(60))]).fetchall()
    assert sorted(rows) == [(7, sk) for sk in range(12)]
