# SPDX-License-Identifier: PostgreSQL
"""Joins and LATERAL subqueries over tables that are partitioned into foreign
tables, on two levels, with columns in different orders: as over local ones."""

import pytest
from support.fdw import explain, make_server, plan_nodes
from support.systems import definition, index

KEYS = definition(
    ("pk", "sk"), "pk:S sk:N v:N", gsis=[index("by-v", "v", projection="KEYS_ONLY")]
)
COLUMNS = "r int, pk text, sk int, v int", "v int, sk int, pk text, r int"

QUERIES = [
    "SELECT a.*, b.* FROM a JOIN b USING (r, pk)",
    "SELECT a.*, b.* FROM a JOIN b USING (r, pk, sk)",
    "SELECT a.*, b.* FROM a LEFT JOIN b USING (r, pk, sk)",
    "SELECT a.*, b.* FROM a LEFT JOIN b ON b.r = a.r AND b.pk = a.pk AND b.sk > a.sk",
    "SELECT a.*, b.* FROM a JOIN b ON b.r = a.r AND b.pk = a.pk AND b.sk + a.v > 1",
    "SELECT a.*, b.* FROM a JOIN b ON b.r = a.r AND b.pk = a.pk AND b.v = a.v",
    "SELECT a.*, b.* FROM a JOIN b ON b.r = a.r AND b.v = a.sk",
    "SELECT a.*, b.* FROM a JOIN b ON b.r = a.r AND b.pk = a.pk WHERE b.v > 0",
    "SELECT a.*, b.* FROM a JOIN b ON b.r = a.r AND b.pk = ANY (ARRAY[a.pk, 'p0'])",
    "SELECT a.*, b.* FROM a FULL JOIN b USING (r, pk, sk)",
    "SELECT a, b FROM a LEFT JOIN b USING (r, pk, sk)",
    "SELECT a.* FROM a WHERE EXISTS (SELECT FROM b WHERE b.r = a.r AND b.pk = a.pk)",
    "SELECT a.* FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.r = a.r AND b.pk = a.pk AND b.sk > a.sk)",
    "SELECT a.sk, x.sk, y.sk FROM a JOIN b x USING (r, pk) LEFT JOIN b y USING (r, pk)",
    "SELECT a.*, s.* FROM a LEFT JOIN LATERAL (SELECT coalesce(b.v, a.v), b.pk FROM b"
    " WHERE b.pk = a.pk AND b.r = a.r) s ON true",
    "SELECT a.*, s.* FROM a LEFT JOIN LATERAL (SELECT a.v AS c, b.pk FROM b"
    " WHERE b.pk = a.pk AND b.r = a.r AND b.v + a.v > 0) s ON s.c > 0",
    "SELECT l.*, s.* FROM l LEFT JOIN LATERAL (SELECT coalesce(b.v, l.n), b FROM b"
    " WHERE b.pk = l.k) s ON true",
    "SELECT l.*, s.* FROM l LEFT JOIN LATERAL (SELECT a.sk, coalesce(b.v, l.n) AS c FROM a"
    " LEFT JOIN b USING (r, pk) WHERE a.pk = l.k) s ON true",
    "SELECT l.*, s.* FROM l LEFT JOIN LATERAL (SELECT a.sk, l.n + a.v AS c FROM a"
    " LEFT JOIN b USING (r, pk) WHERE a.pk = l.k AND b.v >= l.n) s ON s.c > 1",
    "SELECT a.*, s.* FROM a LEFT JOIN LATERAL (SELECT b.sk + a.sk FROM b"
    " WHERE b.pk = a.pk AND b.r = a.r ORDER BY b.sk DESC LIMIT 1) s ON true",
    "SELECT a.*, s.* FROM a LEFT JOIN LATERAL (SELECT count(*), max(b.sk) FROM b"
    " WHERE b.pk = a.pk AND b.r = a.r) s ON true",
    "SELECT a.*, s.* FROM a LEFT JOIN LATERAL (SELECT x.sk, a.v + y.v FROM b x JOIN b y USING (r, pk)"
    " WHERE x.pk = a.pk AND x.r = a.r) s ON true",
]

SETTINGS = {
    "default": [],
    "partitionwise": ["enable_partitionwise_join = on", "enable_partitionwise_aggregate = on"],
    "partitionwise loops": [
        "enable_partitionwise_join = on",
        "ddb_fdw.batch_join = off",
        "enable_hashjoin = off",
        "enable_mergejoin = off",
        "enable_material = off",
    ],
    "loops": ["ddb_fdw.batch_join = off", "enable_hashjoin = off", "enable_mergejoin = off"],
}


def items_of(region):
    return [
        {"r": region, "pk": f"p{n % 3}", "sk": n, "v": n % 2} for n in range(6) if (n + region) % 4
    ]


def make_partitioned(db, make_items, schema, name):
    """Regions 1 and 2 on the first level, 3 and 4 on the second."""
    columns, others = COLUMNS
    db.execute(f"CREATE TABLE {schema}.{name} ({columns}) PARTITION BY LIST (r)")
    db.execute(
        f"CREATE TABLE {schema}.{name}_more PARTITION OF {schema}.{name} FOR VALUES IN (3, 4)"
        " PARTITION BY RANGE (r)"
    )
    for region in range(1, 5):
        parent, bounds = (
            (f"{name}_more", f"FROM ({region}) TO ({region + 1})")
            if region > 2
            else (name, f"IN ({region})")
        )
        table = f"{schema}.{name}{region}"
        own = others if region % 2 else columns
        if schema == "public":
            items = make_items(KEYS, items_of(region))
            db.execute(
                f"CREATE FOREIGN TABLE {table} ({own}) SERVER dynamo"
                f" OPTIONS (table_name '{items.name}')"
            )
        else:
            db.execute(f"CREATE TABLE {table} ({own})")
            with db.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO {table} (r, pk, sk, v) VALUES (%(r)s, %(pk)s, %(sk)s, %(v)s)",
                    items_of(region),
                )
        db.execute(f"ALTER TABLE {schema}.{parent} ATTACH PARTITION {table} FOR VALUES {bounds}")


@pytest.fixture
def tables(db, make_items, dynamodb):
    """Partitioned tables a and b, which is large as far as the planner knows, and
    local l; their twins in schema twins."""
    make_server(db, dynamodb.endpoint)
    db.execute("CREATE SCHEMA twins")
    for schema in ("public", "twins"):
        for name in ("a", "b"):
            make_partitioned(db, make_items, schema, name)
        db.execute(
            f"CREATE TABLE {schema}.l AS"
            " SELECT 'p' || n AS k, n FROM generate_series(0, 3) n"
        )
    db.execute(
        "UPDATE pg_class SET reltuples = 100000, relpages = 1000 WHERE relkind = 'f'"
        " AND relname LIKE 'b_'"
    )
    return db


def answer(db, query, schema):
    db.execute(f"SET search_path = {schema}")
    return sorted(db.execute(query).fetchall(), key=repr)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_same_as_local(tables, settings):
    for setting in settings:
        tables.execute(f"SET {setting}")
    for query in QUERIES:
        assert answer(tables, query, "public") == answer(tables, query, "twins"), query


def test_partitions_are_looked_up_by_key(tables):
    """Each partition's loop takes the key from just its own partition of a."""
    for setting in SETTINGS["partitionwise loops"]:
        tables.execute(f"SET {setting}")
    plan = explain(tables, "SELECT * FROM a JOIN b USING (r, pk, sk)")
    loops = [node for node in plan_nodes(plan) if node["Node Type"] == "Nested Loop"]
    assert len(loops) == 4
    for loop in loops:
        outer, inner = loop["Plans"]
        assert (outer["DynamoDB Operation"], inner["DynamoDB Operation"]) == ("Scan", "GetItem")
        assert outer["Relation Name"][1:] == inner["Relation Name"][1:]


def test_prepared_and_explained(tables):
    """Plans are made anew for other values, and kept."""
    tables.execute("SET enable_partitionwise_join = on")
    tables.execute("SET ddb_fdw.batch_join = off")
    tables.execute(
        "PREPARE s(int) AS SELECT count(*) FROM a JOIN b USING (r, pk, sk) WHERE a.v = $1"
    )
    for mode in ("force_custom_plan", "force_generic_plan"):
        tables.execute(f"SET plan_cache_mode = {mode}")
        tables.execute("EXPLAIN (ANALYZE, VERBOSE) EXECUTE s(1)")
        (expected,) = tables.execute(
            "SELECT count(*) FROM twins.a JOIN twins.b USING (r, pk, sk) WHERE a.v = 1"
        ).fetchone()
        assert tables.execute("EXECUTE s(1)").fetchone() == (expected,)
