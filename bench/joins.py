# SPDX-License-Identifier: PostgreSQL
"""make bench-joins: joins and scans where the service's latency is the limit.

The replay server answers each request after 5 ms, whatever the others do, and
counts them.  Printed are medians: of the first query of new sessions, which
connect and have the table described, and of later ones; and whether the goals
of docs/benchmarks.md hold.
"""

import argparse
import functools
import statistics
import time

import psycopg
from lab import Cluster, PrivateTree, Workspace, clean_own_environment, die_with_parent
from replay_server import ReplayServer

DELAY_US = 5000
ROWS = 1000
CONCURRENCY = 16

TABLES = """
    CREATE EXTENSION ddb_fdw;
    CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw
      OPTIONS (region 'us-east-1', endpoint_url '{endpoint}');
    CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo
      OPTIONS (access_key_id 'bench', secret_access_key 'bench');
    CREATE FOREIGN TABLE ids (id integer, v integer, note text) SERVER dynamo;
    CREATE FOREIGN TABLE pairs (pk text, sk integer, v integer, note text) SERVER dynamo;
    CREATE FOREIGN TABLE small (id integer, v integer, note text) SERVER dynamo;
    CREATE FOREIGN TABLE small_in_turn (id integer, v integer, note text) SERVER dynamo
      OPTIONS (table_name 'small', segment '0', total_segments '1');
    CREATE TABLE here AS SELECT i AS id, 'p' || i AS pk FROM generate_series(1, {rows}) i;
    ANALYZE here;
"""

ONE_BY_ONE = ["SET ddb_fdw.batch_join = off", "SET enable_hashjoin = off"]

BY_KEY = "SELECT here.pk, t.* FROM here JOIN ids t ON t.id = here.id"
BY_PARTITION = "SELECT here.id, t.* FROM here JOIN pairs t ON t.pk = here.pk"
NEWEST = (
    "SELECT here.id, t.* FROM here CROSS JOIN LATERAL"
    " (SELECT * FROM pairs WHERE pk = here.pk ORDER BY sk DESC LIMIT 3) t"
)
SCAN = "SELECT * FROM small"
SCAN_IN_TURN = "SELECT * FROM small_in_turn"


def say(text=""):
    print(text, flush=True)


class Rig:
    """A cluster, and the replay server that its foreign tables are read from."""

    def __init__(self, workspace):
        self.replay = ReplayServer(workspace, delay_us=DELAY_US).start()
        tree = PrivateTree(workspace.directory / "tree")
        tree.build()
        self.cluster = Cluster(workspace, tree).start()
        self.cluster.psql(TABLES.format(endpoint=self.replay.endpoint, rows=ROWS))

    def connect(self, settings=()):
        connection = psycopg.connect(**self.cluster.conninfo(), autocommit=True)
        for setting in settings:
            connection.execute(setting)
        return connection


class Measured:
    """Seconds of first and of later queries, and what one of them sent."""

    def __init__(self):
        self.first = []
        self.warm = []
        self.requests = {}

    @property
    def median_first(self):
        return statistics.median(self.first)

    @property
    def median(self):
        return statistics.median(self.warm)


def timed(connection, query, rows):
    start = time.perf_counter()
    found = connection.execute(query, prepare=False).fetchall()
    seconds = time.perf_counter() - start
    if len(found) != rows:
        raise RuntimeError(f"{query} gave {len(found)} rows, not {rows}")
    return seconds


def measure(rig, query, rows, sessions, warm, settings=()):
    """Of so many sessions, the first query and so many later ones each."""
    measured = Measured()
    for _ in range(sessions):
        with rig.connect(settings) as connection:
            measured.first.append(timed(connection, query, rows))
            for _ in range(warm):
                rig.replay.ask("reset")
                measured.warm.append(timed(connection, query, rows))
                stats = rig.replay.ask("stats")
            measured.requests = {
                name: n for name, n in stats.items() if name[0].isupper() and n > 0
            }
    return measured


def show(name, measured):
    requests = ", ".join(f"{n} {name}" for name, n in measured.requests.items())
    say(
        f"{name:36} first {measured.median_first * 1e3:7.1f} ms   "
        f"warm {measured.median * 1e3:7.1f} ms (least {min(measured.warm) * 1e3:.1f})   {requests}"
    )


class Goals:
    def __init__(self):
        self.met = True

    def check(self, text, holds):
        self.met &= holds
        say(f"  {'holds' if holds else 'FAILS'}: {text}")


def measure_by_key(rig, goals, many, few):
    single = many(BY_KEY, ROWS, settings=ONE_BY_ONE, sessions=few, warm=1)
    batched = many(BY_KEY, ROWS)
    show(f"{ROWS} rows by key, one a request", single)
    show(f"{ROWS} rows by key, batched", batched)
    n = batched.requests.get("BatchGetItem", 0)
    goals.check(f"{n} BatchGetItem, at most 11 wanted", sum(batched.requests.values()) == n <= 11)
    for which, seconds in (("first", batched.median_first), ("warm", batched.median)):
        ratio = single.median / seconds
        goals.check(f"{which}: {ratio:.0f} times as fast, 100 wanted", ratio >= 100)


def measure_by_partition(rig, goals, many):
    goal = ROWS / CONCURRENCY * DELAY_US / 1e6 * 1.5
    measured = many(BY_PARTITION, 3 * ROWS)
    show(f"{ROWS} rows by partition key", measured)
    goals.check(
        f"{measured.requests.get('Query')} Query, {ROWS} wanted", measured.requests == {"Query": ROWS}
    )
    for which, seconds in (("first", measured.median_first), ("warm", measured.median)):
        goals.check(
            f"{which}: {seconds * 1e3:.0f} ms, at most {goal * 1e3:.0f} wanted", seconds <= goal
        )


def measure_newest(rig, goals, many, few):
    single = many(NEWEST, 3 * ROWS, settings=ONE_BY_ONE, sessions=few, warm=1)
    loop = many(NEWEST, 3 * ROWS)
    show(f"newest of {ROWS} rows, one a request", single)
    show(f"newest of {ROWS} rows, concurrent loop", loop)
    goals.check(f"{loop.requests.get('Query')} Query", loop.requests == {"Query": ROWS})
    for which, seconds in (("first", loop.median_first), ("warm", loop.median)):
        ratio = single.median / seconds
        goals.check(f"{which}: {ratio:.1f} times as fast, 10 wanted", ratio >= 10)


def measure_scan(rig, goals, many, few):
    single = many(SCAN_IN_TURN, 3200, sessions=few, warm=1)
    segments = many(SCAN, 3200)
    show("320 pages, one segment", single)
    show(f"320 pages, {CONCURRENCY} segments", segments)
    for which, seconds in (("first", segments.median_first), ("warm", segments.median)):
        ratio = single.median / seconds
        goals.check(f"{which}: {ratio:.1f} times as fast, 8 wanted", ratio >= 8)


def main():
    parser = argparse.ArgumentParser(prog="bench/joins.py", description=__doc__.split("\n")[0])
    parser.add_argument("--sessions", type=int, default=7, help="new ones for each measurement")
    parser.add_argument("--queries", type=int, default=5, help="after the first of each session")
    args = parser.parse_args()
    clean_own_environment()
    die_with_parent()
    with Workspace() as workspace:
        rig = Rig(workspace)
        goals = Goals()
        many = functools.partial(measure, rig, sessions=args.sessions, warm=args.queries)
        few = min(args.sessions, 2)
        say(f"Every reply takes {DELAY_US / 1000:.0f} ms, {CONCURRENCY} requests at once.\n")
        measure_by_key(rig, goals, many, few)
        measure_by_partition(rig, goals, many)
        measure_newest(rig, goals, many, few)
        measure_scan(rig, goals, many, few)
    raise SystemExit(0 if goals.met else 1)


if __name__ == "__main__":
    main()
