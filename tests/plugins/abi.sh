#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Plugins built with the header of ABI 1.0 (tests/plugins/abi-1.0) load and pass the conformance checks of this lacuna.

. "$abs_top_srcdir/tests/tap.sh"

frozen=$abs_top_srcdir/tests/plugins/abi-1.0
for family in operator prior guidance sampler; do
	ok "old-$family is built with the old header" $CC -std=c99 -pedantic -Wall -Werror -shared -fPIC \
		-I"$frozen/include" "$frozen/old-$family.c" -o "old-$family.so"
	ok "old-$family passes" "$abs_top_builddir/tests/plugins/conformance" $family "./old-$family.so"
done
done_testing
