# SPDX-License-Identifier: PostgreSQL
"""Random INSERTs, UPDATEs and DELETEs through the entities of single-table
designs (support.entities), whose outcome is reckoned in support.entity_writes.

Several entities share a DynamoDB table.  After every statement the items that it
wrote are looked at, and in the end all items: those of others must be what they
were, and each entity must show just its rows.  With the environment variables of
differential/test_random_queries.py, of which DDB_FUZZ_QUERIES is the number of statements:

    DDB_FUZZ_SEED=1000 DDB_FUZZ_SEEDS=200 DDB_FUZZ_QUERIES=40000 \\
        make check ARGS="-k random_entity_writes -q"
"""

import random
from collections import Counter

import psycopg
import pytest
from support import contest
from support.contest import FIRST_SEED, SEEDS, fetched
from support.entities import TODAY, Item, Universe
from support.entity_writes import WRITTEN, Book, Refused
from support.fdw import make_server
from support.forms import Unspecified
from support.generator import Const

# Some tables are described as large.
pytestmark = pytest.mark.warns("full scan of DynamoDB table")

STATEMENTS = contest.QUERIES if contest.IS_LONG else 70 * SEEDS  # in all
PER_UNIVERSE = 40
REFUSALS = {"22023", "22003", "22P02", "23502", "0A000"}


@pytest.mark.timeout(max(300, STATEMENTS))
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
@pytest.mark.warns("full scan of DynamoDB table")
def test_entity_writes(seed, connect, proxy, ddb):
    db = connect(prepare_threshold=None)
    contest.prepare(db, seed)
    make_server(db, proxy.endpoint, exactly_once=is_exactly_once(seed))
    counts = Counter()
    number = 0
    while counts["statements"] < STATEMENTS // SEEDS:
        universe = Universe(seed, number)
        if any(able(entity) for entity in universe.entities):
            contest.load_universe(ddb, universe)
            try:
                Trial(db, ddb, universe, counts).run()
            finally:
                ddb.delete_table(TableName=universe.name)
        number += 1
    print(dict(counts))
    assert counts["rows"] * 2 > counts["statements"], "few statements write anything"
    assert counts["statements"] < 100 or counts["refused"], "no statement is refused"


def is_exactly_once(seed):
    """Every other seed writes by transactions with tokens."""
    return seed % 2 == 1


def able(entity):
    return not entity.forced and entity.mismatch_null != "setting"


class Trial:
    """One universe: its items, and the statements that change them."""

    def __init__(self, db, ddb, universe, counts):
        self.db, self.ddb, self.universe, self.counts = db, ddb, universe, counts
        self.rng = random.Random(f"writes {universe.seed} {universe.number}")
        self.log = []
        self.items = {}  # key → Item
        self.books = [Book(entity) for entity in universe.entities if able(entity)]
        self._take_items()
        for book in self.books:
            self._make_tables(book)

    def _take_items(self):
        """Once more, since a universe keeps only the attributes."""
        made = {self.key_of(attributes): attributes for attributes in self.scan()}
        for known in self.universe.known:
            key = tuple(known[name] for name in self.universe.key)
            item = Item()
            item.known, item.attributes = dict(known), made[key]
            self.items[key] = item

    def _make_tables(self, book):
        entity = book.entity
        book.name = f"w{self.universe.number}_{entity.number}"
        self.db.execute(entity.foreign_sql(book.name, "dynamo"))
        self.db.execute(entity.foreign_sql(f"{book.name}_put", "dynamo", insert_mode="put"))
        columns = ", ".join(c.sql(False) for c in entity.columns)
        self.db.execute(f"CREATE TABLE {book.name}_local ({columns})")

    # -- items

    def key_of(self, attributes):
        return tuple(attributes[name]["S"] for name in self.universe.key)

    def scan(self):
        found, start = [], {}
        while True:
            page = self.ddb.scan(TableName=self.universe.name, ConsistentRead=True, **start)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def get(self, key):
        key = {name: {"S": text} for name, text in zip(self.universe.key, key, strict=True)}
        return self.ddb.get_item(TableName=self.universe.name, Key=key, ConsistentRead=True).get(
            "Item"
        )

    def is_clear(self, item):
        """Do all entities know what to make of it?"""
        return self.universe._is_sound(item)

    # -- statements

    def fail(self, reason):
        universe = self.universe
        lines = [
            reason,
            f"replay: DDB_FUZZ_TODAY={TODAY} DDB_FUZZ_SEED={universe.seed} DDB_FUZZ_SEEDS=1,"
            f" universe {universe.number}",
            *(book.entity.foreign_sql(book.name, "dynamo") for book in self.books),
            *self.log[-12:],
        ]
        pytest.fail("\n".join(lines))

    def execute(self, sql):
        """The cursor, or an error."""
        self.log.append(sql)
        self.counts["statements"] += 1
        try:
            return self.db.execute(sql), None
        except psycopg.Error as error:
            if error.sqlstate is None or self.db.closed:
                raise
            self.log.append(f"-- {error.sqlstate}: {error}")
            return None, error

    @staticmethod
    def literal(column, value):
        zoned = value is not None and column.kind.pgtype == "timestamptz"
        return Const(value + "+00" if zoned else value, column.kind.pgtype).literal()

    def must_be_refused(self, error, why, states=frozenset(REFUSALS)):
        if error is None:
            self.fail(f"not refused: {why}")
        if error.sqlstate not in states:
            self.fail(f"refused otherwise: {why}")
        self.counts["refused"] += 1

    def insert(self, book):
        rows, values = {}, []
        many = self.rng.random() < 0.2
        random_rows = [book.random_row() for _ in range(self.rng.choice([2, 5, 30]) if many else 1)]
        named = self.named(book, random_rows)
        for given in random_rows:
            try:
                row = book.insert(given, {column.name for column in named})
                item = book.item(row)
                key = tuple(item.known[name] for name in self.universe.key)
                if not self.is_clear(item) or (many and (key in self.items or key in rows)):
                    continue
                rows[key] = item
            except Unspecified:
                continue
            except Refused as refusal:
                if not many:
                    self.refused_insert(book, given, named, refusal)
                    return
                continue
            values.append(given)
        if rows:
            self.put(book, named, values, rows)

    def named(self, book, values):
        """The columns that the statement names: those that have a value, and now and then
        one that has none."""
        columns = book.entity.columns
        named = [
            c
            for c in columns
            if any(v[c.name] is not None for v in values)
            or (c.template and self.rng.random() < 0.1)
        ]
        return named or columns[:1]

    def insert_sql(self, name, named, values, rest=""):
        rows = (f"({', '.join(self.literal(c, v[c.name]) for c in named)})" for v in values)
        names = ", ".join(c.name for c in named)
        return f"INSERT INTO {name} ({names}) VALUES {', '.join(rows)}{rest}"

    def refused_insert(self, book, given, named, refusal):
        _, error = self.execute(self.insert_sql(book.name, named, [given]))
        self.must_be_refused(error, refusal)

    def put(self, book, named, values, rows):
        """Rows that are sound; of one alone the key may be taken."""
        rng = self.rng
        replaces = rng.random() < 0.2
        ignores = not replaces and rng.random() < 0.2
        (key, *_) = rows
        old = self.items.get(key)
        taken = old and not replaces and not (book.entity.hides and book.entity._has_expired(old))
        rest = " ON CONFLICT DO NOTHING" if ignores else ""
        rest += " RETURNING *" if len(rows) == 1 else ""
        name = f"{book.name}_put" if replaces else book.name
        cursor, error = self.execute(self.insert_sql(name, named, values, rest))
        if taken and not ignores:
            self.must_be_refused(error, "the key is taken", {"23505"})
            return
        if error:
            self.fail("an error")
        if cursor.rowcount != (0 if taken else len(rows)):
            self.fail(f"{cursor.rowcount} rows inserted")
        if taken:
            return
        self.counts["rows"] += len(rows)
        for key, item in rows.items():
            self.look_at(key, item)
        if len(rows) == 1 and book.entity.show(rows[key]):
            self.compare(book, cursor, [rows[key]], "RETURNING")

    def look_at(self, key, item):
        """The item that was inserted."""
        found = self.get(key)
        if found is None:
            self.fail(f"no item {key}")
        if set(found) != set(item.known):
            self.fail(f"item {key} has {sorted(found)}, not {sorted(item.known)}")
        self.look_at_keys(found, item)
        item.attributes = found
        self.items[key] = item

    def look_at_keys(self, found, item):
        for name in self.universe.key_attributes():
            if name not in self.universe.kinds and name in item.known:
                if found[name] != {"S": item.known[name]}:
                    self.fail(f"{name} of {found} is not {item.known[name]!r}")

    def compare(self, book, cursor, items, what):
        """Rows of the entity, and what the items should show."""
        entity, local = book.entity, f"{book.name}_local"
        rows = [row for row in map(entity.show, items) if row]
        given = fetched(cursor)
        self.db.execute(f"DELETE FROM {local}")
        listed = [[row[c.name] for c in entity.columns] for row in rows]
        for statement in entity._inserts(local, entity.columns, listed):
            self.db.execute(statement)
        expected = fetched(self.db.execute(f"SELECT * FROM {local}"))
        if Counter(given) != Counter(expected):
            extra = list((Counter(given) - Counter(expected)).elements())[:3]
            lost = list((Counter(expected) - Counter(given)).elements())[:3]
            self.fail(f"{what} of {book.name}:\nextra {extra}\nlost  {lost}")

    def condition(self, book):
        """A condition, and the keys of the rows that it is true of."""
        rng, entity = self.rng, book.entity
        keys = [entity.of_key[name] for name in self.universe.key]
        shown = [row for row in map(entity.show, self.items.values()) if row]
        if not shown:
            return "", []
        row, roll = rng.choice(shown), rng.random()
        sql = ""
        if roll < 0.6:
            sql = " AND ".join(f"{c.name} = {self.literal(c, row[c.name])}" for c in keys)
        elif roll < 0.95:
            few = entity.variables + keys
            able = [c for c in few if c.kind.pgtype != "jsonb"]
            chosen = rng.sample(able, min(len(able), rng.choice([1, 1, 2])))
            sql = " AND ".join(
                f"{c.name} IS NULL"
                if row[c.name] is None
                else f"{c.name} = {self.literal(c, row[c.name])}"
                for c in chosen
            )
        sql = f" WHERE {sql}" if sql else ""
        names = ", ".join(c.name for c in keys)
        found = self.db.execute(f"SELECT {names} FROM {book.name}{sql}").fetchall()
        if not sql and len(found) != len(shown):
            self.fail(f"{book.name} shows {len(found)} rows, not {len(shown)}")
        return sql, found

    def join(self, word):
        """In a join every row is found twice, and other code writes it."""
        return f" {word} generate_series(1, 2)" if self.rng.random() < 0.25 else ""

    def update(self, book):
        condition, keys = self.condition(book)
        if not keys:
            return
        entity = book.entity
        values = book.random_change(entity.show(self.items[keys[0]]))
        new, refusal = {}, None
        for key in keys:
            old = self.items[key]
            try:
                changes = book.update(entity.show(old), values)
            except Unspecified:
                return
            except Refused as why:
                refusal = why
                continue
            item = Item()
            item.known, item.attributes = dict(old.known), dict(old.attributes)
            for name, value in changes.items():
                item.known.pop(name, None)
                item.attributes.pop(name, None)
                if value is not None:
                    item.known[name], item.attributes[name] = value, WRITTEN
            if not self.is_clear(item):
                return
            new[key] = item
        if refusal and len(keys) > 1:
            return  # nobody knows which are written before the error
        sets = ", ".join(
            f"{c.name} = {self.literal(c, values[c.name])}"
            for c in entity.columns
            if c.name in values
        )
        returning = self.returning(book)
        join = self.join("FROM")
        cursor, error = self.execute(f"UPDATE {book.name} SET {sets}{join}{condition}{returning}")
        if refusal:
            self.must_be_refused(error, refusal)
            return
        if error:
            self.fail("an error")
        if cursor.rowcount != len(keys):
            self.fail(f"{cursor.rowcount} rows updated, not {len(keys)}")
        self.counts["rows"] += len(keys)
        for key, item in new.items():
            self.look_at_changed(key, item)
        if returning and all(entity.show(item) for item in new.values()):
            self.compare(book, cursor, new.values(), "RETURNING")

    def returning(self, book):
        wanted = self.rng.random() < 0.5
        # Whole items cannot be compared, and nothing comes back from a transaction.
        if not wanted or (is_exactly_once(self.universe.seed) and book.entity.whole):
            return ""
        return f" RETURNING {book.name}.*"

    def look_at_changed(self, key, item):
        found = self.get(key) or self.fail(f"no item {key}")
        if set(found) != set(item.attributes):
            self.fail(f"item {key} has {sorted(found)}, not {sorted(item.attributes)}")
        for name, value in item.attributes.items():
            if value is not WRITTEN and found[name] != value:
                self.fail(f"{name} of item {key} is {found[name]}, not {value}")
        self.look_at_keys(found, item)
        item.attributes = found
        self.items[key] = item

    def delete(self, book):
        condition, keys = self.condition(book)
        if len(keys) > 20:
            return
        returning = self.returning(book)
        join = self.join("USING")
        cursor, error = self.execute(f"DELETE FROM {book.name}{join}{condition}{returning}")
        if error:
            self.fail("an error")
        if cursor.rowcount != len(keys):
            self.fail(f"{cursor.rowcount} rows deleted, not {len(keys)}")
        self.counts["rows"] += len(keys)
        gone = [self.items.pop(key) for key in keys]
        if returning:
            self.compare(book, cursor, gone, "RETURNING")

    def run(self):
        for _ in range(PER_UNIVERSE):
            book = self.rng.choice(self.books)
            kinds = [self.insert] * 4 + [self.update] * 5 + [self.delete]
            self.rng.choice(kinds)(book)
        found = {self.key_of(attributes): attributes for attributes in self.scan()}
        expected = {key: item.attributes for key, item in self.items.items()}
        if found != expected:
            wrong = [k for k in {*found, *expected} if found.get(k) != expected.get(k)]
            shown = [(k, found.get(k), expected.get(k)) for k in wrong[:3]]
            self.fail(f"items differ: {shown}")
        for book in self.books:
            cursor = self.db.execute(f"SELECT * FROM {book.name}")
            self.compare(book, cursor, self.items.values(), "rows")
