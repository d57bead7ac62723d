# SPDX-License-Identifier: PostgreSQL
"""Queries over the five systems of support.systems, and what an expert would
send for each by hand: the least requests and read units.

An expert's answer is a Row: operation, index, requests, items that DynamoDB
looks at, read units.  The units are reckoned by hand from the sizes in
support.systems (half a unit for each 4 KB, begun, that a page evaluates; of
GetItem and BatchGetItem, for each item); how is said beside them.  A page
behind a filter may be a little longer than hindsight would make it: there the
items and units are what must not be exceeded.
"""

import dataclasses
import typing

from support.systems import EPOCH, SYSTEMS, Rows, log_time

logs, orders, readings, scores, users = (Rows(system).where for system in SYSTEMS.values())

TABLE = None  # the table itself, as opposed to an index


@dataclasses.dataclass
class Row:
    sql: str
    operation: str | None  # None: nothing is sent
    index: str | None
    requests: int
    items: int
    units: float
    rows: typing.Callable
    prepare: str | None = None  # statement p, planned generically, that sql executes
    at_most: bool = False  # items and units are bounds
    count: bool = False  # Select COUNT: no items on the wire
    analyzed: bool = False  # takes statistics of the values
    pending: str | None = None  # why ours isn't equal yet


NOTHING = (None, TABLE, 0, 0, 0)

# ---- log service: 400 B an entry, 10.24 of them in 4 KB -------------------------

LOGS = {
    "newest 100": Row(
        "SELECT date_time, severity, message FROM logs WHERE log_partition = 'LOGS'"
        " ORDER BY date_time DESC LIMIT 100",
        *("Query", TABLE, 1, 100, 5.0),  # 40,000 B: 10 x 4 KB
        lambda: logs(
            lambda r: r["log_partition"] == "LOGS",
            give="date_time severity message",
            order="date_time",
            backward=True,
            limit=100,
        ),
    ),
    "one entry": Row(
        "SELECT message FROM logs"
        f" WHERE date_time = '{log_time(42)}' AND log_partition = 'AUDIT'",
        *("GetItem", TABLE, 1, 1, 0.5),
        lambda: [("message 42",)],
    ),
    "closed range": Row(
        "SELECT date_time FROM logs WHERE log_partition = 'LOGS'"
        f" AND date_time BETWEEN '{log_time(100)}' AND '{log_time(119)}'",
        *("Query", TABLE, 1, 20, 1.0),  # 8,000 B
        lambda: [(log_time(number),) for number in range(100, 120)],
    ),
    "half-open range": Row(
        "SELECT date_time FROM logs WHERE log_partition = 'LOGS'"
        f" AND date_time >= '{log_time(100)}' AND date_time < '{log_time(119)}'",
        *("Query", TABLE, 1, 20, 1.0),  # BETWEEN has no open end: one item more
        lambda: [(log_time(number),) for number in range(100, 119)],
    ),
    "prefix": Row(
        "SELECT date_time FROM logs WHERE log_partition = 'LOGS'"
        " AND date_time LIKE '2026-11-02T05%'",
        *("Query", TABLE, 1, 6, 0.5),  # 2,400 B
        lambda: [(log_time(number),) for number in range(174, 180)],
    ),
    "newest 10 of three partitions": Row(
        "SELECT log_partition, date_time FROM logs"
        " WHERE log_partition IN ('LOGS', 'AUDIT', 'TRACE')"
        f" AND date_time < '{log_time(40)}' ORDER BY date_time DESC LIMIT 10",
        *("Query", TABLE, 3, 30, 1.5),  # 3 x 4,000 B
        lambda: None,  # ties: see test_newest_of_three_partitions
    ),
    "newest errors": Row(
        "SELECT date_time, message FROM logs WHERE severity = 'error'"
        " ORDER BY date_time DESC LIMIT 10",
        *("Query", "bySeverity", 1, 10, 0.5),
        lambda: logs(
            lambda r: r["severity"] == "error",
            give="date_time message",
            order="date_time",
            backward=True,
            limit=10,
        ),
    ),
    "newest errors of a partition": Row(
        "SELECT date_time, message FROM logs WHERE log_partition = 'LOGS' AND severity = 'error'"
        " ORDER BY date_time DESC LIMIT 5",
        *("Query", "bySeverity", 1, 20, 1.0),  # all errors are 8,000 B
        lambda: logs(
            lambda r: r["severity"] == "error",
            give="date_time message",
            order="date_time",
            backward=True,
            limit=5,
        ),
        at_most=True,
        analyzed=True,  # without statistics filters on either key look alike
    ),
    "an error by its id": Row(
        "SELECT log_partition, date_time FROM logs WHERE error_id = 'E-107'",
        *("Query", "byError", 1, 1, 0.5),
        lambda: [("LOGS", log_time(107))],
    ),
    "an error's message": Row(
        "SELECT l.message FROM logs e JOIN logs l"
        " ON l.log_partition = e.log_partition AND l.date_time = e.date_time"
        " WHERE e.error_id = 'E-107'",
        *("BatchGetItem+Query", "None+byError", 2, 2, 1.0),  # byError has the keys only
        lambda: [("message 107",)],
    ),
    "every error id": Row(
        "SELECT error_id FROM logs WHERE error_id IS NOT NULL",
        *("Scan", "byError", 1, 20, 1.0),  # Local takes whole items here: 8,000 B
        lambda: logs(lambda r: r["error_id"] is not None, give="error_id"),
    ),
    "count of a partition": Row(
        "SELECT count(*) FROM logs WHERE log_partition = 'LOGS'",
        *("Query", TABLE, 1, 400, 20.0),  # 160,030 B: 40 x 4 KB
        lambda: [(400,)],
        count=True,
    ),
    "count by a filter": Row(
        "SELECT count(*) FROM logs WHERE severity = 'warning' AND duration > 900",
        *("Query", "bySeverity", 1, 100, 5.0),  # 40,015 B: 10 x 4 KB
        lambda: [
            (
                len(
                    logs(
                        lambda r: r["severity"] == "warning" and r["duration"] > 900,
                        give="duration",
                    )
                ),
            )
        ],
        count=True,
    ),
    "two partitions, counted": Row(
        "SELECT log_partition, count(*) FROM logs WHERE log_partition IN ('AUDIT', 'TRACE')"
        " GROUP BY log_partition",
        *("Query", TABLE, 2, 100, 5.0),  # 20,000 B each: 5 x 4 KB
        lambda: [("AUDIT", 50), ("TRACE", 50)],
        count=True,
    ),
    "count of a key by a filter": Row(
        "SELECT count(date_time) FILTER (WHERE service = 'auth') FROM logs"
        " WHERE log_partition = 'AUDIT'",
        *("Query", TABLE, 1, 50, 2.5),
        lambda: [(13,)],
        count=True,
    ),
    "newest entry's time": Row(
        "SELECT max(date_time) FROM logs WHERE log_partition = 'LOGS'",
        *("Query", TABLE, 1, 1, 0.5),
        lambda: [(log_time(399),)],
    ),
    "anything since": Row(
        "SELECT EXISTS (SELECT 1 FROM logs WHERE log_partition = 'LOGS'"
        f" AND date_time > '{log_time(10)}')",
        *("Query", TABLE, 1, 1, 0.5),
        lambda: [(True,)],
        count=True,
    ),
    "newest of a service": Row(
        "SELECT date_time FROM logs WHERE log_partition = 'LOGS' AND service = 'auth'"
        " ORDER BY date_time DESC LIMIT 5",
        *("Query", TABLE, 1, 40, 2.0),  # every fourth: 20 items in hindsight
        lambda: [(log_time(number),) for number in (396, 392, 388, 384, 380)],
        at_most=True,
    ),
    "first and last hour": Row(
        "SELECT date_time FROM logs WHERE log_partition = 'LOGS'"
        f" AND (date_time < '{log_time(6)}' OR date_time > '{log_time(393)}')",
        *("Query", TABLE, 2, 12, 1.0),  # 2 x 2,400 B
        lambda: [(log_time(number),) for number in [*range(6), *range(394, 400)]],
    ),
    "upside-down range": Row(
        "SELECT message FROM logs WHERE log_partition = 'LOGS'"
        " AND date_time > '2026-12' AND date_time < '2026-11'",
        *NOTHING,
        lambda: [],
    ),
}

# ---- shop: 2,000 B an order, ten of each customer -------------------------------

ORDERS = {
    "a customer's orders": Row(
        "SELECT order_id, total FROM orders WHERE customer_id = 'c07'",
        *("Query", TABLE, 1, 10, 2.5),  # 20,000 B: 5 x 4 KB
        lambda: orders(lambda r: r["customer_id"] == "c07", give="order_id total"),
    ),
    "three orders of a customer": Row(
        "SELECT order_id, note FROM orders"
        " WHERE order_id IN ('o00', 'o05', 'o09') AND customer_id = 'c07'",
        *("BatchGetItem", TABLE, 1, 3, 1.5),
        lambda: orders(
            lambda r: r["customer_id"] == "c07" and r["order_id"] in ("o00", "o05", "o09"),
            give="order_id note",
        ),
    ),
    "three orders of three customers": Row(
        "SELECT customer_id, note FROM orders WHERE (customer_id, order_id)"
        " IN (('c01', 'o01'), ('c02', 'o02'), ('c03', 'o03'), ('c02', 'o02'))",
        *("BatchGetItem", TABLE, 1, 3, 1.5),
        lambda: orders(
            lambda r: (r["customer_id"], r["order_id"])
            in (("c01", "o01"), ("c02", "o02"), ("c03", "o03")),
            give="customer_id note",
        ),
    ),
    "three customers": Row(
        "SELECT customer_id, order_id FROM orders WHERE customer_id = ANY ('{c01,c02,c03}')",
        *("Query", TABLE, 3, 30, 7.5),  # 3 x 5 x 4 KB
        lambda: orders(
            lambda r: r["customer_id"] in ("c01", "c02", "c03"), give="customer_id order_id"
        ),
    ),
    "three customers, sorted": Row(
        "SELECT customer_id, order_id FROM orders WHERE customer_id IN ('c03', 'c01', 'c02')"
        " ORDER BY customer_id, order_id LIMIT 10",
        *("Query", TABLE, 1, 10, 2.5),  # the first customer has them all
        lambda: [("c01", f"o{number:02}") for number in range(10)],
    ),
    "a customer's largest orders": Row(
        "SELECT order_id, total, note FROM orders WHERE customer_id = 'c07'"
        " AND total IS NOT NULL ORDER BY total DESC LIMIT 3",
        *("Query", "byTotal", 1, 3, 1.0),  # 6,000 B
        lambda: orders(
            lambda r: r["customer_id"] == "c07",
            give="order_id total note",
            order="total",
            backward=True,
            limit=3,
        ),
    ),
    "a customer's large orders": Row(
        "SELECT order_id FROM orders WHERE customer_id = 'c07' AND total > 800",
        *("Query", "byTotal", 1, 2, 0.5),  # 4,000 B
        lambda: orders(
            lambda r: r["customer_id"] == "c07" and r["total"] > 800, give="order_id"
        ),
    ),
    "oldest open orders": Row(
        "SELECT order_date, customer_id, order_id, total FROM orders WHERE status = 'open'"
        " AND order_date IS NOT NULL ORDER BY order_date LIMIT 10",
        *("Query", "byStatus", 1, 10, 0.5),  # 10 x 67 B: keys and total
        lambda: None,  # ties
    ),
    "open orders of a quarter": Row(
        "SELECT count(*) FROM orders WHERE status = 'open'"
        " AND order_date BETWEEN '2026-04-01' AND '2026-06-30'",
        *("Query", "byStatus", 1, 11, 0.5),
        lambda: [
            (
                len(
                    orders(
                        lambda r: r["status"] == "open"
                        and "2026-04-01" <= r["order_date"] <= "2026-06-30",
                        give="total",
                    )
                ),
            )
        ],
        count=True,
    ),
    "a customer's open orders": Row(
        "SELECT order_id, note FROM orders WHERE customer_id = 'c07' AND status = 'open'",
        *("Query", TABLE, 1, 10, 2.5),  # byStatus has no note
        lambda: orders(
            lambda r: r["customer_id"] == "c07" and r["status"] == "open", give="order_id note"
        ),
    ),
}

# ---- sensors: 1,000 B a reading, sixty of each device ---------------------------

READINGS = {
    "latest reading": Row(
        "SELECT ts, temperature, state FROM readings WHERE device_id = 'd3'"
        " ORDER BY ts DESC LIMIT 1",
        *("Query", TABLE, 1, 1, 0.5),
        lambda: readings(
            lambda r: r["device_id"] == "d3",
            give="ts temperature state",
            order="ts",
            backward=True,
            limit=1,
        ),
    ),
    "ten minutes": Row(
        "SELECT ts, state FROM readings WHERE device_id = 'd3'"
        f" AND ts >= {EPOCH + 600} AND ts <= {EPOCH + 1140}",
        *("Query", TABLE, 1, 10, 1.5),  # 10,000 B
        lambda: readings(
            lambda r: r["device_id"] == "d3" and EPOCH + 600 <= r["ts"] <= EPOCH + 1140,
            give="ts state",
        ),
    ),
    "first reading's time": Row(
        "SELECT min(ts) FROM readings WHERE device_id = 'd3'",
        *("Query", TABLE, 1, 1, 0.5),
        lambda: [(EPOCH,)],
    ),
    "hottest": Row(
        "SELECT max(temperature) FROM readings WHERE device_id = 'd3'",
        *("Query", "byTemperature", 1, 1, 0.5),
        lambda: [(max(readings(lambda r: r["device_id"] == "d3", give="temperature"))[0],)],
    ),
    "hot readings": Row(
        "SELECT ts, temperature FROM readings WHERE device_id = 'd3' AND temperature >= 90",
        *("Query", "byTemperature", 1, 8, 0.5),  # keys only: 8 x 45 B
        lambda: readings(
            lambda r: r["device_id"] == "d3" and r["temperature"] >= 90, give="ts temperature"
        ),
    ),
    "sum of temperatures": Row(
        "SELECT sum(temperature) FROM readings WHERE device_id = 'd3'"
        " AND temperature IS NOT NULL",
        *("Query", "byTemperature", 1, 60, 0.5),  # keys only: 60 x 45 B
        lambda: [
            (sum(t for (t,) in readings(lambda r: r["device_id"] == "d3", give="temperature")),)
        ],
    ),
    "latest of each of three": Row(
        "SELECT d, latest.ts FROM unnest('{d1,d2,d5}'::text[]) d, LATERAL"
        " (SELECT ts FROM readings WHERE device_id = d ORDER BY ts DESC LIMIT 1) latest",
        *("Query", TABLE, 3, 3, 1.5),
        lambda: [(device, EPOCH + 60 * 59) for device in ("d1", "d2", "d5")],
    ),
    "newest five, prepared": Row(
        "EXECUTE p ('d4', 5)",
        *("Query", TABLE, 1, 5, 1.0),  # 5,000 B
        lambda: [(EPOCH + 60 * number,) for number in range(59, 54, -1)],
        prepare="PREPARE p (text, bigint) AS"
        " SELECT ts FROM readings WHERE device_id = $1 ORDER BY ts DESC LIMIT $2",
    ),
}

# ---- game: 300 B a score, in the index 45 B -------------------------------------

SCORES = {
    "top ten": Row(
        "SELECT player_id, score FROM scores WHERE game = 'chess' AND score IS NOT NULL"
        " ORDER BY score DESC LIMIT 10",
        *("Query", "byScore", 1, 10, 0.5),
        lambda: scores(
            lambda r: r["game"] == "chess",
            give="player_id score",
            order="score",
            backward=True,
            limit=10,
        ),
    ),
    "how many are better": Row(
        "SELECT count(*) FROM scores WHERE game = 'go' AND score > 700",
        *("Query", "byScore", 1, 30, 0.5),
        lambda: [(30,)],
        count=True,
    ),
    "nicknames of the top five": Row(
        "SELECT s.nickname FROM scores s JOIN (SELECT player_id, game FROM scores"
        " WHERE game = 'chess' AND score IS NOT NULL ORDER BY score DESC LIMIT 5) top"
        " ON s.player_id = top.player_id AND s.game = top.game ORDER BY s.score DESC",
        *("BatchGetItem+Query", "None+byScore", 2, 10, 3.0),
        lambda: scores(
            lambda r: r["game"] == "chess",
            give="nickname",
            order="score",
            backward=True,
            limit=5,
        ),
    ),
}

# ---- accounts: 1,000 B a user ---------------------------------------------------

USERS = {
    "log in": Row(
        "SELECT user_id, name FROM users WHERE email = 'user55@example.com'",
        *("Query", "byEmail", 1, 1, 0.5),
        lambda: [("u055", "Ada 55")],
    ),
    "five users": Row(
        "EXECUTE p ('{u001,u002,u003,u005,u008}')",
        *("BatchGetItem", TABLE, 1, 5, 2.5),
        lambda: users(
            lambda r: r["user_id"] in ("u001", "u002", "u003", "u005", "u008"), give="name"
        ),
        prepare="PREPARE p (text[]) AS SELECT name FROM users WHERE user_id = ANY ($1)",
    ),
    "either of two users": Row(
        "SELECT name FROM users WHERE user_id = 'u001' OR user_id = 'u002' OR 'u001' = user_id",
        *("BatchGetItem", TABLE, 1, 2, 1.0),
        lambda: [("Bob 1",), ("Cyd 2",)],
    ),
    "no user": Row(
        "EXECUTE p (NULL)",
        *NOTHING,
        lambda: [],
        prepare="PREPARE p (text) AS SELECT name FROM users WHERE user_id = $1",
    ),
    "of no users": Row(
        "SELECT name FROM users WHERE user_id = ANY ('{}')",
        *NOTHING,
        lambda: [],
    ),
    "soon to expire": Row(
        f"SELECT user_id FROM users WHERE expires < {EPOCH + 50}",
        *("Scan", "byExpires", 1, 13, 2.0),  # 13,000 B
        lambda: [("u005",), ("u021",), ("u037",)],
    ),
    "names by pattern": Row(
        "SELECT user_id FROM users WHERE name LIKE 'A_a %5'",
        *("Scan", TABLE, 1, 200, 24.5),  # 200,000 B: 49 x 4 KB
        lambda: users(
            lambda r: r["name"].startswith("Ada ") and r["name"].endswith("5"), give="user_id"
        ),
    ),
    "names in any case": Row(
        "SELECT count(*) FROM users WHERE name ILIKE 'ada %'",
        *("Scan", TABLE, 1, 200, 24.5),
        lambda: [(40,)],
    ),
}

EXPERT = {
    (system, name): row
    for system, rows in zip(SYSTEMS, (LOGS, ORDERS, READINGS, SCORES, USERS), strict=True)
    for name, row in rows.items()
}


def answer_of(connection, row):
    if row.prepare:
        connection.execute(row.prepare)
    rows = connection.execute(row.sql).fetchall()
    if row.prepare:
        connection.execute("DEALLOCATE p")
    return rows


def fits(row, rows):
    """Are these the rows that Python finds, in the order asked for?"""
    answer = row.rows()
    if answer is None:
        return True
    if "ORDER BY" in (row.prepare or row.sql):
        return rows == answer
    return sorted(rows) == sorted(answer)
