"""Random queries over random tables: the foreign table answers as a local one.

Each query is asked of a local table with the same rows, and of the foreign
table as it is, with ddb_fdw.pushdown off, and prepared with a generic plan and
every constant a parameter; now and then also with custom plans, as segments
under one parent, or through a proxy that cuts pages short.

A short run of fixed seeds belongs to make check.  A long one, about an hour on
two cores for 100,000 queries:

    DDB_FUZZ_SEED=1000 DDB_FUZZ_SEEDS=500 DDB_FUZZ_QUERIES=100000 \\
        make check ARGS="test/test_differential.py -q"

DDB_FUZZ_QUERIES is for all seeds together, and each seed makes at least four
tables, so many seeds see many tables.  A difference prints the line that
replays its query alone.
"""

import json
import os
import random
import threading
from collections import Counter
from decimal import Context, Decimal

import psycopg
import pytest
from support.fdw import make_server
from support.generator import Enum, Table, quote
from support.proxy import Proxy, made_reply
from support.queries import make_query

FIRST_SEED = int(os.environ.get("DDB_FUZZ_SEED", 1))
SEEDS = int(os.environ.get("DDB_FUZZ_SEEDS", 4))
QUERIES = int(os.environ.get("DDB_FUZZ_QUERIES", 100 * SEEDS))  # in all
TABLES = max(4, QUERIES // SEEDS // 200)  # of each seed
ONLY = os.environ.get("DDB_FUZZ_ONLY")  # table:query

MAX_DIFFERENCES = 5
MAX_SHOWN = 12  # rows of an answer
NUMERIC_OID = 1700
WIDE = Context(prec=1000, Emax=10**6, Emin=-(10**6))


class CuttingProxy(Proxy):
    """Lowers every Limit, so that there are many pages, answers some requests
    with an empty page first, as filters make them, and lies about the sizes of
    tables and indexes, so that the planner chooses otherwise."""

    def __init__(self, upstream, seed):
        self.random = random.Random(f"pages {seed}")
        self.held = {}
        self.guard = threading.Lock()
        super().__init__(upstream)

    def lie(self, reply):
        body = json.loads(reply.body)
        table = body["Table"]
        for part in (
            table,
            *table.get("GlobalSecondaryIndexes", ()),
            *table.get("LocalSecondaryIndexes", ()),
        ):
            part["ItemCount"] = self.random.choice([0, 10, 1000, 10**5, 10**7])
            size = part["ItemCount"] * self.random.choice([30, 300, 30000])
            part["TableSizeBytes" if part is table else "IndexSizeBytes"] = size
        return made_reply(200, json.dumps(body).encode())

    def _forward(self, upstream, request):
        if request.operation == "DescribeTable":
            reply = super()._forward(upstream, request)
            return self.lie(reply) if reply.status == 200 else reply
        if request.operation not in ("Query", "Scan"):
            return super()._forward(upstream, request)
        body = request.json
        start = json.dumps(body.get("ExclusiveStartKey"))
        with self.guard:
            held = self.held.pop(start, None)
            cut = self.random.choice([1, 2, 3, 5, 7, 20, 20, 50])
            hold = self.random.random() < 0.2
        if held is not None:
            return made_reply(200, json.dumps(held).encode())
        body["Limit"] = min(body.get("Limit", cut), cut)
        request.body = json.dumps(body).encode()
        reply = super()._forward(upstream, request)
        if not hold or reply.status != 200:
            return reply
        with self.guard:
            key = {"held page": {"N": str(self.random.getrandbits(60))}}
            self.held[json.dumps(key)] = json.loads(reply.body)
        empty = {"Count": 0, "ScannedCount": 1, "LastEvaluatedKey": key}
        if body.get("Select") != "COUNT":
            empty["Items"] = []
        return made_reply(200, json.dumps(empty).encode())


def fetched(cursor):
    """Rows as PostgreSQL prints them; numbers by value."""
    result = cursor.pgresult
    numeric = [result.ftype(i) == NUMERIC_OID for i in range(result.nfields)]
    rows = []
    for r in range(result.ntuples):
        row = [result.get_value(r, i) for i in range(result.nfields)]
        for i, value in enumerate(row):
            if value is not None and numeric[i]:
                row[i] = str(Decimal(value.decode()).normalize(WIDE))
        rows.append(tuple(row))
    return rows


class Answer:
    def __init__(self, rows=None, error=None, message=None):
        self.rows, self.error, self.message = rows, error, message

    def __str__(self):
        if self.error:
            return f"error {self.error}: {self.message}"
        shown = [f"    {row}" for row in self.rows[:MAX_SHOWN]]
        more = ["    ..."] if len(self.rows) > MAX_SHOWN else []
        return "\n".join([f"{len(self.rows)} rows", *shown, *more])


class Contest:
    """One table, its local twin, and the connections to ask both."""

    def __init__(self, db, ddb, table, proxy_server):
        self.db, self.table = db, table
        self.local = f"l{table.number}"
        self.lookup = f"l{table.number}_l"
        self.foreign = f"f{table.number}"
        self.cut = f"p{table.number}"
        ddb.create_table(TableName=table.name, **table.description())
        for start in range(0, len(table.items), 25):
            puts = [{"PutRequest": {"Item": item}} for item in table.items[start : start + 25]]
            assert not ddb.batch_write_item(RequestItems={table.name: puts}).get("UnprocessedItems")
        db.execute(table.foreign_sql(self.foreign, "dynamo"))
        db.execute(table.foreign_sql(self.cut, proxy_server))
        for statement in table.local_sql(self.local):
            db.execute(statement)
        # The same table as two shares of it, children of one parent.
        self.parted = f"s{table.number}"
        db.execute(f"CREATE TABLE {self.parted} (LIKE {self.local})")
        for i in range(2):
            share = {"segment": i, "total_segments": 2}
            db.execute(table.foreign_sql(f"{self.parted}_{i}", "dynamo", self.parted, **share))
        if table.rng.random() < 0.5:
            db.execute(f"ANALYZE {self.local}; ANALYZE {self.lookup}")

    def ask(self, query, name, settings=(), prepared=False, sql=None):
        """The answer of table name; every question in a transaction of its own."""
        rows = []
        self.db.execute("; ".join(["BEGIN", *query.settings, *settings]))
        try:
            if prepared:
                text, types, values = query.prepared(name, self.lookup)
                types = f" ({', '.join(types)})" if types else ""
                self.db.execute(f"PREPARE q{types} AS {text}")
                values = f" ({', '.join(values)})" if values else ""
                rows = fetched(self.db.execute(f"EXECUTE q{values}"))
                if prepared == "twice":
                    rows = fetched(self.db.execute(f"EXECUTE q{values}"))
            else:
                cursor = self.db.execute(query.literal(name, self.lookup, sql))
                if not query.cursor:
                    rows = fetched(cursor)
                for move in query.cursor:
                    cursor = self.db.execute(move)
                    rows += [(move, cursor.statusmessage), *fetched(cursor)]
            answer = Answer(rows)
        except psycopg.Error as error:
            if error.sqlstate is None or self.db.closed:
                raise
            answer = Answer(error=error.sqlstate, message=str(error))
        self.db.execute("ROLLBACK; DEALLOCATE ALL")
        return answer

    def agree(self, query, local, other):
        """None, or what is wrong."""
        if local.error or (other.error and query.may_fail):
            return None  # a pushed condition may spare the error
        if other.error:
            return "an error"
        if query.cursor:
            return None if local.rows == other.rows else "the cursor gives other rows"
        keys = query.sort_keys
        if keys and [r[-keys:] for r in local.rows] != [r[-keys:] for r in other.rows]:
            return "order or keys differ"
        if not query.limited:
            return None if Counter(local.rows) == Counter(other.rows) else "rows differ"
        if len(local.rows) != len(other.rows):
            return "the number of rows differs"
        every = self.ask(query, self.local, sql=query.limited)
        extra = Counter(other.rows) - Counter(every.rows or other.rows)
        return "rows that the query has not without LIMIT" if extra else None

    def answers(self, query, rng):
        """Name and answer of everything that must equal the local table."""
        yield "pushed", self.ask(query, self.foreign)
        yield "not pushed", self.ask(query, self.foreign, ["SET LOCAL ddb_fdw.pushdown = off"])
        if not query.cursor:
            generic = ["SET LOCAL plan_cache_mode = force_generic_plan"]
            again = rng.choice([True, True, "twice"])
            yield "generic plan", self.ask(query, self.foreign, generic, prepared=again)
        roll = rng.random()
        if roll < 0.1 and not query.cursor:
            custom = ["SET LOCAL plan_cache_mode = force_custom_plan"]
            yield "custom plan", self.ask(query, self.foreign, custom, prepared=True)
        if roll > 0.6:
            yield "cut pages", self.ask(query, self.cut)
        elif roll > 0.52:
            yield "segments", self.ask(query, self.parted)

    def differences(self, query, rng):
        local = self.ask(query, self.local)
        for how, answer in self.answers(query, rng):
            reason = self.agree(query, local, answer)
            if reason:
                yield how, reason, local, answer

    def check(self, n):
        """(how the query failed, or "", was it an error for all)"""
        query = make_query(self.table, n)
        for how, reason, _, _ in self.differences(query, random.Random(n)):
            query = self.minimised(query, n, how)
            for how_now, _, local, answer in self.differences(query, random.Random(n)):
                if how_now == how:
                    return self.report(query, n, how, reason, local, answer)
        return ""

    def minimised(self, query, n, how):
        """Without the conditions that the difference does not need."""

        def still_differs():
            return any(found[0] == how for found in self.differences(query, random.Random(n)))

        for conjunct in list(query.conjuncts):
            before = query.conjuncts
            query.conjuncts = [c for c in before if c is not conjunct]
            if not still_differs():
                query.conjuncts = before
        return query

    def report(self, query, n, how, reason, local, answer):
        text, types, values = query.prepared(self.foreign, self.lookup)
        lines = [
            f"seed {self.table.seed}, table {self.table.number}, query {n}: {how}: {reason}",
            f"replay: DDB_FUZZ_SEED={self.table.seed} DDB_FUZZ_SEEDS=1"
            f" DDB_FUZZ_ONLY={self.table.number}:{n} make check ARGS='-k differential -q'",
            self.table.foreign_sql(self.foreign, "dynamo"),
            "; ".join([*query.settings, query.literal(self.foreign, self.lookup), *query.cursor]),
            f"prepared: {text} with {list(zip(types, values, strict=True))}",
            f"local table: {local}",
            f"{how}: {answer}",
        ]
        if not query.cursor and "error" not in str(answer)[:5]:
            self.db.execute("BEGIN; " + "; ".join(query.settings))
            plan = self.db.execute(
                "EXPLAIN (VERBOSE, COSTS OFF) " + query.literal(self.foreign, self.lookup)
            )
            lines += [row[0] for row in plan.fetchall()]
            self.db.execute("ROLLBACK")
        return "\n".join(lines)


@pytest.mark.timeout(max(300, QUERIES))
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_answers_equal_a_local_table(seed, connect, dynamodb, ddb, record_property):
    db = connect(prepare_threshold=None)
    db.execute("SET timezone = 'UTC'")
    db.execute("SET statement_timeout = '120s'")
    db.execute(f"CREATE TYPE mood AS ENUM ({', '.join(map(quote, Enum.labels))})")
    db.execute("CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")
    only = tuple(map(int, ONLY.split(":"))) if ONLY else None
    found, errors, empty, asked = [], 0, 0, 0
    with CuttingProxy(dynamodb.endpoint, seed) as proxy:
        make_server(db, dynamodb.endpoint)
        make_server(db, proxy.endpoint, name="cut")
        for number in [only[0]] if only else range(TABLES):
            table = Table(seed, number)
            contest = Contest(db, ddb, table, "cut")
            try:
                for n in [only[1]] if only else range(QUERIES // SEEDS // TABLES):
                    asked += 1
                    local = contest.ask(make_query(table, n), contest.local)
                    errors += local.error is not None
                    empty += not local.rows
                    difference = contest.check(n)
                    if difference:
                        found.append(difference)
                    if len(found) >= MAX_DIFFERENCES:
                        break
            finally:
                ddb.delete_table(TableName=table.name)
            if len(found) >= MAX_DIFFERENCES:
                break
    print(f"{asked} queries, {errors} errors, {empty} without rows")
    assert not found, f"{len(found)} differences\n\n" + "\n\n".join(found)
    # The generator makes queries that mostly have an answer.
    assert only or errors <= asked // 10, f"{errors} of {asked} queries are errors everywhere"
