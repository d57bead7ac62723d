# SPDX-License-Identifier: PostgreSQL
"""Items have no ctid, xmin, xmax, cmin and cmax: statements that mean rows by them are
refused before anything is read or written.  tableoid is a row's own."""

import itertools

import psycopg
import pytest
from support.fdw import foreign_table, make_server
from support.systems import definition

KEYS = definition(("pk", "sk"), "pk:S sk:N")
COLUMNS = ["pk text NOT NULL", "sk int NOT NULL", "v int"]
SYSTEM = ["ctid", "xmin", "xmax", "cmin", "cmax"]
ROWS = [("a", 1, 10), ("a", 2, 20), ("b", 1, 30)]
HINT = 'Rows are told apart by key columns "pk" and "sk".'


@pytest.fixture
def items(make_items):
    return make_items(KEYS, [{"pk": pk, "sk": sk, "v": v} for pk, sk, v in ROWS])


@pytest.fixture
def t(db, proxy, items):
    """t; partitioned by pk: p with t_a, t_b (foreign) and t_c (local); inherited: parent
    with t and a row of its own; a view."""
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name=items.name)
    db.execute("CREATE TABLE p (pk text NOT NULL, sk int NOT NULL, v int) PARTITION BY LIST (pk)")
    for name in "ab":
        foreign_table(db, f"t_{name}", COLUMNS, table_name=items.name)
        db.execute(f"ALTER TABLE p ATTACH PARTITION t_{name} FOR VALUES IN ('{name}')")
    db.execute("CREATE TABLE t_c PARTITION OF p FOR VALUES IN ('c')")
    db.execute("INSERT INTO t_c VALUES ('c', 1, 1)")
    db.execute("CREATE TABLE parent (pk text NOT NULL, sk int NOT NULL, v int)")
    db.execute("INSERT INTO parent VALUES ('z', 1, 1)")
    db.execute("ALTER TABLE t INHERIT parent")
    db.execute("CREATE VIEW shown AS SELECT pk, sk, v, ctid AS c FROM t")
    db.execute(
        "CREATE VIEW checked AS SELECT * FROM t WHERE ctid IS NOT NULL WITH CHECK OPTION"
    )
    db.execute("CREATE TABLE local AS SELECT ctid AS c, pk, sk, v FROM t_c")
    return db


def everything(db):
    return db.execute("SELECT pk, sk, v FROM t ORDER BY pk, sk").fetchall()


def refuse(db, proxy, statement):
    """The error's parts, which come before any request for items."""
    with proxy.record() as calls, pytest.raises(psycopg.Error) as caught:
        db.execute(statement)
    assert caught.value.diag.sqlstate == "0A000"
    assert calls.data.operations == []
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        db.execute(f"EXPLAIN {statement}")
    return caught.value.diag


FIRST = "SELECT ctid FROM {0} LIMIT 1"
READS = [
    "SELECT {1} FROM {0}",
    "SELECT pk FROM {0} WHERE {1}::text <> ''",
    "SELECT count({1}) FROM {0}",
    "SELECT pk FROM {0} GROUP BY pk, {1}",
    "SELECT pk FROM {0} ORDER BY {1}::text",
    "SELECT a.v FROM {0} a JOIN {0} b ON a.{1}::text = b.{1}::text",
    "SELECT a.v FROM local a LEFT JOIN {0} b ON a.pk = b.pk AND b.{1}::text <> ''",
    "SELECT (SELECT a.v WHERE a.{1}::text <> '') FROM {0} a",
    "SELECT x.* FROM {0} a, LATERAL (SELECT a.{1} FROM local OFFSET 0) x",
    "SELECT row_number() OVER (PARTITION BY {1}::text) FROM {0}",
    "SELECT {1} FROM {0} UNION ALL SELECT NULL",
    "WITH w AS MATERIALIZED (SELECT {1} AS s, v FROM {0}) SELECT s FROM w",
    "SELECT pk, {1} FROM {0} WHERE pk = 'a' FOR UPDATE",
    "SELECT s.{1} FROM {0} s FOR UPDATE",
]
WRITES = [
    "DELETE FROM {0} WHERE ctid IN (" + FIRST + ")",
    "DELETE FROM {0} WHERE ctid = (" + FIRST + ")",
    "DELETE FROM {0} WHERE ctid = ANY (ARRAY(" + FIRST + "))",
    "DELETE FROM {0} WHERE ctid = '(0,1)'",
    "DELETE FROM {0} WHERE pk = 'a' AND sk = 1 AND ctid <> '(0,1)'",
    "DELETE FROM {0} a USING {0} b WHERE a.ctid > b.ctid AND a.pk = b.pk",
    "DELETE FROM {0} a USING local b WHERE a.ctid = b.c",
    "DELETE FROM {0} a WHERE EXISTS (SELECT FROM {0} b WHERE b.ctid < a.ctid)",
    "DELETE FROM {0} a WHERE ctid NOT IN (SELECT min(ctid) FROM {0} GROUP BY pk)",
    "UPDATE {0} SET v = 0 WHERE ctid IN (" + FIRST + ")",
    "UPDATE {0} SET v = 0 WHERE ctid = ANY (ARRAY(" + FIRST + "))",
    "UPDATE {0} SET v = 0 FROM (" + FIRST + ") x WHERE {0}.ctid = x.ctid",
    "UPDATE {0} SET v = length(ctid::text)",
    "UPDATE {0} SET v = (SELECT local.v FROM local WHERE local.c = {0}.ctid)",
    "UPDATE {0} SET (v) = (SELECT length({0}.ctid::text))",
    "UPDATE local SET v = 0 FROM {0} WHERE {0}.ctid = local.c",
    "DELETE FROM local USING {0} WHERE local.c = {0}.ctid",
    "INSERT INTO local SELECT ctid, pk, sk, v FROM {0}",
    "MERGE INTO local USING {0} s ON s.ctid = local.c WHEN MATCHED THEN DELETE",
    "MERGE INTO local USING {0} s ON s.pk = local.pk"
    " WHEN NOT MATCHED THEN INSERT (c, pk) VALUES (s.ctid, s.pk)",
]


def test_reads(t, proxy):
    for query, column in itertools.product(READS, SYSTEM):
        diag = refuse(t, proxy, query.format("t", column))
        assert diag.message_primary == (
            f'cannot use system column "{column}" of foreign table public.t'
        )
        assert diag.message_hint == HINT


def test_writes(t, proxy):
    for statement in WRITES:
        for table in ("t", "p", "parent"):
            assert refuse(t, proxy, statement.format(table)).message_hint == HINT
        # A view has no ctid of its own, but may show that of its table.
        statement = statement.replace("ctid", "c").format("shown")
        assert refuse(t, proxy, statement).message_hint == HINT
    assert everything(t) == ROWS


CHANGES = [
    "INSERT INTO {0} (pk, sk, v) VALUES ('b', 7, 1)",
    "INSERT INTO {0} (pk, sk, v) VALUES ('b', 1, 1) ON CONFLICT DO NOTHING",
    "UPDATE {0} SET v = 1",
    "UPDATE {0} SET v = 1 WHERE pk = 'b' AND sk = 1",
    "UPDATE {0} SET v = 1 FROM local WHERE {0}.sk = local.sk",
    "UPDATE {0} SET v = 1 WHERE false",
    "DELETE FROM {0}",
    "DELETE FROM {0} WHERE pk = 'b' AND sk = 1",
    "DELETE FROM {0} USING local WHERE {0}.sk = local.sk",
]


@pytest.mark.parametrize("change", CHANGES)
def test_returning(t, proxy, change):
    change = change.format("t")
    for column in SYSTEM:
        for expression in (f"t.{column}", f"t.v, (SELECT t.{column}::text)"):
            diag = refuse(t, proxy, f"{change} RETURNING {expression}")
            assert f'"{column}"' in diag.message_primary
            assert diag.message_hint == HINT
    refuse(t, proxy, f"WITH w AS ({change} RETURNING t.ctid) SELECT 1 FROM w")
    assert everything(t) == ROWS


@pytest.mark.parametrize("change", [c for c in CHANGES if c[0] != "I" and "false" not in c])
def test_returning_through_a_parent(t, proxy, change):
    for table in ("p", "parent"):
        refuse(t, proxy, change.format(table) + f" RETURNING {table}.ctid")
    assert everything(t) == ROWS


@pytest.mark.parametrize("trigger", [False, True])
def test_returning_of_rows_that_are_routed(t, trigger):
    """Found out when the first row comes: before that nobody knows where they go."""
    if trigger:
        t.execute(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER f BEFORE INSERT ON t_b FOR EACH ROW EXECUTE FUNCTION f()"
        )
    for statement in (
        "INSERT INTO p VALUES ('b', 5, 5), ('a', 5, 5) RETURNING ctid",
        "INSERT INTO p VALUES ('b', 5, 5) RETURNING v, xmin",
        "UPDATE p SET pk = 'b' WHERE pk = 'c' RETURNING cmin",
    ):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="system column"):
            t.execute(statement)
    assert everything(t) == ROWS
    assert t.execute("INSERT INTO p VALUES ('c', 5, 5) RETURNING ctid").fetchall() == [("(0,2)",)]


def test_checks_of_views(t, proxy):
    refuse(t, proxy, "INSERT INTO checked VALUES ('b', 7, 1)")
    refuse(t, proxy, "UPDATE checked SET v = 1")
    assert everything(t) == ROWS


def test_merge_into_partitions(t):
    """PostgreSQL's own refusal."""
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        t.execute(
            "MERGE INTO p USING local s ON p.pk = s.pk WHEN MATCHED THEN DELETE"
        )
    assert everything(t) == ROWS


def test_tableoid_and_whole_rows(t):
    query = "SELECT tableoid::regclass::text, count(*) FROM {} GROUP BY 1 ORDER BY 1"
    assert t.execute(query.format("t")).fetchall() == [("t", 3)]
    assert t.execute(query.format("parent")).fetchall() == [("parent", 1), ("t", 3)]
    assert t.execute(query.format("p") + ", 2").fetchall() == [("t_a", 3), ("t_b", 3), ("t_c", 1)]
    assert t.execute("SELECT t FROM t WHERE pk = 'b'").fetchall() == [("(b,1,30)",)]
    changed = t.execute(
        "UPDATE t SET v = 31 WHERE pk = 'b' AND tableoid = 't'::regclass"
        " RETURNING t, tableoid::regclass::text"
    ).fetchall()
    assert changed == [("(b,1,31)", "t")]
    gone = t.execute("DELETE FROM t WHERE tableoid = 0 RETURNING tableoid").fetchall()
    assert gone == []
    gone = t.execute(
        "DELETE FROM parent a USING parent b WHERE a.sk = b.sk AND a.pk = 'b' AND b.pk = 'z'"
        " RETURNING a, b, a.tableoid::regclass::text, b.tableoid::regclass::text"
    ).fetchall()
    assert gone == [("(b,1,31)", "(z,1,1)", "t", "parent")]


@pytest.mark.warns("rows of foreign table .* are not locked")
@pytest.mark.parametrize("strength", ["UPDATE", "SHARE", "NO KEY UPDATE", "KEY SHARE"])
def test_row_locks(t, strength):
    """For tables that are in part local the planner asks for ctid itself."""
    assert sorted(t.execute(f"SELECT pk, sk, v FROM t FOR {strength}").fetchall()) == ROWS
    rows = t.execute(f"SELECT pk, sk, v FROM parent FOR {strength}").fetchall()
    assert sorted(rows) == [*ROWS, ("z", 1, 1)]
    rows = t.execute(
        f"SELECT l.v, s.pk, s.sk FROM local l JOIN parent s USING (sk) FOR {strength}"
    ).fetchall()
    assert sorted(rows) == [(1, "a", 1), (1, "b", 1), (1, "z", 1)]
    rows = t.execute(f"SELECT p.pk FROM p WHERE v > 10 FOR {strength} OF p").fetchall()
    assert len(rows) == 4
    for query in (
        "SELECT ctid FROM parent",
        "SELECT pk FROM parent WHERE ctid IS NOT NULL",
        "SELECT pk FROM parent ORDER BY ctid",
        "SELECT xmin FROM p",
        "SELECT (SELECT parent.ctid) FROM parent",
        "SELECT s.v FROM parent s JOIN local l ON l.c = s.ctid",
        "SELECT x.* FROM parent s, LATERAL (SELECT s.ctid FROM local OFFSET 0) x",
    ):
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="system column"):
            t.execute(f"{query} FOR {strength}")


def test_updates_beside_tables_that_are_locked(t):
    """Other tables of an UPDATE are locked, too."""
    changed = t.execute(
        "UPDATE local SET v = s.v FROM parent s WHERE s.pk = 'b' AND s.sk = local.sk"
        " RETURNING local.v, s.tableoid::regclass::text"
    ).fetchall()
    assert changed == [(30, "t")]
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="system column"):
        t.execute(
            "UPDATE local SET v = s.v FROM parent s WHERE s.sk = local.sk RETURNING s.ctid"
        )


def test_prepared(t):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE d AS DELETE FROM t WHERE ctid = ANY (ARRAY(SELECT ctid FROM t LIMIT $1))")
    for _ in range(2):
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            t.execute("EXECUTE d (1)")
    assert everything(t) == ROWS


def test_hints_of_other_keys(db, dynamodb, make_items):
    make_server(db, dynamodb.endpoint)
    simple = make_items(definition(("id",), "id:S"))
    foreign_table(db, "renamed", ['"Id" text OPTIONS (attribute \'id\')'], table_name=simple.name)
    foreign_table(db, "without", ["v int"], table_name=simple.name)
    composite = make_items(KEYS)
    foreign_table(db, "half", ["pk text"], table_name=composite.name)
    for table, hint in {
        "renamed": 'Rows are told apart by key column "Id".',
        "without": 'Items are told apart by key attribute "id", which columns of the foreign'
        " table can show.",
        "half": 'Items are told apart by key attributes "pk" and "sk", which columns of the'
        " foreign table can show.",
    }.items():
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            db.execute(f"SELECT ctid FROM {table}")
        assert caught.value.diag.message_hint == hint
