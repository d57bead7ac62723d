# SPDX-License-Identifier: PostgreSQL
"""The harness itself: what it says went over the wire did, and faults are the
faults they claim to be, seen by clients that know nothing of ddb_fdw."""

import gzip
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
import zlib

import botocore.exceptions
import pytest
from lab import Workspace, wait_until
from lab.processes import REPOSITORY, accepts_connections
from support import aws, counted, proxy as faults
from support.http import error_reply, reply
from support.scripted import CLOSE, HANG, RESET, ScriptedServer

BODY = json.dumps({"TableName": "LogEntries", "Limit": 5}).encode()
HEADERS = {
    "X-Amz-Target": "DynamoDB_20120810.Scan",
    "Content-Type": "application/x-amz-json-1.0",
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request,"
    " SignedHeaders=host, Signature=00",
    "X-Amz-Date": "20260101T000000Z",
}


def post(endpoint, body=BODY, headers=None, timeout=10):
    """A bare request, no library that retries or checks."""
    request = urllib.request.Request(endpoint + "/", body, {**HEADERS, **(headers or {})})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        return error


def error_code(raised):
    return raised.value.response["Error"]["Code"]


@pytest.fixture
def client(proxy, tables):
    return aws.client(proxy.endpoint)


# ---- recording -------------------------------------------------------------------


def test_records_requests_and_responses(proxy, client):
    with proxy.record() as calls:
        page = client.scan(TableName="LogEntries", Limit=7)
        client.describe_table(TableName="LogEntries")
    client.list_tables()
    assert calls.operations == ["Scan", "DescribeTable"]
    assert calls[0].request == {"TableName": "LogEntries", "Limit": 7}
    assert calls[0].response["Count"] == len(page["Items"]) == 7
    assert calls[0].status == 200
    assert calls[0].request_headers["x-amz-target"] == "DynamoDB_20120810.Scan"
    assert calls.count("Scan") == 1 and calls.count() == 2
    assert calls.data.operations == ["Scan"]


def test_nested_recordings_see_the_same_calls(proxy, client):
    with proxy.record() as outer:
        client.list_tables()
        with proxy.record() as inner:
            client.scan(TableName="LogEntries", Limit=1)
    assert outer.operations == ["ListTables", "Scan"]
    assert inner.operations == ["Scan"]


def test_connections_are_kept(proxy, client):
    for _ in range(5):
        client.list_tables()
    assert proxy.connections == 1


def test_concurrent_clients_are_all_counted(proxy, client):
    with proxy.record() as calls:
        threads = [
            threading.Thread(target=client.scan, kwargs={"TableName": "LogEntries", "Limit": 3})
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert calls.count("Scan") == 16
    assert all(call.response["Count"] == 3 for call in calls)


def test_checksum_of_untouched_replies_fits(proxy, tables):
    with post(proxy.endpoint) as response:
        assert int(response.headers["x-amz-crc32"]) == zlib.crc32(response.read())


def test_local_listens_on_loopback_only(dynamodb):
    listening = [
        line
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if os.path.exists(table)
        for line in pathlib.Path(table).read_text().splitlines()
    ]
    port = f":{dynamodb.port:04X} "
    addresses = [line.split()[1] for line in listening if port in line and " 0A " in line]
    assert [address.partition(":")[0] for address in addresses] == ["0100007F"]


# ---- injection: what, when ---------------------------------------------------------


def test_throttle_every_second(proxy, client):
    outcomes = []
    with proxy.inject(faults.throttle(), every=2, operation="Scan"):
        for _ in range(6):
            client.list_tables()
            try:
                client.scan(TableName="LogEntries", Limit=1)
                outcomes.append("ok")
            except client.exceptions.ProvisionedThroughputExceededException:
                outcomes.append("throttled")
    assert outcomes == ["ok", "throttled"] * 3


def test_probability_is_seeded(proxy, client):
    def outcomes(seed):
        with proxy.inject(faults.internal_error(), probability=0.5, seed=seed):
            with proxy.record() as calls:
                for _ in range(40):
                    post(proxy.endpoint).close()
        return [call.status for call in calls]

    first = outcomes(1)
    assert set(first) == {200, 500}
    assert 8 < first.count(500) < 32
    assert outcomes(1) == first
    assert outcomes(2) != first


def test_times_limits_an_injection(proxy, client):
    with proxy.inject(faults.internal_error(), times=2):
        for _ in range(2):
            with pytest.raises(botocore.exceptions.ClientError) as raised:
                client.list_tables()
            assert error_code(raised) == "InternalServerError"
        client.list_tables()
    client.list_tables()


def test_boto3_retries_are_counted_as_requests(proxy, tables):
    patient = aws.client(proxy.endpoint, retries=4)
    with proxy.inject(faults.throttle(), times=2), proxy.record() as calls:
        patient.list_tables()
    assert [call.status for call in calls] == [400, 400, 200]


def test_injections_combine(proxy, tables):
    with proxy.inject(faults.gzip()), proxy.inject(faults.drop_crc()):
        with post(proxy.endpoint) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            assert response.headers["x-amz-crc32"] is None


# ---- injection: kinds --------------------------------------------------------------


def test_html(proxy, tables):
    for status in (200, 503):
        with proxy.inject(faults.html(status)), post(proxy.endpoint) as response:
            assert response.status == status
            assert response.headers["Content-Type"] == "text/html"
            assert response.read().startswith(b"<html>")


def test_corrupt_keeps_the_old_checksum(proxy, tables):
    with post(proxy.endpoint) as response:
        intact = response.read()
    with proxy.inject(faults.corrupt()), post(proxy.endpoint) as response:
        body = response.read()
        assert int(response.headers["x-amz-crc32"]) == zlib.crc32(intact)
    assert len(body) == len(intact)
    assert sum(a != b for a, b in zip(body, intact)) == 1


def test_wrong_and_missing_checksum(proxy, tables):
    with proxy.inject(faults.wrong_crc()), post(proxy.endpoint) as response:
        assert int(response.headers["x-amz-crc32"]) != zlib.crc32(response.read())
    with proxy.inject(faults.drop_crc()), post(proxy.endpoint) as response:
        assert response.headers["x-amz-crc32"] is None
        assert json.loads(response.read())["Count"] == 5


def test_boto3_sees_a_wrong_checksum(proxy, client):
    with proxy.inject(faults.wrong_crc()), proxy.record() as calls:
        with pytest.raises(botocore.exceptions.ChecksumError):
            client.list_tables()
    assert calls.count() == 1


def test_gzip_has_the_checksum_of_the_bytes_sent(proxy, tables):
    with proxy.inject(faults.gzip()), proxy.record() as calls, post(proxy.endpoint) as response:
        sent = response.read()
        assert response.headers["Content-Encoding"] == "gzip"
        assert int(response.headers["x-amz-crc32"]) == zlib.crc32(sent)
    assert json.loads(gzip.decompress(sent)) == calls[0].response
    assert calls[0].response["Count"] == 5


def test_chunked(proxy, client):
    with proxy.inject(faults.chunked()):
        with post(proxy.endpoint) as response:
            assert response.headers["Transfer-Encoding"] == "chunked"
            assert json.loads(response.read())["Count"] == 5
        assert client.scan(TableName="LogEntries", Limit=2)["Count"] == 2


def test_truncate_and_close_after_headers(proxy, tables):
    for fault, share in ((faults.truncate(0.5), 0.5), (faults.close_after_headers(), 0)):
        with proxy.inject(fault), post(proxy.endpoint) as response:
            length = int(response.headers["Content-Length"])
            with pytest.raises(http.client.IncompleteRead) as raised:
                response.read()
            assert len(raised.value.partial) == int(length * share)


def test_close_before_headers(proxy, tables):
    with proxy.inject(faults.close_before()), proxy.record() as calls:
        with pytest.raises(http.client.RemoteDisconnected):
            post(proxy.endpoint)
    assert calls[0].status is None
    with proxy.inject(faults.close_before(with_reset=True)):
        with pytest.raises(OSError) as raised:
            post(proxy.endpoint)
    assert not isinstance(raised.value, http.client.RemoteDisconnected)


def test_rewrite_lies_with_a_fitting_checksum(proxy, client):
    def lie(response):
        response["Items"] = []

    with proxy.inject(faults.rewrite(lie), operation="Scan"):
        page = client.scan(TableName="LogEntries", Limit=3)
    assert page["Items"] == [] and page["Count"] == 3


@pytest.mark.parametrize("where", ["request", "headers", "body"])
def test_hang_until_released(proxy, tables, where):
    bodies = []

    def ask():
        with post(proxy.endpoint, timeout=60) as response:
            bodies.append(response.read())

    with proxy.inject(faults.hang(where)) as fault:
        thread = threading.Thread(target=ask)
        thread.start()
        assert fault.reached.wait(30)
        assert not bodies and not fault.client_gone.is_set()
        fault.release()
        thread.join()
    assert json.loads(bodies[0])["Count"] == 5


def test_hang_notices_that_the_client_left(proxy, tables):
    with proxy.inject(faults.hang()) as fault:
        with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            assert fault.reached.wait(30)
        assert fault.client_gone.wait(30)
    wait_until(lambda: proxy.open_connections() == 0, "the proxy's end to be closed")


def test_delay(proxy, client):
    with proxy.inject(faults.delay(0.2)), proxy.record() as calls:
        client.list_tables()
    assert calls[0].status == 200 and calls[0].injected


# ---- the scripted server -------------------------------------------------------------


def test_scripted_replies_byte_for_byte():
    script = [
        reply(body={"TableNames": ["a"]}),
        error_reply("ResourceNotFoundException"),
        lambda request: reply(body={"TableNames": [request.operation]}),
    ]
    with ScriptedServer(script) as server:
        client = aws.client(server.endpoint)
        assert client.list_tables()["TableNames"] == ["a"]
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.list_tables()
        assert client.list_tables()["TableNames"] == ["ListTables"]
        with pytest.raises(botocore.exceptions.ClientError, match="no more replies"):
            client.list_tables()
    assert [request.operation for request in server.requests] == ["ListTables"] * 4


def test_scripted_server_closes_resets_and_hangs():
    with ScriptedServer([CLOSE, RESET, [b"HTTP/1.1 200 OK\r\n", HANG], reply()]) as server:
        with pytest.raises(http.client.RemoteDisconnected):
            post(server.endpoint)
        with pytest.raises(OSError):
            post(server.endpoint)
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            assert connection.recv(100) == b"HTTP/1.1 200 OK\r\n"
            assert server.hanging.wait(30)
        assert server.client_gone.wait(30)
        with post(server.endpoint) as response:
            assert response.read() == b"{}"


def test_reply_headers_replace_the_standard_ones():
    with ScriptedServer([reply(body=b"{}", headers={"X-Amz-Crc32": "1", "Content-Type": None})]) as s:
        with post(s.endpoint) as response:
            assert response.headers["x-amz-crc32"] == "1"
            assert response.headers["Content-Type"] is None


# ---- servers do not outlive whoever started them -------------------------------------

OWNER = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # whatever was inherited
from lab import DynamoDBLocal, Workspace, die_with_parent
die_with_parent()
workspace = Workspace()
local = DynamoDBLocal(workspace).start()
print(workspace.directory, local.port, local.process.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_everything_is_gone_when_the_owner_dies(number):
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "tools"),
        "DDB_FDW_DIE_WITH_PARENT": str(os.getpid()),  # should this test be cut short
    }
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, env=environment,
    ) as owner:
        directory, port, pid = owner.stdout.readline().split()
        assert os.path.isdir(directory) and accepts_connections(int(port))
        owner.send_signal(number)
        owner.wait()
    wait_until(lambda: not os.path.exists(directory), "the directory to be removed")
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "the server to end")


def test_a_closed_workspace_leaves_nothing():
    with Workspace() as workspace:
        directory = workspace.directory
        process = workspace.spawn(["sleep", "1000"], directory / "log")
    assert not directory.exists()
    assert process.wait() == -signal.SIGKILL


# ---- accounts of requests ------------------------------------------------------------


class Log:
    """A cluster's, as far as accounts look at it."""

    def __init__(self):
        self.text = ""

    def log_size(self):
        return len(self.text)

    def log_since(self, offset):
        return self.text[offset:]


class Servers:
    """A connection to a database with servers, some of whose tables were analyzed."""

    def __init__(self, *endpoints):
        self.endpoints = endpoints

    def execute(self, query):
        rows = [(e,) for e in self.endpoints] if "pg_foreign_server" in query else [(False,)]
        return Rows(rows)


class Rows(list):
    def fetchone(self):
        return self[0]


def logged(outcome, attempts):
    return (
        '2026-12-01 15:00:00.000 UTC [1] test_1 LOG:  DynamoDB Scan on table "T":'
        f" {outcome}, 0.5 read units, 1.000 ms, {attempts} attempts, 10 bytes\n"
    )


def explained(requests, retries):
    plan = {"Plan": {"Node Type": "Limit", "Plans": [{"Requests": requests, "Retries": retries}]}}
    text = json.dumps(plan, indent=2).replace("\n", "\n\t")
    return f"2026-12-01 15:00:00.000 UTC [1] test_1 LOG:  duration: 1.000 ms  plan:\n\t{text}\n"


@pytest.mark.parametrize(
    "lines, plan, differ",
    [
        ([("ok", 1), ("abandoned", 1)], (2, 0), []),
        ([("ok", 2)], (1, 1), []),
        ([("ok", 1)], (1, 0), ["proxies"]),
        ([("ok", 1), ("InternalServerError", 2)], (2, 0), ["proxies", "EXPLAIN"]),
        ([("ok", 1), ("abandoned", 1)], (1, 0), ["EXPLAIN"]),
    ],
)
def test_accounts_differ(proxy, tables, lines, plan, differ):
    log = Log()
    accounts = counted.Accounts(log)
    for _ in range(2):
        post(proxy.endpoint, headers={"User-Agent": "ddb_fdw/1.0"}).read()
    post(proxy.endpoint).read()  # somebody else's
    log.text += "".join(logged(*line) for line in lines) + explained(*plan)
    accounts.note(Servers(proxy.endpoint))
    found = accounts.differences(seconds=0.1)
    assert len(found) == len(differ)
    assert all(word in text for word, text in zip(differ, found))


def test_requests_past_the_proxies_are_not_compared(proxy):
    log = Log()
    accounts = counted.Accounts(log)
    log.text += logged("ok", 1)
    accounts.note(Servers(proxy.endpoint, "http://127.0.0.1:1"))
    assert accounts.differences(seconds=0.1) == []
