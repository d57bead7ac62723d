# SPDX-License-Identifier: PostgreSQL
"""Random queries over random tables: the foreign table answers as a local one.

Each query is asked of a local table with the same rows, and of the foreign
table as it is, with ddb_fdw.pushdown off, and prepared with a generic plan and
every constant a parameter; now and then also with custom plans, as segments
under one parent, through a proxy that cuts pages short, or shared by parallel
workers.

A short run of fixed seeds belongs to make check.  A long one, about an hour on
two cores for 100,000 queries:

    DDB_FUZZ_SEED=1000 DDB_FUZZ_SEEDS=500 DDB_FUZZ_QUERIES=100000 \\
        make check ARGS="test/differential/test_random_queries.py -q"

DDB_FUZZ_QUERIES is for all seeds together, and each seed makes at least four
tables, so many seeds see many tables.  DDB_FUZZ_KIND=batch_join (or another method of
support.queries.QueryMaker) asks queries of one kind alone.  A difference prints the line that
replays its query alone.
"""

import pytest
from support import contest
from support.contest import FIRST_SEED, QUERIES, SEEDS, TABLES, Contest, CuttingProxy, Tally
from support.fdw import make_server
from support.generator import Table
from support.queries import make_query
from support.widened import charset_of

# Some tables are described as large.
pytestmark = pytest.mark.warns("full scan of DynamoDB table")


@pytest.mark.timeout(contest.TIMEOUT)
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
@pytest.mark.warns("full scan of DynamoDB table")
def test_answers_equal_a_local_table(seed, connect_in, dynamodb, ddb):
    charset = charset_of(seed)
    db = connect_in(charset, prepare_threshold=None)
    contest.prepare(db, seed)
    tally, only = Tally(), contest.only()
    with (
        CuttingProxy(dynamodb.endpoint, seed) as proxy,
        CuttingProxy(dynamodb.endpoint, seed, large=True) as large,
    ):
        make_server(db, dynamodb.endpoint)
        make_server(db, proxy.endpoint, name="cut")
        make_server(db, large.endpoint, name="large")
        for number in [only[0]] if only else range(TABLES):
            table = Table(seed, number, charset)
            contest.load_items(ddb, table.name, table.description(), table.items)
            try:
                asked = Contest(db, table, make_query, "answers_equal")
                for n in [only[1]] if only else range(QUERIES // SEEDS // TABLES):
                    tally.ask(asked, n)
                    if tally.is_full:
                        break
            finally:
                ddb.delete_table(TableName=table.name)
            if tally.is_full:
                break
    tally.finish()
