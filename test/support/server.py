# SPDX-License-Identifier: PostgreSQL
"""A loopback TCP server with a thread per connection."""

import contextlib
import socket
import struct
import threading


def reset(connection):
    """Closes with RST instead of FIN: the peer gets "connection reset"."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def peer_is_gone(connection):
    """Has the peer closed its end? Looks without consuming anything."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class ThreadedServer:
    """Subclasses serve one connection in handle(connection).

    stopping is set by close(): whoever waits in a handler waits on that too.
    """

    def __init__(self):
        self.stopping = threading.Event()
        self.connections = 0
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._threads = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def handle(self, connection):
        raise NotImplementedError

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with contextlib.suppress(OSError):
                self.handle(connection)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def open_connections(self):
        with self._lock:
            return len(self._open)

    def drop_connections(self):
        """Resets every open connection, as a failing load balancer would."""
        with self._lock:
            victims = list(self._open)
        for connection in victims:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        """Refuses new connections and ends the open ones."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_connections()
        self._acceptor.join()
