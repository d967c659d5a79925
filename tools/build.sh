#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# tools/build.sh DIRECTORY [configure options]: builds Lacuna there, out of tree; prints nothing unless it fails.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
build=$1
shift
mkdir -p "$build"
log=$build/build.log
{
	test -x "$source/configure" || (cd "$source" && autoreconf -i)
	cd "$build"
	test -f Makefile || "$source/configure" "$@"
	make -j "$(nproc)"
} >"$log" 2>&1 || {
	tail -n 30 "$log"
	echo "The build failed; the whole log is in $log" >&2
	exit 1
}
