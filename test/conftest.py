# SPDX-License-Identifier: PostgreSQL
"""Fixtures: servers once per worker, databases and proxies once per test.

    dynamodb     DynamoDB Local: .endpoint
    ddb          boto3 client for it; ddb_resource the resource
    tables       support.regress_data's tables, loaded
    make_items   function: a table of the test's own
    proxy        recording and misbehaving proxy before it
    cluster      PostgreSQL with ddb_fdw: .conninfo(), .psql(), .stop() ...
    db           psycopg connection (autocommit) to a fresh database that has
                 the extension
    dynamo       db, with a server dynamo in it, which the proxy stands before
    connect      function: another connection to db's database
    connect_in   function: the same to a database of another encoding
    make_table   make_items, by names of keys and types of attributes
    store        support.store.Store: tables of single values, by dynamo
    paged_proxy  proxy before a made-up table of small pages (support.paged)
    empty_database  name of a fresh database without the extension
"""

import contextlib
import fcntl
import os
import pathlib
import re
import secrets
import signal
import uuid

import psycopg
import pytest
from lab import (
    Cluster,
    DynamoDBLocal,
    PrivateTree,
    Workspace,
    clean_own_environment,
    die_with_parent,
)
from support import aws, regress_data
from support.counted import LOGGED, Accounts, without_plans
from support.fdw import make_server
from support.paged import PagedTable
from support.paged import make_items as paged_items
from support.proxy import Proxy
from support.regress_data import load_table
from support.store import Store
from support.systems import definition

SHARED = "DDB_FDW_SHARED_DIRECTORY"
WORKSPACE = pytest.StashKey[Workspace]()
CLUSTER = pytest.StashKey[Cluster]()
LOG_START = pytest.StashKey[int]()

LOG_LINES_SHOWN = 60


def pytest_addoption(parser):
    parser.addoption(
        "--accept",
        action="store_true",
        help="test_regress: take the results as the expected output",
    )


def is_worker(config):
    return hasattr(config, "workerinput")


def pytest_configure(config):
    """The controller makes a directory that all workers share; its janitor
    outlives everybody."""
    clean_own_environment()
    config.addinivalue_line("markers", "warns(regex, ...): the server may warn of these")
    config.addinivalue_line("markers", "uncounted(why): the log may differ from the proxies")
    if is_worker(config) or config.option.collectonly:
        return
    # Ended from outside, it still stops its workers and says what it did.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    die_with_parent()
    config.stash[WORKSPACE] = Workspace()
    os.environ[SHARED] = str(config.stash[WORKSPACE].directory)


def pytest_unconfigure(config):
    workspace = config.stash.get(WORKSPACE, None)
    if workspace is not None:
        workspace.close()


@pytest.fixture(scope="session")
def workspace():
    with Workspace() as workspace:
        yield workspace


@pytest.fixture(scope="session")
def tree():
    """One relocated PostgreSQL for all workers, made by whoever comes first."""
    shared = pathlib.Path(os.environ[SHARED])
    tree = PrivateTree(shared / "tree")
    with open(shared / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "tree.complete").exists():
            tree.build()
            (shared / "tree.complete").touch()
    return tree


@pytest.fixture(scope="session")
def dynamodb(workspace):
    return DynamoDBLocal(workspace).start()


@pytest.fixture(scope="session")
def ddb(dynamodb):
    return aws.client(dynamodb.endpoint)


@pytest.fixture(scope="session")
def ddb_resource(dynamodb):
    return aws.resource(dynamodb.endpoint)


@pytest.fixture(scope="session")
def tables(ddb_resource):
    regress_data.load(ddb_resource)


@pytest.fixture
def make_items(ddb_resource):
    """Function: a DynamoDB table of its own, with that key schema and these items."""
    made = []

    def make(keys, items=()):
        name = f"Items{uuid.uuid4().hex}"
        load_table(ddb_resource, name, keys, list(items))
        made.append(ddb_resource.Table(name))
        return made[-1]

    yield make
    for table in made:
        table.delete()


@pytest.fixture
def make_table(make_items):
    """Function: make_items, by what support.systems.definition takes."""

    def make(keys, types, items=(), **options):
        return make_items(definition(keys, types, **options), items)

    return make


@pytest.fixture
def proxy(dynamodb):
    with Proxy(dynamodb.endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def running_cluster(request, workspace, tree):
    cluster = Cluster(workspace, tree).init()
    with open(cluster.data / "postgresql.conf", "a", encoding="utf-8") as conf:
        conf.write(LOGGED)
    cluster.start()
    request.config.stash[CLUSTER] = cluster
    return cluster


def unexpected_warnings(test, lines):
    """Those of the log's lines that none of the test's marks warns("regex") matches."""
    expected = [
        re.compile(regex) for mark in test.iter_markers("warns") for regex in mark.args
    ]
    return [line for line in lines if not any(regex.search(line) for regex in expected)]


@pytest.fixture
def cluster(request, running_cluster):
    """The worker's cluster; a backend that crashes fails the test, and so does one
    that warns of what no mark of the test announces."""
    start = running_cluster.log_size()
    yield running_cluster
    crashes = running_cluster.crashes_since(start)
    if crashes:
        pytest.fail("the server crashed:\n" + "\n".join(crashes))
    warnings = unexpected_warnings(request.node, running_cluster.warnings_since(start))
    if warnings:
        pytest.fail("the server warned:\n" + "\n".join(warnings))


@pytest.fixture(scope="session")
def administration(running_cluster):
    """Function: runs one statement in the database postgres.

    A connection a time: after a crash the next test gets a new one."""

    def execute(statement):
        with psycopg.connect(**running_cluster.conninfo(), autocommit=True) as connection:
            connection.execute(statement)

    return execute


@pytest.fixture(scope="session")
def template(running_cluster, administration):
    """Databases are copied from this one: the extension is created once."""
    name = "ddb_template"
    administration(f"CREATE DATABASE {name}")
    running_cluster.psql("CREATE EXTENSION ddb_fdw", dbname=name)
    if not running_cluster.tree.has_icu:
        # PostgreSQL does not know that these compare bytes.
        for statement in stand_ins("C.UTF-8"):
            running_cluster.psql(statement, dbname=name)
    return name


def stand_ins(locale):
    """Statements that make collations which servers without ICU lack."""
    for collation in ("en-x-icu", "und-x-icu"):
        yield f"CREATE COLLATION \"{collation}\" (provider = libc, locale = '{locale}')"


@contextlib.contextmanager
def fresh_database(administration, template):
    name = f"test_{secrets.token_hex(4)}"
    # Copied as files: a third of the time, of which every test takes some.
    administration(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield name
    finally:
        administration(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database(cluster, administration):
    with fresh_database(administration, "template0") as name:
        yield name


@pytest.fixture
def accounts(request, cluster):
    """What the log says of requests is what proxies received."""
    accounts = Accounts(cluster)
    yield accounts
    if is_counted(request) and not any(request.node.iter_markers("uncounted")):
        differences = accounts.differences()
        if differences:
            pytest.fail("\n".join(differences))



@contextlib.contextmanager
def accounted_database(request, cluster, accounts, administration, name):
    """ExitStack for connections; at their end the database's servers are noted."""
    if is_counted(request) and has_auto_explain(cluster):
        administration(f"ALTER DATABASE {name} SET session_preload_libraries = 'auto_explain'")
    with contextlib.ExitStack() as stack:
        yield stack
    with psycopg.connect(**cluster.conninfo(name), autocommit=True) as connection:
        accounts.note(connection)


def is_counted(request):
    return request.node.path.parent.name in ("joins", "planning", "reading")


def has_auto_explain(cluster):
    return (cluster.tree.pkglibdir / "auto_explain.so").exists()


@pytest.fixture
def connect(request, cluster, administration, template, accounts):
    """Function: a connection to the test's own database."""
    with (
        fresh_database(administration, template) as name,
        accounted_database(request, cluster, accounts, administration, name) as stack,
    ):

        def open_connection(user="postgres", **options):
            options.setdefault("autocommit", True)
            connection = psycopg.connect(**cluster.conninfo(name, user), **options)
            stack.callback(connection.close)
            return connection

        yield open_connection


@pytest.fixture
def dynamo(db, proxy):
    make_server(db, proxy.endpoint)
    return db


@pytest.fixture
def store(dynamo, ddb):
    dynamo.execute("SET timezone = 'UTC'")
    store = Store(dynamo, ddb)
    yield store
    for name in store.names:
        ddb.delete_table(TableName=name)


@pytest.fixture
def paged_proxy():
    with PagedTable(paged_items(25)) as table, Proxy(table.endpoint) as proxy:
        yield proxy


@pytest.fixture
def connect_in(connect, cluster, administration):
    """Function: a connection to a database of that charset (support.widened), of the
    test's own; None: of UTF8."""
    with contextlib.ExitStack() as stack:

        def open_connection(charset, **options):
            if charset is None:
                return connect(**options)
            name = f"test_{secrets.token_hex(4)}"
            icu = charset.has_icu and cluster.tree.has_icu
            provider = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'" if icu else "LOCALE_PROVIDER libc"
            administration(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{charset.encoding}'"
                f" LC_COLLATE 'C' LC_CTYPE 'C' STRATEGY file_copy {provider}"
            )
            stack.callback(administration, f"DROP DATABASE {name} WITH (FORCE)")
            options.setdefault("autocommit", True)
            connection = psycopg.connect(
                **cluster.conninfo(name, "postgres"), client_encoding="utf8", **options
            )
            stack.callback(connection.close)
            connection.execute("CREATE EXTENSION ddb_fdw")
            for statement in () if cluster.tree.has_icu else stand_ins("C"):
                connection.execute(statement)
            return connection

        yield open_connection


@pytest.fixture
def db(connect):
    return connect()


# ---- what the server logged is shown with a failure --------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    cluster = item.config.stash.get(CLUSTER, None)
    item.stash[LOG_START] = cluster.log_size() if cluster else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    cluster = item.config.stash.get(CLUSTER, None)
    if report.failed and cluster is not None and cluster.log.exists():
        lines = without_plans(cluster.log_since(item.stash[LOG_START])).splitlines()
        if lines:
            report.sections.append(("PostgreSQL's log", "\n".join(lines[-LOG_LINES_SHOWN:])))
    return report
