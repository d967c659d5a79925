#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Plugins built with the header of ABI 1.0 (tests/plugins/abi-1.0) load and pass this lacuna's conformance checks.  So do
# plugins built with a header of a later minor version, in which every extensible structure has grown, unless they require
# that minor version.

. "$abs_top_srcdir/tests/tap.sh"

frozen=$abs_top_srcdir/tests/plugins/abi-1.0
mkdir -p later/include/lacuna newer
awk '/^struct lacuna_(param|host|host_problem|host_prior|host_guidance|problem|operator|prior_info|prior|guidance|sampler|plugin) \{/ { grows = 1 }
	/^};/ && grows { print "\tvoid (*later)(void);"; grows = 0; count++ }
	{ print }
	END { exit count != 12 }' "$abs_top_srcdir/include/lacuna/plugin.h" >later/include/lacuna/plugin.h
tap_result $? "a later header"
for family in operator prior guidance sampler; do
	ok "old-$family is built with the old header" $CC -std=c99 -pedantic -Wall -Werror -shared -fPIC \
		-I"$frozen/include" "$frozen/old-$family.c" -o "old-$family.so"
	ok "old-$family passes" "$abs_top_builddir/tests/plugins/conformance" $family "./old-$family.so"
	ok "old-$family is built with a later header" $CC -std=c99 -pedantic -Wall -Werror -shared -fPIC \
		-Ilater/include "$frozen/old-$family.c" -o "later/old-$family.so"
	ok "and passes" "$abs_top_builddir/tests/plugins/conformance" $family "./later/old-$family.so"
	ok "old-$family asks for a later minor" $CC -std=c99 -DLACUNA_ABI_MINOR=1 -shared -fPIC \
		-Ilater/include "$frozen/old-$family.c" -o "newer/old-$family.so"
	fails 1 "and is refused" "$abs_top_builddir/lacuna" check $family "./newer/old-$family.so"
	contains err "built for a newer Lacuna (plugin ABI 1.1, this one has 1.0)" "with both minors named"
done
done_testing
