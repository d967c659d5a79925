# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Test Anything Protocol for shell tests.  Usage:
#
#	. "$abs_top_srcdir/tests/tap.sh"	# now in an empty directory of its own, removed at exit
#	ok "name" command args...		# passes when the command does; its output is kept quiet
#	fails 1 "name" command args...		# passes when the status is 1; stderr is kept in ./err, stdout in ./out
#	contains err "text" "name"		# the file holds the text
#	skip "why" "name"
#	done_testing				# last line

tap_count=0 tap_failures=0

tap_dir=`mktemp -d "${TMPDIR:-/tmp}/lacuna-test.XXXXXX"` || exit 99
trap 'cd /; chmod -R u+w "$tap_dir"; rm -rf "$tap_dir"' 0
trap 'exit 99' 1 2 13 15
cd "$tap_dir" || exit 99

diag() {
	sed 's/^/# /'
}

# tap_result STATUS NAME
tap_result() {
	tap_count=`expr $tap_count + 1`
	if test "$1" -eq 0; then
		echo "ok $tap_count - $2"
	else
		tap_failures=`expr $tap_failures + 1`
		echo "not ok $tap_count - $2"
	fi
}

ok() {
	tap_name=$1
	shift
	tap_status=0
	"$@" >out 2>err || tap_status=$?
	tap_result $tap_status "$tap_name"
	test $tap_status -eq 0 || { echo "status $tap_status: $*"; cat out err; } | diag
}

fails() {
	tap_expected=$1 tap_name=$2
	shift 2
	tap_status=0
	"$@" >out 2>err || tap_status=$?
	test $tap_status -eq "$tap_expected"
	tap_result $? "$tap_name"
	test $tap_status -eq "$tap_expected" ||
		{ echo "status $tap_status, not $tap_expected: $*"; cat out err; } | diag
}

contains() {
	tap_status=0
	grep -F -q -e "$2" "$1" || tap_status=1
	tap_result $tap_status "$3"
	test $tap_status -eq 0 || { echo "$1 lacks \"$2\":"; cat "$1"; } | diag
}

skip() {
	tap_count=`expr $tap_count + 1`
	echo "ok $tap_count - $2 # SKIP $1"
}

done_testing() {
	echo "1..$tap_count"
	test $tap_failures -eq 0
	exit
}
