#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Installs what `make check` and `make demo` need, and nothing when all is there.
#
#   tools/setup.sh check|check-all|check-fresh|demo|lint
#
# Debian packages come through apt, as root or through sudo without a password;
# who can do neither gets the one line to run.  DynamoDB Local and the Python
# packages go to .build/ and are pinned (tools/dynamodb-local/pom.xml,
# test/requirements.txt).  What is looked for is the command or the library, not
# the package, so that other ways to install them are fine too.
set -eu

cd "$(dirname "$0")/.."
what=${1:-check}
build=.build
pg_config=${PG_CONFIG:-pg_config}
packages=

need() { # PACKAGE... -- COMMAND...: the packages when the command fails
	wanted=
	while [ "$1" != -- ]; do
		wanted="$wanted $1"
		shift
	done
	shift
	"$@" >/dev/null 2>&1 || packages="$packages$wanted"
}

have() {
	command -v "$1"
}

library() {
	pkg-config --exists "$1"
}

# Not every python3 on the PATH can make virtual environments.
find_python() {
	for python in python3 /usr/bin/python3 python3.13 python3.12 python3.11; do
		if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
			echo "$python"
			return 0
		fi
	done
	return 1
}

# Neither pg_config nor pgxs.mk is enough: Debian has them with libpq and with
# the client programs, too.
server_and_headers() {
	pgxs=$("$pg_config" --pgxs) && [ -f "$pgxs" ] &&
		includes=$("$pg_config" --includedir-server) && [ -f "$includes/postgres.h" ] &&
		bindir=$("$pg_config" --bindir) && [ -x "$bindir/initdb" ] && [ -x "$bindir/postgres" ]
}

# The server's major version: pg_config's, or the one Debian's release carries.
postgresql_major() {
	major=$("$pg_config" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')
	echo "${major:-$(tools/debian_postgresql.sh)}"
}

dynamodb_local_is_there() {
	cmp -s tools/dynamodb-local/pom.xml $build/dynamodb-local/pom.xml
}

list_packages() {
	packages=
	if [ "$what" = check-fresh ]; then
		need git -- have git
		need debootstrap -- have debootstrap
		return 0
	fi
	need build-essential -- eval 'have make && have gcc && [ -e /usr/include/stdlib.h ]'
	need pkg-config -- have pkg-config
	need libcurl4-openssl-dev -- library libcurl
	need libssl-dev -- library libcrypto
	need libjansson-dev -- library jansson
	need zlib1g-dev -- library zlib
	major=$(postgresql_major)
	need "postgresql-$major" "postgresql-server-dev-$major" -- server_and_headers
	need python3 python3-venv -- find_python
	if [ "$what" != lint ]; then
		need default-jre-headless -- have java
		dynamodb_local_is_there || need maven -- have mvn
		need libcmocka-dev -- library cmocka
	else
		need clang-format -- have clang-format
		need clang-tidy -- have clang-tidy
		need cppcheck -- have cppcheck
	fi
	if [ "$what" = check-all ]; then
		need clang -- have clang
		# Only root can use it.
		[ "$(id -u)" != 0 ] || need debootstrap -- have debootstrap
	fi
	need ca-certificates -- [ -e /etc/ssl/certs/ca-certificates.crt ]
}

# Debian's PostgreSQL package creates and starts a cluster when it is first
# installed.  Nobody asked for that one, so for the length of this installation
# a drop-in says no; machines that have PostgreSQL already are left as they are.
install_packages() {
	dropin=/etc/postgresql-common/createcluster.d/ddb_fdw-setup.conf
	case $packages in
	*" postgresql-"*)
		if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
			trap '$as_root rm -f $dropin' EXIT
			trap 'exit 130' INT
			trap 'exit 143' TERM HUP
			$as_root mkdir -p "$(dirname $dropin)"
			echo "create_main_cluster = false" | $as_root tee $dropin >/dev/null
		fi
		;;
	esac
	$as_root apt-get update -q
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -q -y --no-install-recommends $packages </dev/null
	$as_root rm -f $dropin
	trap - EXIT INT TERM HUP
}

apt_packages() {
	list_packages
	[ -n "$packages" ] || return 0
	if ! have apt-get >/dev/null; then
		echo "setup: missing on this machine (Debian's names):$packages" >&2
		exit 1
	elif [ "$(id -u)" = 0 ]; then
		as_root=
		install_packages >&2
	elif have sudo >/dev/null && sudo -n true 2>/dev/null; then
		as_root=sudo
		install_packages >&2
	else
		echo "setup: packages are missing and this user may not install them. Run:" >&2
		echo "sudo apt-get install -y --no-install-recommends$packages" >&2
		exit 1
	fi
	list_packages
	if [ -n "$packages" ]; then
		echo "setup: still missing after apt-get install:$packages" >&2
		exit 1
	fi
}

# Filled beside its place and moved there, so that an interrupted run leaves
# nothing half done.
dynamodb_local() {
	dynamodb_local_is_there && return 0
	echo "setup: fetching DynamoDB Local into $build/dynamodb-local" >&2
	rm -rf $build/dynamodb-local $build/dynamodb-local.new
	mvn -B -q -f tools/dynamodb-local/pom.xml org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$PWD/$build/dynamodb-local.new" </dev/null >&2
	cp tools/dynamodb-local/pom.xml $build/dynamodb-local.new/
	mv $build/dynamodb-local.new $build/dynamodb-local
}

virtual_environment() {
	# A clone that was moved or copied has an environment that points elsewhere.
	if cmp -s test/requirements.txt $build/venv/requirements.txt &&
		[ "$($build/venv/bin/python -c 'import sys; print(sys.prefix)' 2>/dev/null)" = "$PWD/$build/venv" ]; then
		return 0
	fi
	echo "setup: making the Python environment $build/venv" >&2
	rm -rf $build/venv
	"$(find_python)" -m venv $build/venv
	$build/venv/bin/python -m pip install -q --disable-pip-version-check --no-deps \
		-r test/requirements.txt </dev/null >&2
	cp test/requirements.txt $build/venv/
}

# DynamoDB Local listens on every interface and has no option for it.
loopback_library() {
	[ $build/loopback.so -nt tools/lab/loopback.c ] && return 0
	gcc -shared -fPIC -O1 -Wall -Wextra -o $build/loopback.so tools/lab/loopback.c -ldl
}

mkdir -p $build
apt_packages
case $what in
lint | check-fresh) exit 0 ;;
esac
dynamodb_local
virtual_environment
loopback_library
