# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# A part of a picture (--crop) is that part of the whole: what it lacks, its size, its deviation, its doubts, page by page.  And
# pages that are copied come with everything that is written.
. "$abs_top_srcdir/tests/cli/common.sh"

gaussian="-p gaussian:mean=0.5,amplitude=0.2 -q"
prior="$gaussian --range 0:1 --steps 4"

# cut PICTURE X,Y,W,H OUT: a part as it is
cut() {
	"$LACUNA" restore "$1" -o "$3" -f -A identity $prior -n 0 --keep-missing --crop "$2"
}

# lacks A B: the number of values that one of them lacks
lacks() {
	"$LACUNA" compare --range 0:1 "$1" "$2" 2>/dev/null | sed -n 's/.* \([0-9]*\) missing values* left out.*/\1/p'
}

# same_part A B NRMSE NAME: the same values, which are missing at the same places, if any
same_part() {
	ok "$4" "$LACUNA" compare --range 0:1 --max-nrmse $3 "$1" "$2"
	test -n "`lacks "$1" "$1"`" -a "`lacks "$1" "$1"`" = "`lacks "$2" "$2"`" -a "`lacks "$1" "$1"`" = "`lacks "$1" "$2"`"
	tap_result $? "it lacks the same"
}

"$maketiff" nan.tif float32 160 140 1 1 nan
for op in identity blur:sigma=1 downsample:factor=2; do
	how="restore nan.tif -A $op $prior -n 0.02 --keep-missing"
	# Where an operator mixes pixels, the deviation is found with random numbers.
	place=5,2,45,30 close=0.3
	case $op in
	identity) close=0.02 ;;
	downsample*) place=10,4,90,60 ;;
	esac
	ok "$op: the whole" "$LACUNA" $how -f -o whole.tif --std whole.std.tif
	ok "a part" "$LACUNA" $how -f -o part.tif --std part.std.tif --crop 5,2,45,30
	ok "cut" cut whole.tif $place cut.tif
	same_part cut.tif part.tif 0.02 "$op: a part is that of the whole"
	ok "the deviation cut" cut whole.std.tif $place cut.std.tif
	same_part cut.std.tif part.std.tif $close "$op: so is its deviation"
done
# In colour each plane is cut, with its own values, deviation and missing values.
"$maketiff" colour.tif float32 160 140 3 1 nan
how="restore colour.tif -A identity $prior -n 0.02 --keep-missing"
ok "colour: the whole" "$LACUNA" $how -f -o whole.tif --std whole.std.tif
for place in 5,2,45,30 1,3,150,60; do
	ok "a part" "$LACUNA" $how -f -o part.tif --std part.std.tif --crop $place
	ok "cut" cut whole.tif $place cut.tif
	same_part cut.tif part.tif 0.02 "colour: a part is that of the whole"
	ok "the deviation cut" cut whole.std.tif $place cut.std.tif
	same_part cut.std.tif part.std.tif 0.02 "colour: so is its deviation"
done
fails 3 "a part that is doubtful" "$LACUNA" restore nan.tif -o doubt.tif -A identity $prior -n 0.3 --crop 5,2,120,100 --strict

ok "three times the size, aloud" "$LACUNA" restore nan.tif -o part.tif -f -A downsample:factor=3 -p gaussian -n 0.02 --range 0:1 --crop 5,2,45,30
contains err "20 values are NaN" "each missing value is counted once"
! grep -q "measured; set others" err
tap_result $? "a range that is stated was not measured"
"$maketiff" scene.tif float32 90 80 1 1
other="restore scene.tif -A identity $prior -n 0.02 -t uint16"
ok "in another type" "$LACUNA" $other -o whole16.tif
ok "a part in it" "$LACUNA" $other -o part16.tif --crop 20,30,40,25
ok "cut" "$LACUNA" restore whole16.tif -o cut16.tif -A identity $gaussian -n 0 --crop 20,30,40,25
ok "the same" "$LACUNA" compare --max-nrmse 0.02 cut16.tif part16.tif
"$maketiff" square.tif float32 150 150 1 1
square="restore square.tif -A identity $prior -n 0.02"
ok "a square picture" "$LACUNA" $square -o whole.tif -f
ok "a wide part of it" "$LACUNA" $square -o part.tif -f --crop 0,20,140,8
ok "cut" cut whole.tif 0,20,140,8 cut.tif
ok "the same" "$LACUNA" compare --range 0:1 --max-nrmse 0.02 cut.tif part.tif
# A network that halves its picture sees a grid, from each end of the picture, as its orientations are mirrored, and as many
# orientations as the picture is square.  A part has the same ones.
network="-p unet:weights=$abs_top_srcdir/tests/golden/unet-gray.safetensors -m fast"
part="-A identity $network --range 0:1 -n 0.1 -q"
for size in "320 320" "330 266" "266 330"; do
	set -- $size
	"$maketiff" smooth.tif float32 $1 $2 1 1
	ok "noise" "$LACUNA" simulate -q smooth.tif -o grid.tif -f -A identity -n 0.1 --range 0:1
	ok "$size, a network" "$LACUNA" restore grid.tif -o whole.tif -f $part
	for place in 0,0,40,40 130,130,30,20 150,100,60,20 $(($1 - 9)),100,9,60 $(($1 - 20)),$(($2 - 20)),20,20; do
		ok "its part $place" "$LACUNA" restore grid.tif -o part.tif -f $part --crop $place --report r.json
		ok "cut" cut whole.tif $place cut.tif
		ok "$size, $place: the same" "$LACUNA" compare --range 0:1 --max-nrmse 0.002 cut.tif part.tif
		awk -F'[:,]' '/"unknown"/ { inside = 1 } inside && /"width"/ { w = $2 } inside && /"height"/ { print w, $2; exit }' r.json >sides
		figures sides "(\$1 == \$2) == ($1 == $2) && ($1 - \$1) % 32 == 0 && ($2 - \$2) % 32 == 0" "$size, $place: as square as the picture, on the grid"
	done
done

# A mask after a blur is taken off, and the blur is the same everywhere; before a blur it is not.
"$maketiff" mask.tif uint8 160 140 1 1 mask
hidden="-A blur:sigma=1 -A mask:file=mask.tif $prior -n 0.02"
ok "a blur and a mask" "$LACUNA" restore nan.tif -o whole.tif -f $hidden
ok "a part" "$LACUNA" restore nan.tif -o part.tif -f $hidden --crop 0,0,60,50
ok "cut" cut whole.tif 0,0,60,50 cut.tif
ok "both apply to a part" "$LACUNA" compare --range 0:1 --max-nrmse 0.02 cut.tif part.tif
fails 1 "a mask before a blur" "$LACUNA" restore nan.tif -o part.tif -f -A mask:columns=70 -A blur:sigma=1 $prior -n 0.02 --crop 0,0,60,50
contains err "--crop needs an operator that is the same everywhere" "does not apply to a part"

# Planes are written a strip at a time, wherever a part begins, and whatever the type of the deviation.
"$maketiff" planes.tif uint8 160 140 3 1 planes
"$maketiff" pixels.tif uint8 160 140 3 1
for f in planes pixels; do
	ok "$f" "$LACUNA" restore $f.tif -o $f-part.tif -f -A identity $prior -n 0.02 --crop 5,70,45,60 --std $f-std.tif
done
ok "the same part" "$LACUNA" compare --max-nrmse 0 planes-part.tif pixels-part.tif
ok "the same deviation" "$LACUNA" compare --max-nrmse 0 planes-std.tif pixels-std.tif
"$maketiff" planes.tif uint8 1100 600 2 1 planes
ok "strips of other heights" "$LACUNA" restore planes.tif -o planes-64.tif -A identity $prior -n 0.02 -t float64 --std planes-std.tif -f --memory 80M
ok "the picture is whole" "$LACUNA" compare planes-64.tif planes-64.tif
ok "and its deviation" "$LACUNA" compare planes-std.tif planes-std.tif

# Windows around a hole: a known value keeps its bits, and a reference is looked at.
"$maketiff" large.tif float32 800 500 1 1 nan
ok "little memory" "$LACUNA" restore large.tif -o large-r.tif -A identity $prior -m fast -n 0 --memory 52M -t float64
ok "what is known is the same to the bit" "$LACUNA" compare --range 0:1 --max-nrmse 0 large.tif large-r.tif
"$maketiff" truth.tif float32 800 500 1 1
ok "a reference" "$LACUNA" restore large.tif -o filled.tif -A identity -p gaussian -m fast -n 0 --reference truth.tif
contains out "PSNR" "is compared"
"$maketiff" hole.tif float32 400 300 1 1 nan
"$maketiff" truth.tif float32 400 300 1 1
for p in "-p gaussian" "$network"; do
	ok "$p: a hole" "$LACUNA" restore hole.tif -o hole-r.tif -f -A identity $p -n 0 -v
	case $p in
	-p*gaussian)
		! grep -q "around the holes" err
		tap_result $? "a prior that learns sees the whole picture"
		;;
	*) contains err "around the holes" "another prior need not" ;;
	esac
	ok "with a reference" "$LACUNA" restore hole.tif -o hole-t.tif -f -A identity $p -n 0 --reference truth.tif
	contains out "PSNR" "that is compared"
	ok "which changes nothing" "$LACUNA" compare --range 0:1 --max-nrmse 0.000001 hole-r.tif hole-t.tif
done
# A part far down a page that is too large to be held: its holes are those of its own rows.
"$maketiff" far.tif float32 800 3000 1 1
ok "boxes are lost" "$LACUNA" simulate far.tif -o lost.tif -A mask:boxes=300,size=8 -n 0
"$maketiff" --declare lost.tif 0
ok "a part far down" "$LACUNA" restore lost.tif -o far-r.tif -A identity $network -n 0 --crop 100,2200,500,300
ok "in little memory" "$LACUNA" restore lost.tif -o lost-r.tif -A identity $network -n 0 --crop 100,2200,500,300 --memory 37M
contains err "restored in" "it is restored in windows"
ok "with the same result" "$LACUNA" compare --range 0:1 --max-nrmse 0 far-r.tif lost-r.tif
# The memory is estimated with some to spare.  A reference needs the whole picture, which is tried.
"$maketiff" tight.tif float32 300 280 1 1
ok "little memory" "$LACUNA" restore tight.tif -o tight-r.tif -A identity -n 0.02 $network --memory 42M
contains err "restored in" "is enough for windows"
ok "with a reference" "$LACUNA" restore tight.tif -o tight-r.tif -f -A identity -n 0.02 $network --memory 42M --reference tight.tif
contains out "PSNR" "for the whole, too"

# Figures of a report.
figure() {
	awk -F: '$1 ~ "\"'$2'\"" { gsub(/[ ,]/, "", $2); print $2; exit }' "$1"
}
"$maketiff" counts.tif uint16 90 80 1 1
ok "photons" "$LACUNA" restore counts.tif -o r.tif -f -A identity $gaussian -n poisson:gain=20,offset=100 --range full --report r.json
figure r.json slope >slope
figures slope '$1 > 19.99 && $1 < 20.01' "the slope is the gain, in values of the file"
echo "`figure r.json sigma` `figure r.json noise`" >both
figures both '$1 / $2 > 65534 && $1 / $2 < 65536' "so is the deviation"
"$maketiff" smooth.tif uint8 90 80 1 1
ok "without noise" "$LACUNA" restore smooth.tif -o r.tif -f -A identity $gaussian --range full --report r.json
figure r.json noise >noise
figures noise '$1 > 0.0011' "integers are rounded"

# Most of a picture is missing by its value.
ok "little light" "$LACUNA" simulate nan.tif -o dark.tif -A mask:keep=0.3 -n 0 --range 0:1
ok "restored" "$LACUNA" restore dark.tif -o dark-r.tif -A mask:value=0 $prior -n 0.01
matches err "page 1: [67][0-9.]* % of the pixels have the value 0" "that most is missing is said with -q"
grep "have the value 0" err >share
ok "as a part, at three times the size" "$LACUNA" restore dark.tif -o dark-l.tif -A downsample:factor=3 -A mask:value=0 $prior -n 0.01 \
	--crop 0,0,160,140
grep "have the value 0" err >share-of-part
same_text share share-of-part "as much"

# A part whose first row is missing is not missing.
ok "a first row without light" "$LACUNA" simulate -q scene.tif -o first.tif -A mask:rows=0 -n 0 --range 0:1
first="restore first.tif -f -A mask:value=0 $prior -n 0.02"
ok "restored" "$LACUNA" $first -o whole.tif
ok "a part" "$LACUNA" $first -o part.tif --crop 0,0,60,50
ok "cut" cut whole.tif 0,0,60,50 cut.tif
ok "the same" "$LACUNA" compare --range 0:1 --max-nrmse 0.02 cut.tif part.tif
test -z "`lacks part.tif part.tif`"
tap_result $? "nothing is missing"

# Lines of one value are dead only where the picture is not flat, and few.
"$maketiff" flat.tif float32 90 80 1 1 constant
ok "a line in a flat picture" "$LACUNA" simulate -q flat.tif -o line.tif -A mask:columns=20 -n 0 --range 0:1
ok "a bar in a picture" "$LACUNA" simulate -q scene.tif -o bar.tif -A mask:columns=20-27 -n 0 --range 0:1
for f in line bar; do
	ok "$f" "$LACUNA" restore $f.tif -o $f-r.tif -A identity $prior -n 0.01
	! grep -q "hold one value" err
	tap_result $? "a $f is not dead"
done

# ---- pages

"$maketiff" stack.tif uint8 64 48 1 3
ok "samples of one page" "$LACUNA" restore stack.tif -o mean.tif -A identity $gaussian -n 5/255 --pages 2 -s ddpm -g exact \
	--steps 2 --samples 2 --all-samples singles
for f in singles/*; do
	ok "pages of a sample" "$maketiff" --show "$f"
	ok "all are there" test "`wc -l <out`" -eq 3
	ok "those that are not drawn are copied" "$LACUNA" restore "$f" -o first.tif -f -A identity $gaussian -n 0 --pages 1 --only
	ok "as they are" "$LACUNA" restore stack.tif -o stack1.tif -f -A identity $gaussian -n 0 --pages 1 --only
	ok "the first" identical first.tif stack1.tif
done

# In parts, too, each page has its own noise if that is asked for.
"$maketiff" two.tif float32 96 80 1 2
ok "noise" "$LACUNA" simulate two.tif -q -o noisy.tif -A identity -n 0.1 --range 0:1
ok "less on the first page" "$LACUNA" restore noisy.tif -o two.tif -f -A identity $prior -n 0.1 --pages 1
own="restore two.tif -o own.tif -f -A identity $prior --own-noise --crop 5,5,64,64"
ok "both pages" "$LACUNA" $own --report both.json
for page in 1 2; do
	ok "page $page alone" "$LACUNA" $own --pages $page --only --report $page.json
	grep '"noise": [0-9]' $page.json >alone-$page
done
cat alone-1 alone-2 >alone
grep '"noise": [0-9]' both.json >together
same_text together alone "each has the noise that it has alone"
test "`sort -u alone | wc -l`" -eq 2
tap_result $? "which differs"

# So are missing values; and samples have the type of the result.
draw="restore nan.tif -A identity $prior -n 0.02 -s ddpm -g exact --samples 2"
ok "samples" "$LACUNA" $draw -o mean.tif -f --keep-missing --all-samples lacking
for f in lacking/*; do
	ok "a sample" test "`lacks "$f" "$f"`" = 20
done
ok "samples in another type" "$LACUNA" $draw -o mean16.tif -t uint16 --all-samples other
for f in other/*; do
	ok "a sample is near the mean" "$LACUNA" compare --max-nrmse 0.2 "$f" mean16.tif
done

# A start image of another type has the scale of the picture.
"$maketiff" start.tif uint16 64 48 1 1
"$maketiff" start8.tif uint8 64 48 1 1
begin="restore start.tif -A identity -p gaussian --range full -q -n 0.3 -s ddpm:start=0.1 -g none --steps 4"
ok "from itself" "$LACUNA" $begin -o from16.tif --start start.tif
ok "from 8 bits" "$LACUNA" $begin -o from8.tif --start start8.tif
ok "is the same" "$LACUNA" compare --max-nrmse 0.01 from8.tif from16.tif
ok "and near the start" "$LACUNA" compare --max-nrmse 0.3 from8.tif start.tif

# A blur sees beyond the border, here 4 pixels: there, a start image goes on as it ends.
"$maketiff" gray.tif float32 64 48 1 1 constant
"$maketiff" wider.tif float32 72 56 1 1 constant
begin="restore gray.tif -A blur:sigma=1 $prior -n 0.3 -s ddpm:start=0.1 -g none"
ok "black at the left" "$LACUNA" simulate -q gray.tif -o left.tif -A mask:columns=0-20 -n 0 --range 0:1
ok "and beyond" "$LACUNA" simulate -q wider.tif -o left-wider.tif -A mask:columns=0-24 -n 0 --range 0:1
ok "from the picture" "$LACUNA" $begin -o from.tif --start left.tif
ok "from the unknown" "$LACUNA" $begin -o from-wider.tif --start left-wider.tif
ok "the same" identical from.tif from-wider.tif

# A mask of the whole page may need more than is left, also when a part of the page is restored.
ok "a large page" "$maketiff" large.tif uint8 1400 1700 1 1
fails 1 "its part in little memory" "$LACUNA" restore large.tif -o no.tif -A mask:rows=1520-1524 -p gaussian -n 0 -m fast \
	--crop 0,1000,200,100 --memory 55M
contains err "raise --memory" "with the remedy"
ok "nothing is written" test ! -e no.tif
done_testing
