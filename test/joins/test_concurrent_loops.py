# SPDX-License-Identifier: PostgreSQL
"""Concurrent loops: a subquery for each outer row, several of them under way."""

import contextlib

import psycopg
import pytest
from support.background import Statement
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.joins import key
from support.proxy import Gathering, hang, internal_error, rewrite, throttle
from support.regress_data import load_table
from support.systems import definition, index

NODE = "DynamoDB Concurrent Loop"

EVENTS = definition(("pk", "sk"), "pk:S sk:N owner:S", gsis=[index("byOwner", "owner", "sk")])
ITEMS = [
    {"pk": f"p{p}", "sk": s, "n": (p * s) % 5, "note": f"{p}/{s}" * 8}
    | ({"owner": f"o{(p + s) % 6}"} if s % 3 else {})
    for p in range(30)
    for s in range(p % 9)
]
COLUMNS = ["pk text", "sk int", "n int", "owner text", "note text"]

# Local rows: with NULLs, duplicates and keys that no item has.
LOCAL = """
CREATE TABLE l AS
  SELECT i AS row, CASE WHEN i % 13 = 0 THEN NULL ELSE 'p' || i % 40 END AS pk,
         CASE WHEN i % 17 = 0 THEN NULL ELSE i % 9 END AS since, 'o' || i % 8 AS owner, i % 4 AS x
    FROM generate_series(1, 120) i
"""


@pytest.fixture(scope="module")
def tables(ddb_resource):
    load_table(ddb_resource, "LateralEvents", EVENTS, ITEMS)


@pytest.fixture
def t(db, proxy, tables):
    """Foreign table events, and a local copy of it."""
    make_server(db, proxy.endpoint)
    foreign_table(db, "events", COLUMNS, table_name="LateralEvents")
    db.execute("CREATE TABLE events_here AS SELECT * FROM events")
    db.execute(LOCAL)
    db.execute("ANALYZE l")
    return db


@contextlib.contextmanager
def no_nested_loops(db):
    """So that small tables are joined like large ones."""
    db.execute("SET enable_nestloop = off")
    yield
    db.execute("RESET enable_nestloop")


def providers(plan):
    return [node.get("Custom Plan Provider") for node in plan_nodes(plan)]


def check(db, query, ordered=False):
    with no_nested_loops(db):
        assert NODE in providers(explain(db, query)), query
        found = db.execute(query).fetchall()
    expected = db.execute(query.replace("events", "events_here")).fetchall()
    if not ordered:
        found, expected = sorted(found, key=key), sorted(expected, key=key)
    assert found == expected and found


def recorded(db, proxy, query):
    """(rows, calls) of a concurrent loop"""
    assert NODE in providers(explain(db, query))
    with proxy.record() as calls:
        rows = db.execute(query).fetchall()
    return rows, calls.data


TOP = "SELECT * FROM events t WHERE t.pk = l.pk ORDER BY t.sk DESC LIMIT 3"

FORMS = [
    # the newest of each
    f"SELECT l.row, t.* FROM l CROSS JOIN LATERAL ({TOP}) t",
    f"SELECT l.row, t.* FROM l LEFT JOIN LATERAL ({TOP}) t ON true",
    f"SELECT l.row, t.* FROM l LEFT JOIN LATERAL ({TOP} OFFSET 1) t ON true",
    f"SELECT l.row, t.* FROM l LEFT JOIN LATERAL ({TOP}) t ON t.n <> l.x",
    f"SELECT l.row, t.* FROM l LEFT JOIN LATERAL ({TOP}) t ON l.x > 1",
    f"SELECT l.row, t.* FROM l, LATERAL ({TOP}) t WHERE t.n <> l.x",
    f"SELECT l.row, t.* FROM l LEFT JOIN LATERAL ({TOP}) t ON true WHERE t.n IS NULL OR t.n < 3",
    f"SELECT l.row FROM l, LATERAL ({TOP}) t",
    f"SELECT count(*), sum(t.n) FROM l, LATERAL ({TOP}) t",
    f"SELECT l.x, count(t.pk) FROM l LEFT JOIN LATERAL ({TOP}) t ON true GROUP BY l.x",
    "SELECT l.row, t.sk FROM l, LATERAL"
    " (SELECT sk FROM events WHERE pk = l.pk ORDER BY sk LIMIT l.x) t",
    "SELECT l.row, t.sk FROM l LEFT JOIN LATERAL"
    " (SELECT sk FROM events WHERE pk = l.pk ORDER BY sk LIMIT nullif(l.x, 2) OFFSET l.x) t"
    " ON true",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events WHERE pk = l.pk"
    " ORDER BY sk FETCH FIRST 2 ROWS WITH TIES) t",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events t WHERE t.pk = l.pk"
    " AND t.sk < l.since ORDER BY sk DESC LIMIT 2) t",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events t WHERE t.pk = l.pk"
    " AND t.n < l.x AND t.note LIKE '%1%' ORDER BY sk LIMIT 2) t",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events t WHERE t.pk = l.pk"
    " AND t.sk + t.n > l.x ORDER BY sk LIMIT 2) t",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT pk, sk FROM events t WHERE t.owner = l.owner"
    " ORDER BY sk DESC, pk LIMIT 4) t",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT pk, sk FROM events t"
    " WHERE t.pk IN (l.pk, 'p' || l.x) ORDER BY sk DESC, pk LIMIT 4) t",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events t WHERE t.pk = 'p8'"
    " AND t.sk >= l.since ORDER BY sk LIMIT 1) t",
    # conditions that ask for nothing
    "SELECT l.row, t.sk FROM l LEFT JOIN LATERAL (SELECT sk FROM events t WHERE t.pk = l.pk"
    " AND l.x = 1 ORDER BY sk LIMIT 2) t ON true",
    # computed, sorted, without duplicates
    "SELECT l.row, t.* FROM l, LATERAL (SELECT l.x + sk AS a, upper(note) AS b FROM events"
    " WHERE pk = l.pk ORDER BY sk DESC LIMIT 2) t",
    "SELECT l.row, t.* FROM l, LATERAL (SELECT sk, n FROM events WHERE pk = l.pk"
    " ORDER BY n + l.x, sk DESC LIMIT 3) t",
    "SELECT l.row, t.* FROM l, LATERAL (SELECT DISTINCT n FROM events WHERE pk = l.pk) t",
    "SELECT l.row, t.* FROM l, LATERAL (SELECT DISTINCT ON (n) n, sk FROM events WHERE pk = l.pk"
    " ORDER BY n, sk) t",
    "SELECT l.row, t.* FROM l, LATERAL (SELECT sk, row_number() OVER (ORDER BY n, sk) AS r"
    " FROM events WHERE pk = l.pk) t WHERE t.r < 3",
    "SELECT l.row, t.sk FROM l, LATERAL (SELECT * FROM (SELECT sk, n FROM events WHERE pk = l.pk"
    " ORDER BY sk DESC LIMIT 4) i WHERE i.n > l.x - 2 ORDER BY i.n, i.sk LIMIT 2) t",
    # aggregates
    "SELECT l.row, t.* FROM l, LATERAL (SELECT count(*) FROM events WHERE pk = l.pk) t",
    "SELECT l.row, t.* FROM l, LATERAL"
    " (SELECT count(*), max(note), sum(sk) FROM events WHERE pk = l.pk) t",
    "SELECT l.row, t.* FROM l LEFT JOIN LATERAL (SELECT n, count(*) FROM events WHERE pk = l.pk"
    " GROUP BY n HAVING count(*) > 1) t ON true",
    "SELECT l.row, t.* FROM l LEFT JOIN LATERAL (SELECT array_agg(sk ORDER BY n, sk)"
    " FILTER (WHERE n > l.x) FROM events WHERE pk = l.pk) t ON true",
    # several
    f"SELECT l.row, t.sk, u.sk FROM l, LATERAL ({TOP}) t, LATERAL"
    " (SELECT sk FROM events u WHERE u.pk = 'p' || t.sk ORDER BY sk LIMIT 2) u",
    f"SELECT l.row, t.sk, u.c FROM l LEFT JOIN LATERAL ({TOP}) t ON true LEFT JOIN LATERAL"
    " (SELECT count(*) AS c FROM events u WHERE u.pk = l.pk AND u.sk <= t.sk) u ON true",
    "SELECT l.row, t.* FROM l, LATERAL (SELECT t.sk, u.sk AS other FROM events t, LATERAL"
    " (SELECT sk FROM events u WHERE u.pk = t.pk AND u.sk > t.sk ORDER BY sk LIMIT 1) u"
    " WHERE t.pk = l.pk) t",
    f"SELECT a.row, t.sk FROM l a FULL JOIN l USING (row) LEFT JOIN LATERAL ({TOP}) t ON true",
    f"SELECT l.row, t.z FROM l LEFT JOIN LATERAL (SELECT coalesce(n, 9) AS z FROM ({TOP}) t) t"
    " ON true",
    "SELECT s.row, s.z, t.sk FROM (SELECT row, coalesce(pk, 'p7') AS z FROM l OFFSET 0) s, LATERAL"
    " (SELECT sk FROM events WHERE pk = s.z ORDER BY sk LIMIT 1) t",
    "SELECT l.row, t.sk FROM l LEFT JOIN (SELECT row, coalesce(pk, 'p7') AS z FROM l) s"
    " ON s.row = l.row + 60 LEFT JOIN LATERAL"
    " (SELECT sk FROM events WHERE pk = s.z ORDER BY sk DESC LIMIT 2) t ON true",
    # in subqueries, that run again
    "SELECT g.x, (SELECT sum(t.n) FROM l, LATERAL"
    " (SELECT n FROM events WHERE pk = l.pk ORDER BY sk DESC LIMIT 2) t WHERE l.x = g.x)"
    " FROM generate_series(0, 4) g(x)",
    "SELECT g.x, (SELECT sum(t.n) FROM l, LATERAL"
    " (SELECT n FROM events WHERE pk = l.pk AND n <> g.x ORDER BY sk DESC LIMIT 2) t)"
    " FROM generate_series(0, 4) g(x)",
    "SELECT g.x FROM generate_series(0, 4) g(x) WHERE EXISTS (SELECT FROM l, LATERAL"
    " (SELECT n FROM events WHERE pk = l.pk AND n <> g.x ORDER BY sk DESC LIMIT 2) t"
    " WHERE t.n = g.x - 1)",
    f"WITH s AS MATERIALIZED (SELECT DISTINCT pk FROM l) SELECT t.* FROM s l, LATERAL ({TOP}) t",
    "SELECT g, t.sk FROM generate_series(0, 20) g, LATERAL"
    " (SELECT sk FROM events WHERE pk = 'p' || g ORDER BY sk DESC LIMIT 1) t",
    "SELECT v.pk, t.sk FROM (VALUES ('p4'), (NULL), ('p4'), ('p5')) v (pk) LEFT JOIN LATERAL"
    " (SELECT sk FROM events WHERE pk = v.pk ORDER BY sk DESC LIMIT 1) t ON true",
]


@pytest.mark.parametrize("query", FORMS)
def test_loops_equal_local_ones(t, query):
    check(t, query)


@pytest.mark.parametrize("query", FORMS)
def test_loops_with_little_memory(t, query):
    t.execute("SET work_mem = '64kB'")
    t.execute("SET hash_mem_multiplier = 1")
    check(t, query)


TROUBLES = {
    "throttled": (throttle, {"every": 3}),
    "failing": (internal_error, {"every": 4}),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_loops_over_a_table_in_trouble(t, proxy, trouble):
    behaviour, which = TROUBLES[trouble]
    with proxy.inject(behaviour(), **which):
        check(t, f"SELECT l.row, t.* FROM l LEFT JOIN LATERAL ({TOP}) t ON true")


# ---- requests -------------------------------------------------------------------


def many(db, rows, repeats=1):
    db.execute(
        f"CREATE TABLE m AS SELECT i AS row, 'p' || i % {rows // repeats} AS pk"
        f" FROM generate_series(0, {rows - 1}) i"
    )
    db.execute("ANALYZE m")
    return f"SELECT m.row, t.sk FROM m CROSS JOIN LATERAL ({TOP.replace('l.pk', 'm.pk')}) t"


def expected_rows(partition):
    return list(range(partition % 9))[::-1][:3] if partition < 30 else []


def test_a_thousand_rows_are_sixteen_at_a_time(t, proxy):
    query = many(t, 1000)
    gathering = Gathering(16)
    with proxy.inject(gathering, operation="Query"):
        rows, calls = recorded(t, proxy, query)
    assert rows == [(p, s) for p in range(1000) for s in expected_rows(p)]  # in order
    assert calls.operations == ["Query"] * 1000
    assert {call.request["Limit"] for call in calls} == {3}
    assert {call.request["ScanIndexForward"] for call in calls} == {False}
    assert gathering.most == 16


def test_values_that_repeat_are_sent_once(t, proxy):
    rows, calls = recorded(t, proxy, many(t, 1000, repeats=20))
    assert rows == [(i, s) for i in range(1000) for s in expected_rows(i % 50)]
    assert len(calls) == 50


def test_neighbours_that_repeat_leave_room_for_others(t, proxy):
    many(t, 300, repeats=3)
    query = (
        "SELECT m.row, t.sk FROM (SELECT * FROM m ORDER BY pk, row) m CROSS JOIN LATERAL"
        f" ({TOP.replace('l.pk', 'm.pk')}) t"
    )
    gathering = Gathering(16)
    with proxy.inject(gathering, operation="Query"):
        rows, calls = recorded(t, proxy, query)
    assert sorted(rows) == sorted((i, s) for i in range(300) for s in expected_rows(i % 100))
    assert len(calls) == 100 and gathering.most == 16


def test_rows_kept_are_bounded_by_memory(t, proxy):
    """Then some are read again."""
    t.execute("SET work_mem = '64kB'")
    t.execute("SET hash_mem_multiplier = 1")
    query = many(t, 1200, repeats=4).replace("t.sk", "t.sk, repeat(t.note, 200)", 1)
    rows, calls = recorded(t, proxy, query)
    expected = [(i, s) for i in range(1200) for s in expected_rows(i % 300)]
    assert [row[:2] for row in rows] == expected
    assert 300 < len(calls) <= 1200


@pytest.mark.parametrize("limit", [1, 10])
def test_a_limit_reads_few(t, proxy, limit):
    """Each row gives one: no more than twice as many are started as are wanted."""
    t.execute("CREATE TABLE m AS SELECT i AS row FROM generate_series(1, 1000) i; ANALYZE m")
    rows, calls = recorded(
        t,
        proxy,
        "SELECT m.row, t.sk FROM m, LATERAL"
        " (SELECT sk FROM events WHERE pk = 'p8' AND sk < m.row ORDER BY sk LIMIT 1) t"
        f" LIMIT {limit}",
    )
    assert rows == [(i, 0) for i in range(1, limit + 1)]
    assert limit <= len(calls) <= 2 * limit + 1


def test_rows_that_need_nothing_send_nothing(t, proxy):
    query = (
        "SELECT l.row, t.sk FROM l LEFT JOIN LATERAL"
        " (SELECT sk FROM events WHERE pk = l.pk AND {} ORDER BY sk LIMIT {}) t ON true"
    )
    with no_nested_loops(t):
        for condition, limit in (("l.x = 9", "2"), ("true", "l.x * 0"), ("sk < NULL::int", "1")):
            with proxy.record() as calls:
                rows = t.execute(query.format(condition, limit)).fetchall()
            assert rows == [(i, None) for i in range(1, 121)]
            assert calls.data == []
        rows, calls = recorded(t, proxy, query.format("l.pk IS NULL", "1"))
    assert len(rows) == 120 and calls == []


def test_shards_of_one_row_count_as_requests(t, proxy):
    """Merged streams of a row are all under way: two rows at a time then."""
    many(t, 60)
    keys = ", ".join(f"'p' || m.row + {i}" for i in range(8))
    query = (
        f"SELECT m.row, t.sk FROM m, LATERAL (SELECT sk FROM events WHERE pk IN ({keys})"
        " ORDER BY sk DESC LIMIT 2) t"
    )
    gathering = Gathering(16)
    with proxy.inject(gathering, operation="Query"):
        rows, calls = recorded(t, proxy, query)
    expected = t.execute(query.replace("events", "events_here")).fetchall()
    assert rows == expected
    assert len(calls) == 60 * 8 and gathering.most == 16


def test_counts_are_made_by_dynamodb(t, proxy):
    query = many(t, 100).split(" CROSS")[0].replace("t.sk", "t.c")
    query += ", LATERAL (SELECT count(*) AS c FROM events WHERE pk = m.pk) t"
    rows, calls = recorded(t, proxy, query)
    assert rows == [(p, p % 9 if p < 30 else 0) for p in range(100)]
    assert {call.request["Select"] for call in calls} == {"COUNT"} and len(calls) == 100


# ---- the executor's ways ------------------------------------------------------------


def test_the_outer_order_is_kept(t):
    t.execute("CREATE INDEX ON l (row)")
    t.execute("SET enable_sort = off")
    query = f"SELECT l.row, t.sk FROM l LEFT JOIN LATERAL ({TOP}) t ON true ORDER BY l.row"
    with no_nested_loops(t):
        plan = explain(t, query)
        assert plan["Custom Plan Provider"] == NODE
        rows = t.execute(query).fetchall()
    assert [row[0] for row in rows] == sorted(row[0] for row in rows) and len(rows) > 120


def test_cursors_go_back_and_forth(t):
    query = f"SELECT l.row, t.sk FROM l LEFT JOIN LATERAL ({TOP}) t ON true"
    with no_nested_loops(t), t.transaction():
        t.execute(f"DECLARE c SCROLL CURSOR FOR {query}")
        first = t.execute("FETCH 30 FROM c").fetchall()
        t.execute("MOVE BACKWARD ALL FROM c")
        assert t.execute("FETCH 30 FROM c").fetchall() == first
        rest = t.execute("FETCH ALL FROM c").fetchall()
        assert t.execute("FETCH PRIOR FROM c").fetchall() == rest[-1:]
        t.execute(f"DECLARE d NO SCROLL CURSOR FOR {query}")
        again = []
        while rows := t.execute("FETCH 25 FROM d").fetchall():
            again += rows
    assert again == first + rest and len(again) > 120


def test_two_cursors_take_turns(t):
    """Each has its own copies, on one client."""
    query = f"SELECT l.row, t.sk FROM l LEFT JOIN LATERAL ({TOP}) t ON true"
    found = {"c": [], "d": []}
    with no_nested_loops(t), t.transaction():
        for name in found:
            t.execute(f"DECLARE {name} CURSOR FOR {query}")
        for _ in range(9):
            for name, rows in found.items():
                rows += t.execute(f"FETCH 7 FROM {name}").fetchall()
        for name, rows in found.items():
            rows += t.execute(f"FETCH ALL FROM {name}").fetchall()
    assert found["c"] == found["d"]
    assert found["c"] == t.execute(query.replace("events", "events_here")).fetchall()


def test_generic_plans_take_parameters(t):
    t.execute("SET plan_cache_mode = force_generic_plan")
    text = (
        "SELECT l.row, t.sk FROM l LEFT JOIN LATERAL (SELECT sk FROM {} t WHERE t.pk = l.pk || $2"
        " AND t.sk >= $1 ORDER BY sk DESC LIMIT $3) t ON true"
    )
    with no_nested_loops(t):
        for table in ("events", "events_here"):
            t.execute(f"PREPARE {table}_q (int, text, bigint) AS {text.format(table)}")
        plan = t.execute("EXPLAIN (FORMAT JSON) EXECUTE events_q (3, '', 1)").fetchone()[0][0]
        assert NODE in providers(plan["Plan"])
        some = ("3, '', 1", "5, '', 2", "3, 'x', 1", "NULL, '', 1", "1, NULL, 1", "0, '', NULL")
        for values in some:
            found = t.execute(f"EXECUTE events_q ({values})").fetchall()
            assert found == t.execute(f"EXECUTE events_here_q ({values})").fetchall()


def test_runs_again_only_what_has_changed(t, proxy):
    query = (
        "SELECT x, (SELECT sum(t.n) FROM l, LATERAL"
        " (SELECT n FROM events WHERE pk = l.pk ORDER BY sk DESC LIMIT 2) t WHERE l.x <> g.x)"
        " FROM generate_series(0, 9) g(x)"
    )
    with no_nested_loops(t):
        rows, calls = recorded(t, proxy, query)
    assert len(rows) == 10
    assert len(calls) == len({call.request_body for call in calls}) == 40


def test_a_failed_loop_leaves_nothing_behind(t, proxy):
    query = f"SELECT l.row, t.* FROM l CROSS JOIN LATERAL ({TOP}) t"
    with no_nested_loops(t):
        with proxy.inject(rewrite(lambda response: {"Items": 3}), operation="Query", every=20):
            with pytest.raises(psycopg.Error):
                t.execute(query)
        check(t, query)
        t.execute("SET ddb_fdw.max_read_units = 5")
        with pytest.raises(psycopg.Error) as caught:
            t.execute(query)
        assert caught.value.sqlstate == "53400"


def test_the_cap_is_that_of_all_copies(t):
    """Also of a cursor, whose FETCHes are statements of their own."""
    query = many(t, 100)
    t.execute("SET ddb_fdw.max_read_units = 8")
    with pytest.raises(psycopg.Error) as caught, t.transaction():
        t.execute(f"DECLARE c CURSOR FOR {query.replace('CROSS', 'LEFT')} ON true")
        for _ in range(200):
            t.execute("FETCH 1 FROM c")
    assert caught.value.sqlstate == "53400"


def test_errors_of_the_query_come_in_the_middle(t):
    t.execute("CREATE TABLE m AS SELECT i AS row, 'p' || i AS pk FROM generate_series(0, 29) i")
    query = (
        "SELECT m.row, t.a FROM m, LATERAL (SELECT 10 / (sk - 4) AS a FROM events"
        " WHERE pk = m.pk ORDER BY sk DESC LIMIT 3) t"
    )
    with no_nested_loops(t):
        assert NODE in providers(explain(t, query))
        with pytest.raises(psycopg.errors.DivisionByZero):
            t.execute(query)
        rows = t.execute(f"{query} LIMIT 3").fetchall()
        assert len(rows) == 3
        t.execute(
            "DO $$ BEGIN PERFORM * FROM (" + query + ") q; EXCEPTION WHEN division_by_zero THEN"
            " PERFORM 1; END $$"
        )
    check(t, f"SELECT l.row, t.* FROM l CROSS JOIN LATERAL ({TOP}) t")


def test_cancel_while_requests_are_under_way(t, proxy):
    query = f"SELECT l.row, t.* FROM l CROSS JOIN LATERAL ({TOP}) t"
    with no_nested_loops(t):
        assert NODE in providers(explain(t, query))
        with proxy.inject(hang(), operation="Query") as fault:
            statement = Statement(t, query)
            assert fault.reached.wait(20)
            t.cancel()
            statement.join()
        assert statement.sqlstate == "57014"
    check(t, query)


def test_values_with_bytes_of_their_own(t):
    """1.0 and 1.00 are equal, but what is made of them is not."""
    t.execute("CREATE TABLE m (k numeric)")
    t.execute("INSERT INTO m VALUES (1.0), (1.00), (1), (NULL), (1.0)")
    query = (
        "SELECT t.* FROM m, LATERAL (SELECT m.k::text AS k, sk FROM events"
        " WHERE pk = 'p8' AND sk = m.k ORDER BY sk LIMIT 1) t"
    )
    with no_nested_loops(t):
        assert NODE in providers(explain(t, query))
        assert t.execute(query).fetchall() == [("1.0", 1), ("1.00", 1), ("1", 1), ("1.0", 1)]


NOT_OFFERED = {
    "row marks": f"SELECT l.row, t.sk FROM l, LATERAL ({TOP}) t FOR UPDATE OF l",
    "update": f"UPDATE l SET x = t.n FROM l k, LATERAL ({TOP.replace('l.pk', 'k.pk')}) t"
    " WHERE k.row = l.row",
    "volatile": "SELECT l.row, t.sk FROM l, LATERAL"
    " (SELECT sk, random() FROM events WHERE pk = l.pk ORDER BY sk LIMIT 2) t",
    "subplan": "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events t WHERE pk = l.pk"
    " AND n > (SELECT count(*) FROM l k WHERE k.x = t.sk) ORDER BY sk LIMIT 2) t",
    "initplan": "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events WHERE pk = l.pk"
    " AND n > (SELECT min(x) FROM l) ORDER BY sk LIMIT 2) t",
    "initplan of max": "SELECT l.row, t.m FROM l, LATERAL"
    " (SELECT max(sk) AS m FROM events WHERE pk = l.pk) t",
    "cte": "SELECT l.row, t.sk FROM l, LATERAL (WITH c AS MATERIALIZED"
    " (SELECT sk FROM events WHERE pk = l.pk) SELECT sk FROM c ORDER BY sk LIMIT 2) t",
    "a scan": "SELECT l.row, t.sk FROM l, LATERAL"
    " (SELECT pk, sk FROM events WHERE n = l.x ORDER BY sk, pk LIMIT 2) t",
    "local": "SELECT l.row, t.x FROM l, LATERAL (SELECT x FROM l k WHERE k.row = l.row LIMIT 2) t",
    "a join": "SELECT l.row, t.sk FROM l, LATERAL (SELECT e.sk FROM events e, l k WHERE e.pk = l.pk"
    " AND k.row = e.sk ORDER BY e.sk LIMIT 2) t",
    "union": "SELECT l.row, t.sk FROM l, LATERAL (SELECT sk FROM events WHERE pk = l.pk UNION ALL"
    " SELECT sk FROM events WHERE pk = l.pk || '0' ORDER BY sk LIMIT 2) t",
}


@pytest.mark.parametrize("why", NOT_OFFERED)
def test_where_it_is_not_offered(t, why):
    query = NOT_OFFERED[why]
    with no_nested_loops(t):
        assert NODE not in providers(explain(t, query))
    if why not in ("update", "volatile"):
        found = t.execute(query).fetchall()
        expected = t.execute(query.replace("events", "events_here")).fetchall()
        assert sorted(found, key=key) == sorted(expected, key=key)


@pytest.mark.parametrize("setting", ["batch_join", "pushdown"])
def test_it_can_be_switched_off(t, setting):
    t.execute(f"SET ddb_fdw.{setting} = off")
    with no_nested_loops(t):
        assert NODE not in providers(explain(t, f"SELECT l.row FROM l, LATERAL ({TOP}) t"))


def test_what_explain_shows(t):
    query = f"SELECT l.row, t.sk FROM l LEFT JOIN LATERAL ({TOP}) t ON true WHERE l.x < 2"
    plan = explain(t, query, analyze="on")
    assert plan["Custom Plan Provider"] == NODE
    keys = t.execute("SELECT count(DISTINCT pk) + 1 FROM l WHERE x < 2").fetchone()[0]
    assert plan["Keys"] == keys and plan["Concurrency"] == 16
    (loop,) = plan["Plans"]
    assert (loop["Node Type"], loop["Join Type"]) == ("Nested Loop", "Left")
    assert loop["Actual Rows"] == plan["Actual Rows"] == len(t.execute(query).fetchall())
    outer, inner = loop["Plans"]
    assert outer["Actual Rows"] == 60
    (scan,) = [n for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan"]
    assert scan["DynamoDB Operation"] == "Query" and scan["DynamoDB Limit"] == 3
    assert scan["Key Condition"] == "(pk = $0)"
    # What all copies did.
    assert scan["Actual Loops"] == inner["Actual Loops"] == keys
    assert scan["Requests"] == keys - 1  # NULL asks for nothing
    returned = t.execute(
        "SELECT count(*) FROM (SELECT DISTINCT pk FROM l WHERE x < 2) l, LATERAL"
        f" ({TOP.replace('events', 'events_here')}) t"
    ).fetchone()[0]
    assert scan["Items Returned"] == returned > 0


@pytest.mark.uncounted("plans are not written into the log")
def test_explain_again_counts_once(t):
    """auto_explain and EXPLAIN both show the same plan."""
    query = f"SELECT l.row, t.sk FROM l LEFT JOIN LATERAL ({TOP}) t ON true"
    notices = []
    t.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    try:
        t.execute("LOAD 'auto_explain'")
    except psycopg.errors.UndefinedFile:
        pytest.skip("this server comes without auto_explain")
    settings = {"min_duration": 0, "analyze": "on", "format": "text", "level": "notice"}
    for name, value in settings.items():
        t.execute(f"SET auto_explain.log_{name} = {value}")
    plan = explain(t, query, analyze="on")
    (scan,) = [n for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan"]
    (logged,) = [n for n in notices if NODE in n]
    assert f"Requests: {scan['Requests']}\n" in logged


def test_plans_are_chosen_by_cost(t):
    """Without any setting, as soon as there is more than a row."""
    assert NODE in providers(explain(t, f"SELECT l.row, t.sk FROM l, LATERAL ({TOP}) t"))
    assert NODE in providers(explain(t, f"SELECT l.row, t.sk FROM l, LATERAL ({TOP}) t LIMIT 3"))
