#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Installs into a temporary directory.  The program works from there, and plugins are built with only what pkg-config says
# about the installation: the one of tests/plugins/abi-1.0 and the installed examples.  Run by "make installcheck-staged".

. "$abs_top_srcdir/tests/tap.sh"

stage=$tap_dir/stage
ok "make install" ${MAKE:-make} -s -C "$abs_top_builddir" install DESTDIR="$stage" MAKEFLAGS=
pc=`find "$stage" -name lacuna.pc`
ok "lacuna.pc is installed" test -f "$pc"
prefix=`sed -n 's/^prefix=//p' "$pc"`

PKG_CONFIG_PATH=`dirname "$pc"`
export PKG_CONFIG_PATH
config() {
	${PKG_CONFIG:-pkg-config} --define-variable=prefix="$stage$prefix" "$@" lacuna
}

# lacuna.pc may contain full paths, as given by --libdir
staged() {
	case $1 in
	"$stage"*) echo "$1" ;;
	*) echo "$stage$1" ;;
	esac
}

flags=`config --cflags`
plugindir=`config --variable=plugindir`
plugindir=`staged "$plugindir"`
test -z "`config --libs`"
tap_result $? "plugins link nothing of Lacuna"
ok "the header is installed" test -f "$stage$prefix/include/lacuna/plugin.h"
ok "no .la files are installed" test -z "`find "$stage" -name '*.la'`"
for family in operator prior guidance sampler; do
	directory=`config --variable=${family}dir`
	ok "pkg-config names the directory of ${family}s" test -d "`staged "$directory"`"
done

for directory in pythondir exampledir; do
	place=`config --variable=$directory`
	ok "pkg-config names $directory" test -d "`staged "$place"`"
done
place=`config --variable=program`
ok "pkg-config names the program" test -x "`staged "$place"`"

program=`find "$stage" -type f -name lacuna -perm -u+x | sed 1q`
LACUNA_PLUGIN_PATH=$plugindir LACUNA_DATA_PATH=`find "$stage" -type d -path '*share/lacuna' | sed 1q`
export LACUNA_PLUGIN_PATH LACUNA_DATA_PATH
ok "the installed program lists its plugins" "$program" list operators
contains out mask "mask is among them"

# The tree is not in the directory given to configure, but finds its parts.
(unset LACUNA_PLUGIN_PATH LACUNA_DATA_PATH && HOME=$tap_dir "$program" list -v) >moved 2>&1
contains moved "$plugindir" "a tree that was moved finds its plugins"
(unset LACUNA_PLUGIN_PATH LACUNA_DATA_PATH && HOME=$tap_dir "$program" help prior gaussian) >moved 2>&1
tap_result $? "... and loads them"

documents=`find "$stage" -type d -path '*share/doc/lacuna' | sed 1q`
# Links in installed documents lead to installed files.
for page in README.md CONTRIBUTING.md doc/measurements.md doc/figures/README.md; do
	for path in `sed -n 's/.*](\([^)#]*\)).*/\1/p' "$documents/$page"`; do
		case $path in
		http* | ../tools/*) ;;
		*) ok "$page: $path is there" test -e "`dirname "$documents/$page"`/$path" ;;
		esac
	done
done

# Every example: at least one of each family.
for source in "$abs_top_srcdir/tests/plugins/abi-1.0/old-operator.c" "$documents"/examples/*.c; do
	name=`basename "$source" .c`
	case $name in
	*-shell) continue ;; # lacuna new puts it together with its other half
	esac
	ok "$name is built outside the tree" $CC -shared -fPIC $flags "$source" -o "$name.so" -lm
	case $name in
	mask) spec=./mask.so:keep=0.5 ;;
	*) spec=./$name.so ;;
	esac
	ok "$name passes lacuna check" "$program" check "$spec"
	test $name = old-operator || ok "$name takes part in a restoration" "$program" try "$spec" --size 48
done
if $CXX --version >/dev/null 2>&1; then
	ok "smear.cc is built outside the tree" $CXX -std=c++20 -shared -fPIC $flags "$documents/examples/smear.cc" -o smear.so
	ok "smear.cc passes lacuna check" "$program" check ./smear.so
fi
# The README's example, as a new user would copy it.
awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$documents/README.md" >vignette.c
ok "the README's operator is built" $CC -shared -fPIC -Wall -Wextra -Werror $flags vignette.c -o vignette.so
ok "the README's operator passes lacuna check" "$program" check ./vignette.so
ok "lacuna new" "$program" new operator mine
ok "what it makes passes its test" ${MAKE:-make} -s -C mine check MAKEFLAGS= LACUNA="$program" FLAGS="$flags" LIBS= PKG_CONFIG=true
for candidate in $PYTHON python3; do
	$candidate -c 'import numpy' >/dev/null 2>&1 || continue
	ok "an operator in Python" "$program" check operator process:command="$candidate -m blur_numpy" --shape 9x7,8x8,20x12
	break
done

ok "make uninstall" ${MAKE:-make} -s -C "$abs_top_builddir" uninstall DESTDIR="$stage" MAKEFLAGS=
ok "nothing is left" test -z "`find "$stage" -type f`"
find "$stage" -type f | diag
done_testing
