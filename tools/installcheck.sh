#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make installcheck: the files of sql/ against expected/, in the running server
# that libpq's environment names (PGHOST, PGPORT, PGUSER), where ddb_fdw is
# installed, and the DynamoDB that DDB_ENDPOINT names.  The tables that they
# read are made there unless they exist.  Each file has a database of its own,
# which is made anew.  Arguments are names of files; without any, all.
set -eu
cd "$(dirname "$0")/.."
: "${DDB_ENDPOINT:?name an endpoint that takes any keys, as in DDB_ENDPOINT=http://localhost:8000 make installcheck}"
export DDB_ENDPOINT
pg_config=${PG_CONFIG:-pg_config}
pg_regress=${DDB_FDW_PG_REGRESS:-$(dirname "$("$pg_config" --pgxs)")/../test/regress/pg_regress}
bindir=$("$pg_config" --bindir)
if [ ! -x "$pg_regress" ]; then
	echo "installcheck: $pg_regress is missing; it comes with PostgreSQL's server headers" >&2
	exit 1
fi
if [ ! -x .build/venv/bin/python ]; then
	echo "installcheck: run 'make setup' first, which brings what loads the tables" >&2
	exit 1
fi
PYTHONPATH=tools:test .build/venv/bin/python -m support.regress_data "$DDB_ENDPOINT"
[ $# -gt 0 ] || set -- $(cd sql && ls ./*.sql | sed 's,^\./,,; s,\.sql$,,')
failed=
for name in "$@"; do
	output=build/installcheck/$name
	mkdir -p "$output"
	"$pg_regress" --inputdir=. --outputdir="$output" --bindir="$bindir" \
		--dbname="ddb_fdw_regress_$name" "$name" || failed="$failed $name"
done
if [ -n "$failed" ]; then
	echo "installcheck: failed:$failed; see build/installcheck/*/regression.diffs." >&2
	echo "expected/ is what PostgreSQL 15 says; other versions word some plans otherwise." >&2
	exit 1
fi
echo "installcheck: all $# passed"
