#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# A blur that is known roughly: restore finds its width from the picture.
. "$abs_top_srcdir/tests/cli/common.sh"
gaussian="-p gaussian"

ok "a piece of a photograph" "$maketiff" --crop "$abs_top_srcdir/data/samples/colosseum.tif" x.tif 220 120 160
ok "blurred" "$LACUNA" simulate x.tif -o y.tif -A blur:sigma=2 -n 0.01 --range 0:1

# psnr FIGURE FILE: sets a shell variable
psnr() {
	"$LACUNA" compare --center --range 0:1 x.tif "$2" >figures
	eval $1=`awk 'NR == 1 { print $2 }' figures`
}

# better GREATER LESS NAME: by half a decibel
better() {
	eval "greater=\$$1 less=\$$2"
	awk "BEGIN { exit !($greater > $less + 0.5) }"
	tap_result $? "$3 ($greater, $less)"
}

for told in 1.5 3; do
	ok "told $told" "$LACUNA" restore y.tif -o wrong.tif -f -A blur:sigma=$told $gaussian --range 0:1
	psnr wrong wrong.tif
	ok "told $told, fitted" "$LACUNA" restore y.tif -o fitted-$told.tif -f -A blur:sigma=$told,fit=yes $gaussian \
		--range 0:1 --report r-$told.json
	contains err "blur: sigma $told -> " "both values are printed"
	psnr fitted fitted-$told.tif
	better fitted wrong "a picture is better with the blur that it tells"
done
awk -F'[:,]' '/"fitted"/ { inside = 1 } inside && /"told"/ { told = $2 } inside && /"found"/ { found = $2; exit }
	END { exit !(told == 1.5 && found > 1.7 && found < 2.3) }' r-1.5.json
tap_result $? "the report has both values"

# Other pages, other files, windows.
few="$gaussian --steps 3"
ok "twice the same picture" cp y.tif z.tif
ok "another blur" "$LACUNA" simulate x.tif -o z.tif -f -A blur:sigma=1.2 -n 0.01 --range 0:1
mkdir in
mv y.tif in/a.tif
mv z.tif in/b.tif
ok "a batch" "$LACUNA" batch in done -A blur:sigma=1.6,fit=yes $few --range 0:1 -j 1
ok "a alone" "$LACUNA" restore in/a.tif -o a.tif -A blur:sigma=1.6,fit=yes $few --range 0:1
told=`sed -n 's/.*blur: sigma 1.6 -> //p' err`
ok "b alone" "$LACUNA" restore in/b.tif -o b.tif -A blur:sigma=1.6,fit=yes $few --range 0:1
same_files done . "each file of a batch has its own blur" <<END
a.tif
b.tif
END
ok "a part" "$LACUNA" restore in/a.tif -o part.tif -A blur:sigma=1.6,fit=yes $few --range 0:1 --crop 40,40,64,64
contains err "blur: sigma 1.6 -> $told" "with the blur that the whole picture tells"

# What fit() gets: the middle of a page, in parts of full scale, NaN where a value is missing.  This one finds the mean.
cat >mean.c <<END
#include <lacuna/fit.h>
#define NAME "mean"
#define OPTIONAL .extension = extension,
static lacuna_extension extension;
#include "good.h"
static int is_free(const void *config, const char *parameter)
{
	(void)config;
	return !strcmp(parameter, "strength");
}
static int fit(const void *self, const float *x, const float *y, double noise, void *config)
{
	const struct half *h = self;
	double sum = 0, n = 0;
	for (size_t i = 0; i < h->count; i++)
		if (y[i] == y[i])
			sum += y[i], n++;
	((struct config *)config)->strength = sum / n;
	(void)x, (void)noise;
	return LACUNA_OK;
}
static const void *extension(const char *name)
{
	static const struct lacuna_operator_fit fitting = { is_free, fit };
	return strcmp(name, LACUNA_FIT) ? NULL : &fitting;
}
END
$CC -shared -fPIC -I"$abs_top_srcdir/include" -I"$abs_top_srcdir/tests/plugins/broken" mean.c -o mean.so || exit 99

# mean OUT FILE: what it finds
mean() {
	ok "$2" "$LACUNA" restore -q $2 -o m.tif -f -A ./mean.so -p gaussian:mean=0.5,amplitude=0.2 -n 0.1 --report mean.json
	awk -F'[:,]' '/"fitted"/ { inside = 1 } inside && /"found"/ { print $2; exit }' mean.json >$1
	test -s $1 || echo none of $2 >$1
}

"$maketiff" page.tif uint16 48 40 1 1
"$maketiff" float.tif float32 48 40 1 1
mean of-16 page.tif
mean of-float float.tif
echo `cat of-16 of-float` >both
figures both '$1 - $2 < 1e-5 && $2 - $1 < 1e-5 && $1 > 0.3' "integers are parts of full scale, as floats are"
"$maketiff" lump.tif float32 48 40 1 1 lump
"$maketiff" nan.tif float32 48 40 1 1 nan
"$maketiff" --declare lump.tif -9999
mean of-lump lump.tif
mean of-nan nan.tif
same_text of-lump of-nan "nodata is NaN"
"$maketiff" wide.tif float32 1100 20 1 1
ok "the ends of a wide page in black" "$LACUNA" simulate -q wide.tif -o ends.tif -A mask:columns=0-37+1062-1099 -n 0 --range 0:1
ok "a column more" "$LACUNA" simulate -q wide.tif -o more.tif -A mask:columns=38 -n 0 --range 0:1
mean of-wide wide.tif
mean of-ends ends.tif
mean of-more more.tif
same_text of-wide of-ends "the middle 1024 columns are what is fitted"
! cmp -s of-wide of-more
tap_result $? "and all of them"

# Refusals
fails 2 "not the last" "$LACUNA" restore in/a.tif -o n.tif -A blur:fit=yes -A identity $gaussian
contains err "as the last one" "a blur must be the last operator"
fails 2 "a psf" "$LACUNA" restore in/a.tif -o n.tif -A blur:psf=x.tif,fit=yes $gaussian
ok "a small picture" "$maketiff" --crop in/a.tif small.tif 10 10 40
fails 3 "a small picture, strictly" "$LACUNA" restore small.tif -o n.tif -A blur:fit=yes $gaussian --strict
contains err "nothing was fitted" "a warning says that the blur is as told"
mkdir alone
mv small.tif alone
ok "a small picture in a batch" "$LACUNA" batch alone alone-done -A blur:fit=yes $gaussian -j 1 --json
cp out events
test "`grep -o 'nothing was fitted' events | wc -l`" -eq 1
tap_result $? "each file is fitted once, and says so once"
fails 3 "a quarter of the blur was told, strictly" "$LACUNA" restore in/a.tif -o n.tif -f -A blur:sigma=0.5,fit=yes $gaussian --strict
contains err "at an end of the range, 0.25 to 1 px" "a warning names the range"
done_testing
