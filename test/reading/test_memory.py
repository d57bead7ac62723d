# SPDX-License-Identifier: PostgreSQL
"""A backend's memory while a gigabyte goes through it.

The replay server of bench/ sends the same few pages again and again, so nobody
has to keep the gigabyte.
"""

import pathlib
import sys

import pytest
from lab.processes import REPOSITORY
from support.fdw import explain, foreign_scan, foreign_table, make_server

sys.path.insert(0, str(REPOSITORY / "bench"))

import gen_pages
from replay_server import ReplayServer

PAGES = 8
ITEMS_A_PAGE = 2600
MEGABYTE = 1024 * 1024
GIGABYTE = 1024 * MEGABYTE

COLUMNS = [
    "log_partition text OPTIONS (attribute 'logPartition')",
    "date_time timestamptz OPTIONS (attribute 'dateTime', format 'iso8601:6')",
    "severity text",
    "message text",
    "service text",
    "latency numeric",
    "status integer",
    "ok boolean",
]


class Memory:
    """Of a backend's process, in bytes."""

    def __init__(self, connection):
        self.process = pathlib.Path("/proc") / str(connection.info.backend_pid)

    def _read(self, name):
        for line in (self.process / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"no {name} of {self.process}")

    def now(self):
        return self._read("VmRSS")

    def reset_peak(self):
        (self.process / "clear_refs").write_text("5")

    def peak(self):
        return self._read("VmHWM")


@pytest.fixture
def replayed(db, workspace, tmp_path):
    """Function: a foreign table "logs" of at least so many bytes; its rows."""

    def make(wanted_bytes, pages=PAGES, **options):
        size = gen_pages.generate(tmp_path, pages, ITEMS_A_PAGE)
        rounds = -(-wanted_bytes // size)
        server = ReplayServer(workspace, pages=tmp_path, repeat=rounds).start()
        make_server(db, server.endpoint)
        foreign_table(db, "logs", COLUMNS, **options)
        return pages * ITEMS_A_PAGE * rounds

    return make


def test_a_gigabyte_goes_through_less_than_50_megabytes(replayed, connect):
    rows = replayed(GIGABYTE)
    connection = connect()
    memory = Memory(connection)
    start = memory.now()
    memory.reset_peak()
    node = foreign_scan(
        explain(connection, "SELECT * FROM logs", ANALYZE=True, TIMING="OFF", COSTS="OFF")
    )
    assert node["Actual Rows"] == rows
    assert node["Bytes Received"] >= GIGABYTE
    assert memory.peak() - start < 50 * MEGABYTE


def test_memory_is_flat_over_a_million_items(replayed, connect):
    rows = replayed(GIGABYTE // 2)
    assert rows > 1_000_000
    connection = connect()
    memory = Memory(connection)
    with connection.transaction():
        connection.execute("DECLARE everything NO SCROLL CURSOR FOR SELECT * FROM logs")
        # Peaks of both parts: between two pages less is held, and less than a peak
        # at the beginning is no measure of what a page takes.
        memory.reset_peak()
        connection.execute(f"MOVE {rows // 4} IN everything")
        early = memory.peak()
        memory.reset_peak()
        moved = connection.execute("MOVE ALL IN everything")
        assert moved.statusmessage == f"MOVE {rows - rows // 4}"
        late = memory.peak()
    assert late - early < 4 * MEGABYTE


def test_segments_together_take_less_than_50_megabytes(replayed, connect):
    rows = replayed(GIGABYTE // 4, pages=16, total_segments=16)
    connection = connect()
    memory = Memory(connection)
    start = memory.now()
    memory.reset_peak()
    node = foreign_scan(
        explain(connection, "SELECT * FROM logs", ANALYZE=True, TIMING="OFF", COSTS="OFF")
    )
    assert (node["Actual Rows"], node["Segments"]) == (rows, 16)
    assert memory.peak() - start < 50 * MEGABYTE
