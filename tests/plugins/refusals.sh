#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Builds tests/plugins/broken/*.c without sanitizers, which would stop at the deliberate faults, and runs refusals.c on them.

. "$abs_top_srcdir/tests/tap.sh"

for source in "$abs_top_srcdir"/tests/plugins/broken/*.c; do
	name=`basename "$source" .c`
	$CC -shared -fPIC -O1 -pthread -I"$abs_top_srcdir/include" "$source" -o "$name.so" -lm || {
		echo "Bail out! $name cannot be built"
		exit 99
	}
done
# Some of them leak or crash on purpose.  The checks must notice that, not the sanitizer.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0:handle_segv=0:handle_abort=0
export ASAN_OPTIONS
"$abs_top_builddir/tests/plugins/refusals" "$tap_dir"
