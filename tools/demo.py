# SPDX-License-Identifier: PostgreSQL
"""make demo: the newest log entries in one request.

Starts a throwaway PostgreSQL and DynamoDB Local, loads 10,000 log entries with
boto3, and runs examples/demo.sql section by section through psql, with a proxy
in between that counts what DynamoDB is asked.
"""

import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

from lab import (
    Cluster,
    DynamoDBLocal,
    PrivateTree,
    Workspace,
    clean_own_environment,
    die_with_parent,
)
from lab.processes import REPOSITORY
from lab.samples import KEYS, TABLE, log_entries

sys.path.append(str(REPOSITORY / "test"))
from support import aws
from support.proxy import Proxy
from support.regress_data import load_table

ENTRIES = 10_000
DATABASE = "demo"


def say(text=""):
    print(text, flush=True)


def heading(text):
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    say(f"\n{bold}## {text}{plain}\n")


def sections():
    """(title, SQL) of examples/demo.sql, in order."""
    text = (REPOSITORY / "examples" / "demo.sql").read_text()
    parts = re.split(r"^-- == (.*)\n", text, flags=re.MULTILINE)[1:]
    return [(title, sql.strip()) for title, sql in zip(parts[::2], parts[1::2])]


def run_section(cluster, sql, variables):
    """psql's output goes straight to ours; timing is psql's own."""
    command = [os.fspath(cluster.tree.bindir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    for name, value in variables.items():
        command += ["-v", f"{name}={value}"]
    settings = "\\pset pager off\n\\timing on\n"
    subprocess.run(
        [*command, "-f", "-"],
        input=settings + sql + "\n",
        text=True,
        env=cluster.environment(DATABASE),
        check=True,
    )


def show_requests(calls):
    """Each kind once; what describes the table is asked once a session."""
    if not calls:
        return
    described = len(calls) - len(calls.data)
    counted = [
        f"{calls.count(operation)} {operation}" for operation in dict.fromkeys(calls.data.operations)
    ]
    beside = " (and the table was described)" if described else ""
    say(f"DynamoDB saw: {', '.join(counted) or 'nothing'}{beside}")
    if len(calls.data) == 1:
        say(json.dumps(calls.data[0].request, indent=2, ensure_ascii=False))


def check_newest(calls):
    """The demo's promise, checked: one Query, its Limit 100, backwards."""
    if calls.data.operations != ["Query"]:
        sys.exit(f"demo: expected one Query, DynamoDB saw {calls.data.operations}")
    request = calls.data[0].request
    if request.get("Limit") != 100 or request.get("ScanIndexForward") is not False:
        sys.exit("demo: expected Limit 100 and ScanIndexForward false")


def demonstrate(cluster, proxy, newest):
    for title, sql in sections():
        heading(title)
        say(sql.replace(":'endpoint'", f"'{proxy.endpoint}'"))
        say()
        with proxy.record() as calls:
            run_section(cluster, sql, {"endpoint": proxy.endpoint, "newest": newest})
        show_requests(calls)
        if "LIMIT 100" in sql and "JOIN" not in sql:
            check_newest(calls)


def leave_running(workspace, cluster, local):
    """Past this process there is no proxy: the server is led past it."""
    cluster.psql(
        f"ALTER SERVER dynamo OPTIONS (SET endpoint_url '{local.endpoint}')", dbname=DATABASE
    )
    workspace.keep()
    psql = shlex.join(
        [
            os.fspath(cluster.tree.bindir / "psql"),
            "-h",
            os.fspath(cluster.socket_directory),
            "-p",
            str(cluster.port),
            "-U",
            "postgres",
            DATABASE,
        ]
    )
    heading("Left running")
    say(f"Look around:    {psql}")
    say(f"DynamoDB Local: {local.endpoint}")
    say(f"Stop it:        kill {workspace.janitor_pid}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the servers running")
    arguments = parser.parse_args()

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    die_with_parent()
    clean_own_environment()

    with Workspace() as workspace:
        say("Starting DynamoDB Local and a PostgreSQL of our own ...")
        local = DynamoDBLocal(workspace).start()
        tree = PrivateTree(workspace.directory / "tree")
        tree.build()
        cluster = Cluster(workspace, tree).start()
        cluster.psql(f"CREATE DATABASE {DATABASE}")

        say(f"Loading {ENTRIES:,} log entries with boto3 ...")
        started = time.monotonic()
        entries = list(log_entries(ENTRIES))
        load_table(aws.resource(local.endpoint), TABLE, KEYS, entries)
        say(f"Loaded in {time.monotonic() - started:.1f} s.")

        with Proxy(local.endpoint) as proxy:
            demonstrate(cluster, proxy, newest=entries[-1]["dateTime"])
        if arguments.keep:
            leave_running(workspace, cluster, local)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except subprocess.CalledProcessError as failed:
        sys.exit(failed.returncode)
