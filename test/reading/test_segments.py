# SPDX-License-Identifier: PostgreSQL
"""Scans of whole tables, several segments at once."""

import psycopg
import pytest
from support import proxy as proxies
from support.background import Statement
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.regress_data import load_table
from support.systems import definition

KEYS = definition(("id",), "id:N")
ROWS = 300
COLUMNS = ["id int", "v int"]


def large(response):
    """What DynamoDB would say of a table that is worth it."""
    if "Table" in response:
        response["Table"].update(ItemCount=100_000, TableSizeBytes=100_000_000)


@pytest.fixture(scope="module")
def segment_tables(ddb_resource):
    load_table(ddb_resource, "Segments", KEYS, [{"id": n, "v": n % 7} for n in range(ROWS)])


@pytest.fixture
def t(db, proxy, segment_tables):
    with proxy.inject(proxies.rewrite(large), operation="DescribeTable"):
        make_server(db, proxy.endpoint)
        foreign_table(db, "t", COLUMNS, table_name="Segments")
        db.execute("EXPLAIN SELECT 1 FROM t")
        yield db


def scans(calls):
    return [(call.request.get("Segment"), call.request.get("TotalSegments")) for call in calls.data]


@pytest.mark.parametrize("limit", [2, 50])
@pytest.mark.parametrize(
    "condition", ["true", "v = 3", "v = 3 AND id > 250", "v = 9", "upper(v::text) = '3'"]
)
def test_every_row_once(t, proxy, condition, limit):
    query = f"SELECT id FROM t WHERE {condition}"
    with proxy.record() as calls, proxy.inject(proxies.pages_of(limit), operation="Scan"):
        found = sorted(row[0] for row in t.execute(query).fetchall())
    expected = {
        "true": range(ROWS),
        "v = 3": range(3, ROWS, 7),
        "v = 3 AND id > 250": [n for n in range(251, ROWS) if n % 7 == 3],
        "v = 9": [],
        "upper(v::text) = '3'": range(3, ROWS, 7),
    }[condition]
    assert found == list(expected)
    assert {total for _, total in scans(calls)} == {16}
    assert {segment for segment, _ in scans(calls)} == set(range(16))


def test_all_segments_are_under_way_together(t, proxy):
    with proxy.inject(proxies.together(16), operation="Scan", times=16):
        assert len(t.execute("SELECT id FROM t").fetchall()) == ROWS


def test_counted_in_segments(t, proxy):
    plan = explain(t, "SELECT count(*) FROM t")
    assert (plan["Node Type"], plan["Segments"]) == ("Foreign Scan", 16)
    with proxy.record() as calls:
        assert t.execute("SELECT count(*) FROM t").fetchone() == (ROWS,)
        assert t.execute("SELECT count(*) FROM t WHERE v = 1").fetchone() == (43,)
    assert all(call.request["Select"] == "COUNT" for call in calls.data)
    assert {total for _, total in scans(calls)} == {16}


@pytest.mark.parametrize("total", [1, 3, 40])
def test_as_many_as_the_table_says(t, proxy, total):
    foreign_table(t, "s", COLUMNS, table_name="Segments", total_segments=total)
    with proxy.record() as calls, proxy.inject(proxies.pages_of(50), operation="Scan"):
        found = sorted(row[0] for row in t.execute("SELECT id FROM s").fetchall())
        assert t.execute("SELECT count(*) FROM s").fetchone() == (ROWS,)
    assert found == list(range(ROWS))
    expected = {(i, total) for i in range(total)} if total > 1 else {(None, None)}
    assert set(scans(calls)) == expected
    with proxy.record() as calls:
        assert t.execute("SELECT v FROM s WHERE id = 8").fetchone() == (1,)
        assert len(t.execute("SELECT id FROM s LIMIT 2").fetchall()) == 2
    assert calls.data.operations == ["GetItem", "Scan"]
    assert scans(calls)[1] == (None, None)


def test_explain(t):
    query = "SELECT id FROM t"
    assert foreign_scan(explain(t, query))["Segments"] == 16
    scan = foreign_scan(explain(t, query, analyze=""))
    assert scan["Requests"] == 16
    assert scan["Items Returned"] == ROWS


@pytest.mark.parametrize("query", ["SELECT id FROM t LIMIT 3", "SELECT EXISTS (SELECT FROM t)"])
def test_few_rows_come_from_one_scan(t, proxy, query):
    with proxy.record() as calls:
        t.execute(query).fetchall()
    assert scans(calls) == [(None, None)]


def test_a_cap_on_units_is_not_overrun(t, proxy):
    t.execute("SET ddb_fdw.max_read_units = 3")
    with proxy.record() as calls, proxy.inject(proxies.pages_of(10), operation="Scan"):
        with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
            t.execute("SELECT id FROM t")
    assert {total for _, total in scans(calls)} == {None}
    assert len(calls.data) <= 7


def test_a_small_table_is_one_request(db, proxy, segment_tables):
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name="Segments")
    with proxy.record() as calls:
        assert len(db.execute("SELECT id FROM t").fetchall()) == ROWS
    assert scans(calls) == [(None, None)]


def test_without_pushdown_it_is_one_scan(t, proxy):
    t.execute("SET ddb_fdw.pushdown = off")
    with proxy.record() as calls:
        assert len(t.execute("SELECT id FROM t").fetchall()) == ROWS
    assert scans(calls) == [(None, None)]


def test_cancelled(t, proxy):
    with proxy.inject(proxies.hang(), operation="Scan") as fault:
        query = Statement(t, "SELECT id FROM t")
        assert fault.reached.wait(30)
        t.cancel()
        assert query.join().sqlstate == "57014"
    assert len(t.execute("SELECT id FROM t").fetchall()) == ROWS


def test_a_failing_segment_ends_the_query(t, proxy):
    with proxy.inject(proxies.error("AccessDeniedException"), operation="Scan", every=5, times=1):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            t.execute("SELECT id FROM t")
    assert len(t.execute("SELECT id FROM t").fetchall()) == ROWS


def test_throttled_segments_go_on(t, proxy):
    with (
        proxy.inject(proxies.pages_of(5), operation="Scan"),
        proxy.inject(proxies.throttle(), operation="Scan", every=4),
    ):
        assert sorted(t.execute("SELECT id FROM t").fetchall()) == [(n,) for n in range(ROWS)]


def test_rescans_and_cursors(t):
    t.execute("SET enable_material = off; SET enable_hashjoin = off; SET enable_mergejoin = off")
    rows = t.execute("SELECT g, count(*) FROM generate_series(1, 3) g, t GROUP BY g").fetchall()
    assert sorted(rows) == [(g, ROWS) for g in (1, 2, 3)]
    with t.transaction():
        t.execute("DECLARE c CURSOR FOR SELECT id FROM t")
        rows = t.execute("FETCH 10 FROM c").fetchall() + t.execute("FETCH ALL FROM c").fetchall()
        assert len(set(rows)) == len(rows) == ROWS
        assert t.execute("FETCH 1 FROM c").fetchall() == []
