# SPDX-License-Identifier: PostgreSQL
"""docs/manual.md names what the sources name: options, settings, EXPLAIN's
labels, SQLSTATEs; and whatever else the documents point to exists."""

import pathlib
import re

import psycopg
import pytest
from lab.processes import REPOSITORY
from support.fdw import explain, foreign_scan, foreign_table, make_server
from support.regress_data import load_table

MANUAL = (REPOSITORY / "docs" / "manual.md").read_text()
DOCUMENTS = [
    "README.md",
    "CHANGELOG.md",
    *(str(p.relative_to(REPOSITORY)) for p in sorted((REPOSITORY / "docs").rglob("*.md"))),
]
SECTIONS = {"SERVER": "Server", "USER": "User mapping", "TABLE": "Foreign table", "COLUMN": "Column"}


def source(path):
    return (REPOSITORY / "src" / path).read_text()


def all_sources():
    return "\n".join(p.read_text() for p in sorted((REPOSITORY / "src").rglob("*.[ch]")))


def section(title, level="##"):
    """The manual's text below a heading, up to the next as high."""
    found = re.search(
        rf"^{level} {re.escape(title)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)",
        MANUAL,
        re.MULTILINE | re.DOTALL,
    )
    assert found, f"the manual has no section {title}"
    return found[1]


def first_cells(text):
    return re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)


def named_in_tables(text):
    """What stands in backquotes in the first cell of each row."""
    return {name for cell in first_cells(text) for name in re.findall(r"`([^`]+)`", cell)}


def options():
    """(name, where, flags, default) of each row of the option table."""
    table = re.search(r"ddb_options\[\] = \{(.*?)\n\};", source("model/options.c"), re.DOTALL)[1]

    def member(row, name):
        found = re.search(rf"\.{name} = ((?:\"[^\"]*\"\s*)+|[^,}}]+)", row)
        return re.sub(r"\"\s*\"", "", found[1].strip()).strip('"') if found else None

    rows = re.split(r"\n\t(?=\{)", table)[1:]
    assert len(rows) > 40
    return [
        (
            member(row, "name"),
            member(row, "objects").split(" | "),
            member(row, "flags") or "",
            member(row, "default_text"),
        )
        for row in rows
    ]


@pytest.mark.parametrize("where", SECTIONS)
def test_options(where):
    here = {name for name, places, *_ in options() if where in places}
    text = section(SECTIONS[where], "###")
    documented = named_in_tables(text)
    assert here <= documented, f"not in the manual: {sorted(here - documented)}"
    assert documented <= here, f"not an option: {sorted(documented - here)}"


def test_options_that_come_later_are_marked():
    for name, _, flags, _ in options():
        if "DDB_OPTION_LATER" in flags:
            rows = re.findall(rf"^\|[^|]*`{name}`[^|]*\|.*$", section("Objects and options"), re.M)
            assert rows and all("*later*" in row for row in rows), name


def test_defaults():
    """Short ones, of the server's options: as the table of options has them."""
    text = section("Server", "###")
    for name, places, flags, default in options():
        if "SERVER" in places and default and " " not in default and "LATER" not in flags:
            (row,) = re.findall(rf"^\|[^|]*`{name}`[^|]*\|.*$", text, re.MULTILINE)
            assert f"`{default}`" in row.rsplit("|", 2)[1], (name, default)


def test_settings():
    defined = set(re.findall(r"\"(ddb_fdw\.\w+)\"", source("model/guc.c")))
    assert defined
    assert defined == named_in_tables(section("Settings"))


def test_explain_labels():
    files = ("scan/explain", "join/batch_join_exec", "join/concurrent_loop_exec", "modify/modify_exec")
    text = "".join(source(f"{name}.c") for name in files)
    labels = set(re.findall(r"(?:ExplainProperty\w+|show_clauses)\(\s*\"([^\"]+)\"", text))
    labels |= set(re.findall(r"\"((?:Page Size|DynamoDB Limit))\"", text))
    assert {"DynamoDB Operation", "Page Size", "Requests"} <= labels
    documented = named_in_tables(section("EXPLAIN"))
    assert labels <= documented, f"not in the manual: {sorted(labels - documented)}"
    assert documented <= labels | {"Filter"}, f"not a label: {sorted(documented - labels)}"


def test_sqlstates(tree):
    header = pathlib.Path(tree.ask("--includedir-server")) / "utils" / "errcodes.h"
    codes = {
        name: "".join(re.findall(r"'(.)'", characters))
        for name, characters in re.findall(
            r"#define (ERRCODE_\w+) MAKE_SQLSTATE\((.*)\)", header.read_text()
        )
    }
    # Of others' errors, which are caught and not raised.
    names = set(re.findall(r"\bERRCODE_\w+", all_sources())) - {
        "ERRCODE_DATA_EXCEPTION",
        "ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION",
        "ERRCODE_INVALID_SCHEMA_NAME",
        "ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION",
        "ERRCODE_PLPGSQL_ERROR",
        "ERRCODE_INTERNAL_ERROR",
        "ERRCODE_SYNTAX_ERROR",
        "ERRCODE_INVALID_NAME",
        "ERRCODE_OPERATOR_INTERVENTION",
        "ERRCODE_SYSTEM_ERROR",
        "ERRCODE_SUCCESSFUL_COMPLETION",
    }
    used = {codes[name] for name in names if name in codes}
    documented = set(re.findall(r"\b[0-9A-Z]{5}\b", " ".join(first_cells(section("Errors")))))
    assert used and used <= documented, f"not in the manual: {sorted(used - documented)}"
    # PostgreSQL itself raises what a cancel ends in.
    assert documented <= used | {"57014"}, f"never raised: {sorted(documented - used)}"


def anchors(text):
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links(document):
    path = REPOSITORY / document
    text = path.read_text()
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", text):
        linked = path.parent / target if target else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text()), anchor


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_named(document):
    """`src/…`, `test/…` and the like in backquotes exist."""
    text = (REPOSITORY / document).read_text()
    for named in re.findall(r"`((?:src|test|tools|bench|docs|examples|sql|expected)/[\w./-]*)`", text):
        found = REPOSITORY / named
        assert found.exists() or list(found.parent.glob(found.name + ".*")), named


def test_rooms_name_their_files():
    """The design links to each room's README, which has a line for each file."""
    design = (REPOSITORY / "docs" / "design.md").read_text()
    for folder in {path.parent for path in (REPOSITORY / "src").glob("*/*.c")}:
        assert f"(../src/{folder.name}/README.md)" in design, folder.name
        named = set(re.findall(r"^\| `([\w.]+)` \|", (folder / "README.md").read_text(), re.M))
        files = {path.stem for path in folder.glob("*.c")}
        files |= {path.name for path in folder.glob("*.h") if path.stem not in files}
        assert named == files, folder.name


def sql_blocks(document):
    return re.findall(r"^```sql\n(.*?)^```", (REPOSITORY / document).read_text(), re.M | re.S)


def run(db, block, endpoint):
    """As pasted, but for DynamoDB Local and with keys that it takes."""
    block = block.replace("region 'us-east-1'", f"region 'us-east-1', endpoint_url '{endpoint}'")
    return db.execute(block.replace("'…'", "'test'"))


def test_readme_queries(cluster, empty_database, dynamodb, ddb_resource, tables):
    """The first one needs the table of the demo, the server comes first."""
    newest, entries, server, writes, entity = sql_blocks("README.md")
    with psycopg.connect(**cluster.conninfo(empty_database), autocommit=True) as db:
        run(db, server, dynamodb.endpoint)
        definition, query = entries.split("\n\n")
        run(db, definition, dynamodb.endpoint)
        rows = run(db, query, dynamodb.endpoint).fetchall()
        assert len(rows) == 10 and rows == sorted(rows, reverse=True)
        db.execute("ALTER FOREIGN TABLE entries RENAME TO log_entries")
        assert len(run(db, newest, dynamodb.endpoint).fetchall()) == 100
        for statement in writes.split("\n\n"):
            assert run(db, statement, dynamodb.endpoint).rowcount == 1
        load_table(
            ddb_resource,
            "app",
            {
                "KeySchema": [
                    {"AttributeName": "PK", "KeyType": "HASH"},
                    {"AttributeName": "SK", "KeyType": "RANGE"},
                ],
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")
                ],
                "BillingMode": "PAY_PER_REQUEST",
            },
            [
                {"PK": "USER#42", "SK": f"HIST#2026-11-{day:02}T08:00:00.000Z#{day}", "title": text}
                for day, text in ((1, "first"), (3, "last"))
            ],
        )
        definition, query = entity.split("\n\n")
        run(db, definition, dynamodb.endpoint)
        assert run(db, query, dynamodb.endpoint).fetchall() == [("last",), ("first",)]


def test_first_query_of_the_manual(cluster, empty_database, dynamodb, tables):
    with psycopg.connect(**cluster.conninfo(empty_database), autocommit=True) as db:
        run(db, sql_blocks("docs/manual.md")[0], dynamodb.endpoint)
        assert db.execute("SELECT count(ttl_expiration) FROM log_entries").fetchone()[0] > 0


def test_options_before_collate(db):
    """As the documents say; PostgreSQL may some day take both."""
    make_server(db, "http://127.0.0.1:1")
    with pytest.raises(psycopg.errors.SyntaxError, match='at or near "OPTIONS"'):
        foreign_table(db, "t", ["a text COLLATE \"C\" OPTIONS (attribute 'A')"])
    foreign_table(db, "t", ["a text OPTIONS (attribute 'A') COLLATE \"C\" NOT NULL"])


# ---- the manual's table of conditions, cell by cell --------------------------------

VALUES = {
    "text": "'a'",
    "number": "1",
    "binary": "'\\x01'",
    "float": "1.5",
    "boolean": "true",
    "uuid": "'00000000-0000-0000-0000-000000000001'",
    "fixed": "'2026-11-01'",
    "time": "'2026-11-01'",
    "epoch": "'2026-11-01'",
    "enum": "'ok'",
    "other": "'10.0.0.1'",
}
COLUMNS = [
    "log_partition text OPTIONS (attribute 'logPartition')",
    'text text COLLATE "C"',
    'text2 text COLLATE "C"',
    "linguistic text",
    "number bigint",
    "number2 bigint",
    'as_text bigint OPTIONS (type \'S\')',
    "binary bytea",
    "binary2 bytea",
    "float double precision",
    "float2 double precision",
    "boolean boolean",
    "boolean2 boolean",
    "uuid uuid",
    "uuid2 uuid",
    "fixed timestamptz OPTIONS (format 'iso8601:6')",
    "fixed2 timestamptz OPTIONS (format 'iso8601:6')",
    "time timestamptz",
    "time2 timestamptz",
    "epoch timestamptz OPTIONS (format 'epoch')",
    "enum mood",
    "other inet",
    "lenient numeric OPTIONS (on_type_mismatch 'null')",
]
EQUALITY = {
    "exact": ["text", "number", "binary", "boolean", "fixed", "enum"],
    "wider": ["float", "uuid", "time", "epoch"],
    "local": ["other"],
}
ONE_SPELLING = {
    "exact": ["text", "number", "binary", "boolean", "fixed", "enum"],
    "local": ["float", "uuid", "time", "epoch", "other"],
}
ORDER = {
    "exact": ["text", "number", "binary", "fixed"],
    "wider": ["float", "uuid", "time", "epoch"],
    "local": ["boolean", "enum", "other"],
}
# condition (c: the column, v: a value of its type) -> class -> columns
CLASSES = {
    "c = v": EQUALITY,
    "c <> v": EQUALITY,
    "c IS DISTINCT FROM v": ONE_SPELLING,
    "c IS NOT DISTINCT FROM v": ONE_SPELLING,
    "c IN (v, v2)": ONE_SPELLING,
    "c <> ALL (ARRAY[v, v2])": ONE_SPELLING,
    "c < v": ORDER,
    "c BETWEEN v AND v2": ORDER,
    "NOT c >= v": ORDER,
    "c LIKE 'p%'": {"exact": ["text", "linguistic"]},
    "c LIKE '%p%'": {"exact": ["text", "linguistic"]},
    "c NOT LIKE 'p%'": {"exact": ["text", "linguistic"]},
    "c LIKE 'p%q'": {"wider": ["text", "linguistic"]},
    "c ^@ 'p'": {"exact": ["text", "linguistic"]},
    "starts_with(c, 'p')": {"exact": ["text", "linguistic"]},
    "strpos(c, 'p') > 0": {"exact": ["text", "linguistic"]},
    "strpos(c, 'p') = 0": {"exact": ["text", "linguistic"]},
    "c > 'a'": {"local": ["linguistic"]},
    "c ~>~ 'a'": {"exact": ["linguistic", "text"]},
    "c = 'a'": {"exact": ["linguistic"]},
    "c = 7": {"local": ["as_text"]},
    "c IS TRUE": {"exact": ["boolean"]},
    "c IS NOT FALSE": {"exact": ["boolean"]},
    "NOT c": {"exact": ["boolean"]},
    "c IS NOT NULL": {"exact": [*VALUES, "linguistic"]},
    "c IS NULL": {"wider": [*VALUES, "linguistic"], "exact": ["lenient"]},
    "c = c2": {
        "exact": ["text", "number", "binary", "fixed"],
        "local": ["float", "boolean", "uuid", "time"],
    },
    "c < c2": {
        "exact": ["text", "number", "binary", "fixed"],
        "local": ["float", "boolean", "uuid", "time"],
    },
    "c = v OR (c > v AND upper(c) <> v)": {"wider": ["text"]},
    "c = v OR upper(c) = v": {"local": ["text"]},
}


def class_of(node):
    if "DynamoDB Filter" not in node:
        return "local" if "Filter" in node else "none"
    return "wider" if "Filter" in node else "exact"


def test_table_of_conditions(db, dynamodb, tables):
    make_server(db, dynamodb.endpoint)
    db.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
    quoted = [re.sub(r"^(\w+)", r'"\1"', column) for column in COLUMNS]
    foreign_table(db, "t", quoted, table_name="LogEntries")
    types = dict(db.execute("SELECT attname, atttypid::regtype::text FROM pg_attribute"
                            " WHERE attrelid = 't'::regclass AND attnum > 0"))
    wrong = []
    for condition, classes in CLASSES.items():
        for expected, columns in classes.items():
            for column in columns:
                value = f"{VALUES.get(column)}::{types[column]}"
                text = re.sub(r"\bc2\b", f'"{column}2"', condition)
                text = re.sub(r"\bc\b", f'"{column}"', text)
                text = re.sub(r"\bv2?\b", lambda _: value, text)
                found = class_of(foreign_scan(explain(db, f"SELECT * FROM t WHERE {text}")))
                if found != expected:
                    wrong.append((condition, column, expected, found))
    assert not wrong
