# SPDX-License-Identifier: PostgreSQL
"""One clear error each: SQLSTATE, what it is about, what to do; never a secret."""

import datetime
import email.utils
import socket

import psycopg
import pytest
from lab import wait_until
from support import proxy as faults
from support.background import everything_said, failure
from support.fdw import explain, foreign_table, log_entries, make_server
from support.http import error_body, error_reply, reply
from support.paged import COLUMNS, DESCRIPTION
from support.scripted import ScriptedServer
from support.server import ThreadedServer
from support.tls import TlsTable, make_certificate

KEY_ID = "AKIDNEVERSECRET"
SECRET = "s3cretThatNobodyMaySee/+x"
TOKEN = "t0kenThatNobodyMaySee=="
MAPPING = {"access_key_id": KEY_ID, "secret_access_key": SECRET, "session_token": TOKEN}

QUERY = "SELECT n FROM paged WHERE pk = 'P' ORDER BY sk"
SCAN = "SELECT n FROM paged"
ROWS = [(n,) for n in range(25)]


def set_up(db, endpoint, table_options=None, **options):
    options.setdefault("max_attempts", 2)
    options.setdefault("mapping", MAPPING)
    make_server(db, endpoint, **options)
    foreign_table(db, "paged", COLUMNS, **{"table_name": "Paged", **(table_options or {})})
    return db


@pytest.fixture
def paged(db, paged_proxy):
    return set_up(db, paged_proxy.endpoint)


@pytest.fixture
def the_only_error(cluster):
    """Function: failure() of a statement, which must be one error and no more."""

    def fail(connection, query):
        notices = collect_notices(connection)
        start = cluster.log_size()
        diag = failure(connection, query)
        assert not notices
        wait_until(lambda: "ERROR:" in cluster.log_since(start), "the log")
        assert cluster.log_since(start).count("ERROR:") == 1
        said = everything_said(diag)
        for secret in (SECRET, TOKEN):
            assert secret not in said
        return diag

    return fail


def collect_notices(connection):
    """List of (SQLSTATE, all text); what libpq hands over lives no longer than the call."""
    notices = []
    connection.add_notice_handler(
        lambda diag: notices.append((diag.sqlstate, everything_said(diag)))
    )
    return notices


# ---- what DynamoDB says --------------------------------------------------------------

REFUSALS = {
    "UnrecognizedClientException": ("28000", "access_key_id"),
    "InvalidSignatureException": ("28000", "secret_access_key"),
    "SignatureDoesNotMatch": ("28000", "secret_access_key"),
    "ExpiredTokenException": ("28000", "fresh"),
    "MissingAuthenticationTokenException": ("28000", "user mapping"),
    "IncompleteSignatureException": ("28000", "user mapping"),
    "AccessDeniedException": ("42501", ""),
    "ResourceNotFoundException": ("HV00R", "table_name"),
    "ValidationException": ("HV000", None),
    "SerializationException": ("HV00M", "endpoint_url"),
    "UnknownOperationException": ("HV00M", "endpoint_url"),
    "SomethingNewException": (None, None),
}


@pytest.mark.parametrize("operation", ["DescribeTable", "Query"])
@pytest.mark.parametrize("code", REFUSALS)
def test_refusal(paged, paged_proxy, the_only_error, code, operation):
    if operation == "Query":
        paged.execute(QUERY)
    sqlstate, hint = REFUSALS[code]
    refusal = faults.error(code, "the service's own words")
    with paged_proxy.inject(refusal, operation=operation), paged_proxy.record() as calls:
        diag = the_only_error(paged, QUERY)
    if sqlstate is not None:
        assert diag.sqlstate == sqlstate
    assert "Paged" in diag.message_primary and operation in diag.message_primary
    assert code in diag.message_detail
    assert "the service's own words" in diag.message_detail
    assert faults.REQUEST_ID in diag.message_detail
    if hint is not None:
        assert hint in diag.message_hint
    assert len(calls) == 1, "asking again would not help"
    assert paged.execute(QUERY).fetchall() == ROWS


@pytest.mark.parametrize(
    "message",
    ["", "two\nlines\tand\x07bell", "é" * 5000, "%s%n%d", "x" * 100_000],
    ids=["empty", "controls", "wide", "format", "long"],
)
def test_message_of_any_shape(paged, paged_proxy, the_only_error, message):
    paged.execute(QUERY)
    with paged_proxy.inject(faults.error("ValidationException", message), operation="Query"):
        diag = the_only_error(paged, QUERY)
    assert diag.sqlstate == "HV000"
    assert "\n" not in diag.message_detail and "\x07" not in diag.message_detail
    assert 0 < len(diag.message_detail) < 4000


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff\xfe", b'{"__type": 5, "message": {}}'])
def test_refusal_without_a_reason(paged, paged_proxy, the_only_error, body):
    paged.execute(QUERY)
    with paged_proxy.inject(faults.Answer(400, body), operation="Query"):
        diag = the_only_error(paged, QUERY)
    assert "400" in diag.message_detail


def test_canonical_request_in_a_complaint_is_not_shown(paged, paged_proxy, the_only_error):
    """AWS quotes what it signed, session token included."""
    complaint = (
        "The request signature we calculated does not match the signature you provided. Check"
        " your AWS Secret Access Key and signing method. Consult the service documentation for"
        " details.\n\nThe Canonical String for this request should have been\n'POST\n/\n\n"
        f"x-amz-security-token:{TOKEN}\n'"
    )
    refusal = faults.error("InvalidSignatureException", complaint)
    with paged_proxy.inject(refusal):
        diag = the_only_error(paged, QUERY)
    assert diag.sqlstate == "28000"
    assert "does not match" in diag.message_detail


def test_missing_table(db, proxy, tables, the_only_error):
    make_server(db, proxy.endpoint)
    log_entries(db, table_name="logentries")
    diag = the_only_error(db, "SELECT * FROM log_entries")
    assert diag.sqlstate == "HV00R"
    assert '"logentries"' in diag.message_primary
    assert "ResourceNotFoundException" in diag.message_detail
    assert "case-sensitive" in diag.message_hint
    assert "region" in diag.message_hint, "tables of another region are missing, too"


def test_clock_skew_is_cured_once(db):
    """The second attempt is signed by the service's clock."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=5)
    skewed = reply(
        400,
        error_body("InvalidSignatureException", "Signature expired: 20261101T000000Z is now earlier"),
        headers={"Date": email.utils.format_datetime(moment, usegmt=True)},
    )
    with ScriptedServer([skewed, reply(200, DESCRIPTION)]) as server:
        set_up(db, server.endpoint)
        db.execute("EXPLAIN SELECT 1 FROM paged")
        first, second = (
            datetime.datetime.strptime(r.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
            for r in server.requests
        )
    assert datetime.timedelta(hours=4) < second - first < datetime.timedelta(hours=6)


def test_clock_skew_that_stays(db, the_only_error):
    skewed = reply(
        400,
        error_body("InvalidSignatureException", "Signature not yet current: 2026"),
        headers={"Date": "Sun, 01 Nov 2026 00:00:00 GMT"},
    )
    with ScriptedServer([skewed], repeat_last=True) as server:
        set_up(db, server.endpoint)
        diag = the_only_error(db, QUERY)
        assert len(server.requests) == 2
    assert diag.sqlstate == "28000"
    assert "clock" in diag.message_hint


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Sun, 01 Nov 2026 00:00:00 GMT"]
)
def test_a_clock_that_is_far_off_is_forgotten(db, the_only_error, date):
    """The session goes on by its own clock."""
    skewed = reply(
        400,
        error_body("InvalidSignatureException", "Signature not yet current: 2026"),
        headers={"Date": date},
    )
    with ScriptedServer([skewed], repeat_last=True) as server:
        set_up(db, server.endpoint)
        assert the_only_error(db, QUERY).sqlstate == "28000"
        before = len(server.requests)
        assert the_only_error(db, QUERY).sqlstate == "28000"
        sent = datetime.datetime.strptime(
            server.requests[before].headers["x-amz-date"], "%Y%m%dT%H%M%SZ"
        )
    own = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs(own - sent) < datetime.timedelta(hours=1)


def test_fresh_keys_after_rejected_ones(paged, paged_proxy):
    with paged_proxy.inject(faults.error("ExpiredTokenException")):
        assert failure(paged, QUERY).sqlstate == "28000"
    paged.execute(
        "ALTER USER MAPPING FOR CURRENT_USER SERVER dynamo OPTIONS (SET session_token 'fresh')"
    )
    with paged_proxy.record() as calls:
        assert paged.execute(QUERY).fetchall() == ROWS
    assert {call.request_headers["x-amz-security-token"] for call in calls} == {"fresh"}


# ---- connections ---------------------------------------------------------------------


def test_refused_connection(db, the_only_error):
    with socket.socket() as listener:  # bound, and not listening
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        set_up(db, f"http://127.0.0.1:{port}")
        diag = the_only_error(db, QUERY)
    assert diag.sqlstate == "08001"
    assert str(port) in diag.message_detail
    assert "endpoint_url" in diag.message_hint


def test_plain_http_off_loopback(db, the_only_error):
    set_up(db, "http://192.0.2.1:8000")
    diag = the_only_error(db, QUERY)
    assert diag.sqlstate.startswith("HV")
    assert "HTTP" in diag.message_primary
    assert "https" in diag.message_hint and "allow_http" in diag.message_hint


@pytest.mark.parametrize("host", ["localhost.example.com", "127.0.0.1.example.com", "[::ffff:7f00:1]"])
def test_what_only_looks_like_loopback(db, host):
    set_up(db, f"http://{host}:8000")
    assert "HTTP" in failure(db, QUERY).message_primary


def test_redirects_are_not_followed(db):
    """The signature must not go where a reply says."""
    with ScriptedServer([reply(200, DESCRIPTION)], repeat_last=True) as elsewhere:
        moved = reply(307, b"", headers={"Location": elsewhere.endpoint + "/"})
        with ScriptedServer([moved], repeat_last=True) as server:
            set_up(db, server.endpoint)
            failure(db, QUERY)
        assert elsewhere.requests == []


# ---- TLS -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(workspace):
    directory = workspace.directory / "certificates"
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    return {
        "right": make_certificate(directory, "right", "IP:127.0.0.1"),
        "other": make_certificate(directory, "other", "DNS:dynamodb.example.com"),
    }


def test_untrusted_certificate(db, certificates, the_only_error):
    with TlsTable(*certificates["right"]) as server:
        set_up(db, server.endpoint)
        diag = the_only_error(db, QUERY)
        assert server.requests == []
    assert diag.sqlstate == "08001"
    assert "certificate" in diag.message_detail.lower()
    assert "ca_file" in diag.message_hint


def test_certificate_of_ca_file(db, certificates):
    with TlsTable(*certificates["right"]) as server:
        set_up(db, server.endpoint, ca_file=certificates["right"][1])
        assert db.execute(QUERY).fetchall() == ROWS
        assert db.execute(QUERY).fetchall() == ROWS
        assert server.connections == 1, "the connection is kept"


def test_certificate_of_another_host(db, certificates, the_only_error):
    with TlsTable(*certificates["other"]) as server:
        set_up(db, server.endpoint, ca_file=certificates["other"][1])
        diag = the_only_error(db, QUERY)
        assert server.requests == []
    assert diag.sqlstate == "08001"


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\nrubbish\n"])
def test_ca_file_that_is_none(db, certificates, tmp_path, workspace, the_only_error, content):
    path = workspace.directory / "certificates" / "broken.pem"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(content)
        path.chmod(0o644)
    with TlsTable(*certificates["right"]) as server:
        set_up(db, server.endpoint, ca_file=path)
        diag = the_only_error(db, QUERY)
        assert server.requests == []
    assert diag.sqlstate in ("08001", "HV024")
    assert "ca_file" in diag.message_hint


class Deaf(ThreadedServer):
    """Reads something and closes: no TLS here."""

    def handle(self, connection):
        connection.recv(1000)


def test_https_to_a_plain_server(db, the_only_error):
    with Deaf() as server:
        set_up(db, server.endpoint.replace("http:", "https:"))
        assert the_only_error(db, QUERY).sqlstate in ("08001", "08006")


def test_certificates_cannot_be_left_unchecked(db):
    for option in ("verify", "ssl_verify", "insecure", "sslmode"):
        with pytest.raises(psycopg.errors.FdwInvalidOptionName):
            make_server(db, "https://127.0.0.1:1", name=option, **{option: "false"})


# ---- options -------------------------------------------------------------------------


@pytest.fixture
def server(db):
    make_server(db, "http://127.0.0.1:1")
    return db


CREATE = {
    "server": "CREATE SERVER s FOREIGN DATA WRAPPER ddb_fdw OPTIONS ({})",
    "user mapping": "CREATE USER MAPPING FOR PUBLIC SERVER dynamo OPTIONS ({})",
    "foreign table": "CREATE FOREIGN TABLE f (a text) SERVER dynamo OPTIONS ({})",
    "column": "CREATE FOREIGN TABLE f (a text OPTIONS ({})) SERVER dynamo",
}

NEAREST = [
    ("server", "reigon", "region"),
    ("server", "endpoint", "endpoint_url"),
    ("server", "max_attempt", "max_attempts"),
    ("server", "REGION", "region"),
    ("server", "consistent", "consistent_read"),
    ("user mapping", "access_key", "access_key_id"),
    ("user mapping", "secret_key", "secret_access_key"),
    ("user mapping", "sessiontoken", "session_token"),
    ("foreign table", "tablename", "table_name"),
    ("foreign table", "table", "table_name"),
    ("foreign table", "index", "index_name"),
    ("column", "attr", "attribute"),
    ("column", "atribute", "attribute"),
]


@pytest.mark.parametrize("kind, wrong, right", NEAREST)
def test_nearest_option_name(server, the_only_error, kind, wrong, right):
    diag = the_only_error(server, CREATE[kind].format(f"\"{wrong}\" 'x'"))
    assert diag.sqlstate == "HV00D"
    assert f'"{wrong}"' in diag.message_primary
    assert right in diag.message_hint


@pytest.mark.parametrize(
    "kind, option, home",
    [
        ("server", "access_key_id", "user mapping"),
        ("server", "table_name", "foreign table"),
        ("server", "attribute", "column"),
        ("user mapping", "region", "server"),
        ("foreign table", "endpoint_url", "server"),
        ("foreign table", "key", "column"),
        ("column", "table_name", "foreign table"),
        ("column", "secret_access_key", "user mapping"),
    ],
)
def test_option_of_another_object(server, the_only_error, kind, option, home):
    diag = the_only_error(server, CREATE[kind].format(f"{option} '{SECRET}'"))
    assert diag.sqlstate == "HV00D"
    assert option in diag.message_primary
    assert home in diag.message_hint


def test_name_that_resembles_nothing(server, the_only_error):
    diag = the_only_error(server, CREATE["server"].format("zzzzzzzzzzzz 'x'"))
    assert "endpoint_url" in diag.message_hint and "region" in diag.message_hint


BAD_VALUES = {
    ("server", "region"): ["", "US-EAST-1", "us east", "us-east-1/", "a" * 64, "us_east", "é"],
    ("server", "endpoint_url"): [
        "", "localhost", "ftp://localhost", "http://", "http://user:pw@localhost", "http://h:0",
        "http://h:65536", "http://h:x", "http://h/path", "http://h?x=1", "http://h#x", "http:///",
        "http://a b", "https://[::1", "http://h\n", "javascript:1",
    ],
    ("server", "use_fips"): ["", "maybe", "2"],
    ("server", "connect_timeout"): ["", "0", "-1s", "x", "2h", "1 lightyear", "1e400"],
    ("server", "request_timeout"): ["0ms", "61min", "soon"],
    ("server", "max_attempts"): ["", "0", "-1", "x", "1001", "99999999999"],
    ("server", "max_concurrency"): ["0", "257"],
    ("server", "max_read_units"): ["", "-1", "x", "nan"],
    ("server", "read_unit_price"): ["-0.1", "free"],
    ("server", "scan"): ["", "never", "ALLOW"],
    ("server", "on_type_mismatch"): ["ignore"],
    ("server", "transaction"): ["deferred"],
    ("server", "compression"): ["gzip"],
    ("user mapping", "credential_source"): ["magic", ""],
    ("user mapping", "credentials_required"): ["perhaps"],
    ("foreign table", "insert_mode"): ["upsert"],
    ("foreign table", "consistent_read"): ["strong"],
    ("foreign table", "segment"): ["-1", "x"],
    ("column", "type"): ["string", "s", ""],
    ("column", "format"): ["iso", "iso8601:7", "YYYY"],
    ("column", "key"): ["hash", ""],
    ("column", "null_as"): ["default"],
    ("column", "attribute"): ["", '"', '"a', '""', '"a"b'],
    ("column", "on_type_mismatch"): ["warn"],
}  # fmt: skip


@pytest.mark.parametrize(
    "kind, option, value",
    [(*where, value) for where, values in BAD_VALUES.items() for value in values],
)
def test_bad_value(server, the_only_error, kind, option, value):
    literal = value.replace("'", "''")
    diag = the_only_error(server, CREATE[kind].format(f"{option} '{literal}'"))
    assert diag.sqlstate in ("HV024", "HV00D", "22023"), diag.message_primary
    assert f'"{option}"' in diag.message_primary
    assert diag.message_hint
    assert "pw" not in everything_said(diag), "a URL may hold a password"


def test_secrets_that_are_wrong_are_not_repeated(server, the_only_error):
    for statement in (
        f"access_key_id 'A', secret_access_key '{SECRET}', session_tokn '{TOKEN}'",
        f"secret_access_key '{SECRET}'",
        f"session_token '{TOKEN}'",
    ):
        the_only_error(server, CREATE["user mapping"].format(statement))


@pytest.mark.parametrize("secret", ["two words here", "line\nbreak", "tab\there"])
def test_secret_with_a_blank(db, paged_proxy, the_only_error, secret):
    """Copied along with the key by accident."""
    set_up(
        db,
        paged_proxy.endpoint,
        mapping={"access_key_id": KEY_ID, "secret_access_key": secret},
    )
    with paged_proxy.record() as calls:
        diag = the_only_error(db, QUERY)
    assert diag.sqlstate == "28000"
    assert secret not in everything_said(diag)
    assert len(calls) == 0


def test_missing_region(db, the_only_error):
    db.execute("CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw")
    db.execute(
        "CREATE USER MAPPING FOR CURRENT_USER SERVER dynamo"
        " OPTIONS (access_key_id 'a', secret_access_key 'b')"
    )
    foreign_table(db, "paged", COLUMNS, table_name="Paged")
    diag = the_only_error(db, QUERY)
    assert diag.sqlstate.startswith("HV")
    assert "region" in diag.message_primary
    assert "ALTER SERVER" in diag.message_hint


def test_no_user_mapping(db, paged_proxy, the_only_error):
    set_up(db, paged_proxy.endpoint, mapping=False)
    diag = the_only_error(db, QUERY)
    assert diag.sqlstate == "42704"
    assert "user mapping" in diag.message_primary


def test_no_privilege_on_the_table(paged, paged_proxy, connect):
    paged.execute("CREATE ROLE errors_no_privilege LOGIN")
    try:
        paged.execute(
            "CREATE USER MAPPING FOR PUBLIC SERVER dynamo"
            " OPTIONS (access_key_id 'a', secret_access_key 'b')"
        )
        paged.execute("CREATE TABLE errors_parent (LIKE paged)")
        paged.execute("ALTER FOREIGN TABLE paged INHERIT errors_parent")
        other = connect("errors_no_privilege")
        with paged_proxy.record() as calls:
            for query in (
                QUERY,
                f"EXPLAIN {QUERY}",
                QUERY.replace("paged", "errors_parent"),
                f"SELECT 1 UNION ALL ({QUERY})",
                "INSERT INTO paged VALUES ('P', 'x', 1)",
                "UPDATE paged SET n = 1 WHERE pk = 'P' AND sk = 'x'",
                "DELETE FROM paged WHERE pk = 'P'",
            ):
                assert failure(other, query).sqlstate == "42501", query
        # Not even the table's description.
        assert len(calls) == 0
        paged.execute("GRANT SELECT (n, pk, sk) ON paged TO errors_no_privilege")
        assert other.execute(QUERY).fetchall() == ROWS
        other.close()
    finally:
        paged.execute("DROP OWNED BY errors_no_privilege")
        paged.execute("DROP ROLE errors_no_privilege")


def test_privileged_options(db, connect):
    db.execute("CREATE ROLE errors_owner LOGIN")
    try:
        db.execute("GRANT USAGE ON FOREIGN DATA WRAPPER ddb_fdw TO errors_owner")
        db.execute("GRANT CREATE ON DATABASE " + db.info.dbname + " TO errors_owner")
        other = connect("errors_owner")
        for option in ("ca_file '/etc/passwd'", "allow_http 'true'"):
            assert failure(other, CREATE["server"].format(option)).sqlstate == "42501"
        other.execute(CREATE["server"].format("region 'us-east-1'"))
        for option in ("ca_file '/etc/passwd'", "allow_http 'on'"):
            statement = f"ALTER SERVER s OPTIONS (ADD {option})"
            assert failure(other, statement).sqlstate == "42501"
        statement = (
            "CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (credentials_required 'false')"
        )
        assert failure(other, statement).sqlstate == "42501"
        for setting in ("scan = 'allow'", "max_read_units = 0"):
            assert failure(other, f"SET ddb_fdw.{setting}").sqlstate == "42501"
        db.execute("GRANT pg_read_server_files TO errors_owner")
        other.execute("ALTER SERVER s OPTIONS (ADD ca_file '/etc/passwd')")
    finally:
        db.execute("DROP SERVER IF EXISTS s CASCADE")
        db.execute("DROP OWNED BY errors_owner")
        db.execute("DROP ROLE errors_owner")


# ---- tables --------------------------------------------------------------------------


def test_index_that_does_not_exist(db, paged_proxy, the_only_error):
    set_up(db, paged_proxy.endpoint, {"index_name": "byName"})
    diag = the_only_error(db, QUERY)
    assert diag.sqlstate == "42704"
    assert '"byName"' in diag.message_primary
    assert "index_name" in diag.message_hint


def test_index_that_went_away(db, the_only_error):
    """The cached description knows it still."""
    index = {
        "IndexName": "byA",
        "IndexStatus": "ACTIVE",
        "KeySchema": [{"AttributeName": "sk", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    table = {**DESCRIPTION["Table"], "GlobalSecondaryIndexes": [index]}
    script = [
        reply(200, {"Table": table}),
        reply(200, {"Items": [], "Count": 0, "ScannedCount": 0}),
        error_reply("ValidationException", "The table does not have the specified index: byA"),
        reply(200, DESCRIPTION),
        reply(200, DESCRIPTION),
    ]
    with ScriptedServer(script) as server:
        set_up(db, server.endpoint, {"index_name": "byA"})
        assert db.execute(SCAN).fetchall() == []
        for _ in range(2):
            diag = the_only_error(db, SCAN)
            assert diag.sqlstate == "42704"
            assert "index_name" in diag.message_hint


def test_consistent_read_of_a_global_index(db, ddb, proxy, the_only_error):
    key = [{"AttributeName": "a", "KeyType": "HASH"}]
    ddb.create_table(
        TableName="Consistent",
        KeySchema=key,
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {"IndexName": "byA", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    make_server(db, proxy.endpoint)
    foreign_table(
        db, "c", ["a text"], table_name="Consistent", index_name="byA", consistent_read=True
    )
    with proxy.record() as calls:
        diag = the_only_error(db, "SELECT * FROM c")
    assert "consistent" in diag.message_primary
    assert "consistent_read" in diag.message_hint
    assert len(calls.data) == 0


@pytest.mark.parametrize(
    "statement, words",
    [
        ("INSERT INTO paged VALUES ('P', 'x', 1, '')", "does not allow inserts"),
        ("UPDATE paged SET n = 1", "does not allow updates"),
        ("DELETE FROM paged", "does not allow deletes"),
        ("TRUNCATE paged", "cannot truncate foreign table"),
        ("COPY paged FROM '/dev/null'", "does not allow inserts"),
    ],
)
def test_writes_are_refused_where_they_are_not_wanted(
    paged, paged_proxy, the_only_error, statement, words
):
    paged.execute("ALTER FOREIGN TABLE paged OPTIONS (ADD updatable 'false')")
    with paged_proxy.record() as calls:
        diag = the_only_error(paged, statement)
    assert words in diag.message_primary
    assert len(calls.data) == 0


@pytest.mark.warns("rows of foreign table public.paged are not locked")
def test_row_locks_do_not_crash(paged):
    assert paged.execute(f"{QUERY} FOR UPDATE").fetchall() == ROWS
    assert paged.execute(f"{QUERY} FOR SHARE").fetchall() == ROWS


# ---- guards --------------------------------------------------------------------------


def put(db, place, option, value):
    if place == "server":
        db.execute(f"ALTER SERVER dynamo OPTIONS (ADD {option} '{value}')")
    elif place == "table":
        db.execute(f"ALTER FOREIGN TABLE paged OPTIONS (ADD {option} '{value}')")
    else:
        db.execute(f"SET ddb_fdw.{option} = '{value}'")


PLACES = ["server", "table", "setting"]


@pytest.mark.parametrize("place", PLACES)
def test_denied_scan(paged, paged_proxy, the_only_error, place):
    for other in PLACES:
        put(paged, other, "scan", "deny" if other == place else "allow")
    paged.execute(QUERY)
    with paged_proxy.record() as calls:
        diag = the_only_error(paged, SCAN)
    assert diag.sqlstate == "53400"
    assert '"Paged"' in diag.message_primary
    assert '"pk"' in diag.message_detail
    assert diag.message_hint
    assert len(calls.data) == 0
    assert paged.execute(QUERY).fetchall() == ROWS
    # Looking at the plan is no scan.
    assert explain(paged, SCAN)["Node Type"] == "Foreign Scan"
    assert paged.execute(f"{SCAN} LIMIT 0").fetchall() == []


@pytest.mark.warns("full scan of DynamoDB table")
@pytest.mark.parametrize("place", PLACES)
def test_warned_scan(paged, place):
    notices = collect_notices(paged)
    put(paged, place, "scan", "warn")
    assert len(paged.execute(SCAN).fetchall()) == 25
    ((sqlstate, said),) = notices
    assert sqlstate == "01000"
    assert "Paged" in said
    assert paged.execute(QUERY).fetchall() == ROWS
    assert len(notices) == 1


@pytest.mark.warns("full scan of DynamoDB table")
def test_scan_of_rescans_warns_once(paged):
    notices = collect_notices(paged)
    put(paged, "table", "scan", "warn")
    paged.execute(
        "SELECT i, (SELECT count(*) FROM paged WHERE n = i) FROM generate_series(1, 3) i"
    )
    assert len(notices) == 1


@pytest.mark.parametrize("place", ["server", "setting"])
def test_read_units(paged, paged_proxy, the_only_error, place):
    """The canned pages cost one unit each; the table has three."""
    put(paged, place, "max_read_units", "2")
    with paged_proxy.record() as calls:
        diag = the_only_error(paged, QUERY)
    assert diag.sqlstate == "53400"
    assert "max_read_units" in everything_said(diag)
    assert diag.message_hint
    assert len(calls.data) == 2, "no request that could not be used"
    assert len(paged.execute(f"{QUERY} LIMIT 20").fetchall()) == 20
    # The next statement begins at zero, and the cap is that of a whole statement.
    assert len(paged.execute(f"{QUERY} LIMIT 20").fetchall()) == 20
    both = f"SELECT * FROM ({QUERY} LIMIT 20) a, ({QUERY} LIMIT 20) b"
    assert the_only_error(paged, both).sqlstate == "53400"


def test_strictest_cap_wins(paged):
    put(paged, "server", "max_read_units", "1")
    put(paged, "setting", "max_read_units", "100")
    assert failure(paged, QUERY).sqlstate == "53400"
    paged.execute("ALTER SERVER dynamo OPTIONS (SET max_read_units '100')")
    assert paged.execute(QUERY).fetchall() == ROWS
    put(paged, "setting", "max_read_units", "1")
    assert failure(paged, QUERY).sqlstate == "53400"


# ---- answers of others ---------------------------------------------------------------

SECRET_PAGE = b"<html><body>internal dashboard</body></html>"
PROXIES = {
    "401": (faults.Answer(401, SECRET_PAGE, "text/html"), "08004", 1),
    "403": (faults.Answer(403, SECRET_PAGE, "text/html"), "08004", 1),
    "407": (faults.Answer(407, SECRET_PAGE, "text/html"), "08004", 1),
    "429": (faults.Answer(429, SECRET_PAGE, "text/html"), "53000", 2),
    "503": (faults.Answer(503, SECRET_PAGE, "text/html"), "08006", 2),
    "404": (faults.Answer(404, b"internal dashboard", "text/plain"), "HV00M", 1),
    "json": (faults.Answer(403, b'{"message": "internal dashboard"}'), "08004", 1),
}


@pytest.mark.parametrize("name", PROXIES)
@pytest.mark.parametrize("operation", ["DescribeTable", "Query"])
def test_answers_of_a_proxy(paged, paged_proxy, the_only_error, name, operation):
    behaviour, sqlstate, tries = PROXIES[name]
    if operation == "Query":
        paged.execute(QUERY)
    with paged_proxy.inject(behaviour, operation=operation), paged_proxy.record() as calls:
        diag = the_only_error(paged, QUERY)
    assert diag.sqlstate == sqlstate
    assert "A web proxy or gateway answered" in diag.message_detail
    assert "internal dashboard" in diag.message_detail
    assert name == "json" or name in diag.message_detail
    assert "identity" not in everything_said(diag) and "capacity" not in everything_said(diag)
    assert len(calls) == tries


def test_answers_of_others_are_shown_to_superusers_only(paged, paged_proxy, connect):
    """An endpoint on loopback may be any service of the host."""
    paged.execute("CREATE ROLE errors_curious LOGIN")
    try:
        paged.execute(
            "CREATE USER MAPPING FOR errors_curious SERVER dynamo"
            " OPTIONS (access_key_id 'a', secret_access_key 'b')"
        )
        paged.execute("GRANT SELECT ON paged TO errors_curious")
        paged.execute(
            "CREATE FUNCTION as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
            f" AS $$ {QUERY.replace('SELECT n', 'SELECT count(*)').split(' ORDER')[0]} $$"
        )
        other = connect("errors_curious")
        for behaviour, sqlstate, _ in PROXIES.values():
            with paged_proxy.inject(behaviour):
                for query in (QUERY, "SELECT as_owner()"):
                    diag = failure(other, query)
                    assert diag.sqlstate == sqlstate
                    assert "dashboard" not in everything_said(diag)
        other.close()
    finally:
        paged.execute("DROP FUNCTION IF EXISTS as_owner")
        paged.execute("DROP OWNED BY errors_curious")
        paged.execute("DROP USER MAPPING IF EXISTS FOR errors_curious SERVER dynamo")
        paged.execute("DROP ROLE errors_curious")


# ---- secrets -------------------------------------------------------------------------


def test_no_secret_is_ever_said(paged, paged_proxy, cluster):
    notices = collect_notices(paged)
    start = cluster.log_size()
    paged.execute("SET client_min_messages = debug5")
    paged.execute("SET log_min_messages = debug5")
    paged.execute("SET ddb_fdw.log_requests = on")
    paged.execute("SET log_error_verbosity = verbose")
    texts = []
    for analyze in ("true", "false"):
        texts.append(str(explain(paged, QUERY, verbose="true", analyze=analyze)))
    for behaviour in (
        faults.error("InvalidSignatureException", "no"),
        faults.error("AccessDeniedException"),
        faults.throttle(),
        faults.html(200),
        faults.corrupt(),
        faults.close_before(),
        faults.rewrite_bytes(lambda body: b"{"),
    ):
        with paged_proxy.inject(behaviour, operation="Query"):
            texts.append(everything_said(failure(paged, QUERY)))
    paged.execute("RESET client_min_messages")
    paged.execute("RESET log_min_messages")
    logged = cluster.log_since(start)
    assert "DynamoDB Query" in logged
    assert len(notices) > 10
    texts += [logged, *(said for _, said in notices)]
    for text in texts:
        for secret in (SECRET, TOKEN, "Signature=", "AWS4-HMAC"):
            assert secret not in text


def test_requests_are_logged_without_values(paged, cluster):
    start = cluster.log_size()
    paged.execute("SET ddb_fdw.log_requests = on")
    paged.execute("SELECT n FROM paged WHERE pk = %s AND sk = %s", ["P", "000003"]).fetchall()
    paged.execute("SELECT n FROM paged WHERE pk = %s", ["P"]).fetchall()
    lines = [line for line in cluster.log_since(start).splitlines() if " LOG:  DynamoDB" in line]
    assert len(lines) >= 4
    for line in lines:
        assert '"Paged"' in line
        assert "000003" not in line
        for word in ("ms", "attempts", "units"):
            assert word in line, word


def test_secrets_of_others_are_not_shown(paged, connect):
    """PostgreSQL's views hide the options of others' mappings."""
    paged.execute("CREATE ROLE errors_reader LOGIN")
    try:
        paged.execute("GRANT USAGE ON FOREIGN SERVER dynamo TO errors_reader")
        reader = connect("errors_reader")
        shown = reader.execute("SELECT umoptions::text FROM pg_user_mappings").fetchall()
        assert SECRET not in str(shown)
        reader.close()
    finally:
        paged.execute("DROP OWNED BY errors_reader")
        paged.execute("DROP ROLE errors_reader")
