#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Installs missing Debian packages that are needed to build Lacuna.  Prints what it installs and uses sudo if necessary.
# With "tests": also the packages for the tests.
set -eu

packages="gcc make autoconf automake libtool pkg-config
	libfftw3-dev libtiff-dev libpng-dev zlib1g-dev libjansson-dev libxxhash-dev liblapacke-dev libdnnl-dev"
test "${1-}" != tests || packages="$packages g++ clang libclang-rt-dev valgrind clang-format mandoc"

missing=
for p in $packages; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
test -n "$missing" || exit 0

if ! command -v apt-get >/dev/null; then
	echo "These packages are needed (Debian's names):$missing" >&2
	exit 1
fi
sudo=
if test "$(id -u)" -ne 0; then
	sudo=sudo
	command -v sudo >/dev/null || {
		echo "Please install, as root:  apt-get install$missing" >&2
		exit 1
	}
fi
echo "Installing:$missing"
$sudo apt-get update -qq
# The variable is for the children of apt-get.  env sets it because sudo would drop it.
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
