# SPDX-License-Identifier: PostgreSQL
"""Building where PostgreSQL's parts come in other combinations: what is missing
is named, what a compiler does not know is left out."""

import os
import pathlib
import shutil
import subprocess

import pytest
from lab.processes import REPOSITORY, clean_environment

REFUSED_FLAGS = REPOSITORY / "tools" / "refused_flags.sh"
UNKNOWN = ["-Wddb-nothing", "-Werror=ddb-nothing", "-fddb-nothing"]
COMPILERS = [
    pytest.param(
        name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name} here")
    )
    for name in ("gcc", "clang")
]


@pytest.fixture
def fake_pg_config(tmp_path, tree):
    """Function: a pg_config that answers as the real one does, but for these
    options, named without their dashes."""

    def make(**answers):
        path = tmp_path / "pg_config"
        cases = "".join(
            f"--{option.replace('_', '-')}) echo '{answer}';;\n"
            for option, answer in answers.items()
        )
        path.write_text(f'#!/bin/sh\ncase $1 in\n{cases}*) exec {tree.pg_config} "$@";;\nesac\n')
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def only_a_client(tmp_path, tree, fake_pg_config):
    """As with Debian's postgresql-N, postgresql-client-N and libpq-dev: pg_config,
    pgxs.mk, servers, libpq's headers, and nothing in the server's folder."""
    (tmp_path / "server").mkdir()
    return fake_pg_config(version="PostgreSQL 19.1", includedir_server=tmp_path / "server")


def without(tmp_path, *programs):
    """A PATH that has all commands but these."""
    directory = tmp_path / "path"
    directory.mkdir()
    for folder in reversed(os.environ["PATH"].split(os.pathsep)):
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                link = directory / name
                link.unlink(missing_ok=True)
                link.symlink_to(os.path.join(folder, name))
    for name in programs:
        (directory / name).unlink(missing_ok=True)
    return str(directory)


def run(*command, **environment):
    return subprocess.run(
        [os.fspath(word) for word in command],
        cwd=REPOSITORY,
        env=clean_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def make(*arguments):
    return run("make", "--no-print-directory", "-n", "-B", *arguments)


def test_make_names_the_package_of_missing_server_headers(only_a_client, tmp_path):
    done = make("all", f"PG_CONFIG={only_a_client}")
    assert done.returncode != 0
    assert f"not found: {tmp_path}/server/postgres.h" in done.stderr
    assert done.stderr.rstrip().endswith("Run: apt-get install postgresql-server-dev-19.  Stop.")


def test_make_names_the_package_of_a_missing_pg_config(tmp_path):
    done = make("all", f"PG_CONFIG={tmp_path}/none")
    assert done.returncode != 0
    assert "not found: pg_config. Run: apt-get install postgresql-server-dev-1" in done.stderr


def test_make_names_all_that_is_missing_at_once(tmp_path):
    """Without pkg-config nothing is known of libraries: none is left for a second run."""
    done = make("all", f"PG_CONFIG={tmp_path}/none", "PKG_CONFIG=ddb-none", "CC=ddb-none")
    assert done.returncode != 0
    packages = done.stderr.split("apt-get install ")[1]
    for name in ("build-essential", "pkg-config", "postgresql-server-dev-", "libssl-dev"):
        assert name in packages
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("goal", ["unit", "unit-asan"])
def test_unit_tests_need_no_server(goal, only_a_client):
    done = make(goal, f"PG_CONFIG={only_a_client}")
    assert done.returncode == 0, done.stderr


def test_clean_needs_no_server_headers(only_a_client):
    assert make("clean", f"PG_CONFIG={only_a_client}").returncode == 0


def test_setup_names_the_package_of_missing_server_headers(only_a_client, tmp_path):
    done = run(
        "tools/setup.sh",
        "check",
        PG_CONFIG=str(only_a_client),
        PATH=without(tmp_path, "apt-get", "sudo"),
    )
    assert done.returncode != 0
    assert "postgresql-19 postgresql-server-dev-19" in done.stderr


def test_builds_without_the_headers_of_icu(tree):
    """Servers are built with ICU, and their packages do not ask for its headers."""
    sources = sorted((REPOSITORY / "src").rglob("*.c"))
    includes = ["-Isrc", "-isystem", tree.ask("--includedir-server")]
    done = run("gcc", "-M", *includes, *sources)
    assert done.returncode == 0, done.stderr
    assert "postgres.h" in done.stdout
    assert "unicode/" not in done.stdout


@pytest.mark.parametrize("compiler", COMPILERS)
def test_unknown_flags_are_refused(compiler):
    known = ["-O2", "-Wall", "-Wno-unused", "-fwrapv", "-Wpedantic", "-include", "stddef.h"]
    mixed = [known[0], UNKNOWN[0], *known[1:5], *UNKNOWN[1:], *known[5:]]
    assert run(REFUSED_FLAGS, compiler, *mixed).stdout.split() == UNKNOWN
    assert run(REFUSED_FLAGS, compiler, *known).stdout == ""
    assert run(REFUSED_FLAGS, f"env {compiler}", *UNKNOWN).stdout.split() == UNKNOWN


def test_clang_refuses_what_has_no_effect():
    if shutil.which("clang") is None:
        pytest.skip("no clang here")
    flags = ["-Wimplicit-fallthrough=3", "-Wno-stringop-truncation", "-Wl,--as-needed"]
    assert run(REFUSED_FLAGS, "clang", *flags).stdout.split() == flags[:2]


def test_without_a_compiler_no_flag_is_refused(tmp_path):
    done = run(REFUSED_FLAGS, tmp_path / "none", "-O2")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_make_leaves_out_flags_of_another_compiler(compiler, tmp_path, tree, fake_pg_config):
    real = pathlib.Path(tree.ask("--pgxs")).parents[2]
    shutil.copytree(real, tmp_path / "pgxs")
    with open(tmp_path / "pgxs" / "src" / "Makefile.global", "a", encoding="utf-8") as makefile:
        makefile.write(f"CFLAGS += -DKEPT {' '.join(UNKNOWN)}\n")
    pg_config = fake_pg_config(pgxs=tmp_path / "pgxs" / "src" / "makefiles" / "pgxs.mk")
    done = make("all", f"CC={compiler}", f"PG_CONFIG={pg_config}")
    assert done.returncode == 0, done.stderr
    compiled = [line for line in done.stdout.splitlines() if " -c " in line]
    assert compiled and all("-DKEPT" in line for line in compiled)
    assert not [line for line in compiled if "ddb-nothing" in line]
