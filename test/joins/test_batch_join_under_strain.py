# SPDX-License-Identifier: PostgreSQL
"""Batched joins of tables in trouble, and of items that fill the memory: the same
rows as from a local copy."""

import random

import pytest
from support.fdw import foreign_table
from support.joins import IDS, batched_joins, here, join_tables, key, load_items, only_batched
from support.proxy import (
    close_before,
    corrupt,
    internal_error,
    pages_of,
    rewrite,
    throttle,
    truncate,
)
from support.regress_data import load_table

FORMS = [
    "SELECT l.row, t.* FROM l JOIN ids t ON t.id = l.k",
    "SELECT l.row, t.* FROM l LEFT JOIN ids t ON t.id = l.k AND t.v < l.x",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM ids t WHERE t.id = l.k AND t.v > 1)",
    "SELECT l.row FROM l WHERE NOT EXISTS (SELECT FROM ids t WHERE t.id = l.k)",
    "SELECT l.row, t.n FROM l LEFT JOIN pairs t ON (t.pk, t.sk) = (l.pk, l.since)",
    "SELECT l.row FROM l WHERE (pk, since) IN (SELECT t.pk, t.sk FROM pairs t)",
    "SELECT l.row, t.* FROM l LEFT JOIN pairs t ON t.pk = l.pk",
    "SELECT l.row, count(t.pk) FROM l LEFT JOIN pairs t ON t.pk = l.pk AND t.n = 2 GROUP BY l.row",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk)",
    "SELECT l.row FROM l WHERE NOT EXISTS (SELECT FROM pairs t WHERE t.pk = l.pk AND t.sk > l.since)",
    "SELECT l.row, t.sk FROM l JOIN pairs t ON t.pk = l.pk AND t.sk BETWEEN l.x AND l.since",
    "SELECT l.row, t.pk, t.sk FROM l LEFT JOIN pairs t ON t.owner = l.owner AND t.n < l.x",
    "SELECT l.row, t.v, u.n FROM l LEFT JOIN ids t ON t.id = l.k"
    " LEFT JOIN pairs u ON u.pk = l.pk AND u.sk = t.v",
    "SELECT x, (SELECT sum(t.v) FROM l JOIN ids t ON t.id = l.k AND t.v < g.x)"
    " FROM generate_series(0, 4) g(x)",
]

KEYS = {"BatchIds": ["id"], "BatchPairs": ["pk", "sk"]}


def unprocessed():
    """Some keys of each BatchGetItem that finds several items are left for later."""
    generator = random.Random(1)

    def hold_back(response):
        for name, items in response["Responses"].items():
            kept = items[: generator.randrange(1, len(items))] if len(items) > 1 else items
            keys = [{k: item[k] for k in KEYS[name]} for item in items[len(kept) :]]
            response["Responses"][name] = kept
            if keys:
                left = response.setdefault("UnprocessedKeys", {}).setdefault(name, {"Keys": []})
                left["Keys"] += keys

    return rewrite(hold_back)


# What is transient fails one request of five: of more, tries repeated in vain
# would use up the client's retry quota, and the statement rightly ends.
TROUBLES = {
    "throttled": (throttle, {"every": 2}),
    "failing": (internal_error, {"every": 5}),
    "unprocessed": (unprocessed, {"operation": "BatchGetItem"}),
    "cut": (truncate, {"every": 5}),
    "reset": (lambda: close_before(with_reset=True), {"every": 5}),
    "corrupt": (corrupt, {"every": 5}),
    "in small pages": (lambda: pages_of(2), {"operation": "Query"}),
}


@pytest.fixture(scope="module")
def tables(ddb_resource):
    load_items(ddb_resource)


@pytest.fixture
def t(db, proxy, tables):
    return join_tables(db, proxy.endpoint)


@pytest.mark.parametrize("memory", ["64kB", "4MB"])
@pytest.mark.parametrize("trouble", TROUBLES)
def test_joins_of_a_table_in_trouble(t, proxy, trouble, memory):
    behaviour, which = TROUBLES[trouble]
    t.execute(f"SET work_mem = '{memory}'")
    injected = 0
    for query in FORMS:
        expected = sorted(t.execute(here(query)).fetchall(), key=key)
        with only_batched(t):
            assert batched_joins(t, query), query
            with proxy.inject(behaviour(), **which), proxy.record() as calls:
                found = t.execute(query).fetchall()
        assert sorted(found, key=key) == expected and found, query
        injected += sum(call.injected for call in calls)
    assert injected >= len(FORMS) / 3


# ---- large items -----------------------------------------------------------------

LARGE_ITEMS = [
    {"id": i, "v": i, "note": chr(97 + i % 26) * (390_000 if i % 4 else 1000)} for i in range(60)
]
LARGE_FORMS = [
    "SELECT l.row, t.id, md5(t.note) FROM l JOIN large t ON t.id = l.k",
    "SELECT l.row, t.id, length(t.note) FROM l LEFT JOIN large t ON t.id = l.k",
    "SELECT l.row FROM l WHERE EXISTS (SELECT FROM large t WHERE t.id = l.k AND t.note LIKE '%ccc%')",
    "SELECT l.row FROM l WHERE NOT EXISTS"
    " (SELECT FROM large t WHERE t.id = l.k AND t.note LIKE '%ccc%')",
]


@pytest.fixture(scope="module")
def large(ddb_resource):
    load_table(ddb_resource, "BatchLarge", IDS, LARGE_ITEMS)


@pytest.fixture
def large_table(t, large):
    foreign_table(t, "large", ["id int", "v int", "note text"], table_name="BatchLarge")
    t.execute("CREATE TABLE large_here AS SELECT * FROM large")


@pytest.mark.parametrize("memory", ["64kB", "4MB", "100MB"])
def test_items_of_400_kilobytes(t, proxy, large_table, memory):
    """One item is more than the least memory, all are more than one reply."""
    t.execute(f"SET work_mem = '{memory}'")
    for query in LARGE_FORMS:
        expected = t.execute(query.replace("large", "large_here")).fetchall()
        with only_batched(t):
            assert batched_joins(t, query)
            with proxy.record() as calls:
                found = t.execute(query).fetchall()
        assert sorted(found, key=key) == sorted(expected, key=key) and found
        # All at once do not fit a reply of 16 MB; a nested loop would send 182.
        assert 2 <= calls.data.count() <= (300 if memory == "64kB" else 30), query


@pytest.mark.parametrize(("memory", "keys"), [("1MB", 3), ("4MB", 10), ("16MB", 40)])
def test_the_first_look_up_of_large_items_is_small(t, proxy, large_table, memory, keys):
    """The mean size of items is known before the first one comes."""
    t.execute(f"SET work_mem = '{memory}'")
    with only_batched(t), proxy.record() as calls:
        t.execute(LARGE_FORMS[1]).fetchall()
    (first,) = calls.data[0].request["RequestItems"].values()
    assert 1 <= len(first["Keys"]) <= keys
