"""sql/*.sql against expected/*.out, run by pg_regress.

Each file runs in an empty database of its own, beside the tables of
support/regress_data.py, and starts like this:

    \\getenv endpoint DDB_ENDPOINT
    CREATE EXTENSION ddb_fdw;
    CREATE SERVER dynamo FOREIGN DATA WRAPPER ddb_fdw
      OPTIONS (region 'us-east-1', endpoint_url :'endpoint');

DDB_ENDPOINT is DynamoDB Local's; nothing in the output may depend on its port.
pytest test/test_regress.py --accept takes the results as the expected output.
"""

import os
import shutil
import subprocess

import pytest
from lab.processes import REPOSITORY

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


@pytest.mark.parametrize("name", NAMES)
def test_regress(cluster, empty_database, dynamodb, tables, request, tmp_path, name):
    passed, said = run_pg_regress(
        cluster, empty_database, dynamodb.endpoint, name, REPOSITORY, tmp_path
    )
    if not passed and request.config.option.accept:
        shutil.copy(tmp_path / "results" / f"{name}.out", REPOSITORY / "expected")
        pytest.skip("accepted the new output")
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
