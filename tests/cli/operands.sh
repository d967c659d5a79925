#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Files that operators read: masks with one page for each page, missing values, kernels on another grid.

. "$abs_top_srcdir/tests/cli/common.sh"

# Masks for stacks: a black square that moves from page to page and is missing on the last.
how="-p gaussian -n 0 --range full"
ok "a stack" "$maketiff" stack.tif uint8 48 32 1 3
ok "a mask for each page" "$maketiff" masks.tif uint8 48 32 1 3 mask
ok "a mask for all" "$maketiff" mask.tif uint8 48 32 1 1 mask
ok "two masks" "$maketiff" two.tif uint8 48 32 1 2 mask
ok "page by page" "$LACUNA" restore stack.tif -o out.tif -A mask:file=masks.tif $how --report r.json
! grep -q "are missing (black" err
tap_result $? "of masks for each page nothing is told"
ok "in detail" "$LACUNA" restore -v stack.tif -o told.tif -A mask:file=masks.tif $how
contains err "of the pixels are missing (black in the file)" "but on demand"
ok "what no mask hides stays" "$LACUNA" compare --max-nrmse 0 --mask masks.tif stack.tif out.tif
contains out "page 2: PSNR inf dB" "on each page"
fails 1 "what one hides changes" "$LACUNA" compare --max-nrmse 0 stack.tif out.tif
contains out "page 3: PSNR inf dB" "a page without a hole stays"
matches out "page 2: PSNR [0-9]" "the hole of page 2"
ok "one mask for all" "$LACUNA" restore stack.tif -o one.tif -A mask:file=mask.tif $how
"$LACUNA" compare stack.tif one.tif >out
matches out "page 3: PSNR [0-9]" "hides it on every page"
fails 1 "two masks for three pages" "$LACUNA" restore stack.tif -o no.tif -A mask:file=two.tif $how
contains err "two.tif: has 2 pages, and the picture has 3" "both figures are named"
one_line "two masks"
fails 1 "likewise in simulate" "$LACUNA" simulate stack.tif -o no.tif -A mask:file=two.tif
ok "simulate" "$LACUNA" simulate stack.tif -o black.tif -A mask:file=masks.tif -t uint8
ok "hides likewise" "$LACUNA" compare --max-nrmse 0 --mask masks.tif stack.tif black.tif
contains out "36 missing values left out" "the size of the square"

# White strokes on a transparent layer say no less than black ones.
ok "white on a transparent layer" "$maketiff" layer.tif uint8 48 32 2 1 layer
ok "as a mask" "$LACUNA" restore stack.tif -o layered.tif -A mask:file=layer.tif $how
contains err "layer.tif: its colours are all white; what is painted on its transparent layer counts as black" "a word"
ok "is the same mask" cmp one.tif layered.tif

# Values that stand for missing pixels: simulate writes 0 where the mask is black.
ok "a value" "$LACUNA" restore black.tif -o value.tif -A mask:value=0 $how
contains err "page 1: 2.34 % of the pixels have the value 0 and count as missing" "its share is said"
ok "is as good as a mask" "$LACUNA" compare --max-nrmse 0 --mask masks.tif stack.tif value.tif
fails 1 "and is filled" "$LACUNA" compare --max-nrmse 0 black.tif value.tif
ok "a value that is not there" "$LACUNA" restore mask.tif -q -o none.tif -A mask:value=9 $how
contains err "0 % of the pixels have the value 9" "is said with -q"
fails 2 "a value that is none" "$LACUNA" restore black.tif -o no.tif -A mask:value=black $how
two_lines restore "a value that is none"
fails 2 "a value before a blur" "$LACUNA" restore black.tif -o no.tif -A mask:value=0 -A blur:sigma=1 $how
contains err "give this operator after blur" "the remedy is said"
fails 2 "a value in simulate" "$LACUNA" simulate stack.tif -o no.tif -A mask:value=0

# Kernels have the pixel size of the picture.
ok "a picture" "$maketiff" photo.tif float32 64 48 1 1
for n in 10 12 20; do
	"$maketiff" kernel-$n.tif uint8 9 9 1 1 mask
	"$maketiff" --describe kernel-$n.tif "ImageJ=1.53t
unit=um" $n
done
"$maketiff" --describe photo.tif "ImageJ=1.53t
unit=um" 10
blur="-p gaussian -n 0.01 --steps 2 -q -f"
ok "a kernel of the same pixels" "$LACUNA" restore photo.tif -o sharp.tif -A blur:psf=kernel-10.tif,background=keep $blur
! grep -q "a pixel of the kernel" err
tap_result $? "is taken in silence"
ok "of others" "$LACUNA" restore photo.tif -o sharp.tif -A blur:psf=kernel-12.tif,background=keep $blur
contains err "a pixel of the kernel is 83.33 nm, but a pixel of photo.tif is 0.1 um; scale the kernel by 0.8333" "is a warning with both sizes"
# A symmetric kernel of even size has its middle between pixels; asked for, that is no news.
for n in 1 4 6 4 1; do echo "$n $((4 * n)) $((6 * n)) $((4 * n)) $n"; done >odd.txt
for n in 1 5 10 10 5 1; do echo "$n $((5 * n)) $((10 * n)) $((10 * n)) $((5 * n)) $n"; done >even.txt
blur="-p gaussian -n 0.01 --steps 2 -f"
ok "an even kernel" "$LACUNA" restore photo.tif -o sharp.tif -A blur:psf=even.txt $blur
contains err "the middle of the kernel lies between pixels, at column 2.50, row 2.50; it is interpolated there" "is moved by half a pixel"
for spec in psf=odd.txt psf=even.txt,centre=middle; do
	ok "$spec" "$LACUNA" restore photo.tif -o sharp.tif -A blur:$spec $blur
	! grep -q "between pixels" err
	tap_result $? "$spec: nothing to say"
done
blur="-p gaussian -n 0.01 --steps 2 -q -f"
fails 1 "of pixels half as large" "$LACUNA" restore photo.tif -o no.tif -A blur:psf=kernel-20.tif,background=keep $blur
contains err "scale the kernel by 0.5" "is refused with the remedy"
one_line "a kernel of other pixels"
ok "but not for a finer result" "$LACUNA" restore photo.tif -o fine.tif -A downsample:factor=2,psf=kernel-20.tif $blur
ok "nor for one of the picture's own pixels" "$LACUNA" restore photo.tif -o fine.tif -A downsample:factor=2,psf=kernel-10.tif $blur
! grep -q "a pixel of the kernel" err
tap_result $? "of which nothing is said"
for pixels in "10 20" "20 10"; do
	"$maketiff" --describe kernel-20.tif "ImageJ=1.53t
unit=um" $pixels
	fails 1 "of half as large pixels along one side, $pixels" "$LACUNA" restore photo.tif -o no.tif -A blur:psf=kernel-20.tif,background=keep $blur
	contains err "scale the kernel by 0.5" "$pixels: that side counts"
done
"$maketiff" --describe kernel-20.tif "none" 72
ok "72 dpi is what nobody stated" "$LACUNA" restore photo.tif -o sharp.tif -A blur:psf=kernel-20.tif,background=keep $blur

# ---- dead lines of a detector

dead="-p gaussian -n 0.01 --steps 2 -f"
for n in 1 3; do
	"$maketiff" dead.tif uint16 48 60 $n 1 dead
	ok "dead lines, $n channels" "$LACUNA" restore dead.tif -o d.tif -A blur:sigma=1 $dead
	contains err "columns 12+20-21 hold one value; if they are dead, -A mask:columns=12+20-21" "$n: columns are named"
	contains err "rows 30 hold one value" "$n: and rows"
done
ok "with the mask" "$LACUNA" restore dead.tif -o d.tif -A blur:sigma=1 -A mask:columns=12+20-21,rows=30 $dead
! grep -q "hold one value" err
tap_result $? "that is said"
for how in same mask edge; do
	"$maketiff" alive.tif uint16 48 40 1 1 $how
	ok "no dead lines" "$LACUNA" restore alive.tif -o d.tif -A blur:sigma=1 $dead
	! grep -q "hold one value" err
	tap_result $? "$how: nothing to say"
done

# silent FILE NAME: nothing is said of dead lines
silent() {
	ok "$2" "$LACUNA" restore $1 -o d.tif -A blur:sigma=1 $dead --range full
	! grep -q "hold one value" err
	tap_result $? "$2: nothing to say"
}
"$maketiff" lines.tif float32 48 60 1 1 dead
"$maketiff" --declare lines.tif 0
ok "columns that are missing" "$LACUNA" restore lines.tif -o d.tif -A blur:sigma=1 $dead
! grep -q "columns .* hold one value" err
tap_result $? "are not dead"
"$maketiff" lines.tif uint16 48 30 1 1 dead
silent lines.tif "short lines"
"$maketiff" alive.tif uint16 96 40 1 1
ok "three columns" "$LACUNA" simulate alive.tif -o lines.tif -A mask:columns=10-12 -f
ok "side by side" "$LACUNA" restore lines.tif -o d.tif -A blur:sigma=1 $dead
contains err "columns 10-12 hold one value" "may be dead"
for columns in 10-13 `seq -s + 3 4 83`; do
	"$LACUNA" simulate alive.tif -o lines.tif -A mask:columns=$columns -f 2>err
	silent lines.tif "columns $columns"
done

# In windows, and in a part of a picture, they have the same numbers.
"$maketiff" dead.tif uint16 640 520 1 1 dead
ok "dead lines in windows" "$LACUNA" restore dead.tif -o d.tif -A identity $dead --memory 44M
matches err "restored in [0-9]* windows" "several"
contains err "columns 12+20-21+140 hold one value" "columns are named"
contains err "rows 30 hold one value" "and rows"
! grep -q "sharper edges" err
tap_result $? "which is all that is said of them"
ok "in a part" "$LACUNA" restore dead.tif -o d.tif -A identity $dead --crop 130,200,150,100
contains err "columns 140 hold one value" "its number in the whole picture"

# ---- a mosaic of colours

"$maketiff" colours.tif uint8 48 40 3 1
ok "the raw picture of a camera" "$LACUNA" simulate colours.tif -o raw.tif -A bayer:red=2,blue=1.6 -t uint8
ok "as if it were gray" "$LACUNA" restore raw.tif -o d.tif -A identity $dead
contains err "-A bayer restores its colours" "is told of"
ok "as what it is" "$LACUNA" restore raw.tif -o d.tif -A bayer:red=2,blue=1.6 $dead
! grep -q "every second pixel" err
tap_result $? "is not"
"$maketiff" gray.tif uint8 48 40 1 1
ok "every second column" "$LACUNA" simulate gray.tif -o second.tif -A mask:columns=`seq -s + 0 2 47` -t uint8
ok "is restored" "$LACUNA" restore second.tif -o d.tif -A identity $dead
! grep -q "every second pixel" err
tap_result $? "and no mosaic"
ok "a gray one with noise" "$LACUNA" simulate gray.tif -o grainy.tif -A identity -n 0.1
ok "is restored" "$LACUNA" restore grainy.tif -o d.tif -A identity $dead
! grep -q "every second pixel" err
tap_result $? "without a word"

# ---- channels on scales of their own

"$maketiff" bands.tif uint16 48 40 3 1 bands
ok "a weak channel" "$LACUNA" restore bands.tif -o d.tif -A blur:sigma=1 $dead
matches err "channel 2 has only 2 % of the contrast of channel [13], but all are restored on one scale" "is told of"
ok "grain on all" "$LACUNA" simulate bands.tif -o grain.tif -A identity -n 0.02
ok "is restored" "$LACUNA" restore grain.tif -o d.tif -A blur:sigma=1 $dead
! grep -q "on one scale" err
tap_result $? "as on one scale"
ok "channels alike" "$LACUNA" restore colours.tif -o d.tif -A identity $dead
! grep -q "on one scale" err
tap_result $? "are not"

"$maketiff" equal.tif uint16 48 40 3 1 equal
ok "gray saved as colour" "$LACUNA" restore equal.tif -o d.tif -A identity $dead
contains err "page 1: its channels are all alike; converted to gray" "is told of"
ok "colour" "$LACUNA" restore colours.tif -o d.tif -A identity $dead
! grep -q "all alike" err
tap_result $? "is not"

# ---- areas that are no scene

for n in 1 3; do
	"$maketiff" frame.tif uint8 120 100 $n 1 frame
	for how in "" "--crop 0,0,120,100"; do
		ok "$n channels, a black bar $how" "$LACUNA" restore frame.tif -o d.tif -A blur:sigma=1 $dead $how
		contains err "page 1: 20 % of the pixels hold the value 0, in areas with sharper edges than the scene" "is told of"
		contains err "-A mask:value=0 after the other operators leaves them out" "with a remedy"
	done
done
"$maketiff" tint.tif uint8 120 100 3 1 tint
ok "a bar in a colour" "$LACUNA" restore tint.tif -o d.tif -A blur:sigma=1 $dead
contains err "-A mask:file=MASK.tif after the other operators leaves them out" "has another remedy"
"$maketiff" redless.tif uint8 120 100 3 1 redless
ok "a bar in one channel" "$LACUNA" restore redless.tif -o d.tif -A blur:sigma=1 $dead
! grep -q "sharper edges" err
tap_result $? "is the scene's"
"$maketiff" wave.tif uint8 300 400 1 1 frame
ok "a small square" "$LACUNA" simulate wave.tif -o spot.tif -A mask:boxes=1,size=10 -t uint8
ok "above a bar" "$LACUNA" restore spot.tif -o d.tif -A blur:sigma=1 $dead --crop 0,0,300,250
! grep -q "sharper edges" err
tap_result $? "is too small"
"$maketiff" high.tif uint8 120 300 1 1 frame
ok "a bar in a part" "$LACUNA" restore high.tif -o d.tif -A blur:sigma=1 $dead --crop 0,200,120,100
matches err "page 1: [34][0-9] % of the pixels hold the value 0" "takes more of it"
ok "with the remedy" "$LACUNA" restore frame.tif -o d.tif -A blur:sigma=1 -A mask:value=0 $dead
! grep -q "sharper edges" err
tap_result $? "nothing is left to say"
ok "where no operator mixes pixels" "$LACUNA" restore frame.tif -o d.tif -A identity $dead
! grep -q "sharper edges" err
tap_result $? "it does no harm"
ok "a scene with a black bar" "$LACUNA" simulate frame.tif -o bar.tif -A blur:sigma=2 -t uint8 -f
ok "that was blurred" "$LACUNA" restore bar.tif -o d.tif -A blur:sigma=2 $dead
! grep -q "sharper edges" err
tap_result $? "is a scene"

# ---- a mask that is turned against the picture

"$maketiff" turned.tif uint8 48 40 1 1
"$maketiff" holes.tif uint8 48 40 1 1 mask
"$maketiff" --turn turned.tif 3
mask="-A mask:file=holes.tif -n 0 -p gaussian -f"
ok "a mask that is upright" "$LACUNA" restore turned.tif -o t.tif $mask
contains err "warning: holes.tif: has orientation 1, but turned.tif has 3" "on a picture that is not"
ok "simulate" "$LACUNA" simulate turned.tif -o t.tif -A mask:file=holes.tif -f
contains err "holes.tif: has orientation 1, but turned.tif has 3" "says so, too"
"$maketiff" --turn holes.tif 3
ok "turned alike" "$LACUNA" restore turned.tif -o t.tif $mask
! grep -q orientation err
tap_result $? "they need no word"
done_testing
