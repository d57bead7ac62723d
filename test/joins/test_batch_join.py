# SPDX-License-Identifier: PostgreSQL
"""Batched joins: the same rows as from a local copy, and the fewest requests."""

import psycopg
import pytest
from lab import wait_until
from support.background import Statement
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.joins import (
    IDS,
    NODE,
    PAIR_COLUMNS,
    PAIRS,
    batched_joins,
    here,
    join_tables,
    key,
    load_items,
    only_batched,
)
from support.proxy import Gathering, hang, rewrite
from support.regress_data import load_table

LIST = ",".join(map(str, range(300)))


@pytest.fixture(scope="module")
def tables(ddb_resource):
    load_items(ddb_resource)


@pytest.fixture
def t(db, proxy, tables):
    return join_tables(db, proxy.endpoint)


def answers(db, query, parameters=None):
    """What the foreign tables give, and the local copies."""
    with only_batched(db):
        assert batched_joins(db, query, parameters), query
        found = db.execute(query, parameters).fetchall()
    expected = db.execute(here(query), parameters).fetchall()
    return sorted(found, key=key), sorted(expected, key=key)


def check(db, query, parameters=None, empty=False):
    found, expected = answers(db, query, parameters)
    assert found == expected
    assert bool(found) != empty


FORMS = [
    # by the whole key
    "SELECT l.row, t.* FROM l JOIN ids t ON t.id = l.k",
    "SELECT l.row, t.* FROM l LEFT JOIN ids t ON t.id = l.k",
    "SELECT l.row, t.* FROM ids t RIGHT JOIN l ON t.id = l.k",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM ids t WHERE t.id = l.k)",
    "SELECT l.row FROM l WHERE NOT EXISTS (SELECT FROM ids t WHERE t.id = l.k)",
    "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k WHERE t.id IS NULL",
    "SELECT l.row, t.v FROM l JOIN pairs t ON t.pk = l.pk AND t.sk = l.since",
    "SELECT l.row, t.v FROM l LEFT JOIN pairs t ON (t.pk, t.sk) = (l.pk, l.since)",
    "SELECT l.row FROM l WHERE (pk, since) IN (SELECT t.pk, t.sk FROM pairs t)",
    "SELECT l.row, t.n FROM l JOIN pairs t ON t.pk = l.pk AND t.sk = 3",
    "SELECT l.row, t.n FROM l JOIN pairs t ON t.pk = 'p4' AND t.sk = l.since",
    "SELECT l.row, t.n FROM l JOIN pairs t ON t.pk = l.pk AND t.sk IN (1, 3, 20)",
    # by the partition key
    "SELECT l.row, t.* FROM l JOIN pairs t ON t.pk = l.pk",
    "SELECT l.row, t.* FROM l LEFT JOIN pairs t ON t.pk = l.pk",
    "SELECT l.row, t.pk FROM l LEFT JOIN pairs t ON t.pk = l.pk AND t.n = 2",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.n = 2)",
    "SELECT l.row FROM l WHERE NOT EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.n = 9)",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk)",
    "SELECT l.row FROM l WHERE pk NOT IN ('p1', 'p2') AND NOT EXISTS"
    " (SELECT FROM pairs t WHERE t.pk = l.pk AND t.sk IN (2, 5))",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.sk > 4)",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.note LIKE '%x%x%')",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.sk + t.n = 7)",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.owner = l.owner AND t.n = 2)",
    "SELECT l.row, count(t.pk) FROM l LEFT JOIN pairs t ON t.pk = l.pk GROUP BY l.row",
    "SELECT count(*) FROM l JOIN pairs t ON t.pk = l.pk",
    # with ranges
    "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = l.pk AND t.sk >= l.since",
    "SELECT l.row, t.sk FROM l LEFT JOIN pairs t ON t.pk = l.pk AND t.sk > l.since + 1",
    "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = l.pk AND t.sk BETWEEN l.x AND l.since",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.sk < l.x)",
    "SELECT l.row FROM l WHERE NOT EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.sk > l.since)",
    "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = l.pk AND t.sk >= l.since AND t.sk < 6",
    "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = l.pk AND t.sk <= l.since AND t.sk IN (1, 3, 5)",
    # by an index
    "SELECT l.row, t.pk, t.sk FROM l JOIN pairs t ON t.owner = l.owner",
    "SELECT l.row, t.pk, t.sk FROM l LEFT JOIN pairs t ON t.owner = l.owner AND t.n < l.x",
    # other conditions
    "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k AND t.v < l.x",
    "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k AND t.v < l.x",
    "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k AND l.x > 1",
    "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k WHERE t.v IS NULL OR t.v < l.x",
    "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k WHERE coalesce(t.v, 9) > l.x",
    "SELECT l.row FROM l WHERE NOT EXISTS (SELECT FROM ids t WHERE t.id = l.k AND t.v < l.x)",
    "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k WHERE t.v = 3 AND t.note LIKE 'n%'",
    # expressions and types
    "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k + 1",
    "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k::bigint",
    "SELECT l.row, t.v FROM l JOIN ids t ON l.k::smallint = t.id",
    "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = l.pk::varchar(20)",
    "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = 'p' || l.since",
    # the foreign table first
    "SELECT t.* FROM ids t WHERE t.id IN (SELECT k FROM l)",
    "SELECT t.* FROM ids t WHERE EXISTS (SELECT FROM l WHERE l.k = t.id)",
    # several
    "SELECT l.row, t.v, u.n FROM l JOIN ids t ON t.id = l.k JOIN pairs u ON u.pk = l.pk AND u.sk = t.v",
    "SELECT l.row, t.v, u.n FROM l LEFT JOIN ids t ON t.id = l.k"
    " LEFT JOIN pairs u ON u.pk = l.pk AND u.sk = t.v",
    "SELECT l.row, s.z FROM l LEFT JOIN (SELECT id, coalesce(v, 5) AS z FROM ids) s ON s.id = l.k",
    "SELECT a.row, t.v FROM l a FULL JOIN l b USING (row) LEFT JOIN ids t ON t.id = a.k",
    "SELECT l.row, s.z, t.note FROM l LEFT JOIN (SELECT id, coalesce(v, 5) AS z FROM ids) s"
    " ON s.id = l.k LEFT JOIN ids t ON t.id = s.z",
    "SELECT l.row, a.v, b.n FROM l LEFT JOIN ids a ON a.id = l.k"
    " LEFT JOIN pairs b ON b.pk = 'p' || a.v AND b.sk = l.x WHERE a.v IS NULL OR b.n > 0",
    "SELECT l.row, a.v, b.n FROM l LEFT JOIN (ids a JOIN pairs b ON b.pk = 'p' || a.v AND b.sk = 1)"
    " ON a.id = l.k",
    # in subqueries
    "SELECT x, (SELECT sum(t.v) FROM l JOIN ids t ON t.id = l.k WHERE l.x = g.x)"
    " FROM generate_series(0, 4) g(x)",
    "SELECT x, (SELECT sum(t.v) FROM l JOIN ids t ON t.id = l.k AND t.v < g.x) FROM generate_series(0, 4) g(x)",
    "SELECT x, s.* FROM generate_series(0, 4) g(x), LATERAL"
    " (SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k AND t.v <> x ORDER BY l.row, t.v LIMIT 3) s",
    "WITH s AS MATERIALIZED (SELECT DISTINCT k FROM l) SELECT s.k, t.v FROM s JOIN ids t ON t.id = s.k",
    "SELECT g, t.v FROM generate_series(5, 70, 3) g JOIN ids t ON t.id = g",
    "SELECT x, t.v FROM (VALUES (1), (2), (NULL)) s(x) LEFT JOIN ids t ON t.id = x",
]
FORMS = [form.replace("t.v FROM l JOIN pairs", "t.n FROM l JOIN pairs") for form in FORMS]
FORMS = [form.replace("t.v FROM l LEFT JOIN pairs", "t.n FROM l LEFT JOIN pairs") for form in FORMS]


@pytest.mark.parametrize("query", FORMS)
def test_joins_equal_local_ones(t, query):
    check(t, query)

# ---- under pressure ------------------------------------------------------------


@pytest.mark.parametrize("query", FORMS)
def test_joins_with_little_memory(t, query):
    t.execute("SET work_mem = '64kB'")
    check(t, query)


WIDE_ITEMS = [
    {"pk": f"p{p}", "sk": s, "n": p, "note": "y" * (p * 100)} for p in range(30) for s in range(20)
]


@pytest.fixture(scope="module")
def wide(ddb_resource):
    load_table(ddb_resource, "BatchWide", {**PAIRS}, WIDE_ITEMS)


HELD = "SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'ddb_fdw join%'"


@pytest.mark.parametrize(
    ("memory", "limit"), [("64kB", 300_000), ("256kB", 700_000), ("4MB", 4_000_000)]
)
def test_rows_found_are_bounded_by_work_mem(t, wide, memory, limit):
    """The largest partitions alone are above 64 kB; small ones come first."""
    foreign_table(t, "wide", PAIR_COLUMNS, table_name="BatchWide")
    t.execute("CREATE TABLE wide_here AS SELECT * FROM wide")
    t.execute(f"SET work_mem = '{memory}'")
    query = "SELECT l.row, t.sk, t.note FROM l LEFT JOIN wide t ON t.pk = l.pk"
    found, most = [], 0
    with only_batched(t), t.transaction():
        batches = explain(t, query, analyze="on")["Batches"]
        t.execute(f"DECLARE c CURSOR FOR {query}")
        while rows := t.execute("FETCH 50 FROM c").fetchall():
            found += rows
            held = t.execute(HELD).fetchone()[0]
            most = max(most, held)
    expected = t.execute(query.replace("wide", "wide_here")).fetchall()
    assert sorted(found, key=key) == sorted(expected, key=key)
    # All are a megabyte; blocks are handed out in doubling sizes.
    assert most < limit
    assert batches == 1 if memory == "4MB" else batches > 4


# ---- requests -------------------------------------------------------------------


def batch_keys(calls):
    """The keys of each BatchGetItem, as text."""
    return [
        [next(iter(next(iter(key.values())).values())) for key in keys["Keys"]]
        for call in calls.of("BatchGetItem")
        for keys in call.request["RequestItems"].values()
    ]


def recorded(db, proxy, query):
    """(rows, calls) of a batched join"""
    assert batched_joins(db, query)
    with proxy.record() as calls:
        rows = db.execute(query).fetchall()
    return rows, calls.data


def test_a_thousand_keys_are_ten_requests(t, proxy):
    t.execute("CREATE TABLE m AS SELECT i AS k FROM generate_series(1, 1000) i; ANALYZE m")
    with only_batched(t):
        rows, calls = recorded(t, proxy, "SELECT m.k, t.v FROM m JOIN ids t ON t.id = m.k")
    assert rows == [(i, i % 7) for i in range(1, 1001)]  # in the order of m
    assert calls.operations == ["BatchGetItem"] * 10
    assert sorted(int(k) for keys in batch_keys(calls) for k in keys) == list(range(1, 1001))


def test_keys_that_repeat_are_sent_once(t, proxy):
    t.execute("CREATE TABLE m AS SELECT i % 250 AS k FROM generate_series(1, 10000) i; ANALYZE m")
    with only_batched(t):
        rows, calls = recorded(t, proxy, "SELECT m.k, t.id FROM m JOIN ids t ON t.id = m.k")
    assert rows == [(i % 250, i % 250) for i in range(1, 10001)]
    keys = [k for keys in batch_keys(calls) for k in keys]
    assert sorted(map(int, keys)) == list(range(250))
    assert len(calls) == 3


@pytest.mark.parametrize("concurrency", [4, 16, 40])
def test_partitions_are_queried_side_by_side(t, proxy, concurrency):
    t.execute(f"ALTER SERVER dynamo OPTIONS (ADD max_concurrency '{concurrency}')")
    t.execute("CREATE TABLE m AS SELECT 'p' || i AS k FROM generate_series(0, 999) i; ANALYZE m")
    query = "SELECT m.k, t.sk FROM m LEFT JOIN pairs t ON t.pk = m.k"
    together = Gathering(concurrency)
    with only_batched(t), proxy.inject(together, operation="Query"):
        rows, calls = recorded(t, proxy, query)
    assert len(rows) == 30 * 8 + 970
    assert calls.operations == ["Query"] * 1000
    assert together.most == concurrency


def test_a_slow_query_holds_up_no_other(t, proxy):
    """All other keys are asked for before it is answered."""
    t.execute("CREATE TABLE m AS SELECT 'p' || i AS k FROM generate_series(0, 99) i; ANALYZE m")
    query = "SELECT m.k, t.sk FROM m LEFT JOIN pairs t ON t.pk = m.k"
    with only_batched(t), proxy.record() as calls:
        with proxy.inject(hang(), operation="Query", times=1) as fault:
            statement = Statement(t, query)
            assert fault.reached.wait(20)
            wait_until(lambda: calls.count("Query") == 100, "all other queries are sent")
            fault.release()
            rows = statement.join().rows
    assert len(rows) == 30 * 8 + 70
    assert [k for k, _ in rows] == sorted((k for k, _ in rows), key=lambda k: int(k[1:]))


def test_partitions_of_unknown_size_are_taken_for_small(db, proxy, tables):
    """A large table without statistics is not read whole for a thousand keys."""

    def large(response):
        response["Table"].update(ItemCount=1_000_000, TableSizeBytes=200_000_000)

    make_server(db, proxy.endpoint)
    foreign_table(db, "pairs", PAIR_COLUMNS, table_name="BatchPairs")
    db.execute("CREATE TABLE m AS SELECT 'p' || i AS k FROM generate_series(1, 1000) i")
    with proxy.inject(rewrite(large), operation="DescribeTable"):
        plan = explain(db, "SELECT * FROM m JOIN pairs t ON t.pk = m.k")
    assert plan["Custom Plan Provider"] == NODE
    # Twenty thousand keys cost more than the Scan.
    db.execute("INSERT INTO m SELECT 'q' || i FROM generate_series(1, 19000) i; ANALYZE m")
    operations = [
        node.get("DynamoDB Operation")
        for node in plan_nodes(explain(db, "SELECT * FROM m JOIN pairs t ON t.pk = m.k"))
    ]
    assert "Scan" in operations


NUMBERED = "(SELECT nextval('rows')::int AS k FROM generate_series(1, 4000) OFFSET 0) m"


def test_the_next_rows_are_read_while_keys_are_looked_up(t, connect, proxy):
    t.execute("CREATE SEQUENCE rows")
    query = f"SELECT m.k, t.v FROM {NUMBERED} LEFT JOIN ids t ON t.id = m.k"
    other = connect()
    with only_batched(t):
        assert explain(t, query)["Custom Plan Provider"] == NODE
        with proxy.inject(hang(), operation="BatchGetItem", times=1) as fault:
            statement = Statement(t, query)
            assert fault.reached.wait(20)
            wait_until(
                lambda: other.execute("SELECT last_value FROM rows").fetchone()[0] >= 3200,
                "the rows of the next batch are read",
            )
            fault.release()
            rows = statement.join().rows
    assert rows == [(i, i % 7 if i < 1200 else None) for i in range(1, 4001)]


def test_under_a_limit_no_rows_are_read_ahead(t, connect):
    t.execute("CREATE SEQUENCE rows")
    query = f"SELECT m.k, t.v FROM {NUMBERED} LEFT JOIN ids t ON t.id = m.k LIMIT 10"
    with only_batched(t):
        assert len(t.execute(query).fetchall()) == 10
    assert t.execute("SELECT last_value FROM rows").fetchone()[0] <= 20


def test_ranges_are_part_of_the_key(t, proxy):
    t.execute("CREATE TABLE m AS SELECT 'p' || i AS k, i AS s FROM generate_series(1, 5) i")
    query = "SELECT m.k, t.sk FROM m JOIN pairs t ON t.pk = m.k AND t.sk > m.s"
    with only_batched(t):
        rows, calls = recorded(t, proxy, query)
    assert sorted(rows) == [(f"p{p}", s) for p in range(1, 6) for s in range(p + 1, 8)]
    assert sum(call.response["ScannedCount"] for call in calls) == len(rows)


@pytest.mark.parametrize("word", ["EXISTS", "NOT EXISTS"])
def test_existence_reads_one_item_a_key(t, proxy, word):
    """Also behind a filter, where pages are sized to bring a match soon."""
    t.execute("CREATE TABLE m AS SELECT 'p' || i AS k FROM generate_series(20, 39) i")
    query = f"SELECT m.k FROM m WHERE {word} (SELECT FROM pairs t WHERE t.pk = m.k)"
    with only_batched(t):
        rows, calls = recorded(t, proxy, query)
    assert len(rows) == 10
    assert [call.request["Limit"] for call in calls] == [1] * 20
    assert sum(call.response["ScannedCount"] for call in calls) == 10


def test_lists_multiply_keys_within_bounds(t, proxy):
    """Keys times a list of 300 are more than the 100,000 that one run takes."""
    t.execute("CREATE TABLE m AS SELECT 'p' || i AS k FROM generate_series(0, 349) i; ANALYZE m")
    t.execute(f"CREATE VIEW few AS SELECT * FROM pairs WHERE sk = ANY ('{{{LIST}}}')")
    with only_batched(t):
        query = "SELECT count(*) FROM m JOIN few t ON t.pk = m.k"
        plan = explain(t, query)
        assert NODE in [node.get("Custom Plan Provider") for node in plan_nodes(plan)]
        (node,) = [n for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan"]
        assert node["DynamoDB Operation"] == "BatchGetItem"
        assert t.execute(query).fetchone() == (30 * 8,)


@pytest.mark.parametrize(
    ("condition", "keys"),
    [("t.id = g", 10), ("t.id = g / 20 ", 10), ("t.id = g * 100", 200)],
)
def test_a_limit_reads_little(t, proxy, condition, keys):
    query = f"SELECT g, t.v FROM generate_series(1, 1000000) g JOIN ids t ON {condition} LIMIT 10"
    rows, calls = recorded(t, proxy, query)
    assert len(rows) == 10
    sent = sum(map(len, batch_keys(calls)))
    assert sent + calls.count("GetItem") <= keys


LIMITED = [
    "SELECT g, t.v FROM generate_series(1, 1000000) g JOIN ids t ON t.id = g % 1000"
    " JOIN pairs u ON u.pk = 'p' || t.v AND u.sk = g % 8 LIMIT 10",
    "SELECT g, t.v FROM generate_series(1, 1000000) g LEFT JOIN ids t ON t.id = g % 1000"
    " LEFT JOIN ids u ON u.id = g / 2 LEFT JOIN ids v ON v.id = t.v LIMIT 10",
    "SELECT g FROM generate_series(1, 1000000) g WHERE EXISTS (SELECT FROM ids t WHERE t.id = g)"
    " LIMIT 10",
    "SELECT g FROM generate_series(1195, 1000000) g"
    " WHERE NOT EXISTS (SELECT FROM ids t WHERE t.id = g) LIMIT 10",
    "SELECT count(*) FROM (SELECT g FROM generate_series(1, 1000000) g"
    " JOIN ids t ON t.id = g % 7 LIMIT 10) s",
    "SELECT EXISTS (SELECT FROM generate_series(1, 1000000) g JOIN ids t ON t.id = g)",
]


@pytest.mark.parametrize("query", LIMITED)
def test_limits_over_several_joins_read_little(t, proxy, query):
    """Also where the keys of many rows are the same."""
    with only_batched(t):
        rows, calls = recorded(t, proxy, query)
    assert len(rows) in (1, 10)
    assert sum(map(len, batch_keys(calls))) + calls.count("GetItem") + calls.count("Query") < 200


def test_keys_that_cannot_be_are_not_sent(t, proxy):
    t.execute("CREATE TABLE m (k text, n numeric)")
    t.execute("INSERT INTO m VALUES ('', 1), (repeat('x', 2049), 2), (NULL, 3)")
    with only_batched(t):
        rows, calls = recorded(t, proxy, "SELECT t.pk FROM m JOIN pairs t ON t.pk = m.k")
    assert rows == [] and calls == []


def test_rows_that_cannot_match_look_nothing_up(t, proxy):
    with only_batched(t):
        query = "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k WHERE l.k IS NULL"
        rows, calls = recorded(t, proxy, query)
    assert len(rows) == 18 and calls == []


# ---- the executor's ways ------------------------------------------------------------


def test_the_outer_order_is_kept(t):
    t.execute("CREATE INDEX ON l (row)")
    query = "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = l.pk ORDER BY l.row"
    with only_batched(t):
        t.execute("SET enable_sort = off")
        nodes = [node["Node Type"] for node in plan_nodes(explain(t, query))]
        rows = t.execute(query).fetchall()
    assert "Sort" not in nodes
    assert [row[0] for row in rows] == sorted(row[0] for row in rows) and len(rows) > 1000


def test_cursors_go_back_and_forth(t):
    query = "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k"
    with only_batched(t), t.transaction():
        t.execute(f"DECLARE c SCROLL CURSOR FOR {query}")
        first = t.execute("FETCH 30 FROM c").fetchall()
        t.execute("MOVE BACKWARD ALL FROM c")
        assert t.execute("FETCH 30 FROM c").fetchall() == first
        rest = t.execute("FETCH ALL FROM c").fetchall()
        assert t.execute("FETCH PRIOR FROM c").fetchall() == rest[-1:]
        t.execute(f"DECLARE d NO SCROLL CURSOR FOR {query}")
        again = [row for _ in range(9) for row in t.execute("FETCH 25 FROM d").fetchall()]
    assert again == first + rest and len(again) == 200


def test_generic_plans_take_parameters(t):
    t.execute("SET plan_cache_mode = force_generic_plan")
    with only_batched(t):
        t.execute(
            "PREPARE q (int, text, int) AS SELECT l.row, t.sk FROM l JOIN pairs t"
            " ON t.pk = l.pk || $2 AND t.sk >= $1 AND t.n <> $3"
        )
        plan = t.execute("EXPLAIN (FORMAT JSON) EXECUTE q (3, '', 1)").fetchone()[0][0]["Plan"]
        assert NODE in [node.get("Custom Plan Provider") for node in plan_nodes(plan)]
        for values in ("3, '', 1", "5, '', 2", "3, 'x', 1", "NULL, '', 1", "3, NULL, 1"):
            found = t.execute(f"EXECUTE q ({values})").fetchall()
            first, suffix, n = values.split(", ")
            expected = t.execute(
                "SELECT l.row, t.sk FROM l JOIN pairs_here t"
                f" ON t.pk = l.pk || {suffix} AND t.sk >= {first}::int AND t.n <> {n}"
            ).fetchall()
            assert sorted(found) == sorted(expected)


def test_a_failed_join_leaves_nothing_behind(t, proxy):
    query = "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k"
    with only_batched(t):
        with proxy.inject(rewrite(lambda response: {"Responses": 3}), operation="BatchGetItem"):
            with pytest.raises(psycopg.Error):
                t.execute(query)
        check(t, query)
        t.execute("SET ddb_fdw.max_read_units = 5")
        with pytest.raises(psycopg.Error) as caught:
            t.execute(query)
        assert caught.value.sqlstate == "53400"


def test_values_that_do_not_fit_match_nothing(t, ddb_resource):
    """As NULL, where the table says so, whatever key found them."""
    items = [{"id": i, "v": i if i % 2 else f"v{i}"} for i in range(10)]
    load_table(ddb_resource, "BatchMixed", IDS, items)
    foreign_table(t, "mixed", ["id int", "v int"], table_name="BatchMixed", on_type_mismatch="null")
    t.execute("CREATE TABLE mixed_here AS SELECT * FROM mixed")
    query = "SELECT l.row, t.v FROM l LEFT JOIN mixed t ON t.id = l.k AND t.v >= l.x"
    with only_batched(t):
        found = t.execute(query).fetchall()
    expected = t.execute(query.replace("mixed", "mixed_here")).fetchall()
    assert sorted(found, key=key) == sorted(expected, key=key)


def test_numbers_that_are_equal_differ_in_their_digits(t):
    """Each key is looked up as it is given, and finds the item all the same."""
    t.execute("CREATE TABLE m (k numeric)")
    t.execute("INSERT INTO m VALUES (1.0), (1.00), (1), (2), (2.000), (1.5)")
    foreign_table(t, "numbers", ["id numeric", "v int"], table_name="BatchIds")
    query = "SELECT m.k, t.v FROM m JOIN numbers t ON t.id = m.k"
    for memory in ("64kB", "4MB"):
        t.execute(f"SET work_mem = '{memory}'")
        with only_batched(t):
            plan = explain(t, query)
            assert plan["Custom Plan Provider"] == NODE
            rows = t.execute(query).fetchall()
        assert sorted((str(k), v) for k, v in rows) == [
            ("1", 1), ("1.0", 1), ("1.00", 1), ("2", 2), ("2.000", 2),
        ]  # fmt: skip


def test_conditions_of_a_view_come_first(t):
    """A leaky function sees no row that the view's own conditions hide."""
    t.execute(
        "CREATE FUNCTION leak(text, int) RETURNS bool COST 0.01 LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE NOTICE 'leaked %', $1; RETURN $2 >= 0; END $$"
    )
    t.execute(
        "CREATE VIEW guarded WITH (security_barrier) AS"
        " SELECT l.row, t.note, t.n FROM l JOIN pairs t ON t.pk = l.pk WHERE t.n + l.x = 100"
    )
    notices = []
    t.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    with only_batched(t):
        assert t.execute("SELECT * FROM guarded WHERE leak(note, row)").fetchall() == []
    assert notices == []


def test_rescans_keep_what_was_looked_up(t, proxy):
    """Unless the scan itself depends on what has changed."""
    query = (
        "SELECT x, (SELECT sum(t.v) FROM l JOIN ids t ON t.id = l.k WHERE l.x <> g.x)"
        " FROM generate_series(0, 9) g(x)"
    )
    with only_batched(t):
        rows, calls = recorded(t, proxy, query)
    keys = [k for keys in batch_keys(calls) for k in keys]
    assert len(rows) == 10 and len(keys) == len(set(keys)) == 90


TEMPLATED = {
    **{name: PAIRS[name] for name in ("KeySchema", "BillingMode")},
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
}


def test_variables_of_templates_are_keys(t, ddb_resource):
    """Items of other kinds in the same partitions are never matches."""
    items = [
        {"pk": f"USER#{u}", "sk": f"{kind}#{n:03}", "title": f"{kind} {n}"}
        for u in range(20)
        for kind, count in (("A", 3), ("HIST", u % 4), ("PROFILE", 1))
        for n in range(count)
    ]
    load_table(ddb_resource, "BatchTemplates", TEMPLATED, items)
    columns = [
        "pk text OPTIONS (template 'USER#${user_id}') COLLATE \"C\"",
        "sk text OPTIONS (template 'HIST#${n:03}') COLLATE \"C\"",
        "user_id bigint",
        "n int",
        "title text",
    ]
    foreign_table(t, "hist", columns, table_name="BatchTemplates")
    t.execute("CREATE TABLE hist_here AS SELECT * FROM hist")
    t.execute("CREATE TABLE u AS SELECT i AS id, i % 3 AS n FROM generate_series(5, 30) i")
    for query in (
        "SELECT u.id, t.n, t.title FROM u JOIN hist t ON t.user_id = u.id",
        "SELECT u.id, t.n FROM u LEFT JOIN hist t ON t.user_id = u.id AND t.n = u.n",
        "SELECT u.id, t.n FROM u LEFT JOIN hist t ON t.user_id = u.id AND t.n >= u.n",
        "SELECT u.id FROM u WHERE EXISTS (SELECT FROM hist t WHERE t.user_id = u.id)",
        "SELECT u.id FROM u WHERE NOT EXISTS (SELECT FROM hist t WHERE t.user_id = u.id)",
    ):
        with only_batched(t):
            assert batched_joins(t, query), query
            found = t.execute(query).fetchall()
        expected = t.execute(query.replace("hist", "hist_here")).fetchall()
        assert sorted(found, key=key) == sorted(expected, key=key) and found


@pytest.mark.parametrize(
    "bounds",
    [
        "t.at >= u.since AND t.at < u.since + interval '2 days'",
        "t.at >= '2026-11-02Z' AND t.at < '2026-11-05Z'",
    ],
)
def test_partitions_derived_from_a_time_are_walked_for_each_row(t, ddb_resource, bounds):
    items = [
        {"pk": f"{kind}#2026-11-{day:02}", "sk": f"2026-11-{day:02}T0{hour}:00:00.000Z"}
        for kind in "ab"
        for day in range(1, 9)
        for hour in range(3)
    ]
    load_table(ddb_resource, "BatchDays", TEMPLATED, items)
    columns = [
        "pk text OPTIONS (template '${kind}#${at:YYYY-MM-DD}') COLLATE \"C\"",
        "sk text OPTIONS (template '${at:iso8601:3}') COLLATE \"C\"",
        "kind text",
        "at timestamptz",
    ]
    foreign_table(t, "days", columns, table_name="BatchDays")
    t.execute("CREATE TABLE days_here AS SELECT * FROM days")
    t.execute(
        "CREATE TABLE u AS SELECT i AS id, chr(97 + i % 3) AS kind,"
        " '2026-11-01Z'::timestamptz + i * interval '25 hours' AS since FROM generate_series(0, 8) i"
    )
    query = (
        f"SELECT u.id, t.at FROM u LEFT JOIN days t ON t.kind = u.kind AND {bounds}"
    )
    expected = t.execute(query.replace("days t", "days_here t")).fetchall()
    with only_batched(t):
        found = t.execute(query).fetchall()
    assert sorted(found, key=key) == sorted(expected, key=key)
    assert sorted(t.execute(query).fetchall(), key=key) == sorted(expected, key=key)


# ---- inside nested loops ----------------------------------------------------------

# Many rows, of which each row of g needs a few.
BIG = """
CREATE TABLE big AS
  SELECT i AS row, i / 30 AS g, CASE WHEN i % 11 = 0 THEN NULL ELSE i % 700 END AS k,
         'p' || i % 40 AS pk, i % 9 AS since, i % 4 AS x
    FROM generate_series(1, 60000) i;
CREATE INDEX ON big (g);
ANALYZE big
"""
G = "(VALUES (0), (1), (2), (NULL), (5), (2)) g(y)"
INSIDE = [
    f"SELECT y, l.row, t.v FROM {G} LEFT JOIN (big l JOIN ids t ON t.id = l.k) ON l.g = y",
    f"SELECT y, l.row, t.v FROM {G} LEFT JOIN (big l LEFT JOIN ids t ON t.id = l.k)"
    " ON l.g = y AND coalesce(t.v, 1) <> y",
    f"SELECT y, l.row, t.v FROM {G} LEFT JOIN (big l JOIN ids t ON t.id = l.k AND t.v < l.x)"
    " ON l.g = y AND t.v > y",
    f"SELECT y, l.row, t.n FROM {G} LEFT JOIN (big l JOIN pairs t ON t.pk = l.pk AND t.sk = 2)"
    " ON l.g = y AND t.n <> y",
    f"SELECT y, l.row, t.n FROM {G} LEFT JOIN (big l JOIN pairs t ON t.sk = l.since)"
    " ON l.g = y AND t.pk = 'p' || y",
    f"SELECT y, l.row, t.n FROM {G} LEFT JOIN (big l JOIN pairs t ON t.pk = l.pk)"
    " ON l.g = y AND t.sk BETWEEN y AND l.since",
    f"SELECT y, l.row, t.id FROM {G} LEFT JOIN (big l CROSS JOIN ids t)"
    " ON l.g = y AND t.id = y + l.x",
    f"SELECT y, l.row, t.v, u.n FROM {G} LEFT JOIN (big l LEFT JOIN ids t ON t.id = l.k"
    " LEFT JOIN pairs u ON u.pk = 'p' || t.v AND u.sk = l.since) ON l.g = y",
    f"SELECT y FROM {G} WHERE EXISTS"
    " (SELECT FROM big l JOIN ids t ON t.id = l.k WHERE l.g = y AND t.v = y)",
    f"SELECT y FROM {G} WHERE NOT EXISTS"
    " (SELECT FROM big l JOIN ids t ON t.id = l.k WHERE l.g = y AND t.v = y + 3 AND l.x = 2)",
    f"SELECT y, l.row FROM {G} LEFT JOIN (SELECT * FROM big l WHERE EXISTS"
    " (SELECT FROM ids t WHERE t.id = l.k AND t.v = l.x)) l ON l.g = y",
    f"SELECT y, l.row FROM {G} LEFT JOIN (SELECT * FROM big l WHERE NOT EXISTS"
    " (SELECT FROM ids t WHERE t.id = l.k AND t.v = l.x)) l ON l.g = y",
    f"SELECT y, s.* FROM {G} LEFT JOIN LATERAL"
    " (SELECT l.row, t.v + y AS z FROM big l JOIN ids t ON t.id = l.k WHERE l.g = y) s ON true",
    f"SELECT y, s.* FROM {G} LEFT JOIN LATERAL"
    " (SELECT count(*) FROM big l JOIN ids t ON t.id = l.k WHERE l.g = y AND t.v <> y) s ON true",
]
LOOPS = ["SET enable_hashjoin = off", "SET enable_mergejoin = off"]


def enlarged(description):
    """Tables that nobody wants to scan."""
    table = description["Table"]
    for part in (table, *table.get("GlobalSecondaryIndexes", ())):
        part["ItemCount"] = 10**7
        part["TableSizeBytes" if part is table else "IndexSizeBytes"] = 10**9


@pytest.mark.parametrize("memory", ["64kB", "4MB"])
@pytest.mark.parametrize("query", INSIDE)
def test_batched_joins_inside_nested_loops(t, connect, proxy, query, memory):
    """For each row further out a few rows are read and joined."""
    t.execute(BIG)
    db = connect()
    db.execute("; ".join(LOOPS))
    db.execute(f"SET work_mem = '{memory}'")
    with proxy.inject(rewrite(enlarged), operation="DescribeTable"):
        assert batched_joins(db, query)
    found = db.execute(query).fetchall()
    assert sorted(found, key=key) == sorted(t.execute(here(query)).fetchall(), key=key)
    assert found


def test_rows_that_a_loop_needs_are_looked_up_together(t, proxy):
    t.execute(BIG)
    t.execute("; ".join(LOOPS))
    rows, calls = recorded(t, proxy, INSIDE[0])
    nodes = plan_nodes(explain(t, INSIDE[0]))
    (scan,) = [node for node in nodes if node.get("Relation Name") == "big"]
    assert scan["Index Name"] and len(rows) > 100
    # Once for each y; keys of the second 2 are known from the first.
    assert calls.operations == ["BatchGetItem"] * 4
    keys = [k for keys in batch_keys(calls) for k in keys]
    assert len(keys) == len(set(keys))


def test_existence_of_joined_rows_looks_up_few_keys(t, proxy):
    t.execute(BIG)
    t.execute("; ".join(LOOPS))
    query = (
        f"SELECT y FROM {G} WHERE EXISTS"
        " (SELECT FROM big l JOIN ids t ON t.id = l.k WHERE l.g = y)"
    )
    rows, calls = recorded(t, proxy, query)
    assert sorted(rows) == [(0,), (1,), (2,), (2,), (5,)]
    assert sum(len(call.request.get("RequestItems", {"one": 1})) for call in calls) <= 8


NOT_OFFERED = [
    "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k + floor(random())::int",
    "SELECT l.row, t.v FROM l FULL JOIN ids t ON t.id = l.k",
    "SELECT l.row, t.v FROM l JOIN ids t ON t.v = l.k",
    "SELECT l.row, t.v FROM l JOIN ids t ON t.id > l.k",
]


@pytest.mark.parametrize("query", NOT_OFFERED)
def test_where_it_is_not_offered(t, query):
    with only_batched(t):
        assert not batched_joins(t, query)


@pytest.mark.parametrize("setting", ["batch_join", "pushdown"])
def test_it_can_be_switched_off(t, setting):
    query = "SELECT l.row, t.v FROM l JOIN ids t ON t.id = l.k"
    t.execute(f"SET ddb_fdw.{setting} = off")
    with only_batched(t):
        assert not batched_joins(t, query)


def test_what_explain_shows(t):
    query = "SELECT l.row, t.v FROM l LEFT JOIN ids t ON t.id = l.k AND t.v < l.x"
    with only_batched(t):
        plan = explain(t, query, analyze="on")
    assert plan["Join Type"] == "Left"
    assert plan["Hash Cond"] == "(t.id = l.k)"
    assert plan["Join Filter"] == "(t.v < l.x)"
    assert (plan["Batches"], plan["Keys"]) == (1, 90)
    outer, inner = plan["Plans"]
    assert inner["DynamoDB Operation"] == "BatchGetItem"
    assert inner["Key Condition"] == "(id = l.k)"
    assert inner["Requests"] == 1


def test_keys_that_each_outer_row_makes_are_as_many(t):
    """What is lateral gives other keys for each row: its own estimate is of one run."""
    for made in (
        "LATERAL (VALUES (l.row), (l.row + 500)) x(id)",
        "LATERAL generate_series(l.row, l.row + 1) x(id)",
        "LATERAL unnest(ARRAY[l.row, l.row + 500]) x(id)",
    ):
        query = f"SELECT l.row, ids.v FROM l, {made}, ids WHERE ids.id = x.id"
        with only_batched(t):
            (scan,) = [
                n for n in plan_nodes(explain(t, query)) if n["Node Type"] == "Foreign Scan"
            ]
            found = t.execute(query).fetchall()
        assert scan["Plan Rows"] >= 200, made
        assert sorted(found) == sorted(t.execute(here(query)).fetchall())
