# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# lacuna check: shapes, commands that repeat a failure, JSON.  tests/plugins/refusals.sh tests what it finds.
. "$abs_top_srcdir/tests/cli/common.sh"
for name in good late-adjoint misconduct fixed-shape; do
	$CC -shared -fPIC -O1 -pthread -I"$abs_top_srcdir/include" \
		"$abs_top_srcdir/tests/plugins/broken/$name.c" -o $name.so || exit 99
done
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0
export ASAN_OPTIONS

ok "a right operator" "$LACUNA" check ./good.so
contains out "# norm of A 0.5, smallest singular value 0.5, condition 1, rank 256 of 256 (x 16x16)" \
	"its singular values are printed"
matches out "^# apply: .* ms per megapixel in one thread (x 520x516)" "and its speed"
test "`grep -c '^ok' out`" -eq "`sed -n 's/^1\.\.//p' out`"
tap_result $? "the plan counts the lines"
ok "quiet" "$LACUNA" check -q good.so
test ! -s out
tap_result $? "quiet: nothing"

fails 1 "a wrong one" "$LACUNA" check ./late-adjoint.so:count=2
one_line "a wrong one"
contains out "# to repeat: lacuna check ./late-adjoint.so:count=2 --shape 520x516 --seed 1" \
	"the command that repeats it"
"$LACUNA" `sed -n 's/^# to repeat: lacuna//p' out | head -n 1` >again 2>&1
contains again "not ok" "which does"
ok "where it is right" "$LACUNA" check ./late-adjoint.so --shape 100x100,7x5x3
matches out "^ok 1 - accepts an image (2 of 2)" "two shapes were tried"

fails 1 "a crash" "$LACUNA" check ./misconduct.so
contains out "1x1x1: apply() crashes (Segmentation fault)" "a crash: which function, where"
fails 1 "exit(0)" "$LACUNA" check ./misconduct.so:how=exit
fails 1 "a hang" "$LACUNA" check ./misconduct.so:how=hang --shape 3x3 --limit 0.2
contains out "apply() does not return (0.2 s)" "a hang: which function"
fails 1 "printing" "$LACUNA" check ./misconduct.so:how=print --shape 3x3
test -z "`grep -v -e '^ok' -e '^not ok' -e '^# ' -e '^1\.\.' out`"
tap_result $? "printing: what the plugin prints is no line of the report"

fails 1 "four numbers" "$LACUNA" check misconduct.so:how=crash --shape 5x3x2x2 --seed 7
contains out "# to repeat: lacuna check misconduct.so:how=crash --shape 5x3x2x2 --seed 7" "four numbers: to repeat it"
mkdir "a b"
cp misconduct.so "a b"
fails 1 "a name with a blank" "$LACUNA" check "a b/misconduct.so" --x-shape 5x3
contains out "# to repeat: lacuna check 'a b/misconduct.so' --x-shape 5x3 --seed 1" "a name with a blank: is quoted"
fails 2 "more shapes than there is room for" "$LACUNA" check ./good.so --shape `yes 3x3 | head -n 17 | paste -sd , -`
two_lines check "more shapes than there is room for"
for seed in 1 1 2; do
	"$LACUNA" check operator warp:rotate=3 --shape 16x10 --seed $seed | grep '^ok' >seed-$seed
	test -e first || cp seed-1 first
done
same_text first seed-1 "the same seed, the same errors"
fails 1 "another seed, others" cmp seed-1 seed-2
ok "a third row that is the sum of two others" "$LACUNA" check operator 'matrix:rows=0.1 0.2 0.7;0.7 -1.1 1.3;0.8 -0.9 2' --shape 3x4
contains out "rank 8 of 12" "has rank 2"

fails 1 "one shape only" "$LACUNA" check ./fixed-shape.so
contains out "give shapes that it accepts" "one shape only: what to do"
ok "--shape" "$LACUNA" check ./fixed-shape.so --shape 40x30
ok "--x-shape" "$LACUNA" check ./fixed-shape.so --x-shape 40x30
fails 1 "another shape" "$LACUNA" check ./fixed-shape.so --shape 40x30,30x40
contains out "it refuses 30x40x1" "another shape: told"
ok "a prior with --shape" "$LACUNA" check prior gaussian --shape 20x20x3
ok "a sampler with --shape" "$LACUNA" check sampler hqs --shape 20x20
fails 2 "a bad shape" "$LACUNA" check ./good.so --shape 40
two_lines check "a bad shape"
fails 2 "--x-shape of a prior" "$LACUNA" check prior gaussian --x-shape 3x3

ok "--json" "$LACUNA" check ./good.so --json --shape 16x10
for key in '"holds": true' '"accepted": 1' '"norm": 0.5' '"rank": 160' '"apply": '; do
	contains out "$key" "--json: $key"
done
fails 1 "--json of a crash" "$LACUNA" check ./misconduct.so --json
contains out '"function": "apply"' "--json: the function"
contains out "\"repeat\": \"lacuna check ./misconduct.so --shape 1x1 --seed 1\"" "--json: the command"
done_testing
