# SPDX-License-Identifier: PostgreSQL
"""DynamoDB Local on a free loopback port, in memory."""

import os

from .processes import REPOSITORY, accepts_connections, clean_environment, free_port, wait_until

LIBRARY = REPOSITORY / ".build" / "dynamodb-local"
LOOPBACK = REPOSITORY / ".build" / "loopback.so"
PORTS_TO_TRY = 5


class DynamoDBLocal:
    """One database for all credentials and regions."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.log = workspace.directory / "dynamodb.log"
        self.port = None
        self.process = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def _command(self):
        return [
            "java",
            "-Xmx768m",
            "-XX:+UseSerialGC",
            "-Djava.net.preferIPv4Stack=true",
            f"-Djava.library.path={LIBRARY}",
            "-cp",
            f"{LIBRARY}/*",
            "software.amazon.dynamodb.services.local.main.ServerRunner",
            "-inMemory",
            "-sharedDb",
            "-disableTelemetry",
            "-port",
            str(self.port),
        ]

    def start(self):
        """Another process may take the port first: then another port is tried."""
        for _ in range(PORTS_TO_TRY):
            self.port = free_port()
            self.process = self.workspace.spawn(
                self._command(),
                self.log,
                cwd=self.workspace.directory,
                env=clean_environment(LD_PRELOAD=os.fspath(LOOPBACK)),
            )
            wait_until(self._settled, "DynamoDB Local to start")
            if self.process.poll() is None:
                return self
        raise RuntimeError(f"DynamoDB Local did not start:\n{self.log.read_text()}")

    def _settled(self):
        return self.process.poll() is not None or accepts_connections(self.port)

    def stop(self):
        self.workspace.stop(self.process)
