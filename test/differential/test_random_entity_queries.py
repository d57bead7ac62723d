# SPDX-License-Identifier: PostgreSQL
"""Random queries over random entities of single-table designs: key templates,
derived and sharded partitions, TTL.

The entities of a DynamoDB table (support.entities) are foreign tables, each with
a local table beside it of the rows that the manual says it shows.  Queries are
asked as in differential/test_random_queries.py, with the same environment variables:

    DDB_FUZZ_SEED=1000 DDB_FUZZ_SEEDS=200 DDB_FUZZ_QUERIES=40000 \\
        make check ARGS="-k entities_equal -q"

Times lie in the days before today, since walks with an open end begin there; a
line that replays a query says which day that was.
"""

import pytest
from support import contest
from support.contest import FIRST_SEED, SEEDS, Contest, CuttingProxy, Tally
from support.entities import Universe
from support.entity_queries import make_entity_query
from support.fdw import make_server
from support.proxy import Proxy

QUERIES = contest.QUERIES if contest.IS_LONG else 20 * SEEDS  # in all
ENTITIES = max(2, QUERIES // SEEDS // 60)  # of each seed


def entities(seed, only):
    """(universe, entities to be asked), as long as somebody asks for more."""
    number = only[0] // 10 if only else 0
    while True:
        universe = Universe(seed, number)
        asked = [e for e in universe.entities if e.rows and (not only or e.number == only[0])]
        if asked:
            yield universe, asked
        number += 1


@pytest.mark.timeout(contest.TIMEOUT)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
@pytest.mark.warns("full scan of DynamoDB table")
def test_entities_equal_local_tables(seed, connect, dynamodb, ddb):
    db = connect(prepare_threshold=None)
    contest.prepare(db, seed)
    tally, only, left = Tally(), contest.only(), ENTITIES
    with (
        Proxy(dynamodb.endpoint) as plain,
        CuttingProxy(dynamodb.endpoint, seed) as proxy,
        CuttingProxy(dynamodb.endpoint, seed, large=True) as large,
    ):
        make_server(db, plain.endpoint)
        make_server(db, proxy.endpoint, name="cut")
        make_server(db, large.endpoint, name="large")
        for universe, asked in entities(seed, only):
            contest.load_universe(ddb, universe)
            try:
                for entity in asked[:left]:
                    ask(db, entity, only, tally)
            finally:
                ddb.delete_table(TableName=universe.name)
            left -= len(asked)
            if only or left <= 0 or tally.is_full:
                break
    tally.finish()


def ask(db, entity, only, tally):
    asked = Contest(db, entity, make_entity_query, "entities_equal")
    for n in [only[1]] if only else range(QUERIES // SEEDS // ENTITIES):
        if not tally.is_full:
            tally.ask(asked, n)
