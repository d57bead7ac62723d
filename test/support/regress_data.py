# SPDX-License-Identifier: PostgreSQL
"""The DynamoDB tables that sql/*.sql and the tests read.

TABLES maps a name to what create_table takes beside the name, and the items in
boto3's Python types (int and Decimal are N, bytes is B, set is SS, NS or BS).
Items are made by a function, so that importing costs nothing; they must be the
same at every run.
"""

import sys

from lab.samples import KEYS, TABLE, log_entries

TABLES = {
    TABLE: (KEYS, lambda: log_entries(1000)),
}


def load(resource, names=None):
    """Creates and fills the tables; resource is a boto3 DynamoDB resource."""
    for name in names or TABLES:
        definition, items = TABLES[name]
        load_table(resource, name, definition, items())


def load_table(resource, name, definition, items):
    """The table; as it is when it has been loaded before, because a worker may come
    back to a module, with tests that it takes over from another."""
    try:
        table = resource.create_table(TableName=name, **definition)
    except resource.meta.client.exceptions.ResourceInUseException:
        return resource.Table(name)
    with table.batch_writer() as batch:
        for item in items:
            batch.put_item(Item=item)
    return table


def stored(table):
    """All items, by their partition keys."""
    page = table.scan(ConsistentRead=True)
    items = page["Items"]
    while "LastEvaluatedKey" in page:
        page = table.scan(ConsistentRead=True, ExclusiveStartKey=page["LastEvaluatedKey"])
        items += page["Items"]
    return sorted(items, key=lambda item: str(item["pk"]))


if __name__ == "__main__":
    from support import aws

    load(aws.resource(sys.argv[1]))
