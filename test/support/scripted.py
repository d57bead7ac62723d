# SPDX-License-Identifier: PostgreSQL
"""A server that answers with exactly the bytes it was told to.

    script = [reply(200, {"Items": []}), [b"HTTP/1.1 200 OK\\r\\n", HANG]]
    with ScriptedServer(script) as server:
        ...
    assert server.requests[0].json == {...}

Each request takes the next entry, over all connections together.  An entry is
bytes, a function of the request that gives an entry, or a list of bytes and
actions.  A request beyond the script is answered with a 400 that says so (and
is in server.requests all the same), unless repeat_last is set.
"""

import threading

from .http import ConnectionEnded, error_reply, read_request
from .server import ThreadedServer, peer_is_gone, reset


class Action:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


CLOSE = Action("CLOSE")
RESET = Action("RESET")
HANG = Action("HANG")  # until release(), close(), or the client is gone


class Pause:
    """Waits so long before what follows."""

    def __init__(self, seconds):
        self.seconds = seconds


class ScriptedServer(ThreadedServer):
    def __init__(self, script, repeat_last=False):
        self.script = list(script)
        self.repeat_last = repeat_last
        self.requests = []
        self.hanging = threading.Event()  # a HANG was reached
        self.client_gone = threading.Event()  # the client left during a HANG
        self._released = threading.Event()
        super().__init__()

    def release(self):
        self._released.set()

    def _next_entry(self, request):
        with self._lock:
            self.requests.append(request)
            if len(self.script) > 1 or (self.script and not self.repeat_last):
                entry = self.script.pop(0)
            elif self.script:
                entry = self.script[0]
            else:
                entry = error_reply("ValidationException", "the script has no more replies")
        return entry(request) if callable(entry) else entry

    def handle(self, connection):
        stream = connection.makefile("rb")
        while True:
            try:
                request = read_request(stream)
            except ConnectionEnded:
                return
            entry = self._next_entry(request)
            for step in entry if isinstance(entry, (list, tuple)) else [entry]:
                if not self._perform(connection, step):
                    return

    def _perform(self, connection, step):
        """False when the connection is done with."""
        if isinstance(step, bytes):
            connection.sendall(step)
        elif isinstance(step, Pause):
            self.stopping.wait(step.seconds)
        elif step is HANG:
            self.hanging.set()
            while not self._released.wait(0.01) and not self.stopping.is_set():
                if peer_is_gone(connection):
                    self.client_gone.set()
                    return False
        elif step is RESET:
            reset(connection)
            return False
        else:
            return False
        return True
