# SPDX-License-Identifier: PostgreSQL
"""Processes and directories that do not outlive whoever made them."""

import ctypes
import json
import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent

# Unix socket paths end at 107 bytes.
LONGEST_BASE = 60


def die_with_parent():
    """When started by tools/check.sh or tools/demo.sh: makes the kernel send
    SIGTERM to this process as soon as make is gone."""
    PR_SET_PDEATHSIG = 1
    parent = os.environ.pop("DDB_FDW_DIE_WITH_PARENT", None)
    if parent is not None:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):
            sys.exit("the process that started this one is gone")


def wait_until(condition, what, seconds=60, interval=0.02):
    """Polls until condition() is true and returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(interval)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts_connections(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def leads_elsewhere(name):
    """Does this environment variable name other servers, users or proxies?"""
    return (
        name.startswith(("PG", "AWS_", "MAKE", "MFLAGS")) and name != "PG_CONFIG"
    ) or name.lower().endswith("_proxy")


def clean_environment(**extra):
    """The environment for servers and programs started here."""
    kept = {name: value for name, value in os.environ.items() if not leads_elsewhere(name)}
    return {**kept, "LC_ALL": "C.UTF-8", **extra}


def clean_own_environment():
    """The same for this process, for the libraries it uses."""
    for name in filter(leads_elsewhere, list(os.environ)):
        del os.environ[name]


def reachable_by_all(path):
    """May any user of this machine walk down to the directory?"""
    return all(p.stat().st_mode & 0o001 for p in [path, *path.parents])


def temporary_base():
    """TMPDIR, unless a server of another user could not use it."""
    base = pathlib.Path(os.environ.get("TMPDIR") or "/tmp").resolve()
    too_long = len(str(base)) > LONGEST_BASE
    if too_long or not base.is_dir() or (os.geteuid() == 0 and not reachable_by_all(base)):
        return pathlib.Path("/tmp")
    return base


SHARED_MEMORY = pathlib.Path("/dev/shm")
ROOM = 4 << 30  # bytes that must be free there


def base_in_memory():
    """A place in memory for databases, of which tests make thousands; else TMPDIR."""
    if os.environ.get("TMPDIR") or not os.path.ismount(SHARED_MEMORY):
        return temporary_base()
    if not os.access(SHARED_MEMORY, os.W_OK) or shutil.disk_usage(SHARED_MEMORY).free < ROOM:
        return temporary_base()
    return SHARED_MEMORY


class Workspace:
    """A temporary directory and the servers in it, with a janitor."""

    def __init__(self):
        self._janitor = subprocess.Popen(
            [sys.executable, "-I", str(HERE / "janitor.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        self.directory = self._make_directory(temporary_base())
        self._in_memory = None

    def _make_directory(self, base):
        directory = base / f"ddb_fdw.{os.getpid()}.{secrets.token_hex(3)}"
        # Registered before it is made: no moment in which nobody cleans up.
        self._tell(directory=str(directory))
        directory.mkdir(mode=0o755)
        directory.chmod(0o755)
        return directory

    @property
    def in_memory(self):
        """A directory for databases: in memory where there is room for them."""
        if self._in_memory is None:
            self._in_memory = self._make_directory(base_in_memory())
        return self._in_memory

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    @property
    def janitor_pid(self):
        return self._janitor.pid

    def _tell(self, **message):
        self._janitor.stdin.write(json.dumps(message).encode() + b"\n")
        self._janitor.stdin.flush()

    def spawn(self, command, log, stop_signal="SIGKILL", **options):
        """Starts a server whose output goes to the file log."""
        with open(log, "ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **options,
            )
        self._tell(process=process.pid, signal=stop_signal)
        return process

    def stop(self, process, number=signal.SIGTERM, seconds=30):
        """Stops one server before the others."""
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._tell(forget=process.pid)

    def keep(self):
        """Leaves everything running until the janitor gets SIGTERM."""
        self._tell(keep=True)
        self._janitor.stdin.close()

    def close(self):
        """Stops and removes everything; returns when that is done."""
        if not self._janitor.stdin.closed:
            self._janitor.stdin.close()
            self._janitor.wait()
