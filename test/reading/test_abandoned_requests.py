# SPDX-License-Identifier: PostgreSQL
"""Requests that were sent ahead and that nobody read: AWS charges for them, so EXPLAIN,
the cap on read units and the log count them."""

import pytest
from support.background import Statement, failure
from support.counted import counted
from support.fdw import explain, foreign_scan, foreign_table, plan_nodes
from support.proxy import hang

PARTITIONS = 40
ITEMS = 3
EACH = "pk IN (" + ", ".join(f"'p{n:02}'" for n in range(PARTITIONS)) + ")"

# How many rows pass is not known while they are read: some are sent in vain.
AHEAD = f"SELECT * FROM parts WHERE {EACH} AND random() >= 0 LIMIT 25"


@pytest.fixture
def parts(dynamo, make_table):
    """40 partitions of three items of 3 kB each: 1.5 units."""
    table = make_table(
        ("pk", "sk"),
        "pk:S sk:N",
        [
            {"pk": f"p{n:02}", "sk": i, "z": n % 2, "pad": "x" * 3000}
            for n in range(PARTITIONS)
            for i in range(ITEMS)
        ],
    )
    foreign_table(
        dynamo, "parts", ["pk text", "sk int", "z int", "pad text"], table_name=table.name
    )
    dynamo.execute("CREATE TABLE names AS SELECT 'p' || lpad(i::text, 2, '0') AS pk, i FROM generate_series(0, 39) i")
    dynamo.execute("ANALYZE names")
    dynamo.execute("SELECT count(*) FROM parts WHERE pk = 'p00'")
    return dynamo


@pytest.fixture
def days(dynamo, make_table):
    """A partition a day, which the time names: 20 days of three items each."""
    table = make_table(("pk", "sk"), "pk:S sk:S")
    foreign_table(
        dynamo,
        "days",
        [
            "pk text OPTIONS (template 'DAY#${at:YYYY-MM-DD}') COLLATE \"C\"",
            "sk text OPTIONS (template '${at:iso8601:3}') COLLATE \"C\"",
            "at timestamptz",
            "n int",
        ],
        table_name=table.name,
    )
    dynamo.execute("SET timezone = 'UTC'")
    dynamo.execute(
        "INSERT INTO days (at, n) SELECT timestamptz '2026-11-01Z' + i * interval '8 hours', i"
        f" FROM generate_series(0, {20 * ITEMS - 1}) i"
    )
    return dynamo


def scans(plan):
    return [node for node in plan_nodes(plan) if "Read Units" in node]


QUERIES = [
    AHEAD,
    f"SELECT * FROM parts WHERE {EACH} LIMIT 10",
    f"SELECT * FROM parts WHERE {EACH} ORDER BY pk, sk LIMIT 10",
    f"SELECT * FROM parts WHERE {EACH} AND z = 1 LIMIT 10",
    f"SELECT i FROM names n WHERE EXISTS (SELECT 1 FROM parts WHERE {EACH} AND parts.sk >= n.i)",
    f"SELECT (SELECT sk FROM parts WHERE {EACH} AND sk >= i / 20 AND z <= i LIMIT 1) FROM names",
    "SELECT * FROM names n JOIN parts p ON p.pk = n.pk LIMIT 20",
    "SELECT * FROM names n JOIN LATERAL (SELECT * FROM parts p WHERE p.pk = n.pk LIMIT 1) x ON true LIMIT 7",
    f"SELECT DISTINCT pk FROM parts WHERE {EACH} LIMIT 12",
    "SELECT * FROM parts LIMIT 5",
    f"SELECT count(*) FROM (SELECT 1 FROM parts WHERE {EACH} OFFSET 0) x WHERE random() >= 0",
    "SELECT sk FROM parts WHERE pk = 'p01' FETCH FIRST 1 ROW WITH TIES".replace(
        "FETCH", "ORDER BY sk FETCH"
    ),
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("batches", ["on", "off"])
def test_what_explain_says_was_sent(parts, proxy, cluster, query, batches):
    parts.execute(f"SET ddb_fdw.batch_join = {batches}")
    with counted(cluster, proxy, parts) as seen:
        plan = explain(parts, query, ANALYZE="", TIMING="off")
    nodes = scans(plan)
    assert sum(n["Requests"] + n["Retries"] for n in nodes) == seen.sent
    assert sum(n["Abandoned"] for n in nodes) == len(seen.abandoned)
    assert sum(n["Abandoned Read Units"] for n in nodes) == pytest.approx(
        sum(line.units for line in seen.abandoned), abs=0.1 * len(seen.lines)
    )
    assert sum(n["Read Units"] for n in nodes) == pytest.approx(
        sum(line.units for line in seen.lines), abs=0.1 * len(seen.lines)
    )


def test_units_of_what_was_abandoned_are_estimated(parts, proxy, cluster):
    """Partitions of equal size: the estimate is what DynamoDB answers."""
    query = AHEAD
    with counted(cluster, proxy, parts) as seen:
        node = foreign_scan(explain(parts, query, ANALYZE=""))
    assert node["Abandoned"] > 0
    assert node["Abandoned Read Units"] == pytest.approx(1.5 * node["Abandoned"], rel=0.5)
    assert node["Requests"] == seen.sent


def test_the_line_stands_where_there_is_something_to_say(parts):
    def lines(query):
        rows = parts.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {query}").fetchall()
        return [row[0].strip() for row in rows]

    some = lines(AHEAD)
    assert any(line.startswith("Abandoned: ") for line in some)
    assert any(line.startswith("Abandoned Read Units: ") for line in some)
    none = lines("SELECT * FROM parts WHERE pk = 'p01'")
    assert not any("Abandoned" in line for line in none)


def test_a_closed_cursor(parts, proxy, cluster):
    with counted(cluster, proxy, parts) as seen, parts.transaction():
        parts.execute(f"DECLARE c CURSOR FOR SELECT * FROM parts WHERE {EACH}")
        assert len(parts.execute("FETCH 10 FROM c").fetchall()) == 10
        parts.execute("CLOSE c")
    assert len(seen.abandoned) > 0
    assert all(line.units > 0 for line in seen.abandoned)


@pytest.mark.parametrize(
    "end",
    [
        "SELECT 1 / (z - z) FROM parts WHERE " + EACH,
        "SELECT 1 / (sk - 2) FROM parts WHERE " + EACH,
        f"SELECT * FROM names n JOIN parts p ON p.pk = n.pk WHERE 1 / (p.sk - 2) < 5 AND {EACH.replace('pk', 'p.pk', 1)}",
    ],
)
def test_an_error(parts, proxy, cluster, end):
    with counted(cluster, proxy, parts) as seen:
        assert failure(parts, end).sqlstate == "22012"
    assert seen.sent > 0


def test_a_cancel(parts, proxy, cluster):
    with counted(cluster, proxy, parts) as seen, proxy.inject(hang(), operation="Query") as fault:
        statement = Statement(parts, f"SELECT * FROM parts WHERE {EACH}")
        assert fault.reached.wait(10)
        parts.cancel()
        assert statement.join().sqlstate == "57014"
    assert len(seen.abandoned) == seen.sent > 0


@pytest.mark.uncounted("nothing explains the statement")
def test_a_rollback_of_an_open_cursor(parts, proxy, cluster):
    with counted(cluster, proxy, parts) as seen:
        parts.execute("BEGIN")
        parts.execute(f"DECLARE c CURSOR FOR SELECT * FROM parts WHERE {EACH}")
        parts.execute("FETCH 1 FROM c")
        parts.execute("ROLLBACK")
    assert len(seen.abandoned) > 0


# ---- no more ahead than a LIMIT may need ----------------------------------------------


@pytest.mark.parametrize("needed", [1, 2, 3, 5, 11, 30])
@pytest.mark.parametrize("condition", ["", " AND sk >= 0", " AND length(pad) > 1"])
def test_partitions_alike_are_sent_as_many_as_needed(parts, proxy, cluster, needed, condition):
    query = f"SELECT * FROM parts WHERE {EACH}{condition} LIMIT {needed * ITEMS}"
    with counted(cluster, proxy, parts) as seen:
        assert len(parts.execute(query).fetchall()) == needed * ITEMS
    assert seen.sent == needed


@pytest.mark.parametrize("empty", [0, 1, 2, 4, 9])
def test_of_days_unlike_no_more_are_abandoned_than_were_needed(days, proxy, cluster, empty):
    query = (
        f"SELECT n FROM days WHERE at >= '2026-10-01' AND at < date '2026-11-21' + {empty}"
        f" ORDER BY at DESC LIMIT {ITEMS + 1}"
    )
    with counted(cluster, proxy, days) as seen:
        assert len(days.execute(query).fetchall()) == ITEMS + 1
    needed = empty + 2
    assert needed <= seen.sent <= 2 * needed
    assert seen.sent - len(seen.abandoned) == needed


def test_days_alike_are_read_one_by_one(days, proxy, cluster):
    for needed in (1, 2, 4, 9):
        query = (
            "SELECT n FROM days WHERE at >= '2026-11-01' AND at < '2026-11-21' ORDER BY at DESC"
            f" LIMIT {needed * ITEMS}"
        )
        with counted(cluster, proxy, days) as seen:
            rows = days.execute(query).fetchall()
        assert rows == [(n,) for n in range(20 * ITEMS - 1, (20 - needed) * ITEMS - 1, -1)]
        assert seen.sent == needed


# ---- the cap ------------------------------------------------------------------------


def test_the_cap_counts_what_was_abandoned(parts, proxy):
    """Each run abandons requests, which were paid for."""
    query = (
        f"SELECT (SELECT sk FROM parts WHERE {EACH} AND length(pad) > 1 AND z <= i OFFSET 20 LIMIT 1)"
        " FROM names"
    )
    total = sum(n["Read Units"] for n in scans(explain(parts, query, ANALYZE="")))
    lost = sum(n["Abandoned Read Units"] for n in scans(explain(parts, query, ANALYZE="")))
    assert lost > 0
    parts.execute(f"SET ddb_fdw.max_read_units = {total - lost / 2}")
    assert failure(parts, query).sqlstate == "53400"


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * FROM parts WHERE {EACH}",
        "SELECT * FROM names n JOIN parts p ON p.pk = n.pk",
        "SELECT * FROM names n, LATERAL (SELECT * FROM parts p WHERE p.pk = n.pk LIMIT 2) x",
        "SELECT * FROM parts",
    ],
)
def test_nothing_is_sent_ahead_beyond_the_cap(parts, proxy, cluster, query):
    parts.execute("SET ddb_fdw.max_read_units = 6")
    with counted(cluster, proxy, parts) as seen:
        assert failure(parts, query).sqlstate == "53400"
    units = [call.response["ConsumedCapacity"]["CapacityUnits"] for call in seen.calls]
    assert sum(units[:-1]) <= 8
    parts.execute("SET ddb_fdw.max_read_units = 1000")
    rows = parts.execute(query).fetchall()
    assert len(rows) == PARTITIONS * (2 if "LIMIT" in query else ITEMS)


# ---- the log ------------------------------------------------------------------------


@pytest.mark.uncounted("plans would show values")
def test_only_that_line_is_logged(parts, proxy, cluster):
    """STATEMENT and CONTEXT hold values."""
    parts.execute(
        "CREATE FUNCTION look(part text) RETURNS bigint LANGUAGE plpgsql AS"
        " $$BEGIN RETURN (SELECT count(*) FROM parts WHERE pk = part); END$$"
    )
    parts.execute("SET auto_explain.log_min_duration = -1")
    with counted(cluster, proxy, parts) as seen:
        parts.execute("SELECT look('p0' || '7')").fetchall()
        parts.execute(AHEAD).fetchall()
        parts.execute("INSERT INTO parts VALUES ('q1', 1, 1, 'secret')")
    assert seen.lines
    for word in ("STATEMENT", "CONTEXT", "p0", "secret", "look"):
        assert word not in seen.text, word
