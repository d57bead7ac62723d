#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make check-fresh: README's two commands, `make demo` and `make check`, from a
# clone of the last commit on machines that hold nothing else than named here:
#
#   bookworm, trixie    Debian 12 and 13 with git and make
#   client              Debian 12 where someone compiled a client of PostgreSQL:
#                       server, client programs and libpq's headers, and no
#                       headers of the server
#
# FRESH="trixie" picks some of them; arguments go to pytest, of check.  Each is
# a chroot in .build/chroots, removed when all passed there, else left to look at.
set -eu
cd "$(dirname "$0")/.."

machines=${FRESH:-bookworm trixie client}
chroots=$PWD/.build/chroots
source=/root/ddb_fdw

tools/setup.sh check-fresh
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES FRESH
if ! reason=$(tools/chroot.sh possible); then
	echo "check-fresh: $reason" >&2
	exit 1
fi
if [ -n "$(git status --porcelain)" ]; then
	echo "check-fresh: what is not committed is not tested" >&2
fi

make_machine() { # MACHINE, FOLDER
	case $1 in
	bookworm | trixie) tools/chroot.sh make "$1" "$2" ;;
	client)
		tools/chroot.sh make bookworm "$2" postgresql-15 postgresql-client-15 libpq-dev
		if [ -e "$2/usr/include/postgresql/15/server/postgres.h" ]; then
			echo "check-fresh: the packages for clients have postgres.h" >&2
			exit 1
		fi
		;;
	*)
		echo "check-fresh: no machine is called $1" >&2
		exit 1
		;;
	esac
}

# As one word for a shell.
quoted() { # WORD
	printf "'%s' " "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

try() { # MACHINE, arguments of pytest
	machine=$1
	folder=$chroots/fresh-$1
	shift
	arguments=$(for argument; do quoted "$argument"; done)
	make_machine "$machine" "$folder"
	git clone -q . "$folder$source"
	tools/chroot.sh run "$folder" make -C "$source" demo
	tools/chroot.sh run "$folder" make -C "$source" check ARGS="$arguments"
	rm -rf "$folder"
}

# All of them, whichever fails.  As a part of a condition, a command would lose
# its set -e.
failed=
for machine in $machines; do
	echo "== a fresh $machine"
	set +e
	(
		set -e
		try "$machine" "$@"
	)
	[ $? = 0 ] || failed="$failed $machine"
	set -e
done
if [ -n "$failed" ]; then
	echo "check-fresh: failed on:$failed" >&2
	exit 1
fi
echo "check-fresh: $(git describe --always) passed on $machines, $(date -u +%F)"
