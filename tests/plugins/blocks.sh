# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Compiles and runs every block of code in README.md, lacuna-plugin(7) and lacuna-new(1), as a reader would, and the one-line
# examples in the other manual pages.
. "$abs_top_srcdir/tests/cli/common.sh"
man=$abs_top_srcdir/man readme=$abs_top_srcdir/README.md
test -z "$LACUNA_SANITIZED" || { skip "sanitizers" "blocks of code"; done_testing; }

# As if lacuna were installed: its name is in PATH, its package is known, and HOME is a new directory.
mkdir bin pc
ln -s "$LACUNA" bin/lacuna
sed -e "s|@includedir@|$abs_top_srcdir/include|" -e "s|^bindir=.*|bindir=$tap_dir/bin|" \
	-e "s|@PACKAGE_VERSION@|1|" -e "s|@[a-z]*@|$tap_dir/nowhere|" "$abs_top_srcdir/lacuna.pc.in" >pc/lacuna.pc
PATH=$tap_dir/bin:$PATH PKG_CONFIG_PATH=$tap_dir/pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH} HOME=$tap_dir/home
unset XDG_DATA_HOME MAKEFLAGS MAKELEVEL MFLAGS
export PATH PKG_CONFIG_PATH HOME

# The files named in the examples.
picture() {
	name=$1
	shift
	"$maketiff" $name "$@" >/dev/null || exit 99
}
for name in photo scan old cells small clean in y; do picture $name.tif uint8 48 40 3 1; done
for name in damage mask; do picture $name.tif uint8 48 40 1 1 mask; done
for name in psf star; do picture $name.tif uint8 5 5 1 1; done
cp clean.tif ref.tif
cp clean.tif img.tif
mkdir scans
cp photo.tif scans/a.tif

# run NAME COMMAND: runs one line of an example
run_line() {
	case $1 in
	*radon.so* | *"man -l"* | *"left.tsv"*) skip "names a file that is the reader's" "$1"; return ;;
	*"| jq"*) command -v jq >/dev/null || { skip "no jq" "$1"; return; } ;;
	esac
	for output in `echo "$1" | sed -n 's/.* -o \([a-z0-9-]*\.tif\).*/\1/p;s/.*--std \([a-z-]*\.tif\).*/\1/p'` restored; do
		case $output in in.tif | y.tif) ;; *) rm -rf "$output" ;; esac
	done
	case $1 in *"-o y.tif"*) rm -f y.tif ;; esac
	case $1 in
	find*) ok "$1" sh -c "cd scans && $1" ;;
	*) ok "$1" sh -c "$1" ;;
	esac
}

# blocks PAGE: writes each block of a manual page to a file, named by the comment before it, and prints the names
blocks() {
	awk '/^\.\\" block / { name = $3; next }
		/^\.Bd -literal/ { if (name == "") name = "nameless"; print name; printf "" >name; inside = 1; next }
		/^\.Ed/ { inside = 0; name = ""; next }
		inside { gsub(/\\e/, "\\"); sub(/^\\&/, ""); print >name }' "$1"
}
mkdir manual
(cd manual && blocks "$man/lacuna-plugin.7" >names)
# README.md and lacuna-new(1) begin like begin.sh, which is run below.
begins() {
	grep -qxF -e "$1" "$tap_dir/manual/begin.sh"
}

# ---- README.md
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$readme" >vignette.c
ok "README: the plugin compiles without a warning" $CC -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only -I"$abs_top_srcdir/include" vignette.c
grep '^    [a-z]' "$readme" | sed -e 's/^    //' -e 's/   *[^ ].*//' -e 's/ *$//' >lines
while read -r line; do
	case $line in
	"lacuna new"* | cd* | make* | "lacuna try"*) ok "README: $line is in lacuna-plugin(7)" begins "$line" ;;
	lacuna* | cc*) run_line "$line" ;;
	tools/*.sh) ok "README: $line is there" test -x "$abs_top_srcdir/$line" ;;
	*) # the table of what is where
		for path in `echo "$line" | tr -d ,`; do
			found=
			for parent in . src; do test ! -e "$abs_top_srcdir/$parent/$path" || found=1; done
			test -n "$found"
			tap_result $? "README: $path is there"
		done ;;
	esac
done <lines
for path in `sed -n 's/.*](\([^)#]*\)).*/\1/p' "$readme"`; do
	case $path in http*) ;; *) ok "README: $path is there" test -e "$abs_top_srcdir/$path" ;; esac
done
cp vignette.c readme.c

cp photo.tif manual

# ---- manual pages
cd manual
grep -q nameless names && status=1 || status=0
tap_result $status "lacuna-plugin(7): each block has a name"
tr -d ' \t' <../readme.c >a
tr -d ' \t' <vignette.c >b
same_text a b "lacuna-plugin(7) and README.md have one vignette"
sed -n 's/^\.Dl \(cc .*\)/\1/p' "$man/lacuna-plugin.7" >cc.sh
ok "cc" sh -e cc.sh
ok "what it has built keeps the contract" lacuna check ./vignette.so
for script in begin.sh study.sh; do
	ok "$script" sh -e $script
done
if gdb --version >/dev/null 2>&1 && gdb -q -batch -ex run --args true 2>&1 | grep -q 'exited normally'; then
	$CC -g -O0 -shared -fPIC -I"$abs_top_srcdir/include" vignette.c -o vignette.so
	ok "gdb.sh" sh -e gdb.sh
	contains out "apply (self=" "gdb.sh stops where it should"
else
	skip "no gdb, or it may not trace" "gdb.sh"
fi
if gcc -fsanitize=address -shared -fPIC -I"$abs_top_srcdir/include" vignette.c -o asan.so 2>/dev/null; then
	ok "asan.sh" sh -e asan.sh
else
	skip "no gcc with AddressSanitizer" "asan.sh"
fi
if cmake --version >/dev/null 2>&1; then
	ok "CMakeLists.txt" sh -c 'cmake -S . -B cmake && cmake --build cmake'
	ok "what it has built is loaded" lacuna help cmake/vignette.so
else
	skip "no cmake" "CMakeLists.txt"
fi
if meson --version >/dev/null 2>&1; then
	ok "meson.build" sh -c 'meson setup meson && ninja -C meson'
	ok "what it has built is loaded" lacuna help meson/vignette.so
else
	skip "no meson" "meson.build"
fi
python=
for candidate in $PYTHON python3; do
	$candidate -c 'import numpy' >/dev/null 2>&1 && python=$candidate && break
done
if test -n "$python"; then
	sed "s|python3|$python|" ghost.sh >ghost-here.sh
	ok "ghost.sh" sh -e ghost-here.sh
else
	skip "no Python with numpy" "ghost.sh"
fi
cd ..
awk '/^\.Bd -literal/ { inside = 1; next } /^\.Ed/ { inside = 0 } inside' "$man/lacuna-new.1" >new.sh
while read -r line; do
	ok "lacuna-new(1): $line is in lacuna-plugin(7)" begins "$line"
done <new.sh

# ---- examples of one line
for page in "$man"/lacuna.1 "$man"/lacuna-*.1; do
	sed -n 's/^\.Dl \(lacuna .*\)/\1/p;s/^\.Dl \(find .*\)/\1/p' "$page" >>commands
done
sed -i 's|\\e|\\|g' commands
(cd manual && sh cc.sh)
cp manual/vignette.so .
while read -r line; do run_line "$line" </dev/null; done <commands
done_testing
