#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Prints the major version of the PostgreSQL that this release of Debian or
# Ubuntu carries; 15 where that is not known.
case $(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") in
trixie) echo 17 ;;
noble) echo 16 ;;
jammy) echo 14 ;;
*) echo 15 ;;
esac
