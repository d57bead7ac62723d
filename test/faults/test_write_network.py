# SPDX-License-Identifier: PostgreSQL
"""Writes through a network that loses, repeats, refuses and delays: each row is written
once, an error is raised once, and it says how many items have been written."""

import contextlib
import json
import pathlib
import re
import threading
import time
from decimal import Decimal

import psycopg
import pytest
from lab import wait_until
from support import proxy as faults
from support.background import everything_said, failure, Statement, wait_for_end
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.systems import definition

COLUMNS = ["pk text", "sk int", "v numeric", "s text", "f float8 OPTIONS (attribute 'f')"]
KEYS = definition(("pk", "sk"), "pk:S sk:N")

CANCELED = "57014"
UNKNOWN_OUTCOME = "08007"
THROTTLED = "53000"
UNIQUE_VIOLATION = "23505"
BROKEN_REPLY = "HV00M"

PROMPT_SECONDS = 0.1
MEGABYTE = 1024 * 1024


class Site:
    """An empty table behind a proxy, and connections to write it."""

    def __init__(self, connect, proxy, items, **options):
        self.db, self.observer = connect(), connect()
        self.proxy, self.items = proxy, items
        options.setdefault("max_attempts", 4)
        make_server(self.db, proxy.endpoint, **options)
        foreign_table(self.db, "t", COLUMNS, table_name=items.name)
        foreign_table(self.db, "p", COLUMNS, table_name=items.name, insert_mode="put")
        self.db.execute("EXPLAIN INSERT INTO t VALUES ('x', 1)")  # asks for the key

    @property
    def pid(self):
        return self.db.info.backend_pid

    def put(self, *items):
        for item in items:
            self.items.put_item(Item=item)

    def stored(self):
        pages = self.items.meta.client.get_paginator("scan").paginate(
            TableName=self.items.name, ConsistentRead=True
        )
        found = [item for page in pages for item in page["Items"]]
        return sorted(found, key=lambda item: (item["pk"], item["sk"]))

    def said(self, diag):
        """How many items the error says are written."""
        found = re.search(r"after (\d+) items? of", diag.context or "")
        return int(found[1]) if found else 0


@pytest.fixture
def items(make_items):
    return make_items(KEYS)


@pytest.fixture
def make_site(connect, proxy, items):
    def make(**options):
        return Site(connect, proxy, items, **options)

    return make


@pytest.fixture
def site(make_site):
    return make_site()


def rows(n, value="i"):
    """A query that gives so many rows of the first three columns."""
    return f"SELECT 'p' || i % 7, i, {value} FROM generate_series(1, {n}) i"


def error_of(db, query, parameters=None):
    """The same as error_of(), of a statement that gives no rows."""
    with pytest.raises(psycopg.Error) as caught:
        db.execute(query, parameters)
    return caught.value.diag


# ---- how many requests, and how many at once ------------------------------------------


class InFlight(faults.Behaviour):
    """Lets requests wait until so many are under way; knows the most there were."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.condition = threading.Condition()
        self.now = self.most = 0

    def instead(self, call, connection):
        with self.condition:
            self.now += 1
            self.most = max(self.most, self.now)
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.most >= self.wanted, 20)

    def change(self, reply, connection):
        with self.condition:
            self.now -= 1


def test_each_row_is_one_put_and_so_many_are_under_way(make_site):
    site = make_site(max_concurrency=6)
    with (
        site.proxy.inject(InFlight(6), operation="PutItem") as flight,
        site.proxy.record() as calls,
    ):
        cursor = site.db.execute(f"INSERT INTO t {rows(1000)}")
    assert cursor.rowcount == 1000
    assert calls.data.operations == ["PutItem"] * 1000
    assert flight.most == 6
    assert len(site.stored()) == 1000


def test_copy_is_one_put_a_row(make_site):
    site = make_site(max_concurrency=6)
    with (
        site.proxy.inject(InFlight(6), operation="PutItem") as flight,
        site.proxy.record() as calls,
        site.db.cursor().copy("COPY t (pk, sk, v) FROM STDIN") as copy,
    ):
        for i in range(1000):
            copy.write_row((f"p{i % 7}", i, i))
    assert calls.data.operations == ["PutItem"] * 1000
    assert flight.most == 6


def test_put_mode_writes_25_rows_a_request(make_site):
    site = make_site(max_concurrency=6)
    with (
        site.proxy.inject(InFlight(6), operation="BatchWriteItem") as flight,
        site.proxy.record() as calls,
    ):
        assert site.db.execute(f"INSERT INTO p {rows(1000)}").rowcount == 1000
    assert calls.data.operations == ["BatchWriteItem"] * 40
    assert flight.most == 6
    assert len(site.stored()) == 1000


def test_one_row_in_flight_is_enough(make_site):
    site = make_site(max_concurrency=1)
    with site.proxy.inject(InFlight(1)) as flight:
        assert site.db.execute(f"INSERT INTO t {rows(30)}").rowcount == 30
        assert site.db.execute(f"INSERT INTO p {rows(60)}").rowcount == 60
    assert flight.most == 1
    assert len(site.stored()) == 60


# ---- what a retry cures ---------------------------------------------------------------


def modify_node(db, query):
    (node,) = [
        n for n in plan_nodes(explain(db, query, analyze="true")) if n["Node Type"] == "ModifyTable"
    ]
    return node


def test_throttled_writes_succeed(make_site):
    site = make_site(max_attempts=10)
    with (
        site.proxy.inject(faults.throttle(), probability=0.4, seed=2) as _,
        site.proxy.record() as calls,
    ):
        node = modify_node(site.db, f"INSERT INTO t {rows(200)}")
    throttled = sum(call.injected for call in calls)
    assert throttled > 20
    assert (node["Throttles"], node["Retries"]) == (throttled, throttled)
    assert node["Requests"] == 200
    assert len(site.stored()) == 200
    with site.proxy.inject(faults.throttle("ThrottlingException"), probability=0.3, seed=3):
        assert site.db.execute("UPDATE t SET v = v + 1000").rowcount == 200
        assert {int(item["v"]) // 1000 for item in site.stored()} == {1}
        assert site.db.execute("DELETE FROM t").rowcount == 200
    assert site.stored() == []


def test_mixed_faults_on_writes(make_site):
    """None of these applies a write and says it did not."""
    site = make_site(max_attempts=20)
    with (
        site.proxy.inject(faults.throttle(), probability=0.2, seed=1),
        site.proxy.inject(faults.internal_error(), probability=0.1, seed=2),
        site.proxy.inject(faults.close_before(), probability=0.05, seed=3),
    ):
        assert site.db.execute(f"INSERT INTO t {rows(100)}").rowcount == 100
        assert site.db.execute(f"INSERT INTO p {rows(200)}").rowcount == 200
        assert site.db.execute("UPDATE t SET v = v + 1000").rowcount == 200
        assert site.db.execute("DELETE FROM t WHERE v > 1100").rowcount == 100
    assert [int(item["v"]) for item in sorted(site.stored(), key=lambda i: i["sk"])] == [
        1000 + i for i in range(1, 101)
    ]


# ---- items that BatchWriteItem leaves ---------------------------------------------------


class Unprocessed(faults.Behaviour):
    """Lets so many items of each batch through, and says the others are unprocessed."""

    def __init__(self, processed):
        self.processed = processed
        self.left = threading.local()

    def instead(self, call, connection):
        ((table, requests),) = call.request["RequestItems"].items()
        self.left.items = {table: requests[self.processed :]} if requests[self.processed :] else {}
        if self.processed == 0:
            return faults.made_reply(200, json.dumps({"UnprocessedItems": self.left.items}).encode())
        return None

    def ask(self, body):
        request = json.loads(body)
        for table in request["RequestItems"]:
            del request["RequestItems"][table][self.processed :]
        return json.dumps(request).encode()

    def change(self, reply, connection):
        response = json.loads(reply.body)
        response["UnprocessedItems"] = self.left.items
        reply.body = json.dumps(response).encode()
        reply.sign()


def test_unprocessed_items_are_sent_again(site):
    with (
        site.proxy.inject(Unprocessed(10), operation="BatchWriteItem"),
        site.proxy.record() as calls,
    ):
        assert site.db.execute(f"INSERT INTO p {rows(50)}").rowcount == 50
    sizes = sorted(
        (len(batch) for call in calls.data for batch in call.request["RequestItems"].values()),
        reverse=True,
    )
    assert sizes == [25, 25, 15, 15, 5, 5]
    assert len(site.stored()) == 50


@pytest.mark.parametrize("lie", ["another key", "one twice", "another table", "no item", "deleted"])
def test_items_left_that_were_never_sent(site, lie):
    """They would be written, as nobody asked for."""

    class Lies(Unprocessed):
        def ask(self, body):
            ((table, requests),) = json.loads(body)["RequestItems"].items()
            first = requests[0]["PutRequest"]["Item"]
            other = {"PutRequest": {"Item": {**first, "sk": {"N": "4711"}}}}
            self.left.items = {
                "another key": {table: [other]},
                "one twice": {table: [requests[0], requests[0]]},
                "another table": {table: [requests[0]], "u": [requests[1]]},
                "no item": {table: [{"PutRequest": {}}]},
                "deleted": {table: [{"DeleteRequest": {"Key": {"pk": {"S": "x"}}}}]},
            }[lie]
            return body

    with (
        site.proxy.inject(Lies(25), operation="BatchWriteItem", times=1),
        site.proxy.record() as calls,
    ):
        diag = failure(site.db, f"INSERT INTO p {rows(20)}")
    assert diag.sqlstate == "HV00M"
    assert "unprocessed" in diag.message_detail
    assert calls.data.count("BatchWriteItem") == 1
    assert 4711 not in [int(item["sk"]) for item in site.stored()]


def test_items_that_stay_unprocessed_are_an_error(make_site):
    """Rounds that write nothing are counted as attempts are."""
    site = make_site(max_attempts=3, max_concurrency=1)
    with (
        site.proxy.inject(Unprocessed(0), operation="BatchWriteItem"),
        site.proxy.record() as calls,
    ):
        diag = error_of(site.db, f"INSERT INTO p {rows(30)}")
    assert diag.sqlstate == THROTTLED
    assert "unprocessed" in diag.message_primary
    assert len(calls.data) == 3
    assert diag.context is None or "items" not in diag.context
    assert site.stored() == []


def test_batches_beside_one_that_stays_unprocessed_are_waited_for(make_site):
    site = make_site(max_attempts=2, max_concurrency=2)

    class FirstStays(Unprocessed):
        """The batch with row 1 is never processed, the others wait until it has failed."""

        def __init__(self):
            super().__init__(0)
            self.tries = 0
            self.failed = threading.Event()

        def instead(self, call, connection):
            ((_, requests),) = call.request["RequestItems"].items()
            if not any(r["PutRequest"]["Item"]["sk"] == {"N": "1"} for r in requests):
                self.left.applies = False
                self.failed.wait(20)
                return None
            self.tries += 1
            if self.tries == 2:
                threading.Timer(0.05, self.failed.set).start()
            self.left.applies = True
            return super().instead(call, connection)

        def ask(self, body):
            return super().ask(body) if self.left.applies else body

        def change(self, reply, connection):
            if self.left.applies:
                super().change(reply, connection)

    with site.proxy.inject(FirstStays(), operation="BatchWriteItem"):
        diag = error_of(site.db, f"INSERT INTO p {rows(50)}")
    assert diag.sqlstate == THROTTLED
    assert site.said(diag) == len(site.stored()) == 25


# ---- answers that are lost after the write was applied ------------------------------------


def lose(function):
    return faults.Change(function)


def gone(reply):
    raise faults.Gone


def failed(reply):
    """It was applied, and the answer is an error."""
    error = faults.internal_error().instead(None, None)
    reply.status, reply.headers, reply.body = error.status, error.headers, error.body


LOST = {
    "closed": lambda: lose(gone),
    "closed after the headers": faults.close_after_headers,
    "reset in the body": lambda: faults.truncate(0.5, with_reset=True),
    "one byte missing": lambda: faults.truncate(0.99),
    "one bit flipped": lambda: faults.corrupt(0.5),
    "500 all the same": lambda: lose(failed),
}


@pytest.fixture(params=LOST)
def loss(request):
    return LOST[request.param]()


def test_many_answers_are_lost_once(make_site, loss):
    site = make_site(max_attempts=10)
    seen = set()
    lock = threading.Lock()
    state = threading.local()

    class FirstOfEach(faults.Behaviour):
        def instead(self, call, connection):
            with lock:
                state.first = call.request_body not in seen
                seen.add(call.request_body)

        def change(self, reply, connection):
            if state.first:
                loss.change(reply, connection)

    # One in three, so that the client's patience with a server in trouble lasts.
    with site.proxy.inject(FirstOfEach(), operation="PutItem", every=3):
        diag = error_of(site.db, f"INSERT INTO t {rows(60)}")
    assert diag.sqlstate == UNKNOWN_OUTCOME
    n = int(re.search(r"whether (\d+) items", diag.message_primary).group(1))
    assert n > 10
    assert f"and {n - 10} others" in diag.message_detail
    assert len(site.stored()) == 60


def test_identical_rows_of_one_statement_are_a_violation_though_answers_are_lost(make_site):
    site = make_site(max_attempts=10)
    two = "INSERT INTO t VALUES ('a', 1, 5, 'x'), ('a', 1, 5, 'x')"
    # The answer about the first row, about the second.
    for number, sqlstate in ((1, UNKNOWN_OUTCOME), (2, UNIQUE_VIOLATION)):
        with site.proxy.inject(faults.Change(gone), operation="PutItem", every=number, times=1):
            assert error_of(site.db, two).sqlstate == sqlstate
        assert len(site.stored()) == 1
        site.db.execute("DELETE FROM t")
    with site.proxy.inject(faults.Change(gone), operation="PutItem", every=2, times=1):
        assert site.db.execute(f"{two} ON CONFLICT DO NOTHING").rowcount == 1


def test_on_conflict_do_nothing_does_not_claim_what_it_may_not_have_written(site, loss):
    insert = "INSERT INTO t VALUES ('a', 1, 5, 'x') ON CONFLICT DO NOTHING RETURNING v"
    with site.proxy.inject(loss, operation="PutItem", times=1):
        assert error_of(site.db, insert).sqlstate == UNKNOWN_OUTCOME
    assert site.db.execute(insert).fetchall() == []


def test_update_whose_answer_is_lost_is_done_once(site, loss):
    site.put({"pk": "a", "sk": 1, "v": 5})
    with site.proxy.inject(loss, operation="UpdateItem", times=1):
        cursor = site.db.execute("UPDATE t SET v = v + 1 WHERE pk = 'a' RETURNING v")
        assert cursor.fetchall() == [(6,)]
    assert site.stored() == [{"pk": "a", "sk": 1, "v": 6}]


def test_delete_whose_answer_is_lost_is_unknown(site, loss):
    site.put({"pk": "a", "sk": 1, "v": 5}, {"pk": "b", "sk": 1})
    with site.proxy.inject(loss, operation="DeleteItem", times=1):
        diag = error_of(site.db, "DELETE FROM t WHERE pk = 'a' RETURNING v")
    assert diag.sqlstate == UNKNOWN_OUTCOME
    assert site.stored() == [{"pk": "b", "sk": 1}]


def test_a_batch_whose_answer_is_lost_is_sent_again(site, loss):
    with site.proxy.inject(loss, operation="BatchWriteItem", times=1):
        assert site.db.execute(f"INSERT INTO p {rows(30)}").rowcount == 30
    assert len(site.stored()) == 30


def test_path_update_whose_answer_is_lost(site, loss):
    foreign_table(
        site.db,
        "doc",
        ["pk text", "sk int", "city text OPTIONS (attribute 'address.city')"],
        table_name=site.items.name,
    )
    site.put({"pk": "a", "sk": 1})
    # The first of them is refused, because there is no map.
    with site.proxy.inject(loss, operation="UpdateItem", every=2, times=1):
        assert error_of(site.db, "UPDATE doc SET city = 'Rome'").sqlstate == UNKNOWN_OUTCOME
    assert site.stored() == [{"pk": "a", "sk": 1, "address": {"city": "Rome"}}]


CONDITIONAL = {
    # What is set makes the condition false.
    "plain": ("v = 6 WHERE {} AND v = 5", {"v": 5}, {"v": 6}),
    "map": ("city = 'Rome' WHERE {} AND city IS NULL", {}, {"address": {"city": "Rome"}}),
    "element": ("first = 'x' WHERE {} AND first IS NULL", {}, {"tags": ["x"]}),
    "old element": ("first = 'x' WHERE {} AND first = 'y'", {"tags": ["y"]}, {"tags": ["x"]}),
}


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize("lost", [1, 2])
def test_conditional_update_whose_answer_is_lost(site, loss, name, lost):
    foreign_table(
        site.db,
        "doc",
        ["pk text", "sk int", "v int", "city text OPTIONS (attribute 'address.city')", "first text OPTIONS (attribute 'tags[0]')"],
        table_name=site.items.name,
    )
    sets, before, after = CONDITIONAL[name]
    site.put({"pk": "a", "sk": 1, **before})
    update = "UPDATE doc SET " + sets.format("pk = 'a' AND sk = 1")
    # The first or the second answer is lost: the first may be a refusal.
    with site.proxy.inject(loss, operation="UpdateItem", every=lost, times=1):
        try:
            assert site.db.execute(update).rowcount == 1
            assert (name, lost) not in [("plain", 1), ("old element", 1), ("map", 2)]
        except psycopg.errors.TransactionResolutionUnknown:
            assert (name, lost) not in [("plain", 2), ("old element", 2)]
    # What was lost may have been a refusal: then nothing was done yet.
    done = site.stored() == [{"pk": "a", "sk": 1, **after}]
    assert site.db.execute(update).rowcount == (0 if done else 1)
    assert site.stored() == [{"pk": "a", "sk": 1, **after}]


def test_conditional_delete_whose_answer_is_lost(site, loss):
    site.put({"pk": "a", "sk": 1, "v": 5}, {"pk": "a", "sk": 2, "v": 6})
    delete = "DELETE FROM t WHERE pk = 'a' AND sk = {} AND v = 5"
    with site.proxy.inject(loss, operation="DeleteItem", times=1):
        assert error_of(site.db, delete.format(1)).sqlstate == UNKNOWN_OUTCOME
    assert site.db.execute(delete.format(2)).rowcount == 0
    assert site.stored() == [{"pk": "a", "sk": 2, "v": 6}]


# ---- no answer at all -----------------------------------------------------------------------

STATEMENTS = {
    "INSERT": "INSERT INTO t VALUES ('b', 1, 5)",
    "INSERT in put mode": "INSERT INTO p VALUES ('b', 1, 5), ('b', 2, 5)",
    "UPDATE": "UPDATE t SET v = 6 WHERE pk = 'a' AND sk = 1",
    "DELETE": "DELETE FROM t WHERE pk = 'a' AND sk = 1",
}
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")


def inject_in_writes(stack, proxy, behaviour, **which):
    for operation in WRITES:
        stack.enter_context(proxy.inject(behaviour, operation=operation, **which))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_no_answer_leaves_the_outcome_unknown(site, statement, loss):
    site.put({"pk": "a", "sk": 1, "v": 5})
    with contextlib.ExitStack() as stack:
        inject_in_writes(stack, site.proxy, loss)
        diag = error_of(site.db, STATEMENTS[statement])
    assert diag.sqlstate == UNKNOWN_OUTCOME
    assert site.items.name in diag.message_primary
    assert diag.message_hint


@pytest.mark.parametrize("table", ["t", "p"])
def test_what_was_never_sent_is_not_unknown(connect, dynamodb, items, table):
    """Nobody listens any more: nothing was written."""
    with faults.Proxy(dynamodb.endpoint) as proxy:
        site = Site(connect, proxy, items)
    diag = error_of(site.db, f"INSERT INTO {table} VALUES ('a', 1), ('a', 2)")
    assert diag.sqlstate == "08001"
    assert "may have been" not in (diag.context or "")


# ---- an error in the middle -------------------------------------------------------------------

MIDDLE = {
    "validation": lambda: faults.error("ValidationException"),
    "access denied": lambda: faults.error("AccessDeniedException"),
    "throttled": faults.throttle,
    "not JSON": lambda: faults.rewrite_bytes(lambda _: b"upstream timed out"),
    "web page": lambda: faults.html(200),
}


class After(faults.Behaviour):
    """The behaviour from the n-th request on, for those about its key."""

    def __init__(self, behaviour, mark):
        self.behaviour, self.mark = behaviour, mark
        self.local = threading.local()

    def instead(self, call, connection):
        self.local.applies = self.mark in call.request_body
        return self.behaviour.instead(call, connection) if self.local.applies else None

    def change(self, reply, connection):
        if self.local.applies:
            self.behaviour.change(reply, connection)


@pytest.mark.parametrize("name", MIDDLE)
@pytest.mark.parametrize("table", ["t", "p"])
def test_an_error_says_how_many_items_stay(make_site, name, table):
    site = make_site(max_concurrency=5, max_attempts=3)
    bad = After(MIDDLE[name](), b'"sk":{"N":"77"}')
    with site.proxy.inject(bad):
        diag = error_of(site.db, f"INSERT INTO {table} {rows(150)}")
    stays = len(site.stored())
    assert 20 < stays <= 150
    # Of "not JSON" the write itself was applied, and nobody could know.
    unknown = (25 if table == "p" else 1) if name == "not JSON" else 0
    assert (diag.sqlstate == UNKNOWN_OUTCOME) == (name in ("not JSON", "web page"))
    assert site.said(diag) == stays - unknown, everything_said(diag)


def test_those_under_way_are_waited_for(make_site):
    site = make_site(max_concurrency=4)
    failed = threading.Event()

    class OthersWait(faults.Behaviour):
        def instead(self, call, connection):
            if b'"sk":{"N":"3"}' in call.request_body:
                failed.set()
                return faults.error("ValidationException").instead(call, connection)
            failed.wait(20)
            call.proxy.stopping.wait(0.05)
            return None

    with site.proxy.inject(OthersWait(), operation="PutItem"):
        diag = error_of(site.db, f"INSERT INTO t {rows(4)}")
    assert site.said(diag) == len(site.stored()) == 3


def test_a_unique_violation_says_how_many_items_stay(make_site):
    site = make_site(max_concurrency=3)
    site.put({"pk": "p0", "sk": 7})
    diag = error_of(site.db, f"INSERT INTO t {rows(20)}")
    assert diag.sqlstate == UNIQUE_VIOLATION
    assert site.said(diag) == len(site.stored()) - 1 > 0


def test_a_row_that_cannot_be_stored_says_how_many_items_stay(site):
    """The 450th, of which there are as many as one and a half batches."""
    diag = error_of(
        site.db, f"INSERT INTO t {rows(600, 'CASE i WHEN 450 THEN numeric $$NaN$$ ELSE i END')}"
    )
    assert diag.sqlstate == "22003"
    assert site.said(diag) == len(site.stored()) >= 400
    diag = error_of(site.db, "UPDATE t SET v = CASE WHEN sk > 20 THEN 'NaN' ELSE v + 10000 END")
    assert site.said(diag) == sum(item["v"] > 10000 for item in site.stored())


def test_an_error_in_an_update_says_how_many_items_stay(site):
    site.db.execute(f"INSERT INTO t {rows(30)}")
    with site.proxy.inject(faults.error("ValidationException"), operation="UpdateItem", every=17):
        diag = error_of(site.db, "UPDATE t SET v = v + 1000")
    assert site.said(diag) == sum(item["v"] > 1000 for item in site.stored()) >= 16
    with site.proxy.inject(faults.error("ValidationException"), operation="DeleteItem", every=17):
        diag = error_of(site.db, "DELETE FROM t")
    assert site.said(diag) == 30 - len(site.stored()) >= 16


def test_a_first_write_that_fails_says_nothing_of_items(site):
    with site.proxy.inject(faults.error("ValidationException"), operation="PutItem"):
        diag = error_of(site.db, "INSERT INTO t VALUES ('a', 1)")
    assert "items" not in (diag.context or "")


# ---- cancel, timeout, the end of a backend --------------------------------------------------


@pytest.mark.parametrize("where", ["request", "headers", "body"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_cancel_of_a_hanging_write_is_prompt(site, where, statement):
    seconds = []
    for _ in range(4):
        site.put({"pk": "a", "sk": 1, "v": 5})
        site.db.execute("DELETE FROM t WHERE pk = 'b'")
        with contextlib.ExitStack() as stack:
            fault = faults.hang(where)
            inject_in_writes(stack, site.proxy, fault)
            running = Statement(site.db, STATEMENTS[statement])
            assert fault.reached.wait(30)
            started = time.monotonic()
            site.observer.execute("SELECT pg_cancel_backend(%s)", [site.pid])
            running.join()
            seconds.append(time.monotonic() - started)
            assert running.sqlstate == CANCELED
            assert "may have been" in running.error.diag.context
            assert fault.client_gone.wait(30)
    assert min(seconds) < PROMPT_SECONDS
    site.db.execute("DELETE FROM t")
    assert site.db.execute("INSERT INTO t VALUES ('b', 1, 5)").rowcount == 1


def test_statement_timeout_of_a_hanging_write(site):
    with site.proxy.inject(faults.hang(), operation="PutItem", every=8) as fault:
        site.db.execute("SET statement_timeout = '300ms'")
        diag = error_of(site.db, f"INSERT INTO t {rows(12)}")
        site.db.execute("RESET statement_timeout")
        assert diag.sqlstate == CANCELED
        assert fault.client_gone.wait(30)
    assert site.said(diag) == len(site.stored()) == 11
    assert "1 more may have been" in diag.context


def test_cancel_while_items_stay_unprocessed_is_prompt(make_site):
    site = make_site(max_attempts=1000)
    with (
        site.proxy.inject(Unprocessed(0), operation="BatchWriteItem"),
        site.proxy.record() as calls,
    ):
        running = Statement(site.db, f"INSERT INTO p {rows(20)}")
        wait_until(lambda: len(calls) >= 3, "rounds")
        started = time.monotonic()
        site.observer.execute("SELECT pg_cancel_backend(%s)", [site.pid])
        running.join()
        assert time.monotonic() - started < 10 * PROMPT_SECONDS
        assert running.sqlstate == CANCELED


def test_backend_that_is_terminated_during_a_write(connect, site):
    with site.proxy.inject(faults.hang(), operation="PutItem") as fault:
        running = Statement(site.db, f"INSERT INTO t {rows(20)}")
        assert fault.reached.wait(30)
        site.observer.execute("SELECT pg_terminate_backend(%s)", [site.pid])
        running.join()
        assert isinstance(running.error, psycopg.OperationalError)
        assert fault.client_gone.wait(30)
    wait_for_end(site.observer, site.pid)
    assert connect().execute("INSERT INTO t VALUES ('b', 1, 5)").rowcount == 1


@pytest.mark.warns("not rolled back in DynamoDB: 19 items of table")
def test_an_error_that_is_caught_leaves_the_session_working(site):
    """Requests of the failed statement do not answer later ones."""
    site.put({"pk": "a", "sk": 1})
    site.db.execute(
        """CREATE FUNCTION try(k text) RETURNS text LANGUAGE plpgsql AS $$
           BEGIN
             INSERT INTO t SELECT CASE WHEN i = 5 THEN k ELSE 'n' || i || k END, 1, i
               FROM generate_series(1, 20) i;
             RETURN 'done';
           EXCEPTION WHEN unique_violation THEN RETURN SQLERRM;
           END $$"""
    )
    for number in range(5):
        assert "already exists" in site.db.execute("SELECT try('a')").fetchone()[0]
        assert site.db.execute("SELECT try(%s)", [f"b{number}"]).fetchone()[0] == "done"
        site.db.execute("DELETE FROM t WHERE pk <> 'a'")


# ---- memory -------------------------------------------------------------------------------------


class Memory:
    """Of a backend's process, in bytes."""

    def __init__(self, connection):
        self.process = pathlib.Path("/proc") / str(connection.info.backend_pid)

    def peak(self):
        for line in (self.process / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"no peak of {self.process}")


ACCEPTED = faults.Answer(200, b"{}")
OPERATION = {"t": "PutItem", "p": "BatchWriteItem"}
FILL = """INSERT INTO {} (pk, sk, s)
          SELECT 'p', i, repeat('x', %s) FROM generate_series(1, %s) i"""


def growth(connect, site, table, size, rows):
    """Bytes that inserting so many rows of this size takes beyond a first, small insert."""
    db = connect()
    memory = Memory(db)
    insert = FILL.format(table)
    with site.proxy.inject(ACCEPTED, operation=OPERATION[table]):
        db.execute(insert, [1000, 500])
        start = memory.peak()
        assert db.execute(insert, [size, rows]).rowcount == rows
    return memory.peak() - start


@pytest.mark.parametrize("table", ["t", "p"])
def test_many_rows_take_little_memory(connect, site, table):
    """30 MB of rows: what is on its way at once depends on how soon answers come."""
    assert growth(connect, site, table, 1000, 30_000) < 15 * MEGABYTE


@pytest.mark.parametrize("table", ["t", "p"])
def test_large_rows_take_bounded_memory(connect, site, table):
    """400 rows of a batch are 40 MB, which the executor holds twice; what is made of
    them is not held all at once."""
    assert growth(connect, site, table, 100_000, 800) < 125 * MEGABYTE


def test_update_takes_little_memory(connect, site):
    db = connect()
    site.db.execute(f"INSERT INTO t {rows(300)}")
    memory = Memory(db)
    update = "UPDATE t SET s = repeat('x', 1000), v = v + 1"
    db.execute(update)
    start = memory.peak()
    for _ in range(5):
        assert db.execute(update).rowcount == 300
    assert memory.peak() - start < 4 * MEGABYTE
    assert {item["v"] - item["sk"] for item in site.stored()} == {Decimal(6)}
