# SPDX-License-Identifier: PostgreSQL
"""A recording proxy in front of DynamoDB Local that can misbehave.

    with proxy.record() as calls:
        db.execute("SELECT ...")
    assert calls.operations == ["Query"]
    assert calls[0].request["Limit"] == 100

    with proxy.inject(throttle(), every=2):           # every second request
    with proxy.inject(internal_error(), probability=0.5, seed=7):
    with proxy.inject(truncate(0.5), times=1, operation="Query"):
    with proxy.inject(hang()) as fault:
        ...
        assert fault.reached.wait(10)                 # the request hangs
        fault.release()

A behaviour takes a Reply that is about to be sent, and changes it, or replaces
the exchange altogether before the request reaches DynamoDB Local.  Several
injections apply in the order they were made.

DynamoDB Local deletes within seconds what has expired in the last five years.
So that a test finds such items, proxies say that a table has a TTL attribute:

    proxies.declare_time_to_live("Table", "expires")
"""

import contextlib
import gzip as gzip_module
import http.client
import json
import random
import threading
import time
import urllib.parse

from .http import JSON_1_0, ConnectionEnded, crc32, error_body, head, read_request
from .server import ThreadedServer, peer_is_gone, reset

REQUEST_ID = "PROXY" + "0" * 47


class Reply:
    """What is about to be sent to the client."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # list of (name, value), without Content-Length
        self.body = body
        self.chunked = False
        self.stop_after = None  # bytes of the body to send, then on_stop
        self.on_stop = None  # function(connection)

    def header(self, name):
        for present, value in self.headers:
            if present.lower() == name.lower():
                return value
        return None

    def set_header(self, name, value):
        """A value of None removes it."""
        self.headers = [(n, v) for n, v in self.headers if n.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))

    def sign(self):
        """Makes the checksum fit the body."""
        self.set_header("x-amz-crc32", crc32(self.body))


def made_reply(status, body, content_type=JSON_1_0):
    reply = Reply(status, [("Content-Type", content_type), ("x-amzn-RequestId", REQUEST_ID)], body)
    if content_type == JSON_1_0:
        reply.sign()
    return reply


# ---- behaviours -----------------------------------------------------------------


class Behaviour:
    """Subclasses override one of these."""

    def ask(self, body):
        """The body to send to DynamoDB Local for this one."""
        return body

    def instead(self, call, connection):
        """A Reply to send without asking DynamoDB Local, or None to ask it."""
        return None

    def change(self, reply, connection):
        """Changes what DynamoDB Local answered."""


class Answer(Behaviour):
    def __init__(self, status, body, content_type=JSON_1_0):
        self.status, self.body, self.content_type = status, body, content_type

    def instead(self, call, connection):
        return made_reply(self.status, self.body, self.content_type)


class Change(Behaviour):
    def __init__(self, function):
        self.change_reply = function

    def change(self, reply, connection):
        self.change_reply(reply)


class Gone(Exception):
    """The exchange ends here: the connection is closed or the client left."""


class Hang(Behaviour):
    """Waits before the request goes on ("request"), or after the headers or half
    of the body were sent, until release()d, the client leaves, or the proxy ends."""

    def __init__(self, where="request"):
        self.where = where
        self.reached = threading.Event()
        self.client_gone = threading.Event()
        self._released = threading.Event()

    def release(self):
        self._released.set()

    def _wait(self, connection):
        self.reached.set()
        while not self._released.wait(0.005):
            if peer_is_gone(connection):
                self.client_gone.set()
                raise Gone

    def instead(self, call, connection):
        if self.where == "request":
            self._wait(connection)

    def change(self, reply, connection):
        if self.where != "request":
            reply.stop_after = 0 if self.where == "headers" else len(reply.body) // 2
            reply.on_stop = self._wait


class Close(Behaviour):
    def __init__(self, with_reset):
        self.with_reset = with_reset

    def instead(self, call, connection):
        if self.with_reset:
            reset(connection)
        raise Gone


class Delay(Behaviour):
    def __init__(self, seconds):
        self.seconds = seconds

    def instead(self, call, connection):
        call.proxy.stopping.wait(self.seconds)


def error(error_type, message="injected by a test", status=400):
    return Answer(status, error_body(error_type, message))


def throttle(error_type="ProvisionedThroughputExceededException"):
    return error(error_type, "The level of configured provisioned throughput was exceeded.")


def internal_error():
    return error("InternalServerError", "The request processing failed.", 500)


def internal_error_after():
    """The service has done what was asked, and does not say so."""
    failure = internal_error()

    def fail(reply):
        reply.status, reply.body = failure.status, failure.body
        reply.sign()

    return Change(fail)


def html(status=503):
    """What a load balancer or a captive portal says; 200 is the nastiest."""
    return Answer(status, b"<html><body>Service temporarily unavailable</body></html>", "text/html")


def delay(seconds):
    return Delay(seconds)


def hang(where="request"):
    return Hang(where)


def close_before(with_reset=False):
    return Close(with_reset)


def _close(connection):
    raise Gone


def _reset(connection):
    reset(connection)
    raise Gone


def close_after_headers(with_reset=False):
    return truncate(0, with_reset)


def truncate(share=0.5, with_reset=False):
    """Announces the whole body and sends a share of it."""

    def change(reply):
        reply.stop_after = int(len(reply.body) * share)
        reply.on_stop = _reset if with_reset else _close

    return Change(change)


def corrupt(share=0.5):
    """Flips the lowest bit of one byte; the checksum stays that of the original."""

    def change(reply):
        body = bytearray(reply.body)
        body[int((len(body) - 1) * share)] ^= 1
        reply.body = bytes(body)

    return Change(change)


def wrong_crc():
    def change(reply):
        reply.set_header("x-amz-crc32", str(int(crc32(reply.body)) ^ 1))

    return Change(change)


def drop_crc():
    return Change(lambda reply: reply.set_header("x-amz-crc32", None))


def gzip(fitting_crc=True):
    """Compressed, with the checksum of the bytes as sent (or of those before)."""

    def change(reply):
        reply.body = gzip_module.compress(reply.body)
        reply.set_header("Content-Encoding", "gzip")
        if fitting_crc:
            reply.sign()

    return Change(change)


def chunked():
    def change(reply):
        reply.chunked = True

    return Change(change)


def rewrite(function):
    """function(response dict) changes it or returns another; the checksum fits,
    so the client has no way to see that the server lies."""

    def change(reply):
        response = json.loads(reply.body)
        reply.body = json.dumps(function(response) or response).encode()
        reply.sign()

    return Change(change)


class _Together(Behaviour):
    def __init__(self, count):
        self.barrier = threading.Barrier(count)

    def instead(self, call, connection):
        self.barrier.wait(30)


def together(count):
    """Answers nobody before so many have asked."""
    return _Together(count)


class Gathering(Behaviour):
    """Lets requests wait for each other until so many are under way; knows the most."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.condition = threading.Condition()
        self.waiting = self.most = 0

    def instead(self, call, connection):
        with self.condition:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.most >= self.wanted, 20)
            self.waiting -= 1


class Meanwhile(Behaviour):
    """Something is done just before a request arrives, so many times; others wait for it."""

    def __init__(self, act, times=1):
        self.act, self.times = act, times
        self.lock = threading.Lock()

    def instead(self, call, connection):
        with self.lock:
            if self.times > 0:
                self.times -= 1
                self.act()


class Overtaken(Behaviour):
    """The request does not arrive; somebody else does something."""

    def __init__(self, act):
        self.act = act

    def instead(self, call, connection):
        self.act()
        return close_before().instead(call, connection)


class _PagesOf(Behaviour):
    def __init__(self, limit):
        self.limit = limit

    def ask(self, body):
        request = json.loads(body)
        request["Limit"] = min(self.limit, request.get("Limit", self.limit))
        return json.dumps(request).encode()


def pages_of(limit):
    """No page of a Query or Scan holds more items, as if they were large."""
    return _PagesOf(limit)


def rewrite_bytes(function):
    """The same for the body's bytes, which need not be JSON any more."""

    def change(reply):
        reply.body = function(reply.body)
        reply.sign()

    return Change(change)


# ---- injection ------------------------------------------------------------------


class Injection:
    """Which requests a behaviour applies to: those of one operation (None: all),
    of these every n-th, or each with a probability; and no more than times."""

    def __init__(self, behaviour, operation=None, every=1, probability=1.0, seed=0, times=None):
        self.behaviour = behaviour
        self.operation = operation
        self.every = every
        self.probability = probability
        self.random = random.Random(seed)
        self.times = times
        self.seen = 0
        self.applied = 0

    def wants(self, call):
        """Called once a request, under the proxy's lock."""
        if self.operation is not None and call.operation != self.operation:
            return False
        if self.times is not None and self.applied >= self.times:
            return False
        self.seen += 1
        if self.seen % self.every != 0 or self.random.random() >= self.probability:
            return False
        self.applied += 1
        return True


# ---- recording ------------------------------------------------------------------


class Call:
    """One exchange.  status and response are what was answered, whether or not it
    arrived whole; None while there is no answer."""

    def __init__(self, proxy, request):
        self.proxy = proxy
        self.operation = request.operation
        self.request_headers = request.headers
        self.request_body = request.body
        self.status = None
        self.response_headers = {}
        self.response_body = None
        self.injected = False
        self.started = time.monotonic()

    @property
    def request(self):
        return json.loads(self.request_body)

    @property
    def response(self):
        if self.response_body is None:
            return None
        body = self.response_body
        if self.response_headers.get("content-encoding") == "gzip":
            body = gzip_module.decompress(body)
        return json.loads(body)

    def __repr__(self):
        return f"<{self.operation} {self.request_body[:200].decode(errors='replace')} -> {self.status}>"


class Calls(list):
    @property
    def operations(self):
        return [call.operation for call in self]

    def count(self, operation=None):
        return sum(1 for call in self if operation in (None, call.operation))

    def of(self, operation):
        return Calls(call for call in self if call.operation == operation)

    @property
    def data(self):
        """Without what only describes tables, which may be cached."""
        return Calls(call for call in self if not call.operation.startswith("Describe"))


TIME_TO_LIVE = {}  # of all proxies


def declare_time_to_live(table, attribute):
    TIME_TO_LIVE[table] = attribute


def describe_time_to_live(request):
    if request.operation != "DescribeTimeToLive":
        return None
    attribute = TIME_TO_LIVE.get(request.json["TableName"])
    if attribute is None:
        return None
    description = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
    return made_reply(200, json.dumps({"TimeToLiveDescription": description}).encode())


PROXIES = []  # that are open, or were since accounts began (support.counted)


class Proxy(ThreadedServer):
    def __init__(self, upstream):
        self.upstream = urllib.parse.urlsplit(upstream)
        self.received = 0  # whole requests of the wrapper, boto3's not
        self._recordings = []
        self._injections = []
        super().__init__()
        PROXIES.append(self)

    @contextlib.contextmanager
    def record(self):
        calls = Calls()
        with self._lock:
            self._recordings.append(calls)
        try:
            yield calls
        finally:
            with self._lock:
                # By identity: two recordings with equal calls are two.
                self._recordings = [r for r in self._recordings if r is not calls]

    @contextlib.contextmanager
    def inject(self, behaviour, **which):
        injection = Injection(behaviour, **which)
        with self._lock:
            self._injections.append(injection)
        try:
            yield behaviour
        finally:
            with self._lock:
                self._injections.remove(injection)
            if isinstance(behaviour, Hang):
                behaviour.release()

    def handle(self, connection):
        stream = connection.makefile("rb")
        upstream = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port)
        try:
            while True:
                self._exchange(connection, upstream, read_request(stream))
        except (ConnectionEnded, Gone):
            pass
        finally:
            upstream.close()

    def _exchange(self, connection, upstream, request):
        call = Call(self, request)
        with self._lock:
            self.received += request.headers.get("user-agent", "").startswith("ddb_fdw")
            for calls in self._recordings:
                calls.append(call)
            behaviours = [i.behaviour for i in self._injections if i.wants(call)]
        call.injected = bool(behaviours)
        reply = None
        for behaviour in behaviours:
            reply = reply or behaviour.instead(call, connection)
        if reply is None:
            for behaviour in behaviours:
                request.body = behaviour.ask(request.body)
            reply = describe_time_to_live(request) or self._forward(upstream, request)
        for behaviour in behaviours:
            behaviour.change(reply, connection)
        self._send(connection, reply, call)

    def _forward(self, upstream, request):
        skipped = ("host", "connection", "content-length", "accept-encoding", "expect")
        headers = {n: v for n, v in request.headers.items() if n not in skipped}
        try:
            upstream.request(request.method, request.path, request.body, headers)
            response = upstream.getresponse()
        except (http.client.HTTPException, ConnectionError):
            # It closes idle connections; a new one is opened by request().
            upstream.close()
            upstream.request(request.method, request.path, request.body, headers)
            response = upstream.getresponse()
        body = response.read()
        hop = ("content-length", "connection", "transfer-encoding", "date", "server")
        return Reply(
            response.status,
            [(n, v) for n, v in response.getheaders() if n.lower() not in hop],
            body,
        )

    def _send(self, connection, reply, call):
        framing = (
            ("Transfer-Encoding", "chunked")
            if reply.chunked
            else ("Content-Length", str(len(reply.body)))
        )
        headers = head(reply.status, [*reply.headers, framing])
        call.status = reply.status
        call.response_headers = {n.lower(): v for n, v in reply.headers}
        call.response_body = reply.body
        if reply.stop_after is not None:
            connection.sendall(headers + reply.body[: reply.stop_after])
            reply.on_stop(connection)
            connection.sendall(reply.body[reply.stop_after :])
        elif reply.chunked:
            connection.sendall(headers)
            for start in range(0, len(reply.body), 1000):
                part = reply.body[start : start + 1000]
                connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            connection.sendall(b"0\r\n\r\n")
        else:
            connection.sendall(headers + reply.body)
