# SPDX-License-Identifier: PostgreSQL
"""ANALYZE of foreign tables: what the sample says, what it costs, and what the
planner makes of it."""

import dataclasses

import pytest
from support import systems
from support.background import Statement, failure
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.proxy import hang, internal_error, rewrite
from support.regress_data import load_table

# 4,000 items of 350 bytes: 171 read units.  With the statistics target 3 that is
# more than half of the 300 units that a sample of 900 rows may take.
ITEMS, EACH, SIZE = 4000, 4, 350
TARGET = "SET default_statistics_target = 3"
BUDGET = 300


def many_small():
    """A thousand partitions.  One item in four has a rare."""
    for number in range(ITEMS):
        item = {
            "pk": f"p{number // EACH}",
            "sk": number,
            "kind": "common" if number * 7919 % 10 else f"kind {number % 7}",
        }
        if number * 7919 % 4 == 0:
            item["rare"] = number
        yield systems.padded(item, "pad", SIZE)


def few_large():
    for number in range(ITEMS):
        item = {"pk": "P" if number % 8 else "Q", "sk": number, "kind": f"kind {number % 5}"}
        yield systems.padded(item, "pad", SIZE)


def mixed():
    """What is in n and code fits the columns below in one item of two."""
    for number in range(40):
        yield {
            "pk": f"p{number % 4}",
            "sk": number,
            "n": number if number % 2 else "text",
            "code": "ok" if number % 2 else "much too long",
        }


KEYS = systems.definition(("pk", "sk"), "pk:S sk:N")
INDEXED = systems.definition(
    ("pk", "sk"),
    "pk:S sk:N kind:S rare:N",
    gsis=[
        systems.index("byKind", "kind", "sk"),
        systems.index("byRare", "rare", projection="KEYS_ONLY"),
    ],
)
COLUMNS = ["pk text", "sk bigint", "kind text", "rare int"]


@pytest.fixture(scope="module")
def analyzed_tables(ddb_resource):
    load_table(ddb_resource, "AnalyzeMany", INDEXED, many_small())
    load_table(ddb_resource, "AnalyzeFew", INDEXED, few_large())
    load_table(ddb_resource, "AnalyzeMixed", KEYS, mixed())
    load_table(ddb_resource, "AnalyzeNothing", KEYS, [])


@pytest.fixture
def t(db, proxy, analyzed_tables):
    """A connection with foreign tables many, few, mixed and nothing."""
    make_server(db, proxy.endpoint)
    for name in ("Many", "Few", "Mixed", "Nothing"):
        foreign_table(db, name.lower(), COLUMNS, table_name=f"Analyze{name}")
    return db


@dataclasses.dataclass
class Column:
    null_frac: float
    n_distinct: float  # negative: of the rows
    common: dict  # value -> frequency
    bounds: list

    def distinct(self, rows):
        return self.n_distinct if self.n_distinct >= 0 else -self.n_distinct * rows


def statistics(db, table):
    """column -> Column"""
    rows = db.execute(
        "SELECT attname, null_frac, n_distinct, most_common_vals::text::text[],"
        " most_common_freqs, histogram_bounds::text::text[] FROM pg_stats WHERE tablename = %s",
        [table],
    ).fetchall()
    return {
        name: Column(nulls, distinct, dict(zip(values or (), freqs or (), strict=True)), bounds)
        for name, nulls, distinct, values, freqs, bounds in rows
    }


def size(db, table):
    return db.execute(
        "SELECT reltuples, relpages FROM pg_class WHERE relname = %s", [table]
    ).fetchone()


def analyze(db, proxy, table):
    """What was sent for it, besides descriptions."""
    with proxy.record() as calls:
        db.execute(f"ANALYZE {table}")
    assert set(calls.data.operations) <= {"Scan"}
    return calls.data


def units(calls):
    return sum(call.response["ConsumedCapacity"]["CapacityUnits"] for call in calls)


def items(calls):
    return sum(call.response["Count"] for call in calls)


# ---- whole tables ----------------------------------------------------------------


@pytest.mark.parametrize("table", ["many", "few"])
def test_small_table_is_read_whole(t, proxy, table):
    calls = analyze(t, proxy, table)
    assert items(calls) == ITEMS
    assert len(calls) == 2  # 1.4 MB
    assert all("TotalSegments" not in call.request for call in calls)
    assert size(t, table)[0] == ITEMS
    assert size(t, table)[1] == pytest.approx(ITEMS * SIZE / 8192, rel=0.1)


def test_statistics_of_a_whole_table(t, proxy):
    analyze(t, proxy, "many")
    found = statistics(t, "many")
    assert found["pk"].distinct(ITEMS) == ITEMS / EACH
    assert found["sk"].distinct(ITEMS) == ITEMS
    assert found["rare"].null_frac == pytest.approx(0.75)
    assert found["kind"].common["common"] == pytest.approx(0.9)
    analyze(t, proxy, "few")
    assert statistics(t, "few")["pk"].common == {"P": 0.875, "Q": 0.125}


def test_empty_table(t, proxy):
    assert len(analyze(t, proxy, "nothing")) == 1
    assert size(t, "nothing")[0] == 0
    assert t.execute("SELECT count(*) FROM nothing WHERE kind = 'x'").fetchone() == (0,)


def test_table_that_nobody_counted(t, proxy):
    with proxy.inject(rewrite(uncounted), operation="DescribeTable"):
        analyze(t, proxy, "few")
    assert size(t, "few")[0] == ITEMS
    assert statistics(t, "few")["pk"].common == {"P": 0.875, "Q": 0.125}


def uncounted(response):
    response["Table"].update(ItemCount=0, TableSizeBytes=0)


# ---- samples ---------------------------------------------------------------------


def test_sample_of_many_partitions(t, proxy):
    t.execute(TARGET)
    calls = analyze(t, proxy, "many")
    assert units(calls) <= BUDGET
    assert items(calls) < ITEMS / 2
    assert len({call.request["TotalSegments"] for call in calls}) == 1
    segments = [call.request["Segment"] for call in calls]
    assert BUDGET * 0.8 < len(set(segments)) == len(segments) <= BUDGET
    assert size(t, "many")[0] == ITEMS


def test_statistics_of_a_sample(t, proxy):
    """Partitions are told to be many, though each of those read is there whole."""
    t.execute(TARGET)
    analyze(t, proxy, "many")
    found = statistics(t, "many")
    assert ITEMS / EACH / 3 < found["pk"].distinct(ITEMS) < ITEMS
    assert found["sk"].distinct(ITEMS) > ITEMS / 2
    assert found["rare"].null_frac == pytest.approx(0.75, abs=0.15)
    assert found["kind"].common["common"] == pytest.approx(0.9, abs=0.12)


def test_samples_differ(t, proxy):
    t.execute(TARGET)
    first, second = (
        [call.request["Segment"] for call in analyze(t, proxy, "many")] for _ in range(2)
    )
    assert first != second


def test_sample_of_few_partitions(t, proxy):
    """Nearly all segments of a fine division are empty."""
    t.execute(TARGET)
    calls = analyze(t, proxy, "few")
    assert units(calls) <= BUDGET
    assert len(calls) < 300
    assert size(t, "few")[0] == ITEMS
    found = statistics(t, "few")
    assert found["pk"].distinct(ITEMS) == 2
    assert found["kind"].distinct(ITEMS) == 5


@pytest.mark.parametrize("table", ["many", "few"])
def test_sample_of_a_table_that_nobody_counted(t, proxy, table):
    t.execute(TARGET)
    with proxy.inject(rewrite(uncounted), operation="DescribeTable"):
        calls = analyze(t, proxy, table)
    assert units(calls) <= BUDGET
    assert ITEMS / 3 < size(t, table)[0] < ITEMS * 3


def test_table_that_has_grown(t, proxy):
    """What DynamoDB counted hours ago was little."""

    def old(response):
        response["Table"].update(ItemCount=10, TableSizeBytes=10 * SIZE)

    t.execute("SET default_statistics_target = 1")
    with proxy.inject(rewrite(old), operation="DescribeTable"):
        calls = analyze(t, proxy, "many")
    assert units(calls) <= 130 + 1
    assert size(t, "many")[0] > ITEMS / 4
    assert "TotalSegments" in calls[-1].request


# ---- guards ----------------------------------------------------------------------


@pytest.mark.parametrize("cap", [20, 60])
def test_sample_stays_below_the_cap(t, proxy, cap):
    t.execute(f"SET ddb_fdw.max_read_units = {cap}")
    calls = analyze(t, proxy, "many")
    assert 0 < units(calls) <= cap
    assert statistics(t, "many")["kind"].common["common"] > 0.5


def test_tables_of_one_statement_share_the_cap(t, proxy):
    t.execute("SET ddb_fdw.max_read_units = 100")
    calls = analyze(t, proxy, "many, few, mixed")
    assert units(calls) <= 100
    assert {call.request["TableName"] for call in calls} == {
        "AnalyzeMany",
        "AnalyzeFew",
        "AnalyzeMixed",
    }


def test_scans_that_the_owner_denied_do_not_hold_the_sample(t, proxy):
    t.execute("ALTER FOREIGN TABLE mixed OPTIONS (ADD scan 'deny')")
    analyze(t, proxy, "mixed")
    assert size(t, "mixed")[0] == 40
    assert failure(t, "SELECT * FROM mixed").sqlstate == "53400"


@pytest.mark.warns("scans to analyze foreign table .* are denied", "cannot analyze this foreign table")
@pytest.mark.parametrize(
    "denial", ["SET ddb_fdw.scan = 'deny'", "ALTER SERVER dynamo OPTIONS (ADD scan 'deny')"]
)
def test_scans_that_others_denied_are_not_made_for_the_sample(t, proxy, denial):
    t.execute(denial)
    with proxy.record() as calls:
        t.execute("ANALYZE mixed")
    assert len(calls) == 0
    assert failure(t, "SELECT * FROM mixed").sqlstate == "53400"


def test_never_consistent(t, proxy):
    foreign_table(t, "c", COLUMNS, table_name="AnalyzeMixed", consistent_read=True)
    calls = analyze(t, proxy, "c")
    assert all("ConsistentRead" not in call.request for call in calls)


# ---- rows ------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["error", "null"])
def test_what_does_not_fit_is_null(t, proxy, policy):
    t.execute("CREATE DOMAIN short AS text CHECK (length(value) < 5)")
    columns = ["pk text", "sk bigint", "n int", "code short"]
    foreign_table(t, "m", columns, table_name="AnalyzeMixed", on_type_mismatch=policy)
    analyze(t, proxy, "m")
    found = statistics(t, "m")
    assert (found["n"].null_frac, found["code"].null_frac) == (0.5, 0.5)
    assert found["code"].common == {"ok": 0.5}


def test_kinds_of_columns(t, proxy):
    columns = [
        "sk numeric",
        "dropped int",
        "whole jsonb OPTIONS (attribute '*')",
        "kind varchar(20)",
        "missing text[]",
    ]
    foreign_table(t, "k", columns, table_name="AnalyzeFew")
    t.execute("ALTER FOREIGN TABLE k DROP COLUMN dropped")
    analyze(t, proxy, "k")
    found = statistics(t, "k")
    assert found["sk"].distinct(ITEMS) == ITEMS
    assert found["kind"].distinct(ITEMS) == 5
    assert (found["whole"].null_frac, found["missing"].null_frac) == (0, 1)


def test_no_columns(t, proxy):
    foreign_table(t, "bare", [], table_name="AnalyzeMixed")
    analyze(t, proxy, "bare")
    assert size(t, "bare")[0] == 40


def test_declared_index(t, proxy):
    """Its items, and what it holds of them."""
    foreign_table(t, "r", COLUMNS, table_name="AnalyzeMany", index_name="byRare")
    calls = analyze(t, proxy, "r")
    assert {call.request["IndexName"] for call in calls} == {"byRare"}
    assert size(t, "r")[0] == ITEMS / 4
    found = statistics(t, "r")
    assert (found["rare"].null_frac, found["kind"].null_frac) == (0, 1)


@pytest.mark.parametrize("target", [100, 1])
def test_segments(t, proxy, target):
    """Each foreign table is a share, and so is its sample."""
    t.execute(f"SET default_statistics_target = {target}")
    rows = 0
    for segment in range(4):
        name = f"s{segment}"
        foreign_table(
            t, name, COLUMNS, table_name="AnalyzeMany", total_segments=4, segment=segment
        )
        calls = analyze(t, proxy, name)
        assert {(c.request["Segment"], c.request["TotalSegments"]) for c in calls} == {(segment, 4)}
        rows += size(t, name)[0]
        plan = foreign_scan(explain(t, f"SELECT * FROM {name}"))
        assert plan["Plan Rows"] == max(size(t, name)[0], ITEMS / 4)
    assert rows == pytest.approx(ITEMS, rel=0.01)


def test_partitions_of_a_local_table(t, proxy):
    t.execute("CREATE TABLE parent (pk text, sk bigint, kind text, rare int) PARTITION BY LIST (pk)")
    t.execute("CREATE TABLE here PARTITION OF parent DEFAULT")
    t.execute("INSERT INTO here VALUES ('h', 1, 'h', 1)")
    t.execute(
        "CREATE FOREIGN TABLE there PARTITION OF parent FOR VALUES IN ('P', 'Q')"
        " SERVER dynamo OPTIONS (table_name 'AnalyzeFew')"
    )
    analyze(t, proxy, "parent")
    found = statistics(t, "parent")
    assert found["pk"].common["P"] > 0.5
    assert size(t, "there")[0] == ITEMS


@pytest.mark.uncounted("what ANALYZE sends is in no EXPLAIN")
def test_as_the_owner(t, proxy, connect):
    """Whoever runs it; here a superuser for somebody who has other keys."""
    t.execute("DROP ROLE IF EXISTS ddb_keeper")
    t.execute("CREATE ROLE ddb_keeper")
    t.execute(
        "CREATE USER MAPPING FOR ddb_keeper SERVER dynamo"
        " OPTIONS (access_key_id 'keeper', secret_access_key 'secret')"
    )
    t.execute("GRANT ALL ON FOREIGN SERVER dynamo TO ddb_keeper")
    t.execute("ALTER FOREIGN TABLE mixed OWNER TO ddb_keeper")
    try:
        with proxy.record() as calls:
            t.execute("ANALYZE mixed")
        assert {"Credential=keeper/" in c.request_headers["authorization"] for c in calls} == {True}
    finally:
        t.execute("DROP OWNED BY ddb_keeper CASCADE")
        t.execute("DROP ROLE ddb_keeper")


# ---- errors ----------------------------------------------------------------------


def test_missing_table(t):
    foreign_table(t, "gone", COLUMNS, table_name="AnalyzeGone")
    diagnostics = failure(t, "ANALYZE gone")
    assert diagnostics.sqlstate == "HV00R"
    assert "AnalyzeGone" in diagnostics.message_primary


def test_missing_index(t):
    foreign_table(t, "gone", COLUMNS, table_name="AnalyzeMany", index_name="byNobody")
    assert failure(t, "ANALYZE gone").sqlstate == "42704"


@pytest.mark.parametrize("target", [100, 3])
def test_cancel(t, proxy, connect, target):
    t.execute(f"SET default_statistics_target = {target}")
    other = connect()
    with proxy.inject(hang(), operation="Scan", every=2) as fault:
        statement = Statement(t, "ANALYZE many")
        assert fault.reached.wait(30)
        other.execute("SELECT pg_cancel_backend(%s)", [t.info.backend_pid])
        assert statement.join().sqlstate == "57014"
        assert fault.client_gone.wait(30)
    assert statistics(t, "many") == {}
    analyze(t, proxy, "many")
    assert statistics(t, "many")


def test_errors_on_the_way(t, proxy):
    """Of the sample; one is tried again, more end it and leave nothing behind."""
    t.execute(TARGET)
    with proxy.inject(internal_error(), operation="Scan", times=1):
        analyze(t, proxy, "many")
    assert statistics(t, "many")
    t.execute("ALTER SERVER dynamo OPTIONS (ADD max_attempts '1')")
    with proxy.inject(internal_error(), operation="Scan", every=20):
        assert failure(t, "ANALYZE few").sqlstate == "08006"
    assert statistics(t, "few") == {}


def test_what_is_said(t):
    said = []
    t.add_notice_handler(lambda diagnostics: said.append(diagnostics.message_primary))
    t.execute("ANALYZE VERBOSE mixed")
    assert any("40 rows in sample, of 40 read and about 40 in all" in line for line in said)


# ---- plans -----------------------------------------------------------------------


def rows_of(db, condition, table="few"):
    return foreign_scan(explain(db, f"SELECT * FROM {table} WHERE {condition}"))["Plan Rows"]


def test_estimates_follow_the_statistics(t, proxy):
    before = rows_of(t, "pk = 'Q'")
    analyze(t, proxy, "few")
    assert before < 100
    assert rows_of(t, "pk = 'Q'") == 500
    assert rows_of(t, "kind = 'kind 3'") == pytest.approx(800, rel=0.1)
    assert rows_of(t, "rare IS NOT NULL") == 1


def test_counts_that_are_greater_hold(t, proxy):
    """Either may be old."""
    analyze(t, proxy, "few")
    for count, expected in ((10, ITEMS), (9999, 9999), (0, ITEMS)):

        def described(response, count=count):
            response["Table"].update(ItemCount=count, TableSizeBytes=count * SIZE)

        t.execute("ALTER SERVER dynamo OPTIONS (ADD max_attempts '5')")
        t.execute("ALTER SERVER dynamo OPTIONS (DROP max_attempts)")
        with proxy.inject(rewrite(described), operation="DescribeTable"):
            assert foreign_scan(explain(t, "SELECT * FROM few"))["Plan Rows"] == expected


def test_statistics_choose_the_index(t, proxy):
    """The smaller of the partitions that could be read, in table or index."""
    query = "SELECT sk FROM few WHERE pk = '{}' AND kind = 'kind 3'"
    analyze(t, proxy, "few")
    assert foreign_scan(explain(t, query.format("P")))["DynamoDB Index"] == "byKind"
    assert "DynamoDB Index" not in foreign_scan(explain(t, query.format("Q")))
    for partition, read in (("P", 800), ("Q", 500)):
        plan = explain(t, query.format(partition), analyze="")
        assert foreign_scan(plan)["Items Scanned"] == read


def test_statistics_choose_the_join(t, proxy):
    """Key by key only where that is less than reading all."""
    t.execute("CREATE TABLE wanted AS SELECT 'p' || g AS pk, 4 * g AS sk FROM generate_series(0, 9) g")
    t.execute("ANALYZE wanted")
    analyze(t, proxy, "many")
    query = "SELECT rare FROM wanted JOIN many USING (pk, sk)"
    node = foreign_scan(explain(t, query, analyze=""))
    assert (node["DynamoDB Operation"], node["Items Scanned"]) == ("BatchGetItem", 10)
