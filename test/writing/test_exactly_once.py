# SPDX-License-Identifier: PostgreSQL
"""Option exactly_once: which requests it makes, and what they cost."""

import re

import psycopg
import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.systems import definition, index

KEYS = definition(("pk", "sk"), "pk:S sk:N st:S", gsis=[index("bySt", "st", "sk")])
COLUMNS = [
    "pk text",
    "sk int",
    "st text",
    "v int",
    "text text",
    "city text OPTIONS (attribute 'address.city')",
    "tags text[]",
    "second text OPTIONS (attribute 'tags[1]')",
]


@pytest.fixture
def items(make_items):
    return make_items(KEYS)


@pytest.fixture
def t(db, proxy, items):
    make_server(db, proxy.endpoint)
    for name, more in (
        ("t", {"exactly_once": True}),
        ("put", {"exactly_once": True, "insert_mode": "put"}),
        ("plain", {}),
    ):
        foreign_table(db, name, COLUMNS, table_name=items.name, **more)
    db.execute("CREATE TABLE l (k int)")
    db.execute("INSERT INTO l SELECT generate_series(1, 3)")
    db.execute("SELECT FROM t WHERE pk = 'a' AND sk = 1")
    return db


def stored(items):
    found = items.scan(ConsistentRead=True)["Items"]
    return sorted(found, key=lambda item: (item["pk"], item["sk"]))


def writes(db, proxy, statement):
    """Of each request that writes: its one action, by name."""
    with proxy.record() as calls:
        db.execute(statement)
    actions = []
    for call in calls.data:
        if call.operation in ("Query", "Scan", "GetItem", "BatchGetItem"):
            continue
        assert call.operation == "TransactWriteItems"
        request = call.request
        assert set(request) == {"TransactItems", "ClientRequestToken", "ReturnConsumedCapacity"}
        assert re.fullmatch("[0-9a-f]{32}", request["ClientRequestToken"])
        (action,) = request["TransactItems"]
        actions += action.items()
    assert len({call.request.get("ClientRequestToken") for call in calls.data}) >= len(actions)
    return actions


NEW = "SELECT 'a', k, 'new', k FROM l"
ACTIONS = {
    f"INSERT INTO t (pk, sk, st, v) {NEW}": "Put",
    f"INSERT INTO put (pk, sk, st, v) {NEW}": "Put",
    f"INSERT INTO t (pk, sk, st, v) {NEW} ON CONFLICT DO NOTHING": "Put",
    f"INSERT INTO t (pk, sk, st, v) {NEW} RETURNING *": "Put",
    "UPDATE t SET v = v + 1 WHERE pk = 'a'": "Update",
    "UPDATE t SET v = 7 WHERE pk = 'a' AND sk IN (1, 2, 3)": "Update",
    "UPDATE t SET v = 8 FROM l WHERE t.pk = 'a' AND t.sk = l.k": "Update",
    "UPDATE t SET city = 'x' WHERE pk = 'a' AND sk IN (1, 2, 3) AND v > 0": "Update",
    "DELETE FROM t WHERE pk = 'a' RETURNING pk": "Delete",
    "DELETE FROM t WHERE pk = 'a' AND sk IN (1, 2, 3)": "Delete",
    "DELETE FROM t USING l WHERE t.pk = 'a' AND t.sk = l.k": "Delete",
}


@pytest.mark.parametrize("statement", ACTIONS)
def test_each_write_is_a_transaction_of_one_action(t, proxy, items, statement):
    if "INSERT" not in statement:
        for k in (1, 2, 3):
            items.put_item(Item={"pk": "a", "sk": k, "st": "new", "v": k, "address": {}})
    actions = writes(t, proxy, statement)
    assert [name for name, _ in actions] == [ACTIONS[statement]] * 3
    for _, action in actions:
        assert action["TableName"] == items.name
        conditional = "INTO put" not in statement
        assert ("ConditionExpression" in action) == conditional
        if conditional:
            assert action["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
        assert not action.keys() & {"ReturnConsumedCapacity", "ReturnValues"}
    assert len(stored(items)) == (0 if "DELETE" in statement else 3)


def test_copy(t, proxy, items):
    with proxy.record() as calls:
        for name in ("t", "put"):
            with t.cursor().copy(f"COPY {name} (pk, sk, v) FROM STDIN") as copy:
                for k in range(20):
                    copy.write_row((name, k, k))
    assert calls.data.operations == ["TransactWriteItems"] * 40
    assert len({call.request["ClientRequestToken"] for call in calls.data}) == 40
    assert len(stored(items)) == 40


def test_errors_are_those_of_single_writes(t, items):
    t.execute("INSERT INTO t (pk, sk, v) VALUES ('a', 1, 5)")
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        t.execute("INSERT INTO t (pk, sk, v) VALUES ('a', 1, 5)")
    assert caught.value.diag.message_detail == "Key (pk, sk)=(a, 1) already exists."
    assert t.execute("UPDATE t SET v = 1 WHERE pk = 'a' AND sk = 2").rowcount == 0
    assert t.execute("UPDATE t SET v = 1 WHERE pk = 'a' AND sk = 1 AND v = 6").rowcount == 0
    assert t.execute("DELETE FROM t WHERE pk = 'a' AND sk = 2").rowcount == 0
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        t.execute("INSERT INTO t (pk, sk, text) VALUES ('a', 3, repeat('x', 410000))")
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        t.execute("UPDATE t SET text = repeat('x', 410000) WHERE pk = 'a' AND sk = 1")
    assert stored(items) == [{"pk": "a", "sk": 1, "v": 5}]


def test_paths_and_elements(t, items):
    items.put_item(Item={"pk": "a", "sk": 1})
    assert t.execute("UPDATE t SET city = 'x', second = 'y' WHERE pk = 'a' AND sk = 1").rowcount == 1
    assert t.execute("UPDATE t SET city = 'z' WHERE pk = 'a'").rowcount == 1
    assert t.execute("UPDATE t SET second = 'z' FROM l WHERE pk = 'a' AND sk = k").rowcount == 1
    assert stored(items) == [{"pk": "a", "sk": 1, "address": {"city": "z"}, "tags": [None, "z"]}]


def test_the_table_overrides_the_server(t, proxy, items):
    t.execute("ALTER SERVER dynamo OPTIONS (ADD exactly_once 'on')")
    t.execute("ALTER FOREIGN TABLE t OPTIONS (SET exactly_once 'false')")
    with proxy.record() as calls:
        t.execute("INSERT INTO plain (pk, sk) VALUES ('a', 1)")
        t.execute("INSERT INTO t (pk, sk) VALUES ('a', 2)")
    assert calls.data.operations == ["TransactWriteItems", "PutItem"]


# ---- what it costs -------------------------------------------------------------------

LONG = 3500


def by_hand(ddb, items, kind):
    """Units that boto3 is told, of the action on an item of 4 units in table and index."""
    key = {"pk": {"S": "h"}, "sk": {"N": "1"}}
    text = {"text": {"S": "x" * LONG}}
    where = {"TableName": items.name}
    action = {
        "INSERT": {"Put": where | {"Item": key | {"st": {"S": "new"}} | text}},
        "UPDATE": {
            "Update": where
            | {
                "Key": key,
                "UpdateExpression": "SET v = :v",
                "ExpressionAttributeValues": {":v": {"N": "1"}},
            }
        },
        "DELETE": {"Delete": where | {"Key": key}},
    }[kind]
    if kind != "INSERT":
        ddb.put_item(**where, Item=key | {"st": {"S": "new"}} | text)
    reply = ddb.transact_write_items(TransactItems=[action], ReturnConsumedCapacity="TOTAL")
    ddb.delete_item(**where, Key=key)
    return sum(one["CapacityUnits"] for one in reply["ConsumedCapacity"])


COSTS = {
    "INSERT": "INSERT INTO {} (pk, sk, st, text) SELECT 'a', k, 'new', repeat('x', %d) FROM l" % LONG,
    "UPDATE": "UPDATE {} SET v = 1 WHERE pk = 'a' AND sk IN (1, 2, 3)",
    "DELETE": "DELETE FROM {} WHERE pk = 'a'",
}


def shown(plan, label):
    values = []
    for node in plan_nodes(plan):
        values += [part[label] for part in [node, *node.get("Target Tables", [])] if label in part]
    return values


@pytest.mark.parametrize("name", ["t", "put"])
def test_units_are_twice_those_of_single_writes(t, ddb, items, name):
    for kind, statement in COSTS.items():
        plan = explain(t, statement.format(name), analyze="true")
        assert sum(shown(plan, "Write Units")) == 3 * by_hand(ddb, items, kind)
        assert shown(plan, "Exactly Once") == ["TransactWriteItems, at twice the write units"]
    plain = {kind: explain(t, s.format("plain"), analyze="true") for kind, s in COSTS.items()}
    for kind, plan in plain.items():
        assert 2 * sum(shown(plan, "Write Units")) == 3 * by_hand(ddb, items, kind)
        assert shown(plan, "Exactly Once") == []


@pytest.mark.parametrize("kind", COSTS)
def test_explain_without_analyze(t, kind):
    for name, expected in (("t", 1), ("plain", 0)):
        plan = explain(t, COSTS[kind].format(name))
        assert len(shown(plan, "Exactly Once")) == expected
