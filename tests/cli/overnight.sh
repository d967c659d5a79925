# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# A batch that nobody watches: what it leaves out, what it replaces, and what two runs do to each other must be in the summary
# and in the exit status.
. "$abs_top_srcdir/tests/cli/batch-common.sh"

# counts RESTORED BEFORE FAILED LEFT_OUT NAME: checks the counts of the last event
counts() {
	last_event "\"done\":$1,\"before\":$2,\"failed\":$3,.*\"left_out\":$4}" "$5"
}

mkdir in
for i in 1 2 3; do
	make in/$i.tif 2$i
done

# ---- what cannot be looked at

mkdir links
cp in/1.tif links/1.tif
ln -s nowhere links/2.tif
ln -s nowhere links/directory
fails 1 "a link to nothing, with a picture's name" batch links links-out $how --json
counts 1 0 0 1 "is counted"
contains err "links/2.tif: No such file or directory; left out" "and named"
contains err "1 could not be looked at" "in the summary too"
rm links/2.tif
ok "with another name" batch links links-out $how --json
counts 0 1 0 0 "it is no picture"
fails 1 "but may be a directory to follow" batch links links-out $how --json --follow
counts 0 1 0 1 "which is counted"
if test "`id -u`" -ne 0; then
	mkdir -p closed/below
	cp in/1.tif closed
	cp in/2.tif closed/below
	chmod 0 closed/below
	fails 1 "a directory that cannot be read" batch closed closed-out $how --json
	counts 1 0 0 1 "is counted"
	chmod 755 closed/below
else
	skip "root reads everything" "a directory that cannot be read"
fi

# ---- names

printf 'in/1.tif\nin/2.tif\n./in/1.tif\nin/1.tif\n' >list
ok "a list with repeated names" batch --list list -o listed $how --json
counts 2 0 0 0 "restores each file once"
contains err "2 repeated names of files were left out" "and says so"
mkdir escapes
name=`printf 'a\033[31m.tif'`
echo text >"escapes/$name"
cp in/1.tif "escapes/b$name"
fails 1 "names with control characters" batch escapes escapes-out $how -v
! grep -q "`printf '\033'`" err
tap_result $? "do not reach the terminal"
contains err 'escapes/a?[31m.tif: Cannot read' "but are recognised, once in a line"

# ---- masks and kernels beside the pictures

mkdir beside
cp in/1.tif beside/1.tif
"$maketiff" beside/1-mask.tif uint8 21 24 1 1 mask
printf '0.25 0.5 0.25\n' >beside/psf.txt
"$maketiff" beside/noise.tif float32 21 24 1 1
echo 'operator = mask:file={stem}-mask.tif' >beside/lacuna.conf
ok "a mask and a map of noise beside the picture" batch beside beside-out -A identity -p gaussian -n beside/noise.tif --json
counts 1 0 0 0 "are no pictures"
contains err "2 files are masks, kernels or noise of others; they are not restored" "which is said"
ok "nor among the results" test ! -e beside-out/1-mask.tif -a ! -e beside-out/noise.tif

# ---- options for pictures that are not there

printf '\357\273\277file\tnoise\n1.tif\t0.03\n4.tif\t0.05\n5.tif\t0.06\n' >table.tsv
ok "a table, with a mark of UTF-8" batch in table-out $how --table table.tsv --dry-run
contains out "noise=0.03" "is used"
contains err "table.tsv: line 3: no picture is called 4.tif; 1 more" "rows that match nothing are told"
mkdir sections
cp in/1.tif sections
printf '\357\273\277noise = 0.03\n[2*]\nnoise = 0.05\noperator = identity\n[1*]\nseed = 3\n' >sections/lacuna.conf
ok "sections" batch sections sections-out $how --dry-run
matches err 'warning: sections/lacuna.conf: line 3: no picture is called 2\*$' "that match nothing, too"
ok "once" test "`grep -c warning err`" -eq 1

# ---- which row, which part, which options

mkdir -p twice/below
cp in/1.tif twice
cp in/2.tif twice/below/1.tif
printf 'file\tnoise\nbelow/1.tif\t0.03\n1.tif\t0.05\n' >table.tsv
ok "a row for a name and one for a path" batch twice twice-out $how --table table.tsv --dry-run
sed -n '/below/,$p' out | grep '^noise\|  noise' | tail -n 1 >last
ok "the path's holds" grep -q 'noise=0.03' last
ok "a part of a batch" batch in third-out $how --shard 1/3 --json
! grep -q " left" err
tap_result $? "leaves nothing over"
contains out '"event":"begin","images":1,' "and counts its own pictures"
ok "a plan of a part" batch in third-out $how --shard 2/3 --dry-run
ok "shows that part" test "`wc -l <out`" -eq 1
ok "masks that fall to another part" batch beside other-out -A identity -p gaussian -n beside/noise.tif --shard 2/2 --json
contains out '"event":"begin","images":1,' "are no pictures there, either"
draw="-A identity -p gaussian -n 0.02 -s ddpm -g exact --steps 2"
"$maketiff" noise.tif float32 21 24 1 1
mkdir keys && cp in/1.tif keys
ok "a sample" batch keys keys-out $draw --json
for more in "--seed 5" "--seed 5 --keep-missing" "--seed 5 --fill"; do
	ok "$more" batch keys keys-out $draw $more --json
	counts 1 0 0 0 "restores it again"
done
mapped="-A identity -p gaussian -n noise.tif"
ok "a map of noise" batch keys keys-out $mapped --json
ok "again" batch keys keys-out $mapped --json
counts 0 1 0 0 "is done"
"$maketiff" noise.tif float32 21 24 1 1 rising
ok "another map of the same name" batch keys keys-out $mapped --json
counts 1 0 0 0 "is not done"
mkdir plain && "$maketiff" plain/1.tif uint8 21 24 1 1 constant
ok "a picture with a warning" batch plain plain-out -A identity -p gaussian
contains plain-out/batch.html "all its values are equal" "has it in the sheet"

# ---- results that somebody has changed

ok "a batch" batch in results $how --json
cp results/1.tif mine.tif
printf 'retouched' >>mine.tif
cp mine.tif results/1.tif
ok "a retouched result" batch in results $how --json
counts 1 2 0 0 "is made again"
same_text mine.tif results/1.changed-1.tif "and kept under another name"
contains err "results/1.tif: was changed since a batch wrote it; now called results/1.changed-1.tif" "which is said"
cp mine.tif results/1.tif
ok "other options" batch in results -A identity -p gaussian -n 0.04 --json
same_text mine.tif results/1.changed-2.tif "do not replace it either"
ok "what nobody has changed is replaced" test ! -e results/2.changed-1.tif

# ---- two runs with different options

slow="-p gaussian -g prox -s ddpm --steps 20000 -j1"
batch in both -A identity -n 0.02 $slow -q >/dev/null 2>first.err &
pid=$!
i=0
while test ! -e both/1.tif -a $i -lt 1200; do
	sleep 0.1 2>/dev/null || sleep 1
	i=`expr $i + 1`
done
fails 1 "another run with other options" batch in both -A identity -n 0.05 $slow --json
contains err "another run has restored it with other options" "does not replace what the first has made"
wait $pid
n=`cat first.err err | grep -c "with other options"`
ok "each picture is refused to one of them" test "$n" -eq 3
ok "afterwards it may" batch in both -A identity -n 0.05 $slow --json
tail -n 1 out >last
ok "do all of them" grep -q '"failed":0,' last

# ---- a clock that was set back

cat >later.c <<'C'
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *t)
{
	const int status = (int)syscall(SYS_clock_gettime, clock, t);

	if (clock == CLOCK_REALTIME)
		t->tv_sec += 100000;
	return status;
}
C
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export ASAN_OPTIONS
if $CC -shared -fPIC later.c -o later.so 2>/dev/null && env LD_PRELOAD="$tap_dir/later.so" "$LACUNA" --version >/dev/null 2>&1; then
	ok "a run in the future" env LD_PRELOAD="$tap_dir/later.so" "$LACUNA" batch in clock $how
	ok "other options, at the right time" batch in clock -A identity -p gaussian -n 0.05 --json
	counts 3 0 0 0 "restore all"
	ok "once more" batch in clock -A identity -p gaussian -n 0.05 --json
	counts 0 3 0 0 "what was done last counts"
else
	skip "libraries cannot be preloaded here" "a clock that was set back"
fi
done_testing
