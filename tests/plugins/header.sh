#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# The public headers are self-contained and compile without warnings as C99, C11 and C++11, as promised.  The macros refuse a
# parameter row for a field of another type.

. "$abs_top_srcdir/tests/tap.sh"

strict="-fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Werror -I$abs_top_srcdir/include"

cat >table.c <<'END'
#include <lacuna/plugin.h>
struct config { double sigma; int64_t n, yes, kind; const char *text, *path; struct lacuna_list list; };
static const char *const kinds[] = { "a", "b", NULL };
const struct lacuna_param rows[] = {
	LACUNA_PARAM_REAL(struct config, sigma, "px", 0, 1, 0, "help"),
	LACUNA_PARAM_INT(struct config, n, NULL, 0, 1, 0, "help"),
	LACUNA_PARAM_BOOL(struct config, yes, 0, "help"),
	LACUNA_PARAM_CHOICE(struct config, kind, kinds, 0, "help"),
	LACUNA_PARAM_TEXT(struct config, text, LACUNA_REQUIRED, NULL, "help"),
	LACUNA_PARAM_PATH(struct config, path, 0, NULL, "help"),
	LACUNA_PARAM_LIST(struct config, list, "px", 0, 1, 0, NULL, "help"),
};
END
cat >wrong.c <<'END'
#include <lacuna/plugin.h>
struct config { float sigma; };
const struct lacuna_param rows[] = { LACUNA_PARAM_REAL(struct config, sigma, "px", 0, 1, 0, "help") };
END
(cd "$abs_top_srcdir/include" && ls lacuna/*.h) | sed 's/.*/#include <&>/' >alone.c
cp alone.c alone.cc

while read -r include; do
	echo "$include" >one.c
	ok "$include alone" $CC -std=c99 $strict one.c
done <alone.c
for standard in c99 c11; do
	ok "the headers as $standard" $CC -std=$standard $strict alone.c
	ok "a table as $standard" $CC -std=$standard $strict table.c
	fails 1 "a row of the wrong type as $standard" $CC -std=$standard $strict wrong.c
	contains err "comparison of distinct pointer types" "the compiler says why ($standard)"
done
# The comment before each function states its thread rule.
awk '/\[(any thread|serial|one at a time per instance)\]/ { tag = 1 }
	/\(\*[a-z_]+\)\(/ && !tag { print; bad = 1 }
	/;[^*]*$/ && !/^\t \*/ && !/\/\*/ { tag = 0 }
	END { exit bad }' "$abs_top_srcdir/include/lacuna/plugin.h" >untagged
tap_result $? "each function of the header says from which threads it is called"
diag <untagged
if $CXX --version >/dev/null 2>&1; then
	ok "the headers as C++11" $CXX -std=c++11 $strict alone.cc
	ok "the headers as C++17" $CXX -std=c++17 $strict alone.cc
else
	skip "no C++ compiler" "the headers as C++11"
fi
done_testing
