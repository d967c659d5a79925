# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Ctrl-C: the run stops with status 130, the old output is kept and no temporary file is left.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "picture" "$maketiff" in.tif uint8 64 64 1 1
mkdir outputs
endless="$LACUNA restore in.tif -A identity -n 0.1 -p gaussian -g prox -s ddpm --steps 1000000 --progress"
fails 130 "interrupted" "$interrupt" once $endless -o outputs/o.tif
nothing_left outputs "interrupted"
# Slow steps, so that the second signal arrives before the first is noticed.
ok "a larger picture" "$maketiff" large.tif uint8 1000 1000 3 1
endless="$LACUNA restore large.tif -A identity -n 0.1 -p gaussian -g prox -s ddpm --steps 1000000 --progress"
fails 130 "interrupted twice" "$interrupt" always $endless -o outputs/o.tif
nothing_left outputs "interrupted twice"
endless="$LACUNA restore in.tif -A identity -n 0.1 -p gaussian -g prox -s ddpm --steps 1000000 --progress"
cp in.tif copy.tif
fails 130 "interrupted in place" "$interrupt" once $endless -o copy.tif --force
ok "interrupted with --force: the old file is kept" cmp in.tif copy.tif
done_testing
