# SPDX-License-Identifier: PostgreSQL
"""HTTP as DynamoDB speaks it, byte for byte."""

import json
import zlib

JSON_1_0 = "application/x-amz-json-1.0"
ERROR_NAMESPACE = "com.amazonaws.dynamodb.v20120810#"


def crc32(body):
    return str(zlib.crc32(body) & 0xFFFFFFFF)


def error_body(error_type, message):
    return json.dumps({"__type": ERROR_NAMESPACE + error_type, "message": message}).encode()


def head(status, headers):
    """Status line and headers, blank line included."""
    lines = [f"HTTP/1.1 {status} Status"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def reply(status=200, body=b"{}", headers=(), crc=True):
    """A whole reply with the headers DynamoDB sends; body may be JSON data.

    headers come last and replace the standard ones of the same name; a value
    of None leaves that header out.
    """
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    standard = {
        "Content-Type": JSON_1_0,
        "x-amzn-RequestId": "SCRIPTED" + "0" * 44,
        "Content-Length": str(len(body)),
    }
    if crc:
        standard["x-amz-crc32"] = crc32(body)
    for name, value in dict(headers).items():
        for present in [n for n in standard if n.lower() == name.lower()]:
            del standard[present]
        if value is not None:
            standard[name] = value
    return head(status, standard.items()) + body


def error_reply(error_type, message="no reason given", status=400):
    return reply(status, error_body(error_type, message))


class ConnectionEnded(Exception):
    """The peer closed the connection between or within messages."""


class Request:
    """One request as it came: .operation and .json are what tests look at."""

    def __init__(self, method, path, headers, body):
        self.method = method
        self.path = path
        self.headers = headers  # lower-case names
        self.body = body

    @property
    def operation(self):
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def json(self):
        return json.loads(self.body)


def read_request(stream):
    """Reads one request from a binary file; raises ConnectionEnded at its end."""
    line = stream.readline()
    if not line.strip():
        raise ConnectionEnded
    method, path, _ = line.decode("latin-1").split(" ", 2)
    headers = {}
    while True:
        line = stream.readline()
        if not line:
            raise ConnectionEnded
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", 0))
    body = stream.read(length)
    if len(body) < length:
        raise ConnectionEnded
    return Request(method, path, headers, body)
