# SPDX-License-Identifier: PostgreSQL
"""The C programs over the layers that know nothing of PostgreSQL, as built by
make unit (plain) and make unit-asan (with sanitizers)."""

import os
import subprocess

import pytest
from lab.processes import REPOSITORY, clean_environment

KINDS = ("unit", "unit-asan")
SOURCES = sorted((REPOSITORY / "test" / "unit").glob("*.c"))
PROGRAMS = [
    pytest.param(REPOSITORY / "build" / kind / source.stem, id=f"{kind}-{source.stem}")
    for kind in KINDS
    for source in SOURCES
    if not source.name.startswith("support_")
]

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program):
    if not program.exists():
        pytest.fail(f"{program.relative_to(REPOSITORY)} is not built: run make unit unit-asan")
    done = subprocess.run(
        [os.fspath(program)],
        cwd=REPOSITORY,
        env=clean_environment(**SANITIZERS),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode != 0:
        pytest.fail(f"{program.name} exited with {done.returncode}:\n{done.stdout}", pytrace=False)
