# SPDX-License-Identifier: PostgreSQL
"""Databases of other encodings: order and ranges come from DynamoDB, which compares
UTF-8, only where the database's bytes sort alike."""

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server, plan_nodes
from support.store import Store, n, s

# Encoding, its characters: sorted by their bytes otherwise than by code points.
ENCODINGS = {
    "WIN1252": "aézšžŒ€ÿ‰ƒ~",
    "LATIN1": "aézÿþß~\x85é",
    "LATIN2": "aéząŁŽ˝~",
    "KOI8R": "абвяЮю─ёz~",
    "EUC_JP": "aあア亜ｱ漢~",
    "EUC_KR": "a가힝あ漢~",
    "SQL_ASCII": "aéš漢€😀~",
    "UTF8": "aéš漢€😀\uffee~",
}
AGREE = {"UTF8", "LATIN1", "SQL_ASCII"}


@pytest.fixture
def store(request, cluster, administration, dynamodb, ddb):
    """A store in a database of the encoding that the test's parameter says."""
    encoding = request.param
    database = f"encodings_{encoding.lower()}"
    administration(
        f"CREATE DATABASE {database} ENCODING {encoding} LOCALE 'C'"
        " LOCALE_PROVIDER libc TEMPLATE template0"
    )
    try:
        with psycopg.connect(**cluster.conninfo(database), autocommit=True) as db:
            # To psycopg SQL_ASCII is bytes; here they are UTF-8.
            db.execute("SET client_encoding = 'UTF8'")
            db.execute("CREATE EXTENSION ddb_fdw")
            make_server(db, dynamodb.endpoint)
            store = Store(db, ddb)
            store.encoding = encoding
            yield store
            for name in store.names:
                ddb.delete_table(TableName=name)
    finally:
        administration(f"DROP DATABASE {database} WITH (FORCE)")


def words(encoding):
    letters = ENCODINGS[encoding]
    return sorted({a + b for a in ("", *letters) for b in letters})


@pytest.fixture
def tables(store):
    """t: a plain sort key; e: a templated one; local: the same rows."""
    ids = words(store.encoding)
    items = [{"pk": s("p"), "sk": s(i), "id": s(i), "v": n(j)} for j, i in enumerate(ids)]
    name = store.table(items, sort="sk")
    foreign_table(store.db, "t", ["pk text", 'id text OPTIONS (attribute \'sk\') COLLATE "C"', "v int"], table_name=name)
    keys = [{"PK": s("P#p"), "SK": s(f"S#{i}"), "v": n(j)} for j, i in enumerate(ids)]
    name = store.table(keys, key="PK", sort="SK")
    foreign_table(
        store.db,
        "e",
        [
            "key text OPTIONS (attribute 'PK', template 'P#${pk}')",
            "sk text OPTIONS (attribute 'SK', template 'S#${id}')",
            "pk text",
            'id text COLLATE "C"',
            "v int",
        ],
        table_name=name,
    )
    store.db.execute('CREATE TABLE local (pk text, id text COLLATE "C", v int)')
    with store.db.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO local VALUES ('p', %s, %s)", [(i, j) for j, i in enumerate(ids)]
        )
    return store


def both(encodings):
    return pytest.mark.parametrize("store", encodings, indirect=True)


QUERIES = [
    "SELECT id FROM {} WHERE pk = 'p' ORDER BY id",
    "SELECT id FROM {} WHERE pk = 'p' ORDER BY id DESC",
    "SELECT id FROM {} WHERE pk = 'p' ORDER BY id LIMIT 7",
    "SELECT id FROM {} WHERE pk = 'p' ORDER BY id DESC LIMIT 7",
    "SELECT max(id), min(id) FROM {} WHERE pk = 'p'",
    "SELECT DISTINCT ON (pk) pk, id FROM {} WHERE pk IN ('p', 'q') ORDER BY pk, id DESC",
    "SELECT pk, max(id) FROM {} WHERE pk IN ('p', 'q') GROUP BY pk",
    "SELECT id FROM (SELECT *, row_number() OVER (PARTITION BY pk ORDER BY id) r FROM {} WHERE pk = 'p') x WHERE r < 4 ORDER BY id",
    "SELECT count(*) FROM {} a JOIN local b ON a.id = b.id WHERE a.pk = 'p'",
    "SELECT count(*) FROM {} WHERE pk = 'p' AND id > 'z'",
]


def ranges(store):
    letters = ENCODINGS[store.encoding]
    for letter in letters[::2]:
        for operator in ("=", "<>", "<", "<=", ">", ">=", "~<~", "~>=~"):
            yield f"id {operator} '{letter}'"
        yield f"id LIKE '{letter}%'"
        yield f"id NOT LIKE '{letter}%'"
        yield f"id ^@ '{letter}'"
        yield f"id LIKE '%{letter}'"
        yield f"strpos(id, '{letter}') > 0"
    yield f"id BETWEEN '{letters[1]}' AND '{letters[-2]}'"
    yield f"id BETWEEN '{letters[-2]}' AND '{letters[1]}'"
    yield f"id IN ('{letters[1]}', '{letters[-2]}')"
    yield f"id > '{letters[1]}' AND id < '{letters[-2]}a'"


@both(ENCODINGS)
def test_order(tables):
    db = tables.db
    for query in QUERIES:
        expected = db.execute(query.format("local")).fetchall()
        for name in ("t", "e"):
            assert db.execute(query.format(name)).fetchall() == expected, (name, query)
    db.execute("SET enable_hashjoin = off; SET enable_nestloop = off")
    for join in ("JOIN", "LEFT JOIN", "FULL JOIN"):
        query = "SELECT count(*), count(b.v) FROM {} a " + join + " local b USING (id)"
        if join == "JOIN":
            query += " WHERE a.pk = 'p'"
        expected = db.execute(query.format("local")).fetchall()
        for name in ("t", "e"):
            assert db.execute(query.format(name)).fetchall() == expected, (name, query)


@both(ENCODINGS)
def test_conditions(tables):
    db = tables.db
    for condition in ranges(tables):
        query = "SELECT id FROM {} WHERE pk = 'p' AND " + condition + " ORDER BY v"
        count = "SELECT count(*) FROM {} WHERE pk = 'p' AND " + condition
        expected = db.execute(query.format("local")).fetchall()
        for name in ("t", "e"):
            assert db.execute(query.format(name)).fetchall() == expected, (name, condition)
            assert db.execute(count.format(name)).fetchone() == (len(expected),), (name, condition)


@both(ENCODINGS)
def test_where_order_is_claimed(tables):
    for name in ("t", "e"):
        plan = explain(tables.db, f"SELECT id FROM {name} WHERE pk = 'p' ORDER BY id LIMIT 3")
        nodes = [node["Node Type"] for node in plan_nodes(plan)]
        assert ("Sort" in nodes) == (tables.encoding not in AGREE), (name, nodes)
        plan = explain(tables.db, f"SELECT v FROM {name} WHERE pk = 'p' AND id > 'm'")
        assert ("Filter" in foreign_scan(plan)) == (tables.encoding not in AGREE - {"SQL_ASCII"})


@both(["WIN1252", "LATIN1", "EUC_JP"])
def test_keys_that_the_encoding_does_not_have(store):
    """They match no template: no row, and not counted."""
    name = store.table([{"pk": s("P"), "sk": s(f"S#{k}")} for k in ["a", "b", "😀"]], sort="sk")
    foreign_table(
        store.db,
        "e",
        ["pk text", "sk text OPTIONS (template 'S#${id}')", 'id text COLLATE "C"'],
        table_name=name,
    )
    assert store.db.execute("SELECT id FROM e WHERE pk = 'P'").fetchall() == [("a",), ("b",)]
    assert store.db.execute("SELECT count(*) FROM e WHERE pk = 'P'").fetchone() == (2,)
    assert store.db.execute("SELECT max(id) FROM e WHERE pk = 'P'").fetchone() == ("b",)
    assert store.db.execute("SELECT count(*) FROM e WHERE pk = 'P' AND id >= 'b'").fetchone() == (1,)


@both(["EUC_JP"])
def test_characters_that_share_one(store):
    """U+00A6 and U+FFE4 are one character there: only the one that is sent fits."""
    store.columns([("text", s("\u00a6")), ("text", s("\uffe4"))])
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    for i in range(2):
        shown = store.db.execute(f"SELECT c{i} FROM v").fetchone()[0]
        found = 0 if shown is None else 1
        query = f"SELECT count(*) FROM v WHERE c{i} = '{shown}'"
        assert store.db.execute(query).fetchone() == (found,)
    assert store.db.execute("SELECT (c0 IS NULL) <> (c1 IS NULL) FROM v").fetchone() == (True,)


@both(["EUC_JIS_2004"])
def test_characters_that_begin_with_another(store):
    """か with a mark above is one character there, and two in UTF-8."""
    store.columns([("text", s("\u304b\u309a")), ("text", s("\u304b"))])
    for i, found in ((0, 0), (1, 1)):
        for condition in (f"c{i} LIKE '\u304b%'", f"c{i} ^@ '\u304b'", f"strpos(c{i}, '\u304b') > 0"):
            query = f"SELECT count(*) FROM v WHERE {condition}"
            assert store.db.execute(query).fetchone() == (found,), condition
