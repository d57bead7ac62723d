# SPDX-License-Identifier: PostgreSQL
"""What servers logged of their requests, to be held against what a proxy saw.

    with counted(cluster, proxy, db) as seen:
        db.execute("SELECT ...")
    assert seen.sent == seen.logged       # waits until both say the same
"""

import contextlib
import re
from typing import NamedTuple

from lab import wait_until

LINE = re.compile(
    r" \[(?P<pid>\d+)\] (?P<database>\S*) LOG:  DynamoDB (?P<operation>\w+) on table \"(?P<table>[^\"]*)\""
    r".*: (?P<outcome>[^:]+), (?P<units>[\d.]+) (?:read|write) units,"
    r" [\d.]+ ms, (?P<attempts>\d+) attempts, "
)


class Line(NamedTuple):
    operation: str
    outcome: str
    units: float
    attempts: int


def logged_requests(text, database):
    """The lines of one database, of requests that were sent."""
    found = (LINE.search(line) for line in text.splitlines())
    return [
        Line(m["operation"], m["outcome"], float(m["units"]), int(m["attempts"]))
        for m in found
        if m and m["database"] == database
    ]


class Seen:
    def __init__(self, cluster, calls, database):
        self._cluster, self._calls, self._database = cluster, calls, database
        self._start = cluster.log_size()

    @property
    def text(self):
        return self._cluster.log_since(self._start)

    @property
    def lines(self):
        """Without what only describes tables."""
        lines = logged_requests(self.text, self._database)
        return [line for line in lines if not line.operation.startswith("Describe")]

    @property
    def logged(self):
        return sum(line.attempts for line in self.lines)

    @property
    def calls(self):
        return self._calls.data

    @property
    def sent(self):
        return len(self.calls)

    @property
    def abandoned(self):
        return [line for line in self.lines if line.outcome == "abandoned"]


@contextlib.contextmanager
def counted(cluster, proxy, db):
    """db logs its requests meanwhile.  Ends when all that was logged has arrived."""
    db.execute("SET ddb_fdw.log_requests = on")
    with proxy.record() as calls:
        seen = Seen(cluster, calls, db.info.dbname)
        yield seen
        wait_until(
            lambda: seen.sent == seen.logged,
            lambda: f"{seen.sent} requests at the proxy, {seen.logged} in the log",
            10,
        )
    db.execute("SET ddb_fdw.log_requests = off")
