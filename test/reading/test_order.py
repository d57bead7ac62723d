# SPDX-License-Identifier: PostgreSQL
"""Order: partition after partition, merged, for joins, and of times whose text
does not sort as they do."""

import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.regress_data import load_table
from support.systems import definition
from support.wire import sent

KEYS = definition(("pk", "sk"), "pk:S sk:N")
ITEMS = [{"pk": pk, "sk": n, "note": f"{pk}{n}"} for pk in ("a", "B", "c", "é") for n in range(10)]

# One moment in several spellings, and others near it.
TIMES = [
    "2026-11-01T10:00:00Z",
    "2026-11-01T10:00:00.000Z",
    "2026-11-01T12:00:00+02:00",
    "2026-10-31T23:00:00-11:00",
    "2026-11-01 10:00:00.5Z",
    "20261101T095959Z",
    "2026-11-02T00:30:00+14:00",
    "2026-11-03T00:00:00Z",
    "2026-01-01T00:00:00Z",
    "2025-11-01T10:00:00Z",
]


@pytest.fixture(scope="module")
def order_tables(ddb_resource):
    load_table(ddb_resource, "Order", KEYS, ITEMS)
    text_keys = definition(("pk", "sk"), "pk:S sk:S")
    load_table(ddb_resource, "OrderTimes", text_keys, [{"pk": "p", "sk": t} for t in TIMES])


@pytest.fixture
def t(db, proxy, order_tables):
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", ["pk text", "sk int", "note text"], table_name="Order")
    foreign_table(
        db, "times", ["pk text", "sk timestamptz OPTIONS (format 'iso8601')"],
        table_name="OrderTimes",
    )
    db.execute("EXPLAIN SELECT 1 FROM t, times")
    return db


def keys(*pairs):
    return [(pair[0], int(pair[1:])) for pair in pairs]


ORDERED = {
    "pk IN ('c', 'a') ORDER BY pk, sk LIMIT 3": (
        keys("a0", "a1", "a2"),
        ["Query pk = 'a' limit 3"],
    ),
    "pk IN ('c', 'a') ORDER BY pk DESC, sk LIMIT 3": (
        keys("c0", "c1", "c2"),
        ["Query pk = 'c' limit 3"],
    ),
    "pk IN ('c', 'a') ORDER BY pk, sk DESC LIMIT 3": (
        keys("a9", "a8", "a7"),
        ["Query pk = 'a' limit 3 backward"],
    ),
    # on into the next partition
    "pk IN ('c', 'a') ORDER BY pk, sk LIMIT 12": (
        keys(*(f"a{n}" for n in range(10)), "c0", "c1"),
        ["Query pk = 'a' limit 12", "Query pk = 'c' limit 2"],
    ),
    # a partition's ranges, one after the other
    "pk IN ('c', 'a') AND sk IN (8, 1) ORDER BY pk DESC, sk DESC": (
        keys("c8", "c1", "a8", "a1"),
        None,
    ),
    "pk IN ('c', 'a') AND (sk < 1 OR sk > 8) ORDER BY pk, sk DESC": (
        keys("a9", "a0", "c9", "c0"),
        None,
    ),
    # bytes: capitals first, accents last
    "pk IN ('a', 'B', 'é') AND sk = 0 ORDER BY pk COLLATE \"C\"": (
        keys("B0", "a0", "é0"),
        None,
    ),
    "(pk = 'a' AND sk > 7 OR pk = 'c' AND sk < 2) ORDER BY pk, sk LIMIT 3": (
        keys("a8", "a9", "c0"),
        ["Query pk = 'a' AND sk > '7' limit 3", "Query pk = 'c' AND sk < '2' limit 1"],
    ),
    # the whole key settles ties, so what comes behind it asks for nothing
    "pk IN ('c', 'a') ORDER BY pk, sk, note DESC LIMIT 2": (
        keys("a0", "a1"),
        ["Query pk = 'a' limit 2"],
    ),
    "pk IN ('a', 'nobody', 'c') ORDER BY pk DESC, sk LIMIT 1": (
        keys("c0"),
        None,
    ),
    "pk IN ('b', 'bb', 'c') ORDER BY pk, sk LIMIT 1": (
        keys("c0"),
        None,
    ),
}


@pytest.mark.parametrize("query", ORDERED, ids=lambda text: text[:60])
def test_partition_after_partition(t, proxy, query):
    rows, requests = ORDERED[query]
    found, seen = sent(t, proxy, f"SELECT pk, sk FROM t WHERE {query}")
    assert found == rows
    # (Whole keys are asked for together, and sorted here.)
    if requests is not None:
        assert seen == requests
        assert "Sort" not in {node["Node Type"] for node in explain_nodes(t, query)}


def explain_nodes(db, condition):
    return plan_nodes(explain(db, f"SELECT pk, sk FROM t WHERE {condition}"))


def test_explain_says_how_partitions_follow(t):
    (node,) = [
        node
        for node in explain_nodes(t, "pk IN ('c', 'a') ORDER BY pk DESC, sk LIMIT 3")
        if node["Node Type"] == "Foreign Scan"
    ]
    assert node["Order"] == "forward, partitions by pk DESC"


def test_linguistic_order_of_partitions(t):
    """Of a collation that is not of bytes: as PostgreSQL sorts."""
    collations = t.execute(
        "SELECT collname FROM pg_collation WHERE collname IN ('en-x-icu', 'und-x-icu')"
    ).fetchall()
    for (name,) in collations or [("C",)]:
        rows = t.execute(
            "SELECT pk, sk FROM t WHERE pk IN ('é', 'B', 'a', 'c') AND sk < 2"
            f' ORDER BY pk COLLATE "{name}" DESC, sk'
        ).fetchall()
        values = t.execute(
            f"SELECT v FROM unnest('{{a,B,c,é}}'::text[]) v ORDER BY v COLLATE \"{name}\" DESC"
        ).fetchall()
        assert rows == [(v, n) for (v,) in values for n in range(2)]


def test_other_partitions_are_not_asked_ahead_of_a_limit(t, proxy):
    with proxy.record() as calls, t.transaction():
        t.execute(
            "DECLARE c CURSOR FOR SELECT sk FROM t WHERE pk = ANY ('{a,B,c}') ORDER BY pk, sk"
            " LIMIT 25"
        )
        t.execute("FETCH 5 FROM c")
    assert len(calls.data) == 1


def test_merge_join_without_sort(t):
    """Both sides come in the order of the join, though nobody asked for any."""
    t.execute("CREATE TABLE l AS SELECT n AS sk FROM generate_series(0, 20, 2) n")
    t.execute("CREATE INDEX ON l (sk); ANALYZE l")
    t.execute("SET enable_hashjoin = off; SET enable_nestloop = off; SET enable_seqscan = off")
    query = "SELECT l.sk, t.note FROM t JOIN l ON l.sk = t.sk WHERE t.pk = 'c'"
    nodes = [node["Node Type"] for node in plan_nodes(explain(t, query))]
    assert "Merge Join" in nodes
    assert "Sort" not in nodes
    assert sorted(t.execute(query).fetchall()) == [(n, f"c{n}") for n in range(0, 10, 2)]
    outer = "SELECT l.sk, t.note FROM l LEFT JOIN t ON l.sk = t.sk AND t.pk = 'c' WHERE l.sk > 6"
    assert "Sort" not in [node["Node Type"] for node in plan_nodes(explain(t, outer))]
    assert sorted(t.execute(outer).fetchall(), key=str) == [
        *[(n, None) for n in range(10, 22, 2)],
        (8, "c8"),
    ]


TIME_CONDITIONS = {
    "= '2026-11-01 10:00:00Z'": 4,
    "> '2026-11-01 10:00:00Z'": 3,
    ">= '2026-11-01 10:00:00Z'": 7,
    "< '2026-11-01 10:00:00Z'": 3,
    "BETWEEN '2026-11-01 09:59:59Z' AND '2026-11-01 10:30:00Z'": 7,
    "> '2026-11-02'": 1,
    "< '2026-01-01'": 1,
    "> 'infinity'": 0,
    "> '-infinity'": 10,
}


@pytest.mark.parametrize("condition", TIME_CONDITIONS)
def test_times_of_any_spelling_bound_the_range(t, proxy, condition):
    t.execute("SET timezone = 'UTC'")
    query = f"SELECT sk FROM times WHERE pk = 'p' AND sk {condition}"
    rows, seen = sent(t, proxy, query)
    assert len(rows) == TIME_CONDITIONS[condition]
    t.execute("SET ddb_fdw.pushdown = off")
    assert sorted(t.execute(query).fetchall()) == sorted(rows)
    t.execute("RESET ddb_fdw.pushdown")
    if condition == "< '2026-01-01'":
        assert seen == ["Query pk = 'p' AND sk <= '2026:'"]
    if condition == "> '2026-11-02'":
        assert seen == ["Query pk = 'p' AND sk >= '2026-11-01'"]


def test_times_of_any_spelling_are_no_order(t):
    rows = t.execute("SELECT sk FROM times WHERE pk = 'p' ORDER BY sk").fetchall()
    assert rows == sorted(rows)
    rows = t.execute(
        "SELECT sk FROM times WHERE pk = 'p' AND sk = '2026-11-01 10:00:00Z' ORDER BY pk, sk"
    ).fetchall()
    assert len(rows) == 4


def test_a_setting_is_not_kept_in_a_cached_plan(t):
    """Where misfits become NULL, keys have no order to rely on."""
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p AS SELECT sk FROM t WHERE pk = 'c' ORDER BY sk")
    first = plan_nodes(explain(t, "EXECUTE p"))
    t.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    second = plan_nodes(explain(t, "EXECUTE p"))
    assert "Sort" not in {node["Node Type"] for node in first}
    assert "Sort" in {node["Node Type"] for node in second}
