# SPDX-License-Identifier: PostgreSQL
"""Booleans stored as BOOL, as the numbers 0 and 1, as text; as attributes and as keys."""

from decimal import Decimal

import psycopg
import pytest
from support.fdw import foreign_table, make_server
from support.systems import definition, index

STORED = {
    "BOOL": {False: [False], True: [True]},
    "N": {False: [Decimal(0)], True: [Decimal(1), Decimal("1.0")]},
    "S": {False: ["false", "f"], True: ["true", "t"]},
}
CONDITIONS = [
    "b",
    "NOT b",
    "b = true",
    "b <> true",
    "b = $1",
    "b IS TRUE",
    "b IS NOT TRUE",
    "b IS FALSE",
    "b IS NOT FALSE",
    "b IS NULL",
    "b IS NOT NULL",
    "NOT (b IS TRUE)",
    "NOT (b OR v > 3)",
    "b AND v > 3",
    "b IN (true, false)",
    "b = ANY (ARRAY[$1, NULL])",
    "b <> ALL (ARRAY[true])",
    "b IS DISTINCT FROM $1",
    "b IS NOT DISTINCT FROM $1",
    "b > false",
    "b <= true",
    "b < $1",
    "coalesce(b, true)",
]


def rows_of(kind):
    """(k, stored value or None) of each spelling, and of items without the attribute."""
    values = [None, *(v for spellings in STORED[kind].values() for v in spellings)] * 3
    return list(enumerate(values))


def meant(kind, stored):
    return next((b for b, spellings in STORED[kind].items() if stored in spellings), None)


@pytest.fixture(params=STORED)
def kind(request):
    return request.param


@pytest.fixture
def t(db, proxy, make_items, kind):
    """Foreign table t and local table l with the same rows."""
    items = make_items(
        definition(("k",), "k:N"),
        [
            {"k": k, "v": k} | ({} if stored is None else {"b": stored})
            for k, stored in rows_of(kind)
        ],
    )
    make_server(db, proxy.endpoint)
    foreign_table(
        db, "t", ["k int", f"b boolean OPTIONS (type '{kind}')", "v int"], table_name=items.name
    )
    db.execute("CREATE TABLE l (k int, b boolean, v int)")
    for k, stored in rows_of(kind):
        db.execute("INSERT INTO l VALUES (%s, %s, %s)", (k, meant(kind, stored), k))
    db.items = items
    return db


def test_conditions(t):
    wheres = {c.replace("$1", v) for c in CONDITIONS for v in ("true", "false", "NULL::boolean")}
    for where in sorted(wheres):
        found = t.execute(f"SELECT * FROM t WHERE {where} ORDER BY k").fetchall()
        assert found == t.execute(f"SELECT * FROM l WHERE {where} ORDER BY k").fetchall(), where
        counts = [
            t.execute(f"SELECT count(*), count(b) FROM {name} WHERE {where}").fetchone()
            for name in "tl"
        ]
        assert counts[0] == counts[1], where


def test_what_is_pushed(t, proxy):
    """DynamoDB returns no item that the condition does not select."""
    with proxy.record() as calls:
        (expected,) = t.execute("SELECT count(*) FROM t WHERE b").fetchone()
    (call,) = calls.data
    assert call.response["Count"] == expected > 0
    assert "FilterExpression" in call.request


def test_order_and_aggregates(t):
    for query in (
        "SELECT b, count(*) FROM {} GROUP BY b ORDER BY b",
        "SELECT bool_or(b), bool_and(b) FROM {}",
        "SELECT k FROM {} ORDER BY b DESC NULLS LAST, k",
        "SELECT a.k, c.k FROM {0} a JOIN {0} c ON a.b = c.b ORDER BY 1, 2",
        "SELECT k FROM {} WHERE b = (k > 3) ORDER BY k",
    ):
        assert (
            t.execute(query.format("t")).fetchall() == t.execute(query.format("l")).fetchall()
        ), query


def test_writes(t, kind):
    t.execute("INSERT INTO t VALUES (100, true, 1), (101, false, 1), (102, NULL, 1)")
    item = {k: t.items.get_item(Key={"k": k})["Item"] for k in (100, 101, 102)}
    assert item[100]["b"] == STORED[kind][True][0]
    assert item[101]["b"] == STORED[kind][False][0]
    assert "b" not in item[102]
    updated = t.execute("UPDATE t SET b = NOT b WHERE b RETURNING k, b").fetchall()
    expected = t.execute("SELECT k, false FROM l WHERE b UNION ALL SELECT 100, false").fetchall()
    assert sorted(updated) == sorted(expected)
    assert t.items.get_item(Key={"k": 100})["Item"]["b"] == STORED[kind][False][0]
    assert t.execute("SELECT count(*) FROM t WHERE b").fetchone() == (0,)
    insert = "INSERT INTO t VALUES (100, true, 2) ON CONFLICT DO NOTHING"
    assert t.execute(insert).rowcount == 0
    assert t.execute("DELETE FROM t WHERE NOT b").rowcount > 3


@pytest.mark.parametrize(
    ("kind", "value"),
    [("N", 2), ("N", Decimal("0.5")), ("S", "yes"), ("S", "TRUE"), ("S", "1"), ("N", "1"), ("S", 1)],
)
def test_values_that_do_not_fit(t, kind, value):
    t.items.put_item(Item={"k": 50, "b": value})
    with pytest.raises(psycopg.errors.InvalidCharacterValueForCast):
        t.execute("SELECT b FROM t")
    t.execute("ALTER FOREIGN TABLE t OPTIONS (ADD on_type_mismatch 'null')")
    t.execute("INSERT INTO l VALUES (50)")
    for condition in CONDITIONS:
        where = condition.replace("$1", "true")
        found = t.execute(f"SELECT k, b FROM t WHERE {where} ORDER BY k").fetchall()
        assert found == t.execute(f"SELECT k, b FROM l WHERE {where} ORDER BY k").fetchall(), where


@pytest.mark.parametrize("kind", ["N", "S"])
@pytest.mark.parametrize("declared", [True, False])
def test_keys(db, proxy, make_items, kind, declared):
    """As sort key and as key of an index: read by Query, in its order."""
    true, false = STORED[kind][True][0], STORED[kind][False][0]
    items = make_items(
        definition(("p", "b"), f"p:S b:{kind}", gsis=[index("by_b", "b", "p")]),
        [{"p": p, "b": b, "v": n} for p in "xy" for n, b in enumerate((false, true))],
    )
    make_server(db, proxy.endpoint)
    option = f"OPTIONS (type '{kind}')" if declared else ""
    foreign_table(
        db, "t", ["p text", f"b boolean {option}", "v int"], table_name=items.name
    )

    def ask(query):
        with proxy.record() as calls:
            return db.execute(query).fetchall(), [call.operation for call in calls.data]

    rows, calls = ask("SELECT v FROM t WHERE p = 'x' AND b")
    assert (rows, calls[-1]) == ([(1,)], "GetItem")
    assert ask("SELECT v FROM t WHERE p = 'x' AND NOT b") == ([(0,)], ["GetItem"])
    assert ask("SELECT b FROM t WHERE p = 'x' ORDER BY b DESC LIMIT 1") == ([(True,)], ["Query"])
    assert ask("SELECT b FROM t WHERE p = 'x' AND b > false") == ([(True,)], ["Query"])
    assert ask("SELECT p FROM t WHERE b ORDER BY p") == ([("x",), ("y",)], ["Query"])
    assert ask("SELECT p FROM t WHERE b IS FALSE ORDER BY p") == ([("x",), ("y",)], ["Query"])
    assert sorted(ask("SELECT v FROM t WHERE b IS NOT TRUE")[0]) == [(0,), (0,)]
    db.execute("INSERT INTO t VALUES ('z', true, 7)")
    assert items.get_item(Key={"p": "z", "b": true})["Item"]["v"] == 7
    assert db.execute("UPDATE t SET v = 8 WHERE b AND p = 'z' RETURNING b").fetchall() == [(True,)]
    assert db.execute("DELETE FROM t WHERE NOT b").rowcount == 2


@pytest.mark.parametrize(("kind", "values"), [("SS", {"true", "false"}), ("NS", {0, 1})])
def test_sets(db, proxy, make_items, kind, values):
    items = make_items(definition(("k",), "k:N"), [{"k": 1, "b": values}])
    make_server(db, proxy.endpoint)
    foreign_table(
        db, "t", ["k int", f"b boolean[] OPTIONS (type '{kind}')"], table_name=items.name
    )
    assert sorted(db.execute("SELECT b FROM t").fetchone()[0]) == [False, True]
    db.execute("UPDATE t SET b = ARRAY[true]")
    assert items.get_item(Key={"k": 1})["Item"]["b"] == {max(values)}


def test_variables_of_templates(db, proxy, make_items):
    items = make_items(
        definition(("pk",), "pk:S"),
        [{"pk": f"X#{b}#{i}", "v": 1} for b in ("true", "false") for i in range(3)],
    )
    make_server(db, proxy.endpoint)
    foreign_table(
        db,
        "t",
        ["b boolean", "id int", "pk text OPTIONS (template 'X#${b}#${id}')", "v int"],
        table_name=items.name,
    )
    for condition, value in (("b", True), ("NOT b", False), ("b IS TRUE", True), ("b = false", False)):
        with proxy.record() as calls:
            rows = db.execute(f"SELECT b, id FROM t WHERE {condition} AND id = 2").fetchall()
        assert rows == [(value, 2)]
        assert [call.operation for call in calls.data] == ["GetItem"], condition
