# SPDX-License-Identifier: PostgreSQL
"""What a DBA bound by ALTER ROLE, ALTER DATABASE or the configuration file holds, whatever
an ordinary user's connection string says before the library is loaded."""

import psycopg
import pytest
from lab import wait_until
from psycopg import sql
from support.fdw import foreign_table

pytestmark = pytest.mark.warns("permission denied to set parameter", "invalid value for parameter")

ROLE = "guarded_analyst"


@pytest.fixture
def table(dynamo, make_table, administration):
    items = make_table(("id",), "id:S", [{"id": f"{n}", "pad": "x" * 5000} for n in range(9)])
    foreign_table(dynamo, "t", ["id text", "pad text"], table_name=items.name)
    administration(f"DROP ROLE IF EXISTS {ROLE}")
    administration(f"CREATE ROLE {ROLE} LOGIN")
    dynamo.execute(f"GRANT USAGE ON FOREIGN SERVER dynamo TO {ROLE}")
    dynamo.execute(
        f"CREATE USER MAPPING FOR {ROLE} SERVER dynamo"
        " OPTIONS (access_key_id 'test', secret_access_key 'secret')"
    )
    dynamo.execute(f"GRANT SELECT ON t TO {ROLE}")
    yield dynamo
    dynamo.execute(f"DROP USER MAPPING FOR {ROLE} SERVER dynamo")
    dynamo.execute(f"DROP OWNED BY {ROLE}")
    administration(f"DROP ROLE {ROLE}")


def denied(db):
    try:
        db.execute("SELECT * FROM t").fetchall()
    except psycopg.errors.ConfigurationLimitExceeded:
        return True
    return False


WAYS = {
    "role": "ALTER ROLE {role} SET {name} = {value}",
    "role in database": "ALTER ROLE {role} IN DATABASE {database} SET {name} = {value}",
    "database": "ALTER DATABASE {database} SET {name} = {value}",
}
VALUES = {"ddb_fdw.scan": ("deny", "allow"), "ddb_fdw.max_read_units": ("2", "1000000")}


def bind(db, way, name, value):
    db.execute(
        sql.SQL(WAYS[way]).format(
            role=sql.Identifier(ROLE),
            database=sql.Identifier(db.info.dbname),
            name=sql.Identifier(*name.split(".")),
            value=sql.Literal(value),
        )
    )


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("way", WAYS)
def test_the_connection_string_does_not_loosen_it(table, connect, way, name):
    strict, loose = VALUES[name]
    bind(table, way, name, strict)
    for options in ("", f"-c {name}={loose}", f"-c {name}=garbage", f"-c {name}="):
        assert denied(connect(ROLE, options=options)), options
    # A superuser may.
    assert not denied(connect(options=f"-c {name}={loose}"))


def test_the_more_specific_wins(table, connect):
    bind(table, "database", "ddb_fdw.scan", "allow")
    bind(table, "role in database", "ddb_fdw.scan", "deny")
    assert denied(connect(ROLE, options="-c ddb_fdw.scan=allow"))
    bind(table, "database", "ddb_fdw.scan", "deny")
    bind(table, "role in database", "ddb_fdw.scan", "allow")
    assert not denied(connect(ROLE, options="-c ddb_fdw.scan=warn"))


def test_a_session_does_not_loosen_it_before_the_library_is_loaded(table, connect):
    bind(table, "role", "ddb_fdw.scan", "deny")
    session = connect(ROLE)
    session.execute("SET ddb_fdw.scan = 'allow'")
    assert denied(session)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("SET ddb_fdw.scan = 'allow'")


def test_who_was_granted_the_setting_may(table, connect, administration):
    bind(table, "role", "ddb_fdw.scan", "deny")
    administration(f"GRANT SET ON PARAMETER ddb_fdw.scan TO {ROLE}")
    try:
        session = connect(ROLE)
        assert denied(session)
        session.execute("SET ddb_fdw.scan = 'allow'")
        assert not denied(session)
    finally:
        administration(f"REVOKE SET ON PARAMETER ddb_fdw.scan FROM {ROLE}")


def test_the_configuration_file_binds(table, connect):
    table.execute("SELECT FROM t WHERE id = '1'")  # loads the library, which ALTER SYSTEM wants
    table.execute("ALTER SYSTEM SET ddb_fdw.scan = 'deny'")
    try:
        table.execute("SELECT pg_reload_conf()")
        for options in ("", "-c ddb_fdw.scan=allow"):
            wait_until(lambda options=options: denied(connect(ROLE, options=options)), "the file binds")
    finally:
        table.execute("ALTER SYSTEM RESET ddb_fdw.scan")
        table.execute("SELECT pg_reload_conf()")


def test_other_settings_are_left_alone(table, connect):
    table.execute(f"ALTER ROLE {ROLE} SET work_mem = '3MB'")
    session = connect(ROLE, options="-c ddb_fdw.pushdown=off -c ddb_fdw.scan=allow")
    table.execute(f"ALTER ROLE {ROLE} SET work_mem = '5MB'")
    session.execute("SELECT * FROM t WHERE id = '1'")
    assert session.execute("SHOW work_mem").fetchone() == ("3MB",)
    assert session.execute("SHOW ddb_fdw.pushdown").fetchone() == ("off",)
