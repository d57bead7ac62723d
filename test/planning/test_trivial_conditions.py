# SPDX-License-Identifier: PostgreSQL
"""Conditions on a key that no key condition can hold, such as LIKE '%x%': EXPLAIN
says what is sent and what is checked here, and pages are those behind a filter."""

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.systems import definition, index
from support.wire import sent

KEYS = definition(
    ("pk", "sk"),
    "pk:S sk:S n:N b:B day:S",
    gsis=[index("byDay", "day", "sk")],
    lsis=[index("byN", "pk", "n"), index("byB", "pk", "b")],
)
ITEMS = [
    {"pk": "a", "sk": f"k{i:03}{'zzz' if i == 90 else ''}", "n": i, "b": bytes([i]), "day": "d"}
    for i in range(100)
]
COLUMNS = ["pk text", 'sk text COLLATE "C"', "n numeric", "b bytea", "day text"]


@pytest.fixture
def t(db, proxy, make_items):
    make_server(db, proxy.endpoint)
    items = make_items(KEYS, ITEMS)
    foreign_table(db, "t", COLUMNS, table_name=items.name)
    foreign_table(
        db,
        "entity",
        [
            "pk text OPTIONS (template '${part}')",
            "sk text OPTIONS (template 'k${rest}') COLLATE \"C\"",
            "part text",
            'rest text COLLATE "C"',
            "n int",
        ],
        table_name=items.name,
    )
    db.execute("EXPLAIN SELECT FROM t, entity")
    return db


# What is checked here, though the key condition might seem to say it.
CHECKED = [
    "sk LIKE '%zzz%'",
    "sk LIKE '%zzz'",
    "sk LIKE '_090%'",
    "sk LIKE '%09%z%'",
    "sk NOT LIKE '%zzz%'",
]

# True of every key.
TRUE = [
    "sk LIKE '%'",
    "sk LIKE '%%'",
    "sk ^@ ''",
    "starts_with(sk, '')",
    "sk >= ''",
    "sk > ''",
    "b >= ''",
    "n < 'Infinity'",
    "n > '-Infinity'",
    "n >= -1e200",
]


def key_condition(scan):
    return scan.get("Key Condition", "")


@pytest.mark.parametrize("where", CHECKED)
@pytest.mark.parametrize("key", ["pk = 'a'", "day = 'd'"])
def test_checked_here(t, proxy, where, key):
    query = f"SELECT count(*) FROM t WHERE {key} AND {where}"
    scan = foreign_scan(explain(t, query, verbose="on"))
    assert "sk" not in key_condition(scan)
    assert "sk" in scan["Filter"]
    assert "DynamoDB Filter" not in scan and scan.get("Select") != "COUNT"
    rows, calls = sent(t, proxy, query)
    assert rows[0][0] == t.execute(f"SELECT count(*) FROM t WHERE {key} AND ({where} OR n < 0)").fetchone()[0]
    assert not any("count" in call for call in calls)


@pytest.mark.parametrize("where", TRUE)
def test_true_of_every_key(t, proxy, where):
    """Nothing to say, nothing to check: DynamoDB counts."""
    query = f"SELECT count(*) FROM t WHERE pk = 'a' AND {where}"
    column = next(c for c in ("sk", "b", "n") if f"{c} " in where or f"({c}" in where)
    scan = foreign_scan(explain(t, query, verbose="on"))
    assert column not in key_condition(scan)
    assert scan["Select"] == "COUNT" and "Filter" not in scan
    rows, calls = sent(t, proxy, query)
    assert rows == [(100,)]
    assert calls == ["Query pk = 'a' count"]


def test_pages_are_those_behind_a_filter(t, proxy):
    """As many items as a read unit, then more; not 1, 4, 16."""
    def limits(query, parameters=None):
        with proxy.record() as calls:
            t.execute(query, parameters).fetchall()
        return [call.request["Limit"] for call in calls.data]

    behind_filter = limits("SELECT sk FROM t WHERE pk = 'a' AND length(sk) > 5 LIMIT 1")
    assert limits("SELECT sk FROM t WHERE pk = 'a' AND sk LIKE '%zzz%' LIMIT 1") == behind_filter
    assert len(behind_filter) <= 3
    # The same where nobody knew the pattern.
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE s(text) AS SELECT sk FROM t WHERE pk = 'a' AND sk LIKE $1 LIMIT 1")
    t.execute("EXECUTE s('k')")
    assert limits("EXECUTE s('%zzz%')") == behind_filter
    assert limits("EXECUTE s('k09%')") == [1]
    assert t.execute("EXECUTE s('%zzz%')").fetchall() == [("k090zzz",)]


def test_order_and_other_conditions_stay(t, proxy):
    query = "SELECT sk FROM t WHERE pk = 'a' AND sk > 'k05' AND sk LIKE '%5' ORDER BY sk DESC LIMIT 2"
    scan = foreign_scan(explain(t, query))
    assert "sk > 'k05'" in key_condition(scan) and "~~" not in key_condition(scan)
    rows, calls = sent(t, proxy, query)
    assert rows == [("k095",), ("k085",)]
    assert all("backward" in call or "desc" in call for call in calls), calls


def test_arms_of_or(t):
    both = "(pk = 'a' AND sk LIKE '%zzz%' OR pk = 'b')"
    scan = foreign_scan(explain(t, f"SELECT count(*) FROM t WHERE {both}"))
    assert "zzz" not in key_condition(scan) and "zzz" in scan["Filter"]
    assert t.execute(f"SELECT count(*) FROM t WHERE {both}").fetchone() == (1,)
    arms = "pk = 'a' AND (sk LIKE '%zzz%' OR sk = 'k001')"
    assert key_condition(foreign_scan(explain(t, f"SELECT sk FROM t WHERE {arms}"))) == "(pk = 'a'::text)"
    rows = t.execute(f"SELECT sk FROM t WHERE {arms} ORDER BY sk").fetchall()
    assert rows == [("k001",), ("k090zzz",)]


def test_prefixes_are_sent_still(t, proxy):
    query = "SELECT sk FROM t WHERE pk = 'a' AND sk LIKE 'k09%z%'"
    scan = foreign_scan(explain(t, query))
    assert "~~" in key_condition(scan) and "~~" in scan["Filter"]
    rows, (call,) = sent(t, proxy, query)
    assert rows == [("k090zzz",)] and "k09" in call


def test_whole_tables_are_filtered(t, proxy):
    query = "SELECT count(*) FROM t WHERE sk LIKE '%zzz%'"
    scan = foreign_scan(explain(t, query))
    assert scan["DynamoDB Operation"] == "Scan" and "~~" in scan["DynamoDB Filter"]
    with proxy.record() as calls:
        assert t.execute(query).fetchone() == (1,)
    assert "contains" in calls.data[0].request["FilterExpression"]


def test_variables_of_templates(t):
    for where, count in {
        "rest LIKE '%zzz%'": 1,
        "rest LIKE '%'": 100,
        "rest ^@ ''": 100,
        "rest LIKE '09%z'": 1,
    }.items():
        query = f"SELECT count(*) FROM entity WHERE part = 'a' AND {where}"
        scan = foreign_scan(explain(t, query))
        assert ("rest" in key_condition(scan)) == ("09" in where), where
        assert ("rest" in scan.get("Filter", "")) == ("zzz" in where or "09" in where), where
        assert t.execute(query).fetchone() == (count,), where


def test_patterns_that_are_errors_are_errors_still(t):
    with pytest.raises(psycopg.errors.InvalidEscapeSequence):
        t.execute("SELECT count(*) FROM t WHERE pk = 'a' AND sk LIKE '\\'")


def test_keys_that_do_not_fit_are_not_counted(t):
    """LIKE '%' is not true of NULL, which a key that does not fit may become."""
    t.execute("SET ddb_fdw.on_type_mismatch = 'null'")
    t.execute("ALTER FOREIGN TABLE t ALTER sk TYPE varchar(4)")
    for where in ("sk LIKE '%'", "sk >= ''", "sk LIKE '%k%'"):
        query = f"SELECT count(*) FROM t WHERE pk = 'a' AND {where}"
        assert t.execute(query).fetchone() == (99,), where
