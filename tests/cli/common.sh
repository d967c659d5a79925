# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# For tests of the command line: TAP, the program, small pictures.  They use the gaussian prior, so that results do not
# depend on the installed networks.

. "$abs_top_srcdir/tests/tap.sh"
maketiff=${MAKETIFF:-$abs_top_builddir/tests/cli/maketiff}
interrupt=${INTERRUPT:-$abs_top_builddir/tests/cli/interrupt}

# Are two pictures the same?  Status 1 when the largest difference is above 0.
identical() {
	"$LACUNA" compare --max-nrmse 0 "$1" "$2"
}

# two_lines FIRST COMMAND NAME: err is a usage error of two lines
two_lines() {
	test "`wc -l <err`" -eq 2 && test "`sed -n 2p err`" = "Try 'lacuna help $1'"
	tap_result $? "$2: two lines, the second names the help"
}

one_line() {
	test "`wc -l <err`" -eq 1
	tap_result $? "$1: one line"
	test "`wc -l <err`" -eq 1 || diag <err
}

# nothing_left DIRECTORY NAME: there is neither the output nor a temporary file
nothing_left() {
	test -z "`ls -A "$1"`"
	tap_result $? "$2: nothing is left behind"
	ls -A "$1" | diag
}

# matches FILE REGEX NAME
matches() {
	grep -q -e "$2" "$1"
	tap_status=$?
	tap_result $tap_status "$3"
	test $tap_status -eq 0 || { echo "$1 does not match $2:"; cat "$1"; } | diag
}

# figures FILE CONDITION NAME: the awk condition holds for the first line
figures() {
	awk "NR == 1 { seen = ($2) } END { exit !seen }" "$1"
	tap_status=$?
	tap_result $tap_status "$3"
	test $tap_status -eq 0 || { echo "not $2:"; cat "$1"; } | diag
}

# same_files DIRECTORY DIRECTORY NAME <NAMES: the files of these names, at least one, are the same
same_files() {
	seen= different=
	while read file; do
		seen=$file
		cmp -s "$1/$file" "$2/$file" || different="$different $file"
	done
	test -n "$seen" -a -z "$different"
	tap_result $? "$3"
	test -n "$seen" -a -z "$different" || echo "of $1 and $2 these differ:$different" | diag
}

# same_text FILE FILE NAME
same_text() {
	cmp "$1" "$2" >differs 2>&1
	tap_status=$?
	tap_result $tap_status "$3"
	test $tap_status -eq 0 || diag <differs
}
