# SPDX-License-Identifier: PostgreSQL
"""Indexes whose key attribute a column of the foreign table shows as something else."""

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.systems import definition, index

KEYS = definition(("k",), "k:N")
INDEXED = definition(
    ("k",),
    "k:N v:N s:S",
    gsis=[index("by_v", "v"), index("by_s", "s"), index("by_both", "s", "v")],
)

# Each shows v in a way that no key of type N can be shown.
COLUMNS = {
    "jsonb": "v jsonb",
    "any": "v text OPTIONS (type 'any')",
    "array": "v numeric[]",
    "stored as text": "v int OPTIONS (type 'S')",
    "time text": "v timestamptz OPTIONS (format 'iso8601:3')",
    "money": "v money",
    "bytea": "v bytea",
    "uuid": "v uuid",
}


@pytest.fixture(params=COLUMNS)
def t(db, proxy, make_items, request):
    items = make_items(INDEXED, [{"k": n, "s": "x", "w": n} for n in range(3)])
    make_server(db, proxy.endpoint)
    foreign_table(
        db, "t", ["k int", "s text", COLUMNS[request.param], "w int"], table_name=items.name
    )
    db.items = items
    return db


def test_statements_that_have_nothing_to_do_with_it(t):
    assert t.execute("SELECT k, w FROM t WHERE k = 1").fetchall() == [(1, 1)]
    assert t.execute("SELECT count(*), count(v) FROM t").fetchall() == [(3, 0)]
    assert t.execute("SELECT * FROM t WHERE w > 0 ORDER BY k").fetchall()[0] == (1, "x", None, 1)
    assert t.execute("UPDATE t SET w = 7 WHERE k = 2 RETURNING w").fetchall() == [(7,)]
    assert t.execute("INSERT INTO t (k, s) VALUES (9, 'y')").rowcount == 1
    assert t.execute("DELETE FROM t WHERE k = 9").rowcount == 1
    assert t.execute("ANALYZE t") is not None


def test_the_index_is_left_unused_and_explain_says_why(t):
    query = "SELECT k FROM t WHERE s = 'x' AND v IS NOT NULL"
    scan = foreign_scan(explain(t, query))
    assert scan.get("DynamoDB Index") != "by_both"
    text = "\n".join(row[0] for row in t.execute(f"EXPLAIN (VERBOSE) {query}"))
    assert "Unused Index: by_v: column v of type" in text
    assert "Unused Index: by_both: column v of type" in text
    assert "Unused Index: by_s" not in text
    assert "Unused" not in str(t.execute(f"EXPLAIN {query}").fetchall())
    assert t.execute(query).fetchall() == []
    # Others are used as ever.
    assert foreign_scan(explain(t, "SELECT k FROM t WHERE s = 'x'"))["DynamoDB Index"] == "by_s"
    assert len(t.execute("SELECT k FROM t WHERE s = 'x'").fetchall()) == 3


def test_to_be_that_index_is_an_error(t):
    t.execute("ALTER FOREIGN TABLE t OPTIONS (ADD index_name 'by_v')")
    with pytest.raises(psycopg.errors.FdwInvalidDataType, match='of index "by_v"'):
        t.execute("SELECT k FROM t")


def test_keys_of_the_table_stay_an_error(db, proxy, make_items):
    items = make_items(KEYS)
    make_server(db, proxy.endpoint)
    foreign_table(db, "t", ["k jsonb"], table_name=items.name)
    with pytest.raises(psycopg.errors.FdwInvalidDataType, match="key attribute"):
        db.execute("SELECT * FROM t")


def test_columns_that_suit(db, proxy, make_items):
    items = make_items(INDEXED, [{"k": 1, "s": "x", "v": 5}])
    make_server(db, proxy.endpoint)
    for n, column in enumerate(
        ("v int", "v numeric", "v text", "v timestamptz", "v boolean", "v double precision",
         "v text OPTIONS (type 'N')", "v date OPTIONS (format 'epoch_ms')")
    ):
        foreign_table(db, f"t{n}", ["k int", column], table_name=items.name)
        plan = str(db.execute(f"EXPLAIN (VERBOSE) SELECT k FROM t{n} WHERE v IS NOT NULL").fetchall())
        assert "Unused Index" not in plan, column
