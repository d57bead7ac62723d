# SPDX-License-Identifier: PostgreSQL
"""Whose keys are used, what a session keeps, and that nothing of it leaks."""

import os
import re

import psycopg
import pytest
from lab import Cluster, wait_until
from support import proxy as faults
from support.background import Statement, failure
from support.fdw import foreign_table, make_server
from support.paged import COLUMNS, PagedTable, make_items

QUERY = "SELECT n FROM paged WHERE pk = 'P' ORDER BY sk"
ROWS = [(n,) for n in range(25)]


def keys_mapping(access_key_id):
    return f"OPTIONS (access_key_id '{access_key_id}', secret_access_key 'x')"


@pytest.fixture
def paged(db, paged_proxy):
    make_server(db, paged_proxy.endpoint, max_attempts=2)
    foreign_table(db, "paged", COLUMNS, table_name="Paged")
    return db


def signers(calls):
    """The access key ids that signed."""
    found = set()
    for call in calls:
        found.add(re.search("Credential=([^/]+)/", call.request_headers["authorization"]).group(1))
    return found


def roles(names):
    """Creates login roles for a test, and removes them and all they own."""

    @pytest.fixture
    def fixture(cluster, administration, connect):
        for name in names:
            administration(f"DROP ROLE IF EXISTS {name}")
            administration(f"CREATE ROLE {name} LOGIN")
        yield names
        cleaner = connect()
        for name in names:
            cleaner.execute(f"DROP OWNED BY {name} CASCADE")
        for name in names:
            administration(f"DROP ROLE {name}")

    return fixture


two_roles = roles(["sessions_alice", "sessions_bob"])


# ---- the identity of the database server ---------------------------------------------


@pytest.fixture(scope="module")
def cluster_with_identity(workspace, tree):
    cluster = Cluster(workspace, tree, "with_identity").start(
        AWS_ACCESS_KEY_ID="ENVIRONMENTKEY",
        AWS_SECRET_ACCESS_KEY="environmentsecret",
        AWS_SESSION_TOKEN="environmenttoken",
        AWS_REGION="eu-north-1",
    )
    cluster.psql("CREATE EXTENSION ddb_fdw")
    cluster.psql("CREATE ROLE normal LOGIN")
    yield cluster
    cluster.stop()
    assert not cluster.crashes_since(0)


@pytest.fixture
def identity(cluster_with_identity, paged_proxy):
    """Function: connection as a role; the foreign table is there for everybody."""
    opened = []

    def connect(user="postgres"):
        db = psycopg.connect(**cluster_with_identity.conninfo(user=user), autocommit=True)
        opened.append(db)
        return db

    db = connect()
    db.execute("DROP SERVER IF EXISTS dynamo CASCADE")
    make_server(db, paged_proxy.endpoint, mapping=False, max_attempts=2)
    db.execute("GRANT USAGE ON FOREIGN SERVER dynamo TO normal")
    foreign_table(db, "paged", COLUMNS, table_name="Paged")
    db.execute("GRANT SELECT ON paged TO normal")
    yield connect
    for db in opened:
        db.close()


def test_environment_for_a_superuser(identity, paged_proxy):
    db = identity()
    db.execute("CREATE USER MAPPING FOR postgres SERVER dynamo")
    with paged_proxy.record() as calls:
        assert db.execute(QUERY).fetchall() == ROWS
    assert signers(calls) == {"ENVIRONMENTKEY"}
    assert {c.request_headers["x-amz-security-token"] for c in calls} == {"environmenttoken"}


def test_environment_not_for_others(identity, paged_proxy):
    identity().execute("CREATE USER MAPPING FOR normal SERVER dynamo")
    db = identity("normal")
    with paged_proxy.record() as calls:
        diag = failure(db, QUERY)
    assert diag.sqlstate == "28000"
    assert "access_key_id" in diag.message_hint
    assert "credentials_required" in diag.message_hint
    assert len(calls) == 0


def test_environment_not_for_others_by_asking_for_it(identity, paged_proxy):
    identity().execute(
        "CREATE USER MAPPING FOR normal SERVER dynamo OPTIONS (credential_source 'environment')"
    )
    with paged_proxy.record() as calls:
        assert failure(identity("normal"), QUERY).sqlstate == "28000"
    assert len(calls) == 0


def test_environment_when_a_superuser_allows_it(identity, paged_proxy):
    admin = identity()
    admin.execute(
        "CREATE USER MAPPING FOR normal SERVER dynamo OPTIONS (credentials_required 'false')"
    )
    db = identity("normal")
    with paged_proxy.record() as calls:
        assert db.execute(QUERY).fetchall() == ROWS
    assert signers(calls) == {"ENVIRONMENTKEY"}
    # Taken back, it ends at the next statement.
    admin.execute(
        "ALTER USER MAPPING FOR normal SERVER dynamo OPTIONS (SET credentials_required 'true')"
    )
    with paged_proxy.record() as calls:
        assert failure(db, QUERY).sqlstate == "28000"
    assert len(calls) == 0


def test_normal_role_may_not_allow_it_to_itself(identity):
    identity().execute("CREATE USER MAPPING FOR normal SERVER dynamo")
    db = identity("normal")
    for verb in ("ADD", "SET"):
        with pytest.raises(psycopg.Error) as caught:
            db.execute(
                "ALTER USER MAPPING FOR normal SERVER dynamo"
                f" OPTIONS ({verb} credentials_required 'false')"
            )
        assert caught.value.sqlstate in ("42501", "42704")


def test_mapping_that_a_superuser_opened_is_the_superusers_to_alter(identity):
    """As with password_required: the validator sees all options at every change."""
    identity().execute(
        "CREATE USER MAPPING FOR normal SERVER dynamo OPTIONS (credentials_required 'false')"
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        identity("normal").execute(
            "ALTER USER MAPPING FOR normal SERVER dynamo"
            " OPTIONS (ADD access_key_id 'NORMALKEY', ADD secret_access_key 'x')"
        )


def test_public_mapping_lends_identity_to_superusers_only(identity, paged_proxy):
    """One session, superuser first: the client it made must not serve the other."""
    db = identity()
    db.execute("CREATE USER MAPPING FOR PUBLIC SERVER dynamo")
    with paged_proxy.record() as calls:
        assert db.execute(QUERY).fetchall() == ROWS
    assert signers(calls) == {"ENVIRONMENTKEY"}
    db.execute("SET ROLE normal")
    with paged_proxy.record() as calls:
        assert failure(db, QUERY).sqlstate == "28000"
    assert len(calls) == 0
    db.execute("RESET ROLE")
    assert db.execute(QUERY).fetchall() == ROWS


def test_superuser_who_no_longer_is_one(identity, paged_proxy):
    admin = identity()
    admin.execute("DROP ROLE IF EXISTS demoted")
    admin.execute("CREATE ROLE demoted LOGIN SUPERUSER")
    admin.execute("CREATE USER MAPPING FOR PUBLIC SERVER dynamo")
    db = identity("demoted")
    assert db.execute(QUERY).fetchall() == ROWS
    admin.execute("ALTER ROLE demoted NOSUPERUSER")
    admin.execute("GRANT SELECT ON paged TO demoted")
    with paged_proxy.record() as calls:
        assert failure(db, QUERY).sqlstate == "28000"
    assert len(calls) == 0
    db.close()
    admin.execute("DROP OWNED BY demoted")
    admin.execute("DROP ROLE demoted")


@pytest.mark.parametrize("user", ["normal", "postgres"])
def test_environment_not_through_a_server_of_somebody_else(identity, paged_proxy, user):
    """Its owner says where requests go, and with them key id and token."""
    admin = identity()
    admin.execute("CREATE USER MAPPING FOR normal SERVER dynamo OPTIONS (credentials_required 'false')")
    admin.execute("CREATE USER MAPPING FOR postgres SERVER dynamo")
    db = identity(user)
    assert db.execute(QUERY).fetchall() == ROWS
    admin.execute("DROP ROLE IF EXISTS server_owner")
    admin.execute("CREATE ROLE server_owner LOGIN")
    admin.execute("GRANT USAGE ON FOREIGN DATA WRAPPER ddb_fdw TO server_owner")
    admin.execute("ALTER SERVER dynamo OWNER TO server_owner")
    try:
        with paged_proxy.record() as calls:
            identity("server_owner").execute(
                "ALTER SERVER dynamo OPTIONS (SET endpoint_url 'http://127.0.0.1:9')"
            )
            diag = failure(db, QUERY)
        assert diag.sqlstate == "28000"
        assert "server_owner" in diag.message_detail
        assert len(calls) == 0
        # It lasts as long as the owner is a superuser, too.
        admin.execute(f"ALTER SERVER dynamo OPTIONS (SET endpoint_url '{paged_proxy.endpoint}')")
        admin.execute("ALTER ROLE server_owner SUPERUSER")
        assert db.execute(QUERY).fetchall() == ROWS
        admin.execute("ALTER ROLE server_owner NOSUPERUSER")
        with paged_proxy.record() as calls:
            assert failure(db, QUERY).sqlstate == "28000"
        assert len(calls) == 0
    finally:
        admin.execute("ALTER SERVER dynamo OWNER TO postgres")
        admin.execute("DROP OWNED BY server_owner")
        admin.execute("DROP ROLE server_owner")


def test_region_of_the_environment(identity, paged_proxy):
    admin = identity()
    admin.execute("ALTER SERVER dynamo OPTIONS (DROP region)")
    admin.execute("CREATE USER MAPPING FOR postgres SERVER dynamo")
    admin.execute(f"CREATE USER MAPPING FOR normal SERVER dynamo {keys_mapping('NORMALKEY')}")
    with paged_proxy.record() as calls:
        assert admin.execute(QUERY).fetchall() == ROWS
    assert all("/eu-north-1/dynamodb/" in c.request_headers["authorization"] for c in calls)
    diag = failure(identity("normal"), QUERY)
    assert "region" in diag.message_primary


def test_keys_of_a_mapping_do_not_go_into_the_environment(identity, paged_proxy):
    """Used before, they would be found there afterwards."""
    db = identity()
    db.execute(f"CREATE USER MAPPING FOR postgres SERVER dynamo {keys_mapping('MAPPINGKEY')}")
    assert used(paged_proxy, db) == {"MAPPINGKEY"}
    db.execute(
        "ALTER USER MAPPING FOR postgres SERVER dynamo"
        " OPTIONS (DROP access_key_id, DROP secret_access_key)"
    )
    assert used(paged_proxy, db) == {"ENVIRONMENTKEY"}


# ---- whose mapping -------------------------------------------------------------------


@pytest.fixture
def mappings(paged, two_roles):
    alice, bob = two_roles
    for name in two_roles:
        paged.execute(
            f"CREATE USER MAPPING FOR {name} SERVER dynamo {keys_mapping(name.upper()[9:])}"
        )
        paged.execute(f"GRANT SELECT ON paged TO {name}")
        paged.execute(f"GRANT CREATE ON SCHEMA public TO {name}")
    return paged


def used(proxy, db, query=QUERY):
    with proxy.record() as calls:
        assert len(db.execute(query).fetchall()) == 25
    return signers(calls.data)


def test_set_role(mappings, paged_proxy):
    assert used(paged_proxy, mappings) == {"test"}
    mappings.execute("SET ROLE sessions_alice")
    assert used(paged_proxy, mappings) == {"ALICE"}
    mappings.execute("SET ROLE sessions_bob")
    assert used(paged_proxy, mappings) == {"BOB"}
    mappings.execute("RESET ROLE")
    assert used(paged_proxy, mappings) == {"test"}


def test_prepared_statement_of_another_role(mappings, paged_proxy):
    mappings.execute("SET plan_cache_mode = force_generic_plan")
    mappings.execute(f"PREPARE p AS {QUERY}")
    assert used(paged_proxy, mappings, "EXECUTE p") == {"test"}
    mappings.execute("SET ROLE sessions_bob")
    assert used(paged_proxy, mappings, "EXECUTE p") == {"BOB"}


def test_view_uses_its_owners_mapping(mappings, paged_proxy, connect):
    alice = connect("sessions_alice")
    alice.execute(f"CREATE VIEW v AS {QUERY}")
    alice.execute("GRANT SELECT ON v TO sessions_bob")
    bob = connect("sessions_bob")
    assert used(paged_proxy, bob, "SELECT * FROM v") == {"ALICE"}
    assert used(paged_proxy, bob) == {"BOB"}
    both = "SELECT v.n FROM v JOIN paged p ON p.n = v.n WHERE p.pk = 'P'"
    assert used(paged_proxy, bob, both) == {"ALICE", "BOB"}


def test_security_definer_function(mappings, paged_proxy, connect):
    alice = connect("sessions_alice")
    alice.execute(
        f"CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql SECURITY DEFINER AS $${QUERY}$$"
    )
    assert used(paged_proxy, connect("sessions_bob"), "SELECT * FROM f()") == {"ALICE"}


def test_descriptions_are_not_shared_between_roles(mappings, paged_proxy):
    """What one role may know of a table, another may not."""
    mappings.execute(QUERY)
    mappings.execute("SET ROLE sessions_alice")
    with paged_proxy.inject(faults.error("AccessDeniedException"), operation="DescribeTable"):
        assert failure(mappings, QUERY).sqlstate == "42501"


# ---- changed options -----------------------------------------------------------------


def test_altered_server_takes_effect_at_once(paged, paged_proxy, connect):
    admin = connect()
    assert paged.execute(QUERY).fetchall() == ROWS
    with PagedTable(make_items(7)) as other:
        admin.execute(f"ALTER SERVER dynamo OPTIONS (SET endpoint_url '{other.endpoint}')")
        assert paged.execute(QUERY).fetchall() == ROWS[:7]
        admin.execute(f"ALTER SERVER dynamo OPTIONS (SET endpoint_url '{paged_proxy.endpoint}')")
        assert paged.execute(QUERY).fetchall() == ROWS


def test_altered_mapping_takes_effect_at_once(paged, paged_proxy, connect):
    assert used(paged_proxy, paged) == {"test"}
    connect().execute(
        "ALTER USER MAPPING FOR postgres SERVER dynamo OPTIONS (SET access_key_id 'OTHERKEY')"
    )
    assert used(paged_proxy, paged) == {"OTHERKEY"}
    connect().execute("DROP USER MAPPING FOR postgres SERVER dynamo")
    assert failure(paged, QUERY).sqlstate == "42704"
    connect().execute(
        f"CREATE USER MAPPING FOR postgres SERVER dynamo {keys_mapping('THIRDKEY')}"
    )
    assert used(paged_proxy, paged) == {"THIRDKEY"}


def test_altered_options_in_an_open_transaction(paged, paged_proxy):
    """A cursor goes on as it began; the next statement does as it is told."""
    with paged.transaction():
        paged.execute(f"DECLARE c CURSOR FOR {QUERY}")
        assert len(paged.execute("FETCH 5 FROM c").fetchall()) == 5
        paged.execute(
            "ALTER USER MAPPING FOR postgres SERVER dynamo OPTIONS (SET access_key_id 'NEWKEY')"
        )
        assert used(paged_proxy, paged) == {"NEWKEY"}
        with paged_proxy.record() as calls:
            assert len(paged.execute("FETCH ALL FROM c").fetchall()) == 20
        assert signers(calls.data) == {"test"}
    assert used(paged_proxy, paged) == {"NEWKEY"}


def test_rolled_back_change_of_options(paged, paged_proxy):
    with paged.transaction(force_rollback=True):
        paged.execute(
            "ALTER USER MAPPING FOR postgres SERVER dynamo OPTIONS (SET access_key_id 'NEWKEY')"
        )
        assert used(paged_proxy, paged) == {"NEWKEY"}
    assert used(paged_proxy, paged) == {"test"}


def test_prepared_statement_follows_table_name(paged, paged_proxy):
    paged.execute("SET plan_cache_mode = force_generic_plan")
    paged.execute(f"PREPARE p AS {QUERY}")
    assert len(paged.execute("EXECUTE p").fetchall()) == 25
    for name in ("Other", "Third"):
        paged.execute(f"ALTER FOREIGN TABLE paged OPTIONS (SET table_name '{name}')")
        with paged_proxy.record() as calls:
            paged.execute("EXECUTE p")
        assert {call.request["TableName"] for call in calls.data} == {name}


def test_prepared_statement_follows_column_options_and_server(paged, paged_proxy, connect):
    paged.execute("SET plan_cache_mode = force_generic_plan")
    paged.execute(f"PREPARE p AS {QUERY}")
    paged.execute("EXECUTE p")
    connect().execute("ALTER FOREIGN TABLE paged ALTER n OPTIONS (ADD attribute 'm')")
    assert set(paged.execute("EXECUTE p").fetchall()) == {(None,)}
    connect().execute("ALTER FOREIGN TABLE paged ALTER n OPTIONS (DROP attribute)")
    connect().execute("ALTER SERVER dynamo OPTIONS (ADD consistent_read 'true')")
    with paged_proxy.record() as calls:
        assert paged.execute("EXECUTE p").fetchall() == ROWS
    assert all(call.request.get("ConsistentRead") for call in calls.data)


# ---- descriptions --------------------------------------------------------------------


def test_description_is_asked_for_once(paged, paged_proxy, connect):
    with paged_proxy.record() as calls:
        for _ in range(3):
            paged.execute(QUERY)
        paged.execute("SELECT count(*) FROM paged")
        foreign_table(paged, "again", COLUMNS, table_name="Paged")
        paged.execute("SELECT count(*) FROM again")
    assert calls.count("DescribeTable") == 1
    connect().execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '3')")
    with paged_proxy.record() as calls:
        paged.execute(QUERY)
        paged.execute(QUERY)
    assert calls.count("DescribeTable") == 1


def test_a_change_of_one_server_leaves_descriptions_of_others(paged, paged_proxy, connect):
    make_server(paged, paged_proxy.endpoint, name="other")
    foreign_table(paged, "elsewhere", COLUMNS, server="other", table_name="Paged")
    other_query = QUERY.replace("paged", "elsewhere")
    for query in (QUERY, other_query):
        assert paged.execute(query).fetchall() == ROWS
    admin = connect()
    admin.execute("CREATE ROLE sessions_anybody")
    try:
        for change in (
            "ALTER SERVER other OPTIONS (ADD compression 'false')",
            f"CREATE USER MAPPING FOR sessions_anybody SERVER dynamo {keys_mapping('x')}",
            "ALTER USER MAPPING FOR postgres SERVER other OPTIONS (SET access_key_id 'y')",
            "DROP USER MAPPING FOR sessions_anybody SERVER dynamo",
        ):
            admin.execute(change)
            with paged_proxy.record() as calls:
                assert paged.execute(QUERY).fetchall() == ROWS
                assert paged.execute(other_query).fetchall() == ROWS
            changes_other = " other " in change
            assert calls.count("DescribeTable") == changes_other, change
    finally:
        admin.execute("DROP ROLE sessions_anybody")


def test_a_mapping_of_ones_own_describes_anew(paged, paged_proxy, connect):
    """Where there was one for PUBLIC: it may be another account's table."""
    admin = connect()
    admin.execute("DROP USER MAPPING FOR postgres SERVER dynamo")
    admin.execute(f"CREATE USER MAPPING FOR PUBLIC SERVER dynamo {keys_mapping('PUBLICKEY')}")
    assert paged.execute(QUERY).fetchall() == ROWS
    admin.execute(f"CREATE USER MAPPING FOR postgres SERVER dynamo {keys_mapping('OWNKEY')}")
    with paged_proxy.record() as calls:
        assert paged.execute(QUERY).fetchall() == ROWS
    assert calls.count("DescribeTable") == 1
    assert signers(calls) == {"OWNKEY"}


@pytest.mark.parametrize(
    "fault", [faults.internal_error, faults.throttle, faults.close_before, lambda: faults.html(403)]
)
def test_a_refresh_that_fails_does_not_fail_the_statement(paged, paged_proxy, fault):
    assert paged.execute(QUERY).fetchall() == ROWS
    paged.execute("SET ddb_fdw.description_lifetime = 0")
    with paged_proxy.inject(fault(), operation="DescribeTable"), paged_proxy.record() as calls:
        for _ in range(3):
            assert paged.execute(QUERY).fetchall() == ROWS
        assert 1 <= calls.count("DescribeTable") <= 4, "it is not asked for at each statement"
    # What may be another table's does not serve.
    paged.execute("ALTER SERVER dynamo OPTIONS (ADD compression 'false')")
    with paged_proxy.inject(fault(), operation="DescribeTable"):
        assert failure(paged, QUERY).sqlstate in ("08006", "53000", "08004")
    assert paged.execute(QUERY).fetchall() == ROWS


def test_a_refresh_that_is_refused_is_an_error(paged, paged_proxy):
    assert paged.execute(QUERY).fetchall() == ROWS
    paged.execute("SET ddb_fdw.description_lifetime = 0")
    for code, sqlstate in (("ResourceNotFoundException", "HV00R"), ("AccessDeniedException", "42501")):
        with paged_proxy.inject(faults.error(code), operation="DescribeTable"):
            assert failure(paged, QUERY).sqlstate == sqlstate


DECLARED = [
    "pk text OPTIONS (key 'partition')",
    "sk text OPTIONS (key 'sort') COLLATE \"C\"",
    "n int",
    "note text",
]


def test_without_permission_to_describe(paged, paged_proxy):
    foreign_table(paged, "declared", DECLARED, table_name="Paged")
    denied = faults.error("AccessDeniedException", "not authorized: dynamodb:DescribeTable")
    with paged_proxy.inject(denied, operation="DescribeTable"), paged_proxy.record() as calls:
        for _ in range(2):
            rows = paged.execute("SELECT n FROM declared WHERE pk = 'P' ORDER BY sk").fetchall()
            assert rows == ROWS
        assert paged.execute(
            "SELECT n FROM declared WHERE pk = 'P' AND sk = '000003'"
        ).fetchall() == [(3,)]
        assert set(calls.data.operations) == {"Query", "GetItem"}
        assert calls.count("DescribeTable") == 1, "the answer is remembered"

        diag = failure(paged, QUERY)
        assert diag.sqlstate == "42501"
        assert "dynamodb:DescribeTable" in diag.message_detail + diag.message_hint
        assert '"key"' in diag.message_hint
        assert failure(paged, QUERY).sqlstate == "42501"
    assert paged.execute(QUERY).fetchall() == ROWS


def test_declared_key_twice(paged, paged_proxy):
    twice = ["a text OPTIONS (key 'partition')", "b text OPTIONS (key 'partition')"]
    foreign_table(paged, "twice", twice, table_name="Paged")
    with paged_proxy.inject(faults.error("AccessDeniedException"), operation="DescribeTable"):
        diag = failure(paged, "SELECT * FROM twice")
    assert "partition key" in diag.message_primary


# ---- connections ---------------------------------------------------------------------


def test_connection_is_kept(paged, paged_proxy):
    paged.execute(QUERY)
    before = paged_proxy.connections
    for _ in range(10):
        paged.execute(QUERY)
    paged.execute("SELECT count(*) FROM paged")
    with paged.transaction():
        paged.execute(QUERY)
    assert paged_proxy.connections == before == 1


def test_two_scans_of_one_statement_share_the_client(paged, paged_proxy):
    paged.execute(QUERY)
    rows = paged.execute(
        "SELECT a.n FROM paged a JOIN paged b USING (n) WHERE a.pk = 'P' AND b.pk = 'P'"
    ).fetchall()
    assert len(rows) == 25
    with paged.transaction():
        for name in ("c", "d"):
            paged.execute(f"DECLARE {name} CURSOR FOR {QUERY}")
        for _ in range(5):
            for name in ("c", "d"):
                assert len(paged.execute(f"FETCH 5 FROM {name}").fetchall()) == 5
    assert paged_proxy.connections <= 2


def test_each_session_has_its_own_connection(paged, paged_proxy, connect):
    paged.execute(QUERY)
    other = connect()
    other.execute(QUERY)
    assert paged_proxy.connections == 2
    other.close()
    wait_until(lambda: paged_proxy.open_connections() == 1, "the connection to close")


def test_altered_server_gives_up_its_connection(paged, paged_proxy):
    paged.execute(QUERY)
    paged.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '3')")
    paged.execute(QUERY)
    assert paged_proxy.connections == 2
    wait_until(lambda: paged_proxy.open_connections() == 1, "the old connection to close")


def test_discard_all(paged, paged_proxy):
    paged.execute(QUERY)
    paged.execute("DISCARD ALL")
    assert paged.execute(QUERY).fetchall() == ROWS


def test_dropped_server(paged, paged_proxy):
    paged.execute(QUERY)
    paged.execute("DROP SERVER dynamo CASCADE")
    make_server(paged, paged_proxy.endpoint)
    foreign_table(paged, "paged", COLUMNS, table_name="Paged")
    assert paged.execute(QUERY).fetchall() == ROWS


def test_server_dropped_under_an_open_cursor(paged, connect):
    """PostgreSQL's locks let no one; in the same session it says so, too."""
    with paged.transaction():
        paged.execute(f"DECLARE c CURSOR FOR {QUERY}")
        paged.execute("FETCH 5 FROM c")
        with pytest.raises(psycopg.Error), paged.transaction():
            paged.execute("DROP SERVER dynamo CASCADE")
        assert len(paged.execute("FETCH ALL FROM c").fetchall()) == 20


# ---- cursors and aborts --------------------------------------------------------------


def test_cursor_with_hold(paged, paged_proxy):
    with paged.transaction():
        paged.execute(f"DECLARE c CURSOR WITH HOLD FOR {QUERY}")
        assert len(paged.execute("FETCH 5 FROM c").fetchall()) == 5
    with paged_proxy.record() as calls:
        assert paged.execute("FETCH ALL FROM c").fetchall() == ROWS[5:]
    assert len(calls) == 0, "they were fetched at commit"
    paged.execute("CLOSE c")


def test_cursor_with_hold_whose_commit_fails(paged, paged_proxy):
    paged.execute(QUERY)
    with pytest.raises(psycopg.Error), paged.transaction():
        paged.execute(f"DECLARE c CURSOR WITH HOLD FOR {QUERY}")
        paged.execute("FETCH 5 FROM c")
        injection = paged_proxy.inject(faults.error("AccessDeniedException"), operation="Query")
        injection.__enter__()
    injection.__exit__(None, None, None)
    assert paged.execute(QUERY).fetchall() == ROWS


def test_cursor_left_open_at_commit_and_abort(paged, paged_proxy):
    for rollback in (False, True):
        with paged.transaction(force_rollback=rollback):
            paged.execute(f"DECLARE c CURSOR FOR {QUERY}")
            paged.execute("FETCH 5 FROM c")
        assert paged.execute(QUERY).fetchall() == ROWS


def test_aborted_subtransaction_keeps_the_outer_scan(paged, paged_proxy):
    paged.execute(QUERY)
    with paged.transaction():
        paged.execute(f"DECLARE outer_cursor CURSOR FOR {QUERY}")
        assert len(paged.execute("FETCH 5 FROM outer_cursor").fetchall()) == 5
        for _ in range(5):
            with pytest.raises(psycopg.Error), paged.transaction():
                paged.execute(f"DECLARE inner_cursor CURSOR FOR {QUERY}")
                paged.execute("FETCH 1 FROM inner_cursor")
                with paged_proxy.inject(faults.error("ValidationException"), operation="Query"):
                    paged.execute("SELECT count(*) FROM paged WHERE pk = 'P'").fetchall()
        assert paged.execute("FETCH ALL FROM outer_cursor").fetchall() == ROWS[5:]


def test_exception_block_in_plpgsql(paged, paged_proxy):
    paged.execute(
        f"""CREATE FUNCTION attempts() RETURNS int LANGUAGE plpgsql AS $$
        DECLARE failures int := 0; r record;
        BEGIN
          FOR i IN 1..20 LOOP
            BEGIN
              FOR r IN {QUERY} LOOP
                IF r.n = 12 THEN RAISE division_by_zero; END IF;
              END LOOP;
            EXCEPTION WHEN division_by_zero THEN failures := failures + 1;
            END;
          END LOOP;
          RETURN failures;
        END $$"""
    )
    assert paged.execute("SELECT attempts()").fetchone() == (20,)
    assert paged.execute(QUERY).fetchall() == ROWS


def test_error_in_another_part_of_the_statement_cancels_the_request(paged, paged_proxy):
    paged.execute(QUERY)
    with pytest.raises(psycopg.errors.DivisionByZero):
        paged.execute(f"SELECT 1 / (n - 12) FROM ({QUERY}) s").fetchall()
    assert paged.execute(QUERY).fetchall() == ROWS


# ---- leaks ---------------------------------------------------------------------------


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def contexts_bytes(db):
    return db.execute("SELECT sum(total_bytes) FROM pg_backend_memory_contexts").fetchone()[0]


def measure(db):
    pid = db.info.backend_pid
    contexts = float(contexts_bytes(db))  # its query opens catalogs: before they are counted
    return descriptors(pid), contexts, resident_kb(pid)


def query_that_stops_early(db, proxy):
    db.execute("SELECT n FROM paged LIMIT 3").fetchall()


def query_that_fails_at_home(db, proxy):
    with pytest.raises(psycopg.errors.DivisionByZero):
        db.execute("SELECT 1 / (n - 12) FROM paged WHERE pk = 'P'").fetchall()


def query_that_is_refused(db, proxy):
    with proxy.inject(faults.error("ValidationException"), operation="Query"):
        failure(db, QUERY)


def query_that_gets_rubbish(db, proxy):
    with proxy.inject(faults.rewrite_bytes(lambda body: body[:-1]), operation="Query"):
        failure(db, QUERY)


def query_of_a_broken_connection(db, proxy):
    with proxy.inject(faults.truncate(0.5), operation="Query"):
        failure(db, QUERY)


def query_with_the_wrong_type(db, proxy):
    def change(response):
        response["Items"][3]["n"] = {"S": "x"}

    with proxy.inject(faults.rewrite(change), operation="Query"):
        failure(db, QUERY)


def query_after_altered_options(db, proxy):
    db.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '2')")
    db.execute(QUERY).fetchall()


def description_that_is_refused(db, proxy):
    db.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '2')")
    with proxy.inject(faults.error("AccessDeniedException"), operation="DescribeTable"):
        failure(db, QUERY)


def cursor_that_is_abandoned(db, proxy):
    with db.transaction(force_rollback=True):
        db.execute(f"DECLARE c CURSOR FOR {QUERY}")
        db.execute("FETCH 11 FROM c")


def session_that_cannot_be_made(db, proxy):
    db.execute("ALTER USER MAPPING FOR postgres SERVER dynamo OPTIONS (SET access_key_id 'a b')")
    failure(db, QUERY)
    db.execute("ALTER USER MAPPING FOR postgres SERVER dynamo OPTIONS (SET access_key_id 'test')")


LOOPS = [
    query_that_stops_early,
    query_that_fails_at_home,
    query_that_is_refused,
    query_that_gets_rubbish,
    query_of_a_broken_connection,
    query_with_the_wrong_type,
    query_after_altered_options,
    description_that_is_refused,
    cursor_that_is_abandoned,
    session_that_cannot_be_made,
]


@pytest.mark.parametrize("step", LOOPS, ids=lambda step: step.__name__)
def test_nothing_grows(paged, paged_proxy, step):
    """The first rounds may fill caches; after them 300 more must cost nothing."""
    for _ in range(60):
        step(paged, paged_proxy)
    files, contexts, resident = measure(paged)
    for _ in range(300):
        step(paged, paged_proxy)
    files_after, contexts_after, resident_after = measure(paged)
    # A kept connection may have been closed or opened in between.
    assert files_after <= files + 1
    assert contexts_after <= contexts * 1.05
    # malloc's share: 300 leaked replies or handles would be megabytes.
    assert resident_after <= resident + 2000
    assert paged_proxy.open_connections() <= 2
    paged.execute("ALTER SERVER dynamo OPTIONS (SET max_attempts '2')")
    assert paged.execute(QUERY).fetchall() == ROWS


def test_canceled_statements_leave_nothing(paged, paged_proxy, connect):
    paged.execute(QUERY)
    observer = connect()
    pid = paged.info.backend_pid

    def cancel_one():
        with paged_proxy.inject(faults.hang("body"), operation="Query") as fault:
            statement = Statement(paged, QUERY)
            assert fault.reached.wait(30)
            observer.execute("SELECT pg_cancel_backend(%s)", [pid])
            assert statement.join().sqlstate == "57014"
            assert fault.client_gone.wait(30)

    for _ in range(10):
        cancel_one()
    files, contexts, resident = measure(paged)
    for _ in range(60):
        cancel_one()
    files_after, contexts_after, resident_after = measure(paged)
    assert files_after <= files + 1
    assert contexts_after <= contexts * 1.05
    assert resident_after <= resident + 2000


def test_stopping_early_leaves_no_request_under_way(paged, paged_proxy):
    paged.execute(QUERY)
    paged.execute("SELECT n FROM paged LIMIT 3").fetchall()
    with paged_proxy.record() as calls:
        assert paged.execute("SELECT 1").fetchone() == (1,)
        assert paged.execute(QUERY).fetchall() == ROWS
    assert len(calls) == 3
