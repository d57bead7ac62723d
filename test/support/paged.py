# SPDX-License-Identifier: PostgreSQL
"""A table of canned items that answers in pages as small as a test wants.

    with PagedTable(items(25), per_page=10) as table, Proxy(table.endpoint) as proxy:
        ...

It knows DescribeTable, GetItem, Query and Scan, Limit, ScanIndexForward,
ExclusiveStartKey and Select COUNT, and looks at no condition and no projection:
every Query gives the whole table.  Key: pk, sk, both text.
"""

import itertools

from .http import error_reply, reply
from .scripted import ScriptedServer

COLUMNS = ["pk text", 'sk text COLLATE "C"', "n int", "note text"]

DESCRIPTION = {
    "Table": {
        "TableName": "Paged",
        "TableStatus": "ACTIVE",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        "ItemCount": 0,
        "TableSizeBytes": 0,
    }
}


def make_items(count, note="note"):
    return [
        {
            "pk": {"S": "P"},
            "sk": {"S": f"{number:06}"},
            "n": {"N": str(number)},
            "note": {"S": note},
        }
        for number in range(count)
    ]


def key_of(item):
    return {"pk": item["pk"], "sk": item["sk"]}


class PagedTable(ScriptedServer):
    def __init__(self, items, per_page=10):
        self.items = items
        self.per_page = per_page
        super().__init__([self.answer], repeat_last=True)

    def answer(self, request):
        if request.operation == "DescribeTable":
            return reply(200, DESCRIPTION)
        if request.operation == "GetItem":
            found = [item for item in self.items if key_of(item) == request.json["Key"]]
            return reply(200, {"Item": found[0]} if found else {})
        if request.operation in ("Query", "Scan"):
            return reply(200, self.page(request.json))
        return error_reply("UnknownOperationException")

    def page(self, request):
        items = self.items
        if request.get("ScanIndexForward", True) is False:
            items = items[::-1]
        start = request.get("ExclusiveStartKey")
        if start is not None:
            items = list(itertools.dropwhile(lambda item: key_of(item) != start, items))[1:]
        size = min(self.per_page, request.get("Limit", self.per_page))
        page = {
            "Count": len(items[:size]),
            "ScannedCount": len(items[:size]),
            "ConsumedCapacity": {"TableName": "Paged", "CapacityUnits": 1.0},
        }
        if request.get("Select") != "COUNT":
            page["Items"] = items[:size]
        # As DynamoDB does: also when the page ends with the last item.
        if len(items) >= size:
            page["LastEvaluatedKey"] = key_of(items[size - 1])
        return page
