# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Manual pages agree with the program's tables, are correct mdoc, and the example of lacuna-plugin(7) works.
. "$abs_top_srcdir/tests/cli/common.sh"
man=$abs_top_srcdir/man

for command in restore batch simulate compare study list help check new try; do
	page=$man/lacuna-$command.1
	sh "$man/update.sh" "$LACUNA" "$page" >fresh
	same_text "$page" fresh "lacuna-$command.1 has the options of the program (else: make update-man)"
	contains "$man/lacuna.1" "Xr lacuna-$command 1" "lacuna.1 refers to it"
	"$LACUNA" --help >all
	contains all "`sed -n 's/^\.Nd //p' "$page"`" "its title is the command's summary"
done

# Every function of the families and of the host is explained.
header=$abs_top_srcdir/include/lacuna/plugin.h
for name in `sed -n 's/^	[a-z_]*  *\**(\*\([a-z_]*\))(.*/\1/p' "$header" | sort -u`; do
	grep -q "Fn.* $name\( \|\$\)\|Fn.*>$name\$" "$man/lacuna-plugin.7"
	tap_result $? "lacuna-plugin.7 explains $name()"
done
for name in `grep -o 'LACUNA_PARAM_[A-Z]*' "$header" | sort -u`; do
	contains "$man/lacuna-plugin.7" "$name" "lacuna-plugin.7 names $name"
done

sed -n '/^\.Bd -literal/,/^\.Ed/{/^\.[BE]d/d;s/\\e/\\/g;p;}' "$man/lacuna-plugin.7" >vignette.c
if ${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Werror -shared -fPIC -I"$abs_top_srcdir/include" vignette.c -o vignette.so 2>err; then
	tap_result 0 "the example compiles without a warning"
	if test -z "$LACUNA_SANITIZED"; then
		ok "the example keeps the contract" "$LACUNA" check ./vignette.so:strength=0.3
		ok "the example has a page" "$LACUNA" help ./vignette.so
		contains out "how much darker the corners are" "its parameter is explained"
	fi
else
	tap_result 1 "the example compiles without a warning"
	diag <err
fi

if mandoc -V >/dev/null 2>&1 || command -v mandoc >/dev/null; then
	for page in "$man"/*.[17]; do
		mandoc -Tlint -Wwarning "$page" >lint 2>&1
		test ! -s lint
		tap_result $? "`basename "$page"` is clean"
		diag <lint
	done
	for family in operator prior guidance sampler; do
		for name in `"$LACUNA" list ${family}s | sed -n '/unusable/d;s/^  \([a-z0-9-]*\) .*/\1/p'`; do
			"$LACUNA" help --man $family $name >page
			mandoc -Tlint -Wwarning page >lint 2>&1
			test ! -s lint
			tap_result $? "page of $family $name is clean"
			diag <lint
		done
	done
else
	skip "no mandoc" "pages are clean"
fi
done_testing
