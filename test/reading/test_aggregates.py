# SPDX-License-Identifier: PostgreSQL
"""Aggregates that DynamoDB computes, or that need little of it to be read.

Answers are compared with PostgreSQL's own, made with ddb_fdw.pushdown = off;
what was sent is looked at through the proxy.
"""

import json
from decimal import Decimal

import psycopg
import pytest
from support.fdw import explain, foreign_table, make_server, plan_nodes
from support.proxy import Proxy, declare_time_to_live
from support.regress_data import load_table
from support.systems import definition, index

KEYS = definition(
    ("pk", "sk"), "pk:S sk:S sev:S n:N", gsis=[index("bySeverity", "sev", "n")]
)


def items():
    for pk, count in (("P", 30), ("Q", 5), ("R", 1)):
        for number in range(count):
            item = {"pk": pk, "sk": f"{number:02}", "n": number * 10}
            item["sev"] = "error" if number % 7 == 0 else "info"
            if number % 3:
                item["flag"] = number % 2 == 0
                item["amount"] = Decimal(number) / 4
            if number % 5 == 0:
                item["flag"] = None  # stored as {"NULL": true}
            if number == 4:
                item["amount"] = "four"  # fits no number
            yield item


COLUMNS = [
    "pk text",
    'sk text COLLATE "C"',
    "n int",
    "sev text",
    "flag boolean OPTIONS (on_type_mismatch 'null')",
    "amount numeric OPTIONS (on_type_mismatch 'null')",
]


@pytest.fixture(scope="module")
def counted(ddb_resource):
    load_table(ddb_resource, "Counted", KEYS, items())
    return "Counted"


@pytest.fixture
def t(db, proxy, counted):
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", COLUMNS, table_name=counted)
    db.execute("EXPLAIN SELECT 1 FROM t")
    return db


def in_short(call):
    request = call.request
    words = [call.operation]
    words += [request[name] for name in ("IndexName", "Select") if name in request]
    words += [f"Limit {request['Limit']}"] if "Limit" in request else []
    return " ".join(words)


def compare(db, proxy, query, parameters=None):
    """(rows, requests in short) after the rows were found to be PostgreSQL's."""
    with proxy.record() as calls:
        rows = db.execute(query, parameters).fetchall()
    requests = [in_short(call) for call in calls]
    db.execute("SET ddb_fdw.pushdown = off")
    assert sorted(rows, key=repr) == sorted(db.execute(query, parameters).fetchall(), key=repr)
    db.execute("RESET ddb_fdw.pushdown")
    return rows, requests


def node_types(db, query):
    return [node["Node Type"] for node in plan_nodes(explain(db, query))]


ALONE = ["Foreign Scan"]
ONE = ["Query COUNT"]

# query: rows, requests; of these DynamoDB gives the finished rows
COUNTS = {
    "SELECT count(*) FROM t": ([(36,)], ["Scan COUNT"]),
    "SELECT count(*) FROM t WHERE pk = 'P'": ([(30,)], ONE),
    "SELECT count(1) FROM t WHERE pk = 'P'": ([(30,)], ONE),
    "SELECT count(*) FROM t WHERE pk = 'X'": ([(0,)], ONE),
    "SELECT count(*) FROM t WHERE pk = 'P' AND sk >= '10'": ([(20,)], ONE),
    "SELECT count(*) FROM t WHERE pk = 'P' AND sev = 'error'": ([(5,)], ONE),
    "SELECT count(*) FROM t WHERE pk IN ('P', 'Q', 'P', 'X')": ([(35,)], ONE * 3),
    "SELECT count(*) FROM t WHERE pk = 'P' AND sk > 'b' AND sk < 'a'": ([(0,)], []),
    "SELECT count(*) FROM t WHERE pk = ANY (ARRAY[NULL, '']::text[])": ([(0,)], []),
    "SELECT count(*) FROM t WHERE sev = 'error' AND n > 60": ([(4,)], ["Query bySeverity COUNT"]),
    # keys are never NULL
    "SELECT count(pk), count(sk), count(*) FROM t WHERE pk = 'P'": ([(30, 30, 30)], ONE),
    "SELECT count(pk::varchar) FROM t WHERE pk = 'P'": ([(30,)], ONE),
    "SELECT count(sk) FROM t WHERE sev = 'error' AND n > 60": ([(4,)], ["Query bySeverity COUNT"]),
    # other columns, where nothing but NULL can be NULL
    "SELECT count(flag) FROM t WHERE pk = 'P'": ([(16,)], ONE),
    "SELECT count(amount), count(amount) + 1 FROM t WHERE pk = 'P'": ([(19, 20)], ONE),
    # expressions of counts
    "SELECT count(*)::int * 2 + 1, 'x', count(*) > 3 FROM t WHERE pk = 'Q'": (
        [(11, "x", True)],
        ONE,
    ),
    # FILTER
    "SELECT count(*) FILTER (WHERE sev = 'error') FROM t WHERE pk = 'P'": ([(5,)], ONE),
    "SELECT count(*) FILTER (WHERE pk = 'P' AND sk < '05') FROM t": ([(5,)], ONE),
    "SELECT count(sk) FILTER (WHERE flag), count(*) FILTER (WHERE flag) FROM t WHERE pk = 'P'": (
        [(8, 8)],
        ONE,
    ),
    # HAVING
    "SELECT count(*) FROM t WHERE pk = 'P' HAVING count(*) > 30": ([], ONE),
    "SELECT count(*) FROM t WHERE pk = 'P' HAVING count(*) > 29": ([(30,)], ONE),
    "SELECT 'many' FROM t WHERE pk = 'P' HAVING count(*) > 29": ([("many",)], ONE),
    # partitions
    "SELECT pk, count(*) FROM t WHERE pk IN ('P', 'Q', 'X') GROUP BY pk": (
        [("P", 30), ("Q", 5)],
        ONE * 3,
    ),
    "SELECT count(sk), pk || '!' FROM t WHERE pk IN ('P', 'Q') AND sk > '02' AND sk < '20'"
    " GROUP BY pk": ([(17, "P!"), (2, "Q!")], None),
    "SELECT pk, count(*) FROM t WHERE pk = 'P' AND sk < '03' OR pk = 'Q' AND sk > '01'"
    " OR pk = 'P' AND sk > '20' GROUP BY pk": ([("P", 12), ("Q", 3)], ONE * 3),
    "SELECT pk, count(*) FROM t WHERE pk IN ('P', 'Q') GROUP BY pk HAVING count(*) > 7": (
        [("P", 30)],
        ONE * 2,
    ),
    "SELECT pk, count(*) FROM t WHERE pk = 'P' GROUP BY pk": ([("P", 30)], ONE),
    "SELECT pk, count(*) FROM t WHERE pk = 'X' GROUP BY pk": ([], ONE),
    "SELECT sev, count(*) FROM t WHERE sev IN ('error', 'info') AND n >= 0 GROUP BY sev": (
        [("error", 7), ("info", 29)],
        ["Query bySeverity COUNT"] * 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("query", COUNTS)
def test_counted_by_dynamodb(t, proxy, query):
    rows, requests = COUNTS[query]
    got, sent = compare(t, proxy, query)
    assert sorted(got) == sorted(rows)
    assert requests is None or sent == requests
    assert node_types(t, query) == ALONE


# Answers that Select COUNT does not know.
LOCAL = [
    "SELECT count(sev) FROM t WHERE pk = 'P'",
    "SELECT count(DISTINCT sk) FROM t WHERE pk = 'P'",
    "SELECT count(flag), count(*) FROM t WHERE pk = 'P'",
    "SELECT count(flag), count(amount) FROM t WHERE pk = 'P'",
    "SELECT count(*) FILTER (WHERE flag), count(*) FROM t WHERE pk = 'P'",
    "SELECT count(*) FILTER (WHERE upper(sev) = 'ERROR') FROM t WHERE pk = 'P'",
    "SELECT count(*) FROM t WHERE pk = 'P' AND upper(sev) = 'ERROR'",
    "SELECT count(NULLIF(sk, '01')) FROM t WHERE pk = 'P'",
    "SELECT count(NULL::text) FROM t WHERE pk = 'P'",
    "SELECT count(t) FROM t WHERE pk = 'P'",
    "SELECT count(*), sum(n) FROM t WHERE pk = 'P'",
    "SELECT sev, count(*) FROM t WHERE pk = 'P' GROUP BY sev",
    "SELECT pk, sk, count(*) FROM t WHERE pk = 'Q' GROUP BY pk, sk",
    "SELECT upper(pk), count(*) FROM t WHERE pk = 'P' GROUP BY upper(pk)",
    "SELECT pk, count(flag) FROM t WHERE pk IN ('P', 'R') GROUP BY pk",
    "SELECT pk, count(*) FILTER (WHERE sev = 'x') FROM t WHERE pk IN ('P', 'R') GROUP BY pk",
    "SELECT pk, count(*) FROM t GROUP BY pk",
    "SELECT pk, count(*) FROM t WHERE pk = 'P' GROUP BY ROLLUP (pk)",
    "SELECT count(*) FROM (SELECT 1 FROM t WHERE pk = 'P' LIMIT 3) s",
    "SELECT count(*) FROM (SELECT * FROM t WHERE pk = 'P' FOR UPDATE) s",
    "SELECT count(*) FROM t a JOIN t b USING (pk, sk) WHERE pk = 'Q'",
    "SELECT count(*), generate_series(1, 2) FROM t WHERE pk = 'P'",
]


@pytest.mark.warns("rows of foreign table public.t are not locked")
@pytest.mark.parametrize("query", LOCAL)
def test_counted_by_postgresql(t, proxy, query):
    compare(t, proxy, query)
    assert set(node_types(t, query)) & {"Aggregate", "WindowAgg"}


def test_strict_column_raises_what_does_not_fit(t):
    foreign_table(t, "strict", ["pk text", "amount numeric"], table_name="Counted")
    with pytest.raises(psycopg.errors.InvalidCharacterValueForCast):
        t.execute("SELECT count(amount) FROM strict WHERE pk = 'P'")


def test_window_over_counts(t, proxy):
    query = (
        "SELECT pk, count(*), rank() OVER (ORDER BY count(*) DESC) FROM t"
        " WHERE pk IN ('P', 'Q', 'R') GROUP BY pk ORDER BY pk DESC LIMIT 2"
    )
    rows, requests = compare(t, proxy, query)
    assert rows == [("R", 1, 3), ("Q", 5, 2)]
    assert requests == ONE * 3


# ---- parameters, rescans, cursors ----------------------------------------------------


@pytest.mark.parametrize("pattern, count", [("err%", 5), ("e%r", 5), ("%rr%", 5), (None, 0)])
def test_parameter_that_makes_a_condition_wider(t, proxy, pattern, count):
    """'e%r' is more than one condition can say: items are fetched after all."""
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p (text) AS SELECT count(*) FROM t WHERE pk = 'P' AND sev LIKE $1")
    assert node_types(t, "EXECUTE p ('x')") == ALONE
    with proxy.record() as calls:
        literal = "NULL" if pattern is None else f"'{pattern}'"
        assert t.execute(f"EXECUTE p ({literal})").fetchone() == (count,)
    if pattern is not None:
        assert ("Select" in calls[0].request) == (pattern != "e%r")


def test_parameter_that_makes_groups_wider(t, proxy):
    """Strict bounds on both sides: BETWEEN takes in the ends."""
    query = (
        "SELECT pk, count(*), count(sk) FROM t"
        " WHERE pk = ANY (%s) AND sk > %s AND sk < %s GROUP BY pk"
    )
    rows, _ = compare(t, proxy, query, [["P", "Q", "R", "S"], "00", "04"])
    assert sorted(rows) == [("P", 3, 3), ("Q", 3, 3)]


def test_explain_analyze_of_items_fetched_after_all(t):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p (text) AS SELECT count(*) FROM t WHERE pk = 'P' AND sev LIKE $1")
    for pattern, select in (("err%", "COUNT"), ("e%r", None)):
        node = explain(t, f"EXECUTE p ('{pattern}')", analyze="")
        assert node.get("Select") == select
        assert node["Relations"] == "Aggregate on (t)"
        assert (node["Actual Rows"], node["Requests"]) == (1, 1)


def test_correlated_subquery(t, proxy):
    query = (
        "SELECT k, (SELECT count(*) FROM t WHERE pk = k) FROM"
        " (VALUES ('P'), ('Q'), (NULL), ('X'), ('')) v (k)"
    )
    rows, requests = compare(t, proxy, query)
    assert sorted(rows, key=str) == sorted(
        [("P", 30), ("Q", 5), (None, 0), ("X", 0), ("", 0)], key=str
    )
    assert requests == ONE * 3


def test_lateral_groups(t, proxy):
    query = (
        "SELECT k, x.* FROM (VALUES ('{P,Q}'::text[]), ('{R,R}'), (NULL), ('{}')) v (k),"
        " LATERAL (SELECT pk, count(*) FROM t WHERE pk = ANY (k) GROUP BY pk) x"
    )
    rows, _ = compare(t, proxy, query)
    assert sorted(row[1:] for row in rows) == [("P", 30), ("Q", 5), ("R", 1)]


def test_scroll_cursor(t):
    with t.transaction():
        t.execute(
            "DECLARE c SCROLL CURSOR FOR SELECT pk, count(*) FROM t"
            " WHERE pk IN ('P', 'Q', 'R') GROUP BY pk ORDER BY pk"
        )
        assert t.execute("FETCH 2 FROM c").fetchall() == [("P", 30), ("Q", 5)]
        assert t.execute("FETCH BACKWARD 1 FROM c").fetchall() == [("P", 30)]
        assert t.execute("FETCH ALL FROM c").fetchall() == [("Q", 5), ("R", 1)]


# ---- what columns are ----------------------------------------------------------------


def test_dropped_and_added_columns(t, proxy):
    t.execute("ALTER FOREIGN TABLE t DROP COLUMN n, ADD COLUMN late text")
    query = (
        "SELECT pk, count(*), count(sk) FROM t"
        " WHERE pk IN ('P', 'Q') AND sk > '03' AND sk < '06' GROUP BY pk"
    )
    rows, _ = compare(t, proxy, query)
    assert sorted(rows) == [("P", 2, 2), ("Q", 1, 1)]
    assert node_types(t, query) == ALONE


@pytest.fixture(scope="module")
def odd_keys(ddb_resource):
    """Keys that no text and no integer can be."""
    definition = {
        "KeySchema": KEYS["KeySchema"],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "N"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    keys = [(1, "a"), (1, "a\0b"), (1, "c"), (Decimal("1.5"), "d"), (5000000000, "e")]
    load_table(ddb_resource, "OddKeys", definition, [{"pk": pk, "sk": sk} for pk, sk in keys])


def test_keys_that_do_not_fit(db, proxy, odd_keys):
    """NULL where that was asked for: then they are not counted."""
    make_server(db, proxy.endpoint)
    foreign_table(db, "odd", ["pk int", "sk text"], table_name="OddKeys")
    queries = {
        "SELECT count(sk), count(*) FROM odd WHERE pk = 1": [(2, 3)],
        "SELECT count(pk), count(*), count(sk) FROM odd": [(3, 5, 4)],
        "SELECT pk, count(sk), count(*) FROM odd WHERE pk IN (1, 2, 5000000000) GROUP BY pk": [
            (1, 2, 3)
        ],
    }
    for query in queries:
        assert node_types(db, query) == ALONE
    db.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    for query, rows in queries.items():
        assert node_types(db, query) == ALONE
        assert compare(db, proxy, query)[0] == rows


def test_nondeterministic_groups_stay(t, proxy, tree):
    if not tree.has_icu:
        pytest.skip("only ICU has such collations")
    t.execute(
        "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2',"
        " deterministic = false)"
    )
    foreign_table(t, "nocase", ["pk text COLLATE nocase", "sk text"], table_name="Counted")
    query = (
        "SELECT pk, count(*) FROM nocase WHERE pk COLLATE \"C\" IN ('P', 'p') GROUP BY pk"
    )
    rows, _ = compare(t, proxy, query)
    assert rows == [("P", 30)]
    assert "Aggregate" in node_types(t, query)


# ---- whose and how -------------------------------------------------------------------


def test_views(t, proxy):
    t.execute("CREATE VIEW p WITH (security_barrier) AS SELECT * FROM t WHERE pk = 'P'")
    rows, requests = compare(t, proxy, "SELECT count(*) FILTER (WHERE sev = 'error') FROM p")
    assert (rows, requests) == ([(5,)], ["Query"])
    assert compare(t, proxy, "SELECT count(*) FROM p") == ([(30,)], ONE)


def test_view_owners_mapping(t):
    t.execute("CREATE VIEW p AS SELECT * FROM t WHERE pk = 'P'")
    t.execute("CREATE ROLE reader; GRANT SELECT ON p TO reader")
    try:
        t.execute("SET ROLE reader")
        assert t.execute("SELECT count(*) FROM p").fetchone() == (30,)
        assert node_types(t, "SELECT count(*) FROM p") == ALONE
    finally:
        t.execute("RESET ROLE; DROP OWNED BY reader; DROP ROLE reader")


def test_denied_scan(t):
    t.execute("ALTER FOREIGN TABLE t OPTIONS (ADD scan 'deny')")
    assert t.execute("SELECT count(*) FROM t WHERE pk = 'P'").fetchone() == (30,)
    with pytest.raises(psycopg.Error) as caught:
        t.execute("SELECT count(*) FROM t")
    assert caught.value.sqlstate == "53400"


def test_segments(t):
    parts = []
    for segment in range(3):
        name = foreign_table(
            t, f"s{segment}", COLUMNS, table_name="Counted", segment=segment, total_segments=3
        )
        assert node_types(t, f"SELECT count(*) FROM {name}") == ALONE
        parts += t.execute(f"SELECT count(*) FROM {name}").fetchone()
    assert sum(parts) == 36


# ---- min and max ---------------------------------------------------------------------


@pytest.mark.parametrize("function, end", [("min", "03"), ("max", "29")])
def test_end_of_a_partition_is_one_item(t, proxy, function, end):
    query = f"SELECT {function}(sk) FROM t WHERE pk = 'P' AND sk >= '03'"
    assert compare(t, proxy, query) == ([(end,)], ["Query Limit 1"])


# ---- partitions, one item of each ----------------------------------------------------

ITEM_BYTES = 10_000
SORT_KEYS = {"S": str, "N": int, "B": lambda number: number.to_bytes(2)}


def load_partitions(resource, name, sort_type, partitions, each):
    """Items so large that few make a page."""
    definition = {
        "KeySchema": KEYS["KeySchema"],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": sort_type},
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    sort_key = SORT_KEYS[sort_type]
    load_table(
        resource,
        name,
        definition,
        (
            {"pk": f"p{p}", "sk": sort_key(s), "text": "x" * ITEM_BYTES}
            for p in range(partitions)
            for s in range(each)
        ),
    )


@pytest.fixture(scope="module")
def partitioned(ddb_resource):
    for sort_type in SORT_KEYS:
        load_partitions(ddb_resource, f"Long{sort_type}", sort_type, 12, 30)
    load_partitions(ddb_resource, "Short", "S", 400, 1)


@pytest.fixture
def p(db, proxy, partitioned):
    make_server(db, proxy.endpoint)
    types = {"LongS": "text", "LongN": "int", "LongB": "bytea", "Short": "text"}
    for name, sort_type in types.items():
        foreign_table(
            db, name.lower(), ["pk text", f"sk {sort_type}", "text text"], table_name=name
        )
        db.execute(f"EXPLAIN SELECT 1 FROM {name}")
    return db


def skips(db, query):
    return any("Skip" in node for node in plan_nodes(explain(db, query)))


@pytest.mark.parametrize("sort_type", "SNB")
@pytest.mark.parametrize(
    "query, count",
    [
        ("SELECT DISTINCT pk FROM {}", 12),
        ("SELECT pk FROM {} GROUP BY pk", 12),
        ("SELECT DISTINCT pk || '!' FROM {} WHERE pk > 'p2'", 7),
        ("SELECT DISTINCT pk FROM {} WHERE upper(pk) > 'P2' ORDER BY pk LIMIT 3", 3),
        ("SELECT count(DISTINCT pk) FROM {}", 1),
    ],
)
def test_partitions_are_skipped(p, proxy, sort_type, query, count):
    query = query.format(f"long{sort_type.lower()}")
    assert skips(p, query)
    with proxy.record() as calls:
        rows = p.execute(query).fetchall()
    assert len(rows) == len(set(rows)) == count
    assert calls.operations == ["Scan"] * len(calls)
    units = sum(call.response["ConsumedCapacity"]["CapacityUnits"] for call in calls)
    everything = 12 * 30 * ITEM_BYTES / 8192
    assert len(calls) <= 13 and units < everything / 2
    assert sum(call.response["ScannedCount"] for call in calls) < 200
    p.execute("SET ddb_fdw.pushdown = off")
    assert sorted(rows) == sorted(p.execute(query).fetchall())


def test_short_partitions_are_read_after_all(p, proxy):
    """Eight skips find nothing out; the first whole page does."""
    query = "SELECT DISTINCT pk FROM short"
    assert skips(p, query)
    with proxy.record() as calls:
        rows = p.execute(query).fetchall()
    assert len(rows) == 400
    limits = ["Limit" in call.request for call in calls]
    assert limits == [True] * 8 + [False] * (len(calls) - 8)
    assert len(calls) <= 8 + 5
    assert compare(p, proxy, query)[0]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pk FROM longs",
        "SELECT DISTINCT pk, sk FROM longs",
        "SELECT DISTINCT pk FROM longs WHERE sk > '2'",
        "SELECT pk, count(*) FROM longs GROUP BY pk",
        "SELECT count(pk), count(DISTINCT pk) FROM longs",
        "SELECT DISTINCT pk, random() FROM longs",
        "SELECT DISTINCT ON (pk) pk, sk FROM longs ORDER BY pk, sk",
        "SELECT DISTINCT pk, row_number() OVER () FROM longs",
        "SELECT DISTINCT a.pk FROM longs a, longs b",
        "SELECT DISTINCT pk FROM longs WHERE pk = 'p3'",
        "SELECT DISTINCT 1 FROM longs WHERE pk <> 'p3'",
        "SELECT DISTINCT longs FROM longs",
    ],
)
def test_partitions_are_not_skipped(p, query):
    assert not skips(p, query)


def test_a_share_of_a_scan_is_not_skipped_through(p):
    """A made-up key may lie in another segment."""
    foreign_table(p, "s", ["pk text"], table_name="LongS", segment=0, total_segments=2)
    assert not skips(p, "SELECT DISTINCT pk FROM s")


def test_hidden_items_do_not_hide_partitions(p):
    p.execute("ALTER FOREIGN TABLE longs OPTIONS (ADD hide_expired 'true')")
    declare_time_to_live("LongS", "gone")
    assert not skips(p, "SELECT DISTINCT pk FROM longs")


class ForgetfulProxy(Proxy):
    """A server that starts anew whatever key it is given."""

    def _forward(self, upstream, request):
        if request.operation == "Scan":
            body = request.json
            body.pop("ExclusiveStartKey", None)
            request.body = json.dumps(body).encode()
        return super()._forward(upstream, request)


def test_a_server_that_does_not_move_on(db, dynamodb, partitioned):
    with ForgetfulProxy(dynamodb.endpoint) as proxy:
        make_server(db, proxy.endpoint)
        foreign_table(db, "longs", ["pk text"], table_name="LongS")
        with pytest.raises(psycopg.Error, match="could not understand a reply") as caught:
            db.execute("SELECT DISTINCT pk FROM longs")
    assert "does not move" in caught.value.diag.message_detail


def test_rescans_skip_anew(p):
    query = (
        "SELECT b, (SELECT count(DISTINCT pk) FROM longn WHERE pk > b)"
        " FROM (VALUES ('p1'), ('p3'), (NULL), ('p1')) v (b)"
    )
    assert sorted(p.execute(query).fetchall(), key=repr) == [
        ("p1", 10), ("p1", 10), ("p3", 6), (None, 0),
    ]  # fmt: skip
