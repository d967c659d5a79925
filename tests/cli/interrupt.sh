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
fails 143 "ended" "$interrupt" term $endless -o outputs/o.tif
nothing_left outputs "ended"
# A run that is told to ignore a signal ignores it (nohup).
sh -c "trap '' HUP; exec $LACUNA restore -q in.tif -A identity -n 0.1 -p gaussian -g prox -s ddpm --steps 1500 --progress -o outputs/o.tif" 2>said &
pid=$!
while ! grep -q "step " said && kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -HUP $pid
wait $pid
tap_result $? "a signal that is ignored"
ok "there is an output" test -f outputs/o.tif
rm outputs/o.tif
# Nobody reads what it says.
$endless -o outputs/o.tif 2>&1 | head -c 1 >unread
nothing_left outputs "a broken pipe"
done_testing
