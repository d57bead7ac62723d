# SPDX-License-Identifier: PostgreSQL
"""Other emulators of DynamoDB on free loopback ports: moto's server, from the
virtual environment, and dynalite, from .build/dynalite.

Node.js is not among what `make check` sets up: where node and npm are found,
dynalite is installed, else install_dynalite() says why not.
"""

import fcntl
import shutil
import subprocess
import sys

from .processes import REPOSITORY, accepts_connections, clean_environment, free_port, wait_until

DYNALITE = "dynalite@4.0.0"
DYNALITE_DIRECTORY = REPOSITORY / ".build" / "dynalite"
OLDEST_NODE = 20
PORTS_TO_TRY = 5
NPM_SECONDS = 60

MOTO_PROGRAM = "import sys; from moto.server import main; main(sys.argv[1:])"

# Tables are there at once; its own command cannot be told to keep to loopback.
DYNALITE_PROGRAM = """
const [directory, port] = process.argv.slice(1)
const dynalite = require(directory + '/node_modules/dynalite')
dynalite({createTableMs: 0, deleteTableMs: 0, updateTableMs: 0})
  .listen(Number(port), '127.0.0.1')
"""


class Emulator:
    """Started by command(); another process may take the port first: then
    another port is tried."""

    name = None

    def __init__(self, workspace):
        self.workspace = workspace
        self.log = workspace.directory / f"{self.name}.log"
        self.port = None
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self):
        raise NotImplementedError

    def start(self):
        for _ in range(PORTS_TO_TRY):
            self.port = free_port()
            self.process = self.workspace.spawn(
                self.command(),
                self.log,
                cwd=self.workspace.directory,
                # moto looks for an identity even where it checks none.
                env=clean_environment(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test"),
            )
            wait_until(self._settled, f"{self.name} to start")
            if self.process.poll() is None:
                return self
        raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text()}")

    def _settled(self):
        return self.process.poll() is not None or accepts_connections(self.port)

    def stop(self):
        self.workspace.stop(self.process)


class Moto(Emulator):
    name = "moto"

    def command(self):
        return [sys.executable, "-c", MOTO_PROGRAM, "-H", "127.0.0.1", "-p", str(self.port)]


class Dynalite(Emulator):
    name = "dynalite"

    def command(self):
        return ["node", "-e", DYNALITE_PROGRAM, str(DYNALITE_DIRECTORY), str(self.port)]


def _run(*command):
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=clean_environment(),
        timeout=NPM_SECONDS,
    )


def install_dynalite():
    """None when it is there, else why not.  Filled beside its place and moved
    there, by one process at a time."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            return f"{program} is not installed"
    version = _run("node", "--version").stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        return f"dynalite needs Node.js {OLDEST_NODE}, not {version}"
    DYNALITE_DIRECTORY.parent.mkdir(exist_ok=True)
    with open(DYNALITE_DIRECTORY.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        version_file = DYNALITE_DIRECTORY / "version"
        if version_file.exists() and version_file.read_text() == DYNALITE:
            return None
        new = DYNALITE_DIRECTORY.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        options = ["--no-audit", "--no-fund", "--fetch-retries=1", "--prefix", str(new)]
        try:
            done = _run("npm", "install", *options, DYNALITE)
        except subprocess.TimeoutExpired:
            return f"npm install {DYNALITE} took more than {NPM_SECONDS} s"
        if done.returncode != 0:
            return f"npm install {DYNALITE} failed: {done.stdout.strip().splitlines()[-1:]}"
        (new / "version").write_text(DYNALITE)
        shutil.rmtree(DYNALITE_DIRECTORY, ignore_errors=True)
        new.rename(DYNALITE_DIRECTORY)
    return None
