# SPDX-License-Identifier: PostgreSQL
"""Policies of a partitioned table, or of a parent, hold for rows that are written into
foreign tables below it: PostgreSQL leaves that to whoever writes them."""

import contextlib
import secrets

import psycopg
import pytest
from support.fdw import foreign_table, make_server
from support.systems import definition

KEYS = definition(("id",), "id:N")
COLUMNS = ["id int", "region int", "owner text", "doc jsonb"]


@pytest.fixture
def items(make_items):
    return make_items(KEYS, [{"id": 1, "region": 1, "owner": "ann"}, {"id": 2, "region": 1, "owner": "bob"}])


@pytest.fixture
def parent(db, dynamodb, items):
    """p by region, its first partition foreign."""
    make_server(db, dynamodb.endpoint)
    db.execute("CREATE USER MAPPING FOR PUBLIC SERVER dynamo OPTIONS (access_key_id 'test', secret_access_key 'secret')")
    db.execute(f"CREATE TABLE p ({', '.join(COLUMNS)}) PARTITION BY LIST (region)")
    foreign_table(db, "p1", COLUMNS, table_name=items.name)
    db.execute("ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1)")
    db.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)")
    with protected(db):
        yield db


@contextlib.contextmanager
def protected(db):
    """As a role that may write rows of which it says that they are ann's."""
    role = f"writer_{secrets.token_hex(4)}"
    db.execute(f"CREATE ROLE {role}; GRANT ALL ON p TO {role}")
    db.execute("ALTER TABLE p ENABLE ROW LEVEL SECURITY")
    db.execute("CREATE POLICY own ON p USING (true) WITH CHECK (owner = 'ann')")
    db.execute(f"SET ROLE {role}")
    db.role = role
    yield
    db.execute(f"RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")


def owners(items):
    return {int(item["id"]): item["owner"] for item in items.scan()["Items"]}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO p VALUES (3, 1, 'bob')",
        "INSERT INTO p VALUES (3, 1, 'ann'), (4, 1, 'bob')",
        "INSERT INTO p SELECT 3, 1, 'bob'",
        "INSERT INTO p VALUES (3, 1, 'bob') RETURNING id",
        "INSERT INTO p VALUES (3, 1, 'bob') ON CONFLICT DO NOTHING",
        "UPDATE p SET owner = 'bob' WHERE id = 1",
        "UPDATE p SET owner = 'bob'",
        "UPDATE p SET doc = '{}' WHERE id = 2",
        "UPDATE p SET owner = x.o FROM (VALUES ('bob')) x (o) WHERE id = 1",
        "WITH w AS (UPDATE p SET owner = 'bob' WHERE id = 1 RETURNING id) SELECT * FROM w",
    ],
)
def test_rows_that_a_policy_refuses_are_not_written(parent, items, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        parent.execute(statement)
    kept = owners(items)
    assert kept.pop(3, "ann") == "ann"
    assert kept == {1: "ann", 2: "bob"}


def test_rows_that_it_allows_are(parent, items):
    parent.execute("INSERT INTO p VALUES (3, 1, 'ann')")
    parent.execute("UPDATE p SET doc = '{\"a\": 1}' WHERE id = 1")
    parent.execute("UPDATE p SET owner = 'ann' WHERE id = 2")
    assert owners(items) == {1: "ann", 2: "ann", 3: "ann"}


def test_policies_come_before_constraints(parent, items):
    parent.execute(f"RESET ROLE; ALTER TABLE p ADD CHECK (id < 10); SET ROLE {parent.role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        parent.execute("INSERT INTO p VALUES (11, 1, 'bob')")
    with pytest.raises(psycopg.errors.CheckViolation):
        parent.execute("INSERT INTO p VALUES (11, 1, 'ann')")


def test_a_parent_that_is_inherited_from(db, dynamodb, items):
    make_server(db, dynamodb.endpoint)
    db.execute("CREATE USER MAPPING FOR PUBLIC SERVER dynamo OPTIONS (access_key_id 'test', secret_access_key 'secret')")
    db.execute(f"CREATE TABLE p ({', '.join(COLUMNS)})")
    foreign_table(db, "c", COLUMNS, table_name=items.name)
    db.execute("ALTER FOREIGN TABLE c INHERIT p")
    with protected(db):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("UPDATE p SET owner = 'bob' WHERE id = 1")
        db.execute("UPDATE p SET owner = 'ann' WHERE id = 2")
    assert owners(items) == {1: "ann", 2: "ann"}


def test_whole_items_are_looked_at_as_they_will_be(db, dynamodb, items):
    """A path column and the document that it leads into show parts of each other."""
    make_server(db, dynamodb.endpoint)
    db.execute("CREATE USER MAPPING FOR PUBLIC SERVER dynamo OPTIONS (access_key_id 'test', secret_access_key 'secret')")
    columns = ["id int", "owner text OPTIONS (attribute 'who.name')", "who jsonb"]
    db.execute("CREATE TABLE p (id int, owner text, who jsonb) PARTITION BY LIST (id)")
    foreign_table(db, "p1", columns, table_name=items.name)
    db.execute("ALTER TABLE p ATTACH PARTITION p1 DEFAULT")
    with protected(db):
        db.execute("INSERT INTO p (id, owner) VALUES (5, 'ann')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("UPDATE p SET who = '{\"name\": \"bob\"}' WHERE id = 5")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("INSERT INTO p (id, who) VALUES (6, '{\"name\": \"bob\"}')")
        db.execute("UPDATE p SET who = '{\"name\": \"ann\", \"x\": 1}' WHERE id = 5")
