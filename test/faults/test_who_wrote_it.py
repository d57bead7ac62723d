# SPDX-License-Identifier: PostgreSQL
"""A request that had no answer may never have arrived, and somebody else may have done
the same meanwhile: then nobody knows whose it is, and nobody is told that it is his."""

import concurrent.futures
import random
import threading

import psycopg
import pytest
from support import proxy as faults
from support.fdw import foreign_table
from support.written import Jobs, said_by_error

UNKNOWN = psycopg.errors.TransactionResolutionUnknown


@pytest.fixture
def site(connect, proxy, make_table):
    columns = ["id text", "st text", "n int"]
    return Jobs(connect, proxy, make_table(("id",), "id:S"), columns)


CASES = {
    "insert": ("INSERT INTO jobs VALUES ('a', 'new', 1)", None, {"st": "new", "n": 1}),
    "insert or not": (
        "INSERT INTO jobs VALUES ('a', 'new', 1) ON CONFLICT DO NOTHING RETURNING id",
        None,
        {"st": "new", "n": 1},
    ),
    "delete": ("DELETE FROM jobs WHERE id = 'a'", {"st": "new"}, None),
    "delete returning": ("DELETE FROM jobs WHERE id = 'a' RETURNING *", {"st": "new"}, None),
    "claim": (
        "UPDATE jobs SET st = 'taken' WHERE id = 'a' AND st = 'new' RETURNING id",
        {"st": "new"},
        {"st": "taken"},
    ),
    "claim of many": (
        "UPDATE jobs SET st = 'taken' WHERE st = 'new'",
        {"st": "new"},
        {"st": "taken"},
    ),
    "count": (
        "UPDATE careful SET n = n + 1 WHERE id = 'a'",
        {"n": 5},
        {"n": 6},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_another_has_done_is_not_claimed(site, name):
    statement, before, after = CASES[name]
    if before:
        site.items.put_item(Item={"id": "a", **before})

    def act():
        if after is None:
            site.items.delete_item(Key={"id": "a"})
        else:
            site.items.put_item(Item={"id": "a", **after})

    operation = statement.split()[0]
    operation = {"INSERT": "PutItem", "UPDATE": "UpdateItem", "DELETE": "DeleteItem"}[operation]
    with (
        site.proxy.inject(faults.Overtaken(act), operation=operation, times=1),
        pytest.raises(UNKNOWN) as caught,
    ):
        site.db.execute(statement)
    assert "a" in caught.value.diag.message_detail
    assert caught.value.diag.message_hint == "Look at the items before the statement is run again."


MEMBERS = {
    "by key": "UPDATE members SET city = 'x' WHERE id = 'a'",
    "on a condition": "UPDATE members SET city = 'x' WHERE id = 'a' AND city IS NULL",
    "of rows that are read": "UPDATE members SET city = 'x' WHERE st = 'new'",
    "in a join": "UPDATE members SET city = 'x' FROM (VALUES ('a')) k (id) WHERE members.id = k.id",
    "an element": "UPDATE members SET third = 'x' WHERE id = 'a'",
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_path_that_leads_nowhere_when_it_is_sent_again(site, name):
    """The member may have been written, and its map taken away by others since."""
    columns = [
        "id text",
        "st text",
        "city text OPTIONS (attribute 'address.city')",
        "third text OPTIONS (attribute 'list[2]')",
    ]
    foreign_table(site.db, "members", columns, table_name=site.items.name)
    site.items.put_item(Item={"id": "a", "st": "new"})
    lost = site.proxy.inject(faults.close_before(), operation="UpdateItem", times=1)
    with lost, pytest.raises(UNKNOWN) as caught:
        site.db.execute(MEMBERS[name])
    assert said_by_error(caught.value.diag) == {site.items.name: (0, 1)}
    assert site.item("a") == {"id": "a", "st": "new"}
    assert site.db.execute(MEMBERS[name]).rowcount == 1


def test_a_request_that_is_done_at_last_counts(site):
    """Lost on its way, and done when it is sent again."""
    with site.proxy.inject(faults.close_before(), operation="PutItem", times=1):
        assert site.db.execute("INSERT INTO jobs VALUES ('a', 'new', 1)").rowcount == 1
    with site.proxy.inject(faults.close_before(), operation="UpdateItem", times=1):
        claim = "UPDATE jobs SET st = 'taken' WHERE id = 'a' AND st = 'new'"
        assert site.db.execute(claim).rowcount == 1
    with site.proxy.inject(faults.close_before(), operation="DeleteItem", times=1):
        assert site.db.execute("DELETE FROM jobs WHERE id = 'a'").rowcount == 1


TWICE = "INSERT INTO jobs VALUES ('a', 'new', 1), ('a', 'new', 2) ON CONFLICT DO NOTHING"


def test_a_key_given_twice_that_others_have(site):
    """They may have taken the item away, and the second row's lost request have made it."""
    site.items.put_item(Item={"id": "a", "st": "new", "n": 2})
    lost = site.proxy.inject(faults.close_before(), operation="PutItem", every=2, times=1)
    with lost, pytest.raises(UNKNOWN) as caught:
        site.db.execute(TWICE)
    assert said_by_error(caught.value.diag) == {site.items.name: (0, 1)}


def test_a_key_given_twice_that_is_new(site):
    """The first row's item is in the way of the second."""
    lost = site.proxy.inject(faults.close_before(), operation="PutItem", every=2, times=1)
    with lost:
        assert site.db.execute(TWICE).rowcount == 1
    assert site.item("a")["n"] == 1


SESSIONS = 5
ROUNDS = 12


class Tally:
    def __init__(self):
        self.lock = threading.Lock()
        self.reported = self.unknown = 0

    def add(self, reported=0, unknown=0):
        with self.lock:
            self.reported += reported
            self.unknown += unknown

    def holds(self, stored):
        assert self.reported <= stored <= self.reported + self.unknown


def test_sessions_that_count_claim_and_lock_among_faults(site):
    """What they report is stored; what is stored is reported, or said to be unknown."""
    jobs = [f"job{i}" for i in range(20)]
    site.items.put_item(Item={"id": "counter", "n": 0})
    with site.items.batch_writer() as batch:
        for job in jobs:
            batch.put_item(Item={"id": job, "st": "new"})
    tallies = {name: Tally() for name in ("count", "claim", "lock")}

    def run(db, tally, statement):
        try:
            tally.add(reported=db.execute(statement).rowcount)
        except UNKNOWN:
            tally.add(unknown=1)
        except (psycopg.errors.SerializationFailure, psycopg.errors.UniqueViolation):
            pass
        except psycopg.OperationalError:
            tally.add(unknown=1)

    def session(number):
        rng = random.Random(number)
        with site.connect() as db:
            for _ in range(ROUNDS):
                job = rng.choice(jobs)
                run(db, tallies["count"], "UPDATE careful SET n = n + 1 WHERE id = 'counter'")
                run(
                    db,
                    tallies["claim"],
                    f"UPDATE jobs SET st = 'taken' WHERE id = '{job}' AND st = 'new'",
                )
                run(
                    db,
                    tallies["lock"],
                    f"INSERT INTO jobs VALUES ('lock{rng.randrange(8)}', 'held', 0)",
                )

    with (
        site.proxy.inject(faults.close_before(), probability=0.08, seed=1),
        site.proxy.inject(faults.truncate(0.5), probability=0.08, seed=2),
        site.proxy.inject(faults.internal_error(), probability=0.08, seed=3),
        concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool,
    ):
        for done in [pool.submit(session, number) for number in range(SESSIONS)]:
            done.result()
    found = site.items.scan(ConsistentRead=True)["Items"]
    tallies["count"].holds(int(site.item("counter")["n"]))
    tallies["claim"].holds(sum(item.get("st") == "taken" for item in found))
    tallies["lock"].holds(sum(item["id"].startswith("lock") for item in found))
    assert all(tally.reported for tally in tallies.values())
