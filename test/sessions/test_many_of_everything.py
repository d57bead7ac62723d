# SPDX-License-Identifier: PostgreSQL
"""A thousand foreign scans in one statement, hundreds of roles in one backend: what a
process may hold open is shared, and nothing ends with an internal error."""

import os
import re
from pathlib import Path

import pytest
from support.fdw import ACCESS_KEY, SECRET_KEY, foreign_table

SCANS = 1000
ROLES = 150


@pytest.fixture
def table(dynamo, make_table):
    return make_table(("pk",), "pk:S", [{"pk": f"k{n}", "n": n} for n in range(5)])


def open_files(db):
    """The number of the backend's descriptors."""
    return len(os.listdir(f"/proc/{db.info.backend_pid}/fd"))


def test_a_thousand_scans_below_an_append(dynamo, table):
    dynamo.execute("CREATE TABLE parent (pk text, n int) PARTITION BY LIST (n)")
    dynamo.execute(
        f"""DO $$ BEGIN FOR i IN 1..{SCANS} LOOP
            EXECUTE format('CREATE FOREIGN TABLE p%s PARTITION OF parent FOR VALUES IN (%s)'
                ' SERVER dynamo OPTIONS (table_name ''{table.name}'')', i, i);
        END LOOP; END $$"""
    )
    plan = "\n".join(line for (line,) in dynamo.execute("EXPLAIN SELECT * FROM parent").fetchall())
    assert len(re.findall("Async Foreign Scan", plan)) == SCANS
    assert len(dynamo.execute("SELECT * FROM parent").fetchall()) == 5 * SCANS
    assert open_files(dynamo) < 100


def test_hundreds_of_roles_in_one_backend(dynamo, table, connect):
    foreign_table(dynamo, "t", ["pk text", "n int"], table_name=table.name)
    database = dynamo.info.dbname
    roles = [f"{database}_{n}" for n in range(ROLES)]
    try:
        for role in roles:
            dynamo.execute(f"CREATE ROLE {role}")
            dynamo.execute(f"GRANT SELECT ON t TO {role}")
            dynamo.execute(
                f"CREATE USER MAPPING FOR {role} SERVER dynamo OPTIONS"
                f" (access_key_id '{ACCESS_KEY}', secret_access_key '{SECRET_KEY}')"
            )
        for _ in range(2):
            for role in roles:
                dynamo.execute(f"SET ROLE {role}")
                assert dynamo.execute("SELECT count(*) FROM t WHERE n >= 0").fetchone() == (5,)
                dynamo.execute("RESET ROLE")
        assert open_files(dynamo) < 200
    finally:
        dynamo.execute("DROP SERVER dynamo CASCADE")
        for role in roles:
            dynamo.execute(f"DROP ROLE IF EXISTS {role}")


def test_cursors_of_many_roles_stay_open(dynamo, table):
    """A session that is used is not closed for another one."""
    foreign_table(dynamo, "t", ["pk text", "n int"], table_name=table.name)
    database = dynamo.info.dbname
    roles = [f"{database}_{n}" for n in range(60)]
    try:
        for role in roles:
            dynamo.execute(f"CREATE ROLE {role}; GRANT SELECT ON t TO {role}")
            dynamo.execute(
                f"CREATE USER MAPPING FOR {role} SERVER dynamo OPTIONS"
                f" (access_key_id '{ACCESS_KEY}', secret_access_key '{SECRET_KEY}')"
            )
        with dynamo.transaction():
            for role in roles:
                dynamo.execute(f"SET LOCAL ROLE {role}")
                dynamo.execute(f"DECLARE c_{role} CURSOR FOR SELECT n FROM t")
                dynamo.execute("SET LOCAL ROLE NONE")
                assert len(dynamo.execute(f"FETCH 2 FROM c_{role}").fetchall()) == 2
            for role in roles:
                assert len(dynamo.execute(f"FETCH ALL FROM c_{role}").fetchall()) == 3
    finally:
        dynamo.execute("DROP SERVER dynamo CASCADE")
        for role in roles:
            dynamo.execute(f"DROP ROLE IF EXISTS {role}")


# ---- what stays when a statement is over -------------------------------------------


def connections(port):
    """Established connections of this machine to a port on loopback."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    remote = f":{port:04X}"
    return sum(1 for f in map(str.split, lines) if f[2].endswith(remote) and f[3] == "01")


def resident(db):
    """Bytes of the backend that are in memory and its own."""
    text = Path(f"/proc/{db.info.backend_pid}/smaps_rollup").read_text()
    return 1024 * int(re.search(r"Private_Dirty: *(\d+)", text)[1])


def test_few_connections_stay(dynamo, proxy, make_table):
    items = [{"pk": f"k{n}", "sk": n % 4, "pad": "x" * 100} for n in range(400)]
    table = make_table(("pk", "sk"), "pk:S sk:N", items)
    foreign_table(dynamo, "t", ["pk text", "sk int", "pad text"], table_name=table.name)
    keys = [f"k{n}" for n in range(40)]
    for _ in range(3):
        with proxy.record() as calls:
            rows = dynamo.execute("SELECT * FROM t WHERE pk = ANY (%s)", (keys,)).fetchall()
        assert len(rows) == 40
        assert calls.count("Query") == 40
        assert connections(proxy.port) <= 2
    with dynamo.transaction():
        dynamo.execute("DECLARE c CURSOR FOR SELECT * FROM t WHERE pk = ANY ('{k1,k2,k3}')")
        dynamo.execute("FETCH 1 FROM c")
        assert len(dynamo.execute("FETCH ALL FROM c").fetchall()) == 2


def test_memory_goes_back(dynamo, make_table):
    items = [{"pk": f"k{n}", "pad": "x" * 100_000} for n in range(400)]
    table = make_table(("pk",), "pk:S", items)
    foreign_table(dynamo, "t", ["pk text", "pad text"], table_name=table.name)
    query = "SELECT count(*), sum(length(pad)) FROM t"
    small = "SELECT pad FROM t WHERE pk = 'k1'"
    dynamo.execute(small)
    before = resident(dynamo)
    for _ in range(3):
        assert dynamo.execute(query).fetchone() == (400, 40_000_000)
    dynamo.execute(small)
    assert resident(dynamo) - before < 8 << 20
