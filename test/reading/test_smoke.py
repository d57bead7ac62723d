# SPDX-License-Identifier: PostgreSQL
"""The main job, as a user types it, request by request."""

import pytest
from support.fdw import explain, foreign_scan, log_entries, make_server

NEWEST = """
    SELECT date_time, severity, message FROM log_entries
     WHERE log_partition = 'LOGS' ORDER BY date_time DESC LIMIT 100
"""


@pytest.fixture
def logs(db, proxy, tables):
    """The foreign table, with its description cached by a first read."""
    make_server(db, proxy.endpoint)
    log_entries(db)
    db.execute("SELECT 1 FROM log_entries LIMIT 1")
    return db


@pytest.fixture(scope="module")
def items(ddb, tables):
    """All entries as boto3 reads them, oldest first."""
    pages = ddb.get_paginator("scan").paginate(TableName="LogEntries")
    found = [item for page in pages for item in page["Items"]]
    return sorted(found, key=lambda item: item["dateTime"]["S"])


def names_in(request, expression):
    """An expression's attribute names, placeholders resolved."""
    names = request.get("ExpressionAttributeNames", {})
    return {names.get(part.strip(), part.strip()) for part in request[expression].split(",")}


def test_extension(db):
    row = db.execute("SELECT extversion FROM pg_extension WHERE extname = 'ddb_fdw'").fetchone()
    assert row == ("1.0",)


def test_newest_100_is_one_query(logs, proxy, items):
    with proxy.record() as calls:
        rows = logs.execute(NEWEST).fetchall()
    newest = items[:-101:-1]
    assert rows == [tuple(i[n]["S"] for n in ("dateTime", "severity", "message")) for i in newest]
    assert calls.data.operations == ["Query"]
    request = calls.data[0].request
    assert request["TableName"] == "LogEntries"
    assert request["Limit"] == 100
    assert request["ScanIndexForward"] is False
    assert names_in(request, "ProjectionExpression") == {"dateTime", "severity", "message"}
    assert list(request["ExpressionAttributeValues"].values()) == [{"S": "LOGS"}]
    assert "FilterExpression" not in request


def test_newest_errors_read_no_further_than_needed(logs, proxy, items):
    with proxy.record() as calls:
        rows = logs.execute(
            "SELECT date_time FROM log_entries WHERE log_partition = 'LOGS'"
            " AND severity = 'error' ORDER BY date_time DESC LIMIT 5"
        ).fetchall()
    newest = [i["dateTime"]["S"] for i in reversed(items) if i["severity"]["S"] == "error"]
    assert [row[0] for row in rows] == newest[:5]
    assert set(calls.data.operations) == {"Query"}
    returned = [call.response["Count"] for call in calls.data]
    assert sum(returned[:-1]) < 5 or all("FilterExpression" not in c.request for c in calls.data)


def test_full_key_is_one_get_item(logs, proxy, items):
    wanted = items[500]
    with proxy.record() as calls:
        rows = logs.execute(
            "SELECT id, ttl_expiration FROM log_entries"
            " WHERE log_partition = 'LOGS' AND date_time = %s",
            [wanted["dateTime"]["S"]],
        ).fetchall()
    expiration = wanted.get("ttlExpiration")
    assert rows == [(wanted["id"]["S"], int(expiration["N"]) if expiration else None)]
    assert calls.data.operations == ["GetItem"]
    assert calls.data[0].request["Key"] == {n: wanted[n] for n in ("logPartition", "dateTime")}


def test_missing_attributes_are_null(logs, items):
    count = logs.execute("SELECT count(*) FROM log_entries WHERE ttl_expiration IS NULL").fetchone()
    assert count == (sum("ttlExpiration" not in item for item in items),)


def test_count(logs, items):
    assert logs.execute("SELECT count(*) FROM log_entries").fetchone() == (len(items),)


def test_join_with_a_local_table(logs, items):
    logs.execute("CREATE TABLE teams (severity text PRIMARY KEY, team text)")
    logs.execute("INSERT INTO teams VALUES ('error', 'on call'), ('warning', 'backlog')")
    rows = logs.execute(
        "SELECT team, count(*) FROM log_entries JOIN teams USING (severity) GROUP BY team"
    ).fetchall()
    severities = [item["severity"]["S"] for item in items]
    assert dict(rows) == {
        "on call": severities.count("error"),
        "backlog": severities.count("warning"),
    }


def test_explain(logs):
    node = foreign_scan(explain(logs, NEWEST))
    assert node["DynamoDB Operation"] == "Query"
    assert node["Order"] == "backward"
    assert int(node["DynamoDB Limit"]) == 100
    node = foreign_scan(explain(logs, NEWEST, analyze="true"))
    assert int(node["Requests"]) == 1
    assert int(node["Items Returned"]) == 100
