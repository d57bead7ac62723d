# SPDX-License-Identifier: PostgreSQL
"""UPDATE and DELETE done by the scan: what is read, what is sent, what becomes
of items whose keys columns do not tell exactly."""

import threading
import time
from collections import Counter
from decimal import Decimal

import psycopg
import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.proxy import Gathering, Meanwhile, declare_time_to_live, truncate
from support.systems import index


def stored(table):
    page = table.scan(ConsistentRead=True)
    items = page["Items"]
    while "LastEvaluatedKey" in page:
        page = table.scan(ConsistentRead=True, ExclusiveStartKey=page["LastEvaluatedKey"])
        items += page["Items"]
    return items


def test_keys_are_those_that_are_stored(dynamo, make_table):
    """Times of format iso8601 are stored in many ways."""
    spellings = [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T01:00:00+01:00",
        "20260101T000000Z",
    ]
    table = make_table(
        ("pk", "at"), "pk:S at:S", [{"pk": "a", "at": at, "v": 1} for at in spellings]
    )
    foreign_table(dynamo, "t", ["pk text", "at timestamptz", "v int"], table_name=table.name)
    assert dynamo.execute("UPDATE t SET v = v + 1 WHERE pk = 'a'").rowcount == 4
    assert dynamo.execute("UPDATE t SET v = 3 WHERE at = '2026-01-01 00:00:00Z'").rowcount == 4
    assert [item["v"] for item in stored(table)] == [3] * 4
    dynamo.execute("CREATE TABLE l (pk text)")
    dynamo.execute("INSERT INTO l VALUES ('a')")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="in a join, or with triggers"):
        dynamo.execute("UPDATE t SET v = 4 FROM l WHERE t.pk = l.pk")
    assert dynamo.execute("DELETE FROM t WHERE v = 3").rowcount == 4
    assert stored(table) == []


def test_keys_need_no_columns_and_may_be_floats(dynamo, make_table):
    key = Decimal("0.1000000000000000055511151231257827")
    table = make_table(("pk", "sk"), "pk:S sk:N", [{"pk": "a", "sk": key, "v": 1}])
    foreign_table(dynamo, "t", ["v int"], table_name=table.name)
    foreign_table(
        dynamo, "f", ["pk text", "sk double precision", "v int"], table_name=table.name
    )
    assert dynamo.execute("UPDATE t SET v = 2 WHERE v = 1 RETURNING v").fetchall() == [(2,)]
    assert dynamo.execute("UPDATE f SET v = 3 WHERE pk = 'a'").rowcount == 1
    assert stored(table) == [{"pk": "a", "sk": key, "v": 3}]
    assert dynamo.execute("DELETE FROM t").rowcount == 1


def test_only_what_is_needed_is_read(dynamo, make_table, proxy):
    """So what does not fit elsewhere is no obstacle."""
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1, "bad": "text"}])
    foreign_table(dynamo, "t", ["pk text", "v int", "bad int"], table_name=table.name)
    with proxy.record() as calls:
        assert dynamo.execute("UPDATE t SET v = v + 1 WHERE v > 0").rowcount == 1
    read = [call for call in calls if call.operation == "Scan"]
    assert set(read[0].request["ExpressionAttributeNames"].values()) == {"pk", "v"}
    with pytest.raises(psycopg.errors.InvalidCharacterValueForCast):
        dynamo.execute("UPDATE t SET v = 5 WHERE v > 0 RETURNING bad")
    assert stored(table) == [{"pk": "a", "v": 2, "bad": "text"}]


def test_entries_that_move_are_updated_once(dynamo, make_table, proxy):
    items = [{"pk": str(i), "g": "x", "n": i} for i in range(50)]
    table = make_table(
        ("pk",), "pk:S g:S n:N", items, gsis=[index("byN", "g", "n", "ALL")]
    )
    foreign_table(dynamo, "t", ["pk text", "g text", "n int"], table_name=table.name)
    with proxy.record() as calls:
        assert dynamo.execute("UPDATE t SET n = n + 100 WHERE g = 'x' AND n >= 0").rowcount == 50
    assert [call.request.get("IndexName") for call in calls if call.operation == "Query"] != []
    assert sorted(int(item["n"]) for item in stored(table)) == list(range(100, 150))


def test_two_steps(dynamo, make_table):
    items = [{"pk": str(i), "g": "x", "n": i, "v": i, "w": "x" * 5000} for i in range(200)]
    items += [{"pk": f"o{i}", "g": "y", "n": i, "v": i, "w": "x" * 5000} for i in range(200)]
    table = make_table(
        ("pk",), "pk:S g:S n:N", items, gsis=[index("byN", "g", "n", "KEYS_ONLY")]
    )
    foreign_table(dynamo, "t", ["pk text", "g text", "n int", "v int"], table_name=table.name)
    query = "UPDATE t SET v = -1 WHERE g = 'x' AND n < 10 AND v % 2 = 0"
    scan = list(plan_nodes(explain(dynamo, query)))[1]
    assert scan["DynamoDB Index"] == "byN" and "Fetch" in scan
    assert dynamo.execute(query).rowcount == 5
    assert sorted(item["pk"] for item in stored(table) if item["v"] == -1) == list("02468")


def test_blind_by_parameters(dynamo, make_table, proxy):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(300)])
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    dynamo.execute("SET plan_cache_mode = force_generic_plan")
    dynamo.execute("PREPARE u(text[], int) AS UPDATE t SET v = $2 WHERE pk = ANY ($1)")
    dynamo.execute("PREPARE d(text) AS DELETE FROM t WHERE pk = $1")
    dynamo.execute("EXECUTE u('{none}', 0)")
    with proxy.record() as calls:
        keys = ",".join(str(i) for i in range(250)) + ',7,none,""'
        assert dynamo.execute(f"EXECUTE u('{{{keys}}}', 1000)").rowcount == 250
        assert dynamo.execute("EXECUTE u(NULL, 1000)").rowcount == 0
        assert dynamo.execute("EXECUTE d(NULL)").rowcount == 0
        assert dynamo.execute("EXECUTE d('299')").rowcount == 1
        assert dynamo.execute("EXECUTE d('299')").rowcount == 0
    assert {call.operation for call in calls} == {"UpdateItem", "DeleteItem"}
    assert len(calls) == 251 + 2
    assert sum(item["v"] == 1000 for item in stored(table)) == 250


def test_values_are_computed_once_a_row(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": 0} for i in range(20)])
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    dynamo.execute("CREATE SEQUENCE s")
    rows = dynamo.execute("UPDATE t SET v = nextval('s') WHERE v = 0 RETURNING v").fetchall()
    assert sorted(rows) == [(i,) for i in range(1, 21)]
    assert dynamo.execute("UPDATE t SET v = nextval('s') WHERE pk IN ('1', '2')").rowcount == 2
    assert sorted(item["v"] for item in stored(table))[-2:] == [21, 22]


def test_expired_items_are_left_alone(dynamo, make_table):
    table = make_table(
        ("pk",), "pk:S", [{"pk": "old", "ttl": int(time.time()) - 100_000}, {"pk": "new", "ttl": 4_000_000_000}]
    )
    declare_time_to_live(table.name, "ttl")
    foreign_table(
        dynamo, "t", ["pk text", "v int"], table_name=table.name, hide_expired=True
    )
    assert dynamo.execute("UPDATE t SET v = 1 WHERE pk IN ('old', 'new')").rowcount == 1
    assert dynamo.execute("DELETE FROM t WHERE pk = 'old'").rowcount == 0
    assert dynamo.execute("UPDATE t SET v = 2").rowcount == 1
    assert {item["pk"]: item.get("v") for item in stored(table)} == {"old": None, "new": 2}


def test_entities_are_not_mistaken(dynamo, make_table, proxy):
    table = make_table(
        ("PK", "SK"),
        "PK:S SK:S",
        [
            {"PK": "USER#42", "SK": "META", "name": "a"},
            {"PK": "USER#042", "SK": "META", "name": "b"},
            {"PK": "USER#42", "SK": "HIST#1", "name": "c"},
        ],
    )
    foreign_table(
        dynamo,
        "u",
        [
            "pk text OPTIONS (attribute 'PK', template 'USER#${id}')",
            "sk text OPTIONS (attribute 'SK', template 'META')",
            "id int",
            "name text",
        ],
        table_name=table.name,
    )
    dynamo.execute("EXPLAIN SELECT FROM u")
    with proxy.record() as calls:
        assert dynamo.execute("UPDATE u SET name = 'x' WHERE id = 42").rowcount == 1
    assert {call.operation for call in calls} == {"UpdateItem"}
    # Not a key of this table, though it is one of an item.
    for pk, sk in [("USER#042", "META"), ("USER#42", "HIST#1")]:
        where = f"WHERE pk = '{pk}' AND sk = '{sk}'"
        assert dynamo.execute(f"UPDATE u SET name = 'y' {where}").rowcount == 0
        assert dynamo.execute(f"DELETE FROM u {where}").rowcount == 0
    assert dynamo.execute("UPDATE u SET name = name || '!'").rowcount == 1
    assert sorted(item["name"] for item in stored(table)) == ["b", "c", "x!"]
    assert dynamo.execute("DELETE FROM u").rowcount == 1
    assert sorted(item["name"] for item in stored(table)) == ["b", "c"]


def test_values_that_do_not_fit_are_not_written_blindly(dynamo, make_table):
    """With on_type_mismatch null a key that does not fit is NULL, and equals nothing."""
    key = "0b54e0a6-9f4f-4b52-8d4e-5d7a3bd1a5d5"
    table = make_table(("pk",), "pk:S", [{"pk": key, "v": 1}, {"pk": key.upper(), "v": 1}])
    foreign_table(
        dynamo, "t", ["pk uuid", "v int"], table_name=table.name, on_type_mismatch="null"
    )
    assert dynamo.execute(f"UPDATE t SET v = 2 WHERE pk = '{key}'").rowcount == 1
    assert dynamo.execute("UPDATE t SET v = 3 WHERE pk IS NULL").rowcount == 1
    assert {item["pk"]: item["v"] for item in stored(table)} == {key: 2, key.upper(): 3}


def test_partitions(dynamo, make_table):
    first = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1}])
    second = make_table(("pk",), "pk:S", [{"pk": "b", "v": 1}])
    dynamo.execute("CREATE TABLE p (pk text, v int) PARTITION BY LIST (pk)")
    for name, table, key in [("p1", first, "a"), ("p2", second, "b")]:
        dynamo.execute(
            f"CREATE FOREIGN TABLE {name} PARTITION OF p FOR VALUES IN ('{key}') "
            f"SERVER dynamo OPTIONS (table_name '{table.name}')"
        )
    dynamo.execute("CREATE TABLE p3 PARTITION OF p FOR VALUES IN ('c')")
    dynamo.execute("INSERT INTO p VALUES ('c', 1)")
    rows = dynamo.execute("UPDATE p SET v = v + 1 RETURNING tableoid::regclass::text, pk, v")
    assert sorted(rows.fetchall()) == [("p1", "a", 2), ("p2", "b", 2), ("p3", "c", 2)]
    assert dynamo.execute("UPDATE p SET v = v + 1").rowcount == 3
    assert dynamo.execute("DELETE FROM p WHERE v = 3").rowcount == 3
    assert stored(first) == stored(second) == []


def test_in_functions_and_ctes(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(10)])
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    dynamo.execute(
        """DO $$ DECLARE r record; BEGIN
             FOR i IN 0..9 LOOP
               UPDATE t SET v = v * 2 WHERE pk = i::text RETURNING v INTO r;
               IF r.v <> 2 * i THEN RAISE 'wrong %', r.v; END IF;
             END LOOP; END $$"""
    )
    total = dynamo.execute(
        "WITH d AS (DELETE FROM t WHERE v >= 10 RETURNING v) SELECT sum(v) FROM d"
    ).fetchone()
    assert total == (10 + 12 + 14 + 16 + 18,)
    assert len(stored(table)) == 5


def test_subqueries_in_set_and_where(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(10)])
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    assert (
        dynamo.execute(
            "UPDATE t SET v = (SELECT max(v) FROM t x WHERE x.v < t.v) WHERE v > 0"
        ).rowcount
        == 9
    )
    assert sorted(item["v"] for item in stored(table)) == [0] + list(range(9))
    assert dynamo.execute("DELETE FROM t WHERE v = (SELECT max(v) FROM t)").rowcount == 1
    assert dynamo.execute("DELETE FROM t WHERE EXISTS (SELECT FROM t x WHERE x.v > t.v)").rowcount == 8


def test_explain_says_what_is_written(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1}])
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    query = "UPDATE t SET v = v + 1 WHERE v % 2 = 1"
    scan = list(plan_nodes(explain(dynamo, query, ANALYZE="true")))[1]
    assert scan["Node Type"] == "Foreign Scan" and scan["Operation"] == "Update"
    assert scan["DynamoDB Operation"] == "Scan" and scan["DynamoDB Write"] == "UpdateItem"
    assert scan["Filter"] == "((v % 2) = 1)"
    assert (scan["Requests"], scan["Items Written"], scan["Write Units"]) == (2, 1, 1)
    query = "DELETE FROM t WHERE pk = 'a'"
    scan = list(plan_nodes(explain(dynamo, query, ANALYZE="true")))[1]
    assert scan["DynamoDB Operation"] == "DeleteItem" and "DynamoDB Write" not in scan
    assert (scan["Requests"], scan["Items Written"], scan["Read Units"]) == (1, 1, 0)


@pytest.mark.parametrize("statement", ["update", "delete"])
def test_joins_look_up_many_rows_at_once(dynamo, make_table, proxy, statement):
    items = [{"pk": f"p{i}", "sk": i, "v": i} for i in range(500)]
    table = make_table(("pk", "sk"), "pk:S sk:N", items)
    foreign_table(dynamo, "t", ["pk text", "sk int", "v int"], table_name=table.name)
    dynamo.execute("CREATE TABLE s AS SELECT 'p' || i AS pk, i AS sk FROM generate_series(0, 599) i")
    dynamo.execute("ANALYZE s")
    # As ANALYZE of a large table has it.
    dynamo.execute(
        "UPDATE pg_class SET reltuples = 1e7, relpages = 1e6 WHERE oid = 't'::regclass"
    )
    query = {
        "update": "UPDATE t SET v = -1 FROM s WHERE t.pk = s.pk AND t.sk = s.sk RETURNING t.v",
        "delete": "DELETE FROM t USING s WHERE t.pk = s.pk AND t.sk = s.sk RETURNING t.v",
    }[statement]
    together = Gathering(16)
    operation = {"update": "UpdateItem", "delete": "DeleteItem"}[statement]
    with proxy.record() as calls, proxy.inject(together, operation=operation):
        rows = dynamo.execute(query).fetchall()
    assert together.most == 16
    assert calls.operations.count("BatchGetItem") == 6
    assert "GetItem" not in calls.operations
    if statement == "update":
        assert rows == [(-1,)] * 500
        assert [item["v"] for item in stored(table)] == [-1] * 500
    else:
        assert sorted(rows) == [(i,) for i in range(500)]
        assert stored(table) == []


def test_rows_of_joins_keep_their_turn(dynamo, make_table):
    """Each row is shown what became of it, also beyond a batch and from disk."""
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i, "w": "x"} for i in range(900)])
    foreign_table(
        dynamo,
        "t",
        ["pk text", "v int", "w text", "doc jsonb OPTIONS (attribute '*')"],
        table_name=table.name,
    )
    dynamo.execute("CREATE TABLE s AS SELECT i, i::text AS pk FROM generate_series(0, 999) i")
    dynamo.execute("INSERT INTO s SELECT i + 10000, i::text FROM generate_series(0, 99) i")
    dynamo.execute("SET work_mem = '64kB'")
    rows = dynamo.execute(
        "UPDATE t SET v = s.i, w = repeat('y', 200) FROM s WHERE t.pk = s.pk "
        "RETURNING t.pk, t.v, s.i, s.pk, t.doc ->> 'v', length(t.w)"
    ).fetchall()
    assert len(rows) == 900
    assert all(
        pk == other and v == i and int(shown) == v and width == 200
        for pk, v, i, other, shown, width in rows
    )
    assert {item["pk"]: item["v"] for item in stored(table)} == {row[0]: row[1] for row in rows}
    rows = dynamo.execute("DELETE FROM t USING s WHERE t.pk = s.pk RETURNING t.pk, t.v, s.pk")
    assert all(row[0] == row[2] for row in rows.fetchall())
    assert stored(table) == []


def test_joins_over_partitions(dynamo, make_table):
    """Rows of several relations follow each other in one spool."""
    tables = [
        make_table(("pk",), "pk:N", [{"pk": i, "v": 0} for i in range(n, 100, 2)]) for n in (0, 1)
    ]
    dynamo.execute("CREATE TABLE p (pk int, v int) PARTITION BY LIST ((pk % 2))")
    for n, table in enumerate(tables):
        dynamo.execute(
            f"CREATE FOREIGN TABLE p{n} PARTITION OF p FOR VALUES IN ({n}) "
            f"SERVER dynamo OPTIONS (table_name '{table.name}')"
        )
    dynamo.execute("CREATE TABLE s AS SELECT i AS pk, i * i AS v FROM generate_series(0, 99) i")
    rows = dynamo.execute(
        "UPDATE p SET v = s.v FROM s WHERE p.pk = s.pk RETURNING p.tableoid::regclass::text, p.*"
    ).fetchall()
    assert sorted(rows) == sorted((f"p{i % 2}", i, i * i) for i in range(100))
    assert all(item["v"] == item["pk"] ** 2 for table in tables for item in stored(table))
    assert dynamo.execute("DELETE FROM p USING s WHERE p.pk = s.pk AND s.v > 100").rowcount == 89
    assert sum(len(stored(table)) for table in tables) == 11


def test_rows_that_are_routed_to_what_is_read_are_not_met_again(dynamo, make_table):
    table = make_table(("pk",), "pk:N", [{"pk": 1}])
    dynamo.execute("CREATE TABLE p (pk int) PARTITION BY RANGE (pk)")
    dynamo.execute(
        "CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000000) "
        f"SERVER dynamo OPTIONS (table_name '{table.name}')"
    )
    assert dynamo.execute("INSERT INTO p SELECT pk + 1 FROM p").rowcount == 1
    assert dynamo.execute("INSERT INTO p1 SELECT pk + 2 FROM p").rowcount == 2
    assert dynamo.execute("INSERT INTO p VALUES (7)").rowcount == 1
    assert sorted(item["pk"] for item in stored(table)) == [1, 2, 3, 4, 7]


CONDITIONS = [
    "v = 5",
    "v > 4 AND s LIKE 'ab%'",
    "v IN (5, 6) OR s = 'x'",
    "NOT (v < 5 OR s <> 'abc')",
    "(doc -> 'k') = '1'",
    "tags @> '{q}'",
    "city = 'Bern'",
]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("statement", ["UPDATE t SET v = 9 WHERE", "DELETE FROM t WHERE"])
def test_conditions_go_with_the_write(dynamo, make_table, proxy, statement, condition):
    item = {
        "pk": "a",
        "v": 5,
        "s": "abc",
        "doc": {"k": 1},
        "tags": {"q"},
        "address": {"city": "Bern"},
    }
    table = make_table(("pk",), "pk:S", [item, {"pk": "b", "v": 1, "s": "z"}])
    columns = ["pk text", "v int", "s text", "doc jsonb", "tags text[]"]
    columns.append("city text OPTIONS (attribute 'address.city')")
    foreign_table(dynamo, "t", columns, table_name=table.name)
    dynamo.execute("EXPLAIN SELECT FROM t")
    with proxy.record() as calls:
        assert dynamo.execute(f"{statement} pk = 'b' AND ({condition})").rowcount == 0
        assert dynamo.execute(f"{statement} pk = 'none' AND ({condition})").rowcount == 0
        assert dynamo.execute(f"{statement} pk = 'a' AND ({condition})").rowcount == 1
    operation = "UpdateItem" if statement.startswith("U") else "DeleteItem"
    assert calls.operations == [operation] * 3
    left = {item["pk"]: item["v"] for item in stored(table)}
    assert left == ({"a": 9, "b": 1} if operation == "UpdateItem" else {"b": 1})


def test_rows_that_changed_meanwhile_are_left_alone(dynamo, make_table, proxy):
    items = [{"pk": str(i), "state": "open", "n": i} for i in range(10)]
    table = make_table(("pk",), "pk:S", items)
    foreign_table(dynamo, "t", ["pk text", "state text", "n int"], table_name=table.name)

    def claim():
        table.put_item(Item={"pk": "3", "state": "taken", "n": 3})
        table.delete_item(Key={"pk": "4"})

    for query, operation, count in [
        ("UPDATE t SET state = 'mine' WHERE state = 'open' AND n % 1 = 0", "UpdateItem", 8),
        ("DELETE FROM t WHERE state = 'mine' AND n % 1 = 0", "DeleteItem", 8),
    ]:
        with proxy.inject(Meanwhile(claim), operation=operation):
            assert dynamo.execute(query).rowcount == count
    assert stored(table) == [{"pk": "3", "state": "taken", "n": 3}]


def test_two_sessions_claim_each_row_once(connect, db, make_table, proxy):
    make_server(db, proxy.endpoint)
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "state": "open"} for i in range(100)])
    foreign_table(db, "t", ["pk text", "state text"], table_name=table.name)
    other = connect()
    counts = {}

    def claim(session, name):
        counts[name] = session.execute(
            f"UPDATE t SET state = '{name}' WHERE state = 'open'"
        ).rowcount

    threads = [
        threading.Thread(target=claim, args=(session, name))
        for session, name in [(db, "one"), (other, "two")]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = Counter(item["state"] for item in stored(table))
    assert sum(counts.values()) == 100
    assert {name: n for name, n in counts.items() if n} == states


def test_a_lost_answer_to_a_conditional_write(dynamo, make_table, proxy):
    """The condition does not hold any more, because the first attempt was applied, or
    somebody else was quicker: nobody knows."""
    table = make_table(("pk",), "pk:S", [{"pk": "a", "state": "open"}, {"pk": "b", "state": "x"}])
    foreign_table(dynamo, "t", ["pk text", "state text"], table_name=table.name)
    where = "pk = 'a' AND state ="
    with proxy.inject(truncate(0.5), times=1, operation="UpdateItem"):
        query = f"UPDATE t SET state = 'mine' WHERE {where} 'open'"
        with pytest.raises(psycopg.errors.TransactionResolutionUnknown):
            dynamo.execute(query)
    with proxy.inject(truncate(0.5), times=1, operation="DeleteItem"):
        with pytest.raises(psycopg.errors.TransactionResolutionUnknown):
            dynamo.execute(f"DELETE FROM t WHERE {where} 'mine'")
    assert dynamo.execute("DELETE FROM t WHERE pk = 'b' AND state = 'open'").rowcount == 0
    assert stored(table) == [{"pk": "b", "state": "x"}]


def test_optimistic(dynamo, make_table, proxy):
    item = {"pk": "a", "v": 1, "w": 1, "doc": {"x": [1, None]}, "s": 'q"\\'}
    table = make_table(("pk",), "pk:S", [item, {"pk": "b"}])
    columns = ["pk text", "v int", "w int", "doc jsonb", "s text", "n int"]
    foreign_table(dynamo, "t", columns, table_name=table.name, optimistic=True)

    def change(**attributes):
        return Meanwhile(lambda: table.put_item(Item={**item, **attributes}))

    query = "UPDATE t SET v = v + 1 WHERE doc @> '{}' AND n IS NULL AND s LIKE 'q%'"
    assert dynamo.execute(query).rowcount == 1
    item["v"] = 2
    for changed in [{"v": 7}, {"doc": {"x": [1, 2]}}, {"s": "qq"}, {"n": 3}]:
        with (
            proxy.inject(change(**changed), operation="UpdateItem"),
            pytest.raises(psycopg.errors.SerializationFailure, match="was changed by others"),
        ):
            dynamo.execute(query)
        table.put_item(Item=item)
    with proxy.inject(change(w=5), operation="UpdateItem"):
        assert dynamo.execute(query).rowcount == 1
    with proxy.inject(Meanwhile(lambda: table.delete_item(Key={"pk": "a"})), operation="DeleteItem"):
        assert dynamo.execute("DELETE FROM t WHERE v + w = 8").rowcount == 0
    assert dynamo.execute("DELETE FROM t WHERE length(pk) + coalesce(n, 0) = 1").rowcount == 1
    assert stored(table) == []
    dynamo.execute("CREATE TABLE l (pk text)")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="in a join"):
        dynamo.execute("DELETE FROM t USING l WHERE t.pk = l.pk")
