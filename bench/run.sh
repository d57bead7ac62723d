#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make bench [ARGS="--pages 60 --repetitions 9"], make bench-joins: set up, build,
# measure.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh check
${MAKE:-make} --no-print-directory -s all
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
DDB_FDW_DIE_WITH_PARENT=$PPID
export DDB_FDW_DIE_WITH_PARENT
PYTHONPATH=tools
export PYTHONPATH
# shellcheck disable=SC2086
exec .build/venv/bin/python "bench/${1:-bench}.py" ${ARGS:-}
