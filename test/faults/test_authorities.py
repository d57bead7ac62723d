# SPDX-License-Identifier: PostgreSQL
"""What it costs to know which certificate authorities are trusted.  libcurl keeps a
parsed bundle only where it has no directory of authorities besides, whose
certificates would be trusted beside those of ca_file."""

import os
import pathlib

import pytest
from support.fdw import foreign_table, make_server
from support.paged import COLUMNS
from support.tls import TlsTable, make_certificate

BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")

QUERY = "SELECT count(*) FROM paged WHERE note <> ''"


@pytest.fixture(scope="module")
def directory(workspace):
    directory = workspace.directory / "authorities"
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    return directory


@pytest.fixture(scope="module")
def right(directory):
    return make_certificate(directory, "right", "IP:127.0.0.1")


def make_table(db, server, ca_file):
    make_server(db, server.endpoint, ca_file=ca_file, max_attempts=1)
    foreign_table(db, "paged", COLUMNS, table_name="Paged")


def cpu_time(db):
    """Of the session's backend, in seconds."""
    fields = pathlib.Path(f"/proc/{db.info.backend_pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.skipif(not BUNDLE.exists(), reason="the system has no bundle of authorities")
def test_a_bundle_is_read_once(db, directory, right):
    """However many connections trust it: parsing one takes as long as ten handshakes."""
    bundle = directory / "bundle.pem"
    bundle.write_bytes(BUNDLE.read_bytes() * 4 + right[1].read_bytes())
    bundle.chmod(0o644)
    with TlsTable(*right, one_each=True) as server:
        make_table(db, server, bundle)
        start = cpu_time(db)
        db.execute(QUERY)
        first = cpu_time(db) - start
        begun = server.connections
        start = cpu_time(db)
        for _ in range(4):
            assert db.execute(QUERY).fetchone() == (25,)
        assert server.connections >= begun + 12
        assert cpu_time(db) - start < 2 * first
