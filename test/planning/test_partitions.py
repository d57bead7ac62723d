# SPDX-License-Identifier: PostgreSQL
"""Declarative partitioning over foreign tables: pruned, ordered and limited as
PostgreSQL users expect, one DynamoDB table for each partition."""

import psycopg
import pytest
from support import proxy as proxies
from support.background import Statement
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.regress_data import load_table
from support.systems import definition
from support.wire import sent

KEYS = definition(("customer", "at"), "customer:S at:S")
REGIONS = ("eu", "us", "ap")
MONTHS = (10, 11, 12)
COLUMNS = ["customer text", "at text COLLATE \"C\"", "region text OPTIONS (attribute 'region')"]


def events(region, month=None):
    for month_ in [month] if month else MONTHS:
        for day in range(1, 29):
            yield {
                "customer": "c1" if day % 2 else "c2",
                "at": f"2026-{month_:02}-{day:02}T{region}",
                "region": region,
            }


@pytest.fixture(scope="module")
def partition_tables(ddb_resource):
    for region in REGIONS:
        load_table(ddb_resource, f"Events.{region}", KEYS, events(region))
    for month in MONTHS:
        load_table(ddb_resource, f"Events-{month}", KEYS, events("all", month))


@pytest.fixture
def by_region(db, proxy, partition_tables):
    """One server a region, as many would have it; here all are one endpoint."""
    db.execute(
        'CREATE TABLE e (customer text, at text COLLATE "C", region text)'
        " PARTITION BY LIST (region)"
    )
    for region in REGIONS:
        make_server(db, proxy.endpoint, name=region)
        db.execute(
            f"CREATE FOREIGN TABLE e_{region} PARTITION OF e FOR VALUES IN ('{region}')"
            f" SERVER {region} OPTIONS (table_name 'Events.{region}')"
        )
    db.execute("EXPLAIN SELECT 1 FROM e")
    return db


@pytest.fixture
def by_month(db, proxy, partition_tables):
    make_server(db, proxy.endpoint)
    db.execute(
        'CREATE TABLE e (customer text, at text COLLATE "C", region text)'
        " PARTITION BY RANGE (at)"
    )
    for month in MONTHS:
        db.execute(
            f"CREATE FOREIGN TABLE e_{month} PARTITION OF e"
            f" FOR VALUES FROM ('2026-{month}') TO ('2026-{month + 1}')"
            f" SERVER dynamo OPTIONS (table_name 'Events-{month}')"
        )
    db.execute("EXPLAIN SELECT 1 FROM e")
    return db


def tables(calls):
    return {call.request["TableName"] for call in calls.data}


def test_pruned_by_list(by_region, proxy):
    with proxy.record() as calls:
        rows = by_region.execute(
            "SELECT at FROM e WHERE region = 'eu' AND customer = 'c1' AND at < '2026-10-06'"
        ).fetchall()
    assert rows == [(f"2026-10-0{day}Teu",) for day in (1, 3, 5)]
    assert tables(calls) == {"Events.eu"}


def test_pruned_at_run_time(by_region, proxy):
    by_region.execute("SET plan_cache_mode = force_generic_plan")
    by_region.execute(
        "PREPARE p (text) AS SELECT count(*) FROM e WHERE region = $1 AND customer = 'c2'"
    )
    with proxy.record() as calls:
        assert by_region.execute("EXECUTE p ('us')").fetchone() == (42,)
    assert tables(calls) == {"Events.us"}


def test_newest_of_all(by_region, proxy):
    """Merged in order; each is asked for no more than could be needed."""
    query = "SELECT at FROM e WHERE customer = 'c1' ORDER BY at DESC LIMIT 4"
    rows, seen = sent(by_region, proxy, query)
    assert rows == [(f"2026-12-27T{region}",) for region in ("us", "eu", "ap")] + [
        ("2026-12-25Tus",)
    ]
    assert seen == ["Query customer = 'c1' limit 4 backward"] * 3
    nodes = [node["Node Type"] for node in plan_nodes(explain(by_region, query))]
    assert "Merge Append" in nodes
    assert "Sort" not in nodes


def test_ranges_follow_each_other(by_month, proxy):
    """Partitions of ranges are in order: later ones are not asked at all."""
    query = "SELECT at FROM e WHERE customer = 'c1' ORDER BY at DESC LIMIT 5"
    rows, seen = sent(by_month, proxy, query)
    assert rows == [(f"2026-12-{day}Tall",) for day in (27, 25, 23, 21, 19)]
    assert len(seen) == 1
    assert "limit 5 backward" in seen[0]


def test_a_range_touches_its_partitions(by_month, proxy):
    with proxy.record() as calls:
        rows = by_month.execute(
            "SELECT at FROM e WHERE customer = 'c2' AND at >= '2026-11-27' AND at < '2026-12-04'"
            " ORDER BY at"
        ).fetchall()
    assert [row[0][5:10] for row in rows] == ["11-28", "12-02"]
    assert tables(calls) == {"Events-11", "Events-12"}


def test_counts_and_joins(by_region):
    by_region.execute("CREATE TABLE wanted AS SELECT 'c2' AS customer, 'ap' AS region")
    query = (
        "SELECT count(*), min(e.at), max(e.at) FROM e JOIN wanted w USING (customer, region)"
    )
    expected = [(42, "2026-10-02Tap", "2026-12-28Tap")]
    assert by_region.execute(query).fetchall() == expected
    by_region.execute("SET enable_partitionwise_join = on")
    by_region.execute("SET enable_partitionwise_aggregate = on")
    assert by_region.execute(query).fetchall() == expected
    assert sorted(
        by_region.execute("SELECT region, count(*) FROM e GROUP BY region").fetchall()
    ) == [("ap", 84), ("eu", 84), ("us", 84)]
    assert by_region.execute("SELECT count(*) FROM e WHERE customer = 'c1'").fetchone() == (126,)


def test_mixed_with_local_partitions(by_month):
    """Old rows in PostgreSQL, hot ones in DynamoDB."""
    by_month.execute(
        "CREATE TABLE e_old PARTITION OF e FOR VALUES FROM (MINVALUE) TO ('2026-10')"
    )
    by_month.execute("INSERT INTO e VALUES ('c1', '2026-09-30Told', 'old')")
    rows = by_month.execute(
        "SELECT at FROM e WHERE customer = 'c1' ORDER BY at LIMIT 2"
    ).fetchall()
    assert rows == [("2026-09-30Told",), ("2026-10-01Tall",)]


def test_inheritance(by_month):
    by_month.execute('CREATE TABLE parent (customer text, at text COLLATE "C", region text)')
    foreign_table(by_month, "child", COLUMNS, table_name="Events-10")
    by_month.execute("ALTER FOREIGN TABLE child INHERIT parent")
    rows = by_month.execute(
        "SELECT tableoid::regclass::text, at FROM parent WHERE customer = 'c1' ORDER BY at LIMIT 1"
    ).fetchall()
    assert rows == [("child", "2026-10-01Tall")]
    assert by_month.execute("SELECT count(*) FROM ONLY parent").fetchone() == (0,)


def test_partitions_of_postgres_fdw_are_waited_for_together_with_ours(by_region, proxy):
    """One is a table behind another PostgreSQL server: here, this one."""
    available = "SELECT FROM pg_available_extensions WHERE name = 'postgres_fdw'"
    if by_region.execute(available).fetchone() is None:
        pytest.skip("this server comes without postgres_fdw")
    info = by_region.info
    by_region.execute(
        "CREATE TABLE far AS SELECT * FROM e_us; DROP FOREIGN TABLE e_us;"
        "CREATE EXTENSION postgres_fdw;"
        "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS"
        f" (host '{info.host}', port '{info.port}', dbname '{info.dbname}', async_capable 'true');"
        f"CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user '{info.user}');"
        "CREATE FOREIGN TABLE e_us PARTITION OF e FOR VALUES IN ('us')"
        " SERVER far OPTIONS (table_name 'far')"
    )
    query = "SELECT region, at FROM e WHERE customer = 'c2'"
    nodes = [node for node in plan_nodes(explain(by_region, query)) if "Scan" in node["Node Type"]]
    assert [node["Async Capable"] for node in nodes] == [True] * 3
    with proxy.inject(proxies.together(2), operation="Query"):
        rows = by_region.execute(query).fetchall()
    expected = [
        (region, row["at"])
        for region in REGIONS
        for row in events(region)
        if row["customer"] == "c2"
    ]
    assert sorted(rows) == sorted(expected)


def test_all_partitions_are_asked_at_once(by_region, proxy):
    query = "SELECT at FROM e WHERE customer = 'c2'"
    nodes = [node for node in plan_nodes(explain(by_region, query)) if "Scan" in node["Node Type"]]
    assert [node["Async Capable"] for node in nodes] == [True] * 3
    with proxy.inject(proxies.together(3), operation="Query", times=3):
        assert len(by_region.execute(query).fetchall()) == 126
    everything = sorted(event["at"] for region in REGIONS for event in events(region))
    with proxy.inject(proxies.together(3), operation="Scan", times=3):
        assert sorted(at for (at,) in by_region.execute("SELECT at FROM e")) == everything
    # one behind the other, where nobody waits for all
    by_region.execute("SET enable_async_append = off")
    assert sorted(at for (at,) in by_region.execute("SELECT at FROM e")) == everything


def test_partitions_of_one_server_are_asked_at_once(by_month, proxy):
    """They share a client and its descriptor."""
    query = "SELECT at FROM e WHERE customer = 'c2' AND region = 'all'"
    with proxy.inject(proxies.together(3), operation="Query", times=3):
        assert len(by_month.execute(query).fetchall()) == 42


def test_few_rows_are_asked_of_one_partition(by_region, proxy):
    rows, seen = sent(by_region, proxy, "SELECT at FROM e WHERE customer = 'c2' LIMIT 2")
    assert len(rows) == 2
    assert len(seen) == 1


@pytest.mark.parametrize("limit", [1, 7])
def test_pages_of_all_partitions(by_region, proxy, limit):
    """Many pages each, filters that empty some, and merged partitions in between."""
    query = "SELECT at FROM e WHERE {} AND at LIKE '%-1%'"
    for condition in ("customer = 'c1'", "customer IN ('c1', 'c2')", "true", "upper(at) <> ''"):
        expected = sorted(by_region.execute(query.format(condition)).fetchall())
        with (
            proxy.inject(proxies.pages_of(limit), operation="Query"),
            proxy.inject(proxies.pages_of(limit), operation="Scan"),
        ):
            assert sorted(by_region.execute(query.format(condition)).fetchall()) == expected
        assert expected


def test_rescans_while_replies_are_awaited(by_region):
    by_region.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
    by_region.execute("SET enable_memoize = off; SET enable_material = off")
    rows = by_region.execute(
        "SELECT c, (SELECT count(*) FROM e WHERE customer = c AND upper(region) <> '')"
        " FROM unnest('{c1,c2,c3,c1}'::text[]) c"
    ).fetchall()
    assert rows == [("c1", 126), ("c2", 126), ("c3", 0), ("c1", 126)]


def test_failing_partition_ends_the_query(by_region, proxy):
    with proxy.inject(proxies.error("AccessDeniedException"), operation="Query", times=1):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            by_region.execute("SELECT at FROM e WHERE customer = 'c2'")
    assert len(by_region.execute("SELECT at FROM e WHERE customer = 'c2'").fetchall()) == 126


def test_cancelled_while_all_are_awaited(by_region, proxy):
    with proxy.inject(proxies.hang(), operation="Query") as fault:
        query = Statement(by_region, "SELECT at FROM e WHERE customer = 'c2'")
        assert fault.reached.wait(30)
        by_region.cancel()
        assert query.join().sqlstate == "57014"
    assert len(by_region.execute("SELECT at FROM e WHERE customer = 'c2'").fetchall()) == 126


def test_asked_at_once_with_a_local_partition(by_month):
    by_month.execute("CREATE TABLE e_old PARTITION OF e FOR VALUES FROM (MINVALUE) TO ('2026-10')")
    by_month.execute(
        "INSERT INTO e SELECT 'c1', '2026-09-' || n, 'old' FROM generate_series(10, 29) n"
    )
    assert by_month.execute("SELECT count(*), count(at) FROM e").fetchone() == (104, 104)


COUNTS = [
    "SELECT count(*) FROM e",
    "SELECT count(*), count(at), count(1) FROM e WHERE customer = 'c1' AND at LIKE '2026-1%'",
    "SELECT count(*) FILTER (WHERE customer = 'c2') FROM e",
    "SELECT count(*) FROM e WHERE customer = 'c9'",
    "SELECT count(*) + 1 AS n FROM e WHERE customer = 'c1' HAVING count(*) > 3",
    "SELECT count(*) FROM e WHERE customer = 'c1' HAVING count(*) > 3000",
    "SELECT customer, count(*) FROM e WHERE customer IN ('c2', 'c1', 'c7') GROUP BY customer",
    "SELECT count(*), customer FROM e WHERE customer IN ('c2', 'c1') AND at > '2026-11-05'"
    " GROUP BY customer HAVING count(*) > 1 ORDER BY customer DESC",
]


def counts_in_parts(db, query):
    nodes = plan_nodes(explain(db, query, verbose=""))
    return [
        node
        for node in nodes
        if node["Node Type"] == "Foreign Scan"
        and any("count(" in output for output in node.get("Output", []))
    ]


@pytest.mark.parametrize("query", COUNTS)
@pytest.mark.parametrize("limit", [3, 100])
def test_partitions_count_in_parts(by_region, proxy, query, limit):
    """Each gives its counts, which are added up: the same answer, no items sent."""
    expected = sorted(by_region.execute(query).fetchall())
    by_region.execute("SET enable_partitionwise_aggregate = on")
    scans = counts_in_parts(by_region, query)
    assert len(scans) == 3
    assert all(node["Async Capable"] for node in scans)
    with (
        proxy.record() as calls,
        proxy.inject(proxies.pages_of(limit), operation="Query"),
        proxy.inject(proxies.pages_of(limit), operation="Scan"),
    ):
        assert sorted(by_region.execute(query).fetchall()) == expected
    assert all(call.request["Select"] == "COUNT" for call in calls.data)
    assert tables(calls) == {f"Events.{region}" for region in REGIONS}


def test_partitions_count_at_once(by_month, proxy):
    by_month.execute("SET enable_partitionwise_aggregate = on")
    query = "SELECT count(*) FROM e WHERE customer = 'c2'"
    assert len(counts_in_parts(by_month, query)) == 3
    with proxy.inject(proxies.together(3), operation="Query", times=3):
        assert by_month.execute(query).fetchone() == (42,)
    by_month.execute("SET enable_async_append = off")
    assert by_month.execute(query).fetchone() == (42,)


def test_counted_with_a_local_partition_and_what_cannot_be_counted(by_month):
    by_month.execute("CREATE TABLE e_old PARTITION OF e FOR VALUES FROM (MINVALUE) TO ('2026-10')")
    by_month.execute("INSERT INTO e VALUES ('c1', '2026-09-30', 'old'), ('c3', '2026-09-29', 'old')")
    by_month.execute("SET enable_partitionwise_aggregate = on")
    for query, expected, parts in [
        ("SELECT count(*) FROM e WHERE customer IN ('c1', 'c3')", [(44,)], 3),
        (
            "SELECT customer, count(*) FROM e WHERE customer IN ('c1', 'c3') GROUP BY customer"
            " ORDER BY customer",
            [("c1", 43), ("c3", 1)],
            3,
        ),
        ("SELECT count(*), max(at) FROM e", [(86, "2026-12-28Tall")], 0),
        ("SELECT count(DISTINCT customer) FROM e", [(3,)], 0),
        ("SELECT count(*) FROM e WHERE upper(customer) = 'C3'", [(1,)], 0),
        ("SELECT region, count(*) FROM e GROUP BY region ORDER BY 1", [("all", 84), ("old", 2)], 0),
    ]:
        assert by_month.execute(query).fetchall() == expected, query
        assert len(counts_in_parts(by_month, query)) == parts, query


def test_groups_that_no_other_partition_has(by_month):
    """Grouped by what the table is partitioned by: whole counts, HAVING included."""
    by_month.execute("CREATE TABLE p (at text, customer text) PARTITION BY LIST (customer)")
    by_month.execute(
        "CREATE FOREIGN TABLE p_12 PARTITION OF p FOR VALUES IN ('c1', 'c2')"
        " SERVER dynamo OPTIONS (table_name 'Events-10')"
    )
    by_month.execute("CREATE TABLE p_3 PARTITION OF p FOR VALUES IN ('c3')")
    by_month.execute("INSERT INTO p VALUES ('x', 'c3')")
    query = (
        "SELECT customer, count(*) FROM p WHERE customer IN ('c1', 'c2', 'c3') GROUP BY customer"
    )
    by_month.execute("SET enable_partitionwise_aggregate = on")
    assert len(counts_in_parts(by_month, query)) == 1
    assert sorted(by_month.execute(query).fetchall()) == [("c1", 14), ("c2", 14), ("c3", 1)]
    assert sorted(by_month.execute(query + " HAVING count(*) > 1").fetchall()) == [
        ("c1", 14),
        ("c2", 14),
    ]


def test_misfits_are_fetched_and_counted_in_parts(by_month, proxy):
    """With null for what does not fit, keys may be NULL: rows are counted here."""
    by_month.execute("SET enable_partitionwise_aggregate = on")
    by_month.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    by_month.execute("CREATE TABLE n (customer text, at int) PARTITION BY LIST (customer)")
    by_month.execute(
        "CREATE FOREIGN TABLE n_1 PARTITION OF n FOR VALUES IN ('c1')"
        " SERVER dynamo OPTIONS (table_name 'Events-10')"
    )
    by_month.execute("CREATE TABLE n_3 PARTITION OF n FOR VALUES IN ('c3')")
    query = "SELECT count(*), count(at) FROM n WHERE customer IN ('c1', 'c3')"
    assert by_month.execute(query).fetchone() == (14, 0)
