# SPDX-License-Identifier: PostgreSQL
"""The rows that a statement writes: read before it writes any, whole, of parents and
partitions, long, or returned by the thousand."""

import psycopg
import pytest
from support.fdw import explain, foreign_table, plan_nodes
from support.regress_data import stored


def test_columns_set_from_one_row(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1, "s": "x"}, {"pk": "b", "v": 2}])
    foreign_table(dynamo, "t", ["pk text", "v int", "s text"], table_name=table.name)
    dynamo.execute("CREATE TABLE l (pk text, v int, s text)")
    dynamo.execute("INSERT INTO l VALUES ('a', 10, 'A'), ('b', 20, 'B')")
    dynamo.execute("UPDATE t SET (v, s) = (SELECT l.v, l.s FROM l WHERE l.pk = t.pk)")
    assert stored(table) == [{"pk": "a", "v": 10, "s": "A"}, {"pk": "b", "v": 20, "s": "B"}]
    dynamo.execute("UPDATE t SET (v, s) = (SELECT max(v), 'z' FROM l)")
    assert stored(table) == [{"pk": "a", "v": 20, "s": "z"}, {"pk": "b", "v": 20, "s": "z"}]


def test_rows_that_move_into_a_partition_are_not_updated_again(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "f", "v": 2, "w": 0}])
    dynamo.execute("CREATE TABLE p (pk text, v int, w int) PARTITION BY LIST (v)")
    dynamo.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)")
    dynamo.execute(
        "CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES IN (2) "
        f"SERVER dynamo OPTIONS (table_name '{table.name}')"
    )
    dynamo.execute("INSERT INTO p VALUES ('l', 1, 0)")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cannot route"):
        dynamo.execute("UPDATE p SET v = 2, w = w + 1")
    assert stored(table) == [{"pk": "f", "v": 2, "w": 0}]
    assert dynamo.execute("UPDATE p SET v = 2, w = w + 1 WHERE v = 1").rowcount == 1
    assert stored(table) == [{"pk": "f", "v": 2, "w": 0}, {"pk": "l", "v": 2, "w": 1}]


def test_subqueries_see_no_write_of_their_statement(dynamo, make_table):
    """They are evaluated when they are first needed, which may be late."""
    table = make_table(("pk",), "pk:S", [{"pk": f"{i:04}", "v": 1} for i in range(1000)])
    foreign_table(dynamo, "t", ["pk text", "v int", "w int"], table_name=table.name)
    last = dynamo.execute("SELECT pk FROM t").fetchall()[-1][0]
    dynamo.execute(
        "UPDATE t SET v = CASE WHEN pk = %s THEN (SELECT sum(v) FROM t) ELSE 0 END", [last]
    )
    assert sum(item["v"] for item in stored(table)) == 1000


def test_spooled_rows_keep_equal_volatile_expressions_apart(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 0}])
    foreign_table(dynamo, "t", ["pk text", "v int", "w int"], table_name=table.name)
    dynamo.execute("CREATE SEQUENCE s")
    dynamo.execute(
        "UPDATE t SET v = nextval('s'), w = nextval('s') FROM (VALUES ('a'), ('b')) x (k) WHERE pk = k"
    )
    assert stored(table) == [{"pk": "a", "v": 1, "w": 2}]


def test_partitions_in_subqueries_are_read_first(dynamo, make_table, proxy):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(30)])
    dynamo.execute("CREATE TABLE p (pk text, v int) PARTITION BY LIST (v)")
    dynamo.execute(
        "CREATE FOREIGN TABLE t PARTITION OF p DEFAULT "
        f"SERVER dynamo OPTIONS (table_name '{table.name}')"
    )
    query = "INSERT INTO t SELECT pk || 'x', v FROM (SELECT * FROM p OFFSET 0) x"
    nodes = [node.get("Custom Plan Provider") for node in plan_nodes(explain(dynamo, query))]
    assert "DynamoDB Spool" in nodes
    assert dynamo.execute(query).rowcount == 30


def test_whole_rows_and_the_table_itself(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(3)])
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    query = "UPDATE t SET v = 1 WHERE tableoid = 't'::regclass AND t IS NOT NULL RETURNING t"
    rows = dynamo.execute(query).fetchall()
    assert sorted(rows) == [("(0,1)",), ("(1,1)",), ("(2,1)",)]


def test_columns_that_were_dropped_or_are_generated(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1, "gone": 1}])
    columns = ["gone int", "pk text", "v int", "g int GENERATED ALWAYS AS (v * 2) STORED"]
    foreign_table(dynamo, "t", columns, table_name=table.name)
    dynamo.execute("ALTER FOREIGN TABLE t DROP COLUMN gone")
    dynamo.execute("CREATE DOMAIN small AS int CHECK (VALUE < 100)")
    dynamo.execute("ALTER FOREIGN TABLE t ADD COLUMN d small")
    assert dynamo.execute("UPDATE t SET v = 3 RETURNING *, t").fetchone() == (
        "a",
        3,
        6,
        None,
        "(a,3,6,)",
    )
    assert stored(table) == [{"pk": "a", "v": 3, "g": 6, "gone": 1}]
    with pytest.raises(psycopg.errors.CheckViolation):
        dynamo.execute("UPDATE t SET d = 100")
    assert dynamo.execute("UPDATE t SET d = 5 RETURNING *").fetchone() == ("a", 3, 6, 5)
    assert dynamo.execute("DELETE FROM t RETURNING *").fetchone() == ("a", 3, 6, 5)
    row = dynamo.execute("INSERT INTO t (pk, v, d) VALUES ('b', 1, 2) RETURNING *").fetchone()
    assert row == ("b", 1, 2, 2)
    row = dynamo.execute(
        "DELETE FROM t USING (VALUES ('a'), ('b')) v (k) WHERE pk = k RETURNING t.*, t"
    ).fetchone()
    assert row == ("b", 1, 2, 2, "(b,1,2,2)")


def test_long_values_of_local_tables(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i)} for i in range(10)])
    columns = ["pk text", "s text", "doc jsonb", "b bytea", "l text[]"]
    foreign_table(dynamo, "t", columns, table_name=table.name)
    dynamo.execute("CREATE TABLE l (pk text, s text, doc jsonb, b bytea, l text[])")
    dynamo.execute("ALTER TABLE l ALTER s SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL")
    dynamo.execute(
        """INSERT INTO l SELECT i, repeat('x', 9000), jsonb_build_object('k', repeat('y', 9000)),
             convert_to(repeat('z', 9000), 'UTF8'), array_fill(repeat('w', 9000), '{2}')
           FROM generate_series(0, 19) i"""
    )
    query = "UPDATE t SET (s, doc, b, l) = (SELECT s, doc, b, l FROM l WHERE l.pk = t.pk)"
    assert dynamo.execute(query).rowcount == 10
    query = "UPDATE t SET s = l.s, doc = l.doc, b = l.b, l = l.l FROM l WHERE l.pk = t.pk"
    assert dynamo.execute(query).rowcount == 10
    query = "INSERT INTO t SELECT * FROM l ON CONFLICT DO NOTHING"
    assert dynamo.execute(query).rowcount == 10
    query = "SELECT count(*) FROM (SELECT * FROM t INTERSECT SELECT * FROM l) x"
    assert dynamo.execute(query).fetchone() == (20,)


def test_inheritance(dynamo, make_table):
    """What rows carry of whichever table they are of can be shown, too."""
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(3)])
    foreign_table(dynamo, "t", ["v int", "pk text", "w int"], table_name=table.name)
    dynamo.execute("CREATE TABLE parent (pk text, v int, w int)")
    dynamo.execute("INSERT INTO parent VALUES ('l', 1, 1)")
    dynamo.execute("ALTER FOREIGN TABLE t INHERIT parent")
    assert dynamo.execute("UPDATE parent SET w = 7 WHERE v IN (1, 2)").rowcount == 3
    query = """UPDATE parent p SET w = w + 1 FROM (VALUES ('1'), ('l')) x (k) WHERE pk = k
               RETURNING p.tableoid::regclass::text, pk, w"""
    plan = "\n".join(row[0] for row in dynamo.execute("EXPLAIN (VERBOSE) " + query).fetchall())
    assert "DynamoDB Spool" in plan and "wholerow" in plan
    rows = dynamo.execute(query).fetchall()
    assert sorted(rows) == [("parent", "l", 8), ("t", "1", 8)]
    assert stored(table) == [{"pk": "0", "v": 0}, {"pk": "1", "v": 1, "w": 8}, {"pk": "2", "v": 2, "w": 7}]
    rows = dynamo.execute("DELETE FROM parent WHERE v > 0 RETURNING pk").fetchall()
    assert sorted(rows) == [("1",), ("2",), ("l",)]


def test_large_rows_that_are_returned_are_not_held_all_at_once(dynamo, make_table, proxy):
    items = [{"pk": str(i), "s": "x" * 100_000} for i in range(150)]
    table = make_table(("pk",), "pk:S", items)
    foreign_table(dynamo, "t", ["pk text", "s text"], table_name=table.name)
    dynamo.execute("EXPLAIN SELECT FROM t")
    with proxy.record() as calls:
        assert dynamo.execute("DELETE FROM t RETURNING s").rowcount == 150
    last_scan = max(i for i, name in enumerate(calls.operations) if name == "Scan")
    assert calls.operations.index("DeleteItem") < last_scan
