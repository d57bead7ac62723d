# SPDX-License-Identifier: PostgreSQL
"""Replays the suites: python -m postgres SOURCE [FILE...]

SOURCE is PostgreSQL's source tree.  Prints what was the same, what differed for
a reason that reasons.ini gives, and each difference without one, in which case
the exit code is 1.
"""

import argparse
import configparser
import json
import multiprocessing
import os
import pathlib
import sys
import time
import traceback
from collections import Counter

import boto3  # noqa: F401  (imported before workers are forked)
from lab import Cluster, DynamoDBLocal, PrivateTree, Workspace, clean_own_environment, die_with_parent
from support import aws

from .reasons import Reasons
from .replay import Log, Replay
from .session import Session
from .twins import Twins, prepare

# As pg_regress has it.
DATABASE_SETTINGS = {
    "datestyle": "'Postgres, MDY'",
    "timezone": "'PST8PDT'",
    "intervalstyle": "'postgres_verbose'",
    "lc_messages": "'C'",
}
SETUP = "test_setup"


class Suites:
    """What to run, by suites.ini."""

    def __init__(self, source):
        self.regress = source / "src/test/regress"
        self.fdw = source / "contrib/postgres_fdw/sql"
        parser = configparser.ConfigParser(interpolation=None, allow_no_value=True)
        parser.read(pathlib.Path(__file__).with_name("suites.ini"))
        self.skip = dict(parser["skip"])
        self.needs = {k: v.split() for k, v in parser["needs"].items()}
        self.as_text = set(parser["numbers as text"])

    def path(self, name):
        fdw = self.fdw / f"{name}.sql"
        return fdw if fdw.exists() else self.regress / "sql" / f"{name}.sql"

    def names(self):
        both = [*self.regress.glob("sql/*.sql"), *self.fdw.glob("*.sql")]
        names = {p.stem: p.stat().st_size for p in both if p.stem != SETUP}
        return sorted((n for n in names if n not in self.skip), key=names.get, reverse=True)

    def text(self, name):
        return self.path(name).read_text(encoding="utf-8", errors="surrogateescape")


class Worker:
    """Two servers and a DynamoDB of its own."""

    def __init__(self, source, tree, workspace):
        self.suites = Suites(source)
        self.workspace = workspace
        self.dynamodb = DynamoDBLocal(workspace).start()
        self.store = aws.client(self.dynamodb.endpoint)
        self.local = self._cluster(tree, "local")
        self.foreign = self._cluster(tree, "foreign")
        self.reasons = Reasons()
        self.variables = {"abs_srcdir": str(self.suites.regress), "libdir": "/none", "dlsuffix": ".so"}
        self._set_up()

    def _cluster(self, tree, name):
        cluster = Cluster(self.workspace, tree, name)
        cluster.init()
        with open(cluster.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write("ddb_fdw.log_requests = on\n" if name == "foreign" else "")
            conf.write("statement_timeout = '40s'\n")
        return cluster.start(PGHOST=str(cluster.socket_directory))

    def _database(self, name, template="template0"):
        for cluster in (self.local, self.foreign):
            cluster.psql(f"CREATE DATABASE {name} TEMPLATE {template}")
            for setting, value in DATABASE_SETTINGS.items():
                cluster.psql(f"ALTER DATABASE {name} SET {setting} = {value}")

    def _set_up(self):
        self._database("setup")
        sessions = [Session(c.conninfo("setup")) for c in (self.local, self.foreign)]
        prepare(*sessions, self.dynamodb.endpoint)
        for session in sessions:
            session.close()
        self.set_up = self.replay(SETUP, [SETUP], "setup")

    def replay(self, name, files, database, seconds=None):
        local = Session(self.local.conninfo(database))
        foreign = Session(self.foreign.conninfo(database))
        twins = Twins(local, foreign, self.store, name, any(f in self.suites.as_text for f in files))
        if database != "setup":
            twins.adopt()
        result = {"name": name, "counts": Counter(), "findings": [], "left": []}
        begun = time.monotonic()
        try:
            for file in files:
                replay = Replay(local, foreign, twins, Log(self.foreign), self.reasons, self.variables, seconds)
                try:
                    replay.run(self.suites.text(file), file)
                finally:
                    if file == files[-1]:
                        result["counts"] = replay.counts
                        result["findings"] = [vars(f) for f in replay.findings]
        finally:
            result["left"] = twins.left_local
            result["seconds"] = time.monotonic() - begun
            local.close()
            foreign.close()
            if database != "setup":
                twins.drop_stored()
        return result

    def file(self, name, seconds):
        begun = time.monotonic()
        database = "suite"
        self._database(database, "setup")
        size = self.foreign.log_size()
        try:
            files = [*self.suites.needs.get(name, ()), name]
            result = self.replay(name, files, database, seconds)
        except Exception:
            result = {"name": name, "counts": Counter(), "findings": [], "left": [], "broken": traceback.format_exc()}
        result["crashes"] = self.foreign.crashes_since(size)
        result["seconds"] = time.monotonic() - begun
        for cluster in (self.local, self.foreign):
            cluster.psql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        return result


def work(source, tree, todo, done, seconds):
    die_with_parent()
    try:
        with Workspace() as workspace:
            worker = Worker(source, tree, workspace)
            done.put(worker.set_up)
            while (name := todo.get()) is not None:
                done.put(worker.file(name, seconds))
    except BaseException:
        print(traceback.format_exc(), file=sys.stderr, flush=True)
        raise
    finally:
        done.put(None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=300, help="for each file")
    parser.add_argument("--report", type=pathlib.Path)
    parser.add_argument("--explained", action="store_true")
    arguments = parser.parse_intermixed_args()
    clean_own_environment()
    die_with_parent()
    suites = Suites(arguments.source)
    names = arguments.names or suites.names()
    jobs = min(arguments.jobs, len(names))
    total, reasons, unexplained, results = Counter(), Counter(), 0, []
    with Workspace() as workspace:
        tree = PrivateTree(workspace.directory / "tree")
        tree.build()
        todo, done = multiprocessing.Queue(), multiprocessing.Queue()
        for name in [*names, *[None] * jobs]:
            todo.put(name)
        workers = [
            multiprocessing.Process(target=work, args=(arguments.source, tree, todo, done, arguments.seconds))
            for _ in range(jobs)
        ]
        os.environ["DDB_FDW_DIE_WITH_PARENT"] = str(os.getpid())
        for worker in workers:
            worker.start()
        running = jobs
        while running:
            result = done.get()
            if result is None:
                running -= 1
                continue
            results.append(result)
            if arguments.report:
                arguments.report.write_text(json.dumps(results, indent=1, default=str))
            total.update(result["counts"])
            for finding in result["findings"]:
                if finding["reason"]:
                    reasons[finding["reason"]] += 1
            c = result["counts"]
            print(
                f"{result['name']:24} {result['seconds']:6.1f} s {c['statements']:5} statements,"
                f" {c['compared']:5} compared, {c['equal']:5} equal, {c['explained']:4} explained,"
                f" {c['unexplained']:4} not",
                flush=True,
            )
            if "broken" in result:
                print(result["broken"], flush=True)
        for worker in workers:
            worker.join()
    print()
    for what, n in total.most_common():
        print(f"{n:7} {what}")
    for reason, n in reasons.most_common():
        print(f"{n:7} explained: {reason}")
    return 1 if total["unexplained"] else 0


if __name__ == "__main__":
    sys.exit(main())
