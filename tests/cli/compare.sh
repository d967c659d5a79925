# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# compare: figures, sizes, limits.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "picture" "$maketiff" a.tif uint8 40 36 1 1
ok "same picture, 16 bits" "$maketiff" b.tif uint16 40 36 1 1
ok "larger picture" "$maketiff" large.tif uint8 44 40 1 1
ok "odd picture" "$maketiff" odd.tif uint8 41 36 1 1
ok "colour picture" "$maketiff" colour.tif uint8 40 36 3 1
ok "stack" "$maketiff" stack.tif uint8 40 36 1 2
ok "equal" "$LACUNA" compare a.tif a.tif
contains out "PSNR inf dB, SSIM 1.00000, NRMSE 0" "equal: figures"
ok "equal, JSON" "$LACUNA" compare --json a.tif a.tif
contains out '"psnr": null' "JSON has no infinity"
contains out '"nrmse": 0.0' "JSON figures"
ok "types may differ" "$LACUNA" compare --max-nrmse 0.005 a.tif b.tif
ok "known noise" "$LACUNA" simulate b.tif -o noisy.tif -A identity -n 0.1
ok "compared" "$LACUNA" compare b.tif noisy.tif
figures out '$2 > 19.5 && $2 < 20.5' "PSNR of noise 0.1 is near 20 dB"
fails 1 "limit" "$LACUNA" compare --max-nrmse 0.001 b.tif noisy.tif
fails 1 "sizes differ" "$LACUNA" compare a.tif large.tif
one_line "sizes differ"
contains err "--center" "sizes differ: remedy"
ok "--center" "$LACUNA" compare --center a.tif large.tif
fails 1 "no common middle" "$LACUNA" compare --center a.tif odd.tif
fails 1 "channels differ" "$LACUNA" compare a.tif colour.tif
contains err "numbers of channels differ" "channels differ: reason"
fails 1 "pages differ" "$LACUNA" compare a.tif stack.tif
ok "pages" "$LACUNA" compare stack.tif stack.tif
contains out "page 2: PSNR inf" "pages: each"
ok "--border" "$LACUNA" compare --border 3 b.tif noisy.tif
ok "a frame of 3 px is blank" "$LACUNA" simulate -q b.tif -o frame.tif -n 0 -A mask:columns=0-2+37-39,rows=0-2+33-35
ok "--border counts at each side" "$LACUNA" compare --border 3 --max-nrmse 0 b.tif frame.tif
fails 1 "... and not more" "$LACUNA" compare --border 2 --max-nrmse 0 b.tif frame.tif
ok "floats of another range" "$maketiff" f.tif float32 40 36 1 1
ok "a hundred times as large" "$LACUNA" simulate -q f.tif -o f100.tif -n 0 -A identity:gain=100
ok "fifty times" "$LACUNA" simulate -q f.tif -o f50.tif -n 0 -A identity:gain=50
ok "the reference's range is that of both" "$LACUNA" compare f100.tif f50.tif
figures out '$7 + 0 > 0.3' "half the light is no small difference"
# The middle of a picture, found from its own width and height.
crop="$LACUNA restore -q large.tif -A identity -p gaussian -n 0"
ok "a low part in the middle" $crop -o low.tif --crop 2,8,40,24
ok "a narrow one" $crop -o narrow.tif --crop 12,2,20,36
ok "--center: low" "$LACUNA" compare --center --max-nrmse 0 large.tif low.tif
ok "--center: narrow" "$LACUNA" compare --center --max-nrmse 0 large.tif narrow.tif
# A mask hides a pixel of all channels.
ok "a mask" "$maketiff" mask.tif uint8 40 36 1 1 mask
ok "colours with a hole" "$LACUNA" simulate -q colour.tif -o spoilt.tif -n 0 -t uint8 -A mask:file=mask.tif
fails 1 "a hole in colour" "$LACUNA" compare --max-nrmse 0 colour.tif spoilt.tif
ok "hidden in all channels" "$LACUNA" compare --max-nrmse 0 --mask mask.tif colour.tif spoilt.tif
contains out "108 missing values left out" "each of which counts"
fails 1 "a mask in colour" "$LACUNA" compare --mask colour.tif colour.tif spoilt.tif
contains err "colour.tif: is 40x36 with 3 channels" "a mask has one channel"
# A mask of shades: what the operator takes for black is hidden, no less and no more.
ok "a soft mask" "$LACUNA" simulate -q mask.tif -o soft.tif -n 0 -t uint8 -A blur:sigma=1.5,boundary=periodic
ok "what it leaves" "$LACUNA" simulate -q colour.tif -o soft-holes.tif -n 0 -t uint8 -A mask:file=soft.tif
ok "is what compare looks at" "$LACUNA" compare --max-nrmse 0 --mask soft.tif colour.tif soft-holes.tif
matches out " [1-9][0-9]* missing values left out" "its dark part is black"
ok "JSON" "$LACUNA" compare --json --mask mask.tif colour.tif spoilt.tif
contains out '"left_out": 108' "counts them, too"
# What is missing in either picture does not count.
ok "a picture with a hole" "$maketiff" nan.tif float32 40 36 1 1 nan
ok "and the same without" "$maketiff" whole.tif float32 40 36 1 1
ok "compared" "$LACUNA" compare --max-nrmse 0 nan.tif whole.tif
sed 's/.*, //' out >first
ok "the other way" "$LACUNA" compare --max-nrmse 0 whole.tif nan.tif
sed 's/.*, //' out >second
matches first "^[1-9][0-9]* missing values left out" "the hole is counted"
same_text first second "on either side"
ok "high picture" "$maketiff" high.tif uint8 40 37 1 1
fails 1 "no common middle in height" "$LACUNA" compare --center a.tif high.tif
contains err "differ by an odd number" "no common middle in height: reason"
fails 1 "--border too large" "$LACUNA" compare --border 18 b.tif noisy.tif
contains err "--border 18 leaves no pixel" "--border too large: reason"
fails 1 "--border too wide" "$LACUNA" compare --border 20 b.tif noisy.tif
contains err "--border 20 leaves no pixel" "--border too wide: reason"
# A picture of 5760 bytes, read and compared as floats.
fails 1 "little memory" "$LACUNA" compare --memory 10K a.tif a.tif
contains err "needs about 0.0 MiB of memory" "little memory: told before any work"
ok "enough" "$LACUNA" compare --memory 1M a.tif a.tif
fails 1 "missing file" "$LACUNA" compare a.tif none.tif
contains err "lacuna: none.tif: " "missing file: named"
done_testing
