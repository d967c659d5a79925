# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# A batch of 60 pictures, some of them damaged, is killed at random moments and meets a full disk; the final result is the
# same as without these.  Long: only with LACUNA_LONG.  KILLS is the number of kills [200].
. "$abs_top_srcdir/tests/cli/common.sh"
if test -z "$LACUNA_LONG"; then
	skip "long; LACUNA_LONG=1 runs it" "disasters"
	done_testing
	exit
fi

how="-A identity -p gaussian -n 0.02 --no-html"
mkdir -p in/a/b
for i in `seq 10 62`; do
	"$maketiff" in/`test $((i % 3)) -eq 0 && echo a/b/`$i.tif uint8 $i 40 1 1 || exit 99
done
: >in/empty.tif
head -c 1 in/10.tif >in/one.tif
head -c 200 in/10.tif >in/cut.tif
echo "no picture" >in/text.tif
head -c 2000 /dev/urandom >in/noise.tif
# A header that declares the largest possible width and height.
printf 'II\052\000\010\000\000\000\003\000\000\001\004\000\001\000\000\000\377\377\377\177\001\001\004\000\001\000\000\000\377\377\377\177\002\001\003\000\001\000\000\000\010\000\000\000\000\000\000\000' >in/huge.tif
ln -s nowhere in/link.tif
"$LACUNA" batch in whole $how -q >/dev/null 2>&1

round=0 kills=0
while test $kills -lt "${KILLS:-200}"; do
	if test $((round % 8)) -eq 7; then
		rm -rf killed # from the beginning
	fi
	"$LACUNA" batch in killed $how >/dev/null 2>&1 &
	pid=$!
	sleep `awk "BEGIN { srand($round); print 0.02 + rand() * 0.3 }"`
	kill -9 $pid 2>/dev/null && kills=`expr $kills + 1`
	wait $pid 2>/dev/null
	round=`expr $round + 1`
done
echo "# killed $kills times in $round rounds"
sleep 0.2
fails 1 "after all that" "$LACUNA" batch in killed $how --json
contains err "6 failed" "the bad ones are named"
for f in empty one cut text noise huge; do
	contains err "in/$f.tif" "$f.tif"
done
(cd whole && find . -name '*.tif' | sort) >expected
(cd killed && find . -name '*.tif' | sort) >found
same_text expected found "every good picture is there"
same_files whole killed "with the same bits" <expected
# A process killed while it waits for the disk exists until the disk answers.
round=0
while test $round -lt 40 -a -n "`find killed -name '*.tmp'`"; do
	sleep 0.5
	"$LACUNA" batch in killed $how -q >/dev/null 2>&1
	round=`expr $round + 1`
done
ok "nothing half-written" test -z "`find killed -name '*.tmp'`" -a -z "`ls killed/.lacuna/claims`"

# ---- several runs at once: a finished picture is on the disk before another run can look for it

rm -f in/empty.tif in/one.tif in/cut.tif in/text.tif in/noise.tif in/huge.tif in/link.tif
round=0 double=
while test $round -lt 10; do
	for i in 1 2 3; do
		"$LACUNA" batch in crowd-$round $how -q -j2 >/dev/null 2>&1 &
	done
	wait
	test `cat crowd-$round/.lacuna/journal-*.jsonl | grep -c '"state":"done"'` -eq `wc -l <expected` || double="$double $round"
	round=`expr $round + 1`
done
ok "three runs, ten times: each picture once" test -z "$double"

# ---- plugins that crash, hang, exit and leak, in a run that is also killed

$CC -shared -fPIC -I"$abs_top_srcdir/include" "$abs_top_srcdir/tests/cli/trap.c" -o trap.so || exit 99
mkdir traps
for w in `seq 24 44`; do
	"$maketiff" traps/$w.tif uint8 $w 24 1 1
done
traps="-A ./trap.so -p gaussian -n 0.02 --no-html --timeout 15 --memory 300M -j2"
"$LACUNA" batch traps traps-whole $traps -q >/dev/null 2>&1
round=0
while test $round -lt 12; do
	"$LACUNA" batch traps traps-killed $traps -q >/dev/null 2>&1 &
	pid=$!
	sleep `awk "BEGIN { srand($round); print 0.05 + rand() }"`
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	round=`expr $round + 1`
done
fails 1 "traps, and kills" "$LACUNA" batch traps traps-killed $traps --json
for w in 33 34 35 36; do
	contains err "traps/$w.tif: " "$w.tif is named"
done
(cd traps-whole && ls *.tif) >others
same_files traps-whole traps-killed "the others have the same bits" <others
ok "there are 17 of them" test `wc -l <others` -eq 17

mkdir disk
if mount -t tmpfs -o size=48k tmpfs disk 2>/dev/null; then
	fails 1 "a disk that is too small" "$LACUNA" batch in disk/out $how
	contains err "No space left" "says so"
	ok "nothing half-written there" test -z "`find disk -name '*.tmp'`"
	# With other sizes the disk is full while another file is written: a picture, the journal, a claim.
	for size in 52 60 68 76 84 92 100 112 124 136; do
		mount -o remount,size=${size}k disk
		"$LACUNA" batch in disk/out $how -q >/dev/null 2>&1
	done
	mount -o remount,size=4m disk
	ok "after room was made" "$LACUNA" batch in disk/out $how -q
	same_files whole disk/out "the same bits" <expected
	umount disk
else
	skip "cannot mount" "a disk that is too small"
fi
done_testing
