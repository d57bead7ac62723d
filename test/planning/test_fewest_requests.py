# SPDX-License-Identifier: PostgreSQL
"""Queries over the five systems of support.systems, and what an expert would
send for each by hand: the least requests and read units.  Ours must be equal.

Measured twice, at the proxy and by EXPLAIN (ANALYZE), which must agree.
"""

import pytest
from support import systems
from support.expert import EXPERT, answer_of, fits, orders
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.systems import SYSTEMS, log_time

ANALYZE = "ANALYZE " + ", ".join(SYSTEMS)


@pytest.fixture(scope="session")
def loaded(ddb_resource):
    systems.load(ddb_resource)


@pytest.fixture
def analyst(db, proxy, loaded):
    """A connection that has the five systems' tables, described already."""
    make_server(db, proxy.endpoint)
    db.execute("SET plan_cache_mode = force_generic_plan")
    for system in SYSTEMS.values():
        foreign_table(db, system.foreign, system.columns, table_name=system.table)
        db.execute(f"EXPLAIN SELECT 1 FROM {system.foreign}")
    return db


def looked_at(call):
    """Items: what the reply says, or how many keys found one."""
    if "ScannedCount" in call.response:
        return call.response["ScannedCount"]
    found = call.response.get("Responses", {"": [1] if "Item" in call.response else []})
    return sum(map(len, found.values()))


def units(call):
    consumed = call.response.get("ConsumedCapacity", [])
    consumed = consumed if isinstance(consumed, list) else [consumed]
    return sum(one["CapacityUnits"] for one in consumed)


def measured(calls):
    """(operation, index, requests, items, units) as the proxy saw them."""
    operations = set(calls.operations)
    indexes = {call.request.get("IndexName") for call in calls}
    return (
        "+".join(sorted(operations)) or None,
        "+".join(sorted(map(str, indexes))) if indexes - {None} else None,
        len(calls),
        sum(map(looked_at, calls)),
        sum(map(units, calls)),
    )


def explained(plan):
    """The same as EXPLAIN ANALYZE tells it, of all scans that were run."""
    scans = [
        n
        for n in plan_nodes(plan)
        if n["Node Type"] == "Foreign Scan" and n.get("Requests", 0)
    ]
    operations = {scan["DynamoDB Operation"] for scan in scans}
    indexes = {scan.get("DynamoDB Index") for scan in scans}
    return (
        "+".join(sorted(operations)) or None,
        "+".join(sorted(map(str, indexes))) if indexes - {None} else None,
        sum(scan["Requests"] for scan in scans),
        sum(scan["Items Scanned"] for scan in scans),
        sum(scan["Read Units"] for scan in scans),
    )


def check(row, seen):
    expected = (row.operation, row.index, row.requests, row.items, row.units)
    if row.at_most:
        assert seen[:3] == expected[:3]
        assert seen[3] <= row.items and seen[4] <= row.units, seen
    else:
        assert seen == expected


def marked(rows):
    for key, row in rows.items():
        pending = row.pending and pytest.mark.xfail(strict=True, reason=row.pending)
        yield pytest.param(key, id="-".join(key), marks=pending or ())


@pytest.mark.parametrize("key", marked(EXPERT))
def test_as_the_expert(analyst, proxy, key):
    row = EXPERT[key]
    if row.analyzed:
        analyst.execute(ANALYZE)
    if row.prepare:
        analyst.execute(row.prepare)
    with proxy.record() as calls:
        analyst.execute(row.sql)
    check(row, measured(calls.data))
    assert all((call.request.get("Select") == "COUNT") == row.count for call in calls.data)
    with proxy.record() as calls:
        plan = explain(analyst, row.sql, analyze="")
    assert calls.count() == calls.data.count(), "the table was described again"
    assert explained(plan) == measured(calls.data)
    check(row, explained(plan))


@pytest.fixture
def statistician(analyst):
    """The analyst, after ANALYZE."""
    analyst.execute(ANALYZE)
    return analyst


@pytest.mark.parametrize("key", marked(EXPERT))
def test_as_the_expert_with_statistics(statistician, proxy, key):
    """What was found without them is found with them."""
    row = EXPERT[key]
    if row.prepare:
        statistician.execute(row.prepare)
    with proxy.record() as calls:
        statistician.execute(row.sql)
    check(row, measured(calls.data))


def test_there_are_forty():
    assert len(EXPERT) >= 40


def test_newest_of_three_partitions(analyst):
    """Three entries at each time: which of the last ones come is open."""
    rows = analyst.execute(EXPERT["logs", "newest 10 of three partitions"].sql).fetchall()
    assert [time for _, time in rows] == [log_time(n) for n in (39, 38, 37) for _ in "abc"] + [
        log_time(36)
    ]
    assert len(set(rows)) == 10


def test_oldest_open_orders(analyst):
    rows = analyst.execute(EXPERT["orders", "oldest open orders"].sql).fetchall()
    everything = orders(
        lambda r: r["status"] == "open",
        give="order_date customer_id order_id total",
        order="order_date",
    )
    assert [row[0] for row in rows] == [row[0] for row in everything[:10]]
    assert set(rows) <= set(everything)
    assert len(set(rows)) == 10


@pytest.mark.parametrize("pushdown", ["on", "off"])
def test_rows(analyst, pushdown):
    """Of pending rows too."""
    analyst.execute(f"SET ddb_fdw.pushdown = {pushdown}")
    for key, row in EXPERT.items():
        rows = answer_of(analyst, row)
        assert fits(row, rows), (key, rows)
