# SPDX-License-Identifier: PostgreSQL
"""A server that hangs, fails, lies: one clear error or a retry, never wrong rows,
never a crash, and a cancel takes effect at once."""

import contextlib
import gzip as gzip_module
import itertools
import json
import subprocess
import time

import psycopg
import pytest
from lab import Cluster, wait_until
from support import proxy as faults
from support.background import Statement, everything_said, failure, wait_for_end
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.http import head, reply
from support.paged import COLUMNS, DESCRIPTION, PagedTable, key_of, make_items
from support.proxy import Proxy
from support.scripted import CLOSE, HANG, ScriptedServer

QUERY = "SELECT n FROM paged WHERE pk = 'P' ORDER BY sk"
ITEMS = make_items(25)
ROWS = [(number,) for number in range(25)]

CANCELED = "57014"
BROKEN_REPLY = "HV00M"
CONNECTION_FAILURE = "08006"
TOO_LARGE = "54000"

PROMPT_SECONDS = 0.1
TRIES = 6


class Site:
    """A table of three pages behind a proxy, and a connection that reads it."""

    def __init__(self, connect, proxy, **options):
        self.db = connect()
        self.observer = connect()
        self.proxy = proxy
        options.setdefault("max_attempts", 4)
        make_server(self.db, proxy.endpoint, **options)
        foreign_table(self.db, "paged", COLUMNS, table_name="Paged")

    def warm_up(self):
        """Fetches the table's description and opens the connection."""
        assert self.db.execute(QUERY).fetchall() == ROWS
        return self

    @property
    def pid(self):
        return self.db.info.backend_pid

    def cancel(self):
        self.observer.execute("SELECT pg_cancel_backend(%s)", [self.pid])


@pytest.fixture
def paged_proxy():
    with PagedTable(ITEMS) as table, Proxy(table.endpoint) as proxy:
        yield proxy


@pytest.fixture
def make_site(connect, paged_proxy):
    def make(**options):
        return Site(connect, paged_proxy, **options)

    return make


@pytest.fixture
def site(make_site):
    return make_site().warm_up()


# ---- hanging servers ----------------------------------------------------------------


def cancel_seconds(site, where, operation, query):
    """How long after a cancel the hanging statement ended."""
    with site.proxy.inject(faults.hang(where), operation=operation) as fault:
        statement = Statement(site.db, query)
        assert fault.reached.wait(30)
        started = time.monotonic()
        site.cancel()
        statement.join()
        seconds = time.monotonic() - started
        assert statement.sqlstate == CANCELED
        assert fault.client_gone.wait(30), "the request is still under way"
    return seconds


@pytest.mark.parametrize("where", ["request", "headers", "body"])
def test_cancel_of_a_hanging_request_is_prompt(site, where):
    seconds = min(cancel_seconds(site, where, "Query", QUERY) for _ in range(TRIES))
    assert seconds < PROMPT_SECONDS
    assert site.db.execute(QUERY).fetchall() == ROWS


@pytest.mark.parametrize("query", [f"EXPLAIN {QUERY}", QUERY])
def test_cancel_of_hanging_planning_is_prompt(make_site, query):
    site = make_site()
    seconds = min(cancel_seconds(site, "headers", "DescribeTable", query) for _ in range(TRIES))
    assert seconds < PROMPT_SECONDS
    assert site.db.execute(QUERY).fetchall() == ROWS


@pytest.mark.parametrize("where", ["request", "body"])
@pytest.mark.parametrize("operation", ["DescribeTable", "Query"])
def test_statement_timeout_of_a_hanging_request_is_prompt(make_site, where, operation):
    site = make_site()
    if operation == "Query":
        site.warm_up()
    allowed = 0.3
    lateness = []
    for _ in range(TRIES):
        with site.proxy.inject(faults.hang(where), operation=operation) as fault:
            site.db.execute(f"SET statement_timeout = '{int(allowed * 1000)}ms'")
            started = time.monotonic()
            diag = failure(site.db, QUERY)
            lateness.append(time.monotonic() - started - allowed)
            assert diag.sqlstate == CANCELED
            assert "statement timeout" in diag.message_primary
            assert fault.client_gone.wait(30)
        site.db.execute("RESET statement_timeout")
    assert min(lateness) < PROMPT_SECONDS
    assert site.db.execute(QUERY).fetchall() == ROWS


def test_cancel_during_back_off_is_prompt(make_site):
    site = make_site(max_attempts=1000).warm_up()
    seconds = []
    for _ in range(3):
        with site.proxy.inject(faults.throttle()), site.proxy.record() as calls:
            statement = Statement(site.db, QUERY)
            # By then the pauses are long: hardly ever is a request under way.
            wait_until(lambda calls=calls: len(calls) >= 4, "retries")
            started = time.monotonic()
            site.cancel()
            statement.join()
            seconds.append(time.monotonic() - started)
            assert statement.sqlstate == CANCELED
    assert min(seconds) < PROMPT_SECONDS
    assert site.db.execute(QUERY).fetchall() == ROWS


@pytest.mark.parametrize("where", ["request", "body"])
def test_terminated_while_hanging(connect, make_site, where):
    site = make_site().warm_up()
    with site.proxy.inject(faults.hang(where), operation="Query") as fault:
        statement = Statement(site.db, QUERY)
        assert fault.reached.wait(30)
        site.observer.execute("SELECT pg_terminate_backend(%s)", [site.pid])
        statement.join()
        assert isinstance(statement.error, psycopg.errors.AdminShutdown | psycopg.OperationalError)
        assert fault.client_gone.wait(30)
    wait_for_end(site.observer, site.pid)
    assert connect().execute(QUERY).fetchall() == ROWS


def test_request_timeout_ends_a_hanging_attempt(make_site):
    """A timeout is retried, but few times: the user waits."""
    site = make_site(request_timeout="200ms").warm_up()
    with site.proxy.inject(faults.hang(), operation="Query"), site.proxy.record() as calls:
        diag = failure(site.db, QUERY)
    assert diag.sqlstate == CONNECTION_FAILURE
    assert "request_timeout" in diag.message_hint
    assert 1 <= len(calls) <= 4
    with site.proxy.inject(faults.hang(), operation="Query", times=1):
        assert site.db.execute(QUERY).fetchall() == ROWS


# ---- name resolution ----------------------------------------------------------------

# libcurl resolves in a thread of its own, which calls getaddrinfo: one that never
# answers, as with a name server that is gone.
RESOLVER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int (*Lookup) (const char *, const char *, const struct addrinfo *,
                       struct addrinfo **);

int
getaddrinfo(const char *node, const char *service,
            const struct addrinfo *hints, struct addrinfo **result)
{
    Lookup next = (Lookup) dlsym(RTLD_NEXT, "getaddrinfo");

    if (node != NULL && strcmp(node, "hang.invalid") == 0)
        sleep(600);
    if (node != NULL && strstr(node, ".invalid") != NULL)
        return EAI_NONAME;
    return next(node, service, hints, result);
}
"""


@pytest.fixture(scope="module")
def cluster_without_dns(workspace, tree):
    source = workspace.directory / "resolver.c"
    library = workspace.directory / "resolver.so"
    source.write_text(RESOLVER)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    library.chmod(0o755)
    cluster = Cluster(workspace, tree, "without_dns").start(LD_PRELOAD=str(library))
    cluster.psql("CREATE EXTENSION ddb_fdw")
    yield cluster
    cluster.stop()
    assert not cluster.crashes_since(0)


@pytest.fixture
def dnsless(cluster_without_dns):
    """Function: a connection whose foreign table lives on that host."""
    opened = []

    def connect(host):
        db = psycopg.connect(**cluster_without_dns.conninfo(), autocommit=True)
        opened.append(db)
        db.execute("DROP SERVER IF EXISTS dynamo CASCADE")
        make_server(db, f"http://{host}:8000", allow_http="true", connect_timeout="1h")
        foreign_table(db, "paged", COLUMNS, table_name="Paged")
        return db

    yield connect
    for db in opened:
        db.close()


def threads_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        (line,) = [line for line in status if line.startswith("Threads:")]
    return int(line.split()[1])


def start_hanging_lookup(db):
    """The resolver thread shows that the look-up is under way."""
    pid = db.info.backend_pid
    before = threads_of(pid)
    statement = Statement(db, QUERY)
    wait_until(lambda: threads_of(pid) > before, "the resolver thread")
    return statement


def test_cancel_while_dns_hangs_is_prompt(cluster_without_dns, dnsless):
    db = dnsless("hang.invalid")
    observer = psycopg.connect(**cluster_without_dns.conninfo(), autocommit=True)
    seconds = []
    for _ in range(3):
        statement = start_hanging_lookup(db)
        started = time.monotonic()
        observer.execute("SELECT pg_cancel_backend(%s)", [db.info.backend_pid])
        statement.join()
        seconds.append(time.monotonic() - started)
        assert statement.sqlstate == CANCELED
    observer.close()
    assert min(seconds) < PROMPT_SECONDS


def test_statement_timeout_while_dns_hangs(dnsless):
    db = dnsless("hang.invalid")
    db.execute("SET statement_timeout = '300ms'")
    started = time.monotonic()
    assert failure(db, QUERY).sqlstate == CANCELED
    # Far from the ten minutes that the look-up takes.
    assert time.monotonic() - started < 10
    # The session goes on, and its end does not wait for the resolver either.
    assert db.execute("SELECT 1").fetchone() == (1,)


def test_backend_ends_while_dns_hangs(cluster_without_dns, dnsless):
    db = dnsless("hang.invalid")
    pid = db.info.backend_pid
    statement = start_hanging_lookup(db)
    with psycopg.connect(**cluster_without_dns.conninfo(), autocommit=True) as observer:
        observer.execute("SELECT pg_terminate_backend(%s)", [pid])
        statement.join()
        wait_for_end(observer, pid)


def test_disconnect_after_a_canceled_lookup_ends_the_backend(cluster_without_dns, dnsless):
    db = dnsless("hang.invalid")
    pid = db.info.backend_pid
    db.execute("SET statement_timeout = '200ms'")
    assert failure(db, QUERY).sqlstate == CANCELED
    db.close()
    with psycopg.connect(**cluster_without_dns.conninfo(), autocommit=True) as observer:
        wait_for_end(observer, pid)


def test_host_that_does_not_exist(dnsless):
    diag = failure(dnsless("missing.invalid"), QUERY)
    assert diag.sqlstate == "08001"
    assert "missing.invalid" in everything_said(diag)
    assert "endpoint_url" in diag.message_hint


# ---- faults that a retry cures -------------------------------------------------------

CURABLE = {
    "throttle": (faults.throttle(), "53000"),
    "throttling exception": (faults.throttle("ThrottlingException"), "53000"),
    "internal error": (faults.internal_error(), CONNECTION_FAILURE),
    "503 web page": (faults.html(503), CONNECTION_FAILURE),
    "502 web page": (faults.html(502), CONNECTION_FAILURE),
    "200 web page": (faults.html(200), BROKEN_REPLY),
    "closed before the reply": (faults.close_before(), CONNECTION_FAILURE),
    "reset before the reply": (faults.close_before(with_reset=True), CONNECTION_FAILURE),
    "closed after the headers": (faults.close_after_headers(), CONNECTION_FAILURE),
    "cut in the body": (faults.truncate(0.5), CONNECTION_FAILURE),
    "reset in the body": (faults.truncate(0.5, with_reset=True), CONNECTION_FAILURE),
    "one byte missing": (faults.truncate(0.999), CONNECTION_FAILURE),
    "one bit flipped": (faults.corrupt(0.5), BROKEN_REPLY),
    "first byte flipped": (faults.corrupt(0), BROKEN_REPLY),
    "wrong checksum": (faults.wrong_crc(), BROKEN_REPLY),
}


@pytest.mark.parametrize("name", CURABLE)
def test_fault_of_one_request_is_retried(site, name):
    behaviour, _ = CURABLE[name]
    with site.proxy.inject(behaviour, operation="Query", times=1), site.proxy.record() as calls:
        assert site.db.execute(QUERY).fetchall() == ROWS
    assert len(calls) == 4, "three pages and one retry"
    assert calls[0].request_body == calls[1].request_body


@pytest.mark.parametrize("name", CURABLE)
def test_fault_of_every_request_is_one_error(make_site, name):
    site = make_site(max_attempts=3).warm_up()
    behaviour, sqlstate = CURABLE[name]
    with site.proxy.inject(behaviour, operation="Query"), site.proxy.record() as calls:
        diag = failure(site.db, QUERY)
    assert diag.sqlstate == sqlstate
    assert "Paged" in diag.message_primary
    assert f"after {len(calls)} attempts" in diag.message_detail
    # libcurl itself repeats once what went into a kept connection that was closed.
    assert 3 <= len(calls) <= 4
    assert site.db.execute(QUERY).fetchall() == ROWS


@pytest.mark.parametrize("name", CURABLE)
def test_fault_of_the_second_page(site, name):
    """Rows of the first page were given out already; none comes twice."""
    behaviour, sqlstate = CURABLE[name]

    class SecondPageOnly(faults.Behaviour):
        def instead(self, call, connection):
            self.applies = "ExclusiveStartKey" in call.request
            return behaviour.instead(call, connection) if self.applies else None

        def change(self, reply, connection):
            if self.applies:
                behaviour.change(reply, connection)

    with site.proxy.inject(SecondPageOnly(), operation="Query"):
        assert failure(site.db, QUERY).sqlstate == sqlstate
    assert site.db.execute(QUERY).fetchall() == ROWS


def test_faults_of_the_description_are_retried(make_site):
    site = make_site()
    with (
        site.proxy.inject(faults.internal_error(), operation="DescribeTable", times=1),
        site.proxy.inject(faults.truncate(0.5), operation="DescribeTable", times=2),
    ):
        assert site.db.execute(QUERY).fetchall() == ROWS


def test_missing_checksum_is_accepted(site):
    """DynamoDB Local sends none with errors."""
    with site.proxy.inject(faults.drop_crc()), site.proxy.record() as calls:
        assert site.db.execute(QUERY).fetchall() == ROWS
    assert len(calls) == 3


def test_chunked_replies(site):
    with site.proxy.inject(faults.chunked()), site.proxy.record() as calls:
        assert site.db.execute(QUERY).fetchall() == ROWS
    assert len(calls) == 3


def test_idle_connections_closed_by_the_server(site):
    for _ in range(3):
        site.proxy.drop_connections()
        assert site.db.execute(QUERY).fetchall() == ROWS


# Seed 1 throttles thirteen times in a row: more than max_attempts has patience for.
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_throttling_of_half_of_all_requests(connect, seed):
    items = make_items(300)
    with PagedTable(items) as table, Proxy(table.endpoint) as proxy:
        site = Site(connect, proxy, max_attempts=10)
        site.db.execute("SELECT 1 FROM paged WHERE pk = 'P' LIMIT 1")
        with proxy.inject(faults.throttle(), probability=0.5, seed=seed), proxy.record() as calls:
            rows = site.db.execute(QUERY).fetchall()
        assert rows == [(number,) for number in range(300)]
        assert any(call.injected for call in calls)

        with proxy.inject(faults.throttle(), probability=0.5, seed=seed), proxy.record() as calls:
            node = foreign_scan(explain(site.db, QUERY, analyze="true"))
        throttled = sum(call.injected for call in calls)
        assert throttled > 0
        assert node["Throttles"] == throttled
        assert node["Retries"] == throttled
        assert node["Requests"] == len(calls) - throttled
        assert node["Actual Rows"] == 300


def test_mixed_faults_on_half_of_all_requests(connect):
    with PagedTable(make_items(200)) as table, Proxy(table.endpoint) as proxy:
        site = Site(connect, proxy, max_attempts=20)
        with (
            proxy.inject(faults.throttle(), probability=0.2, seed=1),
            proxy.inject(faults.internal_error(), probability=0.1, seed=2),
            proxy.inject(faults.truncate(0.7), probability=0.1, seed=3),
            proxy.inject(faults.corrupt(0.3), probability=0.1, seed=4),
        ):
            rows = site.db.execute(QUERY).fetchall()
    assert rows == [(number,) for number in range(200)]


# ---- lies with a fitting checksum ----------------------------------------------------


def items_become(items):
    """A reply whose items are these, and whose counts fit."""

    def change(response):
        response.update(Items=items, Count=len(items), ScannedCount=len(items))

    return faults.rewrite(change)


def first_item(**attributes):
    def change(response):
        response["Items"][0].update(attributes)

    return faults.rewrite(change)


def members(**values):
    def change(response):
        response.update(values)

    return faults.rewrite(change)


def without(name):
    def change(response):
        del response[name]

    return faults.rewrite(change)


def bytes_become(body):
    return faults.rewrite_bytes(lambda _: body)


def replaced(old, new):
    def change(body):
        assert old in body
        return body.replace(old, new, 1)

    return faults.rewrite_bytes(change)


ONE_ITEM = json.dumps(ITEMS[0]).encode()
OTHER_ITEM = json.dumps(ITEMS[1]).encode()

LIES = {
    # not JSON, or not the JSON that was promised
    "nothing": bytes_become(b""),
    "blanks": bytes_become(b"  \r\n"),
    "array": bytes_become(b"[]"),
    "null": bytes_become(b"null"),
    "string": bytes_become(b'"Items"'),
    "text": bytes_become(b"upstream timed out"),
    "open brace": bytes_become(b"{"),
    "cut at half": faults.rewrite_bytes(lambda body: body[: len(body) // 2]),
    "last brace missing": faults.rewrite_bytes(lambda body: body[:-1]),
    "garbage at the end": faults.rewrite_bytes(lambda body: body + b"x"),
    "two documents": faults.rewrite_bytes(lambda body: body + body),
    "comma missing": replaced(b'}, {"pk"', b'} {"pk"'),
    "comma too many": replaced(b'}, {"pk"', b'},, {"pk"'),
    "single quotes": replaced(b'"n"', b"'n'"),
    "bad escape": replaced(b'"note"', b'"n\\qte"'),
    "bad \\u escape": replaced(b'"note"', b'"n\\u12gte"'),
    "raw control character": replaced(b'{"S": "note"}', b'{"S": "no\x01te"}'),
    "raw NUL": replaced(b'{"S": "note"}', b'{"S": "no\x00te"}'),
    "invalid UTF-8": replaced(b'{"S": "note"}', b'{"S": "no\xfft"}'),
    "overlong UTF-8": replaced(b'{"S": "note"}', b'{"S": "no\xc0\xaf"}'),
    "cut UTF-8": replaced(b'{"S": "note"}', b'{"S": "no\xe2\x82"}'),
    "UTF-8 surrogate": replaced(b'{"S": "note"}', b'{"S": "no\xed\xa0\x80"}'),
    "invalid UTF-8 in an unknown member": faults.rewrite_bytes(
        lambda body: b'{"x": "\xff", ' + body[1:]
    ),
    "deep arrays": faults.rewrite_bytes(
        lambda body: b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b", " + body[1:]
    ),
    "deep objects, never closed": bytes_become(b'{"x":' * 200_000),
    "deep attribute": replaced(b'{"S": "note"}', b'{"L": [' * 5000 + b"]}" * 5000),
    # members missing or of the wrong kind
    "empty object": bytes_become(b"{}"),
    "items missing": without("Items"),
    "items null": members(Items=None),
    "items an object": members(Items={}),
    "items a string": members(Items="none"),
    "item null": items_become([None]),
    "item a number": items_become([1, 2]),
    "item an array": items_become([[]]),
    "item a string": items_become(["item"]),
    "count too high": members(Count=11),
    "count too low": members(Count=9),
    "count zero": members(Count=0),
    "count a string": members(Count="10"),
    "count negative": members(Count=-10),
    "count a fraction": members(Count=10.5),
    "count null": members(Count=None),
    "items twice": bytes_become(
        b'{"Items": [' + ONE_ITEM + b'], "Count": 2, "Items": [' + OTHER_ITEM + b"]}"
    ),
    "error under a success status": bytes_become(
        b'{"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "x"}'
    ),
    "error and items": members(__type="InternalServerError"),
    "continuation key a string": members(LastEvaluatedKey="P"),
    "continuation key an array": members(LastEvaluatedKey=[]),
    "continuation key a number": members(LastEvaluatedKey=1),
    # attribute values
    "value of two types": first_item(n={"N": "1", "S": "x"}),
    "value of one type twice": replaced(b'{"N": "0"}', b'{"N": "0", "N": "7"}'),
    "value of no type": first_item(n={}),
    "value not an object": first_item(n=1),
    "value null": first_item(n=None),
    "value an array": first_item(n=["N", "1"]),
    "number as JSON number": first_item(n={"N": 1}),
    "number null": first_item(n={"N": None}),
    "number an object": first_item(n={"N": {"N": "1"}}),
}

READ_ALL = "SELECT pk, sk, n, note FROM paged WHERE pk = 'P' ORDER BY sk"


@pytest.mark.parametrize("name", LIES)
def test_lie_in_every_reply(make_site, name):
    site = make_site(max_attempts=2).warm_up()
    with site.proxy.inject(LIES[name], operation="Query"):
        diag = failure(site.db, READ_ALL)
    assert diag.sqlstate == BROKEN_REPLY
    assert "Paged" in diag.message_primary
    assert diag.message_detail and diag.message_hint
    assert len(everything_said(diag)) < 2000
    assert site.db.execute(QUERY).fetchall() == ROWS


MISFITS = {
    "letters": {"N": "abc"},
    "empty number": {"N": ""},
    "not a number": {"N": "NaN"},
    "blank": {"N": " 1"},
    "fraction": {"N": "1.5"},
    "too large": {"N": "99999999999"},
    "exponent without end": {"N": "1e99999999999"},
    "hexadecimal": {"N": "0x10"},
    "unknown type": {"Q": "1"},
    "long type name": {"N" * 300: "1"},
    "text": {"S": "one"},
    "boolean": {"BOOL": True},
    "binary": {"B": "AAAA"},
    "list": {"L": [{"N": "1"}]},
    "map": {"M": {"n": {"N": "1"}}},
    "number set": {"NS": ["1"]},
}


@pytest.mark.parametrize("name", MISFITS)
def test_value_that_does_not_fit(site, name):
    with site.proxy.inject(first_item(n=MISFITS[name]), operation="Query"):
        diag = failure(site.db, READ_ALL)
    assert diag.sqlstate.startswith("22") or diag.sqlstate == BROKEN_REPLY
    said = everything_said(diag)
    assert "paged" in said and "000000" in said and '"n"' in said
    assert site.db.execute(QUERY).fetchall() == ROWS


def test_get_item_lies(site):
    query = "SELECT n FROM paged WHERE pk = 'P' AND sk = '000003'"
    assert site.db.execute(query).fetchall() == [(3,)]
    for body in (
        b'{"Item": null}',
        b'{"Item": []}',
        b'{"Item": "x"}',
        b'{"Item": {"n": {"N": "3", "S": "x"}}}',
        b'{"Item": ' + ONE_ITEM + b', "Item": ' + OTHER_ITEM + b"}",
        b'{"Item": ' + ONE_ITEM,
        b'{"__type": "InternalServerError"}',
    ):
        with site.proxy.inject(bytes_become(body), operation="GetItem"):
            assert failure(site.db, query).sqlstate == BROKEN_REPLY, body
    # DynamoDB says so when there is no such item.
    with site.proxy.inject(bytes_become(b"{}"), operation="GetItem"):
        assert site.db.execute(query).fetchall() == []


@pytest.mark.parametrize(
    "behaviour",
    [
        without("Count"),
        members(Count=-1),
        members(Count="25"),
        members(Count=None),
        members(Count=2.5),
        members(Count=1000),
        bytes_become(b"{}"),
    ],
    ids=["missing", "negative", "string", "null", "fraction", "more than scanned", "empty"],
)
def test_count_lies(site, behaviour):
    query = "SELECT count(*) FROM paged WHERE pk = 'P'"
    assert site.db.execute(query).fetchone() == (25,)
    with site.proxy.inject(behaviour, operation="Query"):
        assert failure(site.db, query).sqlstate == BROKEN_REPLY


DESCRIPTION_LIES = dict(
    enumerate(
    [
        b"{}",
        b'{"Table": null}',
        b'{"Table": []}',
        b'{"Table": {"KeySchema": [], "AttributeDefinitions": []}}',
        b'{"Table": {"KeySchema": {}, "AttributeDefinitions": {}}}',
        b'{"Table": {"KeySchema": "pk"}}',
        b'{"Table": {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}}',
        b'{"Table": {"KeySchema": [{"AttributeName": 5, "KeyType": 6}]}}',
        b'{"Table": ' + b"[" * 100_000,
        b'{"Table": {"KeySchema": [1, null]}}',
        json.dumps(DESCRIPTION).replace("HASH", "RANGE").encode(),
        json.dumps(DESCRIPTION).replace('"S"', '"BOOL"').encode(),
    ]
    )
)


@pytest.mark.parametrize("number", DESCRIPTION_LIES)
def test_description_lies(make_site, number):
    site = make_site(max_attempts=2)
    lie = bytes_become(DESCRIPTION_LIES[number])
    with site.proxy.inject(lie, operation="DescribeTable"):
        diag = failure(site.db, QUERY)
    assert diag.sqlstate == BROKEN_REPLY
    assert "Paged" in diag.message_primary
    # A lie is not remembered.
    assert site.db.execute(QUERY).fetchall() == ROWS


def test_continuation_key_that_does_not_move(site):
    """Nothing scanned, and the key once more: that would go on for ever."""

    def stuck(response):
        response.update(
            Items=[], Count=0, ScannedCount=0, LastEvaluatedKey=key_of(ITEMS[0])
        )

    site.db.execute("SET statement_timeout = '20s'")
    with site.proxy.inject(faults.rewrite(stuck), operation="Query"):
        assert failure(site.db, QUERY).sqlstate == BROKEN_REPLY


def test_continuation_key_that_does_not_move_though_items_come(site):
    """The last key evaluated cannot be the one after which reading began."""

    def stuck(response):
        response["LastEvaluatedKey"] = key_of(ITEMS[9])

    site.db.execute("SET statement_timeout = '20s'")
    with site.proxy.inject(faults.rewrite(stuck), operation="Query"):
        assert failure(site.db, f"{QUERY} LIMIT 1000").sqlstate == BROKEN_REPLY


@contextlib.contextmanager
def every_page(proxy, change):
    """Changes replies to GetItem, Query and Scan."""
    with contextlib.ExitStack() as stack:
        for operation in ("GetItem", "Query", "Scan"):
            stack.enter_context(proxy.inject(faults.rewrite(change), operation=operation))
        yield


@pytest.mark.parametrize("length", [2, 3, 7])
@pytest.mark.parametrize(
    "query", [QUERY, "SELECT n FROM paged", "SELECT count(*) FROM paged WHERE pk = 'P'"]
)
def test_continuation_keys_that_go_round(site, length, query):
    """However long the way round is."""
    turn = itertools.cycle(range(length))

    def around(response):
        if "Items" in response:
            response["Items"] = []
        response.update(Count=0, ScannedCount=0, LastEvaluatedKey=key_of(ITEMS[next(turn)]))

    site.db.execute("SET statement_timeout = '20s'")
    with every_page(site.proxy, around):
        assert failure(site.db, query).sqlstate == BROKEN_REPLY


OUTSIDE = {
    "another partition": ({"pk": {"S": "Q"}}, "pk = 'P'"),
    "another partition, escaped": ({"pk": {"S": "P\u20ac"}}, "pk = 'P'"),
    "another type": ({"pk": {"N": "1"}}, "pk = 'P'"),
    "below the range": ({"sk": {"S": "000000"}}, "pk = 'P' AND sk >= '000001'"),
    "above the range": ({"sk": {"S": "000009"}}, "pk = 'P' AND sk < '000009'"),
    "outside the prefix": ({"sk": {"S": "1"}}, "pk = 'P' AND sk LIKE '0%'"),
    "none of the list": ({"pk": {"S": "Q"}}, "pk IN ('P', 'R')"),
    "another item": ({"sk": {"S": "000001"}}, "pk = 'P' AND sk = '000000'"),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_items_outside_the_key_asked_for(site, name):
    attributes, condition = OUTSIDE[name]

    def change(response):
        item = {**ITEMS[0], "sk": {"S": "000000"}, **attributes}
        if "Items" not in response:
            response["Item"] = item
            return
        response.update(Items=[item], Count=1, ScannedCount=1)
        response.pop("LastEvaluatedKey", None)

    with every_page(site.proxy, change):
        diag = failure(site.db, f"SELECT pk, sk FROM paged WHERE {condition}")
    if name == "another type":
        assert diag.sqlstate in ("22018", BROKEN_REPLY)
    else:
        assert diag.sqlstate == BROKEN_REPLY
        assert "outside the key" in diag.message_detail


def test_empty_pages_with_a_continuation_key_go_on(site):
    """DynamoDB sends them when a filter left nothing of a page."""
    items = make_items(25)
    pages = [
        reply(200, {"Items": [], "Count": 0, "ScannedCount": 9, "LastEvaluatedKey": key_of(items[0])}),
        reply(
            200,
            {
                "Items": items[:10],
                "Count": 10,
                "ScannedCount": 10,
                "LastEvaluatedKey": key_of(items[9]),
            },
        ),
        reply(200, {"Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": key_of(items[11])}),
        reply(200, {"Items": [], "Count": 0, "ScannedCount": 5, "LastEvaluatedKey": key_of(items[12])}),
        reply(
            200,
            {
                "Items": items[10:],
                "Count": 15,
                "ScannedCount": 15,
                "LastEvaluatedKey": key_of(items[24]),
            },
        ),
        reply(200, {"Items": [], "Count": 0, "ScannedCount": 0}),
    ]
    with ScriptedServer([reply(200, DESCRIPTION), *pages]) as server:
        make_server(site.db, server.endpoint, name="scripted")
        foreign_table(site.db, "scripted_table", COLUMNS, server="scripted", table_name="Paged")
        rows = site.db.execute("SELECT n FROM scripted_table WHERE pk = 'P' ORDER BY sk").fetchall()
        starts = [r.json.get("ExclusiveStartKey") for r in server.requests[1:]]
    assert rows == ROWS
    assert starts == [None, *(key_of(items[i]) for i in (0, 9, 11, 12, 24))]


def test_last_key_on_the_last_item(connect):
    """Two full pages, then an empty one that says so."""
    with PagedTable(make_items(20)) as table:
        db = connect()
        make_server(db, table.endpoint)
        foreign_table(db, "paged", COLUMNS, table_name="Paged")
        assert db.execute(QUERY).fetchall() == ROWS[:20]
        assert db.execute("SELECT count(*) FROM paged").fetchone() == (20,)
        queries = [r for r in table.requests if r.operation == "Query"]
    assert len(queries) == 3


# ---- replies by the byte -------------------------------------------------------------


def page_of(items):
    return json.dumps({"Items": items, "Count": len(items), "ScannedCount": len(items)}).encode()


@pytest.fixture
def scripted(connect):
    """Function: (connection, server) for a script that follows the description."""
    servers = []

    def start(script, **options):
        server = ScriptedServer([reply(200, DESCRIPTION), *script])
        servers.append(server)
        db = connect()
        make_server(db, server.endpoint, **{"max_attempts": 3, **options})
        foreign_table(db, "paged", COLUMNS, table_name="Paged")
        return db, server

    yield start
    for server in servers:
        server.close()


BODY = page_of(ITEMS)


@pytest.mark.parametrize("length", [len(BODY) - 1, len(BODY) // 2, 0])
def test_content_length_too_small(scripted, length):
    """What follows belongs to no reply; the next one must not be read from it."""
    lie = reply(200, BODY, headers={"Content-Length": str(length)})
    db, server = scripted([lie, reply(200, BODY)])
    assert db.execute(QUERY).fetchall() == ROWS
    assert len(server.requests) == 3


def test_content_length_too_large(scripted):
    lie = reply(200, BODY, headers={"Content-Length": str(len(BODY) + 5)})
    db, server = scripted([[lie, CLOSE], reply(200, BODY)])
    assert db.execute(QUERY).fetchall() == ROWS
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "value", ["-1", "x", "99999999999999999999999", "1e3", ""], ids=["-1", "x", "huge", "1e3", "none"]
)
def test_content_length_that_is_no_length(scripted, value):
    lie = reply(200, BODY, headers={"Content-Length": value})
    db, _ = scripted([[lie, CLOSE], [lie, CLOSE], [lie, CLOSE]])
    try:
        rows = db.execute(QUERY).fetchall()
    except psycopg.Error as error:
        assert error.sqlstate in (CONNECTION_FAILURE, BROKEN_REPLY, TOO_LARGE), error
    else:
        assert rows == ROWS


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"\x00" * 1000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 500_000 + b"\r\n\r\n",
        b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    ],
    ids=["ssh", "status", "version", "zeros", "chunk", "header", "redirect", "204", "upgrade"],
)
def test_reply_that_is_not_http(scripted, garbage):
    entry = [garbage, CLOSE]
    db, server = scripted([entry, entry, entry])
    diag = failure(db, QUERY)
    # libcurl calls headers of half a megabyte a lack of memory
    assert diag.sqlstate in (CONNECTION_FAILURE, BROKEN_REPLY, "53200")
    assert len(everything_said(diag)) < 2000
    assert 2 <= len(server.requests) <= 4


def test_early_hints_before_the_reply(scripted):
    db, _ = scripted([b"HTTP/1.1 100 Continue\r\n\r\n" + reply(200, BODY)])
    assert db.execute(QUERY).fetchall() == ROWS


def test_checksum_of_another_block_of_headers_does_not_count(scripted):
    hints = b"HTTP/1.1 103 Early Hints\r\nx-amz-crc32: 1\r\n\r\n"
    db, server = scripted([hints + reply(200, BODY)])
    assert db.execute(QUERY).fetchall() == ROWS
    assert len(server.requests) == 2


def test_reply_byte_by_byte_then_hanging(scripted, connect):
    """A server that stops in the midst of a header, cancelled."""
    db, server = scripted([[reply(200, BODY)[:30], HANG]])
    statement = Statement(db, QUERY)
    assert server.hanging.wait(30)
    connect().execute("SELECT pg_cancel_backend(%s)", [db.info.backend_pid])
    assert statement.join().sqlstate == CANCELED
    assert server.client_gone.wait(30)


def test_oversize_reply(scripted):
    """More than all buffers of a statement may hold; announced or not."""
    huge = BODY[:-1] + b" " * (33 << 20) + b"}"
    chunk = b"%x\r\n%s\r\n" % (len(huge), huge)
    unannounced = head(200, [("Transfer-Encoding", "chunked")]) + chunk + b"0\r\n\r\n"
    db, server = scripted([reply(200, huge), unannounced, reply(200, BODY)])
    for _ in range(2):
        diag = failure(db, QUERY)
        assert diag.sqlstate == TOO_LARGE
        assert diag.message_hint
    assert len(server.requests) == 3, "it is not asked for again"
    assert db.execute(QUERY).fetchall() == ROWS


# ---- gzip ---------------------------------------------------------------------------


def packed(body, **headers):
    return reply(200, body, headers={"Content-Encoding": "gzip", **headers})


def test_gzip(make_site):
    site = make_site(compression="true")
    with site.proxy.inject(faults.gzip()), site.proxy.record() as calls:
        assert site.db.execute(QUERY).fetchall() == ROWS
    assert len(calls) == 4
    assert all("gzip" in call.request_headers["accept-encoding"] for call in calls)


def test_gzip_is_not_asked_for_by_default(site):
    with site.proxy.record() as calls:
        site.db.execute(QUERY)
    assert all("gzip" not in c.request_headers.get("accept-encoding", "") for c in calls)


def test_gzip_with_the_checksum_of_the_plain_body(make_site):
    """x-amz-crc32 is that of the bytes as sent (dynamodb.md section 1)."""
    site = make_site(compression="true", max_attempts=2).warm_up()
    with site.proxy.inject(faults.gzip(fitting_crc=False), operation="Query"):
        assert failure(site.db, QUERY).sqlstate == BROKEN_REPLY
    assert site.db.execute(QUERY).fetchall() == ROWS


GZIPPED = gzip_module.compress(BODY)


@pytest.mark.parametrize(
    "body",
    [
        GZIPPED[:-1],
        GZIPPED[: len(GZIPPED) // 2],
        GZIPPED[:5],
        GZIPPED[:-8] + b"\0" * 8,
        GZIPPED[:20] + bytes([GZIPPED[20] ^ 0xFF]) + GZIPPED[21:],
        GZIPPED + b"x",
        b"\x1f\x8b",
        BODY,
    ],
    ids=["cut by one", "half", "head", "wrong trailer", "flipped", "trailing", "magic", "plain"],
)
def test_broken_gzip(scripted, body):
    db, server = scripted([packed(body), packed(body), packed(GZIPPED)], compression="true")
    assert db.execute(QUERY).fetchall() == ROWS
    assert len(server.requests) == 4, "it is retried"


def test_gzip_bomb(scripted):
    """64 KB that unpack to 64 MB."""
    bomb = gzip_module.compress(BODY[:-1] + b" " * (64 << 20) + b"}")
    assert len(bomb) < 200_000
    db, server = scripted([packed(bomb), packed(GZIPPED)], compression="true")
    pid = db.info.backend_pid
    assert failure(db, QUERY).sqlstate == TOO_LARGE
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        (peak,) = [int(line.split()[1]) for line in status if line.startswith("VmHWM:")]
    assert peak < 150_000, "kB"
    assert db.execute(QUERY).fetchall() == ROWS
    assert len(server.requests) == 3


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x"])
def test_unknown_encoding(scripted, encoding):
    entry = reply(200, BODY, headers={"Content-Encoding": encoding})
    db, _ = scripted([entry] * 3)
    diag = failure(db, QUERY)
    assert diag.sqlstate == BROKEN_REPLY
