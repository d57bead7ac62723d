# SPDX-License-Identifier: PostgreSQL
"""Five small systems that keep their data in DynamoDB, as analysts and
applications meet them: a log service, a shop, sensors, a game and accounts.

Every item of a table has the same size (SIZES, by the rules of the developer
guide), so that read units can be reckoned by hand: half a unit for each 4 KB,
begun, of what one page evaluates.  The items are the same at every run.
"""

import dataclasses
import datetime
import typing

from .regress_data import load_table

# ---- sizes ---------------------------------------------------------------------


def value_size(value):
    if isinstance(value, str):
        return len(value.encode())
    digits = str(abs(value)).strip("0") or "0"
    return 1 + (len(digits) + 1) // 2 + (value < 0)


def item_size(item):
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def padded(item, name, size):
    """The item with a text that brings it to the size."""
    return {**item, name: "x" * (size - item_size(item) - len(name))}


# ---- definitions ---------------------------------------------------------------


def key_schema(partition, sort=None):
    schema = [{"AttributeName": partition, "KeyType": "HASH"}]
    return schema + ([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else [])


def index(name, partition, sort=None, projection="ALL", include=()):
    kind = {"ProjectionType": projection}
    if include:
        kind = {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(include)}
    return {"IndexName": name, "KeySchema": key_schema(partition, sort), "Projection": kind}


def definition(keys, types, gsis=(), lsis=()):
    """types: 'pk:S sk:N ...' of all attributes that are a key of something."""
    made = {
        "KeySchema": key_schema(*keys),
        "AttributeDefinitions": [
            dict(zip(("AttributeName", "AttributeType"), one.split(":"), strict=True))
            for one in types.split()
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if gsis:
        made["GlobalSecondaryIndexes"] = list(gsis)
    if lsis:
        made["LocalSecondaryIndexes"] = list(lsis)
    return made


@dataclasses.dataclass
class System:
    table: str
    foreign: str
    columns: list
    definition: dict
    make_items: typing.Callable
    size: int

    def items(self):
        return [padded(item, "pad", self.size) for item in self.make_items()]


# ---- logs: three partitions; errors are rare and have an id --------------------

START = datetime.datetime(2026, 11, 1)


def log_time(number):
    """One entry every ten minutes of each partition."""
    moment = START + datetime.timedelta(minutes=10 * number)
    return moment.isoformat(timespec="microseconds") + "Z"


def logs():
    for partition, count in (("LOGS", 400), ("AUDIT", 50), ("TRACE", 50)):
        for number in range(count):
            error = partition == "LOGS" and number % 20 == 7
            severity = "error" if error else "warning" if number % 5 == 3 else "info"
            item = {
                "logPartition": partition,
                "dateTime": log_time(number),
                "severity": severity,
                "service": ("auth", "cart", "mail", "web")[number % 4],
                "duration": number * 37 % 1000,
                "message": f"message {number}",
            }
            if error:
                item["errorId"] = f"E-{number}"
            yield item


LOGS = System(
    "ExpertLogs",
    "logs",
    [
        "log_partition text OPTIONS (attribute 'logPartition')",
        "date_time text OPTIONS (attribute 'dateTime') COLLATE \"C\"",
        "severity text",
        "service text",
        "duration int",
        "message text",
        "error_id text OPTIONS (attribute 'errorId')",
    ],
    definition(
        ("logPartition", "dateTime"),
        "logPartition:S dateTime:S severity:S errorId:S",
        gsis=[
            index("bySeverity", "severity", "dateTime"),
            index("byError", "errorId", projection="KEYS_ONLY"),
        ],
    ),
    logs,
    400,
)

# ---- orders: ten of each customer ----------------------------------------------


def orders():
    for customer in range(20):
        for order in range(10):
            number = customer * 10 + order
            yield {
                "customerId": f"c{customer:02}",
                "orderId": f"o{order:02}",
                "status": ("open", "paid", "sent", "sent", "sent")[number % 5],
                "orderDate": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
                "total": number * 7919 % 1000 + 1,
                "note": f"note {number}",
            }


ORDERS = System(
    "ExpertOrders",
    "orders",
    [
        "customer_id text OPTIONS (attribute 'customerId')",
        "order_id text OPTIONS (attribute 'orderId') COLLATE \"C\"",
        "status text",
        "order_date text OPTIONS (attribute 'orderDate') COLLATE \"C\"",
        "total numeric",
        "note text",
    ],
    definition(
        ("customerId", "orderId"),
        "customerId:S orderId:S status:S orderDate:S total:N",
        gsis=[index("byStatus", "status", "orderDate", include=["total"])],
        lsis=[index("byTotal", "customerId", "total")],
    ),
    orders,
    2000,
)

# ---- readings: sixty of each sensor, one a minute ------------------------------

EPOCH = 1_790_000_000


def readings():
    for device in range(10):
        for number in range(60):
            yield {
                "deviceId": f"d{device}",
                "ts": EPOCH + 60 * number,
                "temperature": (device * 31 + number * 17) % 100,
                "state": "ok" if number % 10 else "check",
            }


READINGS = System(
    "ExpertReadings",
    "readings",
    [
        "device_id text OPTIONS (attribute 'deviceId')",
        "ts bigint",
        "temperature int",
        "state text",
    ],
    definition(
        ("deviceId", "ts"),
        "deviceId:S ts:N temperature:N",
        lsis=[index("byTemperature", "deviceId", "temperature", projection="KEYS_ONLY")],
    ),
    readings,
    1000,
)

# ---- scores: a hundred players of three games ----------------------------------


def scores():
    for player in range(100):
        for number, game in enumerate(("chess", "go", "tetris")):
            yield {
                "playerId": f"p{player:03}",
                "game": game,
                "score": player * 7 % 100 * 10 + number,
                "nickname": f"nick {player}",
            }


SCORES = System(
    "ExpertScores",
    "scores",
    [
        "player_id text OPTIONS (attribute 'playerId')",
        'game text COLLATE "C"',
        "score int",
        "nickname text",
    ],
    definition(
        ("playerId", "game"),
        "playerId:S game:S score:N",
        gsis=[index("byScore", "game", "score", projection="KEYS_ONLY")],
    ),
    scores,
    300,
)

# ---- users: few of them expire -------------------------------------------------


def users():
    for number in range(200):
        item = {
            "userId": f"u{number:03}",
            "email": f"user{number}@example.com",
            "name": f"{'Ada Bob Cyd Dan Eve'.split()[number % 5]} {number}",
        }
        if number % 16 == 5:
            item["expires"] = EPOCH + number
        yield item


USERS = System(
    "ExpertUsers",
    "users",
    ["user_id text OPTIONS (attribute 'userId')", "email text", "name text", "expires bigint"],
    definition(
        ("userId",),
        "userId:S email:S expires:N",
        gsis=[index("byEmail", "email"), index("byExpires", "expires")],
    ),
    users,
    1000,
)

SYSTEMS = {one.foreign: one for one in (LOGS, ORDERS, READINGS, SCORES, USERS)}


def load(resource):
    for system in SYSTEMS.values():
        load_table(resource, system.table, system.definition, system.items())


class Rows:
    """A system's items as a Python list with SQL's column names: what the answers
    are reckoned from."""

    def __init__(self, system):
        self.attributes = {}
        for column in system.columns:
            name = column.split()[0]
            quoted = column.split("attribute '")
            self.attributes[name] = quoted[1].split("'")[0] if len(quoted) > 1 else name
        self.rows = [
            {name: item.get(attribute) for name, attribute in self.attributes.items()}
            for item in system.make_items()
        ]

    def where(self, condition=lambda row: True, *, give, order=None, backward=False, limit=None):
        """Tuples of the columns in give (words), of the rows that fit; by default
        in the table's order, which no query without ORDER BY promises."""
        found = [row for row in self.rows if condition(row)]
        if order:
            found.sort(key=lambda row: [row[name] for name in order.split()], reverse=backward)
        return [tuple(row[name] for name in give.split()) for row in found[:limit]]
