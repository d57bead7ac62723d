# SPDX-License-Identifier: PostgreSQL
"""Where a LIMIT, a cursor or EXISTS stands above more than a bare scan, the first page is
about as large as what is wanted, and pages grow."""

import pytest
from support.fdw import explain, foreign_scan, foreign_table, plan_nodes

N = 600


@pytest.fixture
def events(dynamo, make_table):
    """One partition of 600 items of 2 kB: 150 units, two pages."""
    table = make_table(
        ("pk", "at"),
        "pk:S at:N",
        [{"pk": "LOGS", "at": n, "u": n % 7, "pad": "x" * 2000} for n in range(N)],
    )
    foreign_table(
        dynamo, "events", ["pk text", "at int", "u int", "pad text"], table_name=table.name
    )
    dynamo.execute("CREATE TABLE users AS SELECT i AS u, 'name ' || i AS name FROM generate_series(0, 6) i")
    dynamo.execute("ANALYZE users")
    dynamo.execute("CREATE VIEW newest AS SELECT * FROM events WHERE pk = 'LOGS' ORDER BY at DESC")
    return dynamo


def units(db, query):
    """Read units of the query's foreign scans."""
    plan = explain(db, query, ANALYZE="")
    return sum(n["Read Units"] for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan")


FEW = [
    "SELECT e.at, l.name FROM events e JOIN users l ON l.u = e.u"
    " WHERE pk = 'LOGS' ORDER BY at DESC LIMIT 10",
    "SELECT e.at, l.name FROM events e LEFT JOIN users l USING (u)"
    " WHERE pk = 'LOGS' ORDER BY at DESC LIMIT 10",
    "SELECT at FROM events e WHERE pk = 'LOGS' AND EXISTS (SELECT 1 FROM users l WHERE l.u = e.u)"
    " ORDER BY at DESC LIMIT 10",
    "SELECT at, row_number() OVER (ORDER BY at DESC) FROM events WHERE pk = 'LOGS' LIMIT 10",
    "SELECT DISTINCT at FROM events WHERE pk = 'LOGS' ORDER BY at LIMIT 10",
    "SELECT at, count(*) FROM events WHERE pk = 'LOGS' GROUP BY at ORDER BY at LIMIT 10",
    "SELECT at FROM newest LIMIT 10",
    "SELECT at FROM (SELECT * FROM events WHERE pk = 'LOGS' ORDER BY at DESC LIMIT 10) x",
    "SELECT at FROM events WHERE pk = 'LOGS' AND (at, u) < (500, 3) ORDER BY at DESC, u DESC LIMIT 10",
]


@pytest.mark.parametrize("query", FEW)
def test_first_rows_of_an_order(events, query):
    expected = events.execute(query).fetchall()
    assert len(expected) == 10
    assert units(events, query) < 25
    events.execute("SET ddb_fdw.pushdown = off")
    assert events.execute(query).fetchall() == expected


def test_aggregates_of_everything_begin_with_whole_pages(events):
    query = "SELECT sum(u) FROM events WHERE pk = 'LOGS' LIMIT 1"
    node = foreign_scan(explain(events, query, ANALYZE=""))
    assert node["Requests"] == 2


def test_a_cursor_in_order(events, proxy):
    with events.transaction():
        events.execute("DECLARE c CURSOR FOR SELECT at FROM events WHERE pk = 'LOGS' ORDER BY at DESC")
        with proxy.record() as calls:
            rows = events.execute("FETCH 10 FROM c").fetchall()
        assert rows == [(n,) for n in range(N - 1, N - 11, -1)]
        assert calls.count("Query") <= 2
        assert all(call.request.get("Limit", 1000) <= 400 for call in calls.of("Query"))
        assert len(events.execute("FETCH ALL FROM c").fetchall()) == N - 10


def test_estimated_units_are_those_of_the_limit(events):
    query = "SELECT at FROM events WHERE pk = 'LOGS' ORDER BY at DESC"
    events.execute("ANALYZE events")
    whole = foreign_scan(explain(events, query))["Estimated Read Units"]
    few = foreign_scan(explain(events, query + " LIMIT 10"))["Estimated Read Units"]
    assert whole > 100
    assert few <= 5


# ---- another server in front, which reaches DynamoDB through this one ---------------


@pytest.fixture
def hub(events, cluster, connect):
    """A database of the same cluster that knows events through postgres_fdw."""
    if not events.execute(
        "SELECT 1 FROM pg_available_extensions WHERE name = 'postgres_fdw'"
    ).fetchall():
        pytest.skip("this server comes without postgres_fdw")
    info = events.info
    events.execute("CREATE EXTENSION postgres_fdw")
    events.execute(
        f"CREATE SERVER hub FOREIGN DATA WRAPPER postgres_fdw"
        f" OPTIONS (host '{info.host}', port '{info.port}', dbname '{info.dbname}')"
    )
    events.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER hub OPTIONS (user 'postgres')")
    events.execute(
        "CREATE FOREIGN TABLE far (pk text, at int, u int, pad text) SERVER hub"
        " OPTIONS (schema_name 'public', table_name 'events')"
    )
    return events


@pytest.mark.parametrize("estimates", ["true", "false"])
@pytest.mark.parametrize("fetch_size", ["100", "50"])
def test_limits_through_postgres_fdw(hub, proxy, estimates, fetch_size):
    hub.execute(
        f"ALTER SERVER hub OPTIONS (use_remote_estimate '{estimates}', fetch_size '{fetch_size}')"
    )
    query = "SELECT at FROM far WHERE pk = 'LOGS' ORDER BY at DESC LIMIT 100"
    if estimates == "false":
        hub.execute("ANALYZE far")  # or it takes the table for ten rows, and sorts them itself
    hub.execute(query)
    with proxy.record() as calls:
        rows = hub.execute(query).fetchall()
    assert rows == [(n,) for n in range(N - 1, N - 101, -1)]
    assert [call.request.get("Limit") for call in calls.of("Query")] == [100]


@pytest.mark.parametrize("estimates", ["true", "false"])
def test_maximum_and_exists_through_postgres_fdw(hub, proxy, estimates):
    hub.execute(f"ALTER SERVER hub OPTIONS (use_remote_estimate '{estimates}')")
    for query, answer in (
        ("SELECT max(at) FROM far WHERE pk = 'LOGS'", N - 1),
        ("SELECT EXISTS (SELECT FROM far WHERE pk = 'LOGS' AND at > 590)", True),
    ):
        hub.execute(query)
        with proxy.record() as calls:
            assert hub.execute(query).fetchone() == (answer,)
        (call,) = calls.of("Query")
        assert call.response["ScannedCount"] <= 100


def test_a_table_that_is_counted_as_empty_is_told_as_small(dynamo, make_table):
    table = make_table(("id",), "id:S")
    foreign_table(dynamo, "fresh", ["id text", "v text"], table_name=table.name)
    assert foreign_scan(explain(dynamo, "SELECT * FROM fresh"))["Estimated Read Units"] < 100
    dynamo.execute("CREATE TABLE parent (id text, v text) PARTITION BY HASH (id)")
    for n in range(4):
        dynamo.execute(
            f"CREATE FOREIGN TABLE part{n} PARTITION OF parent"
            f" FOR VALUES WITH (MODULUS 4, REMAINDER {n})"
            f" SERVER dynamo OPTIONS (table_name '{table.name}')"
        )
    dynamo.execute("SET parallel_setup_cost = 0")
    kinds = {node["Node Type"] for node in plan_nodes(explain(dynamo, "SELECT * FROM parent"))}
    assert "Gather" not in kinds
