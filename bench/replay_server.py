# SPDX-License-Identifier: PostgreSQL
"""Builds and starts the replay server, for the benchmark and the tests.

    with Workspace() as workspace:
        replay = ReplayServer(workspace, pages=directory, repeat=10).start()
        replay.endpoint

Needs tools/ on the Python path.
"""

import json
import os
import re
import subprocess
import urllib.request

from lab import wait_until
from lab.processes import REPOSITORY

SOURCES = sorted((REPOSITORY / "bench").glob("replay*.c"))
HEADERS = sorted((REPOSITORY / "bench").glob("replay*.h"))
PROGRAM = REPOSITORY / "build" / "replay"


def build():
    """Compiles it unless that was done; whoever else does it at the same time."""
    newest = max(path.stat().st_mtime for path in [*SOURCES, *HEADERS])
    if PROGRAM.exists() and PROGRAM.stat().st_mtime > newest:
        return
    PROGRAM.parent.mkdir(exist_ok=True)
    half_done = PROGRAM.with_name(f"replay.{os.getpid()}")
    compiler = os.environ.get("CC") or "cc"
    command = [compiler, "-std=gnu11", "-O2", "-Wall", "-Wextra", "-o", half_done, *SOURCES, "-lz"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    half_done.replace(PROGRAM)


class ReplayServer:
    """One server on a free port.  Options are the program's, _ for -."""

    def __init__(self, workspace, **options):
        self.workspace = workspace
        self.log = workspace.directory / f"replay.{id(self)}.log"
        self.options = options
        self.process = None
        self.port = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        build()
        command = [os.fspath(PROGRAM)]
        for name, value in self.options.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        self.process = self.workspace.spawn(command, self.log)
        found = wait_until(self._first_line, "the replay server to start")
        if self.process.poll() is not None:
            raise RuntimeError(f"the replay server did not start:\n{self.log.read_text()}")
        self.port = int(found.group(1))
        return self

    def _first_line(self):
        if self.process.poll() is not None:
            return True
        return re.match(r"replay: port (\d+),", self.log.read_text())

    def ask(self, what):
        """stats, reset or delay?us=N: the counters by name."""
        with urllib.request.urlopen(f"{self.endpoint}/{what}", timeout=30) as reply:
            return json.load(reply)

    def stop(self):
        self.workspace.stop(self.process)
