#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# What is asked for happens, or is refused with its reason: names of outputs, samples, pages, ranges, types, noise, reports,
# keys of a batch.

. "$abs_top_srcdir/tests/cli/common.sh"

how="-A identity -p gaussian -n 0.01"
restore="$LACUNA restore -q $how"
ok "a picture" "$maketiff" in.tif uint16 48 40 1 1
ok "floats" "$maketiff" f.tif float32 48 40 1 1

# shows FILE TEXT NAME: maketiff --show prints this text, in one line for each page
shows() {
	"$maketiff" --show "$1" | sed 's/ lacuna.*//' >shown
	printf "$2" >wanted
	same_text wanted shown "$3"
}

# ---- outputs

mkdir there
fails 1 "a directory as output" $restore in.tif -o there --force
contains err "lacuna: there: is a directory" "a directory as output: said"
fails 1 "a directory as report" "$LACUNA" restore in.tif $how -o o.tif --report there --force
contains err "lacuna: there: is a directory" "a directory as report: said"
one_line "a directory as report, before any work"
fails 1 "a file for single samples" $restore in.tif -o o.tif -s ddpm --steps 1 --samples 2 --all-samples f.tif
contains err "lacuna: f.tif: is not a directory" "a file for single samples: said"
ok "neither page nor report" $restore in.tif -o o.tif --html /dev/null --report /dev/null
rm o.tif
fails 1 "a name in the root, spelt in two ways" $restore /lacuna-is-not-here.tif -o /./lacuna-is-not-here.tif
contains err "output and input are the same file" "a name in the root, spelt in two ways: said"
for option in --start --reference; do
	cp in.tif role.tif
	fails 1 "$option as output" $restore in.tif -o role.tif $option role.tif --force
	contains err "role.tif: is also an input (the ${option#--})" "$option as output: said"
	ok "$option as output: it stays" cmp in.tif role.tif
done
# More than one reader is at work, and none of them may take more than is allowed.
fails 1 "memory for reading alone" "$LACUNA" compare --memory 30K in.tif in.tif
contains err "memory" "memory for reading alone: said"

# ---- samples, pages, outliers

draw="$LACUNA restore -q f.tif -A identity -p gaussian -n 0.1 --range 0:1 -s ddpm -g prox --steps 3"
ok "two samples" $draw --samples 2 -o two.tif
ok "two independent ones" $draw --samples 2 --independent -o two-i.tif
same_text two.tif two-i.tif "a single pair is no pair"
ok "four samples" $draw --samples 4 -o four.tif
ok "four independent ones" $draw --samples 4 --independent -o four-i.tif
fails 1 "two pairs are pairs" cmp four.tif four-i.tif
ok "single samples" $draw --samples 3 -o three.tif --all-samples one-by-one
ok "are counted from 1" test "`cd one-by-one && echo *`" = "sample-0001.tif sample-0002.tif sample-0003.tif"
ok "a stack" "$maketiff" stack.tif uint8 32 24 1 3
"$maketiff" --describe stack.tif "ImageJ=1.53t
images=3
slices=3" 72
ok "the deviation of one page" $restore stack.tif -o second.tif --std second-std.tif --pages 2
shows second-std.tif "32x24 1 float32\n" "is one page"
"$maketiff" --text second-std.tif >text
! grep "images=3" text
tap_result $? "and says so"
shows second.tif "32x24 1 uint8\n32x24 1 uint8\n32x24 1 uint8\n" "beside all pages"
fails 2 "an outlier within the spread" $restore in.tif -o o.tif --reject 0.5
contains err "--reject takes a number of at least 1" "an outlier within the spread: said"

# ---- noise of several pages

# noises FILE: the noise of each page in a report
noises() {
	sed -n 's/^ *"noise": \([0-9.e-]*\),*$/\1/p' "$1"
}
auto="$LACUNA restore -q -A identity -p gaussian -f"
ok "17 pages, each brighter than the last" "$maketiff" rising.tif float32 64 48 1 17 rising
ok "with noise of their own" $auto rising.tif -o o.tif --own-noise --report own.json
ok "with one noise" $auto rising.tif -o o.tif --report one.json
noises own.json >own
noises one.json >one
awk 'FNR == NR { own[FNR] = $1; next } { n++; if (!(own[1] < own[2] && $1 >= own[8] && $1 <= own[10])) bad++ }
	END { exit !(n == 17 && !bad) }' own one
tap_result $? "it is that of the middle, heard from the first to the last"
paste own one | diag
ok "pages of two sizes" cp stack.tif sizes.tif
"$maketiff" --append sizes.tif uint8 40 32 1 1
ok "have a noise each" "$LACUNA" restore sizes.tif -o o.tif -f -A identity -p gaussian
! grep -q "all pages: noise" err
tap_result $? "of pages of two sizes, one by one"
ok "unless one is asked for" "$LACUNA" restore sizes.tif -o o.tif -f -A identity -p gaussian --same-noise
contains err "all pages: noise estimated" "of pages of two sizes, together"
ok "pages of two types" cp stack.tif types.tif
"$maketiff" --append types.tif float32 32 24 1 1
ok "have a noise each" "$LACUNA" restore types.tif -o o.tif -f -A identity -p gaussian
! grep -q "all pages: noise" err
tap_result $? "of pages of two types, one by one"
ok "integers of 32 bits" "$maketiff" wide.tif uint32 64 48 1 1 dim
"$maketiff" --append wide.tif float32 64 48 1 1 dim
ok "and floats" "$LACUNA" restore wide.tif -o wide-r.tif -A identity -p gaussian
! grep -q "all pages: noise" err
tap_result $? "of integers and floats of one size, one by one"
sed -n 's/.*page 2: \(black is.*\)/\1/p' err >together
ok "floats" "$maketiff" narrow.tif float32 64 48 1 1 dim
ok "alone" "$LACUNA" restore narrow.tif -o narrow-r.tif -A identity -p gaussian
sed -n 's/.*page 1: \(black is.*\)/\1/p' err >alone
matches alone "white is" "have black and white"
same_text alone together "and the same beside integers"
ok "noise from a file" "$maketiff" noise.tif float32 48 40 1 1 constant
cp noise.tif noise.tiff
ok "called .tif" "$LACUNA" restore -q f.tif -o n1.tif -A identity -p gaussian -n noise.tif
ok "or .tiff" "$LACUNA" restore -q f.tif -o n2.tif -A identity -p gaussian -n noise.tiff
same_text n1.tif n2.tif "is the same"

# ---- black and white

ok "a high picture" "$maketiff" high.tif float32 48 100 1 1
ok "dark but for its last rows" "$LACUNA" simulate -q high.tif -o low.tif -A mask:rows=0-81 -A identity:gain=150
ok "restored" "$LACUNA" restore low.tif -o o.tif -f $how
matches err "white is [1-9][0-9]" "white is that of the last rows"
ok "a little below black" "$LACUNA" simulate -q f.tif -o grainy.tif -A identity -n 0.15
ok "restored" "$LACUNA" restore grainy.tif -o o.tif -f -A identity -p gaussian -n 0.15
contains err "black is 0, white is 1" "is a picture from 0 to 1"

ok "a hole that is declared" "$maketiff" hole.tif float32 48 40 1 1 nodata
ok "in bright light" "$LACUNA" simulate -q hole.tif -o bright.tif -A identity:gain=1000
ok "restored" "$LACUNA" restore bright.tif -o o.tif -f $how
sed -n 's/.*black is \([0-9.]*\),.*/\1/p' err >black
ok "without a hole" "$LACUNA" simulate -q f.tif -o bright-f.tif -A identity:gain=1000
ok "restored" "$LACUNA" restore bright-f.tif -o o.tif -f $how
sed -n 's/.*black is \([0-9.]*\),.*/\1/p' err >>black
awk '{ v[NR] = $1 } END { exit !(NR == 2 && v[2] > 50 && v[1] > 0.8 * v[2]) }' black
tap_result $? "black is that of the scene"
diag <black

# ---- masks of two kinds: which of them comes first makes no difference

ok "masks for each page" "$maketiff" masks.tif uint8 32 24 1 3 mask
ok "a mask for all" "$maketiff" mask.tif uint8 32 24 1 1 mask
masked="$LACUNA restore -q stack.tif -p gaussian -n 0.01"
ok "each page's first" $masked -A mask:file=masks.tif -A mask:file=mask.tif -o m1.tif
ok "each page's last" $masked -A mask:file=mask.tif -A mask:file=masks.tif -o m2.tif
ok "are the same" "$LACUNA" compare --max-nrmse 1e-4 m1.tif m2.tif

# ---- simulate

ok "two exposures" "$LACUNA" simulate -q f.tif -o exposures.tif -A 'exposures:shifts=0 0;3 -2' -n 0 --range 0:1
for page in 1 2; do
	ok "exposure $page" "$LACUNA" simulate -q exposures.tif -o exposure$page.tif -A identity --pages $page
done
fails 1 "are two" "$LACUNA" compare --max-nrmse 0.01 exposure1.tif exposure2.tif

ok "doubles" "$LACUNA" simulate -q f.tif -o double.tif -A identity -n 0 --range -1:3 -t float64
ok "are the floats" "$LACUNA" compare --range 0:1 --max-nrmse 1e-6 f.tif double.tif
cp in.tif shown.tif
"$maketiff" --describe shown.tif "ImageJ=1.53t
min=1000.0
max=51400.0" 72
ok "in bytes" "$LACUNA" simulate -q shown.tif -o shown-8.tif -A identity -n 0 -t uint8
"$maketiff" --text shown-8.tif >text
matches text "^max=200" "white as it is shown is a byte, too"
ok "a hole" "$maketiff" nan.tif float32 48 40 1 1 nan
fails 1 "a hole in a type without" "$LACUNA" simulate nan.tif -o o8.tif -A identity -t uint8
contains err "missing values (nan), which uint8 cannot hold" "a hole in a type without: said"
fails 1 "a spectrum of integers" "$LACUNA" simulate f.tif -o o8.tif -A fourier -t uint8
contains err "use --type float32" "a spectrum of integers: said"
ok "no such output" test ! -e o8.tif
fails 2 "noise below 0" "$LACUNA" simulate f.tif -o o8.tif -A identity -n -0.1
contains err "takes a number from 0" "noise below 0: said"
# A dark level of 0.1 of full scale, in floats and in counts.
ok "a level" "$maketiff" level.tif float32 48 40 1 1 constant
ok "a tenth of it" "$LACUNA" simulate -q level.tif -o dark.tif -A identity:gain=0.2
for type in float32 uint16 uint8; do
	ok "$type: a dark level" "$LACUNA" simulate -q f.tif -o dark-$type.tif -A flat:dark=dark.tif -n 0 --range 0:1 -t $type
done
for type in uint16 uint8; do
	ok "$type: is in parts of full scale" "$LACUNA" compare --range 0:1 --max-nrmse 0.01 dark-float32.tif dark-$type.tif
done
fails 1 "and is there" "$LACUNA" compare --max-nrmse 0.05 f.tif dark-float32.tif

# ---- reports

cp in.tif start.tif
ok "a report" $restore in.tif -o o.tif -f -s ddpm -g prox --steps 1 --start start.tif --report r.json
sed -n '/"files": \[/,/\]/p' r.json >files
for file in in.tif start.tif identity gaussian prox ddpm; do
	contains files "$file" "lists $file"
done
if "$LACUNA" help prior unet >/dev/null 2>&1; then
	ok "a report of a network" "$LACUNA" restore -q in.tif -o o.tif -f -A identity -m fast -n 0.05 --report net.json
	contains net.json ".safetensors" "lists its weights"
else
	skip "no networks" "lists its weights"
fi

# ---- the key of a batch: a picture is done only if all that was asked for is the same

mkdir scans
cp in.tif scans/
ok "a batch" "$LACUNA" batch scans done $how -q --no-html
ok "again" "$LACUNA" batch scans done $how -q --no-html --json
matches out '"done":0,"before":1,' "it is done"
number=0
while read option; do
	number=`expr $number + 1`
	rm -rf other
	cp -R done other
	"$LACUNA" batch scans other $how --no-html -q --json $option >out 2>err
	matches out '"done":1,"before":0,' "with $option it is not"
done <<EOT
--range 0:60000
--type float32
--reject 5
--pages 1
--only --pages 1
--fill
--keep-missing
--seed 3
--samples 4
--samples 4 --independent
--same-noise
--own-noise
--sampler ddpm --guidance prox
--steps 3
EOT
test $number -eq 14
tap_result $? "$number options"
rm -rf other
cp -R done other
ok "a copy of all" "$LACUNA" batch scans other $how -q --no-html --json
matches out '"done":0,"before":1,' "is done, too"
rm other/in.tif
ok "without its result" "$LACUNA" batch scans other $how -q --no-html --json
matches out '"done":1,"before":0,' "it is not"
cp stack.tif scans/in.tif
ok "another picture" "$LACUNA" batch scans other $how -q --no-html --json
matches out '"done":1,"before":0,' "is not done, either"
rm -rf other
ok "one page" "$LACUNA" batch scans other $how -q --no-html --pages 1
ok "alone" "$LACUNA" batch scans other $how -q --no-html --pages 1 --only --json
matches out '"done":1,"before":0,' "--only makes a difference"

# Operators of a later section replace those of an earlier one, which replace those of the command line.
mkdir sections
cp in.tif sections/
printf 'operator = blur:sigma=2\n[*.tif]\noperator = blur:sigma=1\noperator = mask:columns=7\n' >sections/lacuna.conf
ok "sections" "$LACUNA" batch sections by-section $how -q --no-html
ok "one picture" "$LACUNA" restore -q sections/in.tif -o by-hand.tif -A blur:sigma=1 -A mask:columns=7 -p gaussian -n 0.01
same_text by-hand.tif by-section/in.tif "the last one that fits counts"

# Progress counts the pictures of this part of a batch.
mkdir halves
for n in 1 2 3 4; do cp in.tif halves/$n.tif; done
ok "half of a batch" "$LACUNA" batch halves half $how --no-html --shard 1/2 --progress
tr '\r' '\n' <err | sed 's/^[^0-9]*//' | grep -E '^[0-9]+/[0-9]+' >steps
test -s steps && ! grep -v '^[0-2]/2[^0-9]' steps
tap_result $? "counts to two"

# A picture that changes after it was read is restored as it was, which is a doubt.
ok "noise as stated" "$LACUNA" simulate -q f.tif -o changing.tif -A identity -n 0.1 --range 0:1
ok "is no doubt" "$LACUNA" restore -q changing.tif -o unchanged.tif -A identity -p gaussian -n 0.1 --strict
"$LACUNA" restore changing.tif -o changed.tif -A identity -p gaussian -g prox -s ddpm --steps 10000 -n 0.1 --strict \
	>changed.out 2>changed.err &
pid=$!
round=0
while ! grep -q "gaussian: mean" changed.err && test $round -lt 400; do
	sleep 0.02
	round=`expr $round + 1`
done
cp high.tif changing.tif
wait $pid
ok "a picture that changes after it was read is doubted" test $? -eq 3
contains changed.err "changing.tif: was changed after it was read; the result belongs to the earlier picture" "that is said"
shows changed.tif "48x40 1 float32\n" "it is the earlier picture"

# Each file that fails is an event with its message; the first fifty are printed.
rm -rf missing
i=0
while test $i -lt 52; do
	i=`expr $i + 1`
	echo "missing-$i.tif"
done >list
fails 1 "52 files that are not there" "$LACUNA" batch --list list -o missing $how --no-html --json
cp err lines
ok "are 52 events" test `grep -c '"event":"failed".*"message":".*No such file' out` -eq 52
ok "and 50 lines" test `grep -c 'missing-.*No such file' lines` -eq 50
done_testing
