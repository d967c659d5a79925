# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 The Lacuna authors
#
# Failures: status 1, one line that names the file, nothing lost and nothing left behind.
. "$abs_top_srcdir/tests/cli/common.sh"
ok "picture" "$maketiff" in.tif uint16 48 40 1 1
mkdir outputs
o=outputs/o.tif
restore="$LACUNA restore -q -A identity -n 0.01 -p gaussian"

fails 1 "missing input" $restore none.tif -o $o
one_line "missing input"
contains err "none.tif: No such file" "missing input: reason"
echo "this is no picture" >text.tif
fails 1 "not a TIFF" $restore text.tif -o $o
one_line "not a TIFF"
contains err "text.tif" "not a TIFF: named"
dd if=in.tif of=short.tif bs=1 count=1500 2>/dev/null
fails 1 "truncated input" $restore short.tif -o $o
one_line "truncated input"
contains err "short.tif" "truncated input: named"
fails 1 "a file for a directory" $restore in.tif -o text.tif/o.tif
one_line "a file for a directory"
contains err "text.tif is not a directory" "a file for a directory: which"
: >empty.tif
fails 1 "empty input" $restore empty.tif -o $o
one_line "empty input"
fails 1 "missing mask" "$LACUNA" restore -q in.tif -o $o -A mask:file=none.tif -n 0 -p gaussian
contains err "none.tif" "missing mask: named"
ok "small mask" "$maketiff" small.tif uint8 20 20 1 1
fails 1 "mask of another size" "$LACUNA" restore -q in.tif -o $o -A mask:file=small.tif -n 0 -p gaussian
contains err "20x20" "mask of another size: the sizes"
fails 1 "missing page" $restore in.tif -o $o --pages 2
contains err "the file has 1" "missing page: how many there are"
fails 1 "reference of another size" $restore in.tif -o $o --reference small.tif
contains err "lacuna: small.tif: is 20x20" "reference of another size: the sizes"
cp in.tif plain-file
fails 1 "samples in a file" $restore in.tif -o $o -s ddpm --samples 2 --all-samples plain-file
contains err "plain-file: is not a directory" "samples in a file: what it is"
one_line "samples in a file"
ok "samples in a file: it stays" cmp in.tif plain-file
fails 1 "start image of another size" $restore in.tif -o $o --start small.tif
fails 1 "not enough memory" $restore in.tif -o $o --memory 20k
one_line "not enough memory"
contains err "raise --memory" "not enough memory: remedy"
printf '0.1 0.9\n0.8 0.2\n' >points.txt
ok "points, each measured alone" "$LACUNA" restore -q in.tif -o one.tif -A identity -n 0.1 -p empirical:file=points.txt -s ode -g exact --steps 2
fails 1 "points that the operator mixes" "$LACUNA" restore -q in.tif -o $o -A blur:sigma=1,boundary=periodic -n 0.004 \
	-p empirical:file=points.txt -s ode -g exact --steps 2
one_line "points that the operator mixes"
printf 'dim 2\ncomponent 1\nmean 0.5 0.5\nvar 0.1\n' >pairs.txt
fails 1 "vectors that the operator mixes" "$LACUNA" restore -q in.tif -o $o -A blur:sigma=1,boundary=periodic -n 0.004 \
	-p gmm:file=pairs.txt -s ode -g exact --steps 2
one_line "vectors that the operator mixes"
nothing_left outputs "failures"

# Output names are checked before any work.
ok "an output" $restore in.tif -o $o
cp $o kept.tif
fails 1 "existing output" $restore in.tif -o $o
contains err "lacuna: $o: exists; --force" "existing output: named once, remedy"
ok "existing output is untouched" cmp $o kept.tif
ok "--force" $restore in.tif -o $o --force
fails 1 "a directory" $restore in.tif -o outputs --force
fails 1 "no such directory" $restore in.tif -o nowhere/o.tif
one_line "no such directory"
fails 1 "a file in place of a directory" $restore in.tif -o in.tif/o.tif
one_line "a file in place of a directory"
cp in.tif copy.tif
ln -s copy.tif link.tif
for name in copy.tif ./copy.tif link.tif; do
	fails 1 "output = input as $name" $restore copy.tif -o $name --force
	contains err "--in-place" "output = input as $name: remedy"
done
ok "input is untouched" cmp in.tif copy.tif
ok "--in-place" $restore copy.tif --in-place
fails 1 "--in-place has replaced it" cmp in.tif copy.tif
ok "... by a picture" "$LACUNA" compare --max-nrmse 0.3 in.tif copy.tif
for option in --std --report; do
	fails 1 "existing $option" $restore in.tif -o o2.tif -s ddpm --steps 2 --samples 2 $option kept.tif
	contains err "kept.tif: exists" "existing $option: named"
	fails 1 "$option = output" $restore in.tif -o o2.tif -s ddpm --steps 2 --samples 2 $option o2.tif
done
mkdir singles
: >singles/sample-0002.tif
fails 1 "existing sample" $restore in.tif -o o2.tif -s ddpm --steps 2 --samples 2 --all-samples singles
contains err "sample-0002.tif: exists" "existing sample: named"
fails 1 "no output after these" test -e o2.tif
if test `id -u` -eq 0; then
	skip "root may write everywhere" "unwritable directory"
else
	mkdir locked
	chmod a-w locked
	fails 1 "unwritable directory" $restore in.tif -o locked/o.tif
	one_line "unwritable directory"
fi

# One file under two names, through a link to its directory.
mkdir house
ln -s house door
fails 1 "one file under two names" $restore in.tif -o house/o --report door/o
contains err "door/o: two outputs have this name" "one file under two names: said"
nothing_left house "one file under two names"

# What only the rename at the end would notice, and a name that is none.
ln -s nowhere link
fails 1 "a link to nothing" $restore in.tif -o link
contains err "link: is a symbolic link to nothing; --force replaces it" "a link to nothing: said"
# Nobody works for hours towards a file that may not be written: outputs are looked at before the input.
echo mine >kept
for how in "-o kept" "-o new.tif --report kept" "-o new.tif --std kept"; do
	fails 1 "$how: exists" "$LACUNA" restore absent.tif -A identity $how
	contains err "kept: exists; --force replaces it" "$how: is told before the input is looked at"
done
fails 1 "an output called -" $restore in.tif -o -
contains err "write ./- for one of this name" "an output called -: said"
fails 1 "a report called -" $restore in.tif -o o2.tif --report -
ok "./-" $restore in.tif -o ./-
ok "a link to nothing, by force" $restore in.tif -o link --force
test ! -L link && test ! -e o2.tif
tap_result $? "a link to nothing, by force: is a file"
rm -- ./- link

# --all-samples writes a file for each sample, and the number of open files is limited.
ok "more samples than files may be open" sh -c "ulimit -n 30 && exec $restore in.tif -o many.tif -s ddpm --steps 1 \
	--samples 40 --all-samples many"
test "`ls many | wc -l`" -eq 40
tap_result $? "more samples than files may be open: all are there"
ok "two pages" "$maketiff" pages.tif uint8 24 20 1 2
fails 1 "... of a stack" sh -c "ulimit -n 30 && exec $restore pages.tif -o p.tif -s ddpm --steps 1 --samples 40 \
	--all-samples stack"
contains err "ulimit -n" "... of a stack: said before any work"
test ! -e p.tif && test -z "`ls stack`"
tap_result $? "... of a stack: nothing is there"
rm -rf many.tif many stack

# The next run removes the temporary files of a killed run.
sh -c 'exit 0' &
gone=$!
wait $gone
mkdir here && cp in.tif here/
"$LACUNA" batch here -o here/out -A identity -n 0.01 -p gaussian -q
host=`ls here/out/.lacuna/journal-* | sed 's/.*journal-\(.*\)-[0-9]*-[0-9a-f]*.jsonl/\1/'`
rm -rf here
ok "another run" "$LACUNA" restore -q -A identity -n 0.01 -p gaussian in.tif -o stale.tif
: >.lacuna-$host-$gone-0.tmp
: >.lacuna-elsewhere-$gone-0.tmp
ok "the next run" $restore in.tif -o stale.tif --force
test ! -e .lacuna-$host-$gone-0.tmp
tap_result $? "the next run: the temporary of a dead process is gone"
test -e .lacuna-elsewhere-$gone-0.tmp
tap_result $? "the next run: that of another machine is not"
mkdir beside
: >beside/.lacuna-$host-$gone-0.tmp
ok "an output elsewhere" $restore in.tif -o beside/o.tif
ok "the temporary beside it is gone" test "`ls -A beside`" = o.tif
rm -rf .lacuna-elsewhere-$gone-0.tmp stale.tif beside
# A process id reused by another program counts as dead; one of another build of lacuna, or of a replaced binary, as alive.
mkdir other
cp "`command -v sleep`" other/lacuna
cp "`command -v sleep`" other/idle
other/lacuna 600 &
alive=$!
other/idle 600 &
stranger=$!
# Wait until the shell's children run these programs.
for pid in $alive $stranger; do
	while test -e /proc/$pid/exe && ! readlink /proc/$pid/exe | grep -q "/other/"; do sleep 0.05; done
done
: >.lacuna-$host-$alive-0.tmp
: >.lacuna-$host-$stranger-0.tmp
rm other/lacuna
ok "beside other processes" $restore in.tif -o stale.tif
test -e .lacuna-$host-$alive-0.tmp
tap_result $? "... the temporary of another lacuna stays"
test ! -e .lacuna-$host-$stranger-0.tmp
tap_result $? "... that of another program's number is gone"
kill $alive $stranger
wait $alive $stranger 2>/dev/null
rm -rf .lacuna-$host-$alive-0.tmp stale.tif other

# Writes that fail half-way: a limit on file size, a full disk.
rm -rf outputs
mkdir outputs
ok "a larger picture" "$maketiff" large.tif uint16 256 256 1 1
fails 1 "file too large" sh -c "trap '' XFSZ; ulimit -f 16; exec $restore large.tif -o $o --steps 1"
one_line "file too large"
nothing_left outputs "file too large"
if test -c /dev/full; then
	fails 1 "report on a full disk" $restore in.tif -o o3.tif --report /dev/full
	contains err "lacuna: /dev/full: No space left" "report on a full disk: reason"
	fails 1 "picture on a full disk" $restore large.tif -o /dev/full --steps 1
	one_line "picture on a full disk"
	for command in "list" "help" "help restore" "help operator mask" "--help" "--version" "restore --help" \
		"compare in.tif in.tif" "compare --json in.tif in.tif" "list --json"; do
		fails 1 "full disk: $command" sh -c "exec \"\$0\" $command >/dev/full" "$LACUNA"
		contains err "No space left" "full disk: $command: reason"
	done
else
	skip "no /dev/full" "full disk"
fi
# The output of a picture that only its owner can read has the same mode, also while it is being written.
cp in.tif private.tif
chmod 600 private.tif
ok "a private picture" $restore private.tif -o private-r.tif --steps 1
ok "stays private" test "`ls -l private-r.tif | cut -c1-10`" = -rw-------
ok "another" $restore in.tif -o public-r.tif --steps 1
ok "does not" test "`ls -l public-r.tif | cut -c1-10`" = "`ls -l in.tif | cut -c1-10`"
mkfifo fifo
for file in fifo /dev/zero; do
	fails 1 "kernel from $file" "$LACUNA" restore in.tif -o x.tif -A blur:psf=$file
	contains err "is not a regular file" "kernel from $file: refused"
	for prior in unet:weights gmm:file empirical:file; do
		"$LACUNA" help prior ${prior%:*} >/dev/null 2>&1 || continue
		fails 1 "$prior from $file" "$LACUNA" restore in.tif -o x.tif -A identity -n 0.01 -p $prior=$file
		contains err "$file: is not a regular file" "$prior from $file: refused"
	done
done
(ulimit -f 1; "$LACUNA" restore large.tif -o x.tif -A identity -p gaussian -f --steps 1 >out 2>err)
ok "a file that may not grow: no output" test ! -e x.tif -a -z "`find . -name '.lacuna-*'`"
mkdir disk
if mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
	fails 1 "full file system" $restore large.tif -o disk/o.tif --steps 1
	one_line "full file system"
	nothing_left disk "full file system"
	umount disk
else
	skip "cannot mount" "full file system"
fi
done_testing
