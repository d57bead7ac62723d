# SPDX-License-Identifier: PostgreSQL
"""The column option "key", where it is wrong."""

import psycopg
import pytest
from support import proxy as faults
from support.fdw import foreign_table
from support.systems import definition, index

KEYS = definition(("pk", "sk"), "pk:S sk:N g:S", gsis=[index("by_g", "g")])

WRONG = {
    "another attribute": (["pk text", "sk int", "g text OPTIONS (key 'partition')"], "g"),
    "the other part": (["pk text OPTIONS (key 'sort')", "sk int", "g text"], "pk"),
    "another name": (["p text OPTIONS (attribute 'PK', key 'partition')", "sk int"], "p"),
    "one of two": (
        ["pk text OPTIONS (key 'partition')", "sk int", "g text OPTIONS (key 'sort')"],
        "g",
    ),
}
STATEMENTS = [
    "SELECT * FROM t",
    "EXPLAIN SELECT count(*) FROM t",
    "DELETE FROM t",
    "ANALYZE t",
]


@pytest.fixture
def items(make_items):
    return make_items(KEYS, [{"pk": "a", "sk": 1, "g": "x"}])


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("name", WRONG)
def test_what_dynamodb_says_otherwise_is_an_error(dynamo, items, name, statement):
    columns, column = WRONG[name]
    foreign_table(dynamo, "t", columns, table_name=items.name)
    with pytest.raises(psycopg.errors.FdwInvalidAttributeValue) as failure:
        dynamo.execute(statement)
    assert f'option "key" of column "{column}"' in failure.value.diag.message_primary
    assert "Drop the option" in failure.value.diag.message_hint


def test_a_sort_key_that_there_is_not(dynamo, make_items):
    items = make_items(definition(("pk",), "pk:S"))
    foreign_table(dynamo, "t", ["pk text", "v text OPTIONS (key 'sort')"], table_name=items.name)
    with pytest.raises(psycopg.errors.FdwInvalidAttributeValue) as failure:
        dynamo.execute("SELECT * FROM t")
    assert "has no sort key" in failure.value.diag.message_detail


def test_right_ones_change_nothing(dynamo, items):
    columns = ["pk text OPTIONS (key 'partition')", "sk int OPTIONS (key 'sort')", "g text"]
    foreign_table(dynamo, "t", columns, table_name=items.name)
    assert dynamo.execute("SELECT * FROM t").fetchall() == [("a", 1, "x")]
    columns = ["pk text", "sk int", "g text OPTIONS (key 'partition')"]
    foreign_table(dynamo, "i", columns, table_name=items.name, index_name="by_g")
    assert dynamo.execute("SELECT * FROM i").fetchall() == [("a", 1, "x")]


@pytest.mark.parametrize("value", ["hash", "range", "primary", "PARTITION", ""])
def test_values_that_are_none(dynamo, value):
    with pytest.raises(psycopg.Error) as failure:
        foreign_table(dynamo, "t", [f"pk text OPTIONS (key '{value}')"], table_name="T")
    assert '"key"' in failure.value.diag.message_primary
    assert "partition" in failure.value.diag.message_hint or not value


def test_dynamodb_refuses_what_was_declared(dynamo, items, proxy):
    """Where nobody may ask what the table is, the error names the option."""
    columns = ["pk text", "sk int", "g text OPTIONS (key 'partition')"]
    foreign_table(dynamo, "t", columns, table_name=items.name)
    with proxy.inject(faults.error("AccessDeniedException"), operation="DescribeTable"):
        for statement in (
            "SELECT * FROM t WHERE g = 'x'",
            "INSERT INTO t (g) VALUES ('y')",
            "UPDATE t SET sk = 2 WHERE g = 'x'",
        ):
            with pytest.raises(psycopg.Error) as failure:
                dynamo.execute(statement)
            assert 'option "key" of columns of foreign table' in failure.value.diag.context
