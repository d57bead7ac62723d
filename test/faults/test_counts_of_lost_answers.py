# SPDX-License-Identifier: PostgreSQL
"""Three of ten answers are lost after the service has done what was asked: what is stored
is what the command's tag and EXPLAIN say, or what the error says is written, with what it
says is perhaps."""

import concurrent.futures
import contextlib

import psycopg
import pytest
from support import proxy as faults
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.written import Warnings, said_by_error

ROWS = 40
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem")
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


def gone(reply):
    raise faults.Gone


class Site:
    """Tables a and b, of which whole is made, and put, which is a; filled or empty."""

    def __init__(self, db, proxy, items, filled):
        self.db, self.proxy, self.items = db, proxy, items
        make_server(db, proxy.endpoint, max_attempts=3, max_concurrency=4)
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


@pytest.fixture
def make_site(connect, proxy, make_table):
    def make(filled):
        return Site(connect(), proxy, {n: make_table(("id",), "id:N") for n in "ab"}, filled)

    return make


LOSSES = {"closed": lambda: faults.Change(gone), "cut": lambda: faults.truncate(0.5)}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", INSERTS | CHANGES)
def test_what_is_said_is_stored(make_site, name, loss):
    statement = (INSERTS | CHANGES)[name]
    site = make_site(name in CHANGES)
    if "whole" in statement:
        site.make_whole()
    warnings = Warnings(site.db)
    for seed in range(2):
        site.note()
        try:
            with site.losing(seed, LOSSES[loss]):
                tag = site.run(statement)
        except psycopg.Error as error:
            assert error.sqlstate == "08007", error
            said = site.said(error.diag)
            assert {n: sum(counts) for n, counts in said.items()} == site.changed()
        else:
            parts = 2 if "two parts" in name else 1
            assert tag * parts == sum(site.changed().values())
        assert warnings.take() == []
        undo(site)


@pytest.mark.parametrize("name", ["INSERT", "COPY in put mode", "UPDATE", "DELETE by key"])
def test_requests_that_are_lost_on_their_way(make_site, name):
    """Beside answers that are: then some of what is written perhaps is not."""
    site = make_site(name in CHANGES)
    for seed in range(4):
        site.note()
        with contextlib.ExitStack() as stack:
            stack.enter_context(site.losing(seed, faults.close_before))
            stack.enter_context(site.losing(seed + 50, LOSSES["closed"]))
            try:
                tag = site.run((INSERTS | CHANGES)[name])
            except psycopg.Error as error:
                said = site.said(error.diag)
            else:
                said = {"a": (tag, 0), "b": (0, 0)}
        for table, (written, perhaps) in said.items():
            assert written <= site.changed()[table] <= written + perhaps
        undo(site)


def undo(site):
    """As it was before."""
    for name, table in site.items.items():
        with table.batch_writer() as batch:
            for i in range(1, ROWS + 1):
                if i in site.before[name]:
                    batch.put_item(Item={"id": i, "part": i % 2, "v": site.before[name][i]})
                else:
                    batch.delete_item(Key={"id": i})


# PostgreSQL's EXPLAIN shows nothing of partitions that rows are routed to.
EXPLAINED = [n for n in INSERTS | CHANGES if "COPY" not in n and n != "INSERT into partitions"]


@pytest.mark.parametrize("name", EXPLAINED)
def test_explain_says_it_too(make_site, name):
    statement = (INSERTS | CHANGES)[name]
    site = make_site(name in CHANGES)
    if "whole" in statement:
        site.make_whole()
    for seed in range(2):
        site.note()
        with contextlib.suppress(psycopg.errors.TransactionResolutionUnknown):
            with site.losing(seed, LOSSES["closed"]):
                plan = explain(site.db, statement, analyze="true")
            assert items_written(plan) == sum(site.changed().values())
        undo(site)


def items_written(plan):
    """Over all nodes and their targets."""
    written = 0
    for node in plan_nodes(plan):
        targets = node.get("Target Tables", [])
        written += sum(part.get("Items Written", 0) for part in [node, *targets])
    return written


def test_a_resend_by_libcurl_is_a_retry(make_site):
    site = make_site(filled=False)
    with site.proxy.record() as calls, site.proxy.inject(
        LOSSES["closed"](), operation="PutItem", times=1
    ):
        plan = explain(site.db, "INSERT INTO put VALUES (1, 0, 1)", analyze="true")
    assert len(calls.data) == 2
    assert (plan["Requests"], plan["Retries"], items_written(plan)) == (1, 1, 1)


@pytest.mark.parametrize("name", ["INSERT", "COPY in put mode", "UPDATE", "DELETE by key"])
def test_cancel(make_site, connect, name):
    """Once one request gets no answer, and others have lost theirs."""
    site = make_site(name in CHANGES)
    observer = connect()
    site.note()
    with contextlib.ExitStack() as stack:
        stack.enter_context(site.losing(5, LOSSES["closed"]))
        hang = faults.hang()
        for operation in WRITES:
            stack.enter_context(site.proxy.inject(hang, operation=operation, every=2))
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(1))
        running = pool.submit(site.run, (INSERTS | CHANGES)[name])
        assert hang.reached.wait(30)
        observer.execute("SELECT pg_cancel_backend(%s)", [site.db.info.backend_pid])
        error = running.exception(30)
    assert error.sqlstate == "57014"
    for table, (written, perhaps) in site.said(error.diag).items():
        assert written <= site.changed()[table] <= written + perhaps
