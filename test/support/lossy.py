# SPDX-License-Identifier: PostgreSQL
"""Statements that write forty rows, and tables where answers get lost.

    site = Site(db, proxy, {"a": table, "b": table}, filled=True)
    site.note()
    with site.losing(seed, LOSSES["cut"]):
        tag = site.run(CHANGES["UPDATE"])
    site.changed()                                  # {"a": 40, "b": 0}
    undo(site)
"""

import contextlib

from . import proxy as faults
from .fdw import foreign_table, make_server, plan_nodes
from .written import said_by_error

ROWS = 40
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
COLUMNS = ["id int", "part int", "v int"]
NEW = f"SELECT i, i % 2, 1 FROM generate_series(1, {ROWS}) i"
BY_KEY = ", ".join(map(str, range(1, ROWS + 1)))

INSERTS = {
    "INSERT": f"INSERT INTO a {NEW}",
    "INSERT in put mode": f"INSERT INTO put {NEW}",
    "INSERT of what is not there": f"INSERT INTO a {NEW} ON CONFLICT DO NOTHING",
    "INSERT RETURNING": f"INSERT INTO a {NEW} RETURNING *",
    "INSERT into partitions": f"INSERT INTO whole {NEW}",
    "INSERT of two parts": f"WITH w AS (INSERT INTO a {NEW} RETURNING *) INSERT INTO b TABLE w",
    "COPY": "COPY a FROM STDIN",
    "COPY in put mode": "COPY put FROM STDIN",
    "COPY into partitions": "COPY whole FROM STDIN",
}
CHANGES = {
    "UPDATE": "UPDATE a SET v = v + 1 WHERE v = 1",
    "UPDATE by key": f"UPDATE a SET v = 2 WHERE id IN ({BY_KEY})",
    "UPDATE by key and condition": f"UPDATE a SET v = 2 WHERE id IN ({BY_KEY}) AND v = 1",
    "UPDATE in a join": f"UPDATE a SET v = v + 1 FROM generate_series(1, {ROWS}) i WHERE id = i",
    "UPDATE of partitions": "UPDATE whole SET v = v + 1 RETURNING *",
    "DELETE": "DELETE FROM a",
    "DELETE by key": f"DELETE FROM a WHERE id IN ({BY_KEY})",
    "DELETE by key and condition": f"DELETE FROM a WHERE id IN ({BY_KEY}) AND v = 1",
    "DELETE in a join": f"DELETE FROM a USING generate_series(1, {ROWS}) i WHERE id = i",
    "DELETE of partitions": "DELETE FROM whole",
    "DELETE of two parts": "WITH w AS (DELETE FROM a RETURNING id) DELETE FROM b USING w WHERE b.id = w.id",
}

# PostgreSQL's EXPLAIN shows nothing of partitions that rows are routed to.
EXPLAINED = [n for n in INSERTS | CHANGES if "COPY" not in n and n != "INSERT into partitions"]


def gone(reply):
    raise faults.Gone


class Site:
    """Tables a and b, of which whole is made, and put, which is a; filled or empty."""

    def __init__(self, db, proxy, items, filled, **options):
        self.db, self.proxy, self.items = db, proxy, items
        options = {"max_attempts": 3, "max_concurrency": 4, **options}
        make_server(db, proxy.endpoint, **options)
        for name, table in items.items():
            foreign_table(db, name, COLUMNS, table_name=table.name)
        foreign_table(db, "put", COLUMNS, table_name=items["a"].name, insert_mode="put")
        self.filled = filled
        for table in items.values() if filled else ():
            with table.batch_writer() as batch:
                for i in range(1, ROWS + 1):
                    batch.put_item(Item={"id": i, "part": i % 2, "v": 1})
        self.db.execute("SELECT FROM a WHERE id = 0")

    def make_whole(self):
        self.db.execute(
            "CREATE TABLE whole (id int, part int, v int) PARTITION BY LIST (part);"
            "ALTER TABLE whole ATTACH PARTITION a FOR VALUES IN (0);"
            "ALTER TABLE whole ATTACH PARTITION b FOR VALUES IN (1)"
        )
        for part, name in enumerate("ab" if self.filled else ""):
            with self.items[name].batch_writer() as batch:
                for i in range(1, ROWS + 1):
                    if i % 2 != part:
                        batch.delete_item(Key={"id": i})

    def changed(self):
        """Of each table, how many items there are that were not, or are otherwise or gone."""
        counts = {}
        for name, table in self.items.items():
            found = {int(i["id"]): int(i["v"]) for i in table.scan(ConsistentRead=True)["Items"]}
            counts[name] = sum(
                found.get(i) != self.before[name].get(i) for i in found.keys() | self.before[name]
            )
        return counts

    def note(self):
        self.before = {
            name: {int(i["id"]): int(i["v"]) for i in table.scan(ConsistentRead=True)["Items"]}
            for name, table in self.items.items()
        }

    def losing(self, seed, loss):
        stack = contextlib.ExitStack()
        for number, operation in enumerate(WRITES):
            stack.enter_context(
                self.proxy.inject(
                    loss(), operation=operation, probability=0.3, seed=10 * seed + number
                )
            )
        return stack

    def run(self, statement):
        """The tag's number."""
        if not statement.startswith("COPY"):
            return self.db.execute(statement).rowcount
        cursor = self.db.cursor()
        with cursor.copy(statement) as copy:
            for i in range(1, ROWS + 1):
                copy.write_row((i, i % 2, 1))
        return cursor.rowcount

    def said(self, diag):
        said = said_by_error(diag)
        return {name: said.pop(table.name, (0, 0)) for name, table in self.items.items()}


LOSSES = {"closed": lambda: faults.Change(gone), "cut": lambda: faults.truncate(0.5)}


def undo(site):
    """As it was before."""
    for name, table in site.items.items():
        with table.batch_writer() as batch:
            for i in range(1, ROWS + 1):
                if i in site.before[name]:
                    batch.put_item(Item={"id": i, "part": i % 2, "v": site.before[name][i]})
                else:
                    batch.delete_item(Key={"id": i})


def items_written(plan):
    """Over all nodes and their targets."""
    written = 0
    for node in plan_nodes(plan):
        targets = node.get("Target Tables", [])
        written += sum(part.get("Items Written", 0) for part in [node, *targets])
    return written
