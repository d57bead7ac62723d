# SPDX-License-Identifier: PostgreSQL
"""The main job and the expert's queries on other emulators: moto's server and
dynalite (skipped where Node.js is missing).

They are looser than DynamoDB where types are mixed or attributes missing, so
the items here are homogeneous.  Read units are theirs to reckon: only requests
are compared.
"""

import datetime
import decimal
import json
import uuid

import psycopg
import pytest
from lab import wait_until
from lab.emulators import Dynalite, Moto, install_dynalite
from lab.samples import KEYS, TABLE, log_entries
from support import aws, systems
from support.expert import EXPERT, answer_of, fits
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.fdw import log_entries as log_entries_table
from support.proxy import Proxy, made_reply
from support.systems import SYSTEMS

EMULATORS = {"moto": Moto, "dynalite": Dynalite}

ENTRIES = 1000

PARTITION_KEYS = systems.definition(("pk", "sk"), "pk:S sk:N")


def partition_items():
    """Three pages."""
    for partition in range(12):
        for number in range(30):
            yield {"pk": f"p{partition}", "sk": number, "text": "x" * 10_000}


def load_table(client, resource, name, definition, items):
    client.create_table(TableName=name, **definition)
    wait_until(
        lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", name
    )
    with resource.Table(name).batch_writer() as batch:
        for item in items:
            batch.put_item(Item=item)


@pytest.fixture(scope="session", params=EMULATORS)
def emulator(request, workspace):
    """With the log entries and the five systems in it."""
    if request.param == "dynalite":
        missing = install_dynalite()
        if missing:
            pytest.skip(missing)
    emulator = EMULATORS[request.param](workspace).start()
    client, resource = aws.client(emulator.endpoint), aws.resource(emulator.endpoint)
    load_table(client, resource, TABLE, KEYS, log_entries(ENTRIES))
    for system in SYSTEMS.values():
        load_table(client, resource, system.table, system.definition, system.items())
    load_table(client, resource, "Partitions", PARTITION_KEYS, partition_items())
    yield emulator
    emulator.stop()


@pytest.fixture
def emulated(emulator):
    with Proxy(emulator.endpoint) as proxy:
        yield proxy


@pytest.fixture
def entries(db, emulated):
    make_server(db, emulated.endpoint)
    log_entries_table(db)
    return db


@pytest.fixture
def analyst(db, emulated):
    make_server(db, emulated.endpoint)
    db.execute("SET plan_cache_mode = force_generic_plan")
    for system in SYSTEMS.values():
        foreign_table(db, system.foreign, system.columns, table_name=system.table)
    return db


def everything():
    return sorted(item["dateTime"] for item in log_entries(ENTRIES))


def test_newest_hundred(entries, emulated):
    query = (
        "SELECT date_time, severity, message FROM log_entries"
        " WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 100"
    )
    with emulated.record() as calls:
        rows = entries.execute(query).fetchall()
    assert [row[0] for row in rows] == everything()[:-101:-1]
    (call,) = calls.data
    assert call.operation == "Query"
    assert call.request["Limit"] == 100
    assert call.request["ScanIndexForward"] is False
    scan = foreign_scan(explain(entries, query, analyze=""))
    assert (scan["Requests"], scan["Items Returned"]) == (1, 100)
    assert scan["Read Units"] > 0


def test_newest_errors(entries, emulated):
    expected = sorted(
        (i["dateTime"] for i in log_entries(ENTRIES) if i["severity"] == "error"), reverse=True
    )
    with emulated.record() as calls:
        rows = entries.execute(
            "SELECT date_time FROM log_entries WHERE log_partition = 'LOGS'"
            " AND severity = 'error' ORDER BY date_time DESC LIMIT 10"
        ).fetchall()
    assert [row[0] for row in rows] == expected[:10]
    assert sum(call.response["ScannedCount"] for call in calls.data) < ENTRIES


def test_one_entry(entries, emulated):
    time = everything()[500]
    query = (
        "SELECT id, ttl_expiration FROM log_entries"
        f" WHERE log_partition = 'LOGS' AND date_time = '{time}'"
    )
    with emulated.record() as calls:
        ((identity, expiration),) = entries.execute(query).fetchall()
    assert calls.data.operations == ["GetItem"]
    (item,) = [i for i in log_entries(ENTRIES) if i["dateTime"] == time]
    assert (identity, expiration) == (item["id"], item.get("ttlExpiration"))
    missing = query.replace(time, "2000")
    assert entries.execute(missing).fetchall() == []


def test_many_keys(entries, emulated):
    times = everything()[:30]
    with emulated.record() as calls:
        rows = entries.execute(
            "SELECT date_time FROM log_entries WHERE log_partition = 'LOGS'"
            " AND date_time = ANY (%s)",
            [times + times[:10] + ["2000"]],
        ).fetchall()
    assert sorted(row[0] for row in rows) == times
    assert calls.data.operations == ["BatchGetItem"]


def test_whole_table(entries, emulated):
    assert entries.execute("SELECT count(*) FROM log_entries").fetchone() == (ENTRIES,)
    rows = entries.execute("SELECT date_time, message FROM log_entries").fetchall()
    assert sorted(rows) == sorted((i["dateTime"], i["message"]) for i in log_entries(ENTRIES))


def test_pages(entries, emulated):
    """A full last page may or may not announce another."""
    for limit in (1, 7, ENTRIES - 1, ENTRIES, ENTRIES + 1):
        rows = entries.execute(
            "SELECT date_time FROM log_entries WHERE log_partition = 'LOGS'"
            f" ORDER BY date_time LIMIT {limit}"
        ).fetchall()
        assert [row[0] for row in rows] == everything()[:limit]


def test_cursor_reads_on(entries):
    """More than one page: what moto and dynalite give to continue with."""
    with entries.transaction():
        entries.execute(
            "DECLARE c CURSOR FOR SELECT date_time FROM log_entries"
            " WHERE log_partition = 'LOGS' AND severity <> 'error' ORDER BY date_time LIMIT 400"
        )
        rows = entries.execute("FETCH 3 FROM c").fetchall()
        rows += entries.execute("FETCH ALL FROM c").fetchall()
    expected = sorted(i["dateTime"] for i in log_entries(ENTRIES) if i["severity"] != "error")
    assert [row[0] for row in rows] == expected[:400]


def test_join(entries):
    entries.execute('CREATE TABLE wanted (t text COLLATE "C")')
    entries.execute("INSERT INTO wanted SELECT unnest(%s::text[])", [everything()[10:20]])
    rows = entries.execute(
        "SELECT date_time FROM wanted JOIN log_entries"
        " ON log_partition = 'LOGS' AND date_time = t ORDER BY 1"
    ).fetchall()
    assert [row[0] for row in rows] == everything()[10:20]


def test_experts_rows(analyst):
    wrong = {}
    for key, row in EXPERT.items():
        try:
            rows = answer_of(analyst, row)
        except psycopg.Error as error:
            wrong[key] = str(error)
            continue
        if not fits(row, rows):
            wrong[key] = rows
    assert not wrong


def test_analyze(analyst):
    """Whoever counts what: a small table is read whole."""
    analyst.execute("ANALYZE " + ", ".join(SYSTEMS))
    for system in SYSTEMS.values():
        (rows,) = analyst.execute(
            "SELECT reltuples FROM pg_class WHERE relname = %s", [system.foreign]
        ).fetchone()
        assert rows == len(list(system.make_items())), system.foreign
    (common,) = analyst.execute(
        "SELECT most_common_vals::text FROM pg_stats"
        " WHERE tablename = 'logs' AND attname = 'log_partition'"
    ).fetchone()
    assert common == "{LOGS,AUDIT,TRACE}"


UNCOUNTED = [
    ("logs", "every error id"),
    ("users", "soon to expire"),
    ("logs", "an error's message"),
]


def differences(connection, emulated, rows):
    """What is sent otherwise than to DynamoDB Local."""
    different = {}
    for key, row in rows.items():
        with emulated.record() as calls:
            answer_of(connection, row)
        operations = "+".join(sorted(set(calls.data.operations))) or None
        indexes = {call.request.get("IndexName") for call in calls.data}
        index = "+".join(sorted(map(str, indexes))) if indexes - {None} else None
        seen = (operations, index, len(calls.data))
        if seen != (row.operation, row.index, row.requests):
            different[key] = seen
    return different


def test_experts_requests(analyst, emulated):
    """But for how pages behind a filter grow."""
    rows = {
        key: row
        for key, row in EXPERT.items()
        if key not in UNCOUNTED and not row.pending and not row.at_most
    }
    assert not differences(analyst, emulated, rows)


def test_plans_without_counts(analyst, emulated):
    """Neither counts the items of indexes, dynalite not even those of tables, and
    DynamoDB itself takes six hours.  Yet no index holds more than its table, and a
    table of unknown size is no reason to Scan."""
    assert not differences(analyst, emulated, {key: EXPERT[key] for key in UNCOUNTED})


CONDITIONS = [
    "duration = 37",
    "duration <> 37",
    "duration > 500 AND duration <= 700",
    "duration NOT BETWEEN 100 AND 900",
    "service IN ('auth', 'web')",
    "service NOT IN ('auth', 'web')",
    "service LIKE 'a%'",
    "service NOT LIKE 'a%'",
    "message LIKE '%99%'",
    "strpos(message, '7') > 0",
    "message ILIKE '%AGE 7'",
    "NOT (severity = 'info' OR service = 'mail')",
    "severity = 'error' AND (service = 'web' OR duration < 300)",
    "error_id IS NULL",
    "error_id IS NOT NULL",
    "error_id <> 'E-7'",
    "error_id > 'E-2' COLLATE \"C\"",
    "error_id IS DISTINCT FROM 'E-7'",
    "log_partition = 'LOGS' AND error_id IS NULL AND duration > 900",
    "log_partition IN ('AUDIT', 'TRACE') AND duration < 100",
    "service < severity COLLATE \"C\"",
]


def test_filters(analyst):
    """Against PostgreSQL's answer on a copy."""
    analyst.execute("CREATE TABLE copy AS SELECT * FROM logs")
    different = {}
    for number, condition in enumerate(CONDITIONS):
        query = f"SELECT log_partition, date_time FROM {{}} WHERE {condition} ORDER BY 1, 2"
        rows = analyst.execute(query.format("copy")).fetchall()
        assert 0 < len(rows) < 500, condition
        found = analyst.execute(query.format("logs")).fetchall()
        if number % 4 == 0:
            (count,) = analyst.execute(f"SELECT count(*) FROM logs WHERE {condition}").fetchone()
            assert count == len(rows), condition
        if found != rows:
            different[condition] = (len(rows), len(found))
    assert not different


MOMENT = datetime.datetime(2026, 11, 2, 3, 4, 5, 678901, tzinfo=datetime.timezone.utc)

LARGEST = "9." + 37 * "9" + "E+125"  # the largest number
EXACT = "12345678901234567890123456789.012345678"
IDENTITY = uuid.UUID("6f0f4f0a-0000-4000-8000-00000000abcd")

VALUES = [
    # (declaration, stored, value)
    ("text", {"S": "täxt 𝄞 \n\t\"\\"}, "täxt 𝄞 \n\t\"\\"),
    ("text", {"S": ""}, ""),
    ("varchar(10)", {"S": "varchar"}, "varchar"),
    ("uuid", {"S": str(IDENTITY)}, IDENTITY),
    ("smallint", {"N": "-32768"}, -32768),
    ("integer", {"N": "2147483647"}, 2147483647),
    ("bigint", {"N": "-9223372036854775808"}, -9223372036854775808),
    ("bigint", {"N": "100000000000"}, 100000000000),
    ("numeric", {"N": EXACT}, decimal.Decimal(EXACT)),
    ("numeric", {"N": "1E-130"}, decimal.Decimal("1E-130")),
    ("numeric", {"N": LARGEST}, decimal.Decimal(LARGEST)),
    ("real", {"N": "1.5"}, 1.5),
    ("double precision", {"N": "-2.5E-10"}, -2.5e-10),
    ("boolean", {"BOOL": True}, True),
    ("boolean", {"BOOL": False}, False),
    ("bytea", {"B": b"\x00\x01\xff"}, b"\x00\x01\xff"),
    ("bytea", {"B": b""}, b""),
    ("date", {"S": "2026-11-02"}, datetime.date(2026, 11, 2)),
    ("timestamptz", {"S": "2026-11-02T03:04:05.678901Z"}, MOMENT),
    ("timestamptz OPTIONS (format 'epoch')", {"N": "1793588645"}, MOMENT.replace(microsecond=0)),
    (
        "timestamptz OPTIONS (format 'epoch_ms')",
        {"N": "1793588645678"},
        MOMENT.replace(microsecond=678000),
    ),
    ("text", {"NULL": True}, None),
    ("integer", None, None),
]


def test_values(db, emulator, emulated):
    client = aws.client(emulator.endpoint)
    name = f"Values.{uuid.uuid4().hex[:8]}"
    client.create_table(TableName=name, **systems.definition(("pk",), "pk:S"))
    wait_until(
        lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", name
    )
    stored = {f"c{i}": value for i, (_, value, _) in enumerate(VALUES) if value is not None}
    client.put_item(TableName=name, Item={"pk": {"S": "item"}, **stored})
    make_server(db, emulated.endpoint)
    db.execute("SET timezone = 'UTC'")
    columns = [f"c{i} {declaration}" for i, (declaration, _, _) in enumerate(VALUES)]
    foreign_table(db, "v", ["pk text", *columns], table_name=name)
    for query in ("SELECT * FROM v", "SELECT * FROM v WHERE pk = 'item'"):
        row = db.execute(query).fetchone()[1:]
        wrong = [
            (value, found)
            for value, found in zip(VALUES, row, strict=True)
            if found != value[2] or type(found) is not type(value[2])
        ]
        assert not wrong


def test_big_items(db, emulator, emulated):
    """Several pages of 1 MB, each as the emulator cuts them."""
    client = aws.client(emulator.endpoint)
    name = f"Big.{uuid.uuid4().hex[:8]}"
    client.create_table(TableName=name, **systems.definition(("pk", "sk"), "pk:S sk:N"))
    wait_until(
        lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", name
    )
    for number in range(12):
        item = {"pk": {"S": "P"}, "sk": {"N": str(number)}, "v": {"S": "ö" * 150_000}}
        client.put_item(TableName=name, Item=item)
    make_server(db, emulated.endpoint)
    foreign_table(db, "big", ["pk text", "sk int", "v text"], table_name=name)
    expected = [(number, 150_000) for number in range(12)]
    with emulated.record() as calls:
        rows = db.execute("SELECT sk, length(v) FROM big WHERE pk = 'P' ORDER BY sk").fetchall()
    assert rows == expected
    assert calls.data.count() > 1
    assert sorted(db.execute("SELECT sk, length(v) FROM big").fetchall()) == expected
    keys = db.execute("SELECT sk FROM big WHERE pk = 'P' AND sk IN (3, 1, 99, 7)").fetchall()
    assert sorted(keys) == [(1,), (3,), (7,)]


def test_missing_table(db, emulated):
    make_server(db, emulated.endpoint)
    foreign_table(db, "nothing", ["pk text"], table_name="Nothing")
    with pytest.raises(psycopg.Error) as caught:
        db.execute("SELECT * FROM nothing")
    assert caught.value.sqlstate == "HV00R"
    assert "Nothing" in str(caught.value)


def test_missing_index(entries, emulated):
    log_entries_table(entries, "indexed", index_name="byNobody")
    with pytest.raises(psycopg.Error) as caught:
        entries.execute("SELECT * FROM indexed")
    assert caught.value.sqlstate == "42704"
    assert "byNobody" in str(caught.value)


class Enlarging(Proxy):
    """Says of every table that it is large: what they say themselves differs."""

    def _forward(self, upstream, request):
        reply = super()._forward(upstream, request)
        if request.operation != "DescribeTable":
            return reply
        body = json.loads(reply.body)
        body["Table"] |= {"ItemCount": 50_000, "TableSizeBytes": 500_000_000}
        return made_reply(200, json.dumps(body).encode())


def test_partitions_are_skipped(db, emulator):
    """They take made-up start keys as DynamoDB does."""
    with Enlarging(emulator.endpoint) as proxy:
        make_server(db, proxy.endpoint)
        foreign_table(db, "partitions", ["pk text", "sk int"], table_name="Partitions")
        with proxy.record() as calls:
            rows = db.execute("SELECT DISTINCT pk FROM partitions ORDER BY pk").fetchall()
    assert rows == sorted((f"p{partition}",) for partition in range(12))
    scans = [call for call in calls.data if call.operation == "Scan"]
    assert [call.request["Limit"] for call in scans] == [1] * 13


def test_writes(db, emulator, emulated):
    """Every kind of write, and conditions that hold and do not."""
    client, resource = aws.client(emulator.endpoint), aws.resource(emulator.endpoint)
    name = f"Writes{uuid.uuid4().hex}"
    load_table(client, resource, name, PARTITION_KEYS, [])
    make_server(db, emulated.endpoint)
    columns = ["pk text", "sk int", "v int", "s text", "doc jsonb"]
    columns.append("city text OPTIONS (attribute 'address.city')")
    foreign_table(db, "t", columns, table_name=name)
    foreign_table(db, "puts", columns, table_name=name, insert_mode="put")
    insert = "INSERT INTO t (pk, sk, v) SELECT 'a', i, i FROM generate_series(1, 40) i"
    assert db.execute(insert).rowcount == 40
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute(insert)
    assert db.execute(insert + " ON CONFLICT DO NOTHING").rowcount == 0
    assert db.execute(insert.replace("INTO t", "INTO puts")).rowcount == 40
    where = "WHERE pk = 'a' AND sk = 3 AND v = 3"
    assert db.execute(f"UPDATE t SET v = 30, s = 'x' {where}").rowcount == 1
    assert db.execute(f"UPDATE t SET v = 31 {where}").rowcount == 0
    assert db.execute("UPDATE t SET v = v + 1 WHERE pk = 'a' AND v < 3").rowcount == 2
    assert db.execute("UPDATE t SET city = 'Bern' WHERE pk = 'a' AND sk = 4").rowcount == 1
    assert db.execute("UPDATE t SET doc = '{\"a\": [1]}', s = NULL WHERE sk IN (3, 4)").rowcount == 2
    assert db.execute("DELETE FROM t WHERE pk = 'a' AND sk > 4").rowcount == 36
    assert db.execute("SELECT sk, v, s, doc, city FROM t ORDER BY sk").fetchall() == [
        (1, 2, None, None, None),
        (2, 3, None, None, None),
        (3, 30, None, {"a": [1]}, None),
        (4, 4, None, {"a": [1]}, "Bern"),
    ]
    assert db.execute("DELETE FROM t WHERE pk = 'a' AND sk = 1 RETURNING v").fetchall() == [(2,)]
