# SPDX-License-Identifier: PostgreSQL
"""DynamoDB tables of one test, with foreign tables over them, and what their
columns make of stored values.

    check(store, [("text", s("a"), "a")])       # (type, stored value, expected)
    check_misfits(store, [("text", n(1))])
"""

import secrets

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table, plan_nodes

MISFIT = "22018"


def s(text):
    return {"S": text}


def n(number):
    return {"N": str(number)}


def b(data):
    return {"B": data}


def m(**members):
    return {"M": members}


def l(*elements):
    return {"L": list(elements)}


class Store:
    """DynamoDB tables of one test, with foreign tables over them."""

    def __init__(self, db, ddb):
        self.db, self.ddb = db, ddb
        self.names = []

    def table(self, items, key="pk", key_type="S", sort=None, sort_type="S"):
        """A table with these items; its name."""
        name = f"Values.{secrets.token_hex(4)}"
        keys = [(key, key_type, "HASH")] + ([(sort, sort_type, "RANGE")] if sort else [])
        self.ddb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": a, "KeyType": k} for a, _, k in keys],
            AttributeDefinitions=[{"AttributeName": a, "AttributeType": t} for a, t, _ in keys],
        )
        self.names.append(name)
        for item in items:
            self.ddb.put_item(TableName=name, Item=item)
        return name

    def columns(self, cases, **options):
        """Foreign table v: column c0, c1, ... of one item, a case each; a case is
        (type, stored value or None, ...) or (type, options, stored value, ...)."""
        item = {"pk": s("item")}
        columns = ["pk text"]
        for i, (declaration, stored, *_) in enumerate(cases):
            if stored is not None:
                item[f"c{i}"] = stored
            columns.append(f"c{i} {declaration}")
        options.setdefault("table_name", self.table([item]))
        foreign_table(self.db, "v", columns, **options)

    def read(self, cases, **options):
        """The item's values, one a case."""
        self.columns(cases, **options)
        return self.db.execute("SELECT * FROM v").fetchone()[1:]


def check(store, cases, **options):
    values = store.read(cases, **options)
    wrong = [
        (case, value)
        for case, value in zip(cases, values, strict=True)
        if value != case[2] or type(value) is not type(case[2])
    ]
    assert not wrong


def check_misfits(store, cases, reason=None):
    """Each is an error that names everything, and NULL where that was asked."""
    store.columns(cases)
    for i, (_, stored, *_) in enumerate(cases):
        with pytest.raises(psycopg.Error) as caught:
            pytest.fail(
                f"{cases[i]} is read as {store.db.execute(f'SELECT c{i} FROM v').fetchone()}"
            )
        error = caught.value
        assert error.sqlstate == MISFIT, (cases[i], str(error))
        (stored_type,) = stored
        text = f"{error.diag.message_primary}\n{error.diag.message_detail}"
        for part in (f'attribute "c{i}"', f'"{store.names[-1]}"', f'column "c{i}"', "public.v"):
            assert part in text, (cases[i], text)
        assert f"DynamoDB type {stored_type};" in text, (cases[i], text)
    # Read with its key, the error says which item it was.
    with pytest.raises(psycopg.Error, match='pk = "item"'):
        store.db.execute("SELECT pk, c0 FROM v")
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    assert set(store.db.execute("SELECT * FROM v").fetchone()[1:]) == {None}


class Tables:
    """Foreign table v, whose conditions are checked against PostgreSQL itself:
    the rows they give are the same when nothing is pushed."""

    def __init__(self, db, ddb):
        self.store = Store(db, ddb)
        self.db = db

    def make(self, columns, items):
        foreign_table(self.db, "v", ["pk text", *columns], table_name=self.store.table(items))

    def check(self, condition, pushed=True, exact=None, parameters=None):
        """The rows, which are the same without pushing.  pushed None: whatever."""
        query = f"SELECT pk FROM v WHERE {condition} ORDER BY pk"
        plan = explain(self.db, query, parameters)
        # What is never true has no scan.
        if any(node["Node Type"] == "Foreign Scan" for node in plan_nodes(plan)):
            scan = foreign_scan(plan)
            assert pushed is None or ("DynamoDB Filter" in scan) == pushed, (condition, scan)
            assert exact is None or ("Filter" not in scan) == exact, (condition, scan)
        rows = self.db.execute(query, parameters).fetchall()
        count = f"SELECT count(*) FROM v WHERE {condition}"
        assert self.db.execute(count, parameters).fetchone() == (len(rows),), condition
        self.db.execute("SET ddb_fdw.pushdown = off")
        assert rows == self.db.execute(query, parameters).fetchall(), condition
        self.db.execute("RESET ddb_fdw.pushdown")
        return [pk for (pk,) in rows]
