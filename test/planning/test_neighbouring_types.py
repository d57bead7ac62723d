# SPDX-License-Identifier: PostgreSQL
"""Values of neighbouring types, as people and drivers send them, and what is made of a
column in its order: each is a bound of the key, or of the filter, and right whatever the
session's time zone does."""

import datetime as dt
import decimal

import pytest
from support.fdw import both, explain, foreign_scan, foreign_table

UTC = dt.UTC
START = dt.datetime(2026, 10, 30, tzinfo=UTC)


def iso(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def each(start, step, n):
    return [start + step * i for i in range(n)]


@pytest.fixture
def events(dynamo, make_table):
    """A row every two hours of ten days; n counts them."""
    moments = each(START, dt.timedelta(hours=2), 120)
    table = make_table(
        ("pk", "at"),
        "pk:S at:S",
        [
            {
                "pk": "LOGS",
                "at": iso(moment),
                "n": n,
                "day": f"{moment:%Y-%m-%d}",
                "ts": iso(moment),
                "f": decimal.Decimal(n) / 4,
            }
            for n, moment in enumerate(moments)
        ],
    )
    foreign_table(
        dynamo,
        "events",
        [
            "pk text",
            "at timestamptz OPTIONS (format 'iso8601:3')",
            "n int",
            "day date",
            "ts timestamp OPTIONS (format 'iso8601:3')",
            "f real",
        ],
        table_name=table.name,
    )
    dynamo.execute("SET timezone = 'UTC'")
    return dynamo


@pytest.fixture
def things(dynamo, make_table):
    table = make_table(("id",), "id:N", [{"id": i, "v": i * 10, "pad": "x" * 6000} for i in range(-50, 50)])
    foreign_table(dynamo, "things", ["id int", "v bigint"], table_name=table.name)
    return dynamo


@pytest.fixture
def days(dynamo, make_table):
    """Sorted by day."""
    first = dt.date(2026, 10, 20)
    table = make_table(
        ("pk", "day"),
        "pk:S day:S",
        [
            {"pk": "a", "day": f"{day:%Y-%m-%d}", "n": n}
            for n, day in enumerate(each(first, dt.timedelta(days=1), 30))
        ],
    )
    foreign_table(dynamo, "days", ["pk text", "day date", "n int"], table_name=table.name)
    dynamo.execute("SET timezone = 'UTC'")
    return dynamo


def cost(db, query, parameters=None):
    """Operation, items that DynamoDB read, and rows that PostgreSQL threw away."""
    node = foreign_scan(explain(db, query, parameters, ANALYZE="", COSTS="off"))
    return (
        node["DynamoDB Operation"],
        node["Items Scanned"],
        node.get("Rows Removed by Filter", 0),
    )


DAY = dt.date(2026, 11, 2)
LATE = dt.datetime(2026, 11, 8, 22)  # with the last rows
FIVE = decimal.Decimal("5.0")


@pytest.mark.parametrize(
    "condition, parameters, items",
    [
        ("at >= %s", [dt.date(2026, 11, 8)], 12),
        ("at > %s", [dt.datetime(2026, 11, 8, 10)], 6),
        ("at >= %s AND at < %s", [DAY, dt.date(2026, 11, 3)], 12),
        ("at BETWEEN %s AND %s", [DAY, DAY], 1),
        ("%s <= at", [dt.date(2026, 11, 8)], 12),
        ("at::date = %s", [DAY], 12),
        ("at::date > '2026-11-06'", None, 24),
        ("date_trunc('day', at) = '2026-11-02'", None, 12),
        ("date_trunc('month', at) = '2026-11-01'", None, 96),
        ("date_trunc('week', at) = date '2026-11-02'", None, 84),
        ("date_trunc('day', at, 'Asia/Seoul') = '2026-11-01 15:00+00'", None, 12),
        ("extract(year from at) = 2025", None, 0),
        ("extract(year from at) = 2026 AND at::date = '2026-11-02'", None, 12),
        ("date_part('year', at) >= 2027", None, 0),
        ("extract(epoch from at) >= 1793577600", None, 84),
        ("(at AT TIME ZONE 'Asia/Seoul')::date = %s", [DAY], 12),
        ("at AT TIME ZONE 'UTC' >= '2026-11-08 12:00'", None, 6),
        ("at AT TIME ZONE interval '09:00' >= '2026-11-08 21:00'", None, 6),
        ("at::timestamp >= %s", [dt.datetime(2026, 11, 8, 12)], 6),
        ("(at, n) < (%s, %s)", [dt.datetime(2026, 10, 30, 4, tzinfo=UTC), 1], 3),
        ("(at, n) >= (%s::date, %s)", [dt.date(2026, 11, 8), 1], 12),
    ],
)
def test_bounds_of_a_sort_key(events, condition, parameters, items):
    query = f"SELECT n FROM events WHERE pk = 'LOGS' AND {condition}"
    pushed, local = both(events, query, parameters)
    assert pushed == local
    operation, scanned, _ = cost(events, query, parameters)
    assert (operation, scanned) == ("Query", items)


@pytest.mark.parametrize(
    "condition, parameters, found",
    [
        ("ts >= %s", [dt.date(2026, 11, 8)], 12),
        ("ts >= %s", [dt.datetime(2026, 11, 8, 12, tzinfo=UTC)], 6),
        ("ts::date = %s", [DAY], 12),
        ("day >= %s", [dt.datetime(2026, 11, 7, 1)], 12),
        ("day > %s", [dt.datetime(2026, 11, 7, 0, tzinfo=UTC)], 12),
        ("day = %s", [dt.datetime(2026, 11, 7)], 12),
        ("day = %s", [dt.datetime(2026, 11, 7, 1)], 0),
        ("day <> %s", [dt.datetime(2026, 11, 7, 1)], 120),
        ("day = ANY(%s)", [[dt.datetime(2026, 11, 7), dt.datetime(2026, 11, 7, 1)]], 12),
        ("date_trunc('month', day) = '2026-10-01'", None, 24),
        ("extract(month from day) = 10", None, 24),
        ("n = %s", [FIVE], 1),
        ("n = 5.5", None, 0),
        ("n > 117.5", None, 2),
        ("n::numeric <= 1.5", None, 2),
        ("n = 5.0::float8", None, 1),
        ("n = ANY(%s)", [[FIVE, decimal.Decimal("6.5"), None]], 1),
        ("n > -1e30", None, 120),
        ("f = %s", [2.25], 1),
        ("f > 29.3::float8", None, 2),
    ],
)
def test_filters(events, condition, parameters, found):
    query = f"SELECT n FROM events WHERE pk = 'LOGS' AND {condition}"
    pushed, local = both(events, query, parameters)
    assert pushed == local
    assert len(pushed) == found


def sent(db, condition):
    node = foreign_scan(explain(db, f"SELECT n FROM events WHERE pk = 'LOGS' AND {condition}"))
    return node.get("DynamoDB Filter", ""), node.get("Filter", "")


@pytest.mark.parametrize(
    "condition",
    [
        "n = 5.0",
        "n > 5.5",
        "ts >= date '2026-11-07'",
        "ts::date = '2026-11-07'",
    ],
)
def test_filters_are_exact(events, condition):
    pushed, local = sent(events, condition)
    assert pushed
    assert not local


@pytest.mark.parametrize(
    "condition, operation, items",
    [
        ("id = 5.0", "GetItem", 1),
        ("id = %s", "GetItem", 1),
        ("id = 5::float8", "GetItem", 1),
        ("id::numeric = 5.0", "GetItem", 1),
        ("id IN (5.0, 6.0, 7.5)", "BatchGetItem", 2),
        ("id::bigint = 5", "GetItem", 1),
    ],
)
def test_partition_key(things, condition, operation, items):
    parameters = [FIVE] if "%s" in condition else None
    query = f"SELECT id, v FROM things WHERE {condition}"
    pushed, local = both(things, query, parameters)
    assert pushed == local
    assert len(pushed) == items
    assert cost(things, query, parameters)[0] == operation


@pytest.mark.parametrize("condition", ["id = 5.5", "id IN (5.5, 6.5)", "id = 1e30"])
def test_what_no_key_can_be_is_not_asked_for(things, proxy, condition):
    things.execute(f"SELECT * FROM things WHERE {condition}")  # describes the table
    with proxy.record() as calls:
        assert things.execute(f"SELECT * FROM things WHERE {condition}").fetchall() == []
    assert calls == []


def test_prepared_statements_keep_up_with_the_zone(events):
    events.execute("SET plan_cache_mode = force_generic_plan")
    events.execute(
        "PREPARE p(date) AS SELECT count(*) FROM events WHERE pk = 'LOGS' AND at::date = $1"
    )
    seen = {}
    for zone in ("UTC", "Asia/Seoul", "America/New_York"):
        events.execute(f"SET timezone = '{zone}'")
        for day in ("2026-10-30", "2026-11-02"):
            pushed, local = both(events, f"EXECUTE p('{day}')")
            assert pushed == local
            seen[zone, day] = pushed[0][0]
    assert seen == {
        ("UTC", "2026-10-30"): 12,
        ("UTC", "2026-11-02"): 12,
        ("Asia/Seoul", "2026-10-30"): 8,
        ("Asia/Seoul", "2026-11-02"): 12,
        ("America/New_York", "2026-10-30"): 12,
        ("America/New_York", "2026-11-02"): 12,
    }


def test_count_of_a_day_is_counted_by_dynamodb(events):
    query = "SELECT count(*) FROM events WHERE pk = 'LOGS' AND at::date = '2026-11-02'"
    assert events.execute(query).fetchone() == (12,)
    assert foreign_scan(explain(events, query))["Select"] == "COUNT"


def test_newest_of_a_week_is_one_page(events):
    query = (
        "SELECT n FROM events WHERE pk = 'LOGS' AND at >= '2026-11-08'::date - 7"
        " ORDER BY at DESC LIMIT 5"
    )
    assert [n for (n,) in events.execute(query)] == [119, 118, 117, 116, 115]
    assert cost(events, query) == ("Query", 5, 0)


def test_conditions_are_shown_as_they_were_typed(events):
    query = "SELECT n FROM events WHERE pk = 'LOGS' AND at::date = '2026-11-02'"
    condition = foreign_scan(explain(events, query))["Key Condition"]
    assert "(at)::date >= '2026-11-02'::date" in condition
    assert "(at)::date <= '2026-11-02'::date" in condition


def test_key_of_days(days):
    for condition, found in (
        ("day >= '2026-11-10 12:00'::timestamp", 8),
        ("day <= '2026-10-22 12:00+00'::timestamptz", 3),
        ("day = '2026-10-22 00:00+00'::timestamptz", 1),
        ("day::timestamp = '2026-10-22 00:00'", 1),
        ("date_trunc('month', day) = '2026-10-01'", 12),
        ("extract(year from day) = 2026", 30),
    ):
        query = f"SELECT n FROM days WHERE pk = 'a' AND {condition}"
        pushed, local = both(days, query)
        assert pushed == local
        assert (len(pushed), cost(days, query)[:2]) == (found, ("Query", found))


# ---- days on which clocks change ---------------------------------------------------

# Zone, an instant near which its clocks change, and how: by night, at midnight, a
# minute past it, and by a whole day, forward and back.
CHANGES = [
    ("Europe/Berlin", dt.datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", dt.datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", dt.datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/Sao_Paulo", dt.datetime(2018, 11, 4, 3, tzinfo=UTC)),
    ("America/Sao_Paulo", dt.datetime(2018, 2, 18, 2, tzinfo=UTC)),
    ("America/St_Johns", dt.datetime(2006, 10, 29, 2, 31, tzinfo=UTC)),
    ("Pacific/Apia", dt.datetime(2011, 12, 30, 10, tzinfo=UTC)),
    ("Pacific/Kwajalein", dt.datetime(1993, 8, 21, 12, tzinfo=UTC)),
]

AROUND = [
    "at::date {op} '{local:%Y-%m-%d}'",
    "at {op} date '{local:%Y-%m-%d}'",
    "at {op} timestamp '{local:%Y-%m-%d %H:%M}'",
    "at::timestamp {op} '{local:%Y-%m-%d %H:%M}'",
    "at AT TIME ZONE '{zone}' {op} '{local:%Y-%m-%d %H:%M}'",
    "date_trunc('day', at) {op} '{local:%Y-%m-%d}'",
    "date_trunc('hour', at) {op} '{local:%Y-%m-%d %H:00}'",
    "ts {op} timestamptz '{moment:%Y-%m-%d %H:%M}+00'",
    "ts::timestamptz {op} timestamptz '{moment:%Y-%m-%d %H:%M}+00'",
    "day {op} timestamptz '{moment:%Y-%m-%d %H:%M}+00'",
]


@pytest.mark.parametrize("zone, change", CHANGES)
def test_around_a_change_of_the_clocks(dynamo, make_table, zone, change):
    moments = each(change - dt.timedelta(hours=40), dt.timedelta(minutes=47), 110)
    table = make_table(
        ("pk", "at"),
        "pk:S at:S",
        [
            {"pk": "a", "at": iso(moment), "ts": iso(moment), "day": f"{moment:%Y-%m-%d}"}
            for moment in moments
        ],
    )
    foreign_table(
        dynamo,
        "events",
        [
            "pk text",
            "at timestamptz OPTIONS (format 'iso8601:3')",
            "ts timestamp OPTIONS (format 'iso8601:3')",
            "day date",
        ],
        table_name=table.name,
    )
    dynamo.execute(f"SET timezone = '{zone}'")
    for step in (-1, 0, 2):
        moment = change + dt.timedelta(minutes=31 * step)
        (local,) = dynamo.execute(
            "SELECT %s AT TIME ZONE current_setting('timezone')", [moment]
        ).fetchone()
        for text in AROUND:
            for op in ("=", "<=", ">"):
                condition = text.format(op=op, zone=zone, local=local, moment=moment)
                query = f"SELECT at FROM events WHERE pk = 'a' AND {condition}"
                pushed, alone = both(dynamo, query)
                assert pushed == alone, condition


def test_joins_around_a_change_of_the_clocks(events):
    events.execute("SET timezone = 'America/New_York'")  # changes on 1 November, at 06:00 UTC
    events.execute(
        "CREATE TABLE l AS SELECT date '2026-10-30' + i AS d,"
        " timestamptz '2026-11-01 03:00+00' + i * interval '31 minutes' AS t"
        " FROM generate_series(0, 8) i"
    )
    events.execute("ANALYZE l")
    for condition in (
        "e.at::date = l.d",
        "e.at >= l.d AND e.at < l.d + 1",
        "e.ts >= l.t AND e.ts < l.t + interval '3 hours'",
        "e.at AT TIME ZONE 'America/New_York' <= l.t",
    ):
        query = f"SELECT l.d, e.n FROM l JOIN events e ON e.pk = 'LOGS' AND {condition}"
        pushed, local = both(events, query)
        assert pushed == local, condition
        assert pushed


# ---- other ways to say how a text begins -------------------------------------------


@pytest.fixture
def words(dynamo, make_table):
    texts = ["", "p", "pa", "pab", "pac#1", "pac#2", "P", "q", "päb", "pa.b", "xpa"]
    table = make_table(
        ("pk", "sk"), "pk:S sk:S", [{"pk": "a", "sk": text or "_", "v": text} for text in texts]
    )
    foreign_table(dynamo, "words", ["pk text", "sk text", "v text"], table_name=table.name)
    return dynamo


@pytest.mark.parametrize(
    "condition, items",
    [
        ("left(sk, 2) = 'pa'", 5),
        ("left(sk, 3) = 'pa'", 1),
        ("left(sk, 1) = 'pa'", 5),
        ("'pac' = left(sk, 3)", 2),
        ("substr(sk, 1, 2) = 'pa'", 5),
        ("substring(sk from 1 for 3) = 'pac'", 2),
        ("substring(sk, 1, 2) = %s", 5),
        ("sk ~ '^pac'", 2),
        ("sk ~ '^pac#[12]$'", 2),
        ("sk ~ '^pa.b'", 5),
        ("sk ~ '^pab$'", 1),
        ("sk SIMILAR TO 'pac%'", 2),
        ("sk SIMILAR TO 'pa(b|c)%'", 5),
        ("sk LIKE 'pab'", 1),
        ("sk IS NOT DISTINCT FROM 'pab'", 1),
    ],
)
def test_beginnings(words, condition, items):
    parameters = ["pa"] if "%s" in condition else None
    for column in ("sk", "v"):
        query = f"SELECT sk FROM words WHERE pk = 'a' AND {condition.replace('sk', column)}"
        pushed, local = both(words, query, parameters)
        assert pushed == local
    query = f"SELECT sk FROM words WHERE pk = 'a' AND {condition}"
    assert cost(words, query, parameters)[1] == items


@pytest.mark.parametrize(
    "condition",
    [
        "NOT (left(sk, 2) = 'pa')",
        "left(sk, 2) <> 'pa'",
        "left(sk, -1) = 'pa'",
        "left(sk, 0) = ''",
        "sk !~ '^pa'",
        "sk ~* '^pa'",
        "sk ~ 'pa'",
        "sk ~ '^pa|q'",
        "sk NOT SIMILAR TO 'pa%'",
        "NOT ((sk, v) < ('pab', 'x'))",
        "(sk, v) < ('pab', 'x')",
    ],
)
def test_what_says_something_else(words, condition):
    pushed, local = both(words, f"SELECT sk FROM words WHERE pk = 'a' AND {condition}")
    assert pushed == local


def test_current_user_is_a_name(dynamo, make_table):
    table = make_table(("owner",), "owner:S", [{"owner": "postgres"}, {"owner": "x"}])
    foreign_table(dynamo, "owners", ["owner text"], table_name=table.name)
    query = "SELECT owner FROM owners WHERE owner = current_user"
    assert dynamo.execute(query).fetchall() == [("postgres",)]
    assert cost(dynamo, query)[0] == "GetItem"


# ---- joins -------------------------------------------------------------------------


def test_joins_by_numbers_of_another_type(things):
    things.execute("CREATE TABLE l AS SELECT i * 0.5 AS n FROM generate_series(1, 60) i")
    things.execute("ANALYZE l")
    query = "SELECT l.n, t.v FROM l JOIN things t ON t.id = l.n"
    pushed, local = both(things, query)
    assert pushed == local
    assert len(pushed) == 30
    assert cost(things, query)[:2] == ("BatchGetItem", 30)


def test_joins_by_day(days):
    days.execute(
        "CREATE TABLE l AS SELECT 'a' AS pk, timestamp '2026-10-20' + i * interval '12 hours' AS ts"
        " FROM generate_series(0, 9) i"
    )
    days.execute("ANALYZE l")
    query = "SELECT l.ts, t.n FROM l JOIN days t ON t.pk = l.pk AND t.day = l.ts"
    pushed, local = both(days, query)
    assert pushed == local
    assert len(pushed) == 5
    assert cost(days, query)[1] <= 5


# ---- ranges of a partition key that name few values --------------------------------


@pytest.fixture
def shards(dynamo, make_table):
    """Days as partitions, and numbers as partitions without a sort key."""
    first = dt.date(2026, 10, 1)
    table = make_table(
        ("day", "n"),
        "day:S n:N",
        [
            {"day": f"{day:%Y-%m-%d}", "n": n, "pad": "x" * 3000}
            for day in each(first, dt.timedelta(days=1), 60)
            for n in range(3)
        ],
    )
    foreign_table(dynamo, "shards", ["day date", "n int", "pad text"], table_name=table.name)
    dynamo.execute("SET timezone = 'UTC'")
    return dynamo


@pytest.mark.parametrize(
    "condition, parameters, partitions",
    [
        ("day BETWEEN '2026-11-01' AND '2026-11-07'", None, 7),
        ("day >= %s AND day < %s", [DAY, dt.date(2026, 11, 5)], 3),
        ("day > '2026-11-01' AND day <= '2026-11-03'", None, 2),
        ("day >= '2026-11-01 12:00'::timestamp AND day < '2026-11-03 01:00'::timestamp", None, 2),
        ("date_trunc('month', day) = '2026-11-01' AND day < '2026-11-04'", None, 3),
        ("day >= date '2026-11-08' - 7 AND day <= date '2026-11-08' AND n = 1", None, 8),
        ("day >= '2026-11-05' AND day <= '2026-11-04'", None, 0),
        ("day BETWEEN '2026-11-01' AND '2026-11-03' AND day <> '2026-11-02'", None, 3),
    ],
)
def test_few_days_are_listed(shards, proxy, condition, parameters, partitions):
    query = f"SELECT day, n FROM shards WHERE {condition}"
    pushed, local = both(shards, query, parameters)
    assert pushed == local
    with proxy.record() as calls:
        shards.execute(query, parameters).fetchall()
    kinds = set(calls.operations)
    assert "Scan" not in kinds
    assert sum(
        len(call.request["RequestItems"].popitem()[1]["Keys"])
        if call.operation == "BatchGetItem"
        else 1
        for call in calls
        if call.operation != "DescribeTable"
    ) == partitions


def test_listed_days_in_order(shards):
    query = (
        "SELECT day, n FROM shards WHERE day BETWEEN '2026-11-01' AND '2026-11-04'"
        " ORDER BY n DESC, day LIMIT 5"
    )
    expected = [(dt.date(2026, 11, d), 2) for d in (1, 2, 3, 4)] + [(dt.date(2026, 11, 1), 1)]
    assert shards.execute(query).fetchall() == expected
    query = "SELECT count(*) FROM shards WHERE day >= '2026-11-01' AND day <= '2026-11-04'"
    assert shards.execute(query).fetchone() == (12,)


def test_numbers_are_listed(things):
    for condition, found in (
        ("id BETWEEN 3 AND 6", 4),
        ("id > 2.5 AND id < 5.5", 3),
        ("id >= -2 AND id <= 1::bigint", 4),
        ("id > 5 AND id < 6", 0),
    ):
        query = f"SELECT id FROM things WHERE {condition}"
        pushed, local = both(things, query)
        assert pushed == local
        assert len(pushed) == found
        assert cost(things, query)[0] == "BatchGetItem"


@pytest.mark.parametrize(
    "condition",
    ["day >= '2026-11-01'", "day BETWEEN '0001-01-01' AND '9999-12-31'", "day <= 'infinity' AND day > '2026-11-20'"],
)
def test_ranges_without_an_end_are_scans(shards, condition):
    query = f"SELECT day, n FROM shards WHERE {condition}"
    pushed, local = both(shards, query)
    assert pushed == local
    assert cost(shards, query)[0] == "Scan"


def test_joins_with_few_days(shards):
    shards.execute("CREATE TABLE l AS SELECT date '2026-11-01' + i AS d FROM generate_series(0, 3) i")
    shards.execute("ANALYZE l")
    query = (
        "SELECT l.d, t.n FROM l JOIN shards t ON t.day = l.d"
        " WHERE t.day BETWEEN '2026-11-02' AND '2026-11-03'"
    )
    pushed, local = both(shards, query)
    assert pushed == local
    assert len(pushed) == 6
