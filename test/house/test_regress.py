# SPDX-License-Identifier: PostgreSQL
"""sql/*.sql against expected/*.out, run by pg_regress.

Each file runs in an empty database of its own, beside the tables of
support/regress_data.py, and starts like this:

    \\getenv endpoint DDB_ENDPOINT
    CREATE EXTENSION ddb_fdw;
    CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw
      OPTIONS (region 'us-east-1', endpoint_url :'endpoint');

DDB_ENDPOINT is DynamoDB Local's; nothing in the output may depend on its port.
pytest test/house/test_regress.py --accept takes the results as the expected output.
"""

import difflib
import os
import re
import shutil
import subprocess

import pytest
from lab.processes import REPOSITORY

# The server that wrote expected/.  EXPLAIN of others says a few things otherwise.
WRITTEN_BY = 15
SAID_OTHERWISE = [
    (r"\bInitPlan (\d+) \(returns \$\d+\)", r"InitPlan \1"),  # 17
    (r"^ *Disabled: false *\+?\n", ""),  # 18
    (r"^ *(Shared|Local|Temp) \w+ Blocks: \d+ *\+?\n", ""),  # 18: BUFFERS by default
    (r"^ *Planning: *\+?\n", ""),  # 18
    (r"\b(actual.* rows=|Actual Rows: )(\d+)\.00\b", r"\1\2"),  # 18
    (r"^-+$", "-"),  # and so columns have other widths
    (r"^ +QUERY PLAN *$", "QUERY PLAN"),
    (r" *\+?$", ""),
]

NAMES = sorted(path.stem for path in (REPOSITORY / "sql").glob("*.sql"))


def run_pg_regress(cluster, database, endpoint, name, source, output):
    """Runs one file below source/sql; returns (passed, all it said)."""
    output.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            os.fspath(cluster.tree.pg_regress),
            f"--inputdir={source}",
            f"--outputdir={output}",
            f"--bindir={cluster.tree.bindir}",
            f"--host={cluster.socket_directory}",
            f"--port={cluster.port}",
            "--user=postgres",
            f"--dbname={database}",
            "--use-existing",
            name,
        ],
        env={**cluster.environment(database), "DDB_ENDPOINT": endpoint},
        cwd=output,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    differences = output / "regression.diffs"
    said = done.stdout
    if differences.exists():
        said += differences.read_text(errors="replace")
    return done.returncode == 0, said


def as_every_server_says_it(path):
    text = path.read_text()
    for pattern, replacement in SAID_OTHERWISE:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text.splitlines(keepends=True)


def differences(expected, found):
    """What is left of them between servers; empty when it is nothing."""
    return "".join(
        difflib.unified_diff(
            as_every_server_says_it(expected),
            as_every_server_says_it(found),
            os.fspath(expected),
            os.fspath(found),
        )
    )


# Warnings are in what is expected.
@pytest.mark.warns("")
@pytest.mark.parametrize("name", NAMES)
def test_regress(cluster, empty_database, dynamodb, tables, request, tmp_path, name):
    passed, said = run_pg_regress(
        cluster, empty_database, dynamodb.endpoint, name, REPOSITORY, tmp_path
    )
    if not passed and request.config.option.accept:
        shutil.copy(tmp_path / "results" / f"{name}.out", REPOSITORY / "expected")
        pytest.skip("accepted the new output")
    results = tmp_path / "results" / f"{name}.out"
    if not passed and cluster.tree.version != WRITTEN_BY and results.exists():
        said = differences(REPOSITORY / "expected" / f"{name}.out", results)
        passed = not said
    if not passed:
        pytest.fail(said, pytrace=False)


def test_the_runner_itself(cluster, empty_database, dynamodb, tmp_path):
    """A file that matches passes; one that does not fails and shows the difference."""
    source = tmp_path / "source"
    (source / "sql").mkdir(parents=True)
    (source / "expected").mkdir()
    (source / "sql" / "sample.sql").write_text(
        "\\getenv endpoint DDB_ENDPOINT\nSELECT :'endpoint' LIKE 'http://127.0.0.1:%' AS local;\n"
    )
    expected = source / "expected" / "sample.out"
    text = (
        "\\getenv endpoint DDB_ENDPOINT\nSELECT :'endpoint' LIKE 'http://127.0.0.1:%' AS local;\n"
        " local \n-------\n t\n(1 row)\n\n"
    )
    arguments = (cluster, empty_database, dynamodb.endpoint, "sample", source)
    expected.write_text(text)
    passed, said = run_pg_regress(*arguments, tmp_path / "first")
    assert passed, said
    expected.write_text(text.replace(" t\n", " f\n"))
    passed, said = run_pg_regress(*arguments, tmp_path / "second")
    assert not passed
    assert "- f" in said and "+ t" in said


def test_installcheck(cluster, dynamodb, tables):
    """The same files in a server that runs, at an endpoint that the environment names."""
    environment = {
        **cluster.environment("postgres"),
        "PG_CONFIG": os.fspath(cluster.tree.pg_config),
        "DDB_ENDPOINT": dynamodb.endpoint,
    }
    # Options have nothing that servers word otherwise.
    command = [os.fspath(REPOSITORY / "tools" / "installcheck.sh"), "options"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("installcheck: all 1 passed\n")
    del environment["DDB_ENDPOINT"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode != 0 and "DDB_ENDPOINT" in done.stderr
