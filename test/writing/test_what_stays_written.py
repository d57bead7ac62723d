# SPDX-License-Identifier: PostgreSQL
"""DynamoDB takes no part in transactions: an error that ends a statement says how many
items of which tables stay written, whoever raises it, and a WARNING says it at ROLLBACK."""

from types import SimpleNamespace

import psycopg
import pytest
from support import proxy as faults
from support.background import wait_for_end
from support.fdw import foreign_table, make_server
from support.written import ROLLED_BACK, Warnings, said_by_error

COLUMNS = ["id int", "v int"]
FUNCTIONS = """
CREATE FUNCTION put(n int) RETURNS int LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO a VALUES (n, n); RETURN n; END $$;
CREATE FUNCTION put_row() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO a VALUES (NEW.id, NEW.v); RETURN NEW; END $$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF TG_LEVEL = 'STATEMENT' OR NEW.id >= 5 THEN RAISE 'no'; END IF; RETURN NEW; END $$;
CREATE FUNCTION cancel() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.id = 4 THEN PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(60); END IF;
   RETURN NEW; END $$;
CREATE PROCEDURE p() LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO a SELECT i FROM generate_series(1, 3) i;
   INSERT INTO b VALUES (1); PERFORM 1 / 0; END $$;
"""


class Tables:
    """Foreign tables a and b, a local one l."""

    def __init__(self, connect, endpoint, items):
        self.connect, self.items = connect, items
        db = connect()
        make_server(db, endpoint)
        for name, table in items.items():
            foreign_table(db, name, COLUMNS, table_name=table.name)
        db.execute("CREATE TABLE l (id int, v int CHECK (v < 5))")
        db.execute(FUNCTIONS)

    def stored(self):
        """Of each table, as errors name them, how many items there are; those of none not."""
        counts = {table.name: table.scan(ConsistentRead=True)["Count"] for table in self.items.values()}
        return {name: (count, 0) for name, count in counts.items() if count > 0}

    def fresh(self):
        """A session that has not loaded the library."""
        return self.connect()

    def used(self):
        db = self.connect()
        db.execute("SELECT FROM a WHERE id = 0")
        return db


@pytest.fixture
def tables(connect, proxy, make_table):
    items = {name: make_table(("id",), "id:N") for name in "ab"}
    return Tables(connect, proxy.endpoint, items)


def run(db, statement):
    """Several statements, or COPY with its data; the error of the last."""
    *before, last = [statement] if isinstance(statement, str) else statement
    for each in before:
        db.execute(each)
    with pytest.raises(psycopg.Error) as caught:
        if "FROM STDIN" in last:
            command, data = last.split("\n", 1)
            with db.cursor().copy(command) as copy:
                copy.write(data)
        else:
            db.execute(last)
    return caught.value.diag


ERRORS = {
    "an expression of the query": "INSERT INTO a SELECT i, 1 / (500 - i) FROM generate_series(1, 600) i",
    # (PostgreSQL 16 and later gives 1,000 rows at once.)
    "a bad line": "COPY a FROM STDIN\n"
    + "".join(f"{i}\t{'x' if i == 1100 else i}\n" for i in range(1200)),
    "a bad line of the first batch": "COPY a FROM STDIN\n1\t1\n2\tx\n",
    "a trigger for each row": [
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION refuse()",
        "INSERT INTO a SELECT i FROM generate_series(1, 9) i",
    ],
    "a trigger before each row": [
        "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION refuse()",
        "INSERT INTO a SELECT i FROM generate_series(1, 9) i",
    ],
    "a trigger of the statement": [
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
        "INSERT INTO a SELECT i FROM generate_series(1, 9) i",
    ],
    "COPY and a trigger": [
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION refuse()",
        "COPY a FROM STDIN\n1\t1\n2\t1\n6\t1\n7\t1\n",
    ],
    "another table": [
        "CREATE TRIGGER t BEFORE INSERT ON l FOR EACH ROW EXECUTE FUNCTION put_row()",
        "INSERT INTO l SELECT i, i FROM generate_series(1, 9) i",
    ],
    "another table's copy": [
        "CREATE TRIGGER t BEFORE INSERT ON l FOR EACH ROW EXECUTE FUNCTION put_row()",
        "COPY l FROM STDIN\n1\t1\n2\t2\n6\t6\n",
    ],
    "a function": "SELECT put(i), 1 / (3 - i) FROM generate_series(1, 5) i",
    "a procedure": "CALL p()",
    "a block": "DO $$ BEGIN PERFORM put(1); INSERT INTO b VALUES (1), (2); RAISE 'no'; END $$",
    "the other part": "WITH w AS (INSERT INTO a SELECT i FROM generate_series(1, 5) i RETURNING id)"
    " INSERT INTO b SELECT id, 1 / (3 - id) FROM w",
    "parts and RETURNING": "WITH w AS (INSERT INTO a VALUES (1), (2) RETURNING id)"
    " SELECT 1 / (id - 2) FROM w",
    "a check of a view": [
        "CREATE VIEW v AS SELECT * FROM a WHERE v < 4 WITH CHECK OPTION",
        "INSERT INTO v SELECT i, i FROM generate_series(1, 9) i",
    ],
    "a check of the table": [
        "ALTER FOREIGN TABLE a ADD CHECK (v < 450)",
        "INSERT INTO a SELECT i, i FROM generate_series(1, 600) i",
    ],
    "a partition": [
        "CREATE TABLE whole (id int, v int) PARTITION BY LIST (v)",
        "ALTER TABLE whole ATTACH PARTITION a FOR VALUES IN (0);"
        "ALTER TABLE whole ATTACH PARTITION b FOR VALUES IN (1)",
        "INSERT INTO whole SELECT i, i / 600 FROM generate_series(1, 1300) i",
    ],
    "EXPLAIN ANALYZE": "EXPLAIN ANALYZE INSERT INTO a SELECT i, 1 / (500 - i)"
    " FROM generate_series(1, 600) i",
    "a prepared statement": [
        "PREPARE q AS INSERT INTO a SELECT i, 1 / ($1 - i) FROM generate_series(1, 600) i",
        "EXECUTE q (500)",
    ],
    "a table of a query": "CREATE TABLE new AS SELECT put(i), 1 / (3 - i) FROM generate_series(1, 5) i",
    "a cancel": [
        "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION cancel()",
        "INSERT INTO a SELECT i FROM generate_series(1, 9) i",
    ],
}
# The library is loaded too late for the error to say it.
LATE = ["another table", "a function", "a table of a query"]


@pytest.mark.parametrize("name", ERRORS)
def test_errors_of_every_kind(tables, name):
    db = tables.used()
    warnings = Warnings(db)
    diag = run(db, ERRORS[name])
    stored = tables.stored()
    assert said_by_error(diag) == stored
    assert (stored == {}) == (name == "a bad line of the first batch")
    assert warnings.take() == []


@pytest.mark.warns(ROLLED_BACK)
@pytest.mark.parametrize("name", ERRORS)
def test_errors_of_a_sessions_first_statement(tables, name):
    *before, last = [ERRORS[name]] if isinstance(ERRORS[name], str) else ERRORS[name]
    db = tables.fresh()
    for each in before:
        (db if each.startswith(("SET", "PREPARE")) else tables.used()).execute(each)
    warnings = Warnings(db)
    diag = run(db, last)
    said = warnings.take() if name in LATE else [said_by_error(diag)]
    assert said in ([tables.stored()], [{}] if tables.stored() == {} else None)
    assert warnings.take() == []


@pytest.mark.parametrize("name", LATE)
def test_a_session_that_has_loaded_the_library_at_its_start(tables, name):
    *before, last = [ERRORS[name]] if isinstance(ERRORS[name], str) else ERRORS[name]
    for each in before:
        tables.used().execute(each)
    db = tables.connect(options="-c session_preload_libraries=ddb_fdw")
    warnings = Warnings(db)
    assert said_by_error(run(db, last)) == tables.stored()
    assert warnings.take() == []


@pytest.mark.parametrize("kind", ["UPDATE", "DELETE", "UPDATE FROM", "DELETE USING"])
def test_updates_and_deletes(tables, kind):
    db = tables.used()
    db.execute("INSERT INTO a SELECT i, i FROM generate_series(1, 600) i")
    statement = {
        "UPDATE": "UPDATE a SET v = 1 / (id - 7) + 1000",
        "DELETE": "DELETE FROM a WHERE 1 / (id - 7) < 1000",
        "UPDATE FROM": "UPDATE a SET v = 1 / (i - 500) + 1000 FROM generate_series(1, 600) i WHERE id = i",
        "DELETE USING": "DELETE FROM a USING generate_series(1, 600) i WHERE id = i RETURNING 1 / (i - 500)",
    }[kind]
    diag = run(db, statement)
    items = tables.items["a"].scan(ConsistentRead=True)["Items"]
    changed = sum(item["v"] >= 999 for item in items) if "UPDATE" in kind else 600 - len(items)
    assert said_by_error(diag) == ({tables.items["a"].name: (changed, 0)} if changed else {})


def test_messages_that_are_no_errors_say_nothing(tables):
    db = tables.used()
    warnings = Warnings(db)
    db.execute(
        "DO $$ BEGIN PERFORM put(1); RAISE NOTICE 'so far'; RAISE INFO 'so good'; END $$;"
    )
    assert [said.message_primary for said in warnings.said] == ["so far", "so good"]
    assert not any("DynamoDB" in said.context for said in warnings.said)


@pytest.mark.warns(ROLLED_BACK)
def test_an_error_is_about_its_own_statement(tables):
    """In one transaction; that the others stay, the WARNING says."""
    db = tables.used()
    db.execute("INSERT INTO b VALUES (7)")
    diag = run(db, "SELECT 1 / 0")
    assert said_by_error(diag) == {}
    db.execute("BEGIN")
    db.execute("INSERT INTO b VALUES (8)")
    diag = run(db, "SELECT put(i), 1 / (3 - i) FROM generate_series(1, 5) i")
    assert said_by_error(diag) == {tables.items["a"].name: (3, 0)}


@pytest.mark.warns(ROLLED_BACK)
def test_what_an_exception_block_is_told(tables):
    """The error that it catches says it, in whatever subtransaction."""
    db = tables.used()
    db.execute(
        """CREATE FUNCTION caught() RETURNS text LANGUAGE plpgsql AS $$
           DECLARE said text;
           BEGIN
             PERFORM put(1);
             BEGIN
               PERFORM put(2), 1 / (random() * 0)::int;
             EXCEPTION WHEN OTHERS THEN
               GET STACKED DIAGNOSTICS said = PG_EXCEPTION_CONTEXT;
               RETURN said;
             END;
           END $$"""
    )
    (context,) = db.execute("SELECT caught()").fetchone()
    assert said_by_error(SimpleNamespace(context=context)) == {tables.items["a"].name: (2, 0)}


# ---- ROLLBACK -------------------------------------------------------------------------


@pytest.fixture
def session(tables):
    db = tables.used()
    db.tables = tables
    db.a, db.b = (tables.items[name].name for name in "ab")
    db.warnings = Warnings(db)
    return db


@pytest.mark.warns(ROLLED_BACK)
@pytest.mark.parametrize("command", ["ROLLBACK", "ABORT", "ROLLBACK AND CHAIN"])
def test_rollback_says_what_stays(session, command):
    session.execute("BEGIN; INSERT INTO a VALUES (1), (2), (3)")
    session.execute("UPDATE a SET v = 5 WHERE id = 1")
    session.execute("INSERT INTO b VALUES (1)")
    assert session.warnings.take() == []
    session.execute(command)
    # (An item that is written twice counts twice.)
    assert session.warnings.take() == [{session.a: (4, 0), session.b: (1, 0)}]
    session.execute("BEGIN; COMMIT" if "CHAIN" not in command else "COMMIT")
    assert session.warnings.take() == []


def test_commit_says_nothing(session):
    session.execute("BEGIN; INSERT INTO a VALUES (1); SAVEPOINT s; INSERT INTO a VALUES (2)")
    session.execute("RELEASE s; COMMIT")
    session.execute("BEGIN; SELECT * FROM a; ROLLBACK")
    session.execute("BEGIN; SELECT * FROM a; SAVEPOINT s; ROLLBACK TO s; ROLLBACK")
    session.execute("BEGIN; DELETE FROM a WHERE id = 99; ROLLBACK")
    assert session.warnings.take() == []


@pytest.mark.warns(ROLLED_BACK)
def test_rollback_to_a_savepoint(session):
    session.execute("BEGIN")
    session.execute("INSERT INTO a VALUES (1)")
    session.execute("SAVEPOINT s")
    session.execute("INSERT INTO a VALUES (2), (3)")
    session.execute("SAVEPOINT t")
    session.execute("INSERT INTO b VALUES (1)")
    assert session.warnings.take() == []
    session.execute("ROLLBACK TO s")
    assert session.warnings.take() == [{session.a: (2, 0), session.b: (1, 0)}]
    session.execute("ROLLBACK TO s")
    assert session.warnings.take() == []
    session.execute("INSERT INTO b VALUES (2)")
    session.execute("RELEASE s")
    session.execute("ROLLBACK")
    assert session.warnings.take() == [{session.a: (3, 0), session.b: (2, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_rollback_with_open_savepoints_warns_once(session):
    session.execute("BEGIN; INSERT INTO a VALUES (1); SAVEPOINT s; INSERT INTO a VALUES (2)")
    session.execute("SAVEPOINT t; INSERT INTO b VALUES (2)")
    session.execute("ROLLBACK")
    assert session.warnings.take() == [{session.a: (2, 0), session.b: (1, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_a_savepoint_that_is_committed_after_rollback(session):
    session.execute("BEGIN; SAVEPOINT s; INSERT INTO a VALUES (1)")
    session.execute("ROLLBACK TO s")
    assert session.warnings.take() == [{session.a: (1, 0)}]
    session.execute("COMMIT")
    assert session.warnings.take() == []


@pytest.mark.warns(ROLLED_BACK)
def test_a_failed_transaction(session):
    """Once when it fails: what the error said of its own statement is no more than a part."""
    session.execute("BEGIN")
    session.execute("INSERT INTO a VALUES (1), (2)")
    run(session, "SELECT 1 / 0")
    assert session.warnings.take() == [{session.a: (2, 0)}]
    session.execute("ROLLBACK")
    assert session.warnings.take() == []
    for end in ("COMMIT", "ROLLBACK"):
        session.execute("BEGIN")
        diag = run(session, "DO $$ BEGIN PERFORM put((random() * 1e9)::int); RAISE 'no'; END $$")
        assert said_by_error(diag) == {session.a: (1, 0)}
        session.execute(end)
        assert session.warnings.take() == []


@pytest.mark.warns(ROLLED_BACK)
def test_a_failed_savepoint(session):
    session.execute("BEGIN")
    session.execute("INSERT INTO a VALUES (1), (2)")
    session.execute("SAVEPOINT s")
    session.execute("INSERT INTO a VALUES (3)")
    run(session, "SELECT 1 / 0")
    assert session.warnings.take() == [{session.a: (1, 0)}]
    session.execute("ROLLBACK TO s")
    assert session.warnings.take() == []
    run(session, "DO $$ BEGIN PERFORM put(9); RAISE 'no'; END $$")
    assert session.warnings.take() == []
    session.execute("COMMIT")
    assert session.warnings.take() == [{session.a: (4, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_items_that_are_written_perhaps(session, proxy):
    session.execute("BEGIN")
    session.execute("INSERT INTO b VALUES (1), (2)")
    session.execute("SAVEPOINT s")
    session.execute("SET LOCAL statement_timeout = '300ms'")
    with proxy.inject(faults.hang(), operation="PutItem"):
        diag = run(session, "INSERT INTO a VALUES (1)")
    assert diag.sqlstate == "57014"
    assert said_by_error(diag) == {session.a: (0, 1)}
    assert session.warnings.take() == []
    session.execute("ROLLBACK TO s")
    session.execute("INSERT INTO a VALUES (2)")
    session.execute("ROLLBACK")
    assert session.warnings.take() == [{session.a: (1, 1), session.b: (2, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_an_exception_block(session):
    session.execute(
        """DO $$ BEGIN
             PERFORM put(1);
             BEGIN PERFORM put(2); INSERT INTO b VALUES (1); PERFORM 1 / 0;
             EXCEPTION WHEN division_by_zero THEN NULL; END;
             BEGIN PERFORM put(3); EXCEPTION WHEN OTHERS THEN NULL; END;
             BEGIN PERFORM 1 / 0; EXCEPTION WHEN OTHERS THEN NULL; END;
           END $$"""
    )
    assert session.warnings.take() == [{session.a: (1, 0), session.b: (1, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_a_procedure_that_rolls_back(session):
    session.execute(
        "DO $$ BEGIN PERFORM put(1); COMMIT; PERFORM put(2), put(3); ROLLBACK; PERFORM put(4); END $$"
    )
    assert session.warnings.take() == [{session.a: (2, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_an_error_at_commit(session):
    """The statement is over, so its error says nothing."""
    session.execute(
        "CREATE CONSTRAINT TRIGGER c AFTER INSERT ON l INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    diag = run(session, "WITH w AS (INSERT INTO a VALUES (7) RETURNING id) INSERT INTO l SELECT id FROM w")
    assert said_by_error(diag) == {}
    assert session.warnings.take() == [{session.a: (1, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_several_statements_in_one_message(session):
    inserts = "INSERT INTO a VALUES ({0}); INSERT INTO b VALUES ({0}), (-{0});"
    diag = run(session, f"{inserts.format(1)} SELECT 1 / (random() * 0)::int")
    assert said_by_error(diag) == {session.a: (1, 0), session.b: (2, 0)}
    assert session.warnings.take() == []
    # Of an error before the statement runs the WARNING says it.
    diag = run(session, f"{inserts.format(2)} SELECT 1 / 0")
    assert said_by_error(diag) == {}
    assert session.warnings.take() == [{session.a: (1, 0), session.b: (2, 0)}]


@pytest.mark.warns(ROLLED_BACK)
def test_prepared_transactions_are_refused(session):
    session.execute("BEGIN; INSERT INTO a VALUES (1)")
    diag = run(session, "PREPARE TRANSACTION 'x'")
    assert diag.sqlstate == "0A000"
    assert "DynamoDB" in diag.message_primary
    assert session.warnings.take() == [{session.a: (1, 0)}]
    session.execute("BEGIN; SAVEPOINT s; INSERT INTO a VALUES (2); ROLLBACK TO s")
    assert session.warnings.take() == [{session.a: (1, 0)}]
    assert run(session, "PREPARE TRANSACTION 'x'").sqlstate == "0A000"
    assert session.warnings.take() == [{session.a: (1, 0)}]


def test_transactions_that_wrote_nothing_may_be_prepared(session):
    """As far as DynamoDB is concerned: the test's server keeps none."""
    session.execute("BEGIN; SELECT * FROM a")
    assert run(session, "PREPARE TRANSACTION 'x'").sqlstate == "55000"


@pytest.mark.warns(ROLLED_BACK)
def test_a_session_that_ends(session, cluster, tables):
    start = cluster.log_size()
    pid = session.info.backend_pid
    session.execute("BEGIN; INSERT INTO a VALUES (1); SAVEPOINT s; INSERT INTO a VALUES (2)")
    session.close()
    wait_for_end(tables.fresh(), pid)
    (line,) = cluster.warnings_since(start)
    assert f'2 items of table "{session.a}"' in line
