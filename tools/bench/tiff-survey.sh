#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# tiff-survey.sh DIRECTORY: runs "lacuna restore" on every file below DIRECTORY with the identity operator and no noise, so
# that the result is the measurement.  Each TIFF must come out unchanged (tiff-same.c compares) or be refused with one line
# that names it, leaving nothing behind.  Prints one line per file and a summary.  Fails if a file broke a rule.
#
# LACUNA names the program, LACUNA_PLUGIN_PATH its plugins (for an uninstalled build), CC the compiler.
set -u
[ $# = 1 ] && [ -d "$1" ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
lacuna=${LACUNA-lacuna}
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT
${CC-cc} -O2 -o "$tmp/same" "$(dirname "$0")/tiff-same.c" $(pkg-config --cflags --libs libtiff-4) -lm ||
	exit 2
mkdir "$tmp/out"
kept=0 refused=0 broken=0 foreign=0

broke() {
	broken=$((broken + 1))
	echo "BROKEN  $1: $2"
	sed 's/^/        /' "$tmp/err" | head -n 20
}

is_tiff() {
	case $(od -An -N4 -tx1 "$1" | tr -d ' ') in
	49492a00 | 4d4d002a | 49492b00 | 4d4d002b) return 0 ;;
	esac
	return 1
}

for f in $(find "$1" -type f | LC_ALL=C sort); do
	name=${f#"$1"/}
	timeout 600 "$lacuna" restore "$f" -o "$tmp/out/out.tif" -A identity -n 0 -p gaussian -g ddnm \
		-s ddpm --steps 1 >"$tmp/log" 2>"$tmp/err"
	status=$?
	grep -v -e '^lacuna: warning: ' -e '^lacuna: gaussian: ' "$tmp/err" >"$tmp/lines"
	if [ $status -gt 1 ] || grep -q -e Sanitizer -e 'runtime error' "$tmp/err"; then
		broke "$name" "status $status"
	elif [ $status = 1 ]; then
		if [ "$(grep -c . "$tmp/lines")" != 1 ] || ! grep -q -F "$f" "$tmp/lines"; then
			broke "$name" "refused, but not with one line that names it"
		elif [ -n "$(ls -A "$tmp/out")" ]; then
			broke "$name" "refused, but something is left: $(ls -A "$tmp/out")"
		elif is_tiff "$f"; then
			refused=$((refused + 1))
			echo "refused $name: $(sed "s|.*$name: ||" "$tmp/lines")"
		else
			foreign=$((foreign + 1))
			echo "no TIFF $name"
		fi
	elif "$tmp/same" "$f" "$tmp/out/out.tif" >"$tmp/err" 2>&1; then
		kept=$((kept + 1))
		echo "kept    $name"
	else
		broke "$name" "$(tr '\n' ' ' <"$tmp/err")"
	fi
	rm -f "$tmp"/out/* "$tmp"/out/.lacuna*
done
echo "$kept kept, $refused refused, $foreign no TIFF and refused, $broken broken"
[ $broken = 0 ]
