# SPDX-License-Identifier: PostgreSQL
"""What may be pushed of a query's conditions, and what must not: each query is asked
with pushdown on and off, and both must answer what is written here."""

import pytest
from support.fdw import foreign_table, make_server


@pytest.fixture
def server(db, dynamodb):
    return make_server(db, dynamodb.endpoint)


@pytest.fixture
def create(ddb):
    """Function: makes a DynamoDB table with items, gone after the test."""
    made = []

    def create(name, keys, items, types="S", lsi=(), gsi=(), **projection):
        """keys: "pk sk"; an index is such a text, too; types: S, or by name."""
        indexes = {"Local": lsi, "Global": gsi}
        names = {n for text in (keys, *lsi, *gsi) for n in text.split()}
        schemas = {
            f"{kind}SecondaryIndexes": [
                {
                    "IndexName": "by." + text.replace(" ", "."),
                    "KeySchema": schema(text),
                    "Projection": projection or {"ProjectionType": "ALL"},
                }
                for text in texts
            ]
            for kind, texts in indexes.items()
            if texts
        }
        ddb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=schema(keys),
            AttributeDefinitions=[
                {"AttributeName": n, "AttributeType": types if types == "S" else types.get(n, "S")}
                for n in sorted(names)
            ],
            **schemas,
        )
        made.append(name)
        for item in items:
            ddb.put_item(TableName=name, Item=item)

    yield create
    for name in made:
        ddb.delete_table(TableName=name)


def schema(text):
    return [
        {"AttributeName": name, "KeyType": role}
        for name, role in zip(text.split(), ("HASH", "RANGE"), strict=False)
    ]


def answers(db, query, parameters=()):
    """The rows, which are the same however they are asked for."""
    rows = db.execute(query, parameters).fetchall()
    with db.transaction():
        db.execute("SET LOCAL ddb_fdw.pushdown = off")
        assert sorted(db.execute(query, parameters).fetchall(), key=str) == sorted(rows, key=str)
    return rows


def texts(**values):
    return {name: {"S": value} for name, value in values.items()}


def test_a_filter_names_only_what_a_local_index_holds(db, server, create):
    """A Query of an LSI that names another attribute in its filter is refused."""
    items = [texts(pk="p", sk=f"{i}", x=f"{i % 3}", y=f"{i % 2}") for i in range(9)]
    create("Push.Lsi", "pk sk", items, lsi=["pk x"], ProjectionType="KEYS_ONLY")
    columns = ["pk text", "sk text", 'x text COLLATE "C"', "y text"]
    foreign_table(db, "t", columns, table_name="Push.Lsi")
    query = "SELECT sk, y FROM t WHERE pk = 'p' AND x > '1' AND y = '0' ORDER BY x, sk"
    assert answers(db, query) == [("2", "0"), ("8", "0")]
    query = "SELECT count(*) FROM t WHERE pk = 'p' AND x = '1' AND y <> '0'"
    assert answers(db, query) == [(2,)]


def test_a_filter_on_tableoid_under_limit(db, server, create):
    """LIMIT runs PostgreSQL's filter early, before the executor names the table."""
    create("Push.Oid", "pk sk", [texts(pk=f"p{i % 2}", sk=f"{i}") for i in range(8)])
    foreign_table(db, "t", ["pk text", 'sk text COLLATE "C"'], table_name="Push.Oid")
    where = "tableoid = 't'::regclass"
    query = f"SELECT sk FROM t WHERE pk = 'p1' AND {where} ORDER BY sk LIMIT 2"
    assert answers(db, query) == [("1",), ("3",)]
    query = f"SELECT sk FROM t WHERE pk IN ('p0', 'p1') AND {where} ORDER BY sk DESC LIMIT 3"
    assert answers(db, query) == [("7",), ("6",), ("5",)]
    assert len(db.execute(f"SELECT 1 FROM t WHERE {where} LIMIT 5").fetchall()) == 5


def test_order_of_partitions_asks_nothing_of_what_is_inside(db, server, create):
    """A key that does not fit is an error only where rows are in its order."""
    items = [
        {**texts(pk=pk, sk=str(n)), "x": {"N": number}}
        for pk in ("p", "q")
        for n, number in enumerate(("1", "2.5", "3"))
    ]
    create("Push.Inside", "pk sk", items, types={"x": "N"}, lsi=["pk x"])
    columns = ["pk text", "sk text", "x int OPTIONS (on_type_mismatch 'null')"]
    foreign_table(db, "t", columns, table_name="Push.Inside")
    query = "SELECT pk, sk FROM t WHERE pk IN ('q', 'p') AND x <= 5 ORDER BY pk"
    assert sorted(answers(db, query)) == [("p", "0"), ("p", "2"), ("q", "0"), ("q", "2")]


def test_repeated_values_do_not_multiply(db, server, create):
    """In lists of two keys: no more combinations than there are different values."""
    create("Push.Repeated", "pk sk", [texts(pk="p", sk=f"{n}") for n in range(3)])
    foreign_table(db, "t", ["pk text", "sk text"], table_name="Push.Repeated")
    query = "SELECT sk FROM t WHERE pk = ANY (%s) AND sk = ANY (%s)"
    lists = [["p", "q"] * 300, ["0", "2", "9"] * 300]
    assert sorted(answers(db, query, lists)) == [("0",), ("2",)]
