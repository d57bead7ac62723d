# SPDX-License-Identifier: PostgreSQL
"""Writes to members of documents, elements of lists, and what columns leave of an item:
what is stored then, and what RETURNING shows of it."""

from support.fdw import foreign_table
from support.regress_data import stored


def test_returning_shows_what_is_stored_of_documents(dynamo, make_table):
    """A document that a path column was set in."""
    table = make_table(("pk",), "pk:S", [{"pk": "a", "doc": {"x": 1, "y": 2}}])
    columns = ["pk text", "doc jsonb", "x int OPTIONS (attribute 'doc.x')"]
    foreign_table(dynamo, "t", columns, table_name=table.name)
    row = dynamo.execute("UPDATE t SET x = 7 WHERE pk = 'a' RETURNING doc, x").fetchone()
    assert row == ({"x": 7, "y": 2}, 7)
    row = dynamo.execute(
        "UPDATE t SET x = 8 FROM (VALUES ('a'), ('c')) v (k) WHERE pk = k RETURNING doc, x"
    ).fetchone()
    assert row == ({"x": 8, "y": 2}, 8)
    row = dynamo.execute("INSERT INTO t VALUES ('b', '{\"y\": 1}', 3) RETURNING *").fetchone()
    assert row == ("b", {"x": 3, "y": 1}, 3)


def test_names_that_hold_nul(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "doc": {"a\x00b": 1}, "x\x00y": 1}])
    columns = ["pk text", "v int OPTIONS (attribute 'doc.x.y')", "w int OPTIONS (attribute 'new.x')"]
    foreign_table(dynamo, "t", columns, table_name=table.name)
    dynamo.execute("UPDATE t SET v = 1, w = 2 WHERE pk = 'a'")
    item = {"pk": "a", "doc": {"a\x00b": 1, "x": {"y": 1}}, "x\x00y": 1, "new": {"x": 2}}
    assert stored(table) == [item]


def test_elements_of_lists(dynamo, make_table):
    table = make_table(
        ("pk",), "pk:S", [{"pk": "a", "l": [1]}, {"pk": "b", "l": [1, 2, 3]}, {"pk": "c"}]
    )
    columns = ["pk text"] + [f"e{i} int OPTIONS (attribute 'l[{i}]')" for i in range(4)]
    foreign_table(dynamo, "t", columns, table_name=table.name)
    rows = dynamo.execute("UPDATE t SET e3 = 9 WHERE pk IN ('a', 'b', 'c') RETURNING *").fetchall()
    assert sorted(rows) == [("a", 1, None, None, 9), ("b", 1, 2, 3, 9), ("c", None, None, None, 9)]
    assert sorted(dynamo.execute("SELECT * FROM t").fetchall()) == sorted(rows)
    row = dynamo.execute("UPDATE t SET e1 = NULL WHERE pk = 'b' RETURNING *").fetchone()
    assert row == ("b", 1, None, 3, 9)
    assert dynamo.execute("SELECT * FROM t WHERE pk = 'b'").fetchone() == row


def test_overflow_keeps_what_was_not_changed(dynamo, make_table):
    """Plain JSON cannot tell a set from a list."""
    item = {"pk": "a", "tags": {"x", "y"}, "data": b"123", "n": 1, "gone": 1}
    table = make_table(("pk",), "pk:S", [item])
    columns = ["pk text", "rest jsonb OPTIONS (overflow 'true')"]
    foreign_table(dynamo, "t", columns, table_name=table.name)
    dynamo.execute("UPDATE t SET rest = rest - 'gone' || '{\"n\": 2}' WHERE pk = 'a'")
    assert stored(table) == [{"pk": "a", "tags": {"x", "y"}, "data": b"123", "n": 2}]
