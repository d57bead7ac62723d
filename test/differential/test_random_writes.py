# SPDX-License-Identifier: PostgreSQL
"""Random INSERTs, UPDATEs, DELETEs and COPYs on random tables: what they say, and the
rows that they leave, are those of a local table with a primary key.

With the environment variables of differential/test_random_queries.py, of which DDB_FUZZ_QUERIES is the
number of statements, and DDB_FUZZ_ONLY=number replays a table of DDB_FUZZ_SEED:

    DDB_FUZZ_SEED=1000 DDB_FUZZ_SEEDS=200 DDB_FUZZ_QUERIES=40000 \\
        make check ARGS="-k random_writes -q"
"""

import random
from collections import Counter

import psycopg
import pytest
from support import contest
from support.contest import FIRST_SEED, SEEDS, CuttingProxy, fetched
from support.fdw import make_server
from support.widened import charset_of
from support.write_queries import Writer, WriteTable

# Some tables are described as large.
pytestmark = pytest.mark.warns("full scan of DynamoDB table")

STATEMENTS = contest.QUERIES if contest.IS_LONG else 90 * SEEDS  # in all
PER_TABLE = 50
SHOWN = 5  # statements of a report

UNIQUE_VIOLATION = "23505"
KEY_CHANGE = "0A000"


@pytest.mark.timeout(max(300, STATEMENTS))
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
@pytest.mark.warns("full scan of DynamoDB table")
def test_write_differential(seed, connect_in, dynamodb, ddb):
    charset = charset_of(seed)
    db = connect_in(charset, prepare_threshold=None)
    contest.prepare(db, seed)
    counts = Counter()
    only = contest.ONLY and [int(contest.ONLY.split(":")[0])]
    # Every other seed writes by transactions with tokens.
    options = {"max_attempts": 10, "exactly_once": seed % 2 == 1}
    tables = max(2, STATEMENTS // SEEDS // PER_TABLE)
    with CuttingProxy(dynamodb.endpoint, seed) as proxy:
        make_server(db, dynamodb.endpoint, **options)
        make_server(db, proxy.endpoint, name="cut", **options)
        for number in only or range(tables):
            table = WriteTable(seed, number, charset)
            ddb.create_table(TableName=table.name, **table.description())
            try:
                Trial(db, table, counts).run()
            finally:
                ddb.delete_table(TableName=table.name)
    print(dict(counts))
    assert counts["rows"] > counts["statements"], "few statements write anything"
    assert counts["statements"] < 200 or counts["refused"], "no statement is refused"


class Outcome:
    """What a statement said."""

    def __init__(self, count=None, rows=(), sqlstate=None, message=None):
        self.count, self.rows = count, sorted(rows, key=repr)
        self.sqlstate, self.message = sqlstate, message

    def __eq__(self, other):
        return (self.count, self.rows, self.sqlstate) == (other.count, other.rows, other.sqlstate)

    def __str__(self):
        if self.sqlstate:
            return f"{self.sqlstate} {self.message}"
        return f"{self.count} rows {self.rows[:20]}"


class Trial:
    """A table, its foreign and its local form, and the statements that change them."""

    def __init__(self, db, table, counts):
        self.db, self.table, self.counts = db, table, counts
        self.rng = random.Random(f"writes {table.seed} {table.number}")
        self.log = []
        self.server = self.rng.choice(["dynamo", "cut"])
        db.execute("DROP TABLE IF EXISTS h, h_l CASCADE")
        db.execute("DROP FOREIGN TABLE IF EXISTS f, p")
        for statement in table.local_sql("h"):
            db.execute(statement)
        db.execute(f"ALTER TABLE h ADD PRIMARY KEY ({', '.join(table.key_names)})")
        db.execute(table.foreign_sql("f", self.server))
        db.execute(table.foreign_sql("p", self.server, insert_mode="put"))

    def run(self):
        self.db.execute("INSERT INTO f SELECT * FROM h")
        self.same_rows()
        for n in range(PER_TABLE):
            statement = Writer(self.table, self.rng).make()
            self.counts["statements"] += 1
            self.counts[statement.kind] += 1
            getattr(self, f"do_{statement.kind}")(statement)
            if n % 5 == 4:
                self.same_rows()

    # ---- statements ----

    def ask(self, sql, settings=(), prepared=None):
        """Runs it, as a transaction of its own."""
        try:
            with self.db.transaction():
                for setting in settings:
                    self.db.execute(setting)
                if prepared:
                    return self._ask_prepared(*prepared)
                return self._outcome(self.db.execute(sql))
        except psycopg.Error as error:
            return Outcome(sqlstate=error.sqlstate, message=str(error))

    def _ask_prepared(self, text, types, values):
        self.db.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        types = f"({', '.join(types)})" if types else ""
        values = f"({', '.join(values)})" if values else ""
        self.db.execute("DEALLOCATE ALL")
        self.db.execute(f"PREPARE s {types} AS {text}")
        return self._outcome(self.db.execute(f"EXECUTE s {values}"))

    @staticmethod
    def _outcome(cursor):
        return Outcome(cursor.rowcount, fetched(cursor) if cursor.description else ())

    def compare(self, sql, local, foreign):
        self.counts["rows"] += foreign.count or 0
        self.counts["refused"] += foreign.sqlstate is not None
        if local != foreign:
            self.fail(f"{sql}\n  local:   {local}\n  foreign: {foreign}")

    def fail(self, what):
        table = self.table
        columns = ", ".join(f"{c.name} {c.kind.pgtype} {c.attribute!r}" for c in table.columns)
        log = "\n".join(f"  {entry[:600]}" for entry in self.log[-SHOWN:])
        pytest.fail(
            f"{what}\n{columns}\nserver {self.server}; before:\n{log}\n"
            f"DDB_FUZZ_SEED={table.seed} DDB_FUZZ_SEEDS=1 DDB_FUZZ_ONLY={table.number}"
        )

    def is_refused(self, foreign):
        """Where rows pass through another node, such as a condition on parameters alone
        makes one, keys must be told by columns."""
        if self.table.is_joined or foreign.sqlstate != KEY_CHANGE:
            return False
        return "does not tell" in foreign.message

    def do_query(self, statement):
        query = statement.query
        local = self.ask(query.literal("h", "h_l"))
        self.log.append(query.literal("f", "h_l"))
        if local.sqlstate:
            # What is wrong with it, it may be wrong with some rows only.
            assert query.may_fail or local.sqlstate[:2] in ("22", "54"), local
            self.counts["errors"] += 1
            self.same_rows()
            return
        prepared = query.prepared("f", "h_l") if statement.generic else None
        foreign = self.ask(self.log[-1], statement.settings, prepared)
        if self.is_refused(foreign):
            self.counts["joins refused"] += 1
            self.db.execute("DELETE FROM h")
            self.db.execute("INSERT INTO h SELECT * FROM f")
            return
        self.compare(self.log[-1], local, foreign)

    def do_key(self, statement):
        sql = statement.query.literal("f", "h_l")
        self.log.append(sql)
        outcome = self.ask(sql, statement.settings)
        if outcome.sqlstate is None and outcome.count == 0:
            return
        if outcome.sqlstate != KEY_CHANGE and (outcome.sqlstate or "")[:2] not in ("22", "54"):
            self.fail(f"{sql}\n  {outcome}")

    do_parts = do_query

    def do_refused(self, statement):
        """What must not be planned, nor do anything."""
        sql = statement.query.literal("f", "h_l")
        self.log.append(sql)
        outcome = self.ask(sql, statement.settings)
        # What is wrong with a constant may be told before.
        if (outcome.sqlstate or "")[:2] not in ("0A", "22"):
            self.fail(f"{sql}\n  {outcome}")

    def values(self, table, rows, suffix=""):
        columns = ", ".join(c.name for c in self.table.columns)
        tuples = ",\n".join(f"({', '.join(self.table.literals(row))})" for row in rows)
        return f"INSERT INTO {table} AS t ({columns}) VALUES {tuples}{suffix}"

    def do_insert(self, statement):
        local = self.ask(self.values("h", statement.rows, statement.suffix))
        sql = self.values("f", statement.rows, statement.suffix)
        self.log.append(sql)
        foreign = self.ask(sql, statement.settings)
        self.compare(sql, local, foreign)
        self.settle(statement.rows, foreign)

    def settle(self, rows, foreign):
        """After an error the local table has none of the rows."""
        if foreign.sqlstate:
            for table in ("h", "f"):
                self.db.execute(self.values(table, rows, " ON CONFLICT DO NOTHING"))
        for row in rows:
            self.table.add(row)

    def copy_into(self, name, rows):
        columns = ", ".join(c.name for c in self.table.columns)
        try:
            with self.db.transaction():
                with self.db.cursor().copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(self.table.zoned(row))
            return Outcome(len(rows))
        except psycopg.Error as error:
            return Outcome(sqlstate=error.sqlstate, message=str(error))

    def do_copy(self, statement):
        self.log.append(f"COPY f FROM STDIN: {statement.rows}")
        local = self.copy_into("h", statement.rows)
        foreign = self.copy_into("f", statement.rows)
        self.compare(self.log[-1], local, foreign)
        self.settle(statement.rows, foreign)

    def do_put(self, statement):
        """Of rows with one key the last one stays."""
        sets = ", ".join(f"{c.name} = EXCLUDED.{c.name}" for c in self.table.columns)
        keys = ", ".join(self.table.key_names)
        for row in statement.rows:
            self.db.execute(self.values("h", [row], f" ON CONFLICT ({keys}) DO UPDATE SET {sets}"))
        sql = self.values("p", statement.rows)
        self.log.append(sql)
        self.compare(sql, Outcome(len(statement.rows)), self.ask(sql, statement.settings))
        for row in statement.rows:
            self.table.add(row)

    # ---- rows ----

    def same_rows(self):
        for one, other in (("f", "h"), ("h", "f")):
            rows = fetched(
                self.db.execute(f"SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other}")
            )
            if rows:
                self.fail(f"{len(rows)} rows of {one} are not in {other}: {rows[:5]}")
        (local,) = self.db.execute("SELECT count(*) FROM h").fetchone()
        items = self.db.execute("SELECT count(*) FROM f").fetchone()
        assert items == (local,)
        self.counts["checks"] += 1
