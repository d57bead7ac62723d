# SPDX-License-Identifier: PostgreSQL
"""What servers logged of their requests, what EXPLAIN ANALYZE says, and what a proxy saw.

    with counted(cluster, proxy, db) as seen:
        db.execute("SELECT ...")
    assert seen.sent == seen.logged       # waits until both say the same

Accounts are compared after every test of some folders: the log with the proxies, if all
servers stand behind such; and with what EXPLAIN ANALYZE says of each statement, which
auto_explain writes into the log.
"""

import contextlib
import json
import re
from typing import NamedTuple

from lab import wait_until

from .proxy import PROXIES

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
    """The lines of one database (None: of all), of requests that were sent."""
    found = (LINE.search(line) for line in text.splitlines())
    return [
        Line(m["operation"], m["outcome"], float(m["units"]), int(m["attempts"]))
        for m in found
        if m and database in (None, m["database"])
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
    """Ends when all that db has logged has arrived."""
    with proxy.record() as calls:
        seen = Seen(cluster, calls, db.info.dbname)
        yield seen
        wait_until(
            lambda: seen.sent == seen.logged,
            lambda: f"{seen.sent} requests at the proxy, {seen.logged} in the log",
            10,
        )


# ---- after every test ---------------------------------------------------------------

# Of servers, so that there is something to compare.
LOGGED = """
ddb_fdw.log_requests = on
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_timing = off
auto_explain.log_nested_statements = on
auto_explain.log_format = json
"""

PLAN = re.compile(r" LOG:  duration: [\d.]+ ms  plan:\n((?:\t.*\n)+)")
ENDED_EARLY = re.compile(r"\] \S* (?:ERROR|FATAL):  ")

# Foreign tables, and tables above such.
ANALYZED = """
SELECT EXISTS (
    SELECT 1 FROM pg_class t LEFT JOIN pg_inherits i ON i.inhparent = t.oid
    LEFT JOIN pg_class child ON child.oid = i.inhrelid
    WHERE t.reltuples >= 0 AND 'f' IN (t.relkind, child.relkind)
)
"""

ENDPOINTS = """
SELECT (SELECT option_value FROM pg_options_to_table(s.srvoptions) WHERE option_name = 'endpoint_url')
FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'ddb_fdw'
"""


def without_plans(text):
    return PLAN.sub("", text)


class Accounts:
    """Of one test: what its servers logged, and what proxies received."""

    def __init__(self, cluster):
        self._cluster = cluster
        self._start = cluster.log_size()
        # Ports of those that are closed are used again.
        PROXIES[:] = [proxy for proxy in PROXIES if not proxy.stopping.is_set()]
        self._received = {proxy: proxy.received for proxy in PROXIES}
        self.endpoints = set()  # of the servers that there are
        self.analyzed = False

    def note(self, connection):
        self.endpoints.update(row[0] for row in connection.execute(ENDPOINTS))
        # What ANALYZE sends, no EXPLAIN shows.
        self.analyzed |= connection.execute(ANALYZED).fetchone()[0]

    @property
    def received(self):
        return sum(proxy.received - self._received.get(proxy, 0) for proxy in PROXIES)

    def differences(self, seconds=5):
        """What differs, as texts.  Waits for proxies: what was abandoned is still read."""
        text = self._cluster.log_since(self._start)
        lines = logged_requests(text, None)
        return [*self._from_proxies(lines, seconds), *self._from_plans(text, lines)]

    def _from_proxies(self, lines, seconds):
        # Some requests may have gone past the proxies.
        proxies = {proxy.endpoint for proxy in PROXIES}
        if not self.endpoints or not self.endpoints <= proxies:
            return
        attempts = sum(line.attempts for line in lines)
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: self.received >= attempts, "the proxies", seconds)
        if self.received != attempts:
            yield f"{attempts} requests in the log, {self.received} at the proxies"

    def _from_plans(self, text, lines):
        plans = [json.loads(plan.replace("\n\t", "\n")) for plan in PLAN.findall(text)]
        if not plans or self.analyzed or ENDED_EARLY.search(text):
            return
        attempts = sum(n.attempts for n in lines if not n.operation.startswith("Describe"))
        said = sum(requests_of(plan["Plan"]) for plan in plans)
        if attempts != said:
            yield f"{attempts} requests in the log, {said} in EXPLAIN ANALYZE"


def requests_of(plan):
    """Sent by a plan's nodes, and by what stands below them."""
    if isinstance(plan, list):
        return sum(map(requests_of, plan))
    if not isinstance(plan, dict):
        return 0
    return plan.get("Requests", 0) + plan.get("Retries", 0) + requests_of(list(plan.values()))
