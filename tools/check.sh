#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make check: set up, build with warnings as errors, run every test.
# Arguments go to pytest.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh check
${MAKE:-make} --no-print-directory -s WERROR=1 all
${MAKE:-make} --no-print-directory -s WERROR=1 unit unit-asan
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
DDB_FDW_DIE_WITH_PARENT=$PPID
export DDB_FDW_DIE_WITH_PARENT
exec .build/venv/bin/python -m pytest -c test/pytest.ini test "$@"
