# SPDX-License-Identifier: PostgreSQL
"""Types that are stored as their text form have one, whatever a session's styles are:
as values, as keys, as variables of templates, in conditions."""

import psycopg
import pytest
from support.fdw import foreign_table, make_server
from support.store import s

STYLES = [
    {
        "intervalstyle": "iso_8601",
        "datestyle": "SQL, DMY",
        "timezone": "Asia/Kolkata",
        "bytea_output": "escape",
        "extra_float_digits": "-5",
        "xmloption": "document",
    },
    {
        "intervalstyle": "sql_standard",
        "datestyle": "German, DMY",
        "timezone": "America/St_Johns",
        "extra_float_digits": "0",
        "quote_all_identifiers": "on",
    },
    {
        "intervalstyle": "postgres_verbose",
        "datestyle": "Postgres, YMD",
        "timezone": "Pacific/Chatham",
        "bytea_output": "escape",
        "extra_float_digits": "-15",
    },
]

# type: a value, and how it is stored
FORMS = {
    "interval": ("-1 year 2 mons -3 days +04:05:06.5", "-10 mons -3 days +04:05:06.5"),
    "daterange": ("[2026-02-01,2026-03-04)", "[2026-02-01,2026-03-04)"),
    "datemultirange": ("{[2026-02-01,2026-03-04)}", "{[2026-02-01,2026-03-04)}"),
    "tsrange": (
        "[2026-02-01 10:00,2026-03-04 11:12:13.5)",
        '["2026-02-01 10:00:00","2026-03-04 11:12:13.5")',
    ),
    "tstzrange": (
        "[2026-02-01 10:00+02,2026-03-04 11:12:13.5-03)",
        '["2026-02-01 08:00:00+00","2026-03-04 14:12:13.5+00")',
    ),
    "tstzmultirange": (
        "{[2026-02-01 10:00+02,2026-03-04 11:12:13.5-03)}",
        '{["2026-02-01 08:00:00+00","2026-03-04 14:12:13.5+00")}',
    ),
    "time": ("10:11:12.5", "10:11:12.5"),
    "timetz": ("10:11:12.5+05:30", "10:11:12.5+05:30"),
    "numrange": ("[1.50,2]", "[1.50,2]"),
    "floats": ("[0.1,0.30000000000000004]", "[0.1,0.30000000000000004]"),
    "spans": ("[1 day,2 days 01:00]", '["1 day","2 days 01:00:00"]'),
    "pause": ("P1DT2H", "1 day 02:00:00"),
    "point": ("(0.1,0.30000000000000004)", "(0.1,0.30000000000000004)"),
}
TYPES = """
    CREATE TYPE floats AS RANGE (subtype = float8);
    CREATE TYPE spans AS RANGE (subtype = interval);
    CREATE DOMAIN pause AS interval CHECK (VALUE > '0');
"""
# Only as values: no keys, and no variables.
VALUES = {
    "bytea[] OPTIONS (type 'S')": (r'{"\\x00ff","\\x5c"}', r'{"\\x00ff","\\x5c"}'),
    "float8[] OPTIONS (type 'S')": (
        "{0.1,0.30000000000000004}",
        "{0.1,0.30000000000000004}",
    ),
    "timestamptz[] OPTIONS (type 'S')": (
        "{2026-02-01 10:00+02}",
        '{"2026-02-01 08:00:00+00"}',
    ),
    "date[] OPTIONS (type 'S')": ("{2026-02-01}", "{2026-02-01}"),
    "interval[]": ("{P1DT2H}", None),
    "money": ("1234.5", "$1,234.50"),
    "regclass": ("public.here", "public.here"),
    "regtype": ("public.floats", "public.floats"),
}


def use(db, styles):
    for name, value in styles.items():
        db.execute(f"SET {name} = '{value}'")


def reset(db):
    for styles in STYLES:
        for name in styles:
            db.execute(f"RESET {name}")


@pytest.fixture
def dynamo(db, dynamodb):
    make_server(db, dynamodb.endpoint)
    db.execute("CREATE TABLE here ()")
    db.execute(TYPES)
    return db


def cast(declaration, value):
    quoted = value.replace("'", "''")
    return f"CAST('{quoted}' AS {declaration.split(' OPTIONS')[0]})"


@pytest.mark.parametrize("styles", STYLES, ids=lambda styles: styles["intervalstyle"])
def test_values(store, ddb, styles):
    """What one session writes the others read, and write alike."""
    forms = {**FORMS, **VALUES}
    columns = ["pk text", *(f"c{i} {declaration}" for i, declaration in enumerate(forms))]
    name = store.table([])
    foreign_table(store.db, "v", columns, table_name=name)
    # Read where it means the same in each style.
    store.db.execute("CREATE TABLE local (pk text, " + ", ".join(
        f"c{i} {declaration.split(' OPTIONS')[0]}" for i, declaration in enumerate(forms)) + ")")
    values = ", ".join(cast(declaration, value) for declaration, (value, _) in forms.items())
    store.db.execute(f"INSERT INTO local VALUES ('plain', {values}), ('styled', {values})")
    store.db.execute("INSERT INTO v SELECT * FROM local WHERE pk = 'plain'")
    use(store.db, styles)
    store.db.execute("INSERT INTO v SELECT * FROM local WHERE pk = 'styled'")
    plain, styled = (
        ddb.get_item(TableName=name, Key={"pk": s(pk)})["Item"] for pk in ("plain", "styled")
    )
    assert {**plain, "pk": None} == {**styled, "pk": None}
    for i, (declaration, (_, stored)) in enumerate(forms.items()):
        assert stored is None or plain[f"c{i}"] == s(stored), declaration
    same = " AND ".join(f"v.c{i}::text = l.c{i}::text" for i in range(len(forms)))
    query = f"SELECT v.pk FROM v JOIN local l USING (pk) WHERE {same} ORDER BY pk"
    assert store.db.execute(query).fetchall() == [("plain",), ("styled",)]
    reset(store.db)
    assert store.db.execute(query).fetchall() == [("plain",), ("styled",)]
    # Nothing is left behind.
    use(store.db, styles)
    for setting, value in styles.items():
        assert store.db.execute(f"SHOW {setting}").fetchone() == (value,)


@pytest.mark.parametrize("kind", FORMS)
def test_sort_keys(store, ddb, kind):
    value, stored = FORMS[kind]
    name = store.table([], sort="k")
    foreign_table(store.db, "t", ["pk text", f"k {kind}", "v int"], table_name=name)
    check_one_key(store.db, "pk = 'a' AND ", "'a', ", "pk, ", kind, value)
    assert ddb.scan(TableName=name)["Items"] == []
    store.db.execute(f"INSERT INTO t VALUES ('a', {cast(kind, value)}, 1)")
    assert [item["k"] for item in ddb.scan(TableName=name)["Items"]] == [s(stored)]


@pytest.mark.parametrize("kind", FORMS)
def test_partition_keys(store, ddb, kind):
    value, stored = FORMS[kind]
    name = store.table([], key="k")
    foreign_table(store.db, "t", [f"k {kind}", "v int"], table_name=name)
    check_one_key(store.db, "", "", "", kind, value)
    store.db.execute(f"INSERT INTO t VALUES ({cast(kind, value)}, 1)")
    assert [item["k"] for item in ddb.scan(TableName=name)["Items"]] == [s(stored)]


@pytest.mark.parametrize("kind", FORMS)
def test_templates(store, ddb, kind):
    value, stored = FORMS[kind]
    name = store.table([], sort="sk")
    foreign_table(
        store.db,
        "t",
        ["pk text OPTIONS (template 'K#${k}')", "sk text OPTIONS (template 'S#${k}')", f"k {kind}", "v int"],
        table_name=name,
    )
    check_one_key(store.db, "", "", "", kind, value)
    store.db.execute(f"INSERT INTO t (k, v) VALUES ({cast(kind, value)}, 1)")
    (item,) = ddb.scan(TableName=name)["Items"]
    assert (item["pk"], item["sk"]) == (s(f"K#{stored}"), s(f"S#{stored}"))


def check_one_key(db, where, values, columns, kind, value):
    """One item, which each session inserts, finds, updates and deletes."""
    constant = cast(kind, value)
    db.execute("CREATE TABLE IF NOT EXISTS wanted AS SELECT " + constant + " AS k")
    constant = "(SELECT k FROM wanted)"
    equal = "~=" if kind == "point" else "="
    insert = f"INSERT INTO t ({columns}k, v) VALUES ({values}{constant}, 1)"
    for writer in ({}, *STYLES):
        use(db, writer)
        db.execute(insert)
        for reader in ({}, *STYLES):
            reset(db)
            use(db, reader)
            for policy in ("error", "null"):
                db.execute(f"SET ddb_fdw.on_type_mismatch = '{policy}'")
                assert db.execute("SELECT count(*), count(k) FROM t").fetchone() == (1, 1)
                for condition in (f"k {equal} {constant}", "k::text = (SELECT k::text FROM wanted)"):
                    query = f"SELECT v FROM t WHERE {where}{condition}"
                    assert db.execute(query).fetchall() == [(1,)], (reader, condition)
            db.execute("RESET ddb_fdw.on_type_mismatch")
            with pytest.raises(psycopg.errors.UniqueViolation):
                db.execute(insert)
            update = f"UPDATE t SET v = 1 WHERE {where}k {equal} {constant}"
            assert db.execute(update).rowcount == 1
        assert db.execute(f"DELETE FROM t WHERE {where}k {equal} {constant}").rowcount == 1
        reset(db)


def test_settings_come_back_after_errors(store):
    """Whoever catches the error, and however it is raised."""
    store.columns([("tstzrange", s("x")), ("pause", s("-1 day"))])
    use(store.db, STYLES[0])
    shown = "SELECT '{}', " + ", ".join(f"current_setting('{name}')" for name in STYLES[0])
    for policy in ("error", "null"):
        store.db.execute(f"SET ddb_fdw.on_type_mismatch = '{policy}'")
        for column in ("c0", "c1"):
            store.db.execute(
                f"""DO $$ BEGIN PERFORM {column} FROM v;
                        EXCEPTION WHEN OTHERS THEN NULL; END $$"""
            )
            assert store.db.execute(shown).fetchone()[1:] == tuple(STYLES[0].values())
    with store.db.transaction():
        store.db.execute("SET LOCAL timezone = 'Europe/Berlin'")
        store.db.execute("SELECT c0 FROM v")
        assert store.db.execute("SHOW timezone").fetchone() == ("Europe/Berlin",)
    assert store.db.execute("SHOW timezone").fetchone() == ("Asia/Kolkata",)


def test_money_means_the_same_in_each_session(store):
    cases = [("money", s(text)) for text in ("$1,234.50", "-$0.01", "1234.5", "-7", "1.00 €", "1,00", "1.005")]
    store.columns(cases)
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'; SET lc_monetary = 'C'")
    amounts = ", ".join(f"c{i}::numeric" for i in range(len(cases)))
    row = store.db.execute(f"SELECT {amounts} FROM v").fetchone()
    assert [amount if amount is None else str(amount) for amount in row] == [
        "1234.50", "-0.01", "1234.50", "-7.00", None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["money", "regclass", "regtype", "regrole", "regproc", "aclitem", "price"]
)
def test_unsteady_types_are_refused(store, kind):
    store.db.execute("CREATE DOMAIN price AS money")
    name = store.table([{"k": s("x")}], key="k")
    foreign_table(store.db, "t", [f"k {kind}"], table_name=name)
    for statement in ("SELECT * FROM t", "DELETE FROM t"):
        with pytest.raises(psycopg.Error, match='cannot hold key attribute "k"') as caught:
            store.db.execute(statement)
        assert caught.value.sqlstate == "HV004"
    foreign_table(
        store.db, "u", ["k text OPTIONS (template 'K#${id}')", f"id {kind}"], table_name=name
    )
    with pytest.raises(psycopg.Error, match='"id".*variable of a key template') as caught:
        store.db.execute("SELECT * FROM u")
    assert caught.value.sqlstate == "HV004"
