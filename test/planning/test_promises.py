# SPDX-License-Identifier: PostgreSQL
"""Indexes are sparse.  NOT NULL and the option complete_indexes promise that they are
not; where nothing does, users are told what would."""

import psycopg
import pytest
from support.fdw import explain, foreign_scan, foreign_table
from support.systems import definition, index

TICKETS = definition(
    ("id",),
    "id:S owner:S opened_at:S queue:S gsi_sk:S status:S",
    gsis=[
        index("ByOwner", "owner", "opened_at"),
        index("ByQueue", "queue", "gsi_sk"),
        index("ByStatus", "status"),
    ],
)
COLUMNS = ["id text", "owner text", "opened_at text COLLATE \"C\"", "queue text", "title text"]
NOT_NULL = [*COLUMNS[:2], f"{COLUMNS[2]} NOT NULL", *COLUMNS[3:]]

NEWEST = "SELECT id FROM t WHERE owner = 'o3' ORDER BY opened_at DESC LIMIT 5"


def tickets(n=200):
    return [
        {
            "id": f"{i:04}",
            "owner": f"o{i % 10}",
            "opened_at": f"2026-11-{i % 28 + 1:02}",
            "queue": f"q{i % 4}",
            "gsi_sk": f"{i}",
            "title": "x" * 500,
        }
        for i in range(n)
    ]


@pytest.fixture
def declare(dynamo, make_items):
    """Function: the foreign table t; its items once."""
    table = make_items(TICKETS, tickets())

    def declare(columns, **options):
        foreign_table(dynamo, "t", columns, table_name=table.name, **options)
        return dynamo

    declare.table = table
    return declare


def scan_of(db, query):
    return foreign_scan(explain(db, query, ANALYZE=""))


def test_not_null_is_a_promise(declare):
    db = declare(NOT_NULL)
    node = scan_of(db, NEWEST)
    assert node["DynamoDB Operation"] == "Query"
    assert node["DynamoDB Index"] == "ByOwner"
    assert (node["Requests"], node["Items Scanned"]) == (1, 5)
    rows = db.execute(NEWEST).fetchall()
    expected = sorted(
        (t for t in tickets() if t["owner"] == "o3"), key=lambda t: t["opened_at"], reverse=True
    )
    assert {id for (id,) in rows} <= {t["id"] for t in expected[:6]}
    assert len(rows) == 5


@pytest.mark.parametrize("operation", ["SELECT count(*) FROM t", "SELECT min(opened_at) FROM t"])
def test_counts_and_ends(declare, operation):
    db = declare(NOT_NULL)
    node = scan_of(db, f"{operation} WHERE owner = 'o3'")
    assert node["DynamoDB Index"] == "ByOwner"


def test_without_a_promise_nothing_is_lost(declare):
    db = declare(COLUMNS)
    declare.table.put_item(Item={"id": "bare", "owner": "o3"})
    node = scan_of(db, NEWEST)
    assert node["DynamoDB Operation"] == "Scan"
    rows = db.execute("SELECT id FROM t WHERE owner = 'o3'").fetchall()
    assert ("bare",) in rows
    assert len(rows) == 21


@pytest.mark.parametrize("names", ["ByOwner", "ByQueue, ByOwner", " ByOwner ,ByQueue", "*"])
def test_complete_indexes(declare, names):
    db = declare(COLUMNS, complete_indexes=names)
    node = scan_of(db, NEWEST)
    assert (node["DynamoDB Index"], node["Items Scanned"]) == ("ByOwner", 5)


def test_a_key_without_a_column(declare):
    db = declare(COLUMNS, complete_indexes="ByQueue")
    assert scan_of(db, "SELECT id FROM t WHERE queue = 'q1'")["DynamoDB Index"] == "ByQueue"
    # An item without the partition key may not be in the index.
    assert scan_of(db, "SELECT id FROM t")["DynamoDB Operation"] == "Scan"
    assert "DynamoDB Index" not in scan_of(db, "SELECT id FROM t")
    assert "DynamoDB Index" not in scan_of(db, "SELECT id FROM t WHERE opened_at > '2026-11-20'")


def test_names_that_are_no_index(declare):
    db = declare(COLUMNS, complete_indexes="ByOwner, by_owner")
    with pytest.raises(psycopg.Error, match='has no index "by_owner"') as caught:
        db.execute("SELECT * FROM t")
    assert caught.value.sqlstate == "42704"
    assert "complete_indexes" in caught.value.diag.message_hint


def text_of(db, query):
    return "\n".join(line for (line,) in db.execute(f"EXPLAIN (VERBOSE) {query}"))


OWNER = (
    'index "ByOwner" could be used if opened_at were declared NOT NULL,'
    ' or with "opened_at IS NOT NULL"'
)
QUEUE = (
    'index "ByQueue" could be used if the foreign table\'s option "complete_indexes" named it:'
    ' no column shows its key attribute "gsi_sk"'
)


def test_explain_says_why_not(declare):
    db = declare(COLUMNS)
    assert f"Unused Index: {OWNER}" in text_of(db, NEWEST)
    assert "ByQueue" not in text_of(db, NEWEST)
    assert f"Unused Index: {QUEUE}" in text_of(db, "SELECT id FROM t WHERE queue = 'q1'")
    assert OWNER in text_of(db, "SELECT count(*) FROM t WHERE owner = 'o3'")
    assert OWNER in text_of(db, "SELECT id FROM t WHERE owner IN ('o1', 'o2') AND title > 'a'")
    assert "Unused" not in text_of(db, "SELECT id FROM t WHERE id = '1' AND owner = 'o3'")
    assert "Unused" not in text_of(db, "SELECT id FROM t WHERE title = 'x'")
    # The cures that it names work.
    cured = NEWEST.replace("ORDER", "AND opened_at IS NOT NULL ORDER")
    assert scan_of(db, cured)["DynamoDB Index"] == "ByOwner"
    assert "Unused" not in text_of(db, cured)


def test_consistent_reads(declare):
    db = declare(NOT_NULL, consistent_read="true")
    assert 'index "ByOwner" cannot be read consistently' in text_of(db, NEWEST)


@pytest.mark.warns("full scan of DynamoDB table")
def test_guards_say_it(declare):
    db = declare(COLUMNS, scan="warn")
    notices = []
    db.add_notice_handler(lambda diag: notices.append(diag.message_detail))
    db.execute(NEWEST)
    assert OWNER[1:] in notices[0]
    db.execute("ALTER FOREIGN TABLE t OPTIONS (SET scan 'deny')")
    with pytest.raises(psycopg.Error, match="denied") as caught:
        db.execute(NEWEST)
    assert OWNER[1:] in caught.value.diag.message_detail


def test_prepared_plans_follow_the_declaration(declare):
    db = declare(COLUMNS)
    db.execute("SET plan_cache_mode = force_generic_plan")
    db.execute("PREPARE p AS " + NEWEST)
    assert "Scan" in str(explain(db, "EXECUTE p"))
    db.execute("ALTER FOREIGN TABLE t ALTER opened_at SET NOT NULL")
    assert foreign_scan(explain(db, "EXECUTE p"))["DynamoDB Index"] == "ByOwner"


def test_partitions_have_their_own_promises(declare, dynamo):
    dynamo.execute(
        "CREATE TABLE parent (id text, owner text, opened_at text) PARTITION BY LIST (owner)"
    )
    dynamo.execute(
        f"CREATE FOREIGN TABLE child PARTITION OF parent FOR VALUES IN ('o3')"
        f" SERVER dynamo OPTIONS (table_name '{declare.table.name}')"
    )
    query = "SELECT id FROM parent WHERE owner = 'o3'"
    assert "DynamoDB Index" not in scan_of(dynamo, query)
    dynamo.execute("ALTER FOREIGN TABLE child ALTER opened_at SET NOT NULL")
    assert scan_of(dynamo, query)["DynamoDB Index"] == "ByOwner"


def test_outer_joins_keep_rows(declare):
    db = declare(NOT_NULL)
    db.execute("CREATE TABLE l AS SELECT 'o' || i AS owner FROM generate_series(1, 12) i")
    query = "SELECT count(*), count(t.id) FROM l LEFT JOIN t ON t.owner = l.owner"
    assert db.execute(query).fetchone() == (183, 180)
    query = "SELECT count(*) FROM l LEFT JOIN t ON t.owner = l.owner WHERE t.opened_at IS NULL"
    assert db.execute(query).fetchone() == (3,)


# ---- what ANALYZE sees of it -------------------------------------------------------


@pytest.mark.warns("declared NOT NULL|declares index")
def test_analyze_warns_of_broken_promises(declare):
    db = declare(NOT_NULL, complete_indexes="ByOwner")
    notices = []
    db.add_notice_handler(lambda diag: notices.append((diag.message_primary, diag.message_detail)))
    db.execute("ANALYZE t")
    assert notices == []
    for n in range(3):
        declare.table.put_item(Item={"id": f"bare{n}", "owner": "o3"})
    db.execute("ANALYZE t")
    assert notices[0][0] == 'column "opened_at" of foreign table public.t is declared NOT NULL'
    assert "3 of 203" in notices[0][1]
