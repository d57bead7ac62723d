# SPDX-License-Identifier: PostgreSQL
"""Values that a type's own input function refuses: NULL or SQLSTATE 22018, whatever
SQLSTATE the function raises; errors that are not about the value stay errors."""

import psycopg
import pytest
from support.fdw import explain, foreign_table, plan_nodes
from support.store import MISFIT, check_misfits, s


REFUSED = [
    # 42601, of types that parse a language of their own
    ("tsquery", "a & & b"),
    ("jsonpath", "$["),
    ("regtype", "no type("),
    # 42P01, 42704, 42883, 3F000, 0A000, 42602: names of what is not there
    ("regclass", "no_such_table"),
    ("regclass", "no_such_schema.t"),
    ("regclass", "a.b.c"),
    ("regclass", "a.b.c.d"),
    ("regclass", '"'),
    ("regtype", "no_such_type"),
    ("regrole", "no_such_role"),
    ("regproc", "no_such_function"),
    ("regproc", "lower"),
    ("regprocedure", "no_such_function(int)"),
    ("regoper", "@@@@@"),
    ("regnamespace", "no_such_schema"),
    ("regconfig", "no_such_configuration"),
    ("regdictionary", "no_such_dictionary"),
    ("aclitem", "no_such_role=r/postgres"),
    # 22P02 and its class
    ("inet", "1.2.3"),
    ("cidr", "10.0.0.1/8"),
    ("macaddr", "x"),
    ("bit(3)", "1"),
    ("char(2)", "abc"),
    ("money", "x"),
    ("point", "x"),
    ("pg_lsn", "x"),
    ("tsvector", "'"),
    ("interval", "x"),
    ("time", "25:00"),
    ("int4range", "[2,1]"),
    ("tstzmultirange", "x"),
    ("int[] OPTIONS (type 'S')", "{1"),
    ("jsonb OPTIONS (type 'S')", "{"),
    ("json OPTIONS (type 'S')", "{"),
]


def test_every_state_is_a_misfit(store):
    check_misfits(store, [(declaration, s(text)) for declaration, text in REFUSED])
    store.db.execute("RESET ddb_fdw.on_type_mismatch")
    for i, (declaration, text) in enumerate(REFUSED):
        with pytest.raises(psycopg.Error) as caught:
            store.db.execute(f"SELECT c{i} FROM v")
        try:
            literal = text.replace("'", "''")
            store.db.execute(f"SELECT CAST('{literal}' AS {declaration.split(' OPTIONS')[0]})")
        except psycopg.Error as error:
            # What the type says stands in the error's detail.
            assert error.diag.message_primary in caught.value.diag.message_detail


def test_deep_nesting(store):
    """54001 of the parser, which is deep in the value, not in the query."""
    deep = "[" * 150_000
    cases = [("jsonb OPTIONS (type 'S')", s(deep)), ("json OPTIONS (type 'S')", s(deep))]
    check_misfits(store, cases)


def test_in_arrays(store):
    check_misfits(
        store,
        [
            ("regclass[]", {"L": [s("pg_class"), s("no_such_table")]}),
            ("tsquery[]", {"SS": ["a & & b"]}),
            ("jsonpath[]", {"L": [s("$[")]}),
            ("regclass[] OPTIONS (type 'S')", s("{no_such_table}")),
        ],
    )


def has_extension(db, name):
    return db.execute("SELECT 1 FROM pg_available_extensions WHERE name = %s", (name,)).fetchone()


def test_types_of_extensions(store):
    cases = []
    for extension, declaration, text in (
        ("ltree", "ltree", "a..b"),
        ("ltree", "lquery", "a{x}"),
        ("ltree", "ltxtquery", "a &"),
        ("ltree", "ltree[]", "a..b"),
        ("hstore", "hstore", "a=>"),
        ("cube", "cube", "(1"),
        ("seg", "seg", "1 .. x"),
        ("isn", "isbn", "1"),
        ("intarray", "query_int", "1 &"),
    ):
        if has_extension(store.db, extension):
            store.db.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
            cases.append((declaration, {"L": [s(text)]} if "[]" in declaration else s(text)))
    if cases:
        check_misfits(store, cases)


def test_xml(store):
    """Without libxml no text is at fault."""
    try:
        store.db.execute("SELECT '<a/>'::xml")
    except psycopg.errors.FeatureNotSupported:
        store.columns([("xml", s("<a/>"))])
        store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            store.db.execute("SELECT c0 FROM v")
    else:
        check_misfits(store, [("xml", s("<a>"))])


DOMAINS = """
    CREATE FUNCTION fussy(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
        IF value = 'raise' THEN RAISE EXCEPTION 'not so'; END IF;
        IF value = 'assert' THEN ASSERT false; END IF;
        IF value = 'divide' THEN RETURN 1 / (length(value) - 6) > 0; END IF;
        IF value = 'lock' THEN RAISE SQLSTATE '55P03'; END IF;
        RETURN value <> 'false';
    END $$;
    CREATE DOMAIN fussy_text AS text CHECK (fussy(VALUE));
    CREATE DOMAIN query AS tsquery CHECK (numnode(VALUE) < 3);
"""


def test_domains(store):
    """Whatever their constraints raise of the value; but nothing else."""
    store.db.execute(DOMAINS)
    refused = ["raise", "divide", "false"]
    cases = [("fussy_text", s(text)) for text in ["fine", *refused, "lock"]]
    cases += [("query", s("a & & b")), ("query", s("a & b & c")), ("query[]", {"L": [s("a &")]})]
    store.columns(cases)
    for i in (5, 7):
        with pytest.raises(psycopg.Error) as caught:
            store.db.execute(f"SELECT c{i} FROM v")
        assert caught.value.sqlstate == MISFIT
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    assert store.db.execute("SELECT c0, c1, c2, c3, c5, c6, c7 FROM v").fetchone() == (
        "fine",
        *[None] * 6,
    )
    with pytest.raises(psycopg.Error) as caught:
        store.db.execute("SELECT c4 FROM v")
    assert caught.value.sqlstate == "55P03"


def test_extension_domains(store):
    if not has_extension(store.db, "citext"):
        pytest.skip("no citext")
    store.db.execute("CREATE EXTENSION citext")
    store.db.execute("CREATE DOMAIN email AS citext CHECK (VALUE ~ '^[^@]+@[^@]+$')")
    store.columns([("email", s("a@b")), ("email", s("x"))])
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    assert store.db.execute("SELECT c0, c1 FROM v").fetchone() == ("a@b", None)


def test_cancel_is_no_misfit(store):
    """A cancel that comes while a value is checked ends the query."""
    store.db.execute(
        """CREATE FUNCTION slow(text) RETURNS boolean LANGUAGE sql
           AS 'SELECT pg_sleep(60) IS NOT NULL';
           CREATE DOMAIN slow_text AS text CHECK (slow(VALUE))"""
    )
    store.columns([("slow_text", s("x"))])
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'; SET statement_timeout = '1s'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        store.db.execute("SELECT c0 FROM v")


def test_the_transaction_goes_on(store):
    """Under null every other item is read, and what the statement wrote stays."""
    name = store.table([{"pk": s(f"{i:03}"), "t": s("$[" if i % 2 else "$.a")} for i in range(100)])
    foreign_table(store.db, "p", ["pk text", "t jsonpath OPTIONS (on_type_mismatch 'null')"], table_name=name)
    store.db.execute("CREATE TABLE copy AS SELECT * FROM p")
    assert store.db.execute("SELECT count(*), count(t) FROM copy").fetchone() == (100, 50)
    assert store.db.execute("SELECT count(*) FROM p WHERE t IS NULL").fetchone() == (50,)


def test_not_in_parallel(store):
    """Who cannot be caught beside workers runs without."""
    store.columns([("tsquery", s("a & & b")), ("inet", s("x"))])
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    for setting in ("parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0"):
        store.db.execute(f"SET {setting}")
    query = "SELECT count(c0) FROM v WHERE pk || 'x' <> ''"
    assert "Gather" not in [node["Node Type"] for node in plan_nodes(explain(store.db, query))]
    assert store.db.execute(query).fetchone() == (0,)
