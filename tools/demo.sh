#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make demo: set up, build, show.  --keep leaves the servers running.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh demo
${MAKE:-make} --no-print-directory -s all
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
DDB_FDW_DIE_WITH_PARENT=$PPID
export DDB_FDW_DIE_WITH_PARENT
exec .build/venv/bin/python tools/demo.py "$@"
