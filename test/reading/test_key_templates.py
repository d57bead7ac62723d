# SPDX-License-Identifier: PostgreSQL
"""Key templates: several entities in one DynamoDB table, each a foreign table."""

import datetime
import os
from random import Random

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.regress_data import load_table
from support.single_table import TABLE
from support.systems import definition, index
from support.wire import in_short

QUERIES = int(os.environ.get("DDB_TEMPLATE_QUERIES", "25"))


def stamp(day, hour=0, minute=0):
    return f"2026-11-{day:02}T{hour:02}:{minute:02}:00.000Z"


def history(user, day, hour, ident, **more):
    return {
        "PK": f"USER#{user}",
        "SK": f"HIST#{stamp(day, hour)}#{ident}",
        "title": f"search {ident}",
        **more,
    }


ITEMS = [
    # users, found by their address too
    *(
        {
            "PK": f"USER#{user}",
            "SK": "PROFILE",
            "GSI1PK": f"EMAIL#u{user}@example.com",
            "GSI1SK": "USER",
            "name": f"User {user}",
        }
        for user in (1, 2, 42)
    ),
    # what they searched for: some of it is public
    *(history(42, day, hour, f"h{day}{hour:02}") for day in range(1, 11) for hour in (8, 20)),
    *(
        history(1, day, 9, f"p{day}", GSI2PK="PUBLIC#HIST", GSI2SK=stamp(day, 9))
        for day in range(1, 31)
    ),
    history(2, 5, 5, "a#b"),
    # what they used
    *(
        {
            "PK": f"USER#{user}",
            "SK": f"USE#2026-11-{day:02}#{n:04}",
            "cost": n,
        }
        for user in (1, 42)
        for day in (1, 2, 3)
        for n in range(5)
    ),
    # problems, and their test cases under the same partition key
    *(
        {
            "PK": f"PROB#{platform}#{number}",
            "SK": "METADATA",
            "GSI1PK": f"LEVEL#{number % 3}",
            "GSI1SK": f"{number * 100:05}",
            "title": f"{platform} {number}",
        }
        for platform in ("leet", "rank")
        for number in range(1, 7)
    ),
    *(
        {"PK": f"PROB#leet#{number}", "SK": f"CASE#{case:03}", "input": f"{number}/{case}"}
        for number in (1, 2)
        for case in range(1, 11)
    ),
    # rows whose index keys say something else
    {"PK": "USER#9", "SK": "PROFILE", "name": "User 9", "GSI1PK": "EMAIL#u9@example.com"},
    {"PK": "USER#10", "SK": "PROFILE", "name": "Ten", "GSI1PK": "EMAIL#u10", "GSI1SK": "ADMIN"},
    {"PK": "PROB#rank#9", "SK": "METADATA", "GSI1PK": "LEVEL#x", "GSI1SK": "00300"},
    {"PK": "PROB#rank#10", "SK": "METADATA", "GSI1PK": "LEVEL#1", "GSI1SK": "300"},
    history(2, 6, 6, "late", GSI2PK="PUBLIC#HIST", GSI2SK=stamp(6, 7)),
    history(2, 7, 7, "other", GSI2PK="PRIVATE#HIST", GSI2SK=stamp(7, 7)),
    # what only looks as if it belonged somewhere
    {"PK": "USER#042", "SK": "PROFILE", "name": "not canonical"},
    {"PK": "USER#x", "SK": "PROFILE", "name": "no number"},
    {"PK": "USER#42", "SK": "HIST#2026-11-05#h", "title": "no time"},
    {"PK": "USER#42", "SK": f"HIST#{stamp(6)}", "title": "no id"},
    {"PK": "USER#42", "SK": "HIST#2026-02-31T00:00:00.000Z#x", "title": "no day"},
    {"PK": "USER#42", "SK": "HISTORY", "title": 7},
    {"PK": "PROB#leet#3", "SK": "CASE#1", "input": "not padded"},
    {"PK": "PROB#leet#3", "SK": "CASE#-01", "input": "negative"},
    {"PK": "PROB#leet", "SK": "METADATA", "title": "no number"},
    {"PK": "CONFIG", "SK": "CONFIG", "name": 17},
]

ENTITIES = {
    "users": [
        "pk text OPTIONS (attribute 'PK', template 'USER#${user_id}') COLLATE \"C\"",
        "sk text OPTIONS (attribute 'SK', template 'PROFILE') COLLATE \"C\"",
        "gsi1pk text OPTIONS (attribute 'GSI1PK', template 'EMAIL#${email}') COLLATE \"C\"",
        "gsi1sk text OPTIONS (attribute 'GSI1SK', template 'USER') COLLATE \"C\"",
        "user_id bigint",
        "email text",
        "name text",
    ],
    "search_history": [
        "pk text OPTIONS (attribute 'PK', template 'USER#${user_id}') COLLATE \"C\"",
        "sk text OPTIONS (attribute 'SK', template 'HIST#${searched_at:iso8601:3}#${id}')"
        ' COLLATE "C"',
        "feed text OPTIONS (attribute 'GSI2PK', template 'PUBLIC#HIST') COLLATE \"C\"",
        "feed_at text OPTIONS (attribute 'GSI2SK', template '${searched_at:iso8601:3}')"
        ' COLLATE "C"',
        "user_id bigint",
        "searched_at timestamptz",
        'id text COLLATE "C"',
        "title text",
    ],
    "usage": [
        "pk text OPTIONS (attribute 'PK', template 'USER#${user_id}') COLLATE \"C\"",
        "sk text OPTIONS (attribute 'SK', template 'USE#${day}#${n}') COLLATE \"C\"",
        "user_id bigint",
        "day date",
        'n text COLLATE "C"',
        "cost int",
    ],
    "problems": [
        "pk text OPTIONS (attribute 'PK', template 'PROB#${platform}#${number}') COLLATE \"C\"",
        "sk text OPTIONS (attribute 'SK', template 'METADATA') COLLATE \"C\"",
        "level_pk text OPTIONS (attribute 'GSI1PK', template 'LEVEL#${level}') COLLATE \"C\"",
        "level_sk text OPTIONS (attribute 'GSI1SK', template '${points:05}') COLLATE \"C\"",
        "platform text",
        "number int",
        "level int",
        "points int",
        "title text",
    ],
    "cases": [
        "pk text OPTIONS (attribute 'PK', template 'PROB#${platform}#${number}') COLLATE \"C\"",
        "sk text OPTIONS (attribute 'SK', template 'CASE#${n:03}') COLLATE \"C\"",
        "platform text",
        "number int",
        "n int",
        "input text",
    ],
}


@pytest.fixture(scope="module")
def single_table(ddb_resource):
    load_table(ddb_resource, "Single", TABLE, ITEMS)


@pytest.fixture
def t(db, proxy, single_table):
    db.execute("SET timezone = 'UTC'")
    make_server(db, proxy.endpoint)
    for name, columns in ENTITIES.items():
        foreign_table(db, name, columns, table_name="Single")
    db.execute("EXPLAIN SELECT 1 FROM users")
    return db


@pytest.fixture
def sent(t, proxy):
    """Function: (rows, what was sent in short)"""

    def send(query, parameters=None):
        with proxy.record() as calls:
            rows = t.execute(query, parameters).fetchall()
        return rows, [in_short(call) for call in calls]

    return send


def test_each_entity_shows_its_own_items(t):
    for name, count in (
        ("users", 5),
        ("search_history", 53),
        ("usage", 30),
        ("problems", 14),
        ("cases", 20),
    ):
        assert len(t.execute(f"SELECT * FROM {name}").fetchall()) == count, name
        assert t.execute(f"SELECT count(*) FROM {name}").fetchone() == (count,), name


USER_42 = "PK = 'USER#42'"
HIST = "begins_with(SK, 'HIST#')"
LEET_1 = "PK = 'PROB#leet#1'"
FEED = "GSI2PK = 'PUBLIC#HIST'"

# what is asked -> rows (or how many), requests
PATTERNS = {
    # ---- users
    "SELECT name FROM users WHERE user_id = 42": (
        [("User 42",)],
        ["GetItem USER#42,PROFILE"],
    ),
    "SELECT name FROM users WHERE user_id = 7": ([], ["GetItem USER#7,PROFILE"]),
    "SELECT user_id FROM users WHERE user_id IN (1, 2, 3) ORDER BY 1": (
        [(1,), (2,)],
        ["BatchGetItem"],
    ),
    "SELECT user_id, name, email FROM users WHERE email = 'u2@example.com'": (
        [(2, "User 2", "u2@example.com")],
        ["Query on GSI1 GSI1PK = 'EMAIL#u2@example.com' AND GSI1SK = 'USER'"],
    ),
    "SELECT 1 FROM users WHERE email = 'nobody'": (
        [],
        ["Query on GSI1 GSI1PK = 'EMAIL#nobody' AND GSI1SK = 'USER'"],
    ),
    "SELECT count(*) FROM users WHERE email = ANY('{u1@example.com,u2@example.com}')": (
        [(2,)],
        [
            "Query on GSI1 GSI1PK = 'EMAIL#u1@example.com' AND GSI1SK = 'USER'",
            "Query on GSI1 GSI1PK = 'EMAIL#u2@example.com' AND GSI1SK = 'USER'",
        ],
    ),
    "SELECT name FROM users WHERE pk = 'USER#1'": ([("User 1",)], ["GetItem USER#1,PROFILE"]),
    "SELECT name FROM users WHERE pk = 'USER#042'": ([], ["GetItem USER#042,PROFILE"]),
    "SELECT name FROM users WHERE pk = 'CONFIG'": ([], []),
    "SELECT name FROM users WHERE user_id = 1 AND sk = 'HIST'": ([], []),
    "SELECT name FROM users WHERE user_id = 1 AND user_id = 2": ([], []),
    # ---- search history
    "SELECT id FROM search_history WHERE user_id = 42 ORDER BY searched_at DESC LIMIT 3": (
        [("h1020",), ("h1008",), ("h920",)],
        [f"Query {USER_42} AND {HIST} limit 3 backward"],
    ),
    "SELECT id FROM search_history WHERE user_id = 42 ORDER BY searched_at LIMIT 1": (
        [("h108",)],
        [f"Query {USER_42} AND {HIST} limit 1", f"Query {USER_42} AND {HIST} limit 1 continued"],
    ),
    "SELECT count(title) FROM search_history WHERE user_id = 42": (
        [(20,)],
        [f"Query {USER_42} AND {HIST}"],
    ),
    "SELECT id FROM search_history WHERE user_id = 42 AND searched_at >= '2026-11-09 20:00'": (
        [("h920",), ("h1008",), ("h1020",)],
        [f"Query {USER_42} AND SK BETWEEN 'HIST#{stamp(9, 20)}' AND 'HIST$'"],
    ),
    "SELECT id FROM search_history WHERE user_id = 42 AND searched_at > '2026-11-09 20:00'": (
        [("h1008",), ("h1020",)],
        [f"Query {USER_42} AND SK BETWEEN 'HIST#{stamp(9, 20)}$' AND 'HIST$'"],
    ),
    "SELECT id FROM search_history WHERE user_id = 42 AND searched_at > '2026-11-09 19:59:59.9999'"
    " ORDER BY searched_at DESC, id DESC LIMIT 2": (
        [("h1020",), ("h1008",)],
        [
            f"Query {USER_42} AND SK BETWEEN 'HIST#2026-11-09T19:59:59.999Z$' AND 'HIST$'"
            " limit 2 backward"
        ],
    ),
    "SELECT id FROM search_history WHERE user_id = 42"
    " AND searched_at BETWEEN '2026-11-02' AND '2026-11-02 20:00' ORDER BY searched_at, id": (
        [("h208",), ("h220",)],
        [f"Query {USER_42} AND SK BETWEEN 'HIST#{stamp(2)}' AND 'HIST#{stamp(2, 20)}$'"],
    ),
    "SELECT id FROM search_history WHERE user_id = 42 AND searched_at < '2026-11-01 20:00'": (
        [("h108",)],
        [f"Query {USER_42} AND SK BETWEEN 'HIST#' AND 'HIST#{stamp(1, 20)}'"],
    ),
    "SELECT id FROM search_history WHERE user_id = 42 AND searched_at = '2026-11-03 08:00'": (
        [("h308",)],
        [f"Query {USER_42} AND begins_with(SK, 'HIST#{stamp(3, 8)}#')"],
    ),
    "SELECT title FROM search_history WHERE user_id = 42 AND searched_at = '2026-11-03 08:00'"
    " AND id = 'h308'": (
        [("search h308",)],
        [f"GetItem USER#42,HIST#{stamp(3, 8)}#h308"],
    ),
    "SELECT title FROM search_history WHERE user_id = 42"
    " AND searched_at = '2026-11-03 08:00:00.0001' AND id = 'h308'": ([], []),
    "SELECT max(searched_at) FROM search_history WHERE user_id = 2": (
        [("2026-11-07 07:00:00+00",)],
        [f"Query PK = 'USER#2' AND {HIST} limit 1 backward"],
    ),
    "SELECT id FROM search_history WHERE feed IS NOT NULL ORDER BY searched_at DESC LIMIT 2": (
        [("p30",), ("p29",)],
        [f"Query on GSI2 {FEED} limit 40 backward"],
    ),
    "SELECT id FROM search_history WHERE feed_at IS NOT NULL"
    " AND searched_at >= '2026-11-29' ORDER BY searched_at DESC": (
        [("p30",), ("p29",)],
        [f"Query on GSI2 {FEED} AND GSI2SK >= '{stamp(29)}' backward"],
    ),
    # ---- usage and its limits
    "SELECT count(*) FROM usage WHERE user_id = 42 AND day = '2026-11-02'": (
        [(5,)],
        [f"Query {USER_42} AND begins_with(SK, 'USE#2026-11-02#') count"],
    ),
    "SELECT count(*) FROM usage WHERE user_id = 42": (
        [(15,)],
        [f"Query {USER_42} AND begins_with(SK, 'USE#')"],
    ),
    "SELECT sum(cost) FROM usage WHERE user_id = 1 AND day >= '2026-11-02'": (
        [(20,)],
        ["Query PK = 'USER#1' AND SK BETWEEN 'USE#2026-11-02' AND 'USE$'"],
    ),
    "SELECT n FROM usage WHERE user_id = 1 AND day = '2026-11-02' AND n > '0002' ORDER BY n": (
        [("0003",), ("0004",)],
        ["Query PK = 'USER#1' AND SK BETWEEN 'USE#2026-11-02#0002' AND 'USE#2026-11-02$'"],
    ),
    "SELECT n FROM usage WHERE user_id = 1 AND day = '2026-11-02' AND n LIKE '000%'"
    " ORDER BY n DESC LIMIT 2": (
        [("0004",), ("0003",)],
        ["Query PK = 'USER#1' AND begins_with(SK, 'USE#2026-11-02#000') limit 2 backward"],
    ),
    # ---- problems
    "SELECT title FROM problems WHERE platform = 'leet' AND number = 3": (
        [("leet 3",)],
        ["GetItem PROB#leet#3,METADATA"],
    ),
    "SELECT title FROM problems WHERE (platform, number) IN (('leet', 1), ('rank', 2))"
    " ORDER BY 1": (
        [("leet 1",), ("rank 2",)],
        ["BatchGetItem"],
    ),
    "SELECT platform, number, points FROM problems WHERE level = 2"
    " ORDER BY points DESC, platform": (
        [("leet", 5, 500), ("rank", 5, 500), ("leet", 2, 200), ("rank", 2, 200)],
        ["Query on GSI1 GSI1PK = 'LEVEL#2' backward"],
    ),
    "SELECT count(*) FROM problems WHERE level = 0 AND points BETWEEN 250 AND 450": (
        [(2,)],
        ["Query on GSI1 GSI1PK = 'LEVEL#0' AND GSI1SK BETWEEN '00250' AND '00450'"],
    ),
    "SELECT number FROM problems WHERE level = 1 AND points > 100000": ([], []),
    "SELECT number FROM problems WHERE level = 1 AND points > -5 AND platform = 'leet'": (
        [(1,), (4,)],
        ["Query on GSI1 GSI1PK = 'LEVEL#1'"],
    ),
    # ---- test cases
    "SELECT n, input FROM cases WHERE platform = 'leet' AND number = 1 AND n = 7": (
        [(7, "1/7")],
        ["GetItem PROB#leet#1,CASE#007"],
    ),
    "SELECT n FROM cases WHERE platform = 'leet' AND number = 1 ORDER BY n DESC LIMIT 2": (
        [(10,), (9,)],
        [f"Query {LEET_1} AND begins_with(SK, 'CASE#') limit 2 backward"],
    ),
    "SELECT n FROM cases WHERE platform = 'leet' AND number = 1 AND n > 8": (
        [(9,), (10,)],
        [f"Query {LEET_1} AND SK BETWEEN 'CASE#008' AND 'CASE$'"],
    ),
    "SELECT n FROM cases WHERE platform = 'leet' AND number = 1 AND n BETWEEN 2 AND 3": (
        [(2,), (3,)],
        [f"Query {LEET_1} AND SK BETWEEN 'CASE#002' AND 'CASE#003'"],
    ),
    "SELECT n FROM cases WHERE platform = 'leet' AND number = 1 AND n = 1000": ([], []),
    "SELECT n FROM cases WHERE platform = 'le#et' AND number = 1": ([], []),
}


def test_index_keys_that_do_not_match(t, sent):
    """The item stays a row, but its index key is none: by whatever way it is read."""
    query = "SELECT gsi1pk, gsi1sk, email FROM users WHERE user_id IN (9, 10)"
    assert sent(query)[0] == [(None, None, None)] * 2
    assert sent("SELECT 1 FROM users WHERE email IN ('u9@example.com', 'u10')")[0] == []
    assert sent("SELECT user_id FROM users WHERE gsi1pk = 'EMAIL#u10'")[0] == []
    query = "SELECT number FROM problems WHERE {} ORDER BY 1"
    assert sent(query.format("level IS NULL"))[0] == [(9,), (10,)]
    assert sent(query.format("points = 300 AND platform = 'rank'"))[0] == [(3,)]
    assert sent(query.format("level_pk = 'LEVEL#1' AND platform = 'rank'"))[0] == [(1,), (4,)]
    query = "SELECT id, feed, feed_at FROM search_history WHERE user_id = 2 ORDER BY searched_at"
    assert sent(query)[0] == [(ident, None, None) for ident in ("a#b", "late", "other")]
    rows, calls = sent("SELECT id FROM search_history WHERE feed_at = '2026-11-06T07:00:00.000Z'")
    assert rows == [] and "GSI2" in calls[0]


SHARED = definition(
    ("PK",),
    "PK:S GPK:S ASK:S BSK:S",
    gsis=[index("keysOnly", "GPK", "ASK", "KEYS_ONLY"), index("whole", "GPK", "BSK")],
)


@pytest.mark.parametrize("first", [0, 1])
def test_indexes_that_share_an_attribute(db, proxy, ddb_resource, first):
    """Each holds other items; the shared attribute tells of neither which."""
    items = [
        {
            "PK": f"P#{n}",
            "n": n,
            **({"GPK": f"G#{n % 2}"} if n % 7 else {}),
            **({"ASK": f"A#{n}"} if n % 3 else {}),
            **({"BSK": f"B#{n}"} if n % 4 else {}),
        }
        for n in range(1, 40)
    ]
    indexes = SHARED["GlobalSecondaryIndexes"]
    table = {**SHARED, "GlobalSecondaryIndexes": [indexes[first], indexes[1 - first]]}
    load_table(ddb_resource, f"Shared{first}", table, items)
    make_server(db, proxy.endpoint)
    columns = [
        f"{name.lower()} text OPTIONS (attribute '{name}', template '{name[0]}#${{{name[0].lower()}}}')"
        ' COLLATE "C"'
        for name in ("PK", "GPK", "ASK", "BSK")
    ]
    columns += ["p int", "g int", "a int", "b int", "n int"]
    foreign_table(db, "shared", columns, table_name=f"Shared{first}")
    for condition, belongs in {
        "g = 1": lambda item: item.get("GPK") == "G#1",
        "g = 1 AND a IS NOT NULL": lambda item: item.get("GPK") == "G#1" and "ASK" in item,
        "g = 1 AND b IS NOT NULL": lambda item: item.get("GPK") == "G#1" and "BSK" in item,
        "g IS NULL AND p < 10": lambda item: "GPK" not in item and item["n"] < 10,
    }.items():
        expected = sorted(item["n"] for item in items if belongs(item))
        rows = db.execute(f"SELECT n FROM shared WHERE {condition} ORDER BY n").fetchall()
        assert [n for (n,) in rows] == expected, condition
    # What one of them has alone says that the item is there.
    node = foreign_scan(explain(db, "SELECT n FROM shared WHERE g = 1 AND b = 5"))
    assert node["DynamoDB Index"] == "whole"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_first_column_decides_between_indexes(db, proxy, ddb_resource, order):
    """Which index tells a value does not hang on the order that DescribeTable has."""
    indexes = [index("indexA", "APK"), index("indexB", "BPK")]
    table = definition(("PK",), "PK:S APK:S BPK:S", gsis=[indexes[i] for i in order])
    items = [
        {"PK": "1", "APK": "A#7"},
        {"PK": "2", "BPK": "B#7"},
        {"PK": "3", "APK": "A#7", "BPK": "B#7"},
        {"PK": "4", "APK": "A#7", "BPK": "B#8"},
    ]
    load_table(ddb_resource, f"Told{order[0]}", table, items)
    make_server(db, proxy.endpoint)
    told = {
        "A": [("1", 7, "A#7", None), ("2", None, None, None), ("3", 7, "A#7", "B#7"), ("4", 7, "A#7", None)],
        "B": [("1", None, None, None), ("2", 7, None, "B#7"), ("3", 7, "A#7", "B#7"), ("4", 8, None, "B#8")],
    }  # fmt: skip
    for first, second in ("AB", "BA"):
        keys = [
            f"{name.lower()} text OPTIONS (attribute '{name}PK', template '{name}#${{x}}')"
            ' COLLATE "C"'
            for name in (first, second)
        ]
        pk = "pk text OPTIONS (attribute 'PK')"
        foreign_table(db, f"told{first}", [*keys, pk, "x int"], table_name=f"Told{order[0]}")
        rows = db.execute(f'SELECT pk, x, a, b FROM "told{first}" ORDER BY pk').fetchall()
        assert rows == told[first], first


def test_there_are_all_patterns():
    assert len(PATTERNS) >= 33


@pytest.mark.parametrize("query", PATTERNS)
def test_patterns(t, sent, query):
    expected, requests = PATTERNS[query]
    rows, calls = sent(query)
    if expected and isinstance(expected[0][0], str) and expected[0][0].startswith("2026"):
        rows = [tuple(map(str, row)) for row in rows]
        expected = [(text + ":00",) for (text,) in expected]
    assert (rows, sorted(calls)) == (expected, sorted(requests))


def test_analyze(t):
    """A sample holds rows of the entity alone, and counts them."""
    t.execute("ANALYZE problems")
    assert t.execute("SELECT reltuples FROM pg_class WHERE relname = 'problems'").fetchone() == (14,)
    (values,) = t.execute(
        "SELECT most_common_vals::text FROM pg_stats"
        " WHERE tablename = 'problems' AND attname = 'platform'"
    ).fetchone()
    assert values == "{rank,leet}"
    # The others' items are read all the same, but not by key.
    query = "SELECT * FROM problems WHERE level = 1"
    assert foreign_scan(explain(t, query))["DynamoDB Index"] == "GSI1"


# ---- derived and sharded partitions ------------------------------------------------

LOGS = {
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
SHARDS = 4
NEWEST = datetime.datetime(2026, 11, 20, 23, 59, tzinfo=datetime.timezone.utc)
START = NEWEST.replace(day=1, hour=0, minute=0)
PER_DAY = 40


def log_items():
    """20 days but for the 15th and 16th, every 36 minutes, over four shards."""
    for number in range(20 * PER_DAY):
        when = START + datetime.timedelta(minutes=36 * number)
        if when.day in (15, 16):
            continue
        text = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        yield {
            "pk": f"LOG#{when:%Y-%m-%d}#{number % SHARDS}",
            "sk": f"{text}#{number:05}",
            "at": text,
            "n": number,
        }


LOG_TABLES = {
    # the time is in the sort key, and not an attribute
    "logs": [
        "pk text OPTIONS (attribute 'pk', template 'LOG#${at:YYYY-MM-DD}#${0..3}',"
        " partitions_since '2026-11-01') COLLATE \"C\"",
        "sk text OPTIONS (attribute 'sk', template '${at:iso8601:3}#${id:05}') COLLATE \"C\"",
        "at timestamptz",
        "id int",
        "n int",
    ],
    # it is an attribute too, nothing says where to begin, and shards are seen
    "attributed": [
        "pk text OPTIONS (attribute 'pk', template 'LOG#${at:YYYY-MM-DD}#${shard:0..3}')"
        ' COLLATE "C"',
        "sk text OPTIONS (attribute 'sk', template '${at:iso8601:3}#${id:05}') COLLATE \"C\"",
        "at timestamptz OPTIONS (attribute 'at', format 'iso8601:3')",
        "shard int",
        "id int",
        "n int",
    ],
    # days are what is asked for
    "days": [
        "pk text OPTIONS (attribute 'pk', template 'LOG#${day}#${shard:0..3}') COLLATE \"C\"",
        'sk text COLLATE "C"',
        "day date",
        "shard int",
        "n int",
    ],
}


@pytest.fixture(scope="module")
def log_table(ddb_resource):
    load_table(ddb_resource, "Sharded", LOGS, log_items())


@pytest.fixture
def logs(db, proxy, log_table):
    """Function: rows, and the partitions and Limits that were asked for."""
    db.execute("SET timezone = 'UTC'")
    make_server(db, proxy.endpoint)
    for name, columns in LOG_TABLES.items():
        foreign_table(db, name, columns, table_name="Sharded")
    db.execute("EXPLAIN SELECT 1 FROM logs")
    db.execute("CREATE TABLE local AS SELECT * FROM logs")

    def send(query, parameters=None):
        with proxy.record() as calls:
            rows = db.execute(query, parameters).fetchall()
        return rows, calls

    send.db = db
    return send


def partitions(calls):
    return [
        next(v["S"] for v in call.request["ExpressionAttributeValues"].values() if "LOG#" in v["S"])
        for call in calls
    ]


def four(*days):
    return [f"LOG#2026-11-{day:02}#{shard}" for day in days for shard in range(SHARDS)]


def test_range_touches_its_partitions_only(logs):
    for table in ("logs", "attributed"):
        rows, calls = logs(
            f"SELECT n FROM {table} WHERE at >= '2026-11-03' AND at < '2026-11-05 12:00'"
        )
        assert sorted(n for (n,) in rows) == list(range(80, 180))
        assert sorted(partitions(calls)) == four(3, 4, 5)
    rows, calls = logs("SELECT n FROM days WHERE day BETWEEN '2026-11-03' AND '2026-11-05'")
    assert sorted(n for (n,) in rows) == list(range(80, 200))
    assert sorted(partitions(calls)) == four(3, 4, 5)
    rows, calls = logs("SELECT n FROM days WHERE day > '2026-11-03' AND day < '2026-11-05'")
    assert sorted(n for (n,) in rows) == list(range(120, 160))
    assert sorted(partitions(calls)) == four(4)


def test_bounds_beside_values(logs):
    """Where the values are known nothing is walked, and bounds still hold."""
    days = "day IN ('2026-11-03', '2026-11-04', '2026-11-05')"
    for bound, expected in (
        ("day <= '2026-11-04'", range(80, 160)),
        ("day > '2026-11-04'", range(160, 200)),
        ("day BETWEEN '2026-11-04' AND '2026-11-04'", range(120, 160)),
    ):
        rows, _ = logs(f"SELECT n FROM days WHERE {days} AND {bound}")
        assert sorted(n for (n,) in rows) == list(expected), bound
        (count,) = logs(f"SELECT count(*) FROM days WHERE {days} AND {bound}")[0]
        assert count == (len(expected),), bound
    assert logs("SELECT n FROM days WHERE day = '2026-11-03' AND day > '2026-11-03'")[0] == []


def test_partitions_by_their_keys(logs):
    """A key that is given is not listed from bounds on a time."""
    expected = list(range(82, 120, 4))
    for table in ("logs", "attributed", "days"):
        query = f"SELECT n FROM {table} WHERE pk = 'LOG#2026-11-03#2'"
        rows, calls = logs(query)
        assert sorted(n for (n,) in rows) == expected, table
        assert partitions(calls) == ["LOG#2026-11-03#2"]
        rows, _ = logs(f"SELECT count(*) FROM {table} WHERE pk = 'LOG#2026-11-03#2'")
        assert rows == [(len(expected),)], table
        rows, _ = logs(
            f"SELECT n FROM {table} WHERE pk IN ('LOG#2026-11-03#2', 'LOG#2026-11-04#4', 'x')"
        )
        assert sorted(n for (n,) in rows) == expected, table
    for table, bound in (("logs", "at"), ("attributed", "at"), ("days", "day")):
        query = f"SELECT n FROM {table} WHERE pk = 'LOG#2026-11-03#2' AND {bound} "
        assert logs(query + "> '2026-11-03 23:59:59'")[0] == []
        assert logs(query + "< '2026-11-03'")[0] == []
        assert len(logs(query + ">= '2026-11-03'")[0]) == len(expected)
        rows, _ = logs(query + ">= '2026-11-03' ORDER BY n DESC LIMIT 2")
        assert rows == [(118,), (114,)]
    logs.db.execute("CREATE TABLE keys AS SELECT 'LOG#2026-11-03#2' AS pk")
    for batch in ("on", "off"):
        logs.db.execute(f"SET ddb_fdw.batch_join = {batch}")
        rows, _ = logs("SELECT count(*) FROM keys JOIN logs USING (pk)")
        assert rows == [(len(expected),)]


def test_one_shard(logs):
    rows, calls = logs("SELECT n FROM days WHERE day = '2026-11-03' AND shard = 2")
    assert sorted(n for (n,) in rows) == list(range(82, 120, 4))
    assert partitions(calls) == ["LOG#2026-11-03#2"]
    assert logs("SELECT n FROM days WHERE day = '2026-11-03' AND shard = 4") == ([], [])


def test_one_instant(logs):
    for table in ("logs", "attributed"):
        rows, calls = logs(f"SELECT n FROM {table} WHERE at = '2026-11-03 00:36'")
        assert rows == [(81,)]
        assert sorted(partitions(calls)) == four(3)


def test_newest(logs):
    newest = [(n,) for n in range(799, 789, -1)]
    for query in (
        "SELECT n FROM logs WHERE at >= '2026-11-01' AND at <= '2026-11-20 23:59:59'",
        "SELECT n FROM attributed WHERE at >= '2026-11-01' AND at <= '2026-11-20 23:59:59'",
    ):
        rows, calls = logs(query + " ORDER BY at DESC LIMIT 10")
        assert rows == newest
        assert sorted(partitions(calls)) == four(20)
        assert [call.request["Limit"] for call in calls] == [10] * 4


def test_oldest_first(logs):
    rows, calls = logs(
        "SELECT n FROM logs WHERE at >= '2026-11-02' AND at < '2026-11-20' ORDER BY at LIMIT 50"
    )
    assert rows == [(n,) for n in range(40, 90)]
    assert set(partitions(calls)) == set(four(2, 3))


def test_over_empty_days(logs):
    rows, calls = logs(
        "SELECT n FROM logs WHERE at >= '2026-11-10' AND at < '2026-11-17'"
        " ORDER BY at DESC LIMIT 5"
    )
    assert rows == [(n,) for n in range(559, 554, -1)]
    assert set(four(14)) <= set(partitions(calls)) <= set(four(16, 15, 14, 13, 12))


def test_open_ends(logs):
    """From partitions_since to the day after today, which nothing is beyond."""
    (today,) = logs.db.execute("SELECT (now() AT TIME ZONE 'UTC')::date").fetchone()
    rows, calls = logs("SELECT n FROM logs ORDER BY at DESC LIMIT 10")
    assert rows == [(n,) for n in range(799, 789, -1)]
    days = {text[4:14] for text in partitions(calls)}
    assert max(days) == str(today + datetime.timedelta(days=1))
    assert min(days) >= "2026-11-15"
    rows, calls = logs("SELECT n FROM logs WHERE at >= '2026-11-20' ORDER BY at DESC")
    assert rows == [(n,) for n in range(799, 759, -1)]
    # Everything is what a Scan gives, whatever partitions there may be.
    rows, calls = logs("SELECT n FROM logs")
    assert len(rows) == 720 and {call.operation for call in calls} == {"Scan"}
    rows, calls = logs("SELECT n FROM attributed ORDER BY at DESC LIMIT 10")
    assert rows == [(n,) for n in range(799, 789, -1)]
    assert {call.operation for call in calls} == {"Scan"}


def test_walk_with_parameters(logs):
    logs.db.execute("SET plan_cache_mode = force_generic_plan")
    logs.db.execute(
        "PREPARE p(timestamptz, timestamptz) AS"
        " SELECT n FROM attributed WHERE at >= $1 AND at < $2 ORDER BY at DESC LIMIT 3"
    )
    for low, high, expected, days in (
        ("2026-11-02", "2026-11-04", [119, 118, 117], four(3)),
        ("2026-11-02", "2026-11-02", [], []),
        ("2026-11-04", "2026-11-02", [], []),
        ("infinity", "2026-11-02", [], []),
        ("2026-11-02", "-infinity", [], []),
    ):
        rows, calls = logs(f"EXECUTE p('{low}', '{high}')")
        assert [n for (n,) in rows] == expected
        assert set(days) <= set(partitions(calls)) <= set(four(2, 3, 4)), (low, high)
    assert logs("EXECUTE p(NULL, '2026-11-02')") == ([], [])
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="too many partitions"):
        logs("EXECUTE p('-infinity', '2026-11-02')")
    with pytest.raises(psycopg.errors.ProgramLimitExceeded, match="too many partitions"):
        logs("EXECUTE p('0100-01-01', '2026-11-02')")


def test_walks_agree_with_the_table(logs):
    for condition in (
        "at >= '2026-11-13 07:00' AND at <= '2026-11-18 03:36'",
        "at > '2026-11-13 07:12' AND at < '2026-11-18 03:36'",
        "at BETWEEN '2026-11-05 12:00:00.0005' AND '2026-11-05 12:36'",
        "at IN ('2026-11-05 12:00', '2026-11-06 12:00', '2026-11-15 12:00')",
        "at >= '2026-11-19' AND n % 3 = 0",
        "at >= '2026-11-19' AND id < 770",
        "at < '2026-11-02'",
        "at >= '0001-01-01' AND at < '2026-11-02'",
        "at >= '-infinity' AND at < '2026-11-02'",
    ):
        expected = logs.db.execute(
            f"SELECT n FROM local WHERE {condition} ORDER BY at DESC, id DESC"
        ).fetchall()
        for table in ("logs", "attributed"):
            query = f"SELECT n FROM {table} WHERE {condition} ORDER BY at DESC"
            assert logs(query + ", id DESC")[0] == expected, (table, condition)
            assert logs(query + " LIMIT 7")[0] == expected[:7], (table, condition)


def test_count_of_days(logs):
    rows, calls = logs("SELECT count(*) FROM days WHERE day = '2026-11-03'")
    assert rows == [(40,)]
    assert [call.request.get("Select") for call in calls] == ["COUNT"] * 4
    rows, calls = logs(
        "SELECT day, count(*) FROM days WHERE day >= '2026-11-13' AND day < '2026-11-18'"
        " GROUP BY day ORDER BY day"
    )
    assert [(day.day, n) for day, n in rows] == [(13, 40), (14, 40), (17, 40)]


# ---- definitions that do not go together -------------------------------------------

PK = "pk text OPTIONS (attribute 'PK', {}) COLLATE \"C\""


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([PK.format("template 'A#${x}'")], 'The table has no column "x"'),
        (["pk text OPTIONS (attribute 'title', template 'A')"], 'Attribute "title" is not a key'),
        (
            ["pk uuid OPTIONS (attribute 'PK', template 'A#${x}')", "x text"],
            "the column is of type uuid",
        ),
        ([PK.format("template 'A#${x}'"), "x timestamptz"], "does not say how it is written"),
        ([PK.format("template 'A#${x}'"), "x float8"], "no text form of their own"),
        ([PK.format("template 'A#${x}'"), "x jsonb"], "no text form of their own"),
        ([PK.format("template 'A#${x}'"), "x int[]"], "no text form of their own"),
        ([PK.format("template 'A#${x:05}'"), "x text"], "pads whole numbers"),
        ([PK.format("template 'A#${x:0..9}'"), "x date"], "shards are numbered"),
        ([PK.format("template 'A#${x:iso8601:3}'"), "x int"], "one of dates and times"),
        ([PK.format("template '${x}${y}'"), "x text", "y text"], "stand side by side"),
        (
            [PK.format("template 'A#${x}'"), "x int OPTIONS (type 'S')"],
            "is taken from the key",
        ),
        (
            [
                PK.format("template 'A#${sk}'"),
                "sk text OPTIONS (attribute 'SK', template 'B') COLLATE \"C\"",
            ],
            "has a template itself",
        ),
        (
            [PK.format("template 'A'"), "again text OPTIONS (attribute 'PK', template 'B')"],
            "has a template for attribute",
        ),
        (
            [PK.format("template 'A#${x}', partitions_since '2026-01-01'"), "x text"],
            "is for templates with a time",
        ),
        ([PK.format("partitions_since '2026-01-01'")], "needs a template"),
    ],
)
def test_what_does_not_go_together(t, columns, message):
    foreign_table(t, "bad", columns, table_name="Single")
    with pytest.raises(psycopg.Error) as caught:
        t.execute("SELECT 1 FROM bad")
    error = caught.value.diag
    text = f"{error.message_primary} {error.message_detail}"
    assert message in text, text
    assert error.sqlstate.startswith("HV") and error.message_hint


def test_partitions_since_is_a_time(t):
    with pytest.raises(psycopg.errors.FdwInvalidAttributeValue, match="partitions_since"):
        foreign_table(
            t, "bad", [PK.format("template '${x:YYYY}', partitions_since 'soon'"), "x date"]
        )


# ---- every kind of variable, there and back ----------------------------------------

VARIABLES = [
    # type, format, values that have a key, values that have none
    ("text", "", ["x", "", "ä€😀", "a'b", "a${b}", "%_\\"], ["a#b", "#"]),
    ("varchar(3)", "", ["abc", "äöü"], ["abcd"]),
    ("int", "", [0, 42, -7, 2147483647], []),
    ("smallint", "", [32767], []),
    ("bigint", ":05", [0, 42, 99999], [100000, -1]),
    ("numeric", "", ["1.5", "0", "-12345678901234567890.5"], ["NaN"]),
    ("boolean", "", [True, False], []),
    ("uuid", "", ["00000000-0000-0000-0000-00000000abcd"], []),
    ("date", "", ["2026-11-01", "0001-01-01"], ["infinity", "0001-01-01 BC"]),
    ("date", ":YYYYMMDD", ["2026-11-01"], ["10000-01-01"]),
    ("timestamptz", ":iso8601:3", ["2026-11-01 10:11:12.345+00"], ["2026-11-01 00:00:00.0001+00"]),
    ("timestamptz", ":iso8601", ["2026-11-01 10:11:12+00", "2026-11-01 10:11:12.5+00"], []),
    ("timestamp", ":YYYY-MM-DD HH24:MI:SS", ["2026-11-01 10:11:12"], ["2026-11-01 10:11:12.5"]),
    ("timestamptz", ":epoch", ["2026-11-01 10:11:12.25+00", "1969-12-31 23:00+00"], ["infinity"]),
    ("timestamptz", ":epoch_ms", ["2026-11-01 10:11:12.25+00"], []),
    ("int", ":00..15", [0, 7, 15], [16, -1]),
    ("text", ":0..9", ["0", "9"], ["10", "x", "03"]),
    ("mood", "", ["sad", "very ok"], []),
    ("inet", "", ["10.0.0.1"], []),
    ("positive", "", [5], []),
]


def variable_text(kind, form, value):
    """What INSERT would write: by PostgreSQL, not by this extension."""
    if kind == "boolean":
        return "true" if value else "false"
    if form == ":05":
        return f"{value:05}"
    if form == ":00..15":
        return f"{value:02}"
    moment = str(value).replace("+00", "")
    if form == ":iso8601:3" or form == ":iso8601":
        day, clock = moment.split()
        return f"{day}T{clock}{'00' if clock.endswith('.5') else ''}Z"
    if form.startswith(":epoch"):
        seconds = datetime.datetime.fromisoformat(moment).replace(tzinfo=datetime.timezone.utc)
        number = seconds.timestamp() * (1000 if form == ":epoch_ms" else 1)
        return f"{number:.6f}".rstrip("0").rstrip(".")
    if form == ":YYYYMMDD":
        return str(value).replace("-", "")
    return str(value)


@pytest.mark.parametrize("number", range(len(VARIABLES)))
def test_variables(t, ddb_resource, number):
    kind, form, good, bad = VARIABLES[number]
    t.execute("CREATE TYPE mood AS ENUM ('sad', 'very ok')")
    t.execute("CREATE DOMAIN positive AS int CHECK (value > 0)")
    table = ddb_resource.Table("Single")
    prefix = f"VAR{number}"
    for value in good:
        text = variable_text(kind, form, value)
        table.put_item(Item={"PK": f"{prefix}#{text}#end", "SK": text or "-", "title": text})
    for text in ("-0", "001", "1e3", "TRUE", "2026-1-1", "x#y", "ABC", "abcde"):
        if text not in {variable_text(kind, form, value) for value in good} and kind != "text":
            table.put_item(Item={"PK": f"{prefix}#{text}#end", "SK": "bad"})
    foreign_table(
        t,
        "v",
        [PK.format(f"template '{prefix}#${{v{form}}}#end'"), f"v {kind}", "title text"],
        table_name="Single",
    )
    rows = t.execute("SELECT v::text, title FROM v").fetchall()
    stored = {variable_text(kind, form, value) for value in good}
    if kind != "varchar(3)":
        assert {title for _, title in rows} == stored
    for value in good:
        found = t.execute(f"SELECT title FROM v WHERE v = '{str(value).replace(chr(39), chr(39) * 2)}'")
        assert found.fetchall() == [(variable_text(kind, form, value),)], value
    for value in bad:
        assert t.execute(f"SELECT title FROM v WHERE v = '{value}'").fetchall() == [], value
    t.execute("SET ddb_fdw.pushdown = off")
    assert sorted(t.execute("SELECT v::text, title FROM v").fetchall()) == sorted(rows)


# ---- random conditions: pushed, not pushed, with parameters, and a local copy -------

CHOICES = {
    "search_history": {
        "user_id": ["1", "2", "42", "7", "NULL"],
        "searched_at": [f"'2026-11-{day:02} {hour}'" for day in (1, 5, 10) for hour in ("08:00", "09:00", "20:00:00.0005")],
        "id": ["'h108'", "'p5'", "'a#b'", "'h5'", "''"],
        "feed": ["'PUBLIC#HIST'", "'x'"],
        "feed_at": [f"'{stamp(5, 9)}'", "'2026'"],
        "pk": ["'USER#1'", "'USER#042'", "'USER#'"],
        "sk": [f"'HIST#{stamp(5, 9)}#p5'", "'HIST#'", "'A'"],
    },
    "problems": {
        "platform": ["'leet'", "'rank'", "'le#et'", "''"],
        "number": ["1", "3", "7", "-1"],
        "level": ["0", "1", "2", "9"],
        "points": ["100", "250", "500", "-3", "100000"],
        "level_pk": ["'LEVEL#1'", "'LEVEL#01'"],
        "level_sk": ["'00300'", "'300'"],
        "title": ["'leet 1'", "'rank 2'"],
    },
    "cases": {
        "platform": ["'leet'", "'rank'"],
        "number": ["1", "2", "3"],
        "n": ["1", "7", "10", "-1", "1000"],
        "input": ["'1/7'"],
    },
    "usage": {
        "user_id": ["1", "42", "5"],
        "day": ["'2026-11-01'", "'2026-11-02'", "'2026-12-01'", "'infinity'"],
        "n": ["'0002'", "''", "'0004'"],
        "cost": ["1", "3"],
    },
    "users": {
        "user_id": ["1", "42", "7"],
        "email": ["'u1@example.com'", "'x'"],
        "gsi1pk": ["'EMAIL#u2@example.com'", "'y'"],
        "gsi1sk": ["'USER'", "'z'"],
        "name": ["'User 1'"],
    },
}


def random_condition(random, columns, depth=0):
    if depth < 2 and random.random() < 0.45:
        arms = [random_condition(random, columns, depth + 1) for _ in range(random.randint(2, 3))]
        return "(" + random.choice([" AND ", " AND ", " OR "]).join(arms) + ")"
    column = random.choice(list(columns))
    values = columns[column]
    kind = random.random()
    if kind < 0.45:
        return f"{column} = {random.choice(values)}"
    if kind < 0.6:
        return f"{column} IN ({', '.join(random.sample(values, min(2, len(values))))})"
    if kind < 0.85:
        return f"{column} {random.choice(['<', '<=', '>', '>=', '<>'])} {random.choice(values)}"
    if kind < 0.93:
        return f"{column} IS {random.choice(['', 'NOT '])}NULL"
    return f"NOT {column} = {random.choice(values)}"


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("seed", range(2))
def test_random_conditions(t, name, seed):
    random = Random(f"{name} {seed}")
    t.execute("SET ddb_fdw.pushdown = off")
    t.execute(f"CREATE TEMP TABLE copy AS SELECT * FROM {name}")
    t.execute("SET ddb_fdw.pushdown = on")
    for _ in range(QUERIES):
        condition = " AND ".join(
            random_condition(random, CHOICES[name]) for _ in range(random.randint(1, 3))
        )
        column = random.choice(list(CHOICES[name]))
        direction = random.choice(["", " DESC"])
        for query in (
            "SELECT * FROM {} WHERE " + condition,
            "SELECT count(*) FROM {} WHERE " + condition,
            f"SELECT {column} FROM {{}} WHERE {condition} ORDER BY {column}{direction} LIMIT 3",
        ):
            expected = sorted(map(str, t.execute(query.format("copy")).fetchall()))
            found = sorted(map(str, t.execute(query.format(name)).fetchall()))
            assert found == expected, query
            t.execute("SET plan_cache_mode = force_generic_plan")
            t.execute(f"PREPARE p AS {query.format(name)}")
            assert sorted(map(str, t.execute("EXECUTE p").fetchall())) == expected, query
            t.execute("DEALLOCATE p")


# ---- joins, indexes as tables, cursors, whole items ---------------------------------


def test_joins_by_variables(t, proxy):
    t.execute("CREATE TABLE who AS SELECT * FROM (VALUES (1), (42), (2), (7), (NULL)) v(id)")
    t.execute("ANALYZE who")
    queries = {
        "SELECT w.id, u.name FROM who w JOIN users u ON u.user_id = w.id ORDER BY 1": [
            (1, "User 1"),
            (2, "User 2"),
            (42, "User 42"),
        ],
        "SELECT w.id, h.id FROM who w CROSS JOIN LATERAL (SELECT id FROM search_history h"
        " WHERE h.user_id = w.id ORDER BY searched_at DESC LIMIT 1) h ORDER BY 1": [
            (1, "p30"),
            (2, "other"),
            (42, "h1020"),
        ],
        "SELECT id FROM who w WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.user_id = w.id)"
        " ORDER BY 1": [(7,), (None,)],
    }
    for query, expected in queries.items():
        for batch in ("on", "off"):
            t.execute(f"SET ddb_fdw.batch_join = {batch}")
            with proxy.record() as calls:
                assert t.execute(query).fetchall() == expected, (query, batch)
            # Looked up one by one, five users cost more than reading this small table.
            assert batch == "off" or "Scan" not in {call.operation for call in calls}, query


def test_an_index_as_a_table(t, proxy):
    foreign_table(
        t,
        "feed",
        [
            "feed text OPTIONS (attribute 'GSI2PK', template 'PUBLIC#HIST') COLLATE \"C\"",
            "feed_at text OPTIONS (attribute 'GSI2SK', template '${at:iso8601:3}') COLLATE \"C\"",
            "at timestamptz",
            "title text",
        ],
        table_name="Single",
        index_name="GSI2",
    )
    with proxy.record() as calls:
        rows = t.execute("SELECT title FROM feed ORDER BY at DESC LIMIT 2").fetchall()
    assert rows == [("search p30",), ("search p29",)]
    assert [in_short(call) for call in calls] == [f"Query on GSI2 {FEED} limit 40 backward"]
    # One item's time is not that of its table key, which is none of this table's.
    assert t.execute("SELECT count(*) FROM feed").fetchone() == (31,)


def test_cursor_and_rescan(t):
    with t.transaction():
        t.execute(
            "DECLARE c SCROLL CURSOR FOR SELECT id FROM search_history WHERE user_id = 42"
            " ORDER BY searched_at"
        )
        assert t.execute("FETCH 2 FROM c").fetchall() == [("h108",), ("h120",)]
        assert t.execute("FETCH PRIOR FROM c").fetchall() == [("h108",)]
        assert len(t.execute("FETCH ALL FROM c").fetchall()) == 19
    t.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET ddb_fdw.batch_join = off")
    assert t.execute(
        "SELECT count(*) FROM cases a JOIN cases b ON a.n = b.n AND b.number = 2"
        " AND b.platform = 'leet' WHERE a.platform = 'leet' AND a.number = 1"
    ).fetchone() == (10,)


def test_whole_items_of_one_entity(t):
    foreign_table(
        t,
        "profiles",
        [*ENTITIES["users"][:2], "user_id bigint", "item jsonb OPTIONS (attribute '*')"],
        table_name="Single",
    )
    query = "SELECT user_id, item->>'name' FROM profiles WHERE user_id IN (1, 42) ORDER BY 1"
    assert t.execute(query).fetchall() == [(1, "User 1"), (42, "User 42")]
    assert t.execute("SELECT count(item) FROM profiles").fetchone() == (5,)


def test_explain_shows_templates(t):
    node = foreign_scan(explain(t, "SELECT name FROM users WHERE user_id = 1"))
    assert node["Key Templates"] == ["PK = USER#${user_id}", "SK = PROFILE"]
    assert node["Key Condition"] == "(user_id = 1)"
    assert node["Projection"] == ["PK", "SK", "name"]
    node = foreign_scan(explain(t, "SELECT name FROM users WHERE name = 'x'"))
    assert node["DynamoDB Operation"] == "Scan" and "Key Condition" not in node


def test_scans_filter_by_what_templates_begin_with(t, proxy):
    with proxy.record() as calls:
        rows = t.execute("SELECT n FROM cases WHERE platform = 'leet' AND n < 2").fetchall()
    assert rows == [(1,), (1,)]
    (call,) = calls
    request = call.request
    assert call.operation == "Scan"
    assert {next(iter(v.values())) for v in request["ExpressionAttributeValues"].values()} == {
        "PROB#leet#",
        "CASE#",
        "CASE#002",
    }
