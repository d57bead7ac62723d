#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Debian machines that hold little, as chroots: what fresh machines are tested
# with.  Needs root and debootstrap.
#
#   tools/chroot.sh possible                      else says why not, exit 1
#   tools/chroot.sh make RELEASE FOLDER [PACKAGE...]
#   tools/chroot.sh run FOLDER COMMAND [ARGUMENT...]
#
# A new machine has Debian's minimal base, git and make, and PACKAGEs.  Each
# release is fetched once a week and kept in .build/chroots/RELEASE.tar.  How
# this machine reaches Debian and other registries (mirror, proxies,
# certificates) is taken from its own configuration, at each run.
#
# What runs there has mounts and processes of its own, which end with it: so a
# FOLDER can be removed at any time.
set -eu
umask 022

kept=$(dirname "$0")/../.build/chroots
PASSED='[A-Za-z]*_proxy|[A-Z]*_PROXY|PIP_[A-Z_]*|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|MAVEN_[A-Z_]*|JAVA_TOOL_OPTIONS|TERM'

have() {
	command -v "$1" >/dev/null
}

possible() {
	if [ "$(id -u)" != 0 ]; then
		echo "only root can make chroots"
	elif ! have debootstrap; then
		echo "debootstrap is not installed"
	elif ! unshare --mount --pid --fork --kill-child true 2>/dev/null; then
		echo "this machine allows no namespaces of mounts and processes"
	else
		return 0
	fi
	return 1
}

# The mirror that apt uses here, if this is Debian.
mirror() {
	found=
	if have apt-get; then
		# shellcheck disable=SC2016
		found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
			grep -m 1 '/debian/*$' || true)
	fi
	echo "${found:-http://deb.debian.org/debian}"
}

copy_if_there() { # FILE, FOLDER
	if [ -f "$1" ]; then
		mkdir -p "$2$(dirname "$1")"
		cp -L "$1" "$2$1"
	fi
}

# How this machine reaches others.
pass_settings() { # FOLDER
	copy_if_there /etc/resolv.conf "$1"
	copy_if_there /etc/hosts "$1"
	copy_if_there /etc/pip.conf "$1"
	if [ -d /usr/local/share/ca-certificates ]; then
		cp -rL /usr/local/share/ca-certificates "$1/usr/local/share/"
	fi
	if [ -f "${HOME:-/root}/.m2/settings.xml" ]; then
		mkdir -p "$1/root/.m2"
		cp "$HOME/.m2/settings.xml" "$1/root/.m2/"
	fi
	if have apt-config; then
		apt-config dump | grep -E '^Acquire::(https?|Check-|Retries|Force)' \
			>"$1/etc/apt/apt.conf.d/90machine" || true
	fi
}

fetch_base() { # RELEASE
	base=$kept/$1.tar
	if [ -n "$(find "$base" -mtime -7 2>/dev/null)" ]; then
		return 0
	fi
	echo "chroot: fetching Debian $1" >&2
	rm -rf "$kept/$1.new"
	mkdir -p "$kept/$1.new"
	if ! debootstrap --variant=minbase --include=git,make "$1" "$kept/$1.new" "$(mirror)" \
		>"$kept/$1.log" 2>&1; then
		tail -n 5 "$kept/$1.log" >&2
		echo "chroot: Debian $1 could not be fetched" >&2
		return 1
	fi
	# Servers that packages would start are not wanted.
	printf '#!/bin/sh\nexit 101\n' >"$kept/$1.new/usr/sbin/policy-rc.d"
	chmod +x "$kept/$1.new/usr/sbin/policy-rc.d"
	tar -c -C "$kept/$1.new" --one-file-system -f "$base.new" .
	mv "$base.new" "$base"
	rm -rf "$kept/$1.new"
}

make_machine() { # RELEASE, FOLDER, PACKAGE...
	release=$1
	folder=$2
	shift 2
	fetch_base "$release"
	rm -rf "$folder"
	mkdir -p "$folder"
	tar -x -C "$folder" -f "$kept/$release.tar"
	if [ $# -gt 0 ]; then
		run "$folder" apt-get update -q
		run "$folder" env DEBIAN_FRONTEND=noninteractive \
			apt-get install -q -y --no-install-recommends "$@"
	fi
}

# The shell inside stays, to take in processes that lose their parents.
run() { # FOLDER, COMMAND, ARGUMENT...
	folder=$1
	shift
	pass_settings "$folder"
	passed=$(env | grep -E "^($PASSED)=" | cut -d= -f1 || true)
	for name in $passed; do
		eval "value=\$$name"
		set -- "$name=$value" "$@"
	done
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --kill-child sh -c '
		set -e
		folder=$1
		shift
		mount -t proc proc "$folder/proc"
		mkdir -p "$folder/dev/shm" "$folder/dev/pts"
		mount -t tmpfs -o mode=1777 shm "$folder/dev/shm"
		mount -t devpts -o newinstance,ptmxmode=0666 devpts "$folder/dev/pts"
		set +e
		env -i HOME=/root LANG=C.UTF-8 \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			chroot "$folder" env "$@"
		exit $?
	' sh "$folder" "$@"
}

what=$1
shift
case $what in
possible) possible ;;
make) make_machine "$@" ;;
run) run "$@" ;;
*)
	echo "chroot: unknown command $what" >&2
	exit 2
	;;
esac
