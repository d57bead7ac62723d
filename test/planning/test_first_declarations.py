# SPDX-License-Identifier: PostgreSQL
"""What is declared wrong at first is told, with what to do about it."""

import psycopg
import pytest
from support.fdw import foreign_table
from support.systems import index


@pytest.fixture
def logs(dynamo, make_table):
    table = make_table(
        ("logPartition", "dateTime"),
        "logPartition:S dateTime:S userId:S",
        [{"logPartition": "LOGS", "dateTime": "2026-11-01T00:00:00Z", "userId": "u"}],
        gsis=[index("byUser", "userId")],
    )
    dynamo.notices = []
    dynamo.add_notice_handler(
        lambda diag: dynamo.notices.append(
            (diag.message_primary, diag.message_detail, diag.message_hint)
        )
    )
    dynamo.table = table.name
    return dynamo


def told(db):
    heard = list(db.notices)
    db.notices.clear()
    return heard


def test_camel_case_is_told_once_with_its_cure(logs):
    foreign_table(
        logs, "l", ["logPartition text", "date_time text", "userid text"], table_name=logs.table
    )
    query = "SELECT * FROM l WHERE logPartition = 'LOGS'"
    assert logs.execute(query).fetchall() == []
    heard = told(logs)
    assert [primary.split('"')[1] for primary, _, _ in heard] == [
        "logpartition",
        "date_time",
        "userid",
    ]
    assert heard[0][1] == 'It shows attribute "logpartition". The key is "logPartition".'
    logs.execute(query)
    assert told(logs) == []
    for _, _, hint in heard:
        logs.execute(hint)
    assert len(logs.execute(query).fetchall()) == 1
    assert told(logs) == []


def test_who_has_declared_it_hears_nothing(logs):
    foreign_table(
        logs,
        "l",
        [
            '"logPartition" text',
            "date_time text OPTIONS (attribute 'dateTime')",
            "userid text OPTIONS (attribute 'userid')",
            "logpartition text",
        ],
        table_name=logs.table,
    )
    assert len(logs.execute("SELECT * FROM l").fetchall()) == 1
    assert told(logs) == []


@pytest.mark.parametrize("text", ["LOG{x}", "LOG#{date_time:YYYY-MM-DD}", "A#${x}#{y}"])
def test_a_variable_without_its_dollar_sign_is_refused(logs, text):
    with pytest.raises(psycopg.Error, match="template") as caught:
        logs.execute(
            "CREATE FOREIGN TABLE f (pk text OPTIONS (template '" + text + "'), x text)"
            " SERVER dynamo"
        )
    assert "no dollar sign" in str(caught.value)


def test_other_braces_are_text(logs):
    foreign_table(
        logs,
        "f",
        ["pk text OPTIONS (attribute 'logPartition', template '{${x}}{}{a b}') ", "x text"],
        table_name=logs.table,
    )
    assert logs.execute("SELECT * FROM f").fetchall() == []


@pytest.mark.parametrize(
    "column, cure",
    [
        ("d timestamptz OPTIONS (attribute 'dateTime')", "such as 'iso8601:3'"),
        ("d timestamp OPTIONS (attribute 'dateTime', format 'iso8601')", "such as 'iso8601:3'"),
        ("d text OPTIONS (attribute 'dateTime')", 'if it had COLLATE "C"'),
        ("d timestamptz OPTIONS (attribute 'dateTime', format 'iso8601:0')", None),
        ("d text OPTIONS (attribute 'dateTime') COLLATE \"C\"", None),
    ],
)
def test_a_sort_that_a_declaration_would_spare_is_told(logs, column, cure):
    foreign_table(
        logs, "l", ["p text OPTIONS (attribute 'logPartition')", column], table_name=logs.table
    )
    query = "EXPLAIN (VERBOSE) SELECT * FROM l WHERE p = 'LOGS' ORDER BY d DESC LIMIT 5"
    text = "\n".join(line for (line,) in logs.execute(query).fetchall())
    assert ("Sort Key" in text) == (cure is not None)
    assert ("Unused Order: column d would give the order" in text) == (cure is not None)
    assert cure is None or cure in text


def test_a_template_without_fixed_width_is_told(logs):
    foreign_table(
        logs,
        "l",
        [
            "p text OPTIONS (attribute 'logPartition')",
            "s text OPTIONS (attribute 'dateTime', template '${at:epoch}#${id}')",
            "at timestamptz",
            "id int",
        ],
        table_name=logs.table,
    )
    query = "EXPLAIN (VERBOSE) SELECT * FROM l WHERE p = 'LOGS' ORDER BY at DESC LIMIT 5"
    text = "\n".join(line for (line,) in logs.execute(query).fetchall())
    assert "Unused Order: column at would give the order if its texts in template" in text
