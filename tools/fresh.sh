#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# tools/fresh.sh [COMMAND]: runs both commands of the README on a fresh Debian, tools/test.sh as root and tools/try.sh as an
# ordinary user, or another command, to find missing install steps.  debootstrap creates the system in a temporary directory,
# with the commits of this clone.  Needs root.
#	SUITE=trixie tools/fresh.sh           another Debian than bookworm
#	MIRROR=ADDRESS tools/fresh.sh         another server than debootstrap's own
#	KEEP=1 tools/fresh.sh                 the directory stays, to look into
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
command=${*:-tools/test.sh && rm -rf build && useradd -m newcomer && chown -R newcomer . && su newcomer -c tools/try.sh}
for tool in debootstrap unshare; do
	command -v "$tool" >/dev/null || {
		echo "$tool is needed: apt-get install debootstrap util-linux" >&2
		exit 1
	}
done
test "$(id -u)" -eq 0 || {
	echo "Please run it as root: debootstrap and chroot need that" >&2
	exit 1
}

root=$(mktemp -d "${TMPDIR:-/tmp}/lacuna-fresh.XXXXXX")
chmod 755 "$root" # apt-get downloads as a user of its own
# The mounts below are in a separate namespace, which no longer exists when this runs.
finish() {
	if test -n "${KEEP-}"; then
		echo "The system is in $root"
	else
		rm -rf --one-file-system "$root"
	fi
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "== a fresh Debian ${SUITE:=bookworm}"
debootstrap --variant=minbase "$SUITE" "$root" ${MIRROR:+"$MIRROR"} >"$root.log" 2>&1 || {
	tail -n 20 "$root.log"
	exit 1
}
rm -f "$root.log"
mkdir "$root/lacuna"
git -C "$source" archive HEAD | tar -x -C "$root/lacuna"

echo "== $command"
# Killing this child also ends everything that runs inside.
unshare --mount --pid --fork --kill-child sh -euc '
	mount -t proc proc "$1/proc"
	mkdir -p "$1/dev/pts"
	mount -t devpts devpts "$1/dev/pts"
	mount -t tmpfs tmpfs "$1/dev/shm"
	exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
		sh -c "cd /lacuna && $2"' sh "$root" "$command"
