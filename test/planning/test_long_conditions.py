# SPDX-License-Identifier: PostgreSQL
"""Conditions of thousands of terms: memory grows with them, not with their square, and
what no request can hold is checked here."""

import pathlib
import re

import pytest
from support.fdw import foreign_table


@pytest.fixture
def t(dynamo, make_table):
    table = make_table(
        ("id",), "id:S", [{"id": f"{n:03}", "v": n, "w": n % 7} for n in range(100)]
    )
    foreign_table(dynamo, "t", ["id text", "v int", "w int"], table_name=table.name)
    return dynamo


CHAINS = {
    "or": lambda n: " OR ".join(f"v = {i * 3}" for i in range(n)),
    "or of two": lambda n: " OR ".join(f"v = {i} AND w = {i % 7}" for i in range(n)),
    "and": lambda n: " AND ".join(f"v <> {i + 50}" for i in range(n)),
    "and of two": lambda n: " AND ".join(f"(v <> {i + 50} OR w > 90)" for i in range(n)),
}


def peak(connection):
    """Kilobytes that the backend has had at most."""
    status = pathlib.Path(f"/proc/{connection.info.backend_pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))


@pytest.mark.parametrize("name", CHAINS)
def test_memory_is_linear(t, connect, name):
    taken = []
    for n in (2500, 5000, 10000):
        session = connect()
        session.execute("SELECT FROM t WHERE id = 'none'")
        before = peak(session)
        query = f"SELECT count(*) FROM t WHERE {CHAINS[name](n)}"
        pushed = session.execute(query).fetchone()
        taken.append(peak(session) - before)
        session.execute("SET ddb_fdw.pushdown = off")
        assert session.execute(query).fetchone() == pushed
        session.close()
    # Of a quadratic one it is the fourfold.
    assert taken[2] < 2.9 * taken[1] + 5000, taken
