# SPDX-License-Identifier: PostgreSQL
"""CHECK, NOT NULL and the bounds of partitions hold for what is written: PostgreSQL leaves
that to foreign data wrappers, and relies on it when it leaves out partitions."""

import psycopg
import pytest
from support.fdw import explain, foreign_table
from support.systems import definition

KEYS = definition(("id",), "id:N")
COLUMNS = ["id int NOT NULL", "region int", "v int", "w int"]
FILLED = [{"id": 100, "region": 1, "v": 1, "w": 5}, {"id": 101, "region": 1, "v": 2, "w": 5}]
CHECKED = [
    "id int",
    "v int CHECK (v > 0)",
    "w int NOT NULL",
    "s text",
    "CONSTRAINT order_of CHECK (v < w)",
]


@pytest.fixture
def items(make_items):
    return make_items(KEYS, FILLED)


@pytest.fixture
def p(dynamo, items, make_items):
    """p by region: 1 and 2 are foreign, 3 is local; 4 is divided by v, its lower half
    foreign; all else is in a foreign default partition."""
    dynamo.execute(f"CREATE TABLE p ({', '.join(COLUMNS)}) PARTITION BY LIST (region)")
    dynamo.tables = {"p1": items}
    for name, bounds in {"p1": "FOR VALUES IN (1)", "p2": "FOR VALUES IN (2)"}.items():
        make_part(dynamo, make_items, name, "p", bounds)
    dynamo.execute("CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3)")
    dynamo.execute("CREATE TABLE p4 PARTITION OF p FOR VALUES IN (4) PARTITION BY RANGE (v)")
    make_part(dynamo, make_items, "p4_low", "p4", "FOR VALUES FROM (0) TO (10)")
    dynamo.execute("CREATE TABLE p4_high PARTITION OF p4 FOR VALUES FROM (10) TO (20)")
    make_part(dynamo, make_items, "rest", "p", "DEFAULT")
    return dynamo


def make_part(db, make_items, name, parent, bounds):
    """A foreign partition, with its columns in another order than the parent's."""
    if name not in db.tables:
        db.tables[name] = make_items(KEYS)
    foreign_table(
        db,
        name,
        ["x int", "v int", "w int", "region int", "id int NOT NULL"],
        table_name=db.tables[name].name,
    )
    db.execute(f"ALTER FOREIGN TABLE {name} DROP COLUMN x")
    db.execute(f"ALTER TABLE {parent} ATTACH PARTITION {name} {bounds}")


def stored(table):
    found = table.scan(ConsistentRead=True)["Items"]
    return sorted(({k: int(v) for k, v in item.items()} for item in found), key=lambda i: i["id"])


def refuse(db, statement, sqlstate="23514", parameters=None):
    with pytest.raises(psycopg.Error) as caught:
        db.execute(statement, parameters)
    assert caught.value.diag.sqlstate == sqlstate, caught.value
    return caught.value.diag


# ---- partitions ---------------------------------------------------------------------


def test_rows_that_another_partition_holds(p):
    diag = refuse(p, "INSERT INTO p1 (id, region) VALUES (7, 2)")
    assert diag.message_primary == 'new row for relation "p1" violates partition constraint'
    assert diag.message_detail == "Failing row has the key (id)=(7)."
    assert diag.table_name == "p1"
    for statement in (
        "INSERT INTO p1 (id, region) VALUES (7, 1), (8, NULL)",
        "INSERT INTO p1 (id) VALUES (7)",
        "INSERT INTO p1 (id, region) SELECT i, 3 FROM generate_series(1, 3) i",
        "INSERT INTO p1 (id, region) VALUES (7, 2) RETURNING *",
        "INSERT INTO p1 (id, region) VALUES (7, 2) ON CONFLICT DO NOTHING",
        "INSERT INTO p1 (id, region) VALUES (100, 2) ON CONFLICT DO NOTHING",
        "INSERT INTO p4_low (id, region, v) VALUES (7, 4, 10)",
        "INSERT INTO p4_low (id, region, v) VALUES (7, 3, 1)",
        "INSERT INTO p4_low (id, region) VALUES (7, 4)",
        "INSERT INTO rest (id, region) VALUES (7, 1)",
        "INSERT INTO rest (id, region) VALUES (7, 4)",
        "WITH w AS (INSERT INTO p2 (id, region) VALUES (7, 1) RETURNING 1) SELECT * FROM w",
    ):
        refuse(p, statement)
    with pytest.raises(psycopg.errors.CheckViolation), p.cursor().copy(
        "COPY p1 (id, region) FROM STDIN"
    ) as copy:
        copy.write_row((7, 1))
        copy.write_row((8, 2))
    assert stored(p.tables["p1"]) == FILLED
    for name in ("p2", "p4_low", "rest"):
        assert stored(p.tables[name]) == []


def test_rows_that_belong(p):
    p.execute("INSERT INTO p1 (id, region) VALUES (7, 1)")
    p.execute("INSERT INTO p4_low (id, region, v) VALUES (7, 4, 9)")
    p.execute("INSERT INTO rest (id, region) VALUES (7, NULL), (8, 5)")
    with p.cursor().copy("COPY p2 (id, region) FROM STDIN") as copy:
        copy.write_row((7, 2))
    with p.cursor().copy("COPY p (id, region, v) FROM STDIN") as copy:
        for region in (1, 2, 3, 4, 5):
            copy.write_row((9, region, 1))
    assert p.execute(
        "SELECT tableoid::regclass::text, count(*) FROM p GROUP BY 1 ORDER BY 1"
    ).fetchall() == [("p1", 4), ("p2", 2), ("p3", 1), ("p4_low", 2), ("rest", 3)]


UPDATES = [
    "UPDATE {0} SET region = 2 WHERE id = 100",
    "UPDATE {0} SET region = 2 WHERE id = 100 AND v = 1",
    "UPDATE {0} SET region = 2 WHERE id IN (100, 101)",
    "UPDATE {0} SET region = v WHERE region = 1 AND v = 2",
    "UPDATE {0} SET region = NULL",
    "UPDATE {0} SET region = 2 RETURNING *",
    "UPDATE {0} SET v = 5, region = region + 1",
    "UPDATE {0} SET region = 2 FROM (VALUES (100)) x (k) WHERE id = k",
    "UPDATE {0} SET region = (SELECT 2) WHERE id = 100",
    "UPDATE {0} SET (v, region) = (SELECT 1, 2) WHERE id = 100",
    "WITH w AS (UPDATE {0} SET region = 2 RETURNING id) SELECT * FROM w",
]


@pytest.mark.parametrize("statement", UPDATES)
def test_rows_that_would_have_to_move(p, statement):
    """PostgreSQL moves no row out of a foreign partition."""
    for table in ("p", "p1"):
        refuse(p, statement.format(table))
    p.execute("SET plan_cache_mode = force_generic_plan")
    refuse(p, "UPDATE p SET region = %s WHERE id = 100", parameters=[2])
    assert stored(p.tables["p1"]) == FILLED


def test_rows_that_stay(p):
    assert p.execute("UPDATE p SET region = 1, v = 7 WHERE id = 100").rowcount == 1
    assert p.execute("UPDATE p SET region = region").rowcount == 2
    assert p.execute("UPDATE p1 SET region = 1 WHERE id IN (100, 999)").rowcount == 1
    assert p.execute("SELECT v FROM p WHERE region = 1 ORDER BY id").fetchall() == [(7,), (2,)]
    p.execute("INSERT INTO p (id, region, v) VALUES (1, 4, 1), (2, 9, 1)")
    assert p.execute("UPDATE p SET v = 9 WHERE region IN (4, 9)").rowcount == 2
    assert p.execute("UPDATE p SET region = 8 WHERE region = 9").rowcount == 1
    refuse(p, "UPDATE p SET v = 10 WHERE region = 4")
    refuse(p, "UPDATE p SET region = 2 WHERE region = 8")
    refuse(p, "UPDATE rest SET region = 3")
    assert stored(p.tables["p4_low"]) == [{"id": 1, "region": 4, "v": 9}]
    assert stored(p.tables["rest"]) == [{"id": 2, "region": 8, "v": 9}]


def test_rows_that_move_into_a_foreign_partition(p):
    p.execute("INSERT INTO p (id, region, v) VALUES (1, 3, 1)")
    assert p.execute("UPDATE p SET region = 2 WHERE region = 3").rowcount == 1
    assert stored(p.tables["p2"]) == [{"id": 1, "region": 2, "v": 1}]
    assert p.execute("SELECT count(*) FROM p3").fetchone() == (0,)


def test_rows_that_a_trigger_takes_elsewhere(p):
    p.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.region := 3; RETURN NEW; END';"
        "CREATE TRIGGER f BEFORE INSERT OR UPDATE ON p1 FOR EACH ROW EXECUTE FUNCTION f()"
    )
    refuse(p, "INSERT INTO p1 (id, region) VALUES (7, 1)")
    refuse(p, "INSERT INTO p (id, region) VALUES (7, 1)")
    refuse(p, "UPDATE p SET v = 8 WHERE id = 100")
    with pytest.raises(psycopg.errors.CheckViolation), p.cursor().copy(
        "COPY p (id, region) FROM STDIN"
    ) as copy:
        copy.write_row((7, 1))
    assert stored(p.tables["p1"]) == FILLED


def test_no_row_breaks_nothing(p, proxy):
    """Of a key that no item has; it takes a look only where there would be an error."""
    for table in ("p1", "p"):
        query = f"UPDATE {table} SET region = 2 WHERE id = 5"
        assert p.execute(query).rowcount == 0
    with proxy.record() as calls:
        assert p.execute("UPDATE p1 SET region = 1, v = 3 WHERE id = 100").rowcount == 1
    assert calls.data.operations == ["UpdateItem"]
    with proxy.record() as calls:
        assert p.execute("UPDATE p1 SET v = 3 WHERE id = 100").rowcount == 1
    assert calls.data.operations == ["UpdateItem"]
    with proxy.record() as calls:
        refuse(p, "UPDATE p1 SET region = 2 WHERE id = 100")
    assert calls.data.operations == ["GetItem"]
    # One that looks at more than what is set has to read that.
    with proxy.record() as calls:
        assert p.execute("UPDATE p4_low SET v = 3 WHERE id = 100").rowcount == 0
    assert calls.data.operations == ["GetItem"]


def test_values_are_computed_once(p):
    """Also where they are looked at before it is known whether there is a row."""
    p.execute("CREATE SEQUENCE s")
    assert p.execute("UPDATE p1 SET region = nextval('s') WHERE id = 100").rowcount == 1
    assert p.execute("UPDATE p1 SET v = nextval('s') WHERE id = 100").rowcount == 1
    assert stored(p.tables["p1"])[0] == {"id": 100, "region": 1, "v": 2, "w": 5}


# ---- CHECK and NOT NULL -------------------------------------------------------------


@pytest.fixture
def t(dynamo, items):
    foreign_table(dynamo, "t", CHECKED, table_name=items.name)
    return dynamo


def test_checks_of_new_rows(t, items):
    diag = refuse(t, "INSERT INTO t VALUES (7, 0, 1)")
    assert diag.message_primary == 'new row for relation "t" violates check constraint "t_v_check"'
    assert (diag.table_name, diag.constraint_name) == ("t", "t_v_check")
    diag = refuse(t, "INSERT INTO t VALUES (7, 1)", "23502")
    assert diag.message_primary == (
        'null value in column "w" of relation "t" violates not-null constraint'
    )
    assert (diag.table_name, diag.column_name) == ("t", "w")
    refuse(t, "INSERT INTO t VALUES (7, 1, 2), (8, 2, 2)")
    refuse(t, "INSERT INTO t VALUES (7, 2, 2) ON CONFLICT DO NOTHING")
    refuse(t, "INSERT INTO t VALUES (7, 2, 2) RETURNING id")
    refuse(t, "INSERT INTO t (id) VALUES (7)", "23502")
    for row in ((7, 0, 5), (7, 5, 5)):
        with pytest.raises(psycopg.errors.CheckViolation), t.cursor().copy(
            "COPY t (id, v, w) FROM STDIN"
        ) as copy:
            copy.write_row((8, 1, 2))
            copy.write_row(row)
    t.execute("ALTER FOREIGN TABLE t OPTIONS (ADD insert_mode 'put')")
    refuse(t, "INSERT INTO t VALUES (100, 1, 2), (101, 2, 2)")
    assert stored(items) == FILLED
    # NULL breaks no CHECK.
    t.execute("INSERT INTO t (id, w) VALUES (7, 3)")
    assert len(stored(items)) == 3


UPDATED = {
    "SET v = 0": "23514",
    "SET v = 5": "23514",
    "SET v = v + 4": "23514",
    "SET w = 1": "23514",
    "SET w = v": "23514",
    "SET w = NULL": "23502",
    "SET w = NULL, v = NULL": "23502",
    "SET v = 9, w = 9": "23514",
    "SET v = 4": None,
    "SET v = 8, w = 9": None,
    "SET v = NULL": None,
    "SET s = '1'": None,
}


@pytest.mark.parametrize("change", UPDATED)
def test_checks_of_updates(t, items, change):
    for rest in (
        " WHERE id = 100",
        "",
        " WHERE id = 100 RETURNING *",
        " WHERE w = 5",
        " FROM (VALUES (100)) x (k) WHERE id = k",
    ):
        if UPDATED[change] is None:
            assert t.execute(f"UPDATE t {change}{rest}").rowcount > 0
            t.execute("UPDATE t SET v = id - 99, w = 5, s = NULL")
        else:
            refuse(t, f"UPDATE t {change}{rest}", UPDATED[change])
        assert stored(items) == FILLED
    assert t.execute(f"UPDATE t {change} WHERE id = 5").rowcount == 0


def test_what_an_update_leaves_alone_need_not_hold(t, items):
    items.put_item(Item={"id": 1, "v": -1})
    assert t.execute("UPDATE t SET s = 'x' WHERE id = 1").rowcount == 1
    refuse(t, "UPDATE t SET v = -2 WHERE id = 1")
    assert t.execute("UPDATE t SET v = 2 WHERE id = 1").rowcount == 1


def test_requests_of_checked_tables(t, proxy):
    expected = {
        "UPDATE t SET s = 'x' WHERE id = 100": ["UpdateItem"],
        "UPDATE t SET v = 1, w = 2 WHERE id = 100": ["UpdateItem"],
        "UPDATE t SET v = 1 WHERE id = 100": ["GetItem", "UpdateItem"],
        "DELETE FROM t WHERE id = 100": ["DeleteItem"],
    }
    for statement, operations in expected.items():
        with proxy.record() as calls:
            assert t.execute(statement).rowcount == 1
        assert calls.data.operations == operations, statement
    assert explain(t, "UPDATE t SET v = 1 WHERE id = 100")["Node Type"] == "ModifyTable"


def test_optimistic_tables_hold_on_to_what_checks_look_at(t, proxy):
    t.execute("ALTER FOREIGN TABLE t OPTIONS (ADD optimistic 'true')")
    with proxy.record() as calls:
        t.execute("UPDATE t SET v = 3 WHERE id = 100")
    (update,) = [c for c in calls if c.operation == "UpdateItem"]
    assert "w" in update.request["ExpressionAttributeNames"].values()


def test_whole_rows_tableoid_and_no_constraint(dynamo, items):
    foreign_table(
        dynamo,
        "t",
        ["id int", "v int", "CHECK (tableoid <> 0)", "CONSTRAINT no_null CHECK (t IS NOT NULL)"],
        table_name=items.name,
    )
    refuse(dynamo, "INSERT INTO t VALUES (7)")
    dynamo.execute("INSERT INTO t VALUES (7, 1)")
    assert refuse(dynamo, "UPDATE t SET v = NULL").constraint_name == "no_null"
    dynamo.execute("ALTER FOREIGN TABLE t DROP CONSTRAINT no_null")
    dynamo.execute("UPDATE t SET v = NULL WHERE id = 7")
    dynamo.execute("INSERT INTO t VALUES (8)")
    dynamo.execute("ALTER FOREIGN TABLE t ADD CONSTRAINT later CHECK (v > 0) NOT VALID")
    refuse(dynamo, "INSERT INTO t VALUES (9, 0)")


def test_inherited_checks(dynamo, items):
    dynamo.execute("CREATE TABLE parent (id int, v int CHECK (v > 0))")
    foreign_table(dynamo, "child", ["id int", "v int CHECK (v < 10)"], table_name=items.name)
    dynamo.execute("ALTER FOREIGN TABLE child ADD CONSTRAINT parent_v_check CHECK (v > 0)")
    dynamo.execute("ALTER FOREIGN TABLE child INHERIT parent")
    refuse(dynamo, "UPDATE parent SET v = 0 WHERE id = 100")
    refuse(dynamo, "UPDATE parent SET v = 10")
    refuse(dynamo, "INSERT INTO child VALUES (7, 0)")
    assert dynamo.execute("UPDATE parent SET v = 9").rowcount == 2


VALUES_OF = [
    "id int",
    "v int",
    "g int GENERATED ALWAYS AS (v * 2) STORED NOT NULL CHECK (g < 10)",
    "p positive",
    "m present OPTIONS (attribute 'w')",
    "n int NOT NULL DEFAULT 1",
]


@pytest.fixture
def typed(dynamo, make_items):
    items = make_items(KEYS, [{"id": 1, "v": 1, "g": 2, "w": 1, "n": 1}])
    dynamo.execute("CREATE DOMAIN positive AS int CHECK (value > 0)")
    dynamo.execute("CREATE DOMAIN present AS int NOT NULL")
    foreign_table(dynamo, "t", VALUES_OF, table_name=items.name)
    dynamo.items = items
    return dynamo


def test_generated_columns_domains_and_defaults(typed):
    before = stored(typed.items)
    for values, sqlstate in {
        "(id, v, m) VALUES (2, 5, 1)": "23514",
        "(id, m) VALUES (2, 1)": "23502",
        "(id, v, m, p) VALUES (2, 1, 1, 0)": "23514",
        "(id, v) VALUES (2, 1)": "23502",
        "(id, v, m, n) VALUES (2, 1, 1, NULL)": "23502",
    }.items():
        for rest in ("", " ON CONFLICT DO NOTHING", " RETURNING *"):
            refuse(typed, f"INSERT INTO t {values}{rest}", sqlstate)
    for line in ("2\t5\t1\n", "2\t\\N\t1\n", "2\t1\t\\N\n"):
        with pytest.raises(psycopg.IntegrityError), typed.cursor().copy(
            "COPY t (id, v, m) FROM STDIN"
        ) as copy:
            copy.write(line)
    for change, sqlstate in {
        "v = 6": "23514",
        "v = NULL": "23502",
        "n = NULL": "23502",
        "p = 0": "23514",
        "m = NULL": "23502",
    }.items():
        for rest in (" WHERE id = 1", "", " FROM (VALUES (1)) x (k) WHERE id = k"):
            refuse(typed, f"UPDATE t SET {change}{rest}", sqlstate)
    typed.execute("SET plan_cache_mode = force_generic_plan")
    refuse(typed, "UPDATE t SET n = %s WHERE id = 1", "23502", [None])
    assert stored(typed.items) == before
    assert typed.execute("UPDATE t SET v = 4").rowcount == 1
    assert stored(typed.items) == [{"id": 1, "v": 4, "g": 8, "w": 1, "n": 1}]


def test_what_a_trigger_makes_of_a_row(typed):
    typed.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.n := NULL; RETURN NEW; END';"
        "CREATE TRIGGER f BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    refuse(typed, "UPDATE t SET v = 1", "23502")
    refuse(typed, "INSERT INTO t (id, v, m) VALUES (4, 1, 1)", "23502")
    assert len(stored(typed.items)) == 1


# ---- columns that show parts of each other ------------------------------------------

PARTS = [
    "id int",
    "city text OPTIONS (attribute 'address.city') NOT NULL CHECK (city <> 'Atlantis')",
    "zip int OPTIONS (attribute 'address.zip') CHECK (zip > 0)",
    "address jsonb CHECK (address ? 'city')",
    "v int",
    "also_v bigint OPTIONS (attribute 'v') CHECK (also_v < 100)",
]


@pytest.mark.parametrize("last", ["doc jsonb OPTIONS (attribute '*') CHECK (doc ? 'v')", "x int"])
def test_columns_within_others(dynamo, items, last):
    foreign_table(dynamo, "t", [*PARTS, last], table_name=items.name)
    t = dynamo
    t.execute("INSERT INTO t (id, city, zip, v) VALUES (7, 'Rome', 1, 1)")
    row = "SELECT city, zip, address, v FROM t WHERE id = 7"
    first = t.execute(row).fetchone()
    refuse(t, "INSERT INTO t (id, city, v) VALUES (8, 'Atlantis', 1)")
    refuse(t, "INSERT INTO t (id, v) VALUES (8, 1)", "23502")
    refuse(t, """INSERT INTO t (id, v, address) VALUES (8, 1, '{"city": "Atlantis"}')""")
    refuse(t, """INSERT INTO t (id, v, address) VALUES (8, 1, '{"zip": 1}')""", "23502")
    refuse(t, "INSERT INTO t (id, city, v) VALUES (8, 'Rome', 100)")
    for where in ("WHERE id = 7", "WHERE v = 1", "WHERE id IN (SELECT 7)"):
        refuse(t, "UPDATE t SET city = 'Atlantis' " + where)
        refuse(t, "UPDATE t SET city = NULL " + where, "23502")
        refuse(t, """UPDATE t SET address = '{"city": "Atlantis"}' """ + where)
        refuse(t, """UPDATE t SET address = '{"city": "Rome", "zip": -1}' """ + where)
        refuse(t, "UPDATE t SET address = NULL " + where, "23502")
        refuse(t, "UPDATE t SET v = 100 " + where)
        assert t.execute(row).fetchone() == first
    t.execute("""UPDATE t SET address = '{"city": "Oslo"}', zip = 5 WHERE id = 7""")
    t.execute("UPDATE t SET city = 'Bern', v = 99 WHERE id = 7")
    assert t.execute(row).fetchone() == ("Bern", 5, {"city": "Bern", "zip": 5}, 99)
    if "*" not in last:
        return
    refuse(t, "UPDATE t SET v = NULL WHERE id = 7")
    for doc, sqlstate in {
        '{"id": 7, "v": 100, "address": {"city": "Rome"}}': "23514",
        '{"id": 7, "v": 1, "address": {"city": "Atlantis"}}': "23514",
        '{"id": 7, "v": 1, "address": {}}': "23502",
        '{"id": 7, "address": {"city": "Rome"}}': "23514",
    }.items():
        refuse(t, "UPDATE t SET doc = %s WHERE id = 7", sqlstate, [doc])
        refuse(t, "INSERT INTO t (doc) VALUES (%s)", sqlstate, [doc.replace("7", "8")])
    doc = '{"id": 7, "v": 1, "address": {"city": "Rome"}}'
    assert t.execute("UPDATE t SET doc = %s WHERE id = 7", [doc]).rowcount == 1


def test_keys_of_templates(dynamo, make_items):
    """They are composed before the row is looked at."""
    table = make_items(
        definition(
            ("pk",),
            "pk:S g:S",
            gsis=[
                {
                    "IndexName": "by_g",
                    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
    )
    foreign_table(
        dynamo,
        "t",
        [
            "pk text OPTIONS (template 'U#${id}') NOT NULL CHECK (pk <> 'U#9')",
            "id int NOT NULL CHECK (id > 0)",
            "g text OPTIONS (template 'M#${mail}') NOT NULL CHECK (g <> 'M#x')",
            "mail text NOT NULL",
        ],
        table_name=table.name,
    )
    dynamo.execute("INSERT INTO t (id, mail) VALUES (1, 'a')")
    refuse(dynamo, "INSERT INTO t (id, mail) VALUES (0, 'a')")
    refuse(dynamo, "INSERT INTO t (id, mail) VALUES (9, 'a')")
    refuse(dynamo, "INSERT INTO t (id, mail) VALUES (2, 'x')")
    refuse(dynamo, "INSERT INTO t (id) VALUES (2)", "23502")
    refuse(dynamo, "UPDATE t SET mail = 'x' WHERE id = 1")
    refuse(dynamo, "UPDATE t SET g = NULL WHERE id = 1", "23502")
    assert dynamo.execute("UPDATE t SET g = 'M#b' WHERE id = 1").rowcount == 1
    assert dynamo.execute("SELECT * FROM t").fetchall() == [("U#1", 1, "M#b", "b")]
