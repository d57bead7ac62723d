# SPDX-License-Identifier: PostgreSQL
"""Throwaway servers for the tests and the demo: PostgreSQL and DynamoDB Local.

    with Workspace() as workspace:
        local = DynamoDBLocal(workspace).start()
        tree = PrivateTree(workspace.directory / "tree")
        tree.build()
        cluster = Cluster(workspace, tree).start()

Everything lives in one temporary directory and listens on loopback only.
A janitor process stops the servers and removes the directory when the
workspace is closed, or when this process ends in whatever way.
"""

from .dynamodb import DynamoDBLocal
from .postgres import Cluster, PrivateTree
from .processes import Workspace, clean_own_environment, die_with_parent, wait_until

__all__ = [
    "Cluster",
    "DynamoDBLocal",
    "PrivateTree",
    "Workspace",
    "clean_own_environment",
    "die_with_parent",
    "wait_until",
]
