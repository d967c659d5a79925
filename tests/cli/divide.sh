# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Pictures that a batch divides: if a picture exceeds the memory limit, each of its windows is a unit of work.  The result
# has the same bits as restore's in the same windows, whatever the interruptions and the distribution of windows.
. "$abs_top_srcdir/tests/cli/common.sh"

how="-A identity -p gaussian -m fast -n 0.02"

same_bits() {
	same_text single-a.tif "$1/a.tif" "$2"
}

mkdir in
"$maketiff" in/a.tif uint8 800 500 1 1
"$maketiff" in/b.tif uint16 810 490 1 2
"$maketiff" in/small.tif uint8 40 30 1 1
for f in a b; do
	ok "$f.tif, undivided" "$LACUNA" restore in/$f.tif -o single-$f.tif $how --memory 52M
	contains err "in 12 windows" "in windows"
done

# The part given by --crop stays in its place in windows, too.
part="restore in/a.tif $how --crop 60,20,700,470"
ok "a part" "$LACUNA" $part -o part.tif
ok "in windows" "$LACUNA" $part -o windows.tif --memory 52M
matches err "in [0-9]* windows" "which is said"
ok "the same part" "$LACUNA" compare --max-nrmse 0.01 part.tif windows.tif

# The deviation, too.  Windows of a batch are files in between.
mkdir one
"$maketiff" one/c.tif uint8 400 300 1 1
sure="-A identity -m fast -n 0.05"
for m in 72M 8G; do
	ok "--std with $m" "$LACUNA" restore one/c.tif -o c-$m.tif --std std-$m.tif $sure --memory $m
	test $m = 8G || matches err "in [0-9]* windows" "in windows"
done
ok "is that of the whole picture" "$LACUNA" compare --max-nrmse 0.1 std-8G.tif std-72M.tif
ok "of a part" "$LACUNA" restore one/c.tif -o part-c.tif --std std-part.tif $sure --crop 48,32,300,250
ok "of a part in windows" "$LACUNA" restore one/c.tif -o part-c.tif --std std-windows.tif -f $sure \
	--crop 48,32,300,250 --memory 68M
ok "likewise" "$LACUNA" compare --max-nrmse 0.1 std-part.tif std-windows.tif
ok "of a batch" "$LACUNA" batch one certain $sure --memory 72M --std --json
contains out '"event":"divided","path":"c.tif"' "in windows"
ok "to the bit" cmp std-72M.tif certain/c.std.tif
ok "as is the picture" cmp c-72M.tif certain/c.tif

ok "divided" "$LACUNA" batch in whole $how -j2 --memory 104M --json
contains out '"event":"divided","path":"b.tif","windows":24' "which is said"
same_bits whole "the same bits"
ok "in both pages" cmp single-b.tif whole/b.tif
ok "nothing is left of the parts" test ! -e whole/.lacuna/parts -a -z "`ls whole/.lacuna/claims`"
ok "once more" "$LACUNA" batch in whole $how -j2 --memory 104M --json
contains out '"done":0,"before":3,"failed":0' "there is nothing to do"
rm in/b.tif

# A doubt about the whole picture is one, though each window has it.
mkdir doubtful
ok "a noisy picture" "$LACUNA" simulate in/a.tif -o doubtful/a.tif -A identity -n 0.06
ok "its noise is stated wrongly" "$LACUNA" batch doubtful doubted $how --memory 52M -v --json
contains out '"event":"divided","path":"a.tif"' "in windows"
test "`grep -c 'warning.*is stated as' err`" -eq 1
tap_result $? "one warning"
contains out '"doubts":1,' "one doubt"

rm doubtful/a.tif
ok "two noisy pages" "$maketiff" --append doubtful/b.tif uint8 800 500 1 2
ok "with noise" "$LACUNA" simulate doubtful/b.tif -o doubtful/c.tif -A identity -n 0.06
rm doubtful/b.tif
ok "their noise is stated wrongly" "$LACUNA" batch doubtful doubted2 $how --memory 52M -v --json
contains out '"doubts":2,' "one doubt for each page"

# Noise that is not white is estimated once, and each window knows all of it.
mkdir grain
ok "correlated noise" "$LACUNA" simulate -q in/a.tif -o grain.tif -A identity -n 0.08
ok "and a soft scene" "$LACUNA" simulate -q grain.tif -o grain/a.tif -A blur:sigma=0.8 -n 0
ok "a batch of it" "$LACUNA" batch grain grain-out -A identity -p gaussian -m fast --memory 52M --json
contains out '"event":"divided","path":"a.tif"' "in windows"
ok "a picture of it" "$LACUNA" restore grain/a.tif -o grain-r.tif -A identity -p gaussian -m fast --memory 52M --report grain.json
contains grain.json "correlated" "that is known"
ok "the same bits" cmp grain-r.tif grain-out/a.tif

# Killed when some windows are done; then one of these is damaged and one truncated.  The run is stopped while the script
# counts windows, so that it cannot finish before the kill.
run_killed() {
	setsid "$LACUNA" batch in killed $how -j2 --memory 104M -q --no-html >/dev/null 2>&1 &
	pid=$!
	until test -e killed/a.tif; do
		kill -s STOP -- -$pid
		test `find killed -name '[0-9]*.part' | wc -l` -lt $1 || break
		kill -s CONT -- -$pid
		sleep 0.02
	done 2>/dev/null
	kill -s KILL -- -$pid
	wait $pid 2>/dev/null
}
run_killed 4
parts=`find killed -name '[0-9]*.part' | sort`
ok "killed after four windows" test `echo "$parts" | wc -l` -ge 4
set -- $parts
printf x | dd of="$1" bs=1 seek=2000 conv=notrunc 2>/dev/null
head -c 5000 "$2" >torn && cp torn "$2"
stamp=`ls -i "$3"`
run_killed 9
ok "it goes on with what is there" test "$stamp" = "`ls -i "$3" 2>/dev/null`"
ok "to the end" "$LACUNA" batch in killed $how -j2 --memory 104M -q --no-html
same_bits killed "the same bits, in spite of damage"
ok "nothing is left" test ! -e killed/.lacuna/parts -a -z "`find killed -name '*.tmp'`"

# Begun with little memory and finished with more: the windows stay as at the beginning.
run_killed 3 && rm -f killed/a.tif killed/b.tif
rm -rf killed && run_killed 3
ok "more memory" "$LACUNA" batch in killed $how -j2 --memory 107M -q --no-html
same_bits killed "the same bits"

# Begun with this memory and finished with less: its windows would be too large.
rm -rf killed && run_killed 3
ok "less memory in one go" "$LACUNA" restore in/a.tif -o less-a.tif $how --memory 46M
contains err "in 24 windows" "in more windows"
ok "less memory" "$LACUNA" batch in killed $how -j2 --memory 92M -q --no-html
same_text less-a.tif killed/a.tif "the windows are those of less memory"

# Begun without --std: windows that are there know no deviation.
rm -rf killed && run_killed 3
ok "in one go" "$LACUNA" restore in/a.tif -o sure-a.tif --std sure-a.std.tif $how --memory 72M
ok "finished with --std" "$LACUNA" batch in killed $how -j2 --memory 144M -q --no-html --std
ok "the deviation is that of all windows" cmp sure-a.std.tif killed/a.std.tif
same_bits killed "and the picture the same"

# An input that changes between two windows gives no mixed result.
rm -rf killed && run_killed 3
"$maketiff" in/a.tif uint8 800 500 1 1 same && "$maketiff" in/a.tif uint8 800 500 1 1 rising
ok "another input" "$LACUNA" batch in killed $how -j2 --memory 104M -q --no-html
ok "is restored anew" "$LACUNA" restore in/a.tif -o other.tif $how --memory 52M
ok "with none of the old windows" cmp other.tif killed/a.tif
"$maketiff" in/a.tif uint8 800 500 1 1

# Two runs, one picture: both work on it.
mkdir one-in && cp in/a.tif one-in/
for i in 1 2; do
	"$LACUNA" batch one-in shared $how -j1 --memory 52M --no-html --json >shared-$i 2>/dev/null &
done
wait
ok "two runs share the windows" cmp single-a.tif shared/a.tif
ok "one puts them together" test `cat shared/.lacuna/journal-*.jsonl | grep -c '"state":"done"'` -eq 1
ok "and nothing is left" test ! -e shared/.lacuna/parts -a -z "`ls shared/.lacuna/claims`"
done_testing
