# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# lacuna restore on small pictures.
. "$abs_top_srcdir/tests/cli/common.sh"
gaussian="-p gaussian"

# show FILE TEXT NAME: maketiff --show prints this line
show() {
	"$maketiff" --show "$1" >shown
	contains shown "$2" "$3"
}

# Sample type, pages, channels and description are kept.
for type in uint8 uint16 float32; do
	ok "$type picture" "$maketiff" $type.tif $type 48 40 1 1
	ok "$type degraded" "$LACUNA" simulate $type.tif -o $type-y.tif -A blur:sigma=1 -n 0.01 -t $type
	ok "$type restored" "$LACUNA" restore $type-y.tif -o $type-x.tif -A blur:sigma=1 $gaussian
	show $type-x.tif " 1 $type lacuna" "$type stays $type"
done
ok "simulate" "$LACUNA" simulate uint16.tif -o y.tif -A blur:sigma=1,boundary=periodic -n 0.01
show y.tif "48x40 1 float32" "simulate writes float"
ok "simulate again" "$LACUNA" simulate uint16.tif -o y2.tif -A blur:sigma=1,boundary=periodic -n 0.01
ok "same seed, same noise" cmp y.tif y2.tif
ok "simulate with another seed" "$LACUNA" simulate uint16.tif -o y3.tif -A blur:sigma=1,boundary=periodic -n 0.01 --seed 1
fails 1 "another seed, other noise" cmp y.tif y3.tif

# The restored picture is better than the measurement.
ok "with reference" "$LACUNA" restore y.tif -o x.tif -A blur:sigma=1,boundary=periodic $gaussian --reference uint16.tif \
	--report r.json
contains err "noise estimated" "noise is said"
contains err " (measured; set others" "range is said, and that it is measured"
contains out "PSNR" "quality is printed"
figures out '$4 > $2 + 0.5' "the result is closer to the reference"
ok "what was printed is so" "$LACUNA" compare uint16.tif x.tif
for key in '"lacuna":' '"command":' '"seed": 0' '"method": "best"' '"name": "blur"' '"sigma": 1.0' \
	'"boundary": "periodic"' '"name": "gaussian"' '"name": "hqs"' '"guidance": null' '"noise_estimated": true' \
	'"sample_type": "float32"' '"evaluations":' '"residual":' '"residual_expected":' '"psnr":' '"version":' \
	'"path":' '"threads":' '"missing_values": 0' '"measurement":'; do
	contains r.json "$key" "report holds $key"
done
tr -d ' \n' <r.json >flat
contains flat '"measurement":{"width":48,"height":40,' "report: width and height"
contains flat '"normalize":true' "report: a parameter that is yes"
test "`sed -n '/"command":/{n;p;}' r.json | tr -d ' ,\"'`" = "$LACUNA"
tap_result $? "the command in the report begins with the program"

# The report lists each file that was read with its digest; equal content has equal digests.
cp uint16.tif copy-a.tif
cp uint16.tif copy-b.tif
ok "files are listed" "$LACUNA" restore copy-a.tif -o listed.tif -A mask:file=copy-b.tif,threshold=0.5 $gaussian -n 0.01 \
	--reference uint8.tif --report listed.json
tr '\n' ' ' <listed.json | sed 's/.*"files": \[\([^]]*\)\].*/\1/; s/}/\
/g' | sed -n 's/.*"path": "\([^"]*\)", *"xxh128": "\([0-9a-f]\{32\}\)".*/\1 \2/p' >files
for file in copy-a.tif copy-b.tif uint8.tif gaussian; do
	grep -q "$file" files
	tap_result $? "the report lists $file"
done
awk '/copy-[ab]/ { seen[$2] = 1; n++ } /uint8/ { other = $2 } END { exit !(n == 2 && length(seen) == 1 && !(other in seen)) }' files
tap_result $? "one content, one digest; another, another"
ok "--json prints the same" "$LACUNA" restore y.tif -o x.tif -f -A blur:sigma=1,boundary=periodic $gaussian --json -n 2.55/255
contains out '"noise": 0.01' "noise as a fraction"
contains out '"noise_estimated": false' "noise as stated"
ok "all digits" "$LACUNA" restore y.tif -o x.tif -f -A blur:sigma=1,boundary=periodic $gaussian --json -n 0.0123456 --range 0:1 \
	--reference uint16.tif
test "`head -c 1 out`" = "{"
tap_result $? "no figures before the JSON"
contains out '"noise": 0.0123456,' "of the noise"
contains out '"offset": 0.000152413839' "and of its variance"
odd=`printf 'odd\377.tif'`
if cp y.tif "$odd" 2>/dev/null; then
	ok "a name that is not UTF-8" "$LACUNA" restore "$odd" -o x.tif -f -A blur:sigma=1,boundary=periodic $gaussian --json
	contains out '"input": null' "JSON stays JSON"
else
	skip "the file system refuses it" "a name that is not UTF-8"
fi
ok "--quiet" "$LACUNA" restore y.tif -o x.tif -f -A blur:sigma=1,boundary=periodic $gaussian -q
test ! -s err && test ! -s out
tap_result $? "--quiet is silent"

# Valid blur: the unknown image is larger than the measurement, the result is as large as the measurement.
ok "valid blur" "$LACUNA" simulate uint16.tif -o v.tif -A blur:kind=box,width=5,height=3 -n 0.001
show v.tif "44x38" "a valid blur leaves less"
ok "valid blur restored" "$LACUNA" restore v.tif -o vx.tif -A blur:kind=box,width=5,height=3 $gaussian --reference uint16.tif --report v.json
show vx.tif "44x38" "the result is cropped"
figures out '$4 > $2' "better than before"
ok "reference of the result's size" "$LACUNA" restore v.tif -o vx2.tif -A blur:kind=box,width=5,height=3 $gaussian --start vx.tif --reference vx.tif

# The data term: without noise the result equals the measurement, bit for bit.
for type in uint8 uint16; do
	ok "$type round trip" "$LACUNA" restore $type.tif -o $type-r.tif -A identity -n 0 $gaussian -s ddpm -g ddnm --steps 3 \
		--report $type.json
	tr -d ' \n' <$type.json >flat
	test $type = uint8 && contains flat '"range":[0.0,255.0]' "$type: full scale" ||
		contains flat '"range":[0.0,65535.0]' "$type: full scale"
	ok "$type round trip is exact" identical $type.tif $type-r.tif
done
ok "other type" "$LACUNA" restore uint8.tif -o wide.tif -A identity -n 0 $gaussian -s ddpm -g ddnm --steps 3 -t uint16
show wide.tif "uint16" "--type"
ok "other type, same picture" "$LACUNA" compare --max-nrmse 0.00001 uint8.tif wide.tif
ok "range" "$LACUNA" restore uint16.tif -o ranged.tif -A identity -n 0 $gaussian -s ddpm -g ddnm --steps 3 --range -1000:40000
ok "range is undone" "$LACUNA" compare --max-nrmse 0.00004 uint16.tif ranged.tif

# NaN is missing; clipping would replace it by a number.
ok "picture with a hole" "$maketiff" hole.tif float32 48 40 1 1 nan
ok "hole filled" "$LACUNA" restore hole.tif -o filled.tif -A identity -n 0.01 $gaussian --report hole.json
contains err "20 values are NaN" "the hole is said"
contains hole.json '"missing_values": 20' "the hole is recorded"
ok "filled picture restored" "$LACUNA" restore filled.tif -o again.tif -A identity -n 0.01 $gaussian --report again.json
contains again.json '"missing_values": 0' "nothing is missing any more"
ok "the hole is filled with something like it" "$LACUNA" compare --max-nrmse 0.1 float32.tif filled.tif

# Pages.
ok "stack" "$maketiff" stack.tif uint8 32 24 3 3
ok "stack restored" "$LACUNA" restore stack.tif -o stack-x.tif -A identity -n 0.02 $gaussian
test "`"$maketiff" --show stack-x.tif | grep -c '32x24 3 uint8'`" -eq 3
tap_result $? "all pages are there"
ok "second page alone" "$LACUNA" restore stack.tif -o second.tif -A identity -n 0.02 $gaussian --only --pages 2
ok "second page of all" "$LACUNA" simulate stack-x.tif -o second-of-all.tif -A identity --pages 2 -t uint8
ok "a page does not depend on its company" identical second.tif second-of-all.tif
ok "two pages" "$LACUNA" restore stack.tif -o two.tif -A identity -n 0.02 $gaussian --only --pages 1,3
test "`"$maketiff" --show two.tif | wc -l`" -eq 2
tap_result $? "two pages are there"

# The standard deviation, without samples.
known="$LACUNA restore hole.tif $gaussian -A identity --range 0:1"
ok "a deviation without samples" $known -n 0.01 -o known.tif --std known-std.tif --report known.json
contains known.json '"std": "tweedie"' "the report says which way"
show known-std.tif "48x40 1 float32" "deviation is float"
ok "the result is the same without" $known -n 0.01 -o known2.tif
ok "to the bit" identical known.tif known2.tif
ok "and the deviation for the same seed" $known -n 0.01 -o known3.tif --std known3-std.tif -j 2
ok "to the bit" identical known-std.tif known3-std.tif
fails 3 "a large hole" "$LACUNA" restore float32.tif -o known4.tif -A mask:boxes=1,size=24 -n 0.01 $gaussian --std known4-std.tif --strict
contains err "in holes wider than about 12 pixels" "is warned of"
ok "holes of one pixel" "$LACUNA" restore float32.tif -o known5.tif -A mask:keep=0.5 -n 0.01 $gaussian --std known5-std.tif --strict
# A kernel of one pixel does nothing, but the host does not know that it is pixelwise: the deviation is computed in another
# way.
plain="$LACUNA restore float32.tif $gaussian --range 0:1 -n 0.05"
ok "one value for one" $plain -A identity -o plain.tif --std plain-std.tif
ok "perhaps several" $plain -A blur:sigma=0,boundary=periodic -o mixed.tif --std mixed-std.tif --report mixed.json
contains mixed.json '"std": "gaussian"' "the report says which way"
ok "is the same" "$LACUNA" compare --max-nrmse 0.15 plain-std.tif mixed-std.tif

# Samples.
draw="$LACUNA restore y.tif -A blur:sigma=1,boundary=periodic -n 0.01 -p gaussian -s ddpm -g prox --steps 6"
ok "three samples" $draw -o mean.tif --samples 3 --std std.tif --all-samples singles --report s.json
contains s.json '"samples": 3' "samples are recorded"
test "`ls singles`" = "sample-0001.tif
sample-0002.tif
sample-0003.tif"
tap_result $? "each sample has its file"
ok "first sample alone" $draw -o one.tif
ok "a sample does not depend on its company" identical one.tif singles/sample-0001.tif
fails 1 "samples differ" identical singles/sample-0001.tif singles/sample-0002.tif
ok "the mean is near the samples" "$LACUNA" compare --max-nrmse 0.2 mean.tif one.tif
show std.tif "48x40 1 float32" "deviation is float"
ok "mean and deviation are those of the samples" "$maketiff" --moments mean.tif std.tif singles/*
ok "samples in other units" $draw -o mean4.tif --samples 3 --std std4.tif --all-samples singles4 --range -1:3
ok "mean and deviation in the file's units" "$maketiff" --moments mean4.tif std4.tif singles4/*
# The sampler is affine here, up to its solver's tolerance.  So opposite noise cancels in the mean of a pair, for any seed,
# and remains in the deviation.
ok "pairs" $draw -o pairs.tif --samples 4
ok "pairs of another seed" $draw -o pairs2.tif --samples 4 --seed 5
ok "their means are equal" "$LACUNA" compare --max-nrmse 5e-3 pairs.tif pairs2.tif
ok "four independent samples" $draw -o four.tif --samples 4 --independent
ok "four others" $draw -o four2.tif --samples 4 --independent --seed 5
fails 1 "their means differ" "$LACUNA" compare --max-nrmse 1e-2 four.tif four2.tif
ok "deviation of pairs" $draw -o many.tif --samples 64 --std paired.tif
ok "deviation of independent samples" $draw -o many.tif --samples 64 --std independent.tif --independent --force
ok "they agree" "$LACUNA" compare --max-nrmse 0.2 paired.tif independent.tif
ok "several samples choose a sampler that draws" "$LACUNA" restore y.tif -o d.tif -A blur:sigma=1 $gaussian --samples 2 --steps 2 --json
contains out '"method": "sample"' "method sample"

# Each page has its own noise.
ok "equal pages" "$maketiff" same.tif uint16 32 24 1 2 same
ok "a sample of each" "$LACUNA" restore same.tif -o drawn.tif -A identity -n 0.3 $gaussian -s ddpm --steps 3
for file in same drawn; do
	for page in 1 2; do
		ok "page $page of $file" "$LACUNA" simulate $file.tif -o $file$page.tif -A identity --pages $page -t uint16
	done
done
ok "pages were equal" identical same1.tif same2.tif
fails 1 "samples of equal pages differ" identical drawn1.tif drawn2.tif

# Missing pixels: hqs starts from the posterior mean and stays there at a very small level.
printf 'dim 2\ncomponent 1\nmean 0.5 0.5\ncov 0.04 0.038\ncov 0.038 0.04\n' >pairs.txt
ok "missing pixels" "$LACUNA" simulate float32.tif -o holes.tif -A mask:keep=0.5,seed=1 -n 0.01
fill="$LACUNA restore holes.tif -A mask:keep=0.5,seed=1 -n 0.01 --range 0:1 -p gmm:file=pairs.txt"
ok "their posterior mean" $fill -o expected.tif -g exact -s ode:steps=1,sigma_max=50
ok "the start of hqs" $fill -o started.tif -s hqs:steps=1,sigma_max=0.001,sigma_min=0.001
ok "they agree" "$LACUNA" compare --max-nrmse 0.01 expected.tif started.tif

# A start image: with an uninformative measurement and a low first level the result stays near it.
late="-n 0.5 -p gaussian -g prox -s ode:start=0.01 --steps 3 --range 0:1"
box=blur:kind=box,width=5,height=3
ok "hardly a measurement" "$LACUNA" simulate uint16.tif -o hardly.tif -A $box -n 0.5
ok "the same without noise" "$LACUNA" simulate uint16.tif -o start.tif -A $box -n 0
ok "from a start image as large as the unknown" "$LACUNA" restore hardly.tif -o near.tif -A $box $late --start uint16.tif
ok "the result is near it" "$LACUNA" compare --center --max-nrmse 0.05 uint16.tif near.tif
ok "from a start image as large as the result" "$LACUNA" restore hardly.tif -o near2.tif -A $box $late --start start.tif
ok "the result is near this one" "$LACUNA" compare --max-nrmse 0.05 start.tif near2.tif
"$maketiff" bands.tif uint16 64 48 3 1 bands
ok "hardly a measurement of colours" "$LACUNA" simulate bands.tif -o hardly3.tif -A $box -n 0.5
ok "the same without noise" "$LACUNA" simulate bands.tif -o start3.tif -A $box -n 0
ok "from a start image in colours" "$LACUNA" restore hardly3.tif -o near3.tif -A $box $late --start start3.tif
ok "each channel is near its own" "$LACUNA" compare --max-nrmse 0.05 start3.tif near3.tif

# Noise is not estimated where nothing was measured.
ok "every other pixel" "$LACUNA" simulate uint16.tif -o half.tif -A mask:keep=0.5
fails 1 "no part is whole" "$LACUNA" restore -q half.tif -o half-x.tif -A mask:keep=0.5 $gaussian
one_line "no part is whole"
contains err "state it with -n" "no part is whole: remedy"

# Composition: first blurred, then masked.
ok "two operators" "$LACUNA" simulate uint16.tif -o bm.tif -A blur:sigma=1,boundary=periodic -A mask:boxes=2,size=6 -n 0.005
ok "two operators undone" "$LACUNA" restore bm.tif -o bmx.tif -A blur:sigma=1,boundary=periodic -A mask:boxes=2,size=6 $gaussian \
	--reference uint16.tif
matches err "noise estimated: 0.00[3-7]" "noise is estimated beside the mask"
"$LACUNA" compare uint16.tif bmx.tif >out
figures out '$2 > 20' "better than before"
# simulate: each page has its own noise, ranges are restored, pages ascend
ok "a stack of one picture" "$maketiff" twins.tif uint16 32 24 1 2 same
ok "... with noise" "$LACUNA" simulate -q twins.tif -o noisy-twins.tif -A identity -n 0.1
ok "the first" "$LACUNA" simulate -q noisy-twins.tif -o twin1.tif -A identity -n 0 --pages 1 -t uint16
ok "the second" "$LACUNA" simulate -q noisy-twins.tif -o twin2.tif -A identity -n 0 --pages 2 -t uint16
fails 1 "they differ" "$LACUNA" compare --max-nrmse 0.1 twin1.tif twin2.tif
ok "a range of its own" "$LACUNA" simulate -q twins.tif -o ranged-twins.tif -A identity -n 0 --range 1000:30000 -t uint16
ok "... is that of the result" identical twins.tif ranged-twins.tif
ok "in another integer type" "$LACUNA" simulate -q uint8.tif -o wider.tif -A identity -t uint16
ok "... the same picture" "$LACUNA" compare --max-nrmse 1e-5 uint8.tif wider.tif
ok "a blurred hole" "$LACUNA" simulate hole.tif -o wide-hole.tif -A blur:sigma=1,boundary=periodic
holes=`sed -n 's/.*: \([0-9]*\) values are missing.*/\1/p' err`
test "${holes:-0}" -gt 60
tap_result $? "... is wider: $holes"
ok "a spectrum" "$LACUNA" simulate -q float32.tif -o k1.tif -A fourier --range 0:1
ok "... of another range" "$LACUNA" simulate -q float32.tif -o k2.tif -A fourier --range -1:2
ok "... is the same" "$LACUNA" compare --max-nrmse 1e-5 k1.tif k2.tif
fails 1 "pages that descend" "$LACUNA" simulate -q twins.tif -o none.tif -A identity --pages 2-1
contains err "ascending" "... are refused as such"
# integer weights of a mask are fractions of full scale; all rows of a text file have the same length
ok "a gray mask" "$maketiff" gray-mask.tif uint8 32 24 1 1 constant
ok "a picture for it" "$maketiff" under.tif uint16 32 24 1 1
ok "half of the light" "$LACUNA" simulate -q under.tif -o half-light.tif -A mask:file=gray-mask.tif,weights=yes -n 0
"$LACUNA" compare under.tif half-light.tif >figures
figures figures '$7 + 0 > 0.49 && $7 + 0 < 0.51' "is what it leaves"
printf '1 2 1\n2 4\n' >ragged.txt
fails 1 "a ragged kernel" "$LACUNA" simulate -q under.tif -o none.tif -A blur:psf=ragged.txt
contains err "has 2 numbers, but the lines before it have 3" "... is refused as such"
# --crop: a part equals that part of the whole, wherever strips and tiles lie
ok "a picture to look at" "$maketiff" look.tif uint16 150 130 1 3
ok "its part" "$LACUNA" restore look.tif -o look1.tif -A identity $gaussian -n 0 --crop 10,20,64,51
ok "a larger part" "$LACUNA" restore look.tif -o look2.tif -A identity $gaussian -n 0 --crop 4,9,100,90
ok "the first of it" "$LACUNA" restore look2.tif -o look3.tif -A identity $gaussian -n 0 --crop 6,11,64,51
show look1.tif "64x51 1 uint16" "has the size asked for"
ok "is the same part" identical look1.tif look3.tif
ok "noise" "$LACUNA" simulate -q look.tif -o grain.tif -A identity -n 0.02 --pages 1
ok "the whole" "$LACUNA" restore -q grain.tif -o grain-r.tif -A identity $gaussian --range 0:1 --report whole.json
ok "a part that ends with it" "$LACUNA" restore -q grain.tif -o grain-p.tif -A identity $gaussian --range 0:1 --report part.json \
	--crop 86,79,64,51
grep '"noise":' whole.json >whole.txt
grep '"noise":' part.json >part.txt
same_text whole.txt part.txt "has the noise of the whole"
ok "a gray picture" "$maketiff" luminance.tif uint8 48 40 1 1
fails 3 "colours that are invented" "$LACUNA" restore -q luminance.tif -o colours.tif -A gray $gaussian -n 0.01 --strict
contains err "the colours are invented" "are told of"
# The random numbers of a part are those of its place; its pixels are on the grid of a network that halves pictures.
ok "floats" "$maketiff" place.tif float32 170 150 1 1
white="-A identity -p gaussian:exponent=0,mean=0.5,amplitude=0.2 -s ddpm -g exact --steps 4 -n 0.1 --range 0:1"
ok "a sample of independent pixels" "$LACUNA" restore -q place.tif -o sample.tif $white
ok "its part" "$LACUNA" restore -q sample.tif -o sample1.tif -A identity $gaussian -n 0 --range 0:1 --crop 90,80,40,30
ok "a sample of the part" "$LACUNA" restore -q place.tif -o sample2.tif $white --crop 90,80,40,30
ok "is the same" "$LACUNA" compare --max-nrmse 0.001 sample1.tif sample2.tif
if "$LACUNA" help prior unet >/dev/null 2>&1; then
	ok "by a network" "$LACUNA" restore -q place.tif -o net.tif -A identity -m fast -n 0.1 --range 0:1
	ok "its part" "$LACUNA" restore -q net.tif -o net1.tif -A identity $gaussian -n 0 --range 0:1 --crop 93,85,40,30
	ok "the part by a network" "$LACUNA" restore -q place.tif -o net2.tif -A identity -m fast -n 0.1 --range 0:1 --crop 93,85,40,30
	ok "is the same" "$LACUNA" compare --max-nrmse 0.002 net1.tif net2.tif
else
	skip "no networks" "a part by a network"
fi
fails 1 "a part beyond the picture" "$LACUNA" restore look.tif -o none.tif -A identity $gaussian --crop 100,0,51,10
contains err "reaches beyond the picture, which is 150x130" "... is refused as such"
fails 2 "half a part" "$LACUNA" restore look.tif -o none.tif -A identity $gaussian --crop 100,0,5
contains err "takes X,Y,W,H" "... is refused as such"
fails 1 "a part of what a matrix sees" "$LACUNA" restore look.tif -o none.tif -A gamma $gaussian --crop 1,1,9,9
contains err "needs an operator that is the same everywhere" "... is refused as such"
# gray values of a mask are neither holes nor errors
ok "weights without noise" "$LACUNA" restore half-light.tif -o full-light.tif -A mask:file=gray-mask.tif,weights=yes -n 0
"$LACUNA" compare under.tif full-light.tif >figures
figures figures '$7 + 0 < 0.02' "are divided out"
# a mask leaves faint noise that nobody stated in what was measured: in the whole, in windows, in a part
scratch="-A mask:columns=100-103"
few="-p gaussian --steps 3"
"$LACUNA" restore -q "$abs_top_srcdir/data/samples/colosseum.tif" -o scan.tif -A identity -p gaussian -n 0 --crop 20,20,400,340
ok "a scratch" "$LACUNA" restore scan.tif -o whole.tif $scratch $few 2>err
contains err "measured values stay as they are; -n" "... is filled, and no more"
ok "in windows" "$LACUNA" restore scan.tif -o windows.tif $scratch $few --memory 48M 2>err
contains err "restored in" "... that are several"
ok "in windows, after another operator" "$LACUNA" restore scan.tif -o after.tif -A identity $scratch $few --memory 48M 2>err
contains err "restored in" "... that are several, too"
contains err "measured values stay as they are; -n" "... is filled, and no more, either"
ok "noise that is stated" "$LACUNA" restore -q scan.tif -o less.tif $scratch $few -n 0.01
ok "a part" "$LACUNA" restore -q scan.tif -o part.tif $scratch $few --crop 90,20,60,50
ok "what is measured there" "$LACUNA" restore -q scan.tif -o there.tif -A identity $few -n 0 --crop 90,20,60,50
for name in scan whole windows less; do
	"$LACUNA" simulate -q "$name.tif" -o "$name-known.tif" -f $scratch -n 0
done
for name in part there; do
	"$LACUNA" simulate -q "$name.tif" -o "$name-known.tif" -f -A mask:columns=10-13 -n 0
done
ok "measured values are as they were" "$LACUNA" compare --max-nrmse 0 scan-known.tif whole-known.tif
ok "in windows, too" "$LACUNA" compare --max-nrmse 0 scan-known.tif windows-known.tif
ok "and in the part" "$LACUNA" compare --max-nrmse 0 there-known.tif part-known.tif
fails 1 "... unless the noise is stated" "$LACUNA" compare --max-nrmse 0 scan-known.tif less-known.tif
done_testing
