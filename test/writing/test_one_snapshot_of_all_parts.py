# SPDX-License-Identifier: PostgreSQL
"""Parts of one statement do not see each other's effects: every part beside every read.

Each statement runs on a foreign table and on a local twin of it: it must return the same
rows and leave the same ones behind."""

import collections

import psycopg
import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.systems import definition, index

KEYS = definition(
    ("pk", "sk"), "pk:S sk:N v:N", gsis=[index("by_v", "pk", "v")], lsis=[]
)
COLUMNS = ["pk text", "sk int", "v int", "s text"]
ROWS = [
    {"pk": pk, "sk": i, "v": 10 * i, "s": f"{pk}{i}"} for pk in "ab" for i in range(1, 5)
]


def stored(items):
    found = items.scan(ConsistentRead=True)["Items"]
    return sorted((i["pk"], int(i["sk"]), int(i["v"]), i.get("s")) for i in found)


@pytest.fixture
def items(make_items):
    return make_items(KEYS, ROWS)


@pytest.fixture
def t(db, proxy, items):
    """Schema far has foreign tables, t2 the second name of t; schema near their twins."""
    make_server(db, proxy.endpoint)
    db.execute("CREATE SCHEMA near")
    db.execute("CREATE TABLE near.t (pk text, sk int, v int, s text, PRIMARY KEY (pk, sk))")
    db.execute("CREATE VIEW near.t2 AS SELECT pk, sk, v FROM near.t")
    reset(db, items)
    foreign_table(db, "t", COLUMNS, table_name=items.name)
    foreign_table(db, "t2", COLUMNS[:3], table_name=items.name)
    db.execute("CREATE TABLE numbers AS SELECT n FROM generate_series(1, 4) n")
    return db


def reset(db, items):
    """ROWS again, on both."""
    keep = [(row["pk"], row["sk"]) for row in ROWS]
    with items.batch_writer() as batch:
        for item in items.scan(ConsistentRead=True)["Items"]:
            if (item["pk"], item["sk"]) not in keep:
                batch.delete_item(Key={"pk": item["pk"], "sk": item["sk"]})
        for row in ROWS:
            batch.put_item(Item=row)
    db.execute("TRUNCATE near.t")
    for row in ROWS:
        db.execute("INSERT INTO near.t VALUES (%(pk)s, %(sk)s, %(v)s, %(s)s)", row)


def near(db):
    return db.execute("SELECT * FROM near.t ORDER BY pk, sk").fetchall()


def on_both(db, items, statement, parameters=None):
    """Runs it on both; they agree.  Gives its rows."""
    db.execute("SET search_path = near, public")
    expected = sorted(db.execute(statement, parameters).fetchall(), key=repr)
    db.execute("SET search_path = public")
    found = sorted(db.execute(statement, parameters).fetchall(), key=repr)
    assert (found, statement) == (expected, statement)
    assert (stored(items), statement) == (near(db), statement)
    return found


INSERTS = "WITH w AS (INSERT INTO t VALUES ('a', 42, 0) RETURNING sk) "
UPDATES = "WITH w AS (UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING sk, v) "
DELETES = "WITH w AS (DELETE FROM t WHERE sk < 3 RETURNING pk, sk, v) "

READS = {
    "all": "SELECT count(*), sum(v), min(s) FROM t",
    "counts": "SELECT count(*) FROM t WHERE pk = 'a'",
    "after it": "SELECT sum(t.v), n FROM t, (SELECT count(*) AS n FROM w) c GROUP BY n",
    "joined": "SELECT t.pk, t.v, w.sk FROM w JOIN t USING (sk)",
    "left": "SELECT w.sk, t.pk, t.v FROM w LEFT JOIN t ON t.pk = 'a' AND t.sk = w.sk",
    "item": "SELECT w.sk, t.v FROM w LEFT JOIN t ON t.pk = 'b' AND t.sk = w.sk",
    "correlated": "SELECT sk, (SELECT sum(v) FROM t WHERE t.sk = w.sk) FROM w",
    "exists": "SELECT sk, EXISTS (SELECT FROM t WHERE t.pk = 'a' AND t.sk = w.sk) FROM w",
    "missing": "SELECT sk FROM w WHERE NOT EXISTS (SELECT FROM t WHERE t.sk = w.sk)",
    "lateral": (
        "SELECT w.sk, l.v FROM w CROSS JOIN LATERAL"
        " (SELECT v FROM t WHERE t.sk = w.sk ORDER BY pk LIMIT 1) l"
    ),
    "initplan": "SELECT * FROM t WHERE sk = (SELECT min(sk) FROM w)",
    "key of initplan": "SELECT * FROM t WHERE pk = 'a' AND sk = (SELECT max(sk) FROM w)",
    "limit": "SELECT * FROM t ORDER BY pk, sk LIMIT (SELECT count(*) FROM w)",
    "limited": "SELECT sk FROM t WHERE pk = 'a' ORDER BY sk DESC LIMIT 1",
    "by index": "SELECT sk, v FROM t WHERE pk = 'a' AND v < 15",
    "in two steps": "SELECT s FROM t WHERE pk = 'a' AND v < 15",
    "union": "SELECT sk FROM w UNION ALL SELECT sk FROM t UNION ALL SELECT sk FROM t2",
    "second name": "SELECT sum(v), (SELECT count(*) FROM w) FROM t2",
    "twice": "SELECT count(*) FROM t a JOIN t2 b ON a.pk = b.pk AND a.sk = b.sk, w",
    "groups": "SELECT pk, count(*), sum(v) FROM t GROUP BY pk",
    "distinct": "SELECT DISTINCT pk FROM t",
    "tops": "SELECT DISTINCT ON (pk) * FROM t WHERE pk IN ('a', 'b') ORDER BY pk, sk DESC",
    "counted for each row": "SELECT pk, sk, (SELECT count(*) FROM w WHERE w.sk = t.sk), v, s FROM t",
    "asked for each row": (
        "SELECT pk, sk, v, s FROM t WHERE (SELECT count(*) FROM w WHERE w.sk = t.sk) < v"
    ),
    "joined to each row": "SELECT t.*, c FROM t, LATERAL (SELECT count(*) AS c FROM w WHERE w.sk = t.sk) c",
    "none": "SELECT 1 WHERE EXISTS (SELECT FROM t WHERE sk = 42)",
    "recursive": (
        "SELECT * FROM (WITH RECURSIVE r AS (SELECT 1 AS sk UNION ALL SELECT t.sk + 1"
        " FROM t, r WHERE t.pk = 'a' AND t.sk = r.sk) SELECT sk FROM r) r, w WHERE w.sk > 0"
    ),
}


@pytest.mark.parametrize("part", [INSERTS, UPDATES, DELETES], ids=["insert", "update", "delete"])
@pytest.mark.parametrize("loops", [False, True], ids=["", "loops"])
def test_main_query_reads(t, items, part, loops):
    if loops:
        t.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
    for query in READS.values():
        on_both(t, items, part + query)
        reset(t, items)


WRITES = {
    "update from insert": INSERTS
    + "UPDATE t SET v = t.v + w.sk FROM w RETURNING t.pk, t.sk, t.v",
    "update at once": INSERTS + "UPDATE t SET v = v + 1 RETURNING sk, v",
    "update by key": INSERTS + "UPDATE t SET v = 5 WHERE pk = 'a' AND sk = 42 RETURNING sk",
    "delete all": INSERTS + "DELETE FROM t RETURNING sk",
    "delete using insert": INSERTS + "DELETE FROM t USING w WHERE t.sk < w.sk RETURNING t.sk",
    "delete the new": INSERTS + "DELETE FROM t USING w WHERE t.sk = w.sk RETURNING t.sk",
    "delete by key": INSERTS + "DELETE FROM t WHERE pk = 'a' AND sk = 42 RETURNING sk",
    "insert what is deleted": DELETES
    + "INSERT INTO t SELECT pk, sk, v + 1 FROM w RETURNING pk, sk, v",
    "insert elsewhere": DELETES + "INSERT INTO t SELECT 'c', sk, v FROM w WHERE pk = 'a' RETURNING *",
    "insert a count": UPDATES
    + "INSERT INTO t SELECT 'c', max(w.sk), (SELECT sum(v) FROM t) FROM w RETURNING sk, v",
    "second name": "WITH w AS (INSERT INTO t2 VALUES ('a', 42, 0) RETURNING sk)"
    " UPDATE t SET v = v + 1 FROM w RETURNING t.sk",
    "different rows": "WITH w AS (UPDATE t SET v = 0 WHERE pk = 'a' RETURNING v)"
    " UPDATE t SET v = v + (SELECT count(*) FROM w) + (SELECT sum(v) FROM t)"
    " WHERE pk = 'b' RETURNING sk, v",
    "condition of before": "WITH w AS (UPDATE t SET v = 100 WHERE pk = 'a' RETURNING v)"
    " DELETE FROM t USING (SELECT count(*) FROM w) c WHERE v = 100 RETURNING sk",
    "three parts": "WITH i AS (INSERT INTO t VALUES ('c', 1, 1) RETURNING sk),"
    " u AS (UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING v),"
    " d AS (DELETE FROM t WHERE pk = 'b' RETURNING v)"
    " SELECT (SELECT sum(v) FROM t), (SELECT sum(v) FROM u), (SELECT sum(v) FROM d), sk FROM i",
    "parts that read each other": "WITH u AS (UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING sk, v),"
    " i AS (INSERT INTO t SELECT 'c', sk, v + (SELECT count(*) FROM t) FROM u RETURNING sk, v)"
    " DELETE FROM t USING i WHERE t.sk = i.sk AND t.pk IN ('b', 'c') RETURNING t.pk, t.sk, t.v, i.v",
    "read in between": "WITH r AS MATERIALIZED (SELECT * FROM t),"
    " w AS (UPDATE t SET v = 0 RETURNING sk)"
    " SELECT sum(r.v), count(w.sk) FROM w CROSS JOIN r",
    "read by nobody but a part": "WITH r AS MATERIALIZED (SELECT * FROM t),"
    " l AS (INSERT INTO numbers SELECT sum(v) FROM r)"
    " UPDATE t SET v = 0 RETURNING sk",
    "returned": "UPDATE t SET v = 0 WHERE pk = 'a' RETURNING sk, (SELECT sum(v) FROM t)",
    "returned, correlated": "UPDATE t SET v = 0 WHERE pk = 'a'"
    " RETURNING sk, v, (SELECT sum(o.v) FROM t o WHERE o.sk = t.sk)",
    "returned by delete": "DELETE FROM t WHERE pk = 'a'"
    " RETURNING sk, (SELECT count(*) FROM t), EXISTS (SELECT FROM t o WHERE o.sk = t.sk)",
    "returned by insert": "INSERT INTO t VALUES ('c', 1, 1), ('c', 2, 2)"
    " RETURNING sk, (SELECT count(*) FROM t), (SELECT count(*) FROM t o WHERE o.pk = t.pk)",
    "returned by a join": "UPDATE t SET v = n FROM numbers WHERE n = sk"
    " RETURNING sk, v, (SELECT sum(o.v) FROM t o WHERE o.pk = t.pk)",
    "returned by a part": "WITH w AS (DELETE FROM t WHERE pk = 'a'"
    " RETURNING sk, (SELECT count(*) FROM t o WHERE o.sk = t.sk) AS n)"
    " SELECT n, count(*), (SELECT count(*) FROM t) FROM w GROUP BY n",
    "returned from WITH": "WITH r AS (SELECT sum(v) AS v FROM t)"
    " UPDATE t SET v = 0 WHERE pk = 'a' RETURNING sk, (SELECT v FROM r)",
    "its own subquery": "UPDATE t SET v = (SELECT sum(v) FROM t o WHERE o.sk = t.sk) RETURNING sk, v",
    "nobody reads it": "WITH w AS (UPDATE t SET v = v + 1 WHERE pk = 'a')"
    " UPDATE t SET v = v + 2 WHERE pk = 'b' RETURNING sk, v",
    "of an index": "WITH w AS (UPDATE t SET v = v + 15 WHERE pk = 'a' AND v < 25 RETURNING v)"
    " SELECT t.sk, t.v FROM t, w WHERE t.pk = 'a' AND t.v BETWEEN 20 AND 40",
}


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES.keys())
def test_several_parts_write(t, items, statement):
    on_both(t, items, statement)
    assert near(t)


@pytest.mark.parametrize(
    "first", ["UPDATE t SET v = v + 1", "DELETE FROM t"], ids=["update", "delete"]
)
@pytest.mark.parametrize(
    "second", ["UPDATE t2 SET v = v * 2", "DELETE FROM t2"], ids=["update", "delete"]
)
def test_one_part_changes_an_item(t, items, first, second):
    """Whichever: so what both return is each item once, and it is what is left."""
    returned = t.execute(
        f"WITH a AS ({first} WHERE pk = 'a' RETURNING 1 AS part, sk, v),"
        f" b AS ({second} WHERE pk = 'a' AND sk < 4 RETURNING 2, sk, v)"
        " SELECT * FROM a UNION ALL SELECT * FROM b"
    ).fetchall()
    assert sorted(sk for _, sk, _ in returned) == [1, 2, 3, 4]
    updated = {
        sk: v for part, sk, v in returned if (first, second)[part - 1].startswith("UPDATE")
    }
    assert {sk: v for pk, sk, v, _ in stored(items) if pk == "a"} == updated
    assert all(v in (10 * sk + 1, 20 * sk) for sk, v in updated.items())


def test_an_item_that_was_deleted_and_inserted_anew_is_not_updated(t, items):
    """Nor one that replaced the item that the statement read."""
    t.execute(
        "WITH d AS (DELETE FROM t WHERE pk = 'a' AND sk = 1 RETURNING pk, sk),"
        " i AS (INSERT INTO t SELECT pk, sk, 7 FROM d RETURNING sk)"
        " UPDATE t SET v = t.v + 1 FROM i WHERE t.pk = 'a' AND t.sk = i.sk"
    )
    assert [row[:3] for row in stored(items) if row[0] == "a"][0] == ("a", 1, 7)
    t.execute("ALTER FOREIGN TABLE t OPTIONS (ADD insert_mode 'put')")
    t.execute(
        "WITH i AS (INSERT INTO t VALUES ('a', 2, 8) RETURNING sk)"
        " UPDATE t SET v = t.v + 1 FROM i WHERE t.pk = 'a' AND t.sk = i.sk"
    )
    assert [row[:3] for row in stored(items) if row[0] == "a"][1] == ("a", 2, 8)


def test_tables_of_other_servers_are_not_taken_for_one(t, db, items, proxy):
    """They may be other accounts: what both write, both write."""
    make_server(db, proxy.endpoint, name="other")
    foreign_table(db, "o", COLUMNS, server="other", table_name=items.name)
    t.execute(
        "WITH a AS (UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING sk),"
        " b AS (UPDATE o SET s = 'o' WHERE pk = 'a' RETURNING sk)"
        " SELECT FROM a FULL JOIN b USING (sk)"
    )
    assert [row[1:] for row in stored(items) if row[0] == "a"] == [
        (i, 10 * i + 1, "o") for i in range(1, 5)
    ]
    # But what one reads of the other's table, it reads before.
    assert t.execute(
        "WITH a AS (UPDATE t SET v = 0 WHERE pk = 'a' RETURNING sk)"
        " SELECT sum(v) FROM o, (SELECT count(*) FROM a) c WHERE pk = 'a'"
    ).fetchone() == (104,)


# ---- partitions, inheritance, views --------------------------------------------------


@pytest.fixture
def parts(db, proxy, make_items):
    """A table partitioned by pk: two foreign partitions, in schema near two local ones."""
    make_server(db, proxy.endpoint)
    tables = {pk: make_items(KEYS, [r for r in ROWS if r["pk"] == pk]) for pk in "ab"}
    db.execute("CREATE SCHEMA near")
    for schema in ("near", "public"):
        db.execute(f"SET search_path = {schema}")
        db.execute("CREATE TABLE t (pk text, sk int, v int, s text) PARTITION BY LIST (pk)")
        for pk, table in tables.items():
            if schema == "near":
                db.execute(f"CREATE TABLE t_{pk} PARTITION OF t FOR VALUES IN ('{pk}')")
            else:
                db.execute(
                    f"CREATE FOREIGN TABLE t_{pk} PARTITION OF t FOR VALUES IN ('{pk}')"
                    f" SERVER dynamo OPTIONS (table_name '{table.name}')"
                )
    for row in ROWS:
        db.execute("INSERT INTO near.t VALUES (%(pk)s, %(sk)s, %(v)s, %(s)s)", row)
    return db, tables


PARTITIONED = {
    "insert, read all": "WITH w AS (INSERT INTO t_a VALUES ('a', 42, 0) RETURNING sk)"
    " SELECT count(*), (SELECT count(*) FROM w) FROM t",
    "insert, update all": "WITH w AS (INSERT INTO t_a VALUES ('a', 42, 0) RETURNING sk)"
    " UPDATE t SET v = v + w.sk FROM w RETURNING t.sk, t.v",
    "update all, read one": "WITH w AS (UPDATE t SET v = v + 1 RETURNING sk)"
    " SELECT w.sk, a.v FROM w LEFT JOIN t_a a ON a.sk = w.sk",
    "delete one, delete all": "WITH w AS (DELETE FROM t_a WHERE sk < 3 RETURNING sk)"
    " DELETE FROM t USING w WHERE t.sk = w.sk RETURNING t.pk, t.sk",
    "update both": "WITH w AS (UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING sk, v)"
    " UPDATE t SET v = w.v FROM w WHERE t.pk = 'b' AND t.sk = w.sk RETURNING t.sk, t.v",
    "insert into the parent": "WITH w AS (INSERT INTO t VALUES ('a', 42, 0), ('b', 43, 0) RETURNING sk)"
    " SELECT sum(v), count(*), (SELECT count(*) FROM w) FROM t_b",
    "insert into the parent, update": "WITH w AS (INSERT INTO t VALUES ('a', 42, 0) RETURNING sk)"
    " UPDATE t_a SET v = t_a.v + w.sk FROM w RETURNING t_a.sk, t_a.v",
    "delete, insert": "WITH w AS (DELETE FROM t_a RETURNING sk)"
    " INSERT INTO t_a SELECT 'a', sk, (SELECT sum(v) FROM t) FROM w RETURNING sk, v",
}


@pytest.mark.parametrize("statement", PARTITIONED.values(), ids=PARTITIONED.keys())
@pytest.mark.parametrize("partitionwise", ["off", "on"])
def test_partitions(parts, statement, partitionwise):
    db, tables = parts
    db.execute(f"SET enable_partitionwise_join = {partitionwise}")
    db.execute("SET search_path = near")
    expected = sorted(db.execute(statement).fetchall(), key=repr)
    db.execute("SET search_path = public")
    found = db.execute(statement).fetchall()
    if statement == PARTITIONED["delete one, delete all"]:
        # Which part deletes an item that both find is nobody's to say.
        expected = {pk: n for pk, n in collections.Counter(r[0] for r in expected).items() if pk == "b"}
        assert collections.Counter(r[0] for r in found if r[0] == "b") == expected
    else:
        assert sorted(found, key=repr) == expected
    for pk, table in tables.items():
        assert stored(table) == db.execute(
            f"SELECT * FROM near.t_{pk} ORDER BY pk, sk"
        ).fetchall()


def test_inheritance(t, items, make_items):
    parent = make_items(KEYS, [{"pk": "p", "sk": 1, "v": 1}])
    foreign_table(t, "parent", COLUMNS, table_name=parent.name)
    t.execute("ALTER FOREIGN TABLE t INHERIT parent")
    assert t.execute(INSERTS + "SELECT count(*), (SELECT count(*) FROM w) FROM parent").fetchone() == (9, 1)
    assert t.execute(
        "WITH w AS (UPDATE parent SET v = v + 1 RETURNING sk)"
        " SELECT sum(v), (SELECT count(*) FROM w) FROM t"
    ).fetchone() == (200, 10)


def test_views(t, items):
    t.execute("CREATE VIEW v AS SELECT * FROM t WHERE v < 25")
    t.execute("CREATE VIEW near.v AS SELECT * FROM near.t WHERE v < 25")
    for statement in (
        "WITH w AS (UPDATE v SET v = v + 10 RETURNING sk) SELECT v.sk, v.v FROM v JOIN w USING (sk)",
        "WITH w AS (DELETE FROM v WHERE pk = 'a' RETURNING sk) UPDATE v SET v = 1 FROM w RETURNING v.sk, v.v",
    ):
        on_both_views(t, items, statement)


def on_both_views(db, items, statement):
    db.execute("SET search_path = near, public")
    expected = collections.Counter(db.execute(statement).fetchall())
    db.execute("SET search_path = public")
    found = collections.Counter(db.execute(statement).fetchall())
    assert found == expected
    assert stored(items) == near(db)


# ---- how ------------------------------------------------------------------------------


def read_nodes(db, statement):
    return [n for n in plan_nodes(explain(db, statement)) if n["Node Type"] == "Foreign Scan"]


def test_explain_tells_which_scans(t):
    def read_first(statement):
        return [node.get("Read") for node in read_nodes(t, statement)]

    before = "before the statement writes"
    assert read_first(INSERTS + "SELECT sum(v) FROM t") == [before]
    assert read_first(INSERTS + "SELECT count(*) FROM t") == [before]
    assert read_first("SELECT sum(v) FROM t") == [None]
    assert read_first("UPDATE t SET v = v + 1") == [None]
    assert read_first("UPDATE t SET v = n FROM numbers WHERE sk = n") == [None]
    assert read_first("INSERT INTO t SELECT 'c', sk, v FROM t") == [None]
    assert read_first("WITH r AS MATERIALIZED (SELECT * FROM t) SELECT * FROM r") == [None]
    assert read_first("WITH w AS (DELETE FROM numbers RETURNING n) SELECT n, v FROM w, t") == [None]


def test_reads_that_nobody_writes_are_as_ever(t, db, make_items, proxy):
    """Keys of rows that are returned are looked up together in another table."""
    other = make_items(KEYS, ROWS)
    foreign_table(db, "o", COLUMNS, table_name=other.name)
    with proxy.record() as calls:
        rows = db.execute(
            "WITH w AS (UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING pk, sk)"
            " SELECT o.sk FROM w JOIN o USING (pk, sk)"
        ).fetchall()
    assert sorted(rows) == [(1,), (2,), (3,), (4,)]
    assert calls.count("BatchGetItem") == 1


def test_keys_that_are_known_are_still_asked_for(t, proxy):
    """Constants and parameters; and all of it before the first write."""
    t.execute("SET plan_cache_mode = force_generic_plan")
    with proxy.record() as calls:
        rows = t.execute(
            "WITH w AS (UPDATE t SET v = 0 WHERE pk = %s AND sk = 1 RETURNING sk)"
            " SELECT t.sk, t.v FROM t, w WHERE t.pk = %s AND t.sk <= 2",
            ("a", "a"),
            prepare=True,
        ).fetchall()
    assert sorted(rows) == [(1, 10), (2, 20)]
    assert calls.count("Query") == 1 and calls.count("Scan") == 0
    assert calls.operations.index("Query") < calls.operations.index("UpdateItem")


def test_nothing_is_read_twice_or_for_nothing(t, proxy):
    """However often the main query asks; and not before a part writes."""
    t.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off")
    with proxy.record() as calls:
        t.execute(UPDATES + "SELECT (SELECT sum(t.v) FROM t WHERE t.sk = n) FROM numbers, w")
    assert calls.count("Scan") == 1
    assert calls.operations.index("Scan") < calls.operations.index("UpdateItem")
    with proxy.record() as calls:
        t.execute(
            "WITH w AS (UPDATE t SET v = 0 WHERE pk = 'none' RETURNING sk)"
            " SELECT (SELECT sum(v) FROM t WHERE t.sk = w.sk) FROM w"
        )
    assert calls.count("Scan") == 0


def test_more_rows_than_memory_holds(t, items):
    t.execute("SET work_mem = '64kB'")
    t.execute("INSERT INTO t SELECT 'big', i, i, repeat('x', 500) FROM generate_series(1, 1500) i")
    found = t.execute(
        "WITH w AS (UPDATE t SET v = v + 1 WHERE pk = 'big' RETURNING sk, v)"
        " SELECT count(*), sum(t.v), sum(w.v), min(length(t.s))"
        " FROM w JOIN t ON t.sk = w.sk AND t.pk = 'big'"
    ).fetchone()
    assert found == (1500, 1125750, 1127250, 500)


def test_a_refused_write_forgets_the_statement(t):
    """The next one, and one inside a function, start anew."""
    t.execute(
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN"
        " WITH w AS (UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING v)"
        " SELECT sum(t.v) INTO n FROM t, (SELECT count(*) FROM w) c; RETURN n; END $$"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        t.execute(
            "WITH w AS (INSERT INTO t VALUES ('a', 1, 1) RETURNING sk) SELECT sum(v) FROM t, w"
        )
    assert t.execute("SELECT total(), total()").fetchone() == (200, 204)
    assert t.execute(
        "WITH w AS (DELETE FROM t WHERE pk = 'b' RETURNING total() AS n)"
        " SELECT min(n), max(n), (SELECT sum(v) FROM t) FROM w"
    ).fetchone() == (108, 120, 208)


def test_a_table_without_key_columns_is_written_by_one_part(t, items):
    """Told when the statement is planned, before anything is written."""
    foreign_table(t, "keyless", ["pk text", "v int"], table_name=items.name)
    statement = "UPDATE keyless SET v = v + 1 WHERE pk = 'a'"
    with pytest.raises(psycopg.Error) as caught:
        t.execute(f"WITH w AS ({statement} RETURNING v) UPDATE t SET v = 0 WHERE pk = 'b'")
    assert caught.value.diag.sqlstate == "0A000"
    assert stored(items) == near(t)
    total = t.execute(
        f"WITH w AS ({statement} RETURNING v) SELECT sum(v), (SELECT count(*) FROM w) FROM t"
    ).fetchone()
    assert total == (200, 4)
