# SPDX-License-Identifier: PostgreSQL
"""Scans that PostgreSQL's parallel workers share."""

import collections
import json
import re
import threading

import pytest
from lab import wait_until
from support import proxy as proxies
from support.background import Statement, everything_said, failure
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.regress_data import load_table
from support.systems import definition

KEYS = definition(("id",), "id:N")
ROWS = 300
SEGMENTS = 12  # for two workers and their leader
COLUMNS = ["id int", "v int", "d numeric"]
FREE = (
    "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;"
    "SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2"
)
LEADER_ONLY_LEADS = "SET parallel_leader_participation = off"
SUM = "SELECT sum(d), count(v) FROM t WHERE abs(v) >= 0"
TOTAL = (ROWS * (ROWS - 1) // 2, ROWS)


def large(response):
    """What DynamoDB would say of a table that is worth some workers."""
    if "Table" in response:
        response["Table"].update(ItemCount=100_000, TableSizeBytes=17_000_000)


@pytest.fixture(scope="module")
def shared_tables(ddb_resource):
    items = [{"id": n, "v": n % 7, "d": n} for n in range(ROWS)]
    load_table(ddb_resource, "Shared", KEYS, items)


@pytest.fixture
def t(db, proxy, shared_tables):
    with proxy.inject(proxies.rewrite(large), operation="DescribeTable"):
        make_server(db, proxy.endpoint)
        foreign_table(db, "t", COLUMNS, table_name="Shared")
        db.execute(f"CREATE TABLE l AS SELECT n AS id, n % 7 AS v, n::numeric AS d"
                   f" FROM generate_series(0, {ROWS - 1}) n; ANALYZE l")
        db.execute("EXPLAIN SELECT 1 FROM t")
        db.execute(FREE)
        yield db


def shared_scans(plan):
    return [
        node
        for node in plan_nodes(plan)
        if node["Node Type"] == "Foreign Scan" and node["Parallel Aware"]
    ]


def is_shared(db, query):
    return shared_scans(explain(db, query)) != []


def chains(calls):
    """Of each segment, the keys that its requests started from."""
    found = collections.defaultdict(list)
    for call in calls.data:
        start = call.request.get("ExclusiveStartKey")
        found[call.request.get("Segment"), call.request.get("TotalSegments")].append(start)
    return found


def assert_read_once(calls, segments=SEGMENTS):
    found = chains(calls)
    assert set(found) == {(n, segments) for n in range(segments)}
    for starts in found.values():
        assert starts[0] is None
        texts = [json.dumps(start) for start in starts]
        assert len(set(texts)) == len(texts)


def workers(observer):
    return [
        pid
        for (pid,) in observer.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'parallel worker' AND datname = current_database()"
        )
    ]


class AllBut(proxies.Hang):
    """All requests hang but the first ones."""

    def __init__(self, first):
        super().__init__()
        self.left = first
        self.lock = threading.Lock()

    def instead(self, call, connection):
        with self.lock:
            self.left -= 1
            if self.left >= 0:
                return None
        return super().instead(call, connection)


# ---- no gap, no overlap -------------------------------------------------------------


@pytest.mark.parametrize("leader", ["on", "off"])
@pytest.mark.parametrize("limit", [3, 50])
def test_each_segment_is_read_once(t, proxy, leader, limit):
    t.execute(f"SET parallel_leader_participation = {leader}")
    query = "SELECT id FROM t WHERE v = 3 OR id < 250"
    assert is_shared(t, query)
    with proxy.record() as calls, proxy.inject(proxies.pages_of(limit), operation="Scan"):
        rows = t.execute(query).fetchall()
    expected = t.execute("SELECT id FROM l WHERE v = 3 OR id < 250").fetchall()
    assert sorted(rows) == sorted(expected)
    assert_read_once(calls, SEGMENTS if leader == "on" else 8)
    assert calls.operations == ["Scan"] * len(calls)  # the plan has all that workers need


def test_as_many_segments_as_the_table_says(t, proxy):
    for total in (3, 40):
        foreign_table(t, f"s{total}", COLUMNS, table_name="Shared", total_segments=total)
        query = SUM.replace("FROM t", f"FROM s{total}")
        assert is_shared(t, query)
        with proxy.record() as calls:
            assert t.execute(query).fetchone() == TOTAL
        assert_read_once(calls, total)
    foreign_table(t, "s1", COLUMNS, table_name="Shared", total_segments=1)
    assert not is_shared(t, SUM.replace("FROM t", "FROM s1"))


def test_all_processes_read(t, proxy):
    """Two segments each, all under way together."""
    with proxy.inject(proxies.together(6), operation="Scan", times=6):
        assert t.execute(SUM).fetchone() == TOTAL


@pytest.mark.parametrize(
    "query",
    [
        "SELECT sum(d), min(id), max(v), avg(d) FROM {}",
        "SELECT v, count(*), sum(d) FROM {} GROUP BY v ORDER BY v",
        "SELECT count(*) FROM {} WHERE abs(v) = 3",
        "SELECT count(*) FROM {} WHERE v = 100",
        "SELECT count(*) FROM {} WHERE false",
        "SELECT count(*) FROM {} WHERE v < (SELECT 3 + length(current_database()) * 0)",
        "SELECT id FROM {} ORDER BY d DESC LIMIT 5",
        "SELECT DISTINCT v FROM {} ORDER BY v",
        "SELECT v, sum(d) FROM {} GROUP BY v HAVING sum(d) > 6300 ORDER BY v",
        "SELECT count(*), sum(a.d) FROM {} a JOIN l b USING (id) WHERE b.v > 2",
        "SELECT count(*), sum(a.d) FROM {0} a JOIN {0} b ON a.v = b.id",
        "SELECT count(*) FROM l LEFT JOIN {} a ON a.id = l.id + 100 WHERE a.id IS NULL",
        "SELECT sum(d) FROM (SELECT d FROM {} WHERE v = 1 UNION ALL SELECT d FROM {} WHERE v = 2) x",
        "SELECT sum(s) OVER (ORDER BY v) FROM (SELECT v, sum(d) s FROM {} GROUP BY v) x ORDER BY v",
    ],
)
def test_answers_are_those_of_a_local_table(t, query):
    expected = t.execute(query.format("l", "l")).fetchall()
    assert t.execute(query.format("t", "t")).fetchall() == expected
    t.execute(LEADER_ONLY_LEADS)
    assert t.execute(query.format("t", "t")).fetchall() == expected
    t.execute("SET max_parallel_workers = 0; RESET parallel_leader_participation")
    assert t.execute(query.format("t", "t")).fetchall() == expected


def test_joins_share_their_outer_side(t):
    plan = explain(t, "SELECT count(*) FROM t a JOIN l b USING (v)")
    assert len(shared_scans(plan)) == 1
    plan = explain(t, "SELECT sum(a.d) FROM t a JOIN t b ON a.v = b.v")
    joins = [node for node in plan_nodes(plan) if node["Node Type"] == "Hash Join"]
    assert [node["Parallel Aware"] for node in joins] == [True]
    assert len(shared_scans(plan)) == 2


def test_parameters(t):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p (int) AS SELECT sum(d) FROM t WHERE v = $1")
    assert is_shared(t, "EXECUTE p (1)")
    for v in (1, 2, None):
        expected = t.execute("SELECT sum(d) FROM l WHERE v = %s::int", [v]).fetchone()
        assert t.execute(f"EXECUTE p ({'NULL' if v is None else v})").fetchone() == expected


# ---- alone --------------------------------------------------------------------------


@pytest.mark.parametrize("max_workers", [0, 1])
def test_fewer_workers_than_planned(t, proxy, max_workers):
    plan = explain(t, SUM)
    t.execute(f"SET max_parallel_workers = {max_workers}")
    with proxy.record() as calls:
        assert t.execute(SUM).fetchone() == TOTAL
    assert_read_once(calls)
    gather = next(n for n in plan_nodes(explain(t, SUM, analyze="")) if n["Node Type"] == "Gather")
    assert gather["Workers Planned"] == 2
    assert gather["Workers Launched"] == max_workers
    assert shared_scans(plan)


def test_fetched_in_portions(t, proxy):
    """A portal that is not run to its end at once runs without workers."""
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute(
        "CREATE FUNCTION f() RETURNS SETOF int LANGUAGE plpgsql AS $$"
        "DECLARE r record; BEGIN"
        "  FOR r IN SELECT id FROM t WHERE abs(v) >= 0 LOOP RETURN NEXT r.id; END LOOP;"
        "END $$"
    )
    with proxy.record() as calls:
        assert sorted(t.execute("SELECT f()").fetchall()) == [(n,) for n in range(ROWS)]
    assert len(chains(calls)) == len(calls)
    with t.transaction(), t.cursor(name="c") as cursor:
        cursor.itersize = 10
        cursor.execute("SELECT id FROM t WHERE abs(v) >= 0")
        assert sorted(cursor) == [(n,) for n in range(ROWS)]


def test_rescans(t, proxy):
    t.execute("SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off")
    query = (
        "SELECT g.v, count(t.id), sum(t.d) FROM (VALUES (1), (2), (9)) g (v)"
        " LEFT JOIN (SELECT * FROM t WHERE abs(t.v) >= 0 OFFSET 0) t ON t.v = g.v GROUP BY g.v"
    )
    plan = explain(t, query, analyze="")
    (scan,) = shared_scans(plan)
    (gather,) = [n for n in plan_nodes(plan) if n["Node Type"] == "Gather"]
    assert gather["Actual Loops"] == 3
    assert scan["Requests"] == 3 * SEGMENTS
    assert scan["Items Returned"] == 3 * ROWS
    with proxy.record() as calls:
        rows = t.execute(query).fetchall()
    local = query.replace("FROM t ", "FROM l t ")
    assert sorted(rows) == sorted(t.execute(local).fetchall())
    assert {len(starts) for starts in chains(calls).values()} == {3}


def test_subplan_for_each_row(t):
    query = "SELECT g, (SELECT sum(d) + g FROM {}) FROM generate_series(1, 3) g"
    assert is_shared(t, query.format("t"))
    assert (
        t.execute(query.format("t")).fetchall() == t.execute(query.format("l")).fetchall()
    )


def test_every_query_forced_into_workers(t):
    name = "debug_parallel_query" if t.info.server_version >= 160000 else "force_parallel_mode"
    t.execute(f"SET {name} = on")
    for query in (
        "SELECT * FROM {} WHERE id = 5",
        "SELECT * FROM {} WHERE id IN (5, 7, 500)",
        "SELECT count(*) FROM {}",
        "SELECT count(*) FROM {} WHERE v = 2",
        "SELECT id FROM {} WHERE v = 2",
        "SELECT DISTINCT id FROM {} WHERE id < 10",
        "SELECT EXISTS (SELECT FROM {} WHERE v = 2)",
        "SELECT a.id, b.d FROM l a JOIN {} b USING (id) WHERE a.v = 3",
        "SELECT (SELECT max(d) FROM {} b WHERE b.id = a.v) FROM l a",
        SUM.replace("t", "{}", 0).replace("FROM t", "FROM {}"),
    ):
        expected = sorted(t.execute(query.format("l")).fetchall())
        assert sorted(t.execute(query.format("t")).fetchall()) == expected
    assert len(t.execute("SELECT id FROM t LIMIT 7").fetchall()) == 7


# ---- where it is not for ------------------------------------------------------------


@pytest.mark.parametrize(
    "setting, query",
    [
        ("ddb_fdw.pushdown = off", SUM),
        ("ddb_fdw.max_read_units = 1000", SUM),
        ("ddb_fdw.scan = deny", SUM),
        ("max_parallel_workers_per_gather = 0", SUM),
        ("work_mem = '4MB'", "SELECT id FROM t LIMIT 3"),
        ("work_mem = '4MB'", "SELECT EXISTS (SELECT FROM t WHERE abs(v) = 1)"),
        ("work_mem = '4MB'", "SELECT count(*) FROM t"),
        ("work_mem = '4MB'", "SELECT * FROM t WHERE id = 1"),
        ("work_mem = '4MB'", "SELECT sum(d) FROM t WHERE v > random()"),
        ("work_mem = '4MB'", "SELECT id FROM t FOR UPDATE"),
    ],
)
def test_not_shared(t, setting, query):
    t.execute(f"SET {setting}")
    assert not is_shared(t, query)


def test_a_declared_segment_is_not_divided(t):
    foreign_table(t, "s", COLUMNS, table_name="Shared", segment=1, total_segments=2)
    assert not is_shared(t, "SELECT sum(d) FROM s WHERE abs(v) >= 0")


def test_by_default_only_what_is_worth_it(db, proxy, shared_tables):
    """CPU time is what workers share, so it must be more than their start costs."""

    def nodes(query, size):
        items = {"ItemCount": size // 400, "TableSizeBytes": size}
        with proxy.inject(
            proxies.rewrite(lambda r: r["Table"].update(items) if "Table" in r else None),
            operation="DescribeTable",
        ):
            db.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '3')")
            foreign_table(db, f"t{size}", COLUMNS, table_name="Shared")
            plan = explain(db, query.format(f"t{size}"))
        return [node["Node Type"] for node in plan_nodes(plan)]

    for size, aggregated in ((4_000_000, False), (400_000_000, True)):
        make_server(db, proxy.endpoint, max_attempts=2)
        assert ("Gather" in nodes("SELECT sum(d) FROM {}", size)) == aggregated
        db.execute(f"DROP FOREIGN TABLE t{size}")
        assert "Gather" not in nodes("SELECT * FROM {}", size)
        db.execute("DROP SERVER dynamo CASCADE")


def test_cap_set_after_planning(t, proxy):
    """The plan is for workers, but the cap wants one request after another."""
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p AS SELECT sum(d) FROM t WHERE abs(v) >= 0")
    assert is_shared(t, "EXECUTE p")
    for leader in ("on", "off"):
        t.execute(f"SET parallel_leader_participation = {leader}")
        t.execute("SET ddb_fdw.max_read_units = 3")
        with proxy.record() as calls, proxy.inject(proxies.pages_of(10), operation="Scan"):
            assert failure(t, "EXECUTE p").sqlstate == "53400"
        assert set(chains(calls)) == {(None, None)}
        assert len(calls) <= 7
        t.execute("SET ddb_fdw.max_read_units = 1000")
        assert t.execute("EXECUTE p").fetchone() == TOTAL[:1]


def test_units_of_workers_count(t, proxy):
    """They are the statement's: what comes after them finds less left."""
    t.execute("CREATE FUNCTION g() RETURNS numeric LANGUAGE plpgsql AS $$ DECLARE s numeric;"
              f"BEGIN SELECT sum(d) INTO s FROM t WHERE abs(v) >= 0;"
              " PERFORM set_config('ddb_fdw.max_read_units', '3', true);"
              " RETURN s + (SELECT d FROM t WHERE id = 1); END $$")
    t.execute(LEADER_ONLY_LEADS)
    diag = failure(t, "SELECT g()")
    assert diag.sqlstate == "53400"


# ---- guards, errors, ends -----------------------------------------------------------


@pytest.mark.warns("full scan of DynamoDB table")
@pytest.mark.parametrize("leader", ["on", "off"])
def test_one_warning(t, leader):
    notices = []
    t.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    t.execute(f"SET ddb_fdw.scan = 'warn'; SET parallel_leader_participation = {leader}")
    assert t.execute(SUM).fetchone() == TOTAL
    assert notices == ['full scan of DynamoDB table "Shared"']


def test_denied_before_any_request(t, proxy):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p AS SELECT sum(d) FROM t WHERE abs(v) >= 0")
    assert is_shared(t, "EXECUTE p")
    t.execute("SET ddb_fdw.scan = deny")
    with proxy.record() as calls:
        assert failure(t, "EXECUTE p").sqlstate == "53400"
    assert calls == []


def test_errors_of_workers(t, proxy):
    t.execute("ALTER SERVER dynamo OPTIONS (ADD max_attempts '2')")
    t.execute(LEADER_ONLY_LEADS)
    with proxy.inject(proxies.error("AccessDeniedException", "not yours"), operation="Scan"):
        diag = failure(t, SUM)
    assert diag.sqlstate == "42501"
    assert "not yours" in diag.message_detail
    with proxy.inject(proxies.throttle(), operation="Scan"):
        diag = failure(t, SUM)
    assert diag.sqlstate == "53000"
    assert "parallel worker" in everything_said(diag)
    foreign_table(t, "misfit", ["id int", "v boolean"], table_name="Shared")
    diag = failure(t, "SELECT count(v) FROM misfit WHERE id > 0")
    assert diag.sqlstate == "22018"
    assert t.execute(SUM).fetchone() == TOTAL


def test_throttled_workers_go_on(t, proxy):
    with (
        proxy.inject(proxies.pages_of(5), operation="Scan"),
        proxy.inject(proxies.throttle(), operation="Scan", every=4),
    ):
        assert t.execute(SUM).fetchone() == TOTAL


def test_an_outdated_description_is_forgotten_by_the_leader(t, proxy):
    t.execute(LEADER_ONLY_LEADS)
    with proxy.inject(proxies.error("ValidationException", "no such key"), operation="Scan"):
        failure(t, SUM)
    with proxy.record() as calls:
        assert t.execute(SUM).fetchone() == TOTAL
    assert calls.count("DescribeTable") == 1


@pytest.mark.parametrize("leader", ["on", "off"])
def test_terminated_worker_ends_the_query(t, proxy, connect, leader):
    """Never with fewer rows."""
    observer = connect()
    t.execute(f"SET parallel_leader_participation = {leader}")
    with proxy.inject(AllBut(3), operation="Scan") as fault:
        query = Statement(t, SUM)
        assert fault.reached.wait(30)
        wait_until(lambda: len(workers(observer)) == 2, "workers")
        observer.execute("SELECT pg_terminate_backend(%s)", [workers(observer)[0]])
        assert query.join().sqlstate == "57P01"
        assert query.rows is None
    wait_until(lambda: workers(observer) == [], "workers to end")
    assert t.execute(SUM).fetchone() == TOTAL


def test_terminated_worker_after_the_others_are_done(t, proxy, connect):
    """All segments but one have been read, and their rows are with the leader."""
    observer = connect()
    t.execute(LEADER_ONLY_LEADS)
    with proxy.inject(proxies.hang(), operation="Scan", every=4, times=1) as fault:
        query = Statement(t, "SELECT id FROM t WHERE abs(v) >= 0")
        assert fault.reached.wait(30)
        wait_until(lambda: len(workers(observer)) == 1, "the other worker to end")
        observer.execute("SELECT pg_terminate_backend(%s)", [workers(observer)[0]])
        assert query.join().sqlstate == "57P01"


def test_cancelled_while_all_wait(t, proxy, connect):
    observer = connect()
    with proxy.inject(proxies.hang(), operation="Scan") as fault:
        query = Statement(t, SUM)
        assert fault.reached.wait(30)
        wait_until(lambda: len(workers(observer)) == 2, "workers")
        t.cancel()
        assert query.join().sqlstate == "57014"
        wait_until(lambda: workers(observer) == [], "workers to end")
    assert t.execute(SUM).fetchone() == TOTAL


def test_terminated_leader_takes_its_workers_along(t, proxy, connect):
    observer = connect()
    with proxy.inject(proxies.hang(), operation="Scan") as fault:
        query = Statement(t, SUM)
        assert fault.reached.wait(30)
        wait_until(lambda: len(workers(observer)) == 2, "workers")
        observer.execute("SELECT pg_terminate_backend(%s)", [t.info.backend_pid])
        assert query.join().error is not None
        wait_until(lambda: workers(observer) == [], "workers to end")


def test_a_limit_does_not_wait_for_workers(t, proxy):
    """They wait for replies that nobody wants any more."""
    t.execute(LEADER_ONLY_LEADS)
    t.execute("CREATE TEMP TABLE here AS SELECT generate_series(0, 6) AS v; ANALYZE here")
    # Rows reach the leader when there are some kilobytes of them.
    query = (
        "SELECT id FROM (SELECT id, v, repeat('x', 4000) r FROM t WHERE abs(v) >= 0 OFFSET 0) t"
        " JOIN here USING (v) WHERE r <> '' LIMIT 1"
    )
    assert is_shared(t, query)
    with proxy.inject(AllBut(2), operation="Scan"):
        assert len(Statement(t, query).join().rows) == 1
    assert t.execute(SUM).fetchone() == TOTAL


def test_a_limit_is_met_by_rows_of_all(t):
    t.execute("CREATE TEMP TABLE here AS SELECT generate_series(0, 6) AS v; ANALYZE here")
    for limit in (1, 50, ROWS, ROWS + 1):
        rows = t.execute(
            f"SELECT id FROM t JOIN here USING (v) WHERE abs(t.v) >= 0 LIMIT {limit}"
        ).fetchall()
        assert len(set(rows)) == len(rows) == min(limit, ROWS)


@pytest.mark.uncounted("errors that are caught are in no EXPLAIN")
def test_an_error_in_a_subtransaction(t, proxy):
    t.execute(
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
        "  PERFORM sum(d) FROM t WHERE abs(v) >= 0; RETURN 'none';"
        "EXCEPTION WHEN insufficient_privilege THEN RETURN 'caught'; END $$"
    )
    with proxy.inject(proxies.error("AccessDeniedException"), operation="Scan"):
        assert t.execute("SELECT f()").fetchone() == ("caught",)
    assert t.execute("SELECT f()").fetchone() == ("none",)


def test_misfits_below_a_subquery_that_was_planned_with_workers(t):
    """They are caught in subtransactions, which parallel mode has none of."""
    t.execute("CREATE DOMAIN few AS int CHECK (VALUE < 5)")
    columns = ["id int", "v few", "d numeric"]
    foreign_table(t, "m", columns, table_name="Shared", on_type_mismatch="null")
    query = "SELECT count(v), count(*) FROM m WHERE d >= (SELECT min(d) FROM l WHERE v >= 0)"
    nodes = plan_nodes(explain(t, query))
    assert "Gather" in {node["Node Type"] for node in nodes}
    expected = sum(n % 7 < 5 for n in range(ROWS))
    assert t.execute(query).fetchone() == (expected, ROWS)


# ---- what EXPLAIN says --------------------------------------------------------------


@pytest.mark.parametrize("leader", ["on", "off"])
@pytest.mark.parametrize("verbose", ["on", "off"])
def test_explain_counts_all_processes(t, proxy, leader, verbose):
    t.execute(f"SET parallel_leader_participation = {leader}")
    with proxy.record() as calls, proxy.inject(proxies.pages_of(10), operation="Scan"):
        plan = explain(t, SUM, analyze="", verbose=verbose)
    (scan,) = shared_scans(plan)
    assert scan["Segments"] == (SEGMENTS if leader == "on" else 8)
    assert scan["Requests"] == len(calls)
    assert scan["Items Returned"] == scan["Items Scanned"] == ROWS
    assert scan["Bytes Received"] == sum(len(call.response_body) for call in calls)
    assert scan["Read Units"] == pytest.approx(
        sum(call.response["ConsumedCapacity"]["CapacityUnits"] for call in calls)
    )
    assert scan["Estimated Cost"] > 0


def test_explain_counts_under_a_limit(t):
    """Workers that are stopped have read all the same."""
    t.execute(LEADER_ONLY_LEADS)
    t.execute("CREATE TEMP TABLE here AS SELECT generate_series(0, 6) AS v; ANALYZE here")
    query = "SELECT id FROM t JOIN here USING (v) WHERE abs(t.v) >= 0 LIMIT 1"
    (scan,) = shared_scans(explain(t, query, analyze=""))
    assert 0 < scan["Items Returned"] <= ROWS
    assert 0 < scan["Requests"] <= 8


@pytest.mark.parametrize("form", ["TEXT", "JSON", "XML", "YAML"])
def test_explain_in_all_formats(t, form):
    rows = t.execute(f"EXPLAIN (FORMAT {form}, ANALYZE, VERBOSE, COSTS OFF) {SUM}").fetchall()
    text = "\n".join(str(row[0]) for row in rows)
    assert re.search(r"Items.Returned\W+(?:</?Items-Returned>)?\W*300", text), text
    assert "Parallel" in text


# ---- whose keys, and what else tables are -------------------------------------------


def signers(calls):
    return {
        re.search("Credential=([^/]+)/", call.request_headers["authorization"]).group(1)
        for call in calls
    }


def test_workers_sign_as_the_role_that_asks(t, proxy, administration):
    administration("DROP ROLE IF EXISTS parallel_reader")
    administration("CREATE ROLE parallel_reader LOGIN")
    try:
        t.execute(LEADER_ONLY_LEADS)
        t.execute(
            "CREATE USER MAPPING FOR parallel_reader SERVER dynamo"
            " OPTIONS (access_key_id 'theirs', secret_access_key 'x');"
            "GRANT SELECT ON t TO parallel_reader;"
            "CREATE VIEW mine AS SELECT * FROM t; GRANT SELECT ON mine TO parallel_reader"
        )
        t.execute("SET ROLE parallel_reader")
        with proxy.record() as calls:
            assert t.execute(SUM).fetchone() == TOTAL
        assert signers(calls.data) == {"theirs"}
        with proxy.record() as calls:  # of the view's owner
            assert t.execute(SUM.replace("FROM t", "FROM mine")).fetchone() == TOTAL
        assert signers(calls.data) == {"test"}
        t.execute("RESET ROLE")
        t.execute("ALTER USER MAPPING FOR parallel_reader SERVER dynamo OPTIONS (DROP access_key_id,"
                  " DROP secret_access_key, ADD credential_source 'environment')")
        t.execute("SET ROLE parallel_reader")
        assert failure(t, SUM).sqlstate == "28000"
    finally:
        t.execute("RESET ROLE; DROP OWNED BY parallel_reader CASCADE")
        t.execute("DROP USER MAPPING IF EXISTS FOR parallel_reader SERVER dynamo")
        administration("DROP ROLE parallel_reader")


def test_entities_of_one_table(t, proxy, ddb_resource):
    items = [
        {"PK": f"{kind}#{n % 9}", "SK": f"{n:04}", "v": n}
        for n in range(120)
        for kind in ("USER", "ORDER")
    ]
    load_table(ddb_resource, "SharedEntities", definition(("PK", "SK"), "PK:S SK:S"), items)
    foreign_table(
        t,
        "users",
        [
            "pk text OPTIONS (attribute 'PK', template 'USER#${who}') COLLATE \"C\"",
            "sk text OPTIONS (attribute 'SK') COLLATE \"C\"",
            "who int",
            "v int",
        ],
        table_name="SharedEntities",
    )
    query = "SELECT who, sum(v) FROM users GROUP BY who ORDER BY who"
    assert is_shared(t, query)
    assert t.execute(query).fetchall() == [
        (who, sum(n for n in range(120) if n % 9 == who)) for who in range(9)
    ]


def test_values_that_do_not_fit_become_null(t):
    """What refuses them raises errors, which nobody can catch beside workers; so
    the whole query runs without."""
    t.execute("CREATE DOMAIN low AS int CHECK (VALUE < 3)")
    t.execute("CREATE TABLE other AS SELECT generate_series(0, 6) AS v; ANALYZE other")
    columns = ["id int", "v low OPTIONS (on_type_mismatch 'null')", "d numeric"]
    foreign_table(t, "lows", columns, table_name="Shared")
    low = sum(1 for n in range(ROWS) if n % 7 < 3)
    for query in (
        "SELECT count(*), count(v) FROM lows WHERE abs(id) >= 0",
        "SELECT count(*), count(lows.v) FROM other JOIN lows ON lows.id % 7 = other.v",
        "SELECT count(*), count(v) FROM (SELECT lows.v FROM lows WHERE abs(id) >= 0 OFFSET 0) x",
    ):
        assert "Gather" not in [n["Node Type"] for n in plan_nodes(explain(t, query))]
        assert t.execute(query).fetchone() == (ROWS, low)
    assert is_shared(t, "SELECT sum(d) FROM lows WHERE abs(id) >= 0")
    t.execute("ALTER FOREIGN TABLE lows ALTER v OPTIONS (SET on_type_mismatch 'error')")
    query = "SELECT count(v) FROM lows WHERE abs(id) >= 0"
    assert is_shared(t, query)
    assert failure(t, query).sqlstate == "22018"
    foreign_table(t, "addresses", ["id int", "v inet"], table_name="Shared")
    t.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    query = "SELECT count(*), count(v) FROM addresses WHERE abs(id) >= 0"
    assert is_shared(t, query) == (t.info.server_version >= 160000)
    assert t.execute(query).fetchone() == (ROWS, 0)


def test_partitions(t, ddb_resource):
    """Each in its turn, or together: a Parallel Append; one of them is local."""
    for name in "ab":
        items = [{"id": n, "v": n % 7, "d": n} for n in range(50)]
        load_table(ddb_resource, f"Shared.{name}", KEYS, items)
    t.execute("CREATE TABLE p (id int, v int, d numeric, part text) PARTITION BY LIST (part)")
    for name in "ab":
        t.execute(
            f"CREATE FOREIGN TABLE p_{name} PARTITION OF p FOR VALUES IN ('{name}')"
            f" SERVER dynamo OPTIONS (table_name 'Shared.{name}')"
        )
    t.execute("CREATE TABLE p_c PARTITION OF p FOR VALUES IN ('c')")
    t.execute("INSERT INTO p SELECT n, n % 7, n, 'c' FROM generate_series(0, 49) n")
    query = "SELECT count(v), sum(d) FROM p WHERE abs(v) >= 0"
    plan = explain(t, query)
    appends = [n for n in plan_nodes(plan) if n["Node Type"] == "Append"]
    assert [n["Parallel Aware"] for n in appends] == [True]
    assert len(shared_scans(plan)) == 2
    expected = (150, 3 * 49 * 50 // 2)
    assert t.execute(query).fetchone() == expected
    t.execute(LEADER_ONLY_LEADS)
    assert t.execute(query).fetchone() == expected
    t.execute("SET enable_partitionwise_aggregate = on")
    assert t.execute(query).fetchone() == expected
    t.execute("SET max_parallel_workers_per_gather = 0; RESET enable_partitionwise_aggregate")
    scans = [n for n in plan_nodes(explain(t, query)) if n["Node Type"] == "Foreign Scan"]
    assert [n["Async Capable"] for n in scans] == [True, True]
    assert t.execute(query).fetchone() == expected
