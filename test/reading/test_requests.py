# SPDX-License-Identifier: PostgreSQL
"""What goes over the wire for which SQL, counted and read at the proxy."""

import json
import re

import pytest
from lab import samples, wait_until
from psycopg import sql as sql_module
from support import proxy as proxies
from support.background import Statement
from support.fdw import explain, foreign_scan, foreign_table, log_entries, make_server, plan_nodes
from support.paged import COLUMNS, PagedTable, make_items
from support.proxy import Proxy
from support.regress_data import load_table
from support.systems import definition, index
from support.wire import projection, sent

ITEMS = [
    {
        "pk": pk,
        "sk": f"{number:02}",
        "n": number * 10,
        "sev": "error" if number % 7 == 0 else "info",
        "note": f"note {number}",
    }
    for pk, count in (("P", 30), ("Q", 5))
    for number in range(count)
]

KEYS = definition(
    ("pk", "sk"),
    "pk:S sk:S sev:S n:N",
    gsis=[
        index("bySeverity", "sev", "n"),
        index("keysOnly", "sev", projection="KEYS_ONLY"),
    ],
    lsis=[index("byN", "pk", "n", "KEYS_ONLY")],
)

HASH_ONLY = definition(("id",), "id:N")

T_COLUMNS = ["pk text", 'sk text COLLATE "C"', "n int", "sev text", "note text"]


@pytest.fixture(scope="module")
def wire_tables(ddb_resource):
    load_table(ddb_resource, "Wire", KEYS, ITEMS)
    load_table(ddb_resource, "WireHash", HASH_ONLY, [{"id": i, "v": i * i} for i in range(5)])


@pytest.fixture
def t(db, proxy, wire_tables):
    """Connection with foreign table t, its description cached."""
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", T_COLUMNS, table_name="Wire")
    db.execute("EXPLAIN SELECT 1 FROM t")
    return db


def sks(*numbers):
    return [(f"{number:02}",) for number in numbers]


ALL_P = sks(*range(30))
NONE = ([], [])
LONG_PK = "p" * 2049
LONG_SK = "s" * 1025

CONDITIONS = {
    # the whole key: one GetItem
    "pk = 'P' AND sk = '05'": (sks(5), ["GetItem P,05"]),
    "sk = '05' AND 'P' = pk": (sks(5), ["GetItem P,05"]),
    "pk = 'P' AND sk = '77'": ([], ["GetItem P,77"]),
    "pk = 'P' AND sk = '05' AND n = 50": (sks(5), ["GetItem P,05"]),
    "pk = 'P' AND sk = '05' AND n = 51": ([], ["GetItem P,05"]),
    "(pk, sk) = ('P', '05')": (sks(5), ["GetItem P,05"]),
    # what no item can satisfy: no request
    "pk = NULL": NONE,
    "pk = (NULL)::text AND sk = '05'": NONE,
    "pk = 'P' AND sk > NULL": NONE,
    "pk = ''": NONE,
    "pk = 'P' AND sk = ''": NONE,
    "pk = 'P' AND sk < ''": NONE,
    "pk = 'P' AND sk <= ''": NONE,
    "pk = 'P' AND pk = 'Q'": NONE,
    "pk = 'P' AND sk = '05' AND sk = '06'": NONE,
    "pk = 'P' AND sk > '20' AND sk < '10'": NONE,
    "pk = 'P' AND sk > '10' AND sk < '10'": NONE,
    "pk = 'P' AND sk > '10' AND sk <= '10'": NONE,
    "pk = 'P' AND sk BETWEEN '20' AND '10'": NONE,
    "pk = 'P' AND sk ^@ '1' AND sk ^@ '2'": NONE,
    "pk = 'P' AND sk ^@ '1' AND sk > '2'": NONE,
    f"pk = '{LONG_PK}'": NONE,
    f"pk = 'P' AND sk = '{LONG_SK}'": NONE,
    f"pk = 'P' AND sk ^@ '{LONG_SK}'": NONE,
    "pk = 'P' AND false": NONE,
    "pk = 'P' AND pk IS NULL": ([], None),
    # partition
    "pk = 'P'": (ALL_P, ["Query pk = 'P'"]),
    "pk = 'X'": ([], ["Query pk = 'X'"]),
    "pk = 'P' AND sk IS NOT NULL": (ALL_P, ["Query pk = 'P'"]),
    "pk = upper('p')": (ALL_P, ["Query pk = 'P'"]),
    # ranges
    "pk = 'P' AND sk < '03'": (sks(0, 1, 2), ["Query pk = 'P' AND sk < '03'"]),
    "pk = 'P' AND sk <= '03'": (sks(0, 1, 2, 3), ["Query pk = 'P' AND sk <= '03'"]),
    "pk = 'P' AND sk > '27'": (sks(28, 29), ["Query pk = 'P' AND sk > '27'"]),
    "pk = 'P' AND sk >= '27'": (sks(27, 28, 29), ["Query pk = 'P' AND sk >= '27'"]),
    "pk = 'P' AND '27' < sk": (sks(28, 29), ["Query pk = 'P' AND sk > '27'"]),
    "pk = 'P' AND sk > '05' AND sk < '08'": (
        sks(6, 7),
        ["Query pk = 'P' AND sk BETWEEN '05' AND '08'"],
    ),
    "pk = 'P' AND sk >= '05' AND sk <= '07'": (
        sks(5, 6, 7),
        ["Query pk = 'P' AND sk BETWEEN '05' AND '07'"],
    ),
    "pk = 'P' AND sk BETWEEN '05' AND '07'": (
        sks(5, 6, 7),
        ["Query pk = 'P' AND sk BETWEEN '05' AND '07'"],
    ),
    "pk = 'P' AND sk BETWEEN '05' AND '05'": (sks(5), ["Query pk = 'P' AND sk = '05'"]),
    "pk = 'P' AND sk > '20' AND sk > '27'": (sks(28, 29), ["Query pk = 'P' AND sk > '27'"]),
    "pk = 'P' AND sk >= '27' AND sk > '27'": (sks(28, 29), ["Query pk = 'P' AND sk > '27'"]),
    "pk = 'P' AND sk < '02' AND sk < '20'": (sks(0, 1), ["Query pk = 'P' AND sk < '02'"]),
    "pk = 'P' AND sk >= ''": (ALL_P, ["Query pk = 'P'"]),
    "pk = 'P' AND sk > ''": (ALL_P, ["Query pk = 'P'"]),
    "pk = 'P' AND sk ~<~ '02'": (sks(0, 1), ["Query pk = 'P' AND sk < '02'"]),
    # prefixes
    "pk = 'P' AND sk LIKE '1%'": (sks(*range(10, 20)), ["Query pk = 'P' AND begins_with(sk, '1')"]),
    "pk = 'P' AND starts_with(sk, '1')": (
        sks(*range(10, 20)),
        ["Query pk = 'P' AND begins_with(sk, '1')"],
    ),
    "pk = 'P' AND sk ^@ '1'": (sks(*range(10, 20)), ["Query pk = 'P' AND begins_with(sk, '1')"]),
    "pk = 'P' AND sk LIKE '1%5'": (sks(15), ["Query pk = 'P' AND begins_with(sk, '1')"]),
    "pk = 'P' AND sk LIKE '1_'": (
        sks(*range(10, 20)),
        ["Query pk = 'P' AND begins_with(sk, '1')"],
    ),
    "pk = 'P' AND sk LIKE '05'": (sks(5), None),
    "pk = 'P' AND sk LIKE '%5'": (sks(5, 15, 25), ["Query pk = 'P'"]),
    "pk = 'P' AND sk LIKE '%'": (ALL_P, ["Query pk = 'P'"]),
    "pk = 'P' AND sk ^@ ''": (ALL_P, ["Query pk = 'P'"]),
    "pk = 'P' AND sk LIKE '1%' AND sk > '17'": (
        sks(18, 19),
        ["Query pk = 'P' AND sk BETWEEN '17' AND '2'"],
    ),
    # left to PostgreSQL
    "pk = 'P' AND sk <> '05'": (sks(*(i for i in range(30) if i != 5)), ["Query pk = 'P'"]),
    "pk = 'P' AND sk NOT LIKE '0%'": (sks(*range(10, 30)), ["Query pk = 'P'"]),
    "pk = 'P' AND sk ILIKE '0%'": (sks(*range(10)), ["Query pk = 'P'"]),
    "pk = 'P' AND sk > '28' COLLATE \"en-x-icu\"": (sks(29), ["Query pk = 'P'"]),
    "pk = 'P' AND n > 280": (sks(29), None),  # the index, or its order: both cost half a unit
    "pk > 'O' AND pk < 'Q'": (ALL_P, ["Scan"]),
    "pk LIKE 'P%'": (ALL_P, ["Scan"]),
    "sk = '29'": (sks(29), ["Scan"]),
}


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda text: text[:60])
def test_condition(t, proxy, condition):
    rows, requests = CONDITIONS[condition]
    found, seen = sent(t, proxy, f"SELECT sk FROM t WHERE {condition} ORDER BY sk")
    assert found == rows
    if requests is not None:
        assert seen == requests


@pytest.mark.parametrize("condition", [c for c in CONDITIONS if "upper" not in c])
def test_condition_without_pushdown(t, proxy, condition):
    """The same rows, read the slow way."""
    t.execute("SET ddb_fdw.pushdown = off")
    found, seen = sent(t, proxy, f"SELECT sk FROM t WHERE {condition} ORDER BY sk")
    assert found == CONDITIONS[condition][0]
    assert set(seen) <= {"Scan"}


def test_overlong_bounds_still_divide(t, proxy):
    """No key is that long, but keys lie on both sides of it."""
    bound = "05" + "x" * 2000
    rows, seen = sent(t, proxy, f"SELECT sk FROM t WHERE pk = 'P' AND sk > '{bound}' ORDER BY sk")
    assert rows == sks(*range(6, 30))
    assert len(seen) == 1
    rows, _ = sent(t, proxy, f"SELECT sk FROM t WHERE pk = 'P' AND sk < '{bound}' ORDER BY sk")
    assert rows == sks(*range(6))


LIMITS = {
    "SELECT sk FROM t WHERE pk = 'P' LIMIT 5": (5, ["Query pk = 'P' limit 5"]),
    "SELECT sk FROM t WHERE pk = 'P' LIMIT 5 OFFSET 3": (5, ["Query pk = 'P' limit 8"]),
    "SELECT sk FROM t WHERE pk = 'P' OFFSET 28": (2, ["Query pk = 'P'"]),
    "SELECT sk FROM t WHERE pk = 'P' LIMIT NULL": (30, ["Query pk = 'P'"]),
    "SELECT sk FROM t WHERE pk = 'P' LIMIT ALL OFFSET 1": (29, ["Query pk = 'P'"]),
    "SELECT sk FROM t WHERE pk = 'P' LIMIT 0": (0, []),
    "SELECT sk FROM t WHERE pk = 'P' LIMIT 5 OFFSET NULL": (5, ["Query pk = 'P' limit 5"]),
    "SELECT sk FROM t WHERE pk = 'P' LIMIT 2 + 3": (5, ["Query pk = 'P' limit 5"]),
    "SELECT sk FROM t LIMIT 5": (5, ["Scan limit 5"]),
    "SELECT sk FROM t WHERE pk = 'P' ORDER BY sk LIMIT 2": (2, ["Query pk = 'P' limit 2"]),
    "SELECT sk FROM t WHERE pk = 'P' ORDER BY sk DESC LIMIT 2": (
        2,
        ["Query pk = 'P' limit 2 backward"],
    ),
    "SELECT sk FROM t WHERE pk = 'P' ORDER BY sk DESC NULLS LAST LIMIT 2": (
        2,
        ["Query pk = 'P' limit 2 backward"],
    ),
    "SELECT sk FROM t WHERE pk = 'P' ORDER BY sk NULLS FIRST LIMIT 2": (
        2,
        ["Query pk = 'P' limit 2"],
    ),
    "SELECT sk FROM t WHERE pk = 'P' ORDER BY pk, sk DESC LIMIT 2": (
        2,
        ["Query pk = 'P' limit 2 backward"],
    ),
    "SELECT sk FROM t WHERE pk = 'P' AND sk > '10' LIMIT 2": (
        2,
        ["Query pk = 'P' AND sk > '10' limit 2"],
    ),
    "SELECT sk FROM t WHERE pk = 'P' AND sk > '10' AND sk < '20' LIMIT 2": (
        2,
        ["Query pk = 'P' AND sk BETWEEN '10' AND '20' limit 4"],
    ),
    "SELECT * FROM (SELECT sk, n FROM t WHERE pk = 'P' ORDER BY sk LIMIT 5) s WHERE n > 20": (
        2,
        ["Query pk = 'P' limit 5"],
    ),
    "SELECT sk FROM t WHERE pk = 'P' AND sk = '05' LIMIT 1": (1, ["GetItem P,05"]),
    # one item of the sort key's ends
    "SELECT max(sk) FROM t WHERE pk = 'P'": (1, ["Query pk = 'P' limit 1 backward"]),
    "SELECT min(sk) FROM t WHERE pk = 'P'": (1, ["Query pk = 'P' limit 1"]),
    "SELECT min(sk) FROM t WHERE pk = 'P' AND sk > '10'": (
        1,
        ["Query pk = 'P' AND sk > '10' limit 1"],
    ),
    # LIMIT above something else
    "SELECT sk FROM t WHERE pk = 'P' ORDER BY n LIMIT 2": (2, ["Query pk = 'P'"]),
    "SELECT sk FROM t WHERE pk = 'P' ORDER BY n DESC, sk LIMIT 2": (2, ["Query pk = 'P'"]),
    'SELECT sk FROM t WHERE pk = \'P\' ORDER BY sk COLLATE "en-x-icu" LIMIT 2': (
        2,
        ["Query pk = 'P'"],
    ),
    "SELECT sk FROM t ORDER BY sk LIMIT 2": (2, ["Scan"]),
    "SELECT DISTINCT sev FROM t WHERE pk = 'P' LIMIT 2": (2, ["Query pk = 'P'"]),
    "SELECT DISTINCT ON (sev) sev, sk FROM t WHERE pk = 'P' ORDER BY sev, sk LIMIT 2": (
        2,
        ["Query pk = 'P'"],
    ),
    "SELECT sev, count(*) FROM t WHERE pk = 'P' GROUP BY sev LIMIT 2": (2, ["Query pk = 'P'"]),
    "SELECT sum(n) FROM t WHERE pk = 'P' LIMIT 1": (1, ["Query pk = 'P'"]),
    "SELECT sk, row_number() OVER (ORDER BY n) FROM t WHERE pk = 'P' LIMIT 2": (
        2,
        ["Query pk = 'P'"],
    ),
    "SELECT sk, sum(n) OVER () FROM t WHERE pk = 'P' LIMIT 2": (2, ["Query pk = 'P'"]),
    "SELECT count(*) FROM (SELECT sk FROM t WHERE pk = 'P' OFFSET 0) s LIMIT 1": (1, None),
}


@pytest.mark.parametrize("query", LIMITS)
def test_limit(t, proxy, query):
    count, requests = LIMITS[query]
    rows, seen = sent(t, proxy, query)
    assert len(rows) == count
    if requests is not None:
        assert seen == requests
    t.execute("SET ddb_fdw.pushdown = off")
    if "ORDER BY" in query or "max(" in query or "min(" in query or "sum(" in query:
        assert t.execute(query).fetchall() == rows


NO_LIMIT_FROM = {
    "join": "SELECT t.sk FROM t JOIN l USING (n) WHERE pk = 'P' LIMIT 2",
    "left join": "SELECT l.n, t.sk FROM l LEFT JOIN t ON t.n = l.n AND pk = 'P' LIMIT 2",
    "semijoin": "SELECT sk FROM t WHERE pk = 'P' AND n IN (SELECT n FROM l) LIMIT 2",
    "antijoin": "SELECT sk FROM t WHERE pk = 'P' AND NOT EXISTS"
    " (SELECT 1 FROM l WHERE l.n = t.n) LIMIT 2",
    "union": "SELECT sk FROM t WHERE pk = 'P' UNION SELECT note FROM t WHERE pk = 'P' LIMIT 2",
    "except": "SELECT sk FROM t WHERE pk = 'P' EXCEPT SELECT '00' LIMIT 2",
    "having": "SELECT sev FROM t WHERE pk = 'P' GROUP BY sev HAVING count(*) > 1 LIMIT 2",
}


@pytest.mark.parametrize("name", NO_LIMIT_FROM)
def test_limit_stays_above(t, proxy, name):
    t.execute("CREATE TABLE l (n int)")
    t.execute("INSERT INTO l VALUES (250), (270), (290)")
    rows, seen = sent(t, proxy, NO_LIMIT_FROM[name])
    assert len(rows) == 2
    if name == "union" and t.info.server_version >= 170000:
        return  # there the planner hands the LIMIT to the arms, as a hint
    assert seen and not any("limit" in request for request in seen)


def test_union_all_reads_no_more_branches_than_needed(t, proxy):
    rows, seen = sent(
        t,
        proxy,
        "SELECT sk FROM t WHERE pk = 'P' UNION ALL SELECT sk FROM t WHERE pk = 'Q' LIMIT 3",
    )
    assert len(rows) == 3
    assert len(seen) == 1


def test_set_returning_function_in_the_select_list(t):
    """It multiplies rows, or makes them vanish."""
    rows = t.execute(
        "SELECT sk, generate_series(1, n / 10) FROM t WHERE pk = 'P' ORDER BY sk LIMIT 3"
    ).fetchall()
    assert rows == [("01", 1), ("02", 1), ("02", 2)]


def test_limit_with_ties(t, proxy):
    query = "SELECT sk FROM t WHERE pk = 'P' ORDER BY sk FETCH FIRST 3 ROWS WITH TIES"
    rows, seen = sent(t, proxy, query)
    assert rows == sks(0, 1, 2)
    assert seen == ["Query pk = 'P' limit 4"]


def test_exists_reads_one_page(t, proxy):
    rows, seen = sent(t, proxy, "SELECT EXISTS (SELECT 1 FROM t WHERE pk = 'P')")
    assert rows == [(True,)]
    assert len(seen) == 1
    rows, seen = sent(t, proxy, "SELECT EXISTS (SELECT 1 FROM t WHERE pk = 'X')")
    assert rows == [(False,)]
    assert len(seen) == 1


# ---- parameters ----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
def test_prepared_statement(t, proxy, mode):
    t.execute(f"SET plan_cache_mode = {mode}")
    t.execute(
        "PREPARE p (text, text, text, bigint, bigint) AS SELECT sk FROM t"
        " WHERE pk = $1 AND sk >= $2 AND sk <= $3 ORDER BY sk LIMIT $4 OFFSET $5"
    )

    def execute(*values):
        literals = sql_module.SQL(", ").join(map(sql_module.Literal, values))
        return sent(t, proxy, sql_module.SQL("EXECUTE p ({})").format(literals))

    assert execute("P", "05", "09", 2, 1) == (
        sks(6, 7),
        ["Query pk = 'P' AND sk BETWEEN '05' AND '09' limit 3"],
    )
    assert execute("P", "05", "09", None, None) == (
        sks(5, 6, 7, 8, 9),
        ["Query pk = 'P' AND sk BETWEEN '05' AND '09'"],
    )
    assert execute("P", "05", "05", 9, 0)[0] == sks(5)
    assert execute("P", "09", "05", 2, 0) == NONE
    assert execute(None, "05", "09", 2, 0) == NONE
    assert execute("P", None, "09", 2, 0) == NONE
    assert execute("", "05", "09", 2, 0) == NONE
    assert execute("P", "05", "09", 0, 0) == NONE
    assert execute("Q", "", "99", 2, 0)[0] == sks(0, 1)


@pytest.mark.parametrize(
    "pattern, rows",
    [
        ("1%", list(range(10, 20))),
        ("1_", list(range(10, 20))),
        ("%5", [5, 15, 25]),
        ("05", [5]),
        ("", []),
        ("%", list(range(30))),
        ("1%5", [15]),
        (r"0\5", [5]),
        (r"\%", []),
        (None, []),
    ],
)
def test_pattern_as_parameter_of_a_generic_plan(t, proxy, pattern, rows):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p (text) AS SELECT sk FROM t WHERE pk = 'P' AND sk LIKE $1 ORDER BY sk")
    found, seen = sent(
        t, proxy, sql_module.SQL("EXECUTE p ({})").format(sql_module.Literal(pattern))
    )
    assert found == sks(*rows)
    assert len(seen) <= 1
    t.execute("DEALLOCATE p")
    t.execute(
        "PREPARE p (text) AS SELECT sk FROM t WHERE pk = 'P' AND sk LIKE $1 ORDER BY sk LIMIT 3"
    )
    found, _ = sent(t, proxy, sql_module.SQL("EXECUTE p ({})").format(sql_module.Literal(pattern)))
    assert found == sks(*rows[:3])


def test_key_as_parameter_is_one_get_item(t, proxy):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p (text, text) AS SELECT n FROM t WHERE pk = $1 AND sk = $2")
    assert sent(t, proxy, "EXECUTE p ('P', '07')") == ([(70,)], ["GetItem P,07"])
    assert sent(t, proxy, "EXECUTE p ('P', NULL)") == NONE
    assert sent(t, proxy, "EXECUTE p ('', '07')") == NONE


def test_function_bodies_push_their_variables(t, proxy):
    t.execute(
        "CREATE FUNCTION newest(partition text, count int) RETURNS SETOF text LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN QUERY SELECT sk FROM t WHERE pk = partition"
        " ORDER BY sk DESC LIMIT count; END $$"
    )
    rows, seen = sent(t, proxy, "SELECT * FROM newest('P', 2)")
    assert rows == sks(29, 28)
    assert seen == ["Query pk = 'P' limit 2 backward"]


def test_lateral_limit_of_each_outer_row(t, proxy):
    rows, seen = sent(
        t,
        proxy,
        "SELECT v.p, s.sk FROM (VALUES ('P'), ('Q'), ('X'), (NULL)) v (p),"
        " LATERAL (SELECT sk FROM t WHERE pk = v.p ORDER BY sk DESC LIMIT 2) s",
    )
    assert rows == [("P", "29"), ("P", "28"), ("Q", "04"), ("Q", "03")]
    # at once, so that they come in any order
    assert sorted(seen) == [f"Query pk = '{p}' limit 2 backward" for p in "PQX"]


def test_correlated_subquery_rescans(t, proxy):
    rows, seen = sent(
        t,
        proxy,
        "SELECT i, coalesce((SELECT n FROM t WHERE pk = 'P' AND sk = lpad(i::text, 2, '0')), 0)"
        " FROM generate_series(1, 3) i",
    )
    assert rows == [(1, 10), (2, 20), (3, 30)]
    assert seen == ["GetItem P,01", "GetItem P,02", "GetItem P,03"]


def test_current_values_of_stable_functions(t, proxy):
    t.execute("SET my.partition = 'Q'")
    rows, seen = sent(t, proxy, "SELECT sk FROM t WHERE pk = current_setting('my.partition')")
    assert len(rows) == 5
    assert seen == ["Query pk = 'Q'"]
    rows, seen = sent(t, proxy, "SELECT sk FROM t WHERE pk = 'P' AND sk = random()::text")
    assert seen == ["Query pk = 'P'"], "volatile"


# ---- columns -------------------------------------------------------------------------

PROJECTIONS = {
    "sk": {"sk"},
    "n, note": {"n", "note"},
    "note || n": {"n", "note"},
    "t": {"pk", "sk", "n", "sev", "note"},
    "*": {"pk", "sk", "n", "sev", "note"},
    "tableoid, n": {"n"},
}


@pytest.mark.parametrize("columns", PROJECTIONS)
def test_projection(t, proxy, columns):
    with proxy.record() as calls:
        t.execute(f"SELECT {columns} FROM t WHERE pk = 'P'")
    assert len(calls) == 1
    assert projection(calls[0].request) == PROJECTIONS[columns]


def test_columns_of_local_filters_and_sorts_are_asked_for(t, proxy):
    with proxy.record() as calls:
        t.execute("SELECT sk FROM t WHERE pk = 'P' AND upper(sev) = 'ERROR' ORDER BY n")
    assert projection(calls[0].request) == {"sk", "sev", "n"}


def test_columns_of_pushed_filters_are_not_asked_for(t, proxy):
    with proxy.record() as calls:
        t.execute("SELECT sk FROM t WHERE pk = 'P' AND sev = 'error' ORDER BY n")
    assert projection(calls[0].request) == {"sk", "n"}
    assert "FilterExpression" in calls[0].request


def test_rows_without_columns(t, proxy):
    with proxy.record() as calls:
        assert len(t.execute("SELECT FROM t WHERE pk = 'P'").fetchall()) == 30
        assert len(t.execute("SELECT 1 FROM t WHERE pk = 'P' AND sk = '01'").fetchall()) == 1
        assert t.execute("SELECT 1 FROM t WHERE pk = 'P' AND sk = 'nn'").fetchall() == []
    assert all(len(projection(call.request)) <= 1 for call in calls)
    assert calls.operations == ["Query", "GetItem", "GetItem"]


@pytest.mark.parametrize(
    "query, count, requests",
    [
        ("SELECT count(*) FROM t", 35, ["Scan count"]),
        ("SELECT count(*) FROM t WHERE pk = 'P'", 30, ["Query pk = 'P' count"]),
        (
            "SELECT count(*) FROM t WHERE pk = 'P' AND sk >= '10'",
            20,
            ["Query pk = 'P' AND sk >= '10' count"],
        ),
        ("SELECT count(*) FROM t WHERE pk = 'P' AND sk > '10' AND sk < '20'", 9, None),
        (
            "SELECT count(*) FROM t WHERE pk = 'P' AND sev = 'error'",
            5,
            ["Query on keysOnly sev = 'error' count"],
        ),
        ("SELECT count(*) FROM t WHERE pk = 'P' AND upper(sev) = 'ERROR'", 5, ["Query pk = 'P'"]),
        ("SELECT count(n) FROM t WHERE pk = 'P'", 30, ["Query pk = 'P'"]),
        ("SELECT count(DISTINCT sev) FROM t WHERE pk = 'P'", 2, ["Query pk = 'P'"]),
        ("SELECT count(*) FROM t WHERE pk = 'P' AND sk = '01'", 1, ["GetItem P,01"]),
        ("SELECT count(*) FROM t WHERE pk = 'P' AND sk = 'xx'", 0, ["GetItem P,xx"]),
        ("SELECT count(*) FROM t WHERE pk = 'X'", 0, ["Query pk = 'X' count"]),
    ],
)
def test_count(t, proxy, query, count, requests):
    rows, seen = sent(t, proxy, query)
    assert rows == [(count,)]
    if requests is not None:
        assert seen == requests


# ---- collations ----------------------------------------------------------------------


def test_linguistic_column_is_equal_but_not_ordered(t, proxy):
    foreign_table(t, "linguistic", ["pk text", "sk text", "n int"], table_name="Wire")
    assert sent(t, proxy, "SELECT n FROM linguistic WHERE pk = 'P' AND sk = '03'") == (
        [(30,)],
        ["GetItem P,03"],
    )
    rows, seen = sent(t, proxy, "SELECT n FROM linguistic WHERE pk = 'P' AND sk > '27'")
    assert sorted(rows) == [(280,), (290,)]
    assert seen == ["Query pk = 'P'"]
    rows, seen = sent(t, proxy, "SELECT n FROM linguistic WHERE pk = 'P' ORDER BY sk DESC LIMIT 1")
    assert rows == [(290,)]
    assert seen == ["Query pk = 'P'"]
    rows, seen = sent(
        t, proxy, "SELECT n FROM linguistic WHERE pk = 'P' ORDER BY sk COLLATE \"C\" DESC LIMIT 1"
    )
    assert rows == [(290,)]
    assert seen == ["Query pk = 'P' limit 1 backward"]


def test_nondeterministic_collation_is_not_pushed(t, proxy, tree):
    if not tree.has_icu:
        pytest.skip("only ICU has such collations")
    t.execute(
        "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2',"
        " deterministic = false)"
    )
    foreign_table(
        t, "nocase", ["pk text COLLATE nocase", 'sk text COLLATE "C"'], table_name="Wire"
    )
    rows, seen = sent(t, proxy, "SELECT count(*) FROM nocase WHERE pk = 'p'")
    assert rows == [(30,)]
    assert seen == ["Scan"]


# ---- pages ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big_log(ddb_resource):
    items = list(samples.log_entries(4000))
    load_table(ddb_resource, "BigLog", samples.KEYS, items)
    return items


def test_newest_errors(db, proxy, big_log):
    """Page sizes follow what was found so far: never twice what is needed."""
    make_server(db, proxy.endpoint)
    log_entries(db, table_name="BigLog")
    with proxy.record() as calls:
        rows = db.execute(
            "SELECT date_time FROM log_entries WHERE log_partition = 'LOGS'"
            " AND severity = 'error' ORDER BY date_time DESC LIMIT 100"
        ).fetchall()
    newest = [item["dateTime"] for item in reversed(big_log)]
    errors = [item["dateTime"] for item in reversed(big_log) if item["severity"] == "error"]
    assert [row[0] for row in rows] == errors[:100]
    needed = newest.index(errors[99]) + 1
    scanned = sum(call.response["ScannedCount"] for call in calls.data)
    assert needed <= scanned <= 2 * needed
    assert len(calls.data) <= 8


@pytest.fixture
def paged(connect):
    with PagedTable(make_items(100)) as table, Proxy(table.endpoint) as proxy:
        db = connect()
        make_server(db, proxy.endpoint)
        foreign_table(db, "paged", COLUMNS, table_name="Paged")
        db.execute("EXPLAIN SELECT 1 FROM paged")
        yield db, proxy


def test_cursor_reads_the_pages_it_needs(paged):
    db, proxy = paged
    with proxy.record() as calls, db.transaction():
        db.execute("DECLARE c CURSOR FOR SELECT n FROM paged WHERE pk = 'P' ORDER BY sk")
        assert len(calls) == 0
        assert db.execute("FETCH 1 FROM c").fetchall() == [(0,)]
        assert len(calls) == 1
        assert len(db.execute("FETCH 9 FROM c").fetchall()) == 9
        assert len(calls) == 1
        assert len(db.execute("FETCH 15 FROM c").fetchall()) == 15
        assert len(calls) == 3
        db.execute("CLOSE c")
    assert len(calls) == 3


def test_limit_reads_on_over_pages(paged):
    db, proxy = paged
    with proxy.record() as calls:
        rows = db.execute("SELECT n FROM paged WHERE pk = 'P' ORDER BY sk LIMIT 25").fetchall()
    assert rows == [(n,) for n in range(25)]
    assert [call.request["Limit"] for call in calls] == [25, 15, 5]


def test_limit_that_ends_with_a_page_asks_no_further(paged):
    db, proxy = paged
    with proxy.record() as calls:
        assert len(db.execute("SELECT n FROM paged WHERE pk = 'P' LIMIT 20").fetchall()) == 20
    assert len(calls) == 2


def test_scroll_cursor_and_rescan(paged):
    db, proxy = paged
    with db.transaction():
        db.execute("DECLARE c SCROLL CURSOR FOR SELECT n FROM paged WHERE pk = 'P' ORDER BY sk")
        assert db.execute("FETCH 12 FROM c").fetchall() == [(n,) for n in range(12)]
        assert db.execute("FETCH BACKWARD 3 FROM c").fetchall() == [(10,), (9,), (8,)]
        assert db.execute("FETCH ABSOLUTE 50 FROM c").fetchone() == (49,)
        db.execute("MOVE ABSOLUTE 0 FROM c")
        assert db.execute("FETCH 1 FROM c").fetchone() == (0,)


# ---- indexes, segments, consistency --------------------------------------------------


def test_global_index(t, proxy):
    foreign_table(t, "g", T_COLUMNS, table_name="Wire", index_name="bySeverity")
    t.execute("EXPLAIN SELECT 1 FROM g")
    rows, seen = sent(
        t, proxy, "SELECT pk, n, note FROM g WHERE sev = 'error' ORDER BY n DESC LIMIT 2"
    )
    assert rows == [("P", 280, "note 28"), ("P", 210, "note 21")]
    assert seen == ["Query on bySeverity sev = 'error' limit 2 backward"]
    # An index has no GetItem: its keys may repeat.
    rows, seen = sent(t, proxy, "SELECT pk FROM g WHERE sev = 'error' AND n = 0 ORDER BY 1")
    assert rows == [("P",), ("Q",)]
    assert seen == ["Query on bySeverity sev = 'error' AND n = '0'"]
    rows, seen = sent(t, proxy, "SELECT pk FROM g WHERE sev = 'error' AND n > 0 AND n < 140")
    assert rows == [("P",)]
    assert seen == ["Query on bySeverity sev = 'error' AND n BETWEEN '0' AND '140'"]
    rows, seen = sent(t, proxy, "SELECT pk FROM g WHERE sev = 'error' AND n > 0 AND n < 140 LIMIT 1")
    assert rows == [("P",)]
    rows, seen = sent(t, proxy, "SELECT count(*) FROM g")
    assert rows == [(35,)]
    assert seen == ["Scan on bySeverity count"]
    rows, seen = sent(t, proxy, "SELECT sk FROM g WHERE pk = 'P' AND sk = '01'")
    assert rows == sks(1)
    assert seen == ["Scan on bySeverity"]


def test_local_index_fetches_what_it_does_not_hold(t, proxy):
    foreign_table(t, "l", T_COLUMNS, table_name="Wire", index_name="byN")
    rows, seen = sent(t, proxy, "SELECT note FROM l WHERE pk = 'P' AND n >= 280 ORDER BY n DESC")
    assert rows == [("note 29",), ("note 28",)]
    assert seen[-1] == "Query on byN pk = 'P' AND n >= '280' backward"


def test_index_that_does_not_hold_the_column(t, proxy):
    foreign_table(t, "k", T_COLUMNS, table_name="Wire", index_name="keysOnly")
    assert len(t.execute("SELECT pk, sk FROM k WHERE sev = 'error'").fetchall()) == 6
    with pytest.raises(Exception, match="note"):
        t.execute("SELECT note FROM k WHERE sev = 'error'")


def test_number_ranges_compare_as_numbers(t, proxy):
    foreign_table(t, "l", T_COLUMNS, table_name="Wire", index_name="byN")
    t.execute("EXPLAIN SELECT 1 FROM l")
    rows, seen = sent(t, proxy, "SELECT n FROM l WHERE pk = 'P' AND n > 90 ORDER BY n LIMIT 2")
    assert rows == [(100,), (110,)]
    assert seen == ["Query on byN pk = 'P' AND n > '90' limit 2"]


def test_table_without_sort_key(t, proxy):
    foreign_table(t, "h", ["id int", "v int"], table_name="WireHash")
    t.execute("EXPLAIN SELECT 1 FROM h")
    assert sent(t, proxy, "SELECT v FROM h WHERE id = 3") == ([(9,)], ["GetItem 3"])
    assert sent(t, proxy, "SELECT v FROM h WHERE id = 3.0::numeric") == ([(9,)], ["GetItem 3"])
    assert sent(t, proxy, "SELECT v FROM h WHERE id = 3::bigint") == ([(9,)], ["GetItem 3"])
    assert sent(t, proxy, "SELECT v FROM h WHERE id = NULL") == NONE


def test_segments_share_the_table(t, proxy):
    total = 4
    found = []
    for segment in range(total):
        foreign_table(
            t, f"s{segment}", T_COLUMNS, table_name="Wire", segment=segment, total_segments=total
        )
        with proxy.record() as calls:
            found += t.execute(f"SELECT pk, sk FROM s{segment}").fetchall()
        assert calls.data.operations == ["Scan"]
        assert calls.data[0].request["Segment"] == segment
        assert calls.data[0].request["TotalSegments"] == total
        # A key condition selects items of every segment.
        with proxy.record() as calls:
            t.execute(f"SELECT 1 FROM s{segment} WHERE pk = 'P' AND sk = '01'")
        assert calls.data.operations == ["Scan"]
    assert sorted(found) == sorted((item["pk"], item["sk"]) for item in ITEMS)


def test_consistent_read(t, proxy):
    foreign_table(t, "strong", T_COLUMNS, table_name="Wire", consistent_read=True)
    with proxy.record() as calls:
        t.execute("SELECT n FROM strong WHERE pk = 'P' AND sk = '01'")
        t.execute("SELECT n FROM strong WHERE pk = 'P'")
        t.execute("SELECT n FROM strong")
    assert calls.data.operations == ["GetItem", "Query", "Scan"]
    assert all(call.request["ConsistentRead"] is True for call in calls.data)
    t.execute("ALTER SERVER dynamo OPTIONS (ADD consistent_read 'true')")
    t.execute("ALTER FOREIGN TABLE strong OPTIONS (SET consistent_read 'false')")
    with proxy.record() as calls:
        t.execute("SELECT n FROM strong")
        t.execute("SELECT n FROM t")
    assert [call.request.get("ConsistentRead", False) for call in calls.data] == [False, True]


# ---- EXPLAIN -------------------------------------------------------------------------

EXPLAINED = (
    "SELECT sk, n FROM g WHERE sev = 'error' AND n >= 0 ORDER BY n DESC LIMIT 2",
    {
        "DynamoDB Operation": "Query",
        "DynamoDB Index": "bySeverity",
        "Projection": None,
        "Key Condition": None,
        "Order": "backward",
        "DynamoDB Limit": 2,
        "Estimated Read Units": None,
    },
)
COUNTERS = {
    "Requests": 1,
    "Items Scanned": 2,
    "Items Returned": 2,
    "Read Units": None,
    "Write Units": None,
    "Retries": 0,
    "Throttles": 0,
    "Bytes Received": None,
    "Estimated Cost": None,
}


@pytest.fixture
def g(t):
    foreign_table(t, "g", T_COLUMNS, table_name="Wire", index_name="bySeverity")
    return t


@pytest.mark.parametrize("verbose", ["true", "false"])
def test_explain_labels(g, proxy, verbose):
    query, labels = EXPLAINED
    with proxy.record() as calls:
        node = foreign_scan(explain(g, query, verbose=verbose))
    assert len(calls.data) == 0
    for label, value in labels.items():
        assert label in node
        assert value is None or node[label] == value, label
    assert not set(COUNTERS) & set(node)
    assert sorted(node["Projection"]) == ["n", "sk"]
    assert "sev" in node["Key Condition"] and "'error'" in node["Key Condition"]

    node = foreign_scan(explain(g, query, verbose=verbose, analyze="true"))
    for label, value in {**labels, **COUNTERS}.items():
        assert label in node
        assert value is None or node[label] == value, label
    assert node["Bytes Received"] > 50


@pytest.mark.parametrize("form", ["text", "xml", "yaml", "json"])
@pytest.mark.parametrize("analyze", ["true", "false"])
def test_explain_formats(g, form, analyze):
    query, labels = EXPLAINED
    rows = g.execute(f"EXPLAIN (FORMAT {form}, ANALYZE {analyze}) {query}").fetchall()
    text = "\n".join(row[0] if isinstance(row[0], str) else json.dumps(row[0]) for row in rows)
    for label in labels:
        assert (label.replace(" ", "-") if form == "xml" else label) in text
    for label in COUNTERS:
        wanted = label.replace(" ", "-") if form == "xml" else label
        # "Read Units" is the end of "Estimated Read Units" too
        found = re.search(rf"(?<!Estimated[ -]){re.escape(wanted)}", text) is not None
        assert found == (analyze == "true"), label


def test_explain_without_costs(g):
    node = foreign_scan(explain(g, EXPLAINED[0], costs="false"))
    assert "Estimated Read Units" not in node


def test_explain_of_count_get_item_and_segment(t):
    node = foreign_scan(explain(t, "SELECT count(*) FROM t WHERE pk = 'P'"))
    assert node["Select"] == "COUNT"
    node = foreign_scan(explain(t, "SELECT n FROM t WHERE pk = 'P' AND sk = '01'"))
    assert node["DynamoDB Operation"] == "GetItem"
    node = foreign_scan(explain(t, "SELECT n FROM t WHERE pk = 'P' AND note = 'x'"))
    assert "note = 'x'" in node["DynamoDB Filter"]
    assert "Filter" not in node
    node = foreign_scan(explain(t, "SELECT n FROM t WHERE pk = 'P' AND n % 2 = 0"))
    assert "n % 2" in node["Filter"]
    assert "DynamoDB Filter" not in node
    foreign_table(t, "s", T_COLUMNS, table_name="Wire", segment=1, total_segments=3)
    node = foreign_scan(explain(t, "SELECT n FROM s"))
    assert node["DynamoDB Operation"] == "Scan"
    assert "Segments" in node


def test_explain_sums_over_loops(t, proxy):
    query = (
        "SELECT coalesce((SELECT n FROM t WHERE pk = 'P' AND sk = lpad(i::text, 2, '0')), 0)"
        " FROM generate_series(1, 5) i"
    )
    nodes = [
        node
        for node in plan_nodes(explain(t, query, analyze="true"))
        if node["Node Type"] == "Foreign Scan"
    ]
    assert [node["Requests"] for node in nodes] == [5]
    assert nodes[0]["Items Returned"] == 5


def test_explain_of_a_generic_plan_shows_parameters(t):
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute("PREPARE p (text, int) AS SELECT sk FROM t WHERE pk = $1 LIMIT $2")
    node = foreign_scan(explain(t, "EXECUTE p ('P', 3)"))
    assert "$1" in node["Key Condition"]
    assert "$2" in str(node["DynamoDB Limit"])


def test_the_next_page_is_asked_for_while_one_is_read(t, proxy, connect):
    """From the second on, where all rows are wanted."""
    query = (
        "SELECT sk, CASE WHEN sk = '15' THEN pg_advisory_lock(7) END FROM t WHERE pk = 'P'"
        " ORDER BY sk"
    )
    keeper = connect()
    for suffix, requests in (("", 3), (" LIMIT 30", 2)):
        keeper.execute("SELECT pg_advisory_lock(7)")
        with proxy.record() as calls, proxy.inject(proxies.pages_of(10), operation="Query"):
            reading = Statement(t, query + suffix)
            wait_until(
                lambda: keeper.execute(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                ).fetchone()
                == (1,),
                "the row in the second page",
            )
            wait_until(lambda: len(calls.data) >= requests, "the third page's request")
            assert len(calls.data) == requests
            keeper.execute("SELECT pg_advisory_unlock(7)")
            assert [row[0] for row in reading.join().rows] == [sk for (sk,) in ALL_P]
        t.execute("SELECT pg_advisory_unlock(7)")
