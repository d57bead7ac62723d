# SPDX-License-Identifier: PostgreSQL
"""COPY: what triggers see of its rows, and what an error says of those it has written."""

import psycopg
import pytest
from support.fdw import foreign_table
from support.regress_data import stored


def test_rows_seen_by_triggers_of_copy(dynamo, make_table):
    """An AFTER STATEMENT trigger sees all rows, however COPY writes them."""
    table = make_table(("pk",), "pk:S")
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    dynamo.execute("CREATE TABLE seen (n int)")
    dynamo.execute(
        """CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO seen SELECT count(*) FROM t; RETURN NULL; END $$"""
    )
    dynamo.execute(
        "CREATE TRIGGER look AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION look()"
    )
    with dynamo.cursor().copy("COPY t FROM STDIN") as copy:
        for i in range(30):
            copy.write_row((str(i), i))
    assert dynamo.execute("SELECT n FROM seen").fetchall() == [(30,)]


def test_an_error_of_a_row_of_copy_says_what_was_written(dynamo, make_table):
    table = make_table(("pk",), "pk:S")
    foreign_table(dynamo, "t", ["pk text", "v int"], table_name=table.name)
    with (
        pytest.raises(psycopg.errors.NotNullViolation) as caught,
        dynamo.cursor().copy("COPY t FROM STDIN") as copy,
    ):
        for i in range(1500):
            copy.write_row((str(i) if i < 1450 else None, i))
    written = len(stored(table))
    assert written > 0 and f"after {written} items" in caught.value.diag.context
