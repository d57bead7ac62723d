# SPDX-License-Identifier: PostgreSQL
"""Writes through key templates: what keys become, and whose items they are."""

import datetime
import re
import time
import uuid
from collections import Counter
from decimal import Decimal

import psycopg
import pytest
from support.fdw import foreign_table, make_server
from support.proxy import declare_time_to_live, pages_of
from support.regress_data import load_table
from support.single_table import TABLE

UTC = datetime.UTC


def key(attribute, template, name=None, **options):
    options = "".join(f", {option} '{value}'" for option, value in options.items())
    return (
        f"{name or attribute.lower()} text OPTIONS (attribute '{attribute}',"
        f" template '{template}'{options}) COLLATE \"C\""
    )


USERS = [
    key("PK", "USER#${user_id}"),
    key("SK", "PROFILE"),
    key("GSI1PK", "EMAIL#${email}"),
    key("GSI1SK", "USER"),
    "user_id bigint",
    "email text",
    "name text",
    "visits int",
]
HISTORY = [
    key("PK", "USER#${user_id}"),
    key("SK", "HIST#${searched_at:iso8601:3}#${id}"),
    key("GSI2PK", "PUBLIC#HIST", "feed"),
    key("GSI2SK", "${published_at:iso8601:0}#${id}", "feed_at"),
    "user_id bigint",
    "searched_at timestamptz",
    "id text",
    "published_at timestamptz",
    "title text",
]
PROBLEMS = [
    key("PK", "PROB#${platform}#${number}"),
    key("SK", "METADATA"),
    key("GSI1PK", "LEVEL#${level}"),
    key("GSI1SK", "${number:05}"),
    "platform text",
    "number int",
    "level int",
    "title text",
]
CASES = [
    key("PK", "PROB#${platform}#${number}"),
    key("SK", "CASE#${case_number:03}"),
    "platform text",
    "number int",
    "case_number int",
    "input text",
]
ENTITIES = {"users": USERS, "history": HISTORY, "problems": PROBLEMS, "cases": CASES}


@pytest.fixture
def items(ddb_resource):
    table = load_table(ddb_resource, f"Entities{uuid.uuid4().hex}", TABLE, [])
    yield table
    table.delete()


@pytest.fixture
def empty(db, proxy, items):
    make_server(db, proxy.endpoint)
    db.execute("SET timezone = 'UTC'")
    return db


@pytest.fixture
def t(empty, items):
    """The entities, in one DynamoDB table."""
    for name, columns in ENTITIES.items():
        foreign_table(empty, name, columns, table_name=items.name)
    return empty


def stored(items):
    found = items.scan(ConsistentRead=True)["Items"]
    return sorted(found, key=lambda item: (item["PK"], item["SK"]))


def keys(items):
    return [(item["PK"], item["SK"]) for item in stored(items)]


def one(items):
    (item,) = stored(items)
    return item


def refused(db, statement, error, match, parameters=None):
    with pytest.raises(error, match=match):
        db.execute(statement, parameters)


BadKey = psycopg.errors.InvalidParameterValue
KeyChange = psycopg.errors.FeatureNotSupported
Missing = psycopg.errors.NotNullViolation

# ---- INSERT ----------------------------------------------------------------------


def test_insert_composes_keys(t, items):
    t.execute("INSERT INTO users (user_id, email, name) VALUES (42, 'a@b.c', 'Ann')")
    assert one(items) == {
        "PK": "USER#42",
        "SK": "PROFILE",
        "GSI1PK": "EMAIL#a@b.c",
        "GSI1SK": "USER",
        "name": "Ann",
    }


def test_insert_leaves_incomplete_index_keys_out(t, items):
    row = t.execute("INSERT INTO users (user_id, name) VALUES (42, 'Ann') RETURNING *").fetchone()
    assert row == ("USER#42", "PROFILE", None, None, 42, None, "Ann", None)
    assert one(items) == {"PK": "USER#42", "SK": "PROFILE", "name": "Ann"}
    assert t.execute("SELECT * FROM users").fetchall() == [row]


def test_insert_pads_numbers(t, items):
    t.execute("INSERT INTO problems (platform, number, level) VALUES ('leet', 7, 2)")
    t.execute(
        "INSERT INTO cases (platform, number, case_number, input) VALUES ('leet', 7, 42, 'x')"
    )
    assert keys(items) == [("PROB#leet#7", "CASE#042"), ("PROB#leet#7", "METADATA")]
    assert stored(items)[1]["GSI1SK"] == "00007"
    refused(t, "INSERT INTO cases VALUES (NULL, NULL, 'leet', 7, 1000)", BadKey, '"case_number"')
    refused(t, "INSERT INTO cases VALUES (NULL, NULL, 'leet', 7, -1)", BadKey, '"case_number"')
    assert len(keys(items)) == 2


def test_times_are_cut_to_what_the_key_tells(t, items):
    row = t.execute(
        "INSERT INTO history (user_id, searched_at, id, published_at)"
        " VALUES (1, '2026-11-01 10:00:00.123999', 'x', '2026-11-02 00:00:00.9+01')"
        " RETURNING *"
    ).fetchone()
    assert one(items) == {
        "PK": "USER#1",
        "SK": "HIST#2026-11-01T10:00:00.123Z#x",
        "GSI2PK": "PUBLIC#HIST",
        "GSI2SK": "2026-11-01T23:00:00Z#x",
    }
    assert row[5] == datetime.datetime(2026, 11, 1, 10, 0, 0, 123000, UTC)
    assert row[7] == datetime.datetime(2026, 11, 1, 23, 0, 0, 0, UTC)
    assert t.execute("SELECT * FROM history").fetchall() == [row]


@pytest.mark.parametrize(
    "table, columns, values, column",
    [
        ("users", "email", "'a'", "user_id"),
        ("history", "user_id, searched_at", "1, now()", "id"),
        ("cases", "platform, number", "'leet', 1", "case_number"),
    ],
)
def test_a_variable_of_the_table_key_must_not_be_null(t, items, table, columns, values, column):
    refused(
        t,
        f"INSERT INTO {table} ({columns}) VALUES ({values})",
        Missing,
        f'null value not allowed in column "{column}"',
    )
    assert stored(items) == []


def test_infinity_has_no_key(t, items):
    statement = "INSERT INTO history (user_id, searched_at, id) VALUES (1, 'infinity', 'x')"
    refused(t, statement, BadKey, '"searched_at"')
    assert stored(items) == []


def test_insert_takes_variables_from_keys(t, items):
    row = t.execute(
        "INSERT INTO history (pk, sk, feed, feed_at) VALUES"
        " ('USER#7', 'HIST#2026-11-01T10:00:00.123Z#x#y', 'PUBLIC#HIST', '2026-11-02T00:00:00Z#x#y')"
        " RETURNING user_id, searched_at::text, id, published_at::text"
    ).fetchone()
    assert row == (7, "2026-11-01 10:00:00.123+00", "x#y", "2026-11-02 00:00:00+00")
    assert one(items) == {
        "PK": "USER#7",
        "SK": "HIST#2026-11-01T10:00:00.123Z#x#y",
        "GSI2PK": "PUBLIC#HIST",
        "GSI2SK": "2026-11-02T00:00:00Z#x#y",
    }


@pytest.mark.parametrize(
    "columns, values",
    [
        ("pk, user_id", "'USER#1', 1"),
        ("pk, sk, user_id", "'USER#1', 'PROFILE', 1"),
        ("pk", "'USER#1'"),
    ],
)
def test_keys_that_agree_may_be_given(t, items, columns, values):
    t.execute(f"INSERT INTO users ({columns}) VALUES ({values})")
    assert one(items) == {"PK": "USER#1", "SK": "PROFILE"}


@pytest.mark.parametrize(
    "columns, values, column",
    [
        ("pk, user_id", "'USER#1', 2", "pk"),
        ("pk", "'USER#01'", "pk"),
        ("pk", "'USER#x'", "pk"),
        ("pk", "'USER#'", "pk"),
        ("pk", "''", "pk"),
        ("pk", "'PROB#1'", "pk"),
        ("sk, user_id", "'OTHER', 1", "sk"),
        ("user_id, gsi1pk, email", "1, 'EMAIL#a', 'b'", "gsi1pk"),
        ("user_id, gsi1sk, email", "1, 'ADMIN', 'b'", "gsi1sk"),
        ("user_id, gsi1pk", "1, 'MAIL#a'", "gsi1pk"),
    ],
)
def test_keys_that_contradict_are_refused(t, items, columns, values, column):
    refused(t, f"INSERT INTO users ({columns}) VALUES ({values})", BadKey, f'"{column}"')
    assert stored(items) == []


def test_a_given_half_of_an_index_key_is_refused(t, items):
    refused(t, "INSERT INTO users (user_id, gsi1sk) VALUES (1, 'USER')", Missing, '"email"')
    assert stored(items) == []


def test_all_keys_are_taken_apart_before_any_is_composed(empty, items):
    """The first index hangs on what only the key given of the second tells."""
    columns = [
        key("PK", "D#${id}"),
        key("SK", "DOC"),
        key("GSI1PK", "DAY#${at:YYYY-MM-DD}"),
        "gsi1sk text OPTIONS (attribute 'GSI1SK')",
        key("GSI2PK", "AT"),
        key("GSI2SK", "${at:iso8601:0}"),
        "id int",
        "at timestamptz",
    ]
    foreign_table(empty, "docs", columns, table_name=items.name)
    empty.execute("INSERT INTO docs (id, gsi1sk, gsi2sk) VALUES (1, 's', '2026-11-01T10:00:00Z')")
    assert one(items) == {
        "PK": "D#1",
        "SK": "DOC",
        "GSI1PK": "DAY#2026-11-01",
        "GSI1SK": "s",
        "GSI2PK": "AT",
        "GSI2SK": "2026-11-01T10:00:00Z",
    }


# ---- values that hold separators, odd types ----------------------------------------


@pytest.mark.parametrize("platform", ["a#b", "#", "a#", "#a"])
def test_values_that_hold_the_separator_are_refused(t, items, platform):
    statement = "INSERT INTO problems (platform, number) VALUES (%s, 1)"
    refused(t, statement, BadKey, "separates it", [platform])
    assert stored(items) == []


def test_empty_text_in_the_middle_of_a_key(t, items):
    t.execute("INSERT INTO problems (platform, number) VALUES ('', 1)")
    assert keys(items) == [("PROB##1", "METADATA")]
    assert t.execute("SELECT platform, number FROM problems").fetchall() == [("", 1)]


def test_keys_of_empty_text_are_refused(empty, items):
    columns = [
        key("PK", "${a}"),
        key("SK", "${b}"),
        key("GSI1PK", "${c}"),
        "a text",
        "b text",
        "c text",
    ]
    foreign_table(empty, "bare", columns, table_name=items.name)
    for values in ("'', 'b', 'c'", "'a', '', 'c'", "'a', 'b', ''"):
        refused(empty, f"INSERT INTO bare (a, b, c) VALUES ({values})", BadKey, "empty")
    assert stored(items) == []


KINDS = {
    "numeric": (
        ["1.50", "-0.001", "0", "1e20", "100"],
        ["1.5", "-0.001", "0", "1" + "0" * 20, "100"],
    ),
    "uuid": (["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"], ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
    "boolean": (["t", "off"], ["true", "false"]),
    "mood": (["sad", "so so"], ["sad", "so so"]),
    "date": (["2026-11-01", "0001-01-01"], ["2026-11-01", "0001-01-01"]),
    "smallint": (["-7"], ["-7"]),
    "positive": (["7"], ["7"]),
    "varchar(3)": (["abc", "é€ "], ["abc", "é€ "]),
    "char(4)": (["ab"], ["ab  "]),
    "name": (["ab"], ["ab"]),
    "inet": (["10.0.0.1/8"], ["10.0.0.1/8"]),
    "short": (["ab"], ["ab"]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_variables(empty, items, kind):
    empty.execute("CREATE TYPE mood AS ENUM ('sad', 'so so')")
    empty.execute("CREATE DOMAIN positive AS int CHECK (VALUE > 0)")
    empty.execute("CREATE DOMAIN short AS varchar(3)")
    columns = [key("PK", "K#${v}#"), key("SK", "${v}"), f"v {kind}"]
    foreign_table(empty, "kinds", columns, table_name=items.name)
    values, texts = KINDS[kind]
    for value in values:
        empty.execute("INSERT INTO kinds (v) VALUES (%s)", [value])
    assert sorted(keys(items)) == sorted((f"K#{text}#", text) for text in texts)
    found = empty.execute("SELECT v::text FROM kinds").fetchall()
    expected = empty.execute(f"SELECT (unnest(%s::text[])::{kind})::text", [texts]).fetchall()
    assert sorted(found) == sorted(expected)
    assert empty.execute("DELETE FROM kinds").rowcount == len(values)


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "1e40", "12345678901234567890.12345678901234567891"]
)
def test_numbers_that_have_no_key(empty, items, value):
    foreign_table(
        empty, "n", [key("PK", "N#${v}"), key("SK", "x"), "v numeric"], table_name=items.name
    )
    statement = f"INSERT INTO n (v) VALUES ('{value}')"
    try:
        empty.execute(statement)
    except (BadKey, psycopg.errors.NumericValueOutOfRange):
        assert stored(items) == []
    else:
        assert empty.execute(f"SELECT v = '{value}' FROM n").fetchall() == [(True,)]


def test_own_attributes_are_cut_before_keys_are_composed(empty, items):
    """Reading compares the key with the attribute."""
    columns = [
        key("PK", "E#${id}"),
        key("SK", "${at:iso8601:3}"),
        "id int",
        "at timestamptz OPTIONS (attribute 'at', format 'iso8601:0')",
    ]
    foreign_table(empty, "events", columns, table_name=items.name)
    row = empty.execute(
        "INSERT INTO events (id, at) VALUES (1, '2026-11-01 10:00:00.123') RETURNING *"
    ).fetchone()
    assert one(items) == {
        "PK": "E#1",
        "SK": "2026-11-01T10:00:00.000Z",
        "at": "2026-11-01T10:00:00Z",
    }
    assert empty.execute("SELECT * FROM events").fetchall() == [row]
    given = "INSERT INTO events (pk, sk) VALUES ('E#2', '2026-11-01T10:00:00.123Z')"
    refused(empty, given, BadKey, '"sk"')


def test_an_own_attribute_is_taken_from_a_key_that_tells_it(empty, items):
    columns = [key("PK", "E#${id}"), key("SK", "X"), "id int OPTIONS (attribute 'number')"]
    foreign_table(empty, "own", columns, table_name=items.name)
    empty.execute("INSERT INTO own (pk) VALUES ('E#5')")
    assert one(items) == {"PK": "E#5", "SK": "X", "number": Decimal(5)}


# ---- derived partitions and shards -------------------------------------------------

LOG = [
    key("PK", "LOG#${date_time:YYYY-MM-DD}#${0..3}", partitions_since="2026-01-01"),
    key("SK", "${date_time:iso8601:3}#${id}"),
    "date_time timestamptz",
    "id text",
    "message text",
]


def test_derived_partitions(empty, items):
    foreign_table(empty, "log", LOG, table_name=items.name)
    empty.execute(
        "INSERT INTO log (date_time, id) SELECT '2026-11-01'::timestamptz + i * interval '1 hour', i"
        " FROM generate_series(0, 99) i"
    )
    found = stored(items)
    days = Counter(item["PK"].split("#")[1] for item in found)
    assert days == {
        "2026-11-01": 24,
        "2026-11-02": 24,
        "2026-11-03": 24,
        "2026-11-04": 24,
        "2026-11-05": 4,
    }
    assert all(item["SK"][:10] == item["PK"].split("#")[1] for item in found)
    shards = Counter(item["PK"].split("#")[2] for item in found)
    assert set(shards) == {"0", "1", "2", "3"}
    assert empty.execute("SELECT count(DISTINCT id) FROM log").fetchone() == (100,)


def test_the_same_row_finds_its_shard(empty, items):
    foreign_table(empty, "log", LOG, table_name=items.name)
    row = "('2026-11-01 10:00:00.123456', 'x', 'm')"
    empty.execute(f"INSERT INTO log (date_time, id, message) VALUES {row}")
    # What the key does not tell decides nothing.
    for time in ("10:00:00.123", "10:00:00.123999"):
        statement = f"INSERT INTO log (date_time, id) VALUES ('2026-11-01 {time}', 'x')"
        refused(empty, statement, psycopg.errors.UniqueViolation, "already exists")
    assert len(stored(items)) == 1


def test_shards_spread_evenly(empty, items):
    columns = [key("PK", "S#${shard:00..15}"), key("SK", "${id}"), "shard int", "id int", "v int"]
    foreign_table(empty, "s", columns, table_name=items.name, insert_mode="put")
    empty.execute("INSERT INTO s (id) SELECT generate_series(1, 1600)")
    counts = Counter(item["PK"] for item in stored_pages(items))
    assert set(counts) == {f"S#{n:02}" for n in range(16)}
    assert all(60 < count < 140 for count in counts.values())
    rows = empty.execute("SELECT shard, id FROM s ORDER BY id").fetchall()
    empty.execute("DELETE FROM s")
    empty.execute("INSERT INTO s (id) SELECT generate_series(1, 1600)")
    assert empty.execute("SELECT shard, id FROM s ORDER BY id").fetchall() == rows


def stored_pages(items):
    start, found = {}, []
    while True:
        page = items.scan(ConsistentRead=True, **start)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


# FNV-1a of the variables' texts, each followed by a zero.
SHARDS_FOR_EVER = {"#4": "S#7", "x#1": "S#8", "x#2": "S#5", "é#3": "S#0"}


def test_shards_stay_what_they_were_in_other_versions(empty, items):
    """Rows that were written find their shard after every upgrade."""
    columns = [key("PK", "S#${0..9}"), key("SK", "${a}#${b}"), "a text", "b int"]
    foreign_table(empty, "s", columns, table_name=items.name)
    empty.execute("INSERT INTO s (a, b) VALUES ('x', 1), ('x', 2), ('é', 3), ('', 4)")
    assert {item["SK"]: item["PK"] for item in stored(items)} == SHARDS_FOR_EVER
    # A key without a template: the bytes that are stored.
    columns = [key("PK", "T#${0..9}"), "sk text OPTIONS (attribute 'SK')"]
    foreign_table(empty, "plain", columns, table_name=items.name)
    empty.execute("INSERT INTO plain (sk) VALUES (E'a\\n\"b'), ('é')")
    plain = {item["SK"]: item["PK"] for item in stored(items) if item["PK"][0] == "T"}
    assert plain == {'a\n"b': "T#9", "é": "T#7"}


def test_a_shard_that_is_given_stays(empty, items):
    columns = [key("PK", "S#${shard:0..9}"), key("SK", "${id}"), "shard text", "id int"]
    foreign_table(empty, "s", columns, table_name=items.name)
    for shard in range(10):
        empty.execute("INSERT INTO s (shard, id) VALUES (%s, 1)", [str(shard)])
    assert keys(items) == [(f"S#{n}", "1") for n in range(10)]
    for shard in ("10", "-1", "01", "x", ""):
        refused(empty, "INSERT INTO s (shard, id) VALUES (%s, 1)", BadKey, '"shard"', [shard])
    empty.execute("INSERT INTO s (pk, id) VALUES ('S#3', 2)")
    assert ("S#3", "2") in keys(items)


def test_a_shard_without_a_name_may_be_given_in_the_key(empty, items):
    foreign_table(empty, "log", LOG, table_name=items.name)
    for shard in range(4):
        empty.execute(
            "INSERT INTO log (pk, sk) VALUES (%s, '2026-11-01T10:00:00.123Z#x')",
            [f"LOG#2026-11-01#{shard}"],
        )
    refused(
        empty,
        "INSERT INTO log (pk, sk) VALUES ('LOG#2026-11-01#4', '2026-11-01T10:00:00.123Z#x')",
        BadKey,
        '"pk"',
    )
    assert len(stored(items)) == 4
    found = empty.execute("SELECT DISTINCT date_time::text, id FROM log").fetchall()
    assert found == [("2026-11-01 10:00:00.123+00", "x")]


def test_the_day_of_a_key_is_no_time(empty, items):
    """A partition that is given does not say when it was."""
    columns = [
        key("PK", "LOG#${at:YYYY-MM-DD}"),
        key("SK", "${id}"),
        "id int",
        "at timestamptz OPTIONS (attribute 'at', format 'epoch_ms', type 'N')",
    ]
    foreign_table(empty, "log", columns, table_name=items.name)
    refused(empty, "INSERT INTO log (pk, id) VALUES ('LOG#2026-11-01', 1)", Missing, '"at"')
    empty.execute("INSERT INTO log (pk, id, at) VALUES ('LOG#2026-11-01', 1, '2026-11-01 10:00')")
    refused(
        empty,
        "INSERT INTO log (pk, id, at) VALUES ('LOG#2026-11-01', 2, '2026-11-02')",
        BadKey,
        '"pk"',
    )
    assert one(items) == {"PK": "LOG#2026-11-01", "SK": "1", "at": Decimal(1793527200000)}
    # Within its day it may move; then it would be another key.
    empty.execute("UPDATE log SET at = '2026-11-01 11:00'")
    assert one(items)["at"] == Decimal(1793530800000)
    refused(empty, "UPDATE log SET at = '2026-11-02'", KeyChange, '"at"')
    refused(empty, "UPDATE log SET at = NULL", KeyChange, '"at"')


LANES = [
    key("PK", "POST#${id}"),
    key("SK", "POST"),
    key("GSI1PK", "FEED#${lane:0..3}"),
    key("GSI1SK", "${published_at:iso8601:0}#${id}"),
    "id int",
    "lane int",
    "published_at timestamptz",
    "title text",
]


def test_shards_of_an_index(empty, items):
    foreign_table(empty, "posts", LANES, table_name=items.name)
    empty.execute(
        "INSERT INTO posts (id, published_at) SELECT i, '2026-11-01' FROM generate_series(1, 80) i"
    )
    found = stored(items)
    lanes = Counter(item["GSI1PK"] for item in found)
    assert set(lanes) == {f"FEED#{n}" for n in range(4)}
    rows = empty.execute("SELECT id, lane FROM posts").fetchall()
    assert {(f"POST#{i}", f"FEED#{lane}") for i, lane in rows} == {
        (item["PK"], item["GSI1PK"]) for item in found
    }


def test_no_shard_without_the_rest_of_the_index_key(empty, items):
    foreign_table(empty, "posts", LANES, table_name=items.name)
    row = empty.execute("INSERT INTO posts (id, title) VALUES (1, 't') RETURNING *").fetchone()
    assert one(items) == {"PK": "POST#1", "SK": "POST", "title": "t"}
    assert row == ("POST#1", "POST", None, None, 1, None, None, "t")
    refused(empty, "INSERT INTO posts (id, lane) VALUES (2, 3)", Missing, '"published_at"')


def test_an_update_moves_into_an_index_with_shards_and_out(empty, items):
    foreign_table(empty, "posts", LANES, table_name=items.name)
    lane = empty.execute(
        "INSERT INTO posts (id, published_at) VALUES (1, '2026-11-01') RETURNING lane"
    ).fetchone()[0]
    row = empty.execute(
        "UPDATE posts SET published_at = NULL RETURNING gsi1pk, gsi1sk, lane, published_at"
    ).fetchone()
    assert row == (None, None, None, None)
    assert one(items) == {"PK": "POST#1", "SK": "POST"}
    row = empty.execute(
        "UPDATE posts SET published_at = '2026-11-02' RETURNING gsi1pk, gsi1sk, lane"
    ).fetchone()
    assert row == (f"FEED#{lane}", "2026-11-02T00:00:00Z#1", lane)
    other = (lane + 1) % 4
    empty.execute("UPDATE posts SET lane = %s", [other])
    assert one(items)["GSI1PK"] == f"FEED#{other}"
    # A lane that somebody chose stays.
    empty.execute("UPDATE posts SET published_at = '2026-11-03'")
    assert one(items)["GSI1PK"] == f"FEED#{other}"
    refused(empty, "UPDATE posts SET lane = 2, published_at = NULL", Missing, '"published_at"')
    refused(empty, "UPDATE posts SET lane = 4", BadKey, '"lane"')


# ---- UPDATE ------------------------------------------------------------------------


@pytest.fixture
def ann(t, items):
    t.execute("INSERT INTO users (user_id, email, name) VALUES (42, 'a@b.c', 'Ann')")
    return t


ANN = {"PK": "USER#42", "SK": "PROFILE", "GSI1PK": "EMAIL#a@b.c", "GSI1SK": "USER", "name": "Ann"}


def test_update_of_other_columns_leaves_keys_alone(ann, items, proxy):
    items.update_item(
        Key={"PK": "USER#42", "SK": "PROFILE"},
        UpdateExpression="SET extra = :x",
        ExpressionAttributeValues={":x": 1},
    )
    with proxy.record() as calls:
        ann.execute("UPDATE users SET visits = coalesce(visits, 0) + 1 WHERE user_id = 42")
    assert one(items) == {**ANN, "extra": 1, "visits": 1}
    assert calls.operations == ["GetItem", "UpdateItem"]
    assert set(calls[1].request["ExpressionAttributeNames"].values()) == {"PK", "visits"}


def test_update_recomposes_index_keys(ann, items):
    row = ann.execute(
        "UPDATE users SET email = 'x@y.z' WHERE user_id = 42 RETURNING gsi1pk, gsi1sk, email"
    ).fetchone()
    assert row == ("EMAIL#x@y.z", "USER", "x@y.z")
    assert one(items) == {**ANN, "GSI1PK": "EMAIL#x@y.z"}
    assert ann.execute("SELECT user_id FROM users WHERE email = 'x@y.z'").fetchall() == [(42,)]


def test_update_removes_index_keys_and_brings_them_back(ann, items):
    row = ann.execute("UPDATE users SET email = NULL RETURNING gsi1pk, gsi1sk, email").fetchone()
    assert row == (None, None, None)
    assert one(items) == {"PK": "USER#42", "SK": "PROFILE", "name": "Ann"}
    ann.execute("UPDATE users SET email = 'a@b.c'")
    assert one(items) == ANN


def test_half_of_an_index_key_is_an_error(t, items):
    t.execute("INSERT INTO problems (platform, number, level) VALUES ('leet', 7, 2)")
    t.execute("UPDATE problems SET level = NULL")  # the other half hangs on the table's key
    assert one(items) == {"PK": "PROB#leet#7", "SK": "METADATA"}
    columns = [*PROBLEMS[:3], key("GSI1SK", "${rank:05}"), *PROBLEMS[4:], "rank int"]
    foreign_table(t, "ranked", columns, table_name=items.name)
    refused(t, "UPDATE ranked SET rank = 1", Missing, '"level".*while column "rank"')
    t.execute("UPDATE ranked SET rank = 1, level = 3")
    assert one(items)["GSI1SK"] == "00001"
    refused(t, "UPDATE ranked SET level = NULL", Missing, '"level".*while column "rank"')
    refused(t, "INSERT INTO ranked (platform, number, rank) VALUES ('a', 1, 1)", Missing, '"level"')
    t.execute("UPDATE ranked SET level = NULL, rank = NULL")
    assert one(items) == {"PK": "PROB#leet#7", "SK": "METADATA"}


def test_variables_of_the_table_key_cannot_be_changed(ann, items):
    refused(ann, "UPDATE users SET user_id = 43", KeyChange, 'cannot change column "user_id"')
    refused(ann, "UPDATE users SET user_id = NULL", KeyChange, 'cannot change column "user_id"')
    refused(ann, "UPDATE users SET pk = 'USER#43'", KeyChange, 'cannot change column "pk"')
    refused(ann, "UPDATE users SET pk = NULL", KeyChange, 'cannot change column "pk"')
    assert (
        ann.execute("UPDATE users SET user_id = 42, pk = 'USER#42', sk = 'PROFILE'").rowcount == 1
    )
    ann.execute("UPDATE users SET user_id = user_id, name = 'Bea'")
    assert one(items) == {**ANN, "name": "Bea"}


def test_a_time_of_the_table_key_that_is_cut_to_the_same_may_be_set(t, items):
    t.execute("INSERT INTO history (user_id, searched_at, id) VALUES (1, '2026-11-01', 'x')")
    row = t.execute(
        "UPDATE history SET searched_at = searched_at + interval '1 microsecond', title = 'y'"
        " RETURNING searched_at::text"
    ).fetchone()
    assert row == ("2026-11-01 00:00:00+00",)
    refused(
        t,
        "UPDATE history SET searched_at = searched_at + interval '1 ms'",
        KeyChange,
        "searched_at",
    )


def test_templated_columns_of_indexes_may_be_set(ann, items):
    row = ann.execute("UPDATE users SET gsi1pk = 'EMAIL#new' RETURNING email, gsi1sk").fetchone()
    assert row == ("new", "USER")
    assert one(items) == {**ANN, "GSI1PK": "EMAIL#new"}
    refused(ann, "UPDATE users SET gsi1pk = 'MAIL#new'", BadKey, '"gsi1pk"')
    refused(ann, "UPDATE users SET gsi1pk = 'EMAIL#x', email = 'y'", BadKey, '"gsi1pk"')
    refused(
        ann, "UPDATE users SET gsi1pk = 'EMAIL#x', email = NULL", psycopg.Error, '"gsi1pk"|"email"'
    )
    refused(ann, "UPDATE users SET gsi1sk = 'ADMIN'", BadKey, '"gsi1sk"')
    assert one(items) == {**ANN, "GSI1PK": "EMAIL#new"}
    assert ann.execute("UPDATE users SET gsi1pk = NULL RETURNING email, gsi1sk").fetchone() == (
        None,
        None,
    )
    assert one(items) == {"PK": "USER#42", "SK": "PROFILE", "name": "Ann"}


def test_a_constant_key_of_an_index_may_be_removed(t, items):
    """No variable says that it is not in the feed, so its key does."""
    columns = [*HISTORY[:3], key("GSI2SK", "${searched_at:iso8601:3}", "feed_at"), *HISTORY[4:]]
    foreign_table(t, "fed", columns, table_name=items.name)
    t.execute("INSERT INTO fed (user_id, searched_at, id) VALUES (1, '2026-11-01', 'x')")
    assert one(items)["GSI2PK"] == "PUBLIC#HIST"
    assert t.execute("UPDATE fed SET feed = NULL RETURNING feed, feed_at").fetchone() == (
        None,
        None,
    )
    assert one(items) == {"PK": "USER#1", "SK": "HIST#2026-11-01T00:00:00.000Z#x"}
    row = t.execute("UPDATE fed SET feed = 'PUBLIC#HIST' RETURNING feed_at").fetchone()
    assert row == ("2026-11-01T00:00:00.000Z",)
    assert one(items)["GSI2SK"] == "2026-11-01T00:00:00.000Z"


def test_what_a_key_that_is_set_tells_reaches_other_indexes(empty, items):
    columns = [
        key("PK", "D#${id}"),
        key("SK", "DOC"),
        key("GSI1PK", "OWNER#${owner}"),
        key("GSI1SK", "DOC"),
        key("GSI2PK", "BY#${owner}"),
        key("GSI2SK", "DOC"),
        "id int",
        "owner text",
    ]
    foreign_table(empty, "docs", columns, table_name=items.name)
    empty.execute("INSERT INTO docs (id, owner) VALUES (1, 'a')")
    empty.execute("UPDATE docs SET gsi1pk = 'OWNER#b'")
    assert one(items)["GSI2PK"] == "BY#b"
    row = empty.execute("UPDATE docs SET gsi1pk = NULL RETURNING owner, gsi2pk").fetchone()
    assert row == (None, None)
    assert one(items) == {"PK": "D#1", "SK": "DOC"}


def test_a_variable_of_the_table_key_that_an_index_key_tells(empty, items):
    """Without it, or with another day, the item would be no row any more."""
    columns = [
        key("PK", "DAY#${at:YYYY-MM-DD}"),
        key("SK", "${id}"),
        key("GSI1PK", "ALL"),
        key("GSI1SK", "${at:iso8601:0}"),
        "id int",
        "at timestamptz",
        "v int",
    ]
    foreign_table(empty, "days", columns, table_name=items.name)
    empty.execute("INSERT INTO days (id, at) VALUES (1, '2026-11-01 10:00')")
    empty.execute("UPDATE days SET gsi1sk = '2026-11-01T11:00:00Z'")
    empty.execute("UPDATE days SET gsi1sk = '2026-11-01T11:30:00Z', v = id")
    before = one(items)
    assert before["GSI1SK"] == "2026-11-01T11:30:00Z"
    for sets in (
        "gsi1sk = '2026-11-02T11:00:00Z'",
        "gsi1sk = NULL",
        "gsi1pk = NULL, gsi1sk = NULL",
        "at = '2026-11-02'",
        "at = NULL",
    ):
        refused(empty, f"UPDATE days SET {sets}", KeyChange, '"at"')
        refused(
            empty, f"UPDATE days SET {sets} FROM (VALUES (1)) l (i) WHERE i = id", KeyChange, '"at"'
        )
    refused(empty, "UPDATE days SET gsi1pk = NULL", psycopg.Error, '"at"')
    assert one(items) == before
    assert empty.execute("UPDATE days SET at = '2026-11-01 12:00' RETURNING gsi1sk").fetchone() == (
        "2026-11-01T12:00:00Z",
    )


def test_plain_columns_of_an_index_key(empty, items):
    """What has no template of its own belongs to the key as well."""
    columns = [*USERS[:3], "rank text OPTIONS (attribute 'GSI1SK')", *USERS[4:]]
    foreign_table(empty, "ranked", columns, table_name=items.name)
    refused(empty, "INSERT INTO ranked (user_id, email) VALUES (1, 'a')", Missing, '"rank"')
    empty.execute("INSERT INTO ranked (user_id, rank) VALUES (1, 'r')")
    assert one(items) == {"PK": "USER#1", "SK": "PROFILE", "GSI1SK": "r"}
    empty.execute("UPDATE ranked SET email = 'a'")
    assert one(items) == {"PK": "USER#1", "SK": "PROFILE", "GSI1SK": "r", "GSI1PK": "EMAIL#a"}
    refused(empty, "UPDATE ranked SET rank = NULL", Missing, '"rank"')
    empty.execute("UPDATE ranked SET email = NULL")
    assert one(items) == {"PK": "USER#1", "SK": "PROFILE", "GSI1SK": "r"}


def test_an_index_attribute_that_several_indexes_share(empty, ddb_resource):
    """It matches by itself; the others need it."""
    definition = {
        **TABLE,
        "GlobalSecondaryIndexes": [dict(i) for i in TABLE["GlobalSecondaryIndexes"]],
    }
    definition["GlobalSecondaryIndexes"][1]["KeySchema"] = [
        {"AttributeName": "GSI2PK", "KeyType": "HASH"},
        {"AttributeName": "GSI1PK", "KeyType": "RANGE"},
    ]
    definition["AttributeDefinitions"] = [
        a for a in TABLE["AttributeDefinitions"] if a["AttributeName"] != "GSI2SK"
    ]
    items = load_table(ddb_resource, f"Shared{uuid.uuid4().hex}", definition, [])
    columns = [
        key("PK", "D#${id}"),
        key("SK", "DOC"),
        key("GSI2PK", "ALL"),
        key("GSI1SK", "${n:03}"),
        key("GSI1PK", "O#${owner}"),
        "id int",
        "owner text",
        "n int",
    ]
    foreign_table(empty, "docs", columns, table_name=items.name)
    base = {"PK": "D#1", "SK": "DOC"}
    empty.execute("INSERT INTO docs (id) VALUES (1)")
    assert one(items) == base
    empty.execute("UPDATE docs SET owner = 'a'")
    assert one(items) == {**base, "GSI2PK": "ALL", "GSI1PK": "O#a"}
    refused(empty, "UPDATE docs SET owner = NULL, n = 1", Missing, '"owner"|"gsi1pk"')
    empty.execute("UPDATE docs SET n = 1")
    assert one(items) == {**base, "GSI2PK": "ALL", "GSI1PK": "O#a", "GSI1SK": "001"}
    row = empty.execute("UPDATE docs SET owner = NULL, n = NULL RETURNING *").fetchone()
    assert row == ("D#1", "DOC", None, None, None, 1, None, None)
    assert one(items) == base
    items.delete()


def test_a_key_of_an_index_that_was_something_else_is_written_over(t, items):
    items.put_item(Item={"PK": "USER#1", "SK": "PROFILE", "GSI1PK": "OLD#1", "GSI1SK": "x"})
    t.execute("UPDATE users SET name = 'Ann'")
    assert one(items)["GSI1PK"] == "OLD#1"
    t.execute("UPDATE users SET email = 'a'")
    assert one(items) == {
        "PK": "USER#1",
        "SK": "PROFILE",
        "GSI1PK": "EMAIL#a",
        "GSI1SK": "USER",
        "name": "Ann",
    }


def test_triggers_change_variables(ann, items):
    ann.execute(
        "CREATE FUNCTION lower_email() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.email := lower(NEW.email); RETURN NEW; END $$;"
        " CREATE TRIGGER t BEFORE INSERT OR UPDATE ON users"
        " FOR EACH ROW EXECUTE FUNCTION lower_email()"
    )
    ann.execute("INSERT INTO users (user_id, email) VALUES (1, 'ABC')")
    ann.execute("UPDATE users SET email = 'X@Y' WHERE user_id = 42")
    assert [item["GSI1PK"] for item in stored(items)] == ["EMAIL#abc", "EMAIL#x@y"]


# ---- other entities' items -----------------------------------------------------------


@pytest.fixture
def crowd(t, items):
    """Every entity has items, and some items are of none."""
    t.execute(
        "INSERT INTO users (user_id, email, name) SELECT i, 'u' || i, 'n' FROM generate_series(1, 5) i;"
        "INSERT INTO history (user_id, searched_at, id, published_at)"
        " SELECT u, '2026-11-01'::timestamptz + i * interval '1 h', i, '2026-11-09'"
        " FROM generate_series(1, 5) u, generate_series(1, 4) i;"
        "INSERT INTO problems (platform, number, level) SELECT 'leet', i, 1 FROM generate_series(1, 5) i;"
        "INSERT INTO cases (platform, number, case_number)"
        " SELECT 'leet', p, c FROM generate_series(1, 5) p, generate_series(1, 6) c"
    )
    for pk, sk in [
        ("USER#042", "PROFILE"),
        ("USER#x", "PROFILE"),
        ("USER#1", "PROFILES"),
        ("USER#1", "HIST#2026-11-01#h"),
        ("USER#1", "HIST#2026-11-01T00:00:00Z#h"),
        ("PROB#leet#1", "CASE#1"),
        ("PROB#leet#1", "CASE#0001"),
        ("PROB#leet#01", "METADATA"),
        ("CONFIG", "CONFIG"),
    ]:
        items.put_item(
            Item={"PK": pk, "SK": sk, "name": 17, "title": "t", "input": "i", "bytes": b"\0"}
        )
    return t


SIZES = {"users": 5, "history": 20, "problems": 5, "cases": 30}


def belongs(item, table):
    """Written out, so that no template decides it."""
    patterns = {
        "users": r"USER#(0|[1-9]\d*)\|PROFILE",
        "history": r"USER#(0|[1-9]\d*)\|HIST#\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#.*",
        "problems": r"PROB#[^#]*#(0|[1-9]\d*)\|METADATA",
        "cases": r"PROB#[^#]*#(0|[1-9]\d*)\|CASE#\d{3}",
    }
    return re.fullmatch(patterns[table], f"{item['PK']}|{item['SK']}") is not None


@pytest.mark.parametrize("table", ENTITIES)
def test_delete_without_where_touches_no_other_entity(crowd, items, table):
    before = stored(items)
    assert crowd.execute(f"DELETE FROM {table}").rowcount == SIZES[table]
    assert stored(items) == [item for item in before if not belongs(item, table)]


@pytest.mark.parametrize("table", ENTITIES)
def test_update_without_where_touches_no_other_entity(crowd, items, table):
    before = stored(items)
    column = {"users": "name", "cases": "input"}.get(table, "title")
    assert crowd.execute(f"UPDATE {table} SET {column} = 'new'").rowcount == SIZES[table]
    assert stored(items) == [
        {**item, column: "new"} if belongs(item, table) else item for item in before
    ]


@pytest.mark.parametrize(
    "where", ["user_id = 1", "pk = 'USER#1'", "sk > ''", "title IS NULL", "user_id IN (1, 2)"]
)
def test_delete_by_key_touches_no_other_entity(crowd, items, where):
    before = stored(items)
    gone = crowd.execute(f"SELECT pk, sk FROM history WHERE {where}").fetchall()
    assert crowd.execute(f"DELETE FROM history WHERE {where}").rowcount == len(gone) > 0
    assert stored(items) == [i for i in before if (i["PK"], i["SK"]) not in gone]


def test_delete_hides_what_expired(empty, items):
    declare_time_to_live(items.name, "expires")
    columns = [*USERS, "expires bigint"]
    foreign_table(empty, "users", columns, table_name=items.name, hide_expired=True)
    foreign_table(empty, "history", HISTORY, table_name=items.name)
    empty.execute(
        "INSERT INTO users (user_id, expires) VALUES (1, %s), (2, 4102444800), (3, NULL)",
        (int(time.time()) - 100_000,),
    )
    empty.execute("INSERT INTO history (user_id, searched_at, id) VALUES (1, '2026-11-01', 'x')")
    assert empty.execute("UPDATE users SET name = 'x'").rowcount == 2
    assert empty.execute("DELETE FROM users").rowcount == 2
    assert keys(items) == [("USER#1", "HIST#2026-11-01T00:00:00.000Z#x"), ("USER#1", "PROFILE")]
    # Its key is free, whoever had it.
    empty.execute("INSERT INTO users (user_id, name) VALUES (1, 'again')")
    assert stored(items)[1] == {"PK": "USER#1", "SK": "PROFILE", "name": "again"}


# ---- COPY, INSERT … SELECT, put, conflicts, partitions ------------------------------


def test_copy_into_an_entity(t, items):
    with t.cursor().copy("COPY cases (platform, number, case_number, input) FROM STDIN") as copy:
        for i in range(500):
            copy.write_row(("leet", i // 100, i % 100, f"input {i}"))
    assert len(stored(items)) == 500
    found = t.execute(
        "SELECT platform, number, case_number, input FROM cases ORDER BY 2, 3"
    ).fetchall()
    assert found == [("leet", i // 100, i % 100, f"input {i}") for i in range(500)]
    with pytest.raises(BadKey, match='"platform"'):
        with t.cursor().copy("COPY cases (platform, number, case_number) FROM STDIN") as copy:
            copy.write_row(("a#b", 1, 1))


def test_insert_from_another_entity(crowd, items):
    before = stored(items)
    cursor = crowd.execute(
        "INSERT INTO history (user_id, searched_at, id, title)"
        " SELECT number, '2026-12-01'::timestamptz, platform || '#' || case_number, input FROM cases"
    )
    assert cursor.rowcount == 30
    after = stored(items)
    made = [item for item in after if item not in before]
    assert len(after) == len(before) + 30
    assert {(item["PK"], item["SK"]) for item in made} == {
        (f"USER#{p}", f"HIST#2026-12-01T00:00:00.000Z#leet#{c}")
        for p in range(1, 6)
        for c in range(1, 7)
    }


def test_insert_into_the_entity_that_is_read(crowd, items):
    """Each of the rows that were there becomes one."""
    cursor = crowd.execute(
        "INSERT INTO cases (platform, number, case_number) SELECT platform, number, case_number + 100 FROM cases"
    )
    assert cursor.rowcount == 30
    assert crowd.execute("SELECT count(*) FROM cases").fetchone() == (60,)


def test_put_mode_replaces_items(empty, items):
    foreign_table(empty, "users", USERS, table_name=items.name, insert_mode="put")
    empty.execute("INSERT INTO users (user_id, email, name) VALUES (1, 'a', 'x'), (2, 'b', 'y')")
    empty.execute("INSERT INTO users (user_id, name) VALUES (1, 'z'), (3, 'u'), (1, 'last')")
    assert stored(items) == [
        {"PK": "USER#1", "SK": "PROFILE", "name": "last"},
        {"PK": "USER#2", "SK": "PROFILE", "GSI1PK": "EMAIL#b", "GSI1SK": "USER", "name": "y"},
        {"PK": "USER#3", "SK": "PROFILE", "name": "u"},
    ]


def test_conflicts(ann, items):
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        ann.execute("INSERT INTO users (user_id) VALUES (42)")
    assert caught.value.diag.message_detail == "Key (pk, sk)=(USER#42, PROFILE) already exists."
    cursor = ann.execute(
        "INSERT INTO users (user_id, name) VALUES (42, 'x'), (43, 'y'), (43, 'z') ON CONFLICT DO NOTHING"
    )
    assert cursor.rowcount == 1
    assert [item["name"] for item in stored(items)] == ["Ann", "y"]
    # The key is another one, though the partition is the same.
    ann.execute("INSERT INTO history (user_id, searched_at, id) VALUES (42, '2026-11-01', 'x')")
    assert len(stored(items)) == 3


def test_partitioned_tables_of_entities(empty, items):
    for kind in ("todo", "done"):
        columns = [
            "pk text OPTIONS (attribute 'PK', template 'USER#${user_id}')",
            f"sk text OPTIONS (attribute 'SK', template '{kind.upper()}#${{n:03}}')",
            "kind text",
            "user_id bigint",
            "n int",
            "body text",
        ]
        foreign_table(empty, kind, columns, table_name=items.name)
    empty.execute(
        "CREATE TABLE notes (pk text, sk text, kind text, user_id bigint, n int, body text)"
        " PARTITION BY LIST (kind)"
    )
    for kind in ("todo", "done"):
        empty.execute(f"ALTER TABLE notes ATTACH PARTITION {kind} FOR VALUES IN ('{kind}')")
    cursor = empty.execute(
        "INSERT INTO notes (kind, user_id, n, body)"
        " SELECT CASE i % 2 WHEN 0 THEN 'todo' ELSE 'done' END, 1, i, 'b' FROM generate_series(1, 10) i"
    )
    assert cursor.rowcount == 10
    assert keys(items) == [
        ("USER#1", f"{kind}#{n:03}")
        for kind, first in (("DONE", 1), ("TODO", 2))
        for n in range(first, 11, 2)
    ]
    assert empty.execute("UPDATE notes SET body = 'c' WHERE n > 5").rowcount == 5
    assert empty.execute("DELETE FROM notes WHERE kind = 'todo'").rowcount == 5
    assert [item["body"] for item in stored(items)] == ["b", "b", "b", "c", "c"]


# ---- reading by an index while its keys change ----------------------------------------


LADDER = [
    key("PK", "USER#${user_id}"),
    key("SK", "PROFILE"),
    key("GSI1PK", "ALL"),
    key("GSI1SK", "${rank:05}"),
    "user_id bigint",
    "rank int",
    "visits int",
]


@pytest.mark.parametrize("where", ["rank >= 0", "gsi1pk = 'ALL' AND rank BETWEEN 1 AND 5000"])
def test_an_update_meets_no_row_twice(empty, items, proxy, where):
    """Items move ahead in the index that the statement reads."""
    foreign_table(empty, "ladder", LADDER, table_name=items.name)
    empty.execute(
        "INSERT INTO ladder (user_id, rank, visits) SELECT i, i, 0 FROM generate_series(1, 60) i"
    )
    with proxy.inject(pages_of(5), operation="Query"), proxy.record() as calls:
        cursor = empty.execute(
            f"UPDATE ladder SET rank = rank + 20, visits = visits + 1 WHERE {where}"
        )
    assert "Query" in calls.operations
    assert Counter(item["visits"] for item in stored(items)) == {1: 60}
    assert cursor.rowcount == 60


def test_a_join_updates_a_row_once(t, items):
    """As on local tables: whichever of the matching rows comes first."""
    t.execute("INSERT INTO users (user_id, visits) VALUES (1, 0), (2, 0)")
    t.execute("CREATE TABLE local (id bigint)")
    t.execute("INSERT INTO local VALUES (1), (1), (2), (3), (1)")
    for plan in ("enable_nestloop", "enable_hashjoin"):
        t.execute("UPDATE users SET visits = 0")
        t.execute(f"SET {plan} = off")
        cursor = t.execute(
            "UPDATE users u SET visits = visits + 1 FROM local l WHERE l.id = u.user_id"
        )
        assert cursor.rowcount == 2
        assert [item["visits"] for item in stored(items)] == [1, 1]
        t.execute(f"RESET {plan}")


def test_rows_of_a_statement_are_not_its_source(t, items, proxy):
    """What INSERT puts into the table that it reads is not read by it."""
    t.execute(
        "INSERT INTO cases (platform, number, case_number) SELECT 'a', 1, i FROM generate_series(0, 9) i"
    )
    for rows in (10, 20):
        with (
            proxy.inject(pages_of(3), operation="Scan"),
            proxy.inject(pages_of(3), operation="Query"),
        ):
            cursor = t.execute(
                "INSERT INTO cases (platform, number, case_number)"
                " SELECT platform, number, case_number + %s FROM cases",
                [rows],
            )
        assert cursor.rowcount == rows
        with proxy.inject(pages_of(3), operation="Query"):
            cursor = t.execute(
                "INSERT INTO history (user_id, searched_at, id) SELECT 1, '2026-11-01', case_number::text || %s"
                " FROM cases WHERE platform = 'a' AND number = 1 RETURNING id",
                [f"-{rows}"],
            )
        assert cursor.rowcount == 2 * rows
    assert len(keys(items)) == 40 + 60
    with proxy.inject(pages_of(3), operation="Query"):
        cursor = t.execute(
            "INSERT INTO cases (platform, number, case_number)"
            " SELECT platform, number, case_number + 100 FROM cases WHERE platform = 'a' AND number = 1 RETURNING 1"
        )
    assert cursor.rowcount == 40


# ---- rows that need not be read -------------------------------------------------------


def test_writes_by_the_whole_key_read_nothing(crowd, items, proxy):
    before = stored(items)
    with proxy.record() as calls:
        assert crowd.execute("DELETE FROM users WHERE user_id IN (1, 2, 99)").rowcount == 2
        assert crowd.execute("UPDATE users SET name = 'new' WHERE user_id = 3").rowcount == 1
    assert calls.operations == ["DeleteItem"] * 3 + ["UpdateItem"]
    gone = [("USER#1", "PROFILE"), ("USER#2", "PROFILE")]
    assert stored(items) == [
        {**i, "name": "new"} if (i["PK"], i["SK"]) == ("USER#3", "PROFILE") else i
        for i in before
        if (i["PK"], i["SK"]) not in gone
    ]


@pytest.mark.parametrize("statement", ["DELETE FROM own", "UPDATE own SET v = 2"])
def test_an_item_whose_attribute_contradicts_its_key_is_no_row(empty, items, statement):
    columns = [
        key("PK", "E#${id}"),
        key("SK", "${at:YYYY-MM-DD}"),
        "id int OPTIONS (attribute 'number')",
        "at timestamptz",
        "v int",
    ]
    foreign_table(empty, "own", columns, table_name=items.name)
    empty.execute("INSERT INTO own (id, at, v) VALUES (1, '2026-11-01 10:00', 1)")
    good = one(items)
    bad = [{**good, "PK": "E#2"}, {**good, "PK": "E#3", "number": 3, "at": "2026-11-02T10:00:00Z"}]
    for item in bad:
        items.put_item(Item=item)
    for where in (
        "id = 2",
        "id IN (2, 3)",
        "pk = 'E#2' AND sk = '2026-11-01'",
        "pk = 'E#3' AND sk = '2026-11-01'",
    ):
        assert empty.execute(f"{statement} WHERE {where}").rowcount == 0
    assert stored(items) == [good, *bad]
    assert empty.execute(statement).rowcount == 1
    assert stored(items)[-2:] == bad


# ---- RETURNING ------------------------------------------------------------------------


def test_returning_shows_whole_items_and_overflow(empty, items):
    """Other columns make them what they are."""
    foreign_table(
        empty,
        "whole",
        [*USERS, "item jsonb OPTIONS (attribute '*')"],
        table_name=items.name,
    )
    foreign_table(
        empty, "rest", [*USERS, "rest jsonb OPTIONS (overflow 'true')"], table_name=items.name
    )
    keys_of = {"PK": "USER#1", "SK": "PROFILE"}
    (row,) = empty.execute("INSERT INTO whole (user_id) VALUES (1) RETURNING item").fetchone()
    assert row == keys_of
    (row,) = empty.execute("UPDATE whole SET name = 'x' RETURNING item").fetchone()
    assert row == {**keys_of, "name": "x"}
    (row,) = empty.execute(
        "UPDATE whole SET email = 'e' FROM (VALUES (1)) v (id) WHERE id = user_id RETURNING item"
    ).fetchone()
    assert row == {**keys_of, "name": "x", "GSI1PK": "EMAIL#e", "GSI1SK": "USER"}
    assert empty.execute("INSERT INTO rest (user_id) VALUES (2) RETURNING rest").fetchone() == ({},)
    row = empty.execute(
        "UPDATE rest SET rest = '{\"a\": 1}' WHERE user_id = 2 RETURNING rest, pk, user_id"
    ).fetchone()
    assert row == ({"a": 1}, "USER#2", 2)
