# SPDX-License-Identifier: PostgreSQL
"""Documents, lists and sets: as jsonb and json, as arrays, by their paths."""

import base64
import json
import random
import re
import secrets
from decimal import Decimal

import psycopg
import pytest
from support.documents import ROUND_TRIP_ITEMS, Documents, canonical
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.store import b, check, check_misfits, l, m, n, s

NULL = {"NULL": True}
INVALID_DATA_TYPE = "HV004"
DIGITS_38 = "1234567890123456789012345678.9012345678"


def exact(text):
    """JSON with numbers as they are written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def read_json(store, cases, **options):
    """What each case's column shows, as text taken apart; json text of its own."""
    store.columns(cases, **options)
    columns = ", ".join(f"c{i}::text" for i in range(len(cases)))
    return store.db.execute(f"SELECT {columns} FROM v").fetchone()


# ---- jsonb and json --------------------------------------------------------------

DOCUMENT = m(
    text=s('quote " backslash \\ newline \n é 😀'),
    number=n(DIGITS_38),
    large=n("1" + "0" * 125),
    small=n("0." + "0" * 129 + "1"),
    negative=n("-0.5"),
    true={"BOOL": True},
    false={"BOOL": False},
    null=NULL,
    bytes=b(b"\x00\xff"),
    strings={"SS": ["a", "b"]},
    numbers={"NS": ["1", "2.5"]},
    binaries={"BS": [b"\x01", b"\x02"]},
    list=l(n(1), s("x"), NULL, l(), m()),
    map=m(**{"a.b": n(1), "größe": s("")}),
)
PLAIN = {
    "text": 'quote " backslash \\ newline \n é 😀',
    "number": Decimal(DIGITS_38),
    "large": Decimal("1" + "0" * 125),
    "small": Decimal("1e-130"),
    "negative": Decimal("-0.5"),
    "true": True,
    "false": False,
    "null": None,
    "bytes": "AP8=",
    "strings": ["a", "b"],
    "numbers": [Decimal(1), Decimal("2.5")],
    "binaries": ["AQ==", "Ag=="],
    "list": [Decimal(1), "x", None, [], {}],
    "map": {"a.b": Decimal(1), "größe": ""},
}


@pytest.mark.parametrize("pgtype", ["jsonb", "json"])
@pytest.mark.parametrize("option", ["", " OPTIONS (type 'M')", " OPTIONS (format 'plain')"])
def test_map(store, pgtype, option):
    (text,) = read_json(store, [(pgtype + option, DOCUMENT)])
    assert exact(text) == PLAIN
    # Every digit, and nothing of an exponent.
    for digits in (DIGITS_38, "1" + "0" * 125, "0." + "0" * 129 + "1"):
        assert digits in text


@pytest.mark.parametrize("pgtype", ["jsonb", "json"])
def test_every_stored_type_is_json(store, pgtype):
    cases = [
        (s("x"), "x"),
        (s(""), ""),
        (n("1.5"), Decimal("1.5")),
        ({"BOOL": True}, True),
        (b(b"\x00"), "AA=="),
        (m(), {}),
        (l(), []),
        (l(n(1)), [Decimal(1)]),
        ({"SS": ["a"]}, ["a"]),
        (l(s('{"a": 1}')), ['{"a": 1}']),
    ]
    texts = read_json(store, [(pgtype, stored) for stored, _ in cases])
    assert [exact(text) for text in texts] == [expected for _, expected in cases]


@pytest.mark.parametrize("pgtype", ["jsonb", "json"])
def test_null_and_missing_are_sql_null(store, pgtype):
    check(store, [(pgtype, NULL, None), (pgtype, None, None)])
    queries = {"c0 IS NULL": 1, "c0 IS NOT NULL": 0, "c1 IS NULL": 1, "c1 IS NOT NULL": 0}
    for condition, count in queries.items():
        query = f"SELECT count(*) FROM v WHERE {condition}"
        assert store.db.execute(query).fetchone() == (count,), condition


def test_is_null_of_documents_is_asked_of_dynamodb(store):
    values = [s("x"), n(1), m(a=n(1)), l(), {"SS": ["a"]}, {"BOOL": False}, NULL, None]
    items = [
        {"pk": s(str(i))} | ({"doc": value} if value else {}) for i, value in enumerate(values)
    ]
    foreign_table(store.db, "v", ["pk text", "doc jsonb"], table_name=store.table(items))
    for condition, expected in (("IS NULL", ["6", "7"]), ("IS NOT NULL", list("012345"))):
        query = f"SELECT pk FROM v WHERE doc {condition}"
        assert "DynamoDB Filter" in foreign_scan(explain(store.db, query))
        for pushdown in ("on", "off"):
            store.db.execute(f"SET ddb_fdw.pushdown = {pushdown}")
            rows = store.db.execute(query + " ORDER BY pk").fetchall()
            assert [pk for (pk,) in rows] == expected
        store.db.execute("RESET ddb_fdw.pushdown")


def test_numbers_that_emulators_do_not_write_canonically(store):
    cases = [("jsonb", l(n("01.50"), n("1e2"), n("-0"), n(".5"))), ("json", l(n("+3"), n("1E-3")))]
    assert read_json(store, cases) == ("[1.5, 100, 0, 0.5]", "[3, 0.001]")


def typed(value):
    """As DynamoDB writes it: what boto3 took, with binary as base64."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {"M": {name: typed(member) for name, member in content.items()}}
    if kind == "L":
        return {"L": [typed(element) for element in content]}
    if kind == "B":
        return {"B": base64_text(content)}
    if kind == "BS":
        return {"BS": [base64_text(element) for element in content]}
    return value


def base64_text(data):
    return base64.b64encode(data).decode()


@pytest.mark.parametrize("pgtype", ["jsonb", "json"])
def test_typed_json(store, pgtype):
    option = " OPTIONS (format 'dynamodb')"
    values = [DOCUMENT, s("x"), n(DIGITS_38), {"BOOL": False}, b(b"\xff"), l(NULL, l()), {"NS": ["1"]}]
    texts = read_json(store, [(pgtype + option, value) for value in values])
    assert [json.loads(text) for text in texts] == [typed(value) for value in values]


def test_narrowed_documents(store):
    cases = [
        ("jsonb OPTIONS (type 'M')", m(a=n(1)), {"a": 1}),
        ("jsonb OPTIONS (type 'L')", l(n(1)), [1]),
        ("jsonb OPTIONS (type 'SS')", {"SS": ["a"]}, ["a"]),
        ("jsonb OPTIONS (type 'any')", s("a"), "a"),
        # Text that holds JSON.
        ("jsonb OPTIONS (type 'S')", s('{"a": [1]}'), {"a": [1]}),
    ]
    check(store, cases)


def test_documents_that_do_not_fit(store):
    cases = [
        ("jsonb OPTIONS (type 'M')", l()),
        ("jsonb OPTIONS (type 'L')", m()),
        ("jsonb OPTIONS (type 'M')", s("{}")),
        ("json OPTIONS (type 'L')", {"SS": ["a"]}),
        ("jsonb OPTIONS (type 'S')", s("{")),
        ("jsonb OPTIONS (type 'S')", m()),
    ]
    check_misfits(store, cases)


@pytest.mark.parametrize("pgtype", ["jsonb", "json"])
@pytest.mark.parametrize("form", ["plain", "dynamodb"])
def test_text_that_postgresql_cannot_hold(store, pgtype, form):
    declaration = f"{pgtype} OPTIONS (format '{form}')"
    nul = "a\0b"
    cases = [s(nul), m(a=s(nul)), m(**{nul: n(1)}), l(l(s(nul))), {"SS": [nul, "a"]}]
    check_misfits(store, [(declaration, case) for case in cases])


def test_deep_documents(store):
    deep = n(1)
    for level in range(31):
        deep = m(a=deep) if level % 2 else l(deep)
    text, typed_text = read_json(store, [("jsonb", deep), ("json OPTIONS (format 'dynamodb')", deep)])
    assert json.loads(typed_text) == deep
    value = json.loads(text)
    for level in reversed(range(31)):
        value = value["a"] if level % 2 else value[0]
    assert value == 1


def test_large_document(store):
    numbers = [n(i) for i in range(20_000)]
    assert store.read([("jsonb", l(*numbers), list(range(20_000)))])[0] == list(range(20_000))


def test_domain_over_jsonb(store):
    store.db.execute("CREATE DOMAIN object AS jsonb CHECK (jsonb_typeof(VALUE) = 'object')")
    check(store, [("object", m(a=n(1)), {"a": 1})])
    store.db.execute("DROP FOREIGN TABLE v")
    store.columns([("object", l())])
    with pytest.raises(psycopg.errors.InvalidCharacterValueForCast):
        store.db.execute("SELECT c0 FROM v")
    store.db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    assert store.db.execute("SELECT c0 FROM v").fetchone() == (None,)


# ---- arrays -----------------------------------------------------------------------


def test_lists_as_arrays(store):
    numbers = [Decimal(DIGITS_38), Decimal("-1"), None]
    check(
        store,
        [
            ("text[]", l(s("a"), s(""), NULL, s("é,{}\"")), ["a", "", None, 'é,{}"']),
            ("text[]", l(), []),
            ("text[]", l(NULL), [None]),
            ("varchar(3)[]", l(s("abc")), ["abc"]),
            ("numeric[]", l(*[n(v) if v is not None else NULL for v in numbers]), numbers),
            ("int[]", l(n(1), n("2.0")), [1, 2]),
            ("smallint[]", l(n(1)), [1]),
            ("bigint[]", l(n(2**63 - 1)), [2**63 - 1]),
            ("float8[]", l(n("1.5")), [1.5]),
            ("bool[]", l({"BOOL": True}, {"BOOL": False}), [True, False]),
            ("bytea[]", l(b(b"\x00"), b(b"")), [b"\x00", b""]),
            ("jsonb[]", l(m(a=n(1)), s("x"), NULL, {"SS": ["a"]}), [{"a": 1}, "x", None, ["a"]]),
            ("text[] OPTIONS (type 'L')", l(s("a")), ["a"]),
            ("text[]", NULL, None),
            ("text[]", None, None),
        ],
    )


def test_sets_as_arrays(store):
    cases = [
        ("text[]", {"SS": ["a", "b", ""]}, {"a", "b", ""}),
        ("text[] OPTIONS (type 'SS')", {"SS": ["x"]}, {"x"}),
        ("numeric[]", {"NS": [DIGITS_38, "1"]}, {Decimal(DIGITS_38), Decimal(1)}),
        ("int[] OPTIONS (type 'NS')", {"NS": ["1", "2"]}, {1, 2}),
        ("int[] OPTIONS (type 'SS')", {"SS": ["1", "2"]}, {1, 2}),
        ("text[] OPTIONS (type 'NS')", {"NS": ["1", "2"]}, {"1", "2"}),
        ("bytea[]", {"BS": [b"\x00", b"\xff"]}, {b"\x00", b"\xff"}),
        ("jsonb OPTIONS (type 'NS')", {"NS": ["1", "2"]}, {1, 2}),
    ]
    values = store.read(cases)
    assert [set(value) for value in values] == [expected for *_, expected in cases]
    # In DynamoDB's order.
    item = store.ddb.get_item(TableName=store.names[-1], Key={"pk": s("item")})["Item"]
    assert values[0] == item["c0"]["SS"]


def test_elements_with_formats(store):
    store.db.execute("CREATE DOMAIN small AS int CHECK (VALUE < 10)")
    store.db.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    cases = [
        ("timestamptz[]", l(s("2026-11-01T10:00:00+02:00"), NULL), '{"2026-11-01 08:00:00+00",NULL}'),
        ("timestamptz[] OPTIONS (format 'epoch')", l(n("1.5")), '{"1970-01-01 00:00:01.5+00"}'),
        ("timestamptz[] OPTIONS (format 'epoch_ms')", {"NS": ["1500"]}, '{"1970-01-01 00:00:01.5+00"}'),
        ("timestamptz[] OPTIONS (type 'NS')", {"NS": ["1"]}, '{"1970-01-01 00:00:01+00"}'),
        ("timestamp[] OPTIONS (format 'iso8601:0')", {"SS": ["2026-11-01T10:00:00Z"]}, '{"2026-11-01 10:00:00"}'),
        ("date[]", l(s("2026-11-01")), "{2026-11-01}"),
        ("uuid[]", l(s("0" * 8 + "-0000-0000-0000-" + "A" * 12)), "{00000000-0000-0000-0000-aaaaaaaaaaaa}"),
        ("small[]", l(n(9)), "{9}"),
        ("mood[]", {"SS": ["sad"]}, "{sad}"),
        ("inet[]", l(s("10.0.0.1"), s("::1/64")), "{10.0.0.1,::1/64}"),
        ("jsonb[] OPTIONS (format 'dynamodb')", l(n(1)), '{"{\\"N\\": \\"1\\"}"}'),
    ]  # fmt: skip
    store.columns(cases)
    columns = ", ".join(f"c{i}::text" for i in range(len(cases)))
    assert list(store.db.execute(f"SELECT {columns} FROM v").fetchone()) == [c[2] for c in cases]


def test_arrays_that_do_not_fit(store):
    check_misfits(
        store,
        [
            ("text[]", l(s("a"), n(1))),
            ("text[]", l(l(s("a")))),
            ("text[]", m()),
            ("text[]", s("{a}")),
            ("text[]", {"NS": ["1"]}),
            ("text[] OPTIONS (type 'L')", {"SS": ["a"]}),
            ("text[] OPTIONS (type 'SS')", l(s("a"))),
            ("text[]", {"SS": ["a\0"]}),
            ("varchar(2)[]", l(s("abc"))),
            ("int[]", {"NS": ["1.5"]}),
            ("int[]", l(n(1), n(2**31))),
            ("bool[]", l(n(1))),
            ("timestamptz[]", l(s("tomorrow"))),
        ],
    )


def test_misfit_of_an_element_says_which(store):
    store.columns([("int[]", l(n(1), NULL, n("1.5")))])
    with pytest.raises(psycopg.Error, match="element 3 is of type N") as caught:
        store.db.execute("SELECT c0 FROM v")
    assert "takes DynamoDB type L or NS" in caught.value.diag.message_detail


@pytest.mark.parametrize(
    "declaration",
    [
        "jsonb",
        "json",
        "text[]",
        "jsonb OPTIONS (type 'S')",
        "jsonb OPTIONS (key 'partition')",
        "text[] OPTIONS (key 'partition')",
    ],
)
def test_no_keys(store, declaration):
    columns = [declaration.replace("OPTIONS (", "OPTIONS (attribute 'pk', ")]
    if "OPTIONS" not in declaration:
        columns = [f"{declaration} OPTIONS (attribute 'pk')"]
    foreign_table(store.db, "v", [f"c {columns[0]}"], table_name=store.table([{"pk": s("a")}]))
    with pytest.raises(psycopg.Error, match="key") as caught:
        store.db.execute("SELECT * FROM v")
    assert caught.value.sqlstate == INVALID_DATA_TYPE


@pytest.mark.parametrize(
    "declaration",
    [
        "jsonb OPTIONS (type 'N')",
        "jsonb OPTIONS (format 'epoch')",
        "text OPTIONS (format 'dynamodb')",
        "text OPTIONS (type 'M')",
        "text[] OPTIONS (type 'BS')",
        "text[] OPTIONS (type 'N')",
        "text[] OPTIONS (type 'M')",
        "text[] OPTIONS (format 'plain')",
        "text[] OPTIONS (format 'epoch')",
    ],
)
def test_declarations_that_make_no_sense(store, declaration):
    store.columns([(declaration, None)])
    with pytest.raises(psycopg.Error) as caught:
        store.db.execute("SELECT c0 FROM v")
    assert caught.value.sqlstate == INVALID_DATA_TYPE


# ---- paths ------------------------------------------------------------------------

PATHS = [
    ("address.city", "text"),
    ("address.zip", "int"),
    ("tags[1]", "text"),
    ("tags[3]", "text"),
    ("address.phones[0].number", "text"),
    ('"a.b"."c[0]"', "text"),
    ('"a.b".d', "numeric"),
    ("deep", "jsonb"),
    ("deep.x.y", "int[]"),
    ("address", "jsonb OPTIONS (attribute 'address', type 'M')"),
    ("größe.é", "bool"),
]
NESTED = {
    "pk": s("1"),
    "address": m(city=s("Bonn"), zip=n(53111), phones=l(m(number=s("1")), m(number=s("2")))),
    "tags": l(s("zero"), s("one"), n(2), s("three")),
    "a.b": m(**{"c[0]": s("quoted"), "d": n("1.5")}),
    "deep": m(x=m(y=l(n(1), n(2)))),
    "größe": m(é={"BOOL": True}),
}
NESTED_ROW = (
    *("Bonn", 53111, "one", "three", "1", "quoted", Decimal("1.5"), {"x": {"y": [1, 2]}}, [1, 2]),
    {"city": "Bonn", "zip": 53111, "phones": [{"number": "1"}, {"number": "2"}]},
    True,
)


@pytest.mark.parametrize(
    "path",
    ["tags[204800]", "tags[3000000]", "tags[2147483647]", "a[150000].b[150000]", ".".join("a" * 33)],
)
def test_paths_that_no_item_can_hold_are_refused(db, path):
    """An item is 400 KB, and documents nest 32 deep."""
    make_server(db, "http://127.0.0.1:9")
    with pytest.raises(psycopg.Error) as caught:
        foreign_table(db, "v", ["pk text", f"c text OPTIONS (attribute '{path}')"])
    assert caught.value.sqlstate == "HV024"
    assert "32 steps at most" in caught.value.diag.message_hint
    foreign_table(db, "v", ["pk text", "c text"])
    with pytest.raises(psycopg.Error) as caught:
        db.execute(f"ALTER FOREIGN TABLE v ALTER c OPTIONS (attribute '{path}')")
    assert caught.value.sqlstate == "HV024"


def test_elements_behind_a_gap(store):
    """What lies between is NULL, whichever order the elements are set in."""
    path_table(store, [{"pk": s("0")}], [("tags[100000]", "text"), ("tags[99990]", "text"), ("tags[99995]", "text")])
    store.db.execute("INSERT INTO v VALUES ('a', 'x', 'y', 'z'), ('b', 'x', NULL, 'z')")
    assert store.db.execute("SELECT * FROM v WHERE pk > '0' ORDER BY pk").fetchall() == [
        ("a", "x", "y", "z"),
        ("b", "x", None, "z"),
    ]
    (name,) = store.db.execute(
        "SELECT option_value FROM pg_options_to_table((SELECT ftoptions FROM pg_foreign_table"
        " WHERE ftrelid = 'v'::regclass)) WHERE option_name = 'table_name'"
    ).fetchone()
    foreign_table(store.db, "w", ["pk text", "tags jsonb"], table_name=name)
    rows = dict(store.db.execute("SELECT pk, tags FROM w").fetchall())
    for pk, middle in (("a", "y"), ("b", None)):
        wanted = [None] * 100001
        wanted[100000], wanted[99990], wanted[99995] = "x", middle, "z"
        assert rows[pk] == wanted


def path_table(store, items, paths=PATHS, name="v", **options):
    columns = ["pk text"]
    for i, (path, pgtype) in enumerate(paths):
        if "OPTIONS" not in pgtype:
            pgtype = f"{pgtype} OPTIONS (attribute '{path}')"
        columns.append(f"c{i} {pgtype}")
    foreign_table(store.db, name, columns, table_name=store.table(items), **options)


def spelled(call, member):
    """An expression of a request with its names in their places, elements of
    paths between slashes."""
    names = call.request.get("ExpressionAttributeNames", {})
    return re.sub(r"#\w+", lambda match: f"/{names[match.group()]}/", call.request.get(member, ""))


def projected(store, proxy, query):
    with proxy.record() as calls:
        rows = store.db.execute(query).fetchall()
    (call,) = [call for call in calls if call.operation != "DescribeTable"]
    return rows, sorted(filter(None, spelled(call, "ProjectionExpression").split(",")))


def test_paths(store):
    others = [
        {"pk": s("2")},
        # What a path meets on its way is of another type, or too short.
        {"pk": s("3"), "address": s("text"), "tags": l(s("zero")), "deep": l(), "a.b": NULL},
        {"pk": s("4"), "address": m(city=NULL), "tags": m(), "deep": m(x=s("y"))},
    ]
    others[1] = {name: value for name, value in others[1].items() if name != "address"}
    path_table(store, [NESTED, *others])
    rows = store.db.execute("SELECT * FROM v ORDER BY pk").fetchall()
    assert rows[0][1:] == NESTED_ROW
    assert [set(row[1:]) - {None} if i == 1 else None for i, row in enumerate(rows)][1] == set()
    assert rows[2][1:] == (*[None] * 7, [], *[None] * 3)
    assert rows[3][1:] == (*[None] * 7, {"x": "y"}, None, {"city": None}, None)


def test_projection_of_paths(store, proxy):
    path_table(store, [NESTED])
    cases = {
        "c0": ["/address/./city/"],
        "c0, c1": ["/address/./city/", "/address/./zip/"],
        # Elements of lists lose their places, so lists come whole.
        "c2": ["/tags/"],
        "c2, c3": ["/tags/"],
        "c4": ["/address/./phones/"],
        "c5, c6": ["/a.b/./c[0]/", "/a.b/./d/"],
        # Paths within each other are an error in one expression.
        "c8, c7": ["/deep/"],
        "c7, c8": ["/deep/"],
        "c0, c9, c4": ["/address/"],
        "c10": ["/größe/./é/"],
    }
    for columns, expected in cases.items():
        rows, paths = projected(store, proxy, f"SELECT {columns} FROM v")
        assert paths == expected, columns
        indexes = [int(column[1:]) for column in columns.split(", ")]
        assert rows == [tuple(NESTED_ROW[i] for i in indexes)], columns


def test_paths_one_within_another_in_any_order(store, proxy):
    paths = [("a.b.c", "int"), ("a.b", "jsonb"), ("a.b.d", "int"), ("a.e", "int"), ("a", "jsonb")]
    document = m(b=m(c=n(1), d=n(2), x=n(3)), e=n(4))
    path_table(store, [{"pk": s("1"), "a": document}], paths)
    values = [1, {"c": 1, "d": 2, "x": 3}, 2, 4, {"b": {"c": 1, "d": 2, "x": 3}, "e": 4}]
    generator = random.Random(1)
    for _ in range(20):
        chosen = generator.sample(range(5), generator.randrange(1, 6))
        columns = ", ".join(f"c{i}" for i in chosen)
        rows, _ = projected(store, proxy, f"SELECT {columns} FROM v")
        assert rows == [tuple(values[i] for i in chosen)], columns


CONDITIONS = {
    "c0 = 'Bonn'": ["1"],
    "c0 <> 'Bonn'": ["2"],
    "c0 LIKE 'Bo%'": ["1"],
    "c0 IN ('Bonn', 'Berlin')": ["1", "2"],
    "c1 > 100": ["1"],
    "c2 = 'one'": ["1"],
    "c0 IS NULL": ["3", "4"],
    "c0 IS NOT NULL": ["1", "2"],
    "NOT (c1 = 5)": ["1"],
    "c3 > c2": ["2"],
    "c0 = 'Bonn' OR c2 = 'eins'": ["1", "2"],
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_on_paths(store, proxy, condition):
    items = [
        {"pk": s("1"), "a": m(city=s("Bonn"), zip=n(53111)), "t": l(s("zero"), s("one"))},
        {"pk": s("2"), "a": m(city=s("Berlin"), zip=n(5)), "t": l(s("0"), s("eins"), s("f"))},
        {"pk": s("3"), "a": m(city=NULL), "t": m()},
        {"pk": s("4")},
    ]
    columns = [
        "pk text",
        "c0 text OPTIONS (attribute 'a.city')",
        "c1 int OPTIONS (attribute 'a.zip')",
        """c2 text OPTIONS (attribute 't[1]') COLLATE "C" """,
        """c3 text OPTIONS (attribute 't[2]') COLLATE "C" """,
    ]
    foreign_table(store.db, "v", columns, table_name=store.table(items))
    query = f"SELECT pk FROM v WHERE {condition} ORDER BY pk"
    with proxy.record() as calls:
        rows = store.db.execute(query).fetchall()
    assert [pk for (pk,) in rows] == CONDITIONS[condition]
    (call,) = [call for call in calls if call.operation == "Scan"]
    text = spelled(call, "FilterExpression")
    assert "/a/./" in text or "/t/[" in text
    store.db.execute("SET ddb_fdw.pushdown = off")
    assert store.db.execute(query).fetchall() == rows


def test_misfit_at_a_path_names_it(store):
    path_table(store, [{"pk": s("1"), "a": m(b=l(s("x")))}], [("a.b[0]", "int")])
    with pytest.raises(psycopg.Error, match=r'attribute "a\.b\[0\]"') as caught:
        store.db.execute("SELECT pk, c0 FROM v")
    assert 'pk = "1"' in caught.value.diag.message_detail


def test_path_is_no_key(store):
    path_table(store, [{"pk": s("1")}], [("pk.x", "text"), ('"pk.x"', "text")])
    with pytest.raises(psycopg.Error, match='names a member of key attribute "pk"') as caught:
        store.db.execute("SELECT c0 FROM v")
    assert caught.value.sqlstate == INVALID_DATA_TYPE
    assert store.db.execute("SELECT c1 FROM v WHERE pk = '1'").fetchall() == [(None,)]
    columns = ["a text OPTIONS (attribute 'pk.x', key 'partition')"]
    foreign_table(store.db, "w", columns, table_name="T")
    with pytest.raises(psycopg.Error, match="cannot be a key") as caught:
        store.db.execute("SELECT * FROM w")
    assert caught.value.sqlstate == INVALID_DATA_TYPE


@pytest.mark.parametrize(
    "path",
    [
        *("a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[-1]", "a[1", "a[1]b", "a[2147483648]", "[0]"),
        *('"a', '"a"b', '""', 'a.""', "a." * 32 + "a"),
    ],
)
def test_paths_that_are_none(store, path):
    with pytest.raises(psycopg.Error, match="attribute") as caught:
        foreign_table(store.db, "w", [f"a text OPTIONS (attribute '{path}')"])
    assert caught.value.sqlstate == "HV024"


# ---- whole items ------------------------------------------------------------------


def test_whole_item(store, proxy):
    item = {"pk": s("1"), "map": DOCUMENT, "null": NULL, "*": n(1)}
    columns = [
        "item jsonb OPTIONS (attribute '*')",
        "typed json OPTIONS (attribute '*', format 'dynamodb')",
        "pk text",
        "star int OPTIONS (attribute '\"*\"')",
    ]
    foreign_table(store.db, "v", columns, table_name=store.table([item]))
    rows, paths = projected(store, proxy, "SELECT item::text, typed::text, pk, star FROM v")
    assert paths == []
    plain, typed_json, pk, star = rows[0]
    assert exact(plain) == {"pk": "1", "map": PLAIN, "null": None, "*": 1}
    assert json.loads(typed_json) == {name: typed(value) for name, value in item.items()}
    assert (pk, star) == ("1", 1)
    # By key, too, and only where it is asked for.
    rows, paths = projected(store, proxy, "SELECT item->>'pk' FROM v WHERE pk = '1'")
    assert (rows, paths) == ([("1",)], [])
    assert projected(store, proxy, "SELECT star FROM v WHERE pk = '1'") == ([(1,)], ["/*/"])
    nulls = "SELECT count(*) FROM v WHERE item IS NULL"
    assert store.db.execute(nulls).fetchone() == (0,)


def test_overflow(store, proxy):
    item = {"pk": s("1"), "a": n(1), "b": m(c=n(2), d=n(3)), "x.y": s("z"), "e": NULL}
    columns = [
        "pk text",
        "a int",
        "c int OPTIONS (attribute 'b.c')",
        "z text OPTIONS (attribute '\"x.y\"')",
        "rest jsonb OPTIONS (overflow 'true')",
    ]
    foreign_table(store.db, "v", columns, table_name=store.table([item, {"pk": s("2")}]))
    rows, paths = projected(store, proxy, "SELECT pk, rest FROM v")
    # What a path reaches into is not shown whole by it.
    assert sorted(rows) == [("1", {"b": {"c": 2, "d": 3}, "e": None}), ("2", {})]
    assert paths == []
    # Whatever the SELECT list.
    assert sorted(store.db.execute("SELECT rest FROM v").fetchall(), key=str) == [
        ({"b": {"c": 2, "d": 3}, "e": None},),
        ({},),
    ]
    assert projected(store, proxy, "SELECT pk FROM v")[1] == ["/pk/"]


def test_typed_overflow(store):
    columns = ["pk text", "rest json OPTIONS (overflow 'true', format 'dynamodb')"]
    foreign_table(store.db, "v", columns, table_name=store.table([{"pk": s("1"), "d": DOCUMENT}]))
    (text,) = store.db.execute("SELECT rest::text FROM v").fetchone()
    assert json.loads(text) == {"d": typed(DOCUMENT)}


def test_one_overflow(store):
    overflow = "jsonb OPTIONS (overflow 'true')"
    foreign_table(store.db, "v", ["pk text", f"a {overflow}", f"b {overflow}"], table_name=store.table([]))
    with pytest.raises(psycopg.Error, match="more than one column") as caught:
        store.db.execute("SELECT a FROM v")
    assert caught.value.sqlstate == "HV024"
    for other in ("attribute 'a'", "type 'M'", "key 'sort'"):
        with pytest.raises(psycopg.Error, match="cannot be used together") as caught:
            foreign_table(store.db, "w", [f"a jsonb OPTIONS (overflow 'true', {other})"])
        assert caught.value.sqlstate == "HV024"


@pytest.mark.parametrize(
    "declaration",
    [
        "text OPTIONS (attribute '*')",
        "text[] OPTIONS (attribute '*')",
        "text OPTIONS (overflow 'true')",
        "jsonb OPTIONS (attribute '*', type 'L')",
        "text OPTIONS (attribute '*', type 'any')",
        "jsonb OPTIONS (attribute '*', key 'partition')",
    ],
)
def test_whole_items_are_jsonb(store, declaration):
    foreign_table(store.db, "v", ["pk text", f"a {declaration}"], table_name=store.table([]))
    with pytest.raises(psycopg.Error) as caught:
        store.db.execute("SELECT a FROM v")
    assert caught.value.sqlstate == INVALID_DATA_TYPE


def test_whole_items_and_indexes(store, proxy, ddb):
    """An index that projects less does not serve; a foreign table that is one
    shows what it holds."""
    name = f"Indexed.{secrets.token_hex(4)}"
    schema = [{"AttributeName": "g", "KeyType": "HASH"}]
    local = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "g", "KeyType": "RANGE"}]
    ddb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in ("pk", "sk", "g")],
        GlobalSecondaryIndexes=[
            {"IndexName": "few", "KeySchema": schema, "Projection": {"ProjectionType": "KEYS_ONLY"}},
            {"IndexName": "all", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}},
        ],
        LocalSecondaryIndexes=[
            {"IndexName": "near", "KeySchema": local, "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
    )
    store.names.append(name)
    item = {"pk": s("1"), "sk": s("2"), "g": s("3"), "doc": m(a=n(1), b=n(2))}
    ddb.put_item(TableName=name, Item=item)
    columns = ["pk text", "sk text", "g text", "a int OPTIONS (attribute 'doc.a')"]
    columns.append("item jsonb OPTIONS (attribute '*')")
    for table, options in {"v": {}, "few": {"index_name": "few"}, "near": {"index_name": "near"}}.items():
        foreign_table(store.db, table, columns, table_name=name, **options)
    whole = {"pk": "1", "sk": "2", "g": "3", "doc": {"a": 1, "b": 2}}
    keys = {"pk": "1", "sk": "2", "g": "3"}
    for column, value in (("item", whole), ("a", 1)):
        query = f"SELECT {column} FROM v WHERE g = '3'"
        assert store.db.execute(query).fetchall() == [(value,)]
        assert foreign_scan(explain(store.db, query))["DynamoDB Index"] == "all"
    assert store.db.execute("SELECT item FROM few WHERE g = '3'").fetchall() == [(keys,)]
    assert store.db.execute("SELECT item FROM near WHERE pk = '1'").fetchall() == [(whole,)]
    assert store.db.execute("SELECT a FROM near WHERE pk = '1'").fetchall() == [(1,)]
    with pytest.raises(psycopg.Error, match="does not hold") as caught:
        store.db.execute("SELECT a FROM few WHERE g = '3'")
    assert caught.value.sqlstate == "HV005"


def test_misfit_in_a_whole_item_is_null_where_that_was_asked(store):
    columns = ["pk text", "item jsonb OPTIONS (attribute '*', on_type_mismatch 'null')"]
    items = [{"pk": s("1"), "a": s("\0")}, {"pk": s("2")}]
    foreign_table(store.db, "v", columns, table_name=store.table(items))
    assert sorted(store.db.execute("SELECT pk, item FROM v")) == [("1", None), ("2", {"pk": "2"})]
    for pushdown in ("on", "off"):
        store.db.execute(f"SET ddb_fdw.pushdown = {pushdown}")
        assert store.db.execute("SELECT pk FROM v WHERE item IS NULL").fetchall() == [("1",)]


# ---- whatever is stored, as text ------------------------------------------------------


def test_any_as_text(store):
    cases = [
        (s("x"), "x"),
        (s(""), ""),
        (n("1.50"), "1.5"),
        (n(DIGITS_38), DIGITS_38),
        ({"BOOL": True}, "true"),
        ({"BOOL": False}, "false"),
        (b(b"\x00\xff"), "AP8="),
        (m(a=n(1), b=s('"')), '{"a": 1, "b": "\\""}'),
        (l(n(1), NULL), "[1, null]"),
        ({"SS": ["a"]}, '["a"]'),
        (NULL, None),
        (None, None),
    ]
    check(store, [("text OPTIONS (type 'any')", stored, text) for stored, text in cases])
    for condition, count in {"c9 IS NULL": 0, "c10 IS NULL": 1, "c11 IS NOT NULL": 0, "c2 = '1.5'": 1}.items():
        assert store.db.execute(f"SELECT count(*) FROM v WHERE {condition}").fetchone() == (count,)
    # A key that is of any type of its own is a key.
    store.db.execute("DROP FOREIGN TABLE v")
    check(store, [("varchar(4) OPTIONS (type 'any')", n(1234), "1234")])


def test_any_as_text_that_does_not_fit(store):
    declaration = "varchar(3) OPTIONS (type 'any')"
    values = [s("abcd"), n(1234), {"BOOL": True}, m(a=s("\0"))]
    check_misfits(store, [(declaration, value) for value in values])


# ---- there and back -------------------------------------------------------------------

def test_round_trip(store, ddb):
    """Random nested items through the whole item with DynamoDB's types: numbers
    by their text, binary by its bytes."""
    documents = Documents(seed=20261121)
    items = {str(i): documents.item(i) for i in range(ROUND_TRIP_ITEMS)}
    name = store.table([])
    keys = list(items)
    for start in range(0, len(keys), 25):
        requests = [{"PutRequest": {"Item": items[key]}} for key in keys[start : start + 25]]
        assert not ddb.batch_write_item(RequestItems={name: requests})["UnprocessedItems"]
    columns = [
        "pk text",
        "item jsonb OPTIONS (attribute '*', format 'dynamodb')",
        "text json OPTIONS (attribute '*', format 'dynamodb')",
        "plain jsonb OPTIONS (attribute '*')",
        "plain_text json OPTIONS (attribute '*')",
    ]
    foreign_table(store.db, "v", columns, table_name=name)
    query = "SELECT pk, item::text, text::text, plain::text, plain_text::text FROM v"
    seen = 0
    for pk, item, text, plain, plain_text in store.db.execute(query):
        expected = canonical(typed({"M": items[pk]}))
        assert canonical({"M": json.loads(item)}) == expected, pk
        assert canonical({"M": json.loads(text)}) == expected, pk
        # The plain forms agree with each other, up to the order of members.
        assert exact(plain) == exact(plain_text), pk
        seen += 1
    assert seen == len(items)
