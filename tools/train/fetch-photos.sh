#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Fetches the free photographs listed in photographs.tsv from Debian packages, to train a prior with.
#
#     fetch-photos.sh DIR [LIST]
#
# Nothing is installed, and root is not needed.  Files that DIR already has are not fetched again.  A missing package, or a file
# that differs from the list (other releases of Debian may have another), is reported.  The others are still fetched, and the
# exit status is 1.

set -u

[ $# -ge 1 ] || { sed -n 's/^# \{0,1\}//; 5,11p' "$0"; exit 2; }
list=${2:-$(dirname "$0")/photographs.tsv}
[ -r "$list" ] || { echo "$list: cannot be read" >&2; exit 2; }
for tool in apt-get dpkg-deb sha256sum; do
	command -v $tool >/dev/null && continue
	echo "$tool: not found; the photographs are in Debian's packages: run this where Debian's tools are" >&2
	exit 2
done
mkdir -p "$1" && dir=$(cd "$1" && pwd) && work=$(mktemp -d "$dir/.fetch.XXXXXX") || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
tab=$(printf '\t')

# name PACKAGE PATH: name in DIR; pictures of different packages or directories may have the same name.
name() {
	printf '%s/%s__%s\n' "$dir" "$1" "$(printf %s "$2" | sed 's,^usr/\(share\|lib\)/,,; s,/,_,g')"
}

missing=0
# wanted PACKAGE: lines of the list for files that DIR does not have yet.
wanted() {
	awk -F'\t' -v p="$1" 'NR > 1 && $1 == p { print $2 "\t" $5 }' "$list" | while IFS=$tab read -r path sum; do
		[ -s "$(name "$1" "$path")" ] || printf '%s\t%s\n' "$path" "$sum"
	done
}

for package in $(awk -F'\t' 'NR > 1 { print $1 }' "$list" | sort -u); do
	wanted "$package" >"$work/wanted"
	[ -s "$work/wanted" ] || continue
	rm -rf "$work/deb" && mkdir "$work/deb"
	if ! (cd "$work/deb" && apt-get -q download "$package" >../log 2>&1) || ! dpkg-deb -x "$work"/deb/*.deb "$work/deb/x"; then
		echo "$package: cannot be fetched: $(grep '^E:' "$work/log" | head -n 1) (after apt-get update?)" >&2
		missing=$((missing + $(wc -l <"$work/wanted")))
		continue
	fi
	while IFS=$tab read -r path sum; do
		if [ "$(sha256sum "$work/deb/x/$path" 2>/dev/null | cut -d' ' -f1)" = "$sum" ]; then
			mv "$work/deb/x/$path" "$(name "$package" "$path")"
		else
			echo "$package: $path is not there, or not as in the list" >&2
			missing=$((missing + 1))
		fi
	done <"$work/wanted"
done

echo "$(($(wc -l <"$list") - 1 - missing)) photographs in $dir, $missing missing" >&2
[ $missing -eq 0 ]
