#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Prints those flags that a compiler does not know, one a line.
#
#   tools/refused_flags.sh COMPILER FLAG...
#
# COMPILER may be several words, as in "ccache gcc".  A flag counts as refused
# if the compiler fails on it or warns of it as unknown or as without effect.
# Words that are no flags are arguments of the flag before: neither is looked
# at alone.  Nothing is printed if the compiler cannot be asked at all.
set -eu

compiler=$1
shift
unused=

accepts() { # FLAG...
	# shellcheck disable=SC2086
	echo 'typedef int nothing;' |
		$compiler $unused "$@" -Werror -fsyntax-only -x c - >/dev/null 2>&1
}

accepts || exit 0
# Clang's: no word about flags that only linking or assembling would use.
if accepts -Qunused-arguments; then
	unused=-Qunused-arguments
fi
if accepts "$@"; then
	exit 0
fi
while [ $# -gt 0 ]; do
	case ${2:--} in
	-*) accepts "$1" || printf '%s\n' "$1" ;;
	*) shift ;;
	esac
	shift
done
