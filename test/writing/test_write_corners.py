# SPDX-License-Identifier: PostgreSQL
"""Writes in corners: what RETURNING shows, whose items are changed, and what
statements must not see of their own writes."""


import psycopg
import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.systems import definition, index


@pytest.fixture
def make_table(make_items):
    def make(keys, types, items=(), **options):
        return make_items(definition(keys, types, **options), items)

    return make


@pytest.fixture
def server(db, proxy):
    make_server(db, proxy.endpoint)
    return db


def stored(table):
    page = table.scan(ConsistentRead=True)
    items = page["Items"]
    while "LastEvaluatedKey" in page:
        page = table.scan(ConsistentRead=True, ExclusiveStartKey=page["LastEvaluatedKey"])
        items += page["Items"]
    return sorted(items, key=lambda item: str(item["pk"]))


def test_returning_shows_what_is_stored_of_documents(server, make_table):
    """A document that a path column was set in."""
    table = make_table(("pk",), "pk:S", [{"pk": "a", "doc": {"x": 1, "y": 2}}])
    columns = ["pk text", "doc jsonb", "x int OPTIONS (attribute 'doc.x')"]
    foreign_table(server, "t", columns, table_name=table.name)
    row = server.execute("UPDATE t SET x = 7 WHERE pk = 'a' RETURNING doc, x").fetchone()
    assert row == ({"x": 7, "y": 2}, 7)
    row = server.execute(
        "UPDATE t SET x = 8 FROM (VALUES ('a'), ('c')) v (k) WHERE pk = k RETURNING doc, x"
    ).fetchone()
    assert row == ({"x": 8, "y": 2}, 8)
    row = server.execute("INSERT INTO t VALUES ('b', '{\"y\": 1}', 3) RETURNING *").fetchone()
    assert row == ("b", {"x": 3, "y": 1}, 3)


def test_columns_set_from_one_row(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1, "s": "x"}, {"pk": "b", "v": 2}])
    foreign_table(server, "t", ["pk text", "v int", "s text"], table_name=table.name)
    server.execute("CREATE TABLE l (pk text, v int, s text)")
    server.execute("INSERT INTO l VALUES ('a', 10, 'A'), ('b', 20, 'B')")
    server.execute("UPDATE t SET (v, s) = (SELECT l.v, l.s FROM l WHERE l.pk = t.pk)")
    assert stored(table) == [{"pk": "a", "v": 10, "s": "A"}, {"pk": "b", "v": 20, "s": "B"}]
    server.execute("UPDATE t SET (v, s) = (SELECT max(v), 'z' FROM l)")
    assert stored(table) == [{"pk": "a", "v": 20, "s": "z"}, {"pk": "b", "v": 20, "s": "z"}]


@pytest.mark.parametrize("index_name", [None, "by_v"])
def test_keys_that_hold_nul(server, make_table, index_name):
    """They are not cut there: another item may have that key."""
    table = make_table(
        ("pk",),
        "pk:S v:N" if index_name else "pk:S",
        [{"pk": "a", "v": 1}, {"pk": "a\x00b", "v": 2}],
        gsis=[index(index_name, "v")] if index_name else [],
    )
    foreign_table(server, "t", ["v int", "w int"], table_name=table.name)
    assert server.execute("UPDATE t SET w = 1 WHERE v = 2").rowcount == 1
    assert stored(table) == [{"pk": "a", "v": 1}, {"pk": "a\x00b", "v": 2, "w": 1}]
    assert server.execute("DELETE FROM t WHERE v = 2").rowcount == 1
    assert stored(table) == [{"pk": "a", "v": 1}]


def test_rows_that_move_into_a_partition_are_not_updated_again(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "f", "v": 2, "w": 0}])
    server.execute("CREATE TABLE p (pk text, v int, w int) PARTITION BY LIST (v)")
    server.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1)")
    server.execute(
        "CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES IN (2) "
        f"SERVER dynamo OPTIONS (table_name '{table.name}')"
    )
    server.execute("INSERT INTO p VALUES ('l', 1, 0)")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cannot route"):
        server.execute("UPDATE p SET v = 2, w = w + 1")
    assert stored(table) == [{"pk": "f", "v": 2, "w": 0}]
    assert server.execute("UPDATE p SET v = 2, w = w + 1 WHERE v = 1").rowcount == 1
    assert stored(table) == [{"pk": "f", "v": 2, "w": 0}, {"pk": "l", "v": 2, "w": 1}]


def test_subqueries_see_no_write_of_their_statement(server, make_table):
    """They are evaluated when they are first needed, which may be late."""
    table = make_table(("pk",), "pk:S", [{"pk": f"{i:04}", "v": 1} for i in range(1000)])
    foreign_table(server, "t", ["pk text", "v int", "w int"], table_name=table.name)
    last = server.execute("SELECT pk FROM t").fetchall()[-1][0]
    server.execute(
        "UPDATE t SET v = CASE WHEN pk = %s THEN (SELECT sum(v) FROM t) ELSE 0 END", [last]
    )
    assert sum(item["v"] for item in stored(table)) == 1000


def test_spooled_rows_keep_equal_volatile_expressions_apart(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 0}])
    foreign_table(server, "t", ["pk text", "v int", "w int"], table_name=table.name)
    server.execute("CREATE SEQUENCE s")
    server.execute(
        "UPDATE t SET v = nextval('s'), w = nextval('s') FROM (VALUES ('a'), ('b')) x (k) WHERE pk = k"
    )
    assert stored(table) == [{"pk": "a", "v": 1, "w": 2}]


def test_names_that_hold_nul(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "doc": {"a\x00b": 1}, "x\x00y": 1}])
    columns = ["pk text", "v int OPTIONS (attribute 'doc.x.y')", "w int OPTIONS (attribute 'new.x')"]
    foreign_table(server, "t", columns, table_name=table.name)
    server.execute("UPDATE t SET v = 1, w = 2 WHERE pk = 'a'")
    item = {"pk": "a", "doc": {"a\x00b": 1, "x": {"y": 1}}, "x\x00y": 1, "new": {"x": 2}}
    assert stored(table) == [item]


def test_partitions_in_subqueries_are_read_first(server, make_table, proxy):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(30)])
    server.execute("CREATE TABLE p (pk text, v int) PARTITION BY LIST (v)")
    server.execute(
        "CREATE FOREIGN TABLE t PARTITION OF p DEFAULT "
        f"SERVER dynamo OPTIONS (table_name '{table.name}')"
    )
    query = "INSERT INTO t SELECT pk || 'x', v FROM (SELECT * FROM p OFFSET 0) x"
    nodes = [node.get("Custom Plan Provider") for node in plan_nodes(explain(server, query))]
    assert "DynamoDB Spool" in nodes
    assert server.execute(query).rowcount == 30


def test_whole_rows_and_the_table_itself(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(3)])
    foreign_table(server, "t", ["pk text", "v int"], table_name=table.name)
    query = "UPDATE t SET v = 1 WHERE tableoid = 't'::regclass AND t IS NOT NULL RETURNING t"
    rows = server.execute(query).fetchall()
    assert sorted(rows) == [("(0,1)",), ("(1,1)",), ("(2,1)",)]


def test_alternatives_make_no_items(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1}, {"pk": "b", "s": "x"}])
    foreign_table(server, "t", ["pk text", "v int", "s text"], table_name=table.name)
    for where in ["s = 'x' OR v IS NULL", "v IS NULL OR s = 'x'", "NOT (v = 1 AND s = 'y')"]:
        where = f"pk IN ('a', 'b', 'none') AND ({where})"
        expected = server.execute(f"SELECT count(*) FROM t WHERE {where}").fetchone()[0]
        assert server.execute(f"UPDATE t SET v = v WHERE {where}").rowcount == expected
        assert server.execute(f"UPDATE t SET s = 'x' WHERE {where}").rowcount == expected
    assert len(stored(table)) == 2
    assert server.execute("DELETE FROM t WHERE pk = 'a' AND (s = 'z' OR v IS NULL)").rowcount == 0


def test_long_lists_in_where(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(1500)])
    foreign_table(server, "t", ["pk text", "v int", "w int"], table_name=table.name)
    for query in ["UPDATE t SET w = 1 WHERE v = ANY (%s)", "DELETE FROM t WHERE v = ANY (%s)"]:
        assert server.execute(query, [list(range(1000))]).rowcount == 1000
    assert len(stored(table)) == 500


def test_values_that_do_not_fit_are_null_when_written_too(server, make_table):
    items = [{"pk": "a", "v": "text"}, {"pk": "b", "v": 5}, {"pk": "c"}]
    table = make_table(("pk",), "pk:S", items)
    foreign_table(
        server, "t", ["pk text", "v int", "w int"], table_name=table.name, on_type_mismatch="null"
    )
    assert server.execute("UPDATE t SET w = 1 WHERE v IS NULL").rowcount == 2
    assert server.execute("UPDATE t SET w = 2 WHERE pk = 'a' AND v IS NULL").rowcount == 1
    assert server.execute("UPDATE t SET w = 3 WHERE v IS DISTINCT FROM 5").rowcount == 2
    assert server.execute("DELETE FROM t WHERE pk IN ('a', 'b') AND v IS NOT NULL").rowcount == 1
    assert server.execute("DELETE FROM t WHERE coalesce(v, 7) = 7").rowcount == 2


def test_elements_of_lists(server, make_table):
    table = make_table(
        ("pk",), "pk:S", [{"pk": "a", "l": [1]}, {"pk": "b", "l": [1, 2, 3]}, {"pk": "c"}]
    )
    columns = ["pk text"] + [f"e{i} int OPTIONS (attribute 'l[{i}]')" for i in range(4)]
    foreign_table(server, "t", columns, table_name=table.name)
    rows = server.execute("UPDATE t SET e3 = 9 WHERE pk IN ('a', 'b', 'c') RETURNING *").fetchall()
    assert sorted(rows) == [("a", 1, None, None, 9), ("b", 1, 2, 3, 9), ("c", None, None, None, 9)]
    assert sorted(server.execute("SELECT * FROM t").fetchall()) == sorted(rows)
    row = server.execute("UPDATE t SET e1 = NULL WHERE pk = 'b' RETURNING *").fetchone()
    assert row == ("b", 1, None, 3, 9)
    assert server.execute("SELECT * FROM t WHERE pk = 'b'").fetchone() == row


def test_overflow_keeps_what_was_not_changed(server, make_table):
    """Plain JSON cannot tell a set from a list."""
    item = {"pk": "a", "tags": {"x", "y"}, "data": b"123", "n": 1, "gone": 1}
    table = make_table(("pk",), "pk:S", [item])
    columns = ["pk text", "rest jsonb OPTIONS (overflow 'true')"]
    foreign_table(server, "t", columns, table_name=table.name)
    server.execute("UPDATE t SET rest = rest - 'gone' || '{\"n\": 2}' WHERE pk = 'a'")
    assert stored(table) == [{"pk": "a", "tags": {"x", "y"}, "data": b"123", "n": 2}]


def test_rows_seen_by_triggers_of_copy(server, make_table):
    """An AFTER STATEMENT trigger sees all rows, however COPY writes them."""
    table = make_table(("pk",), "pk:S")
    foreign_table(server, "t", ["pk text", "v int"], table_name=table.name)
    server.execute("CREATE TABLE seen (n int)")
    server.execute(
        """CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO seen SELECT count(*) FROM t; RETURN NULL; END $$"""
    )
    server.execute(
        "CREATE TRIGGER look AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION look()"
    )
    with server.cursor().copy("COPY t FROM STDIN") as copy:
        for i in range(30):
            copy.write_row((str(i), i))
    assert server.execute("SELECT n FROM seen").fetchall() == [(30,)]


def test_an_error_of_a_row_of_copy_says_what_was_written(server, make_table):
    table = make_table(("pk",), "pk:S")
    foreign_table(server, "t", ["pk text", "v int"], table_name=table.name)
    with (
        pytest.raises(psycopg.errors.NotNullViolation) as caught,
        server.cursor().copy("COPY t FROM STDIN") as copy,
    ):
        for i in range(1500):
            copy.write_row((str(i) if i < 1450 else None, i))
    written = len(stored(table))
    assert written > 0 and f"after {written} items" in caught.value.diag.context


def test_columns_that_were_dropped_or_are_generated(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1, "gone": 1}])
    columns = ["gone int", "pk text", "v int", "g int GENERATED ALWAYS AS (v * 2) STORED"]
    foreign_table(server, "t", columns, table_name=table.name)
    server.execute("ALTER FOREIGN TABLE t DROP COLUMN gone")
    server.execute("CREATE DOMAIN small AS int CHECK (VALUE < 100)")
    server.execute("ALTER FOREIGN TABLE t ADD COLUMN d small")
    assert server.execute("UPDATE t SET v = 3 RETURNING *, t").fetchone() == (
        "a",
        3,
        6,
        None,
        "(a,3,6,)",
    )
    assert stored(table) == [{"pk": "a", "v": 3, "g": 6, "gone": 1}]
    with pytest.raises(psycopg.errors.CheckViolation):
        server.execute("UPDATE t SET d = 100")
    assert server.execute("UPDATE t SET d = 5 RETURNING *").fetchone() == ("a", 3, 6, 5)
    assert server.execute("DELETE FROM t RETURNING *").fetchone() == ("a", 3, 6, 5)
    row = server.execute("INSERT INTO t (pk, v, d) VALUES ('b', 1, 2) RETURNING *").fetchone()
    assert row == ("b", 1, 2, 2)
    row = server.execute(
        "DELETE FROM t USING (VALUES ('a'), ('b')) v (k) WHERE pk = k RETURNING t.*, t"
    ).fetchone()
    assert row == ("b", 1, 2, 2, "(b,1,2,2)")


def test_keys_that_no_item_can_have(server, make_table):
    table = make_table(("pk", "sk"), "pk:S sk:N", [{"pk": "a", "sk": 1}])
    columns = ["pk text", "sk numeric", "v int"]
    foreign_table(server, "t", columns, table_name=table.name)
    server.execute("SET plan_cache_mode = force_generic_plan")
    server.execute("PREPARE u (text, numeric) AS UPDATE t SET v = 1 WHERE pk = $1 AND sk = $2")
    server.execute("PREPARE d (text, numeric) AS DELETE FROM t WHERE pk = $1 AND sk = $2")
    for arguments in [
        "'', 1",
        "repeat('x', 3000), 1",
        "'a', 'NaN'",
        "'a', 1e300",
        "'a', 1.000000000000000000000000000000000000000001",
        "NULL, 1",
        "'a', NULL",
    ]:
        assert server.execute(f"EXECUTE u({arguments})").rowcount == 0
        assert server.execute(f"EXECUTE d({arguments})").rowcount == 0
    assert server.execute("EXECUTE u('a', 1.0)").rowcount == 1
    assert server.execute("EXECUTE d('a', 1.00)").rowcount == 1


def test_long_values_of_local_tables(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i)} for i in range(10)])
    columns = ["pk text", "s text", "doc jsonb", "b bytea", "l text[]"]
    foreign_table(server, "t", columns, table_name=table.name)
    server.execute("CREATE TABLE l (pk text, s text, doc jsonb, b bytea, l text[])")
    server.execute("ALTER TABLE l ALTER s SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL")
    server.execute(
        """INSERT INTO l SELECT i, repeat('x', 9000), jsonb_build_object('k', repeat('y', 9000)),
             convert_to(repeat('z', 9000), 'UTF8'), array_fill(repeat('w', 9000), '{2}')
           FROM generate_series(0, 19) i"""
    )
    query = "UPDATE t SET (s, doc, b, l) = (SELECT s, doc, b, l FROM l WHERE l.pk = t.pk)"
    assert server.execute(query).rowcount == 10
    query = "UPDATE t SET s = l.s, doc = l.doc, b = l.b, l = l.l FROM l WHERE l.pk = t.pk"
    assert server.execute(query).rowcount == 10
    query = "INSERT INTO t SELECT * FROM l ON CONFLICT DO NOTHING"
    assert server.execute(query).rowcount == 10
    query = "SELECT count(*) FROM (SELECT * FROM t INTERSECT SELECT * FROM l) x"
    assert server.execute(query).fetchone() == (20,)


def test_explain_analyze_counts_rows(server, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(900)])
    foreign_table(server, "t", ["pk text", "v int"], table_name=table.name)
    for query, rows in [
        ("UPDATE t SET v = v + 1 WHERE v >= 100", 800),
        ("UPDATE t SET v = v + 1 WHERE v >= 100 RETURNING v", 800),
        ("DELETE FROM t WHERE pk IN ('1', '2', 'none')", 2),
        ("DELETE FROM t WHERE v > 200 RETURNING pk", 701),
    ]:
        scan = list(plan_nodes(explain(server, query, ANALYZE="true", VERBOSE="true")))[1]
        assert scan["Actual Rows"] == rows and scan["Items Written"] == rows, query


def test_inheritance(server, make_table):
    """What rows carry of whichever table they are of can be shown, too."""
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(3)])
    foreign_table(server, "t", ["v int", "pk text", "w int"], table_name=table.name)
    server.execute("CREATE TABLE parent (pk text, v int, w int)")
    server.execute("INSERT INTO parent VALUES ('l', 1, 1)")
    server.execute("ALTER FOREIGN TABLE t INHERIT parent")
    assert server.execute("UPDATE parent SET w = 7 WHERE v IN (1, 2)").rowcount == 3
    query = """UPDATE parent p SET w = w + 1 FROM (VALUES ('1'), ('l')) x (k) WHERE pk = k
               RETURNING p.tableoid::regclass::text, pk, w"""
    plan = "\n".join(row[0] for row in server.execute("EXPLAIN (VERBOSE) " + query).fetchall())
    assert "DynamoDB Spool" in plan and "wholerow" in plan
    rows = server.execute(query).fetchall()
    assert sorted(rows) == [("parent", "l", 8), ("t", "1", 8)]
    assert stored(table) == [{"pk": "0", "v": 0}, {"pk": "1", "v": 1, "w": 8}, {"pk": "2", "v": 2, "w": 7}]
    rows = server.execute("DELETE FROM parent WHERE v > 0 RETURNING pk").fetchall()
    assert sorted(rows) == [("1",), ("2",), ("l",)]


def test_large_rows_that_are_returned_are_not_held_all_at_once(server, make_table, proxy):
    items = [{"pk": str(i), "s": "x" * 100_000} for i in range(150)]
    table = make_table(("pk",), "pk:S", items)
    foreign_table(server, "t", ["pk text", "s text"], table_name=table.name)
    server.execute("EXPLAIN SELECT FROM t")
    with proxy.record() as calls:
        assert server.execute("DELETE FROM t RETURNING s").rowcount == 150
    last_scan = max(i for i, name in enumerate(calls.operations) if name == "Scan")
    assert calls.operations.index("DeleteItem") < last_scan
