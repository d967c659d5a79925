#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Missing values and pages: what is not restored stays as it was.

. "$abs_top_srcdir/tests/cli/common.sh"

how="-A identity -p gaussian -n 0.01 --range full"
ok "picture with nodata" "$maketiff" nodata.tif uint16 48 40 1 1 nodata
ok "restored" "$LACUNA" restore nodata.tif -o kept.tif $how
contains err "20 values are nodata" "it is said"
ok "filled" "$LACUNA" restore nodata.tif -o filled.tif $how --fill
ok "nodata stays" "$LACUNA" compare --max-nrmse 0.01 nodata.tif kept.tif
fails 1 "--fill fills it" "$LACUNA" compare --max-nrmse 0.02 nodata.tif filled.tif
ok "picture with infinities" "$maketiff" inf.tif float32 48 40 1 1 inf
ok "restored, too" "$LACUNA" restore inf.tif -o inf-r.tif $how -q
contains err "20 values are infinite" "infinities are missing, and said with -q"

done_testing
