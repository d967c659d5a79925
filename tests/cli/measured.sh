#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Measurements that are not pictures pass through files: complex numbers, sinograms, several pages; their values are not
# rescaled.

. "$abs_top_srcdir/tests/cli/common.sh"

psnr() { "$LACUNA" compare "$1" x.tif | sed -n 's/.*PSNR \([0-9]*\)\..*/\1/p'; }
better() { # result, dB, name
	db=`psnr "$1"`
	test "${db:-0}" -ge "$2"
	tap_result $? "$3: ${db:-no} dB"
}
restore="$LACUNA restore -q -p gaussian -m fast"

ok "picture" "$maketiff" x.tif uint8 48 40 1 1
ok "k-space" "$LACUNA" simulate -q x.tif -o k.tif -A fourier:keep=0.6 -n 0.005
"$maketiff" --show k.tif >list
matches list '^48x40 1 ' "one complex number a pixel"
ok "restored" $restore k.tif -o k-x.tif -A fourier:keep=0.6 -n 0.005
ok "restored in the units of 0 to 1" $restore k.tif -o k-y.tif -A fourier:keep=0.6 -n 0.005 --range 0:1
ok "the same" cmp k-x.tif k-y.tif
better k-x.tif 20 "from k-space"
fails 1 "noise cannot be guessed" $restore k.tif -o n.tif -A fourier:keep=0.6
contains err "does not measure a picture" "it says why"
contains err "-n SIGMA" "and what to do"
fails 1 "integers do not hold a spectrum" "$LACUNA" simulate -q x.tif -o n.tif -A fourier -t uint8
contains err "--type float32" "it says what does"

ok "a sinogram" "$LACUNA" simulate -q x.tif -o s.tif -A radon:angles=40 -n 0.1
fails 1 "without a size" $restore s.tif -o n.tif -A radon:angles=40 -n 0.1
contains err "give --size" "it asks for one"
ok "with a size" $restore s.tif -o s-x.tif -A radon:angles=40 -n 0.1 --size 48x40
better s-x.tif 20 "from a sinogram"
ok "the size of the reference" $restore s.tif -o s-y.tif -A radon:angles=40 -n 0.1 --reference x.tif
ok "is as good" cmp s-x.tif s-y.tif
"$maketiff" sizes.tif uint8 48 40 1 1
"$maketiff" --append sizes.tif uint8 32 36 1 1
ok "sinograms of two sizes" "$LACUNA" simulate -q sizes.tif -o ss.tif -A radon:angles=40 -n 0.1
ok "each with its page of the reference" $restore ss.tif -o ss-x.tif -A radon:angles=40 -n 0.1 --reference sizes.tif
"$maketiff" --show ss-x.tif | cut -d ' ' -f 1 | tr '\n' ' ' >sizes
contains sizes "48x40 32x36" "has its size"
fails 1 "another size" $restore s.tif -o n.tif -A radon:angles=40 -n 0.1 --size 40x40
fails 2 "no size" $restore s.tif -o n.tif -A radon:angles=40 -n 0.1 --size 40
contains err "WxH" "it says how"
fails 1 "a height where y tells it" $restore x.tif -o n.tif -A identity -n 0.1 --size 48x41
fails 1 "a size where y tells it" $restore x.tif -o n.tif -A identity -n 0.1 --size 40x40
contains err "leave --size out" "it says so"

ok "two pages" "$LACUNA" simulate -q x.tif -o e.tif -A 'exposures:shifts=0 0;1 -1' -n 0.02
ok "of one scene" $restore e.tif -o e-x.tif -A 'exposures:shifts=0 0;1 -1' -n 0.02
fails 1 "one is missing" $restore e.tif -o n.tif -A 'exposures:shifts=0 0;1 -1' -n 0.02 --pages 1
contains err "the file has 1 pages, but the lists are for 2" "it says how many"
fails 1 "two scenes" "$LACUNA" simulate -q e.tif -o n.tif -A 'exposures:shifts=0 0;1 -1'
contains err "lacuna: e.tif: has 2 pages, but this operator makes several pages of one; choose one with --pages" "it says what to do"
ok "one of them dark" "$LACUNA" simulate -q x.tif -o g.tif -A 'exposures:gains=1 0.5' -n 0.005
ok "of one scene" $restore g.tif -o g-x.tif -A 'exposures:gains=1 0.5' -n 0.005
ok "the middle, as large as that" "$LACUNA" restore -q x.tif -o middle.tif -A identity -n 0 --crop 2,2,44,36
ok "each page with its own gain" "$LACUNA" compare --max-nrmse 0.02 middle.tif g-x.tif

# An operator that takes all pages, and has as many in the result: y = x / 2.
$CC -shared -fPIC -I"$abs_top_srcdir/include" -DFLAGS='(LACUNA_LINEAR | LACUNA_PICTURE | LACUNA_FRAMES)' \
	"$abs_top_srcdir/tests/plugins/broken/good.c" -o good.so || exit 99
"$maketiff" stack.tif uint8 32 24 1 2
"$maketiff" gray.tif uint8 32 24 1 1 constant
"$maketiff" --append gray.tif uint8 32 24 1 1 constant
for f in stack gray; do
	fails 1 "frames as the result, $f" $restore $f.tif -o n.tif -A ./good.so
	contains err "$f.tif: " "are refused"
	one_line "frames, $f"
done

# Integers with a sign: 0 is 0, and the largest is 1.
"$maketiff" dim.tif float32 32 32 1 1 dim
ok "a spectrum" "$LACUNA" simulate -q dim.tif -o f.tif -A hadamard -n 0
ok "in integers" "$LACUNA" restore -q f.tif -o i.tif -A identity -n 0 -t int16 --range -1.00003051850948:1
spectrum="-A hadamard -p gaussian:mean=0.01,amplitude=0.01 -n 0.02 -t float32"
ok "restored from floats" "$LACUNA" restore -q f.tif -o f-x.tif $spectrum --range 0:1
ok "restored from integers" "$LACUNA" restore -q i.tif -o i-x.tif $spectrum
ok "in the same unit" "$LACUNA" simulate -q i-x.tif -o i-y.tif -A identity:gain=0.0000305185094760 -n 0 --range 0:1
ok "the same but for rounding" "$LACUNA" compare --range 0:1 --max-nrmse 0.002 f-x.tif i-y.tif

# The dark frame is in the units of the file, whatever --range says.
ok "dark frame" "$LACUNA" simulate -q x.tif -o dark.tif -A identity:gain=0.2 -t uint8
ok "dark current" "$LACUNA" simulate -q x.tif -o d.tif -A flat:dark=dark.tif -n 0.01 -t uint8
ok "taken away" $restore d.tif -o d-x.tif -A flat:dark=dark.tif -n 0.01
ok "with a range" $restore d.tif -o d-y.tif -A flat:dark=dark.tif -n 0.01 --range 0:200
better d-y.tif 25 "with a range"
done_testing
