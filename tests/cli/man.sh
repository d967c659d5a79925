# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Manual pages agree with the program's tables and are correct mdoc.  tests/plugins/blocks.sh tests their examples.
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

# Every function of the families and of the host is documented.
header=$abs_top_srcdir/include/lacuna/plugin.h
headers=`ls "$abs_top_srcdir"/include/lacuna/*.h`
for name in `sed -n 's/^	[a-z_]*  *\**(\*\([a-z_]*\))(.*/\1/p' $headers | sort -u`; do
	grep -q "Fn.* $name\( \|\$\)\|Fn.*>$name\$" "$man/lacuna-plugin.7"
	tap_result $? "lacuna-plugin.7 explains $name()"
done
for name in `grep -o 'LACUNA_PARAM_[A-Z]*' "$header" | sort -u`; do
	contains "$man/lacuna-plugin.7" "$name" "lacuna-plugin.7 names $name"
done

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
