# SPDX-License-Identifier: PostgreSQL
"""hide_expired: items that DynamoDB has yet to delete are not shown."""

import time

import psycopg
import pytest
from support import proxy as faults
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.regress_data import load_table
from support.systems import definition, index
from support.wire import sent

PAST = int(time.time()) - 100_000
FUTURE = int(time.time()) + 100_000_000
# What lies more than five years back DynamoDB takes for no time, and never deletes.
ANCIENT = [0, -5, 1, 1_000_000_000, PAST - 6 * 366 * 86400]

KEYS = definition(
    ("pk", "sk"),
    "pk:S sk:N kind:S expires:N",
    gsis=[index("byExpires", "kind", "expires"), index("keysOnly", "kind", projection="KEYS_ONLY")],
    lsis=[index("byKind", "pk", "kind", projection="KEYS_ONLY")],
)

# Every third expired, every fifth without an expiry.
ITEMS = [
    {
        "pk": "p",
        "sk": n,
        "kind": "even" if n % 2 == 0 else "odd",
        **({} if n % 5 == 4 else {"expires": PAST if n % 3 == 0 else FUTURE + n}),
    }
    for n in range(30)
]
SHOWN = [item["sk"] for item in ITEMS if item.get("expires") != PAST]

COLUMNS = ["pk text", "sk int", "kind text", "expires bigint"]


@pytest.fixture(scope="module")
def ttl_tables(ddb_resource):
    load_table(ddb_resource, "Ttl", KEYS, ITEMS)
    faults.declare_time_to_live("Ttl", "expires")
    text_keys = definition(("pk", "sk"), "pk:S sk:N")
    load_table(
        ddb_resource,
        "TtlText",
        text_keys,
        [{"pk": "p", "sk": 1, "expires": str(PAST)}, {"pk": "p", "sk": 2, "expires": PAST}],
    )


@pytest.fixture
def t(db, proxy, ttl_tables):
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name="Ttl", hide_expired=True)
    foreign_table(db, "everything", COLUMNS, table_name="Ttl")
    db.execute("EXPLAIN SELECT 1 FROM t, everything")
    return db


def numbers(rows):
    return sorted(row[0] for row in rows)


CONDITIONS = {
    "true": SHOWN,
    "pk = 'p'": SHOWN,
    "pk = 'p' AND sk < 7": [n for n in SHOWN if n < 7],
    "pk = 'p' AND sk = 3": [],
    "pk = 'p' AND sk = 4": [4],
    "pk = 'p' AND sk IN (0, 1, 2, 3, 4, 9)": [1, 2, 4, 9],
    "kind = 'even' AND expires IS NOT NULL": [
        n for n in SHOWN if n % 2 == 0 and n % 5 != 4
    ],
    "kind = 'even' AND expires > 5": [n for n in SHOWN if n % 2 == 0 and n % 5 != 4],
    "kind = 'odd' AND pk = 'p'": [n for n in SHOWN if n % 2 == 1],
    "expires IS NULL": [n for n in SHOWN if n % 5 == 4],
    "expires < 2000000000 AND pk = 'p'": [n for n in SHOWN if n % 5 != 4],
}


@pytest.mark.parametrize("pushdown", ["on", "off"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_hidden(t, condition, pushdown):
    t.execute(f"SET ddb_fdw.pushdown = {pushdown}")
    expected = CONDITIONS[condition]
    if "2000000000" in condition:
        expected = [n for n in expected if FUTURE + n < 2000000000]
    assert numbers(t.execute(f"SELECT sk FROM t WHERE {condition}")) == expected
    assert t.execute(f"SELECT count(*) FROM t WHERE {condition}").fetchone() == (len(expected),)


def test_shown_without_the_option(t):
    assert numbers(t.execute("SELECT sk FROM everything")) == list(range(30))


def test_count_is_counted_by_dynamodb(t, proxy):
    rows, seen = sent(t, proxy, "SELECT count(*) FROM t WHERE pk = 'p'")
    assert rows == [(len(SHOWN),)]
    assert seen == ["Query pk = 'p' count"]


def test_limit(t, proxy):
    for limit in (1, 5, 100):
        rows, _ = sent(t, proxy, f"SELECT sk FROM t WHERE pk = 'p' ORDER BY sk DESC LIMIT {limit}")
        assert [row[0] for row in rows] == SHOWN[::-1][:limit]


def test_what_is_asked(t, proxy):
    with proxy.record() as calls:
        t.execute("SELECT sk FROM t WHERE pk = 'p' AND sk > 3")
    (call,) = calls.data
    names = call.request["ExpressionAttributeNames"]
    assert "expires" in names.values()
    since, until = sorted(
        int(v["N"])
        for k, v in call.request["ExpressionAttributeValues"].items()
        if k in call.request["FilterExpression"]
    )
    assert abs(until - time.time()) < 3600
    assert abs(until - since - 5 * 365.25 * 86400) < 2 * 86400
    # GetItem takes no filter: there the attribute is fetched.
    with proxy.record() as calls:
        t.execute("SELECT sk FROM t WHERE pk = 'p' AND sk = 3")
    (call,) = calls.data
    assert call.operation == "GetItem"
    assert "expires" in call.request["ExpressionAttributeNames"].values()


def test_explain(t):
    scan = foreign_scan(explain(t, "SELECT sk FROM t WHERE pk = 'p'"))
    assert scan["Hide Expired"] == "expires"


def test_index_that_does_not_hold_the_attribute(t):
    foreign_table(t, "k", COLUMNS, table_name="Ttl", index_name="keysOnly", hide_expired=True)
    with pytest.raises(psycopg.Error, match="cannot hide expired items of index") as caught:
        t.execute("SELECT sk FROM k WHERE kind = 'odd'")
    assert '"expires"' in caught.value.diag.message_detail


def test_who_may_not_ask_is_told_what_to_do(t, proxy):
    foreign_table(t, "denied", COLUMNS, table_name="Ttl", hide_expired=True)
    t.execute("ALTER SERVER dynamo OPTIONS (ADD max_attempts '2')")  # forgets descriptions
    with proxy.inject(faults.error("AccessDeniedException"), operation="DescribeTimeToLive"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as caught:
            t.execute("SELECT sk FROM denied")
    assert "dynamodb:DescribeTimeToLive" in caught.value.diag.message_hint
    assert "hide_expired" in caught.value.diag.message_hint


def test_without_ttl_nothing_expires(t):
    foreign_table(t, "s", ["pk text", "sk int"], table_name="TtlText", hide_expired=True)
    assert numbers(t.execute("SELECT sk FROM s")) == [1, 2]


def test_text_never_expires(t, ddb_resource):
    """An attribute of another type is not what DynamoDB looks at."""
    client = ddb_resource.meta.client
    table = "TtlText" + str(time.time_ns())
    load_table(
        ddb_resource,
        table,
        definition(("sk",), "sk:N"),
        [{"sk": 1, "e": str(PAST)}, {"sk": 2, "e": PAST}, {"sk": 3}],
    )
    faults.declare_time_to_live(table, "e")
    foreign_table(t, "x", ["sk int"], table_name=table, hide_expired=True)
    for pushdown in ("on", "off"):
        t.execute(f"SET ddb_fdw.pushdown = {pushdown}")
        assert numbers(t.execute("SELECT sk FROM x")) == [1, 3]
    assert numbers(t.execute("SELECT sk FROM x WHERE sk IN (1, 2, 3)")) == [1, 3]
    client.delete_table(TableName=table)


@pytest.mark.parametrize("target", [100, 1])
def test_analyze_does_not_see_them(t, target):
    t.execute(f"SET default_statistics_target = {target}")
    t.execute("ANALYZE t, everything")
    sizes = dict(t.execute("SELECT relname, reltuples FROM pg_class WHERE relkind = 'f'").fetchall())
    assert sizes["everything"] == len(ITEMS)
    assert sizes["t"] == len(SHOWN)
    (common,) = t.execute(
        "SELECT most_common_vals::text FROM pg_stats WHERE tablename = 't' AND attname = 'expires'"
    ).fetchone()
    assert common is None or str(PAST) not in common


# ---- times that DynamoDB takes for none -----------------------------------------------

AGES = definition(("pk", "sk"), "pk:S sk:N kind:S", gsis=[index("keysOnly", "kind", projection="KEYS_ONLY")])


@pytest.fixture
def ages(db, proxy, make_items):
    """Of each time an item, and one of an hour ago, in a table that hides."""
    make_server(db, proxy.endpoint)
    items = make_items(
        AGES,
        [
            {"pk": "p", "sk": n, "kind": "k", "expires": expires, "v": n}
            for n, expires in enumerate([*ANCIENT, PAST])
        ],
    )
    faults.declare_time_to_live(items.name, "expires")
    foreign_table(db, "t", [*COLUMNS, "v int"], table_name=items.name, hide_expired=True)
    return db, items


@pytest.mark.parametrize("pushdown", ["on", "off"])
@pytest.mark.parametrize(
    "condition",
    ["true", "pk = 'p'", "sk IN (0, 1, 2, 3, 4, 5) AND pk = 'p'", "kind = 'k'", "expires IS NOT NULL"],
)
def test_ancient_times_are_shown(ages, condition, pushdown):
    db, _ = ages
    db.execute(f"SET ddb_fdw.pushdown = {pushdown}")
    kept = list(range(len(ANCIENT)))
    assert numbers(db.execute(f"SELECT sk FROM t WHERE {condition}")) == kept
    assert db.execute(f"SELECT count(*) FROM t WHERE {condition}").fetchone() == (len(kept),)
    assert db.execute(f"SELECT expires FROM t WHERE {condition} ORDER BY sk").fetchall() == [
        (expires,) for expires in ANCIENT
    ]


def test_ancient_times_are_in_samples(ages):
    db, _ = ages
    db.execute("ANALYZE t")
    (rows,) = db.execute("SELECT reltuples FROM pg_class WHERE relname = 't'").fetchone()
    assert rows == len(ANCIENT)


def test_items_of_ancient_times_are_in_the_way(ages):
    """Each INSERT meets the item that a SELECT shows."""
    db, items = ages
    insert = "INSERT INTO t (pk, sk, v) VALUES ('p', %s, 100)"
    for n in range(len(ANCIENT)):
        with pytest.raises(psycopg.errors.UniqueViolation):
            db.execute(insert, (n,))
        assert db.execute(insert + " ON CONFLICT DO NOTHING", (n,)).rowcount == 0
    assert db.execute(insert, (len(ANCIENT),)).rowcount == 1
    stored = {int(item["sk"]): item for item in items.scan()["Items"]}
    assert [stored[n]["v"] for n in sorted(stored)] == [*range(len(ANCIENT)), 100]


def test_items_of_ancient_times_are_written(ages):
    db, items = ages
    for n, expires in enumerate(ANCIENT):
        one = db.execute("UPDATE t SET v = v + 1 WHERE pk = 'p' AND sk = %s RETURNING expires", (n,))
        assert one.fetchall() == [(expires,)]
    assert db.execute("UPDATE t SET v = 1 WHERE pk = 'p' AND sk = %s", (len(ANCIENT),)).rowcount == 0
    assert db.execute("UPDATE t SET kind = 'l'").rowcount == len(ANCIENT)
    joined = "DELETE FROM t USING (VALUES (0), (5)) x(n) WHERE pk = 'p' AND sk = n"
    assert db.execute(joined).rowcount == 1
    assert db.execute("DELETE FROM t WHERE pk = 'p' AND sk = 1").rowcount == 1
    assert db.execute("DELETE FROM t").rowcount == len(ANCIENT) - 2
    (left,) = items.scan()["Items"]
    assert left["sk"] == len(ANCIENT)


def test_what_is_written_with_an_ancient_time_stays(ages):
    db, _ = ages
    db.execute("INSERT INTO t (pk, sk, expires) VALUES ('q', 1, 0), ('q', 2, 1000)")
    db.execute("INSERT INTO t (pk, sk, expires) VALUES ('q', 3, %s)", (PAST,))
    assert numbers(db.execute("SELECT sk FROM t WHERE pk = 'q'")) == [1, 2]
    db.execute("UPDATE t SET expires = %s WHERE pk = 'q' AND sk = 2", (PAST,))
    assert numbers(db.execute("SELECT sk FROM t WHERE pk = 'q'")) == [1]


def test_five_years_are_those_of_the_calendar(ages):
    """To the second, for items that a filter and the executor look at."""
    db, items = ages
    five_years = "extract(epoch FROM (date_trunc('second', now()) - interval '5 years'))::bigint"
    db.execute("SET timezone = 'UTC'")
    (edge,) = db.execute(f"SELECT {five_years}").fetchone()
    items.put_item(Item={"pk": "edge", "sk": 1, "expires": edge - 1})
    items.put_item(Item={"pk": "edge", "sk": 2, "expires": edge + 3600})
    for pushdown in ("on", "off"):
        db.execute(f"SET ddb_fdw.pushdown = {pushdown}")
        assert numbers(db.execute("SELECT sk FROM t WHERE pk = 'edge'")) == [1]
