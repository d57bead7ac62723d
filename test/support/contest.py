# SPDX-License-Identifier: PostgreSQL
"""Random queries, asked of a foreign table in several ways and of a local table
with the same rows: the answers must agree.

    load_items(ddb, name, description, items)
    contest = Contest(db, table, make_query, "answers_equal")
    tally.ask(contest, n)           # the n-th query, and all that differs
    tally.finish()
"""

import json
import os
import random
import threading
from collections import Counter
from decimal import Context, Decimal

import psycopg

from .entities import EXPIRES
from .generator import Enum, quote
from .joins import batched_joins
from .proxy import Proxy, declare_time_to_live, made_reply, throttle
from .shrinking import MAX_SECONDS, Recorded, smallest
from .widened import is_on, prepare_style

FIRST_SEED = int(os.environ.get("DDB_FUZZ_SEED", 1))
SEEDS = int(os.environ.get("DDB_FUZZ_SEEDS", 4))
IS_LONG = "DDB_FUZZ_QUERIES" in os.environ
QUERIES = int(os.environ.get("DDB_FUZZ_QUERIES", 70 * SEEDS))  # in all
TABLES = max(4, QUERIES // SEEDS // 200)  # of each seed
ONLY = os.environ.get("DDB_FUZZ_ONLY")  # table:query
KIND = os.environ.get("DDB_FUZZ_KIND")  # of queries

MAX_DIFFERENCES = 5
MAX_SHOWN = 12  # rows of an answer
MAX_SPELLED = 1000  # characters of a query as it was found
# Seconds that a seed may take: with its differences made smaller.
TIMEOUT = max(300, QUERIES) + MAX_DIFFERENCES * MAX_SECONDS
NUMERIC_OID = 1700
# Parallel workers wherever PostgreSQL allows them.
SHARED = [
    "SET LOCAL parallel_setup_cost = 0",
    "SET LOCAL parallel_tuple_cost = 0",
    "SET LOCAL min_parallel_table_scan_size = 0",
    "SET LOCAL max_parallel_workers_per_gather = 2",
]
WIDE = Context(prec=1000, Emax=10**6, Emin=-(10**6))


def only():
    """(table, query) to be replayed, or None."""
    return tuple(map(int, ONLY.split(":"))) if ONLY else None


def prepare(db, seed):
    """Types and settings that generated tables rely on; the session's style."""
    db.execute("SET timezone = 'UTC'")
    prepare_style(db, seed)
    db.execute("SET statement_timeout = '120s'")
    db.execute(f"CREATE TYPE mood AS ENUM ({', '.join(map(quote, Enum.labels))})")
    db.execute("CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")


def load_items(ddb, name, description, items):
    ddb.create_table(TableName=name, **description)
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        assert not ddb.batch_write_item(RequestItems={name: puts}).get("UnprocessedItems")


def load_universe(ddb, universe):
    load_items(ddb, universe.name, universe.description(), universe.items)
    if universe.expires:
        declare_time_to_live(universe.name, EXPIRES)


class CuttingProxy(Proxy):
    """Lowers every Limit, so that there are many pages, answers some requests
    with an empty page first, as filters make them, leaves keys of a BatchGetItem
    unprocessed, throttles now and then, and lies about the sizes of tables and
    indexes, so that the planner chooses otherwise: any size, or so large
    that no Scan is worth it."""

    def __init__(self, upstream, seed, large=False):
        self.large = large
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
            if self.large:
                part["ItemCount"] = 10**7
                size = 10**7 * (1000 if part is table else 100)
            part["TableSizeBytes" if part is table else "IndexSizeBytes"] = size
        return made_reply(200, json.dumps(body).encode())

    def leave_some(self, upstream, request):
        body = request.json
        ((name, wanted),) = body["RequestItems"].items()
        keys = wanted["Keys"]
        with self.guard:
            taken = len(keys)
            if self.random.random() < 0.4:
                taken = self.random.randrange(1, taken + 1)
        wanted["Keys"] = keys[:taken]
        request.body = json.dumps(body).encode()
        reply = super()._forward(upstream, request)
        if reply.status != 200 or taken == len(keys):
            return reply
        response = json.loads(reply.body)
        left = response.setdefault("UnprocessedKeys", {}).setdefault(name, {**wanted, "Keys": []})
        left["Keys"] += keys[taken:]
        return made_reply(200, json.dumps(response).encode())

    def _forward(self, upstream, request):
        if request.operation == "DescribeTable":
            reply = super()._forward(upstream, request)
            return self.lie(reply) if reply.status == 200 else reply
        with self.guard:
            throttled = self.random.random() < 0.01
        if throttled:
            return throttle().instead(None, None)
        if request.operation == "BatchGetItem":
            return self.leave_some(upstream, request)
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
        self.prepared = False

    def __str__(self):
        if self.error:
            return f"error {self.error}: {self.message}"
        shown = [f"    {row}" for row in self.rows[:MAX_SHOWN]]
        more = ["    ..."] if len(self.rows) > MAX_SHOWN else []
        return "\n".join([f"{len(self.rows)} rows", *shown, *more])


class Contest:
    """One table, its local twin, and the connections to ask both."""

    def __init__(self, db, table, make_query, test):
        self.db, self.table = db, table
        self.make_query, self.test = make_query, test
        self.tolerated = 0
        self.passing = 0  # differences that were none when they were looked for again
        self.local = f"l{table.number}"
        self.lookup = f"l{table.number}_l"
        self.foreign = f"f{table.number}"
        self.two_steps = 0  # queries whose items were fetched by an index's keys
        self.cut = [f"p{table.number}", f"g{table.number}"]
        db.execute(table.foreign_sql(self.foreign, "dynamo"))
        for name, server in zip(self.cut, ("cut", "large"), strict=True):
            db.execute(table.foreign_sql(name, server))
        for statement in table.local_sql(self.local):
            db.execute(statement)
        # The same table as two shares of it, children of one parent.
        self.parted = f"s{table.number}"
        db.execute(f"CREATE TABLE {self.parted} (LIKE {self.local})")
        for i in range(2):
            share = {"segment": i, "total_segments": 2}
            db.execute(table.foreign_sql(f"{self.parted}_{i}", "dynamo", self.parted, **share))
        # And one share as the parent of the other.
        self.parent = f"i{table.number}"
        if is_on("inheritance"):
            for i, parent in enumerate([None, self.parent]):
                share = {"segment": i, "total_segments": 2}
                name = f"{self.parent}_{i}" if i else self.parent
                db.execute(table.foreign_sql(name, "dynamo", parent, **share))
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
        answer.prepared = bool(prepared)
        return answer

    def takes_two_steps(self, query, name):
        sql = f"EXPLAIN (COSTS OFF) {query.literal(name, self.lookup)}"
        self.db.execute("; ".join(["BEGIN", *query.settings]))
        try:
            return "Fetch: " in str(self.db.execute(sql).fetchall())
        except psycopg.Error:
            return False  # one that is an error everywhere
        finally:
            self.db.execute("ROLLBACK")

    def agree(self, query, local, other):
        """None, or what is wrong."""
        if local.error or (other.error and query.may_fail):
            return None  # a pushed condition may spare the error
        # What a constant is is known beforehand, and leads to other plans.
        text = " ".join([query.sql, *query.conjuncts])
        values_come_later = other.prepared or text.count("@T@") + text.count("@L@") > 1
        if (
            other.error
            and values_come_later
            and any(text in other.message for text in query.tolerated)
        ):
            self.tolerated += 1
            return None
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

    def ways(self, query, rng):
        """Name and function of everything whose answer must equal the local table's."""
        yield "pushed", lambda q: self.ask(q, self.foreign)
        off = ["SET LOCAL ddb_fdw.pushdown = off"]
        yield "not pushed", lambda q: self.ask(q, self.foreign, off)
        if not query.cursor:
            generic = ["SET LOCAL plan_cache_mode = force_generic_plan"]
            again = rng.choice([True, True, "twice"])
            yield "generic plan", lambda q: self.ask(q, self.foreign, generic, prepared=again)
        roll = rng.random()
        if roll < 0.1 and not query.cursor:
            custom = ["SET LOCAL plan_cache_mode = force_custom_plan"]
            yield "custom plan", lambda q: self.ask(q, self.foreign, custom, prepared=True)
        if roll > 0.6 or query.partial:
            name = self.cut[1] if query.partial else rng.choice(self.cut)
            self.two_steps += self.takes_two_steps(query, name)
            yield "cut pages", lambda q: self.ask(q, name)
        elif roll > 0.52:
            yield "segments", lambda q: self.ask(q, self.parted)
        elif roll > 0.46 and is_on("inheritance"):
            yield "inheritance", lambda q: self.ask(q, self.parent)
        elif roll > 0.4:
            leader = f"SET LOCAL parallel_leader_participation = {rng.choice(['on', 'on', 'off'])}"
            shared = rng.choice([self.foreign, self.cut[0]])
            yield "parallel", lambda q: self.ask(q, shared, [*SHARED, leader])

    def is_batched(self, query):
        """Has the plan of the foreign table, or of the one behind the proxy, a
        batched join?"""
        if not query.joins or query.cursor:
            return False
        self.db.execute("; ".join(["BEGIN", *query.settings]))
        try:
            names = (self.foreign, self.cut[0])
            texts = [query.literal(name, self.lookup) for name in names]
            return any(batched_joins(self.db, text) for text in texts)
        except psycopg.Error:
            return False
        finally:
            self.db.execute("ROLLBACK")

    def difference(self, query, way, local=None):
        """(reason, local answer, other answer), or None."""
        local = local or self.ask(query, self.local)
        answer = way(query)
        reason = self.agree(query, local, answer)
        return (reason, local, answer) if reason else None

    def check(self, n):
        """What differs, or ""."""
        query = self.make_query(self.table, n)
        local = self.ask(query, self.local)
        for how, way in self.ways(query, random.Random(n)):
            if self.difference(query, way, local):
                smaller = self.smallest(n, way)
                found = smaller and self.difference(smaller, way)
                if found:
                    return self.report(smaller, query, n, how, *found)
                self.passing += 1
        return ""

    def smallest(self, n, way):
        """A small query that still differs; None if none does any more."""
        made = []

        def record(seed):
            made.append(Recorded(seed))
            return made[0]

        def make(rng):
            query = self.make_query(self.table, n, lambda _: rng)
            query.conjuncts = [c for c in query.conjuncts if rng.randrange(2)]
            return query

        query = self.make_query(self.table, n, record)
        return smallest(
            make,
            made[0].drawn + [1] * len(query.conjuncts),
            lambda query: self.difference(query, way),
            lambda query: len(self.spelled(query)),
        )

    def spelled(self, query):
        sql = query.literal(self.foreign, self.lookup)
        return "; ".join([*query.settings, sql, *query.cursor])

    def report(self, query, found_as, n, how, reason, local, answer):
        text, types, values = query.prepared(self.foreign, self.lookup)
        lines = [
            f"seed {self.table.seed}, table {self.table.number}, query {n}: {how}: {reason}",
            f"replay: {f'DDB_FUZZ_KIND={KIND} ' if KIND else ''}{self.table.replay}DDB_FUZZ_SEED={self.table.seed} DDB_FUZZ_SEEDS=1"
            f" DDB_FUZZ_ONLY={self.table.number}:{n} make check ARGS='-k {self.test} -q'",
            self.table.foreign_sql(self.foreign, "dynamo"),
            self.spelled(query),
            f"found as: {self.spelled(found_as)[:MAX_SPELLED]}",
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


class Tally:
    """What was asked in one test, and what differed."""

    def __init__(self):
        self.found, self.errors, self.empty, self.asked = [], 0, 0, 0
        self.tolerated = 0
        self.joins, self.batched = 0, 0
        self.two_steps = self.passing = 0

    @property
    def is_full(self):
        return len(self.found) >= MAX_DIFFERENCES

    def ask(self, contest, n):
        self.asked += 1
        query = contest.make_query(contest.table, n)
        self.joins += query.joins
        self.batched += contest.is_batched(query)
        local = contest.ask(query, contest.local)
        self.errors += local.error is not None
        self.empty += not local.rows
        contest.tolerated = contest.passing = 0
        before = contest.two_steps
        difference = contest.check(n)
        self.tolerated += contest.tolerated
        self.two_steps += contest.two_steps - before
        self.passing += contest.passing
        if difference:
            self.found.append(difference)

    def finish(self):
        print(
            f"{self.asked} queries, {self.errors} errors, {self.empty} without rows,"
            f" {self.tolerated} answers with a limit's error;"
            f" {self.joins} joins, {self.batched} batched"
            f", {self.two_steps} in two steps; {self.passing} differences passed"
        )
        assert not self.found, f"{len(self.found)} differences\n\n" + "\n\n".join(self.found)
        # The generator makes queries that mostly have an answer.
        assert ONLY or self.errors <= self.asked // 10, (
            f"{self.errors} of {self.asked} queries are errors everywhere"
        )
        assert self.asked < 100 or self.batched * 25 >= self.asked, "few joins are batched"
