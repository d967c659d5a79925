# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Whole directories: which files are restored, with which options, failures, and continuing an interrupted run.
. "$abs_top_srcdir/tests/cli/batch-common.sh"

# counts RESTORED BEFORE FAILED NAME: checks the counts of the last event
counts() {
	last_event "\"done\":$1,\"before\":$2,\"failed\":$3," "$4"
}

# as_single IN OUT NAME: the result has the same bits as that of restore
as_single() {
	"$LACUNA" restore -q $how "$1" -o single.tif -f && cmp single.tif "$2" >differs 2>&1
	tap_result $? "$3"
}

no_temporaries() {
	find "$1" -name '.lacuna-*.tmp' >left
	test ! -s left
	tap_result $? "$2"
	diag <left
}

mkdir -p in/deep/er in/.hidden
for i in 1 2 3 4; do
	make in/$i.tif 2$i
done
make in/deep/5.TIF 25
make in/deep/er/6.tiff 26
make in/.hidden/7.tif 27
"$maketiff" in/stack.tif uint16 24 20 3 3
echo text >in/notes.txt
cp in/1.tif in/picture.dat

# ---- a tree

ok "a tree is restored" batch in out1 $how --json
counts 7 0 0 "seven images: not what is hidden, nor what is no TIFF"
ok "directories are kept" test -f out1/deep/er/6.tiff
ok "names are kept" test -f out1/deep/5.TIF
as_single in/1.tif out1/1.tif "each as restore makes it"
as_single in/stack.tif out1/stack.tif "stacks, too"
ok "a contact sheet is written" grep -q '"path":"deep\\/er\\/6.tiff"' out1/batch.html
no_temporaries out1 "and nothing else"
ok "one at a time" batch in one $how -j1 -q
ok "three at a time" batch in three $how -j3 -q
same_text one/deep/er/6.tiff three/deep/er/6.tiff "make the same bits"
same_text one/stack.tif three/stack.tif "in stacks, too"

ok "other names" batch in -o named $how -q --include 'picture.*' --include 'deep/*.TIF' --suffix -r
ok "globs for names, and for paths" test -f named/picture-r.dat -a -f named/deep/5-r.TIF -a ! -f named/1-r.tif
ok "without some" batch in -o without $how -q --exclude deep --exclude '[12].tif' --no-html
ok "neither files nor directories of these names" test "`cd without && echo *`" = "3.tif 4.tif stack.tif"
ok "outputs within inputs" batch in in/restored $how --json -q
ok "... again" batch in in/restored $how --json -q
counts 0 7 0 "outputs are no inputs"
rm -rf in/restored
ok "two directories" batch in/deep/er in/deep -o two $how -q
ok "keep their names" test -f two/er/6.tiff -a -f two/deep/5.TIF
printf 'in/1.tif\nin/deep/5.TIF\n' >list
ok "a list" batch --list list -o listed $how -q
ok "keeps directories" test -f listed/in/deep/5.TIF
ok "a dry run" batch in -o dry $how --dry-run
contains out "in/deep/5.TIF -> dry/deep/5.TIF" "names what it would do"
ok "and does nothing" test ! -e dry

# Each of several processes that a launcher starts begins elsewhere.
begins() {
	env "$@" "$LACUNA" batch in -o dry $how --dry-run | sed -n '1s/ .*//p'
}
test "`begins OMPI_COMM_WORLD_SIZE=7 OMPI_COMM_WORLD_RANK=2`" = in/3.tif
tap_result $? "the third of seven begins with the third picture"
test "`begins PMI_SIZE=7 PMI_RANK=3`" = in/4.tif
tap_result $? "of another launcher, too"
test "`begins SLURM_ARRAY_TASK_COUNT=7 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_ID=11`" = in/2.tif
tap_result $? "an array of jobs may begin with any number"
for bad in 0/3 4/3 1 a/b; do
	fails 2 "--shard $bad" batch in -o dry $how --shard $bad
	two_lines batch "--shard $bad"
done
mkdir -p dots/a.b
cp in/1.tif dots/a.b/picture
ok "a dot in a directory" batch dots -o dots-out $how -q -j3 --include picture --suffix -r --json
matches out '"event":"begin".*"jobs":1' "one picture needs one process"
ok "is none of the name" test -f dots-out/a.b/picture-r

# ---- continuing a run

ok "once more" batch in out1 $how --json
counts 0 7 0 "what is done is not done again"
test "`grep -o '"path":"[^"]*","state":"done"' out1/batch.html | sort -u | wc -l`" -ge 7
tap_result $? "the sheet has what was done before"
matches out1/batch.html '"size":"21 x 24, uint8"' "width and height"
touch in/1.tif
ok "touched" batch in out1 $how --json
counts 0 7 0 "is not changed"
make in/1.tif 31
ok "another input" batch in out1 $how --json
counts 1 6 0 "is restored"
printf x >>out1/2.tif
rm out1/3.tif
ok "a damaged output, and a lost one" batch in out1 $how --json
counts 2 5 0 "are made again"
as_single in/2.tif out1/2.tif "as they were"
ok "another option" batch in out1 -A identity -p gaussian -n 0.03 --json
counts 7 0 0 "changes all"
rm -rf out1/.lacuna
ok "and back" batch in back $how -q

mkdir foreign
echo mine >foreign/1.tif
fails 1 "a file of somebody else's" batch in foreign $how --json
counts 6 0 1 "is a failure"
contains err "exists, and no batch has written it; --force replaces it" "that says so"
ok "and kept" grep -q mine foreign/1.tif
fails 1 "once more" batch in foreign $how --json
counts 0 6 1 "the same failure"
ok "and kept again" grep -q mine foreign/1.tif
ok "unless forced" batch in foreign $how --json --force
counts 1 6 0 "to be replaced"

mkdir sheet
echo mine >sheet/batch.html
fails 1 "a page of somebody else's" batch in sheet $how --json
contains err "sheet/batch.html: exists and is not a contact sheet; --force replaces it" "is refused"
ok "before any work" test "`ls -A sheet`" = batch.html
ok "and elsewhere there is room" batch in sheet $how -q --html page.html
ok "again" batch in sheet $how -q --html page.html
ok "it is kept" grep -q mine sheet/batch.html

# With --std each picture has two outputs.
how4="$how -k 4 --std --json"
ok "without a deviation" batch in dev $how -k 4 --json
ok "with one" batch in dev $how4
counts 7 0 0 "what is new to be written is"
ok "beside the result" test -f dev/deep/er/6.std.tiff -a -f dev/stack.std.tif
ok "once more" batch in dev $how4
counts 0 7 0 "all is done"
fails 2 "without samples for a curve" batch in dev9 -A gamma -n 0.02 -p gaussian --std
contains err "add --samples 8" "is refused"
ok "without samples for noise" batch in dev9 -A identity -n 0.02 -p gaussian --std --include 1.tif
ok "is written" test -f dev9/1.std.tif
rm dev/1.std.tif
ok "a lost deviation" batch in dev $how4
counts 1 6 0 "is made again"
mkdir dev2
echo mine >dev2/1.std.tif
fails 1 "one of somebody else's" batch in dev2 $how4
contains err "dev2/1.std.tif: exists, and no batch has written it" "is refused"
fails 1 "and again" batch in dev2 $how4
ok "and kept" grep -q mine dev2/1.std.tif
cp in/1.tif in/2.std.tif
fails 2 "two results of one name" batch in dev3 $how4
contains err "2.std.tif would be written by --std and by a picture of that name" "is refused"
rm in/2.std.tif

# A sharp picture declared as blurred is reported as doubtful, in this run and in the next.
mkdir sharp
"$maketiff" sharp/1.tif uint8 96 80 1 1
ok "a doubtful result" batch sharp sharp-out -A blur:sigma=3 -p gaussian --json
contains err "1 doubtful" "is counted"
fails 3 "done before" batch sharp sharp-out -A blur:sigma=3 -p gaussian --json --strict
counts 0 1 0 "it is not done again"
contains err "1 doubtful" "and is doubtful still"
: >sharp/empty.tif
fails 1 "beside a failure" batch sharp sharp-out -A blur:sigma=3 -p gaussian --json --strict
rm sharp/empty.tif
ok "quiet" batch sharp sharp-quiet -A blur:sigma=3 -p gaussian -q -v --no-html
test ! -s err
tap_result $? "nothing is said"

# ---- options of single files

mkdir -p conf/a
for i in 1 2 3; do
	make conf/a/$i.tif 2$i
done
cat >conf/lacuna.conf <<'END'
# for all
noise = 0.05
END
cat >conf/a/lacuna.conf <<'END'
[2*]
noise = 0.01
operator = mask:file={stem}-mask.tif
END
"$maketiff" conf/a/2-mask.tif uint8 22 24 1 1
ok "configurations" batch conf -o conf-out --exclude '*-mask.tif' -A identity -p gaussian --dry-run
contains out "conf/a/1.tif -> conf-out/a/1.tif  noise=0.05" "of a directory hold below it"
contains out "operator=mask:file=conf/a/2-mask.tif" "of a pattern for its files, with paths beside them"
cat >conf/a/lacuna.conf <<END
[2*]
noise = noise.tif
operator = mask:file="{stem}-mask.tif"
[3*]
noise = $tap_dir/noise.tif
operator = mask:file=$tap_dir/mask.tif
END
ok "paths" batch conf -o conf-out --exclude '*-mask.tif' -A identity -p gaussian --dry-run
contains out "noise=conf/a/noise.tif" "of noise are beside the configuration"
contains out 'operator=mask:file="conf/a/2-mask.tif"' "in quotes, too"
contains out "noise=$tap_dir/noise.tif" "absolute ones stay"
contains out "operator=mask:file=$tap_dir/mask.tif" "also those of operators"
mkdir -p plans/a plans/b
for i in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39; do
	: >plans/a/$i.tif
	: >plans/b/$i.tif
	printf '[%d.tif]\nnoise = 0.%d\n' $i $i
done >plans/lacuna.conf
ok "many options" batch plans -o plans-out -A identity -p gaussian --dry-run
test `sed -n 's/.*\/\([0-9]*\)\.tif  noise=0\.\1$/right/p' out | wc -l` -eq 60
tap_result $? "each file has its own"
printf 'file\tnoise\na/3.tif\t0.07\n2.tif\t0.08\n' >table.tsv
ok "a table" batch conf -o conf-out --exclude '*-mask.tif' -A identity -p gaussian --dry-run --table table.tsv
contains out "noise=0.07" "for a path"
contains out "noise=0.08" "for a name"
echo 'noize = 3' >>conf/lacuna.conf
fails 2 "a word that is no option" batch conf -o conf-out -A identity
contains err "conf/lacuna.conf: line 3: unknown option 'noize'; did you mean 'noise'?" "is named with its place"

mkdir masked
make masked/1.tif 22
cp conf/a/2-mask.tif hole.tif
ok "with a mask" batch masked -o masked-out -A mask:file=hole.tif,weights=yes -p gaussian -n 0.02 --json
"$maketiff" hole.tif uint8 22 24 1 1 constant
ok "with another of its name" batch masked -o masked-out -A mask:file=hole.tif,weights=yes -p gaussian -n 0.02 --json
counts 1 0 0 "all is restored again"

# Weights that a prior finds by itself count, though this prior has none.
mkdir -p weights/priors
for version in one two; do
	echo $version >weights/priors/photo-deviation.safetensors
	ok "weights $version" env LACUNA_DATA_PATH=$tap_dir/weights "$LACUNA" batch masked -o weighed $how --json
	counts 1 0 0 "weights $version: the picture is restored"
done
ok "weights two again" env LACUNA_DATA_PATH=$tap_dir/weights "$LACUNA" batch masked -o weighed $how --json
counts 0 1 0 "weights two again: it is not"

# The card of a stack shows its first page, before and after.
mkdir stacks
"$maketiff" stacks/even.tif uint8 48 40 1 2 constant
"$maketiff" stacks/wave.tif uint8 48 40 1 2
ok "cards" batch stacks cards -A identity -p gaussian -n 0.3
for name in even wave; do
	for side in before after; do
		grep -o '"path":"'$name'.tif".*' cards/batch.html | grep -o "\"$side\":\"data:[^\"]*\"" | head -n 1 | sed 's/.*data/data/' >$name-$side
	done
done
test `wc -c <even-before` -lt 300 -a `wc -c <wave-before` -gt 600
tap_result $? "the first page"
fails 1 "before and after" cmp wave-before wave-after

# ---- errors

mkdir bad
make bad/good.tif 24
: >bad/empty.tif
head -c 100 bad/good.tif >bad/cut.tif
echo 'no picture' >bad/text.tif
cp bad/good.tif bad/closed.tif
fails 1 "bad files" batch bad bad-out $how --json
for f in empty cut text; do
	contains err "lacuna: bad/$f.tif: " "$f.tif is named"
	! grep -q "bad/$f.tif: bad/$f.tif" err
	tap_result $? "$f.tif is named once"
done
ok "the others are restored" test -f bad-out/good.tif
ok "and nothing is written for the bad ones" test ! -e bad-out/cut.tif
contains bad-out/batch.html '"state":"failed"' "the sheet has them"
# A file name that is not valid UTF-8.
mkdir bytes
name=`printf 'b\351ton.tif'`
head -c 100 bad/good.tif >"bytes/$name"
cp bad/good.tif "bytes/good-$name"
fails 1 "a name of other bytes" batch bytes bytes-out $how --json
counts 1 0 1 "its failure is one"
ok "and its success one" test -f "bytes-out/good-$name" -a ! -e "bytes-out/$name"
fails 1 "once more" batch bytes bytes-out $how --json
counts 0 1 1 "as before"
fails 1 "at the first failure" batch bad bad-fast $how --fail-fast -j1 --json
contains err " left" "--fail-fast stops"
fails 1 "no input" batch nothing out2 $how
one_line "no input"
fails 2 "no output" batch $how
two_lines batch "no output"
fails 1 "an output that is a file" batch bad list $how
fails 1 "no picture" batch in/.hidden/no out2 $how
for f in 1 2; do mkdir -p same$f/x; make same$f/x/1.tif 24; done
fails 1 "one output for two" batch same1/x same2/x -o out2 $how
contains err "would have the same output" "says so"

# ---- plugins that fail

$CC -shared -fPIC -I"$abs_top_srcdir/include" "$abs_top_srcdir/tests/cli/trap.c" -o trap.so || exit 99
mkdir traps
for w in 24 33 25 34 26 35 27 36 28; do
	make traps/$w.tif $w
done
long=5
test -z "$LACUNA_SANITIZED" || long=15
fails 1 "traps" batch traps traps-out -A ./trap.so -p gaussian -n 0.02 --json --timeout $long --memory 300M -j2
counts 5 0 4 "cost only the images that spring them"
# AddressSanitizer turns a crash into an exit.
matches err 'traps/33.tif: \(crashed (signal 11\|a plugin ended\)' "a crash is named"
contains err "traps/34.tif: took longer than allowed" "a hang is named"
contains err "traps/35.tif: a plugin ended its process (exit status" "an exit is named"
contains err "traps/36.tif: " "a leak is named"
no_temporaries traps-out "no temporary is left of them"

# ---- repeated kill -9; Ctrl-C; two runs at once

mkdir many
for i in `seq 10 39`; do
	make many/$i.tif $i
done
: >many/empty.tif
batch many whole $how -q >/dev/null 2>&1
round=0
while test $round -lt 12; do
	batch many killed $how -j2 >/dev/null 2>&1 &
	pid=$!
	sleep 0.0`expr \( $round \* 7 + 2 \) % 10`
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	round=`expr $round + 1`
done
fails 1 "after being killed twelve times" batch many killed $how --json
counts "[0-9]*" "[0-9]*" 1 "all is done but the bad one"
(cd whole && ls *.tif) >pictures
same_files whole killed "the same bits as undisturbed" <pictures
fails 1 "... once more" batch many killed $how --json
counts 0 30 1 "nothing is left to do"
# A process killed while it waits for the disk exists until the disk answers.  A claim without an owner, of a process killed
# before it wrote its name, lasts two minutes, which pass here at once.
: >killed/.lacuna/claims/0123456789abcdef0123456789abcdef
find killed/.lacuna/claims -type f -size 0 -exec touch -d '3 minutes ago' {} +
round=0
while test $round -lt 40 -a -n "`find killed -name '.lacuna-*.tmp'; ls killed/.lacuna/claims`"; do
	sleep 0.5
	batch many killed $how -q >/dev/null 2>&1
	round=`expr $round + 1`
done
no_temporaries killed "no temporary is left"
ok "nor a claim" test -z "`ls killed/.lacuna/claims`"

batch many shared $how -j1 -q >/dev/null 2>&1 &
pid=$!
batch many shared $how -j1 -q >/dev/null 2>&1
wait $pid
cat shared/.lacuna/journal-*.jsonl | grep '"state":"done"' | sed 's/.*"path":"\([^"]*\)".*/\1/' | sort | uniq -c | awk '$1 > 1' >double
ok "two runs at once do nothing twice" test ! -s double -a `cat shared/.lacuna/journal-*.jsonl | grep -c '"state":"done"'` -eq 30
if unshare -u true 2>/dev/null; then
	for host in one two three; do
		unshare -u sh -c "hostname $host; exec '$LACUNA' batch many hosts $how -j1 -q" >/dev/null 2>&1 &
	done
	wait
	same_files whole hosts "three hosts make the same bits" <pictures
	ok "and nothing twice" test `cat hosts/.lacuna/journal-*.jsonl | grep -c '"state":"done"'` -eq 30
else
	skip "no other host names" "three hosts"
fi
for i in 1 2 3; do
	batch many sharded $how -q --shard $i/3 >/dev/null 2>&1
done
fails 1 "three shards" batch many sharded $how --json
counts 0 30 1 "are all"

endless="$LACUNA batch many stopped -A identity -n 0.1 -p gaussian -g prox -s ddpm --steps 100000 --progress -j2"
fails 130 "interrupted" "$interrupt" once $endless
no_temporaries stopped "no temporary is left"
ok "nor a claim" test -z "`ls stopped/.lacuna/claims`"

# ---- options that change

# other OPTIONS MORE...: with more options a picture that is done is done again, and then not once more
mkdir key
"$maketiff" key/a.tif uint8 32 24 1 2
other() {
	options=$1
	shift
	batch key keyed -A identity -p gaussian:mean=0.5,amplitude=0.2 $options -q >out 2>err
	ok "$options, then $*" batch key keyed -A identity -p gaussian:mean=0.5,amplitude=0.2 $options "$@" --json
	last_event '"done":1,"before":0' "is done again"
	ok "once more" batch key keyed -A identity -p gaussian:mean=0.5,amplitude=0.2 $options "$@" --json
	last_event '"done":0,"before":1' "is done"
}
for more in "--seed 5" "--samples 2" "--range 0:200" "--reject no" --fill --keep-missing "--size 32x24" "-t uint16" \
	"--pages 1" --own-noise --same-noise "-n 0.03" "-m fast" "-s gibbs" "-s hqs --steps 3"; do
	other "" $more
done
other "--samples 4" --independent
other "--pages 2" --only
other "-s ddpm --steps 3 -g prox" --samples 2

# ---- a plugin that changes

good="-shared -fPIC -I$abs_top_srcdir/include $abs_top_srcdir/tests/plugins/broken/good.c"
mkdir half
cp in/1.tif in/2.tif half
for manual in First. First. Second.; do
	$CC $good -DMANUAL="\"$manual\"" -o good.so || exit 99
	ok "with a plugin" batch half halved -A ./good.so -p gaussian -n 0.02 --json
	sed -n 's/.*"done":\([0-9]*\),"before":\([0-9]*\).*/\1 \2/p' out | tail -n 1 >>counted
done
printf '2 0\n0 2\n2 0\n' >expected
same_text counted expected "as long as the plugin is the same, nothing is done again"

# ---- an input that changes while it is restored

mkdir change
cp in/1.tif change/1.tif
"$LACUNA" batch change changed -A identity -p gaussian -g prox -s ddpm --steps 10000 -n 0.1 -q >changed.out 2>changed.err &
pid=$!
round=0
while test -z "`find changed -name '.lacuna-*.tmp' 2>/dev/null`" -a $round -lt 400; do
	sleep 0.02
	round=`expr $round + 1`
done
cp in/2.tif change/1.tif
wait $pid
ok "an input that changes meanwhile is a failure" test $? -eq 1
contains changed.err "1.tif: was changed while it was restored" "that says so"
ok "and is done the next time" "$LACUNA" batch change changed -A identity -p gaussian -n 0.1 -q
done_testing
