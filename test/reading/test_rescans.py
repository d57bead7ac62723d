# SPDX-License-Identifier: PostgreSQL
"""A scan that runs several times within its statement reads nothing twice."""

import pytest
from support.fdw import explain, foreign_table, plan_nodes
from support.joins import key

ROWS = 60
ITEMS = 240


@pytest.fixture
def t(dynamo, make_table):
    """Foreign tables t, by id, and e, by pk and sk, each of about 100 units; local copies of
    them, t_here and e_here; local table l of 60 rows, which repeat their values."""
    pad = "x" * 3000
    t = make_table(
        ("id",),
        "id:S",
        [{"id": f"k{n}", "v": n % 12, "w": n, "pad": pad} for n in range(ITEMS)],
    )
    e = make_table(
        ("pk", "sk"),
        "pk:S sk:N",
        [
            {"pk": f"p{n % 6}", "sk": n, "v": n % 9, "pad": pad} | ({"w": n} if n % 5 else {})
            for n in range(ITEMS)
        ],
    )
    foreign_table(dynamo, "t", ["id text", "v int", "w int", "pad text"], table_name=t.name)
    foreign_table(
        dynamo, "e", ["pk text", "sk int", "v int", "w int", "pad text"], table_name=e.name
    )
    for name in ("t", "e"):
        dynamo.execute(f"CREATE TABLE {name}_here AS SELECT * FROM {name}")
    dynamo.execute(
        "CREATE TABLE l AS SELECT i, 'k' || i % 15 AS k, 'p' || i % 7 AS p, i % 13 AS v,"
        f" CASE WHEN i % 4 > 0 THEN i % 10 END AS w, 'k7' AS c FROM generate_series(1, {ROWS}) i"
    )
    dynamo.execute("ANALYZE l")
    return dynamo


def here(query):
    for name in ("t", "e"):
        query = query.replace(f"FROM {name} ", f"FROM {name}_here {name} ")
        query = query.replace(f"JOIN {name} ", f"JOIN {name}_here {name} ")
        query = query.replace(f", {name} ", f", {name}_here {name} ")
    return query


def units(calls):
    found = 0
    for call in calls:
        consumed = call.response["ConsumedCapacity"]
        found += sum(
            c["CapacityUnits"] for c in (consumed if isinstance(consumed, list) else [consumed])
        )
    return found


def asked(db, proxy, query):
    """Sorted rows, and what was sent."""
    with proxy.record() as calls:
        rows = db.execute(query).fetchall()
    return sorted(rows, key=key), calls.data


# Of 60 outer rows: operation, and the requests and units that it takes by hand.
SCAN = ("Scan", 1, 88.5)
ONE = ("GetItem", 1, 0.5)
EACH = ("GetItem", 15, 7.5)
PARTITIONS = ("Query", 7, 90)

KINDS = [
    # conditions that change
    ("SELECT i, (SELECT count(*) FROM t WHERE t.v = l.v) FROM l", SCAN),
    ("SELECT i, (SELECT count(w) FROM e WHERE e.v = l.v) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.v = l.v) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.v < l.w) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.v IS NOT DISTINCT FROM l.w) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.v IN (l.v, l.w)) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.v = l.v OR t.w > l.i * 3) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.v = l.v AND t.w % 5 = l.i % 5) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.w % 5 = l.v) FROM l", SCAN),
    ("SELECT i, (SELECT max(w) FROM t WHERE t.pad LIKE 'x%' AND t.v::text = l.v::text) FROM l", SCAN),
    ("SELECT i, s.w FROM l, LATERAL (SELECT w FROM t WHERE t.v = l.v) s", SCAN),
    ("SELECT i, s.w FROM l, LATERAL (SELECT w FROM t WHERE t.v = l.v OFFSET 0) s", SCAN),
    (
        "SELECT i, s.w FROM l LEFT JOIN LATERAL (SELECT w FROM t WHERE t.v < l.v"
        " ORDER BY w LIMIT 2) s ON true",
        SCAN,
    ),
    ("SELECT i FROM l WHERE l.i > ALL (SELECT w FROM t WHERE t.v = l.v)", SCAN),
    ("SELECT i FROM l WHERE l.i IN (SELECT w FROM t WHERE t.v = l.v)", SCAN),
    # none does, further in
    (
        "SELECT i, (SELECT sum(n) FROM (SELECT v, count(*) AS n FROM t GROUP BY v OFFSET 0) s"
        " WHERE s.v = l.v) FROM l",
        SCAN,
    ),
    # the same key again
    ("SELECT i, (SELECT w + 1 FROM t WHERE t.id = l.c) FROM l", ONE),
    ("SELECT i, (SELECT w + 1 FROM t WHERE t.id = 'k7' AND t.v < l.v) FROM l", ONE),
    ("SELECT i, t.w FROM l JOIN t ON t.id = 'k7'", ONE),
    ("SELECT i, t.w FROM l LEFT JOIN t ON t.id = 'k7' AND t.w > l.v", ONE),
    ("SELECT i, t.w FROM l JOIN t ON t.id = l.c", ("BatchGetItem", 1, 0.5)),
    ("SELECT i, (SELECT w + 1 FROM t WHERE t.id = l.k) FROM l", EACH),
    ("SELECT i, (SELECT w + 1 FROM t WHERE t.id = l.k AND t.v > l.v) FROM l", EACH),
    ("SELECT i, (SELECT count(*) FROM e WHERE e.pk = l.p) FROM l", PARTITIONS),
    ("SELECT i, (SELECT count(*) FROM e WHERE e.pk = l.p AND e.v = l.v) FROM l", PARTITIONS),
    ("SELECT i, (SELECT count(*) FROM e WHERE e.pk = 'p1' AND e.v = l.v) FROM l", ("Query", 1, 15)),
    (
        "SELECT i, (SELECT sk FROM e WHERE e.pk = l.p ORDER BY sk DESC LIMIT 1) FROM l",
        ("Query", 7, 3),
    ),
]


@pytest.mark.parametrize(("query", "expert"), KINDS)
def test_nothing_is_read_twice(t, proxy, query, expert):
    rows, calls = asked(t, proxy, query)
    assert rows == sorted(t.execute(here(query)).fetchall(), key=key) and rows
    operation, requests, read_units = expert
    assert set(calls.operations) == {operation}
    assert (len(calls), units(calls)) == (requests, read_units)


def test_units_are_those_of_calls_by_hand(t, proxy, ddb):
    """The numbers above are DynamoDB's own."""
    (name,) = t.execute(
        "SELECT option_value FROM pg_options_to_table((SELECT ftoptions FROM pg_foreign_table"
        " WHERE ftrelid = 't'::regclass)) WHERE option_name = 'table_name'"
    ).fetchone()
    scan = ddb.scan(TableName=name, ReturnConsumedCapacity="TOTAL")
    item = ddb.get_item(TableName=name, Key={"id": {"S": "k7"}}, ReturnConsumedCapacity="TOTAL")
    assert scan["ConsumedCapacity"]["CapacityUnits"] == SCAN[2]
    assert item["ConsumedCapacity"]["CapacityUnits"] == ONE[2]


# Runs that end with their first row.
EARLY = [
    "SELECT i, EXISTS (SELECT 1 FROM e WHERE e.pk = l.p) FROM l",
    "SELECT i, EXISTS (SELECT 1 FROM e WHERE e.pk = l.p AND e.v > l.v) FROM l",
    "SELECT i, (SELECT v FROM e WHERE e.pk = l.p AND e.sk > l.v LIMIT 1) IS NULL FROM l",
    "SELECT i, s.sk FROM l, LATERAL (SELECT sk FROM e WHERE e.pk = l.p AND e.v > l.v"
    " ORDER BY sk LIMIT 2) s",
    "SELECT i, s.sk FROM l, LATERAL (SELECT sk FROM e WHERE e.pk = l.p AND e.v + e.sk > l.v"
    " ORDER BY sk FETCH FIRST 2 ROWS WITH TIES) s",
    "SELECT i FROM l WHERE EXISTS (SELECT 1 FROM e WHERE e.pk = l.p AND e.sk + l.i > 100)",
    # the first row that was enough for one outer row is not for another
    "SELECT i, (SELECT o.i FROM e JOIN l o ON o.i = e.sk WHERE e.pk = l.p AND o.i > l.i % 30"
    " ORDER BY e.sk LIMIT 1) FROM l",
    "SELECT i, (SELECT e.sk FROM e, l o WHERE e.pk = l.p AND o.i = l.i AND e.v > o.v"
    " ORDER BY e.sk LIMIT 1) FROM l",
]


@pytest.mark.parametrize("query", EARLY)
def test_runs_that_end_early(t, proxy, query):
    """Also with every way to join but nested loops taken away, where rows are asked for beyond
    what was enough before."""
    expected = sorted(t.execute(here(query)).fetchall(), key=key)
    assert asked(t, proxy, query)[0] == expected
    for setting in ("enable_hashjoin", "enable_mergejoin", "ddb_fdw.batch_join", "enable_memoize"):
        t.execute(f"SET {setting} = off")
    assert asked(t, proxy, query)[0] == expected
    t.execute("SET enable_material = off")
    assert asked(t, proxy, query)[0] == expected


def test_more_than_memory_holds_goes_to_disk(t, proxy):
    t.execute("SET work_mem = '64kB'")
    t.execute("SET hash_mem_multiplier = 1")
    for query in (
        "SELECT i, (SELECT max(length(pad) + w) FROM t WHERE t.v = l.v) FROM l",
        "SELECT i, (SELECT max(length(pad)) FROM t WHERE t.w % 7 = l.v) FROM l",
        "SELECT i, (SELECT count(pad) FROM e WHERE e.pk = 'p1' AND e.v = l.v) FROM l",
    ):
        rows, calls = asked(t, proxy, query)
        assert rows == sorted(t.execute(here(query)).fetchall(), key=key)
        assert len(calls) == 1


def test_many_large_partitions_are_not_kept_in_memory(t, proxy):
    t.execute("SET work_mem = '64kB'")
    t.execute("SET hash_mem_multiplier = 1")
    for query in (
        "SELECT i, (SELECT max(length(pad) + sk) FROM e WHERE e.pk = l.p) FROM l",
        "SELECT i, (SELECT max(length(pad) + sk) FROM e WHERE e.pk = l.p AND e.v > l.v) FROM l",
        "SELECT i, (SELECT max(length(pad) + sk) FROM e WHERE e.pk = o.p AND e.v > o.v)"
        " FROM (SELECT * FROM l ORDER BY p, i OFFSET 0) o",
    ):
        rows, calls = asked(t, proxy, query)
        assert rows == sorted(t.execute(here(query)).fetchall(), key=key)
        assert len(calls) <= ROWS


def test_values_that_fit_no_column_stay_unread(t, proxy, make_table):
    """A wider run meets items that the conditions exclude: what does not fit there is no error,
    and the conditions are DynamoDB's again."""
    table = make_table(
        ("id",),
        "id:S",
        [{"id": f"k{n}", "v": n % 5, "w": n if n % 5 else "none"} for n in range(50)],
    )
    foreign_table(t, "odd", ["id text", "v int", "w int"], table_name=table.name)
    query = "SELECT i, (SELECT sum(w) FROM odd WHERE odd.v = l.v % 4 + 1) FROM l"
    rows = t.execute(query).fetchall()
    assert rows == t.execute(
        "SELECT i, (SELECT sum(n) FROM generate_series(0, 49) n WHERE n % 5 = v % 4 + 1) FROM l"
    ).fetchall()
    with pytest.raises(Exception, match="none"):
        t.execute("SELECT i, (SELECT sum(w) FROM odd WHERE odd.v = l.v % 4) FROM l")


def test_partitions_that_cannot_be(t, proxy):
    """Values that no key can have, and none: nothing is asked."""
    for value in ("NULL", "'p' || NULL", "repeat('x', 5000)"):
        query = f"SELECT i, (SELECT count(*) FROM e WHERE e.pk = {value} AND e.v = l.v) FROM l"
        rows, calls = asked(t, proxy, query)
        assert not calls and {count for _, count in rows} == {0}
        query = query.replace(value, f"(CASE WHEN l.i > 0 THEN {value} END)")
        rows, calls = asked(t, proxy, query)
        assert not calls and {count for _, count in rows} == {0}


def test_explain_says_it(t):
    def lines(query):
        plan = explain(t, query, ANALYZE="")
        (scan,) = [n for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan"]
        return scan.get("Rescans Served Locally"), scan.get("Rows Kept"), scan["Requests"]

    assert lines("SELECT i, (SELECT max(w) FROM t WHERE t.v = l.v) FROM l") == (ROWS - 1, ITEMS, 1)
    assert lines("SELECT i, (SELECT w + 1 FROM t WHERE t.id = l.k) FROM l") == (ROWS - 15, 15, 15)
    assert lines("SELECT * FROM t") == (None, None, 1)
    assert lines("SELECT * FROM t WHERE v = (SELECT max(v) FROM l)") == (None, None, 1)


def test_a_first_row_alone_is_not_read_for_later(t, proxy):
    """What is wanted of a subquery may be its first row: the rest is not read until several
    such runs have cost as much."""
    query = "SELECT (SELECT w FROM t WHERE t.v = l.v AND t.w > 3 LIMIT 1) FROM l WHERE i <= 2"
    rows, calls = asked(t, proxy, query)
    assert len(rows) == 2 and units(calls) < SCAN[2]


def test_one_statement_sees_one_picture(t):
    """A function that writes between runs changes nothing of what the statement reads."""
    t.execute("""
        CREATE FUNCTION write(k text) RETURNS int LANGUAGE plpgsql AS
        $$BEGIN UPDATE t SET w = -1 WHERE id = k; RETURN 1; END$$
    """)
    rows = t.execute(
        "SELECT write('k7'), (SELECT w + 1 FROM t WHERE t.id = l.c) FROM l WHERE i <= 3"
    ).fetchall()
    assert len({w for _, w in rows}) == 1
    assert t.execute("SELECT w FROM t WHERE id = 'k7'").fetchone() == (-1,)


def test_volatile_conditions_are_asked_each_time(t):
    t.execute("CREATE SEQUENCE s")
    t.execute("SELECT i, (SELECT w FROM t WHERE t.id = l.c AND nextval('s') > 0) FROM l")
    assert t.execute("SELECT last_value FROM s").fetchone() == (ROWS,)


@pytest.mark.parametrize("scroll", ["SCROLL", "NO SCROLL"])
def test_cursors(t, scroll):
    query = "SELECT i, (SELECT max(w) FROM t WHERE t.v = l.v) AS w FROM l"
    rows = t.execute(here(query)).fetchall()
    with t.transaction():
        t.execute(f"DECLARE c {scroll} CURSOR WITH HOLD FOR {query}")
        assert t.execute("FETCH 20 FROM c").fetchall() == rows[:20]
        if scroll == "SCROLL":
            assert t.execute("FETCH BACKWARD 5 FROM c").fetchall() == rows[18:13:-1]
            t.execute("MOVE ABSOLUTE 20 IN c")
    assert t.execute("FETCH ALL FROM c").fetchall() == rows[20:]


@pytest.mark.parametrize("concurrent", ["on", "off"])
def test_parts_below_an_append(t, proxy, make_table, concurrent):
    """Parts that are waited for together, where PostgreSQL lets them."""
    t.execute(f"SET enable_async_append = {concurrent}")
    t.execute("CREATE TABLE parts (id text, v int, w int) PARTITION BY LIST (w)")
    for part in range(3):
        items = [{"id": f"{part}/{n}", "v": n % 7, "w": part} for n in range(40)]
        table = make_table(("id",), "id:S", items)
        t.execute(
            f"CREATE FOREIGN TABLE part{part} PARTITION OF parts FOR VALUES IN ({part})"
            f" SERVER dynamo OPTIONS (table_name '{table.name}')"
        )
    t.execute("CREATE TABLE parts_here AS SELECT * FROM parts")
    for query in (
        "SELECT i, (SELECT count(*) FROM parts WHERE v = l.v) FROM l",
        "SELECT i, (SELECT max(id) FROM parts WHERE v % 3 = l.v % 3) FROM l",
        "SELECT i, s.id FROM l, LATERAL (SELECT id FROM parts WHERE v = l.v"
        " ORDER BY id LIMIT 2) s",
        "SELECT i, EXISTS (SELECT 1 FROM parts WHERE v = l.v AND w = l.w) FROM l",
    ):
        rows, calls = asked(t, proxy, query)
        expected = t.execute(query.replace("parts", "parts_here")).fetchall()
        assert rows == sorted(expected, key=key)
        assert len(calls) <= 6


def test_subqueries_of_a_recursive_query(t, proxy):
    query = (
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5"
        " AND EXISTS (SELECT 1 FROM t WHERE t.v = r.n)) SELECT n FROM r"
    )
    rows, calls = asked(t, proxy, query)
    assert rows == sorted(t.execute(here(query)).fetchall()) and len(calls) <= 4


def test_the_rows_of_a_write_are_not_kept(t):
    for name in ("t", "t_here"):
        t.execute(f"UPDATE {name} SET w = -l.i FROM l WHERE {name}.id = l.k AND l.i <= 15")
        t.execute(
            f"UPDATE {name} SET v = (SELECT max(i) FROM l WHERE l.k = {name}.id) WHERE w < 0"
        )
        t.execute(f"DELETE FROM {name} WHERE v = (SELECT max(o.v) FROM {name} o)")
    query = "SELECT id, v, w FROM t ORDER BY id"
    assert t.execute(query).fetchall() == t.execute(here(query)).fetchall()
