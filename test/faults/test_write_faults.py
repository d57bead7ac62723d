# SPDX-License-Identifier: PostgreSQL
"""Writes in trouble: what may have been applied is told from what was not, answers
that get lost neither double rows nor fail statements, and errors say what to do."""

import contextlib
import threading

import psycopg
import pytest
from lab import wait_until
from support import proxy as faults
from support.background import failure
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.systems import definition

KEYS = definition(("pk", "sk"), "pk:S sk:N")
INSERT = "INSERT INTO t VALUES ('a', 1, 5)"
UNKNOWN = "08007"


class Nonsense(faults.Behaviour):
    """Whatever it said comes as a success that is no JSON object."""

    def change(self, reply, connection):
        reply.status, reply.body = 200, b"[]"
        reply.sign()


class LoseAnswer(faults.Behaviour):
    """DynamoDB Local does what it was asked to, and nobody hears of it."""

    def change(self, reply, connection):
        raise faults.Gone


@pytest.fixture
def items(make_items):
    return make_items(KEYS)


@pytest.fixture
def t(db, proxy, items):
    """A table with its description known and a connection open."""
    make_server(db, proxy.endpoint, max_attempts=3)
    foreign_table(db, "t", ["pk text", "sk int", "v int"], table_name=items.name)
    assert db.execute("SELECT * FROM t WHERE pk = 'none'").fetchall() == []
    return db


def stored(items):
    found = items.scan(ConsistentRead=True)["Items"]
    return sorted((item["pk"], item["sk"], item.get("v")) for item in found)


# ---- answers that get lost --------------------------------------------------------

LOST = {
    "silence": LoseAnswer,
    "half": lambda: faults.truncate(0.5),
    "damage": faults.wrong_crc,
    "nonsense": Nonsense,
}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("how", LOST)
def test_insert_whose_answer_is_lost_is_unknown(t, proxy, items, how, times):
    """On a kept connection libcurl asks again by itself, which counts as well."""
    with proxy.inject(LOST[how](), operation="PutItem", times=times), proxy.record() as calls:
        diag = failure(t, INSERT)
    assert diag.sqlstate == UNKNOWN
    assert "(a, 1)" in diag.message_detail or '"a"' in diag.message_detail
    assert calls.operations == ["PutItem"] * (times + 1)
    assert calls[-1].response["__type"].endswith("ConditionalCheckFailedException")
    assert stored(items) == [("a", 1, 5)]


@pytest.mark.parametrize("how", LOST)
def test_insert_whose_answer_is_lost_may_be_a_duplicate(t, proxy, items, how):
    """Another item is there: others may have changed the one that was inserted."""
    items.put_item(Item={"pk": "a", "sk": 1, "v": 4})
    with proxy.inject(LOST[how](), operation="PutItem", times=1):
        assert failure(t, INSERT).sqlstate == UNKNOWN
    assert stored(items) == [("a", 1, 4)]


def test_insert_of_an_equal_item_is_a_duplicate(t, proxy, items):
    """Nothing was lost, so nothing but another writer can have put it."""
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5})
    throttled = faults.throttle()
    with proxy.inject(throttled, operation="PutItem", times=1), proxy.record() as calls:
        assert failure(t, INSERT).sqlstate == "23505"
    assert calls.operations == ["PutItem"] * 2


def test_delete_whose_answer_is_lost_is_unknown(t, proxy, items):
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5})
    with proxy.inject(LoseAnswer(), operation="DeleteItem", times=1):
        assert failure(t, "DELETE FROM t WHERE pk = 'a' AND sk = 1").sqlstate == UNKNOWN
    assert stored(items) == []


def test_update_whose_answer_is_lost_succeeds(t, proxy, items):
    items.put_item(Item={"pk": "a", "sk": 1, "v": 5})
    with proxy.inject(LoseAnswer(), operation="UpdateItem", times=1):
        assert t.execute("UPDATE t SET v = v + 1 WHERE pk = 'a' AND sk = 1").rowcount == 1
    assert stored(items) == [("a", 1, 6)]


def test_duplicate_whose_item_holds_what_json_readers_refuse(t, items):
    """A name with a NUL in it: the refusal that shows the item is understood."""
    items.put_item(Item={"pk": "a", "sk": 1, "n\0": "\0 \\u0000"})
    assert failure(t, INSERT).sqlstate == "23505"


def test_many_rows_in_any_trouble_are_written_once(t, proxy, items):
    t.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '30')")
    troubles = [
        faults.internal_error(),
        faults.throttle(),
        faults.error("TransactionConflictException"),
    ]
    with contextlib.ExitStack() as stack:
        for seed, trouble in enumerate(troubles):
            stack.enter_context(proxy.inject(trouble, probability=0.05, seed=seed))
        cursor = t.execute("INSERT INTO t SELECT 'p' || n % 5, n, n FROM generate_series(1, 300) n")
        assert cursor.rowcount == 300
        assert t.execute("UPDATE t SET v = -sk WHERE pk = 'p1'").rowcount == 60
        assert t.execute("DELETE FROM t WHERE pk = 'p2'").rowcount == 60
    expected = [(f"p{n % 5}", n, -n if n % 5 == 1 else n) for n in range(1, 301) if n % 5 != 2]
    assert stored(items) == sorted(expected)


# ---- writes that are given up -----------------------------------------------------


@pytest.mark.parametrize(
    "fault, applied, attempts",
    # (After silence on a connection that was kept, libcurl sends again by itself.)
    [(LoseAnswer, True, 4), (faults.internal_error, False, 3), (faults.html, False, 3)],
    ids=["silence", "fault", "busy"],
)
def test_outcome_unknown(t, proxy, items, fault, applied, attempts):
    with proxy.inject(fault(), operation="PutItem"):
        diag = failure(t, INSERT)
    assert diag.sqlstate == UNKNOWN
    assert diag.message_primary == f'outcome of a write to DynamoDB table "{items.name}" is unknown'
    assert f"after {attempts} attempts" in diag.message_detail
    assert "Look at the item" in diag.message_hint
    assert stored(items) == ([("a", 1, 5)] if applied else [])
    assert t.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "refusal", [faults.throttle(), faults.error("AccessDeniedException")], ids=["throttled", "denied"]
)
def test_outcome_unknown_whatever_came_after(t, proxy, items, refusal):
    class Both(faults.Behaviour):
        asked = 0

        def instead(self, call, connection):
            self.asked += 1
            return None if self.asked == 1 else refusal.instead(call, connection)

        def change(self, reply, connection):
            if self.asked == 1:
                raise faults.Gone

    with proxy.inject(Both(), operation="PutItem"):
        diag = failure(t, INSERT)
    assert diag.sqlstate == UNKNOWN
    assert stored(items) == [("a", 1, 5)]


@pytest.mark.parametrize(
    "fault, sqlstate, hint",
    [
        (faults.throttle(), "53000", "write capacity"),
        (faults.error("AccessDeniedException"), "42501", "permission"),
        (faults.error("TransactionConflictException"), "40001", "Another transaction"),
        (faults.error("ItemCollectionSizeLimitExceededException"), "54000", "10 GB"),
        (faults.error("ResourceNotFoundException"), "HV00R", "table_name"),
        (faults.error("ValidationException", "Item size has exceeded the maximum allowed size"), "54000", "400 KB"),
        (faults.error("ValidationException", "Number overflow. Attempting to store"), "22003", "38"),
        (faults.error("ValidationException", "Type mismatch for Index Key g"), "22023", "indexes"),
        (faults.error("ValidationException", "something else"), "HV000", None),
    ],
    ids=["throttled", "denied", "conflict", "collection", "no table", "size", "number", "key", "other"],
)
def test_refusals(t, proxy, items, fault, sqlstate, hint):
    """Nothing was written, and it is certain."""
    with proxy.inject(fault, operation="PutItem"):
        diag = failure(t, INSERT)
    assert diag.sqlstate == sqlstate
    assert diag.message_primary == f'could not write to DynamoDB table "{items.name}": PutItem failed'
    assert faults.REQUEST_ID in diag.message_detail
    assert hint is None or hint in diag.message_hint
    assert stored(items) == []


def test_items_too_large(t, items):
    t.execute("ALTER FOREIGN TABLE t ADD s text")
    diag = failure(t, "INSERT INTO t VALUES ('a', 1, 5, repeat('x', 410000))")
    assert diag.sqlstate == "54000"
    assert "400 KB" in diag.message_hint


@pytest.mark.parametrize(
    "code", ["TransactionConflictException", "ReplicatedWriteConflictException", "TransactionInProgressException"]
)
def test_transactions_in_the_way_are_waited_for(t, proxy, items, code):
    with proxy.inject(faults.error(code), operation="PutItem", times=2), proxy.record() as calls:
        t.execute(INSERT)
    assert len(calls.of("PutItem")) == 3
    assert stored(items) == [("a", 1, 5)]


# ---- what replies say -------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b'{"__type": "x#ThrottlingException", "message": "m"}',
        b'{"ConsumedCapacity": {"CapacityUnits": 1}, "Attributes": {"pk": {"S": "a"}}',
        b'{"Attributes": [1]}',
        b'{"Attributes": {"a": {"S": "b"}}, "Attributes": {"a": {"S": "c"}}}',
        b'{"UnprocessedItems": "t"}',
        b'{"a": "\xff"}',
        b'{} {}',
    ],
)
def test_reply_that_is_none_to_a_write(t, proxy, body):
    with proxy.inject(faults.rewrite_bytes(lambda _: body), operation="PutItem"):
        diag = failure(t, INSERT)
    assert diag.sqlstate == "HV00M"
    assert "could not understand a reply" in diag.message_primary


@pytest.mark.parametrize(
    "capacity, units",
    [
        ({"CapacityUnits": 3.5, "TableName": "x"}, 3.5),
        ([{"CapacityUnits": 1}, {"TableName": "x", "CapacityUnits": 2.5}], 3.5),
        (None, 0),
        ({"CapacityUnits": None}, 0),
        ([], 0),
    ],
)
def test_write_units(t, proxy, items, capacity, units):
    def change(response):
        response["ConsumedCapacity"] = capacity
        response["Unheard of"] = {"a": [1, {}]}

    with proxy.inject(faults.rewrite(change), operation="PutItem"):
        plan = explain(t, INSERT, analyze="on")
    (node,) = [n for n in plan_nodes(plan) if "Write Units" in n]
    assert node["Write Units"] == units
    assert stored(items) == [("a", 1, 5)]


def test_log_tells_write_units(t, cluster):
    start = cluster.log_size()
    t.execute("SET ddb_fdw.log_requests = on")
    t.execute(INSERT)
    wait_until(lambda: "DynamoDB PutItem on table" in cluster.log_since(start), "the log")
    assert "ok, 1.0 write units" in cluster.log_since(start)


class OneRefusedOthersLost(faults.Behaviour):
    """The first request is refused once the others are under way; these are applied,
    and nobody hears of it."""

    def __init__(self, requests):
        self.requests = requests
        self.condition = threading.Condition()
        self.arrived = 0

    def instead(self, call, connection):
        with self.condition:
            self.arrived += 1
            first = self.arrived == 1
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.arrived >= self.requests, 20)
        if first:
            return faults.error("AccessDeniedException").instead(call, connection)
        return None

    def change(self, reply, connection):
        if reply.status == 200:
            raise faults.Gone


def test_what_others_may_have_written_is_told(t, proxy, items):
    t.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '1')")
    t.execute("SELECT FROM t WHERE pk = 'none'")
    with (
        proxy.inject(OneRefusedOthersLost(3), operation="PutItem"),
        pytest.raises(psycopg.Error) as caught,
    ):
        t.execute("INSERT INTO t VALUES ('a', 1, 1), ('a', 2, 2), ('a', 3, 3)")
    # Whichever is told first: nobody is to think that nothing was written.
    assert caught.value.sqlstate in ("42501", UNKNOWN)
    assert "may have been written" in caught.value.diag.context
    assert len(stored(items)) == 2
