# SPDX-License-Identifier: PostgreSQL
"""Which items UPDATE and DELETE mean by their WHERE: lists, alternatives, values that do
not fit, keys that no item can have or that no column tells."""

import pytest
from support.fdw import explain, foreign_table, plan_nodes
from support.regress_data import stored
from support.systems import index


@pytest.mark.parametrize("index_name", [None, "by_v"])
def test_keys_that_hold_nul(dynamo, make_table, index_name):
    """They are not cut there: another item may have that key."""
    table = make_table(
        ("pk",),
        "pk:S v:N" if index_name else "pk:S",
        [{"pk": "a", "v": 1}, {"pk": "a\x00b", "v": 2}],
        gsis=[index(index_name, "v")] if index_name else [],
    )
    foreign_table(dynamo, "t", ["v int", "w int"], table_name=table.name)
    assert dynamo.execute("UPDATE t SET w = 1 WHERE v = 2").rowcount == 1
    assert stored(table) == [{"pk": "a", "v": 1}, {"pk": "a\x00b", "v": 2, "w": 1}]
    assert dynamo.execute("DELETE FROM t WHERE v = 2").rowcount == 1
    assert stored(table) == [{"pk": "a", "v": 1}]


def test_alternatives_make_no_items(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": "a", "v": 1}, {"pk": "b", "s": "x"}])
    foreign_table(dynamo, "t", ["pk text", "v int", "s text"], table_name=table.name)
    for where in ["s = 'x' OR v IS NULL", "v IS NULL OR s = 'x'", "NOT (v = 1 AND s = 'y')"]:
        where = f"pk IN ('a', 'b', 'none') AND ({where})"
        expected = dynamo.execute(f"SELECT count(*) FROM t WHERE {where}").fetchone()[0]
        assert dynamo.execute(f"UPDATE t SET v = v WHERE {where}").rowcount == expected
        assert dynamo.execute(f"UPDATE t SET s = 'x' WHERE {where}").rowcount == expected
    assert len(stored(table)) == 2
    assert dynamo.execute("DELETE FROM t WHERE pk = 'a' AND (s = 'z' OR v IS NULL)").rowcount == 0


def test_long_lists_in_where(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(1500)])
    foreign_table(dynamo, "t", ["pk text", "v int", "w int"], table_name=table.name)
    for query in ["UPDATE t SET w = 1 WHERE v = ANY (%s)", "DELETE FROM t WHERE v = ANY (%s)"]:
        assert dynamo.execute(query, [list(range(1000))]).rowcount == 1000
    assert len(stored(table)) == 500


def test_values_that_do_not_fit_are_null_when_written_too(dynamo, make_table):
    items = [{"pk": "a", "v": "text"}, {"pk": "b", "v": 5}, {"pk": "c"}]
    table = make_table(("pk",), "pk:S", items)
    foreign_table(
        dynamo, "t", ["pk text", "v int", "w int"], table_name=table.name, on_type_mismatch="null"
    )
    assert dynamo.execute("UPDATE t SET w = 1 WHERE v IS NULL").rowcount == 2
    assert dynamo.execute("UPDATE t SET w = 2 WHERE pk = 'a' AND v IS NULL").rowcount == 1
    assert dynamo.execute("UPDATE t SET w = 3 WHERE v IS DISTINCT FROM 5").rowcount == 2
    assert dynamo.execute("DELETE FROM t WHERE pk IN ('a', 'b') AND v IS NOT NULL").rowcount == 1
    assert dynamo.execute("DELETE FROM t WHERE coalesce(v, 7) = 7").rowcount == 2


def test_keys_that_no_item_can_have(dynamo, make_table):
    table = make_table(("pk", "sk"), "pk:S sk:N", [{"pk": "a", "sk": 1}])
    columns = ["pk text", "sk numeric", "v int"]
    foreign_table(dynamo, "t", columns, table_name=table.name)
    dynamo.execute("SET plan_cache_mode = force_generic_plan")
    dynamo.execute("PREPARE u (text, numeric) AS UPDATE t SET v = 1 WHERE pk = $1 AND sk = $2")
    dynamo.execute("PREPARE d (text, numeric) AS DELETE FROM t WHERE pk = $1 AND sk = $2")
    for arguments in [
        "'', 1",
        "repeat('x', 3000), 1",
        "'a', 'NaN'",
        "'a', 1e300",
        "'a', 1.000000000000000000000000000000000000000001",
        "NULL, 1",
        "'a', NULL",
    ]:
        assert dynamo.execute(f"EXECUTE u({arguments})").rowcount == 0
        assert dynamo.execute(f"EXECUTE d({arguments})").rowcount == 0
    assert dynamo.execute("EXECUTE u('a', 1.0)").rowcount == 1
    assert dynamo.execute("EXECUTE d('a', 1.00)").rowcount == 1


def test_explain_analyze_counts_rows(dynamo, make_table):
    table = make_table(("pk",), "pk:S", [{"pk": str(i), "v": i} for i in range(900)])
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    for query, rows in [
        ("UPDATE t SET v = v + 1 WHERE v >= 100", 800),
        ("UPDATE t SET v = v + 1 WHERE v >= 100 RETURNING v", 800),
        ("DELETE FROM t WHERE pk IN ('1', '2', 'none')", 2),
        ("DELETE FROM t WHERE v > 200 RETURNING pk", 701),
    ]:
        scan = list(plan_nodes(explain(dynamo, query, ANALYZE="true", VERBOSE="true")))[1]
        assert scan["Actual Rows"] == rows and scan["Items Written"] == rows, query
