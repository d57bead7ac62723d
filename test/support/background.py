# SPDX-License-Identifier: PostgreSQL
"""Statements that run while a test does something else, and errors they end with."""

import threading

import psycopg
import pytest
from lab import wait_until


class Statement:
    """Runs one statement in a thread; .error and .rows are how it ended."""

    def __init__(self, connection, query, parameters=None):
        self.connection = connection
        self.rows = self.error = None
        self._thread = threading.Thread(target=self._run, args=(query, parameters), daemon=True)
        self._thread.start()

    def _run(self, query, parameters):
        try:
            cursor = self.connection.execute(query, parameters)
            self.rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            self.error = error

    def join(self, seconds=30):
        self._thread.join(seconds)
        assert not self._thread.is_alive(), "the statement does not end"
        return self

    @property
    def is_running(self):
        return self._thread.is_alive()

    @property
    def sqlstate(self):
        return self.error.sqlstate if self.error is not None else None


def failure(connection, query, parameters=None):
    """The diagnostics of the error that the statement must end with."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(query, parameters).fetchall()
    assert caught.value.sqlstate is not None, caught.value
    return caught.value.diag


def everything_said(diag):
    """All text of an error, as one string."""
    parts = (
        diag.message_primary,
        diag.message_detail,
        diag.message_hint,
        diag.context,
        diag.internal_query,
    )
    return "\n".join(part for part in parts if part)


def backend_state(observer, pid):
    row = observer.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone()
    return row[0] if row else None


def wait_for_end(observer, pid):
    wait_until(lambda: backend_state(observer, pid) is None, f"backend {pid} to end", 30)
