# SPDX-License-Identifier: PostgreSQL
"""Log entries as a log service would keep them; the same ones at every run."""

import datetime
import random
import uuid

TABLE = "LogEntries"

KEYS = {
    "KeySchema": [
        {"AttributeName": "logPartition", "KeyType": "HASH"},
        {"AttributeName": "dateTime", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": "logPartition", "AttributeType": "S"},
        {"AttributeName": "dateTime", "AttributeType": "S"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}

FIRST = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)

MESSAGES = {
    "info": [
        "order {n} paid in {ms} ms",
        "user {n} signed in",
        "mail {n} queued",
        "cache warmed, {n} entries",
    ],
    "warning": [
        "slow query: {ms} ms",
        "retrying payment {n}",
        "disk {n} % full",
    ],
    "error": [
        "payment {n} failed: card declined",
        "upstream timed out after {ms} ms",
    ],
}


def log_entries(count, seed=2026):
    """Items in boto3's Python types, oldest first; every third one expires."""
    rng = random.Random(seed)
    moment = FIRST
    for number in range(count):
        moment += datetime.timedelta(microseconds=rng.randrange(1, 17_000_000))
        severity = rng.choices(["info", "warning", "error"], [85, 10, 5])[0]
        text = rng.choice(MESSAGES[severity])
        item = {
            "logPartition": "LOGS",
            "dateTime": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "severity": severity,
            "message": text.format(n=rng.randrange(1, 100), ms=rng.randrange(5, 5000)),
        }
        if number % 3 == 0:
            item["ttlExpiration"] = int(moment.timestamp()) + 30 * 86400
        yield item
