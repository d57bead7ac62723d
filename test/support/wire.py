# SPDX-License-Identifier: PostgreSQL
"""Requests in short, as tests compare them."""

import re


def substituted(request):
    """The key condition with names and values in their places."""
    condition = request["KeyConditionExpression"]
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    condition = re.sub(r"#\w+", lambda m: names[m.group()], condition)
    return re.sub(r":\w+", lambda m: repr(next(iter(values[m.group()].values()))), condition)


def projection(request):
    names = request.get("ExpressionAttributeNames", {})
    parts = request.get("ProjectionExpression", "").split(",")
    return {names.get(part.strip(), part.strip()) for part in parts} - {""}


def in_short(call):
    """'Query pk = 'P' limit 5 backward': what the tables below expect."""
    request = call.request
    words = [call.operation]
    if "IndexName" in request:
        words.append(f"on {request['IndexName']}")
    if "Key" in request:
        words.append(",".join(next(iter(v.values())) for v in request["Key"].values()))
    if "KeyConditionExpression" in request:
        words.append(substituted(request))
    if "Limit" in request:
        words.append(f"limit {request['Limit']}")
    if request.get("ScanIndexForward") is False:
        words.append("backward")
    if request.get("Select") == "COUNT":
        words.append("count")
    if "ExclusiveStartKey" in request:
        words.append("continued")
    assert request["ReturnConsumedCapacity"] == "TOTAL"
    return " ".join(words)


def sent(db, proxy, query, parameters=None):
    """(rows, what was sent in short)"""
    with proxy.record() as calls:
        rows = db.execute(query, parameters).fetchall()
    return rows, [in_short(call) for call in calls]
