# SPDX-License-Identifier: PostgreSQL
"""A planted fault is found by random queries, and shown by a short one."""

import random
import re

import pytest
from support import contest
from support.contest import Contest, CuttingProxy
from support.fdw import make_server
from support.generator import Table
from support.queries import make_query
from support.shrinking import Recorded, smallest
from support.widened import KINDS

pytestmark = pytest.mark.warns("full scan of DynamoDB table")

SEED = 1
FAULTS = {
    "IS NOT NULL": r" IS NOT NULL",
    "OR": r" OR ",
    "a list of three": r" IN \([^()]*,[^()]*,[^()]*\)",
}
LONGEST = 250


def draws(rng):
    for n in range(200):
        yield rng.random()
        yield rng.choice("abcdefg")
        yield rng.choice("a")
        yield rng.randrange(3, 9 + n)
        yield rng.randint(1, 10**9)
        yield rng.getrandbits(33)
        yield rng.sample(range(10), 7)
        yield rng.sample(range(10**4), 7)
        yield rng.choices("abc", k=3)
        shuffled = list(range(20))
        rng.shuffle(shuffled)
        yield shuffled


def test_recorded_draws_are_those_of_the_seed():
    assert list(draws(Recorded("a seed"))) == list(draws(random.Random("a seed")))


def test_a_query_is_made_again_of_its_numbers():
    table = Table(SEED, 0)
    for n in range(20):
        recorded, again = [], []

        def record(seed, recorded=recorded):
            recorded.append(Recorded(seed))
            return recorded[0]

        def note(query, again=again):
            again.append(query.literal("t", "l"))

        query = make_query(table, n, record)
        assert query.literal("t", "l") == make_query(table, n).literal("t", "l")
        make = lambda rng, n=n: make_query(table, n, lambda _: rng)
        assert smallest(make, recorded[0].drawn, note, str) is None
        assert again[0] == query.literal("t", "l")


class Faulty(Contest):
    """Loses a row of the foreign table's answer to queries that the fault matches."""

    def ask(self, query, name, settings=(), prepared=False, sql=None):
        answer = super().ask(query, name, settings, prepared, sql)
        if name != self.local and answer.rows and re.search(self.fault, self.spelled(query)):
            answer.rows.pop()
        return answer


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_shown_by_a_short_query(fault, connect, dynamodb, ddb, monkeypatch):
    # Whatever kinds of queries are added, this seed finds the faults soon.
    monkeypatch.setenv("DDB_FUZZ_WITHOUT", ",".join(KINDS))
    db = connect(prepare_threshold=None)
    contest.prepare(db, SEED)
    table = Table(SEED, 0)
    with CuttingProxy(dynamodb.endpoint, SEED) as proxy:
        for name, endpoint in (("dynamo", dynamodb.endpoint), ("cut", proxy.endpoint)):
            make_server(db, endpoint, name=name)
        make_server(db, proxy.endpoint, name="large")
        contest.load_items(ddb, table.name, table.description(), table.items)
        try:
            asked = Faulty(db, table, make_query, "answers_equal")
            asked.fault = FAULTS[fault]
            report = next(filter(None, map(asked.check, range(300))))
        finally:
            ddb.delete_table(TableName=table.name)
    print(report)
    (shown,) = re.findall(r"^(.*)\nfound as: ", report, re.MULTILINE)
    assert re.search(FAULTS[fault], shown) and len(shown) <= LONGEST
