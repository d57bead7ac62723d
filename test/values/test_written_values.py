# SPDX-License-Identifier: PostgreSQL
"""Values of every type, written through foreign tables: as boto3 finds them
stored, as the same columns read them back, and those that cannot be stored."""

import json
import random
import re
import struct
from decimal import Decimal

import psycopg
import pytest
from support.documents import ROUND_TRIP_ITEMS, Documents, canonical
from support.fdw import foreign_table, make_server
from support.store import Store, b, l, m, n, s

NULL = {"NULL": True}
T = {"BOOL": True}
TOO_LONG = "22001"
OUT_OF_RANGE = "22003"
TIME_OUT_OF_RANGE = "22008"
INVALID = "22023"
SUBSCRIPT = "2202E"
NOT_TEXT = "22P05"
SYNTAX = "22P02"
LIMIT = "54000"
RANDOM_ROWS = 800


def sql_type(declaration):
    return declaration.split(" OPTIONS")[0]


def comparable(column, declaration):
    """What can be compared with =."""
    kind = sql_type(declaration)
    if kind == "json":
        return f"({column})::jsonb"
    return f"({column})::text" if kind in ("json[]", "point") else f"({column})"


def literal(expression, declaration):
    return f"({expression})::{sql_type(declaration)}"


def table(store, cases):
    """Foreign table w of a new DynamoDB table: column c0, c1, ..., a case each,
    which begins with its column's declaration."""
    name = store.table([])
    columns = [f"c{i} {case[0]}" for i, case in enumerate(cases)]
    foreign_table(store.db, "w", ["pk text", *columns], table_name=name)
    return name


def item(store, name, pk="item"):
    """The item as it is stored, without its key."""
    found = store.ddb.get_item(TableName=name, Key={"pk": s(pk)}, ConsistentRead=True)["Item"]
    assert found.pop("pk") == s(pk)
    return found


def check_item(store, name, pk, cases):
    found = item(store, name, pk)
    wrong = [
        (case, found.get(f"c{i}"))
        for i, case in enumerate(cases)
        if canonical(found.get(f"c{i}", {"missing": None})) != canonical(case[2])
    ]
    assert not wrong


def check_stored(store, cases):
    """Each (declaration, SQL expression, stored) is stored as that, by INSERT and
    by UPDATE, and reads back as the value that was written, or as a fourth member
    of the case says."""
    name = table(store, cases)
    values = [literal(case[1], case[0]) for case in cases]
    store.db.execute(f"INSERT INTO w VALUES ('item', {', '.join(values)})")
    check_item(store, name, "item", cases)
    # DynamoDB Local keeps the spelling of numbers that UpdateItem brings.
    store.db.execute("INSERT INTO w (pk) VALUES ('updated')")
    settings = ", ".join(f"c{i} = {value}" for i, value in enumerate(values))
    store.db.execute(f"UPDATE w SET {settings} WHERE pk = 'updated'")
    check_item(store, name, "updated", cases)
    for i, (declaration, expression, _, *shown) in enumerate(cases):
        expected = literal(shown[0] if shown else expression, declaration)
        row = store.db.execute(
            f"SELECT {comparable(f'c{i}', declaration)} IS NOT DISTINCT FROM"
            f" {comparable(expected, declaration)}, c{i}::text FROM w WHERE pk = 'item'"
        ).fetchone()
        assert row[0], (cases[i], row[1])


def check_refused(store, cases):
    """Each (declaration, SQL expression, SQLSTATE, what DETAIL says) is an error
    that names column and table, and nothing is written."""
    name = table(store, cases)
    for i, (declaration, expression, sqlstate, detail) in enumerate(cases):
        with pytest.raises(psycopg.Error) as caught:
            store.db.execute(
                f"INSERT INTO w (pk, c{i}) VALUES ('item', {literal(expression, declaration)})"
            )
            pytest.fail(f"{cases[i]} is stored as {item(store, name)}")
        error = caught.value
        assert error.sqlstate == sqlstate, (cases[i], str(error))
        assert f'column "c{i}" of foreign table public.w' in str(error), (cases[i], str(error))
        assert re.search(detail, error.diag.message_detail), (cases[i], str(error))
    assert store.ddb.scan(TableName=name)["Count"] == 0


def options(**given):
    return " OPTIONS (" + ", ".join(f"{k} '{v}'" for k, v in given.items()) + ")"


N = options(type="N")
S = options(type="S")
SS, NS, BS = (options(type=t) for t in ("SS", "NS", "BS"))
TYPED = options(format="dynamodb")


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


# ---- scalars --------------------------------------------------------------------------


def test_text(store):
    texts = ["", "a", "\\", '"', '\\"', "/", "\t\n\r\b\f\x01\x1f\x7f", "é", "日本語", "😀\U0010ffff"]
    texts += ["\ufeff", "\u2028", "{}", "null", "\\u0041", "a" * 100_000]
    texts += ["".join(map(chr, range(1, 0x300)))]
    cases = [(kind, quoted(text), s(text)) for kind in ("text", "varchar") for text in texts]
    cases += [("text" + options(type="any"), quoted(text), s(text)) for text in ("1.50", "true", "")]
    check_stored(store, cases)


def test_text_of_numbers(store):
    """One spelling, which is what the column then shows."""
    cases = [
        ("text" + N, "'1.50'", n("1.5"), "'1.5'"),
        ("text" + N, "'1e3'", n("1000"), "'1000'"),
        ("varchar(4)" + N, "'1e3'", n("1000"), "'1000'"),
        ("text" + N, "'-0'", n("0"), "'0'"),
    ]
    check_stored(store, cases)


def test_text_that_is_no_number(store):
    cases = [("text" + N, quoted(t), SYNTAX, "not a DynamoDB number") for t in ("", "x", "1 ", "NaN", "0x1")]
    cases += [
        ("text" + N, "'1e126'", OUT_OF_RANGE, "1E126"),
        ("text" + N, "repeat('1', 39)", OUT_OF_RANGE, "38"),
        ("varchar(3)" + N, "'1e3'", TOO_LONG, "1000"),
    ]
    check_refused(store, cases)


def test_bytes_and_booleans(store):
    values = [b"", b"\0", b"\xff", b"ab", b"abc", bytes(range(256)), bytes(10_000)]
    cases = [("bytea", f"'\\x{value.hex()}'", b(value)) for value in values]
    check_stored(store, [*cases, ("boolean", "true", T), ("boolean", "false", {"BOOL": False})])


def test_integers(store):
    cases = []
    for kind, bits in (("smallint", 15), ("integer", 31), ("bigint", 63)):
        for value in (0, 1, -1, 2**bits - 1, -(2**bits)):
            cases.append((kind, f"'{value}'", n(value)))
            cases.append((kind + S, f"'{value}'", s(str(value))))
    check_stored(store, cases)


def test_numeric(store):
    largest = "9" * 38 + "0" * 88
    cases = [
        ("numeric", "1.50", n("1.5")),
        ("numeric", "0.000", n("0")),
        ("numeric", "-0.5", n("-0.5")),
        ("numeric", largest, n(largest)),
        ("numeric", "1e-130", n("0." + "0" * 129 + "1")),
        ("numeric", "12345678901234567890123456789012345678", n("12345678901234567890123456789012345678")),
        # Zeros at the end do not count.
        ("numeric", "1234567890123456789012345678901234567800", n("1234567890123456789012345678901234567800")),
        ("numeric(10,2)", "1.005", n("1.01")),
        ("numeric" + S, "1.50", s("1.50")),
        ("numeric" + S, "1e200", s("1" + "0" * 200)),
    ]
    check_stored(store, cases)


def test_numbers_that_dynamodb_does_not_have(store):
    cases = [
        ("numeric", "'NaN'", OUT_OF_RANGE, "NaN"),
        ("numeric", "'-Infinity'", OUT_OF_RANGE, "-Infinity"),
        ("numeric", "1e126", OUT_OF_RANGE, "1E126"),
        ("numeric", "-1e126", OUT_OF_RANGE, "1E126"),
        ("numeric", "1e-131", OUT_OF_RANGE, "1E-130"),
        ("numeric", "1" + "0" * 37 + "1", OUT_OF_RANGE, "38"),
        ("numeric" + S, "'NaN'", OUT_OF_RANGE, "NaN"),
        ("numeric" + S, "1e1001", OUT_OF_RANGE, "magnitude"),
        ("real", "'NaN'", OUT_OF_RANGE, "NaN"),
        ("real", "'Infinity'", OUT_OF_RANGE, "Infinity"),
        ("double precision", "'-Infinity'", OUT_OF_RANGE, "-Infinity"),
        ("double precision", "1e126", OUT_OF_RANGE, "1E126"),
        ("double precision", "5e-324", OUT_OF_RANGE, "1E-130"),
        ("double precision" + S, "'NaN'", OUT_OF_RANGE, "NaN"),
    ]
    check_refused(store, cases)


@pytest.mark.parametrize("digits", [-15, 0, 3])
def test_floats(store, digits):
    """Exactly, whatever the session shows of them."""
    store.db.execute(f"SET extra_float_digits = {digits}")
    cases = [
        ("real", "0.1", n("0.1")),
        ("real", "16777217", n("16777216")),
        ("real", "'3.4028235e38'", n("340282350000000000000000000000000000000")),
        ("real", "'1e-45'", n("0." + "0" * 44 + "1")),
        ("double precision", "0.1", n("0.1")),
        ("double precision", "1.0000000000000002", n("1.0000000000000002")),
        ("double precision", "'-0'", n("0")),
        ("double precision", "1e22", n("1" + "0" * 22)),
        ("double precision", "1e125", n("1" + "0" * 125)),
        ("double precision" + S, "0.1", s("0.1")),
        ("double precision" + S, "'1.7976931348623157e308'", s("1.7976931348623157e+308")),
        ("double precision" + S, "'5e-324'", s("5e-324")),
    ]
    check_stored(store, cases)


def test_times(store):
    iso, fixed, ms = options(format="iso8601"), options(format="iso8601:3"), options(format="epoch_ms")
    epoch = options(format="epoch")
    cases = [
        ("timestamptz", "'2026-11-01 10:00:00+02'", s("2026-11-01T08:00:00Z")),
        ("timestamptz" + iso, "'2026-11-01 10:00:00.1Z'", s("2026-11-01T10:00:00.100Z")),
        ("timestamptz", "'2026-11-01 10:00:00.1234Z'", s("2026-11-01T10:00:00.123400Z")),
        ("timestamptz", "'0001-01-01Z'", s("0001-01-01T00:00:00Z")),
        ("timestamptz", "'9999-12-31 23:59:59.999999Z'", s("9999-12-31T23:59:59.999999Z")),
        ("timestamp", "'2026-11-01 10:00:00.5'", s("2026-11-01T10:00:00.500Z")),
        ("date", "'2026-11-01'", s("2026-11-01")),
        ("date", "'0001-01-01'", s("0001-01-01")),
        ("date", "'9999-12-31'", s("9999-12-31")),
        ("date" + fixed, "'2026-11-01'", s("2026-11-01T00:00:00.000Z")),
        ("date" + epoch, "'1969-12-31'", n("-86400")),
        ("date" + ms, "'2026-11-01'", n("1793491200000")),
        ("timestamptz" + epoch, "'2026-11-01 10:00:00.123456Z'", n("1793527200.123456")),
        ("timestamptz" + epoch, "'1969-12-31 23:59:59.9999Z'", n("-0.0001")),
        ("timestamptz" + epoch, "'4713-01-01 BC'", n("-210863520000")),
        ("timestamp" + ms, "'2026-11-01 10:00:00.123456'", n("1793527200123.456")),
        ("timestamptz" + N, "'1970-01-01Z'", n("0")),
        ("timestamptz(0)" + ms, "'1970-01-01 00:00:01.6Z'", n("2000")),
    ]
    check_stored(store, cases)


def test_times_finer_than_their_form_are_cut(store):
    moments = [("2026-11-01 10:00:00.987654", "2026-11-01T10:00:00.987654")]
    moments += [("1969-12-31 23:59:59.999999", "1969-12-31T23:59:59.999999")]
    cases = []
    for moment, text in moments:
        for digits in range(7):
            length = len("2026-11-01 10:00:00") + (1 + digits if digits else 0)
            form = options(format=f"iso8601:{digits}")
            stored, shown = s(text[:length] + "Z"), f"'{moment[:length]}Z'"
            cases.append(("timestamptz" + form, f"'{moment}Z'", stored, shown))
            cases.append(("timestamp" + form, f"'{moment}'", stored, f"'{moment[:length]}'"))
    cases.append(
        (
            "timestamptz[]" + options(format="iso8601:0"),
            "ARRAY['2026-11-01 10:00:00.9Z', NULL]",
            l(s("2026-11-01T10:00:00Z"), NULL),
            "ARRAY['2026-11-01 10:00:00Z', NULL]",
        )
    )
    cases.append(("text" + N, "'1.50'", n("1.5"), "'1.5'"))
    check_stored(store, cases)
    # RETURNING shows what is stored.
    values = ", ".join(literal(case[1], case[0]) for case in cases)
    returned = store.db.execute(f"INSERT INTO w VALUES ('new', {values}) RETURNING *").fetchone()
    assert returned == store.db.execute("SELECT * FROM w WHERE pk = 'new'").fetchone()


def test_times_that_have_no_form(store):
    cases = []
    for kind in ("timestamptz", "timestamp", "date"):
        for form in ("iso8601", "iso8601:3", "epoch", "epoch_ms"):
            declaration = kind + options(format=form)
            cases.append((declaration, "'infinity'", TIME_OUT_OF_RANGE, "infinite"))
            cases.append((declaration, "'-infinity'", TIME_OUT_OF_RANGE, "infinite"))
            if form.startswith("iso"):
                cases.append((declaration, "'10000-01-01'", TIME_OUT_OF_RANGE, "years"))
                cases.append((declaration, "'0001-12-31 BC'", TIME_OUT_OF_RANGE, "years"))
    cases.append(("date" + options(format="epoch"), "'5874897-12-31'", TIME_OUT_OF_RANGE, "1970"))
    cases.append(
        ("timestamptz" + options(format="epoch"), "'294276-12-31Z'", TIME_OUT_OF_RANGE, "1970")
    )
    check_refused(store, cases)


def test_other_types_in_one_spelling(store):
    """Whatever the session's own is."""
    db = store.db
    db.execute("CREATE TYPE mood AS ENUM ('sad', 'très happy')")
    db.execute("CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")
    db.execute("CREATE TABLE here (a int)")
    db.execute("SET datestyle = 'SQL, DMY'")
    db.execute("SET intervalstyle = 'sql_standard'")
    db.execute("SET timezone = 'Asia/Kolkata'")
    db.execute("SET extra_float_digits = -10")
    uuid = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    cases = [
        ("uuid", f"'{uuid.upper()}'", s(uuid)),
        ("mood", "'très happy'", s("très happy")),
        ("positive", "7", n(7)),
        ("interval", "interval '-1 day' + interval '2 hours'", s("-1 days +02:00:00")),
        ("daterange", "daterange(make_date(2026, 2, 1), make_date(2026, 3, 4))", s("[2026-02-01,2026-03-04)")),
        (
            "tstzrange",
            "tstzrange(to_timestamp(0), to_timestamp(86400))",
            s('["1970-01-01 00:00:00+00","1970-01-02 00:00:00+00")'),
        ),
        ("point", "point(0.1, 1.0 / 3)", s("(0.1,0.3333333333333333)")),
        ("inet", "'10.0.0.1/8'", s("10.0.0.1/8")),
        ("regclass", "'here'", s("public.here")),
        ("char(3)", "'a'", s("a  ")),
        ("text[]" + S, "ARRAY['a', NULL, '']", s('{a,NULL,""}')),
        ("jsonb" + S, """'{"a": [1.50]}'""", s('{"a": [1.50]}')),
        ("json" + S, """'{"a" : 1}'""", s('{"a" : 1}')),
    ]
    # What point() shows here has lost digits.
    check_stored(store, [case for case in cases if case[0] != "point"])
    db.execute("RESET extra_float_digits")
    db.execute("DROP FOREIGN TABLE w")
    check_stored(store, [case for case in cases if case[0] == "point"])


def test_settings_stay_as_they_were(store):
    db = store.db
    db.execute("SET intervalstyle = 'iso_8601'")
    name = table(store, [("interval",)])
    db.execute("INSERT INTO w VALUES ('a', '1 day')")
    assert item(store, name, "a") == {"c0": s("1 day")}
    assert db.execute("SELECT interval '1 day' :: text, current_setting('search_path')").fetchone() == (
        "P1D",
        '"$user", public',
    )


def test_null_writes_nothing(store):
    kinds = ["text", "numeric", "jsonb", "text[]", "timestamptz", "bytea", "boolean", "interval"]
    name = table(store, [(kind,) for kind in kinds])
    store.db.execute("INSERT INTO w (pk) VALUES ('item')")
    assert item(store, name) == {}


# ---- keys -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "key_type", "expression", "stored"),
    [
        ("text", "S", "'é'", s("é")),
        ("bytea", "B", "'\\x00ff'", b(b"\x00\xff")),
        ("numeric", "N", "1.50", n("1.5")),
        ("integer", "N", "-7", n("-7")),
        ("integer", "S", "-7", s("-7")),
        ("uuid", "S", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", s("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        ("date", "S", "'2026-11-01'", s("2026-11-01")),
        ("date", "N", "'1970-01-02'", n("86400")),
        ("timestamptz OPTIONS (format 'iso8601:0')", "S", "'2026-11-01 10:00:00.9Z'", s("2026-11-01T10:00:00Z")),
        ("timestamptz OPTIONS (format 'epoch_ms')", "N", "'1970-01-01 00:00:01.5Z'", n("1500")),
        ("interval", "S", "'1 day 2 hours'", s("1 day 02:00:00")),
    ],
)
def test_keys(store, kind, key_type, expression, stored):
    name = store.table([], key="k", key_type=key_type)
    foreign_table(store.db, "w", [f"k {kind}", "v int"], table_name=name)
    store.db.execute(f"INSERT INTO w VALUES ({literal(expression, kind)}, 1)")
    (found,) = store.ddb.scan(TableName=name)["Items"]
    assert found == {"k": stored, "v": n(1)}
    key = literal(expression, kind)
    if "iso8601:0" in kind:
        key = f"date_trunc('second', {key})"
    assert store.db.execute(f"SELECT v FROM w WHERE k = {key}").fetchall() == [(1,)]


@pytest.mark.parametrize(("kind", "key_type"), [("text", "S"), ("bytea", "B")])
def test_empty_keys(store, kind, key_type):
    name = store.table([], key="k", key_type=key_type)
    foreign_table(store.db, "w", [f"k {kind}", "v int"], table_name=name)
    with pytest.raises(psycopg.Error, match='column "k" of foreign table public.w') as caught:
        store.db.execute("INSERT INTO w VALUES ('', 1)")
    assert caught.value.sqlstate == INVALID
    assert "empty" in caught.value.diag.message_detail


# ---- arrays ---------------------------------------------------------------------------


def test_arrays(store):
    cases = [
        ("integer[]", "'{}'", l()),
        ("integer[]", "'{1,NULL,3}'", l(n(1), NULL, n(3))),
        ("text[]", "ARRAY['a', '', 'NULL', NULL]", l(s("a"), s(""), s("NULL"), NULL)),
        ("boolean[]", "'{t,f}'", l(T, {"BOOL": False})),
        ("numeric[]", "'{1.50,1e-130}'", l(n("1.5"), n("0." + "0" * 129 + "1"))),
        ("bytea[]", "ARRAY['\\x00'::bytea, '']", l(b(b"\0"), b(b""))),
        ("timestamptz[]", "ARRAY['2026-11-01Z']", l(s("2026-11-01T00:00:00Z"))),
        ("date[]" + options(format="epoch"), "'{1970-01-02}'", l(n("86400"))),
        ("uuid[]", "'{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'", l(s("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"))),
        ("jsonb[]", """ARRAY['1', '{"a": []}']::jsonb[]""", l(n(1), m(a=l()))),
        ("json[]", """ARRAY['1', '{"a": []}']::json[]""", l(n(1), m(a=l()))),
        ("jsonb[]" + TYPED, """ARRAY['{"SS": ["a"]}']::jsonb[]""", l({"SS": ["a"]})),
    ]
    check_stored(store, cases)


def test_sets(store):
    cases = [
        ("text[]" + SS, "'{a,\"\"}'", {"SS": ["a", ""]}, "'{\"\",a}'"),
        ("integer[]" + NS, "'{1,-2}'", {"NS": ["1", "-2"]}, "'{-2,1}'"),
        ("numeric[]" + NS, "'{2.50}'", {"NS": ["2.5"]}),
        ("double precision[]" + NS, "'{0.1}'", {"NS": ["0.1"]}),
        ("bytea[]" + BS, "ARRAY['\\x01'::bytea]", {"BS": [b"\x01"]}),
        ("date[]" + SS, "'{2026-11-01}'", {"SS": ["2026-11-01"]}),
        ("timestamptz[]" + options(type="NS", format="epoch"), "ARRAY['1970-01-01Z']", {"NS": ["0"]}),
    ]
    check_stored(store, cases)


def test_arrays_that_are_no_list_and_no_set(store):
    cases = [
        ("integer[]", "'{{1},{2}}'", SUBSCRIPT, "2 dimensions"),
        ("integer[]", "'[2:3]={1,2}'", SUBSCRIPT, "begins at 2"),
        ("integer[]" + NS, "'[0:1]={1,2}'", SUBSCRIPT, "begins at 0"),
        ("numeric[]", "'{1,NaN}'", OUT_OF_RANGE, "Element 2 is .NaN"),
        ("text[]" + SS, "'{}'", INVALID, "empty"),
        ("text[]" + SS, "'{a,NULL}'", INVALID, "Element 2 is NULL"),
        ("text[]" + SS, "'{a,b,a}'", INVALID, "twice"),
        ("numeric[]" + NS, "'{1.0,2,1.00}'", INVALID, "twice"),
        ("bytea[]" + BS, "ARRAY['\\x01'::bytea, '\\x01']", INVALID, "twice"),
        ("double precision[]" + NS, "'{0,-0}'", INVALID, "twice"),
        (
            "timestamptz[]" + options(type="SS", format="iso8601:0"),
            "ARRAY['2026-11-01 10:00:00.1Z', '2026-11-01 10:00:00.2Z']",
            INVALID,
            "twice",
        ),
        ("timestamptz[]", "'{infinity}'", TIME_OUT_OF_RANGE, "Element 1 is infinite"),
        ("jsonb[]", """ARRAY['1', '{"a": 1e200}']::jsonb[]""", OUT_OF_RANGE, "at a of element 2"),
    ]
    check_refused(store, cases)


# ---- documents ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["jsonb", "json"])
def test_plain_documents(store, kind):
    document = '{"t": "é\\"\\\\\\n", "n": -1.50, "l": [1, "x", null, true, [], {}], "m": {"a.b": {" ": 1e2}}}'
    inner = {"a.b": m(**{" ": n(100)})}
    stored = m(t=s('é"\\\n'), n=n("-1.5"), l=l(n(1), s("x"), NULL, T, l(), m()), m={"M": inner})
    cases = [
        (kind, quoted(document), stored),
        (kind, "'\"x\"'", s("x")),
        (kind, "'1e125'", n("1" + "0" * 125)),
        (kind, "'false'", {"BOOL": False}),
        (kind, "'{}'", m()),
        (kind, "'[]'", l()),
        (kind, "'[\"a\"]'", l(s("a"))),
        # NULL shows as SQL NULL.
        (kind, "'null'", NULL, "NULL"),
        (kind + options(type="M"), "'{\"a\": null}'", m(a=NULL)),
        (kind + options(type="L"), "'[1]'", l(n(1))),
        (kind + SS, "'[\"a\", \"\"]'", {"SS": ["a", ""]}, "'[\"\", \"a\"]'"),
        (kind + NS, "'[2.50]'", {"NS": ["2.5"]}),
        (kind + BS, "'[\"AQ==\"]'", {"BS": [b"\x01"]}),
    ]
    check_stored(store, cases)


def test_the_last_of_equal_names_counts(store):
    check_stored(store, [("json", '\'{"a": 1, "b": 2, "a": "x"}\'', m(a=s("x"), b=n(2)))])


def test_plain_documents_that_cannot_be_stored(store):
    cases = [
        ("jsonb", "'1e126'", OUT_OF_RANGE, "The value has a magnitude of 1E126"),
        ("jsonb", '\'{"a": {"b": [1, 1e-131]}}\'', OUT_OF_RANGE, r"at a\.b\[1\] has"),
        ("json", "'[" + "1" * 39 + "]'", OUT_OF_RANGE, r"at \[0\] has more than 38"),
        ("json", "'{\"a\": \"\\u0000\"}'", NOT_TEXT, "u0000"),
        ("jsonb", '\'{"a": [{"": 1}]}\'', INVALID, r"at a\[0\] has a member whose name is empty"),
        ("jsonb", "jsonb_build_object(repeat('x', 65536), 1)", INVALID, "65535"),
        ("jsonb" + options(type="M"), "'[]'", INVALID, "not a JSON object"),
        ("jsonb" + options(type="M"), "'null'", INVALID, "not a JSON object"),
        ("jsonb" + options(type="L"), "'{}'", INVALID, "not a JSON array"),
        ("jsonb" + SS, "'\"a\"'", INVALID, "not a JSON array"),
        ("jsonb" + SS, "'[]'", INVALID, "empty"),
        ("jsonb" + SS, "'[\"a\", 1]'", INVALID, r"at \[1\] is not a string"),
        ("jsonb" + SS, "'[\"a\", \"a\"]'", INVALID, "twice"),
        ("jsonb" + NS, "'[\"1\"]'", INVALID, r"at \[0\] is not a number"),
        ("jsonb" + NS, "'[1, 1.0]'", INVALID, "twice"),
        ("jsonb" + BS, "'[\"AB\"]'", INVALID, r"at \[0\] is not base64"),
        ("jsonb", "'" + "[" * 33 + "]" * 33 + "'", LIMIT, "32 levels"),
    ]
    check_refused(store, cases)


TYPED_VALUES = [
    ('{"S": ""}', s("")),
    ('{"N": "-01.50"}', n("-1.5")),
    ('{"B": "AP8="}', b(b"\x00\xff")),
    ('{"B": ""}', b(b"")),
    ('{"BOOL": false}', {"BOOL": False}),
    ('{"SS": ["a", "b"]}', {"SS": ["a", "b"]}),
    ('{"NS": ["1.0", "2"]}', {"NS": ["1", "2"]}),
    ('{"BS": ["AQ==", "Ag=="]}', {"BS": [b"\x01", b"\x02"]}),
    ('{"L": [{"NULL": true}, {"L": []}, {"N": "1e2"}]}', l(NULL, l(), n("100"))),
    ('{"M": {"a": {"M": {}}, "S": {"S": "S"}}}', m(a=m(), S=s("S"))),
]


@pytest.mark.parametrize("kind", ["jsonb", "json"])
def test_typed_documents(store, kind):
    cases = [(kind + TYPED, quoted(text), stored) for text, stored in TYPED_VALUES]
    name = table(store, cases)
    store.db.execute(f"INSERT INTO w VALUES ('item', {', '.join(case[1] for case in cases)})")
    found = item(store, name)
    for i, (_, stored) in enumerate(TYPED_VALUES):
        assert canonical(found[f"c{i}"]) == canonical(stored)


def test_null_of_typed_documents(store):
    check_stored(store, [("jsonb" + TYPED, "'{\"NULL\": true}'", NULL, "NULL")])


def test_typed_documents_that_are_wrong(store):
    details = {
        '1': "does not say its DynamoDB type",
        '"S"': "does not say its DynamoDB type",
        '[]': "does not say its DynamoDB type",
        '{}': "does not say its DynamoDB type",
        '{"S": "a", "N": "1"}': "does not say its DynamoDB type",
        '{"s": "a"}': "does not say its DynamoDB type",
        '{"any": "a"}': "does not say its DynamoDB type",
        '{"S": 1}': "is not a string",
        '{"N": 1}': "is not a string",
        '{"N": "x"}': '"x", which is not a DynamoDB number',
        '{"B": "AP8"}': "base64",
        '{"B": "AP8_"}': "base64",
        '{"B": "AP8=\\n"}': "base64",
        '{"B": "A==="}': "base64",
        '{"B": 1}': "is not a string",
        '{"BOOL": "true"}': "BOOL",
        '{"NULL": false}': "NULL",
        '{"SS": []}': "empty",
        '{"SS": "a"}': "not a JSON array",
        '{"SS": ["a", 1]}': r"at \[1\] is not a string",
        '{"NS": ["1", "1.0"]}': "twice",
        # The same byte, and bits that are none of it.
        '{"BS": ["AQ==", "AR=="]}': "twice",
        '{"L": {}}': "not a JSON array",
        '{"L": [1]}': r"at \[0\] does not say",
        '{"M": []}': "not a JSON object",
        '{"M": {"a": {"L": [{"S": ""}, {"X": 1}]}}}': r"at a\[1\] does not say",
    }
    cases = [("jsonb" + TYPED, quoted(text), INVALID, detail) for text, detail in details.items()]
    cases += [
        ("jsonb" + TYPED, '\'{"N": "1e126"}\'', OUT_OF_RANGE, "1E126"),
        ("jsonb" + options(format="dynamodb", type="M"), "'{\"L\": []}'", INVALID, "of type L; .* takes M"),
    ]
    check_refused(store, cases)


def test_deep_documents(store):
    """As deep as DynamoDB takes them."""
    deep = n(1)
    text = "1"
    for level in range(31):
        deep = m(a=deep) if level % 2 else l(deep)
        text = f'{{"a": {text}}}' if level % 2 else f"[{text}]"
    check_stored(store, [("jsonb", quoted(text), deep), ("json", quoted(text), deep)])


# ---- whole items ----------------------------------------------------------------------


def test_whole_items(store):
    name = store.table([])
    columns = ["pk text", "item jsonb OPTIONS (attribute '*')", "n int"]
    foreign_table(store.db, "w", columns, table_name=name)
    store.db.execute("""INSERT INTO w VALUES ('item', '{"a": [1.50, null], "n": 1}', 2)""")
    # Columns of their own lie over it.
    assert item(store, name) == {"a": l(n("1.5"), NULL), "n": n(2)}


def test_overflow(store):
    name = store.table([])
    columns = ["pk text", "n int", "rest jsonb OPTIONS (overflow 'true', format 'dynamodb')"]
    foreign_table(store.db, "w", columns, table_name=name)
    store.db.execute("""INSERT INTO w VALUES ('item', 1, '{"größe": {"SS": ["a"]}, "l": {"L": []}}')""")
    assert item(store, name) == {"n": n(1), "größe": {"SS": ["a"]}, "l": l()}
    assert store.db.execute("SELECT rest FROM w").fetchone() == ({"größe": {"SS": ["a"]}, "l": {"L": []}},)


@pytest.mark.parametrize(
    ("column", "value", "detail"),
    [
        ("rest jsonb OPTIONS (overflow 'true')", '{"a": 1, "n": 1}', "at n .* column of its own"),
        ("rest jsonb OPTIONS (overflow 'true')", "[1]", "not a JSON object"),
        ("rest jsonb OPTIONS (overflow 'true')", '{"": 1}', "member whose name is empty"),
        ("rest json OPTIONS (attribute '*')", "1", "not a JSON object"),
        ("rest json OPTIONS (attribute '*', format 'dynamodb')", '{"a": 1}', "at a does not say"),
        ("rest json OPTIONS (attribute '*', format 'dynamodb')", '{"a": {"M": {"b": 1}}}', r"at a\.b does"),
    ],
)
def test_items_that_cannot_be_stored(store, column, value, detail):
    name = store.table([])
    foreign_table(store.db, "w", ["pk text", "n int", column], table_name=name)
    with pytest.raises(psycopg.Error, match='column "rest" of foreign table public.w') as caught:
        store.db.execute(f"INSERT INTO w VALUES ('item', 1, {quoted(value)})")
    assert caught.value.sqlstate == INVALID
    assert re.search(detail, caught.value.diag.message_detail)
    assert store.ddb.scan(TableName=name)["Count"] == 0


def read_all(ddb, name):
    pages = ddb.get_paginator("scan").paginate(TableName=name)
    return {found["pk"]["S"]: found for page in pages for found in page["Items"]}


def by_value(value):
    """As canonical has it; numbers by their value wherever they stand."""
    ((kind, content),) = value.items()
    if kind == "N":
        return {"N": Decimal(content)}
    if kind == "M":
        return {"M": {name: by_value(member) for name, member in content.items()}}
    if kind == "L":
        return {"L": [by_value(element) for element in content]}
    return canonical(value)


def test_round_trip_of_items(store, ddb):
    """Random nested items, copied by way of their typed form."""
    documents = Documents(seed=20261122)
    items = {str(i): documents.item(i) for i in range(ROUND_TRIP_ITEMS)}
    source, copy = store.table([]), store.table([])
    keys = list(items)
    for start in range(0, len(keys), 25):
        requests = [{"PutRequest": {"Item": items[key]}} for key in keys[start : start + 25]]
        assert not ddb.batch_write_item(RequestItems={source: requests})["UnprocessedItems"]
    for name, table_name in (("source", source), ("copy", copy)):
        columns = ["pk text", "item jsonb OPTIONS (attribute '*', format 'dynamodb')"]
        foreign_table(store.db, name, columns, table_name=table_name)
    store.db.execute("INSERT INTO copy SELECT pk, item FROM source")
    copies = read_all(ddb, copy)
    assert len(copies) == len(items)
    for key, original in items.items():
        assert by_value({"M": copies[key]}) == by_value({"M": original}), key


# ---- thousands of values --------------------------------------------------------------


class Values:
    """Random values, as text that PostgreSQL reads."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.documents = Documents(seed)

    def float8(self):
        """Any that DynamoDB has."""
        while True:
            (value,) = struct.unpack("<d", self.random.randbytes(8))
            if 1e-130 < abs(value) < 9e125:
                return repr(value)

    def float4(self):
        while True:
            (value,) = struct.unpack("<f", self.random.randbytes(4))
            if abs(value) < float("inf"):
                return repr(value)

    def numeric(self):
        digits = "".join(self.random.choices("0123456789", k=self.random.randint(1, 38)))
        return f"{self.random.choice('+-')}{digits}e{self.random.randint(-90, 80)}"

    def timestamp(self):
        year, month = self.random.randint(1, 9999), self.random.randint(1, 12)
        clock = ":".join(f"{self.random.randrange(limit):02}" for limit in (24, 60, 60))
        fraction = str(self.random.randrange(10 ** self.random.choice([1, 3, 6])))
        return f"{year:04}-{month:02}-{self.random.randint(1, 28):02} {clock}.{fraction}"

    def date(self):
        return self.timestamp()[:10]

    def text(self):
        ranges = [(1, 0x7F), (1, 0x7FF), (1, 0xD7FF), (0xE000, 0x10FFFF), (0x22, 0x22), (0x5C, 0x5C)]
        size = self.random.choice([0, 1, 5, 40])
        return "".join(chr(self.random.randint(*self.random.choice(ranges))) for _ in range(size))

    def bytea(self):
        return "\\x" + self.random.randbytes(self.random.choice([0, 1, 2, 3, 50])).hex()

    def uuid(self):
        return self.random.randbytes(16).hex()

    def interval(self):
        r = self.random.randint
        return f"{r(-900, 900)} months {r(-90, 90)} days {r(-(10**10), 10**10)} microseconds"

    def document(self, depth=0):
        kind = self.random.randrange(6 if depth < 4 else 4)
        if kind == 0:
            return json.dumps(self.text())
        if kind == 1:
            return self.documents.number()
        if kind == 2:
            return self.random.choice(["true", "false"])
        if kind == 3:
            return "null" if depth else '"x"'
        inside = [self.document(depth + 1) for _ in range(self.random.randrange(4))]
        if kind == 4:
            return f"[{','.join(inside)}]"
        return "{" + ",".join(f"{json.dumps(self.text() + '_')}:{member}" for member in inside) + "}"


RANDOM_COLUMNS = [
    ("double precision", Values.float8),
    ("double precision" + S, Values.float8),
    ("real", Values.float4),
    ("real" + S, Values.float4),
    ("numeric", Values.numeric),
    ("numeric" + S, Values.numeric),
    ("timestamptz", Values.timestamp),
    ("timestamptz" + options(format="iso8601:6"), Values.timestamp),
    ("timestamptz" + options(format="epoch"), Values.timestamp),
    ("timestamp" + options(format="epoch_ms"), Values.timestamp),
    ("timestamp", Values.timestamp),
    ("timestamp(0)" + options(format="iso8601:0"), Values.timestamp),
    ("date", Values.date),
    ("date" + options(format="iso8601:3"), Values.date),
    ("date" + options(format="epoch"), Values.date),
    ("date" + options(format="epoch_ms"), Values.date),
    ("text", Values.text),
    ("text" + options(type="any"), Values.text),
    ("bytea", Values.bytea),
    ("uuid", Values.uuid),
    ("interval", Values.interval),
    ("jsonb", Values.document),
]


def test_random_values(store):
    values = Values(seed=20261121)
    names = ", ".join(f"c{i} {sql_type(kind)}" for i, (kind, _) in enumerate(RANDOM_COLUMNS))
    store.db.execute(f"CREATE TABLE written (pk text PRIMARY KEY, {names})")
    with store.db.cursor().copy("COPY written FROM STDIN") as copy:
        for i in range(RANDOM_ROWS):
            copy.write_row([str(i), *(make(values) for _, make in RANDOM_COLUMNS)])
    table(store, RANDOM_COLUMNS)
    store.db.execute("INSERT INTO w SELECT * FROM written")
    store.db.execute("CREATE TABLE back AS SELECT * FROM w")
    assert store.db.execute("SELECT count(*) FROM back").fetchone() == (RANDOM_ROWS,)
    for i, (kind, _) in enumerate(RANDOM_COLUMNS):
        query = f"""SELECT pk, written.c{i}, back.c{i} FROM written LEFT JOIN back USING (pk)
                    WHERE written.c{i} IS DISTINCT FROM back.c{i} LIMIT 3"""
        assert store.db.execute(query).fetchall() == [], kind


# ---- databases of other encodings -----------------------------------------------------


@pytest.fixture
def foreign(request, cluster, administration, proxy, ddb):
    """A store in a database of the encoding that the test's parameter says."""
    database = f"write_values_{request.param.lower()}"
    administration(
        f"CREATE DATABASE {database} ENCODING {request.param} LOCALE 'C'"
        " LOCALE_PROVIDER libc TEMPLATE template0"
    )
    with psycopg.connect(**cluster.conninfo(database), autocommit=True) as db:
        db.execute("CREATE EXTENSION ddb_fdw")
        make_server(db, proxy.endpoint)
        store = Store(db, ddb)
        yield store
        for name in store.names:
            ddb.delete_table(TableName=name)
    administration(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.mark.parametrize(
    ("foreign", "e"), [("LATIN1", "\\xe9"), ("SQL_ASCII", "\\xc3\\xa9")], indirect=["foreign"]
)
def test_other_encodings(foreign, e):
    """Everything is sent as UTF-8: text, names, elements and labels."""
    cases = ["text", "jsonb", "json" + TYPED, "text[]", "text[]" + SS, "mood"]
    foreign.db.execute(f"DO $$BEGIN EXECUTE E'CREATE TYPE mood AS ENUM (''{e}'')'; END$$")
    name = table(foreign, [(case,) for case in cases])
    foreign.db.execute(
        f"""INSERT INTO w VALUES ('item', E'{e}', E'{{"{e}": "{e}\\\\n"}}', E'{{"S": "{e}"}}',
                                  ARRAY[E'{e}'], ARRAY[E'{e}'], E'{e}')"""
    )
    expected = [s("é"), m(é=s("é\n")), s("é"), l(s("é")), {"SS": ["é"]}, s("é")]
    assert item(foreign, name) == {f"c{i}": value for i, value in enumerate(expected)}


@pytest.mark.parametrize("foreign", ["SQL_ASCII"], indirect=True)
def test_what_is_no_utf8(foreign):
    for kind in ("text", "jsonb", "text[]"):
        name = table(foreign, [(kind,)])
        value = {"jsonb": "E'\"\\xe9\"'", "text[]": "ARRAY[E'\\xe9']"}.get(kind, "E'\\xe9'")
        with pytest.raises(psycopg.Error) as caught:
            foreign.db.execute(f"INSERT INTO w VALUES ('item', {value})")
        assert caught.value.sqlstate == "22021"
        assert 'column "c0" of foreign table public.w' in caught.value.diag.context
        assert foreign.ddb.scan(TableName=name)["Count"] == 0
        foreign.db.execute("DROP FOREIGN TABLE w")
