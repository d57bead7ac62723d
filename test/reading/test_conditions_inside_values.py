# SPDX-License-Identifier: PostgreSQL
"""Conditions on what is inside a value: members of documents, elements of
lists and sets, sizes.  Each gives the rows that PostgreSQL finds by itself."""

import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.store import Store, Tables, b, l, m, n, s

NULL = {"NULL": True}


# Values of every type, under the attribute and under a member of it.
VALUES = [
    *(s("x"), s(""), s("5"), s("5.0"), s("true"), s("AP8="), s("name"), s("{}"), s("[1]"), s("a b")),
    *(n(5), n("5.5"), n("-1"), n("0"), n("1" * 38), n("1e125"), n("1e-130")),
    *({"BOOL": True}, {"BOOL": False}, NULL, b(b"\x00\xff"), b(b""), b(b"\x9d\xa9\x9e")),
    *({"SS": ["x"]}, {"SS": ["name", "y"]}, {"NS": ["5", "7"]}, {"BS": [b"\x00\xff", b"a"]}),
    *(l(), l(s("x")), l(n(5), s("name")), l(NULL, s("x")), l(l(s("x"))), l(b(b"\x00\xff"), n(1))),
    *(l({"BOOL": True}), l(m(a=n(1)))),
    *(m(), m(x=n(1)), m(name=s("x")), m(a=m(b=s("x"))), m(a=l(s("x"), n(5))), m(x=NULL)),
    *(m(**{"0": s("x")}), m(a=m(b=n(5))), m(a=m(b=NULL)), m(a=m())),
]
# Lone numbers, so that casts of them are no errors.
NUMBERS = [n("5"), n("5.4"), n("5.5"), n("-5.5"), n("4.5"), n("0"), n("1" * 38), NULL, None]


@pytest.fixture(scope="module")
def items():
    items = [{"pk": s("none")}]
    for i, value in enumerate(VALUES):
        items.append({"pk": s(f"whole {i:02}"), "doc": value})
        items.append({"pk": s(f"k {i:02}"), "doc": m(k=value)})
        items.append({"pk": s(f"kk {i:02}"), "doc": m(k=m(k=value))})
    return items


@pytest.fixture
def tables(db, dynamodb, ddb):
    make_server(db, dynamodb.endpoint)
    tables = Tables(db, ddb)
    yield tables
    for name in tables.store.names:
        ddb.delete_table(TableName=name)


@pytest.fixture(scope="module")
def documents(ddb, items):
    """A table that all tests of this module read."""
    store = Store(None, ddb)
    yield store.table(items)
    for name in store.names:
        ddb.delete_table(TableName=name)


EQUALITIES = ["x", "", "5", "5.0", "5.5", "true", "false", "AP8=", "name", "{}", "[1]", '["x"]', "null"]
EQUALITIES += ["1" * 38, "1" * 39, "0", "-1", "1" + "0" * 125, "a b", "é", '{"a": 1}', "[]"]


@pytest.mark.parametrize("pgtype", ["jsonb", "json"])
def test_text_of_members(tables, documents, pgtype):
    foreign_table(tables.db, "v", ["pk text", f"doc {pgtype}"], table_name=documents)
    for text in EQUALITIES:
        for subject in ("doc->>'k'", "doc#>>'{k,k}'"):
            tables.check(f"{subject} = %s", parameters=[text])
            tables.check(f"{subject} <> %s", parameters=[text])
    for text in ("x", "5", "{}"):
        tables.check("NOT doc->'k'->>'k' = %s", parameters=[text])
    for values in (["x", "5"], ["{}", "x"], [None, "x"], [None], [], EQUALITIES):
        tables.check("doc->>'k' = ANY(%s::text[])", parameters=[values])
        tables.check("doc->>'k' <> ALL(%s::text[])", parameters=[values])
        tables.check("NOT (doc->>'k' = ANY(%s::text[]))", parameters=[values])
    for subject in ("doc->>'k'", "doc->'k'", "doc#>>'{k,k}'", "doc#>'{k,k}'"):
        tables.check(f"{subject} IS NULL")
        tables.check(f"{subject} IS NOT NULL", exact=True)
        tables.check(f"NOT ({subject} IS NULL)")
    assert tables.check("doc->>'k' = 'x'", exact=True) == ["k 00"]
    assert tables.check("doc->>'k' = '5'", exact=True) == ["k 02", "k 10"]
    assert tables.check("doc->>'k' = NULL::text", pushed=False) == []
    tables.check("doc->>'k' = 'x' OR doc->>'x' = '1'", exact=True)
    tables.check("doc->>'k' = 'x' AND pk > 'k'")


def test_documents_equal(tables, documents):
    foreign_table(tables.db, "v", ["pk text", "doc jsonb"], table_name=documents)
    constants = ['"x"', '""', "5", "5.0", "true", "null", '"AP8="', '["x"]', "[]", "{}", '{"x": 1}']
    constants += ["1" * 39, "1e200", '"true"', "[5, 7]"]
    for constant in constants:
        for subject in ("doc", "doc->'k'", "doc['k']", "doc#>'{k,k}'"):
            tables.check(f"{subject} = %s::jsonb", parameters=[constant])
    assert tables.check("doc->'k' = 'null'", exact=True) == ["k 19"]
    assert tables.check("doc = 'null'") == []


CONTAINED = [
    *('{"k": "x"}', '{"k": 5}', '{"k": null}', '{"k": {}}', '{"k": []}', '{"k": ["x"]}', "{}", "[]"),
    *('{"k": {"k": "x"}}', '{"a": {"b": "x"}}', '{"a": ["x"]}', '{"a": ["x", 5]}', '{"a": [["x"]]}'),
    *('["x"]', "[5]", '["x", null]', "[null]", '"x"', "5", "null", "true", '["AP8="]', '"AP8="'),
    *('{"k": "AP8="}', '{"k": ["AP8="]}', '{"": 1}', '{"k": {"": 1}}', '[{"a": 1}]', '{"k": true}'),
    *('{"k": {"a": {"b": 5}}}', '{"x": 1, "y": 2}', '{"k": {"k": null}}', '[[]]', '{"k": 1e300}'),
]


def test_documents_contain(tables, documents):
    foreign_table(tables.db, "v", ["pk text", "doc jsonb"], table_name=documents)
    for constant in CONTAINED:
        for subject in ("doc", "doc->'k'", "doc->'k'->'k'"):
            tables.check(f"{subject} @> %s::jsonb", parameters=[constant])
        tables.check("%s::jsonb <@ doc", parameters=[constant])
    tables.check("NOT (doc @> '{}')", pushed=False)
    assert tables.check("""doc @> '{"k": "x"}'""", exact=True) == ["k 00"]
    deep = '{"a": ' * 40 + "1" + "}" * 40
    assert tables.check("doc @> %s::jsonb", parameters=[deep]) == []


def test_documents_have_keys(tables, documents):
    foreign_table(tables.db, "v", ["pk text", "doc jsonb"], table_name=documents)
    for key in ("k", "x", "name", "a", "AP8=", "", "5", "0", "true"):
        for subject in ("doc", "doc->'k'", "doc->'k'->'k'"):
            tables.check(f"{subject} ? %s", parameters=[key])
    for keys in (["x", "name"], ["k"], [], [None], ["x", None], ["name", "y"]):
        for operator in ("?|", "?&"):
            tables.check(f"doc {operator} %s::text[]", parameters=[keys])
            tables.check(f"doc->'k' {operator} %s::text[]", parameters=[keys])
    tables.check("NOT doc ? 'k'", pushed=False)


@pytest.mark.parametrize("stored", ["M", "L", "SS"])
def test_narrowed_documents(tables, documents, stored):
    columns = ["pk text", f"doc jsonb OPTIONS (type '{stored}', on_type_mismatch 'null')"]
    foreign_table(tables.db, "v", columns, table_name=documents)
    conditions = [
        *("doc->>'k' = 'x'", "doc->>'k' <> 'x'", "doc->>'k' IS NULL", "doc->'k' IS NOT NULL"),
        *("doc ? 'k'", "doc ? 'x'", "doc ? 'name'", "doc @> '[\"x\"]'", "doc @> '{}'", "doc @> '[]'"),
        *("doc IS NULL", "doc IS NOT NULL", "doc ?& '{}'", "doc = '[\"x\"]'"),
    ]
    for condition in conditions:
        tables.check(condition)


NOCASE = (
    "CREATE COLLATION IF NOT EXISTS nocase"
    " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
)


def test_what_stays_local(tables, documents, tree):
    """Other documents than are stored, and paths that may lead to elements."""
    columns = [
        "pk text",
        "doc jsonb",
        "typed jsonb OPTIONS (attribute 'doc', format 'dynamodb')",
        "item jsonb OPTIONS (attribute '*')",
    ]
    foreign_table(tables.db, "v", columns, table_name=documents)
    for condition in (
        *("doc->>0 = 'x'", "doc->0 = '\"x\"'", "doc#>>'{0}' = 'x'", "doc#>>'{k,0}' = 'x'"),
        *("doc['k'][0] = '\"x\"'", "doc['0'] = '\"x\"'", "doc->>'' = 'x'", "doc->>pk = 'x'"),
        *("typed->>'k' = 'x'", "typed @> '{\"S\": \"x\"}'", "typed ? 'S'", "item->>'doc' = 'x'"),
        *("doc->>'k' > 'x'", "doc->>'k' LIKE 'x%%'", "doc->>'k' = '5' COLLATE nocase"),
        *("doc <> '5'", "doc->'k' <> '5'", "doc->'k' < '5'", "jsonb_typeof(doc) = 'object'"),
    ):
        if tree.has_icu:
            tables.db.execute(NOCASE)
        elif "nocase" in condition:
            continue
        tables.check(condition.replace("%%", "%"), pushed=False)
    # A member that is called by a number is no element.
    tables.check("doc->>'0' = 'x'", exact=True)


def test_numbers_of_members(tables):
    items = [{"pk": s(str(i)), "doc": m(k=v) if v else m()} for i, v in enumerate(NUMBERS)]
    whole = [m(k=n(5)), m(k=s("5")), m(k=s("-3")), m(k=NULL), m(), NULL]
    tables.make(["doc jsonb", "whole jsonb"], items)
    for item, value in zip(items, whole, strict=False):
        tables.store.ddb.put_item(
            TableName=tables.store.names[-1], Item={**item, "whole": value}
        )
    constants = ["5", "5.5", "0", "1e300", "-1e300", "'NaN'", "'Infinity'", "'-Infinity'"]
    constants += ["1" * 38, "1" * 39, "1e-200"]
    not_null = "doc->>'k' IS NOT NULL"
    for operator in ("=", "<>", "<", "<=", ">", ">="):
        for constant in constants:
            tables.check(f"(doc->>'k')::numeric {operator} {constant}::numeric")
            tables.check(f"{not_null} AND (doc->'k')::numeric {operator} {constant}::numeric")
        for constant in ("5", "6", "-6", "-5", "4", "0"):
            tables.check(f"(whole->>'k')::int {operator} {constant}")
            tables.check(f"(whole->>'k')::bigint {operator} {constant}::smallint")
            tables.check(f"pk < '6' AND {not_null} AND (doc->'k')::int {operator} {constant}")
    assert tables.check("(whole->>'k')::int = 5") == ["0", "1"]


# ---- arrays -----------------------------------------------------------------------

ARRAYS = [
    *(l(), l(s("x")), l(s("x"), s("y")), l(NULL), l(NULL, s("x")), l(s("")), l(s("xy")), NULL, None),
    *({"SS": ["x"]}, {"SS": ["x", "y"]}, {"SS": ["xyz", ""]}),
]
INTS = [l(), l(n(1)), l(n(1), n("2.0")), l(NULL, n(2)), {"NS": ["1"]}, {"NS": ["1", "2", "3"]}, NULL, None]


def array_items(values):
    return [
        {"pk": s(f"{i:02}")} | ({"a": value} if value else {}) for i, value in enumerate(values)
    ]


ELEMENTS = {
    "text[]": (ARRAYS, ["'x'", "'xy'", "'z'", "''", "NULL::text"], "text[]"),
    "varchar(3)[]": (ARRAYS, ["'x'", "'longer than three'"], "varchar[]"),
    "int[]": (INTS, ["1", "2", "3::bigint", "70000000000", "NULL::int"], "int[]"),
    "numeric[]": (INTS, ["1", "2.0", "1.5", f"{'1' * 39}", "'NaN'::numeric"], "numeric[]"),
    "bytea[]": (
        [l(b(b"a")), {"BS": [b"a", b"ab"]}, l(), l(NULL), None],
        ["'a'::bytea", "'ab'::bytea", "''::bytea"],
        "bytea[]",
    ),
    "bool[]": ([l({"BOOL": True}), l({"BOOL": False}, NULL), l()], ["true", "false"], "bool[]"),
    "mood[]": ([l(s("sad")), {"SS": ["ok", "sad"]}, l()], ["'sad'::mood", "'ok'::mood"], "mood[]"),
}


@pytest.mark.parametrize("pgtype", ELEMENTS)
def test_elements_of_arrays(tables, pgtype):
    tables.db.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    values, constants, array = ELEMENTS[pgtype]
    tables.make([f"a {pgtype}"], array_items(values))
    for constant in constants:
        pushed = None if "NULL" in constant else True
        tables.check(f"{constant} = ANY(a)", pushed=pushed)
        tables.check(f"NOT ({constant} = ANY(a))", pushed=pushed)
        tables.check(f"{constant} <> ALL(a)", pushed=pushed)
        tables.check(f"NOT ({constant} <> ALL(a))", pushed=pushed)
        if "bigint" in constant or "70000000000" in constant:
            continue
        others = [constant], [constant, constants[0]], [constant, "NULL"]
        for other in (f"ARRAY[{', '.join(o)}]::{array}" for o in others):
            for condition in (f"a @> {other}", f"{other} <@ a", f"a && {other}", f"{other} && a"):
                tables.check(condition, exact=True)
                tables.check(f"NOT ({condition})", exact=True)
    for operator in ("@>", "&&"):
        tables.check(f"a {operator} '{{}}'::{array}", exact=True)
        tables.check(f"NOT (a {operator} '{{}}'::{array})", exact=True)
    tables.check("a IS NULL")
    tables.check("a IS NOT NULL", exact=True)


def test_parameters_of_arrays(tables):
    tables.make(["a text[]"], array_items(ARRAYS))
    tables.db.execute("SET plan_cache_mode = force_generic_plan")
    tables.db.execute("PREPARE one (text) AS SELECT pk FROM v WHERE $1 = ANY(a) ORDER BY pk")
    tables.db.execute("PREPARE all_of (text[]) AS SELECT pk FROM v WHERE a @> $1 ORDER BY pk")
    for statement, value, expected in (
        *(("one", "'x'", ["01", "02", "04", "09", "10"]), ("one", "NULL", []), ("one", "'z'", [])),
        *(("all_of", "'{x,y}'", ["02", "10"]), ("all_of", "NULL", [])),
    ):
        rows = tables.db.execute(f"EXECUTE {statement}({value})").fetchall()
        assert [pk for (pk,) in rows] == expected, (statement, value)


def test_arrays_where_it_is_local(tables, tree):
    tables.make(["a text[]", "u uuid[] OPTIONS (attribute 'none')"], array_items(ARRAYS))
    if tree.has_icu:
        tables.db.execute(NOCASE)
    for condition in (
        *("'X' COLLATE nocase = ANY(a)", "a @> ARRAY['X' COLLATE nocase]", "'x' < ANY(a)"),
        *("'x' = ALL(a)", "a <@ ARRAY['x']", "a = ARRAY['x']", "a[1] = 'x'", "pk = ANY(a)"),
        "'00000000-0000-0000-0000-000000000000' = ANY(u)",
    ):
        if tree.has_icu or "nocase" not in condition:
            tables.check(condition, pushed=False)


def test_misfits_among_elements(tables):
    """NULL where that was asked, and then true of nothing."""
    values = [l(s("x"), n(1)), l(s("x")), {"NS": ["1"]}, s("x"), {"SS": ["x"]}]
    tables.make(["a text[] OPTIONS (on_type_mismatch 'null')"], array_items(values))
    for condition in ("'x' = ANY(a)", "a @> '{x}'", "NOT 'z' = ANY(a)", "a IS NULL", "cardinality(a) > 0"):
        tables.check(condition)
    assert tables.check("'x' = ANY(a)") == ["01", "04"]
    assert tables.check("a IS NULL") == ["00", "02", "03"]


# ---- sizes ------------------------------------------------------------------------


@pytest.mark.parametrize("operator", ["=", "<>", "<", "<=", ">", ">="])
def test_sizes(tables, operator):
    texts = ["", "a", "ab", "é", "日本", "😀", "😀😀", "abcdefgh", "a" * 100]
    items = [
        {"pk": s(f"{i:02}"), "t": s(t), "b": b(t.encode()), "a": l(*[s(t)] * i), "d": {"SS": [t, "-"]}}
        for i, t in enumerate(texts)
    ]
    items += [{"pk": s("x"), "t": NULL, "b": NULL, "a": l(), "d": l(l(), NULL, n(1))}, {"pk": s("y")}]
    tables.make(["t text", "b bytea", "a text[]", "d jsonb"], items)
    for size in (-1, 0, 1, 2, 4, 8, 2**31 - 1):
        for subject in ("length(t)", "char_length(t)", "octet_length(t)"):
            tables.check(f"{subject} {operator} {size}", exact=False)
        for subject in ("length(b)", "octet_length(b)", "cardinality(a)", "jsonb_array_length(d)"):
            tables.check(f"{subject} {operator} {size}", exact=True)
            tables.check(f"NOT {subject} {operator} {size}", exact=True)
        tables.check(f"{size}::bigint {operator} cardinality(a)", exact=True)


def test_size_of_a_key_is_no_key_condition(tables):
    tables.make(["a text[]"], array_items(ARRAYS))
    scan = foreign_scan(explain(tables.db, "SELECT * FROM v WHERE length(pk) = 2"))
    assert scan["DynamoDB Operation"] == "Scan"
    tables.check("length(pk) = 2")
    tables.check("length(pk) = 2 AND pk = '01'", pushed=False)
