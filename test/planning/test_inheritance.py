# SPDX-License-Identifier: PostgreSQL
"""Foreign tables as parents and as children of inheritance: every statement does
what it does over local tables."""

import pytest
from support.fdw import explain, make_server, plan_nodes
from support.systems import definition

KEYS = definition(("id",), "id:N")
COLUMNS = "id int NOT NULL, g text, v int"

# name: kind of the parent, then of each child; a number is the child it belongs to
TREES = {
    "local child": ("foreign", "local"),
    "foreign child": ("foreign", "foreign"),
    "local parent": ("local", "foreign"),
    "both": ("foreign", "local", "foreign"),
    "no child": ("foreign",),
}

READS = [
    "SELECT count(*) FROM p",
    "SELECT count(*) FROM ONLY p",
    "SELECT count(id), count(*) FROM p WHERE id > 0",
    "SELECT count(*) FROM p WHERE id = 1",
    "SELECT count(*) FROM p WHERE false",
    "SELECT count(*) FROM p WHERE id = 1 AND id = 2",
    "SELECT id, count(*) FROM p GROUP BY id ORDER BY id",
    "SELECT id, count(*) FROM p WHERE id IN (1, 11, 21) GROUP BY id ORDER BY id",
    "SELECT id, count(*) FROM p GROUP BY id HAVING count(*) > 0 ORDER BY id LIMIT 2",
    "SELECT g, count(*), max(v) FROM p GROUP BY g ORDER BY g",
    "SELECT g, id, count(*) FROM p GROUP BY ROLLUP (g, id) ORDER BY g, id",
    "SELECT DISTINCT id FROM p ORDER BY id",
    "SELECT DISTINCT ON (id) id, v FROM p ORDER BY id, v DESC",
    "SELECT min(id), max(id) FROM p",
    "SELECT * FROM p ORDER BY id LIMIT 3",
    "SELECT * FROM p ORDER BY id OFFSET 1 LIMIT 1",
    "SELECT id FROM p WHERE id = 11 FOR UPDATE OF p",
    "SELECT id, row_number() OVER (ORDER BY id) FROM p ORDER BY id",
    "SELECT count(*) FROM p a JOIN p b USING (id)",
    "SELECT a.id, b.v FROM p a JOIN p b ON b.id = a.v ORDER BY 1, 2",
    "SELECT a.id, b.v FROM p a LEFT JOIN p b ON b.id = a.id + 10 ORDER BY 1, 2",
    "SELECT count(*) FROM (SELECT DISTINCT g FROM p) s",
    "SELECT x, (SELECT count(*) FROM p WHERE id = x) FROM generate_series(1, 3) x ORDER BY x",
    "SELECT x, n FROM generate_series(1, 3) x, LATERAL (SELECT count(*) AS n FROM p WHERE id = x) s ORDER BY x",
    "SELECT id FROM p WHERE EXISTS (SELECT FROM p q WHERE q.id = p.id + 10) ORDER BY id",
    "SELECT id FROM p WHERE id NOT IN (SELECT id FROM ONLY p) ORDER BY id",
    "SELECT id FROM p UNION SELECT id + 1 FROM p ORDER BY 1",
    "WITH s AS MATERIALIZED (SELECT id FROM p) SELECT count(*) FROM s",
]

WRITES = [
    "UPDATE p SET v = v + 1 WHERE id < 12 RETURNING id, v",
    "UPDATE p SET v = 5 WHERE id = 11 RETURNING id, v",
    "UPDATE ONLY p SET v = -1 RETURNING id, v",
    "UPDATE p SET v = 0 WHERE false RETURNING id, v",
    "UPDATE p SET v = x.v FROM (VALUES (1, 100), (11, 110), (21, 120)) x(id, v)"
    " WHERE p.id = x.id RETURNING p.id, p.v",
    "DELETE FROM p WHERE id IN (2, 12) RETURNING id",
    "DELETE FROM p USING (VALUES (1), (11)) x(id) WHERE p.id = x.id RETURNING p.id",
    "INSERT INTO p VALUES (99, 'z', 9) RETURNING id",
    "DELETE FROM p RETURNING id, g",
]

SETTINGS = [
    (),
    ("enable_partitionwise_aggregate = on", "enable_partitionwise_join = on"),
    ("enable_hashagg = off", "enable_hashjoin = off", "enable_mergejoin = off"),
    ("parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0"),
]


def rows_of(offset):
    return [(offset + n, "ab"[n % 2], n) for n in range(1, 4)]


def make_local(db, name, suffix, rows):
    db.execute(f"CREATE TABLE {name} ({'' if suffix else COLUMNS}) {suffix}")
    with db.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {name} VALUES (%s, %s, %s)", rows)


@pytest.fixture
def make_tree(db, make_items, dynamodb):
    """Function: tables p and its children, and their local twins in schema twins."""
    make_server(db, dynamodb.endpoint)
    db.execute("CREATE SCHEMA twins")

    def make(kinds):
        for n, kind in enumerate(kinds):
            name, suffix = (f"c{n}", "INHERITS (p)") if n else ("p", "")
            twin = suffix.replace("p", "twins.p")
            make_local(db, f"twins.{name}", twin, rows_of(10 * n))
            if kind == "local":
                make_local(db, name, suffix, rows_of(10 * n))
                continue
            items = make_items(
                KEYS, [dict(zip(("id", "g", "v"), row, strict=True)) for row in rows_of(10 * n)]
            )
            db.execute(
                f"CREATE FOREIGN TABLE {name} ({'' if suffix else COLUMNS}) {suffix}"
                f" SERVER dynamo OPTIONS (table_name '{items.name}')"
            )
        return db

    return make


def answer(db, statement, schema):
    db.execute(f"SET search_path = {schema}")
    cursor = db.execute(statement)
    rows = cursor.fetchall() if cursor.description else []
    db.execute("SET search_path = public")
    return (rows if "ORDER BY" in statement else sorted(rows)), cursor.statusmessage


def assert_reads_agree(db):
    for settings in SETTINGS:
        db.execute("RESET ALL")
        for setting in settings:
            db.execute(f"SET {setting}")
        for read in READS:
            db.execute(f"EXPLAIN (VERBOSE) {read}")
            assert answer(db, read, "public") == answer(db, read, "twins"), (settings, read)


@pytest.mark.warns("rows of foreign table .* are not locked")
@pytest.mark.parametrize("kinds", TREES.values(), ids=TREES)
def test_reads(make_tree, kinds):
    db = make_tree(kinds)
    assert_reads_agree(db)
    db.execute("ANALYZE")
    assert_reads_agree(db)


@pytest.mark.parametrize("kinds", TREES.values(), ids=TREES)
def test_writes(make_tree, kinds):
    db = make_tree(kinds)
    for write in WRITES:
        db.execute(f"EXPLAIN (VERBOSE) {write}")
        assert answer(db, write, "public") == answer(db, write, "twins"), write
        whole = "SELECT tableoid::regclass::text, * FROM p ORDER BY 2"
        mine, twins = answer(db, whole, "public"), answer(db, whole, "twins")
        assert mine == ([(t.removeprefix("twins."), *r) for t, *r in twins[0]], twins[1]), write


@pytest.mark.warns("rows of foreign table .* are not locked")
def test_children_of_children(make_tree):
    db = make_tree(("foreign", "foreign"))
    for schema in ("public", "twins"):
        db.execute(f"SET search_path = {schema}")
        make_local(db, "grandchild", "INHERITS (c1)", rows_of(30))
    assert_reads_agree(db)


def test_partitions(make_tree):
    db = make_tree(("foreign", "local", "foreign"))
    for schema, kind in ("public", "FOREIGN TABLE"), ("twins", "TABLE"):
        db.execute(f"SET search_path = {schema}")
        for n in range(3):
            name = f"c{n}" if n else "p"
            one = "TABLE" if n == 1 else kind
            db.execute(f"ALTER {one} {name} RENAME TO part{n}")
            if n:
                db.execute(f"ALTER {one} part{n} NO INHERIT part0")
        db.execute(f"CREATE TABLE p ({COLUMNS}) PARTITION BY RANGE (id)")
        for n in range(3):
            db.execute(
                f"ALTER TABLE p ATTACH PARTITION part{n}"
                f" FOR VALUES FROM ({10 * n}) TO ({10 * n + 10})"
            )
    assert_reads_agree(db)


def test_parent_alone_counts_in_dynamodb(make_tree):
    db = make_tree(("foreign", "local"))
    (scan,) = plan_nodes(explain(db, "SELECT count(*) FROM ONLY p", verbose=True))
    assert scan["Node Type"] == "Foreign Scan"
    assert scan["Select"] == "COUNT"
