#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# The result does not depend on which part of its range a scene fills, nor on a single outlier.

. "$abs_top_srcdir/tests/cli/common.sh"

gaussian="-p gaussian"
blur="-A blur:sigma=1 $gaussian"
ok "dim picture" "$maketiff" dim.tif float32 48 40 1 1 dim
ok "its range is told" "$LACUNA" restore dim.tif -o told.tif $blur -n 0.01 --range 0:0.02
ok "its type's range is told" "$LACUNA" restore dim.tif -o full.tif $blur -n 0.0002 --range 0:1
contains err "white is" "black and white are said"
ok "or measured" "$LACUNA" restore dim.tif -o measured.tif $blur -n 0.01
matches err 'white is [0-9.e-]* (measured; set others with --range)$' "which is said"
ok "the same picture" "$LACUNA" compare --range 0:0.02 --max-nrmse 0.002 told.tif full.tif
ok "not stretched" "$LACUNA" restore dim.tif -o flat.tif $blur -n 0.0002 --range full
fails 1 "--range full takes the type's" "$LACUNA" compare --range 0:0.02 --max-nrmse 0.002 told.tif flat.tif

ok "up to 2.5" "$LACUNA" simulate -q dim.tif -o brighter.tif -A identity:gain=150 -n 0
ok "restored" "$LACUNA" restore brighter.tif -o brighter-r.tif -A identity $gaussian -n 0.01
matches err "white is [2-9]" "is no noise about white"
ok "many missing" "$LACUNA" simulate -q dim.tif -o few.tif -A identity:gain=5000 -A mask:keep=0.7 -n 0
ok "restored" "$LACUNA" restore few.tif -o few-r.tif -A mask:value=0 $gaussian -n 0.01
matches err "black is [1-9][0-9]" "are not black"
ok "65 rows" "$maketiff" rows.tif float32 48 65 1 1 dim
ok "all but the last are dead" "$LACUNA" simulate -q rows.tif -o row.tif -A identity:gain=5000 -A mask:rows=0-63 -n 0
ok "restored" "$LACUNA" restore row.tif -o row-r.tif -A mask:rows=0-63 $gaussian -n 0.01
matches err "white is [1-9][0-9].* (measured" "the last row is measured, too"

ok "hot pixel" "$maketiff" hot.tif float32 48 40 1 1 hot
ok "clean picture" "$maketiff" clean.tif float32 48 40 1 1
ok "clean one restored" "$LACUNA" restore clean.tif -o clean-r.tif $blur -n 0.01 --range 0:1
ok "with the hot pixel" "$LACUNA" restore hot.tif -o hot-r.tif $blur -n 0.01 --range 0:1
contains err "1 lone value" "it is said"
ok "it is written back" "$LACUNA" compare --range 0:1e6 --max-nrmse 0.00001 hot.tif hot-r.tif
ok "kept when told so" "$LACUNA" restore hot.tif -o kept.tif $blur -n 0.01 --range 0:1 --reject no
fails 1 "that poisons the picture" "$LACUNA" compare --range 0:1e6 --max-nrmse 0.00001 hot.tif kept.tif
large="-A downsample:factor=2,kernel=gaussian,sigma=2 $gaussian -n 0.01 --range 0:1"
ok "clean one enlarged" "$LACUNA" restore clean.tif -o clean-l.tif $large
ok "with the hot pixel" "$LACUNA" restore hot.tif -o hot-l.tif $large
contains err "1 lone value" "enlarged: it is said"
ok "enlarged: it has no place" "$LACUNA" compare --max-nrmse 0.1 clean-l.tif hot-l.tif
fails 2 "--reject takes a number" "$LACUNA" restore hot.tif -o x.tif $blur --reject much

ok "float as float" "$LACUNA" restore clean.tif -o clean-f.tif -A identity $gaussian -n 0.01 -t float32
ok "16 bits" "$maketiff" deep.tif uint16 48 40 1 1
ok "16 bits as float" "$LACUNA" restore deep.tif -o deep-f.tif -A identity $gaussian -n 0.01 -t float32
ok "16 bits as they are" "$LACUNA" restore deep.tif -o deep-i.tif -A identity $gaussian -n 0.01
ok "and back" "$LACUNA" restore deep-f.tif -o back.tif -A identity $gaussian -s ddpm -g ddnm --steps 1 -n 0 -t uint16 --range 0:65535
ok "floats are in counts" "$LACUNA" compare --max-nrmse 0.0001 deep-i.tif back.tif

# A sky whose level was subtracted is no clipped black, whatever the unit.
ok "stars" "$maketiff" stars.tif float32 96 96 1 1 stars
ok "in another unit" "$LACUNA" simulate -q stars.tif -o faint.tif -A identity:gain=0.000001 -n 0
for f in stars faint; do
	ok "$f: restored" "$LACUNA" restore $f.tif -o $f-r.tif -A blur:sigma=1.2 $gaussian
	! grep -q clipped err
	tap_result $? "$f: values below 0 are no doubt"
done
ok "back" "$LACUNA" simulate -q faint-r.tif -o back-r.tif -A identity:gain=1000000 -n 0
ok "in any unit the same" "$LACUNA" compare --range 0:1 --max-nrmse 0.001 stars-r.tif back-r.tif

# Stars become brighter than they were, which is no clipped white.
ok "bright stars" "$LACUNA" simulate -q stars.tif -o lit.tif -A identity:gain=3 -n 0
ok "restored" "$LACUNA" restore lit.tif -o lit-r.tif -A blur:sigma=1.2 $gaussian
! grep -q clipped err
tap_result $? "values above white are no doubt"

# Pages of several types: each type has black and white of its own.
ok "bright bytes" "$maketiff" mixed.tif uint8 48 40 1 1
ok "then dim floats" "$maketiff" --append mixed.tif float32 48 40 1 1 dim
ok "then dark 16 bits" "$maketiff" --append mixed.tif uint16 48 40 1 1 dim
ok "together" "$LACUNA" restore mixed.tif -o mixed-r.tif -A identity $gaussian -n 0.01
sed -n 's/.*page [23]: \(black is.*\)/\1/p' err >together
ok "floats" "$maketiff" alone2.tif float32 48 40 1 1 dim
ok "16 bits" "$maketiff" alone3.tif uint16 48 40 1 1 dim
for page in 2 3; do
	"$LACUNA" restore alone$page.tif -o alone$page-r.tif -A identity $gaussian -n 0.01 2>err
	sed -n 's/.*page 1: \(black is.*\)/\1/p' err
done >alone
test `wc -l <alone` -eq 2
tap_result $? "alone they have black and white"
same_text together alone "in one file the same"

# A sharp picture declared as blurred: a warning that -q does not suppress, and a careful restoration.
ok "sharp picture" "$maketiff" sharp.tif uint8 96 80 1 1
ok "called blurred" "$LACUNA" restore -q sharp.tif -o doubted.tif -A blur:sigma=3 $gaussian
contains err "warning: " "it is doubted"
fails 3 "--strict" "$LACUNA" restore -q sharp.tif -o strict.tif -A blur:sigma=3 $gaussian --strict
ok "there is a result all the same" test -s strict.tif
fails 2 "noise in counts" "$LACUNA" restore sharp.tif -o x.tif -A identity $gaussian -n 5
contains err "-n 5/255" "noise in counts: remedy"
# A camera's noise, as the maker states it; with hardly any photon noise it is white.
ok "photons" "$LACUNA" restore deep.tif -o photons.tif -A identity $gaussian -n poisson:gain=2.2,offset=100,read=3
contains err "as stated" "photons are said"
ok "read noise alone" "$LACUNA" restore deep.tif -o read.tif -A identity $gaussian -n poisson:gain=0.000001,read=655.35
ok "is white noise" "$LACUNA" compare --max-nrmse 0.0001 deep-i.tif read.tif
fails 2 "photons without gain" "$LACUNA" restore deep.tif -o x.tif -A identity $gaussian -n poisson:read=3
contains err "takes counts per photon" "photons without gain: remedy"

# A scene of few steps of its type is told of, once for a stack, unless the result has a finer type or the scene more steps.
ok "few steps" "$maketiff" steps.tif uint8 48 40 1 2 dim
ok "of its own type" "$LACUNA" restore -q steps.tif -o steps-r.tif -A identity $gaussian -n 0
test `grep -c "steps of its type, and the result is rounded" err` -eq 1
tap_result $? "a result rounded to few steps is told of, once"
matches err "only about [1-9] steps of" "in whole steps"
ok "in floats" "$LACUNA" restore -q steps.tif -o steps-f.tif -A identity $gaussian -n 0 -t float32
! grep -q "steps of its type" err
tap_result $? "not one in floats"
ok "a page of 16 bits" "$maketiff" types.tif uint16 48 40 1 1
ok "and one of 8" "$maketiff" --append types.tif uint8 48 40 1 1 dim
ok "pages of two types" "$LACUNA" restore -q types.tif -o types-r.tif -A identity $gaussian -n 0
contains err "page 2: the scene spans only about" "have black and white each"
ok "many steps" "$maketiff" many.tif uint8 48 40 1 1
ok "rounded, too" "$LACUNA" restore -q many.tif -o many-r.tif -A identity $gaussian -n 0
! grep -q "steps of its type" err
tap_result $? "nor one of many steps"

# Salt and pepper are told of, with a remedy that works.
ok "clean" "$maketiff" plain.tif uint8 96 80 1 1
ok "pepper" "$LACUNA" simulate plain.tif -o pepper.tif -A mask:keep=0.97,seed=3
ok "as noise" "$LACUNA" restore -q pepper.tif -o stays.tif -A identity $gaussian -n 0.003
contains err "the values are 0 and unlike their neighbours (salt and pepper, or hot pixels)" "is told of"
ok "as missing" "$LACUNA" restore -q pepper.tif -o gone.tif -A mask:value=0 $gaussian -n 0.003
! grep -q "salt and pepper" err
tap_result $? "is none where it is missing"
fails 1 "stays" "$LACUNA" compare --max-nrmse 0.05 plain.tif stays.tif
ok "is gone" "$LACUNA" compare --max-nrmse 0.05 plain.tif gone.tif

# Stated noise that is far from what the picture shows is doubted.
ok "clean" "$maketiff" quiet.tif float32 96 80 1 1
ok "noisy" "$LACUNA" simulate quiet.tif -o noisy.tif -A identity -n 0.03
for n in 0.01 0.03 0.09; do
	ok "told $n" "$LACUNA" restore -q noisy.tif -o told.tif -f -A identity $gaussian -n $n
	sed 's/.*may be too \([a-z]*\).*/\1/' err >doubt
	echo `cat doubt` >>doubts
done
test "`echo $(cat doubts | sed 's/^$/none/')`" = "grainy none smooth"
tap_result $? "too little and too much noise are doubted, the right one is not"
ok "fifty times as dark" "$LACUNA" simulate -q noisy.tif -o faint.tif -f -A identity:gain=0.02 -n 0 --range 0:1
for n in 0.0002 0.0006 0.0018; do
	ok "told $n" "$LACUNA" restore -q faint.tif -o told.tif -f -A identity $gaussian -n $n --range 0:1
	sed 's/.*may be too \([a-z]*\).*/\1/' err >doubt
	echo `cat doubt` >>doubts-faint
done
same_text doubts doubts-faint "of a dark scene likewise"
fails 3 "with --strict" "$LACUNA" restore -q noisy.tif -o told.tif -f -A identity $gaussian -n 0.01 --strict
ok "none at all" "$LACUNA" restore -q noisy.tif -o told.tif -f -A identity $gaussian -n 0
! grep -q "may be too" err
tap_result $? "-n 0 is a wish, not an estimate"

# The noise of each pixel, from a file; if it is constant, a number gives the same.
ok "floats" "$maketiff" f.tif float32 48 40 1 1
ok "their noise" "$maketiff" half.tif float32 48 40 1 1 constant
ok "from a file" "$LACUNA" restore f.tif -o from-file.tif -A identity $gaussian -n half.tif
contains err "noise of each pixel: 0.5 of full scale" "is said"
cp half.tif HALF.TIF
ok "from a file in capitals" "$LACUNA" restore f.tif -o capitals.tif -A identity $gaussian -n HALF.TIF
ok "likewise" identical from-file.tif capitals.tif
ok "as a number" "$LACUNA" restore f.tif -o from-number.tif -A identity $gaussian -n 0.5
ok "are the same" "$LACUNA" compare --max-nrmse 0.0001 from-file.tif from-number.tif
fails 1 "not there" "$LACUNA" restore deep.tif -o x.tif -A identity $gaussian -n two.tif
contains err "two.tif: No such file" "a missing file"
fails 1 "of another size" "$LACUNA" restore sharp.tif -o x.tif -A identity $gaussian -n half.tif
contains err "half.tif: is 48x40, 1 channel, but the picture is 96x80, 1 channel" "says so"
ok "zeros" "$maketiff" zero.tif uint16 48 40 1 1 nodata
fails 1 "no noise somewhere" "$LACUNA" restore f.tif -o x.tif -A identity $gaussian -n zero.tif
contains err "must be above 0 everywhere" "says so"
fails 1 "the noise as output" "$LACUNA" restore f.tif -o half.tif -A identity $gaussian -n half.tif --force
fails 1 "a mask as output" "$LACUNA" restore f.tif -o half.tif -A mask:file=half.tif,weights=yes $gaussian --force
contains err "half.tif: is also an input (file of mask)" "says so"

# Noise that grows from left to right, by the flat field of a dark picture.
awk 'BEGIN { for (y = 0; y < 128; y++) { for (x = 0; x < 256; x++) printf "%g ", 0.25 + 0.75 * x / 255; print "" } }' >ramp.txt
"$maketiff" lit.tif float32 256 128 1 1 constant
ok "hardly any light" "$LACUNA" simulate -q lit.tif -o dark.tif -A identity:gain=0.00001 -n 0.05 --range 0:1
ok "a flat field" "$LACUNA" simulate -q dark.tif -o grows.tif -A flat:flat=ramp.txt -n 0 --range 0:1
ok "is restored" "$LACUNA" restore -q grows.tif -o grows-r.tif -A identity $gaussian --report grows.json
awk '/"places"/ { at = NR } at && NR == at + 1 { least = $1 + 0 } at && NR == at + 2 { print least, $1 + 0; exit }' grows.json >places
figures places '$1 > 0.25 && $1 < 0.75 && $2 > 1.25 && $2 < 1.75' "the report has the least and the most noise of a place"

# A doubt belongs to its page: equal pages have equal doubts.
ok "two pages" "$maketiff" two.tif uint8 96 80 1 2 same
ok "both doubted" "$LACUNA" restore -q two.tif -o two-r.tif -A blur:sigma=3 $gaussian --report two.json
ok "as many doubts on each" awk '/"doubts"/ { gsub(/[^0-9]/, ""); count[++n] = $0 } END { exit !(n == 2 && count[1] > 0 && count[1] == count[2]) }' two.json
ok "one alone" "$LACUNA" restore -q two.tif -o one-r.tif -A blur:sigma=3 $gaussian --pages 1 --only --report one.json
grep '"doubts"' one.json >alone
grep '"doubts"' two.json | sort -u >together
same_text alone together "has as many doubts as with others"
ok "of photons" "$LACUNA" restore deep.tif -o p2.tif -A identity $gaussian -n poisson:gain=2.2 --report p2.json
contains p2.json '"noise_estimated": false' "stated photons are not an estimate"
contains err "noise of photons" "nor called one"
# A stack has one scale for all pages: their relative brightness is kept.
ok "a stack whose second page is ten times as bright" "$maketiff" rising.tif float32 48 40 1 2 rising
"$LACUNA" restore rising.tif -o risen.tif -A identity -n 0.01 -p gaussian 2>err
grep 'white is' err | sed 's/.*page [0-9]*: //' | sort -u >whites
test `wc -l <whites` -eq 1
tap_result $? "both pages have one scale"
diag <whites
test `sed 's/.*white is \([0-9]*\).*/\1/' whites` -gt 10
tap_result $? "... that of the brighter one"
done_testing
