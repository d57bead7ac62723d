# SPDX-License-Identifier: PostgreSQL
"""What an error says of a value that does not fit: the item's key, whatever was
selected; the value's beginning; what the column takes; what would help."""

import secrets

import psycopg
import pytest
from support import proxy as proxies
from support.fdw import foreign_table
from support.store import MISFIT, b, n, s


@pytest.fixture
def misfit(store):
    """The diagnostics of a statement that meets a misfit."""

    def ask(query, parameters=None):
        with pytest.raises(psycopg.Error) as caught:
            store.db.execute(query, parameters).fetchall()
        assert caught.value.sqlstate == MISFIT, caught.value
        return caught.value.diag

    return ask


@pytest.fixture
def events(store, ddb):
    """Forty items of two partitions, of which one has text in n; with an index."""
    name = f"Misfits.{secrets.token_hex(4)}"
    ddb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": a, "AttributeType": t} for a, t in (("pk", "S"), ("sk", "N"), ("kind", "S"))
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByKind",
                "KeySchema": [
                    {"AttributeName": "kind", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for i in range(40):
        value = s("many") if i == 17 else n(i)
        item = {"pk": s(f"p{i % 2}"), "sk": n(i), "kind": s("k"), "n": value, "state": s("open")}
        ddb.put_item(TableName=name, Item=item | {"m": {"M": {"n": value, "o": n(1)}}})
    columns = ["pk text", "sk int", "kind text", "n int", "state text", "mn int OPTIONS (attribute 'm.n')"]
    foreign_table(store.db, "e", columns, table_name=name)
    foreign_table(store.db, "i", columns, table_name=name, index_name="ByKind")
    foreign_table(store.db, "f", columns, table_name=name, total_segments="4")
    return name


KEY = 'The item with key pk = "p1", sk = "17" has value "many" of DynamoDB type S; '

QUERIES = [
    "SELECT n FROM e",
    "SELECT mn FROM e",
    "SELECT n FROM e WHERE state = 'open'",
    "SELECT n FROM e WHERE pk = 'p1'",
    "SELECT sum(n) FROM e WHERE pk = 'p1' AND sk BETWEEN 10 AND 20",
    "SELECT n FROM e WHERE pk = 'p1' ORDER BY sk DESC LIMIT 15",
    "SELECT n FROM e WHERE pk IN ('p0', 'p1') ORDER BY sk",
    "SELECT n FROM e WHERE (pk, sk) IN (('p1', 17), ('p0', 2))",
    "SELECT n FROM e WHERE pk = 'p1' AND sk = 17",
    "SELECT n FROM i WHERE kind = 'k'",
    "SELECT n FROM i WHERE kind = 'k' AND sk > 5 ORDER BY sk",
    "SELECT n FROM f",
    "SELECT e.n FROM (VALUES ('p1', 17), ('p1', 19)) v (pk, sk) JOIN e USING (pk, sk)",
    "SELECT x.n FROM (VALUES ('p0'), ('p1')) v (pk), LATERAL"
    " (SELECT n FROM e WHERE e.pk = v.pk ORDER BY sk DESC LIMIT 15) x",
    "UPDATE e SET state = 'shut' WHERE n + 1 > 5",
    "DELETE FROM e WHERE pk = 'p1' AND n + 1 > 100",
]


def test_the_key_is_told_whatever_is_selected(misfit, events, proxy):
    for query in QUERIES:
        assert KEY in misfit(query).message_detail, query


def test_the_key_is_told_of_items_on_later_pages(misfit, events, proxy):
    pages = proxies.pages_of(3)
    with proxy.inject(pages, operation="Query"), proxy.inject(pages, operation="Scan"):
        for query in QUERIES:
            assert KEY in misfit(query).message_detail, query


def test_the_key_costs_a_request_only_where_it_was_not_fetched(misfit, events, proxy):
    misfit("SELECT * FROM e")
    for query, wanted in (
        ("SELECT * FROM e WHERE pk = 'p1'", 1),
        ("SELECT pk, sk, n FROM e", 1),
        ("SELECT sk, n FROM e WHERE pk = 'p1'", 1),
        ("SELECT n FROM e WHERE pk = 'p1' AND sk = 17", 1),
        ("SELECT n FROM e WHERE pk = 'p1'", 2),
        ("SELECT n FROM e", 2),
    ):
        with proxy.record() as calls:
            assert KEY in misfit(query).message_detail
        assert len(calls) == wanted, query


class BeforeSecond(proxies.Behaviour):
    """Does something before the second request is answered."""

    def __init__(self, function):
        self.function, self.seen = function, 0

    def instead(self, call, connection):
        self.seen += 1
        if self.seen == 2:
            self.function()


def test_an_item_that_is_mended_in_between(misfit, events, proxy, ddb):
    """The error is about what was read."""
    item = {"pk": s("p1"), "sk": n(17), "n": n(17)}
    mend = BeforeSecond(lambda: ddb.put_item(TableName=events, Item=item))
    with proxy.inject(mend, operation="Query"):
        detail = misfit("SELECT n FROM e WHERE pk = 'p1'").message_detail
    assert mend.seen == 2
    assert detail.startswith('The item, whose key was not found, has value "many" of DynamoDB')


def test_a_key_that_cannot_be_asked_for(misfit, events, proxy):
    """The second request is refused."""
    with proxy.inject(proxies.error("AccessDeniedException"), operation="Query", every=2):
        detail = misfit("SELECT n FROM e WHERE pk = 'p1'").message_detail
    assert detail.startswith('The item, whose key was not found, has value "many" of DynamoDB')


# ---- the value, and what the column takes ------------------------------------------

LONG = "ä" * 40 + "€" * 40
VALUES = [
    # (declaration, stored value, what the detail says of both)
    ("int", s("x"), 'value "x" of DynamoDB type S; the column is of type integer and takes DynamoDB type N'),
    ("text", n("1.5"), 'value "1.5" of DynamoDB type N; the column is of type text and takes DynamoDB type S'),
    ("text", {"BOOL": True}, "value true of DynamoDB type BOOL; "),
    ("text", b(b"abc"), 'value "YWJj" of DynamoDB type B; '),
    ("text", {"M": {"a": n(1)}}, 'value {"a":{"N":"1"}} of DynamoDB type M; '),
    ("int", s(LONG), 'value "' + "ä" * 40 + "€" * 6 + '…" of DynamoDB type S; '),
    ("varchar(3)", s("abcd"), 'value "abcd" of DynamoDB type S; the column is of type character varying(3)'),
    ("timestamptz", n(5), 'takes DynamoDB type S in format "iso8601".'),
    ("timestamptz OPTIONS (format 'epoch_ms')", s("x"), 'takes DynamoDB type N in format "epoch_ms".'),
    ("timestamptz OPTIONS (format 'iso8601:3')", s("x"), 'takes DynamoDB type S in format "iso8601:3"; '),
    ("int[]", {"L": [n(1), s("b")]}, 'value [{"N":"1"},{"S":"b"}] of DynamoDB type L; '),
]


def test_the_value_and_what_the_column_takes(store, misfit):
    store.columns(VALUES)
    for i, (_, _, expected) in enumerate(VALUES):
        detail = misfit(f"SELECT c{i} FROM v").message_detail
        assert expected in detail


# ---- what would help -----------------------------------------------------------------

MS = n(1_700_000_000_000)
CURES = [
    # (declaration, stored value, declarations that the hint names)
    ("int", s("7"), ["int OPTIONS (type 'S')", "text", "jsonb"]),
    ("int", s("x"), ["text", "jsonb"]),
    ("int", n("7.5"), ["numeric", "jsonb"]),
    ("smallint", n(70000), ["numeric", "jsonb"]),
    ("numeric(4,2)", n("1.005"), ["numeric", "jsonb"]),
    ("text", n(5), ["text OPTIONS (type 'N')", "text OPTIONS (type 'any')", "numeric", "jsonb"]),
    ("text", {"BOOL": True}, ["text OPTIONS (type 'any')", "boolean", "jsonb"]),
    ("varchar(3)", s("abcd"), ["text", "jsonb"]),
    ("text", {"SS": ["a"]}, ["text OPTIONS (type 'any')", "jsonb"]),
    ("boolean", n(1), ["boolean OPTIONS (type 'N')", "numeric", "jsonb"]),
    ("bytea", s("abc"), ["text", "jsonb"]),
    ("uuid", b(b"abc"), ["bytea", "jsonb"]),
    ("timestamptz", n(1_700_000_000), ["timestamptz OPTIONS (format 'epoch')", "numeric", "jsonb"]),
    ("timestamptz", MS, ["timestamptz OPTIONS (format 'epoch_ms')", "numeric", "jsonb"]),
    (
        "timestamptz OPTIONS (type 'S')",
        MS,
        ["timestamptz OPTIONS (type 'N', format 'epoch_ms')", "numeric", "jsonb"],
    ),
    (
        "timestamptz OPTIONS (format 'epoch')",
        s("2026-11-01T00:00:00Z"),
        ["timestamptz OPTIONS (format 'iso8601')", "text", "jsonb"],
    ),
    (
        "timestamptz OPTIONS (format 'iso8601:3')",
        s("2026-11-01T00:00:00Z"),
        ["timestamptz OPTIONS (format 'iso8601')", "text", "jsonb"],
    ),
    ("date", s("2026-11-01T10:00:00Z"), ["text", "jsonb"]),
    ("inet", s("x"), ["text", "jsonb"]),
    ("jsonb OPTIONS (type 'M')", {"L": []}, ["jsonb OPTIONS (type 'L')", "jsonb OPTIONS (type 'any')"]),
]


def named_in(hint, declaration):
    """The declarations that a hint names, beside the column's own."""
    base = declaration.split(" OPTIONS")[0]
    named = []
    for part in hint.rstrip(".").replace(", or ", ", ").replace(" or ", ", ").split(", "):
        part = part[0].lower() + part[1:]
        if part.startswith("declare it as "):
            named.append(part.removeprefix("declare it as "))
        elif "on_type_mismatch" not in part:
            words = part.split('"')
            options = ", ".join(f"{k} '{v}'" for k, v in zip(words[1::4], words[3::4], strict=True))
            named.append(f"{base} OPTIONS ({options})")
    return named


def test_the_hint_names_what_the_value_would_fit(store, misfit):
    store.columns(CURES)
    hints = [misfit(f"SELECT c{i} FROM v").message_hint for i in range(len(CURES))]
    named = [named_in(h, c[0]) for h, c in zip(hints, CURES, strict=True)]
    assert named == [c[2] for c in CURES]
    assert all(h.endswith('set "on_type_mismatch" to "null" to read such values as NULL.') for h in hints)


def test_what_the_hint_names_helps(store):
    cured = [(d, stored) for _, stored, declarations in CURES for d in declarations]
    assert None not in store.read(cured)


def test_keys_stay_keys(store, misfit):
    """Their type is the table's: options and documents are no help."""
    name = store.table([{"pk": s("a"), "sk": n("1.5")}], sort="sk", sort_type="N")
    foreign_table(store.db, "t", ["pk text", "sk int", "sk2 int"], table_name=name)
    hint = misfit("SELECT * FROM t").message_hint
    assert hint == 'Declare it as numeric or set "on_type_mismatch" to "null" to read such values as NULL.'
    name = store.table([{"pk": s("a")}])
    foreign_table(store.db, "u", ["pk uuid"], table_name=name)
    hint = misfit("SELECT * FROM u").message_hint
    assert hint == 'Declare it as text or set "on_type_mismatch" to "null" to read such values as NULL.'


def test_a_hint_does_not_name_what_is_set(store, misfit):
    """Where rows come in the order of a key, NULL has no place among them."""
    name = store.table([{"pk": s("a"), "sk": n(i)} for i in (1, "2.5", 3)], sort="sk", sort_type="N")
    foreign_table(store.db, "t", ["pk text", "sk int"], table_name=name)
    with store.db.transaction(), store.db.transaction():
        store.db.execute("DECLARE c CURSOR FOR SELECT sk FROM t WHERE pk = 'a' ORDER BY sk")
        store.db.execute("SET LOCAL ddb_fdw.on_type_mismatch = 'null'")
        diag = misfit("FETCH ALL FROM c")
        raise psycopg.Rollback
    assert diag.message_hint == "Declare it as numeric."


def test_domains(store, misfit):
    store.db.execute("CREATE DOMAIN positive AS int CONSTRAINT is_positive CHECK (VALUE > 0)")
    store.columns([("positive", n(-1)), ("positive[]", {"L": [n(-1)]})])
    diag = misfit("SELECT c0 FROM v")
    assert 'of this value, it is refused: value for domain positive violates check constraint "is_positive"' in (
        diag.message_detail
    )
    assert diag.message_hint.startswith("Declare it as numeric, declare it as jsonb")
    misfit("SELECT c1 FROM v")


def test_in_a_worker(store, misfit, events):
    """Parallel scans say it likewise."""
    store.db.execute(
        "SET debug_parallel_query = on" if store.db.info.server_version >= 160000 else "SET force_parallel_mode = on"
    )
    assert KEY in misfit("SELECT n FROM e").message_detail


# ---- documents that are written ------------------------------------------------------


def test_documents_that_are_written(store):
    """What another column would show of a new item does not fit it."""
    name = store.table([])
    foreign_table(store.db, "w", ["pk text", "v int", "doc jsonb OPTIONS (attribute '*')"], table_name=name)
    with pytest.raises(psycopg.Error) as caught:
        store.db.execute("""INSERT INTO w (doc) VALUES ('{"pk": "a", "v": "x"}')""")
    diag = caught.value.diag
    assert diag.message_detail == (
        'The document has value "x" of DynamoDB type S; the column is of type integer and takes DynamoDB type N.'
    )
    assert diag.message_hint == "Declare it as text or declare it as jsonb."
