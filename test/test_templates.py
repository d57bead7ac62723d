"""Key templates: several entities in one DynamoDB table, each a foreign table."""

import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.regress_data import load_table
from test_requests import in_short

TABLE = {
    "KeySchema": [
        {"AttributeName": "PK", "KeyType": "HASH"},
        {"AttributeName": "SK", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"}
        for name in ("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK")
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": f"GSI{number}",
            "KeySchema": [
                {"AttributeName": f"GSI{number}PK", "KeyType": "HASH"},
                {"AttributeName": f"GSI{number}SK", "KeyType": "RANGE"},
            ],
            "Projection": projection,
        }
        for number, projection in (
            (1, {"ProjectionType": "ALL"}),
            (2, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}),
        )
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


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
        ("users", 3),
        ("search_history", 51),
        ("usage", 30),
        ("problems", 12),
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
        [("2026-11-05 05:00:00+00",)],
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
    "SELECT number FROM problems WHERE level = 1 AND points > -5 AND platform = 'leet' LIMIT 1": (
        [(1,)],
        ["Query on GSI1 GSI1PK = 'LEVEL#1' limit 70"],
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
    assert t.execute("SELECT reltuples FROM pg_class WHERE relname = 'problems'").fetchone() == (12,)
    (values,) = t.execute(
        "SELECT most_common_vals::text FROM pg_stats"
        " WHERE tablename = 'problems' AND attname = 'platform'"
    ).fetchone()
    assert values == "{leet,rank}"
    # The others' items are read all the same, but not by key.
    query = "SELECT * FROM problems WHERE level = 1"
    assert foreign_scan(explain(t, query))["DynamoDB Index"] == "GSI1"
