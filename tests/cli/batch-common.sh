# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# What tests of batch have in common.
. "$abs_top_srcdir/tests/cli/common.sh"

how="-A identity -p gaussian -n 0.02"
batch() {
	"$LACUNA" batch "$@"
}

# make NAME WIDTH: makes a small picture
make() {
	"$maketiff" "$1" uint8 $2 24 1 1 || exit 99
}

# last_event PATTERN NAME: the last event has the pattern
last_event() {
	tail -n 1 out >last
	grep -q "$1" last
	tap_status=$?
	tap_result $tap_status "$2"
	test $tap_status -eq 0 || { cat last err; } | diag
}
