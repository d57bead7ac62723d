# SPDX-License-Identifier: PostgreSQL
"""INSERT, UPDATE, DELETE and COPY: what items become, seen by boto3."""

from decimal import Decimal

import psycopg
import pytest
from support.fdw import foreign_table, make_server
from support.proxy import Gathering
from support.systems import definition

KEYS = definition(("pk", "sk"), "pk:S sk:N")


@pytest.fixture
def items(make_items):
    return make_items(KEYS)


@pytest.fixture
def t(db, proxy, items):
    make_server(db, proxy.endpoint)
    foreign_table(
        db,
        "t",
        ["pk text", "sk int", "v int", "s text", "tags text[] OPTIONS (type 'SS')", "doc jsonb"],
        table_name=items.name,
    )
    return db


def stored(items):
    found = items.scan(ConsistentRead=True)["Items"]
    return sorted(found, key=lambda item: (item["pk"], item["sk"]))


def test_insert_writes_items(t, items):
    t.execute("INSERT INTO t VALUES ('a', 1, 5, 'x', '{q,r}', '{\"k\": [1, true, null]}'), ('a', 2, NULL, NULL, NULL, NULL)")
    assert stored(items) == [
        {
            "pk": "a",
            "sk": 1,
            "v": 5,
            "s": "x",
            "tags": {"q", "r"},
            "doc": {"k": [Decimal(1), True, None]},
        },
        {"pk": "a", "sk": 2},
    ]


def test_an_existing_key_is_a_unique_violation(t, items):
    t.execute("INSERT INTO t VALUES ('a', 1, 5)")
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        t.execute("INSERT INTO t VALUES ('b', 1, 6), ('a', 1, 7)")
    assert caught.value.diag.message_detail == "Key (pk, sk)=(a, 1) already exists."
    assert [item["v"] for item in stored(items)] == [5, 6]


def test_on_conflict_do_nothing_keeps_the_first(t, items):
    t.execute("INSERT INTO t VALUES ('a', 1, 5)")
    cursor = t.execute(
        "INSERT INTO t (pk, sk, v) VALUES ('a', 1, 7), ('c', 1, 1), ('c', 1, 2) ON CONFLICT DO NOTHING"
    )
    assert cursor.rowcount == 1
    assert [item["v"] for item in stored(items)] == [5, 1]


def test_update_sets_what_was_set(t, items):
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5, "s": "x", "other": "kept"})
    cursor = t.execute("UPDATE t SET v = v + 1, s = NULL WHERE pk = 'a' AND sk = 1")
    assert cursor.rowcount == 1
    assert stored(items) == [{"pk": "a", "sk": 1, "v": 6, "other": "kept"}]


def test_update_returning(t, items):
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5, "s": "x"})
    row = t.execute("UPDATE t SET v = 9 WHERE pk = 'a' RETURNING pk, sk, v, s").fetchone()
    assert row == ("a", 1, 9, "x")


def test_keys_cannot_be_changed(t, items):
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5})
    with pytest.raises(psycopg.errors.FeatureNotSupported, match='cannot change column "sk"'):
        t.execute("UPDATE t SET sk = 2 WHERE pk = 'a'")
    assert t.execute("UPDATE t SET sk = 1, v = 6 WHERE pk = 'a'").rowcount == 1
    assert stored(items) == [{"pk": "a", "sk": 1, "v": 6}]


def test_delete(t, items):
    for sk in range(5):
        items.put_item(Item={"pk": "a", "sk": sk, "v": sk})
    rows = t.execute("DELETE FROM t WHERE pk = 'a' AND v > 2 RETURNING sk, v").fetchall()
    assert sorted(rows) == [(3, 3), (4, 4)]
    assert [item["sk"] for item in stored(items)] == [0, 1, 2]


def test_copy_puts_rows_side_by_side(t, items, proxy):
    together = Gathering(16)
    with (
        proxy.inject(together, operation="PutItem"),
        proxy.record() as calls,
        t.cursor().copy("COPY t (pk, sk, v) FROM STDIN") as copy,
    ):
        for i in range(1000):
            copy.write_row((f"p{i % 7}", i, i))
    assert len(stored(items)) == 1000
    assert calls.operations.count("PutItem") == 1000
    assert together.most == 16


@pytest.mark.parametrize("query", ["UPDATE t SET v = v + 1", "DELETE FROM t", "INSERT"])
def test_statements_write_side_by_side(t, items, proxy, query):
    with items.batch_writer() as batch:
        for sk in range(100):
            batch.put_item(Item={"pk": "a", "sk": sk, "v": sk})
    if query == "INSERT":
        query = "INSERT INTO t (pk, sk) SELECT 'b', i FROM generate_series(1, 100) i"
    together = Gathering(16)
    operation = {"U": "UpdateItem", "D": "DeleteItem", "I": "PutItem"}[query[0]]
    with proxy.inject(together, operation=operation):
        assert t.execute(query).rowcount == 100
    assert together.most == 16


def test_copy_into_an_existing_key(t, items):
    items.put_item(Item={"pk": "a", "sk": 2})
    with (
        pytest.raises(psycopg.errors.UniqueViolation) as caught,
        t.cursor().copy("COPY t (pk, sk, v) FROM STDIN") as copy,
    ):
        for i in range(5):
            copy.write_row(("a", i, i))
    assert caught.value.diag.message_detail == "Key (pk, sk)=(a, 2) already exists."
    assert "after 4 items" in caught.value.diag.context
    assert len(stored(items)) == 5


def test_rows_are_written_side_by_side(t, items, proxy):
    with t.cursor().copy("COPY t (pk, sk, v) FROM STDIN") as copy:
        for i in range(500):
            copy.write_row(("p", i, i))
    with proxy.record() as calls:
        assert t.execute("UPDATE t SET v = v + 1000 WHERE pk = 'p' AND v % 2 = 0").rowcount == 250
    assert calls.operations.count("UpdateItem") == 250
    assert calls.operations.count("Query") <= 2
    assert calls[0].request["ExpressionAttributeNames"].keys() == {"#n0", "#n1", "#n2"}
    assert sum(item["v"] for item in stored(items)) == sum(range(500)) + 250_000
    with proxy.record() as calls:
        assert t.execute("DELETE FROM t WHERE pk = 'p' AND v < 1000").rowcount == 250
    assert calls.operations.count("DeleteItem") == 250
    assert len(stored(items)) == 250


def test_a_known_key_is_written_without_being_read(t, items, proxy):
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5})
    t.execute("EXPLAIN SELECT FROM t")  # the table is described
    with proxy.record() as calls:
        assert t.execute("UPDATE t SET v = 6 WHERE pk = 'a' AND sk = 1").rowcount == 1
        assert t.execute("UPDATE t SET v = 7 WHERE pk = 'a' AND sk = 2").rowcount == 0
        assert t.execute("UPDATE t SET v = 7 WHERE pk = 'a' AND sk IN (1, 2, 3)").rowcount == 1
        assert t.execute("DELETE FROM t WHERE pk = 'a' AND sk = 2").rowcount == 0
        assert t.execute("DELETE FROM t WHERE pk = 'a' AND sk = 1").rowcount == 1
    assert set(calls.operations) == {"UpdateItem", "DeleteItem"}
    assert len(calls) == 7
    assert stored(items) == []


def test_a_statement_reads_all_before_it_writes(t, items):
    for sk in range(30):
        items.put_item(Item={"pk": "a", "sk": sk, "v": sk})
    # Would meet its own rows, without end.
    assert t.execute("INSERT INTO t (pk, sk) SELECT pk, sk + 30 FROM t WHERE pk = 'a'").rowcount == 30
    assert len(stored(items)) == 60


def test_each_item_is_updated_once(t, items):
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5})
    t.execute("CREATE TABLE l (v int)")
    t.execute("INSERT INTO l VALUES (1), (2)")
    assert t.execute("UPDATE t SET v = t.v + 1 FROM l WHERE pk = 'a'").rowcount == 1
    assert stored(items) == [{"pk": "a", "sk": 1, "v": 6}]


def test_update_returning_of_many(t, items):
    with items.batch_writer() as batch:
        for sk in range(1000):
            batch.put_item(Item={"pk": "a", "sk": sk, "v": sk})
    rows = t.execute("UPDATE t SET v = -v, s = 'x' WHERE pk = 'a' RETURNING sk, v, s").fetchall()
    assert sorted(rows) == [(sk, -sk, "x") for sk in range(1000)]
    rows = t.execute("DELETE FROM t WHERE pk = 'a' RETURNING *").fetchall()
    assert sorted(rows)[7] == ("a", 7, -7, "x", None, None)
    assert stored(items) == []
