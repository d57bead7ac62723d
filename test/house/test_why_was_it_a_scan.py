# SPDX-License-Identifier: PostgreSQL
"""docs/why-was-it-a-scan.md: its statements run, and EXPLAIN says what it shows."""

import re

import pytest
from lab.processes import REPOSITORY
from support.regress_data import load_table
from support.systems import definition, index

PAGE = (REPOSITORY / "docs" / "why-was-it-a-scan.md").read_text()
OWNERS = ["ann", "bob", "cid", "dora"]


def blocks():
    """(SQL, what EXPLAIN is shown to say or None) of the page, in its order."""
    return [
        (sql, output.strip("\n") if output else None)
        for sql, output in re.findall(
            r"```sql\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", PAGE, re.DOTALL
        )
    ]


def items():
    for n in range(2000):
        item = {"id": f"t-{n}", "title": f"Printer {n}", "pad": "x" * 800}
        if n % 25:
            item |= {"owner": OWNERS[n % 4], "openedAt": f"2026-11-{n % 28 + 1:02}T10:00:00.{n % 1000:03}Z"}
        if n % 10 == 0:
            item |= {"queue": f"q{n % 7}", "priority": n % 5}
        yield item


@pytest.fixture
def tickets(dynamo, ddb_resource):
    load_table(
        ddb_resource,
        "Tickets",
        definition(
            ("id",),
            "id:S owner:S openedAt:S queue:S priority:N",
            gsis=[
                index("ByOwner", "owner", "openedAt"),
                index("ByQueue", "queue", "priority"),
            ],
        ),
        list(items()),
    )
    dynamo.execute("SET timezone = 'UTC'")
    yield dynamo
    ddb_resource.Table("Tickets").delete()


def said(db, sql):
    """What EXPLAIN prints, if the block has one."""
    lines = None
    for statement in filter(None, map(str.strip, sql.split(";\n"))):
        cursor = db.execute(statement.rstrip(";"))
        if statement.startswith("EXPLAIN"):
            lines = "\n".join(line for (line,) in cursor.fetchall())
    return lines


def test_the_page_says_what_explain_says(tickets):
    shown = blocks()
    assert len(shown) > 8
    assert [said(tickets, sql) for sql, _ in shown] == [output for _, output in shown]
