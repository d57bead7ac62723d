# SPDX-License-Identifier: PostgreSQL
"""A PostgreSQL of our own: a relocated copy of the installed one, with ddb_fdw.

PostgreSQL finds its libraries and shared files relative to its own binary.  So
a copy of its three directories below one prefix, in the layout they had, is a
complete installation into which the extension can be installed, while the
system's stays untouched.
"""

import os
import pathlib
import pwd
import re
import secrets
import shutil
import signal
import subprocess

from .processes import REPOSITORY, clean_environment, free_port, wait_until

# Bitcode is half of an installation, and JIT is off.
NOT_COPIED = shutil.ignore_patterns("bitcode", "llvmjit*", "pgxs")
PORTS_TO_TRY = 5

SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0700
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 256MB
wal_level = minimal
max_wal_senders = 0
shared_buffers = 32MB
max_connections = 60
autovacuum = off
jit = off
timezone = 'UTC'
lc_messages = 'C'
datestyle = 'ISO, MDY'
log_line_prefix = '%m [%p] %d '
"""


def run(command, **options):
    """Runs a command, and shows all it said when it fails."""
    done = subprocess.run(
        [os.fspath(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} exited with {done.returncode}:\n{done.stdout}")
    return done.stdout


class PrivateTree:
    """The relocated copy."""

    def __init__(self, prefix, pg_config=None):
        self.prefix = pathlib.Path(prefix)
        self.pg_config = pg_config or os.environ.get("PG_CONFIG") or "pg_config"
        self.bindir = self._below_prefix("--bindir")
        self.pkglibdir = self._below_prefix("--pkglibdir")

    def ask(self, option):
        return run([self.pg_config, option]).strip()

    def _below_prefix(self, option):
        return self.prefix / self.ask(option).lstrip("/")

    @property
    def version(self):
        """The major version."""
        return int(re.match(r"PostgreSQL (\d+)", self.ask("--version")).group(1))

    @property
    def pg_regress(self):
        """That of another version will do: it only runs psql and diff."""
        if "DDB_FDW_PG_REGRESS" in os.environ:
            return pathlib.Path(os.environ["DDB_FDW_PG_REGRESS"])
        makefiles = pathlib.Path(self.ask("--pgxs")).parent
        return makefiles.parent / "test" / "regress" / "pg_regress"

    @property
    def has_icu(self):
        return "--with-icu" in self.ask("--configure")

    @property
    def has_libxml(self):
        return "--with-libxml" in self.ask("--configure")

    def build(self):
        """Copies the installation and installs the extension as built here."""
        for option in ("--bindir", "--sharedir", "--pkglibdir"):
            shutil.copytree(
                self.ask(option),
                self._below_prefix(option),
                ignore=NOT_COPIED,
                dirs_exist_ok=True,
            )
        # A server from a Python wheel finds its libraries relative to itself.
        for libraries in pathlib.Path(self.ask("--bindir")).parents[2].glob("*.libs"):
            shutil.copytree(libraries, self.prefix / str(libraries).lstrip("/"))
        self.install()

    def install(self):
        run(
            [
                "make",
                "--no-print-directory",
                "-s",
                "-C",
                REPOSITORY,
                "install",
                f"DESTDIR={self.prefix}",
                f"PG_CONFIG={self.pg_config}",
            ],
            env=clean_environment(),
        )


def server_user():
    """PostgreSQL refuses to run as root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("no user postgres or nobody to run PostgreSQL as")


class Cluster:
    """One PostgreSQL server.  Superuser "postgres": without a password over the
    socket, which nobody else may reach, with one over TCP."""

    def __init__(self, workspace, tree, name="postgres"):
        self.workspace = workspace
        self.tree = tree
        self.user = server_user()
        self.home = workspace.directory / name
        self.storage = workspace.in_memory / name
        self.data = self.storage / "data"
        self.socket_directory = self.home / "socket"
        self.log = workspace.directory / f"{name}.log"
        self.password = secrets.token_hex(12)
        self.port = None
        self.process = None

    def _as_server_user(self):
        if self.user is None:
            return {"cwd": self.home}
        return {
            "cwd": self.home,
            "user": self.user.pw_uid,
            "group": self.user.pw_gid,
            "extra_groups": [],
        }

    def _environment(self, **extra):
        return clean_environment(HOME=str(self.home), TMPDIR=str(self.home), **extra)

    def init(self):
        self.home.mkdir()
        self.storage.mkdir(exist_ok=True)
        self.socket_directory.mkdir(mode=0o700)
        password_file = self.home / "password"
        password_file.write_text(self.password)
        if self.user is not None:
            for path in (self.home, self.storage, self.socket_directory, password_file):
                os.chown(path, self.user.pw_uid, self.user.pw_gid)
        # A linguistic default collation: text compares differently than bytes
        # do, as it does on most users' servers.
        icu = ["--locale-provider=icu", "--icu-locale=en-US"] if self.tree.has_icu else []
        run(
            [
                self.tree.bindir / "initdb",
                f"--pgdata={self.data}",
                "--username=postgres",
                f"--pwfile={password_file}",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
                *icu,
            ],
            env=self._environment(),
            **self._as_server_user(),
        )
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(SETTINGS)
            conf.write(f"unix_socket_directories = '{self.socket_directory}'\n")
        return self

    def start(self, **environment):
        """Another process may take the port first: then another port is tried."""
        if not self.data.exists():
            self.init()
        for _ in range(PORTS_TO_TRY):
            self.port = free_port()
            self.process = self.workspace.spawn(
                [
                    os.fspath(self.tree.bindir / "postgres"),
                    "-D",
                    os.fspath(self.data),
                    "-p",
                    str(self.port),
                ],
                self.log,
                stop_signal="SIGQUIT",
                env=self._environment(**environment),
                **self._as_server_user(),
            )
            wait_until(self._settled, "PostgreSQL to start")
            if self.process.poll() is None:
                return self
        raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()}")

    def _settled(self):
        """postmaster.pid says "ready" in its last line."""
        if self.process.poll() is not None:
            return True
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def stop(self):
        self.workspace.stop(self.process, signal.SIGINT)

    def environment(self, dbname="postgres"):
        """For psql and other libpq programs."""
        return clean_environment(
            PGHOST=str(self.socket_directory),
            PGPORT=str(self.port),
            PGUSER="postgres",
            PGDATABASE=dbname,
        )

    def conninfo(self, dbname="postgres", user="postgres"):
        """Keyword arguments for psycopg.connect."""
        return {
            "host": str(self.socket_directory),
            "port": self.port,
            "user": user,
            "dbname": dbname,
        }

    def psql(self, sql, dbname="postgres", options=()):
        """Runs SQL and returns what psql printed."""
        return run(
            [
                self.tree.bindir / "psql",
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                *options,
                "-c",
                sql,
            ],
            env=self.environment(dbname),
        )

    def log_size(self):
        return self.log.stat().st_size

    def log_since(self, offset):
        with open(self.log, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def crashes_since(self, offset):
        """Log lines about backends that died of a signal or an assertion."""
        # Line by line: statements may be megabytes, which ".*" would go through
        # again from each of their characters.
        pattern = re.compile(r"terminated by signal|TRAP:|exited with exit code (?!1\b)")
        return [line for line in self.log_since(offset).splitlines() if pattern.search(line)]

    def warnings_since(self, offset):
        """Log lines that begin a WARNING, whoever was told of it."""
        # As log_line_prefix has it; lines of statements begin with a tab.
        pattern = re.compile(r"\d\S* \S+ \S+ \[\d+\] \S* WARNING:  ")
        return [line for line in self.log_since(offset).splitlines() if pattern.match(line)]
