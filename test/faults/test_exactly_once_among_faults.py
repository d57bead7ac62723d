# SPDX-License-Identifier: PostgreSQL
"""With exactly_once a lost answer is no error: the service knows each write by its token,
and tells the next attempt what became of the one before."""

import concurrent.futures
import json
import random

import psycopg
import pytest
from support import proxy as faults
from support.fdw import explain
from support.lossy import CHANGES, EXPLAINED, INSERTS, ROWS, Site, items_written
from support.lossy import LOSSES as CUT
from support.written import Jobs, Warnings, said_by_error

UNKNOWN = psycopg.errors.TransactionResolutionUnknown
WRITE = "TransactWriteItems"
LOSSES = CUT | {"failed": faults.internal_error_after}
STATEMENTS = INSERTS | CHANGES


@pytest.fixture
def make_site(connect, proxy, make_table):
    def make(filled):
        items = {n: make_table(("id",), "id:N") for n in "ab"}
        return Site(connect(), proxy, items, filled, exactly_once=True, max_attempts=10)

    return make


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", STATEMENTS)
def test_what_is_said_is_stored(make_site, name, loss):
    """Three of ten answers are lost after the write was applied, one of ten before."""
    site = make_site(name in CHANGES)
    if "whole" in STATEMENTS[name]:
        site.make_whole()
    warnings = Warnings(site.db)
    site.note()
    lost = site.proxy.inject(faults.close_before(), probability=0.1, seed=7, operation=WRITE)
    with site.losing(1, LOSSES[loss]), lost, site.proxy.record() as calls:
        tag = site.run(STATEMENTS[name])
    parts = 2 if "two parts" in name else 1
    assert tag == ROWS
    assert sum(site.changed().values()) == parts * ROWS
    assert warnings.take() == []
    tokens = [call.request["ClientRequestToken"] for call in calls.data if call.operation == WRITE]
    assert len(set(tokens)) == parts * ROWS < len(tokens)
    assert not {call.operation for call in calls.data} & {"PutItem", "UpdateItem", "DeleteItem"}


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_says_it_too(make_site, name):
    site = make_site(name in CHANGES)
    if "whole" in STATEMENTS[name]:
        site.make_whole()
    site.note()
    with site.losing(2, LOSSES["closed"]):
        plan = explain(site.db, STATEMENTS[name], analyze="true")
    parts = 2 if "two parts" in name else 1
    assert items_written(plan) == sum(site.changed().values()) == parts * ROWS


@pytest.mark.parametrize("name", ["INSERT", "COPY in put mode", "UPDATE", "DELETE by key"])
def test_a_cancel_leaves_them_open(make_site, connect, name):
    """A cancel does not wait: what is said to be written is, and perhaps more."""
    site = make_site(name in CHANGES)
    observer = connect()
    site.note()
    hang = faults.hang()
    with (
        site.losing(5, LOSSES["closed"]),
        site.proxy.inject(hang, operation=WRITE, every=2),
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        running = pool.submit(site.run, STATEMENTS[name])
        assert hang.reached.wait(30)
        observer.execute("SELECT pg_cancel_backend(%s)", [site.db.info.backend_pid])
        error = running.exception(30)
    assert error.sqlstate == "57014"
    for table, (written, perhaps) in site.said(error.diag).items():
        assert written <= site.changed()[table] <= written + perhaps


# ---- one write ----------------------------------------------------------------------


@pytest.fixture
def jobs(connect, proxy, make_table):
    columns = ["id text", "st text", "n int", "city text OPTIONS (attribute 'address.city')"]
    return Jobs(connect, proxy, make_table(("id",), "id:S"), columns, exactly_once=True)


NEW = {"st": "new", "n": 1}
# statement, the item before, the same change made by somebody else, what that makes of ours
CASES = {
    "insert": ("INSERT INTO jobs VALUES ('a', 'new', 1)", None, NEW, "23505"),
    "insert or not": ("INSERT INTO jobs VALUES ('a', 'new', 1) ON CONFLICT DO NOTHING", None, NEW, 0),
    "delete": ("DELETE FROM jobs WHERE id = 'a'", NEW, None, 0),
    "delete returning": ("DELETE FROM jobs WHERE id = 'a' RETURNING id", NEW, None, 0),
    "claim": (
        "UPDATE jobs SET st = 'taken' WHERE id = 'a' AND st = 'new' RETURNING id",
        NEW,
        NEW | {"st": "taken"},
        0,
    ),
    "claim of many": (
        "UPDATE jobs SET st = 'taken' WHERE st = 'new'",
        NEW,
        NEW | {"st": "taken"},
        0,
    ),
    "count": ("UPDATE careful SET n = n + 1 WHERE id = 'a'", NEW, NEW | {"n": 2}, "40001"),
}


def prepare(jobs, item):
    if item is None:
        jobs.items.delete_item(Key={"id": "a"})
    else:
        jobs.items.put_item(Item={"id": "a", **item})


@pytest.mark.parametrize("name", CASES)
def test_what_another_has_done_is_told_from_ones_own(jobs, name):
    statement, before, after, outcome = CASES[name]
    prepare(jobs, before)
    with jobs.proxy.inject(faults.Overtaken(lambda: prepare(jobs, after)), operation=WRITE, times=1):
        if isinstance(outcome, int):
            assert jobs.db.execute(statement).rowcount == outcome
        else:
            with pytest.raises(psycopg.Error) as caught:
                jobs.db.execute(statement)
            assert caught.value.sqlstate == outcome
            assert said_by_error(caught.value.diag) == {}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", CASES)
def test_what_was_applied_is_ones_own(jobs, name, loss):
    statement, before, after, _ = CASES[name]
    prepare(jobs, before)
    with jobs.proxy.inject(LOSSES[loss](), operation=WRITE, times=1):
        assert jobs.db.execute(statement).rowcount == 1
    expected = after and {"id": "a", **after}
    assert jobs.item("a") == expected


def test_a_missing_map_is_made_once_it_is_known(jobs):
    """The first attempt has not arrived; the second is refused for its path."""
    prepare(jobs, NEW)
    with jobs.proxy.inject(faults.close_before(), operation=WRITE, times=1):
        assert jobs.db.execute("UPDATE jobs SET city = 'x' WHERE id = 'a'").rowcount == 1
    assert jobs.item("a")["address"] == {"city": "x"}
    with jobs.proxy.inject(LOSSES["closed"](), operation=WRITE, every=2):
        assert jobs.db.execute("UPDATE jobs SET city = 'y' WHERE id = 'a'").rowcount == 1
    assert jobs.item("a")["address"] == {"city": "y"}


def test_no_answer_at_all_is_unknown_still(jobs):
    with jobs.proxy.inject(LOSSES["closed"](), operation=WRITE), pytest.raises(UNKNOWN) as caught:
        jobs.db.execute("INSERT INTO jobs VALUES ('a', 'new', 1)")
    assert said_by_error(caught.value.diag) == {jobs.items.name: (0, 1)}
    assert jobs.item("a")


def cancelled(code, message="m"):
    body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": f"Transaction cancelled, please refer cancellation reasons [{code}]",
        "CancellationReasons": [{"Code": code, "Message": message}],
    }
    return faults.Answer(400, json.dumps(body).encode())


IN_THE_WAY = {
    "conflict": lambda: cancelled("TransactionConflict"),
    "throttle": lambda: cancelled("ThrottlingError"),
    "capacity": lambda: cancelled("ProvisionedThroughputExceeded"),
    "in progress": lambda: faults.error("TransactionInProgressException"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_what_stands_in_the_way_is_waited_for(jobs, name):
    with (
        jobs.proxy.inject(IN_THE_WAY[name](), operation=WRITE, times=2),
        jobs.proxy.record() as calls,
    ):
        assert jobs.db.execute("INSERT INTO jobs VALUES ('a', 'new', 1)").rowcount == 1
    assert len({call.request["ClientRequestToken"] for call in calls.data}) == 1
    assert len(calls.data) == 3


REFUSED = {
    "conflict": (IN_THE_WAY["conflict"], "40001"),
    "throttle": (IN_THE_WAY["throttle"], "53000"),
    # the attempt before it is being applied
    "in progress": (IN_THE_WAY["in progress"], "08007"),
    "collection": (lambda: cancelled("ItemCollectionSizeLimitExceeded"), "54000"),
    "number": (lambda: cancelled("ValidationError", "Number overflow."), "22003"),
    "validation": (lambda: cancelled("ValidationError", "Something else."), "HV000"),
    "unheard of": (lambda: cancelled("BrandNew"), "40001"),
    "token": (lambda: faults.error("IdempotentParameterMismatchException"), "HV00M"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_end(jobs, name):
    behaviour, sqlstate = REFUSED[name]
    with jobs.proxy.inject(behaviour(), operation=WRITE), pytest.raises(psycopg.Error) as caught:
        jobs.db.execute("INSERT INTO jobs VALUES ('a', 'new', 1)")
    assert caught.value.sqlstate == sqlstate
    said = {jobs.items.name: (0, 1)} if sqlstate == "08007" else {}
    assert said_by_error(caught.value.diag) == said


REASON = '{"Code": "ConditionalCheckFailed", "Message": "m"%s}'
ITEM = ', "Item": {"id": {"S": "a"}}'
STRANGE = {
    "no item": ("[%s]" % (REASON % ""), "23505"),
    "an item": ("[%s]" % (REASON % ITEM), "23505"),
    "beside an innocent one": ('[{"Code": "None"}, %s]' % (REASON % ITEM), "23505"),
    "null for an item": ("[%s]" % (REASON % ', "Item": null'), "23505"),
    "a number for an item": ("[%s]" % (REASON % ', "Item": 7'), "HV00M"),
    "items twice": ("[%s, %s]" % (REASON % ITEM, REASON % ITEM), "HV00M"),
    "reasons that are none": ("7", "40001"),
    "a reason that is none": ("[7, null, []]", "40001"),
    "none at all": ("[]", "40001"),
    "broken": ("[%s" % (REASON % ITEM), "HV00M"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_reasons_of_every_shape(jobs, name):
    reasons, sqlstate = STRANGE[name]
    body = '{"__type": "x#TransactionCanceledException", "CancellationReasons": %s}' % reasons
    answer = faults.Answer(400, body.encode())
    with jobs.proxy.inject(answer, operation=WRITE), pytest.raises(psycopg.Error) as caught:
        jobs.db.execute("INSERT INTO jobs VALUES ('a', 'new', 1)")
    assert caught.value.sqlstate == sqlstate
    assert jobs.db.execute("INSERT INTO jobs VALUES ('b', 'new', 1)").rowcount == 1


class Then(faults.Behaviour):
    """The first answer is lost, and others are this one."""

    def __init__(self, behaviour):
        self.behaviour, self.asked = behaviour, False

    def instead(self, call, connection):
        if self.asked:
            return self.behaviour.instead(call, connection)
        return None

    def change(self, reply, connection):
        if not self.asked:
            self.asked = True
            raise faults.Gone


@pytest.mark.parametrize("name", ["conflict", "throttle", "token"])
def test_what_leaves_a_lost_attempt_open(jobs, name):
    behaviour, _ = REFUSED[name]
    with (
        jobs.proxy.inject(Then(behaviour()), operation=WRITE),
        pytest.raises(UNKNOWN) as caught,
    ):
        jobs.db.execute("INSERT INTO jobs VALUES ('a', 'new', 1)")
    assert said_by_error(caught.value.diag) == {jobs.items.name: (0, 1)}
    assert jobs.item("a")


def test_units_of_what_had_been_written_before(jobs):
    """AWS tells the read units of looking the token up; DynamoDB Local does not."""

    def look_up(reply):
        units = {"TableName": jobs.items.name, "CapacityUnits": 3.0, "ReadCapacityUnits": 3.0}
        reply.body = json.dumps({"ConsumedCapacity": [units]}).encode()
        reply.sign()

    with (
        jobs.proxy.inject(faults.Change(look_up), operation=WRITE),
        jobs.proxy.inject(LOSSES["closed"](), operation=WRITE, times=1),
    ):
        plan = explain(jobs.db, "INSERT INTO jobs VALUES ('a', 'new', 1)", analyze="true")
    assert (plan["Read Units"], plan["Write Units"], plan["Retries"]) == (3, 0, 1)


# ---- many sessions -------------------------------------------------------------------

SESSIONS = 5
ROUNDS = 12


def test_sessions_that_count_claim_and_lock_among_faults(jobs):
    """What they report is what is stored, to the last one."""
    keys = [f"job{i}" for i in range(20)]
    jobs.items.put_item(Item={"id": "counter", "n": 0})
    with jobs.items.batch_writer() as batch:
        for key in keys:
            batch.put_item(Item={"id": key, "st": "new"})
    jobs.db.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '20')")

    def run(db, statement):
        try:
            return db.execute(statement).fetchall()
        except (psycopg.errors.SerializationFailure, psycopg.errors.UniqueViolation):
            return []

    def session(number):
        rng = random.Random(number)
        reported = {"count": [], "claim": [], "lock": []}
        with jobs.connect() as db:
            for _ in range(ROUNDS):
                key = rng.choice(keys)
                count = "UPDATE careful SET n = n + 1 WHERE id = 'counter' RETURNING n"
                claim = f"UPDATE jobs SET st = 'taken' WHERE id = '{key}' AND st = 'new' RETURNING *"
                lock = f"INSERT INTO jobs VALUES ('lock{rng.randrange(8)}', 'held', 0) RETURNING id"
                reported["count"] += run(db, count)
                reported["claim"] += run(db, claim)
                reported["lock"] += run(db, lock)
        return reported

    with (
        jobs.proxy.inject(faults.close_before(), probability=0.08, seed=1),
        jobs.proxy.inject(faults.truncate(0.5), probability=0.08, seed=2),
        jobs.proxy.inject(faults.internal_error(), probability=0.08, seed=3),
        jobs.proxy.inject(faults.internal_error_after(), probability=0.08, seed=6),
        jobs.proxy.inject(IN_THE_WAY["conflict"](), probability=0.08, seed=4, operation=WRITE),
        jobs.proxy.inject(IN_THE_WAY["in progress"](), probability=0.08, seed=5, operation=WRITE),
        concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool,
    ):
        running = [pool.submit(session, number) for number in range(SESSIONS)]
        reported = [done.result() for done in running]
    found = jobs.items.scan(ConsistentRead=True)["Items"]
    taken = [(item["id"], "taken", None, None) for item in found if item.get("st") == "taken"]
    stored = {
        "count": [(n + 1,) for n in range(int(jobs.item("counter")["n"]))],
        "claim": sorted(taken),
        "lock": sorted((item["id"],) for item in found if item["id"].startswith("lock")),
    }
    assert {name: sorted(sum((one[name] for one in reported), [])) for name in stored} == stored
    assert all(stored.values())
