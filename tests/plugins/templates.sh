# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# "lacuna new": its plugin compiles without warnings, passes its own test, can be installed, and reports the error when its
# adjoint is wrong; no file is overwritten.  Also "lacuna try" with that plugin.
. "$abs_top_srcdir/tests/cli/common.sh"
XDG_DATA_HOME=$tap_dir/data
export XDG_DATA_HOME
unset MAKEFLAGS MAKELEVEL MFLAGS
make=${MAKE:-make}
# Simulates an installation.
build() {
	directory=$1
	shift
	$make -s -C "$directory" "$@" LACUNA="$LACUNA" FLAGS="-I$abs_top_srcdir/include -Werror" LIBS= PKG_CONFIG=true
}

# begin NAME FAMILY [OPTION ...]
begin() {
	name=$1
	shift
	ok "new $*" "$LACUNA" new "$@" "$name"
	contains out "cd $name && make check" "new $*: what is next"
	ok "it compiles" build "$name"
	test -z "$LACUNA_SANITIZED" || return 0
	# The test of a template takes seconds: every day those of one operator and the prior.
	if test "$name" = a-1 -o "$name" = five -o -n "$LACUNA_LONG"; then
		ok "it passes its test" build "$name" check
		contains out "$name: all is well" "and says so"
		matches out '^restored: [ 0-9]*\.[0-9]* dB' "and what a restoration gains"
	else
		ok "it keeps the contract" "$LACUNA" check -q "$name/$name.so" --shape 12x9,7x16x3,8x8
	fi
}

begin a-1 operator
if test -z "$LACUNA_SANITIZED"; then
	figures=`awk '/^(degraded|restored):/ { print $2 }' out | tr '\n' ' '`
	set -- $figures
	awk "BEGIN { exit !($2 > $1 + 3) }"
	tap_result $? "a restoration gains 3 dB: $figures"
fi
ok "make install" build a-1 install
ok "its name is enough then" "$LACUNA" help operator a-1
ok "make uninstall" build a-1 uninstall
fails 2 "and is no more" "$LACUNA" help operator a-1

sed 's|y\[i\] / (float)s->length|y[i] / (float)(s->length + 1)|' a-1/a-1.c >wrong && cp wrong a-1/a-1.c
if test -z "$LACUNA_SANITIZED"; then
	fails 2 "a wrong adjoint" build a-1 check
	matches out "^not ok [0-9]* - (Ax, y) = (x, A'y) (.*relative error" "what is wrong"
	contains out "# to repeat: lacuna check" "how to repeat it"
fi

echo mine >a-1/a-1.c
fails 1 "a directory that exists" "$LACUNA" new operator a-1
one_line "a directory that exists"
test "`cat a-1/a-1.c`" = mine
tap_result $? "nothing is written over"

mkdir empty
fails 1 "an empty directory" "$LACUNA" new operator empty
contains err "empty exists" "an empty directory: why"
nothing_left empty "an empty directory"

begin two operator --shape
begin three operator --fft
begin four operator --nonlinear
begin five prior
begin six guidance
begin seven sampler

if $CXX --version >/dev/null 2>&1 && echo 'int main(){}' >try.cc && $CXX -std=c++20 try.cc -o try 2>/dev/null; then
	begin c-1 operator --language c++
	# The same files, built by another compiler.
	if test -n "$LACUNA_LONG"; then
		for arguments in "operator --shape" "operator --fft" "operator --nonlinear" prior guidance sampler; do
			ok "new $arguments --language c++" "$LACUNA" new $arguments --language c++ c-2
			ok "it compiles" build c-2
			test -n "$LACUNA_SANITIZED" || ok "it keeps the contract" "$LACUNA" check -q c-2/c-2.so --shape 12x9,7x16x3,8x8
			rm -rf c-2
		done
	else
		skip "long; LACUNA_LONG=1 runs it" "the other templates in C++"
	fi
else
	skip "no compiler of C++20" "C++"
fi
if rustc --version >/dev/null 2>&1; then
	begin r-1 operator --language rust
else
	skip "no rustc" "Rust"
fi
if gfortran --version >/dev/null 2>&1; then
	begin f-1 operator --language fortran
else
	skip "no gfortran" "Fortran"
fi

# misused TEXT ARGUMENT ...
misused() {
	text=$1
	shift
	fails 2 "new $*" "$LACUNA" new "$@"
	two_lines new "new $*"
	contains err "$text" "new $*: why"
}
misused "unknown plugin family" nothing name
misused "is not a valid plugin name" operator Name
misused "is not a valid plugin name" operator ../name
misused "Lacuna has operator \"blur\" itself" operator blur
misused "cannot be combined" operator name --fft --shape
misused "are only for operators" prior name --fft
misused "--language rust is only for operators" prior name --language rust
test ! -e name
tap_result $? "and nothing is made"

# try
fails 1 "try: no such plugin" "$LACUNA" try ./nothing.so
one_line "try: no such plugin"
fails 1 "try: a wrong parameter" "$LACUNA" try operator blur:sigmma=2
test ! -e try-blur
tap_result $? "nothing is made for it"
ok "picture" "$maketiff" in.tif uint8 40 32 1 1
ok "try a plugin of lacuna's own, and a picture" "$LACUNA" try operator blur:sigma=2 in.tif -o here
for file in original degraded restored; do
	ok "$file" test -s here/$file.tif
done
ok "try again" "$LACUNA" try operator blur:sigma=2 in.tif -o here
ok "try a smaller y" "$LACUNA" try operator downsample in.tif -o there
matches out "^degraded:  *there/degraded.tif" "no PSNR of a picture of another size"
cp "$abs_top_srcdir/tests/plugins/broken/misconduct.c" "$abs_top_srcdir/tests/plugins/broken/good.h" .
$CC -shared -fPIC -pthread -I"$abs_top_srcdir/include" misconduct.c -o misconduct.so || exit 99
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
export ASAN_OPTIONS
fails 1 "try a crash" "$LACUNA" try misconduct.so in.tif
contains err "lacuna simulate crashed (Segmentation fault)" "try a crash: which command"
done_testing
