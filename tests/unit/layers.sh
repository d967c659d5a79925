#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Includes point only downward, only src/cli prints or exits, and plugins use only the host's public header.

. "$abs_top_srcdir/tests/tap.sh"

# includes DIRECTORY: prints the project's headers that its files include, "file: header", one per line
includes() {
	(cd "$abs_top_srcdir" && grep -n '^[ 	]*#[ 	]*include[ 	]*"' "$1"/*.[ch] /dev/null) |
		sed 's/^\([^:]*\):[0-9]*:[^"]*"\([^"]*\)".*/\1: \2/'
}

# may_include DIRECTORY LAYER...: every include in quotes is of one of these layers
may_include() {
	directory=$1 pattern=
	shift
	for layer; do
		pattern="$pattern${pattern:+|}$layer/[a-z0-9-]*\\.h"
	done
	includes "$directory" | grep -E -v ": ($pattern)\$" >"$tap_dir/found"
	test ! -s "$tap_dir/found"
	tap_result $? "$directory includes only: $*"
	diag <"$tap_dir/found"
}

may_include src/base base
may_include src/image image base
may_include src/image/tiff image image/tiff base
may_include src/plugin plugin base
may_include src/engine engine plugin base
may_include src/check check engine plugin base
may_include src/restore restore engine plugin base
may_include src/batch batch image base
test ! -d src/study || may_include src/study study engine plugin base
may_include src/cli cli study batch restore check engine plugin image base
may_include plugins/common common
may_include plugins/common/neural common common/neural
for family in operators priors guidances samplers; do
	may_include plugins/$family common common/neural
done

# absent NAME PATTERN FILE...: no line of code matches (comments are stripped)
absent() {
	name=$1 pattern=$2
	shift 2
	for file; do
		# strips comments: first those of one line, then the lines of longer ones, which begin with " *" or "/*"
		sed -e 's:/\*.*\*/::' -e '/^[ 	]*\/\*/d' -e '/^[ 	]*\* /d' -e 's/"[^"]*"/""/g' "$file" |
			grep -E -n -e "$pattern" | sed "s|^|$file:|"
	done >"$tap_dir/found"
	test ! -s "$tap_dir/found"
	tap_result $? "$name"
	diag <"$tap_dir/found"
}

cd "$abs_top_srcdir" || exit 99
# A child process (src/base/child.c) has an output of its own and may exit.
quiet="`ls src/base/*.c | grep -v child.c` src/image/*.c src/image/tiff/*.c src/plugin/*.c src/engine/*.c src/check/*.c src/restore/*.c"
plugins="plugins/*/*.c plugins/common/neural/*.c"
# So does plugins/common/process.c, between fork() and exec.
absent "below src/cli nothing prints" \
	'(^|[^a-z_])(printf|vprintf|fprintf|puts|fputs|putchar|perror|psignal)\(|[^a-z_]std(out|err)' $quiet src/batch/*.c
# src/batch/pool.c runs processes of its own, too.
absent "below src/cli nothing exits" '(^|[^a-z_])(exit|_exit|quick_exit|abort)\(' $quiet
absent "plugins do not print, exit or handle signals" \
	'(^|[^a-z_])(printf|vprintf|fprintf|puts|fputs|putchar|perror|exit|_exit|abort|signal|sigaction|raise|setlocale|chdir|fesetround|fesetenv)\(' \
	`ls $plugins | grep -v common/process.c`
absent "plugins take memory from the host only" '(^|[^a-z_>.])(malloc|calloc|realloc|strdup)\(' \
	$plugins
absent "engine and checks know no TIFF" 'tiff|TIFF' src/engine/*.[ch] src/check/*.[ch]
absent "no source names fast-math" 'ffast-math' Makefile.am plugins/Makefile.am src/local.mk tests/local.mk configure.ac
done_testing
