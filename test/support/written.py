# SPDX-License-Identifier: PostgreSQL
"""What errors and warnings say of items that stay written in DynamoDB."""

import re
from types import SimpleNamespace

from .fdw import foreign_table, make_server

AFTER = re.compile(
    r'^after (\d+) items? of DynamoDB table "(\w+)" w\w+ written, which (?:is|are) not undone'
    r"(?:; (\d+) more may have been)?$",
    re.MULTILINE,
)
PERHAPS = re.compile(
    r'^(\d+) items? of DynamoDB table "(\w+)" may have been written$', re.MULTILINE
)
ROLLED_BACK = r"not rolled back in DynamoDB: "
ITEMS = re.compile(r'(perhaps )?(\d+) items? of table "(\w+)"(?: and perhaps (\d+) more)?')


def said_by_error(diag):
    """Of each table how many items are written, and how many more perhaps."""
    context = diag.context or ""
    found = {table: (int(n), int(more or 0)) for n, table, more in AFTER.findall(context)}
    found |= {table: (0, int(n)) for n, table in PERHAPS.findall(context)}
    assert len(found) == len(re.findall("DynamoDB table .* written", context)), context
    return found


def said_by_warning(message):
    found = {}
    for perhaps, n, table, more in ITEMS.findall(message):
        assert table not in found, message
        found[table] = (0, int(n)) if perhaps else (int(n), int(more or 0))
    return found


class Warnings:
    """What the client is told beside errors, statement by statement."""

    def __init__(self, db):
        self.said = []
        db.add_notice_handler(self.note)

    def note(self, diag):
        fields = ("sqlstate", "message_primary", "message_detail", "context")
        self.said.append(SimpleNamespace(**{field: getattr(diag, field) for field in fields}))

    def take(self):
        """Those since the last call, of what is not rolled back."""
        said, self.said = self.said, []
        found = [s for s in said if re.match(ROLLED_BACK, s.message_primary)]
        assert {s.sqlstate for s in found} <= {"01000"}
        return [said_by_warning(s.message_primary) for s in found]


class Jobs:
    """One DynamoDB table behind a proxy, as jobs and, with optimistic, as careful."""

    def __init__(self, connect, proxy, items, columns, **options):
        self.connect, self.proxy, self.items = connect, proxy, items
        self.db = connect()
        make_server(self.db, proxy.endpoint, max_attempts=4, **options)
        for name, more in (("jobs", {}), ("careful", {"optimistic": "true"})):
            foreign_table(self.db, name, columns, table_name=items.name, **more)
        self.db.execute("SELECT FROM jobs WHERE id = 'none'")

    def item(self, key):
        return self.items.get_item(Key={"id": key}, ConsistentRead=True).get("Item")
