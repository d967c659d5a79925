#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Missing values and pages: what is not restored stays unchanged.

. "$abs_top_srcdir/tests/cli/common.sh"

how="-A identity -p gaussian -n 0.01 --range full"
"$maketiff" nan.tif float32 48 40 1 1 nan
ok "picture with nodata" "$maketiff" nodata.tif uint16 48 40 1 1 nodata
ok "restored" "$LACUNA" restore nodata.tif -o kept.tif $how
contains err "20 values are nodata (0) and remain missing; --fill fills them" "it is said"
ok "filled" "$LACUNA" restore nodata.tif -o filled.tif $how --fill
contains err "20 values are nodata (0); filled" "that, too"
ok "values of nodata do not count" "$LACUNA" compare --max-nrmse 0.02 nodata.tif filled.tif
contains out "20 missing values left out" "and that is said"
ok "a reference with nodata" "$LACUNA" restore filled.tif -o again.tif $how --reference nodata.tif
figures out '$2 > 32 && $4 > 32' "values that it lacks do not count"
"$LACUNA" simulate nodata.tif -o nodata-s.tif -A identity -t uint16 >out 2>err
contains err "20 values are missing and remain missing (0)" "simulate keeps nodata"
fails 1 "a type without it" "$LACUNA" restore nan.tif -o nan-8.tif $how -t uint8 --keep-missing
for f in nodata kept filled nodata-s; do "$maketiff" --forget $f.tif; done
ok "nodata stays" "$LACUNA" compare --max-nrmse 0.01 nodata.tif kept.tif
ok "in what is simulated, too" "$LACUNA" compare --max-nrmse 1e-4 nodata.tif nodata-s.tif
fails 1 "--fill fills it" "$LACUNA" compare --max-nrmse 0.02 nodata.tif filled.tif
ok "picture with infinities" "$maketiff" inf.tif float32 48 40 1 1 inf
ok "restored, too" "$LACUNA" restore inf.tif -o inf-r.tif $how -q
contains err "20 values are infinite" "infinities are missing, and said with -q"

# Values far from all others are missing, though the file does not say so; a mask says itself what is.
far="-A identity -p gaussian -n 0.01"
ok "picture with -9999" "$maketiff" lump.tif float32 48 40 1 1 lump
ok "restored" "$LACUNA" restore lump.tif -o lump-r.tif $far -q
contains err "-9999 is far from all other values and counts as nodata" "it is said, with -q"
ok "like the picture with NaN" "$LACUNA" restore nan.tif -o nan-r.tif $far
ok "filled, too" "$LACUNA" restore lump.tif -o lump-f.tif $far --fill
ok "to the same values" "$LACUNA" compare --max-nrmse 0 lump-f.tif nan-r.tif
ok "picture with -9999 and -32768" "$maketiff" lumps.tif float32 48 40 1 1 lumps
ok "restored" "$LACUNA" restore lumps.tif -o lumps-r.tif $far -q
contains err "-32768 is far from all other values and counts as nodata" "one is told of"
contains err "-9999 is far from all other values and counts as nodata" "and the other"
ok "in windows" "$LACUNA" restore lumps.tif -o lumps-w.tif $far -q --crop 0,0,48,40
ok "both stay" cmp lumps-w.tif lumps-r.tif
ok "another value is declared" cp lump.tif declared.tif
"$maketiff" --declare declared.tif 0
ok "restored" "$LACUNA" restore declared.tif -o declared-r.tif $far -q
contains err "-9999 is far from all other values and counts as nodata" "-9999 counts all the same"
"$maketiff" --forget declared-r.tif
ok "and stays" "$LACUNA" compare --max-nrmse 0 declared-r.tif lump-r.tif
ok "in windows" "$LACUNA" restore declared.tif -o declared-w.tif $far -q --crop 0,0,48,40
"$maketiff" --forget declared-w.tif
ok "too" "$LACUNA" compare --max-nrmse 0 declared-w.tif lump-r.tif
ok "filled" "$LACUNA" restore declared.tif -o declared-f.tif $far -q --fill
"$maketiff" --forget declared-f.tif
ok "to the same values" "$LACUNA" compare --max-nrmse 0 declared-f.tif nan-r.tif
fails 1 "a type that cannot hold it" "$LACUNA" restore declared.tif -o x.tif $far -t uint8
contains err "missing values (-9999), which uint8 cannot hold" "is refused"
contains err "--fill fills them" "with the remedy"
ok "as measured" "$LACUNA" restore lump.tif -o lump-full.tif $far --range full
! grep -q "counts as nodata" err
tap_result $? "with --range full"
ok "mask" "$maketiff" mask.tif uint8 48 40 1 1 mask
ok "with it" "$LACUNA" restore lump.tif -o lump-m.tif -A mask:file=mask.tif -p gaussian -n 0.01
! grep -q "counts as nodata" err
tap_result $? "nor with a mask"
ok "gray" "$maketiff" gray.tif float32 48 40 1 1 constant
ok "a narrow scene" "$LACUNA" simulate -q gray.tif -o narrow.tif -A identity -n 0.01 --range 0:1
for mask in mask:columns=20-30 mask:keep=0.7 mask:boxes=1,size=8; do
	ok "$mask" "$LACUNA" simulate -q narrow.tif -o left-out.tif -f -A $mask -n 0 --range 0:1
	ok "restored" "$LACUNA" restore -q left-out.tif -o filled-in.tif -f -A $mask -p gaussian -n 0.01
	ok "is filled, though its 0 is far from the rest" "$LACUNA" compare --range 0:1 --max-nrmse 0.03 gray.tif filled-in.tif
done
ok "a deviation of what stays missing" "$LACUNA" restore nan.tif -o hole.tif $how --keep-missing --std hole-std.tif
"$LACUNA" compare hole-std.tif hole-std.tif >out
contains out "20 missing values left out" "is missing, too"
# Channels with holes of their own.
ok "colours with nodata" "$maketiff" rgb.tif uint8 48 40 3 1 nodata
ok "a picture for a mask" "$maketiff" soft.tif uint8 48 40 3 1
ok "holes that differ from channel to channel" "$LACUNA" simulate -q rgb.tif -o holes.tif -A mask:file=soft.tif,threshold=0.3 -t uint8
ok "restored" "$LACUNA" restore -q holes.tif -o holes-r.tif $how
for f in holes holes-r; do
	"$LACUNA" compare $f.tif $f.tif >$f.txt
	"$maketiff" --forget $f.tif
done
same_text holes.txt holes-r.txt "each channel keeps its own"
ok "at their places" "$LACUNA" compare --max-nrmse 0.05 holes.tif holes-r.tif

"$maketiff" whole.tif float32 48 40 1 1
# --crop: a part says what it lacks.
ok "a part that ends with the picture" "$LACUNA" restore nan.tif -o part.tif $how --crop 0,0,48,40
contains err "20 values are NaN" "says how much is missing"
ok "a box is black" "$LACUNA" simulate -q whole.tif -o black.tif -A mask:boxes=1,size=6,seed=2
ok "a part with a value for missing" "$LACUNA" restore black.tif -o part2.tif -A mask:value=0 -p gaussian -n 0 --range 0:1 --crop 0,0,48,40
matches err "1.88 % of the pixels have the value 0" "says its share"
unsure="$LACUNA restore -q whole.tif -A identity -p gaussian --range 0:1 -n nan.tif"
ok "noise that is not known everywhere" $unsure -o unsure.tif
ok "in a part" $unsure -o unsure-part.tif --crop 0,0,48,40
ok "means the same" "$LACUNA" compare --max-nrmse 0.01 unsure.tif unsure-part.tif
masked="$LACUNA restore -q soft.tif -A mask:file=soft.tif,threshold=0.3 -p gaussian -n 0"
ok "a mask that differs from channel to channel" $masked -o masked.tif
ok "in a part" $masked -o masked-part.tif --crop 0,0,48,40
ok "hides the same" "$LACUNA" compare --max-nrmse 0.01 masked.tif masked-part.tif

fails 1 "a start image with a hole" "$LACUNA" restore whole.tif -o start.tif -A blur:sigma=1 -p gaussian -n 0.01 --start nan.tif -s ddpm:start=0.3 -g prox
contains err "nan.tif: has missing values" "names the file"

ok "stack" "$maketiff" stack.tif uint8 32 24 1 3
ok "its second page" "$LACUNA" restore stack.tif -o second.tif $how --pages 2
ok "the others are copied" "$maketiff" --show second.tif
test "`wc -l <out`" -eq 3
tap_result $? "three pages"
ok "all pages" "$LACUNA" restore stack.tif -o all.tif $how
ok "one page alone" "$LACUNA" restore stack.tif -o one.tif $how --pages 2 --only
"$maketiff" --show one.tif >out
test "`wc -l <out`" -eq 1
tap_result $? "one page"
ok "in place" "$LACUNA" restore stack.tif --in-place $how --pages 2
ok "as with -o" identical stack.tif second.tif
ok "a reference for each page" "$LACUNA" restore stack.tif -o same.tif -A identity -p gaussian -n 0 --reference stack.tif
ok "is its own page" test "`grep -c 'PSNR inf -> inf' out`" -eq 3
ok "noise for each page" "$maketiff" noises.tif float32 32 24 1 3 rising
ok "is read" "$LACUNA" restore -q stack.tif -o noisy.tif -A identity -p gaussian -n noises.tif --report noises.json
ok "from its own page" awk -F'[:,]' '/"noise":/ { noise[++n] = $2 } END { exit !(n == 3 && noise[2] > 5 * noise[1] && noise[3] > 1.5 * noise[2]) }' noises.json
wide="-A identity -p gaussian -n 0 -q -t uint16 --range 20:200"
ok "all pages in another type" "$LACUNA" restore stack.tif -o all-wide.tif $wide
ok "the second, and the others copied" "$LACUNA" restore stack.tif -o one-wide.tif $wide --pages 2
ok "all are converted alike" identical one-wide.tif all-wide.tif
same="-A identity -p gaussian:mean=0.5,amplitude=0.2 -n 0.01 -q --range 20:200"
ok "a stated range" "$LACUNA" restore stack.tif -o range.tif $same
ok "and the type that it has" "$LACUNA" restore stack.tif -o range-8.tif $same -t uint8
ok "is no conversion" identical range.tif range-8.tif
ok "a page as JPEG" "$maketiff" --append range.tif uint8 32 24 1 1 jpeg
ok "is copied" "$LACUNA" restore range.tif -o copied.tif $same --pages 1
contains err "page 4: JPEG compression becomes Deflate" "what it loses is said"
test "`grep -c becomes err`" -eq 1
tap_result $? "and of no other page"
cp stack.tif cut.tif
dd if=/dev/null of=cut.tif bs=1 seek=$((`wc -c <cut.tif` - 60)) 2>/dev/null
"$LACUNA" restore cut.tif -o cut-r.tif $how -q >out 2>err
test -s err
tap_result $? "a stack that was cut is told of or refused, with -q"

ok "stack with a constant page" "$maketiff" constant.tif uint8 32 24 1 3 constant
ok "is restored" "$LACUNA" restore constant.tif -q -o constant-r.tif -A identity -p gaussian
contains err "page 1: all its values are equal" "and it is said"

ok "four bands" "$maketiff" bands.tif uint8 32 24 4 1
ok "restored to twice the size" "$LACUNA" restore bands.tif -o bands-r.tif -A downsample:factor=2 -p gaussian -n 0.01
"$maketiff" --show bands-r.tif >out
matches out "64x48 4 uint8" "no band is lost"

# Statements in a description about the file's content are updated.
ok "a stack of ImageJ" "$maketiff" ij.tif uint8 32 24 1 6
"$maketiff" --describe ij.tif 'ImageJ=1.53t
images=6
channels=2
slices=3
hyperstack=true
unit=um
min=10.0
max=200.0' 4
ok "larger, in another type" "$LACUNA" restore ij.tif -o ij-l.tif -A downsample:factor=2 -p gaussian -n 0.01 -t uint16 --range full -q
"$maketiff" --text ij-l.tif >out
contains out "channels=2" "ImageJ: as many pages"
contains out "min=2570.0" "ImageJ: the display range follows the values"
contains out "8 pixels" "ImageJ: so does the size of a pixel"
ok "from 10 to 200 in another type" "$LACUNA" restore ij.tif -o ij-w.tif -A identity -p gaussian -n 0.01 -q -t uint16 --range 10:200
"$maketiff" --text ij-w.tif >out
contains out "min=0.0" "ImageJ: what was black is 0"
contains out "max=65535.0" "ImageJ: what was white is 65535"
ok "one channel" "$LACUNA" restore ij.tif -o ij-c.tif $how --pages 1,3,5 --only -q
"$maketiff" --text ij-c.tif >out
contains out "images=3" "ImageJ: fewer pages"
! grep -q channels out
tap_result $? "ImageJ: one channel is not stated"
ok "no block of pages" "$LACUNA" restore ij.tif -o ij-o.tif $how --pages 2,3 --only -q
contains err "ij.tif: ImageJ's description may be wrong" "ImageJ: that is said"
ok "a file of OME" "$maketiff" ome.tif uint8 32 24 1 6
"$maketiff" --describe ome.tif '<OME><Image ID="Image:0"><Pixels DimensionOrder="XYZCT" ID="Pixels:0" Type="uint8" SizeX="32" SizeY="24" SizeZ="3" SizeC="2" SizeT="1" PhysicalSizeX="0.5" PhysicalSizeY="0.5"><Channel ID="Channel:0:0"/><Channel ID="Channel:0:1"/><TiffData/></Pixels></Image></OME>' 300
ok "the second channel, larger, in another type" "$LACUNA" restore ome.tif -o ome-l.tif -A downsample:factor=2 -p gaussian -n 0.01 -t float32 -q --pages 4-6 --only
"$maketiff" --text ome-l.tif >out
contains out 'Type="float" SizeX="64" SizeY="48" SizeZ="3" SizeC="1" SizeT="1" PhysicalSizeX="0.25"' "OME-XML: type, size, pages"
contains out '><Channel ID="Channel:0:1"/><TiffData IFD="0" PlaneCount="3"/></Pixels>' "OME-XML: the channel that was kept"
ok "in a type that OME does not know" "$LACUNA" restore ome.tif -o ome-h.tif $how -q -t float16
contains err "OME-XML description may be wrong for the result" "OME-XML: half floats have no name, which is said"
ok "in one that it knows" "$LACUNA" restore ome.tif -o ome-d.tif $how -q -t float64
"$maketiff" --text ome-d.tif >out
contains out 'Type="double"' "OME-XML: and named"
ok "pages of two sizes" "$LACUNA" restore ome.tif -o ome-m.tif -A downsample:factor=2 -p gaussian -n 0.01 -q --pages 2
contains err "the pages now have different sizes" "OME-XML: pages of two sizes are said"
"$maketiff" --text ome-m.tif >out
figures out '$0 == "-"' "and not described as one block"

printf '\211PNG\r\n\032\n0123456789' >in.png
fails 1 "PNG" "$LACUNA" restore in.png -o png.tif $how
contains err "in.png: is a PNG picture, not TIFF; convert it with: convert" "PNG: how to convert it"
one_line "PNG"
printf 'SIMPLE  =                    T' >in.fits
fails 1 "FITS" "$LACUNA" compare in.fits in.png
contains err "in.fits: is a FITS file, not TIFF; convert it with: gdal_translate" "FITS: how to keep its values"
printf '\377\330\377\340\000\020JFIF' >mask.jpg
fails 1 "a mask in JPEG" "$LACUNA" restore nodata.tif -o png.tif -A mask:file=mask.jpg -n 0
contains err "mask.jpg: is a JPEG picture, not TIFF" "is named as such"

# An overview shows the picture as it was.  Here are a picture, its overviews, a mask, a label, and a picture with an overview.
"$maketiff" levels.tif uint8 64 48 1 1
for size in "32 24" "15 11" "64 48" "20 40" "64 48" "32 24"; do
	"$maketiff" --append levels.tif uint8 $size 1 1
done
for mark in "1 1" "2 1" "3 4" "4 1" "6 1"; do
	ok "page and kind: $mark" "$maketiff" --mark levels.tif $mark
done
ok "a file with overviews" "$LACUNA" restore levels.tif -o levels-r.tif -A identity -p gaussian -n 0.01 -q
for page in 2 3 7; do
	contains err "page $page: left out, because this overview shows the picture before its restoration" "page $page"
done
"$maketiff" --show levels-r.tif | cut -d ' ' -f 1 >seen.txt
printf '64x48\n64x48\n20x40\n64x48\n' >want.txt
ok "pictures, mask and label are there" cmp want.txt seen.txt
ok "at twice the size" "$LACUNA" restore levels.tif -o levels-2.tif -A downsample:factor=2 -p gaussian -n 0.01 -q
for page in 2 3 4 5 7; do
	contains err "page $page: left out, because this overview or mask has the old size" "page $page"
done
"$maketiff" --show levels-2.tif | cut -d ' ' -f 1 >seen.txt
printf '128x96\n128x96\n' >want.txt
ok "the pictures are there" cmp want.txt seen.txt
ok "the first of them" "$LACUNA" restore levels.tif -o levels-1.tif -A identity -p gaussian -n 0.01 -q --pages 1
"$maketiff" --show levels-1.tif | cut -d ' ' -f 1 >seen.txt
printf '64x48\n64x48\n20x40\n64x48\n32x24\n' >want.txt
ok "the other keeps its overview" cmp want.txt seen.txt
# Sides are rounded at each halving: 41 rows become 21, 11, 6.
"$maketiff" thin.tif uint8 100 41 1 1
"$maketiff" --append thin.tif uint8 13 6 1 1
ok "an overview of rounded sides" "$maketiff" --mark thin.tif 1 1
ok "restored" "$LACUNA" restore thin.tif -o thin-r.tif -A identity -p gaussian -n 0.01 -q
contains err "page 2: left out, because this overview shows the picture before its restoration" "it is known as one"

# What cannot be kept is said, of pages that are copied, too.
"$maketiff" subs.tif uint8 64 48 1 2
ok "a page with a sub-image" "$maketiff" --sub subs.tif 1
ok "is copied" "$LACUNA" restore subs.tif -o subs-r.tif -A identity -p gaussian -n 0.01 -q --pages 1
contains err "page 2: sub-images (SubIFD) are dropped" "and what it loses is said"

# A stack has a single noise level unless the user asks for one per page.
ok "a stack" "$maketiff" alike.tif uint8 64 48 1 3
ok "is restored" "$LACUNA" restore alike.tif -o alike-r.tif -f -A identity -p gaussian --report alike.json
contains err "all pages: noise estimated" "with one noise"
ok "in the report" test `grep '"noise":' alike.json | sort -u | wc -l` -eq 1
ok "or each with its own" "$LACUNA" restore alike.tif -o alike-r.tif -f -A identity -p gaussian --own-noise --report alike.json
contains err "page 2: noise estimated" "that is said"
ok "in the report" test `grep '"noise":' alike.json | sort -u | wc -l` -gt 1
fails 2 "both" "$LACUNA" restore alike.tif -o alike-r.tif -f -A identity --own-noise --same-noise
ok "pages alike" "$LACUNA" restore alike.tif -o alike-r.tif -f -A identity -p gaussian -q
! grep -q "their noise differs" err
tap_result $? "are not doubted"
ok "pages with noise" "$LACUNA" simulate alike.tif -o apart.tif -A identity -n 0.2 -q
ok "less in all but one" "$LACUNA" restore apart.tif -o apart.tif --in-place -A identity -p gaussian:exponent=4 -n 0.2 -q --pages 2,3
ok "is restored with their noise" "$LACUNA" restore apart.tif -o apart-r.tif -A identity -p gaussian -q
contains err "one is used for all; --own-noise gives each page its own" "that is said"
ok "with its own" "$LACUNA" restore apart.tif -o apart-r.tif -f -A identity -p gaussian -q --own-noise
! grep -q "their noise differs" err
tap_result $? "all is well"

# A page in black and white has no noise to estimate, and is no picture to restore.
ok "one is among gray ones" "$maketiff" --append alike.tif bit 64 48 1 1
ok "the others are restored" "$LACUNA" restore alike.tif -o alike-r.tif -f -A identity -p gaussian -q
contains err "1 page of one bit, black and white, was not restored; --pages" "that is said"
"$maketiff" --show alike-r.tif >seen.txt
ok "and it is there" test "`cut -d ' ' -f 3 seen.txt | tr '\n' ' '`" = "uint8 uint8 uint8 uint1 "
ok "alone" "$LACUNA" restore alike.tif -o alike-r.tif -f -A identity -p gaussian -q -n 0.1 --pages 4
! grep -q "one bit" err
tap_result $? "it is restored"
"$maketiff" stack.tif uint8 64 48 1 2
ok "one of 8 bits" "$maketiff" --append stack.tif uint8 64 48 1 1 mask
fails 1 "is refused" "$LACUNA" restore stack.tif -o no.tif -A identity -p gaussian
contains err "page 3: too few complete 8x8 blocks" "by its number"
contains err "or leave the page out with --pages" "with the remedy"
done_testing
