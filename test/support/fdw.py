# SPDX-License-Identifier: PostgreSQL
"""SQL for servers and foreign tables, and what EXPLAIN says about them.

    make_server(db, proxy.endpoint, max_attempts=3)
    foreign_table(db, "t", ["pk text", "sk text COLLATE \\"C\\"", "n int"], table_name="T")
    log_entries(db)                                   # the table of the samples
"""

from psycopg import sql

ACCESS_KEY = "test"  # DynamoDB Local takes letters and digits only
SECRET_KEY = "secret"

LOG_ENTRIES_COLUMNS = [
    "log_partition text OPTIONS (attribute 'logPartition')",
    "date_time text OPTIONS (attribute 'dateTime') COLLATE \"C\"",
    "id text",
    "severity text",
    "message text",
    "ttl_expiration bigint OPTIONS (attribute 'ttlExpiration')",
]


def options_clause(options):
    """OPTIONS (name 'value', ...); true and false as PostgreSQL spells them."""
    if not options:
        return sql.SQL("")
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in options.items()
    }
    return sql.SQL(" OPTIONS ({})").format(
        sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(name), sql.Literal(text))
            for name, text in texts.items()
        )
    )


def make_server(db, endpoint, name="dynamo", mapping=True, **options):
    """A server, and unless mapping is false a user mapping with keys for it;
    mapping may also be a dict of user mapping options."""
    options = {"region": "us-east-1", "endpoint_url": endpoint, **options}
    server = sql.Identifier(name)
    db.execute(
        sql.SQL("CREATE SERVER {} FOREIGN DATA WRAPPER ddb_fdw{}").format(
            server, options_clause(options)
        )
    )
    if mapping is True:
        mapping = {"access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY}
    if mapping is not False:
        db.execute(
            sql.SQL("CREATE USER MAPPING FOR CURRENT_USER SERVER {}{}").format(
                server, options_clause(mapping)
            )
        )
    return name


def foreign_table(db, name, columns, server="dynamo", **options):
    """columns: SQL text of one column each."""
    db.execute(
        sql.SQL("CREATE FOREIGN TABLE {} ({}) SERVER {}{}").format(
            sql.Identifier(name),
            sql.SQL(", ").join(map(sql.SQL, columns)),
            sql.Identifier(server),
            options_clause(options),
        )
    )
    return name


def log_entries(db, name="log_entries", server="dynamo", **options):
    options.setdefault("table_name", "LogEntries")
    return foreign_table(db, name, LOG_ENTRIES_COLUMNS, server, **options)


def explain(db, query, parameters=None, **options):
    """The plan as EXPLAIN (FORMAT JSON) gives it."""
    words = ["FORMAT JSON"] + [f"{name} {value}" for name, value in options.items()]
    row = db.execute(f"EXPLAIN ({', '.join(words)}) {query}", parameters).fetchone()
    return row[0][0]["Plan"]


def plan_nodes(plan):
    """The node and all below it."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from plan_nodes(child)


def foreign_scan(plan):
    """The one foreign scan of a plan."""
    (node,) = [n for n in plan_nodes(plan) if n["Node Type"] == "Foreign Scan"]
    return node


def both(db, query, parameters=None):
    """Sorted rows of a query, as pushed and as PostgreSQL alone finds them."""
    pushed = db.execute(query, parameters).fetchall()
    db.execute("SET ddb_fdw.pushdown = off")
    local = db.execute(query, parameters).fetchall()
    db.execute("SET ddb_fdw.pushdown = on")
    return sorted(pushed), sorted(local)
