# SPDX-License-Identifier: PostgreSQL
"""A table of a single-table design: overloaded keys, and two indexes of such."""

TABLE = {
    "KeySchema": [
        {"AttributeName": "PK", "KeyType": "HASH"},
        {"AttributeName": "SK", "KeyType": "RANGE"},
    ],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"}
        for name in ("PK", "SK", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK")
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": f"GSI{number}",
            "KeySchema": [
                {"AttributeName": f"GSI{number}PK", "KeyType": "HASH"},
                {"AttributeName": f"GSI{number}SK", "KeyType": "RANGE"},
            ],
            "Projection": projection,
        }
        for number, projection in (
            (1, {"ProjectionType": "ALL"}),
            (2, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}),
        )
    ],
    "BillingMode": "PAY_PER_REQUEST",
}
