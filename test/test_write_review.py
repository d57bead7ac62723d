"""Writes in corners: what RETURNING shows, whose items are changed, and what
statements must not see of their own writes."""

import uuid

import psycopg
import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.regress_data import load_table
from support.systems import definition, index


@pytest.fixture
def make_table(ddb_resource):
    made = []

    def make(keys, types, items=(), **options):
        name = f"Review{uuid.uuid4().hex}"
        load_table(ddb_resource, name, definition(keys, types, **options), list(items))
        made.append(ddb_resource.Table(name))
        return made[-1]

    yield make
    for table in made:
        table.delete()


@pytest.fixture
def server(db, proxy):
    make_server(db, proxy.endpoint)
    return db


def stored(table):
    items = table.scan(ConsistentRead=True)["Items"]
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
