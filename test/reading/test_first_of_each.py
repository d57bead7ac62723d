# SPDX-License-Identifier: PostgreSQL
"""The first rows of each partition: one small Query a partition."""

import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.regress_data import load_table
from support.systems import definition, index
from support.wire import sent

KEYS = definition(
    ("pk", "sk"), "pk:S sk:N kind:S at:N", gsis=[index("by_kind", "kind", "at")]
)
ITEMS = [
    {"pk": pk, "sk": n, "kind": "abc"[n % 3], "at": n // 6, "note": f"{pk}{n}"}
    for pk in "pqrs"
    for n in range(1, 31)
]


@pytest.fixture(scope="module")
def top_tables(ddb_resource):
    load_table(ddb_resource, "Top", KEYS, ITEMS)


@pytest.fixture
def t(db, proxy, top_tables):
    make_server(db, proxy.endpoint)
    columns = ["pk text", "sk int", "kind text", "at int", "note text"]
    foreign_table(db, "t", columns, table_name="Top")
    db.execute("CREATE TABLE local AS SELECT * FROM t")
    return db


def newest(pks, limit, backward=True):
    direction = " backward" if backward else ""
    return [f"Query pk = '{pk}' limit {limit}{direction}" for pk in pks]


NUMBERED = "(SELECT pk, sk, row_number() OVER (PARTITION BY pk ORDER BY sk DESC) AS n FROM t"

ONE_PAGE_EACH = {
    "SELECT DISTINCT ON (pk) pk, sk, note FROM t WHERE pk IN ('r', 'p') ORDER BY pk, sk DESC":
        newest("pr", 1),
    "SELECT DISTINCT ON (pk) note FROM t WHERE pk IN ('r', 'p') ORDER BY pk DESC, sk":
        newest("rp", 1, False),
    "SELECT pk, max(sk) FROM t WHERE pk IN ('p', 'q', 'x') GROUP BY pk": newest("pqx", 1),
    "SELECT max(sk) + 1, pk FROM t WHERE pk IN ('p', 'q') GROUP BY pk HAVING max(sk) > 3"
    " ORDER BY max(sk)": newest("pq", 1),
    "SELECT pk, min(sk) FROM t WHERE pk IN ('p', 'q') GROUP BY pk": newest("pq", 1, False),
    "SELECT max(sk) FROM t WHERE pk = 'p' GROUP BY pk": newest("p", 1),
    "SELECT DISTINCT pk FROM t WHERE pk IN ('p', 'q', 'x')": newest("pqx", 1, False),
    "SELECT count(DISTINCT pk) FROM t WHERE pk IN ('p', 'q')":
        newest("pq", 1, False),
    f"SELECT * FROM {NUMBERED} WHERE pk IN ('p', 'q')) x WHERE n <= 3": newest("pq", 3),
    f"SELECT * FROM {NUMBERED} WHERE pk IN ('p', 'q')) x WHERE n < 3": newest("pq", 2),
    f"SELECT * FROM {NUMBERED} WHERE pk IN ('p', 'q')) x WHERE n = 1": newest("pq", 1),
    f"SELECT * FROM {NUMBERED} WHERE pk IN ('p', 'q')) x WHERE 2 >= n AND n < 9": newest("pq", 2),
    "SELECT * FROM (SELECT sk, row_number() OVER (ORDER BY sk) AS n FROM t"
    " WHERE pk IN ('p', 'q')) x WHERE n <= 3": newest("pq", 3, False),
}  # fmt: skip

# What must read on, because a later row may matter.
READ_WHOLE = [
    "SELECT pk, max(sk), count(*) FROM t WHERE pk IN ('p', 'q') GROUP BY pk",
    "SELECT pk, max(sk), min(sk) FROM t WHERE pk IN ('p', 'q') GROUP BY pk",
    "SELECT pk, max(sk) FILTER (WHERE sk < 5) FROM t WHERE pk IN ('p', 'q') GROUP BY pk",
    "SELECT pk, max(at) FROM t WHERE pk IN ('p', 'q') GROUP BY pk",
    "SELECT pk, kind, max(sk) FROM t WHERE pk IN ('p', 'q') GROUP BY pk, kind",
    "SELECT DISTINCT pk, kind FROM t WHERE pk IN ('p', 'q')",
    "SELECT DISTINCT ON (kind) kind, sk FROM t WHERE pk IN ('p', 'q') ORDER BY kind, sk, pk",
    "SELECT DISTINCT ON (pk) pk, at, sk FROM t WHERE pk IN ('p', 'q') ORDER BY pk, at DESC, sk",
    "SELECT DISTINCT ON (pk) pk, sk FROM t WHERE pk IN ('p', 'q') AND note LIKE '%1'"
    " ORDER BY pk, sk DESC",
    "SELECT pk, max(sk) FROM t WHERE pk IN ('p', 'q') AND note LIKE '%1' GROUP BY pk",
    "SELECT * FROM (SELECT pk, sk, row_number() OVER w AS n, count(*) OVER (PARTITION BY pk) AS c"
    " FROM t WHERE pk IN ('p', 'q') WINDOW w AS (PARTITION BY pk ORDER BY sk)) x WHERE n <= 2",
    "SELECT * FROM (SELECT kind, sk, row_number() OVER (PARTITION BY kind ORDER BY sk, pk) AS n"
    " FROM t WHERE pk IN ('p', 'q')) x WHERE n <= 2",
    "SELECT * FROM (SELECT pk, at, rank() OVER (PARTITION BY pk ORDER BY at) AS n"
    " FROM t WHERE pk IN ('p', 'q')) x WHERE n <= 2",
    f"SELECT * FROM {NUMBERED} WHERE pk IN ('p', 'q')) x WHERE n > 28",
    f"SELECT * FROM {NUMBERED} WHERE pk IN ('p', 'q')) x WHERE n <= 2 OR sk = 5",
]


def same(db, query):
    ours = sorted(db.execute(query).fetchall(), key=repr)
    theirs = sorted(db.execute(query.replace("FROM t", "FROM local")).fetchall(), key=repr)
    assert ours == theirs


@pytest.mark.parametrize("query", ONE_PAGE_EACH)
def test_the_first_rows_alone_are_asked_for(t, proxy, query):
    t.execute("EXPLAIN " + query)
    _, requests = sent(t, proxy, query)
    # From 16 on some aggregates sort by the key, which is then asked for.
    requests = [request.removesuffix(" count") for request in requests]
    assert sorted(requests) == sorted(ONE_PAGE_EACH[query])
    same(t, query)


@pytest.mark.parametrize("query", READ_WHOLE)
def test_later_rows_are_read_where_they_matter(t, query):
    node = foreign_scan(explain(t, query, ANALYZE=True, TIMING="OFF", COSTS="OFF"))
    assert "Rows per Key" not in node
    same(t, query)


def test_pushed_conditions_find_the_first_that_holds(t):
    query = (
        "SELECT DISTINCT ON (pk) pk, sk FROM t WHERE pk IN ('p', 'q') AND kind <> 'b'"
        " AND at < 4 ORDER BY pk, sk DESC"
    )
    node = foreign_scan(explain(t, query, ANALYZE=True, TIMING="OFF", COSTS="OFF"))
    assert node["Rows per Key"] == 1
    same(t, query)


def test_an_index_with_equal_sort_keys(t):
    for query in (
        "SELECT DISTINCT ON (kind) kind, at FROM t WHERE kind IN ('a', 'b') AND at >= 0"
        " ORDER BY kind, at DESC",
        "SELECT kind, max(at) FROM t WHERE kind IN ('a', 'b', 'x') AND at >= 0 GROUP BY kind",
        "SELECT * FROM (SELECT kind, at, row_number() OVER (PARTITION BY kind ORDER BY at) AS n"
        " FROM t WHERE kind IN ('a', 'b') AND at >= 0) x WHERE n <= 7",
    ):
        node = foreign_scan(explain(t, query, ANALYZE=True, TIMING="OFF", COSTS="OFF"))
        assert node["DynamoDB Index"] == "by_kind"
        assert node["Rows per Key"] > 0
        same(t, query)


def test_values_of_the_run_that_make_conditions_wider(t):
    """A pattern that nothing but PostgreSQL can decide, in a generic plan."""
    t.execute("SET plan_cache_mode = force_generic_plan")
    t.execute(
        "PREPARE q(text, text) AS SELECT DISTINCT ON (pk) pk, sk FROM t"
        " WHERE pk IN ('p', $1) AND note LIKE $2 ORDER BY pk, sk DESC"
    )
    for other, pattern in (("q", "%1_"), ("q", "p%"), ("p", "_5"), ("r", "none")):
        ours = t.execute(f"EXECUTE q('{other}', '{pattern}')").fetchall()
        theirs = t.execute(
            "SELECT DISTINCT ON (pk) pk, sk FROM local"
            f" WHERE pk IN ('p', '{other}') AND note LIKE '{pattern}' ORDER BY pk, sk DESC"
        ).fetchall()
        assert ours == theirs


def test_keys_that_do_not_fit_may_be_null(t, ddb_resource):
    """Then the first row of a partition need not have the first value."""
    load_table(
        ddb_resource, "TopMisfit", definition(("pk", "sk"), "pk:S sk:N"),
        [{"pk": "p", "sk": n} for n in (1, 2, 3_000_000_000)],
    )
    columns = ["pk text", "sk int"]
    foreign_table(t, "misfit", columns, table_name="TopMisfit", on_type_mismatch="null")
    query = "SELECT pk, max(sk) FROM misfit WHERE pk IN ('p', 'q') GROUP BY pk"
    assert t.execute(query).fetchall() == [("p", 2)]
