"""Documents, lists and sets: as jsonb and json, as arrays, by their paths."""

import base64
import json
from decimal import Decimal

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.store import Store, b, check, check_misfits, n, s

NULL = {"NULL": True}
INVALID_DATA_TYPE = "HV004"
DIGITS_38 = "1234567890123456789012345678.9012345678"


def m(**members):
    return {"M": members}


def l(*elements):  # noqa: E743
    return {"L": list(elements)}


@pytest.fixture
def store(db, dynamodb, ddb):
    make_server(db, dynamodb.endpoint)
    db.execute("SET timezone = 'UTC'")
    store = Store(db, ddb)
    yield store
    for name in store.names:
        ddb.delete_table(TableName=name)


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
    # The input function of jsonb speaks for itself.
    check_misfits(store, [case for case in cases if case[1] != s("{")])


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
    with pytest.raises(psycopg.errors.CheckViolation):
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
        "bool[] OPTIONS (type 'NS')",
        "text[] OPTIONS (format 'epoch')",
    ],
)
def test_declarations_that_make_no_sense(store, declaration):
    store.columns([(declaration, None)])
    with pytest.raises(psycopg.Error) as caught:
        store.db.execute("SELECT c0 FROM v")
    assert caught.value.sqlstate == INVALID_DATA_TYPE
