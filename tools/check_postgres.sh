#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# make check-postgres: PostgreSQL's own regression suites on foreign tables
# beside local ones; see test/postgres/README.md.  Arguments name files of the
# suites, without .sql; JOBS=n runs so many at once.
#
# The suites come from Debian's source package of postgresql-15, which apt
# fetches with a deb-src line, lists and cache of its own below .build: neither
# the machine's apt nor this repository gets anything of it.
set -eu
cd "$(dirname "$0")/.."

RELEASE=bookworm
PACKAGE=postgresql-15
directory=$PWD/.build/postgres-source
make=${MAKE:-make}
jobs=${JOBS:-2}

apt() { # TOOL, arguments
	tool=$1
	shift
	"apt-$tool" -q -o "Dir::Etc::SourceList=$directory.new/apt/sources.list" \
		-o "Dir::Etc::SourceParts=$directory.new/apt/none" \
		-o "Dir::State::Lists=$directory.new/apt/lists" \
		-o "Dir::Cache=$directory.new/apt/cache" \
		-o APT::Sandbox::User=root "$@"
}

# The newest version that the mirror still has: lists may be ahead of it.
download() {
	apt cache showsrc $PACKAGE | sed -n 's/^Version: //p' | sort -rVu |
		while read -r version; do
			! apt get source --download-only --tar-only "$PACKAGE=$version" >&2 || break
		done
	ls ./*.orig.tar.bz2
}

# Beside its place and moved there, so that an interrupted run leaves nothing
# half done.
fetch_suites() {
	[ ! -e "$directory/complete" ] || return 0
	echo "check-postgres: fetching the source of $PACKAGE into .build/postgres-source" >&2
	rm -rf "$directory" "$directory.new"
	mkdir -p "$directory.new/apt/lists/partial" "$directory.new/apt/none" \
		"$directory.new/apt/cache/archives/partial"
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -e $keys ] && signed="[signed-by=$keys] " || signed=
	cat >"$directory.new/apt/sources.list" <<-LINES
		deb-src ${signed}http://deb.debian.org/debian $RELEASE main
		deb-src ${signed}http://deb.debian.org/debian-security $RELEASE-security main
	LINES
	(
		cd "$directory.new"
		apt get update >&2
		archive=$(download)
		tar -xjf "$archive" --strip-components=1 --wildcards \
			'*/src/test/regress/*' '*/contrib/postgres_fdw/*'
		rm -rf apt "$archive"
		touch complete
	)
	mv "$directory.new" "$directory"
}

tools/setup.sh check
fetch_suites
$make --no-print-directory -s WERROR=1 all
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
DDB_FDW_DIE_WITH_PARENT=$PPID
export DDB_FDW_DIE_WITH_PARENT
PYTHONPATH=$PWD/tools:$PWD/test exec nice -n 19 .build/venv/bin/python -m postgres \
	"$directory" --jobs "$jobs" "$@"
