#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Installs what it needs, builds Lacuna in three ways, and runs every test:
#	plain       gcc, all tests, the long ones too; then installed, and a plugin built against the installation
#	sanitized   clang, AddressSanitizer and UndefinedBehaviorSanitizer, the short tests
#	threads     gcc, ThreadSanitizer, the tests that run threads
# and the layout of the sources, where clang-format is the version that the style was written with.
# The last line counts what passed and what failed.
set -u

source=$(cd "$(dirname "$0")/.." && pwd)
build=${1-$source/build/tests}
passed=0 failed=0
"$source/tools/install-packages.sh" tests || exit 1

# run NAME TARGET TESTS CONFIGURE-OPTIONS...: builds, runs make TARGET, and adds up the figures of automake's report
run() {
	name=$1 target=$2 tests=$3
	shift 3
	echo "== $name"
	if ! "$source/tools/build.sh" "$build/$name" --enable-werror "$@"; then
		failed=$((failed + 1))
		return
	fi
	(cd "$build/$name" && make -k -j "$(nproc)" $target ${tests:+TESTS="$tests"}) >"$build/$name/check.log" 2>&1
	status=$?
	report=$(sed -n 's/^# \(PASS\|FAIL\|XPASS\|ERROR\): *\([0-9]*\).*/\1 \2/p' "$build/$name/check.log")
	p=$(echo "$report" | awk '$1 == "PASS" { n += $2 } END { print n + 0 }')
	f=$(echo "$report" | awk '$1 != "PASS" { n += $2 } END { print n + 0 }')
	test $status -eq 0 -o "$f" -gt 0 || f=1
	passed=$((passed + p)) failed=$((failed + f))
	echo "   $p passed, $f failed"
	test "$f" -eq 0 || {
		grep -E '^(FAIL|ERROR|XPASS)|error:|\*\*\*' "$build/$name/check.log" | head -n 40
		echo "   the whole log is in $build/$name/check.log"
	}
}

# one NAME COMMAND...: a test outside automake
one() {
	name=$1
	shift
	if "$@" >"$build/$name.log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "   $name failed:"
		tail -n 20 "$build/$name.log"
	fi
}

mkdir -p "$build"
case $(clang-format --version) in
*"version 14."*)
	one formatting sh -c "cd '$source' && find include src plugins tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +"
	;;
esac
command -v python3 >/dev/null && one style sh -c "cd '$source' && tools/style"
run plain check-long ''
one installation make -C "$build/plain" installcheck-staged
run sanitized check '' CC=clang --enable-sanitizers
run threads check 'tests/unit/base tests/unit/context tests/unit/engine' --enable-sanitizers=thread
echo "$passed passed, $failed failed"
test $failed -eq 0
