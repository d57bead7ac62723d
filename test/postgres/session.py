# SPDX-License-Identifier: PostgreSQL
"""One connection, statement by statement: what came back, as text.

    session = Session(cluster.conninfo("db"))
    outcome = session.run("SELECT 1", lambda: "lines of a COPY")
    outcome.error                     # SQLSTATE, or None
    outcome.answers[0].rows
"""

import dataclasses
import select
import time

import psycopg
from psycopg import pq

SECONDS = 45
GRACE_SECONDS = 20
CRASH = "crash"


@dataclasses.dataclass
class Answer:
    """Of one statement: its command tag, columns and rows."""

    tag: str
    names: tuple = ()
    types: tuple = ()
    rows: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Outcome:
    answers: list = dataclasses.field(default_factory=list)
    error: str | None = None
    message: str = ""
    warnings: list = dataclasses.field(default_factory=list)
    wanted_data: bool = False
    seconds: float = 0

    def __str__(self):
        if self.error:
            return f"{self.error}: {self.message}"
        return "; ".join(answer.tag for answer in self.answers)


def text(value):
    return value.decode("utf-8", "surrogateescape")


def field(result, code):
    value = result.error_field(code)
    return text(value) if value else ""


class Session:
    """A connection that may be lost: run() then answers with the error
    "crash", and open() makes a new one."""

    def __init__(self, conninfo, **settings):
        self.conninfo = conninfo
        self.settings = settings
        self.notices = []
        self.open()

    def open(self, **changes):
        given = {**self.conninfo, **changes}
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        given["options"] = options.replace("'", "")
        words = " ".join(f"{name}='{value}'" for name, value in given.items())
        connection = pq.PGconn.connect(words.encode())
        if connection.status != pq.ConnStatus.OK:
            raise ConnectionError(text(connection.error_message))
        connection.notice_handler = self._notice
        self.connection = connection

    def close(self):
        self.connection.finish()

    @property
    def in_block(self):
        return self.connection.transaction_status == pq.TransactionStatus.INTRANS

    @property
    def failed(self):
        return self.connection.transaction_status == pq.TransactionStatus.INERROR

    @property
    def standard_strings(self):
        return self.connection.parameter_status(b"standard_conforming_strings") != b"off"

    def _notice(self, result):
        severity = field(result, pq.DiagnosticField.SEVERITY_NONLOCALIZED)
        if severity == "WARNING":
            self.notices.append(field(result, pq.DiagnosticField.MESSAGE_PRIMARY))

    def run(self, sql, data=None):
        """The outcome of SQL; data() gives what a COPY FROM STDIN reads."""
        self.notices = []
        outcome = Outcome()
        begun = time.monotonic()
        try:
            self.connection.send_query(sql.encode("utf-8", "surrogateescape"))
            while (result := self._next(begun)) is not None:
                self._take(result, outcome, data)
        except (psycopg.OperationalError, TimeoutError) as error:
            outcome.error, outcome.message = CRASH, str(error)
        if self.connection.status != pq.ConnStatus.OK:
            outcome.message = outcome.message or text(self.connection.error_message)
            outcome.error = CRASH
        outcome.warnings = self.notices
        outcome.seconds = time.monotonic() - begun
        return outcome

    def value(self, sql):
        """The first column of the first row, for the harness's own questions."""
        rows = self.rows(sql)
        return rows[0][0] if rows else None

    def rows(self, sql, data=None):
        """All rows as text; raises where the server refuses."""
        outcome = self.run(sql, data)
        if outcome.error:
            raise RuntimeError(f"{outcome}\n{sql[:2000]}")
        return outcome.answers[-1].rows if outcome.answers else []

    def _next(self, begun):
        """The next result, waited for; too long a wait ends in a cancel, and
        one that does not help in TimeoutError."""
        connection = self.connection
        cancelled = False
        while connection.flush():
            select.select([connection.socket], [connection.socket], [], 1)
            connection.consume_input()
        while connection.is_busy():
            ready, _, _ = select.select([connection.socket], [], [], 1)
            if ready:
                connection.consume_input()
            waited = time.monotonic() - begun
            if waited > SECONDS and not cancelled:
                connection.get_cancel().cancel()
                cancelled = True
            if waited > SECONDS + GRACE_SECONDS:
                connection.finish()
                raise TimeoutError("the backend does not react to a cancel")
        return connection.get_result()

    def _take(self, result, outcome, data):
        status = result.status
        if status == pq.ExecStatus.FATAL_ERROR:
            outcome.error = field(result, pq.DiagnosticField.SQLSTATE) or CRASH
            outcome.message = field(result, pq.DiagnosticField.MESSAGE_PRIMARY)
        elif status == pq.ExecStatus.COPY_IN:
            outcome.wanted_data = True
            lines = data() if data else ""
            self.connection.nonblocking = 0
            if lines:
                self.connection.put_copy_data(lines.encode("utf-8", "surrogateescape"))
            self.connection.put_copy_end()
        elif status == pq.ExecStatus.COPY_OUT:
            outcome.answers.append(Answer("COPY", ("line",), (25,), self._copied()))
        elif status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            outcome.answers.append(self._answer(result))

    def _copied(self):
        rows = []
        while True:
            length, line = self.connection.get_copy_data(0)
            if length <= 0:
                return rows
            rows.append((text(bytes(line)).rstrip("\n"),))

    def _answer(self, result):
        columns = range(result.nfields)
        rows = []
        for r in range(result.ntuples):
            values = (result.get_value(r, c) for c in columns)
            rows.append(tuple(None if v is None else text(v) for v in values))
        return Answer(
            text(result.command_status or b""),
            tuple(text(result.fname(c)) for c in columns),
            tuple(result.ftype(c) for c in columns),
            rows,
        )
