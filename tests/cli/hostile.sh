# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Broken or malicious plugins: the list continues, and a picture is restored or refused in one line.
. "$abs_top_srcdir/tests/cli/common.sh"
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0:detect_leaks=0
export ASAN_OPTIONS
mkdir -p own/operators own/priors own/samplers outputs
build() {
	$CC -shared -fPIC -O1 -pthread -I"$abs_top_srcdir/include" \
		"$abs_top_srcdir/tests/plugins/broken/$1.c" -o own/$2/$1.so -lm || exit 99
}
for name in good crashes-at-load exits-at-load prints-at-load control-characters misconduct wrong-shapes \
	fails-with-zero; do
	build $name operators
done
build bad-info priors
build no-steps samplers
build diverges samplers

dd if=own/operators/good.so of=own/operators/cut.so bs=1000 count=2 2>/dev/null
: >own/operators/empty.so
mkfifo own/operators/fifo.so
mkdir own/operators/directory.so
# e_machine: 16 bits at offset 18; 183 is aarch64, 62 x86-64
foreign=aarch64 code='\267\000'
test "`uname -m`" != aarch64 || foreign=x86-64 code='\076\000'
cp own/operators/good.so own/operators/foreign.so
printf "$code" | dd of=own/operators/foreign.so bs=1 seek=18 conv=notrunc 2>/dev/null

# e_ident[EI_CLASS] at offset 4: 1 is 32 bits
cp own/operators/good.so own/operators/narrow.so
printf '\001' | dd of=own/operators/narrow.so bs=1 seek=4 conv=notrunc 2>/dev/null
$CC -c -fPIC -I"$abs_top_srcdir/include" "$abs_top_srcdir/tests/plugins/broken/good.c" -o own/operators/unlinked.so || exit 99

LACUNA_PLUGIN_PATH=$tap_dir/own:$LACUNA_PLUGIN_PATH
export LACUNA_PLUGIN_PATH
ok "list" "$LACUNA" list
# reason NAME REGEX
reason() {
	matches out "^  $1  *(unusable) $2" "$1: $2"
}
reason cut 'is cut short$'
reason empty 'is not a shared object$'
reason fifo 'is not a regular file$'
reason directory 'is not a regular file$'
reason foreign "is made for $foreign (64 bits), but this Lacuna is for "
reason narrow "is made for .* (32 bits), but this Lacuna is for "
reason unlinked 'is not a shared object$'
reason crashes-at-load 'crashes (Segmentation fault) while it is loaded$'
reason exits-at-load 'ends the process: exit(0) while it is loaded$'
reason prints-at-load 'prints while it is loaded ("hello from a constructor")$'
reason control-characters 'parameter "count" has control characters in its texts$'
matches out '^  good  *a test$' "the others are there"
matches out '^  mask ' "ours, too"
test "`grep -c 'hello' out`" -eq 1
tap_result $? "what a constructor prints does not reach the list"

for name in cut fifo crashes-at-load exits-at-load; do
	fails 1 "check $name" "$LACUNA" check own/operators/$name.so
	one_line "check $name"
	contains err "own/operators/$name.so" "check $name: named"
done

ok "picture" "$maketiff" in.tif uint8 24 20 1 1
restore="$LACUNA restore -q in.tif -o outputs/o.tif -n 0.05"
refused() {
	what=$1 text=$2
	shift 2
	fails 1 "$what" "$@"
	one_line "$what"
	contains err "$text" "$what: why"
	nothing_left outputs "$what"
}
refused "exit(0)" "a plugin ended the program" $restore -p gaussian -A misconduct:how=exit
refused "_exit(0)" "a plugin ended the program" $restore -p gaussian -A misconduct:how=quit
refused "divergence" "diverges: a value is more than a million times full scale at step 7 of 50" \
	$restore -p gaussian -A identity -s diverges
refused "exit(0) in a constructor" "a plugin ended the program" \
	$restore -p gaussian -A exits-at-load
refused "no steps" 'sampler "no-steps" states an impossible number of steps, 0' \
	$restore -p gaussian -A identity -s no-steps
refused "channels" "states impossible values: -1 channels" $restore -A identity -p bad-info
refused "a range that is no number" "sigma from 0.0001 to nan" \
	$restore -A identity -p bad-info:how=nan
refused "an empty range" "sigma from 0.0001 to 1e-05" $restore -A identity -p bad-info:how=order
refused "shapes" "for y of 24x20x1 it wants x of 26x20x1, whose y is 25x20x1" \
	$restore -p gaussian -A wrong-shapes
refused "fail(0)" "it is ?[31mbroken?" $restore -p gaussian -A fails-with-zero
done_testing
