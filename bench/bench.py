# SPDX-License-Identifier: PostgreSQL
"""make bench: what ddb_fdw costs, against the replay server.

Two throwaway clusters: in one of them foreign tables of ddb_fdw on the replay
server and of postgres_fdw on the other one, which holds the same rows.  Both
are read in the same way, in turn, each in a session of its own; what is printed
are medians, and ratios are medians of the ratios within each turn, so that a
neighbour's load hits both sides alike.  docs/benchmarks.md explains the numbers.
"""

import argparse
import functools
import pathlib
import statistics
import subprocess
import time

import boto3
import gen_pages
import psycopg
from lab import Cluster, PrivateTree, Workspace, clean_own_environment, die_with_parent
from replay_server import ReplayServer

MEGABYTE = 1024 * 1024

# The pages' eight scalar attributes, in two tastes.
SHAPES = {
    "typed": {"date_time": "timestamptz", "latency": "numeric"},
    "plain": {"date_time": "text", "latency": "double precision"},
}
SHAPE_NOTES = {
    "typed": "dateTime as timestamptz, latency as numeric",
    "plain": "dateTime as text, latency as double precision",
}

# How a query is drained: nobody looks at its rows, on neither side.
DRAINS = {
    "executor": "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) SELECT * FROM {}",
    "copy": "COPY (SELECT * FROM {}) TO '/dev/null'",
}

FETCH_SIZES = {"postgres_fdw": 100, "postgres_fdw, fetch_size 10000": 10000}

SCAN_COLUMNS = """\
                                                    wall, µs/row  backend CPU,   other
drain     through                            rows/s  median least  median least  CPU     times ddb_fdw's wall/backend/both"""

NEWEST = """
    SELECT date_time, severity, message FROM ddb_plain
     WHERE log_partition = '{partition}' ORDER BY date_time DESC LIMIT 100"""


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n## {text}\n")


# ---- setting up ---------------------------------------------------------------------


def local_columns(shape):
    types = SHAPES[shape]
    return (
        f"log_partition text, date_time {types['date_time']}, severity text, message text, "
        f"service text, latency {types['latency']}, status integer, ok boolean"
    )


def dynamodb_columns(shape):
    types = SHAPES[shape]
    time_options = {
        "timestamptz": "OPTIONS (attribute 'dateTime', format 'iso8601:6')",
        "text": "OPTIONS (attribute 'dateTime') COLLATE \"C\"",
    }[types["date_time"]]
    return (
        "log_partition text OPTIONS (attribute 'logPartition'), "
        f"date_time {types['date_time']} {time_options}, severity text, message text, "
        f"service text, latency {types['latency']}, status integer, ok boolean"
    )


def load_far(cluster, csv_path):
    """The same rows in tables of the second cluster."""
    cluster.psql(
        "CREATE TABLE raw (log_partition text, date_time text, severity text, message text, "
        "service text, latency text, status integer, tags text, ctx text, ok boolean)"
    )
    with open(csv_path, "rb") as rows:
        subprocess.run(
            [cluster.tree.bindir / "psql", "-X", "-q", "-c", "COPY raw FROM STDIN (FORMAT csv)"],
            stdin=rows,
            env=cluster.environment(),
            check=True,
        )
    for shape, types in SHAPES.items():
        cluster.psql(
            f"CREATE TABLE {shape} ({local_columns(shape)}); INSERT INTO {shape} "
            f"SELECT log_partition, date_time::{types['date_time']}, severity, message, service, "
            f"latency::{types['latency']}, status, ok FROM raw"
        )
    cluster.psql("DROP TABLE raw")
    cluster.psql("VACUUM ANALYZE")


def load_near(cluster, far, replay):
    statements = [
        "CREATE EXTENSION ddb_fdw",
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw "
        f"OPTIONS (region 'us-east-1', endpoint_url '{replay.endpoint}')",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo "
        "OPTIONS (access_key_id 'bench', secret_access_key 'bench')",
        "CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw "
        f"OPTIONS (host '{far.socket_directory}', port '{far.port}', dbname 'postgres')",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user 'postgres')",
    ]
    for shape in SHAPES:
        statements.append(
            f"CREATE FOREIGN TABLE ddb_{shape} ({dynamodb_columns(shape)}) "
            "SERVER dynamo OPTIONS (table_name 'logs')"
        )
        for size in FETCH_SIZES.values():
            statements.append(
                f"CREATE FOREIGN TABLE far_{shape}_{size} ({local_columns(shape)}) "
                f"SERVER far OPTIONS (table_name '{shape}', fetch_size '{size}')"
            )
    cluster.psql("; ".join(statements))


class Rig:
    """Everything that is measured, running."""

    def __init__(self, workspace, pages):
        directory = workspace.directory
        csv_path = directory / "items.csv"
        with open(csv_path, "w", newline="", encoding="utf-8") as csv_file:
            self.json_bytes = gen_pages.generate(directory / "pages", pages, csv_file=csv_file)
        self.rows = pages * 2600
        self.replay = ReplayServer(workspace, pages=directory / "pages").start()
        tree = PrivateTree(directory / "tree")
        tree.build()
        self.near = Cluster(workspace, tree, "near").start()
        self.far = Cluster(workspace, tree, "far").start()
        load_far(self.far, csv_path)
        load_near(self.near, self.far, self.replay)

    def connect(self):
        return psycopg.connect(**self.near.conninfo(), autocommit=True)


# ---- measuring ----------------------------------------------------------------------


def process_file(connection, name):
    return pathlib.Path("/proc") / str(connection.info.backend_pid) / name


def process_cpu(pid):
    """What a process of one thread has used, in seconds, to the nanosecond."""
    return int((pathlib.Path("/proc") / str(pid) / "schedstat").read_text().split()[0]) / 1e9


def cpu_seconds(connection):
    return process_cpu(connection.info.backend_pid)


def children_cpu(parent):
    """Of a postmaster's children together; sessions here last, so none is missed."""
    pids = (pathlib.Path("/proc") / str(parent) / "task" / str(parent) / "children").read_text()
    return sum(process_cpu(pid) for pid in pids.split())


def status_bytes(connection, name):
    for line in process_file(connection, "status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {name}")


class Cost:
    """Seconds that one run took: wall clock, CPU of the backend, CPU of what it
    asked (the replay server, or the second cluster)."""

    def __init__(self, wall, backend, other):
        self.wall, self.backend, self.other = wall, backend, other

    @property
    def both(self):
        return self.backend + self.other


def drain(connection, statement, other_cpu=lambda: 0):
    before = cpu_seconds(connection), other_cpu()
    start = time.perf_counter()
    connection.execute(statement)
    wall = time.perf_counter() - start
    return Cost(wall, cpu_seconds(connection) - before[0], other_cpu() - before[1])


def in_turn(runs, repetitions):
    """runs: {name: function}.  {name: [what it gave]}, after one unmeasured turn."""
    results = {name: [] for name in runs}
    for turn in range(repetitions + 1):
        for name, run in runs.items():
            result = run()
            if turn > 0:
                results[name].append(result)
    return results


def median_ratio(others, ours, what):
    """How many times as long the others took, turn by turn."""
    return statistics.median(getattr(a, what) / getattr(b, what) for a, b in zip(others, ours))


def measure_scan(rig, shape, how, repetitions):
    def replay_cpu():
        return process_cpu(rig.replay.process.pid)

    def far_cpu():
        return children_cpu(rig.far.process.pid)

    tables = {"ddb_fdw": (f"ddb_{shape}", replay_cpu)}
    for name, size in FETCH_SIZES.items():
        tables[name] = (f"far_{shape}_{size}", far_cpu)
    runs = {
        name: functools.partial(drain, rig.connect(), DRAINS[how].format(table), other_cpu)
        for name, (table, other_cpu) in tables.items()
    }
    results = in_turn(runs, repetitions)
    for name, costs in results.items():

        def per_row(what, choose=statistics.median, costs=costs):
            return choose(getattr(cost, what) for cost in costs) / rig.rows * 1e6

        ratios = "/".join(
            f"{median_ratio(costs, results['ddb_fdw'], what):.2f}"
            for what in ("wall", "backend", "both")
        )
        say(
            f"{how:8}  {name:30}  {1e6 / per_row('wall'):9.0f}  "
            f"{per_row('wall'):5.2f} {per_row('wall', min):5.2f}  "
            f"{per_row('backend'):7.2f} {per_row('backend', min):5.2f}  {per_row('other'):6.2f}  {ratios}"
        )


def scan_with_boto3(rig):
    """Reads all items as a Python program does."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=rig.replay.endpoint,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )
    cpu, start = time.process_time(), time.perf_counter()
    rows = sum(
        len(page["Items"]) for page in client.get_paginator("scan").paginate(TableName="logs")
    )
    if rows != rig.rows:
        raise RuntimeError(f"boto3 read {rows} rows of {rig.rows}")
    return Cost(time.perf_counter() - start, time.process_time() - cpu, 0)


def measure_boto3(rig, ours):
    boto = scan_with_boto3(rig)
    ddb = drain(ours, DRAINS["executor"].format("ddb_plain"))
    say(
        f"boto3's Scan paginator: {rig.rows / boto.wall:.0f} rows/s, "
        f"{boto.wall / rig.rows * 1e6:.1f} µs/row, CPU {boto.backend / rig.rows * 1e6:.1f} µs/row: "
        f"{boto.wall / ddb.wall:.0f} times ddb_fdw's wall, {boto.backend / ddb.backend:.0f} times its CPU"
    )


def quantiles_ms(times):
    cuts = statistics.quantiles(times, n=20)
    return f"median {statistics.median(times) * 1e3:.2f} ms, 95 % under {cuts[-1] * 1e3:.2f} ms"


def time_queries(connection, count, parts):
    """Wall times of newest-100 queries, on one partition after the other."""
    times = []
    for number in range(count):
        start = time.perf_counter()
        rows = connection.execute(
            NEWEST.format(partition=f"app-{number % parts:02d}"), prepare=False
        ).fetchall()
        times.append(time.perf_counter() - start)
        if len(rows) != 100:
            raise RuntimeError(f"{len(rows)} rows, not 100")
    return times


def measure_newest(rig, count):
    connection = rig.connect()
    first = time_queries(connection, 1, 10)
    say(f"first query of a session          {first[0] * 1e3:.2f} ms (connects, describes the table)")
    for delay_us in (0, 5000):
        rig.replay.ask(f"delay?us={delay_us}")
        rig.replay.ask("reset")
        cpu = cpu_seconds(connection)
        times = time_queries(connection, count, 10)
        cpu = (cpu_seconds(connection) - cpu) / count
        stats = rig.replay.ask("stats")
        say(
            f"service answers in {delay_us / 1000:3.0f} ms          {quantiles_ms(times)}, "
            f"backend CPU {cpu * 1e3:.2f} ms, requests a query {stats['Query'] / count:.2f}"
        )
    rig.replay.ask("delay?us=0")


def measure_planning(rig, count):
    connection = rig.connect()

    def plan(query):
        lines = connection.execute(f"EXPLAIN (SUMMARY, COSTS OFF) {query}", prepare=False)
        (line,) = [row[0] for row in lines if row[0].startswith("Planning Time")]
        return float(line.split()[2]) / 1e3

    queries = {
        "newest 100, ddb_fdw": NEWEST.format(partition="app-03"),
        "newest 100, postgres_fdw": NEWEST.format(partition="app-03").replace(
            "ddb_plain", "far_plain_100"
        ),
        "select *, ddb_fdw": "SELECT * FROM ddb_plain",
        "select *, postgres_fdw": "SELECT * FROM far_plain_100",
    }
    for name, query in queries.items():
        first = plan(query)
        times = [plan(query) for _ in range(count)]
        say(f"{name:26} {quantiles_ms(times)}; first time {first * 1e3:.2f} ms")


def measure_memory(rig):
    connection = rig.connect()
    start = status_bytes(connection, "VmRSS")
    process_file(connection, "clear_refs").write_text("5")
    connection.execute(DRAINS["executor"].format("ddb_typed"))
    peak = status_bytes(connection, "VmHWM")
    say(
        f"select * of {rig.json_bytes / MEGABYTE:.0f} MB: a new backend's {start / MEGABYTE:.1f} MB "
        f"resident grow by {(peak - start) / MEGABYTE:.1f} MB at most"
    )


def main():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=60, help="of 2,600 items, 1.2 MB each")
    parser.add_argument("--repetitions", type=int, default=9, help="of each scan")
    parser.add_argument("--queries", type=int, default=300, help="newest-100 queries, plans")
    parser.add_argument("--no-boto3", action="store_true", help="spare its slow scan")
    args = parser.parse_args()
    clean_own_environment()
    die_with_parent()
    with Workspace() as workspace:
        say(f"Setting up: {args.pages} pages ...")
        rig = Rig(workspace, args.pages)
        say(f"{rig.rows} items, {rig.json_bytes / rig.rows:.0f} bytes of JSON each")
        for shape in SHAPES:
            heading(f"SELECT * of all rows, {SHAPE_NOTES[shape]}")
            say(SCAN_COLUMNS)
            for how in DRAINS:
                measure_scan(rig, shape, how, args.repetitions)
        if not args.no_boto3:
            say()
            measure_boto3(rig, rig.connect())
        heading("Newest 100 of a partition")
        measure_newest(rig, args.queries)
        heading("Planning")
        measure_planning(rig, args.queries)
        heading("Memory")
        measure_memory(rig)


if __name__ == "__main__":
    main()
