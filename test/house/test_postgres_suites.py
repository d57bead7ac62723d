# SPDX-License-Identifier: PostgreSQL
"""The harness of make check-postgres: it takes scripts apart as psql does, its
twins hold the same rows, and what it is there to find it does find."""

import secrets

import pytest
from postgres import answers
from postgres.reasons import Reasons
from postgres.replay import Finding, Log, Replay
from postgres.script import Command, Script, Statement
from postgres.session import Answer, Outcome, Session
from postgres.twins import Twins, prepare

pytestmark = pytest.mark.warns("not rolled back in DynamoDB")

# ---- scripts ---------------------------------------------------------------------


def statements(text, **variables):
    return [step.sql for step in Script(text, variables) if isinstance(step, Statement)]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("SELECT ';' ; SELECT E'a\\';';", ["SELECT ';'", "SELECT E'a\\';'"]),
        ("SELECT 'a''b;' AS \"x;\"\"y\";", ["SELECT 'a''b;' AS \"x;\"\"y\""]),
        ("SELECT $$;$$, $a$;$$;$a$;", ["SELECT $$;$$, $a$;$$;$a$"]),
        ("SELECT a$1$b; SELECT 2", ["SELECT a$1$b", "SELECT 2"]),
        ("SELECT 1 -- ; no\n;", ["SELECT 1"]),
        ("/* ; /* ; */ ; */ SELECT 1;", ["SELECT 1"]),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);", None),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;", None),
        ("CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 1; END;", None),
        ("BEGIN; SELECT 1; END;", ["BEGIN", "SELECT 1", "END"]),
        ("SELECT 1 \\; SELECT 2;", ["SELECT 1 ; SELECT 2"]),
        ("\\set x 1 2\nSELECT :x;", ["SELECT 12"]),
    ],
)
def test_statements_end_where_psql_ends_them(text, expected):
    found = []
    script = Script(text)
    for step in script:
        if isinstance(step, Command):
            words = script.arguments(step.argument)
            script.variables[words[0]] = "".join(words[1:])
        else:
            found.append(step.sql)
    assert found == (expected or [text.rstrip(";")])


def test_variables_are_replaced_outside_of_quotes_only():
    text = "SELECT :v, :'v', :\"v\", ':v', a::v, :unknown, b[1:v];"
    assert statements(text, v="it's") == [
        "SELECT it's, 'it''s', \"it's\", ':v', a::v, :unknown, b[1it's]"
    ]


def test_branches_that_are_not_taken_are_left_out():
    text = "\\if :x\nSELECT 1;\n\\elif :y\nSELECT 2;\n\\else\nSELECT 3;\n\\endif\nSELECT 4;"
    assert statements(text, x="off", y="on") == ["SELECT 2", "SELECT 4"]
    assert statements(text, x="true", y="on") == ["SELECT 1", "SELECT 4"]
    assert statements(text, x="0", y="0") == ["SELECT 3", "SELECT 4"]


def test_lines_of_a_copy_are_no_statements():
    script = Script("COPY t FROM stdin;\n1;\n\\N\n\\.\nSELECT 2;\n")
    steps = iter(script)
    assert next(steps).sql == "COPY t FROM stdin"
    assert script.copy_lines() == "1;\n\\N\n"
    last = next(steps)
    assert (last.sql, last.line) == ("SELECT 2", 5)


def test_backslashes_escape_in_plain_strings_where_the_session_says_so():
    script = Script("SET x; SELECT 'a\\'; b'; SELECT 2;")
    steps = iter(script)
    next(steps)
    script.standard_strings = False
    assert [step.sql for step in steps] == ["SELECT 'a\\'; b'", "SELECT 2"]


def test_what_sends_a_statement_is_told():
    (step,) = Script("SELECT 1 AS a \\gset x_\n")
    assert (step.sql, step.command, step.argument) == ("SELECT 1 AS a", "gset", "x_")


# ---- answers ----------------------------------------------------------------------


def outcome(*rows, names=("a", "b"), types=(23, 25), tag="SELECT"):
    return Outcome([Answer(f"{tag} {len(rows)}", names, types, list(rows))])


@pytest.mark.parametrize(
    "sql, local, foreign, expected",
    [
        ("SELECT", outcome(("1", "x")), outcome(("1", "x")), None),
        ("SELECT", outcome(("1", "x"), ("2", "y")), outcome(("2", "y"), ("1", "x")), None),
        ("SELECT", outcome(("1", "x"), ("1", "x")), outcome(("1", "x")), "tag"),
        ("SELECT", outcome(("1", None)), outcome(("1", "")), "rows"),
        ("SELECT", outcome(("1.50", "x"), types=(1700, 25)), outcome(("1.5", "x"), types=(1700, 25)), None),
        ("SELECT", outcome(("1.50", "x"), types=(25, 25)), outcome(("1.5", "x"), types=(25, 25)), "rows"),
        ("SELECT", outcome(("1", "7"), names=("a", "ddb_row")), outcome(("1", "9"), names=("a", "ddb_row")), None),
        ("SELECT * FROM t ORDER BY a", outcome(("1", "x"), ("2", "x")), outcome(("2", "x"), ("1", "x")), "order"),
        ("SELECT * FROM t ORDER BY 2", outcome(("1", "x"), ("2", "x")), outcome(("2", "x"), ("1", "x")), None),
        ("SELECT * FROM (SELECT 1 ORDER BY a) s", outcome(("1", "x"), ("2", "x")), outcome(("2", "x"), ("1", "x")), None),
        ("SELECT", outcome(("1", "x")), Outcome(error="22012"), "error"),
        ("SELECT", Outcome(error="22012"), outcome(("1", "x")), "no error"),
        ("SELECT", Outcome(error="22012"), Outcome(error="22003"), "error"),
        ("SELECT", Outcome(error="22012"), Outcome(error="22012", message="other"), None),
    ],
)
def test_answers_are_compared(sql, local, foreign, expected):
    assert answers.differ(sql, local, foreign) == expected


# ---- reasons ------------------------------------------------------------------------


@pytest.fixture
def reasons(tmp_path):
    path = tmp_path / "reasons.ini"
    path.write_text("[division]\nbecause = tests\nkind = ^error$\nforeign = ^22012\n")
    return Reasons(path)


def finding(**changes):
    fields = {"file": "f", "line": 1, "sql": "SELECT", "kind": "error", "local": "", "foreign": "22012: x"}
    return Finding(**{**fields, **changes})


def test_a_reason_explains_what_all_its_patterns_fit(reasons):
    assert reasons.explain(finding()) == "division"
    assert reasons.explain(finding(kind="rows")) is None
    assert reasons.explain(finding(foreign="22003: x")) is None


def test_crashes_and_internal_errors_have_no_reason(reasons, tmp_path):
    path = tmp_path / "all.ini"
    path.write_text("[everything]\nbecause = tests\nforeign = .\n")
    for kind in ("internal error", "foreign server crashed"):
        assert Reasons(path).explain(finding(kind=kind, foreign="XX000: x")) is None


def test_each_reason_of_the_repository_has_its_place_in_the_documentation():
    assert Reasons().classes
    for name, because, _ in Reasons().classes:
        assert ": " in because, name


# ---- replays --------------------------------------------------------------------------


@pytest.fixture
def replay(cluster, administration, template, dynamodb, ddb, reasons):
    """Function: replays a script in two fresh databases; planted() is a function
    that differs between them."""
    opened = []

    def run(text, planted="SELECT 1"):
        names = [f"twin_{secrets.token_hex(4)}" for _ in range(2)]
        for name in names:
            administration(f"CREATE DATABASE {name} TEMPLATE {template}")
        local = Session(cluster.conninfo(names[0]))
        foreign = Session(cluster.conninfo(names[1], "postgres"))
        opened.extend([(local, names[0]), (foreign, names[1])])
        prepare(local, foreign, dynamodb.endpoint)
        foreign.rows(f"ALTER DATABASE {names[1]} SET ddb_fdw.log_requests = on")
        foreign.close()
        foreign.open()
        for session, body in ((local, "SELECT 1"), (foreign, planted)):
            session.rows(f"CREATE FUNCTION planted() RETURNS int VOLATILE LANGUAGE sql AS $${body}$$")
        twins = Twins(local, foreign, ddb, names[1])
        done = Replay(local, foreign, twins, Log(cluster), reasons)
        done.twins.last_seen = int(foreign.value("SELECT max(oid) FROM pg_class"))
        done.run(text, "test")
        done.kinds = [found.kind for found in done.findings]
        return done

    yield run
    for session, name in opened:
        session.close()
        administration(f"DROP DATABASE {name} WITH (FORCE)")
    for stored in ddb.list_tables()["TableNames"]:
        if stored.startswith("twin_"):
            ddb.delete_table(TableName=stored)


TABLE = "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, NULL);"


def test_tables_of_a_script_are_foreign_on_one_side(replay):
    done = replay(TABLE + "SELECT a FROM t; SELECT * FROM t;")
    assert done.kinds == []
    assert done.counts["compared"] == done.counts["equal"] == 3
    kinds = [s.value("SELECT relkind FROM pg_class WHERE relname = 't'") for s in (done.local, done.foreign)]
    assert kinds == ["r", "f"]


def test_primary_keys_become_keys_of_items(replay):
    done = replay(
        "CREATE TABLE k (a int, b text, c int, PRIMARY KEY (a, b));"
        "INSERT INTO k VALUES (1, 'x', 1); INSERT INTO k VALUES (1, 'x', 2); SELECT * FROM k;"
    )
    assert done.kinds == []
    (twin,) = done.twins.twins.values()
    assert twin.keys == ("a", "b")


def test_children_partitions_and_selected_tables_are_foreign_too(replay):
    done = replay(
        TABLE + "CREATE TABLE c (d int) INHERITS (t); INSERT INTO c VALUES (3, 'c', 4);"
        "CREATE TABLE p (a int) PARTITION BY LIST (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
        "INSERT INTO p VALUES (1); CREATE TABLE s AS SELECT * FROM t; SELECT * FROM t, p, s;"
    )
    assert done.kinds == []
    assert {twin.name for twin in done.twins.twins.values()} == {"t", "c", "p1", "s"}


def test_a_copy_is_read_by_both(replay):
    done = replay(TABLE + "COPY t FROM stdin;\n3\tz\n\\.\nCOPY t TO stdout;")
    assert done.kinds == [] and done.counts["equal"] == 3


def test_a_planted_row_is_found(replay):
    done = replay(TABLE + "SELECT a, planted() FROM t;", planted="SELECT 2")
    assert done.kinds == ["rows"]
    assert done.counts["unexplained"] == 1


def test_a_planted_error_is_found_and_explained(replay):
    done = replay(TABLE + "SELECT planted() FROM t;", planted="SELECT 1 / (random() * 0)::int")
    assert done.kinds == ["error"]
    assert (done.counts["explained"], done.counts["unexplained"]) == (1, 0)


def test_a_planted_wrong_write_is_found_once(replay):
    done = replay(
        TABLE + "UPDATE t SET a = a + planted(); SELECT * FROM t;", planted="SELECT 2"
    )
    assert done.kinds == ["contents"]


def test_a_planted_crash_is_reported_and_the_replay_goes_on(replay):
    done = replay(
        TABLE + "SELECT planted() FROM t; SELECT a FROM t;",
        planted="SELECT pg_terminate_backend(pg_backend_pid())::int",
    )
    assert done.kinds == ["foreign server crashed"]
    assert done.counts["unexplained"] == 1 and done.counts["equal"] == 2


def test_a_rollback_leaves_both_sides_the_same(replay):
    done = replay(
        TABLE + "BEGIN; INSERT INTO t VALUES (3, 'y'); DELETE FROM t WHERE a = 1;"
        "SELECT * FROM t; ROLLBACK; SELECT * FROM t;"
    )
    assert done.kinds == []


def test_columns_that_change_keep_their_rows(replay):
    done = replay(
        TABLE + "ALTER TABLE t ADD COLUMN c int DEFAULT 7; ALTER TABLE t ALTER a TYPE text;"
        "ALTER TABLE t RENAME b TO bb; SELECT a, bb, c FROM t; DROP TABLE t; SELECT * FROM t;"
    )
    assert done.kinds == []
    assert done.foreign.value("SELECT count(*) FROM pg_class WHERE relname = 't'") == "0"
