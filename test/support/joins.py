# SPDX-License-Identifier: PostgreSQL
"""Tables that joins by key are tried on: foreign ones, and local copies of them.

    tables: load_items(resource)              # once a module
    t: join_tables(db, endpoint)              # ids, pairs, ids_here, pairs_here, l
    with only_batched(t): ...                 # however small the tables are
"""

import contextlib

from .fdw import explain, foreign_table, make_server, plan_nodes
from .regress_data import load_table
from .systems import definition, index

NODE = "DynamoDB Batch Join"

IDS = definition(("id",), "id:N")
PAIRS = definition(("pk", "sk"), "pk:S sk:N owner:S", gsis=[index("byOwner", "owner")])

ID_ITEMS = [{"id": i, "v": i % 7, "note": f"n{i}" * 10} for i in range(1200)]
PAIR_ITEMS = [
    {"pk": f"p{p}", "sk": s, "n": (p * s) % 5, "note": "x" * 40}
    | ({"owner": f"o{(p + s) % 6}"} if s % 3 else {})
    for p in range(30)
    for s in range(8)
]

ID_COLUMNS = ["id int", "v int", "note text"]
PAIR_COLUMNS = ["pk text", "sk int", "n int", "owner text", "note text"]

# Local rows: with NULLs, duplicates and keys that no item has.
LOCAL = """
CREATE TABLE l AS
  SELECT i AS row, CASE WHEN i % 11 = 0 THEN NULL ELSE (i * 7) % 90 END AS k,
         CASE WHEN i % 13 = 0 THEN NULL ELSE 'p' || i % 40 END AS pk, i % 9 AS since,
         'o' || i % 8 AS owner, i % 4 AS x
    FROM generate_series(1, 200) i
"""

JOINS_ONLY = [f"SET enable_{join}join = off" for join in ("hash", "merge")] + [
    "SET enable_nestloop = off"
]


def load_items(ddb_resource):
    load_table(ddb_resource, "BatchIds", IDS, ID_ITEMS)
    load_table(ddb_resource, "BatchPairs", PAIRS, PAIR_ITEMS)


def join_tables(db, endpoint):
    """Foreign tables ids and pairs, local copies of them, and l to join with."""
    make_server(db, endpoint)
    foreign_table(db, "ids", ID_COLUMNS, table_name="BatchIds")
    foreign_table(db, "pairs", PAIR_COLUMNS, table_name="BatchPairs")
    db.execute("CREATE TABLE ids_here AS SELECT * FROM ids")
    db.execute("CREATE TABLE pairs_here AS SELECT * FROM pairs")
    db.execute(LOCAL)
    db.execute("ANALYZE l")
    return db


def here(query):
    """The same of the local copies."""
    return query.replace("ids", "ids_here").replace("pairs", "pairs_here")


@contextlib.contextmanager
def only_batched(db):
    """So that small tables are joined like large ones."""
    for statement in JOINS_ONLY:
        db.execute(statement)
    yield
    for statement in JOINS_ONLY:
        db.execute(statement.replace("off", "on"))


def key(row):
    return [(value is not None, str(value)) for value in row]


def batched_joins(db, query, parameters=None):
    """How many of the query's plan are."""
    nodes = plan_nodes(explain(db, query, parameters))
    return [node.get("Custom Plan Provider") for node in nodes].count(NODE)
